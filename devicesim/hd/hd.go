// Package hd derives the keys of a simulated imKey's wallet as BIP-32 says, from the seed of a BIP-39 phrase. It computes
// with another library than core, so that one mistake cannot cancel itself on both sides.
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

// Hardened is the bit of an index that an apostrophe stands for.
const Hardened = 1 << 31

// MaxDepth is how many components a path may have. A real device's limit is not public.
const MaxDepth = 10

var (
	// ErrPath: the text is not a path.
	ErrPath = errors.New("hd: not a path of 1 to 10 components, as m/44'/60'/0'/0/0")
	// ErrUnusable: there is no key with this index (BIP-32: probability lower than 1 in 2^127).
	ErrUnusable = errors.New("hd: no key has this index")
)

// Key is an extended private key. The zero value is none.
type Key struct {
	scalar secp256k1.ModNScalar
	chain  [32]byte
}

// FromMnemonic returns the master key of a valid BIP-39 phrase, its words in lower case with one space between them.
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

// split is I of BIP-32: its left half is added to parent, if there is one, its right half is the chain code.
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

// Child derives one key below k.
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

// Derive derives the key at a path below k.
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

// Private is the key itself.
func (k *Key) Private() *secp256k1.PrivateKey { return secp256k1.NewPrivateKey(&k.scalar) }

// PublicKey is its public key, 65 bytes.
func (k *Key) PublicKey() []byte { return k.Private().PubKey().SerializeUncompressed() }

// ChainCode is its chain code.
func (k *Key) ChainCode() [32]byte { return k.chain }

// Wipe overwrites the key. Copies that the arithmetic made may remain in memory.
func (k *Key) Wipe() {
	k.scalar.Zero()
	clear(k.chain[:])
}

// ParsePath reads m and 1 to [MaxDepth] components: numbers below 2^31 without leading zeros, hardened ones followed by an
// apostrophe (core/PROTOCOL.md section 7). Anything else is ErrPath.
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
