// Package control is the simulator's control API: HTTP and JSON, to be the person in front of a simulated imKey from
// outside. Mount [API] at /sim/v1/.
//
//	GET  device            the device's state, see [State]
//	GET  identity          {"serial","ca","codeAttemptsLeft","cas"} of it: what a page may know that must never see the screen.
//	                       "cas" are the CAs of all devices, each once, for a page that meets several of them.
//	                       Pages of other ports of this computer may read it, too (simulatedCAs of webusb.js does)
//	GET  events            what GET device answers, as server-sent events: one at once, one at every change
//	POST device/press      {"button":"ok|cancel|up|down"}; with "hold":true the button is held down
//	POST device/plug, unplug, powercut, reset, menu, home, lock
//	POST device/pin        {"pin":"123456"}: sets or changes the PIN
//	POST device/unlock     {"pin":"123456"}: enters it; {} on a device without a PIN lets binding codes be tried again
//	POST device/battery    {"percent":80}: 0 to 100, 255 while charging
//	POST device/wallet     {"mnemonic":"…"} restores a wallet, {"words":12|24} creates one
//	POST device/bootloader {"on":true}: switches to the boot loader, or back
//	POST device/confirm    {"binding":true}: IDENTITY_VERIFY waits for OK on the device
//	POST device/unbound    {"allow":true}: signs for hosts that send no binding signature even while the device is bound;
//	                       otherwise they get 6942. One that was never bound signs for them.
//	POST device/applet     {"name":"ethereum","installed":false}: removes a coin's applet, or puts it back
//	POST device/access     {"denied":false,"claimed":true}: what the operating system says to the next open and claim,
//	                       for browsers on the preload route and webusb.js
//	GET  faults            the armed faults
//	POST faults            [{"on":"in","packet":3,"do":"stall"},…] arms them in place of those before; see [usb.Fault]
//	DELETE faults          clears them
//	GET  trace             what was exchanged, one JSON object a line, see package trace; ?since=N leaves out the first N
//	GET  trace/events      the same as server-sent events, live
//	GET  replay            {"played":3,"of":40,"line":12,"error":""}: how far a recording was played (imkeysim -replay); "line" is
//	                       that of its next command, "error" says which command was not the one that it has there.
//	                       POST device/reset goes back to the first. 404 for a device that is none
//
// Where there are several devices ?device=n chooses the n-th, from 1 on. A POST answers 200 with the device's state after
// it, so that nobody needs to ask again. POST bodies are JSON objects of the fields above and no others, at most 64 KiB;
// where none are listed the body is {} or empty.
//
// Errors are {"error":{"code":"…","reason":"…","message":"…"}}, reason where the device itself said no: 400 bad-request or
// invalid (a value that no device takes), 403 forbidden (the request comes from elsewhere), 404 not-found, 405
// method-not-allowed, 409 conflict (the device cannot do that now: the message says why), 413 too-large, 415 media-type,
// 500 internal.
//
// There is no token. A request must name a loopback address in Host and not be cross-site; one that changes something must
// also be declared as JSON and come from no page or from one of the same origin. So no page of the Web drives a simulator,
// not even by DNS rebinding; other programs of this machine do.
package control

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/loopback"
	"imkey-connect/devicesim/replay"
	"imkey-connect/devicesim/trace"
	"imkey-connect/devicesim/usb"
)

// Device is what the API controls: a *device.Device.
type Device interface {
	Port() *usb.Port
	Status() device.Status
	Watch() (<-chan struct{}, func())
	Press(device.Button) error
	Hold(device.Button) error
	Plug() error
	Unplug() error
	PowerCut() error
	Reset() error
	Menu() error
	Home() error
	SetPIN(pin string) error
	Unlock(pin string) error
	Lock() error
	SetBattery(percent int) error
	Restore(mnemonic string) error
	Create(words int) error
	SetBootLoader(on bool) error
	SetConfirmBinding(on bool)
	AllowUnbound(on bool)
	SetInstalled(name string, on bool) error
}

// player is a device that plays a recording.
type player interface{ Progress() replay.Progress }

// Simulated is a device and the log of what it exchanged.
type Simulated struct {
	Device Device
	Trace  *trace.Log
}

// State is what GET device answers: the device's status and its port's.
type State struct {
	device.Status
	HeldBy string     `json:"heldBy"` // who has it: "WebSocket", "USB/IP …", or nobody: ""
	Access usb.Access `json:"access"`
}

// identity is what GET identity answers.
type identity struct {
	Serial           string `json:"serial"`
	CA               string `json:"ca"`
	CodeAttemptsLeft int    `json:"codeAttemptsLeft"`
	// CAs are the CAs of all devices: each has its own, unless they were made with one.
	CAs []string `json:"cas"`
}

