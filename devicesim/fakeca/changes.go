package fakeca

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha256"
	"slices"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// Set sets the value of every element with a tag.
func Set(tag uint16, value []byte) func([]TLV) []TLV {
	return func(elements []TLV) []TLV {
		out := slices.Clone(elements)
		for i := range out {
			if out[i].Tag == tag {
				out[i].Value = value
			}
		}
		return out
	}
}

// Drop removes every element with a tag.
func Drop(tag uint16) func([]TLV) []TLV {
	return func(elements []TLV) []TLV {
		return slices.DeleteFunc(slices.Clone(elements), func(e TLV) bool { return e.Tag == tag })
	}
}

// Repeat repeats every element with a tag.
func Repeat(tag uint16) func([]TLV) []TLV {
	return func(elements []TLV) []TLV {
		var out []TLV
		for _, e := range elements {
			out = append(out, e)
			if e.Tag == tag {
				out = append(out, e)
			}
		}
		return out
	}
}

// Swap exchanges the elements at two indices.
func Swap(i, j int) func([]TLV) []TLV {
	return func(elements []TLV) []TLV {
		out := slices.Clone(elements)
		out[i], out[j] = out[j], out[i]
		return out
	}
}

// Truncate keeps the first n bytes.
func Truncate(n int) Change { return Raw(func(b []byte) []byte { return b[:n] }) }

// FlipBit flips one bit. Bit 0 is the highest bit of the first byte.
func FlipBit(bit int) Change {
	return Raw(func(b []byte) []byte {
		b[bit/8] ^= 0x80 >> (bit % 8)
		return b
	})
}

// SignedRange returns the offsets of the signed bytes (93 … 7F49) and of the signature's DER in a certificate that Issue made
// without changes.
func SignedRange(cert []byte) (from, to, sigFrom, sigTo int) {
	at := 0
	tag, value := header(cert, at)
	if tag == TagOuter {
		at = value
		tag, value = header(cert, at)
	}
	if tag != TagCertificate {
		panic("fakeca: not a certificate of Issue")
	}
	from = value
	for at = from; ; {
		tag, value = header(cert, at)
		next := value + length(cert, at)
		if tag == TagSignature {
			return from, at, value, next
		}
		at = next
	}
}

// header returns the tag at an offset and the offset of its value.
func header(b []byte, at int) (tag uint16, value int) {
	tag = uint16(b[at])
	at++
	if tag&0x1F == 0x1F {
		tag = tag<<8 | uint16(b[at])
		at++
	}
	switch b[at] {
	case 0x81:
		return tag, at + 2
	case 0x82:
		return tag, at + 3
	}
	return tag, at + 1
}

func length(b []byte, at int) int {
	_, value := header(b, at)
	switch {
	case b[at]&0x1F == 0x1F:
		at += 2
	default:
		at++
	}
	switch b[at] {
	case 0x81:
		return int(b[at+1])
	case 0x82:
		return int(b[at+1])<<8 | int(b[at+2])
	}
	return int(b[value-1])
}

// Kind is why a certificate of [CA.Wrong] is wrong.
type Kind string

const (
	// Untrusted: well formed and with the right serial, but signed by another CA.
	Untrusted Kind = "untrusted"
	// Altered: changed after it was signed. Some of these parse, but none has a valid signature.
	Altered Kind = "altered"
	// Malformed: signed by this CA, but not a certificate for this secure element.
	Malformed Kind = "malformed"
)

// Case is one named certificate.
type Case struct {
	Name string
	Kind Kind // empty for a good certificate
	Cert []byte
}

// Good returns a certificate in every form that an app that trusts this CA must accept, for the SEID and the key of p.
func (c *CA) Good(p Params) []Case {
	var cases []Case
	for _, bare := range []bool{false, true} {
		for _, short := range []bool{false, true} {
			for _, extra := range []bool{false, true} {
				for _, s := range []SForm{LowS, HighS} {
					p.Bare, p.ShortF0, p.Extra, p.S = bare, short, extra, s
					name := "7F21"
					if !bare {
						name = "BF21"
					}
					if short {
						name += ", F0 of one byte"
					}
					if extra {
						name += ", with BF20"
					}
					name += map[SForm]string{LowS: ", low s", HighS: ", high s"}[s]
					cases = append(cases, Case{Name: name, Cert: c.Issue(p)})
				}
			}
		}
	}
	return cases
}

