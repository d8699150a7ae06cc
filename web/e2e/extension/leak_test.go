package extension_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestCodeLeavesNoTrace binds a device through the extension and searches the storage of the extension and of the site, the documents,
// the console, the buses and the profile on the disk for the code.
func TestCodeLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	s.ServeDapp()
	x := s.StartExtension(harness.BrowserOptions{})
	d, code := x.BoundSite(origins(s)[0])
	x.Sign(d, "signed")
	page := x.OpenPage("/sites.html")
	page.WaitFor("[data-origin]")
	found := map[string]string{}
	for name, b := range map[string]*harness.Browser{"extension": page, "site": d.Browser} {
		for place, text := range harness.Eval[map[string]string](b, harness.GatherTraces) {
			found[name+" "+place] = text
		}
		found[name+" console and network"] = string(b.Recorded())
	}
	found["chrome.storage"] = harness.Eval[string](page, `Promise.all(['local', 'sync', 'session'].map((area) => chrome.storage[area].get(null))).then(JSON.stringify)`)
	usb, http := s.Recorded()
	found["USB"], found["HTTP"] = string(usb), string(http)
	require.Contains(t, found["extension indexedDB"], "imkey-connect/records: ", "the record was searched")
	require.Contains(t, found["chrome.storage"], harness.FirstAddress, "the permission was searched")
	x.Close()
	require.NoError(t, filepath.WalkDir(x.Profile, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // deleted meanwhile, or a socket
		}
		if content, err := os.ReadFile(path); err == nil {
			found["profile on disk"] += string(content) + "\n"
		}
		return nil
	}))
	for place, data := range found {
		require.Empty(t, harness.SearchSecret(code, []byte(data)), "%s", place)
	}
}
