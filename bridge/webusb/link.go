//go:build js && wasm

package webusb

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
)

const (
	// closeWithin bounds the wait for an orderly close; the browser takes milliseconds. What it then still has under way
	// goes on behind the scenes.
	closeWithin = 3 * time.Second
	// resetWithin bounds Reset in the same way.
	resetWithin = 5 * time.Second
	// announceWithin is how long a device may have failed with NotFoundError before the browser says that it was unplugged.
	// One that does not say so has revoked the permission.
	announceWithin = time.Second
	// claimAgainAfter is when a refused claim is tried again, claims how often it is tried in all: the page that this one
	// replaces by a reload, or that was frozen just now, may still be on its way out.
	claimAgainAfter = 300 * time.Millisecond
	claims          = 4
)

// Link is one opened imKey. Its methods are those of [transport.Link], with its errors.
type Link struct {
	device     safejs.Value
	ep         endpoints
	tenure     *tenure
	stopEvents func()

	// one holds a token while nobody uses the device; Send, Receive and Reset take it. The fields up to mu are its
	// holder's. Order of locks: one before mu.
	one                 chan struct{}
	read, write, change *interop.Pending // what the browser has under way
	haltedIn, haltedOut bool
	opened              bool

	mu       sync.Mutex
	why      error         // why the link ended
	gone     chan struct{} // closed when why is set
	detached chan struct{} // closed when the browser announces that the device was unplugged
	closed   chan struct{} // closed when Close has done its work; nil before Close
	wanted   chan struct{} // closed when another page asks for the device
	reading  bool          // the browser has a read under way: the device may be at something
}

var _ transport.Link = (*Link)(nil)

// Options is what Open needs besides the device.
type Options struct {
	// USB is the object that the device came from; it fires the disconnect event.
	USB safejs.Value
	// Locks is navigator.locks, or undefined.
	Locks safejs.Value
	// TakeOver asks the page of this site that holds the device to let go of it.
	TakeOver bool
}

// Open opens the device, claims the interface that its descriptors name and listens for it to be unplugged. Errors:
// invalid-argument for what is no USBDevice, permission-denied, in-use-elsewhere, not-imkey, device-disconnected, aborted,
// timeout. The data of in-use-elsewhere says who has the device: its holder is a "tab" of this site, which Options.TakeOver
// may move, or another "program"; its reason is "no-answer" for a tab that was asked and did not let go.
func Open(ctx context.Context, device safejs.Value, o Options) (*Link, error) {
	d := interop.ReadObject(device, "device")
	for _, method := range []string{"open", "close", "selectConfiguration", "claimInterface", "releaseInterface", "transferIn", "transferOut"} {
		d.Func(method)
	}
	if d.Err() != nil {
		return nil, d.Err()
	}
	// A device without a serial number gives null, and shares the lock with others of its kind.
	serial, _ := interop.String(d.Value("serialNumber"))
	l := &Link{
		device: device, one: make(chan struct{}, 1),
		gone: make(chan struct{}), detached: make(chan struct{}), wanted: make(chan struct{}),
	}
	if err := l.enter(ctx, o.TakeOver); err != nil {
		return nil, err
	}
	var err error
	l.stopEvents, err = interop.Listen(o.USB, "disconnect", func(event safejs.Value) {
		if which, err := interop.Get(event, "device"); err == nil && which.Equal(device) {
			l.unplugged()
		}
	})
	if err != nil {
		l.leave()
		return nil, errcode.Wrap(errcode.InvalidArgument, "usb takes no listener", err)
	}
	if l.tenure, err = take(ctx, o.Locks, serial, o.TakeOver, l.ask); err != nil {
		l.stopEvents()
		l.leave()
		return nil, err
	}
	err = l.open(ctx)
	l.opened = err == nil
	l.one <- struct{}{}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Wanted is closed when another page of this site asks for the device. Whoever uses the link then ends what the device is
// at and closes it; the other page does not wait for ever.
func (l *Link) Wanted() <-chan struct{} { return l.wanted }

func (l *Link) ask() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.wanted:
	default:
		close(l.wanted)
	}
}

// open brings the device from closed to claimed.
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

