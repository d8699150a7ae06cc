// Package frame splits messages into packets of 64 bytes and puts packets together again, as hosts and imKeys do over WebUSB:
// core/PROTOCOL.md section 2. The format resembles CTAPHID. The package works in memory only.
package frame

import (
	"imkey-connect/core/errcode"
)

const (
	// PacketSize is the length of every packet in bytes. Shorter content is padded with zeros.
	PacketSize = 64
	// MaxMessage is the length of the longest message in bytes: 57 in the first packet and 59 in each of 128 continuations.
	MaxMessage = firstData + maxContinuations*nextData

	firstData        = PacketSize - 7
	nextData         = PacketSize - 5
	maxContinuations = 128
)

// Packet is one packet with its padding.
type Packet [PacketSize]byte

// Command is the command byte of a first packet. Its bit 7 is set.
type Command byte

// The commands over WebUSB.
const (
	// MSG carries one command APDU or one response.
	MSG Command = 0xC3
	// CANCEL asks the device to cancel its operation.
	CANCEL Command = 0xD1
	// KEEPALIVE comes from the device while it waits for the user.
	KEEPALIVE Command = 0xFB
	// ERROR comes from the device and carries one [ErrorCode].
	ERROR Command = 0xFF
)

// ErrorCode is the byte that an ERROR packet carries.
type ErrorCode byte

// The known error codes.
const (
	InvalidCommand   ErrorCode = 0x01
	InvalidParameter ErrorCode = 0x02
	InvalidLength    ErrorCode = 0x03
	InvalidSequence  ErrorCode = 0x04
	Busy             ErrorCode = 0x06
	Other            ErrorCode = 0x07
	Cancelled        ErrorCode = 0xFE
)

// Known reports whether the code is one of the known ones.
func (c ErrorCode) Known() bool {
	switch c {
	case InvalidCommand, InvalidParameter, InvalidLength, InvalidSequence, Busy, Other, Cancelled:
		return true
	}
	return false
}

// Split returns the packets of a MSG with the message, which has 1 to [MaxMessage] bytes. Another length is an error with code
// internal.
func Split(msg []byte) ([]Packet, error) {
	if len(msg) == 0 || len(msg) > MaxMessage {
		return nil, errcode.New(errcode.Internal, "frame: a message has 1 to 7609 bytes")
	}
	var first Packet
	rest := msg[fill(&first, MSG, msg):]
	packets := append(make([]Packet, 0, 1+(len(rest)+nextData-1)/nextData), first)
	for seq := 0; len(rest) > 0; seq++ {
		var p Packet
		p[4] = byte(seq)
		rest = rest[copy(p[5:], rest):]
		packets = append(packets, p)
	}
	return packets, nil
}

// Cancel returns a CANCEL packet.
func Cancel() (p Packet) { fill(&p, CANCEL, nil); return p }

// KeepAlive returns a KEEPALIVE packet with its one status byte.
func KeepAlive(status byte) (p Packet) { fill(&p, KEEPALIVE, []byte{status}); return p }

// Error returns an ERROR packet.
func Error(code ErrorCode) (p Packet) { fill(&p, ERROR, []byte{byte(code)}); return p }

// fill writes a first packet on channel 0 and returns how many bytes of data it used.
func fill(p *Packet, cmd Command, data []byte) int {
	p[4] = byte(cmd)
	p[5], p[6] = byte(len(data)>>8), byte(len(data))
	return copy(p[7:], data)
}

// Kind is the kind of an [Event].
type Kind int

// The kinds of event.
const (
	// None means that the message continues in the next packet.
	None Kind = iota
	// Message means that a message is complete.
	Message
	// WasCancel means that the packet was a CANCEL, from the host.
	WasCancel
	// WasKeepAlive means that the packet was a KEEPALIVE, from the device.
	WasKeepAlive
	// WasError means that the packet was an ERROR with a known code, from the device.
	WasError
)

// Event is the meaning of one packet.
type Event struct {
	Kind Kind
	// Data is the message. It belongs to the caller.
	Data []byte
	// Code is the error code of an ERROR.
	Code ErrorCode
}

// FormatError says how a packet breaks the rules. Code is the error code with which a device answers.
type FormatError struct {
	Code   ErrorCode
	Reason string
}

func (e *FormatError) Error() string { return "frame: " + e.Reason }

// Unwrap returns the code protocol.
func (e *FormatError) Unwrap() error { return errcode.Protocol }

// Assembler puts packets together again. The zero value is ready to use. A packet that breaks the rules gives a [FormatError]
// and drops the message under way. A CANCEL or an ERROR inside a message drops the message as well. A KEEPALIVE inside a
// message breaks the rules.
type Assembler struct {
	buf   []byte
	total int
	seq   int
	open  bool
}

// Reset drops a message under way.
func (a *Assembler) Reset() { *a = Assembler{} }

// Pending reports whether a message is under way.
func (a *Assembler) Pending() bool { return a.open }

// Add adds the next packet.
func (a *Assembler) Add(p []byte) (Event, error) {
	if len(p) != PacketSize {
		return a.fail(InvalidLength, "a packet has 64 bytes")
	}
	if p[0]|p[1]|p[2]|p[3] != 0 {
		return a.fail(InvalidParameter, "a packet of another channel")
	}
	if p[4]&0x80 == 0 {
		return a.next(p)
	}
	if a.open && Command(p[4]) != CANCEL && Command(p[4]) != ERROR {
		return a.fail(InvalidSequence, "a new packet inside a message")
	}
	a.Reset()
	n := int(p[5])<<8 | int(p[6])
	switch Command(p[4]) {
	case MSG:
		if n == 0 || n > MaxMessage {
			return a.fail(InvalidLength, "a message has 1 to 7609 bytes")
		}
		a.total, a.open = n, true
		return a.take(p[7:])
	case CANCEL:
		if n != 0 {
			return a.fail(InvalidLength, "a CANCEL is empty")
		}
		return Event{Kind: WasCancel}, nil
	case KEEPALIVE:
		if n > firstData {
			return a.fail(InvalidLength, "a KEEPALIVE is one packet")
		}
		return Event{Kind: WasKeepAlive}, nil
	case ERROR:
		if n != 1 {
			return a.fail(InvalidLength, "an ERROR has one byte")
		}
		if code := ErrorCode(p[7]); code.Known() {
			return Event{Kind: WasError, Code: code}, nil
		}
		return a.fail(InvalidParameter, "unknown error code")
	}
	return a.fail(InvalidCommand, "unknown command")
}

func (a *Assembler) next(p []byte) (Event, error) {
	if !a.open {
		return a.fail(InvalidSequence, "a continuation without a first packet")
	}
	if int(p[4]) != a.seq {
		return a.fail(InvalidSequence, "a continuation out of order")
	}
	a.seq++
	return a.take(p[5:])
}

func (a *Assembler) take(data []byte) (Event, error) {
	a.buf = append(a.buf, data[:min(len(data), a.total-len(a.buf))]...)
	if len(a.buf) < a.total {
		return Event{}, nil
	}
	e := Event{Kind: Message, Data: a.buf}
	a.Reset()
	return e, nil
}

func (a *Assembler) fail(code ErrorCode, reason string) (Event, error) {
	a.Reset()
	return Event{}, &FormatError{Code: code, Reason: reason}
}
