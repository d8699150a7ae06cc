package fakeca

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	decred "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/tlv"
)

// The public sample A and the key of its CA (core/PROTOCOL.md section 4).
const (
	sampleCA = "04AB7BB5538A13C276A48BFB04C611B62582CDB5DC656D0D9DFC9AC5BCCBE4917F9B74E47B0845E68831C39114FAC14DB0861AD51C081B67E503BD80002DFE91C3"
	sample   = "BF2181CA7F2181C6931019060000000200860001010000000014420200015F200401020304950200805F2504201810145F2404FFFFFFFF53007F4947B04104FAF45816AB9B5364B5C4C376E9E63F716CEB3CD63E7A195D780D2ECA1DD50F04C9230A8A72FDEE02A9306B1951C00EB452131243091961B191470AB3EED33F44F002DFFE5F374830460221008CB58D54BDED501236621B83B320081E6F9B6B5539AE5EC9D36B660EC445A5E8022100A203CA1F9ABEE69751EA402A2ACDFD6B4A87697D6CD721F60540959095EC9466"
)

// verify verifies a certificate as section 4 describes it. It returns the public key.
func verify(cert, ca, seid []byte) ([]byte, error) {
	all, err := tlv.All(cert)
	if err != nil {
		return nil, err
	}
	if len(all) == 1 && all[0].Tag == TagOuter {
		if all, err = tlv.All(all[0].Value); err != nil {
			return nil, err
		}
	}
	if len(all) != 1 || all[0].Tag != TagCertificate {
		return nil, errors.New("not one certificate")
	}
	if all, err = tlv.All(all[0].Value); err != nil {
		return nil, err
	}
	var tags []uint16
	var signed, point, signature []byte
	for _, e := range all {
		tags = append(tags, e.Tag)
		switch e.Tag {
		case TagSerial:
			if !bytes.Equal(e.Value, seid) {
				return nil, errors.New("serial")
			}
		case TagPublicKey:
			parts, err := tlv.All(e.Value)
			if err != nil || len(parts) != 2 || parts[0].Tag != TagPoint || parts[1].Tag != TagKeyParameter {
				return nil, errors.New("public key")
			}
			point = parts[0].Value
		}
		if e.Tag == TagSignature {
			signature = e.Value
		} else {
			signed = append(signed, e.Raw...)
		}
	}
	tags = slices.DeleteFunc(tags, func(t uint16) bool { return t == TagExtra })
	order := []uint16{TagSerial, TagCAID, TagSubject, TagUsage, TagEffective, TagExpiry, TagDiscretionary, TagPublicKey, TagSignature}
	if !slices.Equal(tags, order) || all[len(all)-1].Tag != TagSignature {
		return nil, errors.New("elements")
	}
	if len(point) != 65 || point[0] != 4 {
		return nil, errors.New("point")
	}
	if _, err := secp256k1.ParsePubKey(point); err != nil {
		return nil, err
	}
	sig, err := decred.ParseDERSignature(signature)
	if err != nil {
		return nil, err
	}
	key, err := secp256k1.ParsePubKey(ca)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(signed)
	if !sig.Verify(digest[:], key) {
		return nil, errors.New("signature")
	}
	return point, nil
}

func seeded(seed byte) *mathrand.ChaCha8 { return mathrand.NewChaCha8([32]byte{seed}) }