// configuration returns the device's configuration; it selects the first one of a device that has none yet.
func (l *Link) configuration(ctx context.Context) (safejs.Value, error) {
	c, err := interop.Get(l.device, "configuration")
	if err == nil && interop.Absent(c) {
		all := interop.ReadObject(l.device, "device").List("configurations", maxDescriptors)
		if len(all) == 0 {
			return c, errcode.New(errcode.NotIMKey, "a device without a configuration")
		}
		first := interop.ReadObject(all[0], "configuration")
		value := first.Int("configurationValue", 255)
		if first.Err() != nil {
			return c, errcode.Wrap(errcode.NotIMKey, "a device without a configuration", first.Err())
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

// alter calls a method that changes the device's state and waits for it. The browser refuses two changes at a time, so the
// one under way is remembered for whoever closes the device.
func (l *Link) alter(ctx context.Context, at step, method string, args ...any) error {
	pending, err := interop.CallAsync(l.device, method, args...)
	if err != nil {
		return l.failed(ctx, at, err)
	}
	l.change = pending
	_, _, err = l.wait(ctx, at, pending)
	return err
}

// wait waits for what the browser has under way. over says that it came to its end here; else the device is gone or the
// context ended, and it is still under way.
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

// failed is failure, and finds out more where the device is not there any more.
func (l *Link) failed(ctx context.Context, at step, err error) error {
	err = failure(at, err)
	switch {
	case l.opened && interop.NameOf(err) == "NotFoundError":
		return l.lost(ctx, err)
	case at == opening && errors.Is(err, errcode.PermissionDenied) && l.announced(ctx):
		// The system denies access to what was just pulled out, before the browser says that it was.
		return l.Err()
	}
	return err
}

// lost finds out why a device that was there is not: Chromium rejects with the same NotFoundError when the device is
// unplugged and when its permission is revoked, but announces only the former.
func (l *Link) lost(ctx context.Context, err error) error {
	if !l.announced(ctx) {
		if ctx.Err() != nil {
			return failure("look for the device", ctx.Err())
		}
		l.end(errcode.Wrap(errcode.PermissionDenied, "the browser took the device back", err))
	}
	return l.Err()
}

// announced waits for the browser's word that the device was unplugged, which may come after the first failure.
func (l *Link) announced(ctx context.Context) bool {
	timer := time.NewTimer(announceWithin)
	defer timer.Stop()
	select {
	case <-l.gone:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

func (l *Link) unplugged() {
	l.end(errcode.New(errcode.DeviceDisconnected, "unplugged"))
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.detached:
	default:
		close(l.detached)
	}
}

// end ends everything under way, for the first reason that is given.
func (l *Link) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = why
		close(l.gone)
	}
}

// Gone is closed when the link has ended: the device was unplugged, its permission revoked, it could not be opened again, or
// Close was called. Err then says which.
func (l *Link) Gone() <-chan struct{} { return l.gone }

// Err says why the link ended, or nil.
func (l *Link) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
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
	case <-l.one:
		return nil
	case <-l.gone:
		return l.Err()
	case <-ctx.Done():
		return failure(at, ctx.Err())
	}
}

func (l *Link) finish() { l.one <- struct{}{} }

// Send hands one packet to the device. If its context ends first the browser may still send the packet; the next Send
// waits for that, so that packets never overtake each other.
func (l *Link) Send(ctx context.Context, p *frame.Packet) error {
	if err := l.begin(ctx, sending); err != nil {
		return err
	}
	defer l.finish()
	if l.write != nil {
		// How the packet before ended was its sender's to know; that it did is enough here.
		if over, err := l.written(ctx); !over {
			return err
		}
		if err := l.Err(); err != nil {
			return err
		}
	}
	if err := l.unhalt(ctx, &l.haltedOut, "out", l.ep.out); err != nil {
		return err
	}
	data, err := interop.Uint8Array(p[:])
	if err != nil {
		return failure(sending, err)
	}
	if l.write, err = interop.CallAsync(l.device, "transferOut", l.ep.out, data); err != nil {
		return l.failed(ctx, sending, err)
	}
	_, err = l.written(ctx)
	return err
}

