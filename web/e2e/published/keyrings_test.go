package published

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web/e2e/harness"
)

// TestKeyrings runs metamask/keyrings.test.mjs under node: the keyrings and the bridge of the packed tarball, with MetaMask's packages and
// @ethereumjs/tx. tsc checks that MetaMask's types take them. A fake core takes the place of imkey.wasm.
func TestKeyrings(t *testing.T) {
	t.Parallel()
	project := harness.RepoPath("web/e2e/published/metamask")
	require.FileExists(t, filepath.Join(project, "node_modules/.package-lock.json"), "run make testcases first")
	packed, err := filepath.Glob(harness.RepoPath("build/imkey-connect-[0-9]*.tgz"))
	require.NoError(t, err)
	require.Len(t, packed, 1, "run make pack first")
	dir := t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = project
		command.Env = append(os.Environ(), "DIST="+filepath.Join(dir, "package"))
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	run("tar", "xzf", packed[0], "-C", dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tsconfig.json"), []byte(`{ "files": ["`+filepath.Join(project, "conformance.ts")+`"],
		"compilerOptions": { "strict": true, "noEmit": true, "target": "ES2022", "module": "ESNext", "moduleResolution": "Bundler", "skipLibCheck": true,
		"types": [], "lib": ["ES2022", "DOM"], "paths": { "imkey-connect/keyring": ["`+filepath.Join(dir, "package", "keyring.d.ts")+`"] } } }`), 0o600))
	run(harness.RepoPath("web/node_modules/.bin/tsc"), "-p", dir)

	core := filepath.Join(dir, "package", "imkey.wasm")
	compile := exec.CommandContext(t.Context(), "go", "build", "-o", core, "./web/sdk/testdata/fakecore")
	compile.Dir = harness.RepoPath(".")
	compile.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := compile.CombinedOutput()
	require.NoError(t, err, "%s", out)
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "package"))))
	t.Cleanup(server.Close)
	command := exec.CommandContext(t.Context(), "node", "--test-reporter=spec", "--test-timeout=30000", "keyrings.test.mjs")
	command.Dir = project
	command.Env = append(os.Environ(), "DIST="+filepath.Join(dir, "package"), "SITE="+server.URL)
	out, err = command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}
