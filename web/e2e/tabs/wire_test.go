package tabs

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/usb"
)

// wireOrder follows the packets of one device and notes the packets that interrupt an exchange.
type wireOrder struct {
	mu                 sync.Mutex
	out, in            frame.Assembler
	pending            bool // the device has not answered yet
	exchanges, cancels int
	wrong              []string // what was found
}

// tap takes an event of the bus.
func (w *wireOrder) tap(e usb.TapEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case e.Kind == usb.TapPlug:
		w.out.Reset()
		w.in.Reset()
		w.pending = false
	case e.Kind != usb.TapPacket || e.Err != nil || len(e.Data) != frame.PacketSize:
	case e.Dir == "out":
		if w.pending && frame.Command(e.Data[4]) == frame.MSG {
			w.wrong = append(w.wrong, "a message before the answer to the previous one")
		}
		ev, err := w.out.Add(e.Data)
		switch {
		case err != nil:
			w.wrong = append(w.wrong, "to the device: "+err.Error())
		case ev.Kind == frame.Message:
			w.pending = true
			w.exchanges++
		case ev.Kind == frame.WasCancel:
			w.cancels++
		}
	default:
		ev, err := w.in.Add(e.Data)
		switch {
		case err != nil:
			w.wrong = append(w.wrong, "to the host: "+err.Error())
		case ev.Kind == frame.Message:
			w.pending = false
		case ev.Kind == frame.WasError:
			w.pending = false
			if ev.Code != frame.Cancelled && ev.Code != frame.InvalidCommand {
				w.wrong = append(w.wrong, fmt.Sprintf("the device refused a packet: ERROR %02X", byte(ev.Code)))
			}
		}
	}
}

// check fails the test where an exchange was interrupted. It returns the number of exchanges and of CANCEL packets.
func (w *wireOrder) check(t *testing.T) (exchanges, cancels int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(t, w.wrong)
	return w.exchanges, w.cancels
}

// TestInterleavedExchangesAreFound checks that wireOrder reports packets inside another exchange, and nothing else.
func TestInterleavedExchangesAreFound(t *testing.T) {
	t.Parallel()
	message, err := frame.Split(make([]byte, 100))
	require.NoError(t, err)
	answer, err := frame.Split([]byte{0x90, 0})
	require.NoError(t, err)
	out := func(p frame.Packet) usb.TapEvent { return usb.TapEvent{Kind: usb.TapPacket, Dir: "out", Data: p[:]} }
	in := func(p frame.Packet) usb.TapEvent { return usb.TapEvent{Kind: usb.TapPacket, Dir: "in", Data: p[:]} }
	exchange := []usb.TapEvent{out(message[0]), out(message[1]), in(frame.KeepAlive(2)), in(answer[0])}
	cancelled := []usb.TapEvent{out(message[0]), out(message[1]), in(frame.KeepAlive(2)), out(frame.Cancel()), in(frame.Error(frame.Cancelled))}
	for what, c := range map[string]struct {
		events []usb.TapEvent
		ok     bool
	}{
		"one after the other":             {slices.Concat(exchange, exchange, cancelled, exchange), true},
		"unplugged in the middle":         {slices.Concat(exchange[:1], []usb.TapEvent{{Kind: usb.TapPlug}}, exchange), true},
		"a message inside a message":      {slices.Concat(exchange[:1], exchange), false},
		"a message before an answer":      {slices.Concat(exchange[:3], exchange), false},
		"a packet of another message":     {slices.Concat(exchange, exchange[1:]), false},
		"a message before a cancellation": {slices.Concat(cancelled[:4], exchange), false},
		"a refusal":                       {slices.Concat(exchange[:2], []usb.TapEvent{in(frame.Error(frame.Busy))}), false},
	} {
		var w wireOrder
		for _, e := range c.events {
			w.tap(e)
		}
		require.Equal(t, c.ok, len(w.wrong) == 0, "%s: %v", what, w.wrong)
	}
}
