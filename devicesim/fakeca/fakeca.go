// Package fakeca is a certificate authority for simulated secure elements. It issues attestation certificates in every form
// that the vendor's have (core/PROTOCOL.md section 4), and wrong ones for tests of a verifier. Its keys protect nothing.
package fakeca

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"imkey-connect/devicesim/ecdsa"
)

// The tags of a certificate.
const (
	TagOuter         uint16 = 0xBF21 // may or may not wrap the certificate
	TagCertificate   uint16 = 0x7F21
	TagSerial        uint16 = 0x93
	TagCAID          uint16 = 0x42
	TagSubject       uint16 = 0x5F20
	TagUsage         uint16 = 0x95
	TagEffective     uint16 = 0x5F25
	TagExpiry        uint16 = 0x5F24
	TagDiscretionary uint16 = 0x53
	TagExtra         uint16 = 0xBF20 // in some certificates, empty
	TagPublicKey     uint16 = 0x7F49
	TagPoint         uint16 = 0xB0 // inside 7F49
	TagKeyParameter  uint16 = 0xF0 // inside 7F49
	TagSignature     uint16 = 0x5F37
)

// CA is a certificate authority with a secp256k1 key.
type CA struct{ key *secp256k1.PrivateKey }

// New makes a CA with a random key. If random is nil, it uses crypto/rand.
func New(random io.Reader) (*CA, error) {
	if random == nil {
		random = rand.Reader
	}
	key, err := secp256k1.GeneratePrivateKeyFromRand(random)
	if err != nil {
		return nil, fmt.Errorf("fakeca: %w", err)
	}
	return &CA{key: key}, nil
}

// PublicKey is the CA's public key, for an app that trusts the CA: 04 ‖ X ‖ Y, 65 bytes.
func (c *CA) PublicKey() []byte { return c.key.PubKey().SerializeUncompressed() }

// SForm chooses the half of the order in which the signature's s lies.
type SForm int

const (
	AsSigned SForm = iota // not normalised: either half
	LowS
	HighS
)

// Params is the content of a certificate. SEID and SEPublicKey are required. The defaults of the others are the values of the
// public samples.
type Params struct {
	SEID        []byte // 16 bytes, the serial
	SEPublicKey []byte // 04 ‖ X ‖ Y, 65 bytes

	CAID          []byte // default 0001
	Subject       []byte // default 01020304
	Effective     []byte // BCD YYYYMMDD, default 20181014
	Expiry        []byte // default FFFFFFFF, none
	Discretionary []byte // default empty

	Bare    bool  // omits the BF21 around the certificate
	ShortF0 bool  // F0 has one byte, as in certificates with a 7F49 of 46 (hex) bytes
	Extra   bool  // an empty BF20 stands before the public key
	S       SForm // the half in which s lies
}

// TLV is one element of a certificate.
type TLV struct {
	Tag   uint16
	Value []byte
}

// Change makes a certificate differ from its Params.
type Change func(*draft)

type draft struct {
	signed   []func([]TLV) []TLV
	tampered []func([]TLV) []TLV
	raw      []func([]byte) []byte
}

// Signed changes the elements 93 … 7F49 before the CA signs them, as a careless CA would.
func Signed(f func([]TLV) []TLV) Change { return func(d *draft) { d.signed = append(d.signed, f) } }

// Tampered changes the elements 93 … 5F37 after the CA has signed them. The lengths around them stay right.
func Tampered(f func([]TLV) []TLV) Change {
	return func(d *draft) { d.tampered = append(d.tampered, f) }
}

// Raw changes the bytes of the finished certificate.
func Raw(f func([]byte) []byte) Change { return func(d *draft) { d.raw = append(d.raw, f) } }

// Issue issues a certificate in the form that the card manager answers.
func (c *CA) Issue(p Params, changes ...Change) []byte {
	var d draft
	for _, change := range changes {
		change(&d)
	}
	elements := p.elements()
	for _, f := range d.signed {
		elements = f(elements)
	}
	sig := ecdsa.Sign(c.key, sha256.Sum256(encodeAll(elements)), nil)
	if p.S == LowS && sig.High() || p.S == HighS && !sig.High() {
		sig = sig.Negated()
	}
	elements = append(elements, TLV{TagSignature, sig.DER()})
	for _, f := range d.tampered {
		elements = f(elements)
	}
	cert := encode(TLV{TagCertificate, encodeAll(elements)})
	if !p.Bare {
		cert = encode(TLV{TagOuter, cert})
	}
	for _, f := range d.raw {
		cert = f(cert)
	}
	return cert
}

func (p Params) elements() []TLV {
	or := func(v []byte, standard ...byte) []byte {
		if v == nil {
			return standard
		}
		return v
	}
	parameter := []byte{0xDF, 0xFE}
	if p.ShortF0 {
		parameter = parameter[:1]
	}
	elements := []TLV{
		{TagSerial, p.SEID},
		{TagCAID, or(p.CAID, 0x00, 0x01)},
		{TagSubject, or(p.Subject, 0x01, 0x02, 0x03, 0x04)},
		{TagUsage, []byte{0x00, 0x80}},
		{TagEffective, or(p.Effective, 0x20, 0x18, 0x10, 0x14)},
		{TagExpiry, or(p.Expiry, 0xFF, 0xFF, 0xFF, 0xFF)},
		{TagDiscretionary, p.Discretionary},
	}
	if p.Extra {
		elements = append(elements, TLV{TagExtra, nil})
	}
	return append(elements, TLV{TagPublicKey, publicKey(p.SEPublicKey, parameter)})
}

func publicKey(point, parameter []byte) []byte {
	return encodeAll([]TLV{{TagPoint, point}, {TagKeyParameter, parameter}})
}

func encodeAll(elements []TLV) []byte {
	var b []byte
	for _, e := range elements {
		b = append(b, encode(e)...)
	}
	return b
}

// encode encodes a TLV. It does not use core's codec, so that a mistake there cannot hide itself.
func encode(e TLV) []byte {
	var b []byte
	if e.Tag > 0xFF {
		b = append(b, byte(e.Tag>>8))
	}
	b = append(b, byte(e.Tag))
	switch n := len(e.Value); {
	case n < 0x80:
		b = append(b, byte(n))
	case n < 0x100:
		b = append(b, 0x81, byte(n))
	default:
		b = append(b, 0x82, byte(n>>8), byte(n))
	}
	return append(b, e.Value...)
}
