// Package base58 writes bytes in Base58Check, the encoding of Bitcoin's addresses and extended keys.
package base58

import (
	"crypto/sha256"
	"math/big"
	"slices"
)

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// CheckEncode writes b and the first 4 bytes of SHA-256(SHA-256(b)) in base 58. Each leading zero byte becomes a 1.
func CheckEncode(b []byte) string {
	sum := sha256.Sum256(b)
	sum = sha256.Sum256(sum[:])
	b = append(slices.Clip(b), sum[:4]...)
	v, base, digit := new(big.Int).SetBytes(b), big.NewInt(58), new(big.Int)
	var text []byte
	for v.Sign() > 0 {
		v.QuoRem(v, base, digit)
		text = append(text, alphabet[digit.Int64()])
	}
	for _, c := range b {
		if c != 0 {
			break
		}
		text = append(text, alphabet[0])
	}
	slices.Reverse(text)
	return string(text)
}
