//go:build js && wasm

package interop

import (
	"math"
	"strings"

	"github.com/hack-pad/safejs"
)

// Text reads a string that Go can hold exactly, of at most max UTF-16 units. One with half a surrogate pair has no UTF-8:
// Go would get another text than the page meant.
func Text(v safejs.Value, max int) (string, bool) {
	if !Is(v, safejs.TypeString) {
		return "", false
	}
	object, err := global("Object")
	if err != nil {
		return "", false
	}
	// Measured before it is copied. Only an object has properties to Reflect.get.
	boxed, err := Construct(object, v)
	if err != nil {
		return "", false
	}
	length, err := Get(boxed, "length")
	if err != nil {
		return "", false
	}
	if n, ok := Int(length, math.MaxInt32); !ok || n > max {
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
