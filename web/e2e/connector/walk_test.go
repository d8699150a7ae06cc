package connector_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestWalkOfTheReadme tries one binding for two sites as the README says: two demonstration dApps use one connector. Nothing is plugged in, so
// the connector's window offers the simulated device. The code is typed once, and each site is allowed and signs.
func TestWalkOfTheReadme(t *testing.T) {
	t.Parallel()
	sim := harness.NewSim(t, device.Options{Mnemonic: mnemonic})
	b := sim.StartBrowser(harness.BrowserOptions{Unplugged: true})
	for i := range 2 {
		dapp := b.NewTab()
		dapp.Do(chromedp.Navigate(site(t) + "/dapp?connector=" + url.QueryEscape(sim.URL+"/connect")))
		dapp.WaitFor("[data-action=connect]")
		w := dapp.NewWindow(func() { dapp.Press("connect") })
		w.WaitFor(`[data-state="asking"][data-ready="true"]`)
		w.Press("accept")
		if i == 0 {
			w.Press("connect-simulated")
			bind(w)
		}
		dapp.WaitFor(fmt.Sprintf("[data-account=%q]", account))
		dapp.WaitUntil("document.querySelector('[data-action=give-up]') === null") // the account is shown before the request has ended

		dapp.Press("sign-message")
		w.WaitFor(`[data-state="asking"][data-ready="true"]`)
		w.Press("accept")
		w.WaitForState("device")
		sim.WaitForQuestion()
		sim.Device.Press(device.OK)
		dapp.WaitFor(`[data-outcome="good"]`)
		require.Regexp(t, `^"0x[0-9a-f]{130}"$`, harness.Eval[string](dapp, "document.querySelector('[data-answer]').textContent"))
	}
	require.Equal(t, 1, verified(sim), "the code was typed once")
}
