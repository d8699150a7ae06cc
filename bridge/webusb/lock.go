//go:build js && wasm

package webusb

import (
	"context"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

// lockWithin is how long a new page waits for the lock before it believes that somebody else holds the device: the page
// that it replaces by a reload may still be on its way out.
const lockWithin = time.Second

// lock is the origin's Web Lock on one device. The browser gives it back when the page goes away, however it goes.
type lock struct {
	held    *interop.Deferred // the lock is held until this settles
	request *interop.Pending  // settles once the lock is given back
}

// releaseProperty is where a link leaves, on the USBDevice, the function that gives its lock back. A module that crashed
// cannot do that any more, though its page lives on and starts another; that one finds the function there.
const releaseProperty = "imkey-connect release"

// releaseStale gives back the lock that a crashed module of this page still holds. A link that lives holds its device open;
// the page closes the device of a module that does not.
func releaseStale(device safejs.Value) {
	release, err := interop.Get(device, releaseProperty)
	if err != nil || !interop.Is(release, safejs.TypeFunction) {
		return
	}
	opened, err := interop.Get(device, "opened")
	if is, ok := interop.Bool(opened); err == nil && ok && !is {
		_, _ = release.Invoke()
	}
}

// leave puts the release function on the device; a device that takes no property does without.
func (l *lock) leave(device safejs.Value) {
	object, err := interop.Get(safejs.Global(), "Object")
	if err != nil {
		return
	}
	_, _ = interop.CallNow(object, "defineProperty", device, releaseProperty,
		map[string]any{"value": l.held.Resolver(), "configurable": true})
}

// acquire takes the lock of that name, or says in-use-elsewhere. A browser without navigator.locks, or one that grants none
// to a site whose storage is blocked, has the claim alone; its lock is nil.
func acquire(ctx context.Context, locks, device safejs.Value, name string) (*lock, error) {
	if !interop.IsObject(locks) {
		return nil, nil
	}
	releaseStale(device)
	held, err := interop.NewDeferred()
	if err != nil {
		return nil, err
	}
	l := &lock{held: held}
	granted := make(chan struct{}, 1)
	callback, err := interop.CallbackReturning(func([]safejs.Value) any {
		granted <- struct{}{}
		return held.Promise
	})
	if err != nil {
		return nil, err
	}
	patience, err := interop.NewAbortController()
	if err != nil {
		callback.Release()
		return nil, err
	}
	l.request, err = interop.CallAsync(locks, "request", name, map[string]any{"signal": patience.Signal}, callback.Value())
	if err != nil {
		callback.Release()
		return nil, lockFailure(err)
	}
	go func() {
		// Until the request settles the browser may call the callback.
		<-l.request.Done()
		callback.Release()
	}()
	timer := time.NewTimer(lockWithin)
	defer timer.Stop()
	select {
	case <-granted:
		l.leave(device)
		return l, nil
	case <-l.request.Done():
		_, err := l.request.Result()
		return nil, lockFailure(err)
	case <-timer.C:
		err = errcode.New(errcode.InUseElsewhere, "another page of this site holds the device")
	case <-ctx.Done():
		err = errcode.FromContext("lock the device", ctx.Err())
	}
	// If the lock is granted at this very moment it is given back at once.
	patience.Abort()
	_ = held.Resolve(nil)
	return nil, err
}

// lockFailure is nil for a site that gets no locks at all.
func lockFailure(err error) error {
	if interop.NameOf(err) == "SecurityError" {
		return nil
	}
	return errcode.Wrap(errcode.PermissionDenied, "lock the device", err)
}

// release gives the lock back and waits until the browser has it, so that the next link can take it at once.
func (l *lock) release(ctx context.Context) {
	if l == nil {
		return
	}
	_ = l.held.Resolve(nil)
	_, _ = l.request.Wait(ctx)
}
