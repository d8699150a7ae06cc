package usb

import "time"

// maxQueued is how many packets a function can queue for a host that does not read.
// A real device would wait; the port drops the rest. The longest message has 129
// packets.
const maxQueued = 4096

// inPacket is a packet on its way to the host.
type inPacket struct {
	data   []byte
	babble bool
	held   *time.Timer // not nil while a fault delays the packet and those behind it
}

// inQueue is one IN endpoint: packets that wait for reads, or reads that wait for packets.
type inQueue struct {
	packets []*inPacket
	reads   []*Read
}

// Read is a pending IN transfer.
type Read struct {
	port     *Port
	endpoint byte
	max      int
	data     []byte
	done     func([]byte, error)
}

// StartIn starts an IN transfer of at most max bytes on an endpoint (its number, with
// or without bit 7), and does not wait for it. Transfers are served in the order in
// which they started. A transfer ends with a short or zero-length packet, or when
// max bytes have arrived. Then done is called once, possibly before StartIn returns,
// with the port's lock held: it must return at once and must not call the Port or
// the Host.
//
// The errors that done gets are ErrStall, ErrBabble (with the data that fits),
// ErrUnplugged, ErrUnlinked (after a bus reset) and ErrClosed. StartIn itself fails
// with ErrEndpoint, ErrUnplugged or ErrClosed, and then does not call done.
func (h *Host) StartIn(endpoint byte, max int, done func([]byte, error)) (*Read, error) {
	endpoint |= 0x80
	p := h.port
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.gone != nil {
		return nil, h.gone
	}
	q := p.queue(endpoint)
	if q == nil || !p.configured || max < 0 {
		return nil, ErrEndpoint
	}
	r := &Read{port: p, endpoint: endpoint, max: max, done: done}
	q.reads = append(q.reads, r)
	p.pump(endpoint)
	return r, nil
}

// Cancel cancels the transfer. If it was pending, done will not be called and partial
// is what has arrived. Otherwise done has been called.
func (r *Read) Cancel() (partial []byte, pending bool) {
	r.port.mu.Lock()
	defer r.port.mu.Unlock()
	q := r.port.queue(r.endpoint)
	for i, other := range q.reads {
		if other == r {
			q.reads = append(q.reads[:i:i], q.reads[i+1:]...)
			return r.data, true
		}
	}
	return nil, false
}

func (p *Port) queue(endpoint byte) *inQueue {
	switch endpoint {
	case EndpointIn:
		return &p.in
	case EndpointHIDIn:
		return &p.hidIn
	}
	return nil
}

// pump gives the queued packets to the pending reads. mu is held.
func (p *Port) pump(endpoint byte) {
	q := p.queue(endpoint)
	if q == nil {
		return
	}
	for len(q.reads) > 0 {
		r := q.reads[0]
		if p.halted[endpoint] {
			p.tap(TapEvent{Kind: TapPacket, Dir: In, Endpoint: endpoint, Err: ErrStall})
			q.reads = q.reads[1:]
			r.done(r.data, ErrStall)
			continue
		}
		if len(q.packets) == 0 || q.packets[0].held != nil {
			return
		}
		pk := q.packets[0]
		q.packets = q.packets[1:]
		finished, err := r.add(pk)
		p.tap(TapEvent{Kind: TapPacket, Dir: In, Endpoint: endpoint, Data: pk.data, Err: err})
		if finished {
			q.reads = q.reads[1:]
			r.done(r.data, err)
		}
	}
}

// add adds one packet, and reports whether the transfer ends with it.
func (r *Read) add(pk *inPacket) (finished bool, err error) {
	room := r.max - len(r.data)
	if pk.babble {
		// A babbling device fills all of the room.
		r.data = append(r.data, pk.data[:min(room, len(pk.data))]...)
		r.data = append(r.data, make([]byte, r.max-len(r.data))...)
		return true, ErrBabble
	}
	if len(pk.data) > room {
		r.data = append(r.data, pk.data[:room]...)
		return true, ErrBabble
	}
	r.data = append(r.data, pk.data...)
	return len(pk.data) < PacketSize || len(r.data) == r.max, nil
}

// reset drops the packets and ends the reads with an error.
func (q *inQueue) reset(err error) {
	for _, pk := range q.packets {
		if pk.held != nil {
			pk.held.Stop()
		}
	}
	reads := q.reads
	*q = inQueue{}
	for _, r := range reads {
		r.done(r.data, err)
	}
}
