package simtest_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/simtest"
)

// slowly is a slow page: a button appears, then is enabled, then leads to a field on another page.
const slowly = `<!doctype html><title>slowly</title><main></main><script type="module">
	const main = document.querySelector('main')
	const next = (what) => setTimeout(what, 30)
	next(() => {
		main.innerHTML = '<button disabled>go</button><div style="position:fixed;inset:0"></div>'
		next(() => { main.firstChild.disabled = false; next(() => main.lastChild.remove()) })
		main.firstChild.onclick = () => next(() => { location.href = '/next' })
	})
</script>`

const next = `<!doctype html><title>next</title><p id="keys"></p><p id="said"></p><script type="module">
	setTimeout(() => {
		const field = document.body.appendChild(document.createElement('input'))
		field.onkeydown = (e) => { document.querySelector('#keys').textContent += e.key + ' ' }
		field.onkeyup = (e) => { if (e.key === 'Enter') document.querySelector('#said').textContent = field.value }
	}, 30)
</script>`

func TestChromiumPageWaits(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/next" {
			_, _ = io.WriteString(w, next)
			return
		}
		_, _ = io.WriteString(w, slowly)
	})
	s := simtest.Config{Pages: pages}.Start(t)
	p := s.Page(s.URL)
	p.Click("button")
	p.Type("input", "Aé1\n")
	require.Equal(t, "Aé1", p.Text("#said"))
	require.Equal(t, "A é 1 Enter", p.Text("#keys"))
	p.Wait("title")
	require.Equal(t, map[string]any{"at": "/next"}, p.Eval(`Promise.resolve({ at: location.pathname })`))
	require.Nil(t, p.Eval(`undefined`))
	found := p.Eval(`navigator.usb.getDevices().then((list) => list.map((device) => device.serialNumber))`)
	require.Equal(t, []any{s.Device.Serial()}, found)

	other := s.Page(s.URL + "/next") // in the same browser
	other.Open(s.URL + "/first")
	other.Wait("button")
	require.Equal(t, "/next", p.Eval(`location.pathname`))
}

// TestChromiumPageTimesOut checks that a timeout fails the test, with the text of the page and the screen of the device in its output.
func TestChromiumPageTimesOut(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<p>Words of the page</p><button disabled>no</button>`)
	})
	for name, c := range map[string]struct {
		act  func(*simtest.Page)
		says string
	}{
		"a button that stays disabled": {func(p *simtest.Page) { p.Click("button") }, "cannot click button: waited"},
		"an element that never comes":  {func(p *simtest.Page) { p.Text("#none") }, "cannot read #none: waited"},
		"no selector":                  {func(p *simtest.Page) { p.Wait("..") }, "is not a valid selector"},
		"JavaScript that throws":       {func(p *simtest.Page) { p.Eval(`missing()`) }, "missing is not defined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, said := try(t, func(t testing.TB) {
				s := simtest.Config{Pages: pages, Timeout: 6 * time.Second}.Start(t)
				s.Chromium()
				c.act(s.Page(s.URL))
			})
			require.True(t, failed)
			for _, text := range []string{c.says, "Words of the page", "The screen:"} {
				require.Contains(t, said, text)
			}
		})
	}
	failed, said := try(t, func(t testing.TB) { quick.Start(t).Page("localhost") })
	require.True(t, failed)
	require.Contains(t, said, `"localhost" is not the address of a page`)
}
