//go:build js && wasm

package interop_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

func TestBigInt(t *testing.T) {
	for expression, want := range map[string]string{
		`0n`: "0", `-1n`: "-1", `2n ** 63n`: "9223372036854775808", `255n`: "255",
		`2n ** 256n - 1n`: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)).String(),
		`-(2n ** 255n)`:   new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 255)).String(),
	} {
		n, ok := interop.BigInt(bridgetest.Eval(t, expression), 256)
		require.True(t, ok, expression)
		require.Equal(t, want, n.String())
	}
	for _, wrong := range []string{`2n ** 256n`, `-(2n ** 257n)`, `2n ** 1000000n`, `undefined`, `null`, `1`, `"1"`, `true`, `Symbol()`, `({})`, `[1n]`,
		`Object(1n)`, `() => 1n`, `({[Symbol.toPrimitive]() { return 1n }})`} {
		_, ok := interop.BigInt(bridgetest.Eval(t, wrong), 256)
		require.False(t, ok, wrong)
	}
}

func TestText(t *testing.T) {
	for expression, want := range map[string]string{`""`: "", `"abc"`: "abc", `"ζ😀"`: "ζ😀", `"\ufffd"`: "\uFFFD", `"\0"`: "\x00"} {
		s, ok := interop.Text(bridgetest.Eval(t, expression), 3)
		require.True(t, ok, expression)
		require.Equal(t, want, s)
	}
	for _, wrong := range []string{`"abcd"`, `"x".repeat(1e6)`, `"\ud800"`, `"\udc00"`, `"a\ud800b"`, `"\ufffd\udfff"`, `new String("a")`, `["a"]`, `7`, `7n`, `null`,
		`undefined`, `Symbol("a")`} {
		_, ok := interop.Text(bridgetest.Eval(t, wrong), 3)
		require.False(t, ok, wrong)
	}
}

func TestTree(t *testing.T) {
	limits := interop.TreeLimits{Depth: 4, Values: 40, Size: 60}
	big1 := big.NewInt(1)
	for expression, want := range map[string]any{
		`null`: nil, `true`: true, `"x"`: "x", `1.5`: 1.5, `-0`: math.Copysign(0, -1), `1n`: big1, `2n ** 257n`: interop.Opaque{}, `() => 1`: interop.Opaque{},
		`Symbol()`: interop.Opaque{}, `[]`: []any{}, `({})`: map[string]any{}, `new Uint8Array([7])`: []byte{7},
		`({a: [1, {b: null}], c: undefined, d: 1n, "": "e", __proto__: {z: 1}})`: map[string]any{
			"a": []any{1.0, map[string]any{"b": nil}}, "d": big1, "": "e"},
		`({"a\0b": 1, a: 2, b: 3})`:                                                      map[string]any{"a\x00b": 1.0, "a": 2.0, "b": 3.0},
		`({"\0": 1})`:                                                                    map[string]any{"\x00": 1.0},
		`[{x: 1, y: 2}, {y: 3}, {x: 4}]`:                                                 []any{map[string]any{"x": 1.0, "y": 2.0}, map[string]any{"y": 3.0}, map[string]any{"x": 4.0}},
		`JSON.parse('{"__proto__": 1, "constructor": 2}')`:                               map[string]any{"__proto__": 1.0, "constructor": 2.0},
		`Object.defineProperty({a: 1}, "hidden", {value: 2})`:                            map[string]any{"a": 1.0},
		`({[Symbol("s")]: 1, a: 2})`:                                                     map[string]any{"a": 2.0},
		`new (class { x = 1; method() {} })()`:                                           map[string]any{"x": 1.0},
		`process.getBuiltinModule("vm").runInNewContext("[{a: 1n}]")`:                    []any{map[string]any{"a": big1}},
		`(() => { let n = 0; return { get a() { return ++n === 1 ? "first" : 7 } } })()`: map[string]any{"a": "first"},
		`[[[["deep enough"]]]]`:                                                          []any{[]any{[]any{[]any{"deep enough"}}}},
		`(() => { const shared = {}; return [shared, shared] })()`:                       []any{map[string]any{}, map[string]any{}},
	} {
		got, err := interop.ReadTree(bridgetest.Eval(t, expression), "root", limits)
		require.NoError(t, err, expression)
		require.Equal(t, want, got, expression)
	}

	for expression, at := range map[string]string{
		`undefined`: "root", `[, 1]`: "[0]", `({a: {b: [1, undefined]}})`: "a.b[1]", `[[[[[1]]]]]`: "[0][0][0][0][0]", `({a: {get b() { throw 1 }}})`: "a.b",
		`({a: "\ud800"})`: "a", `({a: "x".repeat(60)})`: "a", `({a: new Uint8Array(60)})`: "a", `({["k".repeat(61)]: 1})`: "root",
		`({a: new Array(100)})`: "a", `new Array(2 ** 32 - 1)`: "root", `Object.fromEntries(new Array(50).fill().map((_, i) => [i, 1]))`: "root",
		`(() => { const o = {}; o.o = o; return o })()`: "o.o.o.o.o", `(() => { const l = []; l.push(l); return l })()`: "[0][0][0][0][0]",
		`({a: new Proxy({}, {ownKeys() { throw 1 }})})`: "a", `({a: new Proxy([], {get() { throw 1 }})})`: "a", `new Proxy([1], {get: (o, k) => k === "length" ? 1 : (() => { throw 1 })()})`: "[0]",
		`(() => { const r = Proxy.revocable([], {}); r.revoke(); return {a: r.proxy} })()`: "a", `({a: Object.defineProperty(new Uint8Array(2), "byteLength", {value: 3})})`: "a",
		`new Array(20).fill([1, 2])`: "[13]",
	} {
		_, err := interop.ReadTree(bridgetest.Eval(t, expression), "root", limits)
		require.ErrorIs(t, err, errcode.InvalidArgument, expression)
		require.Equal(t, at, place(t, err), "%s: %v", expression, err)
	}
}

// place returns the place in an error's Data.
func place(t *testing.T, err error) string {
	t.Helper()
	var e *errcode.Error
	require.True(t, errors.As(err, &e))
	require.NotEmpty(t, e.Data["reason"])
	at, ok := e.Data["at"].(string)
	require.True(t, ok)
	return at
}

func TestErrorsSayWhere(t *testing.T) {
	o := interop.ReadObject(bridgetest.Eval(t, `({a: 1})`), "o")
	o.String("a")
	o.Bool("b")
	require.Equal(t, "o.a", place(t, o.Err()), "the first error counts")
	o = interop.ReadObject(bridgetest.Eval(t, `({a: 1})`), "")
	o.String("a")
	require.Equal(t, "a", place(t, o.Err()))
	require.Equal(t, "o", place(t, interop.ReadObject(safejs.Null(), "o").Err()))

	o = interop.ReadOptions(safejs.Undefined(), "o")
	require.True(t, o.Value("a").IsUndefined())
	require.Nil(t, o.OptionalBool("a"))
	require.NoError(t, o.Err())
	require.Error(t, interop.ReadOptions(safejs.Null(), "o").Err())
}
