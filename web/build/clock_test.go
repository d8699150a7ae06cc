package build

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLimitsIgnoreTheClock: a machine whose clock is set while a browser starts, as a virtual machine's after a pause, ends no wait of the
// package for tests.
func TestLimitsIgnoreTheClock(t *testing.T) {
	command := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", `
import { rename, rm, writeFile } from 'node:fs/promises'
import { find } from './index.js'
const file = process.argv[1]
let hours = 0
Date.now = () => ++hours * 3_600_000
const found = find(file)
setTimeout(() => writeFile(file + '.part', '{"url":"http://127.0.0.1:1","devices":[{}]}').then(() => rename(file + '.part', file)), 100)
const imkey = await found
setTimeout(() => rm(file), 100)
await imkey.close()
process.stdout.write(imkey.url)`, filepath.Join(t.TempDir(), "imkeysim.json"))
	command.Dir = filepath.Join("..", "..", "devicesim", "npm")
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "http://127.0.0.1:1", string(out))
}
