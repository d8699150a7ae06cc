// Package device is a simulated imKey as its user and its hosts see it: a secure element with a certificate of its own CA, a
// screen of four lines, four buttons, a PIN, a wallet, and the card manager's commands, all as core/PROTOCOL.md describes
// them. The applets come from outside, in Options.Applets.
//
// A host reaches a [Device] over its [Device.Port], one host at a time, or in the same process over [Device.Link]. The user's
// actions are the other methods. Bad input from a host is answered as a real device answers it, and changes nothing.
//
// session.go turns packets into messages, and applets.go turns messages into commands. cardmanager.go, bootloader.go and the
// applets answer the commands; exchange.go and binding.go are what an applet sees of the device. screen.go and the view_*.go
// files are what the user sees. state.go and statefile.go are what survives a power cut.
package device

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/fakeca"
	"imkey-connect/devicesim/internal/watch"
	"imkey-connect/devicesim/se"
	"imkey-connect/devicesim/usb"
)

// Approve chooses who answers a question on the screen.
type Approve int

const (
	Ask Approve = iota // the user, with the buttons
	Yes                // the device, with OK at once
	No                 // the device, with cancel at once
)

// Options describe a device. The zero value is a new device that exists only in memory.
type Options struct {
	// Serial is the serial number: 1 to 16 letters and digits, as imKey01191200001. An empty one is drawn at random.
	Serial string
	// SEID identifies the secure element: 32 hex digits. An empty one is drawn at random.
	SEID string
	// Taken, if not nil, reports whether another device has a serial number or a SEID (lower case). The device draws again
	// until it finds one that is free.
	Taken func(id string) bool
	// PIN, if not empty, is set, and the device starts locked.
	PIN string
	// Mnemonic, if not empty, is the mnemonic phrase of the wallet to restore: 12 or 24 words.
	Mnemonic string
	// Approve answers questions. It never closes a screen that shows a code.
	Approve Approve
	// ConfirmBinding makes IDENTITY_VERIFY wait for OK. See also [Device.SetConfirmBinding].
	ConfirmBinding bool
	// AllowUnbound accepts empty binding signatures while the device is bound. See also [Device.AllowUnbound].
	AllowUnbound bool
	// Applets are the installed applets, usually the catalogue of devicesim/applets. A device without applets has only its
	// card manager.
	Applets []applet.Applet
	// StateFile is the path of a file that keeps the device across restarts. The options above must agree with the device in
	// an existing file.
	StateFile string
	// Rand is the source of all randomness. One goroutine at a time reads it. nil means crypto/rand.
	Rand io.Reader
	// CA issues the attestation certificate. nil makes a new CA for this device alone.
	CA *fakeca.CA
	// LandingURL is the WebUSB landing page. Without one the device announces none.
	LandingURL string
	// Tap gets every event on the bus. Screen gets a caption for every change of the screen; captions hold no secret. Shown
	// gets what the screen shows after every change, perhaps the same again, with the secrets that it shows. All must return at
	// once and must not call the device.
	Tap    func(usb.TapEvent)
	Screen func(caption string)
	Shown  func(Display)
}

// Device is a simulated imKey. It is safe for concurrent use.
//
// Locks are taken in this order: cable, mu, then session.mu. The port is never called with mu or session.mu
// held, since it may call the device back. Status and the user's methods wait for a command that is being executed, but not
// for a command that waits for the user.
type Device struct {
	port    *usb.Port
	session session
	watch   watch.Set
	caption func(string)
	shown   func(Display)

	cable sync.Mutex  // one plug, unplug or power cut at a time
	dying atomic.Bool // the power fails: the device stores and answers nothing more

	mu             sync.Mutex
	power          *sync.Cond // on mu: powered has changed
	file           *stateFile // nil: in memory only
	random         io.Reader
	se             *se.Element
	memory         memory
	approve        Approve
	confirmBinding bool
	allowUnbound   bool
	applets        map[string]applet.Applet // by AID
	wallet         wallet                   // of memory.Mnemonic
	removed        map[string]bool          // AIDs of applets

	// A power cut clears these.
	powered    bool
	closed     bool
	unlocked   bool // the PIN was entered
	bootLoader bool
	screen     view
	question   *question // covers the screen
	selected   applet.Instance
	lastApp    []byte // the app key of the last BIND_CHECK since the host attached
}

