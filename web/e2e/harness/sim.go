package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
	"imkey-connect/devicesim/usbip"
	"imkey-connect/web"
)

// WaitForQuestion waits until the device asks its person.
func (s *Sim) WaitForQuestion() {
	s.T.Helper()
	s.WaitForStatus(func(status device.Status) bool { return status.Asking })
}

// WaitUntilIdle waits until it asks no more.
func (s *Sim) WaitUntilIdle() {
	s.T.Helper()
	s.WaitForStatus(func(status device.Status) bool { return !status.Asking })
}

// Timeout bounds a whole test; no step comes near it. An emulated machine is many times slower.
var Timeout = 2 * time.Minute

func init() {
	if os.Getenv("IMKEY_BUS") == string(Kernel) {
		Timeout = 20 * time.Minute
	}
}

// RepoPath is the absolute path of a file of this repository.
func RepoPath(path string) string {
	_, file, _, _ := runtime.Caller(0) // web/e2e/harness/sim.go
	return filepath.Join(filepath.Dir(file), "../../..", filepath.FromSlash(path))
}

// Sim is a simulated device with its pages, on a free port, and all that went over either.
type Sim struct {
	*simtest.Simulator
	T       *testing.T
	Ctx     context.Context
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
	Routes  *http.ServeMux

	attached bool // to this machine's kernel
}

// NewSim starts it, with more devices beside the first where there are more options: they are in s.Devices.
func NewSim(t *testing.T, o device.Options, more ...device.Options) *Sim {
	return NewSimFor(t, o, Timeout, more...)
}

// NewSimFor is newSim for a test that takes longer.
func NewSimFor(t *testing.T, o device.Options, bound time.Duration, more ...device.Options) *Sim {
	ctx, stop := context.WithTimeout(t.Context(), bound)
	t.Cleanup(stop)
	s := &Sim{T: t, Ctx: ctx, Routes: http.NewServeMux(), done: map[byte]int{}, moved: make(chan struct{})}
	tap := o.Tap
	o.Tap = func(e usb.TapEvent) {
		if tap != nil {
			tap(e)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bus = append(s.bus, e.Setup[:]...)
		s.bus = append(s.bus, e.Data...)
		s.follow(e)
	}
	s.Simulator = simtest.Config{Timeout: Timeout, Trace: 20000, Wrap: func(simulator http.Handler) http.Handler {
		s.Routes.Handle("/", simulator)
		return http.HandlerFunc(s.serve)
	}}.Start(t, append([]device.Options{o}, more...)...)
	return s
}

// Handle serves something besides what the simulator serves.
func (s *Sim) Handle(pattern string, handler http.HandlerFunc) { s.Routes.HandleFunc(pattern, handler) }

// ServeHTML serves a page.
func (s *Sim) ServeHTML(path, html string) {
	s.Handle(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, html)
	})
}

// IsBound says whether the device is bound.
func (s *Sim) IsBound() bool { return s.Device.Status().Binding == "bound" }

// AddScript adds a script to the connect page, before its own.
func (s *Sim) AddScript(script string) {
	s.Handle("/added.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, script)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// serve records a request and passes it on; with a script, it is added to every page.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	dump, err := httputil.DumpRequest(r, r.Header.Get("Upgrade") == "")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, dump...)
	script, hidden, lacking := s.script, s.hidden, s.lacking
	s.mu.Unlock()
	if hidden && strings.HasPrefix(r.URL.Path, "/sim/") || lacking && LoadedOnDemand(r.URL.Path) {
		http.NotFound(w, r)
		return
	}
	if script == "" || r.URL.Path != "/" {
		s.Routes.ServeHTTP(w, r)
		return
	}
	r.Header.Del("Accept-Encoding")
	r.Header.Del("If-None-Match")
	page := httptest.NewRecorder()
	s.Routes.ServeHTTP(page, r)
	body, _ := io.ReadAll(page.Body)
	body = bytes.Replace(body, []byte("</head>"), []byte(`<script src="/added.js"></script></head>`), 1)
	w.Header().Set("Content-Type", page.Header().Get("Content-Type"))
	w.Header().Set("Content-Security-Policy", page.Header().Get("Content-Security-Policy"))
	w.WriteHeader(page.Code)
	w.Write(body)
}

// PlugInstead puts another device where the browser looks for the imKey; call it before a browser is started.
func (s *Sim) PlugInstead(port *usb.Port) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.T, err)
	s.foreign = port
	s.instead = []preload.Device{{Addr: listener.Addr().String(), BusID: usbip.BusID(1)}}
	ctx, stop := context.WithCancel(context.Background())
	serving := make(chan error, 1)
	go func() { serving <- (&usbip.Server{Ports: []*usb.Port{port}}).Serve(ctx, listener) }()
	s.T.Cleanup(func() {
		stop()
		<-serving
	})
}

// BlockChunks has the page find, or not find, what it loads on demand.
func (s *Sim) BlockChunks(lacking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lacking = lacking
}

// HideSimulator hides the simulator's API from the pages, which are then as on any other site.
func (s *Sim) HideSimulator() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = true
}

// WaitForStatus waits until the device's status satisfies ok.
func (s *Sim) WaitForStatus(ok func(device.Status) bool) {
	s.T.Helper()
	s.Device.Wait("what the test asks of its status", ok)
}

// LoadedOnDemand says whether the pages load a file of web/dist only once they need it: no first pairing downloads it.
func LoadedOnDemand(path string) bool {
	return strings.HasPrefix(path, "/assets/") && !slices.Contains(firstPairing(), strings.TrimPrefix(path, "/"))
}

// firstPairing lists the files that a first pairing downloads.
var firstPairing = sync.OnceValue(func() []string {
	var manifest struct{ FirstPairing []string }
	data, err := fs.ReadFile(web.Dist, "manifest.json")
	if err == nil {
		err = json.Unmarshal(data, &manifest)
	}
	if err != nil {
		panic(err) // built together with the pages
	}
	return manifest.FirstPairing
})