func fixtures(t testing.TB) (ca, other *CA, p Params) {
	ca, err := New(seeded(1))
	require.NoError(t, err)
	other, err = New(seeded(2))
	require.NoError(t, err)
	se, err := New(seeded(3))
	require.NoError(t, err)
	seid, err := hex.DecodeString("19060000000200860001010000000014")
	require.NoError(t, err)
	return ca, other, Params{SEID: seid, SEPublicKey: se.PublicKey()}
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// TestSample checks that verify accepts the public sample, and that the package makes the same bytes except for key and
// signature.
func TestSample(t *testing.T) {
	ca, _, p := fixtures(t)
	want := unhex(t, sample)
	point, err := verify(want, unhex(t, sampleCA), p.SEID)
	require.NoError(t, err)

	p.SEPublicKey = point
	from, to, sigFrom, sigTo := SignedRange(want)
	require.Equal(t, want[sigFrom-3:sigFrom-1], []byte{0x5F, 0x37})
	require.Len(t, want, sigTo)
	got := ca.Issue(p)
	gotFrom, gotTo, _, _ := SignedRange(got)
	require.Equal(t, want[from:to], got[gotFrom:gotTo])
}

func TestGood(t *testing.T) {
	ca, other, p := fixtures(t)
	good := ca.Good(p)
	require.Len(t, good, 16)
	seen := map[string]bool{}
	for _, c := range good {
		require.False(t, seen[string(c.Cert)], c.Name)
		seen[string(c.Cert)] = true
		point, err := verify(c.Cert, ca.PublicKey(), p.SEID)
		require.NoError(t, err, c.Name)
		require.Equal(t, p.SEPublicKey, point)
		_, err = verify(c.Cert, other.PublicKey(), p.SEID)
		require.Error(t, err, "%s under the wrong root", c.Name)
		_, err = verify(c.Cert, unhex(t, sampleCA), p.SEID)
		require.Error(t, err, "%s under the vendor's test CA", c.Name)
	}
}

func TestWrong(t *testing.T) {
	ca, other, p := fixtures(t)
	seen := map[string]string{}
	for _, c := range ca.Wrong(p, other) {
		require.Empty(t, seen[string(c.Cert)], c.Name)
		seen[string(c.Cert)] = c.Name
		_, err := verify(c.Cert, ca.PublicKey(), p.SEID)
		require.Error(t, err, c.Name)
		if c.Kind == Untrusted {
			_, err = verify(c.Cert, other.PublicKey(), p.SEID)
			require.NoError(t, err, c.Name)
		}
	}
}

// TestWrongIsSigned checks that the malformed certificates have a valid signature, so that a verifier that checks only the
// signature accepts them.
func TestWrongIsSigned(t *testing.T) {
	ca, other, p := fixtures(t)
	pub, err := secp256k1.ParsePubKey(ca.PublicKey())
	require.NoError(t, err)
	for _, c := range ca.Wrong(p, other) {
		if c.Kind != Malformed {
			continue
		}
		from, to, sigFrom, sigTo := SignedRange(c.Cert)
		sig, err := decred.ParseDERSignature(c.Cert[sigFrom:sigTo])
		require.NoError(t, err, c.Name)
		digest := sha256.Sum256(c.Cert[from:to])
		require.True(t, sig.Verify(digest[:], pub), c.Name)
	}
}

func TestEveryBitAndEveryLength(t *testing.T) {
	ca, _, p := fixtures(t)
	cert := ca.Issue(p)
	for n := range cert {
		_, err := verify(ca.Issue(p, Truncate(n)), ca.PublicKey(), p.SEID)
		require.Error(t, err, "%d bytes", n)
	}
	from, to, sigFrom, sigTo := SignedRange(cert)
	for bit := range 8 * len(cert) {
		if at := bit / 8; at < from || at >= to && at < sigFrom || at >= sigTo {
			continue
		}
		changed := slices.Clone(cert)
		changed[bit/8] ^= 0x80 >> (bit % 8)
		if bit%97 == 0 {
			require.Equal(t, changed, ca.Issue(p, FlipBit(bit)))
		}
		_, err := verify(changed, ca.PublicKey(), p.SEID)
		require.Error(t, err, "bit %d", bit)
	}
}

func TestReproducible(t *testing.T) {
	a, _, p := fixtures(t)
	b, _, _ := fixtures(t)
	require.Equal(t, a.Issue(p), b.Issue(p))
	c, err := New(nil)
	require.NoError(t, err)
	require.NotEqual(t, a.PublicKey(), c.PublicKey())
	_, err = New(bytes.NewReader(make([]byte, 5)))
	require.Error(t, err)
}
