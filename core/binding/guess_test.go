package binding_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkGuess measures how many binding codes a second one processor core tries, in the place of an attacker between
// app and device who knows the AES key of one IDENTITY_VERIFY (core/PROTOCOL.md section 5). The second half of the
// plain text does not depend on the IV, so one code costs one SHA-256 of 138 bytes, which is three blocks. It reports the
// rate, and the days that all 2^40 codes would take.
func BenchmarkGuess(b *testing.B) {
	const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	const code = "K7M2XQ9R"
	message := make([]byte, 8+65+65) // code ‖ app ‖ se
	rand.Read(message)
	copy(message, code)
	key := make([]byte, 16)
	rand.Read(key)

	plain := sha256.Sum256(message)
	iv := sha256.Sum256([]byte("bindingCode"))
	for i, c := range sha256.Sum256([]byte(code)) {
		iv[i] ^= c
	}
	block, err := aes.NewCipher(key)
	require.NoError(b, err)
	proof := append(plain[:], bytes.Repeat([]byte{16}, 16)...)
	cipher.NewCBCEncrypter(block, iv[:16]).CryptBlocks(proof, proof)

	var target [16]byte // bytes 16 to 31 of the plain text
	block.Decrypt(target[:], proof[16:32])
	for i := range target {
		target[i] ^= proof[i]
	}
	found := 0
	try := func() {
		if sum := sha256.Sum256(message); bytes.Equal(sum[16:], target[:]) {
			found++
		}
	}
	try()
	require.Equal(b, 1, found, "the right code is recognised")
	n := uint64(0)
	for b.Loop() {
		for i := range 8 {
			message[i] = alphabet[n>>(5*i)&31]
		}
		n++
		try()
	}
	rate := float64(n) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "codes/s")
	b.ReportMetric(float64(1<<40)/rate/(24*time.Hour).Seconds(), "days/2^40")
}
