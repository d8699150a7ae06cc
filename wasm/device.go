//go:build js && wasm

package main

import (
	"context"
	"sync"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/records"
	"imkey-connect/bridge/webusb"
	"imkey-connect/core/bindcode"
	"imkey-connect/core/binding"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
)

// openDevice is one open device. Its methods run one after another.
type openDevice struct {
	core    *core
	options openOptions
	usb     safejs.Value
	link    *webusb.Link
	device  *device.Device
	assumed bool // what the device is was not read, but is what this page knows of an earlier link or what the record says
	binding *binding.Binding
	number  int
	object  safejs.Value

	// turn holds a token while a call is under way. asks belongs to the call that has the token. Order of locks: turn before
	// mu.
	turn chan struct{}
	asks interaction

	// life ends when the device is released. Its cause says why, unless the caller closed the device.
	life context.Context
	end  context.CancelCauseFunc

	mu     sync.Mutex
	opened bool
	closed bool
	status *binding.Status // as the device last reported it
	known  *binding.Known  // what the record says, if there is one
}

// deviceMethod implements a method of a device's JavaScript object.
type deviceMethod = func(*openDevice, []safejs.Value) (any, error)

// deviceMethods are the methods of a device's JavaScript object. The name of a coin's method begins with the name of the
// coin's object and a dot.
var deviceMethods = merge(ownMethods, ethereumMethods, otherCoins)

var ownMethods = map[string]deviceMethod{
	"bindingStatus":     (*openDevice).bindingStatus,
	"showBindingCode":   (*openDevice).showBindingCode,
	"bind":              (*openDevice).bind,
	"revealBindingCode": (*openDevice).revealBindingCode,
	"forget":            (*openDevice).forget,
	"close":             func(d *openDevice, _ []safejs.Value) (any, error) { d.close(); return nil, nil },
}

func merge(all ...map[string]deviceMethod) map[string]deviceMethod {
	methods := map[string]deviceMethod{}
	for _, some := range all {
		for name, method := range some { // package maps is not linked otherwise
			methods[name] = method
		}
	}
	return methods
}

// interaction is the detail of an interaction event: what the device waits for. It has a reason and may have more. It is
// replaced and never changed.
type interaction map[string]any

// The reasons to wait.
const (
	confirm  = "confirm"
	readCode = "read-code"
)

// do waits for the device's turn and runs one call, which ends when the signal fires. asks is what the device may wait for during
// the call.
func (d *openDevice) do(signal safejs.Value, asks interaction, call func(ctx context.Context) error) error {
	ctx, stop, err := interop.WithSignal(d.life, signal)
	if err != nil {
		return err
	}
	defer stop()
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-d.link.Gone():
		return d.cause(d.link.Err())
	case <-ctx.Done():
		return d.cause(errcode.FromContext("waiting for the device", ctx.Err()))
	}
	if err := ctx.Err(); err != nil {
		return d.cause(errcode.FromContext("waiting for the device", err))
	}
	d.asks = asks
	err = call(ctx)
	if d.assumed && d.binding.Changed() {
		err = errChanged
		d.replaced()
	}
	return d.cause(err)
}

// open opens and identifies the device, and makes its JavaScript object. On failure it releases everything.
func (d *openDevice) open(ctx context.Context, usb safejs.Value, store binding.Store) error {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	link, err := webusb.Open(ctx, usb, webusb.Options{USB: d.options.usb, Locks: d.core.locks, TakeOver: d.options.takeOver})
	if err != nil {
		return err
	}
	if !d.took(link) {
		link.Close()
		return context.Cause(d.life)
	}
	go d.watch()
	// On failure these close the link.
	d.usb = usb
	config := binding.Config{Store: store, TrustedCAs: d.options.trustedCAs}
	before, doubted := d.core.before(usb)
	recognised := func(seid string) bool {
		if !doubted {
			config.Identity = binding.Recognise(ctx, config, seid)
		}
		return config.Identity != nil
	}
	if d.options.resume && before != nil && (before.Info().Certificate != nil || recognised(before.Info().SEID)) {
		d.assumed = true
		d.device, err = device.Resume(ctx, link, d.waiting, before)
	} else {
		d.device, err = device.OpenKnown(ctx, link, d.waiting, func(i *device.Info) bool {
			if !d.options.resume {
				return false
			}
			if i.Certificate == nil && recognised(i.SEID) {
				d.assumed, i.Serial = true, config.Identity.Serial
				return true
			}
			known, err := binding.Look(ctx, store, i.SEID)
			return err == nil && i.Certificate != nil && known.State == binding.Bound
		})
	}
	if err != nil {
		return err
	}
	d.binding = binding.New(d.device, config)
	if err = d.binding.Expect(d.options.shown); err == nil {
		d.look(ctx, store)
		if d.object, err = d.core.add(d); err == nil {
			d.mu.Lock()
			d.opened = true
			d.mu.Unlock()
			err = ctx.Err()
		}
		d.core.keep(usb, d.device)
	}
	if err != nil {
		d.close()
		return errcode.Wrap(errcode.Of(err), "open", err)
	}
	return nil
}

