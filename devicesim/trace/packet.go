package trace

import (
	"encoding/binary"
	"fmt"
)

// The packet commands of core/PROTOCOL.md section 2. They do not come from core's codec, because a trace also has the packets
// that the codec refuses.
const (
	packetSize   = 64
	cmdMessage   = 0xC3
	cmdCancel    = 0xD1
	cmdKeepAlive = 0xFB
	cmdError     = 0xFF
	firstData    = 57 // bytes of a message in its first packet
	nextData     = 59 // bytes in each continuation
	maxMessage   = 57 + 128*59
)

var errorNames = map[byte]string{
	0x01: "invalid command",
	0x02: "invalid parameter",
	0x03: "invalid length",
	0x04: "invalid sequence",
	0x06: "busy",
	0x07: "other",
	0xFE: "cancelled",
}

// PacketText returns the name of one packet, as "CANCEL", "KEEPALIVE", "ERROR busy", "MSG of 76 bytes" or "continuation 0". For
// any other bytes it says why they are malformed.
func PacketText(p []byte) string {
	if len(p) != packetSize {
		return fmt.Sprintf("malformed: %d bytes instead of %d", len(p), packetSize)
	}
	if cid := binary.BigEndian.Uint32(p); cid != 0 {
		return fmt.Sprintf("malformed: channel %08x", cid)
	}
	command := p[4]
	if command&0x80 == 0 {
		return fmt.Sprintf("continuation %d", command)
	}
	count := int(binary.BigEndian.Uint16(p[5:]))
	switch command {
	case cmdMessage:
		if count > maxMessage {
			return fmt.Sprintf("malformed: MSG of %d bytes, more than %d", count, maxMessage)
		}
		return fmt.Sprintf("MSG of %d bytes", count)
	case cmdCancel:
		return "CANCEL"
	case cmdKeepAlive:
		return "KEEPALIVE"
	case cmdError:
		if name, ok := errorNames[p[7]]; ok && count == 1 {
			return "ERROR " + name
		}
		return fmt.Sprintf("ERROR with unknown code %02x", p[7])
	}
	return fmt.Sprintf("malformed: command %02x", command)
}

// message collects the packets of one message in one direction.
type message struct {
	data []byte
	want int
	next byte
	open bool
}

// add adds one packet and returns the message when it is complete. A packet out of order drops the message, so that the trace
// has no APDU that was not sent.
func (m *message) add(p []byte) ([]byte, bool) {
	if len(p) != packetSize || binary.BigEndian.Uint32(p) != 0 {
		m.open = false
		return nil, false
	}
	switch command := p[4]; {
	case command == cmdMessage:
		m.want = int(binary.BigEndian.Uint16(p[5:]))
		m.open = m.want > 0 && m.want <= maxMessage
		m.next = 0
		m.data = append([]byte(nil), p[7:7+min(m.want, firstData)]...)
	case command&0x80 != 0:
		// Section 2 allows neither a keep-alive nor an error between the packets of a message.
		m.open = false
	case !m.open || command != m.next:
		m.open = false
	default:
		m.next++
		m.data = append(m.data, p[5:5+min(m.want-len(m.data), nextData)]...)
	}
	if !m.open || len(m.data) < m.want {
		return nil, false
	}
	m.open = false
	return m.data, true
}
