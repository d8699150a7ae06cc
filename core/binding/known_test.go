package binding

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

const otherSEID = "19060000000200860001010000000015"

func put(t *testing.T, store Store, r *Record) {
	t.Helper()
	require.NoError(t, save(t.Context(), store, r))
}

// Every form of record that version 1 wrote can be read and listed, and is written in version 2. Do not regenerate the file.
func TestRecordsOfVersion1(t *testing.T) {
	b, err := os.ReadFile("testdata/records-v1.json")
	require.NoError(t, err)
	var rows []struct{ Name, State, Trust, BoundAt, Code, Hex string }
	require.NoError(t, json.Unmarshal(b, &rows))
	require.Len(t, rows, 12)
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			old, err := hex.DecodeString(row.Hex)
			require.NoError(t, err)
			require.Equal(t, byte(1), old[0])
			var store MemoryStore
			require.NoError(t, store.Put(t.Context(), seid, old))
			r, err := load(t.Context(), &store, seid)
			require.NoError(t, err)
			want := full()
			require.Equal(t, want.App, r.App)
			require.Equal(t, want.Serial, r.Serial)
			require.Equal(t, want.Created, r.Created)
			require.Equal(t, row.State, r.State.String())
			require.Equal(t, row.Trust, [...]string{"none", "verified", "accepted"}[r.Trust])
			require.Equal(t, row.Trust != "none", r.HasSE)
			if r.HasSE {
				require.Equal(t, want.SE, r.SE)
			}
			if row.Trust == "verified" {
				require.Equal(t, want.CA, r.CA)
			}
			require.Equal(t, row.Code != "", r.HasCode)
			if r.HasCode {
				require.Equal(t, row.Code, string(r.Code[:]))
			}
			if row.BoundAt == "" {
				require.Zero(t, r.BoundAt)
			} else {
				require.Equal(t, row.BoundAt, r.BoundAt.Format(time.RFC3339))
			}
			known, err := List(t.Context(), &store)
			require.NoError(t, err)
			require.Equal(t, []Known{r.known()}, known)

			again, err := store.Get(t.Context(), seid)
			require.NoError(t, err)
			require.Equal(t, old, again, "reading writes nothing")
			require.NoError(t, Rename(t.Context(), &store, seid, "old one", nil))
			again, err = store.Get(t.Context(), seid)
			require.NoError(t, err)
			require.Equal(t, byte(2), again[0])
			upgraded, err := load(t.Context(), &store, seid)
			require.NoError(t, err)
			r.Name = "old one"
			require.Equal(t, r, upgraded)
		})
	}
}

// Version 1 left a record pending after a wrong code, even if the device was bound before. Its key may still be needed.
func TestFormerlyBoundRecordOfVersion1IsNotReplaced(t *testing.T) {
	once := full()
	once.State = Pending
	var store MemoryStore
	put(t, &store, once)
	_, err := Import(t.Context(), &store, moved(), ImportOptions{})
	require.ErrorIs(t, err, errcode.RecordExists)
	file, err := Export(t.Context(), &store, seid, nil)
	require.NoError(t, err)
	_, err = Import(t.Context(), &MemoryStore{}, file, ImportOptions{})
	require.NoError(t, err)
}

// A record of a later version is listed as unreadable, and does not change until the user decides.
func TestRecordOfALaterVersionIsLeftAlone(t *testing.T) {
	future := full().encode()
	future[0] = recordVersion + 1
	var store MemoryStore
	require.NoError(t, store.Put(t.Context(), seid, future))
	known, err := List(t.Context(), &store)
	require.NoError(t, err)
	require.Equal(t, []Known{{SEID: seid}}, known)
	require.ErrorIs(t, Rename(t.Context(), &store, seid, "x", nil), errcode.RecordCorrupt)
	_, err = Export(t.Context(), &store, seid, nil)
	require.ErrorIs(t, err, errcode.RecordCorrupt)
	_, err = Import(t.Context(), &store, full().encode(), ImportOptions{})
	require.ErrorIs(t, err, errcode.RecordExists)
	b, err := store.Get(t.Context(), seid)
	require.NoError(t, err)
	require.Equal(t, future, b)
	_, err = Import(t.Context(), &store, full().encode(), ImportOptions{Replace: true})
	require.NoError(t, err)
	require.NoError(t, Forget(t.Context(), &store, seid, nil))
	known, err = List(t.Context(), &store)
	require.NoError(t, err)
	require.Empty(t, known)
}

