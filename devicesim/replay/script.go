// Package replay records the session of a simulated imKey with its hosts, and plays recordings: a device that answers each
// command with the recorded answer. With it a dApp can be tested without a wallet, a user or a button.
//
// # The format
//
// A recording is text in the format that hardware wallet projects share, for example in Ledger's test fixtures. A command is
// on a line after =>. Its answer with the status word is on the next line after <=. Both are in hex.
//
//	# SELECT IMK
//	=> 00a4040005695f696d6b
//	<= 9000
//
// [Parse] accepts the files of other projects: upper case, spaces anywhere, indented lines, empty lines, CRLF, a word before
// the arrow as in a log, 0x and Python's b'…' around the digits. Lines that begin with #, // or ; are comments. A command
// without an answer was not answered: its host gave up, or the device was unplugged.
//
// # What a recording contains
//
// A recording contains all that was sent over USB: the serial number and the certificate, public keys and addresses,
// transactions and messages in the clear, signatures, the app's public key and the encrypted proof that it knows the binding
// code. It does not contain the code, the PIN, the mnemonic phrase or private keys, because these are never sent. The app's
// private key would decrypt the proof and so reveal the code.
//
// # Playing a binding
//
// An app draws a new key for each device, so another app sends other bytes than the recorded one. With [Options.AnyHost] the
// device ignores these differences. Without it each byte must match, which suits a host that has the recorded key or draws
// its key from a seed.
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
	Line    int    // of the command, from 1 on; 0 if it comes from no file
	Command []byte // 1 to frame.MaxMessage bytes
	Answer  []byte // with the status word, 2 to frame.MaxMessage bytes; nil if there was none
}

// Script is a recording to play.
type Script struct {
	// CA is the public key in hex that verifies the attestation certificate. It comes from a comment "# ca 04…", because a
	// simulated device has a CA of its own, which a page must trust.
	CA        string
	Exchanges []Exchange // in order
}

// SyntaxError is a line that is neither a comment nor part of a script. The error's text does not repeat the line.
type SyntaxError struct {
	Line   int // from 1 on
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("replay: line %d: %s", e.Line, e.Reason) }

// Parse parses a script. Errors are *SyntaxError.
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
			return wrong("only pairs of hex digits may follow the arrow")
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

// clean removes spaces, 0x and Python's b'…' from hex digits.
func clean(digits string) string {
	digits = strings.Join(strings.Fields(digits), "")
	if rest, ok := strings.CutPrefix(digits, "b'"); ok {
		digits = strings.Replace(rest, "'", "", 1)
	}
	digits = strings.TrimPrefix(digits, "0x")
	return strings.TrimPrefix(digits, "0X")
}

// String returns the script in the format of Parse, in lower case, with each command's name above it.
func (s Script) String() string {
	var b strings.Builder
	if s.CA != "" {
		fmt.Fprintf(&b, "# ca %s\n", s.CA)
	}
	var texts trace.Texts
	for _, e := range s.Exchanges {
		fmt.Fprintf(&b, "# %s\n=> %x\n", texts.Command(e.Command), e.Command)
		texts.Response(e.Command, e.Answer)
		if e.Answer != nil {
			fmt.Fprintf(&b, "<= %x\n", e.Answer)
		}
	}
	return b.String()
}
