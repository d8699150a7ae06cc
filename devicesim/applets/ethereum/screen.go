package ethereum

import (
	"encoding/hex"
	"strconv"
	"strings"

	"imkey-connect/devicesim/applet"
)

// caption names the question in a trace.
func (p *payload) caption() string {
	if p.transaction != nil {
		return "transaction"
	}
	return "message"
}

// texts returns what the user reads before signing. The payment and the receiver of a known transfer come from the
// transaction; all other texts come from the host.
func (p *payload) texts() []string {
	if p.transaction == nil {
		return []string{messageText(p.data)}
	}
	payment, receiver, ok := p.transaction.transfer()
	if !ok {
		payment, receiver = p.payment, p.receiver
	}
	return []string{"Pay: " + payment, "To: " + receiver, "Fee: " + p.fee}
}

// messageText returns the text of an EIP-191 message without its prefix. Other printable bytes have another title. Of bytes
// that the screen cannot show it returns the digest that is signed.
func messageText(data []byte) string {
	if text, ok := personalMessage(string(data)); ok && printableLines(text) {
		return "Sign message:\n" + text
	}
	if text := string(data); text != "" && printableLines(text) {
		return "Sign raw text:\n" + text
	}
	digest := keccak(data)
	return "Sign blindly:\n" + hex.EncodeToString(digest[:])
}

// printableLines reports whether the screen can show a text of several lines.
func printableLines(text string) bool {
	return applet.Printable(strings.ReplaceAll(text, "\n", ""))
}

// personalMessage removes the prefix of EIP-191, version 45.
func personalMessage(data string) (text string, ok bool) {
	rest, ok := strings.CutPrefix(data, "\x19Ethereum Signed Message:\n")
	if !ok {
		return "", false
	}
	// The message may begin with digits too, so the length decides where it begins.
	for digits := 1; digits <= 5 && digits <= len(rest); digits++ {
		if strconv.Itoa(len(rest)-digits) == rest[:digits] {
			return rest[digits:], true
		}
	}
	return "", false
}
