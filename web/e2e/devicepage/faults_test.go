package devicepage

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/harness"
)

// arm chooses a fault in the panel of the device page and arms it.
func arm(b *harness.Browser, f usb.Fault) {
	b.T.Helper()
	b.Run(fmt.Sprintf(`
		document.querySelector('[data-panel=faults]').open = true
		for (const [id, value] of Object.entries({ 'fault-kind': %q, 'fault-on': %q, 'fault-packet': %d, 'fault-count': %d, 'fault-amount': %d })) {
			const control = document.getElementById(id)
			control.value = value
			control.dispatchEvent(new Event('change'))
		}
		document.querySelector('[data-armed]').dataset.armed = ''`, f.Do, f.On, f.Packet, max(f.Count, 1), f.Bytes+f.MS))
	b.Press("fault-arm")
	b.WaitFor("[data-armed='1']")
}

// TestFaultsFromTheDevicePage arms every kind of fault in the panel of the device page. The SDK reports the error of each, and
// opens the device again once the fault is gone.
func TestFaultsFromTheDevicePage(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	s.ServeDapp()
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Do(chromedp.Navigate(s.URL + "/dapp-under-test"))
	b.Run(fmt.Sprintf(`
		const { loadImKey } = await import('/imkey.js')
		const imkey = await loadImKey({ trustedCAs: [%q] })
		// Opens the device and closes it. Gives the code of the error, and aborts after a number of milliseconds, if there is one.
		globalThis.open = async timeout => {
			const plugged = new Promise(resolve => navigator.usb.addEventListener('connect', resolve, { once: true }))
			while ((await navigator.usb.getDevices()).length === 0) await plugged
			const [device] = await imkey.getDevices()
			try {
				await device.open(timeout ? { signal: AbortSignal.timeout(timeout) } : {})
				return 'opened'
			} catch (error) {
				return error.code
			} finally {
				await device.close()
			}
		}`, s.Device.CA()))
	panel := b.NewTab()
	panel.Open("/device")
	type faultCase struct {
		fault usb.Fault
		want  string
	}
	cases := []faultCase{
		{usb.Fault{On: "in", Packet: 3, Do: usb.DoStall}, "protocol"},
		{usb.Fault{On: "in", Packet: 3, Do: usb.DoShort, Bytes: 5}, "protocol"},
		{usb.Fault{On: "in", Packet: 3, Do: usb.DoBabble}, "protocol"},
		{usb.Fault{On: "in", Packet: 3, Do: usb.DoDrop}, "aborted"},
		{usb.Fault{On: "in", Packet: 3, Do: usb.DoDelay, MS: 30, Count: 2}, "opened"},
		{usb.Fault{On: "in", Packet: 3, Do: usb.DoUnplug}, "device-disconnected"},
		{usb.Fault{On: "in", Packet: 3, Do: usb.DoPowerCut}, "device-disconnected"},
		{usb.Fault{On: "in", Packet: 3, Do: usb.DoCorrupt, Bytes: 4}, "protocol"},
		{usb.Fault{On: "in", Packet: 3, Do: usb.DoZero}, "protocol"},
		{usb.Fault{On: "out", Packet: 3, Do: usb.DoStall}, "protocol"},
		{usb.Fault{On: "out", Packet: 3, Do: usb.DoShort, Bytes: 5}, "protocol"},
		{usb.Fault{On: "out", Packet: 3, Do: usb.DoDrop}, "aborted"},
		{usb.Fault{On: "out", Packet: 3, Do: usb.DoDelay, MS: 30}, "opened"},
		{usb.Fault{On: "out", Packet: 3, Do: usb.DoUnplug}, "device-disconnected"},
		{usb.Fault{On: "out", Packet: 3, Do: usb.DoPowerCut}, "device-disconnected"},
		{usb.Fault{On: "out", Packet: 3, Do: usb.DoCorrupt, Bytes: 4}, "protocol"},
		{usb.Fault{On: "out", Packet: 3, Do: usb.DoZero}, "protocol"},
	}
	for _, k := range usb.FaultKinds() {
		for _, on := range k.On {
			require.True(t, slices.ContainsFunc(cases, func(c faultCase) bool { return c.fault.Do == k.Do && c.fault.On == on }), "no case for %s %s", k.Do, on)
		}
	}
	for _, c := range cases {
		if c.fault.On == "out" && c.fault.Do != usb.DoStall && os.Getenv("IMKEY_FULL") == "" {
			continue
		}
		name := string(c.fault.Do) + " " + c.fault.On
		arm(panel, c.fault)
		armed := c.fault
		armed.Count = max(armed.Count, 1)
		require.Equal(t, []usb.Fault{armed}, s.Device.Simulated.Port().Faults())
		opening := "open()"
		if c.fault.Do == usb.DoDrop { // the SDK would wait for its own limit of ten seconds
			opening = "open(1000)"
		}
		require.Equal(t, c.want, harness.Eval[string](b, opening), name)
		panel.Press("fault-clear")
		panel.WaitFor("[data-armed='0']")
		require.Empty(t, s.Device.Simulated.Port().Faults())
		s.Device.Plug()
		require.Equal(t, "opened", harness.Eval[string](b, "open()"), name)
	}

	// The diagram has the exchange, the screens, what the user did, and the faults. A later moment appears while it is open.
	panel.Run("document.querySelector('[data-panel=trace]').open = true")
	entries := `[...document.querySelectorAll('.steps .step')].map(step => step.dataset.from + (step.dataset.to ? '→' + step.dataset.to : '') +
		(step.matches('.step-fault') ? '!' : '') + ': ' + step.querySelector('.step-what').innerText.replaceAll('\n', '/'))`
	has := func(entry string) {
		t.Helper()
		panel.WaitUntil(entries + fmt.Sprintf(".some(text => new RegExp(%q).test(text))", entry))
	}
	has("^user!: " + panel.Words("trace.armed") + " packet 3 to the device: the endpoint stalls$")
	has("^sdk→device!: .*stalled$")
	has("^user!: " + panel.Words("trace.cleared") + "$")
	has("^sdk→device: SELECT card manager$")
	has("^device→sdk: SELECT card manager → ok$")
	has("^device: imKey/" + s.Device.Serial() + "/")
	require.True(t, harness.Eval[bool](panel, "(list => list.scrollTop + list.clientHeight >= list.scrollHeight - 4)(document.querySelector('.trace'))"), "the newest is shown")
	panel.Run(`await new Promise(resolve => { // until the page has heard that it was scrolled
		const list = document.querySelector('.trace')
		list.addEventListener('scroll', resolve, { once: true })
		list.scrollTop = 0
	})`)
	panel.Press("cable")
	has("^user: " + panel.Words("trace.actions.unplug") + "$")
	has("^device: " + panel.Words("trace.dark") + "$")
	require.Zero(t, harness.Eval[float64](panel, "document.querySelector('.trace').scrollTop"), "a reader who has scrolled back stays there")
	panel.SetScreen(1280, "light", false)
	panel.WaitUntil("getComputedStyle(document.querySelector('.lanes')).display === 'grid'")
	panel.SetScreen(390, "light", false)
	panel.WaitUntil("getComputedStyle(document.querySelector('.lanes')).display === 'none'")
	panel.WaitUntil("document.documentElement.scrollWidth <= innerWidth")
}
