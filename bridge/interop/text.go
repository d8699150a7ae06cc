//go:build js && wasm

package interop

import (
	"iter"
	"strings"
	"unicode"

	"github.com/hack-pad/safejs"
)

// Text reads a string of at most max UTF-16 units without lone surrogates. A string with a lone surrogate has no UTF-8, so that Go
// would read another text.
func Text(v safejs.Value, max int) (string, bool) {
	if !Is(v, safejs.TypeString) || max < 0 {
		return "", false
	}
	// Ask for the length first, so that an enormous string is not copied.
	if beyond, err := with(codePointAt, v, max); err != nil || !beyond.IsUndefined() {
		return "", false
	}
	s, ok := String(v)
	if !ok || !strings.ContainsRune(s, '\uFFFD') {
		return s, ok
	}
	// The page may have meant this character, or it stands for what could not be converted.
	back, err := safejs.ValueOf(s)
	if err != nil || !back.Equal(v) {
		return "", false
	}
	return s, true
}

var (
	codePointAt  = builtin("String", "prototype", "codePointAt")
	fromCharCode = builtin("String", "fromCharCode")
)

// Runes returns the code points of a string of at most max UTF-16 units, without a copy of the string. It is for secrets: a Go string
// cannot be wiped. A lone surrogate is a code point of its own.
func Runes(v safejs.Value, max int) (iter.Seq[rune], bool) {
	if !Is(v, safejs.TypeString) {
		return nil, false
	}
	if beyond, err := with(codePointAt, v, max); err != nil || !beyond.IsUndefined() {
		return nil, false
	}
	return func(yield func(rune) bool) {
		for i := 0; i < max; i++ {
			point, _ := with(codePointAt, v, i)
			r, ok := Int(point, unicode.MaxRune)
			if !ok || !yield(rune(r)) {
				return
			}
			if r > 0xFFFF {
				i++
			}
		}
	}, true
}

// ASCII makes a string of ASCII characters, without a copy in a Go string. It is for secrets.
func ASCII(b []byte) (safejs.Value, error) {
	units := make([]any, len(b))
	for i, c := range b {
		units[i] = int(c)
	}
	return with(fromCharCode, units...)
}

var normalize = builtin("String", "prototype", "normalize")

// NFKC is Text in the Unicode normal form NFKC. Both the string and its normal form must have at most max units.
func NFKC(v safejs.Value, max int) (string, bool) {
	if _, ok := Text(v, max); !ok {
		return "", false
	}
	normal, err := with(normalize, v, "NFKC")
	if err != nil {
		return "", false
	}
	return Text(normal, max)
}