// Wrong returns certificates that an app must refuse if it trusts this CA but not other, for a device that answers the SEID of
// p. [FlipBit] and [Truncate] make further ones, which differ in one bit or in their length.
func (c *CA) Wrong(p Params, other *CA) []Case {
	serial := slices.Clone(p.SEID)
	serial[len(serial)-1] ^= 1
	swapped := p
	secret := sha256.Sum256(p.SEPublicKey) // any key that is not p's
	swapped.SEPublicKey = secp256k1.PrivKeyFromBytes(secret[:]).PubKey().SerializeUncompressed()
	compressed := append([]byte{2 + p.SEPublicKey[64]&1}, p.SEPublicKey[1:33]...)
	offCurve := slices.Clone(p.SEPublicKey)
	offCurve[64] ^= 1
	parameter := []byte{0xDF, 0xFE}

	cert := c.Issue(p)
	_, _, sigFrom, sigTo := SignedRange(cert)
	signature := cert[sigFrom:sigTo]

	signed := func(f func([]TLV) []TLV) []byte { return c.Issue(p, Signed(f)) }
	tampered := func(f func([]TLV) []TLV) []byte { return c.Issue(p, Tampered(f)) }
	raw := func(f func([]byte) []byte) []byte { return c.Issue(p, Raw(f)) }
	key := func(point []byte) func([]TLV) []TLV { return Set(TagPublicKey, publicKey(point, parameter)) }

	return []Case{
		{"another CA", Untrusted, other.Issue(p)},
		{"another CA's certificate for another key", Untrusted, other.Issue(swapped)},
		{"key swapped, old signature", Altered, tampered(key(swapped.SEPublicKey))},
		{"signature of another certificate", Altered, tampered(Set(TagSignature, signatureOf(c.Issue(swapped))))},
		{"elements in another order", Altered, tampered(Swap(0, 1))},
		{"dates exchanged", Altered, tampered(Swap(4, 5))},
		{"signature before the key", Altered, tampered(Swap(7, 8))},
		{"expiry changed", Altered, tampered(Set(TagExpiry, []byte{0x20, 0x99, 0x12, 0x31}))},
		{"element added", Altered, tampered(func(e []TLV) []TLV { return slices.Insert(slices.Clone(e), 7, TLV{TagExtra, nil}) })},
		{"element behind the signature", Altered, tampered(func(e []TLV) []TLV { return append(slices.Clone(e), TLV{TagExtra, nil}) })},
		{"signature twice", Altered, tampered(Repeat(TagSignature))},
		{"no signature", Altered, tampered(Drop(TagSignature))},
		{"empty signature", Altered, tampered(Set(TagSignature, nil))},
		{"r and s zero", Altered, tampered(Set(TagSignature, []byte{0x30, 6, 2, 1, 0, 2, 1, 0}))},
		{"a byte behind s", Altered, tampered(Set(TagSignature, append(slices.Clone(signature), 0)))},
		{"negative r", Altered, tampered(Set(TagSignature, []byte{0x30, 6, 2, 1, 0x80, 2, 1, 1}))},
		{"a byte behind the certificate", Altered, raw(func(b []byte) []byte { return append(b, 0) })},
		{"the certificate twice", Altered, raw(func(b []byte) []byte { return append(b, b...) })},
		{"wrapped twice", Altered, raw(func(b []byte) []byte { return encode(TLV{TagOuter, b}) })},
		{"indefinite length", Altered, raw(func(b []byte) []byte { b[2] = 0x80; return b })},
		{"half of it", Altered, c.Issue(p, Truncate(len(cert)/2))},
		{"nothing", Altered, nil},

		{"another serial", Malformed, signed(Set(TagSerial, serial))},
		{"serial of 15 bytes", Malformed, signed(Set(TagSerial, serial[:15]))},
		{"serial of 17 bytes", Malformed, signed(Set(TagSerial, append(slices.Clone(p.SEID), 0)))},
		{"no serial", Malformed, signed(Drop(TagSerial))},
		{"two serials", Malformed, signed(func(e []TLV) []TLV { return append([]TLV{{TagSerial, serial}}, e...) })},
		{"no public key", Malformed, signed(Drop(TagPublicKey))},
		{"two public keys", Malformed, signed(Repeat(TagPublicKey))},
		{"a point of P-256", Malformed, signed(key(p256Point()))},
		{"a point off the curve", Malformed, signed(key(offCurve))},
		{"the point at infinity", Malformed, signed(key([]byte{0}))},
		{"all zeros for a point", Malformed, signed(key(append([]byte{4}, make([]byte, 64)...)))},
		{"coordinates over the field", Malformed, signed(key(append([]byte{4}, bytes.Repeat([]byte{0xFF}, 64)...)))},
		{"a compressed point", Malformed, signed(key(compressed))},
		{"a hybrid point", Malformed, signed(key(append([]byte{6 + p.SEPublicKey[64]&1}, p.SEPublicKey[1:]...)))},
	}
}

func signatureOf(cert []byte) []byte {
	_, _, from, to := SignedRange(cert)
	return cert[from:to]
}

// p256Point returns the base point of NIST P-256: 65 bytes of the right form, on another curve.
func p256Point() []byte {
	curve := elliptic.P256().Params()
	return append(append([]byte{4}, curve.Gx.FillBytes(make([]byte, 32))...), curve.Gy.FillBytes(make([]byte, 32))...)
}
