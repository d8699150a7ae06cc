// Package attestation parses and verifies the certificate that an imKey's secure element presents: core/PROTOCOL.md
// section 4. It says which key a device has, and whether one of the trusted CAs vouches for it; it never says
// "genuine" without one.
package attestation

import (
	"crypto/sha256"

	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/tlv"
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

// Certificate is a well-formed certificate; nothing in it is true before [Certificate.Verify].
type Certificate struct {
	// Serial is the secure element's id (SEID), 16 bytes as upper-case hex.
	Serial string
	// PublicKey is the secure element's key.
	PublicKey secp256k1.PublicKey

	digest    [32]byte
	signature []byte
}

// Parse reads a certificate, with or without its BF21 wrapper. Lengths are strict, tags come in their one order, and
// nothing may follow. Its errors have code untrusted-device: whoever presents such a thing has proved nothing.
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
	// The order is fixed, and so is every length but that of subject, discretionary data and signature. Only BF20, empty,
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
			return nil, untrusted("certificate with missing, unknown or misplaced fields", nil)
		}
		f := fields[0]
		fields = fields[1:]
		if len(f.Value) < l.min || len(f.Value) > l.max {
			return nil, untrusted("certificate field of a wrong length", nil)
		}
		found[l.tag] = f
		if l.tag != tagSignature {
			signed = append(signed, f.Raw...)
		}
	}
	if len(fields) != 0 {
		return nil, untrusted("certificate with a field too many", nil)
	}
	c := &Certificate{
		Serial:    upperHex(found[tagSerial].Value),
		digest:    sha256.Sum256(signed),
		signature: append([]byte(nil), found[tagSignature].Value...),
	}
	if c.PublicKey, err = parseKey(found[tagPublicKey].Value); err != nil {
		return nil, untrusted("certificate's public key", err)
	}
	if _, _, err := secp256k1.ParseDER(c.signature); err != nil {
		return nil, untrusted("certificate's signature", err)
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

// Verify returns the pinned key that signed the certificate. The CA id in the certificate does not matter: two keys
// have been seen under one id. Its errors have code untrusted-device, also for an empty set.
func (c *Certificate) Verify(trustedCAs []secp256k1.PublicKey) (secp256k1.PublicKey, error) {
	for _, ca := range trustedCAs {
		if secp256k1.Verify(ca, c.digest, c.signature) {
			return ca, nil
		}
	}
	return secp256k1.PublicKey{}, untrusted("no pinned key verifies the certificate", nil)
}

func untrusted(op string, err error) error { return errcode.Wrap(errcode.UntrustedDevice, op, err) }

func upperHex(b []byte) string {
	const digits = "0123456789ABCDEF"
	s := make([]byte, 0, 2*len(b))
	for _, v := range b {
		s = append(s, digits[v>>4], digits[v&15])
	}
	return string(s)
}

// Standing says how far a device's certificate can be relied on.
type Standing int

// The standings. Nothing that depends on the binding code is ever sent to an Invalid device; to an Unverified one only
// when its person knowingly accepted it.
const (
	// Invalid: malformed, or another device's.
	Invalid Standing = iota
	// Unverified: well formed and for this SEID, but no pinned key verifies it.
	Unverified
	// Verified: a pinned key verifies it, and its serial is the SEID.
	Verified
)

func (s Standing) String() string { return [...]string{"invalid", "unverified", "verified"}[s] }

// Assessment is the result of [Assess].
type Assessment struct {
	Standing Standing
	// Certificate is nil where the standing is Invalid.
	Certificate *Certificate
	// CA is the pinned key that verified it.
	CA secp256k1.PublicKey
	// Err has code untrusted-device and says why the standing is not Verified.
	Err error
}

// Assess judges the certificate that the device with this SEID (upper-case hex) presented.
func Assess(certificate []byte, seid string, trustedCAs []secp256k1.PublicKey) Assessment {
	c, err := Parse(certificate)
	if err != nil {
		return Assessment{Err: err}
	}
	if c.Serial != seid {
		return Assessment{Err: untrusted("the certificate is another device's", nil)}
	}
	ca, err := c.Verify(trustedCAs)
	if err != nil {
		return Assessment{Standing: Unverified, Certificate: c, Err: err}
	}
	return Assessment{Standing: Verified, Certificate: c, CA: ca}
}
