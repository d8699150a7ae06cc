//go:build js && wasm

package interop_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

// export makes a JavaScript function of fn, and returns a JavaScript object that calls it and describes the result.
func export(t *testing.T, x *interop.Exporter, fn func(args []safejs.Value) (any, error)) safejs.Value {
	t.Helper()
	f, err := x.Func("test", fn)
	require.NoError(t, err)
	t.Cleanup(f.Release)
	return bridgetest.Call(t, bridgetest.Eval(t, `f => ({
		async run(...args) {
			try { return { value: await f(...args) } }
			catch (e) { return { isError: e instanceof Error, code: e.code, message: e.message, retryable: e.retryable, statusWord: e.statusWord, data: e.data } }
		},
		async signalled(controller) { return this.run(controller.signal) },
	})`), "call", safejs.Null(), f.Value())
}

func TestPanicRejectsWithInternal(t *testing.T) {
	bridgetest.NoLeak(t)
	var x interop.Exporter
	fn := export(t, &x, func(args []safejs.Value) (any, error) {
		what, _ := interop.String(args[0]) // panics without an argument
		switch what {
		case "nil map":
			var m map[string]int
			//lint:ignore SA5000 the panic is what is tested
			m["a"] = 1
		case "own":
			panic("ABCD2345 is a secret")
		case "error":
			panic(errors.New("ABCD2345 is a secret"))
		case "value":
			return struct{ a int }{}, nil
		}
		return "fine", nil
	})
	for _, what := range []string{"nil map", "own", "error", "value"} {
		got := bridgetest.Await(t, fn, "run", what)
		require.Equal(t, "internal", bridgetest.Text(t, got, "code"), what)
		require.NotContains(t, bridgetest.Text(t, got, "message"), "ABCD2345", "the value of a panic may be a secret")
		require.Equal(t, "fine", bridgetest.Text(t, bridgetest.Await(t, fn, "run", "ok"), "value"), "after "+what)
	}
	got := bridgetest.Await(t, fn, "run")
	require.Equal(t, "internal", bridgetest.Text(t, got, "code"))
	require.Contains(t, bridgetest.Text(t, got, "message"), "index out of range")
	where := ` at .*interop_test.*:\d+$`
	if pc, _, _, _ := runtime.Caller(0); runtime.FuncForPC(pc).Name() == "" { // in a module without names, as the build makes it
		where = ` at 0x[1-9a-f][0-9a-f]{4,}$`
	}
	require.Regexp(t, where, bridgetest.Text(t, got, "message"), "it says where")
	require.Equal(t, "fine", bridgetest.Text(t, bridgetest.Await(t, fn, "run", "ok"), "value"))
}

func TestErrorsReachJavaScriptThroughTheFactory(t *testing.T) {
	bridgetest.NoLeak(t)
	var x interop.Exporter
	x.SetErrorFactory(bridgetest.Eval(t, `(code, message, statusWord, retryable, data) => Object.assign(new Error(message), { code, statusWord, retryable, data })`))
	cases := map[string]error{
		"locked":  errcode.Wrap(errcode.Locked, "select", &errcode.Error{Code: errcode.Protocol, StatusWord: 0xF081}),
		"format":  &errcode.Error{Code: errcode.CodeFormat, Data: map[string]any{"position": 3, "hint": "Q"}},
		"timeout": context.DeadlineExceeded,
		"aborted": context.Canceled,
		"strange": errors.New("who knows"),
		"nodata":  &errcode.Error{Code: errcode.Protocol, Data: map[string]any{"a": make(chan int)}},
	}
	fn := export(t, &x, func(args []safejs.Value) (any, error) {
		name, _ := interop.String(args[0])
		return nil, cases[name]
	})
	got := bridgetest.Await(t, fn, "run", "locked")
	require.Equal(t, "locked", bridgetest.Text(t, got, "code"))
	require.Equal(t, "select: (status word F081)", bridgetest.Text(t, got, "message"), "the page words the error")
	require.Equal(t, 0xF081, bridgetest.Number(t, got, "statusWord"))
	require.True(t, bridgetest.Get(t, got, "data").IsUndefined())
	retryable, ok := interop.Bool(bridgetest.Get(t, got, "retryable"))
	require.True(t, ok && retryable)

	got = bridgetest.Await(t, fn, "run", "format")
	require.Equal(t, 3, bridgetest.Number(t, bridgetest.Get(t, got, "data"), "position"))
	require.True(t, bridgetest.Get(t, got, "statusWord").IsUndefined())

	require.Equal(t, "timeout", bridgetest.Text(t, bridgetest.Await(t, fn, "run", "timeout"), "code"))
	require.Equal(t, "aborted", bridgetest.Text(t, bridgetest.Await(t, fn, "run", "aborted"), "code"))
	require.Equal(t, "internal", bridgetest.Text(t, bridgetest.Await(t, fn, "run", "strange"), "code"))
	require.Equal(t, "protocol", bridgetest.Text(t, bridgetest.Await(t, fn, "run", "nodata"), "code"), "data that is not a JavaScript value is left out")

	for name, factory := range map[string]string{"throws": `() => { throw 1 }`, "is none": `7`} {
		x.SetErrorFactory(bridgetest.Eval(t, factory))
		got := bridgetest.Await(t, fn, "run", "locked")
		require.Equal(t, "locked", bridgetest.Text(t, got, "code"), "a factory that "+name)
		require.Equal(t, "select: (status word F081)", bridgetest.Text(t, got, "message"))
	}
}

