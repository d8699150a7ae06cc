package ethereum

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"math/big"

	"golang.org/x/crypto/ripemd160" //lint:ignore SA1019 BIP-32 defines fingerprints by RIPEMD-160

	"imkey-connect/core/secp256k1"
)

// ExtendedKey is an extended public key of BIP-32: from it follow the public keys below it, those of hardened
// components excepted.
type ExtendedKey struct {
	PublicKey secp256k1.PublicKey
	ChainCode [32]byte
	// Depth counts the components of the path, Index is the last one, and Parent is the fingerprint of the key above.
	Depth  byte
	Index  uint32
	Parent [4]byte
}

// Fingerprint is the beginning of RIPEMD-160(SHA-256(compressed key)).
func (k ExtendedKey) Fingerprint() (f [4]byte) {
	key := k.PublicKey.Compressed()
	sum := sha256.Sum256(key[:])
	h := ripemd160.New()
	h.Write(sum[:])
	copy(f[:], h.Sum(nil))
	return f
}

// Child derives the key one component below, which must not be hardened. Errors have code invalid-argument; BIP-32 lets
// a key fail to exist with a chance of 1 in 2^127.
func (k ExtendedKey) Child(index uint32) (ExtendedKey, error) {
	if index&Hardened != 0 {
		return ExtendedKey{}, invalid("path", "a hardened key does not follow from a public key")
	}
	if k.Depth == 255 {
		return ExtendedKey{}, invalid("path", "too deep")
	}
	key := k.PublicKey.Compressed()
	sum := secp256k1.HMAC(sha512.New, k.ChainCode[:], key[:], binary.BigEndian.AppendUint32(nil, index))
	child, ok := k.PublicKey.Tweak([32]byte(sum[:32]))
	if !ok {
		return ExtendedKey{}, invalid("path", "this key does not exist; take the next index")
	}
	return ExtendedKey{child, [32]byte(sum[32:]), k.Depth + 1, index, k.Fingerprint()}, nil
}

// String is the key's serialisation, xpub and 107 more characters.
func (k ExtendedKey) String() string {
	b := []byte{0x04, 0x88, 0xB2, 0x1E, k.Depth}
	b = append(b, k.Parent[:]...)
	b = binary.BigEndian.AppendUint32(b, k.Index)
	b = append(b, k.ChainCode[:]...)
	key := k.PublicKey.Compressed()
	b = append(b, key[:]...)
	sum := sha256.Sum256(b)
	sum = sha256.Sum256(sum[:])
	return base58(append(b, sum[:4]...))
}

// base58 writes bytes that do not begin with zero, as those of an xpub do not.
func base58(b []byte) string {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	v, base, digit := new(big.Int).SetBytes(b), big.NewInt(58), new(big.Int)
	var text [112]byte
	n := len(text)
	for v.Sign() > 0 {
		v.QuoRem(v, base, digit)
		n--
		text[n] = alphabet[digit.Int64()]
	}
	return string(text[n:])
}
