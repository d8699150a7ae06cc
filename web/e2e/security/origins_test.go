package security

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// attacks is a function that tries what a page can do to the simulator at target. Each attempt sets the battery to another
// percentage or reads something. Its value names the attempts that succeed.
const attacks = `async target => {
	const through = []
	const battery = percent => JSON.stringify({ percent })
	const call = target + '/sim/v1/device/battery'
	const json = { 'Content-Type': 'application/json' }
	const attempt = async (name, what) => {
		try {
			if (await what() === true) through.push(name)
		} catch {}
	}
	const once = (element, ...events) => new Promise(resolve => { for (const e of events) element.addEventListener(e, () => resolve(e), { once: true }) })
	const read = path => async () => (await fetch(target + path)).ok
	await attempt('read the device', read('/sim/v1/device'))
	await attempt('read the trace', read('/sim/v1/trace'))
	await attempt('read what everybody may', read('/sim/v1/identity'))
	await attempt('events', async () => {
		const events = new EventSource(target + '/sim/v1/events')
		const how = await once(events, 'message', 'error')
		events.close()
		return how === 'message'
	})
	await attempt('as a script', async () => {
		const script = document.createElement('script')
		script.src = target + '/sim/v1/device'
		const how = once(script, 'load', 'error')
		document.head.append(script)
		return await how === 'load'
	})
	await attempt('POST', async () => (await fetch(call, { method: 'POST', headers: json, body: battery(11) })).ok)
	await attempt('POST with cookies', async () => (await fetch(call, { method: 'POST', headers: json, body: battery(12), credentials: 'include' })).ok)
	await attempt('text/plain', async () => (await fetch(call, { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: battery(13) })).ok)
	await attempt('no-cors', async () => { await fetch(call, { method: 'POST', mode: 'no-cors', headers: json, body: battery(14) }) })
	await attempt('no content type', async () => { await fetch(call, { method: 'POST', mode: 'no-cors', body: new Blob([battery(15)]) }) })
	await attempt('beacon', async () => { navigator.sendBeacon(call, new Blob([battery(16)], { type: 'text/plain' })) })
	await attempt('keepalive', async () => { await fetch(call, { method: 'POST', mode: 'no-cors', keepalive: true, body: battery(17) }) })
	await attempt('without a referrer', async () => (await fetch(call, { method: 'POST', headers: json, body: battery(18), referrerPolicy: 'no-referrer' })).ok)
	await attempt('DELETE', async () => (await fetch(target + '/sim/v1/faults', { method: 'DELETE', headers: json })).ok)
	for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
		await attempt('a form of ' + enctype, async () => {
			const frame = document.createElement('iframe')
			frame.name = 'f' + Math.random()
			document.body.append(frame)
			const form = document.createElement('form')
			Object.assign(form, { method: 'POST', action: call, target: frame.name })
			form.enctype = enctype
			const field = document.createElement('input')
			Object.assign(field, { name: '{"percent":19,"', value: '":0}' })
			form.append(field)
			document.body.append(form)
			const loaded = once(frame, 'load')
			form.submit()
			await loaded
		})
	}
	await attempt('a frame without an origin', async () => {
		const frame = document.createElement('iframe')
		frame.sandbox = 'allow-scripts'
		frame.srcdoc = '<script>fetch(' + JSON.stringify(call) + ", { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{\"percent\":20}' })" +
			".then(r => parent.postMessage(r.ok, '*'), () => parent.postMessage(false, '*'))<" + '/script>'
		const said = new Promise(resolve => addEventListener('message', event => resolve(event.data), { once: true }))
		document.body.append(frame)
		return await said
	})
	await attempt('the USB device', async () => {
		const socket = new WebSocket(target.replace('http', 'ws') + '/sim/usb')
		const how = await once(socket, 'message', 'error')
		socket.close()
		return how === 'message'
	})
	await attempt('the module', async () => { await import(target + '/sim/webusb.js'); return true })
	await attempt('its CAs', async () => (await (await import(target + '/sim/webusb.js')).simulatedCAs()).length > 0)
	return through
}`

// TestPagesOfOtherOrigins has real pages of other origins try everything that a browser lets them do to the simulator, at its
// loopback address and by DNS rebinding. The same attempts succeed from the simulator's own origin, which shows that they can.
func TestPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	page := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>A page</title><body>")
	}
	s.Handle("/a-page", page)
	other := httptest.NewServer(http.HandlerFunc(page))
	t.Cleanup(other.Close)
	port, otherPort := mustPort(t, s.URL), mustPort(t, other.URL)
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true, Args: []string{"--host-resolver-rules=MAP *.example 127.0.0.1"}})
	attack := func(page, target string) []string {
		b.Do(chromedp.Navigate(page))
		before := requested(s)
		through := harness.Eval[[]string](b, "("+attacks+")("+fmt.Sprintf("%q", target)+")")
		require.Greater(t, requested(s), before+10, "the attempts reach the simulator")
		return through
	}
	unharmed := func() {
		t.Helper()
		require.Equal(t, 100, s.Device.Status().Battery)
		require.Empty(t, s.Device.Simulated.Port().HeldBy())
	}

	for name, c := range map[string]struct {
		page, target string
		may          []string
	}{
		"a page of another site":                 {"http://evil.example:" + otherPort, "http://127.0.0.1:" + port, nil},
		"a page of another site, by name":        {"http://evil.example:" + otherPort, "http://localhost:" + port, nil},
		"a name that leads here (DNS rebinding)": {"http://evil.example:" + port + "/a-page", "http://evil.example:" + port, nil},
		"another page to such a name":            {"http://evil.example:" + otherPort, "http://evil.example:" + port, nil},
		// A site under development on this machine may use the USB device, but not the controls of the user.
		"another port of this machine": {"http://127.0.0.1:" + otherPort, "http://127.0.0.1:" + port, []string{"read what everybody may", "the USB device", "the module", "its CAs"}},
		"this machine by another name": {"http://localhost:" + port + "/a-page", "http://127.0.0.1:" + port, []string{"the USB device", "the module"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.may, normal(attack(c.page, c.target)))
			unharmed()
		})
	}

	// Such a site trusts the simulated devices by the CAs that the module gives, or is told what to do.
	cas := func(page string) []string {
		b.Do(chromedp.Navigate(page))
		return harness.Eval[[]string](b, `import('http://127.0.0.1:`+port+`/sim/webusb.js').then(module => module.simulatedCAs()).catch(error => [error.name, error.message])`)
	}
	require.Equal(t, []string{s.Device.CA()}, cas("http://127.0.0.1:"+otherPort))
	refused := cas("http://localhost:" + otherPort)
	require.Equal(t, "NetworkError", refused[0])
	require.Contains(t, refused[1], "cannot read the CAs of http://127.0.0.1:"+port)
	require.Contains(t, refused[1], "localhost and 127.0.0.1 differ")

	through := attack(s.URL+"/a-page", s.URL)
	require.Subset(t, through, []string{"read the device", "read the trace", "events", "POST", "POST with cookies", "without a referrer", "DELETE", "the USB device", "the module"})
	require.NotContains(t, through, "a frame without an origin")
	require.NotContains(t, through, "text/plain")
	require.Equal(t, 18, s.Device.Status().Battery)
}

// normal makes an empty list nil.
func normal(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

// mustPort returns the port of an origin.
func mustPort(t *testing.T, origin string) string {
	u, err := url.Parse(origin)
	require.NoError(t, err)
	return u.Port()
}

// requested returns how many requests the control API has had so far.
func requested(s *harness.Sim) int {
	_, requests := s.Recorded()
	return strings.Count(string(requests), " /sim/")
}
