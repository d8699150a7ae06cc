// Package serve puts a whole simulator together: devices, their control API and WebSockets, USB/IP, and whatever pages go
// with them, on one origin. The command imkeysim is a set of flags for it; tests start it in their own process.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/control"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/replay"
	"imkey-connect/devicesim/trace"
	"imkey-connect/devicesim/usb"
	"imkey-connect/devicesim/usbip"
	"imkey-connect/devicesim/wire"
)

// Options describe a simulator.
type Options struct {
	Addr    string           // of HTTP; empty means 127.0.0.1 and any free port
	USBIP   string           // of USB/IP; empty leaves it out
	Devices []device.Options // at least one; LandingURL and Applets are filled in unless set
	Faults  []usb.Fault      // armed on every device
	Pages   http.Handler     // what is not below /sim/; nil for nothing
	Trace   int              // events kept for each device; 0 means trace.DefaultSize, fewer for more than 8 devices
	Wrap    Wrapper          // around all that is served over HTTP; nil for nothing

	// Replay has devices that play these instead of Devices, each for whatever host asks.
	Replay []replay.Script
	// Record, if not nil, is asked for where to record device n, from 1 on; see package replay. Close reports what could not
	// be written, and closes it.
	Record func(n int) (io.WriteCloser, error)
}

// Wrapper puts a handler around another: to record requests, to add routes.
type Wrapper func(http.Handler) http.Handler

// Simulator is a running simulator.
type Simulator struct {
	devices []control.Simulated
	wires   []*wire.Server
	http    net.Listener
	usbip   net.Listener // nil: off
	server  *http.Server
	records []record

	stop    context.CancelFunc
	serving sync.WaitGroup
	failed  chan error
	closing sync.Once
	err     error // of Close
}

type record struct {
	*replay.Recorder
	to io.Closer
}

