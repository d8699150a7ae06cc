package trace

import (
	"encoding/hex"
	"fmt"

	"imkey-connect/devicesim/usb"
)

// Tap records what a port tells of; it is made to be given to usb.NewPort, or as devicesim.Options.Tap.
func (r *Recorder) Tap(e usb.TapEvent) {
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
		// What failed, or belongs to the HID interface, is no part of a message.
		text := fmt.Sprintf("endpoint %02x", e.Endpoint)
		if len(e.Data) > 0 {
			text += fmt.Sprintf(", %d bytes", len(e.Data))
		}
		if fault := faultText(e.Err); fault != "" {
			text += " → " + fault
		}
		r.log.Add(Event{Kind: KindPacket, Dir: e.Dir, Hex: hex.EncodeToString(e.Data), Text: text})
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
