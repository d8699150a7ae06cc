//go:build js && wasm

package main

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/idb"
	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/records"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
	"imkey-connect/wasm/backup/sealed"
)

const (
	seid       = "19060000000200860001010000000014"
	other      = "19060000000200860001010000000015"
	passphrase = "correct horse battery"
	code       = "PVU3FY64"
)

// browser is one origin in one browser with its imkey-backup.wasm.
type browser struct {
	t      *testing.T
	db     *bridgetest.IndexedDB
	env    idb.Env
	object safejs.Value
}

func newBrowser(t *testing.T, origin string) *browser {
	t.Helper()
	return newBrowserWith(t, origin, safejs.Undefined())
}

func newBrowserWith(t *testing.T, origin string, locks safejs.Value) *browser {
	t.Helper()
	db := bridgetest.NewIndexedDB(t)
	b := &browser{t: t, db: db, env: idb.Env{IndexedDB: db.Factory, Crypto: bridgetest.Get(t, safejs.Global(), "crypto"), Origin: origin}}
	module := &backup{env: b.env, locks: locks, work: 4, ended: make(chan struct{})}
	var err error
	b.object, err = module.object()
	require.NoError(t, err)
	_, err = interop.CallNow(b.object, "init", bridgetest.Eval(t, `({ makeError: (code, message, statusWord, retryable, data) =>
		Object.assign(new Error(message + " [" + data?.reason + "]"), { code, retryable }) })`))
	require.NoError(t, err)
	return b
}

// store returns the browser's store, as imkey.wasm opens it.
func (b *browser) store() *idb.Store {
	s := idb.New(b.env, nil)
	b.t.Cleanup(s.Close)
	return s
}

func (b *browser) call(method string, args ...any) (safejs.Value, error) {
	return interop.Call(bridgetest.Context(b.t), b.object, method, args...)
}

func (b *browser) export(options string) []byte {
	b.t.Helper()
	v, err := b.call("exportBinding", seid, passphrase, bridgetest.Eval(b.t, options))
	require.NoError(b.t, err)
	file, ok := interop.Bytes(v, sealed.MaxFile)
	require.True(b.t, ok)
	return file
}

func (b *browser) imports(file []byte, with, options string) (safejs.Value, error) {
	b.t.Helper()
	v, err := interop.Uint8Array(file)
	require.NoError(b.t, err)
	return b.call("importBinding", v, with, bridgetest.Eval(b.t, options))
}

func requireCode(t *testing.T, code errcode.Code, reason string, err error) {
	t.Helper()
	var e *interop.Exception
	require.ErrorAs(t, err, &e)
	require.Equal(t, string(code), e.Code)
	if reason != "" {
		require.Contains(t, e.Message, "["+reason+"]")
	}
	require.NotContains(t, e.Error(), passphrase)
}

// boundRecord is a record of version 1: bound, verified and with the code.
func boundRecord(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../../core/binding/testdata/records-v1.json")
	require.NoError(t, err)
	var rows []struct{ Name, Hex string }
	require.NoError(t, json.Unmarshal(b, &rows))
	for _, row := range rows {
		if row.Name == "bound, verified, the code kept" {
			r, err := hex.DecodeString(row.Hex)
			require.NoError(t, err)
			return r
		}
	}
	require.Fail(t, "no such record")
	return nil
}

const indexedDB = `({ store: "indexeddb" })`

