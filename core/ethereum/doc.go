// Package ethereum has an imKey sign transactions, messages and typed data for Ethereum: core/PROTOCOL.md section 6. It
// encodes what is to be signed, computes the strings for the device's screen from the transaction, sends both to the
// applet, and checks the answer. What other coins need as well is in packages signing, hdpath and hdkey.
//
// The package promises:
//
//   - A returned signature was made by the account's key over exactly what the caller passed, and its s is in the lower half
//     of the order (EIP-2).
//   - The secure element of the binding signed the account's public key.
//   - Every request to sign carries the binding signature. It is empty only with a [signing.Unbound] binder.
//   - Bad input is an error with code invalid-argument before anything is sent. Its Data says where ("at") and why ("reason").
//
// eth_sign and personal_sign are the same: [Ethereum.SignMessage] always adds the prefix of EIP-191, as wallets do today. The
// package does not sign bare bytes, since 32 bytes could be the hash of a transaction.
package ethereum
