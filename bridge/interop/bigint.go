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

// BigInt reads a BigInt of at most so many bits, the sign aside. It reads nothing that could be converted to one.
func BigInt(v safejs.Value, bits int) (*big.Int, bool) {
	if _, known := TypeOf(v); known {
		return nil, false
	}
	// Cut to what fits and compared, so that an enormous number is not written out.
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
