// Package transport moves APDUs between a host and one imKey. A [Link] moves single packets and is all that a new way
// to reach a device has to provide: WebUSB in the browser, the simulator in process. A [Channel] makes exchanges of it:
// one at a time, with the device's keep-alives, errors and cancellation (core/PROTOCOL.md section 2).
//
// Package transporttest has the suite that every Link passes.
package transport

import (
	"context"

	"imkey-connect/core/frame"
)

// Link moves packets between a host and one device. A Link is used by one goroutine at a time, except that Close may be
// called at any moment and ends whatever is under way with device-disconnected.
//
// Errors are those of errcode: device-disconnected once the device is unplugged or the link closed, protocol for a
// stall, babble or a packet that is not 64 bytes long, aborted and timeout for the context.
type Link interface {
	// Send hands one packet to the device.
	Send(ctx context.Context, p *frame.Packet) error
	// Receive waits for the device's next packet. When its context ends the read stays outstanding, as on WebUSB no read
	// can be taken back: the next Receive continues it, so that no packet is ever lost in between.
	Receive(ctx context.Context) (frame.Packet, error)
	// Reset drops everything outstanding, in the host and on the way: after it no packet from before arrives.
	Reset(ctx context.Context) error
	// Close gives the device back. It may be called twice.
	Close() error
}
