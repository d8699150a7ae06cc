package devicesim

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// remark names what is to be signed in a trace.
func (p *ethPayload) remark() string {
	if p.transaction != nil {
		return "transaction"
	}
	return "message"
}

// screen is what the person reads before it is signed. A transfer's payment and receiver are the transaction's own; the
// rest are the host's words.
func (p *ethPayload) screen() [][]string {
	if p.transaction == nil {
		return messagePages(p.data)
	}
	payment, receiver, ok := p.transaction.transfer()
	if !ok {
		payment, receiver = p.payment, p.receiver
	}
	shown := pages("Pay: " + payment)
	shown = append(shown, pages("To: "+receiver)...)
	return append(shown, pages("Fee: "+p.fee)...)
}

// messagePages shows a message as text, without what EIP-191 puts before it; bytes that are no such message under another
// title; and what the screen has no letters for as the digest that is signed.
func messagePages(data []byte) [][]string {
	if text, ok := personalMessage(string(data)); ok && printable(text, "\n") {
		return pages("Sign message:\n" + text)
	}
	if text := string(data); text != "" && printable(text, "\n") {
		return pages("Sign raw text:\n" + text)
	}
	digest := keccak(data)
	return pages("Sign blindly:\n" + hex.EncodeToString(digest[:]))
}

// personalMessage takes off the prefix of EIP-191, version 45.
func personalMessage(data string) (text string, ok bool) {
	rest, ok := strings.CutPrefix(data, "\x19Ethereum Signed Message:\n")
	if !ok {
		return "", false
	}
	// The message may begin with digits itself: the length says where it does.
	for digits := 1; digits <= 5 && digits <= len(rest); digits++ {
		if strconv.Itoa(len(rest)-digits) == rest[:digits] {
			return rest[digits:], true
		}
	}
	return "", false
}

// printable says whether the screen has letters for all of text: ASCII's, and those of also.
func printable(text, also string) bool {
	for _, c := range []byte(text) {
		if (c < ' ' || c > '~') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}
