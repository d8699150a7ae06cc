package binding

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation"
	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/bindcode"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/tlv"
	"imkey-connect/core/transport/transporttest"
)

const (
	seid = "19060000000200860001010000000014"
	code = "PVU3FY64"

	selectIMK       = "00A4040005695F696D6B00"
	readCertificate = "80CABF2106A6048302151800"
	bindCheck       = "80710000"
	showCode        = "8072000000"
	verify          = "80738000"
)

var (
	ca         = attestationtest.NewKey("a CA")
	wrongCA    = attestationtest.NewKey("another CA")
	se         = attestationtest.NewKey("a secure element")
	otherSE    = attestationtest.NewKey("another secure element")
	trustedCAs = []secp256k1.PublicKey{secp256k1.PublicKey(ca.Public())}

	genuine = attestationtest.New(seid, se.Public()).Sign(ca)
)

// watchedStore is a store that records what was put, and fails on demand.
type watchedStore struct {
	MemoryStore
	puts []State
	fail func(*Record) error
}

func (w *watchedStore) Put(ctx context.Context, name string, b []byte) error {
	if err := ctx.Err(); err != nil {
		return errcode.FromContext("put", err)
	}
	r, err := decodeRecord(b)
	if err != nil {
		return err
	}
	if w.fail != nil {
		if err := w.fail(r); err != nil {
			return err
		}
	}
	w.puts = append(w.puts, r.State)
	return w.MemoryStore.Put(ctx, name, b)
}

// host is an app with a store, and the device that is plugged in.
type host struct {
	*transporttest.Table
	*Binding
	t     *testing.T
	store *watchedStore
}

// hosted runs a test in fake time, with an unbound device that has the genuine certificate.
func hosted(t *testing.T, test func(t *testing.T, h *host)) {
	synctest.Test(t, func(t *testing.T) { plugged(t, func(h *host) { test(t, h) }) })
}

// plugged runs a test with such a device.
func plugged(t *testing.T, test func(h *host)) {
	d := transporttest.NewTable()
	defer d.Unplug()
	d.Answer("00A4040000", "9000")
	d.Answer("80CB800005DFFF028101", seid+"9000")
	d.Answer("80CA004400", "696D4B65793031313931323030303031"+"9000")
	d.Answer(readCertificate, hex.EncodeToString(genuine)+"9000")
	d.Answer(selectIMK, "9000")
	d.Answer(showCode, "9000")
	h := &host{Table: d, t: t, store: &watchedStore{}}
	h.says(Unbound, genuine)
	go d.Play(t.Context())
	dev, err := device.Open(t.Context(), d, nil)
	require.NoError(t, err)
	h.Binding = New(dev, Config{Store: h.store, TrustedCAs: trustedCAs})
	test(h)
}

// says sets the answer to BIND_CHECK.
func (h *host) says(s Status, certificate []byte) {
	h.Answer(bindCheck, hex.EncodeToString(append([]byte{byte(s)}, certificate...))+"9000")
}

// opens makes the device one that had this certificate when it was opened, and that still has it.
func (h *host) opens(s Status, certificate []byte) {
	h.says(s, certificate)
	h.identity = h.identify(attestation.Assess(certificate, seid, h.config.TrustedCAs))
}

// record returns the record in the store.
func (h *host) record() *Record {
	h.t.Helper()
	r, err := load(h.t.Context(), h.store, seid)
	require.NoError(h.t, err)
	return r
}

// keep puts a record in a state into the store.
func (h *host) keep(s State) *Record {
	h.t.Helper()
	r := full()
	r.State, r.SE, r.CA = s, secp256k1.PublicKey(se.Public()), trustedCAs[0]
	r.Code, r.HasCode = bindcode.Code{}, false
	switch s {
	case Pending:
		r.BoundAt = time.Time{}
	case Imported:
		r.distrust()
	}
	require.NoError(h.t, save(h.t.Context(), h.store, r))
	h.store.puts = nil
	return r
}

// verifies returns the number of IDENTITY_VERIFY commands on the wire, incomplete ones included.
func (h *host) verifies() (n int) {
	for _, p := range h.Packets() {
		if p[4] == 0xC3 && p[7] == 0x80 && p[8] == 0x73 {
			n++
		}
	}
	return n
}

func (h *host) bind(o BindOptions) error { return h.Bind(h.t.Context(), code, o) }

func (h *host) status() (Status, error) { return h.Status(h.t.Context()) }

func (h *host) requireStatus(want Status) {
	h.t.Helper()
	got, err := h.status()
	require.NoError(h.t, err)
	require.Equal(h.t, want, got)
}

func requireCode(t *testing.T, want errcode.Code, err error) {
	t.Helper()
	require.Equal(t, want, errcode.Of(err), "%v", err)
}

