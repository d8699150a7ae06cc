package binding

import (
	"cmp"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation"
	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// operations are the operations of a device that depend on what the user was shown.
var operations = map[string]func(h *host, o Consent) error{
	"bind": func(h *host, o Consent) error { return h.bind(BindOptions{Consent: o, RememberCode: true}) },
	"reveal": func(h *host, o Consent) error {
		code, ok, err := h.RevealCode(h.t.Context(), o)
		require.False(h.t, err != nil && (ok || code != [8]byte{}), "no code beside an error")
		return err
	},
	"sign": func(h *host, o Consent) error {
		k, err := h.signingKeys(SigningOptions{o, true})
		require.False(h.t, err != nil && k != SigningKeys{}, "no key beside an error")
		return err
	},
}

// peers are devices with one SEID and serial number. Each of them is another one to the user.
func peers() map[string][]byte {
	certificate := func(element, by attestationtest.Key) []byte {
		return attestationtest.New(seid, element.Public()).Sign(by)
	}
	return map[string][]byte{
		"verified":                      genuine,
		"verified by another CA":        certificate(se, secondCA),
		"unverified":                    certificate(se, wrongCA),
		"verified, another key":         certificate(otherSE, ca),
		"unverified, another key":       certificate(otherSE, wrongCA),
		"unverified, a third key":       certificate(thirdSE, wrongCA),
		"verified by another, a third":  certificate(thirdSE, secondCA),
		"unverified, signed by itself":  certificate(otherSE, otherSE),
		"unverified, a key and its own": certificate(thirdSE, thirdSE),
	}
}

// sameDevice reports whether two peers are the same to the user: whose signature an unverified certificate has says nothing.
func sameDevice(a, b string) bool {
	other := map[string]string{
		"unverified, signed by itself":  "unverified, another key",
		"unverified, a key and its own": "unverified, a third key",
	}
	return cmp.Or(other[a], a) == cmp.Or(other[b], b)
}

var (
	secondCA = attestationtest.NewKey("a second trusted CA")
	thirdSE  = attestationtest.NewKey("a third secure element")
)

func TestIdentity(t *testing.T) {
	identity := Identity{SEID: seid, Serial: "imKey01191200001", Standing: attestation.Verified, SE: secp256k1.PublicKey(se.Public()), CA: trustedCAs[0]}
	hosted(t, func(t *testing.T, h *host) {
		require.Equal(t, identity, h.Identity())
		h.opens(Unbound, attestationtest.New(seid, otherSE.Public()).Sign(wrongCA))
		require.Equal(t, Identity{SEID: seid, Serial: identity.Serial, Standing: attestation.Unverified, SE: secp256k1.PublicKey(otherSE.Public())}, h.Identity())
		h.opens(Unbound, genuine[:99])
		require.Equal(t, Identity{SEID: seid, Serial: identity.Serial}, h.Identity())
	})
}

// Only a record of a bound device that a CA of the caller verified replaces the certificate.
func TestRecognise(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		config := h.config
		recognise := func() *Identity { return Recognise(t.Context(), config, seid) }
		require.Nil(t, recognise(), "no record")
		bound := *h.keep(Bound)
		bound.HasNext = false
		kept := func(change func(*Record)) {
			r := bound
			if change != nil {
				change(&r)
			}
			require.NoError(t, save(t.Context(), h.store, &r))
		}
		kept(nil)
		h.config.Identity = recognise()
		require.Equal(t, &Identity{SEID: seid, Serial: bound.Serial, Standing: attestation.Verified, SE: bound.SE, CA: bound.CA}, h.config.Identity)
		require.Equal(t, *h.config.Identity, New(h.device, h.config).Identity())
		for name, change := range map[string]func(*Record){
			"a key that may be replaced":      func(r *Record) { r.Next, r.HasNext = r.App, true },
			"a device that the user accepted": func(r *Record) { r.Trust, r.CA = Accepted, secp256k1.PublicKey{} },
			"another CA":                      func(r *Record) { r.CA = secp256k1.PublicKey(wrongCA.Public()) },
			"pending":                         func(r *Record) { r.State = Pending; r.BoundAt = time.Time{} },
			"verify-sent":                     func(r *Record) { r.State = VerifySent },
			"former":                          func(r *Record) { r.State = Former },
			"imported":                        func(r *Record) { r.State = Imported; r.distrust() },
		} {
			kept(change)
			require.Nil(t, recognise(), name)
		}
		kept(nil)
		config.TrustedCAs = nil
		require.Nil(t, recognise(), "no trusted CA")
		config.TrustedCAs = h.config.TrustedCAs
		require.NoError(t, h.store.MemoryStore.Put(t.Context(), seid, []byte{1}))
		require.Nil(t, recognise(), "a corrupt record")
		config.Store = unreadable{}
		require.Nil(t, recognise(), "a store that cannot be read")
	})
}