func TestKnownHasNoSecret(t *testing.T) {
	var store MemoryStore
	r := full()
	put(t, &store, r)
	known, err := Look(t.Context(), &store, seid)
	require.NoError(t, err)
	require.Equal(t, Known{SEID: r.SEID, Readable: true, Serial: r.Serial, Name: r.Name, State: Bound, BoundAt: r.BoundAt,
		SE: r.SE, Trust: Verified, CA: r.CA, HasCode: true}, known)
	_, err = Look(t.Context(), &store, otherSEID)
	require.ErrorIs(t, err, ErrNoRecord)
}

// HasCode is set if the code can be looked up: not for an unconfirmed code, nor for a former binding.
func TestHasCode(t *testing.T) {
	var store MemoryStore
	for state, want := range map[State]bool{VerifySent: false, Bound: true, Imported: true, Former: false} {
		r := full()
		r.State = state
		put(t, &store, r)
		known, err := Look(t.Context(), &store, seid)
		require.NoError(t, err)
		require.Equal(t, want, known.HasCode, state)
	}
}

// deleting removes a record between List and Get, as another page may.
type deleting struct{ *MemoryStore }

func (d deleting) List(ctx context.Context) ([]string, error) {
	seids, err := d.MemoryStore.List(ctx)
	return append(seids, otherSEID), err
}

func TestListOfAStoreThatChangesOrFails(t *testing.T) {
	store := deleting{&MemoryStore{}}
	put(t, store, full())
	known, err := List(t.Context(), store)
	require.NoError(t, err)
	require.Len(t, known, 1)
	blocked := &watchedStore{}
	put(t, blocked, full())
	_, err = List(t.Context(), unreadable{blocked})
	require.ErrorIs(t, err, errcode.Storage)
}

func TestNames(t *testing.T) {
	var store MemoryStore
	put(t, &store, full())
	for typed, want := range map[string]string{
		"savings": "savings", "  savings\t ": "savings", "冷钱包": "冷钱包", "": "", " \n ": "", "👩‍💻 work": "👩‍💻 work",
		strings.Repeat("钱", MaxName): strings.Repeat("钱", MaxName), strings.Repeat(" ", 100) + "x": "x",
	} {
		require.NoError(t, Rename(t.Context(), &store, seid, typed, nil), typed)
		r, err := load(t.Context(), &store, seid)
		require.NoError(t, err)
		require.Equal(t, want, r.Name)
		r.Name = full().Name
		require.Equal(t, full(), r, "and nothing else")
	}
	require.NoError(t, Rename(t.Context(), &store, seid, "kept", nil))
	for _, typed := range []string{strings.Repeat("x", MaxName+1), "a\nb", "a\x00b", "a\x7Fb", "a\u2028b", "\u202Eevas", "a\u2066b",
		"\xFF", "a\u0085b", strings.Repeat(" ", 1<<13)} {
		err := Rename(t.Context(), &store, seid, typed, nil)
		require.ErrorIs(t, err, errcode.InvalidArgument, "%q", typed)
		var e *errcode.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "name", e.Data["reason"])
	}
	r, err := load(t.Context(), &store, seid)
	require.NoError(t, err)
	require.Equal(t, "kept", r.Name)
	err = Rename(t.Context(), &store, otherSEID, "x", nil)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	var e *errcode.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "unknown-device", e.Data["reason"])
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"savings", "  a ", "冷", "\xFF", "a\u202Eb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := CleanName(typed)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			return
		}
		again, err := CleanName(name)
		require.NoError(t, err)
		require.Equal(t, name, again)
	})
}

// A record moved to another app is imported there. The original record does not change.
func TestMoveToAnotherApp(t *testing.T) {
	for before, after := range map[State]State{Bound: Imported, Former: Imported, Imported: Imported, VerifySent: VerifySent} {
		var here, there MemoryStore
		r := full()
		r.State = before
		put(t, &here, r)
		record, err := Export(t.Context(), &here, seid, nil)
		require.NoError(t, err)
		known, err := Import(t.Context(), &there, record, ImportOptions{SEID: seid})
		require.NoError(t, err)
		got, err := load(t.Context(), &there, seid)
		require.NoError(t, err)
		require.Equal(t, got.known(), known)
		r.State = after
		require.Equal(t, r, got)
	}
}

func TestNothingToExport(t *testing.T) {
	var store MemoryStore
	_, err := Export(t.Context(), &store, seid, nil)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	for _, name := range []string{"pending", "verify-sent"} {
		put(t, &store, records()[name])
		_, err = Export(t.Context(), &store, seid, nil)
		require.ErrorIs(t, err, errcode.NotBound, name)
	}
}

