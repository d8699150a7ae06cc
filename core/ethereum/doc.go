// Package ethereum makes an imKey sign for Ethereum: what is to be signed is built here, shown on the device's screen in
// strings that are computed here from the transaction itself, sent to the applet of core/PROTOCOL.md section 6, and the
// answer is checked before it leaves.
//
// What it promises: no signature comes back that the account's own key did not make over exactly what was asked, with s
// in the lower half of the order (EIP-2); an account's key is one that the secure element of the binding signed; every
// command that signs carries the binding signature, and an empty one goes out only for a caller who said [Unbound]; bad
// input is an error of code invalid-argument, whose Data says where ("at") and why ("reason"), before anything is sent.
//
// eth_sign and personal_sign are the same here: [Ethereum.SignMessage] puts EIP-191's prefix before whatever it is
// given, as wallets do today. There is no way to have bare bytes signed, since 32 of them could be a transaction's hash.
package ethereum
