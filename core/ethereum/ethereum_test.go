package ethereum

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey/hdkeytest"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/keccak"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
	"imkey-connect/core/transport/transporttest"
)

func TestSignTransactions(t *testing.T) {
	for _, typ := range []Type{TypeLegacy, TypeAccessList, TypeDynamicFee, TypeSetCode} {
		for _, high := range []bool{false, true} {
			hosted(t, func(t *testing.T, d *imkey) {
				d.highS = high
				tx := everything(typ)
				tx.Data = bytes.Repeat([]byte{0xAB}, 1000)
				var announced []Summary
				var progress []int
				from := must(ParseAddress("0x6031564e7b2F5cc33737807b2E58DaFF870B590b"))
				by := Signer{Path: BIP44(0), From: &from, Progress: func(sent, total int) { progress = append(progress, sent, total) }}
				got, err := d.SignTransaction(t.Context(), by, tx, Ether, func(s Summary) {
					require.Zero(t, d.requests("5"), "announced before anything is sent")
					announced = append(announced, s)
				})
				require.NoError(t, err)

				key := d.wallet.derive(BIP44(0))
				want := must(tx.Signed(key.signature(must(tx.SignHash()))))
				require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(got.Raw))
				require.Equal(t, keccak.Sum256(want), got.Hash)
				require.Equal(t, from, got.From)
				require.False(t, got.Unbound)
				require.True(t, got.Summary.Blind)
				require.Equal(t, []Summary{got.Summary}, announced)
				described, digest, err := tx.Describe(Ether)
				require.NoError(t, err)
				require.Equal(t, got.Summary, described)
				require.Equal(t, must(tx.SignHash()), digest)
				_, sig, err := ParseTransaction(got.Raw)
				require.NoError(t, err)
				require.Equal(t, got.Signature, *sig)

				if typ == TypeLegacy || typ == TypeDynamicFee {
					require.Equal(t, []string{got.Summary.Payment, got.Summary.Receiver, got.Summary.Fee}, d.screen)
					require.Equal(t, 0, d.requests("54")+d.requests("55"))
				} else {
					require.Empty(t, d.screen)
					require.Equal(t, 0, d.requests("51")+d.requests("52"))
				}
				total := progress[1]
				require.Equal(t, []int{0, total, 245, total, 490, total, 735, total, 980, total}, progress[:10])
				require.Equal(t, []int{total, total}, progress[len(progress)-2:])
			})
		}
	}
}

// P1 marks the first chunk, P2 the last one. All chunks but the last are full.
func TestChunks(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		for _, n := range []int{0, 1, 100, 245, 1000, 65000, maxData - len("\x19Ethereum Signed Message:\n65505")} {
			before := len(d.Sent())
			message := bytes.Repeat([]byte{'m'}, n)
			got, err := d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, message)
			require.NoError(t, err, "%d bytes", n)
			require.Equal(t, HashMessage(message), got.Digest)
			var chunks []string
			for _, cmd := range d.Sent()[before:] {
				if strings.HasPrefix(cmd, "8054") {
					chunks = append(chunks, cmd)
				}
			}
			for i, c := range chunks {
				p1, p2, lc := "80", "00", "F5"
				if i == 0 {
					p1 = "00"
				}
				if i == len(chunks)-1 {
					p2, lc = "80", c[8:10]
				}
				require.Equal(t, "8054"+p1+p2+lc, c[:10])
			}
		}
		_, err := d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, make([]byte, maxData-20))
		requireInvalid(t, "data", err)
	})
}

func TestSignMessageAndTypedData(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		by := Signer{Path: LedgerLive(3)}
		key := d.wallet.derive(by.Path)
		got, err := d.SignMessage(t.Context(), by, []byte("hello"))
		require.NoError(t, err)
		require.Equal(t, key.signature(HashMessage([]byte("hello"))).Bytes(), got.Signature)
		require.Equal(t, AddressOf(key.public()), got.From)
		require.False(t, got.Blind)
		require.False(t, got.Unbound)

		typed, err := HashTypedData(edgeCases(t)[0].Document, V4)
		require.NoError(t, err)
		got, err = d.SignTypedData(t.Context(), by, typed)
		require.NoError(t, err)
		require.Equal(t, key.signature(typed.Digest()).Bytes(), got.Signature)
		require.True(t, got.Blind)
		from, err := Signature{[32]byte(got.Signature[:32]), [32]byte(got.Signature[32:]), got.Signature[64] - 27}.Recover(typed.Digest())
		require.NoError(t, err)
		require.Equal(t, got.From, from)
	})
}

