//go:build js && wasm

package idb_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/idb"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
)

const (
	seid  = "18000001010000000000000000000001"
	other = "18000001010000000000000000000002"
)

// site is one origin in one browser.
type site struct {
	t      *testing.T
	db     *bridgetest.IndexedDB
	origin string
}

func newSite(t *testing.T) *site {
	bridgetest.NoLeak(t)
	return &site{t, bridgetest.NewIndexedDB(t), "https://wallet.example"}
}

func (w *site) env() idb.Env {
	return idb.Env{IndexedDB: w.db.Factory, Crypto: bridgetest.Get(w.t, safejs.Global(), "crypto"), Origin: w.origin}
}

// tab returns a store as in a tab of the origin.
func (w *site) tab() *idb.Store {
	s := idb.New(w.env(), nil)
	w.t.Cleanup(s.Close)
	return s
}

// stored returns the bytes in the database.
func (w *site) stored(name string) []byte {
	w.t.Helper()
	b, ok := interop.Bytes(bridgetest.Call(w.t, w.db.Origin, "record", name), 1<<20)
	require.True(w.t, ok)
	return b
}

// do runs JavaScript on the origin's fake.
func (w *site) do(fn string, args ...any) safejs.Value {
	w.t.Helper()
	v, err := bridgetest.Eval(w.t, fn).Invoke(append([]any{w.db.Origin}, args...)...)
	require.NoError(w.t, err)
	return v
}

func TestStoredRecordsAreRead(t *testing.T) {
	w := newSite(t)
	s := w.tab()
	ctx := bridgetest.Context(t)
	_, err := s.Get(ctx, seid)
	require.ErrorIs(t, err, binding.ErrNoRecord)
	list, err := s.List(ctx)
	require.NoError(t, err)
	require.Empty(t, list)

	for _, record := range [][]byte{[]byte("first"), {}, bytes.Repeat([]byte{7}, 1<<16)} {
		require.NoError(t, s.Put(ctx, seid, record))
		got, err := s.Get(ctx, seid)
		require.NoError(t, err)
		require.Equal(t, record, got)
		got, err = w.tab().Get(ctx, seid)
		require.NoError(t, err, "after a reload")
		require.Equal(t, record, got)
	}
	require.NoError(t, s.Put(ctx, other, []byte("second")))
	list, err = s.List(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{seid, other}, list)
	require.NoError(t, s.Delete(ctx, seid))
	require.NoError(t, s.Delete(ctx, seid))
	_, err = s.Get(ctx, seid)
	require.ErrorIs(t, err, binding.ErrNoRecord)

	written, _ := interop.String(w.do(`o => o.transactions.filter(x => x.startsWith("readwrite")).every(x => x.endsWith("strict")) ? "strict" : "relaxed"`))
	require.Equal(t, "strict", written)

	for _, wrong := range []string{"", "x", "18000001010000000000000000000001 ", "1800000101000000000000000000000a"} {
		require.ErrorIs(t, s.Put(ctx, wrong, nil), errcode.InvalidArgument)
		require.ErrorIs(t, s.Delete(ctx, wrong), errcode.InvalidArgument)
		_, err := s.Get(ctx, wrong)
		require.ErrorIs(t, err, errcode.InvalidArgument)
	}
	require.Error(t, s.Put(ctx, seid, make([]byte, 1<<16+1)))
}

func TestStoredBytes(t *testing.T) {
	w := newSite(t)
	s := w.tab()
	ctx := bridgetest.Context(t)
	secret := []byte("a private key and ABCD2345")
	require.NoError(t, s.Put(ctx, seid, secret))
	first := w.stored(seid)
	require.NoError(t, s.Put(ctx, seid, secret))
	second := w.stored(seid)
	require.Len(t, first, 1+12+len(secret)+16)
	require.Equal(t, byte(1), first[0])
	require.NotEqual(t, first[1:13], second[1:13], "a fresh IV for every write")
	require.NotEqual(t, first[13:], second[13:])
	require.NotContains(t, string(first), "ABCD2345")

	key := w.do(`o => o.keys()[0]`)
	extractable, ok := interop.Bool(bridgetest.Get(t, key, "extractable"))
	require.True(t, ok)
	require.False(t, extractable)
	require.Equal(t, 256, bridgetest.Number(t, bridgetest.Get(t, key, "algorithm"), "length"))
	_, err := interop.Call(ctx, bridgetest.Get(t, bridgetest.Get(t, safejs.Global(), "crypto"), "subtle"), "exportKey", "raw", key)
	require.Error(t, err)
}