// Start listens, makes the devices and serves until Close. When it returns all listen.
func Start(o Options) (*Simulator, error) {
	switch {
	case len(o.Devices) == 0 && len(o.Replay) == 0:
		return nil, errors.New("serve: no devices")
	case len(o.Devices) > 0 && len(o.Replay) > 0:
		return nil, errors.New("serve: devices and recordings of devices do not mix")
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Simulator{stop: stop, failed: make(chan error, 2)}
	if err := s.prepare(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.server = &http.Server{
		Handler:           o.Wrap.around(s.routes(o.Pages)),
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends the streams when we stop
	}
	s.serving.Go(func() {
		if err := s.server.Serve(s.http); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	})
	if s.usbip != nil {
		ports := make([]*usb.Port, len(s.devices))
		for i, d := range s.devices {
			ports[i] = d.Device.Port()
		}
		s.serving.Go(func() {
			if err := (&usbip.Server{Ports: ports}).Serve(ctx, s.usbip); err != nil {
				s.failed <- err
			}
		})
	}
	return s, nil
}

// prepare listens and makes the devices.
func (s *Simulator) prepare(o Options) (err error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if s.http, err = net.Listen("tcp", o.Addr); err != nil {
		return err
	}
	if o.USBIP != "" {
		if s.usbip, err = net.Listen("tcp", o.USBIP); err != nil {
			return err
		}
	}
	if o.Trace == 0 {
		o.Trace = traceSize(len(o.Devices) + len(o.Replay))
	}
	landing := fmt.Sprintf("http://localhost:%d/", s.port())
	taken := map[string]bool{}          // serial numbers and SEIDs
	for _, options := range o.Devices { // those that are given are not drawn for an earlier device
		taken[options.Serial], taken[strings.ToLower(options.SEID)] = true, true
	}
	for i, options := range o.Devices {
		if options.Taken == nil {
			options.Taken = func(id string) bool { return taken[id] }
		}
		log := trace.NewLog(o.Trace)
		recorder := trace.NewRecorder(log)
		options.Tap, options.Screen = both(recorder.Tap, options.Tap), both(recorder.Screen, options.Screen)
		if options.LandingURL == "" {
			options.LandingURL = landing
		}
		if options.Applets == nil {
			options.Applets = applets.All()
		}
		d, err := device.New(options)
		if err != nil {
			return fmt.Errorf("device %d: %w", i+1, err)
		}
		status := d.Status()
		taken[status.Serial], taken[strings.ToLower(status.SEID)] = true, true
		if err := s.add(d, log, o); err != nil {
			return err
		}
	}
	for _, script := range o.Replay {
		log := trace.NewLog(o.Trace)
		recorder := trace.NewRecorder(log)
		d := replay.New(script, replay.Options{AnyHost: true, LandingURL: landing, Tap: recorder.Tap, Screen: recorder.Screen})
		if err := s.add(d, log, o); err != nil {
			return err
		}
	}
	return nil
}

// both calls first, then second unless it is nil.
func both[T any](first, second func(T)) func(T) {
	if second == nil {
		return first
	}
	return func(v T) { first(v); second(v) }
}

func (w Wrapper) around(h http.Handler) http.Handler {
	if w == nil {
		return h
	}
	return w(h)
}

// traceSize is how many events each of so many devices keeps. They are most of a device's memory, some 300 bytes each; the
// last ten or twenty exchanges are there for any number of devices.
func traceSize(devices int) int {
	return max(250, trace.DefaultSize*8/max(8, devices))
}

// add takes a device in.
func (s *Simulator) add(d control.Device, log *trace.Log, o Options) error {
	s.devices = append(s.devices, control.Simulated{Device: d, Trace: log})
	s.wires = append(s.wires, wire.New(d.Port()))
	if o.Record != nil {
		to, err := o.Record(len(s.devices))
		if err != nil {
			return err
		}
		recorder := replay.NewRecorder(to, "imKey "+d.Status().Serial+", recorded by imkeysim", d.Status().CA)
		s.records = append(s.records, record{recorder, to})
		log.Tee(recorder.Event)
	}
	return d.Port().SetFaults(o.Faults)
}

func (s *Simulator) routes(pages http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(control.Prefix, control.New(s.devices))
	mux.Handle("GET /sim/webusb.js", wire.Module())
	mux.Handle("GET /sim/webusb.d.ts", wire.Types())
	mux.HandleFunc("GET /sim/usb", func(w http.ResponseWriter, r *http.Request) {
		n := 1
		if text := r.URL.Query().Get("device"); text != "" {
			n, _ = strconv.Atoi(text)
		}
		if n < 1 || n > len(s.wires) {
			http.NotFound(w, r)
			return
		}
		s.wires[n-1].ServeHTTP(w, r)
	})
	mux.Handle("/sim/", http.NotFoundHandler())
	if pages != nil {
		mux.Handle("/", pages)
	}
	return mux
}

// URL is the origin of the simulator, by its number: http://127.0.0.1:PORT.
func (s *Simulator) URL() string {
	return "http://" + dialable(s.http.Addr())
}

// Origin is the same by a name that the person gave, such as localhost: another origin to a browser.
func (s *Simulator) Origin(host string) string {
	return "http://" + net.JoinHostPort(host, strconv.Itoa(s.port()))
}

func (s *Simulator) port() int { return s.http.Addr().(*net.TCPAddr).Port }

// USBIP is the address of the USB/IP server, empty if there is none. Device n has the bus id 1-n.
func (s *Simulator) USBIP() string {
	if s.usbip == nil {
		return ""
	}
	return dialable(s.usbip.Addr())
}

// dialable is an address that somebody on this machine can dial: one that listens everywhere is reached by loopback.
func dialable(a net.Addr) string {
	t := a.(*net.TCPAddr)
	host := t.IP.String()
	if t.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(t.Port))
}

// Device returns device n, from 1 on; it must not be one that plays a recording.
func (s *Simulator) Device(n int) *device.Device {
	return s.devices[n-1].Device.(*device.Device)
}

// Status returns that of device n, from 1 on.
func (s *Simulator) Status(n int) device.Status { return s.devices[n-1].Device.Status() }

// Trace returns the log of device n, from 1 on.
func (s *Simulator) Trace(n int) *trace.Log { return s.devices[n-1].Trace }

// Failed receives when a listener broke: the simulator should be closed.
func (s *Simulator) Failed() <-chan error { return s.failed }

// Close stops serving, unplugs the devices, whose state is on disk where that was asked, and waits until nothing runs.
func (s *Simulator) Close() error {
	s.closing.Do(func() { s.err = s.close() })
	return s.err
}

func (s *Simulator) close() error {
	s.stop()
	var errs []error
	for _, w := range s.wires {
		errs = append(errs, w.Close())
	}
	if s.server != nil {
		// Streams and sockets have ended by now; what remains are requests that are being answered.
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		if err := s.server.Shutdown(ctx); err != nil {
			errs = append(errs, s.server.Close())
		}
		cancel()
	} else {
		for _, l := range []net.Listener{s.http, s.usbip} {
			if l != nil {
				errs = append(errs, l.Close())
			}
		}
	}
	s.serving.Wait()
	for _, d := range s.devices {
		if c, ok := d.Device.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	for _, r := range s.records {
		errs = append(errs, r.Err(), r.to.Close())
	}
	return errors.Join(errs...)
}