// written waits for the write under way.
func (l *Link) written(ctx context.Context) (over bool, err error) {
	result, over, err := l.wait(ctx, sending, l.write)
	if over {
		l.write = nil
	}
	if err != nil {
		return over, err
	}
	o := interop.ReadObject(result, "transferOut")
	if err := status(sending, o, &l.haltedOut); err != nil {
		return over, err
	}
	if n := o.Int("bytesWritten", 1<<16); n != frame.PacketSize {
		return over, errcode.New(errcode.Protocol, "send a packet: cut short")
	}
	return over, nil
}

// Receive waits for the device's next packet. If its context ends first the read stays with the browser, and the next
// Receive continues it.
func (l *Link) Receive(ctx context.Context) (p frame.Packet, err error) {
	if err := l.begin(ctx, receiving); err != nil {
		return p, err
	}
	defer l.finish()
	if l.read == nil {
		if err := l.unhalt(ctx, &l.haltedIn, "in", l.ep.in); err != nil {
			return p, err
		}
		if l.read, err = interop.CallAsync(l.device, "transferIn", l.ep.in, frame.PacketSize); err != nil {
			return p, l.failed(ctx, receiving, err)
		}
	}
	l.expect(true)
	result, over, err := l.wait(ctx, receiving, l.read)
	if over {
		l.read = nil
		l.expect(false)
	}
	if err != nil {
		return p, err
	}
	o := interop.ReadObject(result, "transferIn")
	if err := status(receiving, o, &l.haltedIn); err != nil {
		return p, err
	}
	b, ok := interop.Bytes(o.Value("data"), frame.PacketSize)
	if !ok || len(b) != frame.PacketSize {
		return p, errcode.New(errcode.Protocol, "receive a packet: not 64 bytes")
	}
	return frame.Packet(b), nil
}

func (l *Link) expect(reading bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading = reading
}

// status reads how a transfer went.
func status(at step, result *interop.Object, halted *bool) error {
	switch status := result.String("status"); {
	case result.Err() != nil:
		return errcode.Wrap(errcode.Protocol, string(at), result.Err())
	case status == "ok":
		return nil
	case status == "stall":
		*halted = true
		return errcode.New(errcode.Protocol, string(at)+": stall")
	case status == "babble":
		return errcode.New(errcode.Protocol, string(at)+": babble")
	}
	return errcode.New(errcode.Protocol, string(at)+": an unknown status")
}

// unhalt clears an endpoint that stalled, since until then it only stalls again.
func (l *Link) unhalt(ctx context.Context, halted *bool, direction string, endpoint int) error {
	if !*halted {
		return nil
	}
	if err := l.alter(ctx, clearing, "clearHalt", direction, endpoint); err != nil {
		return err
	}
	*halted = false
	return nil
}

// Reset releases, closes and opens the device. The reads and writes from before are the browser's to end; whatever they
// bring is thrown away. Once begun it is carried through, within a bound, whatever becomes of its context: a device left
// half open would be of no use to anybody. If the device cannot be opened again the link has ended.
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

// giveBack releases the interface and closes the device. Its errors are of no use: what cannot be closed is not open.
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

// settle waits for a change under way, unless the device is unplugged: the browser then rejects what is left.
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

// Abandon is Close for a page that is about to be frozen or put away, where nothing that waits goes on: it tells the device
// to cancel what it is at, gives it and its lock back in the same breath, and leaves the rest to Close, which goes on when
// the page does. What is under way ends with why.
func (l *Link) Abandon(why error) {
	l.end(why)
	l.mu.Lock()
	reading := l.reading
	l.mu.Unlock()
	// Whoever opens the device next cancels too; this way its screen does not ask in vain until then.
	if cancel := frame.Cancel(); reading {
		if data, err := interop.Uint8Array(cancel[:]); err == nil {
			_, _ = interop.CallAsync(l.device, "transferOut", l.ep.out, data)
		}
	}
	_, _ = interop.CallAsync(l.device, "close")
	l.tenure.release()
	go l.Close()
}

// Close ends what is under way with device-disconnected and gives the device back. It may be called more than once and by
// several goroutines; each returns when the device is closed, or after a bound.
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
			// For good, and not while Reset is in the middle of it.
			<-l.one
			l.giveBack(context.Background())
			l.stopEvents()
			l.tenure.release()
			select {
			case <-l.tenure.released():
			case <-time.After(closeWithin):
			}
			l.leave()
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
