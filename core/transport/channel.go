package transport

import (
	"context"
	"errors"
	"time"

	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
)

// How long a device may take. None of these is published; they are generous for a chip that answers within
// milliseconds, and short for a person who waits.
const (
	// AnswerTimeout bounds the wait for an answer, or for the next keep-alive, of a command that needs nobody.
	AnswerTimeout = 10 * time.Second
	// Patience is how long a device that asks its person may be silent before it counts as waiting for them: long enough
	// that one which answers at once is not announced, and short beside the time that a person takes to look up.
	Patience = 300 * time.Millisecond
	// drainTimeout bounds the wait for the packet that ends a cancelled operation.
	drainTimeout = 2 * time.Second
	// quiet is how long nothing must arrive before a device found in an unknown state counts as idle. A packet that
	// waits in the device arrives within a USB frame or two.
	quiet = 40 * time.Millisecond
	// maxCancels bounds how often a busy device is asked to cancel.
	maxCancels = 5
	// maxStale bounds the packets thrown away while a device is brought to idle: two of the longest messages.
	maxStale = 2 * 130
)

// Channel exchanges APDUs over a Link, one at a time. It is not safe for concurrent use; package device serialises.
type Channel struct {
	// Silence, if not 0, makes Exchange call waiting also when there is no packet for so long; answerWithin, which is
	// longer, counts from then on. It is for messages with
	// which the device asks its person: that devices send keep-alives then is known of simulated ones alone
	// (core/PROTOCOL.md section 2).
	Silence time.Duration

	link  Link
	dirty bool // the device's state is unknown: synchronise before the next exchange
	dead  error
}

// Open takes a link over and brings the device behind it to idle: whatever a closed page may have left pending is
// cancelled and its answers are thrown away. It closes nothing on failure; the link stays the caller's to close.
func Open(ctx context.Context, link Link) (*Channel, error) {
	c := &Channel{link: link, dirty: true}
	if err := c.recover(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Close closes the link.
func (c *Channel) Close() error { return c.link.Close() }

// Exchange sends one message and returns the device's answer, never that of an earlier exchange. answerWithin bounds
// the wait until the answer or the next keep-alive; 0 means [AnswerTimeout]. waiting, if not nil, is called once when
// the device says that it waits for its person, or is silent for [Channel.Silence].
//
// When ctx ends, the device is told to cancel and is idle again when Exchange returns: with aborted or timeout, or with
// the answer where that was faster than the cancellation, since what the device did is then done. A device that cannot
// be brought to idle is reset; if that fails too, the next call begins by trying again. Once the device is unplugged every
// call returns device-disconnected.
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
	// From the first packet on, only an answer or a completed cancellation leaves the device in a known state.
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
		// An ERROR ends the exchange and nothing follows it; only a busy device is still at something else.
		c.dirty = refused.code == frame.Busy
	}
	return nil, c.fail(ctx, err)
}

// fail leaves the device idle where it can, so that the next exchange starts at once, and returns err.
func (c *Channel) fail(ctx context.Context, err error) error {
	if errors.Is(err, errcode.DeviceDisconnected) {
		c.dead = err
		return err
	}
	if c.dirty {
		// The caller's context may be what ended; the clean-up has bounds of its own.
		if cleanup := c.recover(context.WithoutCancel(ctx)); cleanup != nil && c.dead != nil {
			if errors.Is(cleanup, errcode.DeviceDisconnected) && errors.Is(err, errcode.Protocol) {
				// A transfer that breaks off is the first that is seen of a cable being pulled.
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
		limit = within // the first packet tells of the person, or is the answer
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

// cancel ends the operation under way. It returns the operation's answer if that was complete before the cancellation
// took effect. Either way the device is idle if c.dirty is false afterwards.
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
			// FE: the operation is ended. 01: it had ended by itself, and its answer came before. 01 without an answer is
			// neither: the answer may still come, and must not be taken for that of the next exchange.
			c.dirty = ev.Code != frame.Cancelled && (ev.Code != frame.InvalidCommand || answer == nil)
			return answer, answer != nil && !c.dirty
		}
	}
	return nil, false
}

// recover brings the device from an unknown state to idle: CANCEL until it has nothing to cancel, then silence; a reset
// of the link where that does not help.
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
		// Still dirty: the next exchange tries again. The cause's code stays, since it is what a person can act on: a mute
		// device is a timeout, a revoked permission is permission-denied.
		err = errcode.Wrap(errcode.Of(err), "the device does not come to rest", err)
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

// skipToError throws packets away until the device's answer to a CANCEL.
func (c *Channel) skipToError(ctx context.Context) (frame.ErrorCode, error) {
	ctx, stop := context.WithTimeout(ctx, drainTimeout)
	defer stop()
	for range maxStale {
		p, err := c.link.Receive(ctx)
		if err != nil {
			return 0, err
		}
		// Read on its own, without the packets before it: the message that it interrupts may be a stale one.
		var one frame.Assembler
		if ev, err := one.Add(p[:]); err == nil && ev.Kind == frame.WasError {
			return ev.Code, nil
		}
	}
	return 0, errcode.New(errcode.Protocol, "the device does not stop sending")
}

// silence throws away what another host of this device left unread: its answers, and its own CANCEL's, come first.
func (c *Channel) silence(ctx context.Context) error {
	for range maxStale {
		_, err := c.receive(ctx, quiet)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return errcode.FromContext("synchronise", ctx.Err())
		case errcode.Of(err) == errcode.Timeout:
			return nil
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
		return &deviceError{errcode.New(errcode.DeviceBusy, "the device is at another operation"), code}
	case frame.Cancelled:
		return &deviceError{errcode.New(errcode.UserRejected, "cancelled on the device"), code}
	}
	const hex = "0123456789ABCDEF"
	return &deviceError{errcode.New(errcode.Protocol, "the device answered ERROR "+hex[code>>4:code>>4+1]+hex[code&15:code&15+1]), code}
}

func (e *deviceError) Error() string { return e.err.Error() }
func (e *deviceError) Unwrap() error { return e.err }

// Detail is as errcode has it.
func (e *deviceError) Detail() string { return e.err.Detail() }

func isContext(err error) bool {
	code := errcode.Of(err)
	return code == errcode.Aborted || code == errcode.Timeout
}
