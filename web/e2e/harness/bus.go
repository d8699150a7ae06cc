package harness

import (
	"encoding/binary"
	"unicode/utf16"

	"imkey-connect/devicesim/usb"
)

// Bus is a way from a browser to the simulated device; package buses says which there are.
type Bus string

const (
	WebSocket Bus = "websocket"
	Preload   Bus = "preload"
	Kernel    Bus = "kernel"
)

// serialOf is the serial number by which a host knows the device.
func serialOf(port *usb.Port) string {
	var units []uint16
	for s := port.Descriptors().Strings[3][2:]; len(s) >= 2; s = s[2:] {
		units = append(units, binary.LittleEndian.Uint16(s))
	}
	return string(utf16.Decode(units))
}
