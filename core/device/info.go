package device

import (
	"context"
	"encoding/hex"
	"errors"

	"imkey-connect/core/apdu"
	"imkey-connect/core/errcode"
	"imkey-connect/core/upperhex"
)

// Info is what a device reports about itself: core/PROTOCOL.md section 3. SEID and Serial are always set. A field that the firmware
// does not answer is empty, and so is one that was not asked for: see [OpenKnown].
type Info struct {
	// SEID is the secure element's id, 16 bytes as upper-case hex.
	SEID string
	// Serial is the serial number, ASCII, such as imKey01191200001.
	Serial string
	// Firmware and BootLoader are versions such as 1.2.05.
	Firmware, BootLoader string
	// Battery is the charge in percent, 0 to 100. It is -1 if it is unknown or the device is charging.
	Battery  int
	Charging bool
	// LifeCycle is one of not-activated, activated, initialised, no-pin, no-wallet, creating, recovering, ready.
	LifeCycle string
	// BLEName and BLEVersion are the name and the version of the device's Bluetooth part.
	BLEName, BLEVersion string
	// Certificate is the attestation certificate. It is not verified.
	Certificate []byte
}

// reader reads the card manager's answers. A status word other than 9000 leaves a field empty, since not every firmware
// knows every command. An exchange that fails ends the identification.
type reader struct {
	ctx context.Context
	s   *Session
	err error
}

func (r *reader) read(cmd apdu.Command) []byte {
	if r.err != nil {
		return nil
	}
	resp, err := r.s.Transmit(r.ctx, cmd, 0)
	if err != nil {
		r.err = err
		return nil
	}
	if resp.SW != apdu.OK {
		return nil
	}
	return resp.Data
}

// data reads an object of command 80CB8000. Its id has two bytes.
func (r *reader) data(id uint16) []byte {
	return r.read(apdu.New(0x80, 0xCB, 0x80, 0x00, []byte{0xDF, 0xFF, 0x02, byte(id >> 8), byte(id)}))
}

var certificateCommand = apdu.New(0x80, 0xCA, 0xBF, 0x21, []byte{0xA6, 0x04, 0x83, 0x02, 0x15, 0x18})

// identify reads the device's information from the card manager. known, which may be nil, is that of [OpenKnown]. The error for a device
// that does not answer like an imKey is not-imkey.
func identify(ctx context.Context, s *Session, known func(*Info) bool) (Info, error) {
	if err := s.Select(ctx, CardManager); err != nil {
		var status apdu.StatusWord
		if errors.As(err, &status) {
			return Info{}, errcode.Wrap(errcode.NotIMKey, "no card manager", err)
		}
		return Info{}, err
	}
	r := &reader{ctx: ctx, s: s}
	info := Info{Battery: -1}
	// Public hosts send this command without Le, and the others with Le.
	seid := apdu.New(0x80, 0xCB, 0x80, 0x00, []byte{0xDF, 0xFF, 0x02, 0x81, 0x01})
	seid.HasLe = false
	id := r.read(seid)
	info.SEID = upperhex.String(id...)
	if len(id) == 16 && known != nil && known(&info) {
		return info, nil
	}
	info.Serial = string(r.read(apdu.New(0x80, 0xCA, 0x00, 0x44, nil)))
	if r.err == nil && (len(id) != 16 || !ValidSerial(info.Serial)) {
		if boot, err := s.inBootLoader(ctx); err != nil {
			return Info{}, err
		} else if boot {
			return Info{}, errcode.New(errcode.BootLoader, "the device is in its boot loader")
		}
		return Info{}, errcode.New(errcode.NotIMKey, "no SEID or serial number")
	}
	info.Certificate = r.read(certificateCommand)
	if r.err == nil && known != nil && known(&info) {
		return info, nil
	}
	info.Firmware = version(r.data(0x8003))
	info.BootLoader = version(r.read(apdu.New(0x80, 0xCA, 0x80, 0x09, nil)))
	battery := apdu.New(0x00, 0xD6, 0xFE, 0xED, nil)
	battery.Le = 1
	if b := r.read(battery); len(b) == 1 {
		info.Charging = b[0] == 0xFF
		if b[0] <= 100 {
			info.Battery = int(b[0])
		}
	}
	info.LifeCycle = lifeCycle(r)
	if name := string(r.read(apdu.New(0xFF, 0xDB, 0x46, 0x54, nil))); printable(name) {
		info.BLEName = name
	}
	info.BLEVersion = version(r.data(0x8100))
	return info, r.err
}

// Certificate reads the attestation certificate from the card manager. Afterwards the card manager is the selected applet.
func (s *Session) Certificate(ctx context.Context) ([]byte, error) {
	if err := s.Select(ctx, CardManager); err != nil {
		return nil, err
	}
	resp, err := s.Transmit(ctx, certificateCommand, 0)
	if err != nil {
		return nil, err
	}
	return resp.Data, resp.SW.Err("certificate")
}

func lifeCycle(r *reader) string {
	if b := r.data(0x8147); len(b) == 1 {
		switch b[0] {
		case 0x00:
			return "not-activated"
		case 0x01:
			return "activated"
		}
	}
	// Native hosts ask with another command. A firmware may know one or the other.
	if b := r.read(apdu.New(0xFF, 0xDC, 0xFE, 0xED, nil)); len(b) == 1 {
		return map[byte]string{0x80: "initialised", 0x89: "activated", 0x81: "no-pin", 0x83: "no-wallet",
			0x84: "creating", 0x85: "recovering", 0x86: "ready"}[b[0]]
	}
	return ""
}

// version writes bytes with the hex digits abcc… as a.b.cc….
func version(b []byte) string {
	d := hex.EncodeToString(b)
	if len(d) < 4 || len(d) > 16 {
		return ""
	}
	return d[:1] + "." + d[1:2] + "." + d[2:]
}

// ValidSerial reports whether s can be a serial number: 1 to 64 characters of printable ASCII.
func ValidSerial(s string) bool { return printable(s) }

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}
