package harness

import (
	"context"
	"encoding/json"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// HeapStrings collects garbage, takes a snapshot of the page's JavaScript heap, and returns the strings in it.
func (b *Browser) HeapStrings() []string {
	b.T.Helper()
	b.mu.Lock()
	b.heap = nil
	b.mu.Unlock()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, heapprofiler.TakeHeapSnapshot, heapprofiler.TakeHeapSnapshotParams{})
		return err
	}))
	var snapshot struct{ Strings []string }
	b.mu.Lock()
	defer b.mu.Unlock()
	require.NoError(b.T, json.Unmarshal(b.heap, &snapshot), "%d bytes", len(b.heap))
	require.NotEmpty(b.T, snapshot.Strings)
	return snapshot.Strings
}

// HeapUsed collects garbage and returns the bytes of JavaScript that the page uses.
func (b *Browser) HeapUsed() (used float64) {
	b.T.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			return err
		}
		got, err := cdp.Call(ctx, target, runtime.GetHeapUsage, cdp.Empty{})
		if err == nil {
			used = got.UsedSize
		}
		return err
	}))
	return used
}
