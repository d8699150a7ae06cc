package ethereum

import (
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
)

// Signature is an ECDSA signature as Ethereum takes it: r and s big-endian, s in the lower half of the order (EIP-2).
type Signature signing.Signature

// Bytes returns r ‖ s ‖ v with v = 27 or 28, which is what personal_sign and eth_signTypedData return.
func (s Signature) Bytes() (b [65]byte) {
	copy(b[:32], s.R[:])
	copy(b[32:], s.S[:])
	b[64] = 27 + s.YParity
	return b
}

// Recover returns the address whose key made the signature over the digest. Errors have code protocol.
func (s Signature) Recover(digest [32]byte) (Address, error) {
	key, err := secp256k1.Recover(digest, s.R, s.S, s.YParity == 1)
	if err != nil {
		return Address{}, err
	}
	return AddressOf(key), nil
}
