package attestation_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation"
	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/tlv"
)

const seid = "19060000000200860001010000000014"

var (
	ca         = attestationtest.NewKey("a CA")
	wrong      = attestationtest.NewKey("another CA")
	se         = attestationtest.NewKey("a secure element")
	trustedCAs = []secp256k1.PublicKey{public(ca)}
)

func public(k attestationtest.Key) secp256k1.PublicKey { return secp256k1.PublicKey(k.Public()) }

func template() *attestationtest.Template { return attestationtest.New(seid, se.Public()) }

// standing returns the standing of a certificate for an app that trusts ca.
func standing(certificate []byte) attestation.Standing {
	return attestation.Assess(certificate, seid, trustedCAs).Standing
}

func TestPublicSamples(t *testing.T) {
	file, err := os.ReadFile("../testdata/vectors/imkey.json")
	require.NoError(t, err)
	var vectors struct {
		Certificates struct {
			TestCA  string
			Vectors []struct {
				ID, Hex, SEID string
				VerifyUnderCA bool
			}
		}
	}
	require.NoError(t, json.Unmarshal(file, &vectors))
	key, err := secp256k1.ParsePublicKey(unhex(t, vectors.Certificates.TestCA))
	require.NoError(t, err)
	require.Len(t, vectors.Certificates.Vectors, 3)
	for _, v := range vectors.Certificates.Vectors {
		raw := unhex(t, v.Hex)
		if !v.VerifyUnderCA {
			_, err := attestation.Parse(raw)
			require.Equal(t, errcode.UntrustedDevice, errcode.Of(err), v.ID)
			continue
		}
		c, err := attestation.Parse(raw)
		require.NoError(t, err, v.ID)
		if v.SEID != "" {
			require.Equal(t, v.SEID, c.Serial)
		}
		by, err := c.Verify([]secp256k1.PublicKey{public(wrong), key})
		require.NoError(t, err, v.ID)
		require.Equal(t, key, by)
		_, err = c.Verify([]secp256k1.PublicKey{public(wrong)})
		require.Equal(t, errcode.UntrustedDevice, errcode.Of(err), v.ID)

		a := attestation.Assess(raw, c.Serial, []secp256k1.PublicKey{key})
		require.Equal(t, attestation.Verified, a.Standing)
		require.Equal(t, key, a.CA)
		require.NoError(t, a.Err)
	}
}

func TestValidForms(t *testing.T) {
	for name, change := range map[string]func(*attestationtest.Template){
		"as it comes":    func(t *attestationtest.Template) {},
		"without BF21":   func(t *attestationtest.Template) { t.Bare = true },
		"a high s":       func(t *attestationtest.Template) { t.HighS = true },
		"F0 of one byte": func(t *attestationtest.Template) { t.Set(0x7F49, attestationtest.KeyField(se.Public(), []byte{0})) },
		"data in 53":     func(t *attestationtest.Template) { t.Set(0x53, []byte("discretionary")) },
		"another CA id":  func(t *attestationtest.Template) { t.Set(0x42, []byte{0xAB, 0xCD}) },
		"an expiry":      func(t *attestationtest.Template) { t.Set(0x5F24, []byte{0x20, 0x99, 0x12, 0x31}) },
		"an empty BF20": func(t *attestationtest.Template) {
			t.Fields = slices.Insert(t.Fields, 7, attestationtest.Field{Tag: 0xBF20})
		},
		"a longer subject": func(t *attestationtest.Template) { t.Set(0x5F20, []byte("0123456789")) },
	} {
		c := template()
		change(c)
		a := attestation.Assess(c.Sign(ca), seid, trustedCAs)
		require.Equal(t, attestation.Verified, a.Standing, "%s: %v", name, a.Err)
		require.Equal(t, public(ca), a.CA)
		require.Equal(t, public(se), a.Certificate.PublicKey)
		require.Equal(t, seid, a.Certificate.Serial)

		a = attestation.Assess(c.Sign(wrong), seid, trustedCAs)
		require.Equal(t, attestation.Unverified, a.Standing, "%s, signed by another", name)
		require.Equal(t, errcode.UntrustedDevice, errcode.Of(a.Err))
		require.Zero(t, a.CA)
		require.NotNil(t, a.Certificate)
	}
}

func TestNoTrustedCAVerifiesNothing(t *testing.T) {
	for _, none := range [][]secp256k1.PublicKey{nil, {}, {secp256k1.PublicKey{}}} {
		require.Equal(t, attestation.Unverified, attestation.Assess(template().Sign(ca), seid, none).Standing)
	}
}

func TestCertificateOfAnotherDevice(t *testing.T) {
	good := template().Sign(ca)
	for _, other := range []string{"", "00000000000000000000000000000000", seid[:31] + "5", seid[:30]} {
		a := attestation.Assess(good, other, trustedCAs)
		require.Equal(t, attestation.Invalid, a.Standing, "a good certificate for %q", other)
		require.Nil(t, a.Certificate)
		require.Equal(t, errcode.UntrustedDevice, errcode.Of(a.Err))
	}
}