// proves checks IDENTITY_VERIFY as the secure element does, with another library.
func proves(t *testing.T, cmd []byte, code string) bool {
	require.Len(t, cmd, 5+0x71+1)
	require.Equal(t, []byte{0x80, 0x73, 0x80, 0x00, 0x71}, cmd[:5])
	require.Zero(t, cmd[len(cmd)-1])
	app, ct := cmd[5:70], cmd[70:118]
	pub, err := decred.ParsePubKey(app)
	require.NoError(t, err)
	key := sha1.Sum(decred.GenerateSharedSecret(se.PrivateKey, pub))
	block, err := aes.NewCipher(key[:16])
	require.NoError(t, err)
	label, hash := sha256.Sum256([]byte("bindingCode")), sha256.Sum256([]byte(code))
	iv := make([]byte, 16)
	for i := range iv {
		iv[i] = label[i] ^ hash[i]
	}
	plain := make([]byte, 48)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, ct)
	want := sha256.Sum256(slices.Concat([]byte(code), app, se.Public()))
	return bytes.Equal(plain, append(want[:], bytes.Repeat([]byte{16}, 16)...))
}

func TestFirstBinding(t *testing.T) {
	for _, typed := range []string{code, "pvu3-fy64"} {
		hosted(t, func(t *testing.T, h *host) {
			h.requireStatus(Unbound)
			require.Equal(t, []State{Pending}, h.store.puts, "the key is stored before BIND_CHECK")
			require.Equal(t, Pending, h.record().State)
			app := h.record().App

			var atVerify *Record
			h.On(verify, func(cmd []byte) []byte {
				atVerify = h.record()
				if !proves(t, cmd, code) {
					return []byte{0xA5, 0x90, 0}
				}
				return []byte{0x5A, 0x90, 0}
			})
			require.NoError(t, h.Bind(t.Context(), typed, BindOptions{}))
			require.Equal(t, VerifySent, atVerify.State, "durable before instruction 73 is sent")
			require.Equal(t, app, atVerify.App)
			require.Equal(t, se.Public(), atVerify.SE[:])
			require.Equal(t, []State{Pending, VerifySent, Bound}, h.store.puts)
			require.Equal(t, 1, h.verifies())

			r := h.record()
			require.Equal(t, Bound, r.State)
			require.Equal(t, app, r.App, "one app key for each device")
			require.Equal(t, Verified, r.Trust)
			require.Equal(t, trustedCAs[0], r.CA)
			require.Equal(t, "imKey01191200001", r.Serial)
			require.False(t, r.HasCode, "the code is not kept by default")
			require.False(t, r.BoundAt.IsZero())

			h.says(BoundToThis, genuine)
			h.requireStatus(BoundToThis)
			require.NoError(t, h.Bind(t.Context(), code, BindOptions{}), "nothing is sent")
			require.Equal(t, 1, h.verifies())
			require.Len(t, h.store.puts, 3)
		})
	}
}

// The commands on the wire have the form of the recorded ones.
func TestCommandsAsRecorded(t *testing.T) {
	file, err := os.ReadFile("../testdata/vectors/imkey.json")
	require.NoError(t, err)
	var vectors struct {
		Binding struct {
			APDUs  struct{ SelectIMK, BindCheck, DisplayCode, IdentityVerify string }
			Status map[string]string
		}
	}
	require.NoError(t, json.Unmarshal(file, &vectors))
	v := vectors.Binding
	hosted(t, func(t *testing.T, h *host) {
		h.Answer(verify, "5A9000")
		begin := len(h.Sent())
		require.NoError(t, h.bind(BindOptions{}))
		require.NoError(t, h.ShowCode(t.Context()))
		sent := h.Sent()[begin:]
		app := h.record().App.Public()
		fill := func(shape, payload string) string {
			head, rest, ok := strings.Cut(shape, "<")
			require.True(t, ok)
			_, tail, ok := strings.Cut(rest, ">")
			require.True(t, ok)
			return strings.ToUpper(strings.ReplaceAll(head+payload+tail, " ", ""))
		}
		check := fill(v.APDUs.BindCheck, hex.EncodeToString(app[:]))
		require.Len(t, sent, 6)
		require.Equal(t, []string{v.APDUs.SelectIMK, check}, sent[:2])
		ct := sent[2][2*70 : 2*118]
		require.Equal(t, fill(v.APDUs.IdentityVerify, hex.EncodeToString(app[:])+ct), sent[2])
		require.Equal(t, []string{v.APDUs.SelectIMK, check, v.APDUs.DisplayCode}, sent[3:])
	})
	require.Equal(t, map[string]string{"00": "unbound", "55": "bound_this", "AA": "bound_other", "5A": "verify success",
		"A5": "wrong code"}, v.Status)
	require.Equal(t, []byte{0x00, 0x55, 0xAA, 0x5A, 0xA5},
		[]byte{byte(Unbound), byte(BoundToThis), byte(BoundElsewhere), verifyOK, verifyWrong})
	require.Equal(t, "unbound bound bound-elsewhere unknown",
		strings.Join([]string{Unbound.String(), BoundToThis.String(), BoundElsewhere.String(), Status(1).String()}, " "))
}

