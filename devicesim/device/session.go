package device

import (
	"errors"
	"sync"
	"time"

	"imkey-connect/core/frame"
)

const (
	// keepAlivePeriod and keepAliveByte are the simulator's choice; real ones are not public.
	keepAlivePeriod = 500 * time.Millisecond
	keepAliveByte   = 0x02
)

// errGone ends a command that the host has cancelled, or whose host is gone: without an answer.
var errGone = errors.New("devicesim: the host has given up")

// session is the message layer: it makes messages of packets, runs one operation at a time, answers what breaks the rules
// with the ERROR that core/PROTOCOL.md section 2 names, and never waits.
type session struct {
	device *Device

	mu       sync.Mutex
	send     func([]byte) // nil: no host
	in       frame.Assembler
	refusing bool // the message under way came while the device was busy, and was answered
	op       *operation
	last     chan struct{} // closed when the operation before has left the device alone
	forget   forget
	closed   bool

	// What is to be sent. Sending may lead back here, so it is done without mu, by one goroutine at a time.
	outbox  []outgoing
	sending bool
	running sync.WaitGroup
}

type outgoing struct {
	send   func([]byte)
	packet frame.Packet
}

// forget is what the next operation finds lost.
type forget int

const (
	forgetNothing  forget = iota
	forgetPrepared        // after a CANCEL
	forgetAll             // after the host went or reset the bus: the selection too
)

// operation is one message that is being answered.
type operation struct {
	gone      chan struct{} // closed when nobody waits for the answer any more
	previous  chan struct{} // closed when the operation before is over
	done      chan struct{} // closed when this one is over
	forget    forget
	waiting   bool // for the person
	cancelled bool // a CANCEL came while it was not waiting
}

// Attach is the port's to call: a host has configured the device.
func (d *Device) Attach(send func(packet []byte)) {
	s := &d.session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send = send
	s.in.Reset()
	s.refusing = false
	s.forget = forgetAll
}

// Detach is the port's to call: the host is gone or has reset the bus.
func (d *Device) Detach() {
	s := &d.session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send = nil
	s.in.Reset()
	s.refusing = false
	s.forget = forgetAll
	s.drop()
}

// Packet is the port's to call: one packet came from the host.
func (d *Device) Packet(p []byte) {
	s := &d.session
	s.mu.Lock()
	if s.send != nil {
		s.packet(p)
	}
	s.mu.Unlock()
	s.flush()
}

func (s *session) packet(p []byte) {
	inside := s.in.Pending()
	event, err := s.in.Add(p)
	if err != nil {
		code := frame.Other
		var format *frame.FormatError
		if errors.As(err, &format) {
			code = format.Code
		}
		s.post(frame.Error(code))
		return
	}
	if begins := !inside && (event.Kind == frame.Message || s.in.Pending()); begins {
		s.refusing = s.op != nil
		if s.refusing {
			s.post(frame.Error(frame.Busy))
		}
	}
	switch event.Kind {
	case frame.None:
	case frame.Message:
		if !s.refusing {
			s.start(event.Data)
		}
	case frame.WasCancel:
		s.cancel()
	default: // only devices send these
		s.post(frame.Error(frame.InvalidCommand))
	}
}

// cancel answers a CANCEL. An operation that waits for its person ends at once. One that does not wait will be over in
// moments: the CANCEL counts as come after its answer, or ends it when it begins to wait. So what a host is told to be
// cancelled has never happened.
func (s *session) cancel() {
	s.forget = max(s.forget, forgetPrepared)
	switch {
	case s.op == nil:
		s.post(frame.Error(frame.InvalidCommand))
	case s.op.waiting:
		s.post(frame.Error(frame.Cancelled))
		s.drop()
	case s.op.cancelled:
		s.post(frame.Error(frame.Busy))
	default:
		s.op.cancelled = true
	}
}

// drop leaves the operation alone with itself.
func (s *session) drop() {
	if s.op != nil {
		close(s.op.gone)
		s.op = nil
	}
}

func (s *session) start(message []byte) {
	if s.closed {
		s.post(frame.Error(frame.Other))
		return
	}
	op := &operation{gone: make(chan struct{}), done: make(chan struct{}), previous: s.last, forget: s.forget}
	s.op, s.last, s.forget = op, op.done, forgetNothing
	s.running.Add(1)
	go s.run(op, message)
}

// run answers one message. Operations that were given up are let finish first.
func (s *session) run(op *operation, message []byte) {
	defer s.running.Done()
	defer close(op.done)
	if op.previous != nil {
		<-op.previous
	}
	op.previous = nil
	if answer := s.device.answer(op, message); answer != nil {
		s.finish(op, answer)
	}
}

// over says whether nobody waits for the operation any more.
func (op *operation) over() bool {
	select {
	case <-op.gone:
		return true
	default:
		return false
	}
}

func (s *session) finish(op *operation, answer []byte) {
	s.mu.Lock()
	if s.op == op {
		s.op = nil
		packets, err := frame.Split(answer)
		if err != nil {
			packets = []frame.Packet{frame.Error(frame.Other)}
		}
		for _, p := range packets {
			s.post(p)
		}
		if op.cancelled {
			s.post(frame.Error(frame.InvalidCommand))
		}
	}
	s.mu.Unlock()
	s.flush()
}

// await waits for the person: for what comes out of decided, with keep-alives to the host meanwhile. It is errGone when the
// host gives up first; whatever comes later than that counts for nothing, and so does a CANCEL after the decision.
func (s *session) await(op *operation, decided <-chan error) error {
	s.mu.Lock()
	switch {
	case s.op != op:
		s.mu.Unlock()
		return errGone
	case op.cancelled:
		s.post(frame.Error(frame.Cancelled))
		s.drop()
		s.mu.Unlock()
		s.flush()
		return errGone
	}
	op.waiting = true
	s.mu.Unlock()

	tick := time.NewTicker(keepAlivePeriod)
	defer tick.Stop()
	for {
		select {
		case <-op.gone:
			return errGone
		case <-tick.C:
			s.mu.Lock()
			if s.op == op {
				s.post(frame.KeepAlive(keepAliveByte))
			}
			s.mu.Unlock()
			s.flush()
		case outcome := <-decided:
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.op != op {
				return errGone
			}
			op.waiting = false
			return outcome
		}
	}
}

func (s *session) post(p frame.Packet) { s.outbox = append(s.outbox, outgoing{s.send, p}) }

// flush sends what was posted, in order. A send of a host that is gone does nothing.
func (s *session) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending {
		return
	}
	s.sending = true
	for len(s.outbox) > 0 {
		next := s.outbox[0]
		s.outbox = s.outbox[1:]
		s.mu.Unlock()
		next.send(next.packet[:])
		s.mu.Lock()
	}
	s.outbox = nil
	s.sending = false
}

// close ends the operation under way, starts no other, and waits until the device is left alone.
func (s *session) close() {
	s.mu.Lock()
	s.closed = true
	s.drop()
	s.mu.Unlock()
	s.running.Wait()
}
