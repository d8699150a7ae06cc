package usb

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"imkey-connect/devicesim/internal/watch"
)

// Access is how the host's operating system answers when a page opens the device or
// claims an interface. The device does not see it. The carriers that imitate an
// operating system (package preload, the WebSocket of package wire) ask for it.
type Access struct {
	Denied  bool `json:"denied"`  // no access rights to open the device, as without a udev rule
	Claimed bool `json:"claimed"` // another program holds the vendor interface
}

// Port is the socket into which one device is plugged. It is safe for concurrent use.
//
// Locks: calls.mu may be taken while mu is held, but not the other way round. Taps
// and the done functions of reads run with mu held, the Function's methods with
// neither.
type Port struct {
	identity    Identity
	descriptors Descriptors
	function    Function
	tap         func(TapEvent)
	calls       calls
	watch       watch.Set

	mu         sync.Mutex
	powerCut   func()
	plugged    bool
	host       *Host // or nil
	configured bool
	session    uint64        // counts the function's attachments, to recognise an old send
	stopped    chan struct{} // closed when the attachment ends, for OUT packets that wait; each attachment has its own
	halted     map[byte]bool
	alternate  [2]byte
	in         inQueue // EndpointIn
	hidIn      inQueue // EndpointHIDIn: the function never sends there
	faults     faults
	access     Access
}

// NewPort makes the port of a device and plugs the device in. tap, which may be nil,
// is called with every event on the bus, in order. It runs with the port's lock
// held, so it must return at once and must not call the Port.
func NewPort(id Identity, f Function, tap func(TapEvent)) *Port {
	if tap == nil {
		tap = func(TapEvent) {}
	}
	return &Port{
		identity: id, descriptors: describe(id), function: f, tap: tap, plugged: true,
		halted: map[byte]bool{},
	}
}

// Identity returns the identity of the device.
func (p *Port) Identity() Identity { return p.identity }

// Descriptors returns the device's descriptors. The caller must not change them.
func (p *Port) Descriptors() Descriptors { return p.descriptors }

// OnPowerCut sets the function that the fault "powercut" calls, in the way in which
// the methods of the Function are called. Without it the fault unplugs the device.
func (p *Port) OnPowerCut(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.powerCut = f
}

// Attach takes the device for one host and configures it. who names the host in
// errors and traces. Errors: *InUseError (ErrInUse), ErrUnplugged.
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

// Plug plugs the cable in. It may be called twice.
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

// Unplug unplugs the cable: the host's transfers fail with ErrUnplugged and the host is detached.
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

// Plugged reports whether the cable is plugged in.
func (p *Port) Plugged() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plugged
}

// HeldBy returns the name of the host that holds the device, or "".
func (p *Port) HeldBy() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.host == nil {
		return ""
	}
	return p.host.who
}

// Access returns what SetAccess has set.
func (p *Port) Access() Access {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.access
}

// SetAccess sets how the operating system answers the next open and claim.
func (p *Port) SetAccess(a Access) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.access = a
	p.watch.Notify()
}

// Watch returns a channel that receives a value after the port's state has changed
// (plugged, attached, detached, access), and a function that ends the watch.
func (p *Port) Watch() (<-chan struct{}, func()) { return p.watch.Add() }

func (p *Port) plugEvent(text string) {
	p.tap(TapEvent{Kind: TapPlug, Text: text})
	p.watch.Notify()
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

// startFunction configures the device for the host. mu is held, here and below.
func (p *Port) startFunction() {
	p.session++
	session := p.session
	p.configured, p.stopped = true, make(chan struct{})
	p.calls.add(func() {
		p.function.Attach(func(packet []byte) { p.send(session, packet) })
	})
}

// stopFunction undoes startFunction and ends the reads with an error.
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

// send applies the faults to one IN packet of a session of the function, and queues it.
func (p *Port) send(session uint64, packet []byte) {
	p.mu.Lock()
	defer p.calls.run()
	defer p.mu.Unlock()
	if session != p.session || !p.configured || len(p.in.packets) >= maxQueued {
		return
	}
	e := p.faults.next(In, bytes.Clone(packet[:min(len(packet), PacketSize)]))
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
