package applet

import (
	"crypto/sha256"

	"imkey-connect/devicesim/ecdsa"
)

// PublicKey answers the wallet's public key at a path: the uncompressed point (65) ‖ the chain code (32) ‖ the secure element's
// signature over both (core/PROTOCOL.md section 6). Errors are those of [Device.WalletKey] and [Device.Attest].
func PublicKey(d Device, path string) ([]byte, error) {
	key, err := d.WalletKey(path)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	chain := key.ChainCode()
	return Attested(d, append(key.PublicKey(), chain[:]...))
}

// Attested returns an answer with the secure element's signature over its SHA-256 behind it.
func Attested(d Device, answer []byte) ([]byte, error) {
	signature, err := d.Attest(sha256.Sum256(answer))
	if err != nil {
		return nil, err
	}
	return append(answer, signature...), nil
}

// Sign signs a digest with the wallet's key at a path, with the nonce of RFC 6979, and answers 41 ‖ r (32) ‖ s (32) ‖ recovery
// id. It does not normalise s, and the recovery id belongs to that s. Errors are those of [Device.WalletKey].
func Sign(d Device, path string, digest [32]byte) ([]byte, error) {
	key, err := d.WalletKey(path)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	private := key.Private()
	defer private.Zero()
	signature := ecdsa.Sign(private, digest, nil)
	r, s := signature.R.Bytes(), signature.S.Bytes()
	answer := append([]byte{1 + 32 + 32}, r[:]...)
	return append(append(answer, s[:]...), signature.RecoveryID), nil
}
