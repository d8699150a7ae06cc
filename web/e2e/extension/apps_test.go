package extension_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

const signNothing = `["0x00", "` + harness.FirstAddress + `"]`

// TestOtherApps uses one device by the extension, by a connector's window and by a page that embeds the SDK, which are three apps to the
// device, then clears what the extension stores and takes its permission for USB. Each time the user is told what happened and what to do,
// and neither a binding nor a site's permission is lost, except the ones that were cleared.
func TestOtherApps(t *testing.T) {
	if os.Getenv("IMKEY_FULL") == "" {
		t.Skip("set IMKEY_FULL=1, as make test-all does, to run it")
	}
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	s.ServeDapp()
	own := "chrome-extension://" + harness.ExtensionID(t, harness.ExtensionFolder(t))
	x := s.StartExtension(harness.BrowserOptions{Origins: []string{own, s.URL}})
	node := harness.NewFakeNode(t)
	at := origins(s)
	d, code := x.BoundSite(at[0])
	popup := x.OpenPage("/popup.html")
	popup.WaitFor("[data-binding=bound]")
	require.Contains(t, popup.Text(), "This extension is one app for your imKey.")

	// bindAgain binds the device by the tab that the extension opened for a request.
	bindAgain := func() {
		tab := x.Attach("/pair.html")
		x.GoToCode(tab)
		tab.EnterCode(code)
		tab.WaitForState("bound")
		tab.Press("done")
	}
	signBound := func() {
		r := d.Start("personal_sign", signNothing)
		x.Answer("accept")
		bindAgain()
		r.WaitForQuestion()
		s.Device.Press(device.OK)
		r.Wait().Text(t)
		x.Sign(d, "bound again")
	}

	// The connector's window says that the device is bound elsewhere, what it costs, and where the code is.
	c := &harness.Dapp{Browser: x.NewTab(), Origin: at[2]}
	c.Load(node.URL, fmt.Sprintf("connector: %q", s.URL))
	var asked harness.Request
	w := c.NewWindow(func() { asked = c.Click("eth_requestAccounts", "[]") })
	w.WaitFor(`[data-state="asking"][data-ready="true"]`)
	w.Press("accept")
	w.WaitForState("recognised")
	w.Press("go-on")
	w.WaitForState("elsewhere")
	require.Contains(t, w.Text(), "It is bound to another phone, browser or site")
	require.Contains(t, w.Text(), "Binding it here ends that binding; your wallet stays as it is.")
	require.Contains(t, w.Text(), "You need the binding code that you wrote down")
	w.Press("go-on")
	w.WaitForState("code")
	w.EnterCode(code)
	require.Equal(t, []string{harness.FirstAddress}, asked.Accounts())

	// The extension's site keeps its permission. Its next signature opens the tab that binds. Closed, that is no loss.
	require.Equal(t, []string{harness.FirstAddress}, d.Accounts())
	r := d.Start("personal_sign", signNothing)
	x.Answer("accept")
	x.Attach("/pair.html")
	popup.WaitFor("[data-binding=former]")
	require.Contains(t, popup.Text(), "Bound elsewhere, or reset")
	x.CloseTarget("/pair.html")
	r.Wait().RequireError(t, 4001, "request-cancelled")
	signBound()

	// So does the connector's site, and its window says so. The page with the SDK gets the code of the error.
	asked = c.Click("personal_sign", signNothing)
	w.WaitFor(`[data-state="asking"][data-ready="true"]`)
	w.Press("accept")
	w.WaitFor("[data-state=rebound]")
	require.Contains(t, w.Text(), "You can bind it here again with its binding code")
	w.Close()
	asked.Wait().RequireError(t, 4900, "aborted")
	page := &harness.Dapp{Browser: x.NewTab()}
	page.Load(node.URL, "")
	o := page.Request("eth_requestAccounts", "[]")
	if o.Code == 0 { // an account needs no binding
		o = page.Request("personal_sign", signNothing)
	}
	o.RequireError(t, 4100, "bound-elsewhere")
	page.Close()
	x.Sign(d, "after the page")

	// The permissions are cleared: the site is told, and is asked about once more. The binding is another store.
	before := d.Events()
	popup.Run(`
		const kept = async () => JSON.stringify(await chrome.storage.local.get(null))
		const pause = () => new Promise((resolve) => setTimeout(resolve, 300))
		for (let last; last !== (last = await kept()); ) await pause() // what the signature wrote is not written after this
		await chrome.storage.local.clear()`)
	d.WaitForEvent("accountsChanged", before)
	d.Request("personal_sign", signNothing).RequireError(t, 4100, "invalid-argument")
	require.Equal(t, []string{harness.FirstAddress}, x.Connect(d))
	x.Sign(d, "allowed again")

	// The records are cleared: the device is bound to an app that is not there any more, and its code binds it again.
	popup.Run(`for (const { name } of await indexedDB.databases()) {
		await new Promise((done) => Object.assign(indexedDB.deleteDatabase(name), { onsuccess: done, onerror: done }))
	}`)
	signBound()

	// The permission for USB is taken while the device asks. No one can tell the device any more, so the window says to press cancel on it. What
	// the user confirms on the device is lost with it.
	r = d.Start("personal_sign", signNothing)
	x.Answer("accept")
	r.WaitForQuestion()
	popup.Run("for (const device of await navigator.usb.getDevices()) await device.forget()")
	lost := r.Wait()
	lost.RequireError(t, 4100, "permission-denied")
	require.Equal(t, map[string]any{"code": "permission-denied", "reason": "revoked", "retryable": true}, lost.Data)
	window := x.Attach("/request.html")
	window.WaitForState("failed")
	require.Contains(t, window.Text(), "If it still asks you something, press cancel on it.")
	require.True(t, s.Device.Status().Asking)
	s.Device.Press(device.Cancel)
	s.WaitUntilIdle()
	window.Press("choose")
	x.Attach("/pair.html").WaitForState("start")
	x.CloseTarget("/pair.html")

	// From then on the device is not there. One window says so, and offers to choose it. The permission and the binding are kept.
	x.WaitForNoTarget("/request.html")
	d.Request("personal_sign", signNothing).RequireError(t, 4900, "device-disconnected")
	window = x.Attach("/request.html")
	window.WaitFor("[data-action=choose]")
	d.Request("personal_sign", signNothing).RequireError(t, 4900, "device-disconnected")
	require.Len(t, x.Targets("/request.html"), 1)
	window.Press("close")
	x.WaitForNoTarget("/request.html")
	d.Request("personal_sign", signNothing).RequireError(t, 4900, "device-disconnected")
	require.Equal(t, []string{harness.FirstAddress}, d.Accounts())
	require.Empty(t, x.Targets("/request.html"), "it was said once")
	require.True(t, s.IsBound())
}

