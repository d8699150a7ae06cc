package usbip

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"imkey-connect/devicesim/usb"
)

// transfer is a pending CMD_SUBMIT.
type transfer struct {
	command
	out    []byte
	read   *usb.Read          // IN
	ctx    context.Context    // OUT
	cancel context.CancelFunc // OUT
}

// session is one imported device on one connection. It has three goroutines: one
// reads commands, one sends OUT data (which a fault may delay), one writes replies.
// mu may be taken with the port's lock held, but not the other way round.
type session struct {
	conn  net.Conn
	port  *usb.Port
	host  *usb.Host
	devid uint32
	outs  chan *transfer // has room for maxPending, so that sending to it never blocks

	mu         sync.Mutex
	changed    sync.Cond // on mu: replies or closed has changed
	pending    map[uint32]*transfer
	pendingOut int // bytes
	replies    [][]byte
	closed     bool
}

func serveTransfers(ctx context.Context, c net.Conn, p *usb.Port, h *usb.Host, devid uint32) error {
	s := &session{conn: c, port: p, host: h, devid: devid,
		outs: make(chan *transfer, maxPending), pending: map[uint32]*transfer{}}
	s.changed.L = &s.mu
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	workers.Go(s.writeReplies)
	workers.Go(s.sendOuts)
	workers.Go(func() { // the device is unplugged, or the server stops
		select {
		case <-h.Detached():
		case <-ctx.Done():
		}
		s.close()
	})
	err := s.readCommands(ctx)
	cancel()
	s.close()
	close(s.outs)
	workers.Wait()
	return err
}

// close ends the connection and the three goroutines.
func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
	s.conn.Close()
}

func (s *session) readCommands(ctx context.Context) error {
	for {
		if !s.mayRead() {
			return nil
		}
		var h [headerSize]byte
		if _, err := io.ReadFull(s.conn, h[:]); err != nil {
			return err
		}
		c, err := parseCommand(&h, s.devid)
		if err != nil {
			return err
		}
		if c.code == cmdUnlink {
			s.unlink(c)
			continue
		}
		t := &transfer{command: c}
		if err := s.begin(t); err != nil {
			return err
		}
		if !c.in {
			t.out = make([]byte, c.length)
			if _, err := io.ReadFull(s.conn, t.out); err != nil {
				return err
			}
		}
		s.start(ctx, t)
	}
}

// mayRead waits while too many replies are queued. It reports false if the session is closed.
func (s *session) mayRead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.replies) >= maxQueuedReplies && !s.closed {
		s.changed.Wait()
	}
	return !s.closed
}

func (s *session) begin(t *transfer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, twice := s.pending[t.seq]; twice {
		return &ProtocolError{"seqnum", t.seq}
	}
	if len(s.pending) >= maxPending {
		return &ProtocolError{"number of pending transfers", uint32(len(s.pending))}
	}
	if !t.in {
		if s.pendingOut+t.length > maxPendingOut {
			return &ProtocolError{"bytes of pending transfers", uint32(s.pendingOut + t.length)}
		}
		s.pendingOut += t.length
	}
	s.pending[t.seq] = t
	return nil
}

func (s *session) start(ctx context.Context, t *transfer) {
	switch {
	case t.endpoint == 0:
		in, err := s.control(ctx, t)
		if t.in {
			in = in[:min(len(in), t.length)]
			s.finish(t, in, len(in), err)
		} else {
			s.finish(t, nil, t.length, err)
		}
	case t.in:
		read, err := s.host.StartIn(t.endpoint, t.length, func(data []byte, err error) {
			s.finish(t, data, len(data), err)
		})
		if err != nil {
			s.finish(t, nil, 0, err)
			return
		}
		t.read = read // only this goroutine uses it
	default:
		t.ctx, t.cancel = context.WithCancel(ctx)
		s.outs <- t
	}
}

func (s *session) control(ctx context.Context, t *transfer) ([]byte, error) {
	const portReset = 4
	switch {
	case t.in != (t.setup[0]&0x80 != 0):
		return nil, usb.ErrStall
	case t.setup == usb.Setup(0x23, 3, portReset, 0, 0):
		return nil, s.host.Reset()
	case t.setup == usb.Setup(accessRequestType, accessRequest, 0, 0, 1):
		var b byte
		a := s.port.Access()
		if a.Denied {
			b |= accessDenied
		}
		if a.Claimed {
			b |= accessClaimed
		}
		return []byte{b}, nil
	}
	return s.host.Control(ctx, t.setup, t.out)
}

func (s *session) sendOuts() {
	for t := range s.outs {
		n, err := s.host.Out(t.ctx, t.endpoint, t.out)
		if err == nil && t.flags&flagZeroPacket != 0 && n > 0 && n%usb.PacketSize == 0 {
			_, err = s.host.Out(t.ctx, t.endpoint, nil)
		}
		t.cancel()
		s.finish(t, nil, n, err)
	}
}

// finish answers a transfer unless it was unlinked. It may run with the port's lock held.
func (s *session) finish(t *transfer, data []byte, actual int, err error) {
	status := transferStatus(err)
	if status == 0 && t.in && actual < t.length && t.flags&flagShortNotOK != 0 {
		status = statusShort
	}
	if status != 0 && t.endpoint == 0 {
		actual, data = 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forget(t) {
		s.reply(submitReply(t.seq, status, actual, data))
	}
}

// forget removes a transfer from the pending ones, and reports whether it was one. mu is held.
func (s *session) forget(t *transfer) bool {
	if s.pending[t.seq] != t {
		return false
	}
	delete(s.pending, t.seq)
	if !t.in {
		s.pendingOut -= t.length
	}
	return true
}

// reply queues one reply. mu is held.
func (s *session) reply(b []byte) {
	s.replies = append(s.replies, b)
	s.changed.Broadcast()
}

func transferStatus(err error) int32 {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, usb.ErrStall):
		return statusStall
	case errors.Is(err, usb.ErrBabble):
		return statusBabble
	case errors.Is(err, usb.ErrEndpoint):
		return statusNoEntry
	case errors.Is(err, usb.ErrUnlinked):
		return statusUnlinked
	}
	return statusShutdown
}

// unlink cancels a transfer. Status -104 means that the transfer gets no other
// answer, status 0 that it has been answered already.
func (s *session) unlink(c command) {
	s.mu.Lock()
	t := s.pending[c.victim]
	s.mu.Unlock()
	if t != nil && t.in && t.read != nil {
		t.read.Cancel() // if it has just ended, finish has removed it from the pending ones
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t == nil || !s.forget(t) {
		s.reply(unlinkReply(c.seq, 0))
		return
	}
	if t.cancel != nil {
		t.cancel()
	}
	s.reply(unlinkReply(c.seq, statusUnlinked))
}

func (s *session) writeReplies() {
	for {
		s.mu.Lock()
		for len(s.replies) == 0 && !s.closed {
			s.changed.Wait()
		}
		if s.closed {
			s.mu.Unlock()
			return
		}
		b := s.replies[0]
		s.replies = s.replies[1:]
		s.changed.Broadcast()
		s.mu.Unlock()
		if _, err := s.conn.Write(b); err != nil { // one write for a reply: a second one would wait for an ACK
			s.close()
			return
		}
	}
}
