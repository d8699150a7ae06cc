// Package tlv reads and writes the BER-TLV encoding (X.690) of attestation certificates and records. It is strict: tags
// have one or two bytes, lengths are definite, at most 65535 and in their shortest form, and no bytes follow the end.
package tlv

import "imkey-connect/core/errcode"

// TLV is one tag with its value. Raw is the whole encoding with tag and length, which is what signatures cover.
type TLV struct {
	Tag   uint16
	Value []byte
	Raw   []byte
}

// Next reads the TLV at the beginning of b and returns it and the bytes that follow. The slices alias b. Errors have code
// protocol.
func Next(b []byte) (t TLV, rest []byte, err error) {
	n := 0
	if len(b) == 0 {
		return t, nil, bad("no tag")
	}
	t.Tag = uint16(b[0])
	n++
	if b[0]&0x1F == 0x1F {
		if len(b) < 2 || b[1]&0x80 != 0 || b[1] < 0x1F {
			return t, nil, bad("malformed tag")
		}
		t.Tag = t.Tag<<8 | uint16(b[1])
		n++
	}
	if len(b) < n+1 {
		return t, nil, bad("no length")
	}
	length := int(b[n])
	n++
	switch {
	case length < 0x80:
	case length == 0x81:
		if len(b) < n+1 || b[n] < 0x80 {
			return t, nil, bad("malformed length")
		}
		length = int(b[n])
		n++
	case length == 0x82:
		if len(b) < n+2 || b[n] == 0 {
			return t, nil, bad("malformed length")
		}
		length = int(b[n])<<8 | int(b[n+1])
		n += 2
	default:
		return t, nil, bad("malformed length")
	}
	if len(b)-n < length {
		return t, nil, bad("truncated value")
	}
	t.Value, t.Raw = b[n:n+length], b[:n+length]
	return t, b[n+length:], nil
}

// All reads the TLVs of which b consists. Errors have code protocol.
func All(b []byte) ([]TLV, error) {
	var all []TLV
	for len(b) > 0 {
		t, rest, err := Next(b)
		if err != nil {
			return nil, err
		}
		all, b = append(all, t), rest
	}
	return all, nil
}

// Append appends a TLV to dst. It panics if the value has more than 65535 bytes.
func Append(dst []byte, tag uint16, value []byte) []byte {
	if tag > 0xFF {
		dst = append(dst, byte(tag>>8))
	}
	dst = append(dst, byte(tag))
	switch n := len(value); {
	case n < 0x80:
		dst = append(dst, byte(n))
	case n <= 0xFF:
		dst = append(dst, 0x81, byte(n))
	case n <= 0xFFFF:
		dst = append(dst, 0x82, byte(n>>8), byte(n))
	default:
		panic("tlv: value longer than 65535 bytes")
	}
	return append(dst, value...)
}

func bad(reason string) error { return errcode.New(errcode.Protocol, "tlv: "+reason) }