// For every pair of devices, the user is shown the first one, and the second one answers. Whatever the user accepted, no
// operation is carried out, no code is proved and the record stays as it was.
func TestAnotherDeviceThanTheOneThatWasShown(t *testing.T) {
	refused, wanted := 0, 0
	all := peers()
	for shownAs, first := range all {
		if runtime.GOARCH == "wasm" && shownAs != "verified" {
			continue // the comparison is the same code there, and thirty times as slow
		}
		for answersAs, second := range all {
			if !sameDevice(shownAs, answersAs) {
				// 4 calls each to bind an unbound device, to bind one that is bound elsewhere, to reveal, and to sign.
				wanted += 4 * 4
			}
			for name, operation := range operations {
				for _, status := range []Status{Unbound, BoundElsewhere} {
					if status == BoundElsewhere && name != "bind" {
						continue
					}
					hosted(t, func(t *testing.T, h *host) {
						h.config.TrustedCAs = append(h.config.TrustedCAs, secp256k1.PublicKey(secondCA.Public()))
						h.Answer(verify, "5A9000")
						h.opens(status, first)
						shown := h.Identity()
						h.says(status, second)
						if sameDevice(shownAs, answersAs) {
							return
						}
						for _, accept := range []bool{true, false} {
							err := operation(h, Consent{&shown, accept})
							again := operation(h, Consent{nil, accept})
							require.Equal(t, errcode.Of(err), errcode.Of(again))
							require.Error(t, err)
							if name == "reveal" {
								require.ErrorIs(t, err, errcode.NotBound)
							} else if accept {
								require.ErrorIs(t, err, errcode.DeviceChanged, "%s: %s, then %s", name, shownAs, answersAs)
							}
							refused += 2
						}
						for _, call := range []func() error{
							func() error { _, err := h.status(); return err },
							func() error { return h.ShowCode(t.Context()) },
						} {
							require.ErrorIs(t, call(), errcode.DeviceChanged)
						}
						require.Zero(t, h.verifies(), "no code is proved")
						require.Equal(t, []State{Pending}, h.store.puts)
						require.False(t, h.record().HasSE)
						for _, cmd := range h.Sent() {
							require.NotEqual(t, showCode, cmd)
						}
					})
				}
			}
		}
	}
	require.NotZero(t, refused)
	require.Equal(t, wanted, refused)
}

// A bound device, too: its record keeps the key, and not the standing in which the user saw it now.
func TestAnotherStandingThanTheOneThatWasShown(t *testing.T) {
	unverified := attestationtest.New(seid, se.Public()).Sign(wrongCA)
	for name, operation := range operations {
		for _, swap := range [][2][]byte{{genuine, unverified}, {unverified, genuine}} {
			hosted(t, func(t *testing.T, h *host) {
				h.keep(Bound)
				h.opens(BoundToThis, swap[0])
				require.NoError(t, operation(h, Consent{nil, true}), name)
				h.says(BoundToThis, swap[1])
				require.ErrorIs(t, operation(h, Consent{nil, true}), errcode.DeviceChanged, name)
				require.Zero(t, h.verifies())
			})
		}
	}
}

