//go:build js && wasm

package webusb

import (
	"context"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/core/errcode"
)

// links is every USBDevice that has a link in this module. A page may have no Web Locks, and its own claim does not keep it
// from claiming again.
var links = struct {
	mu      sync.Mutex
	all     []*Link
	changed chan struct{} // closed and replaced when one leaves
}{changed: make(chan struct{})}

// enter notes that a device has this link. Where it has one already it waits a moment, for that one may be closing; to take
// over, that one is asked to let go.
func (l *Link) enter(ctx context.Context, takeOver bool) error {
	within := lockWithin
	if takeOver {
		within = handOverWithin
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		links.mu.Lock()
		changed := links.changed
		other := linkOf(l.device)
		if other == nil {
			links.all = append(links.all, l)
		}
		links.mu.Unlock()
		if other == nil {
			return nil
		}
		if takeOver {
			other.ask()
		}
		select {
		case <-changed:
		case <-timer.C:
			if takeOver {
				return held("this page has the device open and does not let go", "no-answer")
			}
			return held("this page has the device open already", "")
		case <-ctx.Done():
			return errcode.FromContext("wait for the device", ctx.Err())
		}
	}
}

// linkOf is the device's link, or nil; mu is held.
func linkOf(device safejs.Value) *Link {
	for _, l := range links.all {
		if l.device.Equal(device) {
			return l
		}
	}
	return nil
}

// leave is the end of what enter began.
func (l *Link) leave() {
	links.mu.Lock()
	defer links.mu.Unlock()
	for i, other := range links.all {
		if other == l {
			links.all = append(links.all[:i], links.all[i+1:]...)
			break
		}
	}
	close(links.changed)
	links.changed = make(chan struct{})
}
