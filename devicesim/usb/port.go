package usb

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// Access is what the host's operating system makes of the device. It never shows
// on the wire: a carrier that imitates an operating system (devicesim/preload, the
// WebSocket wire) asks for it when a page opens the device or claims an interface.
type Access struct {
	Denied  bool `json:"denied"`  // no right to open the device node: a missing udev rule
	Claimed bool `json:"claimed"` // another program holds the vendor interface
}

// Port is the socket of one device. It is safe for concurrent use.
//
// Locks: calls.mu may be taken while mu is held, never the other way round. Taps
// and the done functions of reads run under mu; the Function's methods under neither.
type Port struct {
	identity    Identity
	descriptors Descriptors
	function    Function
	tap         func(TapEvent)
	calls       calls

	mu         sync.Mutex
	powerCut   func()
	plugged    bool
	host       *Host // nil: nobody
	configured bool
	session    uint64        // counts the function's attachments; an old send is told by it
	stopped    chan struct{} // closed when the attachment ends, for OUT packets that wait; another one for each
	halted     map[byte]bool
	alternate  [2]byte
	in         inQueue // EndpointIn
	hidIn      inQueue // EndpointHIDIn: the function never sends there
	faults     faults
	access     Access
	watchers   map[chan struct{}]struct{}
}

// NewPort makes the port of a device and plugs it in. tap, which may be nil, is
// told of every packet, control request and plug event in order; it runs under the
// port's lock, so it must return at once and must not call the Port.
func NewPort(id Identity, f Function, tap func(TapEvent)) *Port {
	if tap == nil {
		tap = func(TapEvent) {}
	}
	return &Port{
		identity: id, descriptors: describe(id), function: f, tap: tap, plugged: true,
		halted: map[byte]bool{}, watchers: map[chan struct{}]struct{}{},
	}
}

// Identity is what NewPort was given.
func (p *Port) Identity() Identity { return p.identity }

// Descriptors returns the device's descriptors; the caller must not change them.
func (p *Port) Descriptors() Descriptors { return p.descriptors }

// OnPowerCut sets what the fault "powercut" calls, as a method of the Function
// would be called. Without it the fault unplugs the device.
func (p *Port) OnPowerCut(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.powerCut = f
}

// Attach takes the device for one host, which who names, and configures it.
// Errors: *InUseError (ErrInUse), ErrUnplugged.
func (p *Port) Attach(who string) (*Host, error) {
	p.mu.Lock()
	defer p.calls.run()
	defer p.mu.Unlock()
	switch {
	case !p.plugged:
		return nil, ErrUnplugged
	case p.host != nil:
		return nil, &InUseError{By: p.host.who}
	}
	h := &Host{port: p, who: who, detached: make(chan struct{}), outTurn: make(chan struct{}, 1)}
	p.host = h
	p.plugEvent("attached by " + who)
	p.startFunction()
	return h, nil
}

// Plug puts the cable in. Plugging in twice is harmless.
func (p *Port) Plug() {
	p.mu.Lock()
	defer p.calls.run()
	defer p.mu.Unlock()
	if p.plugged {
		return
	}
	p.plugged = true
	p.powerChanged(true)
	p.plugEvent("plugged")
}

// Unplug pulls the cable: the host's transfers fail with ErrUnplugged and it is detached.
func (p *Port) Unplug() {
	p.mu.Lock()
	defer p.calls.run()
	defer p.mu.Unlock()
	p.unplug()
}

func (p *Port) unplug() {
	if !p.plugged {
		return
	}
	p.plugged = false
	p.detachHost(ErrUnplugged)
	p.powerChanged(false)
	p.plugEvent("unplugged")
}

func (p *Port) powerChanged(plugged bool) {
	if f, ok := p.function.(PowerFunction); ok {
		p.calls.add(func() { f.PowerChanged(plugged) })
	}
}

// Plugged says whether the cable is in.
func (p *Port) Plugged() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plugged
}

// HeldBy names the host that holds the device, "" when nobody does.
func (p *Port) HeldBy() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.host == nil {
		return ""
	}
	return p.host.who
}

// Access returns what SetAccess set last.
func (p *Port) Access() Access {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.access
}

// SetAccess changes what the operating system is to say to the next open and claim.
func (p *Port) SetAccess(a Access) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.access = a
	p.changed()
}

// Watch returns a channel that holds a value after the port's state has changed
// (plugged, attached, detached, access), and a function that ends it.
func (p *Port) Watch() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers[c] = struct{}{}
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, c)
	}
}

func (p *Port) changed() {
	for c := range p.watchers {
		select {
		case c <- struct{}{}:
		default: // it has not read the last one yet; one is enough
		}
	}
}

func (p *Port) plugEvent(text string) {
	p.tap(TapEvent{Kind: TapPlug, Text: text})
	p.changed()
}

// SetFaults replaces the armed faults and starts counting packets at 1. Errors: *FaultError.
func (p *Port) SetFaults(list []Fault) error {
	if err := validateFaults(list); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults.arm(slices.Clone(list))
	return nil
}

// ClearFaults disarms all faults. An endpoint that a fault has halted stays halted.
func (p *Port) ClearFaults() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults.arm(nil)
}

// Faults returns the faults as they were armed.
func (p *Port) Faults() []Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.faults.list)
}

// startFunction configures the device for the host; mu is held, here and below.
func (p *Port) startFunction() {
	p.session++
	session := p.session
	p.configured, p.stopped = true, make(chan struct{})
	p.calls.add(func() {
		p.function.Attach(func(packet []byte) { p.send(session, packet) })
	})
}

// stopFunction undoes startFunction and ends the reads with err.
func (p *Port) stopFunction(err error) {
	if p.configured {
		p.configured = false
		p.session++
		close(p.stopped)
		p.calls.add(p.function.Detach)
	}
	p.alternate = [2]byte{}
	clear(p.halted)
	p.in.reset(err)
	p.hidIn.reset(err)
}

func (p *Port) detachHost(err error) {
	h := p.host
	if h == nil {
		return
	}
	h.gone = err
	close(h.detached)
	p.host = nil
	p.stopFunction(err)
	p.plugEvent("detached")
}

// send queues one IN packet of the function's session, faults applied.
func (p *Port) send(session uint64, packet []byte) {
	p.mu.Lock()
	defer p.calls.run()
	defer p.mu.Unlock()
	if session != p.session || !p.configured || len(p.in.packets) >= maxQueued {
		return
	}
	e := p.faults.next("in", bytes.Clone(packet[:min(len(packet), PacketSize)]))
	switch {
	case e.unplug:
		p.unplug()
		return
	case e.powerCut:
		p.cutPower()
		return
	case e.stall:
		p.halt(EndpointIn)
	}
	if e.drop {
		return
	}
	pk := &inPacket{data: e.data, babble: e.babble}
	if e.delay > 0 {
		pk.held = time.AfterFunc(e.delay, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			pk.held = nil
			p.pump(EndpointIn)
		})
	}
	p.in.packets = append(p.in.packets, pk)
	p.pump(EndpointIn)
}

func (p *Port) cutPower() {
	if p.powerCut == nil {
		p.unplug()
		return
	}
	p.calls.add(p.powerCut)
}

func (p *Port) halt(endpoint byte) {
	p.halted[endpoint] = true
	p.pump(endpoint)
}
