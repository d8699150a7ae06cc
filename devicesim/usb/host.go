package usb

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// Host is one host's hold of a device. It is safe for concurrent use; transfers on
// different endpoints do not wait for one another.
type Host struct {
	port     *Port
	who      string
	detached chan struct{}
	outTurn  chan struct{} // holds a value while an OUT transfer is under way
	gone     error         // under port.mu: why it is detached; nil while it is not
}

// Detached is closed when the device was unplugged or the host closed.
func (h *Host) Detached() <-chan struct{} { return h.detached }

// Close lets go of the device, for the next host to take. Closing twice is harmless.
func (h *Host) Close() error {
	p := h.port
	p.mu.Lock()
	defer p.calls.run()
	defer p.mu.Unlock()
	if p.host == h {
		p.detachHost(ErrClosed)
	}
	return nil
}

// Reset resets the bus: every transfer under way ends with ErrUnlinked, halts are
// cleared, and the function starts afresh; nothing from before arrives after it.
func (h *Host) Reset() error {
	p := h.port
	p.mu.Lock()
	defer p.calls.run()
	defer p.mu.Unlock()
	if h.gone != nil {
		return h.gone
	}
	p.stopFunction(ErrUnlinked)
	p.plugEvent("reset")
	p.startFunction()
	return nil
}

// ClearHalt lets a stalled endpoint (its address, bit 7 for IN) work again.
// Errors: ErrEndpoint, ErrUnplugged, ErrClosed.
func (h *Host) ClearHalt(endpoint byte) error {
	if !knownEndpoint(endpoint) {
		return ErrEndpoint
	}
	_, err := h.Control(context.Background(), Setup(0x02, reqClearFeature, 0, uint16(endpoint), 0), nil)
	return err
}

// Setup builds a setup packet.
func Setup(requestType, request byte, value, index, length uint16) [8]byte {
	s := [8]byte{requestType, request}
	binary.LittleEndian.PutUint16(s[2:], value)
	binary.LittleEndian.PutUint16(s[4:], index)
	binary.LittleEndian.PutUint16(s[6:], length)
	return s
}

// Control makes one control transfer; out is the data of a host-to-device one. The
// answer is cut to the setup packet's wLength. Errors: ErrStall, ErrUnplugged,
// ErrClosed, ErrUnlinked (with the context's error).
func (h *Host) Control(ctx context.Context, setup [8]byte, out []byte) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, unlinked(ctx)
	}
	p := h.port
	p.mu.Lock()
	defer p.calls.run()
	defer p.mu.Unlock()
	if h.gone != nil {
		return nil, h.gone
	}
	in, err := p.control(setup)
	e := TapEvent{Kind: TapControl, Dir: "out", Setup: setup, Data: bytes.Clone(out), Err: err}
	if setup[0]&0x80 != 0 {
		in = bytes.Clone(in[:min(len(in), int(binary.LittleEndian.Uint16(setup[6:])))])
		e.Dir, e.Data = "in", bytes.Clone(in)
	}
	p.tap(e)
	return in, err
}

// In waits for one IN transfer of at most max bytes (see StartIn, its errors too).
// When ctx ends first it returns ErrUnlinked joined with the context's error, and
// the bytes that had arrived; the packet that comes later is left to the next In.
func (h *Host) In(ctx context.Context, endpoint byte, max int) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, unlinked(ctx)
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	r, err := h.StartIn(endpoint, max, func(data []byte, err error) { done <- result{data, err} })
	if err != nil {
		return nil, err
	}
	select {
	case res := <-done:
		return res.data, res.err
	case <-ctx.Done():
		if partial, pending := r.Cancel(); pending {
			return partial, unlinked(ctx)
		}
		res := <-done
		return res.data, res.err
	}
}

// Out makes one OUT transfer on endpoint (its number), cut into packets of 64
// bytes; no data is one zero-length packet. It returns the bytes that the device
// took. Errors: ErrStall, ErrEndpoint, ErrUnplugged, ErrClosed, ErrUnlinked.
func (h *Host) Out(ctx context.Context, endpoint byte, data []byte) (int, error) {
	if ctx.Err() != nil {
		return 0, unlinked(ctx)
	}
	select { // one transfer at a time, so that a delayed packet also holds what is behind it
	case h.outTurn <- struct{}{}:
		defer func() { <-h.outTurn }()
	case <-ctx.Done():
		return 0, unlinked(ctx)
	}
	sent := 0
	for {
		n := min(len(data)-sent, PacketSize)
		if err := h.outPacket(ctx, endpoint, data[sent:sent+n]); err != nil {
			return sent, err
		}
		if sent += n; sent == len(data) {
			return sent, nil
		}
	}
}

func (h *Host) outPacket(ctx context.Context, endpoint byte, data []byte) error {
	p := h.port
	p.mu.Lock()
	defer p.calls.run()
	defer p.mu.Unlock()
	if err := h.canSend(endpoint); err != nil {
		return err
	}
	e := p.faults.next("out", bytes.Clone(data))
	if e.delay > 0 {
		stopped := p.stopped
		p.mu.Unlock()
		err := h.wait(ctx, e.delay, stopped)
		p.mu.Lock()
		switch {
		case err != nil:
			return err
		case h.gone != nil:
			return h.gone
		case p.stopped != stopped: // nothing from before a reset arrives after it
			return ErrUnlinked
		}
		if err := h.canSend(endpoint); err != nil {
			return err
		}
	}
	if e.stall {
		p.halted[endpoint] = true
		return h.canSend(endpoint)
	}
	p.tap(TapEvent{Kind: TapPacket, Dir: "out", Endpoint: endpoint, Data: bytes.Clone(data)})
	switch {
	case e.unplug:
		p.unplug()
		return ErrUnplugged
	case e.powerCut:
		p.cutPower()
		return ErrUnplugged
	case !e.drop:
		p.calls.add(func() { p.function.Packet(e.data) })
	}
	return nil
}

// canSend says why an OUT packet cannot go out now; mu is held.
func (h *Host) canSend(endpoint byte) error {
	p := h.port
	switch {
	case h.gone != nil:
		return h.gone
	case endpoint != EndpointOut && endpoint != EndpointHIDOut, !p.configured:
		return ErrEndpoint
	case p.halted[endpoint], endpoint == EndpointHIDOut: // nothing is behind the HID interface
		p.tap(TapEvent{Kind: TapPacket, Dir: "out", Endpoint: endpoint, Err: ErrStall})
		return ErrStall
	}
	return nil
}

// wait waits until d is over or stopped closed, whoever looks then finds out which; or until ctx ends, which is its error.
func (h *Host) wait(ctx context.Context, d time.Duration, stopped <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return unlinked(ctx)
	case <-stopped:
		return nil
	}
}

func unlinked(ctx context.Context) error { return fmt.Errorf("%w: %w", ErrUnlinked, ctx.Err()) }
