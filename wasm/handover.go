//go:build js && wasm

package main

import (
	"context"
	"errors"
	"time"

	"imkey-connect/bridge/webusb"
	"imkey-connect/core/errcode"
)

// This file is the part of package handover's protocol that ends the calls on a device before the device is released.

// The reasons to release a device that its caller did not close. They are the causes of openDevice.life.
var (
	errTakenOver = &errcode.Error{Code: errcode.InUseElsewhere, Op: "another tab took the device over",
		Data: map[string]any{"holder": "tab", "reason": "taken-over"}}
	errHidden = errcode.Because(errcode.Aborted, "page-hidden", "the page was frozen")
)

// idleWithin bounds the end of a call when another tab waits for the device. A device answers a CANCEL within milliseconds. One
// that does not is released all the same, and the other tab brings it to idle. Only tests change it.
var idleWithin = 8 * time.Second

// errChanged is the error of a call for which another device answered than before the page released it.
var errChanged = errcode.New(errcode.DeviceChanged, "another device answers in the place of the one that was open before")

// replaced ends a device in whose place another one answers. The next open identifies that one.
func (d *openDevice) replaced() {
	d.core.keep(d.usb, nil)
	d.close()
	d.emit("disconnect", map[string]any{"code": string(errcode.DeviceChanged), "reason": string(errcode.DeviceChanged)})
}

// cause returns why the device was released, if that is what ended a call, or else err.
func (d *openDevice) cause(err error) error {
	if err == nil || d.life.Err() == nil {
		return err
	}
	switch errcode.Of(err) {
	case errcode.Aborted, errcode.DeviceDisconnected:
		return context.Cause(d.life)
	}
	return err
}

// took stores the device's link and reports whether the page still wants the device.
func (d *openDevice) took(link *webusb.Link) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.link = link
	return !d.closed
}

// watch waits until the device is gone or another tab asks for it, and fires the disconnect event. It does nothing if the
// caller closed the device.
func (d *openDevice) watch() {
	taken := false
	select {
	case <-d.link.Wanted():
		d.end(errTakenOver)
		idle := time.NewTimer(idleWithin)
		defer idle.Stop()
		select {
		case d.turn <- struct{}{}: // the token stays taken, so that no other call starts
		case <-d.link.Gone():
		case <-idle.C:
		}
		taken = d.link.Err() == nil
	case <-d.link.Gone():
	}
	why := d.link.Err()
	if taken {
		_ = d.link.Close()
	}
	d.mu.Lock()
	silent := d.closed || !d.opened
	d.mu.Unlock()
	switch {
	case silent:
	case taken:
		d.close()
		d.emit("disconnect", map[string]any{"code": string(errcode.InUseElsewhere), "reason": "taken-over"})
	case errors.Is(why, errcode.DeviceDisconnected), errors.Is(why, errcode.PermissionDenied):
		d.core.keep(d.usb, nil)
		d.emit("disconnect", map[string]any{"code": string(errcode.Of(why))})
		// The listener and the lock are still there.
		_ = d.link.Close()
	}
}

// suspend releases every device at once, or every one that is busy, since the page is about to be frozen or closed and could not do it later.
// Calls under way end with aborted and the reason page-hidden when the page runs again.
func (c *core) suspend(busy bool) {
	c.mu.Lock()
	all := make([]*openDevice, 0, len(c.alive))
	for d := range c.alive {
		all = append(all, d)
	}
	c.mu.Unlock()
	for _, d := range all {
		if !busy || d.busy() {
			d.hide()
		}
	}
}

func (d *openDevice) busy() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.link != nil && d.link.Busy()
}

func (d *openDevice) hide() {
	d.mu.Lock()
	first, opened, link := !d.closed, d.opened, d.link
	d.closed = true
	d.mu.Unlock()
	if !first {
		return
	}
	d.end(errHidden)
	if link != nil {
		link.Abandon(errHidden)
	}
	d.core.drop(d)
	if opened {
		d.emit("disconnect", map[string]any{"code": string(errcode.Aborted), "reason": "page-hidden"})
	}
}
