package ethereum

import "strconv"

// messageData is what personal_sign signs: EIP-191's prefix, the length in decimal, the message.
func messageData(message []byte) []byte {
	b := []byte("\x19Ethereum Signed Message:\n")
	b = strconv.AppendInt(b, int64(len(message)), 10)
	return append(b, message...)
}

// HashMessage is the digest that personal_sign and eth_sign sign.
func HashMessage(message []byte) [32]byte { return Keccak256(messageData(message)) }
