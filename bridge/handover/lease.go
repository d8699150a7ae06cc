//go:build js && wasm

package handover

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/weblock"
	"imkey-connect/core/errcode"
)

const (
	// lockWithin is how long a page waits for a lock that another page holds.
	lockWithin = time.Second
	// freeTurns is how many times lockWithin a page waits for a lock that no page holds.
	freeTurns = 10
	// answerWithin is how long a holder that was asked may take to show that it is awake.
	answerWithin = 3 * time.Second
	// releaseWithin is how long a holder that was asked may take in all to release the device.
	releaseWithin = 15 * time.Second
	// unlockWithin bounds the wait for the browser to release a lock.
	unlockWithin = 3 * time.Second
	// maxLocks bounds the locks of the origin that are looked at.
	maxLocks = 10000
)

// The names of the locks without the serial number. Pages of different versions share them.
const (
	deviceLock    = "imkey-connect usb "
	wantedLock    = "imkey-connect usb wanted "
	releasingLock = "imkey-connect usb letting go "
	idleLock      = "imkey-connect usb idle " // the SDK requests it: web/sdk/provider/turns.ts
)

// Request says which lease a page wants.
type Request struct {
	// Device is the USBDevice object.
	Device safejs.Value
	// Serial is the device's serial number. It may be empty.
	Serial string
	// Locks is navigator.locks, or undefined.
	Locks safejs.Value
	// TakeOver asks the page that holds the lease to release the device.
	TakeOver bool
}

// Lease is a page's right to use a device, among all pages of its origin.
type Lease struct {
	Request
	held     *weblock.Lock // the device lock; nil where there are no locks
	watched  *weblock.Lock // the wanted lock; belongs to watch once that runs
	released chan struct{} // closed by Release

	mu     sync.Mutex
	wanted chan struct{} // closed by ask
}

// Take waits for the lease of a device. Errors have the code in-use-elsewhere, permission-denied, aborted or timeout. The data
// of in-use-elsewhere has the holder "tab"; its reason is "no-answer" for a holder that was asked and did not release the
// device.
func Take(ctx context.Context, r Request) (*Lease, error) {
	l := &Lease{Request: r, released: make(chan struct{}), wanted: make(chan struct{})}
	locks := interop.IsObject(r.Locks)
	if locks {
		// Without an answer the locks below say what is wrong.
		idle, _ := weblock.Request(r.Locks, idleLock+r.Serial, map[string]any{"steal": true})
		defer idle.Release()
	}
	if err := l.enter(ctx, r.TakeOver); err != nil {
		return nil, err
	}
	if !locks {
		return l, nil
	}
	if err := l.lock(ctx); err != nil {
		l.held.Release()
		l.watched.Release()
		l.held, l.watched = nil, nil
		if interop.NameOf(err) == "SecurityError" {
			// The storage of the site is blocked, and its locks with it.
			return l, nil
		}
		l.leave()
		return nil, failure(err)
	}
	go l.watch()
	return l, nil
}

