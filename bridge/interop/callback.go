//go:build js && wasm

package interop

import (
	"sync"
	"sync/atomic"

	"github.com/hack-pad/safejs"
)

// Func is a Go function that JavaScript can call until it is released.
type Func struct {
	f    safejs.Func
	once sync.Once
}

var live atomic.Int64

// Live returns the number of functions that were made and not released. Tests use it to find leaks.
func Live() int { return int(live.Load()) }

func newFunc(fn func(args []safejs.Value) any) (*Func, error) {
	f, err := safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any { return fn(args) })
	if err != nil {
		return nil, Thrown(err)
	}
	live.Add(1)
	return &Func{f: f}, nil
}

// Value returns the JavaScript function.
func (f *Func) Value() safejs.Value { return f.f.Value() }

// Release releases the function. It may be called while the function runs, and more than once. JavaScript that calls the
// function later gets undefined.
func (f *Func) Release() {
	f.once.Do(func() {
		live.Add(-1)
		f.f.Release()
	})
}

// Callback makes a JavaScript function that calls fn, which must not block. A panic in fn is ignored, since in a plain js.Func it
// would end the module. The caller releases the function.
func Callback(fn func(args []safejs.Value)) (*Func, error) {
	return CallbackReturning(func(args []safejs.Value) any {
		fn(args)
		return nil
	})
}

// CallbackReturning is Callback for a function with a result. After a panic the result is null.
func CallbackReturning(fn func(args []safejs.Value) any) (*Func, error) {
	return newFunc(func(args []safejs.Value) (result any) {
		defer func() {
			if recover() != nil {
				result = nil
			}
		}()
		return fn(args)
	})
}

// Listen calls fn for every event of this name on target until stop is called. fn must not block. stop may be called more than
// once.
func Listen(target safejs.Value, event string, fn func(event safejs.Value)) (stop func(), err error) {
	f, err := Callback(func(args []safejs.Value) {
		if len(args) > 0 {
			fn(args[0])
		}
	})
	if err != nil {
		return nil, err
	}
	if _, err := CallNow(target, "addEventListener", event, f.Value()); err != nil {
		f.Release()
		return nil, err
	}
	return sync.OnceFunc(func() {
		// Release the function even if the page's object throws: a call of a released function only logs to the console.
		_, _ = CallNow(target, "removeEventListener", event, f.Value())
		f.Release()
	}), nil
}
