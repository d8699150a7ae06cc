package transport

import (
	"context"
	"errors"
	"time"

	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/upperhex"
)

// Timeouts. The vendor publishes none. These are long for a chip that answers within milliseconds, and short for a user who
// waits.
const (
	// AnswerTimeout bounds the wait for an answer, or for the next keep-alive, of a command that needs no user.
	AnswerTimeout = 10 * time.Second
	// SilenceTimeout is how long a device that asks the user may be silent before it counts as waiting. A device that answers
	// at once answers within this time, and a user does not notice it.
	SilenceTimeout = 300 * time.Millisecond
	// drainTimeout bounds the wait for the packet that ends a cancelled operation.
	drainTimeout = 2 * time.Second
	// quiet is how long no packet must arrive before a device in an unknown state counts as idle. A packet that waits in
	// the device arrives within two USB frames (2 ms).
	quiet = 40 * time.Millisecond
	// maxCancels is how many times a busy device is asked to cancel.
	maxCancels = 5
	// maxStale bounds the packets that are dropped while a device is brought to idle: two of the longest messages.
	maxStale = 2 * 130
)

// Channel exchanges APDUs over a Link, one at a time. It is not safe for concurrent use; package device calls it from one
// operation at a time.
type Channel struct {
	// Silence, if not 0, is for commands with which the device asks the user. If no packet arrives for this time,
	// Exchange calls waiting, and answerWithin, which is longer, starts. Real devices may send no keep-alives; that simulated
	// ones do is our choice (core/PROTOCOL.md section 2).
	Silence time.Duration

	link  Link
	dirty bool  // the device's state is unknown: synchronise before the next exchange
	dead  error // device-disconnected, once the device is unplugged
}