// API is the handler. Its paths start with /sim/v1/.
type API struct {
	devices []Simulated
	mux     *http.ServeMux
	calls   []string // "GET device", …, in order
}

// Prefix is where the API is mounted.
const Prefix = "/sim/v1/"

// New returns the API of devices; device n is devices[n-1].
func New(devices []Simulated) *API {
	a := &API{devices: devices, mux: http.NewServeMux()}
	a.get("device", func(w http.ResponseWriter, r *http.Request, s Simulated) { answer(w, http.StatusOK, s.state()) })
	a.get("identity", func(w http.ResponseWriter, r *http.Request, s Simulated) {
		status := s.Device.Status()
		loopback.Share(w.Header(), r)
		answer(w, http.StatusOK, identity{status.Serial, status.CA, status.CodeAttemptsLeft, a.cas()})
	})
	a.get("events", events)
	a.get("faults", func(w http.ResponseWriter, r *http.Request, s Simulated) {
		answer(w, http.StatusOK, append([]usb.Fault{}, s.Device.Port().Faults()...))
	})
	a.get("trace", traceLines)
	a.get("trace/events", traceEvents)
	a.get("replay", func(w http.ResponseWriter, r *http.Request, s Simulated) {
		player, ok := s.Device.(player)
		if !ok {
			fail(w, &problem{http.StatusNotFound, "not-found", "this device plays no recording"})
			return
		}
		answer(w, http.StatusOK, player.Progress())
	})
	for name, action := range actions {
		a.handle(http.MethodPost, "device/"+name, change(action))
	}
	a.handle(http.MethodPost, "faults", change(armFaults))
	a.handle(http.MethodDelete, "faults", change(clearFaults))
	slices.Sort(a.calls)
	a.mux.HandleFunc(Prefix, a.unknown)
	return a
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if refusal := refuse(r); refusal != nil {
		fail(w, refusal)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// refuse keeps out whoever has no business here; see the package comment.
func refuse(r *http.Request) *problem {
	switch {
	case !loopback.Host(r.Host):
		return &problem{http.StatusForbidden, "forbidden", "the Host header must name a loopback address, such as localhost"}
	case r.Header.Get("Sec-Fetch-Site") == "cross-site":
		return &problem{http.StatusForbidden, "forbidden", "pages of other sites cannot use the simulator"}
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return nil
	case !loopback.OwnOrigin(r):
		return &problem{http.StatusForbidden, "forbidden", "pages of other origins cannot change the device"}
	case !isJSON(r.Header.Values("Content-Type")):
		return &problem{http.StatusUnsupportedMediaType, "media-type", "the Content-Type must be application/json"}
	}
	return nil
}

type handler func(w http.ResponseWriter, r *http.Request, s Simulated)

func (a *API) get(path string, h handler) { a.handle(http.MethodGet, path, h) }

func (a *API) handle(method, path string, h handler) {
	a.calls = append(a.calls, method+" "+path)
	a.mux.HandleFunc(method+" "+Prefix+path, func(w http.ResponseWriter, r *http.Request) {
		s, err := a.choose(r)
		if err != nil {
			fail(w, err)
			return
		}
		h(w, r, s)
	})
}

// choose finds the device that ?device= names; without it, the first.
func (a *API) choose(r *http.Request) (Simulated, *problem) {
	values := r.URL.Query()["device"]
	if len(values) == 0 {
		values = []string{"1"}
	}
	n, err := strconv.Atoi(values[0])
	if len(values) > 1 || err != nil || n < 1 || n > len(a.devices) {
		return Simulated{}, &problem{http.StatusNotFound, "not-found", "device must be a number from 1 to " + strconv.Itoa(len(a.devices))}
	}
	return a.devices[n-1], nil
}

// cas are the CAs of all devices, each once, in the devices' order.
func (a *API) cas() []string {
	all := []string{}
	for _, s := range a.devices {
		if ca := s.Device.Status().CA; !slices.Contains(all, ca) {
			all = append(all, ca)
		}
	}
	return all
}

// unknown answers what no other pattern took, a known path with another method included.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); pattern != Prefix {
			allowed = append(allowed, method)
			w.Header().Add("Allow", method)
		}
	}
	if len(allowed) > 0 {
		fail(w, &problem{http.StatusMethodNotAllowed, "method-not-allowed", r.Method + " is not allowed here"})
		return
	}
	fail(w, &problem{http.StatusNotFound, "not-found", "no such call; there are " + strings.Join(a.calls, ", ")})
}

func (s Simulated) state() State {
	port := s.Device.Port()
	return State{Status: s.Device.Status(), HeldBy: port.HeldBy(), Access: port.Access()}
}

func answer(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"cannot be encoded"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// writeWithin bounds how long a reader may keep a stream's writer waiting.
const writeWithin = 10 * time.Second
