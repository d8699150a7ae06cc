// Package keccak computes Keccak-256 as Ethereum and TRON use it: the sponge of FIPS 202 with rate 136 and the padding of
// Keccak's submission to NIST. The tests compare it with golang.org/x/crypto/sha3, which would add all of SHA-3 and CPU
// detection to the WebAssembly.
package keccak

import (
	"encoding/binary"
	"math/bits"
)

// rate is the number of bytes in a block.
const rate = 136

// Hash256 is a running hash. The zero value is ready to use.
type Hash256 struct {
	state [25]uint64
	n     int // bytes in the current block
}

// Write adds b to the input.
func (k *Hash256) Write(b []byte) {
	for len(b) > 0 {
		if k.n%8 == 0 && len(b) >= 8 {
			k.state[k.n/8] ^= binary.LittleEndian.Uint64(b)
			k.n += 8
			b = b[8:]
		} else {
			k.state[k.n/8] ^= uint64(b[0]) << (k.n % 8 * 8)
			k.n++
			b = b[1:]
		}
		if k.n == rate {
			k.permute()
			k.n = 0
		}
	}
}

// Sum returns the hash of the input. Neither method may be called after it.
func (k *Hash256) Sum() (sum [32]byte) {
	k.state[k.n/8] ^= 1 << (k.n % 8 * 8)
	k.state[rate/8-1] ^= 1 << 63
	k.permute()
	for i := range sum {
		sum[i] = byte(k.state[i/8] >> (i % 8 * 8))
	}
	return sum
}

// permute is Keccak-f[1600].
func (k *Hash256) permute() {
	var other [25]uint64
	for i := 0; i < len(roundConstants); i += 2 {
		round(&other, &k.state, roundConstants[i])
		round(&k.state, &other, roundConstants[i+1])
	}
}

// roundConstants are those of step ι.
var roundConstants = [24]uint64{
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
	0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
	0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
	0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
}

// round writes the state after a round into to. It is written out since the browser runs loops over the lanes ten times slower.
func round(to, a *[25]uint64, constant uint64) {
	// θ
	c0 := a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20]
	c1 := a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21]
	c2 := a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22]
	c3 := a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23]
	c4 := a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24]
	d0 := c4 ^ bits.RotateLeft64(c1, 1)
	d1 := c0 ^ bits.RotateLeft64(c2, 1)
	d2 := c1 ^ bits.RotateLeft64(c3, 1)
	d3 := c2 ^ bits.RotateLeft64(c4, 1)
	d4 := c3 ^ bits.RotateLeft64(c0, 1)
	// ρ, π, χ and ι, row by row
	b0 := a[0] ^ d0
	b1 := bits.RotateLeft64(a[6]^d1, 44)
	b2 := bits.RotateLeft64(a[12]^d2, 43)
	b3 := bits.RotateLeft64(a[18]^d3, 21)
	b4 := bits.RotateLeft64(a[24]^d4, 14)
	to[0] = b0 ^ b2&^b1 ^ constant
	to[1] = b1 ^ b3&^b2
	to[2] = b2 ^ b4&^b3
	to[3] = b3 ^ b0&^b4
	to[4] = b4 ^ b1&^b0
	b0 = bits.RotateLeft64(a[3]^d3, 28)
	b1 = bits.RotateLeft64(a[9]^d4, 20)
	b2 = bits.RotateLeft64(a[10]^d0, 3)
	b3 = bits.RotateLeft64(a[16]^d1, 45)
	b4 = bits.RotateLeft64(a[22]^d2, 61)
	to[5] = b0 ^ b2&^b1
	to[6] = b1 ^ b3&^b2
	to[7] = b2 ^ b4&^b3
	to[8] = b3 ^ b0&^b4
	to[9] = b4 ^ b1&^b0
	b0 = bits.RotateLeft64(a[1]^d1, 1)
	b1 = bits.RotateLeft64(a[7]^d2, 6)
	b2 = bits.RotateLeft64(a[13]^d3, 25)
	b3 = bits.RotateLeft64(a[19]^d4, 8)
	b4 = bits.RotateLeft64(a[20]^d0, 18)
	to[10] = b0 ^ b2&^b1
	to[11] = b1 ^ b3&^b2
	to[12] = b2 ^ b4&^b3
	to[13] = b3 ^ b0&^b4
	to[14] = b4 ^ b1&^b0
	b0 = bits.RotateLeft64(a[4]^d4, 27)
	b1 = bits.RotateLeft64(a[5]^d0, 36)
	b2 = bits.RotateLeft64(a[11]^d1, 10)
	b3 = bits.RotateLeft64(a[17]^d2, 15)
	b4 = bits.RotateLeft64(a[23]^d3, 56)
	to[15] = b0 ^ b2&^b1
	to[16] = b1 ^ b3&^b2
	to[17] = b2 ^ b4&^b3
	to[18] = b3 ^ b0&^b4
	to[19] = b4 ^ b1&^b0
	b0 = bits.RotateLeft64(a[2]^d2, 62)
	b1 = bits.RotateLeft64(a[8]^d3, 55)
	b2 = bits.RotateLeft64(a[14]^d4, 39)
	b3 = bits.RotateLeft64(a[15]^d0, 41)
	b4 = bits.RotateLeft64(a[21]^d1, 2)
	to[20] = b0 ^ b2&^b1
	to[21] = b1 ^ b3&^b2
	to[22] = b2 ^ b4&^b3
	to[23] = b3 ^ b0&^b4
	to[24] = b4 ^ b1&^b0
}

// Sum256 returns the hash of the concatenation of its arguments.
func Sum256(parts ...[]byte) [32]byte {
	var k Hash256
	for _, p := range parts {
		k.Write(p)
	}
	return k.Sum()
}
