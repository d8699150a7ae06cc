package binding

import (
	"strings"
	"unicode/utf8"

	"imkey-connect/core/errcode"
)

// MaxName is how many characters (Unicode code points) a device's name may have.
const MaxName = 32

// CleanName takes the white space off both ends of a name that a person typed. Empty means none. What is too long, is not
// UTF-8, or has characters that break a line or turn its direction, is invalid-argument.
func CleanName(typed string) (string, error) {
	// A bound before anything looks at it: white space at the ends is not counted, but nobody types that much.
	if len(typed) > 1<<12 || !utf8.ValidString(typed) {
		return "", badName("not a name")
	}
	name := strings.TrimSpace(typed)
	if utf8.RuneCountInString(name) > MaxName {
		return "", badName("a name has at most 32 characters")
	}
	if strings.ContainsFunc(name, unfit) {
		return "", badName("a name has no control characters")
	}
	return name, nil
}

func badName(why string) error {
	e := errcode.New(errcode.InvalidArgument, why)
	e.Data = map[string]any{"reason": "name"}
	return e
}

// unfit characters make a line look like something else than it is.
func unfit(r rune) bool {
	return r < 0x20 || r >= 0x7F && r < 0xA0 || // controls
		r == 0x2028 || r == 0x2029 || // line and paragraph separators
		r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 // embeddings, overrides and isolates of direction
}
