// Package apdu encodes and decodes short APDUs (ISO 7816-4) as imKeys use them: core/PROTOCOL.md section 3.
package apdu

import (
	"imkey-connect/core/errcode"
)

// MaxData is the largest number of data bytes in a short command.
const MaxData = 255

// Command is a short command APDU: CLA INS P1 P2 [Lc data] [Le]. A command with Le and without data is case 2 of ISO 7816-3.
// Hosts write a command without either (case 1) as four bytes, or as five with a zero at the end.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte
	// HasLe reports whether the command ends with Le.
	HasLe bool
	Le    byte
}

// New returns a command with Le 00, which asks for an answer of any length. Hosts write most commands this way.
func New(cla, ins, p1, p2 byte, data []byte) Command {
	return Command{CLA: cla, INS: ins, P1: p1, P2: p2, Data: data, HasLe: true}
}

// Bytes encodes the command. More than [MaxData] bytes of data are an error with code internal.
func (c Command) Bytes() ([]byte, error) {
	if len(c.Data) > MaxData {
		return nil, errcode.New(errcode.Internal, "apdu: more than 255 bytes of data")
	}
	b := make([]byte, 0, 6+len(c.Data))
	b = append(b, c.CLA, c.INS, c.P1, c.P2)
	if len(c.Data) > 0 {
		b = append(b, byte(len(c.Data)))
		b = append(b, c.Data...)
	}
	if c.HasLe {
		b = append(b, c.Le)
	}
	return b, nil
}

// Parse decodes a command. A length that does not fit exactly is the error [WrongLength].
func Parse(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, WrongLength
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3]}
	switch rest := b[4:]; {
	case len(rest) == 0:
	case len(rest) == 1:
		c.HasLe, c.Le = true, rest[0]
	default:
		n := int(rest[0])
		body := rest[1:]
		if n == 0 || len(body) < n || len(body) > n+1 {
			return Command{}, WrongLength
		}
		c.Data = append([]byte(nil), body[:n]...)
		if len(body) == n+1 {
			c.HasLe, c.Le = true, body[n]
		}
	}
	return c, nil
}

// Response is the device's answer to a command: data and a status word.
type Response struct {
	Data []byte
	SW   StatusWord
}

// Bytes encodes the response.
func (r Response) Bytes() []byte {
	b := make([]byte, 0, len(r.Data)+2)
	b = append(b, r.Data...)
	return append(b, byte(r.SW>>8), byte(r.SW))
}

// ParseResponse splits an answer into data and status word. An answer of less than two bytes is an error with code protocol.
func ParseResponse(b []byte) (Response, error) {
	if len(b) < 2 {
		return Response{}, errcode.New(errcode.Protocol, "apdu: an answer without a status word")
	}
	n := len(b) - 2
	return Response{Data: append([]byte(nil), b[:n]...), SW: StatusWord(b[n])<<8 | StatusWord(b[n+1])}, nil
}
