package device

import (
	"encoding/hex"
	"strings"

	"imkey-connect/devicesim/se"
)

// Status is the state of a device as the user sees it, and more that tests need.
type Status struct {
	Serial  string `json:"serial"`
	SEID    string `json:"seid"` // upper-case hex
	CA      string `json:"ca"`   // the CA's public key, hex, 65 bytes
	Plugged bool   `json:"plugged"`
	Locked  bool   `json:"locked"` // a PIN is set and has not been entered
	Wallet  bool   `json:"wallet"`
	// Binding is none, code-shown (not bound, and the code is on the screen) or bound.
	Binding string `json:"binding"`
	// Screen is four lines of at most 16 characters. It is empty without power. While the screen shows a code, one line is
	// the code and nothing else.
	Screen           []string `json:"screen"`
	Showing          Showing  `json:"showing"` // what the screen shows
	CodeAttemptsLeft int      `json:"codeAttemptsLeft"`
	PINAttemptsLeft  int      `json:"pinAttemptsLeft"`
	PINSet           bool     `json:"pinSet"`
	Battery          int      `json:"battery"` // percent, or Charging
	Asking           bool     `json:"asking"`  // the screen asks for OK or cancel
	BootLoader       bool     `json:"bootLoader"`
	ConfirmBinding   bool     `json:"confirmBinding"`
	AllowUnbound     bool     `json:"allowUnbound"` // a bound device accepts empty binding signatures
	Applets          []string `json:"applets"`      // the coins' applets, by name
}

// Display is what the screen shows.
type Display struct {
	Showing Showing
	Lines   []string
}

// Showing is the kind of what the screen shows.
type Showing string

// The kinds of what the screen shows.
const (
	ShowsNothing    Showing = "nothing" // no power
	ShowsHome       Showing = "home"
	ShowsMenu       Showing = "menu"
	ShowsPIN        Showing = "pin"       // the entry of a PIN, to unlock or to set it
	ShowsWords      Showing = "words"     // the words of a new wallet, or the questions about them
	ShowsRestoring  Showing = "restoring" // the entry of the words of a wallet
	ShowsCode       Showing = "code"
	ShowsQuestion   Showing = "question" // OK or cancel
	ShowsNotice     Showing = "notice"
	ShowsBootLoader Showing = "boot-loader"
	ShowsRecording  Showing = "recording" // a recording is played, which has no screen
)

// Status returns the current state.
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

// BoundTo returns the app key to which the device is bound, 65 bytes, or nil. No host can read it. It is for tests that
// compare it with the app's own key.
func (d *Device) BoundTo() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if key, ok := d.se.AppKey(); ok {
		return key
	}
	return nil
}

// Watch returns a channel that receives a value after Status has changed, and a function that ends the watch. Several
// changes may give one value. A caller that calls Status after Watch and after each value misses no change.
func (d *Device) Watch() (<-chan struct{}, func()) { return d.watch.Add() }

// changed notifies the watchers of a change. A caption, if not empty, names the change of the screen in a trace. mu is held.
func (d *Device) changed(caption string) {
	d.watch.Notify()
	if caption != "" && d.caption != nil {
		d.caption(caption)
	}
	if d.shown != nil {
		d.shown(Display{d.showing(), d.lines()})
	}
}
