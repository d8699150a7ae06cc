//go:build !js

// Package core_test tests which packages import which.
package core_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module = "imkey-connect"
	decred = "github.com/decred/"
	gnark  = "github.com/consensys/gnark-crypto"
)

// pkg is a package with its imports, without those of its tests.
type pkg struct {
	path     string
	imports  []string
	standard bool
}

// list returns the packages of this project below a folder, as they are built for a platform, and all their dependencies, by
// path.
func list(t *testing.T, folder, goos, goarch string) map[string]pkg {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(root, folder)); os.IsNotExist(err) {
		return nil
	}
	// -e: a folder without a file for this platform is not an error.
	c := exec.Command("go", "list", "-e", "-deps", "-f",
		`{{if .GoFiles}}{{.ImportPath}}|{{.Standard}}|{{join .Imports " "}}{{end}}`, "./"+folder+"/...")
	c.Dir = root
	c.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	require.NoError(t, err, stderr.String())
	all := map[string]pkg{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		require.Len(t, f, 3)
		all[f[0]] = pkg{f[0], strings.Fields(f[2]), f[1] == "true"}
	}
	return all
}

// closure returns all packages that roots depend on, each with a package that imports it.
func closure(all map[string]pkg, roots []string, skip func(importer, imported string) bool) (by map[string]string) {
	by = map[string]string{}
	for _, r := range roots {
		by[r] = ""
	}
	for todo := slices.Clone(roots); len(todo) > 0; todo = todo[1:] {
		for _, i := range all[todo[0]].imports {
			if _, ok := by[i]; !ok && !skip(todo[0], i) {
				by[i] = todo[0]
				todo = append(todo, i)
			}
		}
	}
	return by
}

// dead reports an import that the linker drops except for two kilobytes: gnark-crypto's bit sets can be written as JSON, which
// no code does.
func dead(importer, imported string) bool {
	return importer == "github.com/bits-and-blooms/bitset" && imported == "encoding/json"
}

// shipped returns the packages below a folder that are not for tests only.
func shipped(all map[string]pkg, folder string) (paths []string) {
	for p := range all {
		if under(p, folder) && !forTests(p) {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

func under(path, folder string) bool {
	return path == module+"/"+folder || strings.HasPrefix(path, module+"/"+folder+"/")
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// forTests reports whether a package is for tests only. Such a package may import what the browser must not load, so only tests
// may import it.
func forTests(path string) bool { return strings.HasSuffix(path, "test") }

func TestCoreIsSmallAndIndependent(t *testing.T) {
	all := list(t, "core", "js", "wasm")
	roots := shipped(all, "core")
	require.GreaterOrEqual(t, len(roots), 10, "the packages were found")
	linked := closure(all, roots, dead)
	require.Contains(t, linked, gnark+"/ecc/secp256k1")
	// Each of these would add hundreds of kilobytes to the download.
	for _, heavy := range []string{"net/http", "encoding/json", "log/slog", "crypto/x509", "regexp"} {
		require.NotContains(t, linked, heavy, "by way of %s", linked[heavy])
	}
	for p, by := range linked {
		require.True(t, !ours(p) || under(p, "core"), "%s imports %s", by, p)
		require.False(t, ours(p) && forTests(p), "%s imports %s, which is for tests", by, p)
		require.False(t, strings.HasPrefix(p, decred), "%s imports the simulator's curve", by)
		// The standard library uses syscall/js for randomness and time. No other package may use it.
		if !all[p].standard {
			require.NotContains(t, all[p].imports, "syscall/js", p)
		}
	}
	for p, is := range all { // with those for tests
		for _, i := range is.imports {
			require.False(t, under(p, "core") && ours(i) && !under(i, "core"), "%s imports %s", p, i)
		}
	}
}

func TestBridgeAndWasmImportOnlyCore(t *testing.T) {
	for folder, allowed := range map[string][]string{"bridge": {"bridge", "core"}, "wasm": {"wasm", "bridge", "core"}} {
		all := list(t, folder, "js", "wasm")
		for p, by := range closure(all, shipped(all, folder), dead) {
			require.True(t, !ours(p) || slices.ContainsFunc(allowed, func(f string) bool { return under(p, f) }), "%s imports %s", by, p)
			require.False(t, ours(p) && forTests(p), "%s imports %s, which is for tests", by, p)
			require.False(t, strings.HasPrefix(p, decred), "%s imports the simulator's curve", by)
		}
	}
}

// The simulator checks core. It may share the codecs and tables, which have vectors of their own, and the package that writes
// generated files, but neither the logic nor the curve.
func TestTheSimulatorIsIndependent(t *testing.T) {
	shared := []string{"errcode", "frame", "apdu", "tlv", "bindcode", "transport", "usbids", "upperhex", "generated"}
	all := list(t, "devicesim", "linux", "amd64")
	var roots []string
	for _, p := range shipped(all, "devicesim") {
		if !together(p) {
			roots = append(roots, p)
		}
	}
	for p, by := range closure(all, roots, func(string, string) bool { return false }) {
		require.False(t, strings.HasPrefix(p, gnark), "%s imports core's curve", by)
		require.False(t, together(p), "%s imports %s", by, p)
		if ours(p) && !under(p, "devicesim") {
			name, ok := strings.CutPrefix(p, module+"/core/")
			require.True(t, ok && slices.Contains(shared, name), "%s imports %s", by, p)
		}
	}
}

// together reports whether a package puts core and the simulator together and may import both.
func together(path string) bool {
	return under(path, "devicesim/cmd") || under(path, "devicesim/chromium") || under(path, "devicesim/simtest")
}
