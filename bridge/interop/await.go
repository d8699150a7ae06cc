//go:build js && wasm

package interop

import (
	"context"

	"github.com/hack-pad/safejs"
)

// Pending is a promise that may not have settled yet.
type Pending struct {
	done  chan struct{}
	value safejs.Value
	err   error
}

// Done is closed when the promise has settled.
func (p *Pending) Done() <-chan struct{} { return p.done }

// Result returns what the promise settled with. It may be called only after Done is closed. A rejection is an *Exception.
func (p *Pending) Result() (safejs.Value, error) { return p.value, p.err }

var (
	resolve = builtin("Promise", "resolve")
	then    = builtin("Promise", "prototype", "then")
)

// Watch starts to wait for a promise. Another value counts as a fulfilled promise. The callbacks are released when the promise
// settles.
func Watch(promise safejs.Value) (*Pending, error) {
	p := &Pending{done: make(chan struct{})}
	// Promise.resolve makes a proper promise of a page's thenable: it settles at most once, and an exception is a rejection.
	promise, err := with(resolve, promise)
	if err != nil {
		return nil, err
	}
	var fulfilled, rejected *Func
	settle := func(args []safejs.Value, err func(safejs.Value) error) {
		v := safejs.Undefined()
		if len(args) > 0 {
			v = args[0]
		}
		if err != nil {
			p.err = err(v)
		} else {
			p.value = v
		}
		fulfilled.Release()
		rejected.Release()
		close(p.done)
	}
	if fulfilled, err = Callback(func(args []safejs.Value) { settle(args, nil) }); err != nil {
		return nil, err
	}
	if rejected, err = Callback(func(args []safejs.Value) {
		settle(args, func(v safejs.Value) error { return NewException(v) })
	}); err != nil {
		fulfilled.Release()
		return nil, err
	}
	if _, err := with(then, promise, fulfilled.Value(), rejected.Value()); err != nil {
		fulfilled.Release()
		rejected.Release()
		return nil, err
	}
	return p, nil
}

// Wait waits for the promise and returns what it settled with. If ctx ends first, it returns ctx's error.
func (p *Pending) Wait(ctx context.Context) (safejs.Value, error) {
	select {
	case <-p.done:
		return p.value, p.err
	default:
	}
	select {
	case <-p.done:
		return p.value, p.err
	case <-ctx.Done():
		return safejs.Undefined(), ctx.Err()
	}
}

// CallAsync calls an asynchronous method of a JavaScript object. A method that throws instead of returning a promise gives the same
// *Exception.
func CallAsync(target safejs.Value, method string, args ...any) (*Pending, error) {
	v, err := CallNow(target, method, args...)
	if err != nil {
		return nil, err
	}
	return Watch(v)
}

// Call calls an asynchronous method and waits for its result.
func Call(ctx context.Context, target safejs.Value, method string, args ...any) (safejs.Value, error) {
	p, err := CallAsync(target, method, args...)
	if err != nil {
		return safejs.Undefined(), err
	}
	return p.Wait(ctx)
}
