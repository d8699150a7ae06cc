//go:build js && wasm

package main

import (
	"context"
	"errors"
	"time"

	"imkey-connect/bridge/webusb"
	"imkey-connect/core/errcode"
)

// The reasons to let go of a device without having been asked by its caller. They are the causes of openDevice.life.
var (
	errTakenOver = because(errcode.InUseElsewhere, "another tab took the device over", map[string]any{"holder": "tab", "reason": "taken-over"})
	errHidden    = because(errcode.Aborted, "the page was put away or frozen", map[string]any{"reason": "page-hidden"})
)

func because(code errcode.Code, op string, data map[string]any) error {
	e := errcode.New(code, op)
	e.Data = data
	return e
}

// restWithin bounds how long a call may take to end when another tab waits for the device. The device answers a CANCEL
// within milliseconds; one that does not is given away all the same, and brought to rest by whoever opens it. Only
// tests change it.
var restWithin = 8 * time.Second

// cause is why the device was let go of, where that is what ended a call; else it is err.
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

// took notes the device's link, and says if the page still wants it.
func (d *openDevice) took(link *webusb.Link) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.link = link
	return !d.closed
}

// watch waits for the end that the caller did not ask for, and tells the page of it once: the device is gone, or another
// tab asks for it.
func (d *openDevice) watch() {
	taken := false
	select {
	case <-d.link.Wanted():
		d.end(errTakenOver)
		rest := time.NewTimer(restWithin)
		defer rest.Stop()
		select {
		case d.turn <- struct{}{}: // kept: nobody has a turn any more
		case <-d.link.Gone():
		case <-rest.C:
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
		d.emit("disconnect", map[string]any{"code": string(errcode.Of(why))})
		// What is left of it in the browser: the listener, the lock.
		_ = d.link.Close()
	}
}

// suspend lets go of every device at once, since the page is about to be frozen or put away and could not do it later. What
// is under way ends, as soon as the page goes on, with aborted and the reason page-hidden.
func (c *core) suspend() {
	c.mu.Lock()
	all := make([]*openDevice, 0, len(c.alive))
	for d := range c.alive {
		all = append(all, d)
	}
	c.mu.Unlock()
	for _, d := range all {
		d.hide()
	}
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
