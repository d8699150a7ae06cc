// Package keccak computes Keccak-256 as Ethereum and TRON use it: the sponge of FIPS 202 with rate 136 and the padding of
// Keccak's submission to NIST. The tests compare it with golang.org/x/crypto/sha3, which would add all of SHA-3 and CPU
// detection to the WebAssembly.
package keccak

import "math/bits"

// rate is the number of bytes in a block.
const rate = 136

// Hash256 is a running hash. The zero value is ready to use.
type Hash256 struct {
	state [25]uint64
	n     int // bytes in the current block
}

// Write adds b to the input.
func (k *Hash256) Write(b []byte) {
	for _, v := range b {
		k.state[k.n/8] ^= uint64(v) << (k.n % 8 * 8)
		if k.n++; k.n == rate {
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

// The steps ρ and π together: lane i goes to laneTo[i], rotated by laneTurn[i], beginning with lane 1.
var (
	laneTo   = [24]byte{10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1}
	laneTurn = [24]byte{1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44}
)

// permute is Keccak-f[1600].
func (k *Hash256) permute() {
	a := &k.state
	lfsr := byte(1)
	for range 24 {
		// θ
		var c [5]uint64
		for x := range c {
			c[x] = a[x] ^ a[x+5] ^ a[x+10] ^ a[x+15] ^ a[x+20]
		}
		for i := range a {
			a[i] ^= c[(i+4)%5] ^ bits.RotateLeft64(c[(i+1)%5], 1)
		}
		// ρ and π
		lane := a[1]
		for i, to := range laneTo {
			lane, a[to] = a[to], bits.RotateLeft64(lane, int(laneTurn[i]))
		}
		// χ
		for y := 0; y < 25; y += 5 {
			row := [5]uint64(a[y : y+5])
			for x := range row {
				a[y+x] = row[x] ^ ^row[(x+1)%5]&row[(x+2)%5]
			}
		}
		// ι: the round's constant has at most one bit at each position 2^j-1, drawn from a shift register.
		for j := range 7 {
			a[0] ^= uint64(lfsr&1) << (1<<j - 1)
			lfsr = lfsr<<1 ^ lfsr>>7*0x71
		}
	}
}

// Sum256 returns the hash of the concatenation of its arguments.
func Sum256(parts ...[]byte) [32]byte {
	var k Hash256
	for _, p := range parts {
		k.Write(p)
	}
	return k.Sum()
}
