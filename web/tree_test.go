package web_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/stretchr/testify/require"
)

// arrows are the folders that the files of a folder may import, besides the folder itself. A folder that is not listed belongs to
// the one that contains it. Imports of types and imports on demand count like all others.
var arrows = map[string][]string{
	"sdk":           {"sdk/client", "sdk/connector", "sdk/provider", "sdk/types"},
	"sdk/types":     {},
	"sdk/client":    {"sdk/types"},
	"sdk/protocol":  {},
	"sdk/provider":  {"sdk/client", "sdk/types"},
	"sdk/connector": {"sdk/client", "sdk/protocol", "sdk/provider", "sdk/types"},
	// What the providers of coins are whatever their wallet is: the device in the page, a connector, or the extension.
	"sdk/coins":    {"sdk/provider", "sdk/types"},
	"sdk/adapters": {"sdk/coins", "sdk/connector", "sdk/provider", "sdk/types"},

	// The broker has neither windows nor a document. Those are the shells': a page and an extension, which import it by its name.
	"broker": {"sdk/client", "sdk/coins", "sdk/protocol", "sdk/provider", "sdk/types"},

	"ui/words":      {"sdk/types"},
	"ui/model":      {"ui/words", "sdk/types"},
	"ui/blocks":     {"ui/model", "ui/words", "sdk/types"},
	"ui/simulator":  {"ui/blocks", "ui/model", "ui/words", "sdk/types"},
	"ui/pairing":    {"ui/blocks", "ui/model", "ui/words", "sdk/types"},
	"ui/request":    {"broker", "sdk/provider", "ui/blocks", "ui/model", "ui/words", "sdk/types"},
	"ui/sites":      {"broker", "sdk/provider", "ui/request", "ui/blocks", "ui/words", "sdk/types"},
	"ui/management": {"ui/blocks", "ui/model", "ui/words", "sdk/types"},
	"ui/dialog":     {"ui/pairing", "ui/request", "ui/blocks", "ui/model", "ui/words", "sdk/types"},

	// The entry of imkey.js is above both: it gives the SDK the dialog that the provider opens.
	"apps/package":   {"sdk", "sdk/types", "ui/dialog"},
	"apps/connect":   {"sdk/types", "ui/pairing", "ui/management", "ui/sites", "ui/simulator", "ui/blocks", "ui/model", "ui/words"},
	"apps/connector": {"sdk/types", "broker", "ui/request", "ui/sites", "ui/pairing", "ui/simulator", "ui/blocks", "ui/model", "ui/words"},
	"apps/device":    {"sdk/types", "ui/simulator", "ui/blocks", "ui/model", "ui/words"},
	"apps/dapp":      {"sdk/types", "ui/simulator", "ui/blocks", "ui/model", "ui/words"},
	// The report of a failed test, which the npm package for tests has. It runs in node.
	"apps/report": {"ui/simulator", "ui/blocks", "ui/words"},
	// The extension's pages are built around the connect page. The scripts that it runs in web pages are no pages and have no SDK.
	"apps/extension":      {"broker", "sdk/types", "apps/connect", "ui/request", "ui/sites", "ui/blocks", "ui/model", "ui/words"},
	"apps/extension/page": {"apps/extension", "sdk/coins", "sdk/provider", "sdk/protocol", "sdk/types"},
}

// byName are the modules that are imported by a name, with the source of each, or "" if it does not belong to the project.
var byName = map[string]string{
	"imkey-connect":         "sdk/types/imkey.d.ts",
	"imkey-connect/broker":  "broker/index.ts",
	"imkey-connect/bitcoin": "sdk/types/bitcoin.d.ts",
	"imkey-connect/cosmos":  "sdk/types/cosmos.d.ts",
	"imkey-connect/tron":    "sdk/types/tron.d.ts",
	"go:wasm_exec":          "sdk/types/wasm_exec.d.ts",
	"node:test":             "",
	"node:assert/strict":    "",
	"node:fs":               "",
}

