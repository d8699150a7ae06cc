//go:build js && wasm

package webusb

import (
	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/usbids"
)

// maxDescriptors bounds the lists in a configuration.
const maxDescriptors = 255

// endpoints are the numbers of the interface and its endpoints.
type endpoints struct {
	iface, alternate, out, in int
}

// find returns the endpoints of the first interface that has an alternate setting of class FF with an OUT and an IN endpoint for
// packets of 64 bytes. Without one the error is not-imkey.
func find(configuration safejs.Value) (endpoints, error) {
	c := interop.ReadObject(configuration, "configuration")
	for _, i := range c.List("interfaces", maxDescriptors) {
		iface := interop.ReadObject(i, "interface")
		number := iface.Int("interfaceNumber", 255)
		for _, a := range iface.List("alternates", maxDescriptors) {
			alternate := interop.ReadObject(a, "alternate")
			if alternate.Int("interfaceClass", 255) != usbids.InterfaceClass {
				continue
			}
			e := endpoints{iface: number, alternate: alternate.Int("alternateSetting", 255)}
			for _, v := range alternate.List("endpoints", maxDescriptors) {
				e.add(interop.ReadObject(v, "endpoint"))
			}
			if e.out != 0 && e.in != 0 && alternate.Err() == nil {
				return e, nil
			}
		}
	}
	return endpoints{}, errcode.New(errcode.NotIMKey, "the device has no interface of an imKey")
}

// add adds an endpoint: for each direction the first bulk or interrupt endpoint that can hold a packet.
func (e *endpoints) add(o *interop.Object) {
	number, direction, kind, size := o.Int("endpointNumber", 15), o.String("direction"), o.String("type"), o.Int("packetSize", 1<<16)
	if o.Err() != nil || kind != "bulk" && kind != "interrupt" || size < frame.PacketSize {
		return
	}
	switch {
	case direction == "out" && e.out == 0:
		e.out = number
	case direction == "in" && e.in == 0:
		e.in = number
	}
}
