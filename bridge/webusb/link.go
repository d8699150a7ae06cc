//go:build js && wasm

package webusb

import (
	"context"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/handover"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
)

// closeWithin bounds the wait for an orderly close, which takes the browser milliseconds. What is still under way then goes
// on in the background.
const closeWithin = 3 * time.Second

// sentWithin is how long a packet takes from the page to the device, at most: the browser hands it on at once, and the device takes one every
// 10 ms at least.
const sentWithin = 50 * time.Millisecond

// Link is one opened imKey. Its methods are those of [transport.Link], with its errors.
type Link struct {
	device     safejs.Value
	lease      *handover.Lease
	stopEvents func()

	// idle holds a token while no operation uses the device. Send, Receive and Reset take it, and with it the fields up to
	// mu. Order of locks: idle before mu.
	idle                chan struct{}
	ep                  endpoints
	read, write, change *interop.Pending // what the browser has under way
	haltedIn, haltedOut bool
	opened              bool

	mu       sync.Mutex
	why      error         // why the link ended
	gone     chan struct{} // closed when why is set
	detached chan struct{} // closed when the browser reports that the device was unplugged
	closed   chan struct{} // closed when Close has done its work; nil before Close
	busy     bool          // set by Send and Receive, until a read ends: the device may be busy
}

var _ transport.Link = (*Link)(nil)

// Options is what Open needs besides the device.
type Options struct {
	// USB is the object that the device came from. It fires the disconnect event.
	USB safejs.Value
	// Locks is navigator.locks, or undefined.
	Locks safejs.Value
	// TakeOver asks the page of this origin that holds the device to release it.
	TakeOver bool
}

// Open opens the device, claims the interface that its descriptors name, and listens for the device to be unplugged. Errors
// have the code invalid-argument (not a USBDevice), permission-denied, in-use-elsewhere, not-imkey, device-disconnected,
// aborted or timeout. The data of in-use-elsewhere says who has the device: holder is "tab" for a page of this origin, which
// Options.TakeOver asks to release it, and "program" for another one; reason is "no-answer" for a page that was asked
// and did not release it.
func Open(ctx context.Context, device safejs.Value, o Options) (*Link, error) {
	d := interop.ReadObject(device, "device")
	for _, method := range []string{"open", "close", "selectConfiguration", "claimInterface", "releaseInterface", "transferIn", "transferOut"} {
		d.Func(method)
	}
	if d.Err() != nil {
		return nil, d.Err()
	}
	// The serial number of a device without one is null.
	serial, _ := interop.String(d.Value("serialNumber"))
	l := &Link{device: device, idle: make(chan struct{}, 1), gone: make(chan struct{}), detached: make(chan struct{})}
	var err error
	l.stopEvents, err = interop.Listen(o.USB, "disconnect", func(event safejs.Value) {
		if which, err := interop.Get(event, "device"); err == nil && which.Equal(device) {
			l.unplugged()
		}
	})
	if err != nil {
		return nil, errcode.Wrap(errcode.InvalidArgument, "usb does not accept a listener", err)
	}
	l.lease, err = handover.Take(ctx, handover.Request{Device: device, Serial: serial, Locks: o.Locks, TakeOver: o.TakeOver})
	if err != nil {
		l.stopEvents()
		return nil, err
	}
	err = l.open(ctx)
	l.opened = err == nil
	l.idle <- struct{}{}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Wanted is closed when another page of this origin asks for the device. The caller then ends what the device is doing and
// closes the link. See package handover.
func (l *Link) Wanted() <-chan struct{} { return l.lease.Wanted() }

// Gone is closed when the link has ended: the device was unplugged, its permission was revoked, it could not be opened again,
// or Close was called. Err then says which.
func (l *Link) Gone() <-chan struct{} { return l.gone }

// Err says why the link ended, or returns nil.
func (l *Link) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// end ends everything under way. The first reason counts.
func (l *Link) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = why
		close(l.gone)
	}
}

// begin takes the device for one operation; finish gives it back.
func (l *Link) begin(ctx context.Context, at step) error {
	if err := l.Err(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return failure(at, err)
	}
	select {
	case <-l.idle:
		return nil
	case <-l.gone:
		return l.Err()
	case <-ctx.Done():
		return failure(at, ctx.Err())
	}
}

func (l *Link) finish() { l.idle <- struct{}{} }

// wait waits for what the browser has under way. over reports that it has ended. Otherwise the link or the context has ended,
// and it is still under way.
func (l *Link) wait(ctx context.Context, at step, pending *interop.Pending) (v safejs.Value, over bool, err error) {
	select {
	case <-pending.Done():
		v, err := pending.Result()
		if err != nil {
			err = l.failed(ctx, at, err)
		}
		return v, true, err
	case <-l.gone:
		return v, false, l.Err()
	case <-ctx.Done():
		return v, false, failure(at, ctx.Err())
	}
}

// Busy says whether the device may be carrying something out.
func (l *Link) Busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy
}

// Abandon is Close for a page that is about to be frozen or closed, in which no call that waits can continue. In one turn of the event
// loop it tells the device to cancel its operation, closes the device and releases its lock. The rest is Close's, which goes on
// when the page does. What is under way ends with why.
func (l *Link) Abandon(why error) {
	l.end(why)
	if cancel := frame.Cancel(); l.Busy() {
		if data, err := interop.Uint8Array(cancel[:]); err == nil {
			_, _ = interop.CallAsync(l.device, "transferOut", l.ep.out, data)
			// A device that is closed takes no packet any more, and neither does the one of a page that has ended. Nothing that waits would return.
			for begun := time.Now(); time.Since(begun) < sentWithin; {
			}
		}
	}
	_, _ = interop.CallAsync(l.device, "close")
	l.lease.Release()
	go l.Close()
}

// Close ends what is under way with device-disconnected and releases the device. It may be called more than once and by
// several goroutines. Each call returns when the device is closed, or after a bound.
func (l *Link) Close() error {
	l.end(errcode.New(errcode.DeviceDisconnected, "the device is closed"))
	l.mu.Lock()
	first := l.closed == nil
	if first {
		l.closed = make(chan struct{})
	}
	closed := l.closed
	l.mu.Unlock()
	if first {
		go func() {
			defer close(closed)
			// The token stays taken. Waiting for it keeps Reset from opening the device again.
			<-l.idle
			bound, stop := context.WithTimeout(context.Background(), closeWithin)
			defer stop()
			stuck := l.change
			l.giveBack(bound)
			l.stopEvents()
			l.lease.Close()
			if bound.Err() != nil {
				go l.giveBackLate(stuck, l.change)
			}
		}()
	}
	timer := time.NewTimer(closeWithin)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
	}
	return nil
}
