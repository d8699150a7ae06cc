// Package replay records what a simulated imKey and its hosts say to each other, and plays such records back: a device
// that answers each command with what it answered then, so that a dApp can be tested again without a wallet, a person or
// a button.
//
// # The form
//
// The text form is the one that hardware wallet projects share, Ledger's test fixtures among them: a command on a line
// after =>, its answer with the status word on the next after <=, both in hex.
//
//	# SELECT IMK
//	=> 00a4040005695f696d6b
//	<= 9000
//
// [Parse] takes other people's files as they are: upper case, blanks anywhere, indented lines, empty lines, CRLF, a word
// before the arrow as logs have it, 0x and Python's b'…' around the digits. Lines that begin with #, // or ; are comments.
// A command that no answer follows was never answered: its host gave up, or was unplugged.
//
// # What a record holds
//
// Everything that went over the wire, and so what anybody on the wire saw: serial number and certificate, public keys and
// addresses, transactions and messages in the clear, signatures, the host's public key and the encrypted proof that it knows the
// binding code. The code, the PIN, the mnemonic and private keys never go over the wire, so no record has them. From the
// proof of a binding, whoever has the host's private key as well could find the code out; that key is not in the record.
//
// # Playing a binding
//
// A host draws its key anew for each device, so another host never sends what the recorded one sent. [Options.AnyHost] leaves
// such differences aside; without it each byte counts, which suits a host that keeps the recorded key or draws it from a
// seed.
package replay

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/trace"
)

// Exchange is one command and its answer.
type Exchange struct {
	Line    int    // of the command, from 1 on; 0 where it comes from no file
	Command []byte // 1 to frame.MaxMessage bytes
	Answer  []byte // with the status word, 2 to frame.MaxMessage bytes; nil: there was none
}

// Script is what is to be played.
type Script struct {
	// CA is the public key that verifies the device's certificate, hex, where a comment "# ca 04…" gives it: a simulated
	// device has a CA of its own, and pages trust it by that key.
	CA        string
	Exchanges []Exchange // in order
}

// SyntaxError is a line that is not part of a script. The text does not repeat the line.
type SyntaxError struct {
	Line   int // from 1 on
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("replay: line %d: %s", e.Line, e.Reason) }

// Parse reads a script. Errors are *SyntaxError.
func Parse(text []byte) (Script, error) {
	var s Script
	open := false // the last command has no answer yet
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\uFEFF"))) {
		number++
		wrong := func(format string, args ...any) (Script, error) {
			return Script{}, &SyntaxError{number, fmt.Sprintf(format, args...)}
		}
		content := strings.TrimSpace(string(line))
		if ca, ok := strings.CutPrefix(content, "# ca "); ok && len(ca) == 130 {
			s.CA = ca
		}
		if content == "" || comment(content) {
			continue
		}
		answer, digits, ok := arrow(content)
		if !ok {
			return wrong("neither a command (=>) nor an answer (<=) nor a comment (#)")
		}
		data, err := hex.DecodeString(clean(digits))
		switch {
		case err != nil:
			return wrong("after the arrow come pairs of hex digits and nothing else")
		case len(data) > frame.MaxMessage:
			return wrong("%d bytes are more than the %d of a message", len(data), frame.MaxMessage)
		case !answer && len(data) == 0:
			return wrong("a command has at least one byte")
		case !answer:
			s.Exchanges = append(s.Exchanges, Exchange{Line: number, Command: data})
			open = true
		case !open:
			return wrong("an answer without a command before it")
		case len(data) < 2:
			return wrong("an answer ends in a status word of two bytes")
		default:
			s.Exchanges[len(s.Exchanges)-1].Answer = data
			open = false
		}
	}
	return s, nil
}

func comment(line string) bool {
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") || strings.HasPrefix(line, ";")
}

// arrow finds the first arrow of a line and what follows it.
func arrow(line string) (answer bool, rest string, ok bool) {
	out, in := strings.Index(line, "=>"), strings.Index(line, "<=")
	switch {
	case out >= 0 && (in < 0 || out < in):
		return false, line[out+2:], true
	case in >= 0:
		return true, line[in+2:], true
	}
	return false, "", false
}

// clean takes away what people write around hex digits.
func clean(digits string) string {
	digits = strings.Join(strings.Fields(digits), "")
	if rest, ok := strings.CutPrefix(digits, "b'"); ok {
		digits = strings.Replace(rest, "'", "", 1)
	}
	digits = strings.TrimPrefix(digits, "0x")
	return strings.TrimPrefix(digits, "0X")
}

// String is the script in the form that Parse reads, lower case, with each command's name above it.
func (s Script) String() string {
	var b strings.Builder
	if s.CA != "" {
		fmt.Fprintf(&b, "# ca %s\n", s.CA)
	}
	for _, e := range s.Exchanges {
		fmt.Fprintf(&b, "# %s\n=> %x\n", trace.CommandText(e.Command), e.Command)
		if e.Answer != nil {
			fmt.Fprintf(&b, "<= %x\n", e.Answer)
		}
	}
	return b.String()
}
