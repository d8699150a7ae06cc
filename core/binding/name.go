package binding

import (
	"strings"
	"unicode/utf8"

	"imkey-connect/core/errcode"
)

// MaxName is the largest number of characters (Unicode code points) in a device's name.
const MaxName = 32

// CleanName returns a name that the user typed, as it is stored: without white space at both ends, and with one space for white
// space inside. The result may be empty. Errors have code invalid-argument (reason name): for a name that is too long or not UTF-8,
// and for characters that do not print, that change the direction of a line, or that pile up on others; see [Legible].
func CleanName(typed string) (string, error) {
	// White space at the ends does not count as part of the name, but it has a bound, too.
	if len(typed) > 1<<12 || !utf8.ValidString(typed) {
		return "", badName("not a name")
	}
	name, clean := Legible(strings.TrimSpace(typed))
	if !clean {
		return "", badName("a name has no invisible or control characters")
	}
	if utf8.RuneCountInString(name) > MaxName {
		return "", badName("a name has at most 32 characters")
	}
	return name, nil
}

func badName(why string) error { return errcode.Because(errcode.InvalidArgument, "name", why) }

// maxMarks is the largest number of marks on one character. More of them cover the lines above and below.
const maxMarks = 3

// Legible returns s without the characters that no text on a line needs, and reports whether there were none. It removes control
// characters, characters that do not print (Default_Ignorable_Code_Point, fillers and blanks), private and unassigned special
// ones, and marks without a character or more than three on one. It keeps what emoji need: U+FE0F behind one, U+200D between two,
// and keycaps. White space becomes one space, and none at the ends.
func Legible(s string) (legible string, clean bool) {
	var b []byte
	clean = true
	prev, marks := ' ', 0 // prev is the last character that was kept
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		next, _ := utf8.DecodeRuneInString(s)
		isMark := in(marksTable[:], r)
		switch {
		case r == utf8.RuneError:
			clean = false
			continue
		case in(spaces[:], r):
			r = ' '
			if prev == ' ' {
				continue
			}
		case r == 0xFE0F && (in(emoji[:], prev) || keycapBase(prev) && next == 0x20E3),
			r == 0x200D && (in(emoji[:], prev) || prev == 0xFE0F) && in(emoji[:], next):
		case in(invisible[:], r) || r&0xFFFE == 0xFFFE,
			isMark && (prev == ' ' || marks == maxMarks):
			clean = false
			continue
		}
		if isMark {
			marks++
		} else {
			marks = 0
		}
		b = utf8.AppendRune(b, r)
		prev = r
	}
	if prev == ' ' && len(b) > 0 {
		b = b[:len(b)-1]
	}
	return string(b), clean
}

func keycapBase(r rune) bool { return r >= '0' && r <= '9' || r == '#' || r == '*' }

// in reports whether a table of ranges has r. A range is its first and its last character. A table is short, and package
// unicode's tables of all categories would add more to the WebAssembly.
func in(table [][2]rune, r rune) bool {
	for _, x := range table {
		if r <= x[1] {
			return r >= x[0]
		}
	}
	return false
}

var (
	spaces = [...][2]rune{{' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}}

	invisible = [...][2]rune{
		{0x00, 0x1F}, {0x7F, 0x9F}, // controls
		{0xAD, 0xAD}, {0x34F, 0x34F}, // soft hyphen, grapheme joiner
		{0x61C, 0x61C}, {0x70F, 0x70F}, // Arabic letter mark, Syriac abbreviation mark
		{0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F}, // Hangul fillers, Khmer vowels, Mongolian selectors
		{0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, // zero width, separators, direction, invisible operators
		{0x2800, 0x2800}, {0x3164, 0x3164}, // Braille blank, Hangul filler
		{0xD800, 0xF8FF},                                                                         // surrogates, private use
		{0xFDD0, 0xFDEF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFF}, // noncharacters, selectors, fillers, specials
		{0x13430, 0x1345F}, {0x16FE4, 0x16FE4}, {0x1BCA0, 0x1BCA3}, {0x1D159, 0x1D159}, {0x1D173, 0x1D17A}, // hieroglyph, Khitan, shorthand, musical controls
		{0xE0000, 0x10FFFF}, // tags, selectors, private use
	}

	marksTable = [...][2]rune{
		{0x300, 0x36F}, {0x483, 0x489}, {0x591, 0x5BD}, {0x64B, 0x65F}, {0xE31, 0xE31}, {0xE34, 0xE3A}, {0xE47, 0xE4E}, {0xEB1, 0xEB1},
		{0xEB4, 0xEBC}, {0xEC8, 0xECE}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0x3099, 0x309A}, {0xFE20, 0xFE2F},
	}

	emoji = [...][2]rune{
		{0xA9, 0xA9}, {0xAE, 0xAE}, {0x203C, 0x203C}, {0x2049, 0x2049}, {0x2122, 0x2122}, {0x2139, 0x2139}, {0x2194, 0x21AA},
		{0x231A, 0x23FF}, {0x24C2, 0x24C2}, {0x25AA, 0x27BF}, {0x2934, 0x2935}, {0x2B05, 0x2B55}, {0x3030, 0x3030}, {0x303D, 0x303D},
		{0x3297, 0x3297}, {0x3299, 0x3299}, {0x1F000, 0x1FAFF},
	}
)
