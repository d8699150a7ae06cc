//go:build js && wasm

package interop

import (
	"math/big"

	"github.com/hack-pad/safejs"
)

var (
	asIntN      = builtin("BigInt", "asIntN")
	writeBigInt = builtin("BigInt", "prototype", "toString")
)

// BigInt reads a BigInt of at most this number of bits, plus the sign. It does not convert other values.
func BigInt(v safejs.Value, bits int) (*big.Int, bool) {
	if _, known := TypeOf(v); known {
		return nil, false
	}
	// Cut to the bits that fit, and compare: an enormous number is never written as text.
	short, err := with(asIntN, bits+1, v)
	if err != nil || !short.Equal(v) {
		return nil, false
	}
	digits, err := with(writeBigInt, v, 16)
	if err != nil {
		return nil, false
	}
	text, ok := Text(digits, bits)
	if !ok {
		return nil, false
	}
	return new(big.Int).SetString(text, 16)
}
