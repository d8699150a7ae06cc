package trace

import (
	"encoding/hex"
	"sync"
)

// Tracer logs what passes a device's port, and assembles the APDUs from the packets. Its methods are safe for concurrent use
// and do not block.
type Tracer struct {
	log *Log

	mu      sync.Mutex
	out, in message
	command []byte // the last command, which the next response answers
	texts   Texts
}

// NewTracer returns a tracer that adds events to a log.
func NewTracer(log *Log) *Tracer { return &Tracer{log: log} }

// Packet logs one packet in a direction (Out or In), and the APDU if the packet completes one.
func (r *Tracer) Packet(dir string, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.Add(Event{Kind: KindPacket, Dir: dir, Hex: hex.EncodeToString(p), Text: PacketText(p)})
	if dir == Out {
		if command, ok := r.out.add(p); ok {
			r.command = command
			r.log.Add(Event{Kind: KindAPDU, Dir: Out, Hex: hex.EncodeToString(command), Text: r.texts.Command(command)})
		}
		return
	}
	if response, ok := r.in.add(p); ok {
		r.log.Add(Event{Kind: KindAPDU, Dir: In, Hex: hex.EncodeToString(response), Text: r.texts.Response(r.command, response)})
		r.command = nil
	}
}

// Control logs one control request with its data, in the setup packet's direction. It appends a fault, such as "stalled", to
// the text unless that is empty.
func (r *Tracer) Control(setup [8]byte, data []byte, fault string) {
	dir := Out
	if setup[0]&0x80 != 0 {
		dir = In
	}
	text := ControlText(setup)
	if fault != "" {
		text += " → " + fault
	}
	r.log.Add(Event{Kind: KindControl, Dir: dir, Hex: hex.EncodeToString(setup[:]) + hex.EncodeToString(data), Text: text, Fault: fault})
}

// Plug logs that the device was plugged in, unplugged or reset, or that a host attached or detached. An incomplete message
// is dropped.
func (r *Tracer) Plug(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out, r.in, r.command, r.texts = message{}, message{}, nil, Texts{}
	r.log.Add(Event{Kind: KindPlug, Text: text})
}

// Screen logs a caption of the screen, such as "binding code", and not its lines.
func (r *Tracer) Screen(caption string) {
	r.log.Add(Event{Kind: KindScreen, Text: caption})
}
