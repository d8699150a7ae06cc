// Package sdk_test tests the built SDK under node, with a fake core in place of imkey.wasm.
package sdk_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web"
	"imkey-connect/web/build"
	"imkey-connect/web/build/buildtest"
)

// TestBuiltSDK builds imkey.js and runs every NAME.test.mjs under node, which import it. Those of the adapters are run with the
// npm package: see web/build.
func TestBuiltSDK(t *testing.T) {
	node, err := exec.LookPath("node")
	require.NoError(t, err, "node is needed for this test; make test installs it")

	dist := filepath.Join(t.TempDir(), "dist")
	_, err = build.Site(t.Context(), build.Options{Module: buildtest.Module(t), Out: dist, Quick: true})
	require.NoError(t, err)
	server := httptest.NewServer(serve(web.Handler(os.DirFS(dist))))
	t.Cleanup(server.Close)
	// Without it, node warns that it must find out whether the .js files are modules.
	require.NoError(t, os.WriteFile(filepath.Join(dist, "package.json"), []byte(`{"type":"module"}`), 0o644))

	var scripts []string
	for _, pattern := range []string{"*.test.mjs", "client/*.test.mjs", "provider/*.test.mjs", "../broker/*.test.mjs"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		scripts = append(scripts, found...)
	}
	for _, script := range scripts {
		t.Run(filepath.ToSlash(script), func(t *testing.T) {
			// Node has a WebSocket without that flag from version 22 on.
			cmd := exec.CommandContext(t.Context(), node, "--experimental-websocket", "--test-reporter=spec", "--test-timeout=30000", script)
			cmd.Env = append(os.Environ(), "DIST="+dist, "SITE="+server.URL)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			t.Logf("%s", out)
		})
	}
}

// serve adds addresses that serve a wrong imkey.wasm.
func serve(good http.Handler) http.Handler {
	mux := http.NewServeMux()
	var asked atomic.Int32
	mux.HandleFunc("/flaky.wasm", func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		r.URL.Path = "/imkey.wasm"
		good.ServeHTTP(w, r)
	})
	mux.HandleFunc("/untyped.wasm", func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/imkey.wasm"
		good.ServeHTTP(retyped{w}, r)
	})
	mux.HandleFunc("/page.wasm", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>a server that answers everything with its home page</title>"))
	})
	mux.HandleFunc("/broken.wasm", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/wasm")
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("\x00asm\x01\x00\x00\x00")) // and then the connection is closed
	})
	mux.Handle("/", good)
	return mux
}

// retyped replaces the content type that the handler sets.
type retyped struct{ http.ResponseWriter }

func (w retyped) WriteHeader(status int) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.ResponseWriter.WriteHeader(status)
}
