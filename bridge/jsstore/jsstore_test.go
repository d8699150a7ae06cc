//go:build js && wasm

package jsstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/jsstore"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
)

const seid = "18000001010000000000000000000001"

func TestStoreOfAPage(t *testing.T) {
	bridgetest.NoLeak(t)
	ctx := bridgetest.Context(t)
	s, err := jsstore.New(bridgetest.Eval(t, `(() => { const m = new Map(); return {
		async get(k) { return m.get(k) }, async put(k, v) { m.set(k, v) }, async delete(k) { m.delete(k) }, async list() { return [...m.keys(), ...m.keys()] } } })()`))
	require.NoError(t, err)
	_, err = s.Get(ctx, seid)
	require.ErrorIs(t, err, binding.ErrNoRecord)
	record := []byte{1, 2, 3}
	require.NoError(t, s.Put(ctx, seid, record))
	clear(record)
	got, err := s.Get(ctx, seid)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2, 3}, got, "the store has its own copy")
	list, err := s.List(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{seid}, list)
	require.NoError(t, s.Delete(ctx, seid))
	_, err = s.Get(ctx, seid)
	require.ErrorIs(t, err, binding.ErrNoRecord)
}

func TestFaultyStoreOfAPage(t *testing.T) {
	bridgetest.NoLeak(t)
	ctx := bridgetest.Context(t)
	for _, wrong := range []string{`null`, `7`, `({})`, `({get() {}, put() {}, delete() {}})`, `({get() {}, put() {}, delete() {}, list: 1})`,
		`new Proxy({}, {get() { throw 1 }})`} {
		_, err := jsstore.New(bridgetest.Eval(t, wrong))
		require.ErrorIs(t, err, errcode.InvalidArgument, wrong)
	}
	for body, want := range map[string]errcode.Code{
		`throw new Error("x")`: errcode.Storage, `return Promise.reject(undefined)`: errcode.Storage, `throw 10n`: errcode.Storage,
		`throw Object.assign(new Error("x"), {code: "storage-full"})`:    errcode.StorageFull,
		`throw new DOMException("x", "QuotaExceededError")`:              errcode.StorageFull,
		`throw Object.assign(new Error("x"), {code: "record-corrupt"})`:  errcode.RecordCorrupt,
		`throw Object.assign(new Error("x"), {code: "bound-elsewhere"})`: errcode.Storage,
	} {
		s, err := jsstore.New(bridgetest.Eval(t, `(() => { const f = () => { `+body+` }; return {get: f, put: f, delete: f, list: f} })()`))
		require.NoError(t, err)
		_, err = s.Get(ctx, seid)
		require.ErrorIs(t, err, want, body)
		require.ErrorIs(t, s.Put(ctx, seid, nil), want, body)
		require.ErrorIs(t, s.Delete(ctx, seid), want, body)
		_, err = s.List(ctx)
		require.ErrorIs(t, err, want, body)
	}
	for value, want := range map[string]errcode.Code{`"text"`: errcode.RecordCorrupt, `[1]`: errcode.RecordCorrupt, `["../x"]`: errcode.RecordCorrupt, `new Uint8Array(1 << 17)`: errcode.RecordCorrupt} {
		s, err := jsstore.New(bridgetest.Eval(t, `(() => { const f = () => (`+value+`); return {get: f, put: f, delete: f, list: f} })()`))
		require.NoError(t, err)
		_, err = s.Get(ctx, seid)
		require.ErrorIs(t, err, want, value)
		_, err = s.List(ctx)
		require.ErrorIs(t, err, errcode.Storage, value)
	}
}
