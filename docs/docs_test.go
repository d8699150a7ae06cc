// Package docs tests that the documents of the project agree with the code that they describe.
package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mostREADME is the most lines of README.md, which is the page that a newcomer reads first.
const mostREADME = 150

// tracked lists the files of the checkout, from its root, with slashes. Files that git ignores are left out.
func tracked(t *testing.T) []string {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = ".."
	out, err := list.Output()
	require.NoError(t, err)
	var files []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join("..", name)); err == nil && info.Mode().IsRegular() { // not deleted
			files = append(files, name)
		}
	}
	require.Greater(t, len(files), 100, "the checkout was found")
	return slices.Compact(files)
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	require.NoError(t, err)
	return string(text)
}

// documents are the Markdown files of the checkout, by name.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, name := range tracked(t) {
		if path.Ext(name) == ".md" {
			texts[name] = read(t, name)
		}
	}
	require.Contains(t, texts, "README.md")
	require.Contains(t, texts, "docs/architecture.md")
	return texts
}

// block is one fenced block of code.
type block struct {
	document string
	line     int // of its first line in the document
	language string
	text     string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.document, b.line) }

var fence = regexp.MustCompile("^( *)(```+|~~~+)(.*)$")

// split separates the blocks of code of a document from its prose. Lines of the prose keep their numbers.
func split(document, text string) (blocks []block, prose string) {
	var out strings.Builder
	var open *block
	var mark, indent string
	for i, line := range strings.Split(text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == nil && m != nil:
			indent, mark = m[1], m[2]
			open = &block{document: document, line: i + 2, language: strings.TrimSpace(m[3])}
		case open != nil && m != nil && m[2] == mark && m[3] == "":
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		default:
			out.WriteString(line)
		}
		out.WriteByte('\n')
	}
	return blocks, out.String()
}

// TestREADMEIsShort checks the length of the README.
func TestREADMEIsShort(t *testing.T) {
	require.LessOrEqual(t, strings.Count(read(t, "README.md"), "\n"), mostREADME)
}

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)|\[[^\]]+\]: (\S+)|(?:src|href|srcset)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *#*$`)
	code    = regexp.MustCompile("`[^`\n]+`")
)

// anchor is the name by which GitHub links to a heading.
func anchor(heading string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(heading, "$1")) {
		switch {
		case r == ' ':
			out.WriteByte('-')
		case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 0x7f:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// TestLinks checks that every relative link of every document leads to a file of the checkout, and every anchor to a heading.
func TestLinks(t *testing.T) {
	texts := documents(t)
	files := map[string]bool{}
	for _, name := range tracked(t) {
		for ; name != "."; name = path.Dir(name) {
			files[name] = true
		}
	}
	anchors := func(document string) (names []string) {
		_, prose := split(document, texts[document])
		for _, m := range heading.FindAllStringSubmatch(prose, -1) {
			name := anchor(strings.ReplaceAll(m[1], "`", ""))
			for n, unique := 1, name; ; n++ {
				if !slices.Contains(names, unique) {
					names = append(names, unique)
					break
				}
				unique = fmt.Sprintf("%s-%d", name, n)
			}
		}
		return names
	}
	found := 0
	for document, text := range texts {
		_, prose := split(document, text)
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(prose, ""), -1) {
			target := m[1] + m[2] + m[3]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			found++
			name, name2, _ := strings.Cut(target, "#")
			if name == "" {
				name = document
			} else {
				name = path.Join(path.Dir(document), name)
			}
			assert.True(t, files[name], "%s links to %s, which the checkout does not have", document, target)
			if name2 != "" && path.Ext(name) == ".md" {
				assert.Contains(t, anchors(name), name2, "%s links to %s", document, target)
			}
		}
	}
	require.Greater(t, found, 50)
}

// TestNamedPathsExist checks that every path in backticks that begins with a folder of the project exists.
func TestNamedPathsExist(t *testing.T) {
	span := regexp.MustCompile("`((?:core|bridge|wasm|web|devicesim|docs|examples)/[\\w./-]*)`")
	built := []string{"web/dist", "build"}
	placeholder := regexp.MustCompile(`/(COIN|PAGE)\b`)
	for document, text := range documents(t) {
		if document == "CHANGELOG.md" {
			continue
		}
		_, prose := split(document, text)
		for _, m := range span.FindAllStringSubmatch(prose, -1) {
			if !placeholder.MatchString(m[1]) && !slices.ContainsFunc(built, func(b string) bool { return strings.HasPrefix(m[1], b) }) {
				assert.FileExists(t, existing(m[1]), "%s names %s", document, m[1])
			}
		}
	}
}

// existing gives a file that exists if the path, from the root, is a file or a folder.
func existing(name string) string {
	name = filepath.Join("..", name)
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return "docs_test.go"
	}
	return name
}

