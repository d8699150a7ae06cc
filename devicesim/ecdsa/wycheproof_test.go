package ecdsa

import (
	"crypto/sha256"
	"testing"

	"imkey-connect/core/wycheprooftest"
)

func TestWycheproofVerify(t *testing.T) {
	valid, invalid := wycheprooftest.CheckSignatures(t, wycheprooftest.AnyS, func(point, message, der []byte) bool {
		return Verify(point, sha256.Sum256(message), der)
	})
	t.Logf("%d valid and %d invalid signatures", valid, invalid)
}