// A decision about one device is refused for another one before anything is sent.
func TestConsentForAnotherDevice(t *testing.T) {
	for name, change := range map[string]func(*Identity){
		"SEID":     func(i *Identity) { i.SEID = "00000000000000000000000000000000" },
		"serial":   func(i *Identity) { i.Serial += "2" },
		"standing": func(i *Identity) { i.Standing, i.CA = attestation.Unverified, secp256k1.PublicKey{} },
		"key":      func(i *Identity) { i.SE = secp256k1.PublicKey(otherSE.Public()) },
		"CA":       func(i *Identity) { i.CA = secp256k1.PublicKey(wrongCA.Public()) },
		"nothing":  func(i *Identity) { *i = Identity{} },
	} {
		hosted(t, func(t *testing.T, h *host) {
			before := len(h.Packets())
			shown := h.Identity()
			change(&shown)
			for operate, operation := range operations {
				require.ErrorIs(t, operation(h, Consent{&shown, true}), errcode.DeviceChanged, "%s: %s", name, operate)
			}
			put(t, h.store, full())
			require.ErrorIs(t, h.Forget(t.Context(), &shown), errcode.DeviceChanged, name)
			require.Equal(t, Bound, h.record().State)
			synctest.Wait()
			require.Len(t, h.Packets(), before, "no traffic")
		})
	}
}

// The device is replaced between the attempts of one user, who has seen the first one.
func TestAnotherDeviceAfterAWrongCode(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		shown := h.Identity()
		h.Answer(verify, "A59000")
		requireCode(t, errcode.WrongCode, h.bind(BindOptions{Consent: Consent{&shown, true}}))
		for name, certificate := range peers() {
			if name == "verified" {
				continue
			}
			h.says(Unbound, certificate)
			require.Error(t, h.bind(BindOptions{Consent: Consent{&shown, true}}), name)
		}
		require.Equal(t, 1, h.verifies())
	})
}

// A record is exported, renamed and forgotten as the one that the user saw, or not at all.
func TestRecordThatWasReplaced(t *testing.T) {
	operations := map[string]func(s Store, shown *Identity) error{
		"export": func(s Store, shown *Identity) error { _, err := Export(t.Context(), s, seid, shown); return err },
		"rename": func(s Store, shown *Identity) error { return Rename(t.Context(), s, seid, "another", shown) },
		"forget": func(s Store, shown *Identity) error { return Forget(t.Context(), s, seid, shown) },
	}
	for name, operation := range operations {
		r := full()
		seen := Identity{SEID: r.SEID, Serial: r.Serial, SE: r.SE}
		for changed, shown := range map[string]Identity{
			"key":    {SEID: r.SEID, Serial: r.Serial, SE: secp256k1.PublicKey(otherSE.Public())},
			"no key": {SEID: r.SEID, Serial: r.Serial},
			"serial": {SEID: r.SEID, Serial: "imKey01191200002", SE: r.SE},
			"SEID":   {SEID: otherSEID, Serial: r.Serial, SE: r.SE},
		} {
			var store MemoryStore
			put(t, &store, r)
			before, err := store.Get(t.Context(), seid)
			require.NoError(t, err)
			require.ErrorIs(t, operation(&store, &shown), errcode.DeviceChanged, "%s: %s", name, changed)
			after, err := store.Get(t.Context(), seid)
			require.NoError(t, err)
			require.Equal(t, before, after)
		}
		var store MemoryStore
		put(t, &store, r)
		require.NoError(t, operation(&store, &seen), name)
	}
	// The standing in which the device is now does not matter to its record, nor does a key where the record has none.
	var store MemoryStore
	r := records()["pending"]
	put(t, &store, r)
	require.NoError(t, Rename(t.Context(), &store, seid, "x", &Identity{SEID: r.SEID, Serial: r.Serial, SE: secp256k1.PublicKey(se.Public()), Standing: attestation.Unverified}))
	// The key that a file claims is compared with the one that the user saw, if they saw one.
	for name, operation := range operations {
		imported := records()["imported"]
		for _, seen := range []secp256k1.PublicKey{{}, imported.Claim, secp256k1.PublicKey(otherSE.Public())} {
			var store MemoryStore
			put(t, &store, imported)
			err := operation(&store, &Identity{SEID: imported.SEID, Serial: imported.Serial, SE: seen})
			if seen == secp256k1.PublicKey(otherSE.Public()) {
				require.ErrorIs(t, err, errcode.DeviceChanged, name)
			} else {
				require.NoError(t, err, name)
			}
		}
	}
	// A damaged record says nothing. It can be forgotten.
	require.NoError(t, store.Put(t.Context(), seid, []byte("junk")))
	require.NoError(t, Forget(t.Context(), &store, seid, &Identity{SEID: seid}))
	_, err := store.Get(t.Context(), seid)
	require.ErrorIs(t, err, ErrNoRecord)
}
