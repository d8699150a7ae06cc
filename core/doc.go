// Package core is the root of what a host of imKeys must know, on any platform. It has no code of its own; begin with
//
//   - device: open an imKey and learn what it is
//   - binding: bind this app to it with the code on its screen
//   - ethereum: accounts and signatures
//   - signing, hdpath, hdkey: what the packages of all coins share
//   - transport: bring a new way to reach a device
//   - errcode: what can go wrong, by stable names
//
// Below them are frame, apdu and tlv, the codecs; bindcode, the code that a user types; attestation and secp256k1, the
// attestation certificate and the curve; keccak and base58. PROTOCOL.md describes the wire, with what is not publicly known
// about it.
package core