// invalid asserts that a certificate is refused for its form, even if a trusted CA signed it.
func invalid(t *testing.T, certificate []byte, name string, args ...any) {
	t.Helper()
	a := attestation.Assess(certificate, seid, trustedCAs)
	require.Equal(t, attestation.Invalid, a.Standing, append([]any{name}, args...)...)
	require.Nil(t, a.Certificate)
	require.Equal(t, errcode.UntrustedDevice, errcode.Of(a.Err))
}

// A trusted CA signs the malformed certificates below, so that they are refused for their form only.
func TestFieldsOfTheWrongLength(t *testing.T) {
	for i, f := range template().Fields {
		if f.Tag == 0x7F49 {
			continue
		}
		lengths := []int{len(f.Value) + 1, 2 * len(f.Value), 0, len(f.Value) - 1, 128, 256}
		if f.Tag == 0x5F20 {
			lengths = []int{0, 33, 128, 256}
		}
		if f.Tag == 0x53 {
			lengths = []int{128, 256}
		}
		for _, n := range lengths {
			c := template()
			c.Fields[i].Value = make([]byte, n)
			invalid(t, c.Sign(ca), "%X with %d bytes", f.Tag, n)
		}
	}
}

func TestMissingRepeatedAndMisplacedFields(t *testing.T) {
	n := len(template().Fields)
	for i := range n {
		c := template()
		tag := c.Fields[i].Tag
		c.Fields = slices.Delete(c.Fields, i, i+1)
		invalid(t, c.Sign(ca), "without %X", tag)

		c = template()
		c.Fields = slices.Insert(c.Fields, i, c.Fields[i])
		invalid(t, c.Sign(ca), "%X twice", tag)

		c = template()
		c.Fields = slices.Insert(c.Fields, i, attestationtest.Field{Tag: 0x5F21, Value: []byte{1}})
		invalid(t, c.Sign(ca), "an unknown field before %X", tag)

		for j := i + 1; j < n; j++ {
			c = template()
			c.Fields[i], c.Fields[j] = c.Fields[j], c.Fields[i]
			invalid(t, c.Sign(ca), "%X and %X swapped", tag, c.Fields[i].Tag)
		}
		if i < n-1 {
			c = template()
			c.Fields = slices.Insert(c.Fields, i, attestationtest.Field{Tag: 0xBF20})
			invalid(t, c.Sign(ca), "BF20 before %X", tag)
		}
	}
	c := template()
	c.Fields = slices.Insert(c.Fields, 7, attestationtest.Field{Tag: 0xBF20, Value: []byte{1}})
	invalid(t, c.Sign(ca), "BF20 with a value")
	c = template()
	c.Fields = slices.Insert(c.Fields, 7, attestationtest.Field{Tag: 0xBF20}, attestationtest.Field{Tag: 0xBF20})
	invalid(t, c.Sign(ca), "BF20 twice")
}

func TestWrongKeys(t *testing.T) {
	nist, err := ecdh.P256().GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 4096)))
	require.NoError(t, err)
	two := []byte{0xDF, 0xFE}
	off := bytes.Clone(se.Public())
	off[64] ^= 1
	for name, field := range map[string][]byte{
		"a point of P-256":      attestationtest.KeyField(nist.PublicKey().Bytes(), two),
		"a compressed point":    attestationtest.KeyField(se.PubKey().SerializeCompressed(), two),
		"a point off the curve": attestationtest.KeyField(off, two),
		"infinity":              attestationtest.KeyField(make([]byte, 65), two),
		"a point one too long":  attestationtest.KeyField(append(se.Public(), 0), two),
		"no point":              attestationtest.KeyField(nil, two),
		"no parameters":         tlv.Append(nil, 0xB0, se.Public()),
		"empty parameters":      attestationtest.KeyField(se.Public(), nil),
		"three bytes in F0":     attestationtest.KeyField(se.Public(), []byte{1, 2, 3}),
		"parameters first":      append(tlv.Append(nil, 0xF0, two), tlv.Append(nil, 0xB0, se.Public())...),
		"two points":            append(attestationtest.KeyField(se.Public(), two), tlv.Append(nil, 0xB0, wrong.Public())...),
		"a third part":          append(attestationtest.KeyField(se.Public(), two), 0xF1, 0),
		"a bare point":          se.Public(),
		"nothing":               nil,
	} {
		invalid(t, template().Set(0x7F49, field).Sign(ca), name)
	}
}

