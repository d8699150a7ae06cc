package usb

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// Host is a host that holds a device. It is safe for concurrent use. Transfers on
// different endpoints do not wait for each other.
type Host struct {
	port     *Port
	who      string
	detached chan struct{}
	outTurn  chan struct{} // holds a value during an OUT transfer
	gone     error         // why the host is detached, or nil; port.mu guards it
}

// Detached returns a channel that is closed when the device is unplugged or the host is closed.
func (h *Host) Detached() <-chan struct{} { return h.detached }

// Close releases the device for the next host. It may be called twice.
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

// Reset resets the bus: every pending transfer ends with ErrUnlinked, halts are
// cleared, and the function restarts. No earlier packet arrives after it.
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

// ClearHalt clears the halt of an endpoint, given by its address.
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

// Control makes one control transfer; out is the data of a host-to-device transfer.
// The answer is cut to the setup packet's wLength. Errors: ErrStall, ErrUnplugged,
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
	e := TapEvent{Kind: TapControl, Dir: Out, Setup: setup, Data: bytes.Clone(out), Err: err}
	if setup[0]&0x80 != 0 {
		in = bytes.Clone(in[:min(len(in), int(binary.LittleEndian.Uint16(setup[6:])))])
		e.Dir, e.Data = In, bytes.Clone(in)
	}
	p.tap(e)
	return in, err
}

// In makes one IN transfer of at most max bytes; see StartIn, also for its errors.
// If ctx ends first, it returns ErrUnlinked joined with the context's error, and the
// bytes that have arrived. The next In gets a packet that comes later.
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

// Out makes one OUT transfer on an endpoint, in packets of 64 bytes. Without data it
// sends one zero-length packet. It returns the number of bytes that the device has
// taken. Errors: ErrStall, ErrEndpoint, ErrUnplugged, ErrClosed, ErrUnlinked.
func (h *Host) Out(ctx context.Context, endpoint byte, data []byte) (int, error) {
	if ctx.Err() != nil {
		return 0, unlinked(ctx)
	}
	select { // one transfer at a time, so that a delayed packet delays those behind it
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
	e := p.faults.next(Out, bytes.Clone(data))
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
		case p.stopped != stopped: // no earlier packet arrives after a reset
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
	p.tap(TapEvent{Kind: TapPacket, Dir: Out, Endpoint: endpoint, Data: bytes.Clone(data)})
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

// canSend returns the error with which an OUT packet would fail now. mu is held.
func (h *Host) canSend(endpoint byte) error {
	p := h.port
	switch {
	case h.gone != nil:
		return h.gone
	case endpoint != EndpointOut && endpoint != EndpointHIDOut, !p.configured:
		return ErrEndpoint
	case p.halted[endpoint], endpoint == EndpointHIDOut: // the HID interface has no function
		p.tap(TapEvent{Kind: TapPacket, Dir: Out, Endpoint: endpoint, Err: ErrStall})
		return ErrStall
	}
	return nil
}

// wait waits until the time is over or stopped is closed, and returns nil; or until ctx ends, and returns its error.
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
