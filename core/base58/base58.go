// Package base58 writes and reads bytes in Base58Check, the encoding of Bitcoin's addresses and extended keys, and of TRON's addresses.
package base58

import (
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"
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

// MaxText is the longest text that [CheckDecode] reads.
const MaxText = 128

// CheckDecode reads what [CheckEncode] writes. ok is false for a text of more than [MaxText] characters, for a character that is none of
// the 58, and for a wrong checksum.
func CheckDecode(text string) (b []byte, ok bool) {
	if len(text) > MaxText {
		return nil, false
	}
	v, base := new(big.Int), big.NewInt(58)
	for i := range len(text) {
		digit := strings.IndexByte(alphabet, text[i])
		if digit < 0 {
			return nil, false
		}
		v.Add(v.Mul(v, base), big.NewInt(int64(digit)))
	}
	zeros := 0
	for zeros < len(text) && text[zeros] == alphabet[0] {
		zeros++
	}
	b = append(make([]byte, zeros), v.Bytes()...)
	n := len(b) - 4
	if n < 0 || CheckEncode(b[:n]) != text {
		return nil, false
	}
	return b[:n], true
}
