// Package serve runs a whole simulator: devices, their control API and WebSockets, USB/IP, and pages on the same origin. The
// command imkeysim has flags for its options; tests start it in their own process.
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
	Addr    string           // the address for HTTP; the default is 127.0.0.1 and any free port
	USBIP   string           // the address for USB/IP; empty means no USB/IP
	Devices []device.Options // at least one; the defaults are all Applets and the simulator's page as LandingURL
	Faults  []usb.Fault      // armed on every device
	Pages   http.Handler     // serves all paths outside /sim/; may be nil
	Trace   int              // number of events kept for each device; 0 means trace.DefaultSize, or fewer for more than 8 devices
	Wrap    Wrapper          // wraps the handler of all HTTP requests; may be nil

	// Replay are recordings that devices play, for any host, instead of Devices.
	Replay []replay.Script
	// Recording, if not nil, returns where to record the session of device n, from 1 on; see package replay. Close reports
	// write errors and closes the recording.
	Recording func(n int) (io.WriteCloser, error)
}

// Wrapper wraps a handler, to log requests or to add routes.
type Wrapper func(http.Handler) http.Handler

// Simulator is a running simulator.
type Simulator struct {
	devices    []control.Simulated
	wires      []*wire.Server
	http       net.Listener
	usbip      net.Listener // nil without USB/IP
	server     *http.Server
	recordings []recording

	stop    context.CancelFunc
	serving sync.WaitGroup
	failed  chan error
	closing sync.Once
	err     error // the result of Close
}

type recording struct {
	*replay.Recorder
	to io.Closer
}

// Start makes the devices and serves until Close. When it returns, all listeners are open.
func Start(o Options) (*Simulator, error) {
	switch {
	case len(o.Devices) == 0 && len(o.Replay) == 0:
		return nil, errors.New("serve: no devices")
	case len(o.Devices) > 0 && len(o.Replay) > 0:
		return nil, errors.New("serve: Devices and Replay exclude each other")
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
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends the streams at Close
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

// prepare opens the listeners and makes the devices.
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
	for _, options := range o.Devices { // those in the options must not be drawn for another device
		taken[options.Serial], taken[strings.ToLower(options.SEID)] = true, true
	}
	for i, options := range o.Devices {
		if options.Taken == nil {
			options.Taken = func(id string) bool { return taken[id] }
		}
		log := trace.NewLog(o.Trace)
		tracer := trace.NewTracer(log)
		history := &control.History{}
		options.Tap, options.Screen = both(tracer.Tap, options.Tap), both(tracer.Screen, options.Screen)
		options.Shown = both(history.Screen, options.Shown)
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
		history.Screen(device.Display{Showing: status.Showing, Lines: status.Screen})
		if err := s.add(control.Simulated{Device: d, Trace: log, History: history}, o); err != nil {
			return err
		}
	}
	for _, script := range o.Replay {
		log := trace.NewLog(o.Trace)
		tracer := trace.NewTracer(log)
		d := replay.New(script, replay.Options{AnyHost: true, LandingURL: landing, Tap: tracer.Tap, Screen: tracer.Screen})
		if err := s.add(control.Simulated{Device: d, Trace: log, History: &control.History{}}, o); err != nil {
			return err
		}
	}
	return nil
}

// both returns a function that calls first, then second unless that is nil.
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

// traceSize is how many events the log of each device keeps. An event takes about 300 bytes, so they are most of the memory of
// a device. At least the last ten or twenty exchanges are kept.
func traceSize(devices int) int {
	return max(250, trace.DefaultSize*8/max(8, devices))
}

// add adds a device.
func (s *Simulator) add(d control.Simulated, o Options) error {
	s.devices = append(s.devices, d)
	s.wires = append(s.wires, wire.New(d.Device.Port()))
	if o.Recording != nil {
		to, err := o.Recording(len(s.devices))
		if err != nil {
			return err
		}
		recorder := replay.NewRecorder(to, "imKey "+d.Device.Status().Serial+", recorded by imkeysim", d.Device.Status().CA)
		s.recordings = append(s.recordings, recording{recorder, to})
		d.Trace.Tee(recorder.Event)
	}
	if len(o.Faults) > 0 {
		d.History.Faults(time.Now(), o.Faults)
	}
	return d.Device.Port().SetFaults(o.Faults)
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

// URL is the origin of the simulator with an IP address: http://127.0.0.1:PORT.
func (s *Simulator) URL() string {
	return "http://" + dialable(s.http.Addr())
}

// Origin is the origin of the simulator with another host name, such as localhost. To a browser it is another origin.
func (s *Simulator) Origin(host string) string {
	return "http://" + net.JoinHostPort(host, strconv.Itoa(s.port()))
}

func (s *Simulator) port() int { return s.http.Addr().(*net.TCPAddr).Port }

// USBIP is the address of the USB/IP server, or empty. Device n has the bus id 1-n.
func (s *Simulator) USBIP() string {
	if s.usbip == nil {
		return ""
	}
	return dialable(s.usbip.Addr())
}

// dialable returns an address at which programs on this machine reach a listener. A listener on all addresses is reached at
// the loopback address.
func dialable(a net.Addr) string {
	t := a.(*net.TCPAddr)
	host := t.IP.String()
	if t.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(t.Port))
}

// Device returns device n, from 1 on. It must not be one that plays a recording.
func (s *Simulator) Device(n int) *device.Device {
	return s.devices[n-1].Device.(*device.Device)
}

// Status returns the status of device n, from 1 on.
func (s *Simulator) Status(n int) device.Status { return s.devices[n-1].Device.Status() }

// Trace returns the log of device n, from 1 on.
func (s *Simulator) Trace(n int) *trace.Log { return s.devices[n-1].Trace }

// Failed returns a channel that receives the error of a listener that has failed. The caller should close the simulator.
func (s *Simulator) Failed() <-chan error { return s.failed }

// Close stops serving, unplugs the devices, and waits until nothing runs.
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
		// Streams and sockets have ended already. Shutdown waits for the other requests.
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
	for _, r := range s.recordings {
		errs = append(errs, r.Err(), r.to.Close())
	}
	return errors.Join(errs...)
}
