package signing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/transport/transporttest"
)

// coin is the applet of an invented coin.
const (
	coin       = device.Applet("coin")
	selectCoin = "00A4040006695F636F696E00"
)

var (
	app = secp256k1.PrivateKey(bytes.Repeat([]byte{7}, 32))
	se  = decred.PrivKeyFromBytes(bytes.Repeat([]byte{8}, 32))
)

func sePublic() secp256k1.PublicKey {
	return secp256k1.PublicKey(se.PubKey().SerializeUncompressed())
}

func bound(context.Context, *device.Session) (Keys, error) {
	return Keys{App: app, SE: sePublic()}, nil
}

// plugged runs a test in fake time with the coin's applet on a device that answers what the test adds to table.
func plugged(t *testing.T, b Binder, test func(t *testing.T, table *transporttest.Table, a *Applet)) {
	synctest.Test(t, func(t *testing.T) {
		table := transporttest.NewTable()
		defer table.Unplug()
		table.Answer("00A4040000", "9000")
		table.Answer("80CB800005DFFF028101", "190600000002008600010100000000149000")
		table.Answer("80CA004400", "696D4B657930313139313230303030319000")
		table.Answer(selectCoin, "9000")
		go table.Play(t.Context())
		dev, err := device.Open(t.Context(), table, nil)
		require.NoError(t, err)
		test(t, table, New(dev, coin, b))
	})
}

// The app key is in memory for the length of the operation only.
func TestKeysAreWiped(t *testing.T) {
	plugged(t, BinderFunc(bound), func(t *testing.T, _ *transporttest.Table, a *Applet) {
		var seen *Session
		for _, want := range []error{nil, errcode.UserRejected} {
			err := a.Do(t.Context(), func(s *Session) error {
				require.Equal(t, app, s.keys.App)
				seen = s
				return want
			})
			require.Equal(t, want, err)
			require.Zero(t, seen.keys.App)
		}
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", Keys{App: app}, Keys{App: app}, Keys{App: app}), hex.EncodeToString(app[:4]))
	})
}

func TestDoSelectsTheApplet(t *testing.T) {
	plugged(t, BinderFunc(bound), func(t *testing.T, table *transporttest.Table, a *Applet) {
		before := len(table.Sent())
		require.NoError(t, a.Do(t.Context(), func(s *Session) error { return nil }))
		require.Equal(t, []string{selectCoin}, table.Sent()[before:])
		table.Answer(selectCoin, "6A82")
		err := a.Do(t.Context(), func(*Session) error { return errors.New("not reached") })
		require.ErrorIs(t, err, errcode.AppletMissing)
	})
	refuses := BinderFunc(func(context.Context, *device.Session) (Keys, error) { return Keys{}, errcode.NotBound })
	plugged(t, refuses, func(t *testing.T, table *transporttest.Table, a *Applet) {
		before := len(table.Sent())
		require.ErrorIs(t, a.Do(t.Context(), func(*Session) error { return nil }), errcode.NotBound)
		require.Len(t, table.Sent(), before, "nothing is sent")
	})
}

func TestBindingField(t *testing.T) {
	plugged(t, BinderFunc(bound), func(t *testing.T, _ *transporttest.Table, a *Applet) {
		require.NoError(t, a.Do(t.Context(), func(s *Session) error {
			field, err := s.BindingField([]byte("body"), []byte{0})
			require.NoError(t, err)
			require.Equal(t, []byte{0x00, byte(len(field) - 2)}, field[:2])
			signature, err := ecdsa.ParseDERSignature(field[2:])
			require.NoError(t, err)
			sum := sha256.Sum256([]byte("body"))
			sum = sha256.Sum256(sum[:])
			require.True(t, signature.Verify(sum[:], decred.PrivKeyFromBytes(app[:]).PubKey()))
			require.False(t, s.Unbound())
			require.ErrorIs(t, s.Check(apdu.SignatureFailed, "sign"), errcode.BoundElsewhere)
			return nil
		}))
	})
	plugged(t, Unbound(sePublic()), func(t *testing.T, _ *transporttest.Table, a *Applet) {
		require.NoError(t, a.Do(t.Context(), func(s *Session) error {
			field, err := s.BindingField([]byte("body"), []byte{1, 0})
			require.NoError(t, err)
			require.Equal(t, []byte{0, 1, 0}, field)
			require.True(t, s.Unbound())
			require.ErrorIs(t, s.Check(apdu.SignatureFailed, "sign"), errcode.NotBound)
			require.ErrorIs(t, s.Check(apdu.Rejected, "sign"), errcode.UserRejected)
			require.NoError(t, s.Check(apdu.OK, "sign"))
			return nil
		}))
	})
	// Keys without an app key are a mistake of the binder, not a request without a binding.
	zero := BinderFunc(func(context.Context, *device.Session) (Keys, error) { return Keys{SE: sePublic()}, nil })
	plugged(t, zero, func(t *testing.T, _ *transporttest.Table, a *Applet) {
		require.ErrorIs(t, a.Do(t.Context(), func(s *Session) error {
			_, err := s.BindingField([]byte("body"), []byte{0})
			return err
		}), errcode.Internal)
	})
}

