// Package bindcode is the binding code: 8 characters out of 32, drawn by the device and shown on its screen alone:
// core/PROTOCOL.md section 5.
package bindcode

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"imkey-connect/core/errcode"
)

const (
	// Length is the number of characters in a code.
	Length = 8
	// Alphabet is what a code is made of, in the order that the simulator draws from: no 0, O, 1 or I.
	Alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
)

// Code is a binding code in upper case. It is a secret: it has no String, and whoever holds one wipes it. Garbage
// collection may have copied it, and a JavaScript string it came from cannot be wiped; keep it short-lived.
type Code [Length]byte

// Wipe overwrites the code.
func (c *Code) Wipe() { *c = Code{} }

// Format keeps the code out of whatever fmt prints, with every verb. fmt cannot call it on an unexported field of another
// package's struct: whoever holds a code there keeps that struct from being printed.
func (c Code) Format(w fmt.State, verb rune) { io.WriteString(w, "bindcode.Code{…}") }

// Error says why typed text is no code. It carries at most the one offending character, never the rest.
type Error struct {
	// Position counts the characters that count from 1, spaces and dashes left out; 0 where the length is wrong.
	Position int
	// Character is what stands there, or 0.
	Character rune
	// Hint names characters that it may have been meant as ("Q"), or is empty.
	Hint string
	// Count is how many characters that count were typed.
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

// Parse reads a code as a person types or pastes it: lower case is accepted, white space and dashes are ignored. Its
// errors have code [errcode.CodeFormat] and wrap an [Error].
func Parse(text string) (Code, error) {
	var c Code
	n := 0
	var first *Error
	for _, r := range text {
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
		return c, nil
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
	return Code{}, e
}

// normal returns the code character that r stands for.
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

// hint names what a character that is never in a code may have been on the screen.
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
