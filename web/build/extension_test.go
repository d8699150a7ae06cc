package build_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web/build"
)

// TestExtension builds the extension twice, in two places, without its WASM. Both have the same bytes. What is built keeps the rules of
// the store that can be checked here: a manifest of version 3 with only the permissions that docs/extensions.md explains, no eval, no code
// from elsewhere, no inline script.
func TestExtension(t *testing.T) {
	made := func() (folder map[string]string, packed []byte) {
		out := t.TempDir()
		file, err := build.Extension(t.Context(), build.Options{Module: "../..", Out: out, NoWASM: true})
		require.NoError(t, err)
		packed, err = os.ReadFile(file)
		require.NoError(t, err)
		return read(t, filepath.Join(out, "extension")), packed
	}
	folder, packed := made()
	again, packedAgain := made()
	require.Equal(t, folder, again, "the same sources give the same bytes")
	require.True(t, bytes.Equal(packed, packedAgain))

	var manifest map[string]any
	require.NoError(t, json.Unmarshal([]byte(folder["manifest.json"]), &manifest))
	require.EqualValues(t, 3, manifest["manifest_version"])
	require.NotEmpty(t, manifest["key"], "the folder has a fixed id")
	require.Equal(t, []any{"offscreen", "storage"}, manifest["permissions"])
	for _, more := range []string{"host_permissions", "optional_permissions", "optional_host_permissions", "externally_connectable", "web_accessible_resources", "update_url"} {
		require.NotContains(t, manifest, more)
	}
	explained, err := os.ReadFile("../../docs/extensions.md")
	require.NoError(t, err)
	for _, permission := range manifest["permissions"].([]any) {
		require.Contains(t, string(explained), "| `"+permission.(string)+"` |", "docs/extensions.md says why")
	}

	policy := manifest["content_security_policy"].(map[string]any)
	require.Len(t, policy, 1)
	require.Contains(t, policy["extension_pages"], "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self';")
	require.NotRegexp(t, `'unsafe-(eval|inline|hashes)'`, policy["extension_pages"])

	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	require.NoError(t, err)
	zipped := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		zipped[f.Name] = string(data)
	}
	var inStore map[string]any
	require.NoError(t, json.Unmarshal([]byte(zipped["manifest.json"]), &inStore))
	require.NotContains(t, inStore, "key", "the store refuses it")
	delete(manifest, "key")
	require.Equal(t, manifest, inStore)
	delete(zipped, "manifest.json")
	delete(folder, "manifest.json")
	require.Equal(t, folder, zipped)

	for name, text := range folder {
		switch filepath.Ext(name) {
		case ".js":
			require.NotRegexp(t, `\beval\s*\(|\bnew Function\b|\bimportScripts\b`, text, name)
			require.NotRegexp(t, regexp.MustCompile(`(?:import|from)\s*\(?\s*["'\x60]https?:`), text, name)
			require.NotRegexp(t, `\bimport\(\s*[^"'\s)]`, text, "%s imports a file of the extension, by its name", name)
			if name == "worker.js" || name == "relay.js" || name == "inpage.js" {
				require.NotRegexp(t, `\bimport\s*[("{]`, text, "%s is one file", name)
			}
		case ".html":
			require.NotRegexp(t, `(?i)(?:src|href)="(?:https?:)?//|<script>|\son[a-z]+=`, text, name)
		}
		require.False(t, strings.Contains(text, "sourceMappingURL=http"), name)
	}
}
