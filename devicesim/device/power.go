package device

import "errors"

// errPowerLost ends a command without an answer.
var errPowerLost = errors.New("device: power lost")

// Plug plugs the cable in, which switches the device on.
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

// Unplug unplugs the cable. No battery is simulated, so the device loses its RAM: that the PIN was entered, the screen, a
// question, and what was prepared for signing. A command that is being executed completes, but its answer is lost.
func (d *Device) Unplug() error {
	d.cable.Lock()
	defer d.cable.Unlock()
	d.port.Unplug()
	d.awaitPower()
	return nil
}

// PowerCut cuts the power. A command that is being executed stops before it stores the next change, and is not answered. The
// device stays without power until Plug.
func (d *Device) PowerCut() error {
	d.cable.Lock()
	defer d.cable.Unlock()
	d.powerFails()
	d.awaitPower()
	return nil
}

// powerFails is PowerCut for the port, which calls it for a fault. It does not wait, because the port waits for it.
func (d *Device) powerFails() {
	if d.port.Plugged() {
		d.dying.Store(true)
		d.port.Unplug()
	}
}

// PowerChanged notifies the device of each plug and unplug, including those by a fault. Only the port calls it.
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

// awaitPower waits until the device has noticed whether its cable is plugged in.
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
		// The wipe that a power cut had interrupted could not be stored. The device stays unusable.
		d.show(noticeView{first: "Memory failure"})
		return
	}
	d.changed("on")
}

// boot sets the RAM of a device that is switched on.
func (d *Device) boot() error {
	if d.memory.WrongPINs >= MaxWrongPINs {
		// The power failed between the last wrong PIN and the wipe.
		if err := d.update(func(m *memory) { *m = m.afterReset() }); err != nil {
			return err
		}
	}
	d.selected = cardManager{d}
	d.screen = d.rest()
	return nil
}
