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
	"unicode"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/bindcode"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/tlv"
)

const otherSEID = "19060000000200860001010000000015"

func put(t *testing.T, store Store, r *Record) {
	t.Helper()
	require.NoError(t, save(t.Context(), store, r))
}

// Every form of record that version 1 wrote can be read and listed, and is written in the newest version. Do not regenerate the file.
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
			require.Equal(t, byte(recordVersion), again[0])
			upgraded, err := load(t.Context(), &store, seid)
			require.NoError(t, err)
			r.Name = "old one"
			require.Equal(t, r, upgraded)
		})
	}
}

// Every form of record that version 2 wrote can be read, and is written in the newest version. The trust of an imported one becomes a
// claim, and names lose the characters that version 2 allowed by mistake. Do not regenerate the file.
func TestRecordsOfVersion2(t *testing.T) {
	b, err := os.ReadFile("testdata/records-v2.json")
	require.NoError(t, err)
	var rows []struct{ Name, Hex string }
	require.NoError(t, json.Unmarshal(b, &rows))
	want := map[string]func(*Record){
		"pending": func(r *Record) {
			*r = Record{SEID: r.SEID, Serial: r.Serial, State: Pending, App: r.App, Created: r.Created}
		},
		"verify-sent, the code kept":            func(r *Record) { r.State, r.BoundAt = VerifySent, time.Time{} },
		"verify-sent, bound before":             func(r *Record) { r.State = VerifySent },
		"bound, verified, named, the code kept": func(*Record) {},
		"bound, accepted": func(r *Record) {
			r.Trust, r.CA, r.Name, r.HasCode, r.Code = Accepted, secp256k1.PublicKey{}, "", false, bindcode.Code{}
		},
		"former, verified, the code kept":              func(r *Record) { r.State = Former },
		"imported, verified, the code kept":            func(r *Record) { r.distrust(); r.Name = "" },
		"imported, accepted, named":                    func(r *Record) { r.distrust(); r.HasCode, r.Code = false, bindcode.Code{} },
		"bound, named with invisible characters":       func(r *Record) { r.Name = "paypal" },
		"bound, named with invisible characters alone": func(r *Record) { r.Name = "" },
	}
	require.Len(t, rows, len(want))
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			old, err := hex.DecodeString(row.Hex)
			require.NoError(t, err)
			require.Equal(t, byte(2), old[0])
			r, err := decodeRecord(old)
			require.NoError(t, err)
			expected := full()
			want[row.Name](expected)
			require.Equal(t, expected, r)
			again, err := decodeRecord(r.encode())
			require.NoError(t, err)
			require.Equal(t, expected, again)
			old[0] = 1
			if r.Name != "" || r.State > Bound {
				_, err = decodeRecord(old)
				requireCode(t, errcode.RecordCorrupt, err)
			}
			for _, tag := range []uint16{tagNext, tagNextCode, tagClaim, tagFromFile} {
				old[0] = 2
				_, err = decodeRecord(tlv.Append(old, tag, nil))
				requireCode(t, errcode.RecordCorrupt, err)
			}
		})
	}
}

