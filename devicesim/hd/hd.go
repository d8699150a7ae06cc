// Package hd derives the keys of a simulated wallet: the seed of a BIP-39 mnemonic phrase, and BIP-32. It computes with
// another library than core, so that one mistake cannot cancel itself on both sides.
package hd

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/tyler-smith/go-bip39"
)

// Hardened is the bit of a hardened index, which a path writes as an apostrophe.
const Hardened = 1 << 31

// MaxDepth is the maximum number of components of a path. The limit of a real device is not public.
const MaxDepth = 10

var (
	// ErrPath: the text is not a path of 1 to MaxDepth components.
	ErrPath = errors.New("hd: not a path of 1 to 10 components, as m/44'/60'/0'/0/0")
	// ErrUnusable: no key has this index (BIP-32: with a probability below 1 in 2^127).
	ErrUnusable = errors.New("hd: no key has this index")
)

// Key is an extended private key. The zero value is not a key.
type Key struct {
	scalar secp256k1.ModNScalar
	chain  [32]byte
}

// FromMnemonic returns the master key of a valid BIP-39 mnemonic phrase in lower case, with one space between words.
func FromMnemonic(phrase string) (Key, error) {
	seed := bip39.NewSeed(phrase, "")
	defer clear(seed)
	return Master(seed)
}

// Master returns the master key of a seed of 16 to 64 bytes.
func Master(seed []byte) (Key, error) {
	if len(seed) < 16 || len(seed) > 64 {
		return Key{}, errors.New("hd: a seed has 16 to 64 bytes")
	}
	return split([]byte("Bitcoin seed"), nil, seed)
}

// split computes I of BIP-32. Its left half is the key, added to parent if that is not nil; its right half is the chain code.
func split(key []byte, parent *secp256k1.ModNScalar, data []byte) (Key, error) {
	mac := hmac.New(sha512.New, key)
	mac.Write(data)
	sum := mac.Sum(nil)
	defer clear(sum)
	var k Key
	if overflow := k.scalar.SetByteSlice(sum[:32]); overflow {
		return Key{}, ErrUnusable
	}
	if parent != nil {
		k.scalar.Add(parent)
	}
	if k.scalar.IsZero() {
		return Key{}, ErrUnusable
	}
	copy(k.chain[:], sum[32:])
	return k, nil
}

// Child derives the child key with an index.
func (k *Key) Child(index uint32) (Key, error) {
	data := make([]byte, 0, 37)
	if index&Hardened != 0 {
		private := k.scalar.Bytes()
		data = append(append(data, 0), private[:]...)
		clear(private[:])
	} else {
		data = append(data, k.Private().PubKey().SerializeCompressed()...)
	}
	data = binary.BigEndian.AppendUint32(data, index)
	defer clear(data)
	return split(k.chain[:], &k.scalar, data)
}

// Derive derives the key at a path below k, and wipes the keys between.
func (k Key) Derive(path []uint32) (Key, error) {
	for _, index := range path {
		child, err := k.Child(index)
		k.Wipe()
		if err != nil {
			return Key{}, err
		}
		k = child
	}
	return k, nil
}

// Private is the private key.
func (k *Key) Private() *secp256k1.PrivateKey { return secp256k1.NewPrivateKey(&k.scalar) }

// PublicKey is the public key, uncompressed: 65 bytes.
func (k *Key) PublicKey() []byte { return k.Private().PubKey().SerializeUncompressed() }

// ChainCode is the chain code.
func (k *Key) ChainCode() [32]byte { return k.chain }

// Wipe overwrites the key. Copies that the arithmetic made may remain in memory.
func (k *Key) Wipe() {
	k.scalar.Zero()
	clear(k.chain[:])
}

// ParsePath parses a path such as m/44'/60'/0'/0/0: m and 1 to [MaxDepth] numbers below 2^31 without leading zeros. An
// apostrophe follows a hardened one (core/PROTOCOL.md section 7). It returns ErrPath for any other text.
func ParsePath(text string) ([]uint32, error) {
	parts := strings.Split(text, "/")
	if parts[0] != "m" || len(parts) < 2 || len(parts) > 1+MaxDepth {
		return nil, ErrPath
	}
	path := make([]uint32, 0, len(parts)-1)
	for _, part := range parts[1:] {
		digits, hardened := strings.CutSuffix(part, "'")
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != digits {
			return nil, ErrPath
		}
		index := uint32(n)
		if hardened {
			index |= Hardened
		}
		path = append(path, index)
	}
	return path, nil
}
