package ethereum

import (
	"strconv"

	"imkey-connect/core/keccak"
)

// messageData returns the bytes that personal_sign signs: the prefix of EIP-191, the length in decimal, and the message.
func messageData(message []byte) []byte {
	b := []byte("\x19Ethereum Signed Message:\n")
	b = strconv.AppendInt(b, int64(len(message)), 10)
	return append(b, message...)
}

// BlindMessage reports whether the device's screen shows the digest of a message instead of its text: it does unless the message
// has only printable ASCII characters and newlines. A page can warn of it before anything is sent.
func BlindMessage(message []byte) bool {
	for _, c := range message {
		if (c < ' ' || c > '~') && c != '\n' {
			return true
		}
	}
	return false
}

// HashMessage returns the digest that personal_sign and eth_sign sign.
func HashMessage(message []byte) [32]byte { return keccak.Sum256(messageData(message)) }
