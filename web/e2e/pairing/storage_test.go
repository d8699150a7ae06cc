package pairing

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestStorageIsFull checks that nothing is asked of a device whose binding cannot be stored.
func TestStorageIsFull(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	quota := func(bytes *float64) {
		b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, storage.OverrideQuotaForOrigin, storage.OverrideQuotaForOriginParams{Origin: s.URL, QuotaSize: bytes})
			return err
		}))
	}
	none := 1.0
	quota(&none)
	b.Press("connect")
	b.WaitForErrorText("storage-full")
	require.Empty(t, s.BindingInstructions(), "nothing is asked of a device whose binding cannot be stored")
	quota(nil)
	b.Press("retry")
	b.WaitForStateAfterError("recognised")
}

// TestStorageIsBlocked checks what the page says where the browser lets sites store nothing.
func TestStorageIsBlocked(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	profile := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(profile, "Default"), 0o700))
	// The setting of the browser that sites may store nothing.
	preferences, err := json.Marshal(map[string]any{"profile": map[string]any{"default_content_setting_values": map[string]any{"cookies": 2}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(profile, "Default", "Preferences"), preferences, 0o600))
	b := s.StartBrowser(harness.BrowserOptions{Profile: profile})
	b.Open("/")
	b.Press("connect")
	b.WaitForErrorText("storage")
	require.Empty(t, s.BindingInstructions())
}

// TestCorruptRecord checks that a damaged record is reported and not overwritten until the user forgets the binding.
func TestCorruptRecord(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	b.Press("done")
	const change = `
		const open = indexedDB.open('imkey-connect')
		const db = await new Promise((ok, no) => { open.onsuccess = () => ok(open.result); open.onerror = no })
		const store = db.transaction('records', 'readwrite').objectStore('records')
		const key = await new Promise(ok => store.getAllKeys().onsuccess = e => ok(e.target.result[0]))
		const value = await new Promise(ok => store.get(key).onsuccess = e => ok(e.target.result))
		value[30] ^= 1
		await new Promise(ok => store.put(value, key).onsuccess = ok)
		db.close()`
	b.Run(change)
	b.Open("/")
	b.Press("connect")
	b.WaitForErrorText("record-corrupt")
	b.Run(change) // restores the bit: it would not help if the record had been overwritten
	b.Press("retry")
	b.WaitForStateAfterError("bound")

	b.Run(change)
	b.Open("/")
	list := b.WaitForKnown("management.unreadable")
	for _, key := range []string{"management.pluggedIn", "management.notPluggedIn"} {
		require.NotContains(t, list, b.Words(key), "the browser does not know which device the record is of")
	}
	b.Press("connect")
	b.WaitForErrorText("record-corrupt")
	b.Press("forget")
	b.WaitForStateAfterError("forget")
	b.Press("keep-binding")
	b.WaitForError("record-corrupt")
	b.Press("forget")
	b.WaitForStateAfterError("forget")
	b.Press("forget-now")
	b.WaitForState("start")
	b.BindFromElsewhere(code)
}

// TestStorageClearedBetweenVisits binds again a device whose record was deleted with the site's data.
func TestStorageClearedBetweenVisits(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: s.URL, StorageTypes: "indexeddb"})
		return err
	}))
	b.Open("/")
	b.BindFromElsewhere(code)
}
