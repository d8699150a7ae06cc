package connector_test

import (
	"context"
	"os"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestChangedMeanwhile changes what a connected site relies on while the connector's window is open: a page that embeds the SDK binds the
// device, the user clears the window's storage, and takes its USB permission. Each time the site gets a code, keeps what it still has, and goes on
// when the user says so in the window.
func TestChangedMeanwhile(t *testing.T) {
	if os.Getenv("IMKEY_FULL") == "" {
		t.Skip("set IMKEY_FULL=1, as make test-all does, to run it")
	}
	t.Parallel()
	sim := harness.NewSim(t, device.Options{Mnemonic: mnemonic})
	embedding := site(t)
	b := sim.StartBrowser(harness.BrowserOptions{Origins: []string{sim.URL, embedding}})
	node := harness.NewFakeNode(t)
	d := openSite(b, site(t), node)
	var asked harness.Request
	w := b.NewWindow(func() { asked = d.Click("eth_requestAccounts", "[]") })
	accept(w, d)
	toCode(w)
	code := sim.Device.Code()
	w.EnterCode(code)
	require.JSONEq(t, `["`+account+`"]`, string(asked.Wait().Value))
	message := func() harness.Request { return d.Click("personal_sign", `["0x68656c6c6f", "`+account+`"]`) }

	// A page with the SDK binds the device for itself: to the connector it is bound elsewhere.
	page := &harness.Dapp{Browser: b.NewTab(), Origin: embedding}
	page.Load(node.URL, "holdDevice: 0") // another origin would have to wait
	page.Bind(code)
	require.Equal(t, []string{account}, page.Accounts())
	signed := page.Confirm("personal_sign", `["0x68656c6c6f", "`+account+`"]`).Text(t)
	asked = message()
	accept(w, d)
	w.WaitForState("rebound")
	w.Press("stop")
	asked.Wait().RequireError(t, 4001, "user-rejected")
	require.JSONEq(t, `["`+account+`"]`, string(d.Request("eth_accounts", "[]").Value), "the permission is kept")
	require.Equal(t, signed, page.Confirm("personal_sign", `["0x68656c6c6f", "`+account+`"]`).Text(t), "the page's binding is kept")

	asked = message()
	accept(w, d)
	toCode(w)
	w.EnterCode(code)
	asked.WaitForQuestion()
	sim.Device.Press(device.OK)
	require.Equal(t, signed, asked.Wait().Text(t))
	page.Request("personal_sign", `["0x68656c6c6f", "`+account+`"]`).RequireError(t, 4100, "bound-elsewhere")

	// The user clears the storage of the connector: no site has a permission any more, and the binding code is asked for again.
	before := d.Events()
	w.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: sim.URL, StorageTypes: "all"})
		return err
	}))
	d.WaitForEvent("accountsChanged", before)
	require.JSONEq(t, "[]", string(d.Request("eth_accounts", "[]").Value))
	message().Wait().RequireError(t, 4100, "invalid-argument")
	asked = d.Click("eth_requestAccounts", "[]")
	accept(w, d)
	toCode(w)
	w.EnterCode(code)
	require.JSONEq(t, `["`+account+`"]`, string(asked.Wait().Value))
	sign(w, d)

	// The user takes the USB permission of the connector: to the page, the device is not plugged in. Its screen offers to choose the device, in
	// the browser's chooser, for which a script stands here. Then the next request works.
	w.Do(chromedp.Reload())
	w.WaitForState("idle")
	w.Run(`
		const { getDevices } = USB.prototype
		globalThis.choosers = []
		USB.prototype.getDevices = async () => []
		USB.prototype.requestDevice = async function () {
			choosers.push(navigator.userActivation.isActive)
			if (choosers.length === 1) throw new DOMException('No device selected.', 'NotFoundError')
			USB.prototype.getDevices = getDevices
			return (await this.getDevices())[0]
		}`)
	message().Wait().RequireError(t, 4900, "device-disconnected")
	w.WaitForState("failed")
	w.RequireText("request.unpluggedLead", "request.chooseLead")
	w.Press("choose")
	w.WaitUntil("choosers.length === 1")
	w.WaitForState("failed")
	w.Press("choose")
	w.WaitForState("chosen")
	require.Equal(t, []bool{true, true}, harness.Eval[[]bool](w, "choosers"), "in a click")
	goOn := func() { w.Run("document.querySelector('.request [data-action=close]').click()") } // the page has another button of that name
	goOn()
	sign(w, d)

	// In earnest, and while the device is in use. Nothing else is lost.
	w.Run("for (const device of await navigator.usb.getDevices()) await device.forget()")
	asked = message()
	accept(w, d)
	asked.Wait().RequireError(t, 4900, "device-disconnected")
	w.WaitForState("failed")
	goOn()
	message().Wait().RequireError(t, 4900, "device-disconnected")
	w.WaitFor("[data-action=choose]")
	require.JSONEq(t, `["`+account+`"]`, string(d.Request("eth_accounts", "[]").Value))
	states := harness.Eval[[]string](w, "import('/imkey.js').then(({ loadImKey }) => loadImKey()).then((imkey) => imkey.knownDevices()).then((all) => all.map(({ state }) => state))")
	require.Equal(t, []string{"bound"}, states)
	require.True(t, sim.IsBound())
}
