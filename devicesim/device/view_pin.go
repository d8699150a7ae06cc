package device

import (
	"errors"
	"strconv"
	"strings"
)

// pinView is the entry of a PIN with four buttons: up and down choose a digit, OK accepts it, cancel removes the last one, and
// holding OK ends the entry.
type pinView struct {
	title   string
	digits  []byte
	digit   byte
	done    func(d *Device, v *pinView, pin string) error
	away    bool // the user came from the menu; the device is not locked
	message string
}

// newLockedView unlocks the device.
func newLockedView() *pinView {
	return &pinView{title: "Enter PIN", done: func(d *Device, v *pinView, pin string) error {
		err := d.enterPIN(pin)
		var wrong *WrongPINError
		switch {
		case errors.As(err, &wrong):
			v.message = "Wrong, " + strconv.Itoa(wrong.Left) + " left"
		case errors.Is(err, ErrPINFormat):
			v.message = "4 to 12 digits"
		case errors.Is(err, ErrPINWiped):
			d.show(noticeView{first: "Wrong PIN", second: "Device wiped"})
		case err != nil:
			return err
		}
		return nil
	}}
}

// newPINView asks for a new PIN twice.
func newPINView() *pinView {
	return &pinView{title: "New PIN", away: true, done: func(d *Device, v *pinView, first string) error {
		if checkPIN(first) != nil {
			v.message = "4 to 12 digits"
			return nil
		}
		d.show(&pinView{title: "Again", away: true, done: func(d *Device, v *pinView, second string) error {
			if first != second {
				again := newPINView()
				again.message = "Not the same"
				d.show(again)
				return nil
			}
			if err := d.setPIN(second); err != nil {
				return err
			}
			d.show(noticeView{first: "PIN set"})
			return nil
		}})
		return nil
	}}
}

func (v *pinView) lines(*Device) []string {
	hint := v.message
	if hint == "" {
		hint = "Hold OK: done"
	}
	return []string{v.title, strings.Repeat("*", len(v.digits)), "< " + strconv.Itoa(int(v.digit)) + " >", hint}
}

func (v *pinView) press(d *Device, b Button) error {
	switch b {
	case Up:
		v.digit = (v.digit + 1) % 10
	case Down:
		v.digit = (v.digit + 9) % 10
	case OK:
		if len(v.digits) < 12 {
			v.digits = append(v.digits, '0'+v.digit)
		}
		v.digit, v.message = 0, ""
	case Cancel:
		if len(v.digits) == 0 {
			if v.away || !d.locked() {
				d.show(d.rest())
			}
			return nil
		}
		v.digits = v.digits[:len(v.digits)-1]
	}
	d.changed("") // no caption: their number and times would tell the digits
	return nil
}

func (v *pinView) hold(d *Device, b Button) error {
	if b != OK {
		return nil
	}
	pin := string(v.digits)
	v.digits, v.digit = nil, 0
	err := v.done(d, v, pin)
	d.changed("")
	return err
}

func (v *pinView) caption() string { return "PIN entry" }
func (v *pinView) busy() bool      { return v.away }
func (*pinView) kind() Showing     { return ShowsPIN }
