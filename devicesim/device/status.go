package device

import (
	"encoding/hex"
	"strings"
	"sync"

	"imkey-connect/devicesim/se"
)

// Status is what can be seen of a device from outside, with what a test wants to know of it.
type Status struct {
	Serial  string `json:"serial"`
	SEID    string `json:"seid"` // upper-case hex
	CA      string `json:"ca"`   // the CA's public key, hex, 65 bytes
	Plugged bool   `json:"plugged"`
	Locked  bool   `json:"locked"` // a PIN is set and was not entered
	Wallet  bool   `json:"wallet"`
	// Binding is none, code-shown (not bound, and the code is on the screen) or bound.
	Binding string `json:"binding"`
	// Screen is four lines of at most 16 characters, or empty without power. While a code is shown one line is the code
	// and nothing else.
	Screen           []string `json:"screen"`
	Showing          Showing  `json:"showing"` // what kind of thing that is
	CodeAttemptsLeft int      `json:"codeAttemptsLeft"`
	PINAttemptsLeft  int      `json:"pinAttemptsLeft"`
	PINSet           bool     `json:"pinSet"`
	Battery          int      `json:"battery"` // percent, or Charging
	Asking           bool     `json:"asking"`  // the screen asks for OK or cancel
	BootLoader       bool     `json:"bootLoader"`
	ConfirmBinding   bool     `json:"confirmBinding"`
	AllowUnbound     bool     `json:"allowUnbound"` // empty binding signatures pass while bound
	Applets          []string `json:"applets"`      // the coins' applets, by name
}

// Showing is a kind of thing that the screen shows.
type Showing string

// What the screen shows.
const (
	ShowsNothing    Showing = "nothing" // no power
	ShowsHome       Showing = "home"
	ShowsMenu       Showing = "menu"
	ShowsPIN        Showing = "pin"       // a PIN is entered, to unlock or a new one
	ShowsWords      Showing = "words"     // a new wallet's, or the questions about them
	ShowsRestoring  Showing = "restoring" // the words of a wallet are entered
	ShowsCode       Showing = "code"
	ShowsQuestion   Showing = "question" // OK or cancel
	ShowsNotice     Showing = "notice"
	ShowsBootLoader Showing = "boot-loader"
	ShowsRecording  Showing = "recording" // what a recording answers; there is no device to be in anybody's hand
)

// Status returns the state of this moment.
func (d *Device) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Status{
		Serial: d.memory.Serial, SEID: strings.ToUpper(hex.EncodeToString(d.memory.SE.SEID[:])), CA: d.memory.CA,
		Plugged: d.powered, Locked: d.locked(), Wallet: d.memory.Mnemonic != "", Binding: "none", Screen: d.lines(),
		CodeAttemptsLeft: se.MaxWrongCodes - d.memory.SE.WrongCodes, PINAttemptsLeft: MaxWrongPINs - d.memory.WrongPINs,
		PINSet: d.memory.PIN != "", Battery: int(d.memory.Battery), Asking: d.asking() != nil,
		Showing: d.showing(), BootLoader: d.bootLoader, ConfirmBinding: d.confirmBinding,
		AllowUnbound: d.allowUnbound, Applets: d.installed(),
	}
	_, code := d.screen.(codeView)
	switch {
	case d.memory.SE.Bound:
		s.Binding = "bound"
	case code && d.asking() == nil:
		s.Binding = "code-shown"
	}
	return s
}

// BoundTo is the public key of the host that the device is bound to, 65 bytes, or nil. No host can ask for it: it is for
// tests that want to know whom they are bound to without asking either side.
func (d *Device) BoundTo() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if key, ok := d.se.AppKey(); ok {
		return key
	}
	return nil
}

// Watch returns a channel that holds a value after Status has changed, several changes made one, and a function that
// ends the watch. Call Status after Watch, then after each value: no change is missed.
func (d *Device) Watch() (<-chan struct{}, func()) { return d.watch.add() }

// changed tells the watchers; caption, if not empty, is what the screen's change is called in a trace. mu is held.
func (d *Device) changed(caption string) {
	d.watch.notify()
	if caption != "" && d.caption != nil {
		d.caption(caption)
	}
}

// watchers is who wants to know of changes.
type watchers struct {
	mu  sync.Mutex
	set map[chan struct{}]struct{}
}

func (w *watchers) add() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.set == nil {
		w.set = map[chan struct{}]struct{}{}
	}
	w.set[c] = struct{}{}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.set, c)
	}
}

func (w *watchers) notify() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.set {
		select {
		case c <- struct{}{}:
		default: // one is waiting there already, and Status is read after it
		}
	}
}