func TestWrongSignatures(t *testing.T) {
	c := template()
	body := c.Body()
	good := ca.Sign(sha256.Sum256(body), false)
	for name, sig := range map[string][]byte{
		"none": nil, "raw r and s": make([]byte, 64), "trailing": append(bytes.Clone(good), 0),
		"one short": good[:len(good)-1], "zeros": {0x30, 6, 2, 1, 0, 2, 1, 0},
	} {
		invalid(t, c.Wrap(tlv.Append(bytes.Clone(body), 0x5F37, sig)), name)
	}
	invalid(t, c.Wrap(body), "no signature at all")
	signed := tlv.Append(bytes.Clone(body), 0x5F37, good)
	invalid(t, c.Wrap(tlv.Append(bytes.Clone(signed), 0x5F37, good)), "two signatures")
	invalid(t, c.Wrap(append(tlv.Append(nil, 0x5F37, good), body...)), "the signature first")
	invalid(t, c.Wrap(append(bytes.Clone(signed), 0x53, 0)), "a field after the signature")

	// A well-formed signature over other data makes the certificate unverified.
	for name, digest := range map[string][32]byte{
		"of 7F21 as a whole": sha256.Sum256(c.Wrap(signed)), "of nothing": sha256.Sum256(nil),
		"without the key": sha256.Sum256(body[:len(body)-74]), "hashed twice": func() [32]byte {
			d := sha256.Sum256(body)
			return sha256.Sum256(d[:])
		}(),
	} {
		forged := c.Wrap(tlv.Append(bytes.Clone(body), 0x5F37, ca.Sign(digest, false)))
		require.Equal(t, attestation.Unverified, standing(forged), name)
	}
}

func TestOuterTags(t *testing.T) {
	good := template().Sign(ca)
	bare := good[4:]
	require.Equal(t, attestation.Verified, standing(bare))
	for name, b := range map[string][]byte{
		"nothing":             nil,
		"trailing byte":       append(bytes.Clone(good), 0),
		"trailing status":     append(bytes.Clone(good), 0x90, 0),
		"bare and trailing":   append(bytes.Clone(bare), 0),
		"two in one wrapper":  tlv.Append(nil, 0xBF21, append(bytes.Clone(bare), bare...)),
		"two wrapped":         append(bytes.Clone(good), good...),
		"wrapped twice":       tlv.Append(nil, 0xBF21, good),
		"an empty wrapper":    {0xBF, 0x21, 0},
		"an empty one":        {0x7F, 0x21, 0},
		"another wrapper":     tlv.Append(nil, 0xBF22, bare),
		"another tag":         append([]byte{0x7F, 0x22}, bare[2:]...),
		"a byte in front":     append([]byte{0}, good...),
		"the fields alone":    template().Body(),
		"a length of 82 00xx": append([]byte{0x7F, 0x21, 0x82, 0}, bare[3:]...),
	} {
		invalid(t, b, name)
	}
	for n := range good {
		invalid(t, good[:n], "cut off after %d bytes", n)
		if n < len(bare) {
			invalid(t, bare[:n], "bare, cut off after %d bytes", n)
		}
	}
}

// A certificate with one flipped bit is not verified: the signature covers the fields, and the headers around them have one
// encoding.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	for _, high := range []bool{false, true} {
		c := template()
		c.HighS = high
		good := c.Sign(ca)
		require.Equal(t, attestation.Verified, standing(good))
		for i := 0; i < len(good)*8; i += bitStep() {
			bad := bytes.Clone(good)
			bad[i/8] ^= 1 << (i % 8)
			require.NotEqual(t, attestation.Verified, standing(bad), "bit %d", i)
		}
	}
}

func TestNamesOfStandings(t *testing.T) {
	require.Equal(t, "invalid unverified verified", strings.Join([]string{attestation.Invalid.String(),
		attestation.Unverified.String(), attestation.Verified.String()}, " "))
	require.Equal(t, attestation.Invalid, attestation.Assessment{}.Standing, "nothing is trusted by default")
}

// FuzzParse checks that an accepted certificate has one encoding: its fields encode to the input. It also checks that a
// certificate does not verify under a key that did not sign it.
func FuzzParse(f *testing.F) {
	bare := template()
	bare.Bare = true
	extra := template()
	extra.Fields = slices.Insert(extra.Fields, 7, attestationtest.Field{Tag: 0xBF20})
	for _, c := range []*attestationtest.Template{template(), bare, extra,
		template().Set(0x7F49, attestationtest.KeyField(se.Public(), []byte{0}))} {
		f.Add(c.Sign(ca))
	}
	f.Add(template().Sign(ca)[:150])
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := attestation.Parse(b)
		if err != nil {
			require.Nil(t, c)
			require.Equal(t, errcode.UntrustedDevice, errcode.Of(err))
			return
		}
		outer, _, err := tlv.Next(b)
		require.NoError(t, err)
		inner := outer
		if outer.Tag == 0xBF21 {
			inner, _, err = tlv.Next(outer.Value)
			require.NoError(t, err)
		}
		again := &attestationtest.Template{Bare: outer.Tag != 0xBF21}
		require.Equal(t, b, again.Wrap(inner.Value))
		require.Equal(t, c.Serial, strings.ToUpper(hex.EncodeToString(inner.Value[2:18])))
		require.Contains(t, string(inner.Value), string(c.PublicKey[:]))
		_, err = c.Verify([]secp256k1.PublicKey{public(wrong)})
		require.Equal(t, errcode.UntrustedDevice, errcode.Of(err))
	})
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// bitStep is the distance between the bits that a test flips: every bit natively, every seventh in WebAssembly, where the
// curve is ten times slower. Every seventh still covers each byte.
func bitStep() int {
	if runtime.GOOS == "js" {
		return 7
	}
	return 1
}