func TestAttested(t *testing.T) {
	plugged(t, BinderFunc(bound), func(t *testing.T, _ *transporttest.Table, a *Applet) {
		require.NoError(t, a.Do(t.Context(), func(s *Session) error {
			answer := []byte("an answer")
			digest := sha256.Sum256(answer)
			signed := append(bytes.Clone(answer), ecdsa.Sign(se, digest[:]).Serialize()...)
			got, err := s.Attested(signed, len(answer))
			require.NoError(t, err)
			require.Equal(t, answer, got)
			stranger := append(bytes.Clone(answer), ecdsa.Sign(decred.PrivKeyFromBytes(app[:]), digest[:]).Serialize()...)
			for name, err := range map[string]error{
				"another length":       second(s.Attested(signed, len(answer)-1)),
				"no signature":         second(s.Attested(answer, len(answer))),
				"a truncated answer":   second(s.Attested(answer[:3], len(answer))),
				"another key":          second(s.Attested(stranger, len(answer))),
				"no answer":            second(s.Attested(nil, len(answer))),
				"a changed first byte": second(s.Attested(append([]byte{0}, signed[1:]...), len(answer))),
			} {
				require.ErrorIs(t, err, errcode.Protocol, name)
			}
			return nil
		}))
	})
}

// A coin chooses the form of its commands; the answer to the last chunk comes back.
func TestSend(t *testing.T) {
	plugged(t, BinderFunc(bound), func(t *testing.T, table *transporttest.Table, a *Applet) {
		data := bytes.Repeat([]byte{0xAB}, 2*ChunkSize+1)
		for name, c := range map[string]struct {
			command func(Chunk) apdu.Command
			want    []string
		}{
			"the common form": {Chunks(0x81), []string{"80810000F5", "80818000F5", "8081808001"}},
			"a form of its own": {func(c Chunk) apdu.Command {
				cmd := apdu.Command{CLA: 0x80, INS: 0x41, Data: c.Data}
				if c.Last {
					cmd.P2 = 0x80
				}
				return cmd
			}, []string{"80410000F5", "80410000F5", "8041008001"}},
		} {
			table.Answer("80", "9000")
			table.Answer(c.want[2], "CAFE9000")
			before := len(table.Sent())
			var progress []int
			require.NoError(t, a.Do(t.Context(), func(s *Session) error {
				resp, err := s.Send(t.Context(), Payload{Op: "prepare", Command: c.command, Data: data,
					Progress: func(sent, total int) { progress = append(progress, sent) }})
				require.Equal(t, []byte{0xCA, 0xFE}, resp.Data)
				return err
			}))
			sent := table.Sent()[before+1:]
			require.Len(t, sent, 3)
			for i, want := range c.want {
				require.Equal(t, want, sent[i][:10], name)
			}
			require.Equal(t, []int{0, ChunkSize, 2 * ChunkSize, len(data)}, progress)
		}
		table.Answer("80818000", "6A80")
		err := a.Do(t.Context(), func(s *Session) error {
			_, err := s.Send(t.Context(), Payload{Op: "prepare", Command: Chunks(0x81), Data: data})
			return err
		})
		require.ErrorIs(t, err, errcode.Internal)
		require.NotEqual(t, "80818080", table.Sent()[len(table.Sent())-1][:8], "nothing is sent after a refused chunk")
	})
}

func TestDrop(t *testing.T) {
	plugged(t, BinderFunc(bound), func(t *testing.T, table *transporttest.Table, a *Applet) {
		ctx, stop := context.WithCancel(t.Context())
		before := len(table.Sent())
		require.NoError(t, a.Do(t.Context(), func(s *Session) error {
			s.Drop(ctx)
			require.Len(t, table.Sent(), before+1, "the caller still wants the request")
			stop()
			s.Drop(ctx)
			require.Equal(t, []string{selectCoin, selectCoin}, table.Sent()[before:])
			return nil
		}))
	})
}

func TestCheckSignature(t *testing.T) {
	key, other := decred.PrivKeyFromBytes([]byte{1}), decred.PrivKeyFromBytes([]byte{2})
	digest := sha256.Sum256([]byte("a request"))
	compact := ecdsa.SignCompact(key, digest[:], false)
	low := Signature{[32]byte(compact[1:33]), [32]byte(compact[33:]), compact[0] - 27}
	var s decred.ModNScalar
	s.SetByteSlice(low.S[:])
	high := Signature{low.R, s.Negate().Bytes(), low.YParity ^ 1}
	public := secp256k1.PublicKey(key.PubKey().SerializeUncompressed())
	for _, raw := range []Signature{low, high} {
		got, err := CheckSignature(public, digest, raw)
		require.NoError(t, err)
		require.Equal(t, low, got)
		for name, err := range map[string]error{
			"the other recovery id": second(CheckSignature(public, digest, Signature{raw.R, raw.S, raw.YParity ^ 1})),
			"another key":           second(CheckSignature(secp256k1.PublicKey(other.PubKey().SerializeUncompressed()), digest, raw)),
			"another digest":        second(CheckSignature(public, sha256.Sum256(nil), raw)),
			"zero":                  second(CheckSignature(public, digest, Signature{})),
		} {
			require.ErrorIs(t, err, errcode.Protocol, name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
