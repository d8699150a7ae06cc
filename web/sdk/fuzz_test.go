package sdk_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/stretchr/testify/require"
)

// TestHostileNodes runs the provider against scripted nodes that lie, are silent, switch chains and change what they said. It prints
// what it counted. IMKEY_FULL=1 runs 100,000 scripts; IMKEY_SEED repeats from a seed, and IMKEY_RUNS sets how many.
func TestHostileNodes(t *testing.T) { fuzz(t, "nodes.mjs", 1000, 100_000) }

// TestHostilePages gives the provider requests of hostile pages, about seven a page. It prints what it counted, and has the variables of
// TestHostileNodes. IMKEY_FULL=1 runs 25,000 pages, with more than 100,000 requests.
func TestHostilePages(t *testing.T) { fuzz(t, "pages.mjs", 1000, 25_000) }

// fuzz bundles a fuzzer with the sources of the provider and runs it under node. It has time of its own, so that nothing waits.
func fuzz(t *testing.T, name string, sample, full int) {
	runs, seed := sample, rand.Uint64N(1<<40)
	if os.Getenv("IMKEY_FULL") != "" {
		runs = full
	}
	for variable, value := range map[string]func(uint64){
		"IMKEY_SEED": func(n uint64) { seed = n }, "IMKEY_RUNS": func(n uint64) { runs = int(n) },
	} {
		if text := os.Getenv(variable); text != "" {
			n, err := strconv.ParseUint(text, 10, 53)
			require.NoError(t, err, variable)
			value(n)
		}
	}
	out := filepath.Join(t.TempDir(), name)
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join("fuzz", name)}, Outfile: out, Bundle: true, Format: api.FormatESModule,
		Platform: api.PlatformNode, Target: api.ES2022, Sourcemap: api.SourceMapInline, Write: true,
		External: []string{"go:wasm_exec"}, // which only the real SDK loads
	})
	require.Empty(t, built.Errors)
	require.Empty(t, built.Warnings)
	node, err := exec.LookPath("node")
	require.NoError(t, err, "node is needed for this test; make test installs it")
	command := exec.CommandContext(t.Context(), node, "--enable-source-maps", "--expose-gc", out)
	command.Env = append(os.Environ(), "FIRST="+strconv.FormatUint(seed, 10), "RUNS="+strconv.Itoa(runs))
	start := time.Now()
	output, err := command.CombinedOutput()
	t.Logf("%s in %s", output, time.Since(start).Round(time.Second))
	require.NoError(t, err)
}
