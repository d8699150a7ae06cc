// Package usb is the simulated imKey's USB side: a port into which the device is
// plugged, one host at a time that holds it, the descriptors it shows, the
// endpoints with their halt state, and the faults a test can arm.
//
// It is a model of a bus, not of a kernel: whoever carries packets to a browser
// (package usbip, the WebSocket wire, an in-process link) takes the port with
// [Port.Attach] and speaks to the device through the [Host] it gets. All carriers
// therefore see the same device, down to stalls and zero-length packets.
//
// What is known of the real device, and what is chosen here because it is not
// public, is in core/PROTOCOL.md section 1: vendor interface 0 with bulk endpoints
// OUT 4 and IN 5, HID interface 1, full speed, 64-byte packets, iSerial = the
// imKey's serial.
//
// What a bus does and does not do:
//
//   - Attach, SET_CONFIGURATION and a bus reset start the function afresh: what it
//     was working on and what it had queued are lost. (A bus reset made by a Linux
//     host controller reaches a USB/IP server as SET_CONFIGURATION alone, hence
//     the two must not differ.)
//   - Claiming or releasing an interface and closing a page are the host's own
//     affair: nothing of it is seen on the wire, and a pending operation goes on.
//   - A stalled endpoint stays halted until CLEAR_FEATURE(ENDPOINT_HALT),
//     SET_CONFIGURATION, SET_INTERFACE or a reset.
package usb

import "errors"

const (
	VendorID  = 0x096E
	ProductID = 0x0891

	// PacketSize is the packet size of every endpoint but the control one, and of that too.
	PacketSize = 64

	// VendorInterface is WebUSB's way in; HIDInterface is the one that native hosts use.
	VendorInterface = 0
	HIDInterface    = 1

	// Endpoint addresses: number, and bit 7 for device to host.
	EndpointOut    byte = 0x04
	EndpointIn     byte = 0x85
	EndpointHIDIn  byte = 0x81
	EndpointHIDOut byte = 0x01
)

// Function is what sits behind the vendor interface's endpoints.
//
// Its methods are called one at a time, in the order in which things happened on
// the bus, and with no lock of the port held: a Function may call send, and any
// method of the Port, from inside them. Whoever calls a method of the Port must
// not hold a lock that these methods take.
type Function interface {
	// Attach says that a host has configured the device. send queues one IN packet
	// of 0 to 64 bytes (longer ones are cut) and never blocks; after the matching
	// Detach it does nothing.
	Attach(send func(packet []byte))
	// Packet hands over one OUT packet, 0 to 64 bytes, as it arrived. The slice is
	// the Function's to keep. It must return at once.
	Packet(p []byte)
	// Detach says that the host is gone or has reset the bus: pending work and
	// prepared data are lost.
	Detach()
}

// PowerFunction is a Function that also wants to know of its supply: PowerChanged
// follows every plug and unplug of the port, those made by a fault included.
type PowerFunction interface {
	Function
	PowerChanged(plugged bool)
}

// Identity is what tells one device from another.
type Identity struct {
	Serial       string // iSerial: the imKey's serial number
	Manufacturer string
	Product      string
	LandingURL   string // http:// or https://, at most 252 bytes after the scheme; "" = no WebUSB descriptor
}

var (
	// ErrInUse: another host holds the device. Errors from Attach are *InUseError, which unwraps to this.
	ErrInUse = errors.New("usb: the device is in use")
	// ErrUnplugged: the device is not plugged in, or was pulled out meanwhile.
	ErrUnplugged = errors.New("usb: the device is unplugged")
	// ErrStall: the device refused a control request, or the endpoint is halted.
	ErrStall = errors.New("usb: stall")
	// ErrBabble: the device sent more than the read had room for. The data that fitted comes with it.
	ErrBabble = errors.New("usb: babble")
	// ErrUnlinked: the transfer was given up: its context ended, or the bus was reset.
	ErrUnlinked = errors.New("usb: transfer unlinked")
	// ErrEndpoint: there is no such endpoint in that direction, or the device is not configured.
	ErrEndpoint = errors.New("usb: no such endpoint")
	// ErrClosed: this Host has let go of the device.
	ErrClosed = errors.New("usb: host closed")
)

// InUseError says who holds the device.
type InUseError struct{ By string }

func (e *InUseError) Error() string { return ErrInUse.Error() + " by " + e.By }
func (e *InUseError) Unwrap() error { return ErrInUse }

// TapKind is the kind of a TapEvent.
type TapKind string

const (
	TapPacket  TapKind = "packet"  // one packet on a data endpoint
	TapControl TapKind = "control" // one control request with its data
	TapPlug    TapKind = "plug"    // plugged, unplugged, attached, detached, reset: see Text
)

// TapEvent is one thing that happened on the bus. Data is a copy.
type TapEvent struct {
	Kind     TapKind
	Dir      string  // "out" host to device, "in" device to host, "" for plug events
	Endpoint byte    // address; 0 for control and plug
	Setup    [8]byte // control only
	Data     []byte
	Err      error  // ErrStall, ErrBabble… as the host saw it
	Text     string // plug only: "plugged", "unplugged", "attached by X", "detached", "reset"
}
