package trace

import (
	"encoding/hex"
	"fmt"

	"imkey-connect/devicesim/usb"
)

// Tap logs an event on the bus. It is a tap for usb.NewPort and for device.Options.Tap.
func (r *Tracer) Tap(e usb.TapEvent) {
	switch e.Kind {
	case usb.TapPlug:
		r.Plug(e.Text)
	case usb.TapControl:
		r.Control(e.Setup, e.Data, faultText(e.Err))
	case usb.TapPacket:
		vendor := e.Endpoint == usb.EndpointIn || e.Endpoint == usb.EndpointOut
		if vendor && e.Err == nil {
			r.Packet(e.Dir, e.Data)
			return
		}
		// A packet that failed, or one of the HID interface, belongs to no message.
		text := fmt.Sprintf("endpoint %02x", e.Endpoint)
		if len(e.Data) > 0 {
			text += fmt.Sprintf(", %d bytes", len(e.Data))
		}
		fault := faultText(e.Err)
		if fault != "" {
			text += " → " + fault
		}
		r.log.Add(Event{Kind: KindPacket, Dir: e.Dir, Hex: hex.EncodeToString(e.Data), Text: text, Fault: fault})
	}
}

func faultText(err error) string {
	switch err {
	case nil:
		return ""
	case usb.ErrStall:
		return "stalled"
	case usb.ErrBabble:
		return "babble"
	}
	return err.Error()
}
