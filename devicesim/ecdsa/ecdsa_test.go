package ecdsa

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	decred "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"
)

// TestSign checks each signature with decred's verification and recovery. Both halves of s must occur.
func TestSign(t *testing.T) {
	high := 0
	for i := range 200 {
		key := secp256k1.PrivKeyFromBytes([]byte{1, byte(i)})
		digest := sha256.Sum256([]byte{byte(i)})
		sig := Sign(key, digest, nil)
		require.Equal(t, sig, Sign(key, digest, nil), "RFC 6979 is deterministic")
		if sig.High() {
			high++
		}
		for _, s := range []Signature{sig, sig.Negated()} {
			require.True(t, decred.NewSignature(&s.R, &s.S).Verify(digest[:], key.PubKey()))

			r, v := s.R.Bytes(), s.S.Bytes()
			compact := append(append([]byte{27 + s.RecoveryID}, r[:]...), v[:]...)
			pub, _, err := decred.RecoverCompact(compact, digest[:])
			require.NoError(t, err)
			require.True(t, pub.IsEqual(key.PubKey()), "the recovery id is for this s")

			var parsed struct{ R, S *big.Int }
			rest, err := asn1.Unmarshal(s.DER(), &parsed)
			require.NoError(t, err)
			require.Empty(t, rest)
			require.Equal(t, new(big.Int).SetBytes(r[:]), parsed.R)
			require.Equal(t, new(big.Int).SetBytes(v[:]), parsed.S)
		}
		low := sig
		if low.High() {
			low = low.Negated()
		}
		require.Equal(t, decred.Sign(key, digest[:]).Serialize(), low.DER(), "decred's signature is the same, with s normalised")
	}
	require.Greater(t, high, 50)
	require.Less(t, high, 150)
}

func TestSignExtraEntropy(t *testing.T) {
	key := secp256k1.PrivKeyFromBytes([]byte{7})
	digest := sha256.Sum256(nil)
	extra := make([]byte, 32)
	a := Sign(key, digest, extra)
	extra[0] = 1
	b := Sign(key, digest, extra)
	require.NotEqual(t, a.R, b.R)
	require.True(t, decred.NewSignature(&b.R, &b.S).Verify(digest[:], key.PubKey()))
}

// TestVerify accepts s in both halves of the order, and refuses other keys, other digests and anything but strict DER.
func TestVerify(t *testing.T) {
	key, other := secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{7}, 32)), secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{8}, 32))
	point := key.PubKey().SerializeUncompressed()
	digest := sha256.Sum256([]byte("payload"))
	sig := Sign(key, digest, nil)
	for _, s := range []Signature{sig, sig.Negated()} {
		der := s.DER()
		require.True(t, Verify(point, digest, der))
		require.False(t, Verify(other.PubKey().SerializeUncompressed(), digest, der))
		require.False(t, Verify(point, sha256.Sum256(der), der))
		require.False(t, Verify(point[:64], digest, der))
		require.False(t, Verify(point, digest, append(der, 0)))
		for n := range der {
			require.False(t, Verify(point, digest, der[:n]))
		}
	}
}
