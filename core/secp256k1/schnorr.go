package secp256k1

import (
	"crypto/sha256"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fp"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"

	"imkey-connect/core/errcode"
)

// TaggedHash returns SHA-256(SHA-256(tag) ‖ SHA-256(tag) ‖ parts), the hash of BIP-340.
func TaggedHash(tag string, parts ...[]byte) (sum [32]byte) {
	prefix := sha256.Sum256([]byte(tag))
	h := sha256.New()
	h.Write(prefix[:])
	h.Write(prefix[:])
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// LiftX returns the key with this x coordinate and an even y coordinate (BIP-340). Errors have code protocol: about half of all x are of no
// key.
func LiftX(x [32]byte) (PublicKey, error) {
	bad := errcode.New(errcode.Protocol, "no key has this x coordinate")
	var p curve.G1Affine
	if new(big.Int).SetBytes(x[:]).Cmp(fp.Modulus()) >= 0 {
		return PublicKey{}, bad
	}
	var seven, y2 fp.Element
	p.X.SetBytes(x[:])
	seven.SetUint64(7)
	y2.Square(&p.X).Mul(&y2, &p.X).Add(&y2, &seven)
	if p.Y.Sqrt(&y2) == nil {
		return PublicKey{}, bad
	}
	return encode(&p).EvenY(), nil
}

// X returns the x coordinate, by which BIP-340 names a key.
func (k PublicKey) X() [32]byte { return [32]byte(k[1:33]) }

// OddY reports whether the y coordinate is odd.
func (k PublicKey) OddY() bool { return k[64]&1 == 1 }

// EvenY returns the key with the same x coordinate and an even y coordinate: k or its negative. k must be a point of the curve.
func (k PublicKey) EvenY() PublicKey {
	if !k.OddY() {
		return k
	}
	return k.negative()
}

// Decompress reads what [PublicKey.Compressed] writes. Errors have code protocol.
func Decompress(c [33]byte) (PublicKey, error) {
	k, err := LiftX([32]byte(c[1:]))
	switch {
	case err == nil && c[0] == 3:
		return k.negative(), nil
	case err == nil && c[0] != 2:
		err = errcode.New(errcode.Protocol, "not a compressed point")
	}
	return k, err
}

// negative returns the key with the same x coordinate and the other y coordinate.
func (k PublicKey) negative() PublicKey {
	y := new(big.Int).SetBytes(k[33:])
	y.Sub(fp.Modulus(), y).FillBytes(k[33:])
	return k
}

// VerifySchnorr reports whether r ‖ s is a signature over the digest (BIP-340) by the key with the x coordinate of key.
func VerifySchnorr(key PublicKey, digest [32]byte, signature [64]byte) bool {
	q, err := point(key[:])
	n := fr.Modulus()
	s := new(big.Int).SetBytes(signature[32:])
	if err != nil || s.Cmp(n) >= 0 || new(big.Int).SetBytes(signature[:32]).Cmp(fp.Modulus()) >= 0 {
		return false
	}
	x := key.X()
	challenge := TaggedHash("BIP0340/challenge", signature[:32], x[:], digest[:])
	e := new(big.Int).SetBytes(challenge[:])
	e.Mod(e, n)
	if !key.OddY() {
		e.Sub(n, e).Mod(e, n) // the point is s·G - e·P, where P has the even y coordinate
	}
	var sum curve.G1Jac
	sum.JointScalarMultiplicationBase(q, s, e)
	var p curve.G1Affine
	p.FromJacobian(&sum)
	px, py := p.X.Bytes(), p.Y.Bytes()
	return !p.IsInfinity() && py[31]&1 == 0 && px == [32]byte(signature[:32])
}