func TestFailedImportsChangeNothing(t *testing.T) {
	good := full().encode()
	future := full().encode()
	future[0] = recordVersion + 1
	another := full()
	another.SE = secp256k1.PublicKey(attestationtest.NewKey("another secure element").Public())
	met := records()["pending"]
	metAnother := *met
	metAnother.SE, metAnother.HasSE, metAnother.Trust = another.SE, true, Accepted
	for name, c := range map[string]struct {
		here    *Record // or none
		file    []byte
		options ImportOptions
		want    errcode.Code
		reason  any
	}{
		"an empty record":                {full(), nil, ImportOptions{Replace: true}, errcode.FileInvalid, "damaged"},
		"bytes that are no record":       {full(), []byte("\x00junk"), ImportOptions{Replace: true}, errcode.FileInvalid, "damaged"},
		"a truncated record":             {full(), good[:60], ImportOptions{Replace: true}, errcode.FileInvalid, "damaged"},
		"a later version":                {full(), future, ImportOptions{Replace: true}, errcode.FileInvalid, "version"},
		"never bound":                    {full(), met.encode(), ImportOptions{Replace: true}, errcode.FileInvalid, "damaged"},
		"another device":                 {full(), good, ImportOptions{SEID: otherSEID, Replace: true}, errcode.DeviceMismatch, nil},
		"another device, no record here": {nil, good, ImportOptions{SEID: otherSEID}, errcode.DeviceMismatch, nil},
		"a record is here":               {another, good, ImportOptions{}, errcode.RecordExists, nil},
		"the same record is here":        {full(), good, ImportOptions{SEID: seid}, errcode.RecordExists, nil},
		"an unreadable record is here":   {&Record{}, good, ImportOptions{}, errcode.RecordExists, nil},
		"a pending record with another secure element is here": {&metAnother, good, ImportOptions{}, errcode.DeviceMismatch, "secure-element"},
	} {
		t.Run(name, func(t *testing.T) {
			var store MemoryStore
			switch {
			case c.here == nil:
			case c.here.SEID == "":
				require.NoError(t, store.Put(t.Context(), seid, []byte("\x00junk")))
			default:
				put(t, &store, c.here)
			}
			before, _ := store.Get(t.Context(), seid)
			_, err := Import(t.Context(), &store, c.file, c.options)
			require.Equal(t, c.want, errcode.Of(err), "%v", err)
			var e *errcode.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.reason, e.Data["reason"])
			if c.want == errcode.RecordExists {
				require.Equal(t, map[string]any{"seid": seid, "serial": full().Serial}, e.Data)
			}
			after, _ := store.Get(t.Context(), seid)
			require.Equal(t, before, after)
			seids, err := store.List(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(seids), 1)
		})
	}
}

func TestImportReplaces(t *testing.T) {
	named := records()["pending"]
	named.Name = "met"
	other := full()
	other.App = secp256k1.PrivateKey(attestationtest.NewKey("another app key").Serialize())
	other.Name = "bound before"
	file := full()
	file.Name = ""
	for _, here := range []*Record{named, other} {
		var store MemoryStore
		put(t, &store, here)
		_, err := Import(t.Context(), &store, file.encode(), ImportOptions{Replace: here == other})
		require.NoError(t, err)
		r, err := load(t.Context(), &store, seid)
		require.NoError(t, err)
		require.Equal(t, full().App, r.App)
		require.Equal(t, here.Name, r.Name, "the name stays if the file has none")
	}
	store := unreadable{&watchedStore{}}
	_, err := Import(t.Context(), store, file.encode(), ImportOptions{Replace: true})
	require.ErrorIs(t, err, errcode.Storage)
	full := errors.New("full")
	failing := &watchedStore{fail: func(*Record) error { return full }}
	_, err = Import(t.Context(), failing, file.encode(), ImportOptions{})
	require.ErrorIs(t, err, full)
}

// An imported binding becomes bound when the device says so. It keeps the time of the binding, and its key signs.
func TestImportedBindingBecomesBound(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		r := h.keep(Imported)
		h.says(BoundToThis, genuine)
		h.requireStatus(BoundToThis)
		require.Equal(t, Bound, h.record().State)
		require.Equal(t, r.BoundAt, h.record().BoundAt)
	})
	hosted(t, func(t *testing.T, h *host) {
		h.keep(Imported)
		h.says(BoundElsewhere, genuine)
		h.requireStatus(BoundElsewhere)
		require.Equal(t, Former, h.record().State)
	})
}

// If the store fails when a binding becomes a former one, the caller gets the status all the same, and the record does not change.
func TestStoreFailsWhenABindingEnds(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.keep(Bound)
		h.store.fail = func(*Record) error { return errcode.New(errcode.StorageFull, "put") }
		h.says(BoundElsewhere, genuine)
		h.requireStatus(BoundElsewhere)
		require.Equal(t, Bound, h.record().State)
	})
}
