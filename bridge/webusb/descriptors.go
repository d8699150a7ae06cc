//go:build js && wasm

package webusb

import (
	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/usbids"
)

// More than this of anything in a configuration is nonsense.
const maxDescriptors = 255

// endpoints is where packets go, as the descriptors say.
type endpoints struct {
	iface, alternate, out, in int
}

// find looks in the configuration for the first interface with an alternate setting of class FF that has an OUT and an IN
// endpoint for our packets. A device without one is not-imkey.
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
	return endpoints{}, errcode.New(errcode.NotIMKey, "no interface of an imKey")
}

// add takes the first bulk or interrupt endpoint that can hold a packet, per direction.
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
