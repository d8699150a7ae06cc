package secp256k1

import (
	"crypto/sha256"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fp"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"

	"imkey-connect/core/errcode"
)

// Sign signs a digest and returns the signature in DER, with s in the lower half of the order. The nonce is that of RFC 6979: it
// depends on the key and the digest only, so that bad randomness cannot reveal the key. A zero key is an error with code internal.
func (k *PrivateKey) Sign(digest [32]byte) ([]byte, error) {
	if *k == (PrivateKey{}) {
		// A wiped key is zero.
		return nil, errcode.New(errcode.Internal, "sign with a wiped key")
	}
	n := fr.Modulus()
	z := new(big.Int).SetBytes(digest[:])
	z.Mod(z, n)
	nonces := newNonces(k, z)
	defer nonces.wipe()
	for {
		nonce := nonces.next()
		if nonce.Sign() == 0 || nonce.Cmp(n) >= 0 {
			continue
		}
		var p curve.G1Affine
		p.ScalarMultiplicationBase(nonce)
		x := p.X.Bytes()
		r := new(big.Int).SetBytes(x[:])
		r.Mod(r, n)
		// s = (z + r·key) / nonce
		s := new(big.Int).SetBytes(k[:])
		s.Mul(s, r).Add(s, z).Mul(s, nonce.ModInverse(nonce, n)).Mod(s, n)
		if r.Sign() == 0 || s.Sign() == 0 {
			continue
		}
		var rb, sb [32]byte
		r.FillBytes(rb[:])
		s.FillBytes(sb[:])
		low, _ := LowS(sb)
		return EncodeDER(rb, low), nil
	}
}

// nonces generates nonces by RFC 6979, section 3.2, with HMAC-SHA-256.
type nonces struct{ k, v []byte }

func newNonces(key *PrivateKey, z *big.Int) *nonces {
	g := &nonces{k: make([]byte, 32), v: make([]byte, 32)}
	for i := range g.v {
		g.v[i] = 1
	}
	digest := z.FillBytes(make([]byte, 32))
	g.mix([]byte{0}, key[:], digest)
	g.mix([]byte{1}, key[:], digest)
	return g
}

func (g *nonces) mix(parts ...[]byte) {
	g.k = HMAC(sha256.New, g.k, append([][]byte{g.v}, parts...)...)
	g.v = HMAC(sha256.New, g.k, g.v)
}

// next returns the next candidate, a number of 256 bits.
func (g *nonces) next() *big.Int {
	g.v = HMAC(sha256.New, g.k, g.v)
	n := new(big.Int).SetBytes(g.v)
	g.mix([]byte{0})
	return n
}

func (g *nonces) wipe() {
	clear(g.k)
	clear(g.v)
}

// EncodeDER writes a signature in the form that [ParseDER] reads.
func EncodeDER(r, s [32]byte) []byte {
	der := []byte{0x30, 0}
	for _, v := range [][]byte{r[:], s[:]} {
		for len(v) > 1 && v[0] == 0 {
			v = v[1:]
		}
		if v[0]&0x80 != 0 {
			v = append([]byte{0}, v...)
		}
		der = append(der, 0x02, byte(len(v)))
		der = append(der, v...)
	}
	der[1] = byte(len(der) - 2)
	return der
}

