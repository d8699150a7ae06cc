package simtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/trace"
	"imkey-connect/devicesim/usb"
)

// Device is one simulated imKey and its user.
type Device struct {
	// Simulated is the device itself, which has more methods.
	Simulated *device.Device

	t       testing.TB
	number  int // from 1 on
	of      int
	log     *trace.Log
	timeout func() time.Duration
	seen    uint64 // number of the last event that WaitTrace has found
	told    bool   // the test's output has a report of this device
}

// Serial is the device's serial number.
func (d *Device) Serial() string { return d.Simulated.Status().Serial }

// CA is the public key that verifies its certificate, 130 hex digits, for a page's trustedCAs.
func (d *Device) CA() string { return d.Simulated.Status().CA }

// Status returns the current state of the device.
func (d *Device) Status() device.Status { return d.Simulated.Status() }

// Screen returns what the screen shows now: four lines of at most 16 characters, or none without power.
func (d *Device) Screen() []string { return d.Simulated.Status().Screen }

// Trace returns the trace so far.
func (d *Device) Trace() []trace.Event { return d.log.Events(0) }

// Press presses buttons, one after the other.
func (d *Device) Press(buttons ...device.Button) {
	d.t.Helper()
	for _, b := range buttons {
		d.must("press "+string(b), d.Simulated.Press(b))
	}
}

// Hold holds a button down.
func (d *Device) Hold(b device.Button) {
	d.t.Helper()
	d.must("hold "+string(b), d.Simulated.Hold(b))
}

// Unlock enters the PIN.
func (d *Device) Unlock(pin string) { d.t.Helper(); d.must("enter the PIN", d.Simulated.Unlock(pin)) }

// Lock locks a device that has a PIN.
func (d *Device) Lock() { d.t.Helper(); d.must("lock", d.Simulated.Lock()) }

// Plug plugs the cable in.
func (d *Device) Plug() { d.t.Helper(); d.must("plug in", d.Simulated.Plug()) }

// Unplug unplugs the cable.
func (d *Device) Unplug() { d.t.Helper(); d.must("unplug", d.Simulated.Unplug()) }

// PowerCut cuts the power. The device stays without power until Plug.
func (d *Device) PowerCut() { d.t.Helper(); d.must("cut the power", d.Simulated.PowerCut()) }

// Reset wipes the wallet, the binding, the code and the PIN.
func (d *Device) Reset() { d.t.Helper(); d.must("reset", d.Simulated.Reset()) }

// Menu opens the menu, in which the device refuses most commands.
func (d *Device) Menu() { d.t.Helper(); d.must("open the menu", d.Simulated.Menu()) }

// Home goes to the home page and rejects a question.
func (d *Device) Home() { d.t.Helper(); d.must("go home", d.Simulated.Home()) }

// Restore restores the wallet of a mnemonic phrase of 12 or 24 words.
func (d *Device) Restore(mnemonic string) {
	d.t.Helper()
	d.must("restore a wallet", d.Simulated.Restore(mnemonic))
}

// Arm arms faults in place of earlier ones, and counts packets from now on. Without arguments it clears the faults.
func (d *Device) Arm(faults ...usb.Fault) {
	d.t.Helper()
	d.must("arm the faults", d.Simulated.Port().SetFaults(faults))
}

// Code waits until the screen shows a binding code, and returns the code.
func (d *Device) Code() string {
	d.t.Helper()
	return waited(d, "a binding code on the screen", func(ctx context.Context) (string, error) { return ReadCode(ctx, d.Simulated) })
}

// Question waits until the screen asks a question, and returns its text: one line for each page, with the lines of the screen
// joined.
func (d *Device) Question() string {
	d.t.Helper()
	return waited(d, "a question on the screen", func(ctx context.Context) (string, error) {
		pages, err := ReadQuestion(ctx, d.Simulated)
		return strings.Join(pages, "\n"), err
	})
}

// Approve waits until the screen asks a question, presses OK, and returns the question as Question does.
func (d *Device) Approve() string {
	d.t.Helper()
	question := d.Question()
	d.Press(device.OK)
	return question
}

// Reject is Approve with the cancel button.
func (d *Device) Reject() string {
	d.t.Helper()
	question := d.Question()
	d.Press(device.Cancel)
	return question
}

// Bound waits until the device is bound.
func (d *Device) Bound() {
	d.t.Helper()
	d.Wait("a binding", func(s device.Status) bool { return s.Binding == "bound" })
}

// Wait waits until the device's status satisfies ok, and returns the status. what names the state in a failure.
func (d *Device) Wait(what string, ok func(device.Status) bool) device.Status {
	d.t.Helper()
	return waited(d, what, func(ctx context.Context) (s device.Status, err error) {
		err = WaitFor(ctx, d.Simulated, func(now device.Status) bool {
			s = now
			return ok(now)
		})
		return s, err
	})
}

// WaitTrace waits for an event of the trace whose text contains a text, such as "SELECT IMK → ok". The first call searches all
// events; each later call searches those after the event that was found last.
func (d *Device) WaitTrace(text string) trace.Event {
	d.t.Helper()
	return waited(d, fmt.Sprintf("%q in the trace", text), func(ctx context.Context) (trace.Event, error) {
		added, stop := d.log.Watch()
		defer stop()
		looked := d.seen
		for {
			for _, e := range d.log.Events(looked) {
				looked = e.N
				if strings.Contains(e.Text, text) {
					d.seen = e.N
					return e, nil
				}
			}
			select {
			case <-added:
			case <-ctx.Done():
				return trace.Event{}, ctx.Err()
			}
		}
	})
}

// waited runs a wait with the timeout, and fails the test if it fails.
func waited[T any](d *Device, what string, wait func(context.Context) (T, error)) T {
	d.t.Helper()
	ctx, stop := context.WithTimeout(d.t.Context(), d.timeout())
	defer stop()
	began := time.Now()
	v, err := wait(ctx)
	switch {
	case err == nil:
	case errors.Is(err, context.DeadlineExceeded):
		d.fail(fmt.Sprintf("waited %v for %s", time.Since(began).Round(time.Second/10), what))
	default:
		d.fail(fmt.Sprintf("waiting for %s: %v", what, err))
	}
	return v
}

func (d *Device) must(do string, err error) {
	d.t.Helper()
	if err != nil {
		d.fail("cannot " + do + ": " + err.Error())
	}
}

func (d *Device) fail(what string) {
	d.t.Helper()
	d.told = true
	d.t.Fatalf("simtest: %s: %s\n%s", d.name(), what, d.report())
}