func TestCorruptRecords(t *testing.T) {
	w := newSite(t)
	s := w.tab()
	ctx := bridgetest.Context(t)
	require.NoError(t, s.Put(ctx, seid, []byte("record")))
	good := w.stored(seid)
	put := func(name string, b []byte) {
		v, err := interop.Uint8Array(b)
		require.NoError(t, err)
		w.do(`(o, name, b) => { o.stores.get("records").set(name, b) }`, name, v)
	}
	refused := func(name, why string) {
		t.Helper()
		_, err := s.Get(ctx, name)
		require.ErrorIs(t, err, errcode.RecordCorrupt, why)
	}
	for i := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			put(seid, b)
			refused(seid, "a flipped bit")
		}
	}
	for n := range good {
		put(seid, good[:n])
		refused(seid, "cut off")
	}
	put(seid, append(bytes.Clone(good), 0))
	refused(seid, "a byte too many")
	put(other, good)
	refused(other, "another device's")
	for _, odd := range []string{`"text"`, `7`, `null`, `({})`, `new ArrayBuffer(40)`} {
		w.do(`(o, name, v) => { o.stores.get("records").set(name, v) }`, seid, bridgetest.Eval(t, odd))
		refused(seid, odd)
	}

	put(seid, good)
	got, err := s.Get(ctx, seid)
	require.NoError(t, err, "the record is unchanged")
	require.Equal(t, []byte("record"), got)

	w.origin = "https://elsewhere.example"
	_, err = w.tab().Get(ctx, seid)
	require.ErrorIs(t, err, errcode.RecordCorrupt, "the record of another origin")

	w.do(`o => { o.stores.get("keys").set("wrapping", "no key") }`)
	refused(seid, "what is no key")
	w.do(`o => { o.stores.get("keys").clear() }`)
	refused(seid, "without its key")
}

func TestTabsShareTheWrappingKey(t *testing.T) {
	w := newSite(t)
	ctx := bridgetest.Context(t)
	const tabs = 8
	stores, done := make([]*idb.Store, tabs), make(chan error, tabs)
	names := make([]string, tabs)
	for i := range stores {
		stores[i] = w.tab()
		names[i] = seid[:31] + string(rune('0'+i))
	}
	for i, s := range stores {
		go func() { done <- s.Put(ctx, names[i], []byte(names[i])) }()
	}
	for range stores {
		require.NoError(t, <-done)
	}
	keys, _ := interop.Int(w.do(`o => o.keys().length`), 100)
	require.Equal(t, 1, keys)
	adds, _ := interop.Int(w.do(`o => o.transactions.filter(x => x.startsWith("readwrite keys")).length`), 100)
	require.Greater(t, adds, 1, "both tabs generated a key")
	for _, name := range names {
		got, err := stores[0].Get(ctx, name)
		require.NoError(t, err)
		require.Equal(t, []byte(name), got)
	}
}

