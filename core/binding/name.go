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
		{0x600, 0x605}, {0x61C, 0x61C}, {0x6DD, 0x6DD}, {0x70F, 0x70F}, {0x890, 0x891}, {0x8E2, 0x8E2}, // Arabic and Syriac signs around what follows
		{0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F}, // Hangul fillers, Khmer vowels, Mongolian selectors
		{0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, // zero width, separators, direction, invisible operators
		{0x2800, 0x2800}, {0x3164, 0x3164}, // Braille blank, Hangul filler
		{0xD800, 0xF8FF},                                                                         // surrogates, private use
		{0xFDD0, 0xFDEF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFF}, // noncharacters, selectors, fillers, specials
		{0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1345F}, {0x16FE4, 0x16FE4}, {0x1BCA0, 0x1BCA3}, {0x1D159, 0x1D159}, {0x1D173, 0x1D17A}, // Kaithi, hieroglyph, Khitan, shorthand, musical controls
		{0xE0000, 0x10FFFF}, // tags, selectors, private use
	}

	// The marks that stand above and below letters, of all scripts together and of those that pile them up.
	marksTable = [...][2]rune{
		{0x300, 0x36F}, {0x483, 0x489}, // Latin, Greek, Cyrillic
		{0x591, 0x5BD}, {0x5BF, 0x5BF}, {0x5C1, 0x5C2}, {0x5C4, 0x5C5}, {0x5C7, 0x5C7}, // Hebrew
		{0x610, 0x61A}, {0x64B, 0x65F}, {0x670, 0x670}, {0x6D6, 0x6DC}, {0x6DF, 0x6E4}, {0x6E7, 0x6E8}, {0x6EA, 0x6ED}, // Arabic
		{0x711, 0x711}, {0x730, 0x74A}, {0x7EB, 0x7F3}, {0x7FD, 0x7FD}, {0x816, 0x819}, {0x81B, 0x823}, {0x825, 0x827}, {0x829, 0x82D}, {0x859, 0x85B}, // Syriac, NKo, Samaritan, Mandaic
		{0x898, 0x89F}, {0x8CA, 0x8E1}, {0x8E3, 0x902}, {0x951, 0x957}, // Arabic, Devanagari
		{0xE31, 0xE31}, {0xE34, 0xE3A}, {0xE47, 0xE4E}, {0xEB1, 0xEB1}, {0xEB4, 0xEBC}, {0xEC8, 0xECE}, // Thai, Lao
		{0xF71, 0xF7E}, {0xF80, 0xF84}, {0xF86, 0xF87}, {0xF8D, 0xFBC}, // Tibetan
		{0x1AB0, 0x1AFF}, {0x1CD0, 0x1CD2}, {0x1CD4, 0x1CE0}, {0x1CE2, 0x1CE8}, {0x1CED, 0x1CED}, {0x1CF4, 0x1CF4}, {0x1CF8, 0x1CF9}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, // for all scripts
		{0x2CEF, 0x2CF1}, {0x2DE0, 0x2DFF}, {0x302A, 0x302D}, {0x3099, 0x309A}, {0xA66F, 0xA672}, {0xA674, 0xA67D}, {0xA69E, 0xA69F}, {0xA8E0, 0xA8F1},
		{0xFB1E, 0xFB1E}, {0xFE20, 0xFE2F}, {0x101FD, 0x101FD}, {0x102E0, 0x102E0}, {0x10EFC, 0x10EFF}, {0x1133B, 0x1133C}, {0x1CF00, 0x1CF46}, {0x1D167, 0x1D169}, {0x1D17B, 0x1D182}, {0x1D185, 0x1D18B}, {0x1D1AA, 0x1D1AD}, {0x1D242, 0x1D244},
		{0x1E000, 0x1E02A}, {0x1E08F, 0x1E08F},
	}

	emoji = [...][2]rune{
		{0xA9, 0xA9}, {0xAE, 0xAE}, {0x203C, 0x203C}, {0x2049, 0x2049}, {0x2122, 0x2122}, {0x2139, 0x2139}, {0x2194, 0x21AA},
		{0x231A, 0x23FF}, {0x24C2, 0x24C2}, {0x25AA, 0x27BF}, {0x2934, 0x2935}, {0x2B05, 0x2B55}, {0x3030, 0x3030}, {0x303D, 0x303D},
		{0x3297, 0x3297}, {0x3299, 0x3299}, {0x1F000, 0x1FAFF},
	}
)