// TestTwoCopies loads the extension twice, with two ids, as from a store and from a folder, and opens an incognito window. A site finds both
// copies and tells them apart. They are two apps to the device: one says so when the other has bound it. Neither is in the incognito window.
func TestTwoCopies(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	s.ServeDapp()
	first, second := harness.ExtensionFolder(t), filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(second, os.DirFS(first)))
	changeManifest(t, second, func(map[string]any) {})
	script, err := os.ReadFile(filepath.Join(second, "inpage.js"))
	require.NoError(t, err)
	require.Contains(t, string(script), `"im.imkey"`)
	script = []byte(strings.ReplaceAll(string(script), `"im.imkey"`, `"im.imkey.copy"`)) // so that the test knows which is which
	require.NoError(t, os.WriteFile(filepath.Join(second, "inpage.js"), script, 0o600))
	x := s.StartExtension(harness.BrowserOptions{}, first, second)
	other := x.Copy(second)
	d, code := x.BoundSite(origins(s)[0])
	require.Equal(t, []int{2, 2}, harness.Eval[[]int](d.Browser, "[providers.length, new Set(providers.map(({ info }) => info.uuid)).size]"))
	x.Sign(d, "by the first copy")

	d.Run("globalThis.provider = providers[1].provider")
	require.JSONEq(t, "[]", string(d.Request("eth_accounts", "[]").Value), "a permission is for one copy")
	r := d.Start("eth_requestAccounts", "[]")
	other.Answer("accept")
	tab := other.Attach("/pair.html")
	other.GoToCode(tab)
	tab.EnterCode(code)
	tab.WaitForState("bound")
	tab.Press("done")
	require.Equal(t, []string{harness.FirstAddress}, r.Accounts())
	other.Sign(d, "by the second copy")

	// The first copy keeps its permission, and asks for the binding again.
	d.Run("globalThis.provider = providers[0].provider")
	require.Equal(t, []string{harness.FirstAddress}, d.Accounts())
	r = d.Start("personal_sign", signNothing)
	x.Answer("accept")
	x.Attach("/pair.html")
	x.CloseTarget("/pair.html")
	r.Wait().RequireError(t, 4001, "request-cancelled")

	private := x.NewPrivateTab()
	private.Do(chromedp.Navigate(origins(s)[0] + "/dapp-under-test"))
	require.Zero(t, harness.Eval[int](private, `new Promise((done) => {
		let found = 0
		addEventListener('eip6963:announceProvider', () => found++)
		dispatchEvent(new Event('eip6963:requestProvider'))
		setTimeout(() => done(found))
	})`), "no copy is in an incognito window")
}
