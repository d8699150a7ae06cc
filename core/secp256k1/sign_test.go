package secp256k1_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

func digestOf(n int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// edgeKeys returns private keys near the ends of the range and random ones.
func edgeKeys(t *testing.T) []*decred.PrivateKey {
	var keys []*decred.PrivateKey
	for _, n := range []uint32{1, 2, 3} {
		var s, minus decred.ModNScalar
		s.SetInt(n)
		minus.NegateVal(&s)
		keys = append(keys, decred.NewPrivateKey(&s), decred.NewPrivateKey(&minus))
	}
	for range 8 {
		key, err := decred.GeneratePrivateKey()
		require.NoError(t, err)
		keys = append(keys, key)
	}
	return keys
}

func TestOtherLibraryVerifiesSign(t *testing.T) {
	for i, theirs := range edgeKeys(t) {
		ours := secp256k1.PrivateKey(theirs.Serialize())
		for j := range 8 {
			digest := digestOf(100*i + j)
			if j == 0 {
				digest = [32]byte{}
			}
			der, err := ours.Sign(digest)
			require.NoError(t, err)
			sig, err := ecdsa.ParseDERSignature(der)
			require.NoError(t, err)
			require.True(t, sig.Verify(digest[:], theirs.PubKey()))
			s := sig.S()
			require.False(t, s.IsOverHalfOrder())
			require.True(t, secp256k1.Verify(ours.Public(), digest, der))
			other := digest
			other[31] ^= 1
			require.False(t, secp256k1.Verify(ours.Public(), other, der))
		}
	}
}

// Signatures by RFC 6979 are deterministic, so that those of the other library have the same bytes.
func TestSignIsDeterministic(t *testing.T) {
	for i := range 2000 {
		theirs, err := decred.GeneratePrivateKey()
		require.NoError(t, err)
		ours := secp256k1.PrivateKey(theirs.Serialize())
		digest := digestOf(i)
		if i%4 == 0 {
			// A digest above the order. RFC 6979 reduces it; the other library leaves that to the caller.
			copy(digest[:16], bytes.Repeat([]byte{0xFF}, 16))
		}
		der, err := ours.Sign(digest)
		require.NoError(t, err)
		var reduced decred.ModNScalar
		reduced.SetBytes(&digest)
		digest = reduced.Bytes()
		require.Equal(t, ecdsa.Sign(theirs, digest[:]).Serialize(), der)
	}
}

func TestHMAC(t *testing.T) {
	for n := range 65 {
		key := bytes.Repeat([]byte{byte(n + 1)}, n)
		for _, newHash := range []func() hash.Hash{sha256.New, sha512.New} {
			h := hmac.New(newHash, key)
			h.Write([]byte("one two"))
			require.Equal(t, h.Sum(nil), secp256k1.HMAC(newHash, key, []byte("one"), nil, []byte(" two")))
		}
	}
}

func TestWipedKeySignsNothing(t *testing.T) {
	key, err := secp256k1.Generate(rand.Reader)
	require.NoError(t, err)
	key.Wipe()
	_, err = key.Sign(digestOf(1))
	require.ErrorIs(t, err, errcode.Internal)
}

func TestEncodeDER(t *testing.T) {
	for i := range 2000 {
		r, s := digestOf(2*i), digestOf(2*i+1)
		// Short integers, and integers with the top bit set, need care in DER.
		copy(r[:i%33], make([]byte, i%33))
		copy(s[:i%31], make([]byte, i%31))
		if r == ([32]byte{}) {
			r[31] = 1
		}
		der := secp256k1.EncodeDER(r, s)
		r2, s2, err := secp256k1.ParseDER(der)
		require.NoError(t, err)
		require.Equal(t, r, r2)
		require.Equal(t, s, s2)
		var rs, ss decred.ModNScalar
		rs.SetBytes(&r)
		ss.SetBytes(&s)
		if !ss.IsOverHalfOrder() {
			require.Equal(t, ecdsa.NewSignature(&rs, &ss).Serialize(), der)
		}
	}
}

func TestRecover(t *testing.T) {
	for i, theirs := range edgeKeys(t) {
		want := secp256k1.PublicKey(theirs.PubKey().SerializeUncompressed())
		for j := range 16 {
			digest := digestOf(1000*i + j)
			if j == 0 {
				digest = [32]byte{}
			}
			compact := ecdsa.SignCompact(theirs, digest[:], false)
			r, s, odd := [32]byte(compact[1:33]), [32]byte(compact[33:]), compact[0] == 28
			got, err := secp256k1.Recover(digest, r, s, odd)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.True(t, secp256k1.Signed(want, digest, r, s, odd))
			require.False(t, secp256k1.Signed(want, digest, r, s, !odd))
			require.False(t, secp256k1.Signed(want, digestOf(-1), r, s, odd))

			// The other id and another digest give other keys, the same ones as in the other library.
			other, err := secp256k1.Recover(digest, r, s, !odd)
			require.NoError(t, err)
			require.NotEqual(t, want, other)
			compact[0] ^= 27 ^ 28
			judge, _, err := ecdsa.RecoverCompact(compact, digest[:])
			require.NoError(t, err)
			require.Equal(t, judge.SerializeUncompressed(), other[:])
			require.False(t, secp256k1.Signed(other, digest, r, s, odd))
			require.True(t, secp256k1.Signed(other, digest, r, s, !odd))

			// The signature with the other s and the other id belongs to the same key.
			var sc decred.ModNScalar
			sc.SetBytes(&s)
			high := sc.Negate().Bytes()
			require.True(t, secp256k1.Signed(want, digest, r, high, !odd))
			require.False(t, secp256k1.Signed(want, digest, r, high, odd))
			got, err = secp256k1.Recover(digest, r, high, !odd)
			require.NoError(t, err)
			require.Equal(t, want, got)

			low, flipped := secp256k1.LowS(high)
			require.True(t, flipped)
			require.Equal(t, s, low)
			low, flipped = secp256k1.LowS(s)
			require.False(t, flipped)
			require.Equal(t, s, low)
		}
	}
}

func TestRecoverRefuses(t *testing.T) {
	one, order := [32]byte{31: 1}, [32]byte{}
	minusOne := new(decred.ModNScalar).SetInt(1).Negate().Bytes()
	order = minusOne
	order[31]++
	full := [32]byte{}
	for i := range full {
		full[i] = 0xFF
	}
	for _, c := range []struct{ r, s [32]byte }{
		{[32]byte{}, one}, {one, [32]byte{}}, {order, one}, {one, order}, {full, one}, {one, full},
		// No point of the curve has x = 5.
		{[32]byte{31: 5}, one},
	} {
		_, err := secp256k1.Recover(digestOf(1), c.r, c.s, false)
		require.ErrorIs(t, err, errcode.Protocol)
		for _, odd := range []bool{false, true} {
			require.False(t, secp256k1.Signed(secp256k1.PublicKey(edgeKeys(t)[0].PubKey().SerializeUncompressed()), digestOf(1), c.r, c.s, odd))
		}
	}
	require.False(t, secp256k1.Signed(secp256k1.PublicKey{}, digestOf(1), one, one, false), "no key")
	// r and s are the coordinates of the digest's own multiple of G: the sum is the point at infinity.
	g := new(decred.ModNScalar).SetInt(1)
	base := decred.NewPrivateKey(g).PubKey().SerializeUncompressed()
	_, err := secp256k1.Recover(one, [32]byte(base[1:33]), one, base[64]&1 == 1)
	require.ErrorIs(t, err, errcode.Protocol)
}

func TestTweakAndCompressed(t *testing.T) {
	for i, theirs := range edgeKeys(t) {
		pub := secp256k1.PublicKey(theirs.PubKey().SerializeUncompressed())
		compressed := pub.Compressed()
		require.Equal(t, theirs.PubKey().SerializeCompressed(), compressed[:])
		again, err := secp256k1.Decompress(compressed)
		require.NoError(t, err)
		require.Equal(t, pub, again)
		compressed[0] = 4
		_, err = secp256k1.Decompress(compressed)
		require.ErrorIs(t, err, errcode.Protocol)
		for j := range 8 {
			scalar := digestOf(100*i + j)
			switch j {
			case 0:
				scalar = [32]byte{}
			case 1: // the sum is a doubling
				scalar = theirs.Key.Bytes()
			}
			var sum decred.ModNScalar
			sum.SetBytes(&scalar)
			sum.Add(&theirs.Key)
			child, ok := pub.Tweak(scalar)
			require.True(t, ok)
			require.Equal(t, decred.NewPrivateKey(&sum).PubKey().SerializeUncompressed(), child[:])
		}
		// The sum with the negated key is the point at infinity.
		minus := theirs.Key
		_, ok := pub.Tweak(minus.Negate().Bytes())
		require.False(t, ok)
	}
	order := new(decred.ModNScalar).SetInt(1).Negate().Bytes()
	order[31]++
	_, ok := secp256k1.PublicKey(edgeKeys(t)[0].PubKey().SerializeUncompressed()).Tweak(order)
	require.False(t, ok)
}