// A tab that is slow to generate a key finds the key of another tab, which has encrypted records by now, and uses it.
func TestSlowTabUsesTheStoredKey(t *testing.T) {
	w := newSite(t)
	ctx := bridgetest.Context(t)
	slow := bridgetest.Eval(t, `(() => { const { subtle } = crypto
		let proceed, made; const released = new Promise(r => { proceed = r }), making = new Promise(r => { made = r })
		return { proceed, making: () => making, subtle: {
			async generateKey(...how) { made(); await released; return subtle.generateKey(...how) },
			encrypt: (...what) => subtle.encrypt(...what), decrypt: (...what) => subtle.decrypt(...what) } } })()`)
	env := w.env()
	env.Crypto = slow
	late := idb.New(env, nil)
	t.Cleanup(late.Close)
	done := make(chan error)
	go func() { done <- late.Put(ctx, other, []byte("the slow tab's")) }()
	bridgetest.Await(t, slow, "making")
	require.NoError(t, w.tab().Put(ctx, seid, []byte("the other tab's")))
	bridgetest.Call(t, slow, "proceed")
	require.NoError(t, <-done)
	for name, want := range map[string]string{seid: "the other tab's", other: "the slow tab's"} {
		got, err := w.tab().Get(ctx, name)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}

func TestLaterPutWins(t *testing.T) {
	w := newSite(t)
	ctx := bridgetest.Context(t)
	a, b := w.tab(), w.tab()
	require.NoError(t, a.Put(ctx, seid, []byte("old")))
	done := make(chan error, 2)
	go func() { done <- a.Put(ctx, seid, []byte("a")) }()
	go func() { done <- b.Put(ctx, seid, []byte("b")) }()
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	got, err := a.Get(ctx, seid)
	require.NoError(t, err)
	require.Contains(t, []string{"a", "b"}, string(got))
	same, err := b.Get(ctx, seid)
	require.NoError(t, err)
	require.Equal(t, got, same)
}

func TestFailedPutLeavesTheOldRecord(t *testing.T) {
	for name, want := range map[string]errcode.Code{
		"QuotaExceededError": errcode.StorageFull, "UnknownError": errcode.Storage, "AbortError": errcode.Storage,
	} {
		w := newSite(t)
		s := w.tab()
		ctx := bridgetest.Context(t)
		require.NoError(t, s.Put(ctx, seid, []byte("bound")))
		// The read of the key passes, the write fails when it commits.
		w.do(`(o, name) => { o.commit.push(undefined, name) }`, name)
		require.ErrorIs(t, s.Put(ctx, seid, []byte("new")), want, name)
		got, err := s.Get(ctx, seid)
		require.NoError(t, err)
		require.Equal(t, []byte("bound"), got)
	}
}

func TestCancelledPutIsCompleteOrAbsent(t *testing.T) {
	w := newSite(t)
	s := w.tab()
	require.NoError(t, s.Put(bridgetest.Context(t), seid, []byte("bound")))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	w.do(`o => { o.hang = [] }`)
	go func() { done <- s.Put(ctx, seid, []byte("new")) }()
	// Cancelled in the first transaction, which reads the key.
	for n := 0; n == 0; n, _ = interop.Int(w.do(`o => o.hang.length`), 9) {
		bridgetest.Turn(t)
	}
	cancel()
	require.ErrorIs(t, <-done, errcode.Aborted)
	bridgetest.Call(t, w.db.Origin, "release")
	got, err := s.Get(bridgetest.Context(t), seid)
	require.NoError(t, err)
	require.Equal(t, []byte("bound"), got)

	gone, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, s.Put(gone, seid, nil), errcode.Aborted)
	_, err = s.Get(gone, seid)
	require.ErrorIs(t, err, errcode.Aborted)
}

func TestPutThatCannotBeAbortedReportsItsOutcome(t *testing.T) {
	w := newSite(t)
	s := w.tab()
	require.NoError(t, s.Put(bridgetest.Context(t), seid, []byte("bound")))
	for _, late := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		// The write waits for the disk. With late it cannot be aborted any more.
		w.do(`(o, late) => { o.late = late; o.hangWrites = true }`, late)
		go func() { done <- s.Put(ctx, seid, []byte("new")) }()
		for n := 0; n == 0; n, _ = interop.Int(w.do(`o => o.hang ? o.hang.length : 0`), 9) {
			bridgetest.Turn(t)
		}
		cancel()
		bridgetest.Turn(t)
		w.do(`o => { o.hangWrites = false; o.release() }`)
		err := <-done
		got, getErr := s.Get(bridgetest.Context(t), seid)
		require.NoError(t, getErr)
		if late {
			require.NoError(t, err)
			require.Equal(t, []byte("new"), got)
		} else {
			require.ErrorIs(t, err, errcode.Aborted)
			require.Equal(t, []byte("bound"), got)
		}
	}
}

