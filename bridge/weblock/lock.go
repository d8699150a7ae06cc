//go:build js && wasm

package weblock

import (
	"context"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
)

// Lock is one of the origin's Web Locks. The browser gives it back when the page goes away, however it goes.
type Lock struct {
	held    *interop.Deferred // the lock is held until this settles
	request *interop.Pending  // settles once the lock is given back or stolen
	granted chan bool         // false: it is not to be had
	cancel  *interop.AbortController
}

// Request asks locks, navigator.locks, for the lock of that name. Without options it waits for its turn, and can be taken back; with
// ifAvailable or steal, as LockOptions of the Web Locks API has them, it does not.
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

// Wait waits for the lock until stop is closed or delivers; over says that it came to that first. got is false where the lock
// is not to be had. An error is the browser's exception, or the context's.
func (l *Lock) Wait(ctx context.Context, stop <-chan time.Time) (got, over bool, err error) {
	select {
	case got := <-l.granted:
		return got, false, nil
	case <-l.request.Done():
		select {
		case got := <-l.granted: // and stolen since
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

// Release gives the lock back, or takes the request for it back; one that is granted at this very moment is given back too. A nil
// lock has nothing to give.
func (l *Lock) Release() {
	if l == nil {
		return
	}
	if l.cancel != nil {
		l.cancel.Abort()
	}
	_ = l.held.Resolve(nil)
}

// Gone is closed when the lock is not held any more: released, stolen or never got.
func (l *Lock) Gone() <-chan struct{} { return l.request.Done() }

// Granted tells what came of the request, where Wait did not: once, whether the lock is held.
func (l *Lock) Granted() <-chan bool { return l.granted }
