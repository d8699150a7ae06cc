package tron

import (
	"encoding/hex"
	"strings"

	"imkey-connect/core/base58"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/secp256k1"
)

// Address is the address of an account or a contract, without the first byte 41 that all of them have on TRON.
type Address ethereum.Address

// addressPrefix is the first byte of every address.
const addressPrefix = 0x41

// addressSize is the number of bytes of an address with its first byte.
const addressSize = 21

// AddressOf returns the address of a public key: the last 20 bytes of Keccak-256(X ‖ Y), as on Ethereum.
func AddressOf(key secp256k1.PublicKey) Address { return Address(ethereum.AddressOf(key)) }

// ParseAddress reads the 34 characters of an address in Base58Check, which begin with T. Errors have code invalid-argument.
func ParseAddress(s string) (Address, error) {
	if a, ok := parseBase58(s); ok {
		return a, nil
	}
	reason := "an address of TRON has 34 characters, begins with T, and its last characters are a checksum"
	if _, ok := parseHex(s); ok {
		reason = "an address of TRON in hex, which has no checksum; give its 34 characters that begin with T"
	}
	return Address{}, errcode.Invalid("address", reason)
}

func parseBase58(s string) (Address, bool) {
	b, ok := base58.CheckDecode(s)
	if !ok {
		return Address{}, false
	}
	return fromBytes(b)
}

// parseHex reads 41 and 40 hex digits, with or without 0x, and 0x with 40 hex digits as on Ethereum.
func parseHex(s string) (Address, bool) {
	digits, prefixed := strings.CutPrefix(s, "0x")
	if prefixed && len(digits) == 2*len(Address{}) {
		digits = "41" + digits
	}
	if len(digits) != 2*addressSize {
		return Address{}, false
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return Address{}, false
	}
	return fromBytes(b)
}

// fromBytes reads the 21 bytes of an address.
func fromBytes(b []byte) (Address, bool) {
	if len(b) != addressSize || b[0] != addressPrefix {
		return Address{}, false
	}
	return Address(b[1:]), true
}

// String returns the address in Base58Check.
func (a Address) String() string {
	return base58.CheckEncode(append([]byte{addressPrefix}, a[:]...))
}

// text is String for an address of package ethereum.
func text(a ethereum.Address) string { return Address(a).String() }
