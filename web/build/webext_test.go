package build_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web/build"
)

// notForChromium are the findings of Mozilla's linter that do not apply to this extension, with the reason. Any other finding fails, and so
// does a line that finds nothing any more.
var notForChromium = map[string]string{
	"BACKGROUND_SERVICE_WORKER_NOFALLBACK manifest.json": "Firefox has background scripts instead of a service worker. It has no WebUSB, so the extension cannot work there.",
	"ADDON_ID_REQUIRED manifest.json":                    "An id of Firefox's store.",
	"MISSING_DATA_COLLECTION_PERMISSIONS manifest.json":  "A declaration for Firefox's store. The extension collects nothing.",
	"MANIFEST_PERMISSIONS manifest.json":                 "Firefox does not know the permission offscreen.",
	"UNSUPPORTED_API worker.js":                          "Firefox has no offscreen documents.",
	"STORAGE_SYNC relay.js":                              "In Firefox, storage.sync needs an id of the manifest.",
	"STORAGE_SYNC popup":                                 "The same.",
}

// TestWebExtLint runs `web-ext lint` on the extension. Installing it takes minutes, so only make test-all does.
func TestWebExtLint(t *testing.T) {
	if os.Getenv("IMKEY_FULL") == "" {
		t.Skip("make test-all installs web-ext and runs it")
	}
	out := t.TempDir()
	_, err := build.Extension(t.Context(), build.Options{Module: "../..", Out: out, NoWASM: true})
	require.NoError(t, err)

	command := exec.CommandContext(t.Context(), filepath.Join("webext", "node_modules", ".bin", "web-ext"),
		"lint", "--no-config-discovery", "--source-dir", filepath.Join(out, "extension"), "--output", "json")
	command.Env = append(os.Environ(), "NO_UPDATE_NOTIFIER=1")
	said, err := command.Output()
	if err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError), "npm ci --ignore-scripts in web/build/webext installs it") // it exits with 1 where it finds errors
	}
	type finding struct {
		Code, File, Message string
		Line                int
	}
	var report struct{ Errors, Warnings, Notices []finding }
	require.NoError(t, json.Unmarshal(said, &report), "%s", said)

	found := map[string]bool{}
	for _, one := range slices.Concat(report.Errors, report.Warnings, report.Notices) {
		file, _, _ := strings.Cut(strings.TrimPrefix(one.File, "assets/"), "-") // a script of a page has its hash in its name
		name := one.Code + " " + file
		found[name] = true
		require.Contains(t, notForChromium, name, "%s:%d: %s", one.File, one.Line, one.Message)
	}
	for name := range notForChromium {
		require.True(t, found[name], "%s is not found any more", name)
	}
	t.Logf("%d findings, none of which applies to Chromium", len(report.Errors)+len(report.Warnings)+len(report.Notices))
}