func TestAwait(t *testing.T) {
	bridgetest.NoLeak(t)
	v, err := bridgetest.Settle(t, bridgetest.Eval(t, `Promise.resolve("yes")`))
	require.NoError(t, err)
	s, _ := interop.String(v)
	require.Equal(t, "yes", s)

	v, err = bridgetest.Settle(t, bridgetest.Eval(t, `42`))
	require.NoError(t, err, "another value counts as a fulfilled promise")
	n, _ := interop.Int(v, 100)
	require.Equal(t, 42, n)

	for expression, want := range map[string]*interop.Exception{
		`Promise.reject(new DOMException("gone", "NotFoundError"))`:                     {Name: "NotFoundError", Message: "gone"},
		`Promise.reject(new TypeError("wrong"))`:                                        {Name: "TypeError", Message: "wrong"},
		`Promise.reject(Object.assign(new Error("full"), {code: "storage-full"}))`:      {Name: "Error", Message: "full", Code: "storage-full"},
		`Promise.reject("text")`:                                                        {Message: "text"},
		`Promise.reject(undefined)`:                                                     {Message: "a value that is not an Error was thrown"},
		`Promise.reject(10n)`:                                                           {Message: "a value that is not an Error was thrown"},
		`Promise.reject({get name() { throw 1 }, message: 5})`:                          {},
		`({then() { throw new RangeError("thenable") }})`:                               {Name: "RangeError", Message: "thenable"},
		`({then(ok, no) { no(new Error("first")); no(new Error("second")); ok(3); }})`:  {Name: "Error", Message: "first"},
		`Promise.reject(Object.assign(Object.create(null), {name: "N", message: "m"}))`: {Name: "N", Message: "m"},
	} {
		_, err := bridgetest.Settle(t, bridgetest.Eval(t, expression))
		var got *interop.Exception
		require.ErrorAs(t, err, &got, expression)
		require.Equal(t, want, got, expression)
	}
}

