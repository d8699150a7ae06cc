// Package hdkeytest derives private keys (BIP-32) for tests, with another curve library than core's, to check core's public
// derivation. Its keys protect nothing.
package hdkeytest

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"imkey-connect/core/hdpath"
)

// Key is an extended private key.
type Key struct {
	Private   *secp256k1.PrivateKey
	ChainCode [32]byte
}

// Master returns the key at m for a seed.
func Master(seed []byte) Key {
	sum := sum512([]byte("Bitcoin seed"), seed)
	return Key{secp256k1.PrivKeyFromBytes(sum[:32]), [32]byte(sum[32:])}
}

// Public returns 04 ‖ X ‖ Y.
func (k Key) Public() []byte { return k.Private.PubKey().SerializeUncompressed() }

// Derive returns the key at a path below k.
func (k Key) Derive(p hdpath.Path) Key {
	for _, c := range p {
		data := k.Private.PubKey().SerializeCompressed()
		if c&hdpath.Hardened != 0 {
			data = append([]byte{0}, k.Private.Serialize()...)
		}
		sum := sum512(k.ChainCode[:], data, binary.BigEndian.AppendUint32(nil, c))
		var child secp256k1.ModNScalar
		child.SetByteSlice(sum[:32])
		child.Add(&k.Private.Key)
		k = Key{secp256k1.NewPrivateKey(&child), [32]byte(sum[32:])}
	}
	return k
}

func sum512(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha512.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
