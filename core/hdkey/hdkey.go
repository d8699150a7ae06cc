// Package hdkey holds extended public keys (BIP-32). The public keys below an extended public key can be derived from it
// without the device, as long as no component of the path between them is hardened.
package hdkey

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"

	"golang.org/x/crypto/ripemd160" //lint:ignore SA1019 BIP-32 defines fingerprints by RIPEMD-160

	"imkey-connect/core/base58"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
)

// ExtendedKey is an extended public key.
type ExtendedKey struct {
	PublicKey secp256k1.PublicKey
	ChainCode [32]byte
	// Depth is the number of components of the key's path.
	Depth byte
	// Index is the last component of the key's path.
	Index uint32
	// Parent is the fingerprint of the key above.
	Parent [4]byte
}

// Hash160 returns RIPEMD-160(SHA-256(b)), by which Bitcoin and Cosmos name keys.
func Hash160(b []byte) (hash [20]byte) {
	sum := sha256.Sum256(b)
	h := ripemd160.New()
	h.Write(sum[:])
	h.Sum(hash[:0])
	return hash
}

// Fingerprint returns the first 4 bytes of [Hash160] of the compressed public key.
func (k ExtendedKey) Fingerprint() [4]byte {
	key := k.PublicKey.Compressed()
	hash := Hash160(key[:])
	return [4]byte(hash[:4])
}

// Child derives the key one component below. Errors have code invalid-argument at "path": for a hardened index, below a
// key of depth 255, and for an index without a key, which has a chance of 1 in 2¹²⁷ (BIP-32 says to take the next index).
func (k ExtendedKey) Child(index uint32) (ExtendedKey, error) {
	if index&hdpath.Hardened != 0 {
		return ExtendedKey{}, errcode.Invalid("path", "a hardened key does not follow from a public key")
	}
	if k.Depth == 255 {
		return ExtendedKey{}, errcode.Invalid("path", "too deep")
	}
	key := k.PublicKey.Compressed()
	sum := secp256k1.HMAC(sha512.New, k.ChainCode[:], key[:], binary.BigEndian.AppendUint32(nil, index))
	child, ok := k.PublicKey.Tweak([32]byte(sum[:32]))
	if !ok {
		return ExtendedKey{}, errcode.Invalid("path", "this key does not exist; take the next index")
	}
	return ExtendedKey{child, [32]byte(sum[32:]), k.Depth + 1, index, k.Fingerprint()}, nil
}

// String returns the key in the serialisation of BIP-32: 111 characters that begin with xpub.
func (k ExtendedKey) String() string { return k.encode(0x04, 0x88, 0xB2, 0x1E) }

// Testnet returns the key in the serialisation of BIP-32 for test networks, which begins with tpub.
func (k ExtendedKey) Testnet() string { return k.encode(0x04, 0x35, 0x87, 0xCF) }

// Parse reads what [ExtendedKey.String] and [ExtendedKey.Testnet] write. ok is false for anything else.
func Parse(text string) (k ExtendedKey, ok bool) {
	b, ok := base58.CheckDecode(text)
	if !ok || len(b) != 78 || string(b[:4]) != "\x04\x88\xB2\x1E" && string(b[:4]) != "\x04\x35\x87\xCF" {
		return k, false
	}
	key, err := secp256k1.Decompress([33]byte(b[45:]))
	return ExtendedKey{key, [32]byte(b[13:45]), b[4], binary.BigEndian.Uint32(b[9:13]), [4]byte(b[5:9])}, err == nil
}

func (k ExtendedKey) encode(version ...byte) string {
	b := append(version, k.Depth)
	b = append(b, k.Parent[:]...)
	b = binary.BigEndian.AppendUint32(b, k.Index)
	b = append(b, k.ChainCode[:]...)
	key := k.PublicKey.Compressed()
	return base58.CheckEncode(append(b, key[:]...))
}
