//go:build js && wasm

package webusb

import (
	"context"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
)

// Send sends one packet to the device. If its context ends first, the browser may still send the packet. The next Send waits for
// that, so that packets stay in order.
func (l *Link) Send(ctx context.Context, p *frame.Packet) error {
	if err := l.begin(ctx, sending); err != nil {
		return err
	}
	defer l.finish()
	if l.write != nil {
		// The result of the earlier packet does not matter here.
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
	l.expect(true) // also until the answer is asked for
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

// Receive waits for the device's next packet. If its context ends first, the browser keeps the read, and the next Receive
// continues it.
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

func (l *Link) expect(busy bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = busy
}

// status returns an error unless the status of a transfer is ok.
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
	return errcode.New(errcode.Protocol, string(at)+": unknown status")
}

// unhalt clears an endpoint that stalled. Otherwise every transfer would stall.
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