func TestClosedDatabaseIsOpenedAgain(t *testing.T) {
	w := newSite(t)
	s := w.tab()
	ctx := bridgetest.Context(t)
	require.NoError(t, s.Put(ctx, seid, []byte("record")))
	left, _ := interop.Int(bridgetest.Call(t, w.db.Origin, "change"), 9)
	require.Zero(t, left, "it blocks no other tab")
	got, err := s.Get(ctx, seid)
	require.NoError(t, err)
	require.Equal(t, []byte("record"), got)

	bridgetest.Call(t, w.db.Origin, "clear")
	_, err = s.Get(ctx, seid)
	require.ErrorIs(t, err, binding.ErrNoRecord, "the user cleared the site's data")
	require.NoError(t, s.Put(ctx, seid, []byte("again")))

	// Closed before the event arrives.
	w.do(`o => { for (const db of o.open) db.close() }`)
	got, err = s.Get(ctx, seid)
	require.NoError(t, err)
	require.Equal(t, []byte("again"), got)
}

func TestDatabaseDoesNotOpen(t *testing.T) {
	for _, how := range []string{`"blocked"`, `({fails: "UnknownError"})`, `({fails: "VersionError"})`, `({throws: "SecurityError"})`} {
		w := newSite(t)
		s := w.tab()
		ctx := bridgetest.Context(t)
		w.do(`(o, how) => { o.opens.push(how) }`, bridgetest.Eval(t, how))
		require.ErrorIs(t, s.Put(ctx, seid, []byte("record")), errcode.Storage, how)
		require.NoError(t, s.Put(ctx, seid, []byte("record")), "the next call tries again")
		bridgetest.Turn(t)
		bridgetest.Turn(t)
		open, _ := interop.Int(w.do(`o => o.open.size`), 9)
		require.Equal(t, 1, open, "a database that opens late is closed")
	}
	w := newSite(t)
	w.do(`o => { o.opens.push({fails: "QuotaExceededError"}) }`)
	require.ErrorIs(t, w.tab().Put(bridgetest.Context(t), seid, nil), errcode.StorageFull)
}

func TestBrowserWithoutIndexedDB(t *testing.T) {
	w := newSite(t)
	ctx := bridgetest.Context(t)
	for name, spoil := range map[string]func(*idb.Env){
		"no IndexedDB": func(e *idb.Env) { e.IndexedDB = safejs.Undefined() },
		"no WebCrypto": func(e *idb.Env) { e.Crypto = safejs.Undefined() },
		"no subtle":    func(e *idb.Env) { e.Crypto = bridgetest.Eval(t, `({})`) },
		"no origin":    func(e *idb.Env) { e.Origin = "" },
	} {
		env := w.env()
		spoil(&env)
		s := idb.New(env, nil)
		require.ErrorIs(t, s.Put(ctx, seid, []byte("record")), errcode.Storage, name)
		s.Close()
	}
	s := idb.New(idb.Browser(), nil)
	_, err := s.Get(ctx, seid)
	require.ErrorIs(t, err, errcode.Storage, "node has no IndexedDB")
}

func TestBrowserIsAskedOnceToKeepTheData(t *testing.T) {
	for answer, want := range map[string][]bool{`true`: {true}, `false`: {false}, `Promise.reject(new TypeError("no"))`: nil, `"perhaps"`: nil} {
		w := newSite(t)
		env := w.env()
		env.Storage = bridgetest.Eval(t, `({ asked: 0, async persist() { this.asked++; return `+answer+` } })`)
		var heard []bool
		s := idb.New(env, func(b bool) { heard = append(heard, b) })
		t.Cleanup(s.Close)
		ctx := bridgetest.Context(t)
		_, err := s.Get(ctx, seid)
		require.ErrorIs(t, err, binding.ErrNoRecord)
		require.Zero(t, bridgetest.Number(t, env.Storage, "asked"), "not before the first Put")
		require.NoError(t, s.Put(ctx, seid, []byte("1")))
		require.NoError(t, s.Put(ctx, seid, []byte("2")))
		require.Equal(t, 1, bridgetest.Number(t, env.Storage, "asked"))
		require.Equal(t, want, heard, answer)
	}
}
