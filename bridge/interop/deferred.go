//go:build js && wasm

package interop

import "github.com/hack-pad/safejs"

// Deferred is a JavaScript promise that Go settles.
type Deferred struct {
	Promise         safejs.Value
	resolve, reject safejs.Value
}

// NewDeferred returns a new promise. JavaScript holds no Go function for it.
func NewDeferred() (*Deferred, error) {
	d := &Deferred{}
	executor, err := Callback(func(args []safejs.Value) { d.resolve, d.reject = args[0], args[1] })
	if err != nil {
		return nil, err
	}
	// The constructor calls the executor before it returns.
	defer executor.Release()
	d.Promise, err = construct("Promise", executor.Value())
	return d, err
}

// Resolve fulfils the promise. v is a value that safejs accepts as an argument; for another one Resolve returns an error.
func (d *Deferred) Resolve(v any) error {
	_, err := d.resolve.Invoke(v)
	return Thrown(err)
}

// Reject rejects the promise.
func (d *Deferred) Reject(v safejs.Value) { _, _ = d.reject.Invoke(v) }
