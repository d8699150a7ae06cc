// Package wire gives pages a simulated imKey over a WebSocket: a [Server] on the device's port, and webusb.js
// ([Module]), a hand-written ES module whose simulatedUSB() behaves as a browser's navigator.usb does.
//
// Together they are one host on the port, as an operating system is one: attached from the first open() until the last
// WebSocket closes, shared by the pages, each of which can claim an interface for itself. What navigator.usb answers to
// every misuse was learnt by running Chromium 156 on a USB device; webusb.js repeats it, its server enforces it.
//
// # Messages
//
// Text, one JSON object each, bytes as hex. The server sends an event at once and at every change:
//
//	{"event":"plugged","device":{"device":7,"descriptor":"12…","configuration":"09…","strings":["04…",…]}}
//	{"event":"unplugged"}
//
// The page asks, naming the device that it means, and gets one reply to each id:
//
//	{"id":1,"device":7,"op":"open"}                                 {"id":1}
//	{"id":2,"device":7,"op":"claim","interface":0}                  {"id":2} or {"id":2,"error":"claim"}
//	{"id":3,"device":7,"op":"in","endpoint":133,"length":64}        {"id":3,"status":"ok","data":"00…"}
//	{"id":4,"device":7,"op":"out","endpoint":4,"data":"00…"}        {"id":4,"status":"ok"}
//	{"id":5,"device":7,"op":"control","setup":"8006000100001200"}   {"id":5,"status":"ok","data":"12…"}
//
// Other operations: close, release (interface), alternate (interface, alternate), halt (endpoint: clears
// it), reset. Statuses: ok, stall, babble. Errors: access, claim, protected, cancelled, disconnected, transfer. What is
// malformed, too long (a transfer holds 64 KiB) or too much (1024 transfers pending) ends the connection.
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

// Server serves one device's port to pages. It is an http.Handler for the WebSocket's address.
//
// Locks: mu may be held while the port's methods are called; what the port calls back takes neither mu.
type Server struct {
	port      *usb.Port
	classes   map[uint8]uint8
	endpoints map[uint8]uint8

	mu        sync.Mutex
	closed    bool
	tabs      map[*tab]context.CancelFunc
	claims    map[uint8]*tab // by interface
	attached  *usb.Host      // nil: nobody has opened the device yet, or another host holds it
	number    uint64         // of the device that is plugged in, or was last
	plugged   bool
	stopWatch func() // nil while there are no tabs
	running   sync.WaitGroup
}

// New returns a server for port.
func New(port *usb.Port) *Server {
	s := &Server{port: port, tabs: make(map[*tab]context.CancelFunc), claims: make(map[uint8]*tab)}
	s.classes, s.endpoints = interfaces(port.Descriptors().Configuration)
	return s
}

// Close ends all connections, lets go of the port and waits until it is done. Later connections are refused.
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

// ServeHTTP accepts a WebSocket from a page that was served from a loopback address, by this server or another.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !loopback.Host(r.Host) || !loopback.LocalOrigin(r) {
		http.Error(w, "only pages from this machine may use the simulated device", http.StatusForbidden)
		return
	}
	// The origin was checked above, by a stricter rule about hosts and a wider one about ports.
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

// send writes what the outbox holds until the socket ends or the page has stopped reading.
func send(ctx context.Context, socket *websocket.Conn, out *outbox) {
	const patience = 10 * time.Second
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
			wctx, cancel := context.WithTimeout(ctx, patience)
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

// join makes a tab, whose first message tells whether the device is plugged in.
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

// leave ends a tab; the last one lets go of the device.
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

// watch follows the cable while there are tabs; mu is held.
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

// refresh brings the server's view up to date and tells the tabs; mu is held. A device that was pulled out and put
// back before anybody looked is known by its host, who lost it.
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

// state is the event for how things are; mu is held.
func (s *Server) state() event {
	if !s.plugged {
		return event{Event: "unplugged"}
	}
	return event{Event: "plugged", Device: describe(s.number, s.port.Descriptors())}
}

// current says whether the device of that number is still plugged in.
func (s *Server) current(number uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.plugged && s.number == number
}

// host returns the hold on the port, taking it if it is free; nil if it is not.
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

// claim gives the interface to t unless another tab has it. Claiming twice is harmless.
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
