// Package usbtest has a function of a USB device for tests of the carriers.
package usbtest

import "sync"

// Echo is a usb.Function that sends each packet back.
type Echo struct {
	Quiet bool // sends nothing back

	mu   sync.Mutex
	send func([]byte)
}

// Attach implements usb.Function.
func (e *Echo) Attach(send func([]byte)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.send = send
}

// Packet implements usb.Function.
func (e *Echo) Packet(p []byte) {
	e.mu.Lock()
	send := e.send
	e.mu.Unlock()
	if !e.Quiet {
		send(p)
	}
}

// Detach implements usb.Function.
func (e *Echo) Detach() {}
