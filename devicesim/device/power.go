package device

import "errors"

// errPowerLost ends a command without an answer.
var errPowerLost = errors.New("devicesim: power lost")

// Plug puts the cable in and switches the device on.
func (d *Device) Plug() error {
	d.cable.Lock()
	defer d.cable.Unlock()
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	if closed {
		return ErrClosed
	}
	d.port.Plug()
	d.awaitPower()
	return nil
}

// Unplug pulls the cable. No battery is simulated, so the device loses what it had in RAM: the PIN's verification, the
// screen, what was prepared and asked. A command that is being executed is finished first, its answer lost.
func (d *Device) Unplug() error {
	d.cable.Lock()
	defer d.cable.Unlock()
	d.port.Unplug()
	d.awaitPower()
	return nil
}

// PowerCut takes the power away in the middle of whatever is done: a command under way stops at the next thing that it
// would store, and is not answered. The device stays without power until Plug.
func (d *Device) PowerCut() error {
	d.cable.Lock()
	defer d.cable.Unlock()
	d.powerFails()
	d.awaitPower()
	return nil
}

// powerFails is PowerCut for the port, which calls it for a fault and must not be waited for here.
func (d *Device) powerFails() {
	if d.port.Plugged() {
		d.dying.Store(true)
		d.port.Unplug()
	}
}

// PowerChanged tells the device of every plug and unplug, those made by a fault included. It is the port's to call.
func (d *Device) PowerChanged(plugged bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if plugged {
		if !d.closed {
			d.powerOn()
		}
	} else {
		d.powerOff()
	}
	d.power.Broadcast()
}

// awaitPower returns when the device has noticed what became of its cable.
func (d *Device) awaitPower() {
	for {
		plugged := d.port.Plugged()
		d.mu.Lock()
		if d.closed || d.powered == plugged {
			d.mu.Unlock()
			return
		}
		d.power.Wait()
		d.mu.Unlock()
	}
}

func (d *Device) powerOff() {
	d.powered, d.unlocked, d.bootLoader = false, false, false
	d.dismiss(errPowerLost)
	d.screen = nil
	d.lastApp = nil
	d.selected = cardManager{d}
	d.dying.Store(false)
	d.changed("off")
}

func (d *Device) powerOn() {
	d.powered = true
	d.dying.Store(false)
	if err := d.boot(); err != nil {
		// The wipe that a power cut interrupted could not be stored: stay as after the fifth wrong PIN, useless.
		d.show(noticeView{first: "Memory failure"})
		return
	}
	d.changed("on")
}

// boot sets what a device has in RAM when its power comes.
func (d *Device) boot() error {
	if d.memory.WrongPINs >= MaxWrongPINs {
		// The power went between the last wrong PIN and the wipe.
		if err := d.update(func(m *memory) { *m = m.afterReset() }); err != nil {
			return err
		}
	}
	d.selected = cardManager{d}
	d.screen = d.rest()
	return nil
}
