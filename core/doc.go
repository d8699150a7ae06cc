// Package core is the root of what a host of imKeys must know, on any platform. It has no code of its own; begin with
//
//   - device: open an imKey and learn what it is
//   - binding: bind this host to it with the code on its screen
//   - transport: bring a new way to reach a device
//   - errcode: what can go wrong, by stable names
//
// Below them are frame, apdu and tlv, the codecs; bindcode, the code that a person types; attestation and secp256k1, the secure
// element's certificate and the curve. PROTOCOL.md describes the wire, with what is not publicly known about it.
package core