// New opens the device in StateFile or makes a new one. Errors are *OptionError and *StateError.
func New(o Options) (*Device, error) {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	d := &Device{
		random: o.Rand, approve: o.Approve, confirmBinding: o.ConfirmBinding, allowUnbound: o.AllowUnbound,
		applets: map[string]applet.Applet{}, removed: map[string]bool{}, caption: o.Screen, shown: o.Shown, powered: true,
	}
	if err := d.install(o.Applets); err != nil {
		return nil, &OptionError{"Applets", err}
	}
	d.power = sync.NewCond(&d.mu)
	d.session.device = d
	d.se = se.Open(seMemory{d}, o.Rand)
	if err := d.load(o); err != nil {
		return nil, err
	}
	if err := d.boot(); err != nil {
		return nil, err
	}
	d.port = usb.NewPort(usb.Identity{
		Serial: d.memory.Serial, Manufacturer: "imKey", Product: "imKey (simulated)", LandingURL: o.LandingURL,
	}, d, o.Tap)
	d.port.OnPowerCut(d.powerFails)
	return d, nil
}

// load reads the memory from the state file or makes a new one, and stores what the options add to it.
func (d *Device) load(o Options) error {
	mnemonic, err := "", error(nil)
	if o.Mnemonic != "" {
		if mnemonic, err = parseMnemonic(o.Mnemonic); err != nil {
			return &OptionError{"Mnemonic", err}
		}
	}
	if o.PIN != "" {
		if err := checkPIN(o.PIN); err != nil {
			return &OptionError{"PIN", err}
		}
	}
	if o.StateFile != "" {
		d.file = newStateFile(o.StateFile)
		b, err := d.file.read()
		if err != nil {
			return &StateError{Path: o.StateFile, Reason: "cannot be read", Err: err}
		}
		if b != nil {
			if d.memory, err = decodeState(o.StateFile, b); err != nil {
				return err
			}
			if err := o.agree(d.memory); err != nil {
				return err
			}
		}
	}
	next := d.memory
	if next.Serial == "" {
		if next, err = manufacture(o); err != nil {
			return err
		}
	}
	if mnemonic != "" {
		if next.Mnemonic != "" && next.Mnemonic != mnemonic {
			return &OptionError{"Mnemonic", ErrWalletExists}
		}
		next.Mnemonic, next.Activated = mnemonic, true
	}
	if o.PIN != "" {
		next.PIN = o.PIN
	}
	return d.update(func(m *memory) { *m = next })
}

// agree returns an *OptionError if the device of a state file is not the one that the options describe.
func (o Options) agree(m memory) error {
	switch {
	case o.Serial != "" && o.Serial != m.Serial:
		return &OptionError{"Serial", errConflict}
	case o.SEID != "" && !strings.EqualFold(o.SEID, hex.EncodeToString(m.SE.SEID[:])):
		return &OptionError{"SEID", errConflict}
	case o.PIN != "" && m.PIN != "" && o.PIN != m.PIN:
		return &OptionError{"PIN", errConflict}
	case o.CA != nil && hex.EncodeToString(o.CA.PublicKey()) != m.CA:
		return &OptionError{"CA", errConflict}
	}
	return nil
}

// manufacture makes the memory of a new device.
func manufacture(o Options) (m memory, err error) {
	m.Serial = o.Serial
	if m.Serial == "" {
		if m.Serial, err = untaken(o, drawSerial, func(serial string) string { return serial }); err != nil {
			return memory{}, err
		}
	}
	if err := checkSerial(m.Serial); err != nil {
		return memory{}, &OptionError{"Serial", err}
	}
	var seid [se.SEIDSize]byte
	if o.SEID == "" {
		if seid, err = untaken(o, drawSEID, func(id [se.SEIDSize]byte) string { return hex.EncodeToString(id[:]) }); err != nil {
			return memory{}, err
		}
	} else if b, err := hex.DecodeString(o.SEID); err != nil || copy(seid[:], b) != len(b) || len(b) != len(seid) {
		return memory{}, &OptionError{"SEID", errors.New("32 hex digits are needed")}
	}
	ca := o.CA
	if ca == nil {
		if ca, err = fakeca.New(o.Rand); err != nil {
			return memory{}, err
		}
	}
	m.CA = hex.EncodeToString(ca.PublicKey())
	if m.SE, err = se.New(seid, ca, o.Rand); err != nil {
		return memory{}, err
	}
	m.BLEName, m.Battery = defaultBLEName(m.Serial), 100
	return m, nil
}

