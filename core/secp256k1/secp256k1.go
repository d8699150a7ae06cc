// Package secp256k1 has the keys, ECDH and the signatures that core needs of the curve secp256k1. The arithmetic is that of
// gnark-crypto, which is small in WebAssembly. It is not constant-time. That matters little in a browser, where the origin of the
// page is the security boundary (core/PROTOCOL.md section 5).
package secp256k1

import (
	"fmt"
	"io"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/ecdsa"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"

	"imkey-connect/core/errcode"
)

// PublicKey is an uncompressed point of the curve: 04 ‖ X ‖ Y.
type PublicKey [65]byte

// PrivateKey is a scalar from 1 to the order minus 1, big-endian. It is a secret: it has no String.
type PrivateKey [32]byte

// Wipe overwrites the key. Copies that the arithmetic made remain until garbage collection.
func (k *PrivateKey) Wipe() { *k = PrivateKey{} }

// Format prints secp256k1.PrivateKey{…} for every verb, so that fmt never prints the key.
func (k PrivateKey) Format(w fmt.State, verb rune) { io.WriteString(w, "secp256k1.PrivateKey{…}") }

// ParsePublicKey reads an uncompressed point. Errors have code protocol.
func ParsePublicKey(b []byte) (PublicKey, error) {
	var k PublicKey
	if len(b) != len(k) || b[0] != 4 {
		return k, errcode.New(errcode.Protocol, "not an uncompressed point")
	}
	if _, err := point(b); err != nil {
		return k, err
	}
	copy(k[:], b)
	return k, nil
}

// ParsePrivateKey reads a scalar. Errors have code record-corrupt, since only records contain private keys.
func ParsePrivateKey(b []byte) (PrivateKey, error) {
	var k PrivateKey
	d := new(big.Int).SetBytes(b)
	if len(b) != len(k) || d.Sign() == 0 || d.Cmp(fr.Modulus()) >= 0 {
		return k, errcode.New(errcode.RecordCorrupt, "not a private key")
	}
	copy(k[:], b)
	return k, nil
}

// Generate returns a new key from random. Errors have code internal.
func Generate(random io.Reader) (PrivateKey, error) {
	var k PrivateKey
	key, err := ecdsa.GenerateKey(random)
	if err != nil {
		return k, errcode.Wrap(errcode.Internal, "no randomness", err)
	}
	copy(k[:], key.Bytes()[64:])
	return k, nil
}

// Public returns the public key of k.
func (k *PrivateKey) Public() PublicKey {
	var p curve.G1Affine
	p.ScalarMultiplicationBase(new(big.Int).SetBytes(k[:]))
	return encode(&p)
}

// ECDH returns the x coordinate of k·pub, big-endian. Errors have code protocol.
func (k *PrivateKey) ECDH(pub PublicKey) ([32]byte, error) {
	p, err := point(pub[:])
	if err != nil {
		return [32]byte{}, err
	}
	p.ScalarMultiplication(p, new(big.Int).SetBytes(k[:]))
	return p.X.Bytes(), nil
}

// Verify reports whether der is the key's signature over the digest. It accepts s in both halves of the order, since secure
// elements write both.
func Verify(pub PublicKey, digest [32]byte, der []byte) bool {
	r, s, err := ParseDER(der)
	if err != nil {
		return false
	}
	p, err := point(pub[:])
	if err != nil {
		return false
	}
	// gnark accepts the lower half only. If (r, s) is valid, so is (r, n-s).
	n := fr.Modulus()
	sInt := new(big.Int).SetBytes(s[:])
	if sInt.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		sInt.Sub(n, sInt)
	}
	var sig [64]byte
	copy(sig[:32], r[:])
	sInt.FillBytes(sig[32:])
	key := ecdsa.PublicKey{A: *p}
	ok, err := key.Verify(sig[:], digest[:], nil)
	return ok && err == nil
}

// ParseDER reads an ECDSA signature in strict DER (X.690): lengths are definite and in their shortest form, integers are
// positive and in their shortest form, and no bytes follow the end. r and s are from 1 to the order minus 1, and are returned
// big-endian. Errors have code protocol.
func ParseDER(der []byte) (r, s [32]byte, err error) {
	bad := errcode.New(errcode.Protocol, "malformed DER signature")
	if len(der) < 2 || der[0] != 0x30 || der[1] >= 0x80 || int(der[1]) != len(der)-2 {
		return r, s, bad
	}
	rest := der[2:]
	for _, v := range []*[32]byte{&r, &s} {
		if len(rest) < 2 || rest[0] != 0x02 || rest[1] == 0 || rest[1] > 33 || int(rest[1]) > len(rest)-2 {
			return r, s, bad
		}
		n := rest[2 : 2+int(rest[1])]
		rest = rest[2+len(n):]
		if n[0]&0x80 != 0 || len(n) > 1 && n[0] == 0 && n[1]&0x80 == 0 {
			return r, s, bad
		}
		if n[0] == 0 {
			n = n[1:]
		}
		d := new(big.Int).SetBytes(n)
		if len(n) > 32 || d.Sign() == 0 || d.Cmp(fr.Modulus()) >= 0 {
			return r, s, bad
		}
		d.FillBytes(v[:])
	}
	if len(rest) != 0 {
		return r, s, bad
	}
	return r, s, nil
}

// point decodes 04 ‖ X ‖ Y. The coordinates must be below the modulus of the field, and the point must be on the curve. The point
// at infinity has no such encoding.
func point(b []byte) (*curve.G1Affine, error) {
	var p curve.G1Affine
	if err := p.X.SetBytesCanonical(b[1:33]); err != nil {
		return nil, errcode.New(errcode.Protocol, "coordinate out of range")
	}
	if err := p.Y.SetBytesCanonical(b[33:65]); err != nil {
		return nil, errcode.New(errcode.Protocol, "coordinate out of range")
	}
	if p.IsInfinity() || !p.IsOnCurve() {
		return nil, errcode.New(errcode.Protocol, "not a point on secp256k1")
	}
	return &p, nil
}

func encode(p *curve.G1Affine) PublicKey {
	var k PublicKey
	k[0] = 4
	x, y := p.X.Bytes(), p.Y.Bytes()
	copy(k[1:33], x[:])
	copy(k[33:], y[:])
	return k
}