func TestMoveBetweenTwoBrowsers(t *testing.T) {
	ctx := bridgetest.Context(t)
	here, there := newBrowser(t, "https://wallet.example"), newBrowser(t, "https://other.example")
	bridgetest.NoLeak(t)
	before := boundRecord(t)
	require.NoError(t, here.store().Put(ctx, seid, before))
	file := here.export(indexedDB)
	require.NotContains(t, string(file), code)
	require.NotContains(t, string(file), seid)
	again, err := here.store().Get(ctx, seid)
	require.NoError(t, err)
	require.Equal(t, before, again, "an export changes nothing")

	unchanged := func() {
		t.Helper()
		seids, err := there.store().List(ctx)
		require.NoError(t, err)
		require.Empty(t, seids)
	}
	_, err = there.imports(file, "another passphrase", indexedDB)
	requireCode(t, errcode.WrongPassphrase, "", err)
	unchanged()
	_, err = there.imports(file[:len(file)-1], passphrase, indexedDB)
	requireCode(t, errcode.FileInvalid, "damaged", err)
	_, err = there.imports([]byte("\x89PNG"), passphrase, indexedDB)
	requireCode(t, errcode.FileInvalid, "not-a-binding", err)
	_, err = there.imports(make([]byte, sealed.MaxFile+1), passphrase, indexedDB)
	requireCode(t, errcode.FileInvalid, "not-a-binding", err)
	unchanged()
	_, err = there.imports(file, passphrase, `({ store: "indexeddb", seid: "`+other+`" })`)
	requireCode(t, errcode.DeviceMismatch, "", err)
	unchanged()
	_, err = there.imports(file, passphrase, `({ store: "indexeddb", serial: "imKey01191200009" })`)
	requireCode(t, errcode.DeviceMismatch, "", err)
	unchanged()
	_, err = there.imports(file, passphrase, `({ store: "indexeddb", signal: AbortSignal.abort() })`)
	requireCode(t, errcode.Aborted, "", err)
	unchanged()
	// During key derivation the module does not hear the page. It hears an abort before it writes.
	_, err = there.imports(file, passphrase, `(() => { const giveUp = new AbortController(); setTimeout(() => giveUp.abort())
		return { store: "indexeddb", signal: giveUp.signal } })()`)
	requireCode(t, errcode.Aborted, "", err)
	unchanged()
	there.fails("QuotaExceededError")
	_, err = there.imports(file, passphrase, indexedDB)
	requireCode(t, errcode.StorageFull, "", err)
	unchanged()

	known, err := there.imports(file, passphrase, `({ store: "indexeddb", seid: "`+seid+`" })`)
	require.NoError(t, err)
	require.Equal(t, "imported", bridgetest.Text(t, known, "state"))
	require.True(t, bridgetest.Get(t, known, "certificate").IsNull(), "what the file says does not count")
	fromFile, err := bridgetest.Get(t, known, "keyFromFile").Bool()
	require.NoError(t, err)
	require.True(t, fromFile)
	kept, err := there.store().Get(ctx, seid)
	require.NoError(t, err)
	looked, err := binding.Look(ctx, there.store(), seid)
	require.NoError(t, err)
	require.Equal(t, binding.Imported, looked.State)
	require.True(t, looked.HasCode)

	_, err = there.imports(file, passphrase, indexedDB)
	requireCode(t, errcode.RecordExists, "", err)
	after, err := there.store().Get(ctx, seid)
	require.NoError(t, err)
	require.Equal(t, kept, after)
}

// fails makes the first write of a record fail. Before it, the record and the wrapping key are read, and the key is stored and read
// again.
func (b *browser) fails(name string) {
	_, err := bridgetest.Eval(b.t, `(o, name) => { o.commit = [undefined, undefined, undefined, undefined, name] }`).Invoke(b.db.Origin, name)
	require.NoError(b.t, err)
}

// An import holds the record's lock, which has the same name in imkey.wasm of every tab.
func TestImportHoldsTheLock(t *testing.T) {
	locks := bridgetest.Eval(t, `({ log: "", async request(name, options, granted) { this.log += "+" + name; await granted({ name }); this.log += "-" } })`)
	b := newBrowserWith(t, "https://wallet.example", locks)
	bridgetest.NoLeak(t)
	require.NoError(t, b.store().Put(bridgetest.Context(t), seid, boundRecord(t)))
	file := b.export(indexedDB)
	require.Empty(t, bridgetest.Text(t, locks, "log"), "an export changes nothing")
	_, err := b.imports(file, passphrase, `({ store: "indexeddb", replace: true })`)
	require.NoError(t, err)
	bridgetest.Turn(t)
	require.Equal(t, "+imkey-connect record indexeddb "+seid+"-", bridgetest.Text(t, locks, "log"))
}

// A page's store, and the store in the memory of imkey.wasm, are JavaScript objects.
func TestOtherStores(t *testing.T) {
	b := newBrowser(t, "https://wallet.example")
	bridgetest.NoLeak(t)
	record, err := interop.Uint8Array(boundRecord(t))
	require.NoError(t, err)
	stores := bridgetest.Eval(t, `(record => {
		const make = () => { const m = new Map([["`+seid+`", record]]); return { async get(k) { return m.get(k) }, async put(k, v) { m.set(k, v) }, async delete(k) { m.delete(k) }, async list() { return [...m.keys()] } } };
		return { own: { store: make() }, memory: { store: "memory", memory: make() } } })`)
	made, err := stores.Invoke(record)
	require.NoError(t, err)
	for _, name := range []string{"own", "memory"} {
		options := bridgetest.Get(t, made, name)
		v, err := b.call("exportBinding", seid, passphrase, options)
		require.NoError(t, err, name)
		_, err = b.call("importBinding", v, passphrase, options)
		requireCode(t, errcode.RecordExists, "", err)
	}
}