func TestIVVector(t *testing.T) {
	file, err := os.ReadFile("../testdata/vectors/imkey.json")
	require.NoError(t, err)
	var vectors struct {
		Binding struct{ IV struct{ Code, IV string } }
	}
	require.NoError(t, json.Unmarshal(file, &vectors))
	c, err := bindcode.Parse(vectors.Binding.IV.Code)
	require.NoError(t, err)
	iv := verifyIV(&c)
	require.Equal(t, vectors.Binding.IV.IV, hex.EncodeToString(iv[:]))
}

func TestMalformedCodesCauseNoTraffic(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		before := len(h.Packets())
		for _, typed := range []string{"", "PVU3FY6", "PVU3FY644", "PVU3FYO4", "0VU3FY64", "PVU3FY6!", "１VU3FY64"} {
			requireCode(t, errcode.CodeFormat, h.Bind(t.Context(), typed, BindOptions{Consent: Consent{AcceptUnverified: true}}))
		}
		synctest.Wait()
		require.Len(t, h.Packets(), before)
		require.Empty(t, h.store.puts)
	})
}

func TestWrongCode(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.On(verify, func(cmd []byte) []byte {
			if proves(t, cmd, code) {
				return []byte{0x5A, 0x90, 0}
			}
			return []byte{0xA5, 0x90, 0}
		})
		requireCode(t, errcode.WrongCode, h.Bind(t.Context(), "22222222", BindOptions{RememberCode: true}))
		require.Equal(t, 1, h.verifies(), "IDENTITY_VERIFY is not sent again")
		require.Equal(t, []State{Pending, VerifySent, Pending}, h.store.puts)
		require.False(t, h.record().HasCode, "a wrong code is not kept")
		h.requireStatus(Unbound)
		require.NoError(t, h.bind(BindOptions{RememberCode: true}))
		require.Equal(t, code, string(h.record().Code[:]))
	})
}

// A code that was never confirmed is dropped by the next attempt.
func TestUnconfirmedCodeIsDropped(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		r := h.keep(VerifySent)
		r.Code, r.HasCode, r.BoundAt = bindcode.Code([]byte("22222222")), true, time.Time{}
		require.NoError(t, save(t.Context(), h.store, r))
		h.Answer(verify, "A59000")
		requireCode(t, errcode.WrongCode, h.bind(BindOptions{}))
		require.Equal(t, Pending, h.record().State)
		require.False(t, h.record().HasCode)
	})
}

// Earlier versions sent a key again that was bound before, so another app that has the key may have bound it again. The code of
// the interrupted attempt may be wrong, and does not become the binding code.
func TestUnconfirmedCodeOfABoundKeyIsDropped(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		r := h.keep(VerifySent)
		r.Code, r.HasCode = bindcode.Code([]byte("22222222")), true
		put(t, h.store, r)
		h.says(BoundToThis, genuine)
		h.requireStatus(BoundToThis)
		require.Equal(t, []any{Bound, r.App, false}, []any{h.record().State, h.record().App, h.record().HasCode})
	})
}

// After interrupted and failed attempts, a former binding is bound again as soon as the device says so.
func TestFailedAttemptsKeepAFormerBinding(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		r := h.keep(VerifySent) // of a device that was bound
		require.False(t, r.BoundAt.IsZero())
		h.says(BoundElsewhere, genuine)
		h.Answer(verify, "A59000")
		requireCode(t, errcode.WrongCode, h.bind(BindOptions{}))
		require.Equal(t, Former, h.record().State)
		h.says(BoundToThis, genuine)
		h.requireStatus(BoundToThis)
		require.Equal(t, r.App, h.record().App)
	})
}

