package security

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// traces is what a pairing left behind, by place.
type traces map[string][]byte

// pairAndGather binds a device in every way that shows the code or mentions it, and gathers what is left behind.
func pairAndGather(t *testing.T, script string) (code string, found traces) {
	s := harness.NewSim(t, device.Options{ConfirmBinding: true})
	if script != "" {
		s.AddScript(script)
	}
	s.Handle("/collect", func(w http.ResponseWriter, r *http.Request) {})
	b := s.StartBrowser(harness.BrowserOptions{})
	found = traces{}
	look := func() {
		for place, text := range harness.Eval[map[string]string](b, harness.GatherTraces) {
			found[place] = append(append(found[place], text...), '\n')
		}
	}

	b.Open("/")
	b.GoToCode()
	code = s.Device.Code()
	b.Do(chromedp.KeyEvent(strings.ToLower(code)))
	look() // with the code in the boxes
	b.Do(chromedp.KeyEvent("\r"))
	s.WaitForQuestion()
	look() // while it is checked
	s.Device.Press(device.Cancel)
	b.WaitForError("user-rejected")
	b.Press("copy-report")
	b.WaitUntil("document.querySelector('.state-note').textContent !== ''")
	look() // with the report of an error
	b.Press("retry")
	b.WaitForStateAfterError("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(code)
	s.WaitForQuestion()
	s.Device.Press(device.OK)
	b.WaitForState("bound")
	look()
	b.Open("/") // and the next visit
	b.Press("connect")
	b.WaitForState("bound")
	look()

	found["USB"], found["HTTP"] = s.Recorded()
	found["console and network"] = b.Recorded()
	b.Close()
	require.NoError(t, filepath.WalkDir(b.Profile, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // deleted meanwhile, or a socket
		}
		content, err := os.ReadFile(path)
		if err == nil {
			found["profile on disk"] = append(append(found["profile on disk"], content...), '\n')
		}
		return nil
	}))
	return code, found
}

// TestCodeLeavesNoTrace enters a binding code and searches every place that the browser writes to: the buses, HTTP, storage,
// log, address, document, the profile on the disk. The code is nowhere, in no form that SearchSecret knows.
func TestCodeLeavesNoTrace(t *testing.T) {
	t.Parallel()
	code, found := pairAndGather(t, "")
	total := 0
	for place, data := range found {
		total += len(data)
		require.Empty(t, harness.SearchSecret(code, data), "%s", place)
	}
	require.Greater(t, len(found["USB"]), 3000, "the bus was recorded")
	require.Contains(t, string(found["indexedDB"]), "imkey-connect/records: ", "the record was searched")
	require.Contains(t, string(found["HTTP"]), "GET /imkey.wasm")
	require.Contains(t, string(found["console and network"]), "/imkey.wasm")
	t.Logf("%d bytes of %d kinds searched for %d forms of the code", total, len(found), len(harness.SecretForms(code)))
}

// TestLeaksAreFound makes the same search on a page that leaks the code on purpose, in a different form at every place. Each
// leak is found.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	code, found := pairAndGather(t, `
		const hex = s => [...s].map(c => c.charCodeAt(0).toString(16)).join('')
		const utf16 = s => [...s].map(c => c + '\0').join('')
		let done = false
		const leak = async code => {
			if (done) return
			done = true
			console.log('typed ' + code)
			localStorage.setItem('x', hex(code))
			sessionStorage.setItem('x', btoa('1' + code))
			document.cookie = 'x=' + code.toLowerCase()
			document.body.setAttribute('data-x', code.slice(0, 4) + '-' + code.slice(4))
			history.replaceState(null, '', '#' + btoa(utf16(code)))
			fetch('/collect', { method: 'POST', body: [...code].join(',') })
			const open = indexedDB.open('other')
			open.onupgradeneeded = () => open.result.createObjectStore('s').put(new TextEncoder().encode(code), 'k')
			const send = USBDevice.prototype.transferOut
			USBDevice.prototype.transferOut = function (endpoint, data) {
				// In the padding of a packet, where the device does not look.
				const b = new Uint8Array(data.buffer ?? data)
				if (b[4] === 0xc3 && b[6] < 40) b.set(new TextEncoder().encode(code), 56)
				return send.call(this, endpoint, b)
			}
		}
		addEventListener('input', () => {
			const code = [...document.querySelectorAll('.code-box')].map(i => i.value).join('')
			if (code.length === 8) leak(code)
		})`)
	for _, place := range []string{"console and network", "localStorage", "sessionStorage", "cookies", "document", "address", "HTTP", "indexedDB", "USB", "profile on disk"} {
		require.NotEmpty(t, harness.SearchSecret(code, found[place]), "the leak into %s was not found", place)
	}
}
