package harness

import (
	"encoding/binary"
	"unicode/utf16"

	"imkey-connect/devicesim/usb"
)

// Bus is how a browser reaches a simulated device.
type Bus string

// The buses. Package buses compares them.
const (
	WebSocket Bus = "websocket" // a script in the page, over a WebSocket
	Preload   Bus = "preload"   // a library that is loaded into Chromium, over USB/IP
	Kernel    Bus = "kernel"    // a Linux kernel, over USB/IP
)

// serialOf returns the serial number in the USB descriptors of a device.
func serialOf(port *usb.Port) string {
	var units []uint16
	for s := port.Descriptors().Strings[3][2:]; len(s) >= 2; s = s[2:] {
		units = append(units, binary.LittleEndian.Uint16(s))
	}
	return string(utf16.Decode(units))
}
