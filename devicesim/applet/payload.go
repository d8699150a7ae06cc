package applet

import "imkey-connect/core/apdu"

// MaxChunk is the maximum number of payload bytes in one command (core/PROTOCOL.md section 3).
const MaxChunk = 245

// Chunks collects a payload that comes in several commands. The zero value is ready for the first one.
type Chunks struct {
	ins  byte // instruction of the payload under way, or 0
	data []byte
}

// Add takes the next command of a payload of at most limit bytes. It returns the whole payload with its last command, and
// nil before. P1 is 00 in the first command and 80 in all others; P2 is 80 in the last command and 00 in all others. An error
// ends the payload under way.
func (p *Chunks) Add(c apdu.Command, limit int) ([]byte, error) {
	before := *p
	*p = Chunks{}
	switch {
	case c.P1 != 0x00 && c.P1 != 0x80 || c.P2 != 0x00 && c.P2 != 0x80:
		return nil, apdu.WrongParameters
	case len(c.Data) == 0 || len(c.Data) > MaxChunk || !AnyLength(c):
		return nil, apdu.WrongLength
	case c.P1 == 0x00:
		before = Chunks{ins: c.INS}
	case before.ins != c.INS:
		return nil, apdu.ConditionsNotSatisfied
	}
	if len(before.data)+len(c.Data) > limit {
		return nil, apdu.WrongData
	}
	before.data = append(before.data, c.Data...)
	if c.P2 == 0x80 {
		return before.data, nil
	}
	*p = before
	return nil, nil
}

// Series collects a payload that comes in several commands with the same instruction and the same P1. The zero value is ready for
// the first one.
type Series struct {
	ins, p1 byte
	open    bool
	data    []byte
}

// Add takes the next command of a payload of at most limit bytes. It returns the whole payload with its last command, and nil
// before. P2 is 80 in the last command and 00 in all others. A command with another instruction or P1 begins another payload. An
// error ends the payload under way.
func (p *Series) Add(c apdu.Command, limit int) ([]byte, error) {
	before := *p
	*p = Series{}
	switch {
	case c.P2 != 0x00 && c.P2 != 0x80:
		return nil, apdu.WrongParameters
	case len(c.Data) == 0 || len(c.Data) > MaxChunk || !AnyLength(c):
		return nil, apdu.WrongLength
	case !before.open || before.ins != c.INS || before.p1 != c.P1:
		before = Series{ins: c.INS, p1: c.P1, open: true}
	}
	if len(before.data)+len(c.Data) > limit {
		return nil, apdu.WrongData
	}
	before.data = append(before.data, c.Data...)
	if c.P2 == 0x80 {
		return before.data, nil
	}
	*p = before
	return nil, nil
}

// Begins reports whether the next command of an instruction and P1 begins a payload.
func (p *Series) Begins(ins, p1 byte) bool { return !p.open || p.ins != ins || p.p1 != p1 }

// Fields reads a payload's fields in their order. After an error every further read fails too, and End reports it.
type Fields struct {
	rest []byte
	bad  bool
}

// NewFields returns the fields of a payload.
func NewFields(payload []byte) *Fields { return &Fields{rest: payload} }

// Next reads the field with a tag; its length is written in lengthBytes bytes, big-endian. It returns nil after an error.
func (f *Fields) Next(tag byte, lengthBytes int) []byte {
	head := 1 + lengthBytes
	if f.bad || len(f.rest) < head || f.rest[0] != tag {
		f.bad = true
		return nil
	}
	length := 0
	for _, b := range f.rest[1:head] {
		length = length<<8 | int(b)
	}
	if len(f.rest)-head < length {
		f.bad = true
		return nil
	}
	value := f.rest[head : head+length]
	f.rest = f.rest[head+length:]
	return value
}

// Rest returns what follows the last field that was read.
func (f *Fields) Rest() []byte { return f.rest }

// End returns [apdu.WrongData] if a field could not be read or if bytes are left.
func (f *Fields) End() error {
	if f.bad || len(f.rest) > 0 {
		return apdu.WrongData
	}
	return nil
}
