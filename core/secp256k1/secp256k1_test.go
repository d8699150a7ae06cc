package secp256k1_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"testing/iotest"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// The tests compute with another library, so that a bug cannot cancel itself on both sides.

func public(t testing.TB, b []byte) secp256k1.PublicKey {
	k, err := secp256k1.ParsePublicKey(b)
	require.NoError(t, err)
	return k
}

func sign(key *decred.PrivateKey, digest [32]byte, high bool) []byte {
	sig := ecdsa.Sign(key, digest[:])
	r, s := sig.R(), sig.S()
	if s.IsOverHalfOrder() != high {
		s.Negate()
	}
	rb, sb := r.Bytes(), s.Bytes()
	return der(integer(rb[:]), integer(sb[:]))
}

// integer writes a DER INTEGER in its shortest form.
func integer(b []byte) []byte {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 || b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return append([]byte{2, byte(len(b))}, b...)
}

func der(integers ...[]byte) []byte {
	body := bytes.Join(integers, nil)
	return append([]byte{0x30, byte(len(body))}, body...)
}

func TestVerifyAgainstTheOtherLibrary(t *testing.T) {
	for i := range 20 {
		key, err := decred.GeneratePrivateKey()
		require.NoError(t, err)
		pub := public(t, key.PubKey().SerializeUncompressed())
		digest := sha256.Sum256([]byte{byte(i)})
		for _, high := range []bool{false, true} {
			require.True(t, secp256k1.Verify(pub, digest, sign(key, digest, high)), "high s: %v", high)
		}
		other, err := decred.GeneratePrivateKey()
		require.NoError(t, err)
		require.False(t, secp256k1.Verify(public(t, other.PubKey().SerializeUncompressed()), digest, sign(key, digest, false)))
		require.False(t, secp256k1.Verify(pub, sha256.Sum256(nil), sign(key, digest, false)))
	}
	digest := sha256.Sum256(nil)
	key, err := decred.GeneratePrivateKey()
	require.NoError(t, err)
	require.False(t, secp256k1.Verify(secp256k1.PublicKey{}, digest, sign(key, digest, false)), "without a key nothing verifies")
}

// Digests of zero and digests above the order are valid.
func TestVerifyExtremeDigests(t *testing.T) {
	key, err := decred.GeneratePrivateKey()
	require.NoError(t, err)
	pub := public(t, key.PubKey().SerializeUncompressed())
	for _, digest := range [][32]byte{{}, [32]byte(bytes.Repeat([]byte{0xFF}, 32))} {
		require.True(t, secp256k1.Verify(pub, digest, sign(key, digest, false)))
	}
}

func TestEveryFlippedBitOfASignatureIsNoticed(t *testing.T) {
	key := decred.PrivKeyFromBytes([]byte("a key for this test alone"))
	pub := public(t, key.PubKey().SerializeUncompressed())
	digest := sha256.Sum256([]byte("digest"))
	good := sign(key, digest, false)
	require.True(t, secp256k1.Verify(pub, digest, good))
	for i := range len(good) * 8 {
		bad := bytes.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		require.False(t, secp256k1.Verify(pub, digest, bad), "bit %d", i)
	}
	for n := range good {
		require.False(t, secp256k1.Verify(pub, digest, good[:n]))
	}
	require.False(t, secp256k1.Verify(pub, digest, append(bytes.Clone(good), 0)))
}