// The answers to IDENTITY_VERIFY, and the state of the record after each of them.
func TestAnswersToVerify(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   errcode.Code
		after  map[State]State
	}{
		"bound":                        {"5A9000", "", map[State]State{Pending: Bound, VerifySent: Bound, Bound: Bound, Former: Bound, Imported: Bound}},
		"a wrong code":                 {"A59000", errcode.WrongCode, map[State]State{Pending: Pending, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"too many wrong codes":         {"6985", errcode.CodeLocked, map[State]State{Pending: Pending, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"locked":                       {"F081", errcode.Locked, map[State]State{Pending: Pending, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"in its menu":                  {"F080", errcode.InMenu, map[State]State{Pending: Pending, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"rejected":                     {"6940", errcode.UserRejected, map[State]State{Pending: Pending, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"bound, with status word 6985": {"5A6985", errcode.CodeLocked, map[State]State{Pending: VerifySent, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"nothing":                      {"9000", errcode.Protocol, map[State]State{Pending: VerifySent, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"55":                           {"559000", errcode.Protocol, map[State]State{Pending: VerifySent, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"bound, with more bytes":       {"5A009000", errcode.Protocol, map[State]State{Pending: VerifySent, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"no status word":               {"5A", errcode.Protocol, map[State]State{Pending: VerifySent, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"bound, with status word 9001": {"5A9001", errcode.Protocol, map[State]State{Pending: VerifySent, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
		"an unknown refusal":           {"6F00", errcode.Protocol, map[State]State{Pending: VerifySent, VerifySent: Former, Bound: Former, Former: Former, Imported: Former}},
	} {
		for before, after := range c.after {
			t.Run(name+" after "+before.String(), func(t *testing.T) {
				hosted(t, func(t *testing.T, h *host) {
					app := h.keep(before).App
					h.says(BoundElsewhere, genuine)
					h.Answer(verify, c.answer)
					requireCode(t, c.want, h.bind(BindOptions{}))
					r := h.record()
					require.Equal(t, after, r.State)
					require.Equal(t, 1, h.verifies())
					fresh := before == Pending // the device was never bound to the key
					require.Equal(t, c.answer == "5A9000" && !fresh, app != r.App, "no other answer removes the key")
					unknown := c.after[Pending] == VerifySent
					require.Equal(t, unknown && !fresh, r.HasNext, "a key stays until the device has said yes or no to it")
				})
			})
		}
	}
}

// The answers to BIND_CHECK for a record in each state.
func TestAnswersToCheck(t *testing.T) {
	hex := func(b []byte) string { return hex.EncodeToString(b) }
	for name, c := range map[string]struct {
		record State // 0: none
		answer string
		status Status
		want   errcode.Code
		after  State
	}{
		"unbound, new":                    {0, "00" + hex(genuine) + "9000", Unbound, "", Pending},
		"elsewhere, new":                  {0, "AA" + hex(genuine) + "9000", BoundElsewhere, "", Pending},
		"this, new":                       {0, "55" + hex(genuine) + "9000", 0, errcode.Protocol, Pending},
		"this, pending":                   {Pending, "55" + hex(genuine) + "9000", 0, errcode.Protocol, Pending},
		"this, verify-sent":               {VerifySent, "55" + hex(genuine) + "9000", BoundToThis, "", Bound},
		"this, bound":                     {Bound, "55" + hex(genuine) + "9000", BoundToThis, "", Bound},
		"unbound, verify-sent":            {VerifySent, "00" + hex(genuine) + "9000", Unbound, "", VerifySent},
		"elsewhere, verify-sent":          {VerifySent, "AA" + hex(genuine) + "9000", BoundElsewhere, "", VerifySent},
		"unbound, bound":                  {Bound, "00" + hex(genuine) + "9000", Unbound, "", Former},
		"elsewhere, bound":                {Bound, "AA" + hex(genuine) + "9000", BoundElsewhere, "", Former},
		"this, former":                    {Former, "55" + hex(genuine) + "9000", BoundToThis, "", Bound},
		"elsewhere, former":               {Former, "AA" + hex(genuine) + "9000", BoundElsewhere, "", Former},
		"this, imported":                  {Imported, "55" + hex(genuine) + "9000", BoundToThis, "", Bound},
		"unbound, imported":               {Imported, "00" + hex(genuine) + "9000", Unbound, "", Former},
		"elsewhere, imported":             {Imported, "AA" + hex(genuine) + "9000", BoundElsewhere, "", Former},
		"this, imported, another key":     {Imported, "55" + hex(attestationtest.New(seid, otherSE.Public()).Sign(ca)) + "9000", 0, errcode.DeviceMismatch, Imported},
		"elsewhere, a broken certificate": {Bound, "AA" + hex(genuine[:100]) + "9000", BoundElsewhere, "", Bound},
		"this, another key":               {VerifySent, "55" + hex(attestationtest.New(seid, otherSE.Public()).Sign(ca)) + "9000", 0, errcode.DeviceMismatch, VerifySent},
		"bound, another key":              {Bound, "55" + hex(attestationtest.New(seid, otherSE.Public()).Sign(ca)) + "9000", 0, errcode.DeviceMismatch, Bound},
		"unbound, another key":            {Bound, "00" + hex(attestationtest.New(seid, otherSE.Public()).Sign(ca)) + "9000", 0, errcode.DeviceMismatch, Bound},
		"pending, another key":            {Pending, "00" + hex(attestationtest.New(seid, otherSE.Public()).Sign(ca)) + "9000", 0, errcode.DeviceMismatch, Pending},
		"this, no certificate":            {VerifySent, "559000", BoundToThis, "", Bound},
		"this, a broken certificate":      {VerifySent, "55" + hex(genuine[:100]) + "9000", 0, errcode.UntrustedDevice, VerifySent},
		"bound, a broken certificate":     {Bound, "55" + hex(genuine[:100]) + "9000", 0, errcode.UntrustedDevice, Bound},
		"unbound, a broken certificate":   {Pending, "00" + hex(genuine[:100]) + "9000", Unbound, "", Pending},
		"nothing":                         {VerifySent, "9000", 0, errcode.Protocol, VerifySent},
		"an unknown status":               {Bound, "5A" + hex(genuine) + "9000", 0, errcode.Protocol, Bound},
		"locked":                          {Bound, "F081", 0, errcode.Locked, Bound},
		"in its menu":                     {Bound, "F080", 0, errcode.InMenu, Bound},
		"this, with status word 6985":     {VerifySent, "55" + hex(genuine) + "6985", 0, errcode.Protocol, VerifySent},
	} {
		t.Run(name, func(t *testing.T) {
			hosted(t, func(t *testing.T, h *host) {
				var app secp256k1.PrivateKey
				if c.record != 0 {
					app = h.keep(c.record).App
				}
				h.Answer(bindCheck, c.answer)
				got, err := h.status()
				requireCode(t, c.want, err)
				require.Equal(t, c.status, got)
				r := h.record()
				require.Equal(t, c.after, r.State)
				if c.record != 0 {
					require.Equal(t, app, r.App)
				}
				require.Zero(t, h.verifies())
			})
		})
	}
}

// The device's last answer decides whether it is the one that was opened.
func TestChanged(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		for _, changed := range []bool{false, true, false} {
			key := map[bool]attestationtest.Key{false: se, true: otherSE}[changed]
			h.says(Unbound, attestationtest.New(seid, key.Public()).Sign(ca))
			_, _ = h.status()
			require.Equal(t, changed, h.Changed())
		}
	})
}

func TestCertificateFromTheCardManager(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.keep(VerifySent)
		h.Answer(bindCheck, "559000")
		begin := len(h.Sent())
		h.requireStatus(BoundToThis)
		sent := h.Sent()[begin:]
		require.Equal(t, []string{"00A4040000", readCertificate, selectIMK}, sent[2:], "the IMK applet is selected again")
	})
	hosted(t, func(t *testing.T, h *host) {
		h.keep(VerifySent)
		h.Answer(bindCheck, "559000")
		h.Answer(readCertificate, hex.EncodeToString(attestationtest.New(seid, otherSE.Public()).Sign(ca))+"9000")
		_, err := h.status()
		requireCode(t, errcode.DeviceMismatch, err)
		require.Equal(t, VerifySent, h.record().State)
	})
	hosted(t, func(t *testing.T, h *host) { // and it is good enough to bind with
		h.Answer(bindCheck, "009000")
		h.On(verify, func(cmd []byte) []byte {
			require.True(t, proves(t, cmd, code))
			return []byte{0x5A, 0x90, 0}
		})
		require.NoError(t, h.bind(BindOptions{}))
	})
}

func TestUnpluggedInVerify(t *testing.T) {
	for _, bound := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var store *watchedStore
			plugged(t, func(h *host) {
				store = h.store
				h.On(verify, func([]byte) []byte { h.Unplug(); return nil })
				requireCode(t, errcode.DeviceDisconnected, h.bind(BindOptions{RememberCode: true}))
				require.Equal(t, VerifySent, h.record().State)
			})
			app := func() secp256k1.PrivateKey {
				r, err := load(t.Context(), store, seid)
				require.NoError(t, err)
				return r.App
			}()
			plugged(t, func(h *host) { // plugged in again
				h.store, h.config.Store = store, store
				if bound {
					h.says(BoundToThis, genuine)
					h.requireStatus(BoundToThis)
					require.Equal(t, Bound, h.record().State)
					require.Equal(t, code, string(h.record().Code[:]))
					require.Zero(t, h.verifies())
				} else {
					h.requireStatus(Unbound)
					require.Equal(t, VerifySent, h.record().State)
					h.Answer(verify, "5A9000")
					require.NoError(t, h.bind(BindOptions{}))
					require.Equal(t, Bound, h.record().State)
					require.False(t, h.record().HasCode)
				}
				require.Equal(t, app, h.record().App)
			})
		})
	}
}

func TestCancelledInVerify(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		ctx, cancel := context.WithCancel(t.Context())
		h.On(verify, func([]byte) []byte { cancel(); return nil })
		requireCode(t, errcode.Aborted, h.Bind(ctx, code, BindOptions{}))
		require.Equal(t, VerifySent, h.record().State)
		h.requireStatus(Unbound)
		require.Equal(t, 1, h.verifies())
	})
	hosted(t, func(t *testing.T, h *host) { // the device was faster
		ctx, cancel := context.WithCancel(t.Context())
		h.On(verify, func([]byte) []byte { cancel(); return []byte{0x5A, 0x90, 0} })
		require.NoError(t, h.Bind(ctx, code, BindOptions{}))
		require.Equal(t, Bound, h.record().State, "the record follows the device, even if the caller gave up")
	})
}

// The store fails at each put in turn. No binding is incomplete, and nothing is sent before the record is durable.
func TestFailingStore(t *testing.T) {
	full := errcode.New(errcode.StorageFull, "quota")
	failAt := func(s State) func(*Record) error {
		return func(r *Record) error {
			if r.State == s {
				return full
			}
			return nil
		}
	}
	hosted(t, func(t *testing.T, h *host) {
		h.store.fail = failAt(Pending)
		_, err := h.status()
		requireCode(t, errcode.StorageFull, err)
		requireCode(t, errcode.StorageFull, h.bind(BindOptions{}))
		for _, cmd := range h.Sent() {
			require.False(t, strings.HasPrefix(cmd, bindCheck), "no key is used before it is stored")
		}
		_, err = h.store.Get(t.Context(), seid)
		require.ErrorIs(t, err, ErrNoRecord)
	})
	hosted(t, func(t *testing.T, h *host) {
		h.store.fail = failAt(VerifySent)
		requireCode(t, errcode.StorageFull, h.bind(BindOptions{}))
		require.Zero(t, h.verifies(), "instruction 73 is never sent before verify-sent is durable")
		require.Equal(t, Pending, h.record().State)
	})
	hosted(t, func(t *testing.T, h *host) {
		h.store.fail = failAt(Bound)
		h.Answer(verify, "5A9000")
		requireCode(t, errcode.StorageFull, h.bind(BindOptions{}))
		require.Equal(t, VerifySent, h.record().State)
		h.says(BoundToThis, genuine)
		_, err := h.status()
		requireCode(t, errcode.StorageFull, err)
		h.store.fail = nil
		h.requireStatus(BoundToThis)
		require.Equal(t, Bound, h.record().State, "the next call completes the binding")
		require.Equal(t, 1, h.verifies())
	})
	hosted(t, func(t *testing.T, h *host) {
		h.Answer(verify, "A59000")
		h.store.fail = func(r *Record) error {
			if len(h.store.puts) == 2 {
				return full
			}
			return nil
		}
		err := h.bind(BindOptions{})
		requireCode(t, errcode.WrongCode, err)
		require.ErrorIs(t, err, errcode.StorageFull)
		require.Equal(t, VerifySent, h.record().State)
		h.store.fail = nil
		h.requireStatus(Unbound)
	})
}

// unreadable is a store that is blocked.
type unreadable struct{ Store }

func (unreadable) Get(context.Context, string) ([]byte, error) {
	return nil, errcode.New(errcode.Storage, "blocked")
}

func TestBlockedStore(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.config.Store = unreadable{h.store}
		_, err := h.status()
		requireCode(t, errcode.Storage, err)
		requireCode(t, errcode.Storage, h.bind(BindOptions{}))
		require.Zero(t, h.verifies())
		require.Empty(t, h.store.puts, "a record that cannot be read is not overwritten")
	})
}

func TestCorruptRecord(t *testing.T) {
	other := full()
	other.SEID = "00000000000000000000000000000000"
	future := full().encode()
	future[0] = recordVersion + 1
	for name, b := range map[string][]byte{"junk": []byte("junk"), "empty": {}, "the future": future, "another device's": other.encode()} {
		hosted(t, func(t *testing.T, h *host) {
			require.NoError(t, h.store.MemoryStore.Put(t.Context(), seid, b))
			_, err := h.status()
			requireCode(t, errcode.RecordCorrupt, err)
			requireCode(t, errcode.RecordCorrupt, h.bind(BindOptions{Consent: Consent{AcceptUnverified: true}}))
			got, err := h.store.Get(t.Context(), seid)
			require.NoError(t, err)
			require.Equal(t, b, got, "%s: nothing overwrites it", name)
			require.NoError(t, h.Forget(t.Context(), nil), "but the user may")
			h.requireStatus(Unbound)
		})
	}
}

func TestUnverifiedDevice(t *testing.T) {
	forged := attestationtest.New(seid, se.Public()).Sign(wrongCA)
	hosted(t, func(t *testing.T, h *host) {
		h.Answer(verify, "5A9000")
		h.opens(Unbound, forged)
		h.requireStatus(Unbound)
		requireCode(t, errcode.UntrustedDevice, h.bind(BindOptions{}))
		require.Zero(t, h.verifies())
		require.Equal(t, []State{Pending}, h.store.puts)
		require.False(t, h.record().HasSE, "no key is accepted by default")

		require.NoError(t, h.bind(BindOptions{Consent: Consent{AcceptUnverified: true}}))
		require.Equal(t, 1, h.verifies())
		r := h.record()
		require.Equal(t, Accepted, r.Trust)
		require.Equal(t, se.Public(), r.SE[:])
		h.says(BoundToThis, forged)
		h.requireStatus(BoundToThis)

		// From now on another key is refused, even if a trusted CA signed it.
		for _, by := range []attestationtest.Key{ca, wrongCA} {
			for _, s := range []Status{Unbound, BoundToThis, BoundElsewhere} {
				h.says(s, attestationtest.New(seid, otherSE.Public()).Sign(by))
				requireCode(t, errcode.DeviceMismatch, h.bind(BindOptions{Consent: Consent{AcceptUnverified: true}}))
			}
		}
		require.Equal(t, 1, h.verifies())
	})
	// A wrong code fixes the key as well, since data that depends on a code was sent.
	hosted(t, func(t *testing.T, h *host) {
		h.Answer(verify, "A59000")
		h.opens(Unbound, forged)
		requireCode(t, errcode.WrongCode, h.bind(BindOptions{Consent: Consent{AcceptUnverified: true}}))
		require.Equal(t, se.Public(), func() []byte { k := h.record().SE; return k[:] }())
		h.says(Unbound, attestationtest.New(seid, otherSE.Public()).Sign(wrongCA))
		requireCode(t, errcode.DeviceMismatch, h.bind(BindOptions{Consent: Consent{AcceptUnverified: true}}))
		require.Equal(t, 1, h.verifies())
	})
}

func TestNoTrustedCATrustsNothing(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.config.TrustedCAs = nil
		requireCode(t, errcode.UntrustedDevice, h.bind(BindOptions{}))
		require.Zero(t, h.verifies())
	})
}

// An attacker between app and device changes the certificate. Each change is refused, and nothing that depends on the code is
// sent. If the certificate is malformed or names another device, AcceptUnverified does not help.
func TestMachineInTheMiddle(t *testing.T) {
	nist, err := ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	good := attestationtest.New(seid, se.Public())
	replaced := bytes.Replace(genuine, se.Public(), otherSE.Public(), 1)
	hosted(t, func(t *testing.T, h *host) {
		status := Unbound
		refused := func(name string, certificate []byte, o BindOptions) {
			t.Helper()
			status ^= Unbound ^ BoundElsewhere // in turns
			h.says(status, certificate)
			require.Equal(t, errcode.UntrustedDevice, errcode.Of(h.bind(o)), name)
		}
		refused("another key", replaced, BindOptions{})
		refused("another key, signed by another CA", attestationtest.New(seid, otherSE.Public()).Sign(wrongCA), BindOptions{})
		refused("signed by itself", attestationtest.New(seid, otherSE.Public()).Sign(otherSE), BindOptions{})
		for i := 0; i < len(genuine)*8; i += bitStep() {
			bad := bytes.Clone(genuine)
			bad[i/8] ^= 1 << (i % 8)
			refused("a flipped bit", bad, BindOptions{})
		}

		accepting := BindOptions{Consent: Consent{AcceptUnverified: true}}
		otherSerial := attestationtest.New("00000000000000000000000000000001", se.Public())
		refused("another device's", otherSerial.Sign(ca), accepting)
		refused("a point of P-256", attestationtest.New(seid, nist.PublicKey().Bytes()).Sign(ca), accepting)
		for n := 1; n < len(genuine); n++ {
			refused("cut off", genuine[:n], accepting)
		}
		for i := range good.Fields {
			for j := range i {
				swapped := attestationtest.New(seid, se.Public())
				swapped.Fields[i], swapped.Fields[j] = swapped.Fields[j], swapped.Fields[i]
				refused("swapped fields", swapped.Sign(ca), accepting)
			}
		}
		body := good.Body()
		refused("the signature first", good.Wrap(append(tlv.Append(nil, 0x5F37, ca.Sign(sha256.Sum256(body), false)), body...)), accepting)

		require.Zero(t, h.verifies())
		require.Equal(t, Pending, h.record().State)
		require.False(t, h.record().HasSE)

		// No certificate in the answer, and none from the card manager.
		h.says(Unbound, nil)
		h.Answer(readCertificate, "6D00")
		require.Error(t, h.bind(accepting))
		require.Zero(t, h.verifies())

		h.says(Unbound, genuine)
		h.Answer(verify, "5A9000")
		require.NoError(t, h.bind(BindOptions{}), "the unchanged certificate still works")
	})
}

func TestShowCode(t *testing.T) {
	for name, c := range map[string]struct {
		status Status
		answer string
		want   errcode.Code
	}{
		"shown":                   {Unbound, "9000", ""},
		"refused":                 {Unbound, "6985", errcode.Protocol},
		"elsewhere":               {BoundElsewhere, "6985", errcode.BoundElsewhere},
		"elsewhere, but shows it": {BoundElsewhere, "9000", ""},
		"locked":                  {BoundElsewhere, "F081", errcode.Locked},
	} {
		hosted(t, func(t *testing.T, h *host) {
			h.says(c.status, genuine)
			h.Answer(showCode, c.answer)
			requireCode(t, c.want, h.ShowCode(t.Context()))
			require.Zero(t, h.verifies(), name)
		})
	}
}

func TestRevealCode(t *testing.T) {
	reveal := func(h *host, accept bool) (string, bool, error) {
		c, ok, err := h.RevealCode(h.t.Context(), Consent{AcceptUnverified: accept})
		return strings.Trim(string(c[:]), "\x00"), ok, err
	}
	forged := attestationtest.New(seid, se.Public()).Sign(wrongCA)
	hosted(t, func(t *testing.T, h *host) {
		h.Answer(verify, "5A9000")
		require.NoError(t, h.bind(BindOptions{RememberCode: true}))
		for _, s := range []struct {
			status      Status
			certificate []byte
			accept      bool
			want        errcode.Code
		}{
			{Unbound, genuine, true, errcode.NotBound},
			{BoundElsewhere, genuine, true, errcode.BoundElsewhere},
			{BoundToThis, forged, false, errcode.UntrustedDevice},
			{BoundToThis, genuine[:99], true, errcode.UntrustedDevice},
			{BoundToThis, attestationtest.New(seid, otherSE.Public()).Sign(ca), true, errcode.DeviceMismatch},
		} {
			h.says(s.status, s.certificate)
			got, ok, err := reveal(h, s.accept)
			requireCode(t, s.want, err)
			require.False(t, ok)
			require.Empty(t, got)
		}
		h.opens(BoundToThis, forged)
		got, ok, err := reveal(h, true)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, code, got)
		h.opens(BoundToThis, genuine)
		got, ok, err = reveal(h, false)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, code, got)
	})
	hosted(t, func(t *testing.T, h *host) { // not kept
		h.keep(Bound)
		h.says(BoundToThis, genuine)
		got, ok, err := reveal(h, false)
		require.NoError(t, err)
		require.False(t, ok)
		require.Empty(t, got)
	})
}

func TestForget(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		app := h.keep(Bound).App
		before := len(h.Packets())
		require.NoError(t, h.Forget(t.Context(), nil))
		require.NoError(t, h.Forget(t.Context(), nil), "a second time is no error")
		require.Len(t, h.Packets(), before, "nothing is sent to the device")
		_, err := h.store.Get(t.Context(), seid)
		require.ErrorIs(t, err, ErrNoRecord)
		h.says(BoundElsewhere, genuine)
		h.requireStatus(BoundElsewhere)
		require.NotEqual(t, [32]byte(app), [32]byte(h.record().App), "a new key")
	})
}

func TestErrorsShowNoCode(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		for _, answer := range []string{"A59000", "6985", "F081", "9000", "5A"} {
			h.Answer(verify, answer)
			err := h.bind(BindOptions{RememberCode: true})
			require.Error(t, err)
			require.NotContains(t, strings.ToUpper(err.Error()), code)
			var e *errcode.Error
			require.True(t, errors.As(err, &e))
			require.Empty(t, e.Data)
		}
	})
}

func TestRecordHasTheTrustOfTheLastBinding(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.Answer(verify, "5A9000")
		h.opens(Unbound, attestationtest.New(seid, se.Public()).Sign(wrongCA))
		require.NoError(t, h.bind(BindOptions{Consent: Consent{AcceptUnverified: true}}))
		require.Equal(t, Accepted, h.record().Trust)
		h.opens(Unbound, genuine) // reset meanwhile, and the vendor's key is trusted now
		require.NoError(t, h.bind(BindOptions{}))
		require.Equal(t, Verified, h.record().Trust)
		require.Equal(t, trustedCAs[0], h.record().CA)
		require.Equal(t, attestation.Verified, attestation.Assess(genuine, seid, trustedCAs).Standing)
	})
}

// bitStep is the distance between the bits that a test flips: every bit natively, every seventh in WebAssembly, where the
// curve is ten times slower. Every seventh still covers each byte.
func bitStep() int {
	if runtime.GOOS == "js" {
		return 7
	}
	return 1
}
