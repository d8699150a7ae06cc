//go:build !js

package bridge_test

import (
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "imkey-connect/"

// source is a Go file of the project.
type source struct {
	path, folder string // from the root, with slashes; folder is the first element
	imports      []string
	jsOnly       bool // built for js && wasm only
}

func sources(t *testing.T) []source {
	t.Helper()
	var list []source
	root := os.DirFS("..")
	require.NoError(t, fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" || path == "web/dist"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		b, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, b, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{path: path}
		s.folder, _, _ = strings.Cut(path, "/")
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		for _, group := range f.Comments {
			for _, c := range group.List {
				if c.Pos() < f.Package && constraint.IsGoBuild(c.Text) {
					x, err := constraint.Parse(c.Text)
					if err != nil {
						return err
					}
					s.jsOnly = strings.HasPrefix(x.String()+" && ", "js && wasm && ") && !strings.Contains(x.String(), "||")
				}
			}
		}
		list = append(list, s)
		return nil
	}))
	require.Greater(t, len(list), 20, "the source tree was found")
	return list
}

// TestOnlyTheBridgeSeesJavaScript checks that only bridge and wasm import syscall/js or safejs, in files for the browser only.
func TestOnlyTheBridgeSeesJavaScript(t *testing.T) {
	found := 0
	for _, s := range sources(t) {
		for _, i := range s.imports {
			if i != "syscall/js" && i != "github.com/hack-pad/safejs" {
				continue
			}
			found++
			require.Contains(t, []string{"bridge", "wasm"}, s.folder, "%s imports %s", s.path, i)
			require.True(t, s.jsOnly, "%s imports %s without //go:build js && wasm", s.path, i)
			if i == "syscall/js" {
				require.Equal(t, "bridge/interop/exception.go", s.path, "other files use safejs")
			}
		}
	}
	require.Positive(t, found)
}

// TestArrowsPointOneWay checks that wasm imports bridge and core only, and bridge imports core only.
func TestArrowsPointOneWay(t *testing.T) {
	allowed := map[string][]string{"core": {"core"}, "bridge": {"bridge", "core"}, "wasm": {"wasm", "bridge", "core"}}
	for _, s := range sources(t) {
		targets, held := allowed[s.folder]
		if !held || strings.HasSuffix(s.path, "_test.go") && s.folder == "core" {
			continue // core's own test checks the imports of core's tests
		}
		for _, i := range s.imports {
			if rest, ours := strings.CutPrefix(i, module); ours {
				target, _, _ := strings.Cut(rest, "/")
				require.Contains(t, targets, target, "%s imports %s", s.path, i)
			}
		}
		// Code for tests is not shipped.
		if s.folder != "core" && !strings.HasSuffix(s.path, "_test.go") && !strings.HasPrefix(s.path, "bridge/bridgetest/") {
			for _, i := range s.imports {
				require.NotContains(t, i, "bridgetest", s.path)
				require.NotContains(t, i, "testify", s.path)
			}
		}
	}
}

// TestTheModuleStaysLight checks that the module has none of these packages, each of which adds tens to hundreds of kilobytes.
func TestTheModuleStaysLight(t *testing.T) {
	heavy := []string{"net", "net/http", "log", "log/slog", "crypto/x509", "crypto/tls", "regexp", "text/template", "html/template",
		"encoding/gob", "encoding/xml", "testing", "flag", "os/exec", "os/signal", "compress/gzip",
		"github.com/decred/dcrd/dcrec/secp256k1/v4", module + "core/errcode/catalogue"}
	cmd := exec.Command("go", "list", "-deps", "./wasm")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := cmd.Output()
	require.NoError(t, err)
	deps := strings.Fields(string(out))
	require.Contains(t, deps, "github.com/hack-pad/safejs")
	for _, dep := range deps {
		require.NotContains(t, heavy, dep)
	}
}