func TestAccounts(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		a, err := d.Account(t.Context(), BIP44(0), true)
		require.NoError(t, err)
		require.Equal(t, []string{"6031564e7b2F5cc33737807b2E58DaFF870B590b"}, d.screen)
		require.Equal(t, "0x6031564e7b2F5cc33737807b2E58DaFF870B590b", a.Address.String())

		// A list takes one answer of the device, and has the same accounts as single calls.
		before := d.requests("53")
		list, err := d.Accounts(t.Context(), must(hdpath.Parse("m/44'/60'/0'/0")), 0, 20)
		require.NoError(t, err)
		require.Equal(t, 1, d.requests("53")-before)
		for i, want := range list {
			got, err := d.Account(t.Context(), BIP44(uint32(i)), false)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		list, err = d.Accounts(t.Context(), must(hdpath.Parse("m/44'/60'/0'")), hdpath.Hardened-1, 1)
		require.NoError(t, err)
		require.Equal(t, Legacy(hdpath.Hardened-1), list[0].Path)
		for _, c := range []struct {
			first uint32
			count int
		}{{0, 0}, {0, -1}, {0, MaxAccounts + 1}, {hdpath.Hardened - 1, 2}, {hdpath.Hardened, 1}} {
			_, err := d.Accounts(t.Context(), BIP44(0), c.first, c.count)
			requireInvalid(t, "count", err)
		}
		_, err = d.Accounts(t.Context(), make(hdpath.Path, hdpath.MaxDepth), 0, 1)
		requireInvalid(t, "path", err)

		key, err := d.ExtendedKey(t.Context(), must(hdpath.Parse("m/44'/60'/0'/0")))
		require.NoError(t, err)
		child, err := key.Child(5)
		require.NoError(t, err)
		direct, err := d.ExtendedKey(t.Context(), BIP44(5))
		require.NoError(t, err)
		require.Equal(t, direct.String(), child.String())
		top, err := d.ExtendedKey(t.Context(), hdpath.Path{44 | hdpath.Hardened})
		require.NoError(t, err)
		require.Equal(t, byte(1), top.Depth)
	})
}

// Nothing is sent for a bad argument.
func TestBadArgumentsCauseNoTraffic(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		before := len(d.Packets())
		ctx, by := t.Context(), Signer{Path: BIP44(0)}
		bad := everything(TypeDynamicFee)
		bad.ChainID = nil
		long := everything(TypeDynamicFee)
		long.Data = make([]byte, maxData)
		for at, err := range map[string]error{
			"transaction": second(d.SignTransaction(ctx, by, nil, Ether, nil)),
			"chainId":     second(d.SignTransaction(ctx, by, bad, Ether, nil)),
			"symbol":      second(d.SignTransaction(ctx, by, everything(TypeLegacy), Native{}, nil)),
			"data":        second(d.SignTransaction(ctx, by, long, Ether, nil)),
			"path":        second(d.SignTransaction(ctx, Signer{}, everything(TypeLegacy), Ether, nil)),
			"path ":       second(d.SignMessage(ctx, Signer{Path: make(hdpath.Path, 11)}, nil)),
			"typed data":  second(d.SignTypedData(ctx, by, nil)),
			"path  ":      second(d.Account(ctx, nil, true)),
			"path   ":     second(d.Accounts(ctx, nil, 0, 1)),
			"path    ":    second(d.ExtendedKey(ctx, nil)),
		} {
			requireInvalid(t, strings.TrimSpace(at), err)
		}
		require.Len(t, d.Packets(), before)
	})
}

func second[T any](_ T, err error) error { return err }

func TestForeignFrom(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		_, err := d.SignMessage(t.Context(), Signer{Path: BIP44(0), From: &someone}, []byte("x"))
		requireInvalid(t, "from", err)
		require.Equal(t, ForeignFrom, err.(*errcode.Error).Data["reason"])
		require.Zero(t, d.requests("54"))
	})
}

