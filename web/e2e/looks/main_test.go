package looks

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// TestSharedBrowsersAreApart starts two browsers on one origin. Neither sees what the other stores, and each has the focus of its window.
// The second one remains when the first one closes.
func TestSharedBrowsersAreApart(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	a, b := s.StartBrowser(harness.BrowserOptions{Unplugged: true}), s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	a.Open("/")
	b.Open("/")
	a.Run("document.cookie = 'mine=1'; localStorage.setItem('mine', 1); await new Promise((go) => { indexedDB.open('mine').onsuccess = go })")
	const kept = `Promise.all([document.cookie, localStorage.getItem('mine') ?? '',
		indexedDB.databases().then((all) => all.map(({ name }) => name).filter((name) => name === 'mine').join())]).then((all) => all.join(' '))`
	require.Equal(t, "mine=1 1 mine", harness.Eval[string](a, kept))
	require.Equal(t, "  ", harness.Eval[string](b, kept))
	for _, one := range []*harness.Browser{a, b} {
		require.Equal(t, "visible true", harness.Eval[string](one, "document.visibilityState + ' ' + document.hasFocus()"))
	}
	require.Equal(t, float64(0), harness.Eval[float64](b, "navigator.usb.getDevices().then((all) => all.length)"))
	a.Close()
	b.Open("/device")
}
