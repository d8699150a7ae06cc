package device

import "imkey-connect/core/apdu"

// Button is one of the device's four buttons.
type Button string

// The buttons.
const (
	OK     Button = "ok"
	Cancel Button = "cancel"
	Up     Button = "up"
	Down   Button = "down"
)

func (b Button) valid() bool { return b == OK || b == Cancel || b == Up || b == Down }

// Charging is the battery level while the battery charges.
const Charging = 0xFF

// The errors of a command that waited for the user when another action ended it.
const (
	errLockedMeanwhile = apdu.PINNotVerified
	errMenuMeanwhile   = apdu.InMenu
	errResetMeanwhile  = apdu.ConditionsNotSatisfied
)

// asUser carries out an action of the user. It fails if the device has no power or is in its boot loader.
func (d *Device) asUser(act func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return ErrClosed
	case !d.powered:
		return ErrUnplugged
	case d.bootLoader:
		return ErrBootLoader
	}
	return act()
}

// Press presses a button and releases it. Up and down turn the pages of a question; OK confirms all pages.
func (d *Device) Press(b Button) error {
	if !b.valid() {
		return ErrButton
	}
	return d.asUser(func() error {
		q := d.asking()
		if q == nil {
			return d.screen.press(d, b)
		}
		switch b {
		case OK:
			d.dismiss(nil)
		case Cancel:
			d.dismiss(apdu.Rejected)
		case Up:
			q.turn(d, -1)
		case Down:
			q.turn(d, 1)
		}
		return nil
	})
}

// Hold holds a button down. Holding OK ends the entry of a PIN. After too many wrong binding codes, it allows new attempts
// on a device without a PIN.
func (d *Device) Hold(b Button) error {
	if !b.valid() {
		return ErrButton
	}
	return d.asUser(func() error {
		if d.asking() != nil {
			return nil
		}
		return d.screen.hold(d, b)
	})
}

// Menu opens the menu, in which applets answer F080. It returns ErrBusy while the screen asks a question.
func (d *Device) Menu() error {
	return d.asUser(func() error {
		switch {
		case d.locked():
			return ErrLocked
		case d.asking() != nil:
			return ErrBusy
		}
		d.show(&menuView{})
		return nil
	})
}

// Home goes to the home page. It rejects a question and removes a code from the screen. A locked device stays locked.
func (d *Device) Home() error {
	return d.asUser(func() error {
		d.dismiss(apdu.Rejected)
		d.show(d.rest())
		return nil
	})
}

// Reset wipes the wallet, the binding, the code and the PIN. The next BIND_CHECK draws a new code.
func (d *Device) Reset() error { return d.asUser(d.reset) }

func (d *Device) reset() error {
	if err := d.update(func(m *memory) { *m = m.afterReset() }); err != nil {
		return err
	}
	d.unlocked = false
	d.lastApp = nil
	d.dismiss(errResetMeanwhile)
	d.selected.Forget()
	d.show(d.rest())
	return nil
}

// SetBattery sets the battery level: 0 to 100 percent, or [Charging].
func (d *Device) SetBattery(percent int) error {
	if err := checkBattery(percent); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	if err := d.update(func(m *memory) { m.Battery = byte(percent) }); err != nil {
		return err
	}
	d.changed("")
	return nil
}

func checkBattery(percent int) error {
	if percent < 0 || percent > 100 && percent != Charging {
		return ErrBattery
	}
	return nil
}

// SetBootLoader switches to the boot loader or back, as a firmware update does. A power cycle switches back too.
func (d *Device) SetBootLoader(on bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return ErrClosed
	case !d.powered:
		return ErrUnplugged
	}
	d.bootLoader = on
	d.dismiss(errMenuMeanwhile)
	d.selected = cardManager{d}
	d.screen = d.rest()
	d.changed("boot loader")
	return nil
}
