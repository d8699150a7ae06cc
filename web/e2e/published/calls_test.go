package published

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web"
	"imkey-connect/web/e2e/harness"
)

// TestClientsUnderNode runs clients/calls.test.mjs under node: what viem and ethers make of the provider's answers. A fake core takes the
// place of imkey.wasm, so the test needs no device and no browser.
func TestClientsUnderNode(t *testing.T) {
	t.Parallel()
	core := filepath.Join(t.TempDir(), "imkey.wasm")
	compile := exec.CommandContext(t.Context(), "go", "build", "-o", core, "./web/sdk/testdata/fakecore")
	compile.Dir = harness.RepoPath(".")
	compile.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := compile.CombinedOutput()
	require.NoError(t, err, "%s", out)

	dist := harness.RepoPath("web/dist")
	site := http.NewServeMux()
	site.HandleFunc("/imkey.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, core) })
	site.Handle("/", web.Handler(os.DirFS(dist)))
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	command := exec.CommandContext(t.Context(), "node", "--test-reporter=spec", "--test-timeout=30000", "calls.test.mjs")
	command.Dir = harness.RepoPath("web/e2e/published/clients")
	command.Env = append(os.Environ(), "DIST="+dist, "SITE="+server.URL)
	out, err = command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}
