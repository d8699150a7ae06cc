//go:build js && wasm

package interop

import (
	"math/big"

	"github.com/hack-pad/safejs"
)

// BigInt reads a BigInt of at most so many bits, the sign aside. It reads nothing that could be converted to one.
func BigInt(v safejs.Value, bits int) (*big.Int, bool) {
	if _, known := TypeOf(v); known {
		return nil, false
	}
	class, err := global("BigInt")
	if err != nil {
		return nil, false
	}
	// Cut to what fits and compared, so that an enormous number is not written out.
	cut, err := CallNow(class, "asIntN", bits+1, v)
	if err != nil || !cut.Equal(v) {
		return nil, false
	}
	prototype, err := Get(class, "prototype")
	if err != nil {
		return nil, false
	}
	write, err := Get(prototype, "toString")
	if err != nil {
		return nil, false
	}
	digits, err := CallNow(write, "call", v, 16)
	if err != nil {
		return nil, false
	}
	text, ok := Text(digits, bits)
	if !ok {
		return nil, false
	}
	return new(big.Int).SetString(text, 16)
}
