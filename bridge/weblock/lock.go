//go:build js && wasm

package weblock

import (
	"context"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
)

// Lock is a request of a Web Lock, and the lock once it is granted. The browser releases it when the page goes away.
type Lock struct {
	held    *interop.Deferred // the lock is held until this settles
	request *interop.Pending  // settles when the lock was released or stolen
	granted chan bool         // gets one value: false if the browser does not grant the lock
	cancel  *interop.AbortController
}

// Request requests the lock of this name from locks, which is navigator.locks. options are the LockOptions ifAvailable or steal.
// Without options the request waits in the queue, and Release can withdraw it.
func Request(locks safejs.Value, name string, options map[string]any) (*Lock, error) {
	held, err := interop.NewDeferred()
	if err != nil {
		return nil, err
	}
	l := &Lock{held: held, granted: make(chan bool, 1)}
	if len(options) == 0 {
		if l.cancel, err = interop.NewAbortController(); err != nil {
			return nil, err
		}
		options = map[string]any{"signal": l.cancel.Signal}
	}
	callback, err := interop.CallbackReturning(func(args []safejs.Value) any {
		if len(args) == 0 || interop.Absent(args[0]) {
			l.granted <- false
			return nil
		}
		l.granted <- true
		return held.Promise
	})
	if err != nil {
		return nil, err
	}
	if l.request, err = interop.CallAsync(locks, "request", name, options, callback.Value()); err != nil {
		callback.Release()
		return nil, err
	}
	go func() {
		// Until the request settles the browser may call the callback.
		<-l.request.Done()
		callback.Release()
	}()
	return l, nil
}

// Wait waits for the browser's answer. got reports whether the lock is held. over reports that stop delivered before an answer. The
// error is an exception of the browser, or the context's error.
func (l *Lock) Wait(ctx context.Context, stop <-chan time.Time) (got, over bool, err error) {
	select {
	case got := <-l.granted:
		return got, false, nil
	case <-l.request.Done():
		select {
		case got := <-l.granted: // granted, and stolen since
			return got, false, nil
		default:
		}
		_, err := l.request.Result()
		return false, false, err
	case <-stop:
		return false, true, nil
	case <-ctx.Done():
		return false, false, ctx.Err()
	}
}

// Release releases the lock, or withdraws the request. A lock that is granted at the same moment is released as well. Release of a
// nil Lock does nothing.
func (l *Lock) Release() {
	if l == nil {
		return
	}
	if l.cancel != nil {
		l.cancel.Abort()
	}
	_ = l.held.Resolve(nil)
}

// Gone is closed when the lock is not held any more: it was released, stolen or not granted.
func (l *Lock) Gone() <-chan struct{} { return l.request.Done() }

// Granted gets the browser's answer, unless Wait has returned it: whether the lock is held.
func (l *Lock) Granted() <-chan bool { return l.granted }
