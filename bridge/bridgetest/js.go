//go:build js && wasm

package bridgetest

import (
	"context"
	"testing"
	"time"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/interop"
)

// Eval evaluates a JavaScript expression.
func Eval(t testing.TB, expression string) safejs.Value {
	t.Helper()
	v, err := safejs.Global().Call("eval", "("+expression+")")
	require.NoError(t, interop.Thrown(err))
	return v
}

// Context returns a context of 20 s, so that a test that hangs fails long before the limit of the test binary.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(stop)
	return ctx
}

// Call calls a method of target.
func Call(t testing.TB, target safejs.Value, method string, args ...any) safejs.Value {
	t.Helper()
	v, err := target.Call(method, args...)
	require.NoError(t, interop.Thrown(err))
	return v
}

// Await calls a method of target that returns a promise and waits for its value.
func Await(t testing.TB, target safejs.Value, method string, args ...any) safejs.Value {
	t.Helper()
	v, err := interop.Call(Context(t), target, method, args...)
	require.NoError(t, err)
	return v
}

// Settle waits for a promise and returns what it settled with.
func Settle(t testing.TB, promise safejs.Value) (safejs.Value, error) {
	t.Helper()
	pending, err := interop.Watch(promise)
	require.NoError(t, err)
	return pending.Wait(Context(t))
}

// Get reads a property.
func Get(t testing.TB, target safejs.Value, name string) safejs.Value {
	t.Helper()
	v, err := target.Get(name)
	require.NoError(t, interop.Thrown(err))
	return v
}

// Text reads a property that is a string.
func Text(t testing.TB, target safejs.Value, name string) string {
	t.Helper()
	s, ok := interop.String(Get(t, target, name))
	require.True(t, ok, "%s is a string", name)
	return s
}

// Number reads a property that is a whole number.
func Number(t testing.TB, target safejs.Value, name string) int {
	t.Helper()
	n, ok := interop.Int(Get(t, target, name), 1<<30)
	require.True(t, ok, "%s is a whole number", name)
	return n
}

// NoLeak fails the test if JavaScript holds more Go functions at its end than now.
func NoLeak(t testing.TB) {
	t.Helper()
	before := interop.Live()
	t.Cleanup(func() { require.Equal(t, before, interop.Live(), "every function given to JavaScript is released") })
}
