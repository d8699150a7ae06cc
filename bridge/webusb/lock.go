//go:build js && wasm

package webusb

import (
	"context"
	"errors"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/weblock"
	"imkey-connect/core/errcode"
)

const (
	// lockWithin is how long a new page waits for the lock before it believes that somebody else holds the device: the page
	// that it replaces by a reload may still be on its way out.
	lockWithin = time.Second
	// patientTurns is how many times as long it waits where nobody holds the lock.
	patientTurns = 10
	// answerWithin is how long a page that was asked to let go may take to say that it does. One that sleeps says nothing.
	answerWithin = 3 * time.Second
	// handOverWithin is how long it may take in all: it ends its exchange with the device first.
	handOverWithin = 15 * time.Second
)

// The locks of one device. Whoever holds the first has the device. It holds the second as well, which another page of the
// site steals to say that it wants the device: the browser tells the holder of a lock that is stolen, and nobody else.
// The third is taken by a holder that is letting go, for the other page to see that it is not asleep.
const (
	deviceLock  = "imkey-connect usb "
	wantedLock  = "imkey-connect usb wanted "
	lettingLock = "imkey-connect usb letting go "
)

// tenure is a page's right to a device among all pages of its site.
type tenure struct {
	locks  safejs.Value
	serial string
	device *weblock.Lock
	wanted *weblock.Lock // the watcher's, once there is one
	over   chan struct{} // closed by release
}

// take gets the right to the device with that serial number, or says in-use-elsewhere. With takeOver the page that has it
// is asked to let go. A browser without navigator.locks, or one that grants none to a site whose storage is blocked, has
// the claim alone; its tenure is nil. wanted is called, at most once, when another page asks for the device.
func take(ctx context.Context, locks safejs.Value, serial string, takeOver bool, wanted func()) (*tenure, error) {
	if !interop.IsObject(locks) {
		return nil, nil
	}
	t := &tenure{locks: locks, serial: serial, over: make(chan struct{})}
	err := t.enter(ctx, takeOver)
	if err != nil {
		t.device.Release()
		t.wanted.Release()
		if interop.NameOf(err) == "SecurityError" {
			return nil, nil
		}
		var thrown *interop.Exception
		switch {
		case errors.As(err, &thrown):
			return nil, errcode.Wrap(errcode.PermissionDenied, "lock the device", err)
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			return nil, errcode.FromContext("lock the device", err)
		}
		return nil, err
	}
	go t.watch(wanted)
	return t, nil
}

func (t *tenure) enter(ctx context.Context, takeOver bool) (err error) {
	if takeOver {
		if _, err := t.want(ctx, map[string]any{"steal": true}); err != nil {
			return err
		}
	}
	if t.device, err = weblock.Request(t.locks, deviceLock+t.serial, nil); err != nil {
		return err
	}
	if !takeOver {
		got, err := t.turn(ctx, t.device, deviceLock)
		switch {
		case err != nil:
			return err
		case !got:
			return held("another page of this site holds the device", "")
		}
		return t.settle(ctx, takeOver)
	}
	for i, within := range []time.Duration{answerWithin, handOverWithin - answerWithin} {
		timer := time.NewTimer(within)
		got, over, err := t.device.Wait(ctx, timer.C)
		timer.Stop()
		switch {
		case err != nil:
			return err
		case got:
			return t.settle(ctx, takeOver)
		case over && (i > 0 || !t.isHeld(ctx, lettingLock)):
			return held("the page that holds the device does not let go", "no-answer")
		}
	}
	return held("another page of this site holds the device", "")
}

// turn waits for a lock, up to lockWithin where another page has it. Where nobody has it, the machine has too much to do to
// give it to anybody, and it is waited for up to patientTurns times as long.
func (t *tenure) turn(ctx context.Context, l *weblock.Lock, name string) (got bool, err error) {
	for range patientTurns {
		timer := time.NewTimer(lockWithin)
		got, over, err := l.Wait(ctx, timer.C)
		timer.Stop()
		if err != nil || !over {
			return got, err
		}
		if t.isHeld(ctx, name) {
			break
		}
	}
	select {
	case got = <-l.Granted(): // it is this page that has it, since just now
	default:
	}
	return got, nil
}

// settle makes sure, once the device's lock is this page's, that nobody asked for it meanwhile: the last who asks gets it.
func (t *tenure) settle(ctx context.Context, takeOver bool) error {
	free := true
	if takeOver {
		select {
		case <-t.wanted.Gone():
			free = false
		default:
		}
	} else {
		// A page that this one replaces has let go of the first lock, and may not have got to the second.
		var err error
		if t.wanted, err = weblock.Request(t.locks, wantedLock+t.serial, nil); err != nil {
			return err
		}
		if free, err = t.turn(ctx, t.wanted, wantedLock); err != nil {
			return err
		}
	}
	if !free {
		return held("another page of this site took the device over", "")
	}
	return nil
}

// want takes the lock by which pages ask for the device.
func (t *tenure) want(ctx context.Context, options map[string]any) (got bool, err error) {
	if t.wanted, err = weblock.Request(t.locks, wantedLock+t.serial, options); err != nil {
		return false, err
	}
	got, _, err = t.wanted.Wait(ctx, nil)
	return got, err
}

// watch waits for another page to ask for the device.
func (t *tenure) watch(wanted func()) {
	for {
		select {
		case <-t.wanted.Gone():
		case <-t.over:
			t.wanted.Release()
			return
		}
		// Who asked while this page slept has given up by now, and with it the lock.
		free, err := t.want(context.Background(), map[string]any{"ifAvailable": true})
		if err == nil && free {
			continue
		}
		letting, _ := weblock.Request(t.locks, lettingLock+t.serial, nil)
		go func() {
			<-t.over
			letting.Release()
		}()
		wanted()
		return
	}
}

// isHeld says whether some page has the lock of that name; for lettingLock: whether the one that has the device lets go.
func (t *tenure) isHeld(ctx context.Context, name string) bool {
	all, err := interop.Call(ctx, t.locks, "query")
	if err != nil {
		return false
	}
	for _, l := range interop.ReadObject(all, "locks").List("held", maxLocks) {
		if has, _ := interop.String(interop.ReadObject(l, "lock").Value("name")); has == name+t.serial {
			return true
		}
	}
	return false
}

// maxLocks is more than a site holds.
const maxLocks = 10000

// release gives the device to the next page that waits for it.
func (t *tenure) release() {
	if t == nil {
		return
	}
	select {
	case <-t.over:
		return
	default:
		close(t.over)
	}
	t.wanted.Release()
	t.device.Release()
}

// released is closed when the browser has it back, so that the next link can take it at once.
func (t *tenure) released() <-chan struct{} {
	if t == nil {
		done := make(chan struct{})
		close(done)
		return done
	}
	return t.device.Gone()
}

// held is in-use-elsewhere by a page of this site.
func held(op, reason string) error {
	e := errcode.New(errcode.InUseElsewhere, op)
	e.Data = map[string]any{"holder": "tab"}
	if reason != "" {
		e.Data["reason"] = reason
	}
	return e
}
