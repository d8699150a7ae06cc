package provider

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestCoveredCallsDialog asks about a batch of calls in a page where something lies over the dialog, as another site's page does that has
// this one in a frame. The button does not act before nothing covers it, who asks and what happens. On the page of the test, the dialog has
// the round corners and the scroll bars of a small window.
func TestCoveredCallsDialog(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	s.ServeDapp()
	d := &harness.Dapp{Browser: s.StartBrowser(harness.BrowserOptions{})}
	d.ExposeDialog()
	d.Load(harness.NewFakeNode(t).URL, "")
	d.Pair()
	require.Equal(t, []string{harness.FirstAddress}, d.Accounts())
	cover := func(selector string) {
		d.Run(fmt.Sprintf(`
			const cover = Object.assign(document.createElement('div'), { popover: 'manual', id: 'cover' })
			cover.style = 'inset: auto; margin: 0; padding: 0; border: 0; pointer-events: none; background: white'
			document.body.append(cover)
			cover.showPopover()
			const { x, y, width, height } = dialog().querySelector(%q).getBoundingClientRect()
			Object.assign(cover.style, { left: x + 'px', top: y + 'px', width: width + 'px', height: height + 'px' })`, selector))
	}
	for _, part := range []string{"[data-action=accept]", ".request-origin", "h1"} {
		r := d.Start("wallet_sendCalls", fmt.Sprintf(`[{ version: '2.0.0', chainId: '0x%x', from: %q, atomicRequired: false, calls: [{ to: %[2]q, value: '0x1' }, { to: %[2]q, value: '0x2' }] }]`,
			harness.FakeChain, harness.FirstAddress))
		d.WaitForDialog("asking")
		cover(part)
		// The time that an uncovered dialog needs.
		d.Run("await new Promise(go => setTimeout(go, 800))")
		require.Equal(t, "false", harness.Eval[string](d.Browser, "dialog().querySelector('[data-state=asking]').dataset.ready"), part)
		d.Run("dialog().querySelector('[data-action=accept]').click()")
		require.False(t, s.Device.Status().Asking)
		d.Run("cover.remove()")
		d.Run("while (!dialog().querySelector('[data-ready=true]')) await new Promise(requestAnimationFrame)")
		d.Run("dialog().querySelector('[data-action=reject]').click()")
		r.Wait().RequireError(t, 4001, "user-rejected")
	}
}
