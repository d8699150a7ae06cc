// Package protobuf reads the wire format of protocol buffers in the one form in which proto3 libraries write it: the fields of a
// message in the order of their numbers, numbers in the fewest bytes, and no field that has its default value. So the fields of a message
// encode to the same bytes. Groups and numbers of fixed size, which the transactions of TRON and Cosmos do not have, are refused.
package protobuf

import "imkey-connect/core/errcode"

// The wire types.
const (
	wireVarint = 0
	wireBytes  = 2
)

// maxField is the largest number of a field that this package reads.
const maxField = 1<<28 - 1

// Field is one field of a message. It is a number, or, if IsBytes is set, bytes: text, bytes or another message.
type Field struct {
	Number  int
	Value   uint64
	Bytes   []byte
	IsBytes bool
}

// Parse reads the fields of a message. Errors have code invalid-argument at this place. The bytes of the fields are slices of b. A
// number may occur more than once in a row, as repeated fields do.
func Parse(at string, b []byte) (fields []Field, err error) {
	for len(b) > 0 {
		key, ok := uvarint(&b)
		f := Field{Number: int(key >> 3), IsBytes: key&7 == wireBytes}
		if !ok || key>>3 == 0 || key>>3 > maxField || !f.IsBytes && key&7 != wireVarint {
			return nil, errcode.Invalid(at, "malformed protocol buffer")
		}
		if f.Value, ok = uvarint(&b); !ok || f.IsBytes && f.Value > uint64(len(b)) {
			return nil, errcode.Invalid(at, "truncated protocol buffer, or a number that is not in its shortest form")
		}
		last := 0
		if len(fields) > 0 {
			last = fields[len(fields)-1].Number
		}
		if f.Number < last {
			return nil, errcode.Invalid(at, "the fields of a protocol buffer are not in order")
		}
		if f.IsBytes {
			f.Bytes, b = b[:f.Value:f.Value], b[f.Value:]
			f.Value = 0
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// uvarint reads a number and moves b behind it. ok is false if it is truncated, longer than necessary or larger than 64 bits.
func uvarint(b *[]byte) (v uint64, ok bool) {
	for i, c := range *b {
		if i == 9 && c > 1 || i > 9 {
			return 0, false
		}
		v |= uint64(c&0x7F) << (7 * i)
		if c < 0x80 {
			*b = (*b)[i+1:]
			return v, i == 0 || c != 0
		}
	}
	return 0, false
}

// Append writes a field behind b.
func Append(b []byte, f Field) []byte {
	if !f.IsBytes {
		return appendUvarint(appendUvarint(b, uint64(f.Number)<<3|wireVarint), f.Value)
	}
	b = appendUvarint(appendUvarint(b, uint64(f.Number)<<3|wireBytes), uint64(len(f.Bytes)))
	return append(b, f.Bytes...)
}

func appendUvarint(b []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// Message reads the fields of a message of a known type one after another, in the order of their numbers. The first thing that is wrong stays
// in the error.
type Message struct {
	at     string
	fields []Field
	err    error
}

// Read returns a reader of the message that b is. at is its place, for errors.
func Read(at string, b []byte) *Message {
	m := &Message{at: at}
	m.fields, m.err = Parse(at, b)
	return m
}

// Fail notes what else is wrong with the message.
func (m *Message) Fail(reason string) {
	if m.err == nil {
		m.err = errcode.Invalid(m.at, reason)
	}
}

// take returns the field with this number if it is the next one and has this wire type.
func (m *Message) take(number int, bytes bool) (f Field, ok bool) {
	if m.err != nil || len(m.fields) == 0 || m.fields[0].Number != number {
		return f, false
	}
	f, m.fields = m.fields[0], m.fields[1:]
	if f.IsBytes != bytes {
		m.Fail("a field of a protocol buffer has another type")
		return f, false
	}
	return f, true
}

// written is the reason for a field with its default value, which libraries leave out, and for a field that occurs twice.
const written = "a field of a protocol buffer has its default value, or occurs twice"

// single refuses a second field with this number.
func (m *Message) single(number int) {
	if len(m.fields) > 0 && m.fields[0].Number == number {
		m.Fail(written)
	}
}

// Bytes returns the bytes of a field, which are nil if it is absent.
func (m *Message) Bytes(number int) []byte {
	f, ok := m.take(number, true)
	if !ok {
		return nil
	}
	if len(f.Bytes) == 0 {
		m.Fail(written)
	}
	m.single(number)
	return f.Bytes
}

// Repeated returns the bytes of each field with this number.
func (m *Message) Repeated(number int) (list [][]byte) {
	for {
		f, ok := m.take(number, true)
		if !ok {
			return list
		}
		list = append(list, f.Bytes)
	}
}

// Number returns a number from 0 to 2^63-1, which is 0 if the field is absent. The amounts of TRON are signed there, and never negative.
func (m *Message) Number(number int) int64 {
	f, ok := m.take(number, false)
	if !ok {
		return 0
	}
	if f.Value == 0 {
		m.Fail(written)
	}
	if int64(f.Value) < 0 {
		m.Fail("a negative number")
		return 0
	}
	m.single(number)
	return int64(f.Value)
}

// Rest reports whether fields are left, and reads no more.
func (m *Message) Rest() bool {
	rest := len(m.fields) > 0
	m.fields = nil
	return rest
}

// Err returns what is wrong. A field that was not read is an error: it could mean anything.
func (m *Message) Err() error {
	if len(m.fields) > 0 {
		m.Fail("a field that is not known there")
	}
	return m.err
}
