package wire

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// run.mjs runs edge.js on webusb.js in Node, which has no navigator.usb, and prints what it saw.
const runEdge = `
const [base, edge] = process.argv.slice(2);
const { simulatedUSB } = await import('data:text/javascript,' + encodeURIComponent(
  (await (await fetch(base + '/sim/webusb.js')).text()).replaceAll('import.meta.url', JSON.stringify(base + '/sim/webusb.js'))));
const { edge: run } = await import(edge);
Object.defineProperty(globalThis, 'navigator', { value: { userActivation: { isActive: false } }, configurable: true });
const post = async (path, body) => {
  const r = await fetch(base + '/sim/v1/' + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  if (!r.ok) throw new Error(path + ': ' + (await r.text()));
};
const usb = simulatedUSB(), other = simulatedUSB();
const sim = { faults: (list) => post('faults', list), unplug: () => post('device/unplug', {}), plug: () => post('device/plug', {}) };
console.log(JSON.stringify(await run(usb, other, sim), null, 1));
usb.close();
other.close();
`

func node(t *testing.T) string {
	path, err := exec.LookPath("node")
	require.NoError(t, err, "Node runs webusb.js in this test: apt-get install nodejs")
	return path
}

// TestEdgesAsInChromium holds webusb.js to what Chromium's own navigator.usb answered.
func TestEdgesAsInChromium(t *testing.T) {
	b := newBench(t)
	script := filepath.Join(t.TempDir(), "run.mjs")
	require.NoError(t, os.WriteFile(script, []byte(runEdge), 0o600))
	edge, err := filepath.Abs("testdata/edge.js")
	require.NoError(t, err)
	module := filepath.Join(t.TempDir(), "edge.mjs")
	source, err := os.ReadFile(edge)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(module, source, 0o600))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node(t), "--experimental-websocket", "--no-warnings", script, b.http.URL, "file://"+module)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	output, err := cmd.Output()
	require.NoError(t, err, "%s%s", output, complaints.String())
	var got, want map[string]any
	require.NoError(t, json.Unmarshal(output, &got))
	golden, err := os.ReadFile("testdata/edge-chromium.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(golden, &want))
	for name := range want {
		assert.Equal(t, want[name], got[name], name)
	}
	for name := range got {
		require.Contains(t, want, name)
	}
}
