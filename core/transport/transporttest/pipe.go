// Package transporttest has the tests that every transport.Link must pass, and a Link in memory for tests.
package transporttest

import (
	"context"
	"sync"

	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
)

// Peer is the device's end of a link under test.
type Peer interface {
	// Next waits for the next packet that the host sent.
	Next(ctx context.Context) (frame.Packet, error)
	// Reply queues packets for the host. It does not wait until they are read.
	Reply(packets ...frame.Packet)
	// Unplug unplugs the device.
	Unplug()
}

// Pipe is a link in memory. It is both ends of the link: a transport.Link for the host and a [Peer] for the device.
type Pipe struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	toHost  []frame.Packet
	toPeer  []frame.Packet
	gone    bool
	resets  int
}

// NewPipe returns a plugged-in pipe.
func NewPipe() *Pipe { return &Pipe{changed: make(chan struct{})} }

var errGone = errcode.New(errcode.DeviceDisconnected, "unplugged")

// wake wakes all that wait. The caller holds mu.
func (p *Pipe) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Pipe) take(ctx context.Context, queue *[]frame.Packet) (frame.Packet, error) {
	for {
		p.mu.Lock()
		if p.gone {
			p.mu.Unlock()
			return frame.Packet{}, errGone
		}
		if q := *queue; len(q) > 0 {
			*queue = q[1:]
			p.mu.Unlock()
			return q[0], nil
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return frame.Packet{}, errcode.FromContext("receive", ctx.Err())
		}
	}
}

// Send implements transport.Link.
func (p *Pipe) Send(ctx context.Context, packet *frame.Packet) error {
	if err := ctx.Err(); err != nil {
		return errcode.FromContext("send", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return errGone
	}
	p.toPeer = append(p.toPeer, *packet)
	p.wake()
	return nil
}

// Receive implements transport.Link.
func (p *Pipe) Receive(ctx context.Context) (frame.Packet, error) { return p.take(ctx, &p.toHost) }

// Reset implements transport.Link.
func (p *Pipe) Reset(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return errGone
	}
	p.toHost, p.toPeer = nil, nil
	p.resets++
	return nil
}

// Resets returns how many times Reset was called.
func (p *Pipe) Resets() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.resets
}

// Close implements transport.Link.
func (p *Pipe) Close() error { p.Unplug(); return nil }

// Next implements [Peer].
func (p *Pipe) Next(ctx context.Context) (frame.Packet, error) { return p.take(ctx, &p.toPeer) }

// Reply implements [Peer].
func (p *Pipe) Reply(packets ...frame.Packet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toHost = append(p.toHost, packets...)
	p.wake()
}

// Unplug implements [Peer].
func (p *Pipe) Unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.gone = true
		p.wake()
	}
}
