//go:build js && wasm

package interop

import (
	"context"

	"github.com/hack-pad/safejs"

	"imkey-connect/core/errcode"
)

// WithSignal returns a context that is cancelled when an AbortSignal of the page fires, or at once if it has fired. signal may be
// undefined. The caller must call stop, which removes the listener from the signal; the signal may exist much longer than
// the call. A value that is not an AbortSignal is an error with code invalid-argument.
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
		return nil, nil, errcode.Wrap(errcode.InvalidArgument, "signal does not accept a listener", err)
	}
	return ctx, func() { remove(); cancel() }, nil
}
