package core_test

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation"
	"imkey-connect/core/bindcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/secp256k1"
)

// The operations for which a user waits during a pairing. `make bench` compares native Go with WebAssembly.

func BenchmarkKeyPair(b *testing.B) {
	for b.Loop() {
		k, err := secp256k1.Generate(rand.Reader)
		require.NoError(b, err)
		_ = k.Public()
	}
}

func BenchmarkECDH(b *testing.B) {
	ours, err := secp256k1.Generate(rand.Reader)
	require.NoError(b, err)
	theirs, err := secp256k1.Generate(rand.Reader)
	require.NoError(b, err)
	pub := theirs.Public()
	for b.Loop() {
		_, err := ours.ECDH(pub)
		require.NoError(b, err)
	}
}

func BenchmarkCertificate(b *testing.B) {
	text, err := os.ReadFile("testdata/vectors/imkey.json")
	require.NoError(b, err)
	var vectors struct {
		Certificates struct {
			TestCA  string `json:"testCA"`
			Vectors []struct{ Hex, SEID string }
		}
	}
	require.NoError(b, json.Unmarshal(text, &vectors))
	key, err := hex.DecodeString(vectors.Certificates.TestCA)
	require.NoError(b, err)
	ca, err := secp256k1.ParsePublicKey(key)
	require.NoError(b, err)
	v := vectors.Certificates.Vectors[0]
	certificate, err := hex.DecodeString(v.Hex)
	require.NoError(b, err)
	for b.Loop() {
		a := attestation.Assess(certificate, strings.ToUpper(v.SEID), []secp256k1.PublicKey{ca})
		require.NoError(b, a.Err)
	}
}

func BenchmarkFraming(b *testing.B) {
	message := make([]byte, 240) // an answer with a certificate
	for b.Loop() {
		packets, err := frame.Split(message)
		require.NoError(b, err)
		var a frame.Assembler
		for i := range packets {
			_, err = a.Add(packets[i][:])
		}
		require.NoError(b, err)
	}
}

func BenchmarkCode(b *testing.B) {
	for b.Loop() {
		_, err := bindcode.Parse("pvu3-fy64")
		require.NoError(b, err)
	}
}