func TestParseDERIsStrict(t *testing.T) {
	one, top := []byte{2, 1, 1}, integer(bytes.Repeat([]byte{0x7F}, 32))
	order := decred.Params().N.Bytes()
	less := new(big.Int).Sub(decred.Params().N, big.NewInt(1)).Bytes()
	for name, good := range map[string][]byte{
		"shortest": der(one, one), "32 bytes": der(top, top), "the order less one": der(integer(less), integer(less)),
	} {
		r, s, err := secp256k1.ParseDER(good)
		require.NoError(t, err, name)
		require.Equal(t, good, der(integer(r[:]), integer(s[:])), name)
	}
	for name, bad := range map[string][]byte{
		"nothing":                    {},
		"a tag alone":                {0x30},
		"an empty sequence":          der(),
		"one integer":                der(one),
		"three integers":             der(one, one, one),
		"trailing bytes inside":      der(one, one, []byte{0}),
		"trailing bytes after":       append(der(one, one), 0),
		"a set":                      append([]byte{0x31}, der(one, one)[1:]...),
		"a length one too long":      {0x30, 7, 2, 1, 1, 2, 1, 1},
		"a length one too short":     {0x30, 5, 2, 1, 1, 2, 1, 1},
		"a long-form length":         append([]byte{0x30, 0x81, 6}, der(one, one)[2:]...),
		"an indefinite length":       append(append([]byte{0x30, 0x80}, der(one, one)[2:]...), 0, 0),
		"a long-form integer":        der([]byte{2, 0x81, 1, 1}, one),
		"an empty integer":           der([]byte{2, 0}, one),
		"a bit string":               der([]byte{3, 1, 1}, one),
		"an integer past the end":    {0x30, 6, 2, 1, 1, 2, 2, 1},
		"zero r":                     der([]byte{2, 1, 0}, one),
		"zero s":                     der(one, []byte{2, 1, 0}),
		"negative r":                 der([]byte{2, 1, 0x81}, one),
		"negative s":                 der(one, []byte{2, 1, 0xFF}),
		"padded r":                   der([]byte{2, 2, 0, 1}, one),
		"padded s":                   der(one, []byte{2, 2, 0, 0x7F}),
		"r the order":                der(integer(order), one),
		"s the order":                der(one, integer(order)),
		"r of 33 bytes":              der(append([]byte{2, 33, 1}, make([]byte, 32)...), one),
		"s of 34 bytes":              der(one, append([]byte{2, 34, 0, 0x80}, make([]byte, 32)...)),
		"a first integer for both":   {0x30, 4, 2, 2, 1, 1},
		"a sequence in the sequence": der(der(one, one)),
	} {
		_, _, err := secp256k1.ParseDER(bad)
		require.ErrorIs(t, err, errcode.Protocol, name)
	}
}

func TestParsePublicKey(t *testing.T) {
	key, err := decred.GeneratePrivateKey()
	require.NoError(t, err)
	good := key.PubKey().SerializeUncompressed()
	require.Equal(t, good, func() []byte { k := public(t, good); return k[:] }())

	p := decred.Params().P
	// The modulus of the field is close to 2^256. Small coordinates have a second encoding that is not reduced.
	x := big.NewInt(1)
	y := new(big.Int).ModSqrt(big.NewInt(8), p) // y² = 1 + 7
	require.NotNil(t, y)
	point := func(first byte, x, y *big.Int) []byte {
		b := make([]byte, 65)
		b[0] = first
		x.FillBytes(b[1:33])
		y.FillBytes(b[33:])
		return b
	}
	public(t, point(4, x, y))
	public(t, point(4, x, new(big.Int).Sub(p, y)))
	nist, err := ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	zero, max := new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	for name, bad := range map[string][]byte{
		"nothing":                    nil,
		"64 bytes":                   good[:64],
		"66 bytes":                   append(bytes.Clone(good), 0),
		"compressed":                 key.PubKey().SerializeCompressed(),
		"a hybrid":                   append([]byte{6}, good[1:]...),
		"a first byte of 0":          append([]byte{0}, good[1:]...),
		"infinity in one byte":       {0},
		"infinity in 65 bytes":       make([]byte, 65),
		"the origin":                 point(4, zero, zero),
		"a point of P-256":           nist.PublicKey().Bytes(),
		"x + p":                      point(4, new(big.Int).Add(x, p), y),
		"y with x swapped":           point(4, y, x),
		"x is p":                     point(4, p, y),
		"y is p":                     point(4, x, p),
		"both all ones":              point(4, max, max),
		"y off by one":               point(4, x, new(big.Int).Add(y, big.NewInt(1))),
		"on the twist or off it all": point(4, big.NewInt(5), y),
	} {
		_, err := secp256k1.ParsePublicKey(bad)
		require.ErrorIs(t, err, errcode.Protocol, name)
	}
}

func TestEveryFlippedBitOfAPointIsNoticed(t *testing.T) {
	key := decred.PrivKeyFromBytes([]byte("a key for this test alone"))
	good := key.PubKey().SerializeUncompressed()
	for i := range len(good) * 8 {
		bad := bytes.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		_, err := secp256k1.ParsePublicKey(bad)
		require.ErrorIs(t, err, errcode.Protocol, "bit %d", i)
	}
}

