// Package harness has what the tests of web/e2e share: a simulated device with the pages, a Chromium with the device plugged
// in, and the actions of a user on both.
//
// A [Sim] runs the simulator and serves the pages. [Sim.StartBrowser] starts a [Browser], which opens pages, presses buttons, types, and
// waits for what the page shows. A wait ends with an event of the page or of the device and never after a time. A failure ends the
// test and shows the page and the screen of the device. A [Dapp] is a page of a site that uses the SDK; [Node], [StartAnvil] and
// [FakeNode] are the Ethereum nodes that it asks. [Words] gives the texts of the pages.
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

// Timeout limits a test. It is many times what a test needs on a busy machine. It is larger in a full run, which has more cases, and on
// an emulated machine, which is slower.
var Timeout = 2 * time.Minute

func init() {
	switch {
	case os.Getenv("IMKEY_BUS") == string(Kernel):
		Timeout = 20 * time.Minute
	case os.Getenv("IMKEY_FULL") != "":
		Timeout = 10 * time.Minute
	}
}

// RepoPath returns the absolute path of a file, given by its path from the root of the repository.
func RepoPath(path string) string {
	_, file, _, _ := runtime.Caller(0) // web/e2e/harness/sim.go
	return filepath.Join(filepath.Dir(file), "../../..", filepath.FromSlash(path))
}

// Sim is a running simulator that also serves the pages. It records what goes over the bus of its first device and over HTTP.
type Sim struct {
	*simtest.Simulator
	T   *testing.T      // the test, or the subtest that runs now
	Ctx context.Context // ends with the test, or when its time is over

	routes      *http.ServeMux
	replacement []preload.Device // plugged into browsers in place of the devices, if not nil
	foreignPort *usb.Port        // the port of replacement
	attached    bool             // the devices are attached to this machine's kernel

	mu       sync.Mutex
	bus      []byte        // every packet and control transfer, in both directions
	requests []byte        // every HTTP request, as it came
	command  byte          // the instruction of the message that is not answered yet
	answers  map[byte]int  // the number of answered messages, by instruction
	packets  []byte        // the direction of every packet so far, o for out or i for in
	changed  chan struct{} // closed and replaced when answers or packets change
	script   string        // runs in the connect page before its own, if not empty
	hidden   bool          // the simulator's API answers 404
	blocked  bool          // what the pages load on demand answers 404
	report   bool          // every policy asks the browser for reports
	reports  []string      // the reports so far
}

// NewSim starts a simulator with one device for o and one for each of more. It closes with the test. The devices are in
// s.Devices, and the first of them in s.Device.
func NewSim(t *testing.T, o device.Options, more ...device.Options) *Sim {
	return NewSimFor(t, o, Timeout, more...)
}

// NewSimFor is [NewSim] for a test that may take longer than [Timeout].
func NewSimFor(t *testing.T, o device.Options, limit time.Duration, more ...device.Options) *Sim {
	ctx, stop := context.WithTimeout(t.Context(), limit)
	t.Cleanup(stop)
	s := &Sim{T: t, Ctx: ctx, routes: http.NewServeMux(), answers: map[byte]int{}, changed: make(chan struct{})}
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
		s.routes.Handle("/", simulator)
		return http.HandlerFunc(s.serve)
	}}.Start(t, append([]device.Options{o}, more...)...)
	return s
}

// Handle serves a pattern of [http.ServeMux] on the simulator's origin.
func (s *Sim) Handle(pattern string, handler http.HandlerFunc) { s.routes.HandleFunc(pattern, handler) }

// ServeHTML serves a page on the simulator's origin.
func (s *Sim) ServeHTML(path, html string) {
	s.Handle(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, html)
	})
}

// IsBound says whether the first device is bound.
func (s *Sim) IsBound() bool { return s.Device.Status().Binding == "bound" }

// AddScript runs a script in the connect page before the scripts of the page.
func (s *Sim) AddScript(script string) {
	s.Handle("/added.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, script)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// reportPath is where a browser sends its reports of violations.
const reportPath = "/violation"

// CollectReports makes every Content-Security-Policy of the simulator's origin ask the browser to report violations. The policy of a
// worker's file counts for the worker. [Sim.Reports] returns what the browser reported.
func (s *Sim) CollectReports() {
	s.Handle(reportPath, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reports = append(s.reports, string(body))
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report = true
}

// Reports returns the reports of violations so far, as JSON.
func (s *Sim) Reports() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reports)
}

// ForgetReports drops the reports so far.
func (s *Sim) ForgetReports() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = nil
}

// reporting adds the address for reports to a policy.
type reporting struct {
	http.ResponseWriter
	done bool
}

func (w *reporting) WriteHeader(status int) {
	if policy := w.Header().Get("Content-Security-Policy"); policy != "" && !w.done {
		w.Header().Set("Content-Security-Policy", policy+"; report-uri "+reportPath)
	}
	w.done = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *reporting) Write(b []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

func (w *reporting) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serve records a request and answers it, with what AddScript, BlockChunks, HideSimulator and CollectReports change.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	dump, err := httputil.DumpRequest(r, r.Header.Get("Upgrade") == "")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, dump...)
	script, hidden, blocked, report := s.script, s.hidden, s.blocked, s.report
	s.mu.Unlock()
	if report && r.Header.Get("Upgrade") == "" {
		w = &reporting{ResponseWriter: w}
	}
	if hidden && strings.HasPrefix(r.URL.Path, "/sim/") || blocked && LoadedOnDemand(r.URL.Path) {
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

// PlugInstead plugs another device into the browsers that are started from now on, in place of the simulator's devices.
func (s *Sim) PlugInstead(port *usb.Port) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.T, err)
	s.foreignPort = port
	s.replacement = []preload.Device{{Addr: listener.Addr().String(), BusID: usbip.BusID(1)}}
	ctx, stop := context.WithCancel(context.Background())
	serving := make(chan error, 1)
	go func() { serving <- (&usbip.Server{Ports: []*usb.Port{port}}).Serve(ctx, listener) }()
	s.T.Cleanup(func() {
		stop()
		<-serving
	})
}

// BlockChunks makes what the pages load on demand answer 404, or ends that.
func (s *Sim) BlockChunks(blocked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked = blocked
}

// HideSimulator makes the simulator's API answer 404. The pages then behave as on any other site.
func (s *Sim) HideSimulator() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = true
}

// WaitForStatus waits until the status of the first device satisfies ok.
func (s *Sim) WaitForStatus(ok func(device.Status) bool) {
	s.T.Helper()
	s.Device.Wait("the status that the test expects", ok)
}

// WaitForQuestion waits until the first device asks its user to confirm something.
func (s *Sim) WaitForQuestion() {
	s.T.Helper()
	s.WaitForStatus(func(status device.Status) bool { return status.Asking })
}

// WaitUntilIdle waits until the first device asks its user nothing.
func (s *Sim) WaitUntilIdle() {
	s.T.Helper()
	s.WaitForStatus(func(status device.Status) bool { return !status.Asking })
}

// LoadedOnDemand says whether the connect page loads a file of web/dist only when it needs it: a first pairing does not
// download the file.
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
