// Package control is the simulator's control API. With HTTP and JSON a program acts as the user of a simulated imKey. The
// handler [API] is mounted at /sim/v1/.
//
//	GET  device            the device's state, see [State]
//	GET  identity          {"serial","ca","codeAttemptsLeft","cas"}: what a page may read, which must not see the screen.
//	                       "cas" are the CAs of all devices, without duplicates. Pages on other ports of this computer
//	                       can read it too (simulatedCAs of webusb.js does)
//	GET  events            the answers of GET device as server-sent events: one at once and one after every change
//	POST device/press      {"button":"ok|cancel|up|down"}: presses a button; "hold":true holds it down
//	POST device/plug, unplug, powercut, reset, menu, home, lock
//	POST device/pin        {"pin":"123456"}: sets or changes the PIN
//	POST device/unlock     {"pin":"123456"}: enters the PIN; {} on a device without a PIN allows new attempts after too
//	                       many wrong binding codes
//	POST device/battery    {"percent":80}: 0 to 100, or 255 for charging
//	POST device/wallet     {"mnemonic":"…"} restores a wallet, {"words":12|24} creates one
//	POST device/bootloader {"on":true}: switches to the boot loader or back
//	POST device/confirm    {"binding":true}: IDENTITY_VERIFY waits for OK on the device
//	POST device/unbound    {"allow":true}: a bound device signs without a binding signature, which it otherwise answers
//	                       with 6942. An unbound device always signs without one
//	POST device/applet     {"name":"ethereum","installed":false}: removes a coin's applet or installs it again;
//	                       {"name":"bitcoin","version":"1.5.00"}: installs another version of it
//	POST device/access     {"denied":false,"claimed":true}: how the operating system answers the next open and claim
//	                       of webusb.js or of a browser with the device plugged in by package preload
//	GET  faults            the armed faults
//	POST faults            [{"on":"in","packet":3,"do":"stall"},…]: arms faults, in place of earlier ones; see [usb.Fault]
//	DELETE faults          clears the faults
//	GET  trace             the trace, one JSON object a line, see package trace; ?since=N omits the first N events
//	GET  trace/events      the trace as server-sent events, live
//	GET  history           the screens that were shown, with what they showed, and what this API did as the user, one JSON
//	                       object a line, see [Moment]
//	GET  replay            {"played":3,"of":40,"line":12,"error":""}: how far a recording was played (imkeysim -replay).
//	                       "line" is the line of its next command, "error" names the first command that did not match.
//	                       POST device/reset goes back to the first command. 404 for a device without a recording
//
// With several devices, ?device=n chooses the n-th one, from 1 on. A POST answers 200 with the device's state after the
// action. The body of a POST is a JSON object with the fields above and no others, of at most 64 KiB. An action without
// fields takes {} or an empty body.
//
// Errors are {"error":{"code":"…","reason":"…","message":"…"}}; reason is set if the device refused the action. The codes are
// 400 bad-request or invalid (a value that no device accepts), 403 forbidden (a request from another machine or site), 404
// not-found, 405 method-not-allowed, 409 conflict (the device cannot do that now), 413 too-large, 415 media-type and 500
// internal.
//
// There is no token. A request must name a loopback address in Host and must not be cross-site. A request that changes the
// device must also have the content type JSON, and come from a page of the same origin or from no page. So no page of the Web
// can control a simulator, not even by DNS rebinding, but other programs of this machine can.
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

// Device is what the API controls: a *device.Device or a *replay.Device.
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
	Install(name, version string) error
}

// player is a device that plays a recording.
type player interface{ Progress() replay.Progress }

// Simulated is a device, its trace and its history. Without a history, [New] makes one, which has what the API does as the user.
type Simulated struct {
	Device  Device
	Trace   *trace.Log
	History *History
}

// State is the answer of GET device: the status of the device and of its port.
type State struct {
	device.Status
	HeldBy string     `json:"heldBy"` // the host that holds the device, as "WebSocket" or "USB/IP …", or ""
	Access usb.Access `json:"access"`
}

// identity is the answer of GET identity.
type identity struct {
	Serial           string `json:"serial"`
	CA               string `json:"ca"`
	CodeAttemptsLeft int    `json:"codeAttemptsLeft"`
	// CAs are the CAs of all devices. Each device has its own CA unless they were made with a common one.
	CAs []string `json:"cas"`
}

// API is the handler. Its paths start with /sim/v1/.
type API struct {
	devices []Simulated
	mux     *http.ServeMux
	calls   []string // "GET device", …, in order
}

// Prefix is the path at which the API is mounted.
const Prefix = "/sim/v1/"

// New returns the API of devices; device n is devices[n-1].
func New(devices []Simulated) *API {
	devices = slices.Clone(devices)
	for i := range devices {
		if devices[i].History == nil {
			devices[i].History = &History{}
		}
	}
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
	a.get("history", historyLines)
	a.get("replay", func(w http.ResponseWriter, r *http.Request, s Simulated) {
		player, ok := s.Device.(player)
		if !ok {
			fail(w, &problem{http.StatusNotFound, "not-found", "this device plays no recording"})
			return
		}
		answer(w, http.StatusOK, player.Progress())
	})
	for name, action := range actions {
		a.handle(http.MethodPost, "device/"+name, change(name, action))
	}
	a.handle(http.MethodPost, "faults", change("", armFaults))
	a.handle(http.MethodDelete, "faults", change("", clearFaults))
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

// refuse returns why a request is refused, or nil; see the package comment.
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

// choose returns the device that ?device= chooses, or the first one without it.
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

// cas returns the CAs of all devices without duplicates, in the devices' order.
func (a *API) cas() []string {
	all := []string{}
	for _, s := range a.devices {
		if ca := s.Device.Status().CA; !slices.Contains(all, ca) {
			all = append(all, ca)
		}
	}
	return all
}

// unknown answers a request that no other pattern matches: an unknown path, or a known path with another method.
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

// writeWithin is how long a client may block a write to its stream.
const writeWithin = 10 * time.Second
