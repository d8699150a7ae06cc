// Package base64 is standard base 64 with padding (RFC 4648, section 4). It is a tenth of the size of encoding/base64.
package base64

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// Encode returns the text of bytes.
func Encode(b []byte) string {
	text := make([]byte, 0, (len(b)+2)/3*4)
	for len(b) > 0 {
		n := min(len(b), 3)
		var group [3]byte
		copy(group[:], b[:n])
		bits := uint(group[0])<<16 | uint(group[1])<<8 | uint(group[2])
		for i := range 4 {
			c := byte('=')
			if i <= n {
				c = letters[bits>>(18-6*i)&63]
			}
			text = append(text, c)
		}
		b = b[n:]
	}
	return string(text)
}

// Decode reads a text with its padding. It skips the ends of lines, which some programs write. As encoding/base64, it
// ignores the unused bits of the last letter. ok is false for any other text.
func Decode(text string) (b []byte, ok bool) {
	b = make([]byte, 0, len(text)/4*3)
	bits, count, padding := uint(0), 0, 0
	for i := range len(text) {
		c := text[i]
		if c == '\n' || c == '\r' {
			continue
		}
		value := uint(0)
		switch {
		case c == '=':
			padding++
		case padding > 0:
			return nil, false
		case c >= 'A' && c <= 'Z':
			value = uint(c - 'A')
		case c >= 'a' && c <= 'z':
			value = uint(c-'a') + 26
		case c >= '0' && c <= '9':
			value = uint(c-'0') + 52
		case c == '+':
			value = 62
		case c == '/':
			value = 63
		default:
			return nil, false
		}
		bits = bits<<6 | value
		if count++; count%4 == 0 {
			if padding > 2 {
				return nil, false
			}
			b = append(b, byte(bits>>16), byte(bits>>8), byte(bits))
			b = b[:len(b)-padding]
		}
	}
	return b, count%4 == 0
}
