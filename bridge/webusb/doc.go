// Package webusb reaches an imKey behind a USBDevice object, the browser's own or one that behaves alike, as a
// [imkey-connect/core/transport.Link].
//
// Asking for the device and knowing about devices is the page's part, since the chooser must open inside a click; this
// package gets a USBDevice and the USB object that it came from, which announces that it was unplugged.
//
// What is outstanding: WebUSB cannot take a transfer back. A Receive that is cancelled leaves its read with the browser, and
// the next Receive continues it. Reset releases, closes and opens the device, and forgets the reads and writes from before:
// what they still bring is thrown away.
//
// Who may hold the device: one link at a time. The operating system keeps other programs and other origins' pages out by
// the claim of the interface; within the origin, a Web Lock named after the serial number tells a second tab, or a second
// link of this page, at once. The lock also makes the holder the only one in this browser that writes the device's record.
package webusb