// The forms of version 3, as bytes. Do not regenerate the file: a later version reads them.
func TestRecordsOfVersion3(t *testing.T) {
	b, err := os.ReadFile("testdata/records-v3.json")
	require.NoError(t, err)
	var rows []struct{ Name, Hex string }
	require.NoError(t, json.Unmarshal(b, &rows))
	want := records()
	require.Len(t, rows, len(want))
	for _, row := range rows {
		old, err := hex.DecodeString(row.Hex)
		require.NoError(t, err)
		r, err := decodeRecord(old)
		require.NoError(t, err, row.Name)
		require.Equal(t, want[row.Name], r, row.Name)
		require.Equal(t, old, r.encode(), row.Name)
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
		if state == Imported {
			r.distrust()
		}
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

// Names that print something else than their characters, one for each kind. A file has them in a record of version 2, which
// allowed them, or of version 3, which never has them.
func TestDeceptiveNames(t *testing.T) {
	for typed, legible := range map[string]string{
		"pay\u200Bpal": "paypal", "\u200B": "", "a\u00ADb": "ab", "a\uFEFFb": "ab", "a\u2060b": "ab", "a\u180Eb": "ab", // zero width
		"evas\u202Egnis": "evasgnis", "a\u2066b": "ab", "a\u200Fb": "ab", "a\u061Cb": "ab", // direction
		"a\u2028b": "ab", "a\u2029b": "ab", "a\u0085b": "ab", "a\x1Bb": "ab", // lines and controls
		"a\U000E0041b": "ab", "\U0001F3F4\U000E0067\U000E007F": "\U0001F3F4", // tags
		"a\uFE0Fb": "ab", "a\U000E0100b": "ab", "\uFE0F": "", "か\uFE00": "か", "1\uFE0F": "1", // variation selectors
		"a\u200Db": "ab", "a\u200Cb": "ab", "😀\u200D": "😀", "😀\u200B😀": "😀😀", "😀\u200D\u200D😀": "😀\u200D😀", // joiners
		"a\u3164b": "ab", "a\u2800b": "ab", "a\u115Fb": "ab", "a\uFFA0b": "ab", "a\U0001D159b": "ab", // fillers and blanks
		"a\uE000b": "ab", "a\U000F0000b": "ab", "a\uFFFEb": "ab", "a\U0001FFFEb": "ab", "a\uFDD0b": "ab", "a\uFFFDb": "ab", "a\uFFF9b": "ab",
		"a\u0301\u0301\u0301\u0301b": "a\u0301\u0301\u0301b", "\u0301a": "a", "a \u0301": "a", // marks
	} {
		got, clean := Legible(typed)
		require.Equal(t, legible, got, "%q", typed)
		require.False(t, clean, "%q", typed)
		_, err := CleanName(typed)
		requireCode(t, errcode.InvalidArgument, err)

		r := full()
		r.Name = typed
		file := r.encode()
		_, err = Import(t.Context(), &MemoryStore{}, file, ImportOptions{})
		requireCode(t, errcode.FileInvalid, err)
		file[0] = 2
		var store MemoryStore
		known, err := Import(t.Context(), &store, file, ImportOptions{})
		require.NoError(t, err, "%q", typed)
		require.Equal(t, legible, known.Name)
		known, err = Look(t.Context(), &store, seid)
		require.NoError(t, err)
		require.Equal(t, legible, known.Name)
	}
	for typed, want := range map[string]string{
		"👩\u200D💻 work": "👩\u200D💻 work", "❤\uFE0F": "❤\uFE0F", "🏳\uFE0F\u200D🌈": "🏳\uFE0F\u200D🌈", "1\uFE0F\u20E3": "1\uFE0F\u20E3", "👍🏽": "👍🏽",
		"a\u00A0b": "a b", "冷\u3000钱包": "冷 钱包", "a  b": "a b", "Việt": "Việt", "V\u0323\u0302": "V\u0323\u0302", "مفتاح": "مفتاح", "מפתח": "מפתח", "กุญแจ": "กุญแจ",
	} {
		got, err := CleanName(typed)
		require.NoError(t, err, "%q", typed)
		require.Equal(t, want, got)
	}
}

// No character that Unicode calls a control, a format character or a separator is in a name, except those of emoji.
func TestNamesAndPackageUnicode(t *testing.T) {
	tables := []*unicode.RangeTable{unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Zs,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Noncharacter_Code_Point, unicode.Bidi_Control}
	var all []rune
	add := func(from, to, step rune) {
		for r := from; r <= to; r += step {
			all = append(all, r)
		}
	}
	for _, table := range tables {
		for _, x := range table.R16 {
			add(rune(x.Lo), rune(x.Hi), rune(x.Stride))
		}
		for _, x := range table.R32 {
			add(rune(x.Lo), min(rune(x.Hi), rune(x.Lo)+4096), rune(x.Stride))
		}
	}
	for _, r := range all {
		if r >= 0xD800 && r <= 0xDFFF { // no string in UTF-8 has them
			continue
		}
		name, clean := Legible("a" + string(r) + "b")
		if unicode.Is(unicode.Zs, r) {
			require.Equal(t, "a b", name, "%U", r)
		} else {
			require.Equal(t, "ab", name, "%U", r)
			require.False(t, clean, "%U", r)
		}
	}
}

// No marks pile up: those of scripts in which they stand above and below letters, and those for all scripts.
func TestMarksDoNotPileUp(t *testing.T) {
	piling := []*unicode.RangeTable{unicode.Inherited, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Nko,
		unicode.Samaritan, unicode.Mandaic, unicode.Thai, unicode.Lao, unicode.Glagolitic, unicode.Coptic}
	tested := 0
	for r := rune(0x300); r < 0x1F000; r++ {
		if !unicode.In(r, unicode.Mn, unicode.Me) || !unicode.In(r, piling...) || in(invisible[:], r) {
			continue
		}
		tested++
		got, clean := Legible("a" + strings.Repeat(string(r), 20))
		require.Equal(t, "a"+strings.Repeat(string(r), maxMarks), got, "%U", r)
		require.False(t, clean)
	}
	require.Greater(t, tested, 500)
	for _, x := range marksTable {
		for r := x[0]; r <= x[1]; r++ {
			require.True(t, unicode.Is(unicode.M, r) || !unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S), "%U is a mark or unassigned", r)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"savings", "  a ", "冷", "\xFF", "a\u202Eb", "😀\u202E\u200D😀", "1\uFE0F\u200D\u20E3", " \u0301", "a \u200B b", "\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		legible, _ := Legible(typed)
		again, stable := Legible(legible)
		require.True(t, stable, "%q", legible)
		require.Equal(t, legible, again)
		for _, r := range legible {
			require.True(t, r == ' ' || r == 0x200D || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Z), "%U in %q", r, legible)
		}
		name, err := CleanName(typed)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			return
		}
		if _, clean := Legible(strings.TrimSpace(typed)); !clean { // CleanName takes any white space at the ends, also a line's end
			require.Fail(t, "a name that is not legible", "%q", typed)
		}
		again, err = CleanName(name)
		require.NoError(t, err)
		require.Equal(t, name, again)
	})
}

