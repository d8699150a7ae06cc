package bindcode_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/bindcode"
	"imkey-connect/core/errcode"
)

func TestAcceptedText(t *testing.T) {
	for _, typed := range []string{
		"PVU3FY64", "pvu3fy64", "PvU3fY64", "PVU3-FY64", "PVU3 FY64", " P V U 3 F Y 6 4 ", "PVU3\u00A0FY64", "PVU3–FY64",
		"PVU3\u2011FY64", "\tPVU3FY64\r\n", "\uFEFFPVU3FY64", "PVU3\u200BFY64", "--PVU3FY64--",
	} {
		c, err := bindcode.Parse(typed)
		require.NoError(t, err, "%q", typed)
		require.Equal(t, "PVU3FY64", string(c[:]), "%q", typed)
	}
}

func TestRefusedText(t *testing.T) {
	for typed, want := range map[string]bindcode.Error{
		"":                  {Count: 0},
		" - ":               {Count: 0},
		"PVU3FY6":           {Count: 7},
		"PVU3FY644":         {Count: 9},
		"0VU3FY64":          {Position: 1, Character: '0', Hint: "Q or D", Count: 8},
		"PVU3-FYO4":         {Position: 7, Character: 'O', Hint: "Q or D", Count: 8},
		"PVU3 FYo4":         {Position: 7, Character: 'o', Hint: "Q or D", Count: 8},
		"P1U3FY64":          {Position: 2, Character: '1', Hint: "L or 7", Count: 8},
		"PVU3FY6I":          {Position: 8, Character: 'I', Hint: "L or 7", Count: 8},
		"PVU3FY6i":          {Position: 8, Character: 'i', Hint: "L or 7", Count: 8},
		"PV!3FY64":          {Position: 3, Character: '!', Count: 8},
		"PV.3FY64":          {Position: 3, Character: '.', Count: 8},
		"PVÜ3FY64":          {Position: 3, Character: 'Ü', Count: 8},
		"PVU3FY6ß":          {Position: 8, Character: 'ß', Count: 8},
		"PVU3FY6４":          {Position: 8, Character: '４', Count: 8}, // full-width
		"ΡVU3FY64":          {Position: 1, Character: 'Ρ', Count: 8}, // a Greek letter that looks like a Latin one
		"PVU3FYſ4":          {Position: 7, Character: 'ſ', Count: 8}, // upper-cases to S
		"PVU3FY6😀":          {Position: 8, Character: '😀', Count: 8},
		"PVU3FY6\xFF":       {Position: 8, Character: utf8.RuneError, Count: 8},
		"PVU3FY6\x00":       {Position: 8, Character: 0, Count: 8},
		"0":                 {Position: 1, Character: '0', Hint: "Q or D", Count: 1},
		"PVU3FY64O":         {Position: 9, Character: 'O', Hint: "Q or D", Count: 9},
		"OI01OI01":          {Position: 1, Character: 'O', Hint: "Q or D", Count: 8},
		"PVU3FY64 PVU3FY64": {Count: 16},
	} {
		c, err := bindcode.Parse(typed)
		require.Equal(t, errcode.CodeFormat, errcode.Of(err), "%q", typed)
		require.Zero(t, [8]byte(c), "the code is wiped")
		var e *bindcode.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, want, *e, "%q", typed)
		var outer *errcode.Error
		require.ErrorAs(t, err, &outer)
		data := map[string]any{"count": want.Count}
		switch {
		case want.Position == 0:
			data["reason"] = "length"
		case want.Hint == "":
			data["reason"] = "character"
		default:
			data["hint"] = want.Hint
		}
		if want.Position > 0 {
			data["position"], data["character"] = want.Position, string(want.Character)
		}
		require.Equal(t, data, outer.Data, "%q", typed)
		require.NotEmpty(t, err.Error())
	}
	_, err := bindcode.Parse(strings.Repeat("2", 1<<20))
	require.ErrorContains(t, err, "not 1048576")
}

// An error names the wrong character and no other.
func TestErrorsShowNoCode(t *testing.T) {
	for _, typed := range []string{"PVU3FY6!", "PVU3FY6", "PVU3FY64K", "PVU3FY0Z"} {
		_, err := bindcode.Parse(typed)
		var e *bindcode.Error
		require.ErrorAs(t, err, &e)
		for _, s := range []string{err.Error(), fmt.Sprintf("%v %+v %#v", err, err, err), fmt.Sprintf("%+v %#v", *e, *e)} {
			for i := range len(typed) - 2 {
				require.NotContains(t, s, typed[i:i+3], "%q", typed)
			}
		}
	}
}

func TestFmtShowsNoCode(t *testing.T) {
	c, err := bindcode.Parse("PVU3FY64")
	require.NoError(t, err)
	holder := struct {
		Name string
		Code bindcode.Code
		At   *bindcode.Code
	}{"x", c, &c}
	for _, v := range []any{c, &c, holder, &holder, []bindcode.Code{c}, map[string]bindcode.Code{"k": c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%U", "%b", "%o"} {
			s := fmt.Sprintf(verb, v)
			for _, leak := range []string{"PVU3", "505655", "5056 55", "50 56 55", "80 86 85", "0x50", "U+0050", "120 126"} {
				require.NotContains(t, s, leak, verb)
			}
		}
	}
	require.Equal(t, "bindcode.Code{…}", fmt.Sprint(c))
	require.NotContains(t, fmt.Sprint(errors.New(fmt.Sprint(c))), "PVU3")
}

func TestWipe(t *testing.T) {
	c, err := bindcode.Parse("PVU3FY64")
	require.NoError(t, err)
	c.Wipe()
	require.Zero(t, [8]byte(c))
}

// The recorded regular expression accepts exactly the alphabet.
func TestAlphabet(t *testing.T) {
	file, err := os.ReadFile("../testdata/vectors/imkey.json")
	require.NoError(t, err)
	var vectors struct{ Binding struct{ CodeRegex string } }
	require.NoError(t, json.Unmarshal(file, &vectors))
	expression, err := regexp.Compile(vectors.Binding.CodeRegex)
	require.NoError(t, err)
	require.Len(t, bindcode.Alphabet, 32)
	for r := rune(0); r < 0x250; r++ {
		upper := strings.Repeat(string(r), 8)
		_, err := bindcode.Parse(upper)
		lower := 'a' <= r && r <= 'z' && r != 'i' && r != 'o'
		require.Equal(t, expression.MatchString(upper) || lower, err == nil, "%q", r)
		require.Equal(t, expression.MatchString(upper), strings.ContainsRune(bindcode.Alphabet, r), "%q", r)
	}
}

// FuzzParse checks that a code has 8 characters of the alphabet and parses to itself, and that an error has a reason.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "PVU3FY64", "pvu3-fy64", " P V U 3 F Y 6 4 ", "PVU3FY6O", "PVU3FY6\xFF", "PVU3FY644", "ΡVU3FY64"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		c, err := bindcode.Parse(typed)
		if err != nil {
			var e *bindcode.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, errcode.CodeFormat, errcode.Of(err))
			require.Zero(t, [8]byte(c))
			require.True(t, e.Position > 0 || e.Count != bindcode.Length)
			require.LessOrEqual(t, e.Position, e.Count)
			return
		}
		spelled := string(c[:])
		require.Empty(t, strings.Trim(spelled, bindcode.Alphabet))
		again, err := bindcode.Parse(spelled)
		require.NoError(t, err)
		require.Equal(t, [8]byte(c), [8]byte(again))
		require.Subset(t, strings.Split(strings.ToUpper(typed), ""), strings.Split(spelled, ""))
	})
}
