package device

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"imkey-connect/core/apdu"
	"imkey-connect/core/errcode"
)

// Info is what a device says of itself: core/PROTOCOL.md section 3. Only SEID, Serial and Certificate are always there;
// what a firmware does not answer stays empty.
type Info struct {
	// SEID is the secure element's id, 16 bytes as upper-case hex.
	SEID string
	// Serial is the serial number, ASCII, such as imKey01191200001.
	Serial string
	// Firmware and BootLoader are versions such as 1.2.05.
	Firmware, BootLoader string
	// Battery is the charge in percent, 0 to 100; -1 where it is unknown or the device is charging.
	Battery  int
	Charging bool
	// LifeCycle is one of not-activated, activated, initialised, no-pin, no-wallet, creating, recovering, ready.
	LifeCycle string
	// BLEName and BLEVersion describe its Bluetooth side.
	BLEName, BLEVersion string
	// Certificate is the secure element's certificate as it came; nothing in it is verified.
	Certificate []byte
}

// reader reads the card manager's answers. A status word leaves the field empty, since firmwares differ in what they
// know; a failing exchange ends the identification.
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

// data reads one of the objects under 80CB8000, whose id is two bytes.
func (r *reader) data(id uint16) []byte {
	return r.read(apdu.New(0x80, 0xCB, 0x80, 0x00, []byte{0xDF, 0xFF, 0x02, byte(id >> 8), byte(id)}))
}

var certificateCommand = apdu.New(0x80, 0xCA, 0xBF, 0x21, []byte{0xA6, 0x04, 0x83, 0x02, 0x15, 0x18})

// identify asks the card manager who the device is. What does not answer as an imKey does is not-imkey.
func identify(ctx context.Context, s *Session) (Info, error) {
	if err := s.Select(ctx, CardManager); err != nil {
		var status apdu.StatusWord
		if errors.As(err, &status) {
			return Info{}, errcode.Wrap(errcode.NotIMKey, "no card manager", err)
		}
		return Info{}, err
	}
	r := &reader{ctx: ctx, s: s}
	var info Info
	// Public hosts send this one without Le, unlike its siblings.
	seid := apdu.New(0x80, 0xCB, 0x80, 0x00, []byte{0xDF, 0xFF, 0x02, 0x81, 0x01})
	seid.HasLe = false
	id := r.read(seid)
	info.SEID = strings.ToUpper(hex.EncodeToString(id))
	info.Serial = string(r.read(apdu.New(0x80, 0xCA, 0x00, 0x44, nil)))
	if r.err == nil && (len(id) != 16 || !ValidSerial(info.Serial)) {
		if boot, err := s.inBootLoader(ctx); err != nil {
			return Info{}, err
		} else if boot {
			return Info{}, errcode.New(errcode.BootLoader, "the device is in its boot loader")
		}
		return Info{}, errcode.New(errcode.NotIMKey, "no SEID or serial number")
	}
	info.Firmware = version(r.data(0x8003))
	info.BootLoader = version(r.read(apdu.New(0x80, 0xCA, 0x80, 0x09, nil)))
	info.Certificate = r.read(certificateCommand)
	info.Battery = -1
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

// Certificate reads the secure element's certificate from the card manager, which it leaves selected.
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
	// What native hosts ask; a firmware may know either.
	if b := r.read(apdu.New(0xFF, 0xDC, 0xFE, 0xED, nil)); len(b) == 1 {
		return map[byte]string{0x80: "initialised", 0x89: "activated", 0x81: "no-pin", 0x83: "no-wallet",
			0x84: "creating", 0x85: "recovering", 0x86: "ready"}[b[0]]
	}
	return ""
}

// version reads hex digits a, b, cc… as a.b.cc….
func version(b []byte) string {
	d := hex.EncodeToString(b)
	if len(d) < 4 || len(d) > 16 {
		return ""
	}
	return d[:1] + "." + d[1:2] + "." + d[2:]
}

// ValidSerial says whether s is a serial number as a device may have it: up to 64 characters of printable ASCII.
func ValidSerial(s string) bool { return printable(s) }

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}
