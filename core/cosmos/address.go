package cosmos

import (
	"crypto/sha256"
	"strings"

	"golang.org/x/crypto/ripemd160" //lint:ignore SA1019 addresses of Cosmos are defined by RIPEMD-160

	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Account is the part of an address that is the same on every chain: RIPEMD-160(SHA-256(compressed key)).
type Account [20]byte

// DefaultPrefix is the prefix of the Cosmos Hub, the one that the device shows.
const DefaultPrefix = "cosmos"

// AccountOf returns the account of a public key.
func AccountOf(key secp256k1.PublicKey) (a Account) {
	compressed := Compressed(key)
	sum := sha256.Sum256(compressed[:])
	h := ripemd160.New()
	h.Write(sum[:])
	h.Sum(a[:0])
	return a
}

// Compressed returns the 33 bytes of a public key that a transaction has.
func Compressed(key secp256k1.PublicKey) (c [33]byte) {
	c[0] = 2 + key[64]&1
	copy(c[1:], key[1:33])
	return c
}

// Address returns the account's address with a prefix, in bech32 (BIP-173). The prefix is one of [CheckPrefix].
func (a Account) Address(prefix string) string {
	values := expand(a[:])
	sum := checksum(prefix, append(values, 0, 0, 0, 0, 0, 0)) ^ 1
	for i := range 6 {
		values = append(values, byte(sum>>(5*(5-i)))&31)
	}
	text := []byte(prefix + "1")
	for _, v := range values {
		text = append(text, digits[v])
	}
	return string(text)
}

// CheckPrefix returns an error for a prefix that no chain has: it is 1 to 20 of a to z and 0 to 9, and begins with a letter.
func CheckPrefix(prefix string) error {
	ok := len(prefix) > 0 && len(prefix) <= 20 && prefix[0] >= 'a'
	for _, c := range []byte(prefix) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	}
	if !ok {
		return errcode.Invalid("prefix", "1 to 20 small letters and digits, as cosmos")
	}
	return nil
}

// ParseAddress reads an address of an account. It must be in small letters. ok is false for any other text, and for an address
// that does not have 20 bytes.
func ParseAddress(s string) (prefix string, a Account, ok bool) {
	at := strings.LastIndexByte(s, '1')
	if at < 1 || len(s) > 90 || CheckPrefix(s[:at]) != nil {
		return "", a, false
	}
	prefix = s[:at]
	var values []byte
	for _, c := range []byte(s[at+1:]) {
		v := strings.IndexByte(digits, c)
		if v < 0 {
			return "", a, false
		}
		values = append(values, byte(v))
	}
	if len(values) != 32+6 || checksum(prefix, values) != 1 {
		return "", a, false
	}
	bits, n, out := 0, 0, a[:0]
	for _, v := range values[:32] {
		bits, n = bits<<5|int(v), n+5
		if n >= 8 {
			n -= 8
			out = append(out, byte(bits>>n))
		}
	}
	return prefix, a, true
}

const digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// expand returns 20 bytes as 32 values of 5 bits.
func expand(b []byte) (values []byte) {
	bits, n := 0, 0
	for _, c := range b {
		bits, n = bits<<8|int(c), n+8
		for n >= 5 {
			n -= 5
			values = append(values, byte(bits>>n)&31)
		}
	}
	return values
}

// checksum is bech32_polymod of BIP-173 over the expanded prefix and values.
func checksum(prefix string, values []byte) uint32 {
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
	for _, v := range values {
		step(v)
	}
	return sum
}
