// Package buildtest makes small repositories for tests of the build.
package buildtest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Module makes a repository and returns its folder. It contains the SDK of this repository, a small page, and a fake core in
// place of imkey.wasm, so that the build is fast and its input is known.
func Module(t testing.TB) string {
	t.Helper()
	_, here, _, ok := runtime.Caller(0)
	require.True(t, ok)
	web := filepath.Dir(filepath.Dir(filepath.Dir(here)))
	module := t.TempDir()
	for to, from := range map[string]string{
		"wasm":             "sdk/testdata/fakecore",
		"web/sdk":          "sdk",
		"web/broker":       "broker",
		"web/ui":           "ui", // the dialog that the provider opens
		"web/apps/package": "apps/package",
		"web/apps/connect": "build/testdata/page",
	} {
		require.NoError(t, os.CopyFS(filepath.Join(module, filepath.FromSlash(to)), os.DirFS(filepath.Join(web, filepath.FromSlash(from)))))
	}
	require.NoError(t, os.WriteFile(filepath.Join(module, "LICENSE"), []byte("the licence\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.mod"), []byte("module fixture\n\ngo 1.26\n"), 0o644))
	return module
}
