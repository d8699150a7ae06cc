// Package usb is the USB side of a simulated imKey: a [Port] into which the device
// is plugged, its descriptors, its endpoints with their halt state, and the faults
// that a test can arm.
//
// It models a bus and not a kernel. A carrier brings packets to a browser or a
// program: package usbip, the WebSocket of package wire, a link in the same
// process. It takes the port with [Port.Attach] and talks to the device through
// the [Host] that Attach returns. So all carriers see the same device, including
// stalls and zero-length packets. One host at a time holds the device.
//
// core/PROTOCOL.md section 1 has what is known of the real device, and what the
// simulator chooses because it is not public: vendor interface 0 with bulk
// endpoints OUT 4 and IN 5, HID interface 1, full speed, 64-byte packets, and the
// imKey's serial number as iSerial.
//
// The bus behaves as follows:
//
//   - Attach, SET_CONFIGURATION and a bus reset restart the function: it loses its
//     pending operation and its queued packets. SET_CONFIGURATION and a bus reset
//     have the same effect, because a USB/IP server sees the bus reset of a Linux
//     host controller only as SET_CONFIGURATION.
//   - Claiming or releasing an interface and closing a page happen in the host
//     only. The device does not see them, and a pending operation continues.
//   - A stalled endpoint stays halted until CLEAR_FEATURE(ENDPOINT_HALT),
//     SET_CONFIGURATION, SET_INTERFACE or a reset.
package usb

import (
	"errors"

	"imkey-connect/core/usbids"
)

// VendorID and ProductID are the ids that the simulated device reports.
var (
	VendorID  = usbids.Devices[0].Vendor
	ProductID = usbids.Devices[0].Product
)

const (
	// PacketSize is the maximum packet size of every endpoint in bytes, the control endpoint included.
	PacketSize = 64

	// VendorInterface is the interface for WebUSB; HIDInterface is the interface for native programs.
	VendorInterface = 0
	HIDInterface    = 1

	// Endpoint addresses: the number, with bit 7 set for device to host.
	EndpointOut         = usbids.EndpointOut
	EndpointIn          = usbids.EndpointIn
	EndpointHIDIn  byte = 0x81
	EndpointHIDOut byte = 0x01
)

// Function is the device behind the endpoints of the vendor interface.
//
// Its methods are called one at a time, in the order of the events on the bus, and
// with no lock of the port held. So a Function may call send and any method of the
// Port in them. A caller of a method of the Port must not hold a lock that the
// Function's methods take.
type Function interface {
	// Attach is called when a host has configured the device. send queues one IN
	// packet of 0 to 64 bytes (a longer one is cut) and never blocks. After the next
	// Detach it does nothing.
	Attach(send func(packet []byte))
	// Packet is called with each OUT packet, 0 to 64 bytes. The Function may keep the
	// slice. It must return at once.
	Packet(p []byte)
	// Detach is called when the host is gone or has reset the bus: pending work and
	// prepared data are lost.
	Detach()
}

// PowerFunction is a Function that has a power supply. PowerChanged is called after
// each plug and unplug of the port, including those by a fault.
type PowerFunction interface {
	Function
	PowerChanged(plugged bool)
}

// Identity is what differs between devices.
type Identity struct {
	Serial       string // iSerial: the imKey's serial number
	Manufacturer string
	Product      string
	LandingURL   string // http:// or https:// and at most 252 bytes; without one there is no WebUSB descriptor
}

var (
	// ErrInUse: another host holds the device. Errors from Attach are *InUseError, which unwraps to this.
	ErrInUse = errors.New("usb: the device is in use")
	// ErrUnplugged: the device is not plugged in, or was unplugged during the call.
	ErrUnplugged = errors.New("usb: the device is unplugged")
	// ErrStall: the device refused a control request, or the endpoint is halted.
	ErrStall = errors.New("usb: stall")
	// ErrBabble: the device sent more than the read had room for. The data that fits is returned with it.
	ErrBabble = errors.New("usb: babble")
	// ErrUnlinked: the transfer was given up, because its context ended or the bus was reset.
	ErrUnlinked = errors.New("usb: transfer unlinked")
	// ErrEndpoint: there is no such endpoint in that direction, or the device is not configured.
	ErrEndpoint = errors.New("usb: no such endpoint")
	// ErrClosed: this Host has released the device.
	ErrClosed = errors.New("usb: host closed")
)

// InUseError is an attach that failed because another host, By, holds the device.
type InUseError struct{ By string }

func (e *InUseError) Error() string { return ErrInUse.Error() + " by " + e.By }
func (e *InUseError) Unwrap() error { return ErrInUse }

// TapKind is the kind of a TapEvent.
type TapKind string

const (
	TapPacket  TapKind = "packet"  // one packet on a data endpoint
	TapControl TapKind = "control" // one control request with its data
	TapPlug    TapKind = "plug"    // plugged, unplugged, attached, detached or reset, as Text says
)

// TapEvent is one event on the bus. Data is a copy.
type TapEvent struct {
	Kind     TapKind
	Dir      string  // In or Out; empty for TapPlug
	Endpoint byte    // address; 0 for TapControl and TapPlug
	Setup    [8]byte // of TapControl
	Data     []byte
	Err      error  // what the host got, as ErrStall
	Text     string // of TapPlug: "plugged", "unplugged", "attached by X", "detached" or "reset"
}