// A passphrase is the same in every Unicode form.
func TestPassphrasesAreNormalised(t *testing.T) {
	composed, err := readPassphrase(bridgetest.Eval(t, `"caf\u00E9 \uFB01ne"`))
	require.NoError(t, err)
	decomposed, err := readPassphrase(bridgetest.Eval(t, `"cafe\u0301 fine"`))
	require.NoError(t, err)
	require.Equal(t, composed, decomposed)
	for _, wrong := range []string{`undefined`, `7`, `null`, `({})`, `"\uD800abcdefgh"`, `"x".repeat(2000)`, `"\uFDFA".repeat(1000)`} {
		_, err := readPassphrase(bridgetest.Eval(t, wrong))
		require.ErrorIs(t, err, errcode.InvalidArgument, wrong)
	}
}

func TestBadArguments(t *testing.T) {
	b := newBrowser(t, "https://wallet.example")
	bridgetest.NoLeak(t)
	for _, args := range []string{
		`[]`, `["x"]`, `["` + seid + `"]`, `["` + seid + `", "short", {store: "indexeddb"}]`, `["` + seid + `", "long enough"]`,
		`["` + seid + `", "long enough", {}]`, `["` + seid + `", "long enough", {store: "memory"}]`, `["` + seid + `", "long enough", {store: {}}]`,
		`["` + seid + `", "long enough", {store: "indexeddb", signal: 1}]`, `["` + seid + `", "long enough", {store: "indexeddb"}]`,
	} {
		list, ok := interop.List(bridgetest.Eval(t, args), 9)
		require.True(t, ok)
		all := make([]any, len(list))
		for i, v := range list {
			all[i] = v
		}
		_, err := b.call("exportBinding", all...)
		requireCode(t, errcode.InvalidArgument, "", err)
	}
	for _, options := range []string{`({})`, `({store: "indexeddb", seid: "x"})`, `({store: "indexeddb", seid: null})`, `({store: "indexeddb", replace: 1})`, `({store: "indexeddb", serial: 1})`, `({store: "indexeddb", serial: ""})`} {
		_, err := b.imports([]byte("x"), passphrase, options)
		requireCode(t, errcode.InvalidArgument, "", err)
	}
	_, err := b.call("importBinding", "text", passphrase, bridgetest.Eval(t, indexedDB))
	requireCode(t, errcode.InvalidArgument, "", err)
	_, err = b.imports([]byte("x"), "", indexedDB)
	requireCode(t, errcode.InvalidArgument, "passphrase", err)
}

// A record is exported as the one that the user saw, or not at all.
func TestExportOfARecordThatWasReplaced(t *testing.T) {
	ctx := bridgetest.Context(t)
	b := newBrowser(t, "https://wallet.example")
	require.NoError(t, b.store().Put(ctx, seid, boundRecord(t)))
	known, err := binding.Look(ctx, b.store(), seid)
	require.NoError(t, err)
	shown, err := safejs.ValueOf(records.KnownDevice(known))
	require.NoError(t, err)
	export := func(options string) error {
		o, err := bridgetest.Eval(t, `shown => (`+options+`)`).Invoke(shown)
		require.NoError(t, err)
		_, err = b.call("exportBinding", seid, passphrase, o)
		return err
	}
	for _, other := range []string{`secureElementKey: "04" + "1a".repeat(64)`, `secureElementKey: null`, `serial: "imKey"`, `seid: "` + other + `"`} {
		requireCode(t, errcode.DeviceChanged, "record", export(`{ store: "indexeddb", shown: { ...shown, `+other+` } }`))
	}
	for _, malformed := range []string{`null`, `{}`, `{ ...shown, secureElementKey: "04" }`} {
		requireCode(t, errcode.InvalidArgument, "", export(`{ store: "indexeddb", shown: `+malformed+` }`))
	}
	require.NoError(t, export(`{ store: "indexeddb", shown }`))
}
