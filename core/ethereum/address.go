package ethereum

import (
	"encoding/hex"

	"imkey-connect/core/errcode"
	"imkey-connect/core/keccak"
	"imkey-connect/core/secp256k1"
)

// Address is the address of an account or a contract.
type Address [20]byte

// AddressOf returns the address of a public key: the last 20 bytes of Keccak-256(X ‖ Y).
func AddressOf(key secp256k1.PublicKey) (a Address) {
	sum := keccak.Sum256(key[1:])
	copy(a[:], sum[12:])
	return a
}

// ParseAddress reads 0x and 40 hex digits. In mixed case the capitals must be the checksum of EIP-55, so that a mistyped
// character is noticed. An address in lower case or in upper case only has no checksum. Errors have code invalid-argument.
func ParseAddress(s string) (Address, error) { return parseAddress("address", s) }

func parseAddress(at, s string) (a Address, err error) {
	if len(s) != 42 || s[:2] != "0x" {
		return a, errcode.Invalid(at, "an address is 0x and 40 hex digits")
	}
	if _, err := hex.Decode(a[:], []byte(s[2:])); err != nil {
		return Address{}, errcode.Invalid(at, "an address is 0x and 40 hex digits")
	}
	lower, upper := false, false
	for _, c := range []byte(s[2:]) {
		lower = lower || c >= 'a'
		upper = upper || c >= 'A' && c < 'a'
	}
	if lower && upper && s != a.String() {
		return Address{}, errcode.Invalid(at, "the capitals of the address are not its checksum (EIP-55)")
	}
	return a, nil
}

// String returns the address with the checksum of EIP-55.
func (a Address) String() string {
	text := make([]byte, 42)
	copy(text, "0x")
	hex.Encode(text[2:], a[:])
	sum := keccak.Sum256(text[2:])
	for i, c := range text[2:] {
		nibble := sum[i/2] >> 4
		if i%2 == 1 {
			nibble = sum[i/2] & 15
		}
		if c >= 'a' && nibble >= 8 {
			text[2+i] = c - 'a' + 'A'
		}
	}
	return string(text)
}
