package device

import "crypto/subtle"

// MaxWrongPINs is how many wrong PINs in a row wipe the device. The vendor documents it for real devices.
const MaxWrongPINs = 5

func checkPIN(pin string) error {
	if len(pin) < 4 || len(pin) > 12 {
		return ErrPINFormat
	}
	for _, c := range []byte(pin) {
		if c < '0' || c > '9' {
			return ErrPINFormat
		}
	}
	return nil
}

func (d *Device) locked() bool { return d.memory.PIN != "" && !d.unlocked }

// SetPIN sets or changes the PIN. The device must be unlocked, and stays so.
func (d *Device) SetPIN(pin string) error {
	return d.asUser(func() error { return d.setPIN(pin) })
}

func (d *Device) setPIN(pin string) error {
	if err := checkPIN(pin); err != nil {
		return err
	}
	if d.locked() {
		return ErrLocked
	}
	if err := d.update(func(m *memory) { m.PIN, m.WrongPINs = pin, 0 }); err != nil {
		return err
	}
	d.unlocked = true
	d.changed("PIN set")
	return nil
}

// Unlock enters the PIN. The right PIN unlocks the device, and allows new attempts after too many wrong binding codes. A
// wrong PIN is a *WrongPINError; the last wrong one is ErrPINWiped. The device stores each attempt before it compares the
// PIN. On a device without a PIN, the empty PIN does what holding OK on the home page does, and any other is ErrNoPIN.
func (d *Device) Unlock(pin string) error {
	return d.asUser(func() error {
		if d.memory.PIN == "" && pin == "" {
			if err := d.se.Unlock(); err != nil {
				return err
			}
			d.changed("codes can be tried again")
			return nil
		}
		return d.enterPIN(pin)
	})
}

func (d *Device) enterPIN(pin string) error {
	if d.memory.PIN == "" {
		return ErrNoPIN
	}
	if err := checkPIN(pin); err != nil {
		return err
	}
	if err := d.update(func(m *memory) { m.WrongPINs++ }); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(pin), []byte(d.memory.PIN)) != 1 {
		left := MaxWrongPINs - d.memory.WrongPINs
		if left > 0 {
			d.changed("wrong PIN")
			return &WrongPINError{Left: left}
		}
		if err := d.reset(); err != nil {
			return err
		}
		return ErrPINWiped
	}
	if err := d.update(func(m *memory) { m.WrongPINs, m.SE.WrongCodes = 0, 0 }); err != nil {
		return err
	}
	d.unlocked = true
	if _, ok := d.screen.(*pinView); ok {
		d.show(homeView{})
	}
	d.changed("unlocked")
	return nil
}

// Lock locks the device until the PIN is entered. It returns ErrNoPIN if no PIN is set.
func (d *Device) Lock() error { return d.asUser(d.lock) }

func (d *Device) lock() error {
	if d.memory.PIN == "" {
		return ErrNoPIN
	}
	d.unlocked = false
	d.dismiss(errLockedMeanwhile)
	d.show(newLockedView())
	return nil
}
