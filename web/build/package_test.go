package build_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web/build"
	"imkey-connect/web/build/buildtest"
)

// TestPackage packs the npm package twice, unpacks it as npm does, and imports it under node by its name.
func TestPackage(t *testing.T) {
	module := buildtest.Module(t)
	file, err := build.Package(t.Context(), build.Options{Module: module, Out: t.TempDir()})
	require.NoError(t, err)
	packed, err := os.ReadFile(file)
	require.NoError(t, err)
	again, err := build.Package(t.Context(), build.Options{Module: buildtest.Module(t), Out: t.TempDir()})
	require.NoError(t, err)
	same, err := os.ReadFile(again)
	require.NoError(t, err)
	require.True(t, bytes.Equal(packed, same), "the same sources give the same bytes")

	app := t.TempDir()
	home := filepath.Join(app, "node_modules", "imkey-connect")
	files := unpack(t, packed, home)
	require.Equal(t, "the licence\n", files["LICENSE"])
	require.Contains(t, files, "README.md")
	require.Contains(t, files["imkey.js"], `new URL("./imkey.wasm",import.meta.url)`, "the form that bundlers know")

	var about struct {
		Name, Version, Type, License            string
		Exports                                 map[string]any
		Dependencies, PeerDependencies, Scripts map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(files["package.json"]), &about))
	require.Equal(t, about.Name+"-"+about.Version+".tgz", filepath.Base(file))
	require.Equal(t, "module", about.Type)
	require.Empty(t, about.Dependencies)
	require.Empty(t, about.PeerDependencies)
	require.Empty(t, about.Scripts, "installing it runs nothing")
	for _, export := range about.Exports {
		targets, ok := export.(map[string]any)
		if !ok {
			targets = map[string]any{"default": export}
		}
		for _, target := range targets {
			require.Contains(t, files, strings.TrimPrefix(target.(string), "./"))
		}
	}
	imported := regexp.MustCompile(`(?:from|import\()\s*["'](\./[^"']+)["']`)
	for name, data := range files {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		for _, m := range imported.FindAllStringSubmatch(data, -1) {
			require.Contains(t, files, filepath.ToSlash(filepath.Join(filepath.Dir(name), m[1])), name)
		}
	}

	site := httptest.NewServer(http.FileServerFS(os.DirFS(home)))
	t.Cleanup(site.Close)
	for _, source := range []string{"testdata/fakewallet.js", "testdata/fakeusb.js", "adapters/adapters.test.mjs"} {
		script, err := os.ReadFile(filepath.Join("..", "sdk", filepath.FromSlash(source)))
		require.NoError(t, err)
		file := filepath.Join(app, "sdk", filepath.FromSlash(source))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, script, 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(app, "package.json"), []byte(`{"type":"module"}`), 0o644))
	node, err := exec.LookPath("node")
	require.NoError(t, err, "node is needed for this test; make test installs it")
	cmd := exec.CommandContext(t.Context(), node, "--test-reporter=spec", "--test-timeout=30000", "sdk/adapters/adapters.test.mjs")
	cmd.Dir = app
	cmd.Env = append(os.Environ(), "DIST="+home, "SITE="+site.URL)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}

func unpack(t *testing.T, packed []byte, to string) map[string]string {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	files := map[string]string{}
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		name, ok := strings.CutPrefix(header.Name, "package/")
		require.True(t, ok, header.Name)
		data, err := io.ReadAll(archive)
		require.NoError(t, err)
		files[name] = string(data)
		file := filepath.Join(to, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, data, 0o644))
	}
}