func (d *openDevice) bindingStatus(args []safejs.Value) (any, error) {
	options, err := readCallOptions(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	var status binding.Status
	err = d.do(options.signal, interaction{"reason": confirm}, func(ctx context.Context) (err error) {
		status, err = d.binding.Accept(ctx, d.consent(options))
		if err == nil {
			d.heard(status)
		}
		return err
	})
	return status.String(), err
}

func (d *openDevice) showBindingCode(args []safejs.Value) (any, error) {
	options, err := readCallOptions(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	return nil, d.do(options.signal, interaction{"reason": readCode}, d.binding.ShowCode)
}

func (d *openDevice) bind(args []safejs.Value) (any, error) {
	typed, ok := interop.Runes(interop.Argument(args, 0), maxCode)
	if !ok {
		return nil, errcode.Invalid("code", "not a string, or too long")
	}
	code := new(bindcode.Code) // not on the stack, of which a copy remains when it grows
	defer code.Wipe()
	if err := code.Read(typed); err != nil {
		return nil, err
	}
	options, err := readCallOptions(interop.Argument(args, 1))
	if err != nil {
		return nil, err
	}
	choices := binding.BindOptions{
		Consent:      d.consent(options),
		RememberCode: or(options.rememberCode, d.options.rememberCode),
		NewKey:       or(options.newKey, false),
	}
	return nil, d.do(options.signal, interaction{"reason": confirm}, func(ctx context.Context) error {
		if err := d.binding.BindWith(ctx, code, choices); err != nil {
			return err
		}
		d.heard(binding.BoundToThis)
		return nil
	})
}

func (d *openDevice) revealBindingCode(args []safejs.Value) (any, error) {
	options, err := readCallOptions(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	var text any
	err = d.do(options.signal, interaction{"reason": confirm}, func(ctx context.Context) error {
		code, kept, err := d.binding.RevealCode(ctx, d.consent(options))
		if err != nil {
			return err
		}
		defer code.Wipe()
		if !kept {
			return errcode.Because(errcode.NotBound, "not-remembered", "this browser was not asked to remember the code")
		}
		text, err = interop.ASCII(code[:])
		return err
	})
	return text, err
}

// maxCode is the length of the longest text that bind reads as a code.
const maxCode = 4096

func (d *openDevice) forget(args []safejs.Value) (any, error) {
	options, err := readCallOptions(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	return nil, d.do(options.signal, interaction{"reason": confirm}, func(ctx context.Context) error {
		return d.binding.Forget(ctx, options.shown)
	})
}

// consent returns the user's decision about the device, as the page passes it on.
func (d *openDevice) consent(options callOptions) binding.Consent {
	return binding.Consent{Shown: options.shown, AcceptUnverified: or(options.acceptUnverified, d.options.allowUnverified)}
}

// close releases the device. A call under way ends.
func (d *openDevice) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.core.drop(d)
	// The caller could do nothing about an error: the link has ended in any case.
	_ = d.device.Close()
}

// waiting is called by package device when the device begins and stops to wait for the user.
func (d *openDevice) waiting(yes bool) {
	detail := map[string]any{"state": "done"}
	if yes {
		detail["state"] = "waiting"
	}
	for name, value := range d.asks {
		detail[name] = value
	}
	d.emit("interaction", detail)
}

// heard stores what the device reported about its binding, and fires bindingchange if that is new. The first report is not new,
// since the page asked for it, except after binding.
func (d *openDevice) heard(status binding.Status) {
	d.mu.Lock()
	news := d.status != nil && *d.status != status || d.status == nil && status == binding.BoundToThis
	d.status = &status
	d.mu.Unlock()
	if news {
		d.emit("bindingchange", map[string]any{"status": status.String()})
	}
}

// emit calls the page's listener. An exception in it is ignored.
func (d *openDevice) emit(name string, detail map[string]any) {
	_, _ = d.options.onEvent.Invoke(name, detail)
}

// info returns the value of the device's info property. It holds no secret.
func (d *openDevice) info() safejs.Value {
	i := d.device.Info()
	identity := d.binding.Identity()
	d.mu.Lock()
	known := d.known
	d.mu.Unlock()
	var name, boundAt any
	if known != nil {
		name = orNull(known.Name)
		if known.State == binding.Bound {
			boundAt = records.Date(known.BoundAt)
		}
	}
	v, err := safejs.ValueOf(map[string]any{
		"seid": i.SEID, "serial": i.Serial,
		"firmware": orNull(i.Firmware), "bootloader": orNull(i.BootLoader),
		"battery": battery(i), "charging": charging(i),
		"lifeCycle": orNull(i.LifeCycle), "bleName": orNull(i.BLEName), "bleVersion": orNull(i.BLEVersion),
		"secureElementKey": records.Key(identity.SE), "certificate": identity.Standing.String(), "certificateKey": records.Key(identity.CA),
		"persisted": d.core.persistence(),
		"name":      name, "boundAt": boundAt,
	})
	if err != nil {
		return safejs.Undefined()
	}
	return v
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func battery(i device.Info) any {
	if i.Battery < 0 {
		return nil
	}
	return i.Battery
}

// charging is null if the device did not report its battery.
func charging(i device.Info) any {
	if i.Battery < 0 && !i.Charging {
		return nil
	}
	return i.Charging
}
