// Package sdk is TypeScript; what is built of it is tested under node, on a small stand-in for imkey.wasm.
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

// TestUnderNode imports the built imkey.js into node and runs every NAME.test.mjs of the SDK against it, but for those of the adapters,
// which are tested as the npm package has them.
func TestUnderNode(t *testing.T) {
	node, err := exec.LookPath("node")
	require.NoError(t, err, "node is needed for this test; make test installs it")

	dist := filepath.Join(t.TempDir(), "dist")
	_, err = build.Site(t.Context(), build.Options{Module: buildtest.Module(t), Out: dist, Quick: true})
	require.NoError(t, err)
	server := httptest.NewServer(serve(web.Handler(os.DirFS(dist))))
	t.Cleanup(server.Close)
	// Node would otherwise look at the .js files to find out what kind they are, and warn.
	require.NoError(t, os.WriteFile(filepath.Join(dist, "package.json"), []byte(`{"type":"module"}`), 0o644))

	var scripts []string
	for _, pattern := range []string{"*.test.mjs", "client/*.test.mjs", "provider/*.test.mjs"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		scripts = append(scripts, found...)
	}
	for _, script := range scripts {
		t.Run(filepath.ToSlash(script), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), node, "--test-reporter=spec", "--test-timeout=30000", script)
			cmd.Env = append(os.Environ(), "DIST="+dist, "SITE="+server.URL)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			t.Logf("%s", out)
		})
	}
}

// serve adds addresses under which imkey.wasm is not as it should be.
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
		_, _ = w.Write([]byte("\x00asm\x01\x00\x00\x00")) // and then the connection breaks off
	})
	mux.Handle("/", good)
	return mux
}

// retyped replaces the type that the handler sets.
type retyped struct{ http.ResponseWriter }

func (w retyped) WriteHeader(status int) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.ResponseWriter.WriteHeader(status)
}
