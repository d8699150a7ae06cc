package oracle

import (
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
)

// count returns how many cases to generate: a sample, or all of them if IMKEY_FULL is set.
func count(sample, full int) int {
	if os.Getenv("IMKEY_FULL") != "" {
		return full
	}
	return sample
}

// dice generates test input. It is the same each time, so that a failure can be repeated.
type dice struct{ *rand.Rand }

func newDice(t *testing.T) dice {
	var seed [32]byte
	copy(seed[:], t.Name())
	return dice{rand.New(rand.NewChaCha8(seed))}
}

func (d dice) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}

func (d dice) hex(n int) string { return "0x" + hex.EncodeToString(d.bytes(n)) }

// big generates a number of at most this number of bits. All lengths are equally likely, and the ends of the range are frequent.
func (d dice) big(bits int) *big.Int {
	n := new(big.Int)
	switch d.IntN(8) {
	case 0:
		return n
	case 1:
		return n.Sub(n.Lsh(big.NewInt(1), uint(bits)), big.NewInt(1))
	case 2:
		return n.Lsh(big.NewInt(1), uint(d.IntN(bits)))
	}
	n.SetBytes(d.bytes((bits + 7) / 8))
	return n.Rsh(n, uint((bits+7)/8*8-bits+d.IntN(bits)))
}

func (d dice) uint() uint64 { return d.big(64).Uint64() }

// length generates a length. Most are short, and lengths at which the encoding changes are frequent.
func (d dice) length() int {
	switch d.IntN(6) {
	case 0:
		return 0
	case 1:
		return []int{1, 54, 55, 56, 57, 255, 256, 257, 1024}[d.IntN(9)]
	}
	return d.IntN(100)
}
