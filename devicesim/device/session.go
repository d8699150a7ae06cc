package device

import (
	"errors"
	"sync"
	"time"

	"imkey-connect/core/frame"
)

const (
	// keepAlivePeriod and keepAliveByte are the simulator's choice. Those of real devices are not public.
	keepAlivePeriod = 500 * time.Millisecond
	keepAliveByte   = 0x02
)

// errGone ends a command without an answer: the host has cancelled it or is gone.
var errGone = errors.New("device: the host has given up")

// session is the message layer. It assembles messages from packets and runs one operation at a time. It answers a packet that
// breaks the rules with the ERROR of core/PROTOCOL.md section 2. It never waits.
type session struct {
	device *Device

	mu       sync.Mutex
	send     func([]byte) // nil without a host
	in       frame.Assembler
	refusing bool // the message that arrives was refused: it began while an operation was running
	op       *operation
	last     chan struct{} // closed when the last operation no longer uses the device
	forget   forget
	closed   bool

	// Packets to send. A send may call the session again, so one goroutine at a time sends without mu.
	outbox  []outgoing
	sending bool
	running sync.WaitGroup
}

type outgoing struct {
	send   func([]byte)
	packet frame.Packet
}

// forget is what the device forgets before the next operation.
type forget int

const (
	forgetNothing  forget = iota
	forgetPrepared        // after a CANCEL
	forgetAll             // after a new host or a bus reset: the selected applet too
)

// operation is one message that is being answered.
type operation struct {
	gone      chan struct{} // closed when the host no longer waits for the answer
	previous  chan struct{} // closed when the operation before it is over
	done      chan struct{} // closed when this operation is over
	forget    forget
	waiting   bool // for the user
	cancelled bool // a CANCEL came while the operation did not wait
}

// Attach notifies the device that a host has configured it. Only the port calls it.
func (d *Device) Attach(send func(packet []byte)) {
	s := &d.session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send = send
	s.in.Reset()
	s.refusing = false
	s.forget = forgetAll
}

// Detach notifies the device that the host is gone or has reset the bus. Only the port calls it.
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

// Packet handles one packet from the host. Only the port calls it.
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
	default: // packets that only devices send
		s.post(frame.Error(frame.InvalidCommand))
	}
}

// cancel handles a CANCEL. An operation that waits for the user ends at once. Any other operation is over soon: it ends when
// it begins to wait, and if it does not wait, the CANCEL is handled as if it came after the answer. So an operation that is
// reported as cancelled has had no effect.
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

// drop gives up the running operation: its answer is not sent.
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

// run answers one message. It waits until the operation before it is over, even one that was given up.
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

// over reports whether the operation was given up.
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

// await waits for the user's decision and sends keep-alives to the host meanwhile. It returns errGone if the host gives up
// first; a later decision has no effect, and neither has a CANCEL after the decision.
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

// flush sends the posted packets in order. Sending to a host that is gone does nothing.
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

// close gives up the running operation, starts no other, and waits until no operation uses the device.
func (s *session) close() {
	s.mu.Lock()
	s.closed = true
	s.drop()
	s.mu.Unlock()
	s.running.Wait()
}