// update changes the memory. It returns when the change is durable, and changes nothing if it fails. mu is held.
func (d *Device) update(change func(*memory)) error {
	if d.dying.Load() {
		return errPowerLost
	}
	next := d.memory
	change(&next)
	if d.file != nil {
		b, err := encodeState(next)
		if err == nil {
			err = d.file.write(b)
		}
		if err != nil {
			return &StateError{Path: d.file.path, Reason: "cannot be written", Err: err}
		}
	}
	d.memory = next
	if d.dying.Load() {
		return errPowerLost
	}
	return nil
}

// seMemory is the secure element's part of the memory.
type seMemory struct{ d *Device }

func (m seMemory) Load() se.State { return m.d.memory.SE }

func (m seMemory) Store(s se.State) error {
	return m.d.update(func(mem *memory) {
		mem.SE = s
		mem.Activated = mem.Activated || s.Bound
	})
}

// Port is the USB port of the device.
func (d *Device) Port() *usb.Port { return d.port }

// CA is the public key that verifies the attestation certificate: 65 bytes.
func (d *Device) CA() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, _ := hex.DecodeString(d.memory.CA) // checked when it was read, or written here
	return b
}

// Certificate is the attestation certificate.
func (d *Device) Certificate() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.se.Certificate()
}

// SetConfirmBinding sets whether the next IDENTITY_VERIFY, and each one after it, waits for OK.
func (d *Device) SetConfirmBinding(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.confirmBinding = on
}

// AllowUnbound sets whether a bound device shows and signs payloads with an empty binding signature. Recorded devices
// accepted them while unbound. What they do while bound is not public; a simulated device refuses them by default.
func (d *Device) AllowUnbound(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.allowUnbound = on
	d.changed("")
}

// Close unplugs the device for good and waits until no command is executed. It may be called twice.
func (d *Device) Close() error {
	d.cable.Lock()
	defer d.cable.Unlock()
	d.port.Unplug()
	d.mu.Lock()
	d.closed = true
	d.powerOff()
	d.mu.Unlock()
	d.session.close()
	return nil
}

// untaken draws until it has an identifier that no other device has.
func untaken[T any](o Options, draw func(io.Reader) (T, error), text func(T) string) (T, error) {
	const enough = 1000 // one of them is free unless o.Rand repeats itself
	for range enough {
		v, err := draw(o.Rand)
		if err != nil || o.Taken == nil || !o.Taken(text(v)) {
			return v, err
		}
	}
	var none T
	return none, &OptionError{"Rand", errors.New("it repeats the identifiers of other devices")}
}

func drawSerial(random io.Reader) (string, error) {
	var b [9]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("device: %w", err)
	}
	for i, v := range b {
		b[i] = '0' + v%10
	}
	return "imKey01" + string(b[:]), nil
}

func drawSEID(random io.Reader) (id [se.SEIDSize]byte, err error) {
	copy(id[:], []byte{0x19, 0x06, 0, 0, 0, 0x02, 0, 0x86, 0, 0x01, 0x01})
	if _, err := io.ReadFull(random, id[11:]); err != nil {
		return id, fmt.Errorf("device: %w", err)
	}
	return id, nil
}

func checkSerial(s string) error {
	if len(s) < 1 || len(s) > Columns || !alphanumeric(s) {
		return errors.New("1 to 16 letters and digits are needed")
	}
	return nil
}

// defaultBLEName is the Bluetooth name of a new device: imKey and the last four characters of the serial number.
func defaultBLEName(serial string) string { return "imKey" + serial[max(0, len(serial)-4):] }

func validBLEName(s string) bool { return len(s) >= 1 && len(s) <= 12 && alphanumeric(s) }

func alphanumeric(s string) bool {
	return !bytes.ContainsFunc([]byte(s), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
