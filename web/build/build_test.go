package build_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/stretchr/testify/require"

	"imkey-connect/web/build"
	"imkey-connect/web/build/buildtest"
)

func site(t *testing.T, o build.Options) (string, *build.Manifest) {
	t.Helper()
	if o.Out == "" {
		o.Out = filepath.Join(t.TempDir(), "dist")
	}
	o.Quick = true
	m, err := build.Site(t.Context(), o)
	require.NoError(t, err)
	return o.Out, m
}

func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(data)
		return err
	}))
	return files
}

func edit(t *testing.T, module, name, old, new string) {
	t.Helper()
	file := filepath.Join(module, filepath.FromSlash(name))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(data), old)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(data), old, new, 1)), 0o644))
}

// TestReproducible builds two copies in two places and compares every file.
func TestReproducible(t *testing.T) {
	a, _ := site(t, build.Options{Module: buildtest.Module(t)})
	b, _ := site(t, build.Options{Module: buildtest.Module(t)})
	files := read(t, a)
	require.Contains(t, files, "imkey.wasm")
	for _, name := range []string{"imkey.wasm", "imkey-coins.wasm", "imkey-backup.wasm"} {
		version := fmt.Sprintf("%x", sha256.Sum256([]byte(files[name])))[:8]
		require.Contains(t, files["imkey.js"], `new URL("./`+name+`?v=`+version+`",import.meta.url)`)
	}
	require.Equal(t, files, read(t, b))
	for name, data := range files {
		require.NotContains(t, data, filepath.Dir(a), "%s says where it was built", name)
	}
}

func TestSiteFolder(t *testing.T) {
	module := buildtest.Module(t)
	dir, m := site(t, build.Options{Module: module, NoWASM: true})
	files := read(t, dir)

	var onDisk build.Manifest
	require.NoError(t, json.Unmarshal([]byte(files["manifest.json"]), &onDisk))
	require.Equal(t, *m, onDisk)

	for name, data := range files {
		plain, ext := strings.CutSuffix(name, ".br")
		if ext {
			got, err := io.ReadAll(brotli.NewReader(strings.NewReader(data)))
			require.NoError(t, err, name)
			require.Equal(t, files[plain], string(got), name)
			continue
		}
		if plain, ext := strings.CutSuffix(name, ".gz"); ext {
			z, err := gzip.NewReader(strings.NewReader(data))
			require.NoError(t, err, name)
			got, err := io.ReadAll(z)
			require.NoError(t, err, name)
			require.Equal(t, files[plain], string(got), name)
			continue
		}
		require.Contains(t, files, name+".br")
		require.Contains(t, files, name+".gz")
		if name != "manifest.json" {
			require.Equal(t, len(data), m.Files[name].Size, name)
			require.Equal(t, len(files[name+".br"]), m.Files[name].Brotli.Size, name)
			require.Equal(t, len(files[name+".gz"]), m.Files[name].Gzip.Size, name)
		}
	}
	declared, err := os.ReadFile(filepath.Join(module, "web/sdk/types/imkey.d.ts"))
	require.NoError(t, err)
	require.Equal(t, string(declared), files["imkey.d.ts"])
	require.NotContains(t, files["imkey.js"], "wasm_exec", "Go's support is loaded on demand")
	require.Regexp(t, `new URL\("\./imkey\.wasm",import\.meta\.url\)`, files["imkey.js"], "the form that bundlers know")
	require.NotRegexp(t, `(?:^|;)import[ {"]`, files["imkey.js"], "one file, until something is needed")
}

func TestPagesReferToBuiltFiles(t *testing.T) {
	dir, m := site(t, build.Options{Module: buildtest.Module(t), NoWASM: true})
	files := read(t, dir)
	html := files["index.html"]
	for _, want := range []string{
		`<link rel="icon" href="assets/icon-[A-Z2-7]{8}\.svg">`,
		`<link rel="stylesheet" href="assets/connect-[A-Z0-9]{8}\.css">`,
		`<script type="module" src="assets/connect-[A-Z0-9]{8}\.js"></script>`,
		`<link rel="modulepreload" href="imkey\.js">`,
		`<a href="device">device</a> <a href="/device">device</a> <a href="#top">top</a> <a href="https://example.org/a.html">`,
	} {
		require.Regexp(t, want, html)
	}
	require.Len(t, regexp.MustCompile(`rel="stylesheet"`).FindAllString(html, -1), 2, "the page's own and its script's")

	// They are all files that the page of the fixture loads, also on demand, and no others.
	var kinds []string
	for _, name := range m.FirstPairing {
		require.Contains(t, m.Files, name)
		kinds = append(kinds, regexp.MustCompile(`-[A-Z0-9]{8}`).ReplaceAllString(name, ""))
	}
	require.ElementsMatch(t, []string{
		"index.html", "imkey.js", "assets/connect.css", "assets/connect.css", "assets/connect.js", "assets/icon.svg",
		"assets/icon.svg", "assets/later.js", "assets/loader.js", "assets/chunk.js", // the last is what imkey.js and the broker share
	}, kinds)
	require.True(t, slices.IsSorted(m.FirstPairing))

	script := files[m.FirstPairing[slices.IndexFunc(m.FirstPairing, func(n string) bool { return strings.Contains(n, "later") })]]
	require.Contains(t, script, `import("/sim/webusb.js")`, "the simulator's own script stays where it is")
	require.Contains(t, script, "绑定码")
	require.Contains(t, script, "b{color:ButtonText}", "a style sheet as text is in the script")
}

