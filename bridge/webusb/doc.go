// Package webusb is a [imkey-connect/core/transport.Link] to an imKey behind a USBDevice object, which is the browser's or one with
// the same behaviour.
//
// The page asks the user for the device, since the browser opens its chooser only in a click. This package gets a USBDevice and the
// USB object that it came from, which reports that the device was unplugged.
//
// WebUSB cannot cancel a transfer. A Receive whose context ends leaves its read to the browser, and the next Receive continues it.
// Reset releases, closes and opens the device. The results of earlier reads and writes are then ignored.
//
// One link at a time has the device. Package handover says how a page gets it, and how another page takes it over. A page that is
// about to be frozen calls Link.Abandon.
//
// The files: link.go (the life of a link), claim.go (from closed to claimed and back), transfer.go (packets), unplug.go (why a
// device is gone), descriptors.go (which interface), errors.go (what the browser's exceptions mean).
package webusb