// simulatorScript is the file that imports the simulator's script, which is not a file of the project.
const simulatorScript = "ui/simulator/simulator.ts"

// sources returns the imports of every TypeScript and CSS file in sdk, broker, ui and apps, as paths relative to this folder.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	for _, root := range []string{"sdk", "broker", "ui", "apps"} {
		require.NoError(t, fs.WalkDir(os.DirFS("."), root, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path.Ext(name) == ".ts" || path.Ext(name) == ".css") {
				files[name] = nil
			}
			return err
		}))
	}
	require.Greater(t, len(files), 100, "the sources were found")
	for name := range files {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		if path.Ext(name) == ".css" {
			require.NotContains(t, cssToken.ReplaceAllString(string(source), ""), "@import", `%s: write @import "file.css"`, name)
			for _, m := range cssImport.FindAllStringSubmatch(string(source), -1) {
				files[name] = append(files[name], resolve(t, files, name, m[1]))
			}
			continue
		}
		if name != simulatorScript {
			require.False(t, onDemand.MatchString(token.ReplaceAllString(string(source), "")), "%s imports a computed address", name)
		}
		for _, specifier := range specifiers(string(source)) {
			if to := resolve(t, files, name, specifier); to != "" {
				files[name] = append(files[name], to)
			}
		}
	}
	return files
}

var (
	cssImport = regexp.MustCompile(`@import "(.*?)"`)
	cssToken  = regexp.MustCompile(`(?s)/\*.*?\*/|@import "[^"]*"`)
	// token matches a comment, or a string with the words from or import before it. Comments and strings are matched so that
	// their content is not taken for an import. A template counts as a string.
	token = regexp.MustCompile("(?s)//[^\n]*|/\\*.*?\\*/|(\\bfrom\\s*|\\bimport\\s*\\(?\\s*)?('(?:[^'\\\\\n]|\\\\.)*'|\"(?:[^\"\\\\\n]|\\\\.)*\")|`(?:[^`\\\\]|\\\\.)*`")
	// onDemand matches an import on demand. In a source without its tokens, these are the imports of computed addresses.
	onDemand = regexp.MustCompile(`(?m)(?:^|[^#.\w])import\s*\(`)
)

// specifiers returns the imports of a source as they are written: import, export … from, import(…), and types that use it.
func specifiers(source string) []string {
	var list []string
	for _, m := range token.FindAllStringSubmatch(source, -1) {
		if m[1] != "" {
			list = append(list, m[2][1:len(m[2])-1])
		}
	}
	return list
}

// resolve returns the file that a source imports, or "" if it does not belong to the project.
func resolve(t *testing.T, files map[string][]string, from, specifier string) string {
	t.Helper()
	if to, ok := byName[specifier]; ok {
		return to
	}
	require.True(t, strings.HasPrefix(specifier, "."), "%s imports %s: a name that is not in byName", from, specifier)
	target := path.Join(path.Dir(from), specifier)
	for _, to := range []string{strings.TrimSuffix(target, "?text"), target + ".ts", target + ".d.ts", strings.TrimSuffix(target, ".js") + ".d.ts"} {
		if _, ok := files[to]; ok {
			return to
		}
	}
	require.Failf(t, "unresolved", "%s imports %s", from, specifier)
	return ""
}

// room returns the folder of arrows that a file belongs to.
func room(file string) string {
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if _, ok := arrows[dir]; ok {
			return dir
		}
	}
	return ""
}

