package keccak

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/sha3"
)

func TestSum256(t *testing.T) {
	source := rand.NewChaCha8([32]byte{1})
	for n := range 1000 {
		b := make([]byte, n)
		source.Read(b)
		h := sha3.NewLegacyKeccak256()
		h.Write(b)
		cut := 0
		if n > 0 {
			cut = int(source.Uint64() % uint64(n))
		}
		require.Equal(t, [32]byte(h.Sum(nil)), Sum256(b[:cut], b[cut:]), "%d bytes", n)
	}
}

func BenchmarkSum256(b *testing.B) {
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Sum256(data)
	}
}
