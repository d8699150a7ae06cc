// Package wycheprooftest has the test vectors of Project Wycheproof (github.com/c2sp/wycheproof) for the cryptography of core,
// bridge and the simulator. Only tests may import it.
package wycheprooftest

import (
	"compress/gzip"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:embed testdata/*.gz
var files embed.FS

// Hex is a byte string that the vectors write in hex.
type Hex []byte

// UnmarshalText decodes hex.
func (h *Hex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// base64URL is a byte string that a JSON Web Key writes in base64url without padding.
type base64URL []byte

// UnmarshalText decodes base64url.
func (b *base64URL) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.DecodeString(string(text))
	return err
}

// Test is what the vectors of all algorithms have.
type Test struct {
	ID      int `json:"tcId"`
	Comment string
	Flags   []string
	Result  string // valid, invalid or acceptable
}

// Valid reports whether the vector must be accepted.
func (t Test) Valid() bool { return t.Result == "valid" }

// Has reports whether the vector has a flag.
func (t Test) Has(flag string) bool { return slices.Contains(t.Flags, flag) }

// Group is a group of vectors T with the parameters P that they share.
type Group[P, T any] struct {
	Parameters P
	Tests      []T
}

// UnmarshalJSON reads the parameters and the vectors, which are in one object.
func (g *Group[P, T]) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &g.Parameters); err != nil {
		return err
	}
	return json.Unmarshal(b, &struct{ Tests *[]T }{&g.Tests})
}

// Load returns the groups of a file, for example hmac_sha256. The number of vectors must be what the file says.
func Load[P, T any](t testing.TB, name string) []Group[P, T] {
	t.Helper()
	f, err := files.Open("testdata/" + name + ".json.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all struct {
		NumberOfTests int
		TestGroups    []Group[P, T]
	}
	require.NoError(t, json.NewDecoder(z).Decode(&all))
	n := 0
	for _, g := range all.TestGroups {
		n += len(g.Tests)
	}
	require.Equal(t, all.NumberOfTests, n)
	require.Positive(t, n)
	return all.TestGroups
}

// PublicKey are the parameters of a group of signatures.
type PublicKey struct {
	PublicKey struct{ Uncompressed Hex }
}

// Signature is a vector of ECDSA.
type Signature struct {
	Test
	Msg, Sig Hex
}

// The files of ECDSA on secp256k1 with SHA-256, in DER. They differ in s above half the order, which Bitcoin and Ethereum refuse.
const (
	AnyS = "ecdsa_secp256k1_sha256"
	LowS = "ecdsa_secp256k1_sha256_bitcoin"
)

// CheckSignatures runs the vectors of AnyS or LowS. It returns the numbers of valid and invalid signatures.
func CheckSignatures(t *testing.T, name string, verify func(point, message, der []byte) bool) (valid, invalid int) {
	for _, g := range Load[PublicKey, Signature](t, name) {
		for _, v := range g.Tests {
			require.Equal(t, v.Valid(), verify(g.Parameters.PublicKey.Uncompressed, v.Msg, v.Sig), "%s %d: %s", name, v.ID, v.Comment)
			if v.Valid() {
				valid++
			} else {
				invalid++
			}
		}
	}
	return valid, invalid
}

// CheckECDH runs the vectors of ECDH on secp256k1. agree gets an uncompressed point and a private key of 32 bytes; ok is false if it
// refuses the point. CheckECDH returns the numbers of valid and invalid points.
func CheckECDH(t *testing.T, agree func(point, private []byte) (shared []byte, ok bool)) (valid, invalid int) {
	type key struct{ X, Y, D base64URL }
	// A point has no name of a curve here. This vector names P-256 and is a point of secp256k1.
	const otherName = 490
	type test struct {
		Test
		Public, Private key
		Shared          Hex
	}
	for _, g := range Load[struct{}, test](t, "ecdh_secp256k1_webcrypto") {
		for _, v := range g.Tests {
			private := make([]byte, 32)
			copy(private[32-len(v.Private.D):], v.Private.D)
			point := slices.Concat([]byte{4}, v.Public.X, v.Public.Y)
			shared, ok := agree(point, private)
			require.Equal(t, v.Valid() || v.ID == otherName, ok, "%d: %s", v.ID, v.Comment)
			if ok {
				require.Equal(t, []byte(v.Shared), shared, "%d: %s", v.ID, v.Comment)
				valid++
			} else {
				invalid++
			}
		}
	}
	return valid, invalid
}

// MAC is a vector of HMAC. Its group has [TagSize].
type MAC struct {
	Test
	Key, Msg, Tag Hex
}

// TagSize is the length of the tags of a group in bits.
type TagSize struct{ TagSize int }

// Cipher is a vector of AES-CBC with the padding of PKCS #7, or of AES-GCM.
type Cipher struct {
	Test
	Key, IV, AAD, Msg, CT, Tag Hex
}
