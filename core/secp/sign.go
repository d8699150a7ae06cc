package secp

import (
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/ecdsa"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fp"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"

	"imkey-connect/core/errcode"
)

// Sign signs a digest of 32 bytes and returns the signature in DER, with s in the lower half of the order. The nonce is
// drawn from the key, the digest and fresh randomness, so that two signatures of one digest differ.
func (k *PrivateKey) Sign(digest [32]byte) ([]byte, error) {
	if *k == (PrivateKey{}) {
		// Zero is what a wiped key looks like, and gnark would not notice.
		return nil, errcode.New(errcode.Internal, "sign with a wiped key")
	}
	pub := k.Public()
	raw := make([]byte, 0, 96)
	raw = append(raw, pub[1:]...)
	raw = append(raw, k[:]...)
	defer clear(raw[:96])
	var key ecdsa.PrivateKey
	if _, err := key.SetBytes(raw); err != nil {
		return nil, errcode.Wrap(errcode.Internal, "sign", err)
	}
	sig, err := key.Sign(digest[:], nil)
	if err != nil {
		return nil, errcode.Wrap(errcode.Internal, "sign", err)
	}
	return EncodeDER([32]byte(sig[:32]), [32]byte(sig[32:])), nil
}

// EncodeDER writes a signature as [ParseDER] reads it.
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

// Recover returns the public key under which (r, s), big-endian, signs the digest. odd says whether the y coordinate of
// the nonce's point is odd: it is the recovery id, 0 or 1. The ids 2 and 3 mean an r that was reduced by the order, which
// nobody ever saw and Ethereum cannot express. Errors have code protocol.
func Recover(digest, r, s [32]byte, odd bool) (PublicKey, error) {
	bad := errcode.New(errcode.Protocol, "a signature that no key can have made")
	n := fr.Modulus()
	rInt, sInt := new(big.Int).SetBytes(r[:]), new(big.Int).SetBytes(s[:])
	if rInt.Sign() == 0 || rInt.Cmp(n) >= 0 || sInt.Sign() == 0 || sInt.Cmp(n) >= 0 {
		return PublicKey{}, bad
	}
	// The nonce's point: x is r, y² = x³ + 7. The order is below the field's modulus, so r is canonical.
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

// LowS brings a signature's s into the lower half of the order, where Ethereum wants it (EIP-2), and says whether it
// had to: the recovery id then flips with it. s lies between 1 and the order less one.
func LowS(s [32]byte) (low [32]byte, flipped bool) {
	n := fr.Modulus()
	v := new(big.Int).SetBytes(s[:])
	if v.Cmp(new(big.Int).Rsh(n, 1)) <= 0 {
		return s, false
	}
	v.Sub(n, v).FillBytes(low[:])
	return low, true
}

// Compressed returns the key as 02 or 03 ‖ X, by the parity of Y.
func (k PublicKey) Compressed() (c [33]byte) {
	c[0] = 2 | k[64]&1
	copy(c[1:], k[1:33])
	return c
}

// Tweak returns key + scalar·G, the child key of BIP-32. ok is false where the scalar is not below the order or the sum
// is the point at infinity; neither happens but by chance of 1 in 2^127.
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
