package devicesim

import (
	"errors"
	"slices"

	"imkey-connect/core/apdu"
)

// applet answers the commands that follow its selection. A value is made at SELECT and lives until the next one, so that
// what it keeps is lost there. Its methods run under the device's mu.
type applet interface {
	// exec answers a command. Errors are [apdu.StatusWord]s, which become the answer; errGone and errPowerLost, which
	// leave it out; any other is 6F00.
	exec(x *exchange, c apdu.Command) ([]byte, error)
	// drop forgets what was prepared.
	drop()
}

// applets are those that a device has by AID, with what SELECT answers. A coin is one line here and one file.
var applets = map[string]struct {
	name    string // for [Device.SetInstalled]; empty: it belongs to the device
	version string // ASCII, may be empty
	open    func(*Device) applet
}{
	"i_imk": {"", "1.2.00", func(*Device) applet { return imk{} }},
	"i_eth": {"ethereum", "", func(*Device) applet { return &ethereum{} }}, // recorded devices tell no version
}

// SetInstalled installs or removes a coin's applet, such as ethereum, as the maker's software does; an unknown name is
// ErrApplet. A new device has all of them.
func (d *Device) SetInstalled(name string, on bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for aid, a := range applets {
		if a.name != name || name == "" {
			continue
		}
		if on {
			delete(d.removed, aid)
		} else {
			d.removed[aid] = true
			d.dismiss(apdu.NotFound)
			d.selected.drop()
			d.selected = cardManager{}
		}
		d.changed("")
		return nil
	}
	return ErrApplet
}

// installed are the names of the coins' applets.
func (d *Device) installed() []string {
	names := []string{}
	for aid, a := range applets {
		if a.name != "" && !d.removed[aid] {
			names = append(names, a.name)
		}
	}
	slices.Sort(names)
	return names
}

// errFault is for what has no status word of its own: here, a memory that cannot be written (ISO 7816-4: no precise
// diagnosis).
const errFault apdu.StatusWord = 0x6F00

// answer does one message and returns the response; nil means that there is none to give.
func (d *Device) answer(op *operation, message []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if op.over() || !d.powered {
		return nil
	}
	switch op.forget {
	case forgetAll:
		d.selected = cardManager{}
		d.lastApp = nil
	case forgetPrepared:
		d.selected.drop()
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
		d.selected.drop()
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
	return d.selected.exec(x, c)
}

// gate refuses applets' commands while the person must do something first. The card manager always answers.
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
	d.selected.drop()
	switch {
	case c.P1 != 0x04 || c.P2 != 0x00:
		return nil, apdu.WrongParameters
	case !anyLength(c) || len(c.Data) > 16:
		return nil, apdu.WrongLength
	case len(c.Data) == 0:
		d.selected = cardManager{}
		return nil, nil
	}
	if d.bootLoader {
		if string(c.Data) != bootLoaderAID {
			return nil, apdu.NotFound
		}
		d.selected = bootLoader{}
		return nil, nil
	}
	found, ok := applets[string(c.Data)]
	if !ok || d.removed[string(c.Data)] {
		return nil, apdu.NotFound
	}
	d.selected = found.open(d)
	return []byte(found.version), nil
}

// anyLength says whether the command asks for an answer of any length: no Le, or Le 00.
func anyLength(c apdu.Command) bool { return !c.HasLe || c.Le == 0 }

// expect checks a command's parameters, then the length of its data.
func expect(c apdu.Command, p1, p2 byte, length int) error {
	switch {
	case c.P1 != p1 || c.P2 != p2:
		return apdu.WrongParameters
	case len(c.Data) != length || !anyLength(c):
		return apdu.WrongLength
	}
	return nil
}