func failure(err error) error {
	var thrown *interop.Exception
	switch {
	case errors.As(err, &thrown):
		return errcode.Wrap(errcode.PermissionDenied, "lock the device", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errcode.FromContext("lock the device", err)
	}
	return err
}

// lock gets the device lock and the wanted lock.
func (l *Lease) lock(ctx context.Context) (err error) {
	if l.TakeOver {
		if _, err := l.want(ctx, map[string]any{"steal": true}); err != nil {
			return err
		}
	}
	if l.held, err = weblock.Request(l.Locks, deviceLock+l.Serial, nil); err != nil {
		return err
	}
	if l.TakeOver {
		return l.takeOver(ctx)
	}
	switch got, err := l.turn(ctx, l.held, deviceLock); {
	case err != nil:
		return err
	case !got:
		return inUse("another page of this site holds the device", "")
	}
	// The page that this one replaces has released the first lock, and perhaps not yet the second.
	if l.watched, err = weblock.Request(l.Locks, wantedLock+l.Serial, nil); err != nil {
		return err
	}
	switch got, err := l.turn(ctx, l.watched, wantedLock); {
	case err != nil:
		return err
	case !got:
		return takenOver()
	}
	return nil
}

// takeOver waits for the device lock, whose holder was asked to release it.
func (l *Lease) takeOver(ctx context.Context) error {
	for i, within := range []time.Duration{answerWithin, releaseWithin - answerWithin} {
		timer := time.NewTimer(within)
		got, over, err := l.held.Wait(ctx, timer.C)
		timer.Stop()
		switch {
		case err != nil:
			return err
		case got:
			// The last page that asks gets the device.
			select {
			case <-l.watched.Gone():
				return takenOver()
			default:
				return nil
			}
		case over && (i > 0 || !l.isHeld(ctx, releasingLock)):
			return inUse("the page that holds the device does not release it", "no-answer")
		}
	}
	return inUse("another page of this site holds the device", "")
}

// turn waits for a lock: for lockWithin while another page holds it, and for up to freeTurns times as long while no page does.
func (l *Lease) turn(ctx context.Context, lock *weblock.Lock, name string) (got bool, err error) {
	for range freeTurns {
		timer := time.NewTimer(lockWithin)
		got, over, err := lock.Wait(ctx, timer.C)
		timer.Stop()
		if err != nil || !over {
			return got, err
		}
		if l.isHeld(ctx, name) {
			break
		}
	}
	select {
	case got = <-lock.Granted(): // this page is the holder, since just now
	default:
	}
	return got, nil
}

// want requests the wanted lock and waits for the browser's answer.
func (l *Lease) want(ctx context.Context, options map[string]any) (got bool, err error) {
	if l.watched, err = weblock.Request(l.Locks, wantedLock+l.Serial, options); err != nil {
		return false, err
	}
	got, _, err = l.watched.Wait(ctx, nil)
	return got, err
}

// watch waits until another page asks for the device, that is, until it steals the wanted lock.
func (l *Lease) watch() {
	for {
		select {
		case <-l.watched.Gone():
		case <-l.released:
			l.watched.Release()
			return
		}
		// A page that asked while this one slept has given up by now, and its lock is free.
		free, err := l.want(context.Background(), map[string]any{"ifAvailable": true})
		if err == nil && free {
			continue
		}
		releasing, _ := weblock.Request(l.Locks, releasingLock+l.Serial, nil)
		go func() {
			<-l.released
			releasing.Release()
		}()
		l.ask()
		return
	}
}

// isHeld reports whether a page of the origin holds the lock of this name for the lease's device.
func (l *Lease) isHeld(ctx context.Context, name string) bool {
	all, err := interop.Call(ctx, l.Locks, "query")
	if err != nil {
		return false
	}
	for _, lock := range interop.ReadObject(all, "locks").List("held", maxLocks) {
		if has, _ := interop.String(interop.ReadObject(lock, "lock").Value("name")); has == name+l.Serial {
			return true
		}
	}
	return false
}

// Wanted is closed when another page of the origin, or another link of this page, asks for the device. The caller then ends
// what the device is doing and closes the lease.
func (l *Lease) Wanted() <-chan struct{} { return l.wanted }

func (l *Lease) ask() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.wanted:
	default:
		close(l.wanted)
	}
}

// Release releases the locks, so that the next page can have the device. It does not wait, and it may be called more than once.
func (l *Lease) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.released:
		return
	default:
		close(l.released)
	}
	l.watched.Release()
	l.held.Release()
}

// Close releases the locks and waits, within a bound, until the browser has done so. Then the next link of this page can
// have the device at once.
func (l *Lease) Close() {
	l.Release()
	if l.held != nil {
		timer := time.NewTimer(unlockWithin)
		defer timer.Stop()
		select {
		case <-l.held.Gone():
		case <-timer.C:
		}
	}
	l.leave()
}

func takenOver() error { return inUse("another page of this site took the device over", "") }

// inUse returns an error with code in-use-elsewhere: another page of this origin has the device.
func inUse(op, reason string) error {
	e := errcode.New(errcode.InUseElsewhere, op)
	e.Data = map[string]any{"holder": "tab"}
	if reason != "" {
		e.Data["reason"] = reason
	}
	return e
}