// TestMakeTargets checks that the Makefile has every target of make that a document names, or that a source tells its reader to run.
func TestMakeTargets(t *testing.T) {
	makefile := read(t, "Makefile")
	named := regexp.MustCompile("(?m)(?:`|^\\s*|&& )make ((?:[a-z][a-z0-9-]*|[A-Z_]+=\\S+)(?: (?:[a-z][a-z0-9-]*|[A-Z_]+=[^\\s`]+))*)(?:`|\\s*(?:#.*)?$)")
	found := 0
	for document, text := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			for target := range strings.FieldsSeq(m[1]) {
				if name, _, variable := strings.Cut(target, "="); variable {
					assert.Regexp(t, `\$[({]`+name+`[)}]|(?m)^`+name+`\s*\?=`, makefile, "%s names %s", document, target)
					continue
				}
				found++
				assert.Regexp(t, `(?m)^`+target+`:`, makefile, "%s names make %s", document, target)
			}
		}
	}
	require.Greater(t, found, 10)

	advised := regexp.MustCompile("(?i)\\brun `?make ([a-z][a-z0-9-]*)")
	found = 0
	for _, name := range tracked(t) {
		if slices.Contains([]string{".go", ".ts", ".js", ".mjs", ".sh", ".yaml"}, path.Ext(name)) {
			for _, m := range advised.FindAllStringSubmatch(read(t, name), -1) {
				found++
				assert.Regexp(t, `(?m)^`+m[1]+`:`, makefile, "%s says to run make %s", name, m[1])
			}
		}
	}
	require.Greater(t, found, 5)
}

// TestFlags checks that imkeysim -h lists every flag of imkeysim that a document names.
func TestFlags(t *testing.T) {
	flags := map[string]bool{"-h": true}
	for _, command := range [][]string{{"-h"}, {"chromium", "-h"}} {
		out, err := exec.Command("go", append([]string{"run", "../devicesim/cmd/imkeysim"}, command...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		for _, m := range regexp.MustCompile(`(?m)^  (-[a-z-]+)(?: |$)`).FindAllStringSubmatch(string(out), -1) {
			flags[m[1]] = true
		}
	}
	require.Greater(t, len(flags), 10)
	flag := regexp.MustCompile("(?:^|[\\s'\"(`])(-[a-z][a-z-]*)")
	found := 0
	for document, text := range documents(t) {
		if strings.HasPrefix(document, "core/") {
			continue
		}
		blocks, prose := split(document, text)
		check := func(where, command string) {
			_, arguments, simulator := strings.Cut(command, "imkeysim")
			if strings.HasPrefix(arguments, "`") || arguments == "-browser" || strings.HasPrefix(command, "go build") { // a file's name is no command
				return
			}
			if !simulator && !strings.HasPrefix(command, "-") {
				return
			}
			if !simulator {
				arguments = command
			}
			arguments, _, _ = strings.Cut(arguments, " # ")
			for _, m := range flag.FindAllStringSubmatch(arguments, -1) {
				found++
				assert.True(t, flags[m[1]], "%s names the flag %s in %q", where, m[1], command)
			}
		}
		for _, m := range code.FindAllString(prose, -1) {
			check(document, strings.Trim(m, "`"))
		}
		for _, b := range blocks {
			for line := range strings.SplitSeq(b.text, "\n") {
				if strings.Contains(line, "imkeysim ") {
					check(b.String(), strings.TrimSpace(line))
				}
			}
		}
	}
	require.Greater(t, found, 10)
}

// TestNamedTestsExist checks that every test that a document names, with a link to a file, is in that file.
func TestNamedTestsExist(t *testing.T) {
	cited := regexp.MustCompile("\\[`((?:Test|Fuzz|Benchmark)\\w+)`\\]\\(([^)]+)\\)")
	found := 0
	for document, text := range documents(t) {
		for _, m := range cited.FindAllStringSubmatch(text, -1) {
			found++
			source, err := os.ReadFile(filepath.Join("..", path.Dir(document), m[2]))
			assert.NoError(t, err)
			assert.True(t, strings.Contains(string(source), "func "+m[1]+"("), "%s names %s, which is not in %s", document, m[1], m[2])
		}
		for _, m := range regexp.MustCompile("(.?)`(Test\\w+)`").FindAllStringSubmatch(text, -1) {
			assert.Equal(t, "[", m[1], "%s names %s without a link to its file", document, m[2])
		}
	}
	require.Greater(t, found, 30)
}
