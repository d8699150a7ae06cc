// Package wire connects pages with a simulated imKey over a WebSocket. A [Server] holds the device's port. webusb.js
// ([Module]) is a hand-written ES module whose simulatedUSB() behaves like a browser's navigator.usb.
//
// Both together are one host of the port, as an operating system is: they hold it from the first open() until the last
// WebSocket closes. The pages share it, and each can claim an interface for itself. webusb.js gives the same answers as
// navigator.usb of Chromium 156, which were recorded with a USB device, misuse included. The server enforces the rules.
//
// # Messages
//
// Each message is text: one JSON object, with bytes in hex. The server sends an event at once and after every change:
//
//	{"event":"plugged","device":{"device":7,"descriptor":"12…","configuration":"09…","strings":["04…",…]}}
//	{"event":"unplugged"}
//
// The page sends requests with the device's number from the event. It gets one reply to each id:
//
//	{"id":1,"device":7,"op":"open"}                                 {"id":1}
//	{"id":2,"device":7,"op":"claim","interface":0}                  {"id":2} or {"id":2,"error":"claim"}
//	{"id":3,"device":7,"op":"in","endpoint":133,"length":64}        {"id":3,"status":"ok","data":"00…"}
//	{"id":4,"device":7,"op":"out","endpoint":4,"data":"00…"}        {"id":4,"status":"ok"}
//	{"id":5,"device":7,"op":"control","setup":"8006000100001200"}   {"id":5,"status":"ok","data":"12…"}
//
// The other operations are close, release (interface), alternate (interface, alternate), halt (endpoint; clears a halt) and
// reset. The statuses are ok, stall and babble. The errors are access, claim, protected, cancelled, disconnected and transfer.
// A malformed request, one with more than 64 KiB of data, or more than 1024 pending transfers end the connection.
package wire

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"imkey-connect/devicesim/loopback"
	"imkey-connect/devicesim/usb"
)

// Server serves one device's port to pages. It is the http.Handler of the WebSocket.
//
// Locks: the port's methods may be called with mu held. What the port calls back does not take mu.
type Server struct {
	port      *usb.Port
	classes   map[uint8]uint8
	endpoints map[uint8]uint8

	mu        sync.Mutex
	closed    bool
	tabs      map[*tab]context.CancelFunc
	claims    map[uint8]*tab // by interface
	attached  *usb.Host      // nil until a page opens the device, and while another host holds it
	number    uint64         // of the device that is plugged in or was plugged in last
	plugged   bool
	stopWatch func() // nil while there are no tabs
	running   sync.WaitGroup
}

// New returns a server for a port.
func New(port *usb.Port) *Server {
	s := &Server{port: port, tabs: make(map[*tab]context.CancelFunc), claims: make(map[uint8]*tab)}
	s.classes, s.endpoints = interfaces(port.Descriptors().Configuration)
	return s
}

// Close ends all connections, releases the port and waits until both are done. It refuses later connections.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, cancel := range s.tabs {
		cancel()
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// ServeHTTP accepts a WebSocket from a page of any loopback origin.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !loopback.Host(r.Host) || !loopback.LocalOrigin(r) {
		http.Error(w, "only pages from this machine may use the simulated device", http.StatusForbidden)
		return
	}
	// The origin was checked above: with a stricter rule for hosts and a wider one for ports.
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = socket.CloseNow() }()
	socket.SetReadLimit(maxRequest)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	t, ok := s.join(cancel)
	if !ok {
		_ = socket.Close(websocket.StatusGoingAway, "the simulator is stopping")
		return
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		defer cancel()
		send(ctx, socket, t.out)
	})
	err = receive(ctx, socket, t)
	s.leave(t)
	if errors.Is(err, errMalformed) {
		_ = socket.Close(websocket.StatusPolicyViolation, "malformed")
	}
	cancel()
	writer.Wait()
	s.running.Done()
}

// receive reads requests until the socket ends or one is malformed.
func receive(ctx context.Context, socket *websocket.Conn, t *tab) error {
	for {
		kind, message, err := socket.Read(ctx)
		if err != nil {
			return err
		}
		if kind != websocket.MessageText {
			return errMalformed
		}
		if err := t.handle(message); err != nil {
			return err
		}
	}
}