// Recover returns the public key for which (r, s), big-endian, is a signature over the digest. odd is the recovery id 1: the y
// coordinate of the nonce's point is odd. The recovery ids 2 and 3, for an r that was reduced by the order, are not supported: they
// practically never occur, and Ethereum cannot express them. Errors have code protocol.
func Recover(digest, r, s [32]byte, odd bool) (PublicKey, error) {
	bad := errcode.New(errcode.Protocol, "no key can have made the signature")
	n := fr.Modulus()
	rInt, sInt := new(big.Int).SetBytes(r[:]), new(big.Int).SetBytes(s[:])
	if rInt.Sign() == 0 || rInt.Cmp(n) >= 0 || sInt.Sign() == 0 || sInt.Cmp(n) >= 0 {
		return PublicKey{}, bad
	}
	// The nonce's point has x = r and y² = x³ + 7. r is below the modulus of the field, since the order is.
	var p curve.G1Affine
	var seven, y2 fp.Element
	p.X.SetBytes(r[:])
	seven.SetUint64(7)
	y2.Square(&p.X).Mul(&y2, &p.X).Add(&y2, &seven)
	if p.Y.Sqrt(&y2) == nil {
		return PublicKey{}, bad
	}
	if y := p.Y.Bytes(); (y[31]&1 == 1) != odd {
		p.Y.Neg(&p.Y)
	}
	// The key is (s·P - digest·G) / r.
	rInv := new(big.Int).ModInverse(rInt, n)
	u1 := new(big.Int).SetBytes(digest[:])
	u1.Mul(u1, rInv).Neg(u1).Mod(u1, n)
	u2 := sInt.Mul(sInt, rInv)
	u2.Mod(u2, n)
	var q curve.G1Jac
	q.JointScalarMultiplicationBase(&p, u1, u2)
	var key curve.G1Affine
	key.FromJacobian(&q)
	if key.IsInfinity() {
		return PublicKey{}, bad
	}
	return encode(&key), nil
}

// Signed reports whether (r, s), big-endian, is the key's signature over the digest with this recovery id. The result is the
// same as that of [Recover] and a comparison, but it needs no square root, which would add code to the WebAssembly.
func Signed(key PublicKey, digest, r, s [32]byte, odd bool) bool {
	n := fr.Modulus()
	rInt, sInt := new(big.Int).SetBytes(r[:]), new(big.Int).SetBytes(s[:])
	q, err := point(key[:])
	if err != nil || rInt.Sign() == 0 || rInt.Cmp(n) >= 0 || sInt.Sign() == 0 || sInt.Cmp(n) >= 0 {
		return false
	}
	// The nonce's point is (digest·G + r·key) / s.
	sInv := sInt.ModInverse(sInt, n)
	u1 := new(big.Int).SetBytes(digest[:])
	u1.Mul(u1, sInv).Mod(u1, n)
	u2 := rInt.Mul(rInt, sInv)
	u2.Mod(u2, n)
	var sum curve.G1Jac
	sum.JointScalarMultiplicationBase(q, u1, u2)
	var p curve.G1Affine
	p.FromJacobian(&sum)
	x, y := p.X.Bytes(), p.Y.Bytes()
	return !p.IsInfinity() && x == r && (y[31]&1 == 1) == odd
}

// LowS returns s in the lower half of the order, which Ethereum requires (EIP-2). flipped reports whether s was in the upper half;
// then the recovery id flips, too. s must be from 1 to the order minus 1.
func LowS(s [32]byte) (low [32]byte, flipped bool) {
	n := fr.Modulus()
	v := new(big.Int).SetBytes(s[:])
	if v.Cmp(new(big.Int).Rsh(n, 1)) <= 0 {
		return s, false
	}
	v.Sub(n, v).FillBytes(low[:])
	return low, true
}

// Compressed returns the key in compressed form: 02 for an even Y or 03 for an odd Y, then X.
func (k PublicKey) Compressed() (c [33]byte) {
	c[0] = 2 | k[64]&1
	copy(c[1:], k[1:33])
	return c
}

// Tweak returns key + scalar·G, which is a child key in BIP-32. ok is false if the scalar is not below the order or the sum is
// the point at infinity, which happens once in 2¹²⁷ times.
func (k PublicKey) Tweak(scalar [32]byte) (child PublicKey, ok bool) {
	d := new(big.Int).SetBytes(scalar[:])
	p, err := point(k[:])
	if err != nil || d.Cmp(fr.Modulus()) >= 0 {
		return child, false
	}
	var sum curve.G1Jac
	sum.JointScalarMultiplicationBase(p, d, big.NewInt(1))
	var key curve.G1Affine
	key.FromJacobian(&sum)
	if key.IsInfinity() {
		return child, false
	}
	return encode(&key), true
}
