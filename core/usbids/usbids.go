// Package usbids is the table of the USB ids of imKeys (core/PROTOCOL.md section 1). The bridge finds the interface with it,
// and the simulator reports its first device. The SDK's filter of vendors, the udev rule on the page and that in
// docs/hardware.md are generated from it.
//
// To add a device, add a line to [Devices] and run go generate ./core/usbids.
package usbids

//go:generate go run ./generate

// ID is what a device reports in its device descriptor.
type ID struct{ Vendor, Product uint16 }

// Devices are the known imKeys.
var Devices = []ID{
	{Vendor: 0x096E, Product: 0x0891},
}

// InterfaceClass is the class of the interface for WebUSB: vendor-specific.
const InterfaceClass = 0xFF

// The addresses of that interface's endpoints on known devices. A host reads them from the descriptors.
const (
	EndpointOut byte = 0x04
	EndpointIn  byte = 0x85
)
