// Package transport moves APDUs between a host and one imKey. A [Link] moves packets; WebUSB in the browser and the simulator in
// the same process implement it, and a new way to reach a device needs to implement nothing else. A [Channel] exchanges
// commands and answers over a Link, one exchange at a time. It handles keep-alives, errors and cancellation
// (core/PROTOCOL.md section 2).
//
// Package transporttest has the tests that every Link must pass.
package transport

import (
	"context"

	"imkey-connect/core/frame"
)

// Link moves packets between a host and one device. One goroutine at a time uses a Link. Only Close may be called at any time;
// it ends what is under way with device-disconnected.
//
// Errors have the code device-disconnected once the device is unplugged or the link is closed; protocol for a stall, babble
// or a packet that is not 64 bytes long; aborted or timeout for the context.
type Link interface {
	// Send sends one packet to the device.
	Send(ctx context.Context, p *frame.Packet) error
	// Receive waits for the device's next packet. WebUSB cannot cancel a read: if the context ends, the read stays
	// outstanding, and the next Receive continues it. So no packet is lost.
	Receive(ctx context.Context) (frame.Packet, error)
	// Reset drops everything outstanding in the host and on the way. After Reset no earlier packet arrives.
	Reset(ctx context.Context) error
	// Close releases the device. It may be called more than once.
	Close() error
}
