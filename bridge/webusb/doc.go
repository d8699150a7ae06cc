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
//
// How it changes hands: the holder has a second lock, which a page that wants the device steals. The browser tells the
// holder, and nobody else; no message is sent that a page could forge, and what is stolen is given back by the browser when
// the thief goes away. The holder then looks whether the thief is still there, for it may have slept, takes a third lock to
// show that it is awake, closes Link.Wanted, and is closed by its user when the device is idle: interface, device, lock, in
// this order. The other page looks for the third lock after 3 s and gives up if it is not there, else after 15 s. Of several
// that want the device the last one gets it, and the others are told. All that a site's scripts can do by these locks is to
// have the device given back, which they could do in other ways.
//
// A page that is about to sleep calls Link.Abandon, since nothing that waits would go on.
package webusb
