package binding

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// requireReason checks the code and the reason of an error.
func requireReason(t *testing.T, code errcode.Code, reason string, err error) {
	t.Helper()
	requireCode(t, code, err)
	var e *errcode.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, reason, e.Data["reason"])
}

// TestAnImportedBindingNeedsItsUsersYes signs and reveals with an imported record. The consent of such a call is no acceptance: only
// Accept and Bind are.
func TestAnImportedBindingNeedsItsUsersYes(t *testing.T) {
	unverified := attestationtest.New(seid, se.Public()).Sign(wrongCA)
	hosted(t, func(t *testing.T, h *host) {
		h.keep(Imported)
		h.opens(BoundToThis, unverified)
		yes := Consent{AcceptUnverified: true}
		refuses := func() {
			t.Helper()
			requireReason(t, errcode.UntrustedDevice, "imported", h.device.Do(t.Context(), func(s *device.Session) error {
				keys, err := h.SigningKeys(t.Context(), s, SigningOptions{Consent: yes})
				require.Zero(t, keys)
				return err
			}))
			_, ok, err := h.RevealCode(t.Context(), yes)
			require.False(t, ok)
			requireReason(t, errcode.UntrustedDevice, "imported", err)
			require.Equal(t, Imported, h.record().State)
			require.False(t, h.record().HasSE)
		}
		refuses()
		h.requireStatus(BoundToThis) // a status accepts nothing
		refuses()

		shown := Identity{SEID: seid}
		_, err := h.Accept(t.Context(), Consent{Shown: &shown, AcceptUnverified: true})
		requireCode(t, errcode.DeviceChanged, err)
		refuses()

		status, err := h.Accept(t.Context(), yes)
		require.NoError(t, err)
		require.Equal(t, BoundToThis, status)
		after := h.record()
		require.Equal(t, []any{Bound, true, secp256k1.PublicKey(se.Public()), Accepted}, []any{after.State, after.HasSE, after.SE, after.Trust})
		require.NoError(t, h.device.Do(t.Context(), func(s *device.Session) error {
			_, err := h.SigningKeys(t.Context(), s, SigningOptions{Consent: yes})
			return err
		}))
	})
}

// TestAnAcceptedImportTakesTheDevicesSerial: the one in the file is a claim.
func TestAnAcceptedImportTakesTheDevicesSerial(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		r := h.keep(Imported)
		r.Serial = "imKey01000000000"
		require.NoError(t, save(t.Context(), h.store, r))
		h.says(BoundToThis, genuine)
		shown := h.Identity()
		require.NoError(t, Rename(t.Context(), h.store, seid, "mine", &shown), "the serial of a file is no other device's")
		h.requireStatus(BoundToThis)
		after := h.record()
		require.Equal(t, []any{"imKey01191200001", Bound}, []any{after.Serial, after.State})

		// From now on the serial counts.
		shown.Serial = "imKey01000000000"
		requireCode(t, errcode.DeviceChanged, Rename(t.Context(), h.store, seid, "x", &shown))
	})
}

// TestAnImportedFormerBinding: the trusted device says no, so the record is a former one. A device that is not trusted says nothing.
func TestAnImportedFormerBinding(t *testing.T) {
	for name, c := range map[string]struct {
		certificate []byte
		want        State
	}{
		"verified":   {genuine, Former},
		"unverified": {attestationtest.New(seid, se.Public()).Sign(wrongCA), Imported},
	} {
		t.Run(name, func(t *testing.T) {
			hosted(t, func(t *testing.T, h *host) {
				h.keep(Imported)
				h.opens(BoundElsewhere, c.certificate)
				h.requireStatus(BoundElsewhere)
				require.Equal(t, c.want, h.record().State)
				require.Equal(t, c.want == Former, h.record().HasSE)
			})
		})
	}
}

// TestAnImportKeepsThisAppsTrust replaces the record of a device that this app trusts: the key is this app's, not the file's.
func TestAnImportKeepsThisAppsTrust(t *testing.T) {
	var theirs, store MemoryStore
	put(t, &theirs, full())
	file, err := Export(t.Context(), &theirs, seid, nil)
	require.NoError(t, err)
	mine := full()
	mine.Trust, mine.CA = Accepted, secp256k1.PublicKey{}
	put(t, &store, mine)
	_, err = Import(t.Context(), &store, file, ImportOptions{Replace: true})
	require.NoError(t, err)
	after, err := load(t.Context(), &store, seid)
	require.NoError(t, err)
	require.Equal(t, []any{Imported, true, mine.SE, Accepted, false}, []any{after.State, after.HasSE, after.SE, after.Trust, after.HasClaim})
}

