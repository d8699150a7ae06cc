package device

import "imkey-connect/core/apdu"

// Button is one of the four.
type Button string

// The buttons.
const (
	OK     Button = "ok"
	Cancel Button = "cancel"
	Up     Button = "up"
	Down   Button = "down"
)

func (b Button) valid() bool { return b == OK || b == Cancel || b == Up || b == Down }

// Charging is the battery's level while it charges.
const Charging = 0xFF

// errLockedMeanwhile and its like end a command that waited for its person when something else happened.
const (
	errLockedMeanwhile = apdu.PINNotVerified
	errMenuMeanwhile   = apdu.InMenu
	errResetMeanwhile  = apdu.ConditionsNotSatisfied
)

// asUser does what the user does, if the device has power and is no boot loader.
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

// Press presses a button and lets it go. On a question of several pages up and down turn them; OK takes all of it.
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
			d.dismiss(apdu.Declined)
		case Up:
			q.turn(d, -1)
		case Down:
			q.turn(d, 1)
		}
		return nil
	})
}

// Hold holds a button down: OK ends the entry of a PIN, and lets binding codes be tried again after too many wrong ones on
// a device without a PIN.
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

// Menu opens the menu, where applets answer F080. What the screen asks must be answered first (ErrBusy).
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

// Home goes to the home page; what the screen asks is declined, a code is taken away. A locked device stays locked.
func (d *Device) Home() error {
	return d.asUser(func() error {
		d.dismiss(apdu.Declined)
		d.show(d.rest())
		return nil
	})
}

// Reset wipes wallet, binding, code and PIN. The next BIND_CHECK draws a new code.
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

// SetBattery sets the level: 0 to 100 percent, or [Charging].
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

// SetBootLoader switches to the boot loader or back, as an update of the firmware would. A power cycle leads back too.
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