// send writes the messages of the outbox until the socket ends or the page stops reading.
func send(ctx context.Context, socket *websocket.Conn, out *outbox) {
	const timeout = 10 * time.Second
	for {
		select {
		case <-ctx.Done():
			return
		case <-out.filled:
		}
		messages, complete := out.take()
		for _, m := range messages {
			text, err := json.Marshal(m)
			if err != nil {
				return
			}
			wctx, cancel := context.WithTimeout(ctx, timeout)
			err = socket.Write(wctx, websocket.MessageText, text)
			cancel()
			if err != nil {
				return
			}
		}
		if !complete {
			return
		}
	}
}

// join adds a tab. The first message to it reports whether the device is plugged in.
func (s *Server) join(cancel context.CancelFunc) (*tab, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	s.running.Add(1)
	t := newTab(s)
	if len(s.tabs) == 0 {
		s.plugged = false
		s.watch()
	}
	s.refresh()
	s.tabs[t] = cancel
	t.out.put(s.state())
	return t, true
}

// leave removes a tab. With the last tab, the server releases the device.
func (s *Server) leave(t *tab) {
	t.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tabs, t)
	if len(s.tabs) > 0 {
		return
	}
	s.stopWatch()
	s.stopWatch = nil
	if s.attached != nil {
		_ = s.attached.Close()
		s.attached = nil
	}
}

// watch follows the port's changes while there are tabs. mu is held.
func (s *Server) watch() {
	changes, unwatch := s.port.Watch()
	stop := make(chan struct{})
	s.stopWatch = func() { unwatch(); close(stop) }
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-changes:
				s.mu.Lock()
				s.refresh()
				s.mu.Unlock()
			}
		}
	}()
}

// refresh reads the state of the port and notifies the tabs of a change. A host that was detached shows that the device was
// unplugged and plugged in again since the last refresh. mu is held.
func (s *Server) refresh() {
	if s.attached != nil {
		select {
		case <-s.attached.Detached():
			s.attached = nil
			s.setPlugged(false)
		default:
		}
	}
	s.setPlugged(s.port.Plugged())
}

func (s *Server) setPlugged(plugged bool) {
	if s.plugged == plugged {
		return
	}
	s.plugged = plugged
	clear(s.claims)
	if plugged {
		s.number++
	}
	for t := range s.tabs {
		t.out.put(s.state())
	}
}

// state returns the event for the current state. mu is held.
func (s *Server) state() event {
	if !s.plugged {
		return event{Event: "unplugged"}
	}
	return event{Event: "plugged", Device: describe(s.number, s.port.Descriptors())}
}

// current reports whether the device with a number is still plugged in.
func (s *Server) current(number uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.plugged && s.number == number
}

// host returns the host of the port. It attaches if the port is free, and returns nil if another host holds it.
func (s *Server) host() *usb.Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attached == nil && s.plugged {
		if h, err := s.port.Attach("WebSocket"); err == nil {
			s.attached = h
		}
	}
	return s.attached
}

func (s *Server) class(iface uint8) (uint8, bool) {
	class, ok := s.classes[iface]
	return class, ok
}

// claim gives an interface to a tab, and reports false if another tab has it. A tab may claim it twice.
func (s *Server) claim(t *tab, iface uint8) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owner := s.claims[iface]; owner != nil && owner != t {
		return false
	}
	s.claims[iface] = t
	return true
}

func (s *Server) claimed(t *tab, iface uint8) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claims[iface] == t
}

func (s *Server) ownsEndpoint(t *tab, endpoint uint8) bool {
	iface, ok := s.endpoints[endpoint]
	return ok && s.claimed(t, iface)
}

func (s *Server) release(t *tab, iface uint8) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims[iface] == t {
		delete(s.claims, iface)
	}
}

func (s *Server) releaseAll(t *tab) {
	for iface := range s.classes {
		s.release(t, iface)
	}
}
