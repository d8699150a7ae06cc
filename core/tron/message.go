package tron

import (
	"strconv"

	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/keccak"
)

// Format is how a message is hashed before it is signed.
type Format int

// The formats. The prefixes begin with the byte 19, so that no message is a transaction.
const (
	// V1 is the first form of tronweb's sign and of old dApps: the prefix says 32 bytes, whatever the length is.
	V1 Format = 1
	// V2 is TIP-191, tronweb's signMessageV2: the prefix has the length in decimal.
	V2 Format = 2
	// V1Ethereum is V1 with Ethereum's prefix.
	V1Ethereum Format = 3
	// V2Bare is the version 2 of the vendor's host, whose caller writes the length: the prefix has none. It is for
	// tests, and is not offered to sites: a message that begins with a number is that of V2.
	V2Bare Format = 4
)

// MaxMessage is the largest number of bytes of a message. The device gets only the hash; this bounds the work.
const MaxMessage = 1<<20 - 1

// HashMessage returns the hash that is signed for a message. Errors have code invalid-argument.
func HashMessage(message []byte, f Format) ([32]byte, error) {
	if len(message) == 0 {
		return [32]byte{}, errcode.Invalid("message", "empty")
	}
	if len(message) > MaxMessage {
		return [32]byte{}, errcode.Invalid("message", "more than 1048575 bytes")
	}
	prefix := "\x19TRON Signed Message:\n"
	switch f {
	case V1:
		prefix += "32"
	case V2:
		prefix += strconv.Itoa(len(message))
	case V1Ethereum:
		prefix = "\x19Ethereum Signed Message:\n32"
	case V2Bare:
	default:
		return [32]byte{}, errcode.Invalid("version", "only versions 1 and 2 of messages are supported")
	}
	return keccak.Sum256([]byte(prefix), message), nil
}

// dialect is typed data as tronweb hashes it (TIP-712). An address is encoded without its first byte.
var dialect = ethereum.Dialect{
	Address: func(at, s string) (ethereum.Address, error) {
		a, ok := parseBase58(s)
		if !ok {
			a, ok = parseHex(s)
		}
		if !ok {
			return ethereum.Address{}, errcode.Invalid(at, "not an address of TRON, in Base58Check or in hex")
		}
		return ethereum.Address(a), nil
	},
	Number: "trcToken",
}

// HashTypedData hashes a document {types, primaryType, domain, message} by TIP-712, given as a tree of Go values as in
// [ethereum.HashTypedData]. Its digest is that of tronweb. There is a type trcToken, and an address is in Base58Check or in hex, with or
// without its first byte 41. Errors have code invalid-argument.
func HashTypedData(document any) (*ethereum.TypedData, error) {
	return ethereum.HashTypedDataIn(&dialect, document)
}