func TestFailedBuildKeepsOldFolder(t *testing.T) {
	for name, breakIt := range map[string]func(module string){
		"TypeScript":         func(m string) { edit(t, m, "web/apps/connect/main.ts", "await import", "await await = import") },
		"a missing module":   func(m string) { edit(t, m, "web/apps/connect/main.ts", "./later", "./never") },
		"a missing picture":  func(m string) { edit(t, m, "web/apps/connect/index.html", "icon.svg", "none.svg") },
		"a missing script":   func(m string) { edit(t, m, "web/apps/connect/index.html", "main.ts", "none.ts") },
		"an inline script":   func(m string) { edit(t, m, "web/apps/connect/index.html", ` src="main.ts"`, "") },
		"an inline style":    func(m string) { edit(t, m, "web/apps/connect/index.html", "<body>", `<body style="x">`) },
		"an inline handler":  func(m string) { edit(t, m, "web/apps/connect/index.html", "<body>", `<body onload="x">`) },
		"the SDK's inside":   func(m string) { edit(t, m, "web/apps/connect/main.ts", "imkey-connect'", "../../sdk/client/imkey'") },
		"a page without SDK": func(m string) { edit(t, m, "web/apps/connect/index.html", "main.ts", "later.ts") },
		"no connect page":    func(m string) { require.NoError(t, os.RemoveAll(filepath.Join(m, "web/apps/connect"))) },
		"Go":                 func(m string) { edit(t, m, "wasm/main.go", "package main", "package main; var x int = nil") },
	} {
		t.Run(name, func(t *testing.T) {
			module := buildtest.Module(t)
			out, _ := site(t, build.Options{Module: module, NoWASM: true})
			before := read(t, out)
			breakIt(module)
			_, err := build.Site(t.Context(), build.Options{Module: module, Out: out, NoWASM: name != "Go"})
			require.Error(t, err)
			t.Log(err)
			require.Equal(t, before, read(t, out))
			left, err := os.ReadDir(filepath.Dir(out))
			require.NoError(t, err)
			require.Len(t, left, 1, "nothing half made is left beside it")
		})
	}
}

func TestBuildReplacesOldFolder(t *testing.T) {
	module := buildtest.Module(t)
	out, before := site(t, build.Options{Module: module, NoWASM: true})
	stray := filepath.Join(out, "assets", "stray.js")
	require.NoError(t, os.WriteFile(stray, nil, 0o644))
	edit(t, module, "web/apps/connect/later.ts", "console.log", "console.info")
	_, after := site(t, build.Options{Module: module, Out: out, NoWASM: true})
	require.NoFileExists(t, stray)
	require.NotEqual(t, before.FirstPairing, after.FirstPairing, "what changed has another name")

	// A build without a change keeps the files. It only sets the time of the manifest, which make compares.
	long := time.Now().Add(-time.Hour)
	times := func(name string) (os.FileInfo, time.Time) {
		info, err := os.Stat(filepath.Join(out, name))
		require.NoError(t, err)
		return info, info.ModTime()
	}
	for _, name := range []string{"imkey.js", "manifest.json"} {
		require.NoError(t, os.Chtimes(filepath.Join(out, name), long, long))
	}
	file, old := times("imkey.js")
	site(t, build.Options{Module: module, Out: out, NoWASM: true})
	again, unchanged := times("imkey.js")
	require.True(t, os.SameFile(file, again))
	require.Equal(t, old, unchanged)
	_, touched := times("manifest.json")
	require.True(t, touched.After(old))
}

func TestValidCompressedCopiesAreReused(t *testing.T) {
	module := buildtest.Module(t)
	first, m := site(t, build.Options{Module: module, NoWASM: true})
	want := read(t, first)

	// This copy is smaller than that of a quick build, so it can only come from the earlier build.
	var smaller bytes.Buffer
	w := brotli.NewWriterLevel(&smaller, brotli.BestCompression)
	_, err := w.Write([]byte(want["imkey.js"]))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NotEqual(t, want["imkey.js.br"], smaller.String())

	copied := filepath.Join(first, "imkey.js.br")
	require.NoError(t, os.WriteFile(copied, smaller.Bytes(), 0o644))
	damaged, _ := site(t, build.Options{Module: module, NoWASM: true, Reuse: first})
	require.Equal(t, want, read(t, damaged), "a copy that is not what the manifest says is made anew")

	entry := m.Files["imkey.js"]
	edit(t, first, "manifest.json", entry.Brotli.SHA256, sum(smaller.Bytes()))
	edit(t, first, "manifest.json", `"size": `+strconv.Itoa(entry.Brotli.Size), `"size": `+strconv.Itoa(smaller.Len()))
	reused, _ := site(t, build.Options{Module: module, NoWASM: true, Reuse: first})
	require.Equal(t, smaller.String(), read(t, reused)["imkey.js.br"])
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
