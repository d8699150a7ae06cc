// Package attestation parses and verifies attestation certificates, in which the vendor's CA signs the public key of an
// imKey's secure element: core/PROTOCOL.md section 4. Without a trusted CA no device counts as verified.
package attestation

import (
	"crypto/sha256"

	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/tlv"
	"imkey-connect/core/upperhex"
)

// The tags of a certificate.
const (
	tagWrapper     = 0xBF21
	tagCertificate = 0x7F21
	tagSerial      = 0x93
	tagCA          = 0x42
	tagSubject     = 0x5F20
	tagUsage       = 0x95
	tagEffective   = 0x5F25
	tagExpiry      = 0x5F24
	tagData        = 0x53
	tagExtension   = 0xBF20
	tagPublicKey   = 0x7F49
	tagPoint       = 0xB0
	tagParameters  = 0xF0
	tagSignature   = 0x5F37
)

// Certificate is a well-formed certificate. Do not trust its content before [Certificate.Verify].
type Certificate struct {
	// Serial is the secure element's id (SEID): 16 bytes as upper-case hex.
	Serial string
	// PublicKey is the secure element's public key.
	PublicKey secp256k1.PublicKey

	digest    [32]byte
	signature []byte
}

// Parse reads a certificate, with or without its BF21 wrapper. The tags must have their fixed order and lengths, and no bytes
// may follow. Errors have code untrusted-device, since a malformed certificate proves nothing.
func Parse(b []byte) (*Certificate, error) {
	outer, rest, err := tlv.Next(b)
	if err == nil && outer.Tag == tagWrapper && len(rest) == 0 {
		outer, rest, err = tlv.Next(outer.Value)
	}
	if err != nil {
		return nil, untrusted("malformed certificate", err)
	}
	if outer.Tag != tagCertificate || len(rest) != 0 {
		return nil, untrusted("not a certificate", nil)
	}
	fields, err := tlv.All(outer.Value)
	if err != nil {
		return nil, untrusted("malformed certificate", err)
	}
	// The order is fixed. Only subject, discretionary data, public key and signature vary in length. Only BF20, which is empty,
	// may be absent.
	layout := []struct {
		tag      uint16
		min, max int
		optional bool
	}{
		{tagSerial, 16, 16, false},
		{tagCA, 2, 2, false},
		{tagSubject, 1, 32, false},
		{tagUsage, 2, 2, false},
		{tagEffective, 4, 4, false},
		{tagExpiry, 4, 4, false},
		{tagData, 0, 127, false},
		{tagExtension, 0, 0, true},
		{tagPublicKey, 1, 127, false},
		{tagSignature, 8, 72, false},
	}
	found := map[uint16]tlv.TLV{}
	var signed []byte
	for _, l := range layout {
		if len(fields) == 0 || fields[0].Tag != l.tag {
			if l.optional {
				continue
			}
			return nil, untrusted("missing, unknown or misplaced field in the certificate", nil)
		}
		f := fields[0]
		fields = fields[1:]
		if len(f.Value) < l.min || len(f.Value) > l.max {
			return nil, untrusted("certificate field of the wrong length", nil)
		}
		found[l.tag] = f
		if l.tag != tagSignature {
			signed = append(signed, f.Raw...)
		}
	}
	if len(fields) != 0 {
		return nil, untrusted("unknown field at the end of the certificate", nil)
	}
	c := &Certificate{
		Serial:    upperhex.String(found[tagSerial].Value...),
		digest:    sha256.Sum256(signed),
		signature: append([]byte(nil), found[tagSignature].Value...),
	}
	if c.PublicKey, err = parseKey(found[tagPublicKey].Value); err != nil {
		return nil, untrusted("public key of the certificate", err)
	}
	if _, _, err := secp256k1.ParseDER(c.signature); err != nil {
		return nil, untrusted("signature of the certificate", err)
	}
	return c, nil
}

func parseKey(b []byte) (key secp256k1.PublicKey, err error) {
	parts, err := tlv.All(b)
	if err != nil {
		return key, err
	}
	if len(parts) != 2 || parts[0].Tag != tagPoint || parts[1].Tag != tagParameters ||
		len(parts[1].Value) < 1 || len(parts[1].Value) > 2 {
		return key, errcode.New(errcode.Protocol, "unknown shape")
	}
	return secp256k1.ParsePublicKey(parts[0].Value)
}

// Verify returns the trusted CA that signed the certificate. It ignores the CA id in the certificate, since two keys with
// the same id are known. Errors have code untrusted-device, also if trustedCAs is empty.
func (c *Certificate) Verify(trustedCAs []secp256k1.PublicKey) (secp256k1.PublicKey, error) {
	for _, ca := range trustedCAs {
		if secp256k1.Verify(ca, c.digest, c.signature) {
			return ca, nil
		}
	}
	return secp256k1.PublicKey{}, untrusted("no trusted CA signed the certificate", nil)
}

func untrusted(op string, err error) error { return errcode.Wrap(errcode.UntrustedDevice, op, err) }

// Standing says how far a device's certificate can be trusted.
type Standing int

// The standings. Data that depends on the binding code is never sent to a device with an Invalid certificate, and to a
// device with an Unverified one only if the user knowingly accepted it.
const (
	// Invalid means that the certificate is malformed or belongs to another device.
	Invalid Standing = iota
	// Unverified means that the certificate is well formed and has this SEID, but no trusted CA signed it.
	Unverified
	// Verified means that a trusted CA signed the certificate and that it has this SEID.
	Verified
)

// String returns invalid, unverified or verified.
func (s Standing) String() string { return [...]string{"invalid", "unverified", "verified"}[s] }

// Assessment is the result of [Assess].
type Assessment struct {
	Standing Standing
	// Certificate is nil if the standing is Invalid.
	Certificate *Certificate
	// CA is the trusted CA that signed the certificate, if the standing is Verified.
	CA secp256k1.PublicKey
	// Err says why the standing is not Verified. It has code untrusted-device.
	Err error
}

// Assess checks the certificate of the device with this SEID, in upper-case hex.
func Assess(certificate []byte, seid string, trustedCAs []secp256k1.PublicKey) Assessment {
	c, err := Parse(certificate)
	if err != nil {
		return Assessment{Err: err}
	}
	if c.Serial != seid {
		return Assessment{Err: untrusted("the certificate belongs to another device", nil)}
	}
	ca, err := c.Verify(trustedCAs)
	if err != nil {
		return Assessment{Standing: Unverified, Certificate: c, Err: err}
	}
	return Assessment{Standing: Verified, Certificate: c, CA: ca}
}
