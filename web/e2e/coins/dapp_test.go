package coins

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestCoinsOfTheDapp goes through the tabs of the demonstration dApp. Each coin connects, shows its address, and signs a message and a sample.
func TestCoinsOfTheDapp(t *testing.T) {
	t.Parallel()
	s := harness.NewSimFor(t, device.Options{Mnemonic: testPhrase}, 2*harness.Timeout)
	b := s.StartBrowser(harness.BrowserOptions{})
	b.ExposeDialog()
	b.Open("/dapp")
	b.WaitFor("[data-coin=ethereum][aria-selected=true]")
	answered := func(outcome string) {
		b.WaitUntil(fmt.Sprintf("document.querySelector('.doing-waits') === null && document.querySelector('.step [data-outcome=%q]') !== null", outcome))
	}
	answer := "document.querySelector('[data-answer]').textContent"
	for i, coin := range []struct{ name, address, says, pays string }{
		{"bitcoin", paymentAddress, `"psbt": "`, "0.00149 BTC"},
		{"tron", tronAddress, `"signature": [`, "1.5 TRX"},
		{"cosmos", cosmosAddress, `"signature": "`, "0.001 ATOM"},
	} {
		b.Run(fmt.Sprintf("document.querySelector('[data-coin=%s]').click()", coin.name))
		b.WaitFor(fmt.Sprintf("[data-coin=%s][aria-selected=true]", coin.name))
		b.Press("sign-coin-message")
		b.WaitForTextIn("[role=alert]", "dapp.connectFirst")
		b.Press("connect")
		if i == 0 {
			b.BindInDialog(s.Device.Code())
		}
		b.WaitFor(fmt.Sprintf("[data-account=%q]", coin.address))
		answered("good")

		b.Press("sign-coin-message")
		s.Device.Approve()
		answered("good")
		require.NotEmpty(t, harness.Eval[string](b, answer))

		b.Run("document.querySelector('[data-ask=transaction]').click()")
		b.Press("sign-coin-transaction")
		question := s.Device.Approve()
		answered("good")
		require.Contains(t, question, coin.pays)
		require.Contains(t, harness.Eval[string](b, answer), coin.says, coin.name)
		require.Contains(t, harness.Eval[string](b, "document.querySelector('.earlier').textContent"), coin.address)

		// A rejection on the device, and a sample that the user spoiled.
		b.Press("sign-coin-transaction")
		s.Device.Reject()
		b.WaitUntil("document.querySelector('.step [data-outcome]:not([data-outcome=good])') !== null")
		b.RequireText("dapp.rejected")
		b.Run("for (const field of document.querySelectorAll('#coin-what, #coin-to')) field.value = 'spoiled!'")
		b.Press("sign-coin-transaction")
		key := map[string]string{"bitcoin": "dapp.psbtForm", "tron": "dapp.tronAddressForm", "cosmos": "dapp.documentForm"}[coin.name]
		b.WaitForTextIn("[role=alert]", key)
		b.Press("disconnect")
		b.WaitFor("[data-action=connect]")
	}
	s.WaitUntilIdle()
	// Ethereum is as it was.
	b.Run("document.querySelector('[data-coin=ethereum]').click()")
	b.Press("connect")
	b.WaitFor("[data-account^='0x']")

	// Through a connector, whose window asks.
	b.Do(chromedp.Navigate(siteOf(s) + "/dapp?connector=" + s.URL))
	b.WaitFor("[data-coin=tron]")
	b.Run("document.querySelector('[data-coin=tron]').click()")
	window := b.NewWindow(func() { b.Press("connect") })
	press := func(action string) {
		window.WaitFor(`[data-state="asking"][data-ready="true"]`)
		window.Press(action)
	}
	press("accept")
	b.WaitFor(fmt.Sprintf("[data-account=%q]", tronAddress))
	answered("good")
	b.Run("document.querySelector('[data-ask=transaction]').click()")
	b.Press("sign-coin-transaction")
	press("accept")
	require.Contains(t, strings.ReplaceAll(s.Device.Approve(), "\n", ""), "THfuSDVRvSsjNDPFdGjMU19Ha4Kf7acotq")
	answered("good")
}
