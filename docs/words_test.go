package docs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// elsewhere are files that may contain the words.
var elsewhere = map[string]string{
	"LICENSE":              "the text of the licence",
	"CHANGELOG.md":         "history",
	"docs/architecture.md": "the glossary itself",
	"docs/words_test.go":   "this test",
	"core/errcode/catalogue/catalogue_test.go": "words that no sentence of an error may contain",
}

// values are texts on the wire, in files and in foreign documents, which keep their words.
var values = []struct {
	pattern *regexp.Regexp
	why     string
}{
	{regexp.MustCompile(`\bPerson(\[\d*\])*['"]|\bPerson"?: \[|\btypes\.Person\b`), "a type in the example document of EIP-712"},
	{regexp.MustCompile(`imkey-connect usb letting go `), "the name of a Web Lock, which tabs with an older version know"},
	{regexp.MustCompile(`"declined"|\bdeclined: say\(`), "a reason in answers of the control API"},
	{regexp.MustCompile(`the same pictures whoever draws!`), "the seed of the pictures' randomness: with another one they show another code"},
	{regexp.MustCompile(`"wrongPins"|json:"wrongPins"`), "a field of the simulator's state file"},
}

// untextual are files that no one writes by hand.
var untextual = regexp.MustCompile(`\.(png|ico|woff2|wasm|tgz)$|(^|/)(package-lock\.json|go\.sum)$|/testdata/fuzz/`)

// forbidden reads the words from the glossary, and returns a pattern that finds each of them in normalised text of lower case.
func forbidden(t *testing.T) *regexp.Regexp {
	t.Helper()
	_, glossary, found := strings.Cut(read(t, "docs/architecture.md"), "\n## Glossary\n")
	require.True(t, found)
	var words []string
	for line := range strings.SplitSeq(glossary, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) == 5 {
			words = append(words, code.FindAllString(cells[3], -1)...)
		}
	}
	require.Greater(t, len(words), 15)
	_, phrases, found := strings.Cut(glossary, "\nThese phrases are avoided")
	require.True(t, found)
	words = append(words, code.FindAllString(phrases, -1)...)
	for i, word := range words {
		words[i] = strings.ReplaceAll(regexp.QuoteMeta(strings.ToLower(strings.Trim(word, "`"))), " ", "[ _-]+")
	}
	return regexp.MustCompile(`\b(?:` + strings.Join(words, "|") + `)(?:'?s)?\b`)
}

var (
	lineBreak = regexp.MustCompile(`\n[ \t]*(?://+|\*|#+|--|>)?[ \t]*`)
	lower     = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	upper     = regexp.MustCompile(`([A-Z])([A-Z][a-z])`)
)

// normalised joins the lines of a comment, and separates the words of an identifier.
func normalised(text string) string {
	text = strings.ReplaceAll(text, "’", "'")
	text = lineBreak.ReplaceAllString(text, " ")
	text = lower.ReplaceAllString(text, "$1 $2")
	text = upper.ReplaceAllString(text, "$1 $2")
	return strings.ReplaceAll(text, "_", " ")
}

// TestWords: the words that the glossary does not use are nowhere in the checkout.
func TestWords(t *testing.T) {
	words := forbidden(t)
	perFolder := map[string]int{}
	var found []string
	for _, file := range tracked(t) {
		if untextual.MatchString(file) || elsewhere[file] != "" {
			continue
		}
		text := file + "\n" + read(t, file)
		for _, v := range values {
			text = v.pattern.ReplaceAllString(text, " ")
		}
		text = strings.ToLower(normalised(text))
		for _, at := range words.FindAllStringIndex(text, -1) {
			folder, _, _ := strings.Cut(file, "/")
			perFolder[folder]++
			found = append(found, fmt.Sprintf("%s: …%s…", file, text[max(0, at[0]-40):min(len(text), at[1]+40)]))
		}
	}
	slices.Sort(found)
	for folder, n := range perFolder {
		t.Logf("%5d %s", n, folder)
	}
	for _, f := range found {
		t.Error(f)
	}
}
