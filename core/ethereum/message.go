package ethereum

import (
	"strconv"

	"imkey-connect/core/keccak"
)

// messageData is what personal_sign signs: EIP-191's prefix, the length in decimal, the message.
func messageData(message []byte) []byte {
	b := []byte("\x19Ethereum Signed Message:\n")
	b = strconv.AppendInt(b, int64(len(message)), 10)
	return append(b, message...)
}

// BlindMessage says that the device's screen has no letters for a message and shows its digest: unless all of it is
// printable ASCII or newlines. Known before anything is sent, so that a page can warn first.
func BlindMessage(message []byte) bool {
	for _, c := range message {
		if (c < ' ' || c > '~') && c != '\n' {
			return true
		}
	}
	return false
}

// HashMessage is the digest that personal_sign and eth_sign sign.
func HashMessage(message []byte) [32]byte { return keccak.Sum256(messageData(message)) }