func TestECDHAgainstTheOtherLibrary(t *testing.T) {
	for range 10 {
		ours, err := secp256k1.Generate(rand.Reader)
		require.NoError(t, err)
		theirs, err := decred.GeneratePrivateKey()
		require.NoError(t, err)
		pub := ours.Public()
		same := decred.PrivKeyFromBytes(ours[:])
		require.Equal(t, same.PubKey().SerializeUncompressed(), pub[:])
		parsed, err := decred.ParsePubKey(pub[:])
		require.NoError(t, err)
		want := decred.GenerateSharedSecret(theirs, parsed)
		got, err := ours.ECDH(public(t, theirs.PubKey().SerializeUncompressed()))
		require.NoError(t, err)
		require.Equal(t, want, got[:])
	}
	ours, err := secp256k1.Generate(rand.Reader)
	require.NoError(t, err)
	_, err = ours.ECDH(secp256k1.PublicKey{})
	require.ErrorIs(t, err, errcode.Protocol)
}

func TestExtremePrivateKeys(t *testing.T) {
	n := decred.Params().N
	scalar := func(v *big.Int) []byte { return v.FillBytes(make([]byte, 32)) }
	for _, v := range []*big.Int{big.NewInt(1), big.NewInt(2), new(big.Int).Sub(n, big.NewInt(1))} {
		k, err := secp256k1.ParsePrivateKey(scalar(v))
		require.NoError(t, err)
		pub := k.Public()
		require.Equal(t, decred.PrivKeyFromBytes(k[:]).PubKey().SerializeUncompressed(), pub[:])
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "31 bytes": make([]byte, 31), "33 bytes": append(scalar(big.NewInt(1)), 0), "zero": make([]byte, 32),
		"the order": scalar(n), "all ones": bytes.Repeat([]byte{0xFF}, 32),
	} {
		_, err := secp256k1.ParsePrivateKey(bad)
		require.ErrorIs(t, err, errcode.RecordCorrupt, name)
	}
}

func TestGenerateNeedsRandomness(t *testing.T) {
	_, err := secp256k1.Generate(iotest.ErrReader(errors.New("no entropy")))
	require.ErrorIs(t, err, errcode.Internal)
	a, err := secp256k1.Generate(rand.Reader)
	require.NoError(t, err)
	b, err := secp256k1.Generate(rand.Reader)
	require.NoError(t, err)
	require.NotEqual(t, [32]byte(a), [32]byte(b))
}

func TestPrivateKeyIsNotPrinted(t *testing.T) {
	k, err := secp256k1.ParsePrivateKey(bytes.Repeat([]byte{0x5B}, 32))
	require.NoError(t, err)
	for _, v := range []any{k, &k, struct{ K secp256k1.PrivateKey }{k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			s := fmt.Sprintf(verb, v)
			for _, leak := range []string{"5b5b", "5B5B", "[[", "91 91", "0x5b, 0x5b"} {
				require.NotContains(t, s, leak, verb)
			}
		}
	}
	k.Wipe()
	require.Zero(t, [32]byte(k))
}

// FuzzParseDER checks that an accepted signature has one encoding, and that the other library accepts the same signatures.
func FuzzParseDER(f *testing.F) {
	for _, s := range []string{
		"", "3006020101020101", "30060201000201FF", "300702020001020101",
		"30460221008CB58D54BDED501236621B83B320081E6F9B6B5539AE5EC9D36B660EC445A5E8022100A203CA1F9ABEE69751EA402A2ACDFD6B4A87697D6CD721F60540959095EC9466",
		"3045022100EB46DC605568CF8D5051CD67CEC234C66FC6E2561D2FE57D8DDF8D4D204695A6022009C246BE380DD2A8972807D2AE2A0FE22877408717E239AAA0C2530524714A48",
	} {
		b, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, s, err := secp256k1.ParseDER(b)
		_, theirs := ecdsa.ParseDERSignature(b)
		require.Equal(t, theirs == nil, err == nil, "%X: %v, the other library: %v", b, err, theirs)
		if err == nil {
			require.Equal(t, b, der(integer(r[:]), integer(s[:])))
		}
	})
}
