package e2e

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
	"imkey-connect/devicesim/usbip"
)

// patience bounds a whole test; no step comes near it. An emulated machine is many times slower.
var patience = 2 * time.Minute

func init() {
	if os.Getenv("IMKEY_BUS") == string(kernel) {
		patience = 20 * time.Minute
	}
}

// sim is a simulated device with its pages, on a free port, and all that went over either.
type sim struct {
	*simtest.Simulator
	t       *testing.T
	ctx     context.Context
	device  *device.Device
	url     string           // http://127.0.0.1:port, or that of another site that may use the device
	instead []preload.Device // if not nil, what is plugged into browsers in the device's place
	foreign *usb.Port        // and its port

	mu       sync.Mutex
	bus      []byte // every packet and control transfer, both ways
	requests []byte // every HTTP request, as it came
	// script, if not empty, is what the page runs besides its own: see startLeaking.
	script string
	asked  byte          // the instruction of the message under way
	done   map[byte]int  // how many messages of an instruction were answered
	wire   []byte        // the direction of every packet so far, o or i
	moved  chan struct{} // closed and replaced when these change
	hidden bool
	// lacking says that the parts of the page that it loads on demand are not to be had.
	lacking bool
	routes  *http.ServeMux

	attached bool // to this machine's kernel
}

// newSim starts it, with more devices beside the first where there are more options: they are in s.Devices.
func newSim(t *testing.T, o device.Options, more ...device.Options) *sim {
	return newSimFor(t, o, patience, more...)
}

// newSimFor is newSim for a test that takes longer.
func newSimFor(t *testing.T, o device.Options, bound time.Duration, more ...device.Options) *sim {
	ctx, stop := context.WithTimeout(t.Context(), bound)
	t.Cleanup(stop)
	s := &sim{t: t, ctx: ctx, routes: http.NewServeMux(), done: map[byte]int{}, moved: make(chan struct{})}
	o.Tap = func(e usb.TapEvent) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bus = append(s.bus, e.Setup[:]...)
		s.bus = append(s.bus, e.Data...)
		s.follow(e)
	}
	s.Simulator = simtest.Config{Patience: patience, Trace: 20000, Wrap: func(simulator http.Handler) http.Handler {
		s.routes.Handle("/", simulator)
		return http.HandlerFunc(s.serve)
	}}.Start(t, append([]device.Options{o}, more...)...)
	s.device, s.url = s.Device.Simulated, s.URL
	return s
}

// follow notes every packet, and counts answered messages by instruction; mu is held.
func (s *sim) follow(e usb.TapEvent) {
	if e.Kind != usb.TapPacket || e.Err != nil {
		return
	}
	s.wire = append(s.wire, e.Dir[0])
	if len(e.Data) >= 9 && frame.Command(e.Data[4]) == frame.MSG {
		if e.Dir == "out" {
			s.asked = e.Data[8]
		} else {
			s.done[s.asked]++
		}
	}
	close(s.moved)
	s.moved = make(chan struct{})
}

// wired is the direction of every packet since the simulator started, each o or i.
func (s *sim) wired() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.wire)
}

// untilWired waits until so many packets went over the wire since the simulator started.
func (s *sim) untilWired(n int) {
	for {
		s.mu.Lock()
		seen, moved := len(s.wire), s.moved
		s.mu.Unlock()
		if seen >= n {
			return
		}
		select {
		case <-moved:
		case <-s.ctx.Done():
			require.Failf(s.t, "the wire is quiet", "%d packets of %d", seen, n)
		}
	}
}

// answered waits until so many messages with this instruction were answered since the simulator started.
func (s *sim) answered(instruction byte, times int) {
	for {
		s.mu.Lock()
		n, moved := s.done[instruction], s.moved
		s.mu.Unlock()
		if n >= times {
			return
		}
		select {
		case <-moved:
		case <-s.ctx.Done():
			require.Failf(s.t, "the host never asked", "instruction %02X: %d times", instruction, n)
		}
	}
}

// times counts the messages with this instruction that were answered so far.
func (s *sim) times(instruction byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done[instruction]
}

// serve records a request and passes it on; with a script, it is added to every page.
func (s *sim) serve(w http.ResponseWriter, r *http.Request) {
	dump, err := httputil.DumpRequest(r, r.Header.Get("Upgrade") == "")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, dump...)
	script, hidden, lacking := s.script, s.hidden, s.lacking
	s.mu.Unlock()
	part := strings.HasPrefix(r.URL.Path, "/assets/part-") || strings.HasPrefix(r.URL.Path, "/assets/rare-")
	if hidden && strings.HasPrefix(r.URL.Path, "/sim/") || lacking && part {
		http.NotFound(w, r)
		return
	}
	if script == "" || r.URL.Path != "/" {
		s.routes.ServeHTTP(w, r)
		return
	}
	r.Header.Del("Accept-Encoding")
	r.Header.Del("If-None-Match")
	page := httptest.NewRecorder()
	s.routes.ServeHTTP(page, r)
	body, _ := io.ReadAll(page.Body)
	body = bytes.Replace(body, []byte("</head>"), []byte(`<script src="/added.js"></script></head>`), 1)
	w.Header().Set("Content-Type", page.Header().Get("Content-Type"))
	w.Header().Set("Content-Security-Policy", page.Header().Get("Content-Security-Policy"))
	w.WriteHeader(page.Code)
	w.Write(body)
}

// plugInstead puts another device where the browser looks for the imKey; call it before a browser is started.
func (s *sim) plugInstead(port *usb.Port) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	s.foreign = port
	s.instead = []preload.Device{{Addr: listener.Addr().String(), BusID: usbip.BusID(1)}}
	ctx, stop := context.WithCancel(context.Background())
	serving := make(chan error, 1)
	go func() { serving <- (&usbip.Server{Ports: []*usb.Port{port}}).Serve(ctx, listener) }()
	s.t.Cleanup(func() {
		stop()
		<-serving
	})
}

// withoutParts has the page find, or not find, what it loads on demand.
func (s *sim) withoutParts(lacking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lacking = lacking
}

// withoutSimulator hides the simulator's API from the pages, which are then as on any other site.
func (s *sim) withoutSimulator() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = true
}

// code waits for the code on the device's screen and reads it there, outside the browser.
func (s *sim) code() string {
	s.t.Helper()
	return s.Device.Code()
}

// is waits until the device's status satisfies ok.
func (s *sim) is(ok func(device.Status) bool) {
	s.t.Helper()
	s.Device.Wait("what the test asks of its status", ok)
}

// wrong returns a well-formed code that is not this one.
func wrong(code string) string {
	if code[7] == '2' {
		return code[:7] + "3"
	}
	return code[:7] + "2"
}

// bindings returns the instructions of the IMK applet that reached the device.
func (s *sim) bindings() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []byte
	for ins, n := range s.done {
		if n > 0 && ins >= 0x71 && ins <= 0x73 {
			all = append(all, ins)
		}
	}
	return all
}

// packets counts the bytes that went over the bus so far.
func (s *sim) packets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bus)
}
