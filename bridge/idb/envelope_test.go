//go:build js && wasm

package idb_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
)

// database1 is a database of version 1: the wrapping key, which only a test has in the clear, and records.
type database1 struct {
	Origin, Key string
	Records     map[string]string // by SEID, as stored in the database, in hex
	Plain       map[string]string // what is in them
}

func readDatabase1(t *testing.T) database1 {
	t.Helper()
	b, err := os.ReadFile("testdata/database-v1.json")
	require.NoError(t, err)
	var d database1
	require.NoError(t, json.Unmarshal(b, &d))
	require.Len(t, d.Records, 2)
	return d
}

// restore restores such a database in a browser.
func (d database1) restore(t *testing.T) *site {
	w := newSite(t)
	w.origin = d.Origin
	key := bridgetest.Await(t, bridgetest.Eval(t, `({ key: () => crypto.subtle.importKey("raw", Uint8Array.from("`+d.Key+`".match(/../g), x => parseInt(x, 16)),
		"AES-GCM", false, ["encrypt", "decrypt"]) })`), "key")
	w.do(`(o, key) => { o.version = 1; o.stores.set("keys", new Map([["wrapping", key]])); o.stores.set("records", new Map()) }`, key)
	for seid, text := range d.Records {
		w.put(seid, text)
	}
	return w
}

func (w *site) put(seid, text string) {
	b, err := hex.DecodeString(text)
	require.NoError(w.t, err)
	v, err := interop.Uint8Array(b)
	require.NoError(w.t, err)
	w.do(`(o, seid, b) => { o.stores.get("records").set(seid, b) }`, seid, v)
}

// A database of version 1 opens, and records that are written into it can be read. Do not regenerate the file.
func TestDatabaseOfVersion1(t *testing.T) {
	d := readDatabase1(t)
	w := d.restore(t)
	s := w.tab()
	ctx := bridgetest.Context(t)
	known, err := binding.List(ctx, s)
	require.NoError(t, err)
	require.Len(t, known, 2)
	for _, k := range known {
		require.True(t, k.Readable)
		b, err := s.Get(ctx, k.SEID)
		require.NoError(t, err)
		require.Equal(t, d.Plain[k.SEID], hex.EncodeToString(b))
		require.NoError(t, binding.Rename(ctx, s, k.SEID, "since then", nil))
		k.Name = "since then"
		again, err := binding.Look(ctx, w.tab(), k.SEID)
		require.NoError(t, err)
		require.Equal(t, k, again)
	}
}

// A record with an envelope of a later version is listed as unreadable, and no call but Forget changes it.
func TestEnvelopeOfALaterVersionIsLeftAlone(t *testing.T) {
	d := readDatabase1(t)
	w := d.restore(t)
	s := w.tab()
	ctx := bridgetest.Context(t)
	var one string
	for one = range d.Records {
	}
	w.put(one, "02"+d.Records[one][2:])
	before := w.stored(one)
	known, err := binding.Look(ctx, s, one)
	require.NoError(t, err)
	require.Equal(t, binding.Known{SEID: one}, known)
	require.ErrorIs(t, binding.Rename(ctx, s, one, "x", nil), errcode.RecordCorrupt)
	record, err := hex.DecodeString(d.Plain[one])
	require.NoError(t, err)
	_, err = binding.Import(ctx, s, record, binding.ImportOptions{})
	require.ErrorIs(t, err, errcode.RecordExists)
	require.Equal(t, before, w.stored(one))
	require.NoError(t, binding.Forget(ctx, s, one, nil), "but the user may")
}
