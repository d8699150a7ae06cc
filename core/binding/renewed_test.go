package binding

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/bindcode"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// keepNext puts a bound record into the store, whose attempt with another key was interrupted.
func (h *host) keepNext() *Record {
	h.t.Helper()
	r := h.keep(Bound)
	next, err := secp256k1.Generate(bytes.NewReader(bytes.Repeat([]byte{9}, 4096)))
	require.NoError(h.t, err)
	r.Next, r.HasNext = next, true
	r.NextCode, r.HasNextCode = bindcode.Code([]byte(code)), true
	require.NoError(h.t, save(h.t.Context(), h.store, r))
	h.store.puts = nil
	return r
}

// boundTo makes the device say that it is bound to one key.
func (h *host) boundTo(key secp256k1.PublicKey, certificate []byte) {
	h.On(bindCheck, func(cmd []byte) []byte {
		status := BoundElsewhere
		if bytes.Equal(cmd[5:70], key[:]) {
			status = BoundToThis
		}
		return slices.Concat([]byte{byte(status)}, certificate, []byte{0x90, 0})
	})
}

// TestTheNextKeyBecomesTheAppKey has a device say that it is bound to the key of an interrupted attempt.
func TestTheNextKeyBecomesTheAppKey(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		r := h.keepNext()
		time.Sleep(time.Hour)
		h.boundTo(r.Next.Public(), genuine)
		h.requireStatus(BoundToThis)
		after := h.record()
		require.Equal(t, r.Next, after.App)
		require.Equal(t, r.NextCode, after.Code)
		require.Equal(t, []any{true, false, Bound, now()}, []any{after.HasCode, after.HasNext, after.State, after.BoundAt})
		h.requireStatus(BoundToThis)
	})
}

// TestTheNextKeyIsDropped has a device say that it is bound to the old key.
func TestTheNextKeyIsDropped(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		r := h.keepNext()
		h.boundTo(r.App.Public(), genuine)
		h.requireStatus(BoundToThis)
		after := h.record()
		require.Equal(t, r.App, after.App)
		require.Equal(t, []any{false, false, Bound}, []any{after.HasNext, after.HasCode, after.State})
	})
}

// TestTheNextKeyStays: an answer without a valid certificate, another secure element and a store that fails change nothing.
func TestTheNextKeyStays(t *testing.T) {
	other := attestationtest.New(seid, otherSE.Public()).Sign(ca)
	for name, c := range map[string]struct {
		certificate []byte
		fail        error
		want        errcode.Code
	}{
		"malformed certificate":  {[]byte{1, 2, 3}, nil, errcode.UntrustedDevice},
		"another secure element": {other, nil, errcode.DeviceMismatch},
		"no room":                {genuine, errcode.New(errcode.StorageFull, "full"), errcode.StorageFull},
	} {
		t.Run(name, func(t *testing.T) {
			hosted(t, func(t *testing.T, h *host) {
				r := h.keepNext()
				h.boundTo(r.Next.Public(), c.certificate)
				h.store.fail = func(*Record) error { return c.fail }
				_, err := h.status()
				requireCode(t, c.want, err)
				require.Equal(t, r, h.record())
			})
		})
	}
}

// TestARefusalDropsTheNextKey has the device refuse an attempt after an interrupted one. The same next key is used again.
func TestARefusalDropsTheNextKey(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		r := h.keepNext()
		h.says(BoundElsewhere, genuine)
		h.On(verify, func(cmd []byte) []byte {
			next := r.Next.Public()
			require.Equal(t, next[:], cmd[5:70])
			require.Equal(t, r.Next, h.record().Next)
			require.False(t, h.record().HasNextCode, "the code is not to be kept")
			return []byte{0xA5, 0x90, 0}
		})
		requireCode(t, errcode.WrongCode, h.bind(BindOptions{}))
		after := h.record()
		require.Equal(t, r.App, after.App)
		require.Equal(t, []any{false, false, Former}, []any{after.HasNext, after.HasNextCode, after.State})
	})
}

