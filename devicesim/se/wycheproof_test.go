package se

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/wycheprooftest"
)

func TestWycheproofECDH(t *testing.T) {
	valid, invalid := wycheprooftest.CheckECDH(t, func(point, private []byte) ([]byte, bool) {
		pub, err := parsePoint(point)
		if err != nil {
			return nil, false
		}
		return secp256k1.GenerateSharedSecret(secp256k1.PrivKeyFromBytes(private), pub), true
	})
	t.Logf("%d valid and %d invalid points", valid, invalid)
}

// TestWycheproofPadding sends proofs that end in the block of each vector that is padding alone or has a malformed padding. The
// element refuses all but the one block that IDENTITY_VERIFY has.
func TestWycheproofPadding(t *testing.T) {
	e, m := newElement(t)
	h := newHost(1)
	_, _, err := e.Check(h.pub())
	require.NoError(t, err)
	pub := m.state.privateKey().PubKey().SerializeUncompressed()
	right := code(t, e)
	sum := sha256.Sum256(append(append([]byte(right), h.pub()...), pub...))
	whole := bytes.Repeat([]byte{16}, 16)
	accepted, refused := 0, 0
	for _, g := range wycheprooftest.Load[struct{}, wycheprooftest.Cipher](t, "aes_cbc_pkcs5") {
		for _, v := range g.Tests {
			if len(v.CT) == 0 || len(v.CT)%aes.BlockSize != 0 {
				_, err := e.Verify(h.pub(), v.CT)
				require.ErrorIs(t, err, ErrLength)
				refused++
				continue
			}
			block, err := aes.NewCipher(v.Key)
			require.NoError(t, err)
			plain := make([]byte, len(v.CT))
			cipher.NewCBCDecrypter(block, v.IV).CryptBlocks(plain, v.CT)
			last := plain[len(plain)-aes.BlockSize:]
			ok, err := e.Verify(h.pub(), h.seal(t, pub, right, append(sum[:], last...)))
			require.NoError(t, err)
			require.Equal(t, bytes.Equal(last, whole), ok, "%d: %s", v.ID, v.Comment)
			if ok {
				require.True(t, v.Valid())
				accepted++
			} else {
				refused++
			}
			require.NoError(t, e.Unlock())
		}
	}
	t.Logf("%d paddings accepted, %d refused", accepted, refused)
	require.Positive(t, accepted)
	require.Greater(t, refused, 100)
}