// An imported record with this app's trust is of one device, whatever the file says.
func TestAnImportOverAKnownDeviceIsOfThatDevice(t *testing.T) {
	var store MemoryStore
	r := full()
	r.State, r.FromFile = Imported, true
	put(t, &store, r)
	shown := Identity{SEID: r.SEID, Serial: "imKey01000000000", SE: r.SE}
	requireCode(t, errcode.DeviceChanged, Rename(t.Context(), &store, seid, "x", &shown))
	shown.Serial = r.Serial
	require.NoError(t, Rename(t.Context(), &store, seid, "x", &shown))
}

// undeletable is a store that lists and deletes nothing.
type undeletable struct{ *MemoryStore }

func (undeletable) Delete(context.Context, string) error {
	return errcode.New(errcode.Storage, "the disk")
}

func (undeletable) List(context.Context) ([]string, error) {
	return nil, errcode.New(errcode.Storage, "the disk")
}

func TestErrorsOfForgettingAndListing(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.keep(Bound)
		h.config.Store = undeletable{&h.store.MemoryStore}
		requireCode(t, errcode.Storage, h.Forget(t.Context(), nil))
		_, err := List(t.Context(), h.config.Store)
		requireCode(t, errcode.Storage, err)
	})
	hosted(t, func(t *testing.T, h *host) {
		h.keep(Bound)
		require.NoError(t, h.device.Close())
		requireCode(t, errcode.DeviceDisconnected, h.Forget(t.Context(), nil))
		require.Equal(t, Bound, h.record().State)
	})
}

// TestARecordThatWasReplacedMeanwhile: an attempt of this page does not overwrite the record of another page, but the binding that the
// device confirms does.
func TestARecordThatWasReplacedMeanwhile(t *testing.T) {
	for answer, want := range map[string]bool{"A59000": false, "A59000, and it has a next key": false, "5A9000": true} {
		hosted(t, func(t *testing.T, h *host) {
			other := full()
			other.Serial = "imKey01191200001"
			if strings.Contains(answer, "next") {
				next, err := secp256k1.Generate(bytes.NewReader(bytes.Repeat([]byte{9}, 4096)))
				require.NoError(t, err)
				other.Next, other.HasNext = next, true
			}
			h.On(verify, func([]byte) []byte {
				require.NoError(t, save(t.Context(), h.store, other))
				return map[bool][]byte{false: {0xA5, 0x90, 0}, true: {0x5A, 0x90, 0}}[want]
			})
			err := h.bind(BindOptions{})
			if want {
				require.NoError(t, err, answer)
				require.NotEqual(t, other.App, h.record().App)
			} else {
				requireCode(t, errcode.WrongCode, err)
				require.Equal(t, other, h.record())
			}
		})
	}
}

// retaining keeps the slices that pass through a store.
type retaining struct {
	Store
	slices [][]byte
}

func (r *retaining) Get(ctx context.Context, seid string) ([]byte, error) {
	b, err := r.Store.Get(ctx, seid)
	r.slices = append(r.slices, b)
	return b, err
}

func (r *retaining) Put(ctx context.Context, seid string, record []byte) error {
	r.slices = append(r.slices, record)
	return r.Store.Put(ctx, seid, record)
}

// TestRecordsAreOverwritten: a store's copies of a record, which hold the app key, are overwritten after use.
func TestRecordsAreOverwritten(t *testing.T) {
	var inner MemoryStore
	put(t, &inner, full())
	r := retaining{Store: &inner}
	require.NoError(t, Rename(t.Context(), &r, seid, "x", nil))
	require.Len(t, r.slices, 2)
	for _, b := range r.slices {
		require.NotEmpty(t, b)
		require.Equal(t, make([]byte, len(b)), b)
	}
	replaced := inner.records[seid]
	require.NoError(t, inner.Put(t.Context(), seid, []byte{1}))
	require.Equal(t, make([]byte, len(replaced)), replaced)
	replaced = inner.records[seid]
	require.NoError(t, inner.Delete(t.Context(), seid))
	require.Equal(t, []byte{0}, replaced)
}