// Whatever a device or an attacker in between answers, only the account's signature over the request is returned.
func TestAnswersAreChecked(t *testing.T) {
	stranger := must(decred.GeneratePrivateKey())
	flip := func(i int) func([]byte) []byte {
		return func(b []byte) []byte { b = bytes.Clone(b); b[(i+len(b))%len(b)] ^= 1; return b }
	}
	for name, c := range map[string]struct {
		ins    byte
		change func([]byte) []byte
	}{
		"another public key":        {insPublicKey, flip(10)},
		"another chain code":        {insPublicKey, flip(70)},
		"another key's signature":   {insPublicKey, flip(-1)},
		"no signature over the key": {insPublicKey, func(b []byte) []byte { return b[:97] }},
		"a truncated key":           {insPublicKey, func(b []byte) []byte { return b[:50] }},
		"no key":                    {insPublicKey, func(b []byte) []byte { return nil }},
		"another r":                 {insSignMessage, flip(5)},
		"another s":                 {insSignMessage, flip(40)},
		"the other recovery id":     {insSignMessage, flip(65)},
		"a recovery id of 2":        {insSignMessage, func(b []byte) []byte { b[65] += 2; return b }},
		"another length byte":       {insSignMessage, flip(0)},
		"a short signature":         {insSignMessage, func(b []byte) []byte { return b[:65] }},
		"a long signature":          {insSignMessage, func(b []byte) []byte { return append(b, 0) }},
		"nothing":                   {insSignMessage, func([]byte) []byte { return nil }},
		"zeros":                     {insSignMessage, func(b []byte) []byte { return append([]byte{0x41}, make([]byte, 65)...) }},
		"a signature by an unknown key": {insSignMessage, func([]byte) []byte {
			return append([]byte{0x41}, node{hdkeytest.Key{Private: stranger}}.sign(HashMessage([]byte("x")), false)...)
		}},
		"a signature over another text": {insSignMessage, func([]byte) []byte {
			return append([]byte{0x41}, testWallet().derive(BIP44(0)).sign(HashMessage([]byte("y")), false)...)
		}},
		"another account's signature": {insSignMessage, func([]byte) []byte {
			return append([]byte{0x41}, testWallet().derive(BIP44(1)).sign(HashMessage([]byte("x")), false)...)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			hosted(t, func(t *testing.T, d *imkey) {
				d.tamper[c.ins] = c.change
				got, err := d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte("x"))
				require.ErrorIs(t, err, errcode.Protocol)
				require.Nil(t, got)
				delete(d.tamper, c.ins)
				_, err = d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte("x"))
				require.NoError(t, err, "the next request succeeds")
			})
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		ins  byte
		sw   string
		want errcode.Code
	}{
		{insPublicKey, "F081", errcode.Locked}, {insPublicKey, "F000", errcode.WalletMissing}, {insPublicKey, "F080", errcode.InMenu},
		{insPublicKey, "6D00", errcode.UnsupportedMethod}, {insPrepareMessage, "6940", errcode.UserRejected}, {insPrepareMessage, "6942", errcode.BoundElsewhere},
		{insPrepareMessage, "6A80", errcode.Internal}, {insPrepareMessage, "6700", errcode.Internal}, {insSignMessage, "6985", errcode.Protocol},
		{insSignMessage, "6940", errcode.UserRejected}, {insSignMessage, "6942", errcode.BoundElsewhere},
	} {
		hosted(t, func(t *testing.T, d *imkey) {
			d.lost[c.ins] = unhex(t, c.sw)
			_, err := d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte("x"))
			require.ErrorIs(t, err, c.want, c.sw)
			require.NotZero(t, err.(*errcode.Error).StatusWord)
		})
	}
	hosted(t, func(t *testing.T, d *imkey) {
		d.lost[insShowAddress] = unhex(t, "6940")
		_, err := d.Account(t.Context(), BIP44(0), true)
		require.ErrorIs(t, err, errcode.UserRejected)
		d.Answer(selectEthereum, "6A82")
		_, err = d.Account(t.Context(), BIP44(0), false)
		require.ErrorIs(t, err, errcode.AppletMissing)
	})
}

func TestBinder(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		before := len(d.Sent())
		for _, code := range []errcode.Code{errcode.NotBound, errcode.BoundElsewhere, errcode.UntrustedDevice} {
			d.use(signing.BinderFunc(func(context.Context, *device.Session) (signing.Keys, error) { return signing.Keys{}, code }))
			_, err := d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte("x"))
			require.ErrorIs(t, err, code)
		}
		require.Len(t, d.Sent(), before)

		// Keys without an app key do not lead to an empty binding signature.
		d.use(signing.BinderFunc(func(context.Context, *device.Session) (signing.Keys, error) {
			return signing.Keys{SE: secp256k1.PublicKey(d.se.PubKey().SerializeUncompressed())}, nil
		}))
		_, err := d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte("x"))
		require.ErrorIs(t, err, errcode.Internal)
		require.Zero(t, d.requests("54"))

		// A device that is bound to another app refuses this app's key.
		d.use(signing.BinderFunc(func(context.Context, *device.Session) (signing.Keys, error) {
			return signing.Keys{App: secp256k1.PrivateKey{31: 7}, SE: secp256k1.PublicKey(d.se.PubKey().SerializeUncompressed())}, nil
		}))
		_, err = d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte("x"))
		require.ErrorIs(t, err, errcode.BoundElsewhere)

		// With Unbound the signature is empty, and this device refuses it.
		d.use(signing.Unbound(secp256k1.PublicKey(d.se.PubKey().SerializeUncompressed())))
		_, err = d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte("x"))
		require.ErrorIs(t, err, errcode.NotBound)
	})
}

