// Package ecdsa makes secp256k1 signatures as the secure element of an imKey does: it does not normalise s, which lies in
// either half of the order (core/PROTOCOL.md sections 4 and 6). Libraries for hosts normalise s, so a simulated device cannot
// sign with them.
package ecdsa

import (
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// Signature is an ECDSA signature over secp256k1.
type Signature struct {
	R, S secp256k1.ModNScalar
	// RecoveryID belongs to R and S as they are. Bit 0 is the parity of the nonce point's y; bit 1 is set if its x was not
	// below the order. Negating S flips bit 0.
	RecoveryID byte
}

// Sign signs a digest with the nonce of RFC 6979, and does not normalise s. extra is empty or 32 bytes that go into the nonce,
// as section 3.6 of the RFC allows: random bytes give a randomised signature.
func Sign(key *secp256k1.PrivateKey, digest [32]byte, extra []byte) Signature {
	d := key.Serialize()
	defer clear(d)
	var e secp256k1.ModNScalar
	e.SetBytes(&digest)
	for iteration := uint32(0); ; iteration++ {
		k := secp256k1.NonceRFC6979(d, digest[:], extra, nil, iteration)
		sig, ok := sign(&key.Key, &e, k)
		k.Zero()
		if ok {
			return sig
		}
	}
}

// sign signs e with the nonce k (SEC 1, section 4.1.3). ok is false for a nonce that gives no signature.
func sign(d, e, k *secp256k1.ModNScalar) (sig Signature, ok bool) {
	var point secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(k, &point)
	point.ToAffine()
	x := point.X.Bytes()
	if sig.R.SetBytes(x) != 0 {
		sig.RecoveryID |= 2
	}
	if point.Y.IsOdd() {
		sig.RecoveryID |= 1
	}
	var inverse secp256k1.ModNScalar
	inverse.InverseValNonConst(k)
	sig.S.Mul2(d, &sig.R).Add(e).Mul(&inverse)
	inverse.Zero()
	return sig, !sig.R.IsZero() && !sig.S.IsZero()
}

// High reports whether s is in the upper half of the order.
func (s Signature) High() bool { return s.S.IsOverHalfOrder() }

// Negated returns the other signature that is valid for the same digest and key.
func (s Signature) Negated() Signature {
	s.S.Negate()
	s.RecoveryID ^= 1
	return s
}

// DER encodes the signature as a SEQUENCE of two INTEGERs in their shortest form.
func (s Signature) DER() []byte {
	r, v := integer(&s.R), integer(&s.S)
	b := make([]byte, 0, 2+len(r)+len(v))
	b = append(b, 0x30, byte(len(r)+len(v)))
	return append(append(b, r...), v...)
}

func integer(v *secp256k1.ModNScalar) []byte {
	raw := v.Bytes()
	b := raw[:]
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	if b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return append([]byte{2, byte(len(b))}, b...)
}

// Verify reports whether der is a signature over a digest by the key at an uncompressed point. The signature must be strict
// DER; s may be in either half of the order.
func Verify(point []byte, digest [32]byte, der []byte) bool {
	key, err := secp256k1.ParsePubKey(point)
	if err != nil {
		return false
	}
	sig, err := ecdsa.ParseDERSignature(der)
	return err == nil && sig.Verify(digest[:], key)
}
