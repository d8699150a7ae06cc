//go:build js && wasm

package webusb

import (
	"context"
	"slices"
	"sync"
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

// links is every USBDevice that has a link in this module. A page may have no Web Locks, and its own claim does not keep it
// from claiming again.
var links = struct {
	mu      sync.Mutex
	devices []safejs.Value
	changed chan struct{} // closed and replaced when one leaves
}{changed: make(chan struct{})}

// enter notes that device has a link. Where it has one already it waits a moment, for that one may be closing.
func enter(ctx context.Context, device safejs.Value) error {
	timer := time.NewTimer(lockWithin)
	defer timer.Stop()
	for {
		links.mu.Lock()
		changed := links.changed
		free := !slices.ContainsFunc(links.devices, device.Equal)
		if free {
			links.devices = append(links.devices, device)
		}
		links.mu.Unlock()
		if free {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return errcode.New(errcode.InUseElsewhere, "this page has the device open already")
		case <-ctx.Done():
			return errcode.FromContext("wait for the device", ctx.Err())
		}
	}
}

// leave is the end of what enter began.
func leave(device safejs.Value) {
	links.mu.Lock()
	defer links.mu.Unlock()
	links.devices = slices.DeleteFunc(links.devices, device.Equal)
	close(links.changed)
	links.changed = make(chan struct{})
}

// acquire takes the lock of that name, or says in-use-elsewhere. A browser without navigator.locks, or one that grants none
// to a site whose storage is blocked, has the claim alone; its lock is nil.
func acquire(ctx context.Context, locks safejs.Value, name string) (*lock, error) {
	if !interop.IsObject(locks) {
		return nil, nil
	}
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