// A record moved to another app is imported there. The original record does not change.
func TestMoveToAnotherApp(t *testing.T) {
	for _, before := range []State{Bound, Former, Imported, VerifySent} {
		var here, there MemoryStore
		r := full()
		r.State = before
		if before == Imported {
			r.distrust()
		}
		put(t, &here, r)
		record, err := Export(t.Context(), &here, seid, nil)
		require.NoError(t, err)
		known, err := Import(t.Context(), &there, record, ImportOptions{SEID: seid})
		require.NoError(t, err)
		got, err := load(t.Context(), &there, seid)
		require.NoError(t, err)
		require.Equal(t, got.known(), known)
		r.distrust()
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
		"another serial number":          {full(), good, ImportOptions{SEID: seid, Serial: "imKey01191200002", Replace: true}, errcode.DeviceMismatch, nil},
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

// A user whose attempt to bind was cut off imports a backup. The device may have bound to the key of the attempt, and that key is
// nowhere else.
func TestImportKeepsTheKeyOfAnInterruptedAttempt(t *testing.T) {
	backup := full()
	backup.App = secp256k1.PrivateKey(attestationtest.NewKey("a backup's app").Serialize())
	for _, before := range []string{"two keys", "imported, two keys", "verify-sent"} {
		cut := records()[before]
		cut.SE, cut.CA = secp256k1.PublicKey(se.Public()), trustedCAs[0]
		key, code := cut.Next, cut.NextCode
		if before == "verify-sent" {
			key, code = cut.App, cut.Code
		}
		for _, boundTo := range []secp256k1.PrivateKey{key, backup.App} {
			hosted(t, func(t *testing.T, h *host) {
				put(t, h.store, cut)
				file := *backup
				file.SE = cut.SE
				_, err := Import(t.Context(), h.store, file.encode(), ImportOptions{Replace: true})
				require.NoError(t, err)
				r := h.record()
				require.Equal(t, Imported, r.State)
				require.Equal(t, [2]secp256k1.PrivateKey{backup.App, key}, [2]secp256k1.PrivateKey{r.App, r.Next}, before)
				_, err = Export(t.Context(), h.store, seid, nil)
				requireCode(t, errcode.NotBound, err)

				h.says(BoundElsewhere, genuine)
				public := boundTo.Public()
				h.Answer(bindCheck+"41"+strings.ToUpper(hex.EncodeToString(public[:]))+"00", "55"+hex.EncodeToString(genuine)+"9000")
				h.requireStatus(BoundToThis)
				r = h.record()
				require.Equal(t, Bound, r.State)
				require.Equal(t, boundTo, r.App)
				require.False(t, r.HasNext)
				require.Equal(t, boundTo == backup.App, r.FromFile)
				if boundTo == key {
					require.Equal(t, code, r.Code)
				}
			})
		}
	}
}

// A wrong file replaces a record that works, because the user said so. The device is bound to the key of that record, and says so.
func TestImportKeepsTheKeyOfARecordThatWorks(t *testing.T) {
	wrong := full()
	wrong.App = secp256k1.PrivateKey(attestationtest.NewKey("a stranger's app").Serialize())
	second := *wrong
	second.App = secp256k1.PrivateKey(attestationtest.NewKey("another stranger's app").Serialize())
	for _, before := range []string{"full", "from a file", "accepted", "former"} {
		for _, files := range [][]*Record{{wrong}, {wrong, &second}} {
			hosted(t, func(t *testing.T, h *host) {
				mine := records()[before]
				mine.SE = secp256k1.PublicKey(se.Public())
				if mine.Trust == Verified {
					mine.CA = trustedCAs[0]
				}
				put(t, h.store, mine)
				for _, given := range files {
					file := *given
					file.SE = mine.SE
					_, err := Import(t.Context(), h.store, file.encode(), ImportOptions{Replace: true})
					require.NoError(t, err)
				}
				r := h.record()
				require.Equal(t, [2]secp256k1.PrivateKey{files[len(files)-1].App, mine.App}, [2]secp256k1.PrivateKey{r.App, r.Next})
				require.False(t, r.known().Unfinished)

				h.boundTo(mine.App.Public(), genuine)
				h.requireStatus(BoundToThis)
				r = h.record()
				require.Equal(t, []any{Bound, mine.App, mine.FromFile, false, false}, []any{r.State, r.App, r.FromFile, r.HasNext, r.NextKept})
				require.Equal(t, []any{mine.HasCode, mine.Code}, []any{r.HasCode, r.Code})
			})
		}
	}
}

// A key that an import kept may be in a file, so a binding by code makes a new one all the same. If the code is wrong, it is still there.
func TestBindingByCodeAfterAnImportOverARecordMakesANewKey(t *testing.T) {
	for answer, bound := range map[string]bool{"5A9000": true, "A59000": false} {
		hosted(t, func(t *testing.T, h *host) {
			mine := h.keep(Bound)
			mine.FromFile = true
			put(t, h.store, mine)
			file := full()
			file.App = secp256k1.PrivateKey(attestationtest.NewKey("a backup's app").Serialize())
			file.SE = mine.SE
			_, err := Import(t.Context(), h.store, file.encode(), ImportOptions{Replace: true})
			require.NoError(t, err)
			h.says(BoundElsewhere, genuine)
			h.On(verify, func([]byte) []byte { return map[bool][]byte{true: {0x5A, 0x90, 0}, false: {0xA5, 0x90, 0}}[bound] })
			err = h.bind(BindOptions{})
			r := h.record()
			if !bound {
				requireCode(t, errcode.WrongCode, err)
				require.Equal(t, []any{file.App, mine.App, true}, []any{r.App, r.Next, r.NextKept}, answer)
				return
			}
			require.NoError(t, err)
			require.NotEqual(t, file.App, r.App)
			require.NotEqual(t, mine.App, r.App)
			require.Equal(t, []any{Bound, false, false, false}, []any{r.State, r.FromFile, r.HasNext, r.NextKept})
		})
	}
}

// The same binding again loses nothing of the record.
func TestImportOfTheSameBindingKeepsTheCode(t *testing.T) {
	var store MemoryStore
	put(t, &store, full())
	file := full()
	file.Code, file.HasCode = bindcode.Code{}, false
	_, err := Import(t.Context(), &store, file.encode(), ImportOptions{Replace: true})
	require.NoError(t, err)
	r, err := load(t.Context(), &store, seid)
	require.NoError(t, err)
	require.Equal(t, []any{full().App, full().Code, true, false}, []any{r.App, r.Code, r.HasCode, r.HasNext})
}

// A file may have the code of a binding whose record has none, or another. The user chose the file.
func TestImportOfTheSameBindingBringsItsCode(t *testing.T) {
	for _, had := range []bool{true, false} {
		var store MemoryStore
		before := full()
		before.Code, before.HasCode = bindcode.Code{}, had
		if had {
			before.Code = bindcode.Code([]byte("22222222"))
		}
		put(t, &store, before)
		_, err := Import(t.Context(), &store, full().encode(), ImportOptions{Replace: true})
		require.NoError(t, err)
		r, err := load(t.Context(), &store, seid)
		require.NoError(t, err)
		require.Equal(t, []any{full().Code, true}, []any{r.Code, r.HasCode}, had)
	}
}

// The device says that it is bound to the key that an import kept, but the record cannot be written.
func TestKeptKeyThatCannotBeStored(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		mine := h.keep(Bound)
		file := full()
		file.App = secp256k1.PrivateKey(attestationtest.NewKey("a backup's app").Serialize())
		file.SE = mine.SE
		_, err := Import(t.Context(), h.store, file.encode(), ImportOptions{Replace: true})
		require.NoError(t, err)
		h.boundTo(mine.App.Public(), genuine)
		h.store.fail = func(*Record) error { return errcode.New(errcode.StorageFull, "full") }
		_, err = h.status()
		requireCode(t, errcode.StorageFull, err)
		require.Equal(t, []any{file.App, mine.App, true}, []any{h.record().App, h.record().Next, h.record().NextKept})
		h.store.fail = nil
		h.requireStatus(BoundToThis)
		require.Equal(t, []any{mine.App, false}, []any{h.record().App, h.record().HasNext})
	})
}

// An imported binding becomes bound when a trusted device says so. The time is this one's, and not what the file says.
func TestImportedBindingBecomesBound(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		r := h.keep(Imported)
		h.says(BoundToThis, genuine)
		h.requireStatus(BoundToThis)
		require.Equal(t, Bound, h.record().State)
		require.NotEqual(t, r.BoundAt, h.record().BoundAt)
		require.WithinDuration(t, time.Now(), h.record().BoundAt, time.Minute)
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
