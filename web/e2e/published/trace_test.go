package published

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/bench"
	"imkey-connect/web/e2e/harness"
)

// traced are the categories of Chromium's events that show how a page starts. chrome://tracing and ui.perfetto.dev show the files.
var traced = []string{
	"v8", "v8.wasm", "disabled-by-default-v8.wasm.detailed", "disabled-by-default-v8.compile", "disabled-by-default-v8.wasm.turbofan", "loading", "net", "blink.user_timing",
	"devtools.timeline", "disabled-by-default-devtools.timeline", "IndexedDB", "disabled-by-default-network",
}

// trace writes Chromium's trace of what f does into a file.
func trace(b *harness.Browser, file string, f func()) {
	b.T.Helper()
	events, done := []string{}, make(chan struct{})
	listening, stop := context.WithCancel(b.Ctx)
	defer stop()
	require.NoError(b.T, chromedp.Listen(listening, func(event any) {
		switch event := event.(type) {
		case *tracing.EventDataCollected:
			for _, e := range event.Value {
				events = append(events, string(e))
			}
		case *tracing.EventTracingComplete:
			close(done)
		}
	}))
	call := func(f func(ctx context.Context, target *chromedp.Target) error) { b.Do(chromedp.Func(f)) }
	call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, tracing.Start, tracing.StartParams{TraceConfig: &tracing.TraceConfig{IncludedCategories: traced}})
		return err
	})
	f()
	call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, tracing.End, cdp.Empty{})
		return err
	})
	select {
	case <-done:
	case <-b.Ctx.Done():
		require.NoError(b.T, b.Ctx.Err())
	}
	require.NoError(b.T, os.WriteFile(file, []byte("{\"traceEvents\":[\n"+strings.Join(events, ",\n")+"]}\n"), 0o644))
}

// TestStartTrace writes Chromium's traces of the first and the third visit to this project and to the vendor's client into the folder
// IMKEY_TRACE.
func TestStartTrace(t *testing.T) {
	folder := os.Getenv("IMKEY_TRACE")
	if folder == "" {
		t.Skip("it writes traces into the folder IMKEY_TRACE")
	}
	m := &meter{t: t, Results: bench.Results{}}
	m.Sim = harness.NewSimFor(t, device.Options{Mnemonic: harness.TestPhrase(t), Approve: device.Yes}, time.Hour)
	m.ServeHTML("/bench/{$}", "<!doctype html><title>bench</title>")
	m.bundle(bench.Ours, vendor)
	for _, name := range m.peers {
		b := m.StartBrowser(harness.BrowserOptions{Unplugged: true})
		for n := range 4 {
			trace(b, filepath.Join(folder, fmt.Sprintf("%s-%d.json", name, n+1)), func() {
				t.Logf("%s, visit %d: %.1f ms", name, n+1, m.start(b, name))
				time.Sleep(stay)
			})
		}
		b.Close()
	}
}
