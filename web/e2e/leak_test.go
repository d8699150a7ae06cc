package e2e

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
)

// traces is all that a pairing left behind, by the place where it was found.
type traces map[string][]byte

// gathered is what is still to be seen of a page, in the page: its storage, its address, its document.
const gatheredJS = `(async () => {
	const bytes = v => v instanceof ArrayBuffer ? new Uint8Array(v) : ArrayBuffer.isView(v) ? new Uint8Array(v.buffer, v.byteOffset, v.byteLength) : null
	const text = v => {
		const b = bytes(v)
		if (b) return [...b].map(x => x.toString(16).padStart(2, '0')).join('') + ' ' + String.fromCharCode(...b)
		if (v && typeof v === 'object') return '{' + Object.entries(v).map(([k, x]) => k + ':' + text(x)).join() + '}'
		return String(v)
	}
	const wait = request => new Promise((ok, no) => { request.onsuccess = () => ok(request.result); request.onerror = () => no(request.error) })
	let idb = ''
	for (const { name } of await indexedDB.databases()) {
		const db = await wait(indexedDB.open(name))
		for (const store of db.objectStoreNames) {
			const s = db.transaction(store).objectStore(store)
			const [keys, values] = await Promise.all([wait(s.getAllKeys()), wait(s.getAll())])
			idb += name + '/' + store + ': ' + keys.map((k, i) => text(k) + '=' + text(values[i])).join('; ') + '\n'
		}
		db.close()
	}
	let caches_ = ''
	for (const name of await caches.keys()) for (const r of await (await caches.open(name)).keys()) caches_ += r.url + '\n'
	return {
		localStorage: JSON.stringify({ ...localStorage }), sessionStorage: JSON.stringify({ ...sessionStorage }),
		cookies: document.cookie, address: location.href + ' ' + document.title + ' ' + window.name, indexedDB: idb, caches: caches_,
		document: document.documentElement.outerHTML,
	}
})()`

// pairAndGather pairs by hand in every way that shows the code or talks of it, and gathers what is left behind.
func pairAndGather(t *testing.T, script string) (code string, found traces) {
	s := newSim(t, device.Options{ConfirmBinding: true})
	s.script = script
	s.routes.HandleFunc("/added.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Write([]byte(script))
	})
	s.routes.HandleFunc("/collect", func(w http.ResponseWriter, r *http.Request) {})
	b := s.browse(browserOptions{})
	found = traces{}
	look := func() {
		for place, text := range eval[map[string]string](b, gatheredJS) {
			found[place] = append(append(found[place], text...), '\n')
		}
	}
	asking := func(s device.Status) bool { return s.Asking }

	b.open("/")
	b.toCode()
	code = s.code()
	b.do(chromedp.KeyEvent(strings.ToLower(code)))
	look() // with the code in the boxes
	b.do(chromedp.KeyEvent("\r"))
	s.is(asking)
	look() // while it is checked
	require.NoError(t, s.device.Press(device.Cancel))
	b.fails("user-rejected")
	b.press("copy-report")
	b.until("document.querySelector('.state-note').textContent !== ''")
	look() // with the report of an error
	b.press("retry")
	b.recovers("recognised")
	b.press("go-on")
	b.state("code")
	b.typeCode(code)
	s.is(asking)
	require.NoError(t, s.device.Press(device.OK))
	b.state("bound")
	look()
	b.open("/") // and the next visit
	b.press("connect")
	b.state("bound")
	look()

	s.mu.Lock()
	found["USB"], found["HTTP"] = s.bus, s.requests
	s.mu.Unlock()
	found["console and network"] = b.heard()
	b.close()
	require.NoError(t, filepath.WalkDir(b.profile, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // gone meanwhile, or a socket
		}
		content, err := os.ReadFile(path)
		if err == nil {
			found["profile on disk"] = append(append(found["profile on disk"], content...), '\n')
		}
		return nil
	}))
	return code, found
}

// The code is typed into the browser, and stays nowhere in it but encrypted: not on any wire, in any storage, log, address,
// attribute or request, in any of the forms that search knows.
func TestTheCodeLeavesNoTrace(t *testing.T) {
	t.Parallel()
	code, found := pairAndGather(t, "")
	total := 0
	for place, data := range found {
		total += len(data)
		require.Empty(t, search(code, data), "%s", place)
	}
	require.Greater(t, len(found["USB"]), 3000, "the wire was recorded")
	require.Contains(t, string(found["indexedDB"]), "imkey-connect/records: ", "the record was there to be read")
	require.Contains(t, string(found["HTTP"]), "GET /imkey.wasm")
	require.Contains(t, string(found["console and network"]), "/imkey.wasm")
	t.Logf("%d bytes of %d kinds searched for %d forms of the code", total, len(found), len(forms(code)))
}

// The same search on a page that leaks on purpose, in a different form at every place, finds each leak.
func TestALeakWouldBeFound(t *testing.T) {
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
		require.NotEmpty(t, search(code, found[place]), "the leak into %s was not found", place)
	}
}
