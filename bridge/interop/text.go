//go:build js && wasm

package interop

import (
	"strings"

	"github.com/hack-pad/safejs"
)

var slice = builtin("String", "prototype", "slice")

// Text reads a string of at most max UTF-16 units without lone surrogates. A string with a lone surrogate has no UTF-8, so that Go
// would read another text.
func Text(v safejs.Value, max int) (string, bool) {
	if !Is(v, safejs.TypeString) || max < 0 {
		return "", false
	}
	// Cut the string before it is copied, so that an enormous one is not copied.
	short, err := with(slice, v, 0, max)
	if err != nil || !short.Equal(v) {
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
