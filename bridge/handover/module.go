//go:build js && wasm

package handover

import (
	"context"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/core/errcode"
)

// leases are the leases of this module, at most one for each USBDevice object.
var leases = struct {
	mu      sync.Mutex
	all     []*Lease
	changed chan struct{} // closed and replaced when a lease leaves
}{changed: make(chan struct{})}

// enter adds the lease to the list. If its device has another lease already, it waits: that one may be closing. To take the
// device over, it asks the holder of that lease to release it.
func (l *Lease) enter(ctx context.Context, takeOver bool) error {
	within := lockWithin
	if takeOver {
		within = releaseWithin
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		leases.mu.Lock()
		changed := leases.changed
		other := leaseOf(l.Device)
		if other == nil {
			leases.all = append(leases.all, l)
		}
		leases.mu.Unlock()
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
				return inUse("this page has the device open and does not release it", "no-answer")
			}
			return inUse("this page already has the device open", "")
		case <-ctx.Done():
			return errcode.FromContext("wait for the device", ctx.Err())
		}
	}
}

// Leased reports whether a link of this module has the lease of a device.
func Leased(device safejs.Value) bool {
	leases.mu.Lock()
	defer leases.mu.Unlock()
	return leaseOf(device) != nil
}

// leaseOf returns the lease of a device, or nil. The caller holds leases.mu.
func leaseOf(device safejs.Value) *Lease {
	for _, l := range leases.all {
		if l.Device.Equal(device) {
			return l
		}
	}
	return nil
}

// leave removes the lease from the list.
func (l *Lease) leave() {
	leases.mu.Lock()
	defer leases.mu.Unlock()
	for i, other := range leases.all {
		if other == l {
			leases.all = append(leases.all[:i], leases.all[i+1:]...)
			break
		}
	}
	close(leases.changed)
	leases.changed = make(chan struct{})
}
