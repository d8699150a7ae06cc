package binding

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

func (h *host) signingKeys(o SigningOptions) (k SigningKeys, err error) {
	err = h.device.Do(h.t.Context(), func(s *device.Session) (err error) {
		k, err = h.Binding.SigningKeys(h.t.Context(), s, o)
		return err
	})
	return k, err
}

func TestSigningKeys(t *testing.T) {
	unverified := attestationtest.New(seid, se.Public()).Sign(wrongCA)
	other := attestationtest.New(seid, otherSE.Public()).Sign(ca)
	foreign := attestationtest.New(strings.Repeat("0", 32), se.Public()).Sign(ca)
	none := SigningOptions{}
	accept, unbound, both := SigningOptions{Consent: Consent{AcceptUnverified: true}}, SigningOptions{AllowUnbound: true}, SigningOptions{Consent{AcceptUnverified: true}, true}
	for name, c := range map[string]struct {
		record      State // 0: none
		status      Status
		certificate []byte
		options     SigningOptions
		want        errcode.Code
		trust       Trust
	}{
		"bound":                 {Bound, BoundToThis, genuine, none, "", Verified},
		"bound, options unused": {Bound, BoundToThis, genuine, both, "", Verified},
		"bound, the answer to IDENTITY_VERIFY was lost": {VerifySent, BoundToThis, genuine, none, "", Verified},
		"bound, but IDENTITY_VERIFY was never sent":     {Pending, BoundToThis, genuine, both, errcode.Protocol, 0},
		"bound, but there is no record":                 {0, BoundToThis, genuine, both, errcode.Protocol, 0},
		"unverified":                                    {Bound, BoundToThis, unverified, unbound, errcode.UntrustedDevice, 0},
		"unverified, accepted":                          {Bound, BoundToThis, unverified, accept, "", Accepted},
		"a certificate of another device":               {Bound, BoundToThis, foreign, both, errcode.UntrustedDevice, 0},
		"a truncated certificate":                       {Bound, BoundToThis, genuine[:99], both, errcode.UntrustedDevice, 0},
		"another secure element":                        {Bound, BoundToThis, other, both, errcode.DeviceMismatch, 0},
		"bound elsewhere":                               {Bound, BoundElsewhere, genuine, both, errcode.BoundElsewhere, 0},
		"bound elsewhere, unverified":                   {0, BoundElsewhere, unverified, both, errcode.BoundElsewhere, 0},
		"unbound":                                       {0, Unbound, genuine, accept, errcode.NotBound, 0},
		"unbound, unverified":                           {0, Unbound, unverified, none, errcode.NotBound, 0},
		"unbound, allowed":                              {0, Unbound, genuine, unbound, "", Verified},
		"reset, allowed":                                {Bound, Unbound, genuine, unbound, "", Verified},
		"unbound, allowed, unverified":                  {0, Unbound, unverified, unbound, errcode.UntrustedDevice, 0},
		"unbound, both allowed":                         {0, Unbound, unverified, both, "", Accepted},
		"unbound, a certificate of another device":      {0, Unbound, foreign, both, errcode.UntrustedDevice, 0},
		"unbound, another secure element":               {Bound, Unbound, other, both, errcode.DeviceMismatch, 0},
		"an unknown answer":                             {Bound, 0x56, genuine, both, errcode.Protocol, 0},
	} {
		hosted(t, func(t *testing.T, h *host) {
			app := secp256k1.PrivateKey{}
			if c.record != 0 {
				app = h.keep(c.record).App
			}
			h.opens(c.status, c.certificate)
			k, err := h.signingKeys(c.options)
			require.Equal(t, c.want, errcode.Of(err), "%s: %v", name, err)
			if c.want != "" {
				require.Zero(t, k, name)
				return
			}
			require.Equal(t, se.Public(), k.SE[:], name)
			require.Equal(t, c.trust, k.Trust, name)
			require.Equal(t, c.status == Unbound, k.Unbound, name)
			if k.Unbound {
				app = secp256k1.PrivateKey{}
			}
			require.Equal(t, app[:], k.App[:], name)
			k.Wipe()
			require.Equal(t, secp256k1.PrivateKey{}, k.App)
			require.Zero(t, h.verifies(), "nothing is bound")
		})
	}
}