// turned returns the imports that arrows does not allow.
func turned(files map[string][]string) []string {
	var wrong []string
	for from, imports := range files {
		for _, to := range imports {
			a, b := room(from), room(to)
			if a == "" || b == "" || a != b && !slices.Contains(arrows[a], b) {
				wrong = append(wrong, from+" imports "+to)
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// cycle returns a path along the edges from a node back to itself, or nil if there is none.
func cycle(edges map[string][]string) []string {
	const open, done = 1, 2
	state := map[string]int{}
	var way []string
	var visit func(string) []string
	visit = func(node string) []string {
		switch state[node] {
		case open:
			return append(slices.Clone(way[slices.Index(way, node):]), node)
		case done:
			return nil
		}
		state[node] = open
		way = append(way, node)
		for _, to := range edges[node] {
			if found := visit(to); found != nil {
				return found
			}
		}
		way = way[:len(way)-1]
		state[node] = done
		return nil
	}
	for _, node := range slices.Sorted(maps.Keys(edges)) {
		if found := visit(node); found != nil {
			return found
		}
	}
	return nil
}

// TestArrowsPointOneWay checks that apps import ui, ui imports sdk, and not the other way round, and what arrows says of the
// folders in them.
func TestArrowsPointOneWay(t *testing.T) {
	require.Empty(t, turned(sources(t)))
	require.Empty(t, cycle(arrows), "the arrows allow folders to import each other")
	for folder := range arrows {
		require.DirExists(t, folder)
	}
}

// TestNoImportCycles checks that there is no cycle of imports.
func TestNoImportCycles(t *testing.T) {
	require.Empty(t, cycle(sources(t)))
}

// TestTurnedArrowsAreFound adds forbidden imports, one at a time.
func TestTurnedArrowsAreFound(t *testing.T) {
	all := sources(t)
	for _, wrong := range []struct{ from, imports string }{
		{"sdk/provider/engine.ts", `const { openPairingDialog } = await import('../../ui/dialog/dialog')`},
		{"sdk/client/device.ts", `import type { Engine } from '../provider/engine'`},
		{"sdk/client/core.ts", `let x: import("../provider/engine").Engine`},
		{"ui/words/text.ts", "export {\n  h,\n} from '../blocks/dom'"},
		{"ui/management/manager.ts", `import { row } from '../pairing/card'`},
		{"ui/blocks/dom.ts", `import '../../apps/connect/main'`},
		{"ui/management/manager.ts", `import '../pairing/pairing.css'`},
		{"apps/dapp/main.ts", `import { show } from '../connect/main'`},
		{"apps/dapp/wallet.ts", `import { ImKey } from '../../sdk/client/imkey'`},
	} {
		files := maps.Clone(all)
		found := specifiers(wrong.imports)
		require.Len(t, found, 1, wrong.imports)
		files[wrong.from] = append(slices.Clip(files[wrong.from]), resolve(t, files, wrong.from, found[0]))
		require.Len(t, turned(files), 1, wrong)
	}
	files := maps.Clone(all)
	files["ui/blocks/dom.ts"] = append(slices.Clip(files["ui/blocks/dom.ts"]), "ui/blocks/view.ts")
	require.Equal(t, []string{"ui/blocks/dom.ts", "ui/blocks/view.ts", "ui/blocks/dom.ts"}, cycle(files))
}

// TestImportsAreFound checks that sources finds every import that esbuild finds. esbuild leaves imports of types out.
func TestImportsAreFound(t *testing.T) {
	files := sources(t)
	var entries []string
	for name := range files {
		if path.Ext(name) == ".ts" && !strings.HasSuffix(name, ".d.ts") {
			entries = append(entries, name)
		}
	}
	built := api.Build(api.BuildOptions{
		EntryPoints: entries, Outdir: "out", Write: false, Bundle: true, Splitting: true, Metafile: true,
		Format: api.FormatESModule, Platform: api.PlatformNode, AbsWorkingDir: workingDir(t), TsconfigRaw: `{}`,
		External: []string{"imkey-connect", "imkey-connect/broker", "go:wasm_exec", "*.css?text"},
	})
	require.Empty(t, built.Errors)
	var meta struct {
		Inputs map[string]struct {
			Imports []struct {
				Path     string
				External bool
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(built.Metafile), &meta))
	found := 0
	for from, input := range meta.Inputs {
		for _, i := range input.Imports {
			to := i.Path
			if i.External {
				to = byName[i.Path]
			}
			if path.Ext(to) == ".ts" {
				require.Contains(t, files[from], to, from)
				found++
			}
		}
	}
	require.Greater(t, found, 200)
}
