package trace

import (
	"encoding/hex"
	"sync"
)

// Recorder writes what passes a device's port into a Log, and puts the packets together to whole APDUs on the way.
// Its methods are safe for concurrent use and never block.
type Recorder struct {
	log *Log

	mu      sync.Mutex
	out, in message
	command []byte // the last whole command: what a response answers
}

// NewRecorder returns a recorder that writes to log.
func NewRecorder(log *Log) *Recorder { return &Recorder{log: log} }

// Packet records one packet in direction dir (Out or In) and, if it completes a message, the APDU.
func (r *Recorder) Packet(dir string, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.Add(Event{Kind: KindPacket, Dir: dir, Hex: hex.EncodeToString(p), Text: PacketText(p)})
	if dir == Out {
		if command, ok := r.out.add(p); ok {
			r.command = command
			r.log.Add(Event{Kind: KindAPDU, Dir: Out, Hex: hex.EncodeToString(command), Text: CommandText(command)})
		}
		return
	}
	if response, ok := r.in.add(p); ok {
		r.log.Add(Event{Kind: KindAPDU, Dir: In, Hex: hex.EncodeToString(response), Text: ResponseText(r.command, response)})
		r.command = nil
	}
}

// Control records one control request; data is what it carried, in the setup packet's direction. A non-empty fault
// ("stalled") is appended to the text.
func (r *Recorder) Control(setup [8]byte, data []byte, fault string) {
	dir := Out
	if setup[0]&0x80 != 0 {
		dir = In
	}
	text := ControlText(setup)
	if fault != "" {
		text += " → " + fault
	}
	r.log.Add(Event{Kind: KindControl, Dir: dir, Hex: hex.EncodeToString(setup[:]) + hex.EncodeToString(data), Text: text})
}

// Plug records that the device or its host came, went or was reset. Messages under way end there.
func (r *Recorder) Plug(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out, r.in, r.command = message{}, message{}, nil
	r.log.Add(Event{Kind: KindPlug, Text: text})
}

// Screen records a caption of the screen ("binding code shown", "OK pressed"), never the lines themselves.
func (r *Recorder) Screen(caption string) {
	r.log.Add(Event{Kind: KindScreen, Text: caption})
}
