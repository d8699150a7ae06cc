package wire

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// runModule runs testdata/NAME.js on webusb.js and compares what it saw with golden.
func runModule(t *testing.T, name, golden string) {
	node, err := exec.LookPath("node")
	require.NoError(t, err, "Node runs webusb.js in this test: apt-get install nodejs")
	b := newBench(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "--experimental-websocket", "--no-warnings", "testdata/run.mjs", b.http.URL, name)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	require.NoError(t, err, "%s", output)
	var got, want map[string]any
	require.NoError(t, json.Unmarshal(output, &got))
	text, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &want))
	for name := range want {
		assert.Equal(t, want[name], got[name], name)
	}
	for name := range got {
		assert.Contains(t, want, name)
	}
}

// TestEdgesAsInChromium holds webusb.js to what Chromium's own navigator.usb answered.
func TestEdgesAsInChromium(t *testing.T) { runModule(t, "edge", "testdata/edge-chromium.json") }

func TestPage(t *testing.T) { runModule(t, "page", "testdata/page.json") }
