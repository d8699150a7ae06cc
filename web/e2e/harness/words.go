package harness

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/stretchr/testify/require"
)

// Words returns a text of the pages from the word files in web/ui/words, in a language: en or zh. Tests take texts from here, so
// that a change of a sentence breaks none of them.
//
// The key is the name of the file, without its extension, and the names on the way to the text in it: "pairing.pairing.title" is
// in the object pairing of pairing.ts. The name of the object can be left out where no other object of the file has that text:
// "pairing.title". Where a name on the way is a function, as in "pairing.wrongCode" and "errors.advice.what", it is called with
// args.
func Words(t testing.TB, language, key string, args ...any) string {
	t.Helper()
	text, err := words().look(language, key, args)
	require.NoError(t, err, "%s in web/ui/words", key)
	return text
}

// Words is the text in the language that the browser shows its pages in: see [Browser.OpenInLanguage].
func (b *Browser) Words(key string, args ...any) string {
	b.T.Helper()
	return Words(b.T, b.language, key, args...)
}

// RequireText checks that the page shows a text now; the key and args are those of [Words].
func (b *Browser) RequireText(key string, args ...any) {
	b.T.Helper()
	require.Contains(b.T, b.Text(), b.Words(key, args...), key)
}

// RequireNoText checks that the page does not show a text now; the key and args are those of [Words].
func (b *Browser) RequireNoText(key string, args ...any) {
	b.T.Helper()
	require.NotContains(b.T, b.Text(), b.Words(key, args...), key)
}

// WaitForText waits until the page shows a text; the key and args are those of [Words].
func (b *Browser) WaitForText(key string, args ...any) {
	b.T.Helper()
	b.WaitForTextIn("body", key, args...)
}

// WaitForTextIn waits until the first element for a selector shows a text; the key and args are those of [Words].
func (b *Browser) WaitForTextIn(selector, key string, args ...any) {
	b.T.Helper()
	b.WaitUntil(fmt.Sprintf("document.querySelector(%q)?.innerText.includes(%q)", selector, b.Words(key, args...)))
}

// ErrorWords returns the two sentences of an error, on Linux: what happened, and what to do next.
func (b *Browser) ErrorWords(code string) (what, next string) {
	b.T.Helper()
	return b.Words("errors.advice.what", code, OnLinux), b.Words("errors.advice.next", code, OnLinux)
}

// ErrorSentence returns the first sentence of the SDK's message for an error, in English.
func ErrorSentence(t testing.TB, code string) string {
	t.Helper()
	return Words(t, "en", "sentences.worded", code, "")
}

// OnLinux is the argument of errors.advice for a page in a tab of its own on Linux.
var OnLinux = map[string]any{"platform": "linux", "framed": false}

// words is started by the first test that needs a text, and ends with the program, which closes its input.
var words = sync.OnceValue(startWords)

// wordFiles is a node process that has loaded the word files and answers one request for a text per line.
type wordFiles struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
	err error
}

// wordServer is the process's program. The first line on its input is the bundle of the word files, as a JSON string.
const wordServer = `
let files
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
	const request = JSON.parse(line)
	if (!files) {
		files = new Function(request + ';return words')()
		return
	}
	const answer = ({ language, key, args }) => {
		const walk = (value, names) => {
			for (const name of names) {
				value = value?.[name]
				if (typeof value === 'function') value = value(...args)
			}
			return typeof value === 'string' ? value : value?.[language]
		}
		const [file, ...names] = key.split('.')
		const found = [files[file], ...Object.values(files[file])].map((value) => walk(value, names)).filter((text) => text !== undefined)
		return new Set(found).size === 1 ? found[0] : undefined
	}
	let text
	try {
		text = answer(request)
	} catch {}
	console.log(JSON.stringify(typeof text === 'string' ? text : null))
})`

func startWords() *wordFiles {
	w := &wordFiles{}
	bundle, err := bundleWords()
	if err != nil {
		w.err = err
		return w
	}
	process := exec.Command("node", "-e", wordServer)
	in, err1 := process.StdinPipe()
	out, err2 := process.StdoutPipe()
	if w.err = errors.Join(err1, err2); w.err != nil {
		return w
	}
	if w.err = process.Start(); w.err == nil {
		w.in, w.out = in, bufio.NewReader(out)
		w.err = json.NewEncoder(w.in).Encode(bundle)
	}
	return w
}

// bundleWords compiles the word files into a script that defines words, an object with one module per file.
func bundleWords() (string, error) {
	folder := RepoPath("web/ui/words")
	files, err := filepath.Glob(filepath.Join(folder, "*.ts"))
	if err != nil {
		return "", err
	}
	var entry strings.Builder
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".ts"); !strings.Contains(name, ".") {
			fmt.Fprintf(&entry, "export * as %s from './%s'\n", name, name)
		}
	}
	entry.WriteString("export * as sentences from '../../sdk/client/sentences'\n")
	entry.WriteString("import { learn } from '../../sdk/client/sentences'\nimport { late } from '../../sdk/client/sentences.late.gen'\nlearn(late)\n")
	built := api.Build(api.BuildOptions{
		Stdin:      &api.StdinOptions{Contents: entry.String(), ResolveDir: folder, Loader: api.LoaderTS},
		Bundle:     true,
		Format:     api.FormatIIFE,
		GlobalName: "words",
		Target:     api.ES2022,
	})
	if len(built.Errors) > 0 {
		return "", fmt.Errorf("bundling %s: %s", folder, built.Errors[0].Text)
	}
	return string(built.OutputFiles[0].Contents), nil
}

func (w *wordFiles) look(language, key string, args []any) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return "", w.err
	}
	if args == nil {
		args = []any{}
	}
	if err := json.NewEncoder(w.in).Encode(map[string]any{"language": language, "key": key, "args": args}); err != nil {
		return "", err
	}
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return "", err
	}
	var text *string
	if err := json.Unmarshal(line, &text); err != nil {
		return "", err
	}
	if text == nil {
		return "", fmt.Errorf("the key does not name exactly one text in %q", language)
	}
	return *text, nil
}
