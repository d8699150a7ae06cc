//go:build js && wasm

package interop

import (
	"sync"
	"sync/atomic"

	"github.com/hack-pad/safejs"
)

// Func is a Go function that JavaScript can call, until it is released.
type Func struct {
	f    safejs.Func
	once sync.Once
}

var live atomic.Int64

// Live is the number of functions that were made and not released; tests hold it against leaks.
func Live() int { return int(live.Load()) }

func newFunc(fn func(args []safejs.Value) any) (*Func, error) {
	f, err := safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any { return fn(args) })
	if err != nil {
		return nil, Thrown(err)
	}
	live.Add(1)
	return &Func{f: f}, nil
}

// Value is the function to hand to JavaScript.
func (f *Func) Value() safejs.Value { return f.f.Value() }

// Release frees the function, also while it runs, and more than once. JavaScript that calls it later gets undefined.
func (f *Func) Release() {
	f.once.Do(func() {
		live.Add(-1)
		f.f.Release()
	})
}

// Callback makes a function for JavaScript to call that only hands something over: fn must not block. A panic in fn is
// swallowed, because under a plain js.Func it would end the module. The caller releases it.
func Callback(fn func(args []safejs.Value)) (*Func, error) {
	return CallbackReturning(func(args []safejs.Value) any {
		fn(args)
		return nil
	})
}

// CallbackReturning is Callback for a function that JavaScript expects something from; after a panic that is null.
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

// Listen calls fn, which must not block, at every event of that name on target, until stop is called. stop may be called
// more than once.
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
		// Released even if the page's object refuses: a released function only complains on the console when called.
		_, _ = CallNow(target, "removeEventListener", event, f.Value())
		f.Release()
	}), nil
}