// SigningKeys returns a copy: wiping it does not change the record, nor the other way round.
func TestSigningKeysAreACopy(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		app := h.keep(Bound).App
		h.says(BoundToThis, genuine)
		first, err := h.signingKeys(SigningOptions{})
		require.NoError(t, err)
		second, err := h.signingKeys(SigningOptions{})
		require.NoError(t, err)
		first.Wipe()
		require.Equal(t, app[:], second.App[:])
		kept := h.record().App
		require.Equal(t, app[:], kept[:])
		require.Empty(t, h.store.puts, "signing does not change the record")
	})
}

// TestRecall gives the keys without the device only where record, opened device and caller agree.
func TestRecall(t *testing.T) {
	unverified := attestationtest.New(seid, se.Public()).Sign(wrongCA)
	other := attestationtest.New(seid, otherSE.Public()).Sign(ca)
	accept := SigningOptions{Consent: Consent{AcceptUnverified: true}}
	for name, c := range map[string]struct {
		record      State // 0: none
		change      func(r *Record)
		certificate []byte
		options     SigningOptions
		trust       Trust // 0: only the device can tell
	}{
		"bound":                  {Bound, nil, genuine, SigningOptions{}, Verified},
		"bound, option unused":   {Bound, nil, genuine, accept, Verified},
		"unverified":             {Bound, nil, unverified, SigningOptions{}, 0},
		"unverified, accepted":   {Bound, nil, unverified, accept, Accepted},
		"another secure element": {Bound, nil, other, accept, 0},
		"no certificate":         {Bound, nil, genuine[:99], accept, 0},
		"no record":              {0, nil, genuine, accept, 0},
		"pending":                {Pending, nil, genuine, accept, 0},
		"sent":                   {VerifySent, nil, genuine, accept, 0},
		"imported":               {Imported, nil, genuine, accept, 0},
		"a new key that is not certain": {Bound, func(r *Record) {
			r.HasNext, r.Next = true, secp256k1.PrivateKey(attestationtest.NewKey("next").Serialize())
		}, genuine, accept, 0},
		"a record of another secure element": {Bound, func(r *Record) { r.SE = secp256k1.PublicKey(otherSE.Public()) }, genuine, accept, 0},
	} {
		hosted(t, func(t *testing.T, h *host) {
			var app secp256k1.PrivateKey
			if c.record != 0 {
				r := h.keep(c.record)
				app = r.App
				if c.change != nil {
					c.change(r)
					require.NoError(t, save(t.Context(), h.store, r))
				}
			}
			h.opens(BoundToThis, c.certificate)
			k, ok, err := h.Recall(t.Context(), c.options)
			require.NoError(t, err, name)
			require.Equal(t, c.trust != 0, ok, name)
			if !ok {
				require.Zero(t, k, name)
				return
			}
			require.Equal(t, SigningKeys{App: app, SE: secp256k1.PublicKey(se.Public()), Trust: c.trust}, k, name)
			shown := Identity{SEID: seid}
			k, ok, err = h.Recall(t.Context(), SigningOptions{Consent: Consent{Shown: &shown}})
			requireCode(t, errcode.DeviceChanged, err)
			require.False(t, ok)
			require.Zero(t, k)
		})
	}
}

// TestNoCertificateAnyMore takes the certificate from a device that had one when it was opened.
func TestNoCertificateAnyMore(t *testing.T) {
	foreign := attestationtest.New(strings.Repeat("0", 32), se.Public()).Sign(ca)
	for status, want := range map[Status]errcode.Code{BoundToThis: errcode.UntrustedDevice, Unbound: errcode.DeviceChanged} {
		for _, now := range [][]byte{genuine[:99], foreign} {
			hosted(t, func(t *testing.T, h *host) {
				h.keep(Bound)
				h.opens(status, genuine)
				h.says(status, now)
				k, err := h.signingKeys(SigningOptions{Consent{AcceptUnverified: true}, true})
				requireCode(t, want, err)
				require.Zero(t, k)
			})
		}
	}
}
