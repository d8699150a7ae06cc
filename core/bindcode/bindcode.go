// Package bindcode parses binding codes. A binding code has 8 characters out of 32. The device draws it and shows it on its
// screen only: core/PROTOCOL.md section 5.
package bindcode

import (
	"fmt"
	"io"
	"iter"
	"unicode"
	"unicode/utf8"

	"imkey-connect/core/errcode"
)

const (
	// Length is the number of characters in a code.
	Length = 8
	// Alphabet has the characters of a code, in the order in which the simulator draws them. 0, O, 1 and I are not in it.
	Alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
)

// Code is a binding code in upper case. It is a secret: it has no String, and its owner wipes it. Keep it for a short time:
// garbage collection may copy it, and the JavaScript string from which it came cannot be wiped.
type Code [Length]byte

// Wipe overwrites the code.
func (c *Code) Wipe() { *c = Code{} }

// Format prints bindcode.Code{…} for every verb, so that fmt never prints the code. fmt cannot call it for an unexported field
// of another package's struct: do not print such a struct.
func (c Code) Format(w fmt.State, verb rune) { io.WriteString(w, "bindcode.Code{…}") }

// Error says why a text is not a binding code. Of the text it has at most the first wrong character.
type Error struct {
	// Position is the place of the wrong character, from 1 and without spaces and dashes. It is 0 if the length is wrong.
	Position int
	// Character is the wrong character, or 0.
	Character rune
	// Hint names the characters that the screen may have shown instead, such as "Q or D". It may be empty.
	Hint string
	// Count is the number of characters in the text, without spaces and dashes.
	Count int
}

func (e *Error) Error() string {
	switch {
	case e.Position == 0:
		return "a binding code has 8 characters, not " + itoa(e.Count)
	case e.Hint != "":
		return "character " + itoa(e.Position) + " cannot be in a binding code, it may be " + e.Hint
	}
	return "character " + itoa(e.Position) + " cannot be in a binding code"
}

// Parse reads a code as the user types or pastes it. It accepts lower case and ignores white space and dashes. Errors have
// code [errcode.CodeFormat] and wrap an [Error].
func Parse(text string) (c Code, err error) {
	err = c.Read(func(yield func(rune) bool) {
		for _, r := range text {
			if !yield(r) {
				return
			}
		}
	})
	return c, err
}

// Read is [Parse] for a text that is in no string, which could not be wiped. It makes no other copy of the code than c.
func (c *Code) Read(text iter.Seq[rune]) error {
	c.Wipe()
	n := 0
	var first *Error
	for r := range text {
		if ignored(r) {
			continue
		}
		n++
		b, ok := normal(r)
		if !ok {
			if first == nil {
				first = &Error{Position: n, Character: r, Hint: hint(r)}
			}
			continue
		}
		if n <= Length {
			c[n-1] = b
		}
	}
	if first == nil && n == Length {
		return nil
	}
	c.Wipe()
	if first == nil {
		first = &Error{}
	}
	first.Count = n
	e := errcode.Wrap(errcode.CodeFormat, "binding code", first)
	e.Data = map[string]any{"count": n}
	switch {
	case first.Position == 0:
		e.Data["reason"] = "length"
	case first.Hint == "":
		e.Data["reason"] = "character"
	default:
		e.Data["hint"] = first.Hint
	}
	if first.Position > 0 {
		e.Data["position"] = first.Position
		e.Data["character"] = string(first.Character)
	}
	return e
}

// normal returns the character of the alphabet that r stands for.
func normal(r rune) (byte, bool) {
	if r >= utf8.RuneSelf {
		return 0, false
	}
	b := byte(r)
	if 'a' <= b && b <= 'z' {
		b -= 'a' - 'A'
	}
	switch {
	case '2' <= b && b <= '9':
		return b, true
	case 'A' <= b && b <= 'Z' && b != 'I' && b != 'O':
		return b, true
	}
	return 0, false
}

func ignored(r rune) bool {
	switch r {
	case '-', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212', '\u200B', '\uFEFF':
		return true
	}
	return unicode.IsSpace(r)
}

// hint returns the characters that look like r, which is not in the alphabet.
func hint(r rune) string {
	switch r {
	case '0', 'O', 'o':
		return "Q or D"
	case '1', 'I', 'i':
		return "L or 7"
	}
	return ""
}

func itoa(n int) string {
	if n >= 10 {
		return itoa(n/10) + string(rune('0'+n%10))
	}
	return string(rune('0' + n))
}
