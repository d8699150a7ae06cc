package web_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
)

// TestTypeScript bundles every NAME.test.ts and runs them under node. Each is beside the NAME.ts that it tests.
func TestTypeScript(t *testing.T) {
	var tests []string
	for name := range sources(t) {
		if strings.HasSuffix(name, ".test.ts") {
			tests = append(tests, name)
		}
	}
	slices.Sort(tests)
	require.NotEmpty(t, tests)

	out := t.TempDir()
	built := api.Build(api.BuildOptions{
		EntryPoints:   tests,
		Outdir:        out,
		Outbase:       workingDir(t),
		OutExtension:  map[string]string{".js": ".mjs"},
		Bundle:        true,
		Format:        api.FormatESModule,
		Platform:      api.PlatformNode,
		Alias:         map[string]string{"imkey-connect": "./sdk/client/errors.ts"}, // all that the tested files take from it
		Target:        api.ES2022,
		Sourcemap:     api.SourceMapInline,
		AbsWorkingDir: workingDir(t),
		Write:         true,
	})
	require.Empty(t, built.Errors)
	require.Empty(t, built.Warnings)

	node, err := exec.LookPath("node")
	require.NoError(t, err, "node is needed for this test; make test installs it")
	var codes []string
	for _, code := range errcode.All() {
		codes = append(codes, string(code))
	}
	args := []string{"--enable-source-maps", "--test", "--test-reporter=tap"}
	for _, file := range built.OutputFiles {
		args = append(args, file.Path)
	}
	ctx, cancel := testContext(t)
	defer cancel()
	command := exec.CommandContext(ctx, node, args...)
	command.Env = append(os.Environ(), "ERROR_CODES="+strings.Join(codes, ","))
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "# fail 0")
	require.NotContains(t, string(output), "# pass 0\n")
}

func testContext(t *testing.T) (context.Context, context.CancelFunc) {
	if deadline, ok := t.Deadline(); ok {
		return context.WithDeadline(t.Context(), deadline)
	}
	return context.WithCancel(t.Context())
}

func workingDir(t *testing.T) string {
	dir, err := os.Getwd()
	require.NoError(t, err)
	return dir
}
