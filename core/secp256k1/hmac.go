package secp256k1

import "hash"

// HMAC computes HMAC (RFC 2104) with the hash function newHash. The key must not be longer than the hash's block. The tests
// compare it with crypto/hmac, which would add all of SHA-3 to the WebAssembly.
func HMAC(newHash func() hash.Hash, key []byte, parts ...[]byte) []byte {
	inner, outer := newHash(), newHash()
	pad := make([]byte, inner.BlockSize())
	defer clear(pad)
	copy(pad, key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	inner.Write(pad)
	for _, p := range parts {
		inner.Write(p)
	}
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5C
	}
	outer.Write(pad)
	outer.Write(inner.Sum(nil))
	return outer.Sum(nil)
}