// Open brings the device behind a link to idle: it cancels an operation that a closed page may have left, and drops its
// answers. On failure it does not close the link.
func Open(ctx context.Context, link Link) (*Channel, error) {
	c := &Channel{link: link, dirty: true}
	if err := c.recover(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Close closes the link.
func (c *Channel) Close() error { return c.link.Close() }

// Exchange sends one message and returns the device's answer, never the answer of an earlier exchange. answerWithin bounds
// the wait for the answer or the next keep-alive; 0 means [AnswerTimeout]. waiting, if not nil, is called once, when the
// device reports that it waits for the user or has been silent for [Channel.Silence].
//
// If ctx ends, Exchange tells the device to cancel, and the device is idle when Exchange returns. The error is aborted or
// timeout. If the answer comes before the cancellation takes effect, Exchange returns the answer, since the device has done
// what was asked. A device that cannot be brought to idle is reset. If that fails, the next call tries again. Once the
// device is unplugged, every call returns device-disconnected.
func (c *Channel) Exchange(ctx context.Context, msg []byte, answerWithin time.Duration, waiting func()) ([]byte, error) {
	if c.dead != nil {
		return nil, c.dead
	}
	packets, err := frame.Split(msg)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, errcode.FromContext("exchange", err)
	}
	if c.dirty {
		if err := c.recover(ctx); err != nil {
			return nil, err
		}
	}
	if answerWithin == 0 {
		answerWithin = AnswerTimeout
	}
	// From the first packet on, only an answer or a completed cancellation makes the device's state known again.
	c.dirty = true
	for i := range packets {
		if err := c.send(ctx, &packets[i], answerWithin); err != nil {
			return nil, c.fail(ctx, err)
		}
	}
	answer, err := c.answer(ctx, answerWithin, waiting)
	if err == nil {
		c.dirty = false
		return answer, nil
	}
	var refused *deviceError
	switch {
	case isContext(err):
		if answer, done := c.cancel(); done {
			return answer, nil
		}
	case errors.As(err, &refused):
		// An ERROR ends the exchange, and no packet follows it. Only a busy device is still in another operation.
		c.dirty = refused.code == frame.Busy
	}
	return nil, c.fail(ctx, err)
}

// fail brings the device to idle if it can, so that the next exchange starts at once, and returns err.
func (c *Channel) fail(ctx context.Context, err error) error {
	if errors.Is(err, errcode.DeviceDisconnected) {
		c.dead = err
		return err
	}
	if c.dirty {
		// The caller's context may have ended. The clean-up has its own bounds.
		if cleanup := c.recover(context.WithoutCancel(ctx)); cleanup != nil && c.dead != nil {
			if errors.Is(cleanup, errcode.DeviceDisconnected) && errors.Is(err, errcode.Protocol) {
				// A transfer that fails is the first sign of a pulled cable.
				return errcode.Wrap(errcode.DeviceDisconnected, "unplugged during an exchange", err)
			}
			return errors.Join(err, cleanup)
		}
	}
	return err
}

func (c *Channel) send(ctx context.Context, p *frame.Packet, within time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	return c.link.Send(ctx, p)
}

func (c *Channel) receive(ctx context.Context, within time.Duration) (frame.Packet, error) {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	return c.link.Receive(ctx)
}

// answer collects the packets of one answer.
func (c *Channel) answer(ctx context.Context, within time.Duration, waiting func()) ([]byte, error) {
	var a frame.Assembler
	limit := c.Silence
	if limit == 0 {
		limit = within
	}
	for {
		p, err := c.receive(ctx, limit)
		if limit < within && errcode.Of(err) == errcode.Timeout && ctx.Err() == nil {
			limit = within
			if waiting != nil {
				waiting()
				waiting = nil
			}
			continue
		}
		limit = within // the first packet is a keep-alive or the answer
		if err != nil {
			return nil, err
		}
		ev, err := a.Add(p[:])
		if err != nil {
			return nil, errcode.Wrap(errcode.Protocol, "answer", err)
		}
		switch ev.Kind {
		case frame.Message:
			return ev.Data, nil
		case frame.WasKeepAlive:
			if waiting != nil {
				waiting()
				waiting = nil
			}
		case frame.WasError:
			return nil, newDeviceError(ev.Code)
		case frame.WasCancel:
			return nil, errcode.New(errcode.Protocol, "the device sent a CANCEL")
		}
	}
}

// cancel cancels the operation under way. It returns the operation's answer if that was complete before the cancellation took
// effect. If c.dirty is false afterwards, the device is idle.
func (c *Channel) cancel() (answer []byte, ok bool) {
	ctx, stop := context.WithTimeout(context.Background(), drainTimeout)
	defer stop()
	p := frame.Cancel()
	if err := c.link.Send(ctx, &p); err != nil {
		return nil, false
	}
	var a frame.Assembler
	for range maxStale {
		p, err := c.link.Receive(ctx)
		if err != nil {
			return nil, false
		}
		ev, err := a.Add(p[:])
		if err != nil {
			return nil, false
		}
		switch ev.Kind {
		case frame.Message:
			if answer != nil {
				return nil, false
			}
			answer = ev.Data
		case frame.WasError:
			// FE means that the operation was cancelled. 01 after an answer means that it had ended by itself. After 01
			// without an answer the answer may still come, and must not be taken for that of the next exchange.
			c.dirty = ev.Code != frame.Cancelled && (ev.Code != frame.InvalidCommand || answer == nil)
			return answer, answer != nil && !c.dirty
		}
	}
	return nil, false
}

// recover brings the device from an unknown state to idle: it sends CANCEL until the device has nothing to cancel, and waits
// for silence. If that does not help, it resets the link and tries once more.
func (c *Channel) recover(ctx context.Context) error {
	if c.dead != nil {
		return c.dead
	}
	err := c.settle(ctx)
	if err != nil && !errors.Is(err, errcode.DeviceDisconnected) && ctx.Err() == nil {
		if err = c.link.Reset(ctx); err == nil {
			err = c.settle(ctx)
		}
	}
	switch {
	case err == nil:
		c.dirty = false
		return nil
	case ctx.Err() != nil:
		return errcode.FromContext("synchronise", ctx.Err())
	case errors.Is(err, errcode.DeviceDisconnected):
		c.dead = err
	case errcode.Of(err) != errcode.DeviceBusy:
		// c.dirty stays set: the next exchange tries again. The code of the cause stays, since the user can act on it: a
		// silent device is timeout, a revoked permission is permission-denied.
		err = errcode.Wrap(errcode.Of(err), "the device does not become idle", err)
	}
	return err
}

func (c *Channel) settle(ctx context.Context) error {
	for range maxCancels {
		p := frame.Cancel()
		if err := c.send(ctx, &p, drainTimeout); err != nil {
			return err
		}
		code, err := c.skipToError(ctx)
		if err != nil {
			return err
		}
		if code == frame.Busy {
			continue
		}
		return c.silence(ctx)
	}
	return errcode.New(errcode.DeviceBusy, "synchronise")
}

// skipToError drops packets until the device's answer to a CANCEL.
func (c *Channel) skipToError(ctx context.Context) (frame.ErrorCode, error) {
	ctx, stop := context.WithTimeout(ctx, drainTimeout)
	defer stop()
	for range maxStale {
		p, err := c.link.Receive(ctx)
		if err != nil {
			return 0, err
		}
		// Each packet is read without the packets before it, since an ERROR may interrupt a stale message.
		var single frame.Assembler
		if ev, err := single.Add(p[:]); err == nil && ev.Kind == frame.WasError {
			return ev.Code, nil
		}
	}
	return 0, errcode.New(errcode.Protocol, "the device does not stop sending")
}

// silence drops the packets that an earlier host did not read, such as its answers and the answer to its CANCEL, until no
// packet arrives.
func (c *Channel) silence(ctx context.Context) error {
	heldUp := false
	for range maxStale {
		start := time.Now()
		_, err := c.receive(ctx, quiet)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return errcode.FromContext("synchronise", ctx.Err())
		case errcode.Of(err) == errcode.Timeout:
			// A timer that ends late says that the page was held up, and perhaps did not listen. It listens once more; in a hidden
			// tab every timer is late.
			if heldUp || time.Since(start) < 3*quiet/2 {
				return nil
			}
			heldUp = true
		default:
			return err
		}
	}
	return errcode.New(errcode.Protocol, "the device does not stop sending")
}

// deviceError is an ERROR packet.
type deviceError struct {
	err  *errcode.Error
	code frame.ErrorCode
}

func newDeviceError(code frame.ErrorCode) error {
	switch code {
	case frame.Busy:
		return &deviceError{errcode.New(errcode.DeviceBusy, "the device is busy with another operation"), code}
	case frame.Cancelled:
		return &deviceError{errcode.New(errcode.UserRejected, "cancelled on the device"), code}
	}
	return &deviceError{errcode.New(errcode.Protocol, "the device answered ERROR "+upperhex.String(byte(code))), code}
}

func (e *deviceError) Error() string { return e.err.Error() }
func (e *deviceError) Unwrap() error { return e.err }

// Detail implements the interface that [errcode.Detail] looks for.
func (e *deviceError) Detail() string { return e.err.Detail() }

func isContext(err error) bool {
	code := errcode.Of(err)
	return code == errcode.Aborted || code == errcode.Timeout
}