// TestErrorsOfTheStoreAndTheDevice: an operation ends with the error of the step that failed.
func TestErrorsOfTheStoreAndTheDevice(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.keep(Bound)
		h.says(BoundElsewhere, genuine)
		h.store.fail = func(r *Record) error {
			if r.HasNext {
				return errcode.New(errcode.StorageFull, "full")
			}
			return nil
		}
		requireCode(t, errcode.StorageFull, h.bind(BindOptions{}))
		require.Zero(t, h.verifies(), "a key that is not stored is not sent")
	})
	hosted(t, func(t *testing.T, h *host) {
		h.keep(Bound)
		h.Answer(bindCheck, "F081")
		for _, err := range []error{h.ShowCode(t.Context()), h.bind(BindOptions{})} {
			requireCode(t, errcode.Locked, err)
		}
	})
	hosted(t, func(t *testing.T, h *host) {
		h.Answer(bindCheck, "00"+"9000") // no certificate: the next command reads it
		h.Answer(readCertificate, "F081")
		_, err := h.status()
		requireCode(t, errcode.Locked, err)
	})
	hosted(t, func(t *testing.T, h *host) {
		h.store.fail = func(*Record) error { return errcode.New(errcode.StorageFull, "full") }
		_, err := h.status()
		requireCode(t, errcode.StorageFull, err)
		require.Empty(t, h.store.puts)
	})
	hosted(t, func(t *testing.T, h *host) {
		h.keep(Bound)
		h.Unplug()
		requireCode(t, errcode.DeviceDisconnected, h.ShowCode(t.Context()))
	})
}

// TestAnUnfinishedChangeIsNotExported: the file would have the old key.
func TestAnUnfinishedChangeIsNotExported(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.keepNext()
		_, err := Export(t.Context(), h.store, seid, nil)
		requireCode(t, errcode.NotBound, err)
		var e *errcode.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "unfinished", e.Data["reason"])
	})
}

// TestWipeOverwritesBothKeys also covers the keys that a record drops.
func TestWipeOverwritesBothKeys(t *testing.T) {
	whole := func() *Record {
		r := full()
		r.Next, r.HasNext, r.NextCode, r.HasNextCode = r.App, true, r.Code, true
		return r
	}
	r := whole()
	r.Wipe()
	require.Equal(t, secp256k1.PrivateKey{}, r.App)
	require.Equal(t, secp256k1.PrivateKey{}, r.Next)
	require.Zero(t, [8]byte(r.Code))
	require.Zero(t, [8]byte(r.NextCode))
	r = whole()
	r.dropNext()
	require.Equal(t, secp256k1.PrivateKey{}, r.Next)
	require.Zero(t, [8]byte(r.NextCode))
}

func TestInsertSEID(t *testing.T) {
	var list []string
	for _, s := range []string{"C", "A", "B", "B", "D", "A"} {
		list = InsertSEID(list, s)
	}
	require.Equal(t, []string{"A", "B", "C", "D"}, list)
}

func TestBoundsOfASEID(t *testing.T) {
	const rest = "1906000000020086000101000000001"
	for c := byte(' '); c < 0x7F; c++ {
		_, err := hex.DecodeString(rest + string(c))
		require.Equal(t, err == nil && (c < 'a'), ValidSEID(rest+string(c)), "%c", c)
	}
}

func TestKeycapsAndMarks(t *testing.T) {
	for c := rune(' ') + 1; c < 0x7F; c++ {
		keycap := string(c) + "\uFE0F\u20E3"
		_, clean := Legible(keycap)
		require.Equal(t, c >= '0' && c <= '9' || c == '#' || c == '*', clean, keycap)
	}
	for _, name := range []string{"a\u0301\u0301b\u0301\u0301", "\U0001F3F3\uFE0F\u200D\U0001F308"} { // marks are counted for each character
		legible, clean := Legible(name)
		require.True(t, clean)
		require.Equal(t, name, legible)
	}
	_, err := CleanName(string(bytes.Repeat([]byte{' '}, 1<<12-1)) + "x")
	require.NoError(t, err)
	_, err = CleanName(string(bytes.Repeat([]byte{' '}, 1<<12)) + "x")
	requireCode(t, errcode.InvalidArgument, err)
}

// Records of version 2 have no next key, also as their last field.
func TestANextKeyInVersion2(t *testing.T) {
	r := full()
	r.Next, r.HasNext = r.App, true
	b := r.encode()
	_, err := decodeRecord(b)
	require.NoError(t, err)
	b[0] = 2
	_, err = decodeRecord(b)
	requireCode(t, errcode.RecordCorrupt, err)
}
