package binding

import (
	"strings"
	"unicode/utf8"

	"imkey-connect/core/errcode"
)

// MaxName is the largest number of characters (Unicode code points) in a device's name.
const MaxName = 32

// CleanName removes white space from both ends of a name that the user typed. The result may be empty. Errors have code
// invalid-argument (reason name): for a name that is too long or not UTF-8, and for characters that break a line or change its
// direction.
func CleanName(typed string) (string, error) {
	// White space at the ends does not count as part of the name, but it has a bound, too.
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

func badName(why string) error { return errcode.Because(errcode.InvalidArgument, "name", why) }

// unfit reports whether a character can make a line look different from its content.
func unfit(r rune) bool {
	return r < 0x20 || r >= 0x7F && r < 0xA0 || // controls
		r == 0x2028 || r == 0x2029 || // line and paragraph separators
		r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 // embeddings, overrides and isolates of direction
}
