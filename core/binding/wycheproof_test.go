package binding

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/wycheprooftest"
)

// TestWycheproofCBC encrypts what the valid vectors have as plaintext. The invalid ones have a ciphertext with a malformed padding,
// which encryption never makes.
func TestWycheproofCBC(t *testing.T) {
	valid, invalid := 0, 0
	for _, g := range wycheprooftest.Load[struct{}, wycheprooftest.Cipher](t, "aes_cbc_pkcs5") {
		for _, v := range g.Tests {
			ciphertext, err := encryptCBC(v.Key, v.IV, v.Msg)
			require.NoError(t, err)
			if v.Valid() {
				require.Equal(t, []byte(v.CT), ciphertext, "%d: %s", v.ID, v.Comment)
				valid++
			} else {
				require.NotEqual(t, []byte(v.CT), ciphertext, "%d: %s", v.ID, v.Comment)
				invalid++
			}
		}
	}
	t.Logf("%d valid and %d invalid ciphertexts", valid, invalid)
}
