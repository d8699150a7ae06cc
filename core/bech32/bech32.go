// Package bech32 writes and reads bech32 (BIP-173) and bech32m (BIP-350), the encodings of addresses of Bitcoin and of Cosmos.
package bech32

import "strings"

// Variant is the constant that the checksum of a text must have.
type Variant uint32

// The variants.
const (
	Bech32  Variant = 1
	Bech32m Variant = 0x2BC830A3
)

// MaxText is the longest text that [Decode] reads.
const MaxText = 90

const (
	digits       = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	checksumSize = 6
)

// Encode returns the text for a prefix in small letters and values of 5 bits.
func Encode(prefix string, values []byte, v Variant) string {
	sum := polymod(prefix, values, make([]byte, checksumSize)) ^ uint32(v)
	text := append([]byte(prefix), '1')
	for _, value := range values {
		text = append(text, digits[value&31])
	}
	for i := range checksumSize {
		text = append(text, digits[sum>>(5*(checksumSize-1-i))&31])
	}
	return string(text)
}

// Fold returns a text in small letters. mixed reports whether it has small letters and capitals. Letters are those of ASCII.
func Fold(text string) (lower string, mixed bool) {
	b := []byte(text)
	small, capitals := false, false
	for i, c := range b {
		switch {
		case c >= 'a' && c <= 'z':
			small = true
		case c >= 'A' && c <= 'Z':
			b[i], capitals = c|' ', true
		}
	}
	return string(b), small && capitals
}

// Decode reads a text and returns its prefix in small letters, its values of 5 bits and its variant. ok is false for letters of both
// cases, for a character that is none of the encoding, for a wrong checksum, and for more than [MaxText] characters.
func Decode(text string) (prefix string, values []byte, v Variant, ok bool) {
	if len(text) > MaxText {
		return "", nil, 0, false
	}
	for _, c := range []byte(text) {
		if c < '!' || c > '~' {
			return "", nil, 0, false
		}
	}
	lower, mixed := Fold(text)
	at := strings.LastIndexByte(lower, '1')
	if at < 1 || len(text)-at-1 < checksumSize || mixed {
		return "", nil, 0, false
	}
	for _, c := range []byte(lower[at+1:]) {
		value := strings.IndexByte(digits, c)
		if value < 0 {
			return "", nil, 0, false
		}
		values = append(values, byte(value))
	}
	v = Variant(polymod(lower[:at], values, nil))
	if v != Bech32 && v != Bech32m {
		return "", nil, 0, false
	}
	return lower[:at], values[:len(values)-checksumSize], v, true
}

// FromBytes returns bytes as values of 5 bits. The last value is filled up with zeros.
func FromBytes(b []byte) (values []byte) {
	bits, n := 0, 0
	for _, c := range b {
		bits, n = bits<<8|int(c), n+8
		for n >= 5 {
			n -= 5
			values = append(values, byte(bits>>n)&31)
		}
		bits &= 1<<n - 1
	}
	if n > 0 {
		values = append(values, byte(bits<<(5-n))&31)
	}
	return values
}

// ToBytes returns the bytes of values of 5 bits. ok is false unless what is left over is less than a value and zero.
func ToBytes(values []byte) (b []byte, ok bool) {
	bits, n := 0, 0
	for _, v := range values {
		bits, n = bits<<5|int(v), n+5
		if n >= 8 {
			n -= 8
			b = append(b, byte(bits>>n))
		}
		bits &= 1<<n - 1
	}
	return b, n < 5 && bits == 0
}

// polymod is bech32_polymod of BIP-173 over the expanded prefix and the values.
func polymod(prefix string, values ...[]byte) uint32 {
	sum := uint32(1)
	step := func(v byte) {
		top := sum >> 25
		sum = sum&0x1FFFFFF<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3} {
			if top>>i&1 != 0 {
				sum ^= g
			}
		}
	}
	for _, c := range []byte(prefix) {
		step(c >> 5)
	}
	step(0)
	for _, c := range []byte(prefix) {
		step(c & 31)
	}
	for _, part := range values {
		for _, v := range part {
			step(v)
		}
	}
	return sum
}
