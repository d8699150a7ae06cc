package extension_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

const signNothing = `["0x00", "` + harness.FirstAddress + `"]`

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
	script = []byte(strings.Replace(string(script), `"im.imkey"`, `"im.imkey.copy"`, 1)) // so that the test knows which is which
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

	browser := chromedp.FromContext(x.Ctx).Browser
	private, err := cdp.Call(x.Ctx, browser, target.CreateBrowserContext, target.CreateBrowserContextParams{})
	require.NoError(t, err)
	opened, err := cdp.Call(x.Ctx, browser, target.CreateTarget, target.CreateTargetParams{
		URL: origins(s)[0] + "/dapp-under-test", BrowserContextID: private.BrowserContextID,
	})
	require.NoError(t, err)
	ctx, done := chromedp.NewContext(x.Ctx, chromedp.WithTargetID(opened.TargetID))
	t.Cleanup(done)
	found, err := chromedp.Run(ctx, chromedp.Evaluate[int](`new Promise((done) => {
		let found = 0
		addEventListener('eip6963:announceProvider', () => found++)
		dispatchEvent(new Event('eip6963:requestProvider'))
		setTimeout(() => done(found))
	})`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	require.Zero(t, found, "no copy is in an incognito window")
}
