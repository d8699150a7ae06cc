package replay

import (
	"fmt"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
)

// Port is the USB port of the device.
func (d *Device) Port() *usb.Port { return d.port }

// Status returns the current state. The screen shows how far the script was played, and the first command that did not match.
func (d *Device) Status() device.Status {
	plugged := d.port.Plugged()
	d.mu.Lock()
	defer d.mu.Unlock()
	s := device.Status{
		Serial: d.port.Identity().Serial, SEID: d.seid, CA: d.script.CA, Plugged: plugged, Binding: "none", Screen: []string{}, Showing: device.ShowsNothing, Applets: []string{}, Battery: 100,
	}
	if !plugged {
		return s
	}
	s.Showing = device.ShowsRecording
	s.Screen = []string{"A recording", fmt.Sprintf("%d of %d", d.next, len(d.script.Exchanges)), "", ""}
	switch {
	case d.err != nil && d.err.Want == nil:
		s.Screen[2], s.Screen[3] = "Unexpected:", "after the end"
	case d.err != nil:
		s.Screen[2], s.Screen[3] = "Unexpected:", fmt.Sprintf("see line %d", d.err.Line)
	}
	return s
}

// Progress is how far a script was played. GET replay of the control API answers it.
type Progress struct {
	Played int    `json:"played"` // number of commands that were played
	Of     int    `json:"of"`     // number of commands of the script
	Line   int    `json:"line"`   // of the next command; 0 at the end
	Error  string `json:"error"`  // the first command that did not match, or empty
}

// Progress returns how far the script was played.
func (d *Device) Progress() Progress {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := Progress{Played: d.next, Of: len(d.script.Exchanges)}
	if d.next < len(d.script.Exchanges) {
		p.Line = d.script.Exchanges[d.next].Line
	}
	if d.err != nil {
		p.Error = d.err.Error()
	}
	return p
}

// Watch is like the method of [device.Device].
func (d *Device) Watch() (<-chan struct{}, func()) { return d.watch.Add() }

// Plug plugs the cable in.
func (d *Device) Plug() error { d.port.Plug(); return nil }

// Unplug unplugs the cable.
func (d *Device) Unplug() error { d.port.Unplug(); return nil }

// PowerCut is the same as Unplug, because a recording has no memory.
func (d *Device) PowerCut() error { return d.Unplug() }

// Close unplugs the cable for good.
func (d *Device) Close() error { return d.Unplug() }

// Reset goes back to the first line.
func (d *Device) Reset() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next, d.err = 0, nil
	d.idle()
	d.watch.Notify()
	return nil
}

// All other actions of the user return device.ErrRecording.

func (d *Device) Press(device.Button) error       { return device.ErrRecording }
func (d *Device) Hold(device.Button) error        { return device.ErrRecording }
func (d *Device) Menu() error                     { return device.ErrRecording }
func (d *Device) Home() error                     { return device.ErrRecording }
func (d *Device) SetPIN(string) error             { return device.ErrRecording }
func (d *Device) Unlock(string) error             { return device.ErrRecording }
func (d *Device) Lock() error                     { return device.ErrRecording }
func (d *Device) SetBattery(int) error            { return device.ErrRecording }
func (d *Device) Restore(string) error            { return device.ErrRecording }
func (d *Device) Create(int) error                { return device.ErrRecording }
func (d *Device) SetBootLoader(bool) error        { return device.ErrRecording }
func (d *Device) SetConfirmBinding(bool)          {}
func (d *Device) AllowUnbound(bool)               {}
func (d *Device) SetInstalled(string, bool) error { return device.ErrRecording }
func (d *Device) Install(string, string) error    { return device.ErrRecording }
