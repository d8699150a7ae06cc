package bitcoin

import "imkey-connect/core/errcode"

// The reasons of errors with code invalid-argument. Data has one of them under "reason".
const (
	// OtherNetwork: an address or a path of another network.
	OtherNetwork = "other-network"
	// TooLarge: more inputs, outputs or bytes than can be signed or shown.
	TooLarge = "too-large"
	// HighFee: a fee above the bound that the caller did not agree to. Data has the fee under "fee", and the least that must be agreed to.
	HighFee = "high-fee"
	// NothingToSign: no input belongs to the wallet.
	NothingToSign = "nothing-to-sign"
	// UnprovenAmount: the amount of an input must be proven by the whole transaction that it spends, or the fee could be forged.
	UnprovenAmount = "unproven-amount"
	// OtherSighash: an input asks for a signature that does not sign the whole transaction.
	OtherSighash = "other-sighash"
)

// foreignFrom is [imkey-connect/core/ethereum.ForeignFrom].
const foreignFrom = "foreign-from"

// refuse returns an error with code invalid-argument and a reason for programs. text is for developers.
func refuse(at, reason, text string) *errcode.Error {
	err := errcode.Invalid(at, text)
	err.Data["reason"] = reason
	return err
}
