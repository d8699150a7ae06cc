package device

import (
	"errors"
	"fmt"
	"slices"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

// maxAID is the greatest length of an AID in bytes (ISO 7816-4).
const maxAID = 16

// install installs the applets of a new device. It returns an error for a wrong Options.Applets.
func (d *Device) install(applets []applet.Applet) error {
	for _, a := range applets {
		switch {
		case len(a.AID) < 1 || len(a.AID) > maxAID:
			return fmt.Errorf("an AID has 1 to %d bytes, not %q", maxAID, a.AID)
		case a.AID == bootLoaderAID || d.applets[a.AID].New != nil:
			return fmt.Errorf("the AID %q is used twice", a.AID)
		case a.New == nil:
			return fmt.Errorf("the applet %q has no function New", a.AID)
		}
		d.applets[a.AID] = a
	}
	return nil
}

// SetInstalled installs a coin's applet, such as "ethereum", or removes it, as the vendor's software does. It returns
// ErrApplet for an unknown name. On a new device all of its applets are installed.
func (d *Device) SetInstalled(name string, on bool) error {
	return d.withApplet(name, func(aid string, _ applet.Applet) error {
		if on {
			delete(d.removed, aid)
			return nil
		}
		d.removed[aid] = true
		d.deselect()
		return nil
	})
}

// Install installs a coin's applet in another version, such as "1.5.00" of "bitcoin". It returns ErrApplet for an unknown name or
// version.
func (d *Device) Install(name, version string) error {
	return d.withApplet(name, func(aid string, a applet.Applet) error {
		if a.At == nil {
			return ErrApplet
		}
		other, ok := a.At(version)
		if !ok {
			return ErrApplet
		}
		d.applets[aid] = other
		delete(d.removed, aid)
		d.deselect()
		return nil
	})
}

// withApplet changes a coin's applet.
func (d *Device) withApplet(name string, change func(aid string, a applet.Applet) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for aid, a := range d.applets {
		if a.Name != name || name == "" {
			continue
		}
		if err := change(aid, a); err != nil {
			return err
		}
		d.changed("")
		return nil
	}
	return ErrApplet
}

// deselect ends what the selected applet does, and selects the card manager.
func (d *Device) deselect() {
	d.dismiss(apdu.NotFound)
	d.selected.Forget()
	d.selected = cardManager{d}
}

// installed returns the names of the coins' applets, sorted.
func (d *Device) installed() []string {
	names := []string{}
	for aid, a := range d.applets {
		if a.Name != "" && !d.removed[aid] {
			names = append(names, a.Name)
		}
	}
	slices.Sort(names)
	return names
}

// errFault answers an error that has no status word of its own, as when the memory cannot be written (ISO 7816-4: no
// precise diagnosis).
const errFault apdu.StatusWord = 0x6F00

// answer executes one message and returns the response, or nil if none is sent.
func (d *Device) answer(op *operation, message []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if op.over() || !d.powered {
		return nil
	}
	switch op.forget {
	case forgetAll:
		d.selected = cardManager{d}
		d.lastApp = nil
	case forgetPrepared:
		d.selected.Forget()
	}
	var data []byte
	command, err := apdu.Parse(message)
	if err == nil {
		data, err = d.dispatch(&exchange{d: d, op: op}, command)
	}
	var sw apdu.StatusWord
	switch {
	case err == nil:
		sw = apdu.OK
	case errors.Is(err, errGone):
		d.selected.Forget()
		return nil
	case errors.Is(err, errPowerLost):
		return nil
	case errors.As(err, &sw):
		data = nil
	default:
		sw, data = errFault, nil
	}
	return apdu.Response{Data: data, SW: sw}.Bytes()
}

func (d *Device) dispatch(x *exchange, c apdu.Command) ([]byte, error) {
	if c.CLA == 0x00 && c.INS == 0xA4 {
		return d.selectApplet(c)
	}
	if err := d.gate(); err != nil {
		return nil, err
	}
	return d.selected.Execute(x, c)
}

// gate refuses the commands of applets while the user must unlock the device or leave its menu. The card manager always
// answers.
func (d *Device) gate() error {
	if _, ok := d.selected.(cardManager); ok {
		return nil
	}
	switch {
	case d.locked():
		return apdu.PINNotVerified
	case d.screen.busy():
		return apdu.InMenu
	}
	return nil
}

func (d *Device) selectApplet(c apdu.Command) ([]byte, error) {
	d.selected.Forget()
	switch {
	case c.P1 != 0x04 || c.P2 != 0x00:
		return nil, apdu.WrongParameters
	case !applet.AnyLength(c) || len(c.Data) > maxAID:
		return nil, apdu.WrongLength
	case len(c.Data) == 0:
		d.selected = cardManager{d}
		return nil, nil
	}
	if d.bootLoader {
		if string(c.Data) != bootLoaderAID {
			return nil, apdu.NotFound
		}
		d.selected = bootLoader{}
		return nil, nil
	}
	found, ok := d.applets[string(c.Data)]
	if !ok || d.removed[string(c.Data)] {
		return nil, apdu.NotFound
	}
	d.selected = found.New()
	return []byte(found.Version), nil
}
