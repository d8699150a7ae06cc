package docs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// declarations is the TypeScript declaration of the SDK, and beside it those of the other entries of the package.
const declarations = "web/sdk/types/imkey.d.ts"

// runElsewhere are documents whose blocks of code another test runs word for word.
var runElsewhere = []string{
	"docs/extensions.md", // web/e2e/extension
}

// unindented are the lines of a text without indentation and without empty ones.
func unindented(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}

// TestSnippets checks the blocks of code in the documents. A block is the text of an example, which a test runs, or JavaScript
// that fits the declarations of the SDK. A block of JSON is well-formed.
func TestSnippets(t *testing.T) {
	var examples []string
	for _, file := range tracked(t) {
		if strings.HasPrefix(file, "examples/") && slices.Contains([]string{".go", ".ts", ".tsx", ".js", ".mjs", ".html"}, path.Ext(file)) {
			examples = append(examples, unindented(read(t, file)))
		}
	}
	quoted := func(b block) bool {
		return slices.ContainsFunc(examples, func(text string) bool { return strings.Contains(text, unindented(b.text)) })
	}
	modules, err := filepath.Abs("../web/node_modules")
	require.NoError(t, err)
	tsc := filepath.Join(modules, ".bin", "tsc")
	require.FileExists(t, tsc, "run make check first")

	var files []string
	dir := t.TempDir()
	checked := 0
	for document, text := range documents(t) {
		blocks, _ := split(document, text)
		for _, b := range blocks {
			switch b.language {
			case "json":
				assert.True(t, json.Valid([]byte(b.text)), "%s is no JSON", b)
			case "", "sh", "text":
			case "go", "html", "tsx":
				checked++
				assert.True(t, quoted(b) || slices.Contains(runElsewhere, document), "%s is the text of no example", b)
			case "js", "ts":
				checked++
				if !quoted(b) && !slices.Contains(runElsewhere, document) {
					name := fmt.Sprintf("%s-%d.ts", strings.NewReplacer("/", "-", ".", "-").Replace(document), b.line)
					files = append(files, name)
					require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(snippet(b.text)), 0o600))
				}
			default:
				t.Errorf("%s is of the language %q, which this test does not know", b, b.language)
			}
		}
	}
	require.Greater(t, checked, 5)

	types, err := filepath.Abs(filepath.Join("..", declarations))
	require.NoError(t, err)
	globals, err := filepath.Abs("testdata/snippets.d.ts")
	require.NoError(t, err)
	onboard, err := filepath.Abs("testdata/web3-onboard.d.ts")
	require.NoError(t, err)
	tronweb, err := filepath.Abs("testdata/tronweb.d.ts")
	require.NoError(t, err)
	cosmjs, err := filepath.Abs("testdata/cosmjs.d.ts")
	require.NoError(t, err)
	beside := filepath.Dir(types)
	config, err := json.Marshal(map[string]any{
		"files": append(files, globals, onboard, tronweb, cosmjs),
		"compilerOptions": map[string]any{
			"strict": true, "noEmit": true, "allowJs": true, "target": "ES2022", "module": "ESNext", "moduleResolution": "Bundler",
			"lib": []string{"ES2022", "DOM"}, "types": []string{},
			"paths": map[string][]string{
				"imkey-connect": {types}, "/imkey.js": {types},
				"imkey-connect/wagmi": {filepath.Join(beside, "wagmi.d.ts")}, "imkey-connect/keyring": {filepath.Join(beside, "keyring.d.ts")},
				"imkey-connect/tron":    {filepath.Join(beside, "tron.d.ts")},
				"imkey-connect/bitcoin": {filepath.Join(beside, "bitcoin.d.ts")},
				"imkey-connect/cosmos":  {filepath.Join(beside, "cosmos.d.ts")},
			},
		},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tsconfig.json"), config, 0o600))
	out, err := exec.CommandContext(t.Context(), tsc, "-p", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// snippet makes a module of a block of code that may declare what the document's other blocks declare, too.
func snippet(text string) string {
	var imports, rest strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "import ") {
			imports.WriteString(line)
		} else {
			rest.WriteString(line)
		}
	}
	return imports.String() + "export {}\nasync () => {\n" + strings.ReplaceAll(rest.String(), "export const", "const") + "}\n"
}
