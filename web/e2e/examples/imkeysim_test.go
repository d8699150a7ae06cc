package examples

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStartChromiumWithoutTheSimulator checks that startChromium says how to build the simulator where it is missing, and that
// the command is right.
func TestStartChromiumWithoutTheSimulator(t *testing.T) {
	t.Parallel()
	module, err := filepath.Abs("../../../examples/imkeysim/imkeysim.js")
	require.NoError(t, err)
	ctx, stop := context.WithTimeout(t.Context(), limit)
	defer stop()
	in := func(folder, program string, args ...string) string {
		command := exec.CommandContext(ctx, program, args...)
		command.Dir = folder
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	folder := t.TempDir()
	said := in(folder, "node", "--input-type=module", "-e",
		"import { startChromium } from "+strconv.Quote("file://"+module)+"; await startChromium('./imkeysim').catch((error) => console.log(error.message))")
	first, build, _ := strings.Cut(said, "\n")
	require.Equal(t, "There is no program ./imkeysim. Build it first, and name it by its path:", first)
	in(folder, "sh", "-c", build)
	require.FileExists(t, filepath.Join(folder, "imkeysim"))
}
