//go:build js && wasm

package interop

import (
	"context"

	"github.com/hack-pad/safejs"

	"imkey-connect/core/errcode"
)

// WithSignal ties a context to an AbortSignal of the page: the context is cancelled when the signal fires, at once if it
// has fired already. signal may be undefined. stop must be called; it takes the listener off the signal, which may live
// much longer than the call that it was given to. What is no AbortSignal is refused with invalid-argument.
func WithSignal(parent context.Context, signal safejs.Value) (ctx context.Context, stop func(), err error) {
	if signal.IsUndefined() {
		ctx, cancel := context.WithCancel(parent)
		return ctx, cancel, nil
	}
	o := ReadObject(signal, "signal")
	aborted := o.Bool("aborted")
	o.Func("addEventListener")
	if o.Err() != nil {
		return nil, nil, o.Err()
	}
	ctx, cancel := context.WithCancel(parent)
	if aborted {
		cancel()
		return ctx, cancel, nil
	}
	remove, err := Listen(signal, "abort", func(safejs.Value) { cancel() })
	if err != nil {
		cancel()
		return nil, nil, errcode.Wrap(errcode.InvalidArgument, "signal takes no listener", err)
	}
	return ctx, func() { remove(); cancel() }, nil
}
