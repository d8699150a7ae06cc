//go:build js && wasm

package webusb

import (
	"context"
	"errors"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/handover"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

const (
	// resetWithin bounds Reset.
	resetWithin = 5 * time.Second
	// claimAgainAfter is the time between two attempts to claim the interface, claims their number: the page that a reload
	// replaces, or that was frozen just now, may still be on its way out.
	claimAgainAfter = 300 * time.Millisecond
	claims          = 4
)

// open opens the device and claims the interface.
func (l *Link) open(ctx context.Context) error {
	if err := l.alter(ctx, opening, "open"); err != nil {
		return err
	}
	configuration, err := l.configuration(ctx)
	if err != nil {
		return err
	}
	if l.ep, err = find(configuration); err != nil {
		return err
	}
	err = l.alter(ctx, claiming, "claimInterface", l.ep.iface)
	for try := 1; try < claims && errors.Is(err, errcode.InUseElsewhere); try++ {
		select {
		case <-time.After(claimAgainAfter):
			err = l.alter(ctx, claiming, "claimInterface", l.ep.iface)
		case <-l.gone:
			return l.Err()
		case <-ctx.Done():
			return failure(claiming, ctx.Err())
		}
	}
	if err == nil && l.ep.alternate != 0 {
		err = l.alter(ctx, claiming, "selectAlternateInterface", l.ep.iface, l.ep.alternate)
	}
	return err
}

// configuration returns the device's configuration. It selects the first one if none is selected.
func (l *Link) configuration(ctx context.Context) (safejs.Value, error) {
	c, err := interop.Get(l.device, "configuration")
	if err == nil && interop.Absent(c) {
		all := interop.ReadObject(l.device, "device").List("configurations", maxDescriptors)
		if len(all) == 0 {
			return c, errcode.New(errcode.NotIMKey, "the device has no configuration")
		}
		first := interop.ReadObject(all[0], "configuration")
		value := first.Int("configurationValue", 255)
		if first.Err() != nil {
			return c, errcode.Wrap(errcode.NotIMKey, "malformed configuration", first.Err())
		}
		if err := l.alter(ctx, configuring, "selectConfiguration", value); err != nil {
			return c, err
		}
		c, err = interop.Get(l.device, "configuration")
	}
	if err != nil {
		return c, failure(configuring, err)
	}
	return c, nil
}

// alter calls a method that changes the device's state and waits for it. The browser refuses two changes at a time, so l.change
// keeps the one under way for giveBack.
func (l *Link) alter(ctx context.Context, at step, method string, args ...any) error {
	pending, err := interop.CallAsync(l.device, method, args...)
	if err != nil {
		return l.failed(ctx, at, err)
	}
	l.change = pending
	_, _, err = l.wait(ctx, at, pending)
	return err
}

// Reset releases, closes and opens the device. The reads and writes from before are left to the browser, and their results
// are ignored. Reset is carried through within a bound, even if its context ends, since a half-open device would be of no
// use. If the device cannot be opened again, the link has ended.
func (l *Link) Reset(ctx context.Context) error {
	if err := l.begin(ctx, opening); err != nil {
		return err
	}
	defer l.finish()
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), resetWithin)
	defer stop()
	l.giveBack(ctx)
	l.read, l.write = nil, nil
	l.expect(false)
	err := l.Err()
	if err == nil {
		err = l.open(ctx)
	}
	if err != nil && !l.announced(ctx) {
		l.end(err)
	}
	return l.Err()
}

// giveBack releases the interface and closes the device. Errors are ignored: a device that cannot be closed is not open.
func (l *Link) giveBack(ctx context.Context) {
	l.settle(ctx, l.change)
	for _, call := range []struct {
		method string
		args   []any
	}{{"releaseInterface", []any{l.ep.iface}}, {"close", nil}} {
		if pending, err := interop.CallAsync(l.device, call.method, call.args...); err == nil {
			l.change = pending
			l.settle(ctx, pending)
		}
	}
}

// giveBackLate closes the device when changes have ended that did not end within the bound of Close. The locks are released by
// then, since such a change may never end. If the page has a new link to the device, the device belongs to that one.
func (l *Link) giveBackLate(changes ...*interop.Pending) {
	for _, change := range changes {
		l.settle(context.Background(), change)
	}
	if !handover.Leased(l.device) {
		l.giveBack(context.Background())
	}
}

// settle waits for a change under way, unless the device is unplugged: then the browser rejects it sooner or later.
func (l *Link) settle(ctx context.Context, change *interop.Pending) {
	if change == nil {
		return
	}
	select {
	case <-change.Done():
	case <-l.detached:
	case <-ctx.Done():
	}
}
