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
	"imkey-connect/devicesim/se"
	"imkey-connect/devicesim/usb"
)

// Approve says who answers what the screen asks.
type Approve int

const (
	Ask Approve = iota // the person, with the buttons
	Yes                // OK at once
	No                 // cancel at once
)

// Options describe a device. The zero value is a new one that lives in memory.
type Options struct {
	// Serial is 1 to 16 letters and digits, as imKey01191200001; empty draws one.
	Serial string
	// SEID is 32 hex digits; empty draws one.
	SEID string
	// Taken, if not nil, says of serial numbers and of SEIDs (lower case) that are drawn whether another device has them:
	// then others are drawn.
	Taken func(id string) bool
	// PIN, if not empty, is set; the device then starts locked.
	PIN string
	// Mnemonic, if not empty, is restored: 12 or 24 words.
	Mnemonic string
	// Approve answers confirmations; it never closes a screen that shows a code.
	Approve Approve
	// ConfirmBinding makes IDENTITY_VERIFY wait for OK; see also [Device.SetConfirmBinding].
	ConfirmBinding bool
	// AllowUnbound takes empty binding signatures even while the device is bound; see also [Device.AllowUnbound].
	AllowUnbound bool
	// Applets are installed on the device, usually all of the catalogue in devicesim/applets. A device without applets has a
	// card manager only.
	Applets []applet.Applet
	// StateFile keeps the device across restarts. The options above must agree with what it holds.
	StateFile string
	// Rand is the source of all randomness, read by one goroutine at a time; nil means crypto/rand.
	Rand io.Reader
	// CA issues the certificate; nil makes one for this device alone.
	CA *fakeca.CA
	// LandingURL is the WebUSB landing page; empty leaves it out.
	LandingURL string
	// Tap sees everything on the bus, and Screen a caption whenever the screen changes, which holds no secret. Both must
	// return at once and must not call the device.
	Tap    func(usb.TapEvent)
	Screen func(caption string)
}

// Device is a simulated imKey. It is safe for concurrent use.
//
// Locks, in the order in which they are taken: cable, mu, then session.mu or watchers.mu. The port is never called with
// mu or session.mu held, since it may call the device back; Status and the person's methods wait for a command that is
// being executed, but never for one that waits for its person.
type Device struct {
	port    *usb.Port
	session session
	watch   watchers
	caption func(string)

	cable sync.Mutex  // one plug, unplug or power cut at a time
	dying atomic.Bool // the power is going: nothing more is stored, nothing is answered

	mu             sync.Mutex
	power          *sync.Cond // with mu: powered has changed
	file           *stateFile // nil: in memory only
	random         io.Reader
	se             *se.Element
	memory         memory
	approve        Approve
	confirmBinding bool
	allowUnbound   bool
	applets        map[string]applet.Applet // by AID
	removed        map[string]bool          // AIDs of applets

	// What a power cut takes.
	powered    bool
	closed     bool
	unlocked   bool // the PIN was entered
	bootLoader bool
	screen     view
	question   *question // covers the screen
	selected   applet.Instance
	lastApp    []byte // the host key of the last BIND_CHECK since the host attached
}

// New opens the device in StateFile or makes a new one. Errors are *OptionError and *StateError.
func New(o Options) (*Device, error) {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	d := &Device{
		random: o.Rand, approve: o.Approve, confirmBinding: o.ConfirmBinding, allowUnbound: o.AllowUnbound,
		applets: map[string]applet.Applet{}, removed: map[string]bool{}, caption: o.Screen, powered: true,
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

// load fills the memory from the state file or from scratch, and stores what the options add to it.
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

// agree says whether the device of a state file is the one that the options ask for.
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

// update changes the memory; it returns when the change is durable, and changes nothing if that fails. mu is held.
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

// Port is where the device is plugged in.
func (d *Device) Port() *usb.Port { return d.port }

// CA is the public key that verifies the device's certificate: 65 bytes.
func (d *Device) CA() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, _ := hex.DecodeString(d.memory.CA) // checked when read, or written here
	return b
}

// Certificate is the attestation certificate.
func (d *Device) Certificate() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.se.Certificate()
}

// SetConfirmBinding chooses whether IDENTITY_VERIFY waits for OK, from the next one on.
func (d *Device) SetConfirmBinding(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.confirmBinding = on
}

// AllowUnbound chooses whether payloads with an empty binding signature are shown and signed while the device is bound.
// Recorded devices took them while unbound; what they do bound is not public, and refusing is the default.
func (d *Device) AllowUnbound(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.allowUnbound = on
	d.changed("")
}

// Close unplugs the device for good and waits for what it was doing. It may be called twice.
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

// untaken draws until it is what nobody else has.
func untaken[T any](o Options, draw func(io.Reader) (T, error), text func(T) string) (T, error) {
	const enough = 1000 // of that many one is free, unless the randomness is none
	for range enough {
		v, err := draw(o.Rand)
		if err != nil || o.Taken == nil || !o.Taken(text(v)) {
			return v, err
		}
	}
	var none T
	return none, &OptionError{"Rand", errors.New("it keeps drawing what another device has")}
}

func drawSerial(random io.Reader) (string, error) {
	var b [9]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("devicesim: %w", err)
	}
	for i, v := range b {
		b[i] = '0' + v%10
	}
	return "imKey01" + string(b[:]), nil
}

func drawSEID(random io.Reader) (id [se.SEIDSize]byte, err error) {
	copy(id[:], []byte{0x19, 0x06, 0, 0, 0, 0x02, 0, 0x86, 0, 0x01, 0x01})
	if _, err := io.ReadFull(random, id[11:]); err != nil {
		return id, fmt.Errorf("devicesim: %w", err)
	}
	return id, nil
}

func checkSerial(s string) error {
	if len(s) < 1 || len(s) > Columns || !alphanumeric(s) {
		return errors.New("1 to 16 letters and digits are needed")
	}
	return nil
}

// defaultBLEName is imKey and the end of the serial, as names of 1 to 12 characters are.
func defaultBLEName(serial string) string { return "imKey" + serial[max(0, len(serial)-4):] }

func validBLEName(s string) bool { return len(s) >= 1 && len(s) <= 12 && alphanumeric(s) }

func alphanumeric(s string) bool {
	return !bytes.ContainsFunc([]byte(s), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
