package secp256k1_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/secp256k1"
	"imkey-connect/core/wycheprooftest"
)

func TestWycheproofVerify(t *testing.T) {
	verify := func(point, message, der []byte) bool {
		return secp256k1.Verify(public(t, point), sha256.Sum256(message), der)
	}
	valid, invalid := wycheprooftest.CheckSignatures(t, wycheprooftest.AnyS, verify)
	t.Logf("any s: %d valid and %d invalid signatures", valid, invalid)
	valid, invalid = wycheprooftest.CheckSignatures(t, wycheprooftest.LowS, func(point, message, der []byte) bool {
		_, s, err := secp256k1.ParseDER(der)
		if err != nil {
			return false
		}
		_, high := secp256k1.LowS(s)
		return !high && verify(point, message, der)
	})
	t.Logf("low s: %d valid and %d invalid signatures", valid, invalid)
}

// TestWycheproofRecoveryID checks Signed, Recover and LowS with the same vectors. A signature in Ethereum's form has numbers in place
// of DER and says which y is the nonce's.
func TestWycheproofRecoveryID(t *testing.T) {
	valid, invalid := wycheprooftest.CheckSignatures(t, wycheprooftest.AnyS, func(point, message, der []byte) bool {
		key, digest := public(t, point), sha256.Sum256(message)
		r, s, err := secp256k1.ParseDER(der)
		if err != nil {
			return false
		}
		require.Equal(t, der, secp256k1.EncodeDER(r, s))
		signed := 0
		for _, odd := range []bool{false, true} {
			recovered, err := secp256k1.Recover(digest, r, s, odd)
			ok := secp256k1.Signed(key, digest, r, s, odd)
			require.Equal(t, err == nil && recovered == key, ok)
			low, flipped := secp256k1.LowS(s)
			require.Equal(t, ok, secp256k1.Signed(key, digest, r, low, odd != flipped))
			if ok {
				signed++
			}
		}
		// An r that was reduced by the order has another recovery id, which neither function supports.
		return signed == 1 || signed == 0 && reduced(r) && secp256k1.Verify(key, digest, der)
	})
	t.Logf("%d valid and %d invalid signatures", valid, invalid)
}

// reduced reports whether r may be an x coordinate from the order to the modulus of the field, less the order.
func reduced(r [32]byte) bool {
	for _, b := range r[:15] {
		if b != 0 {
			return false
		}
	}
	return true
}

func TestWycheproofECDH(t *testing.T) {
	valid, invalid := wycheprooftest.CheckECDH(t, func(point, private []byte) ([]byte, bool) {
		pub, err := secp256k1.ParsePublicKey(point)
		if err != nil {
			// A key that no parser has seen is refused, too.
			if len(point) == 65 {
				key := secp256k1.PrivateKey(private)
				_, err := key.ECDH(secp256k1.PublicKey(point))
				require.Error(t, err)
			}
			return nil, false
		}
		key, err := secp256k1.ParsePrivateKey(private)
		require.NoError(t, err)
		shared, err := key.ECDH(pub)
		return shared[:], err == nil
	})
	t.Logf("%d valid and %d invalid points", valid, invalid)
}

func TestWycheproofHMAC(t *testing.T) {
	for name, newHash := range map[string]func() hash.Hash{"hmac_sha256": sha256.New, "hmac_sha512": sha512.New} {
		n := 0
		for _, g := range wycheprooftest.Load[wycheprooftest.TagSize, wycheprooftest.MAC](t, name) {
			for _, v := range g.Tests {
				if len(v.Key) > newHash().BlockSize() {
					continue // HMAC does not take them
				}
				tag := secp256k1.HMAC(newHash, v.Key, v.Msg)[:g.Parameters.TagSize/8]
				require.Equal(t, v.Valid(), string(tag) == string(v.Tag), "%s %d: %s", name, v.ID, v.Comment)
				n++
			}
		}
		t.Logf("%s: %d tags", name, n)
		require.Greater(t, n, 150)
	}
}