func TestPromiseReleasesItsCallbacksWhenItSettles(t *testing.T) {
	deferred := `(() => { const d = {}; d.promise = new Promise((ok, no) => { d.resolve = ok; d.reject = no }); return d })()`
	for _, method := range []string{"resolve", "reject"} {
		before := interop.Live()
		d := bridgetest.Eval(t, deferred)
		pending, err := interop.Watch(bridgetest.Get(t, d, "promise"))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = pending.Wait(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Greater(t, interop.Live(), before, "the promise has not settled")
		bridgetest.Call(t, d, method, "late")
		<-pending.Done()
		require.Equal(t, before, interop.Live())
	}
}

func TestSynchronousExceptions(t *testing.T) {
	bridgetest.NoLeak(t)
	target := bridgetest.Eval(t, `({fail() { throw new DOMException("state", "InvalidStateError") }, none: 3, odd() { throw undefined }, get hostile() { throw new RangeError("get") }})`)
	_, err := interop.Call(t.Context(), target, "fail")
	require.Equal(t, "InvalidStateError", interop.NameOf(err))
	_, err = interop.Call(t.Context(), target, "none")
	require.Equal(t, "TypeError", interop.NameOf(err))
	_, err = interop.Call(t.Context(), target, "hostile")
	require.Equal(t, "RangeError", interop.NameOf(err))
	_, err = interop.Call(t.Context(), target, "odd")
	var e *interop.Exception
	require.ErrorAs(t, err, &e)
	require.NotEmpty(t, err.Error())
}

func TestAbortSignal(t *testing.T) {
	bridgetest.NoLeak(t)
	controller := bridgetest.Eval(t, `new AbortController()`)
	signal := bridgetest.Get(t, controller, "signal")

	ctx, stop, err := interop.WithSignal(t.Context(), signal)
	require.NoError(t, err)
	require.NoError(t, ctx.Err())
	bridgetest.Call(t, controller, "abort")
	<-ctx.Done()
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	stop()

	ctx, stop, err = interop.WithSignal(t.Context(), signal)
	require.NoError(t, err)
	require.Error(t, ctx.Err(), "the signal has fired before")
	stop()

	ctx, stop, err = interop.WithSignal(t.Context(), safejs.Undefined())
	require.NoError(t, err)
	require.NoError(t, ctx.Err())
	stop()
	require.Error(t, ctx.Err())

	for _, wrong := range []string{`null`, `1`, `"x"`, `({})`, `({aborted: 1, addEventListener() {}})`, `({aborted: false})`,
		`({aborted: false, addEventListener() { throw 1 }})`, `10n`, `({get aborted() { throw 1 }})`} {
		_, _, err := interop.WithSignal(t.Context(), bridgetest.Eval(t, wrong))
		require.ErrorIs(t, err, errcode.InvalidArgument, wrong)
	}

	counting := bridgetest.Eval(t, `(() => { let n = 0; return { aborted: false, addEventListener() { n++ }, removeEventListener() { n-- }, count: () => n } })()`)
	_, stop, err = interop.WithSignal(t.Context(), counting)
	require.NoError(t, err)
	stop()
	stop()
	left, _ := interop.Int(bridgetest.Call(t, counting, "count"), 10)
	require.Zero(t, left, "the listener is removed from the signal")
}

func TestObjectReadsEachPropertyOnceAndStrictly(t *testing.T) {
	once := bridgetest.Eval(t, `(() => { let n = 0; return { get a() { return ++n === 1 ? "first" : 7 } } })()`)
	o := interop.ReadObject(once, "o")
	require.Equal(t, "first", o.String("a"))
	require.NoError(t, o.Err())

	read := map[string]func(*interop.Object){
		"String": func(o *interop.Object) { o.String("a") }, "Bool": func(o *interop.Object) { o.Bool("a") },
		"OptionalBool": func(o *interop.Object) { o.OptionalBool("a") }, "Int": func(o *interop.Object) { o.Int("a", 100) },
		"Object": func(o *interop.Object) { o.Object("a") }, "Func": func(o *interop.Object) { o.Func("a") },
		"List": func(o *interop.Object) { o.List("a", 2) },
	}
	right := map[string][]string{
		`{a: "s"}`: {"String"}, `{a: true}`: {"Bool", "OptionalBool"}, `{}`: {"OptionalBool"}, `{a: 7}`: {"Int"},
		`{a: 7.5}`: {}, `{a: -1}`: {}, `{a: 101}`: {}, `{a: NaN}`: {}, `{a: 7n}`: {}, `{a: Symbol("s")}`: {}, `{a: null}`: {},
		`{a: {}}`: {"Object"}, `{a: () => 1}`: {"Object", "Func"}, `{a: [1, 2]}`: {"Object", "List"}, `{a: [1, 2, 3]}`: {"Object"},
		`{a: new String("s")}`: {"Object", "List"}, `{get a() { throw 1 }}`: {},
		`{a: {length: 2, get 1() { throw 1 }}}`: {"Object"}, `{a: {length: 4294967296}}`: {"Object"},
	}
	for expression, works := range right {
		v := bridgetest.Eval(t, expression)
		for name, fn := range read {
			o := interop.ReadObject(v, "o")
			fn(o)
			if contains(works, name) {
				require.NoError(t, o.Err(), "%s of %s", name, expression)
			} else {
				require.ErrorIs(t, o.Err(), errcode.InvalidArgument, "%s of %s", name, expression)
				require.Contains(t, o.Err().Error(), "o.a")
			}
		}
	}
	for _, none := range []string{`undefined`, `null`, `1`, `"x"`, `10n`, `Symbol()`} {
		require.ErrorIs(t, interop.ReadObject(bridgetest.Eval(t, none), "o").Err(), errcode.InvalidArgument, none)
	}
}

func TestObjectWithUnknownProperties(t *testing.T) {
	for expression, at := range map[string]string{
		`{}`: "", `{a: 1}`: "", `{b: 1, a: 2}`: "", `{c: undefined, d: null}`: "", `Object.create({c: 1})`: "", `[]`: "", `Object.defineProperty({}, "c", {value: 1})`: "",
		`{c: 1}`: "o.c", `{a: 1, c: 0}`: "o.c", `{c: ""}`: "o.c", `{toString: 1}`: "o.toString", `{get c() { throw 1 }}`: "o.c", `[1]`: "o.0",
		`{["x".repeat(65)]: 1}`: "o", `{"\ud800": 1}`: "o", `new Proxy({}, {ownKeys() { throw 1 }})`: "o.its properties",
		`Object.fromEntries(Array.from({length: 101}, (_, i) => ["k" + i, null]))`: "o.its properties",
	} {
		o := interop.ReadObject(bridgetest.Eval(t, expression), "o")
		o.Only(" a b ")
		if at == "" {
			require.NoError(t, o.Err(), expression)
			continue
		}
		require.ErrorIs(t, o.Err(), errcode.InvalidArgument, expression)
		require.Contains(t, o.Err().Error(), at, expression)
	}
	o := interop.ReadOptions(bridgetest.Eval(t, `undefined`), "o")
	o.Only("")
	require.NoError(t, o.Err())
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

func TestBytes(t *testing.T) {
	for expression, want := range map[string][]byte{
		`new Uint8Array([1,2,3])`:                                               {1, 2, 3},
		`new DataView(new Uint8Array([0,1,2,3,4]).buffer, 1, 3)`:                {1, 2, 3},
		`new Uint8Array([0,1,2,3,4]).subarray(1, 4)`:                            {1, 2, 3},
		`new Uint16Array([0x0201])`:                                             {1, 2},
		`new Uint8Array(0)`:                                                     {},
		`new Uint8ClampedArray([1,2,3])`:                                        {1, 2, 3},
		`process.getBuiltinModule("vm").runInNewContext("new Uint8Array([9])")`: {9},
	} {
		got, ok := interop.Bytes(bridgetest.Eval(t, expression), 3)
		require.True(t, ok, expression)
		require.Equal(t, want, got, expression)
	}
	for _, wrong := range []string{`undefined`, `[1,2]`, `"abc"`, `new ArrayBuffer(2)`, `new Uint8Array(4)`, `10n`, `({byteLength: 1})`,
		`Object.defineProperty(new Uint8Array(2), "byteLength", {value: 3})`, `Object.defineProperty(new Uint8Array(2), "buffer", {value: 3})`,
		`Object.create(Uint8Array.prototype)`} {
		_, ok := interop.Bytes(bridgetest.Eval(t, wrong), 3)
		require.False(t, ok, wrong)
	}
	v, err := interop.Uint8Array([]byte{5, 6})
	require.NoError(t, err)
	back, ok := interop.Bytes(v, 2)
	require.True(t, ok)
	require.Equal(t, []byte{5, 6}, back)
}

func TestPanicInACallback(t *testing.T) {
	bridgetest.NoLeak(t)
	f, err := interop.Callback(func(args []safejs.Value) { _ = args[5] })
	require.NoError(t, err)
	defer f.Release()
	_, err = f.Value().Invoke()
	require.NoError(t, err)
}

func TestRunes(t *testing.T) {
	for expression, want := range map[string][]rune{
		`""`:                          nil,
		`"PVU3-FY64"`:                 []rune("PVU3-FY64"),
		`"é😀x"`:                       []rune("é😀x"),
		`"\ud800x"`:                   {0xD800, 'x'},
		`"12345678901"`:               []rune("12345678901"),
		`"123456789012"`:              nil, // too long
		`new String("")`:              nil,
		`5`:                           nil,
		`({ codePointAt: () => 65 })`: nil,
	} {
		seq, ok := interop.Runes(bridgetest.Eval(t, expression), 11)
		require.Equal(t, expression == `""` || want != nil, ok, expression)
		if !ok {
			continue
		}
		var got []rune
		for r := range seq {
			got = append(got, r)
		}
		require.Equal(t, want, got, expression)
		for range seq {
			break // the caller may stop
		}
	}
}

func TestASCII(t *testing.T) {
	for _, text := range []string{"", "PVU3FY64"} {
		v, err := interop.ASCII([]byte(text))
		require.NoError(t, err)
		got, ok := interop.String(v)
		require.True(t, ok)
		require.Equal(t, text, got)
	}
}
