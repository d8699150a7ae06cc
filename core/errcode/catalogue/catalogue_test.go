package catalogue_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode/catalogue"
)

var name = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

func TestEveryCodeIsThereOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range catalogue.Entries {
		require.Regexp(t, name, e.Code)
		require.False(t, seen[e.Code], "%s twice", e.Code)
		seen[e.Code] = true
		require.Regexp(t, `^[a-z].*[^.]$`, e.Means, "%s: it completes a sentence", e.Code)
		for _, r := range e.Reasons {
			require.Regexp(t, name, r.Reason, e.Code)
			require.False(t, seen[e.Code+"/"+r.Reason], "%s/%s twice", e.Code, r.Reason)
			seen[e.Code+"/"+r.Reason] = true
			require.Contains(t, e.Data, "`'"+r.Reason+"'`", "%s: the reasons that it names", e.Code)
		}
	}
}

// TestSentences checks the form of the sentences, and that they avoid hex, blame and the words that the glossary avoids.
func TestSentences(t *testing.T) {
	messages := map[string]string{}
	check := func(name string, what, next, onPage catalogue.Text) {
		message := what.English + " " + next.English
		require.Empty(t, messages[message], "%s says the same as %s", name, messages[message])
		messages[message] = name
		for _, text := range []catalogue.Text{what, next, onPage} {
			if text == onPage && onPage == (catalogue.Text{}) {
				continue
			}
			require.Regexp(t, `^[A-Z][^()]+\.$`, text.English, name)
			require.NotRegexp(t, `0x|\b[0-9A-F]{4}\b`, text.English, "%s: no hex", name)
			require.NotRegexp(t, `(?i)something went wrong|invalid|illegal|failed|you must|\bperson\b|\bmaker\b|whoever|decline|pairing code|seed`, text.English, name)
			require.NotContains(t, text.English, "'", "%s: a typographic apostrophe", name)
			require.NotRegexp(t, regexp.MustCompile(`\p{Han}`), text.English, name)
			require.True(t, strings.ContainsFunc(text.Chinese, func(r rune) bool { return unicode.Is(unicode.Han, r) }), "%s: %q", name, text.Chinese)
			require.True(t, strings.HasSuffix(text.Chinese, "。"), "%s: %q", name, text.Chinese)
			require.NotRegexp(t, `配对码|种子|密语`, text.Chinese, name)
		}
	}
	for _, e := range catalogue.Entries {
		check(e.Code, e.What, e.Next, e.OnPage)
		require.NotEqual(t, e.Next, e.OnPage, "%s: OnPage is empty where Next fits", e.Code)
		if strings.Contains(e.Code, "-") {
			require.NotContains(t, e.What.English+e.Next.English+e.OnPage.English, e.Code, "a code is no word for users")
		}
		for _, r := range e.Reasons {
			check(e.Code+"/"+r.Reason, r.What, r.Next, catalogue.Text{})
		}
	}
}

// TestNumbers checks that every integer code is one of EIP-1193 or EIP-1474. No code of the library stands for a wrong chain
// (4901, 4902).
func TestNumbers(t *testing.T) {
	for _, e := range catalogue.Entries {
		require.Contains(t, []int{0, 4001, 4100, 4200, 4900, -32602, -32002}, e.Number, e.Code)
	}
}
