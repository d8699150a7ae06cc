// Package sdktest tests imkey.js as it is built, under node, on a small stand-in for imkey.wasm.
package sdktest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Module lays out a repository of its own: this one's SDK, one small page and a fake core in place of imkey.wasm, so that
// what the build does can be tested apart from what it is usually given.
func Module(t testing.TB) string {
	t.Helper()
	_, here, _, ok := runtime.Caller(0)
	require.True(t, ok)
	web := filepath.Dir(filepath.Dir(here))
	data := filepath.Join(web, "sdktest", "testdata")
	module := t.TempDir()
	for to, from := range map[string]string{
		"wasm":                  filepath.Join(data, "fakecore"),
		"web/src/sdk":           filepath.Join(web, "src", "sdk"),
		"web/src/provider":      filepath.Join(web, "src", "provider"),
		"web/src/pairing":       filepath.Join(web, "src", "pairing"), // the provider opens it as a dialog
		"web/src/i18n":          filepath.Join(web, "src", "i18n"),
		"web/src/entries":       filepath.Join(web, "src", "entries"),
		"web/src/pages/connect": filepath.Join(data, "page"),
	} {
		require.NoError(t, os.CopyFS(filepath.Join(module, filepath.FromSlash(to)), os.DirFS(from)))
	}
	theme, err := os.ReadFile(filepath.Join(web, "src", "pages", "theme.css")) // of the dialog, too
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(module, "web", "src", "pages", "theme.css"), theme, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(module, "LICENSE"), []byte("the licence\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.mod"), []byte("module fixture\n\ngo 1.26\n"), 0o644))
	return module
}
