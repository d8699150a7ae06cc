package harness

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
)

// shared is the Chromium that tests without USB devices share. A start takes longer than most of these tests.
var shared struct {
	mu      sync.Mutex
	allowed bool // Main ends it
	running *chromium.Browser
}

// Main runs the tests of a package for TestMain. Browsers that have no USB device, and nothing else of their own, are then browser contexts
// of one Chromium, which has no device either. A context has storage, cookies and a window of its own, and is removed when it closes.
func Main(m *testing.M) {
	shared.allowed = true
	code := m.Run()
	if shared.running != nil {
		if err := shared.running.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "closing the shared Chromium:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// shareable says whether a context of the shared Chromium is what the options ask for.
func (o *BrowserOptions) shareable() bool {
	return shared.allowed && o.Unplugged && o.Profile == "" && !o.Headful && o.Bus == "" && len(o.Args) == 0
}

// sharedChromium returns the shared Chromium. It starts one if there is none, or if a test has ended it.
func sharedChromium(t *testing.T) *chromium.Browser {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.running != nil {
		select {
		case <-shared.running.Ended():
		default:
			return shared.running
		}
	}
	ctx, stop := context.WithCancel(context.Background()) // it outlives the test
	late := time.AfterFunc(Timeout, stop)
	b, err := chromium.Launch(ctx, chromium.Options{DevTools: true, Args: switches})
	require.NoError(t, err)
	require.True(t, late.Stop(), "Chromium did not start within %v", Timeout)
	shared.running = b
	return b
}