// The caller gives up while the device waits for the user. Afterwards the device is idle and has dropped the request.
func TestCancelWhileTheUserDecides(t *testing.T) {
	for _, ins := range []byte{insPrepareMessage, insSignMessage, insPublicKey} {
		hosted(t, func(t *testing.T, d *imkey) {
			d.lost[ins] = nil
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error, 1)
			go func() {
				_, err := d.SignMessage(ctx, Signer{Path: BIP44(0)}, []byte("x"))
				failed <- err
			}()
			synctest.Wait()
			cancel()
			require.ErrorIs(t, <-failed, errcode.Aborted)
			if ins != insPublicKey {
				sent := d.Sent()
				require.Equal(t, selectEthereum, sent[len(sent)-1], "SELECT makes the device drop the request")
			}
			delete(d.lost, ins)
			_, err := d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte("x"))
			require.NoError(t, err)
		})
	}
}

// The user has four minutes, even if the device is silent meanwhile.
func TestUserTimeout(t *testing.T) {
	by := Signer{Path: BIP44(0)}
	for ins, ask := range map[byte]func(context.Context, *imkey) error{
		0x51: func(ctx context.Context, d *imkey) error {
			return second(d.SignTransaction(ctx, by, everything(TypeLegacy), Ether, nil))
		},
		0x52: func(ctx context.Context, d *imkey) error {
			return second(d.SignTransaction(ctx, by, everything(TypeLegacy), Ether, nil))
		},
		0x54: func(ctx context.Context, d *imkey) error { return second(d.SignMessage(ctx, by, []byte("x"))) },
		0x55: func(ctx context.Context, d *imkey) error { return second(d.SignMessage(ctx, by, []byte("x"))) },
		0x56: func(ctx context.Context, d *imkey) error { return second(d.Account(ctx, BIP44(0), true)) },
	} {
		t.Run(strconv.FormatInt(int64(ins), 16), func(t *testing.T) {
			hosted(t, func(t *testing.T, d *imkey) {
				d.lost[ins] = nil
				start := time.Now()
				require.ErrorIs(t, ask(t.Context(), d), errcode.Timeout)
				require.GreaterOrEqual(t, time.Since(start), 240*time.Second)
				require.Less(t, time.Since(start), 250*time.Second)
				require.Positive(t, d.requests(strconv.FormatInt(int64(ins), 16)), "this command was not answered")
			})
		})
	}
}

func TestUnpluggedWhileTheUserDecides(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		d.lost[insPrepareMessage] = nil
		failed := make(chan error, 1)
		go func() { failed <- second(d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte("x"))) }()
		synctest.Wait()
		d.Unplug()
		require.ErrorIs(t, <-failed, errcode.DeviceDisconnected)
	})
}

// Another secure element than that of the binding signed the public key.
func TestAnotherSecureElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plugged(t, nil, func(table *transporttest.Table, dev *device.Device) {
			table.Answer(selectEthereum, "9000")
			table.Answer("8053", vectors.Sessions[0].Exchanges[1].Rsp)
			stranger := must(decred.GeneratePrivateKey())
			e := New(dev, signing.Unbound(secp256k1.PublicKey(stranger.PubKey().SerializeUncompressed())))
			_, err := e.Account(t.Context(), BIP44(0), false)
			require.ErrorIs(t, err, errcode.Protocol)
		})
	})
}

func TestManyAtOnce(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		failed := make(chan error, 20)
		for i := range 20 {
			go func() {
				message := big.NewInt(int64(i)).Append(nil, 10)
				got, err := d.SignMessage(t.Context(), Signer{Path: BIP44(uint32(i))}, message)
				if err == nil && got.Signature != d.wallet.derive(BIP44(uint32(i))).signature(HashMessage(message)).Bytes() {
					err = errors.New("another request's signature")
				}
				failed <- err
			}()
		}
		for range 20 {
			require.NoError(t, <-failed)
		}
	})
}
