// Package core is the root of the packages for a host of imKeys, on any platform. It has no code. Begin with
//
//   - device: open an imKey and learn what it is
//   - binding: bind this app to it with the code on its screen
//   - ethereum: accounts and signatures
//   - signing, hdpath, hdkey: what the packages of all coins share
//   - transport: bring a new way to reach a device
//   - errcode: what can go wrong, by stable names
//
// They use frame, apdu and tlv (the codecs), bindcode (the code that the user types), attestation (the attestation certificate),
// secp256k1 (the curve), keccak, base58 and upperhex, and usbids (the USB ids). PROTOCOL.md describes the wire, with what is
// not publicly known about it.
package core
