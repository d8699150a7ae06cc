// Package attestationtest is a certificate authority for tests. It signs valid and invalid attestation certificates
// (core/PROTOCOL.md section 4), with another curve library than core's. Its keys protect nothing.
package attestationtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"imkey-connect/core/tlv"
)

// Key is a key pair, the same for the same name.
type Key struct{ *secp256k1.PrivateKey }

// NewKey derives a key from a name.
func NewKey(name string) Key {
	d := sha256.Sum256([]byte(name))
	return Key{secp256k1.PrivKeyFromBytes(d[:])}
}

// Public returns 04 ‖ X ‖ Y.
func (k Key) Public() []byte { return k.PubKey().SerializeUncompressed() }

// Sign signs a digest; the signature is DER and has its s in the upper half of the order if high is set.
func (k Key) Sign(digest [32]byte, high bool) []byte {
	sig := ecdsa.Sign(k.PrivateKey, digest[:])
	r, s := sig.R(), sig.S()
	if high {
		s.Negate()
	}
	rb, sb := r.Bytes(), s.Bytes()
	body := append(integer(rb[:]), integer(sb[:])...)
	return append([]byte{0x30, byte(len(body))}, body...)
}

func integer(b []byte) []byte {
	if b = bytes.TrimLeft(b, "\x00"); len(b) == 0 || b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return append([]byte{0x02, byte(len(b))}, b...)
}

// Field is one TLV of a certificate.
type Field struct {
	Tag   uint16
	Value []byte
}

// Template holds the fields of a certificate that are signed, in their order. Tests change it before they sign it.
type Template struct {
	Fields []Field
	// HighS puts the signature's s in the upper half of the order.
	HighS bool
	// Bare leaves the BF21 around the certificate out.
	Bare bool
}

// New is the template of a good certificate for a SEID (hex) and a secure element's public point.
func New(seid string, point []byte) *Template {
	serial, err := hex.DecodeString(seid)
	if err != nil {
		panic(err)
	}
	return &Template{Fields: []Field{
		{0x93, serial},
		{0x42, []byte{0, 1}},
		{0x5F20, []byte{1, 2, 3, 4}},
		{0x95, []byte{0, 0x80}},
		{0x5F25, []byte{0x20, 0x18, 0x10, 0x14}},
		{0x5F24, []byte{0xFF, 0xFF, 0xFF, 0xFF}},
		{0x53, nil},
		{0x7F49, KeyField(point, []byte{0xDF, 0xFE})},
	}}
}

// KeyField is the value of 7F49.
func KeyField(point, parameters []byte) []byte {
	return tlv.Append(tlv.Append(nil, 0xB0, point), 0xF0, parameters)
}

// Index returns the index of the field with this tag.
func (t *Template) Index(tag uint16) int {
	i := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Tag == tag })
	if i < 0 {
		panic("attestationtest: no such field")
	}
	return i
}

// Set replaces a field's value.
func (t *Template) Set(tag uint16, value []byte) *Template {
	t.Fields[t.Index(tag)].Value = value
	return t
}

// Body returns the fields as they are signed.
func (t *Template) Body() (b []byte) {
	for _, f := range t.Fields {
		b = tlv.Append(b, f.Tag, f.Value)
	}
	return b
}

// Sign makes a certificate of the template.
func (t *Template) Sign(ca Key) []byte {
	body := t.Body()
	return t.Wrap(tlv.Append(body, 0x5F37, ca.Sign(sha256.Sum256(body), t.HighS)))
}

// Wrap puts the outer tags around body, which may be any bytes.
func (t *Template) Wrap(body []byte) []byte {
	b := tlv.Append(nil, 0x7F21, body)
	if t.Bare {
		return b
	}
	return tlv.Append(nil, 0xBF21, b)
}
