package provider

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestDemoLooks goes through the demonstration dApp in both languages and measures every view.
func TestDemoLooks(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.ExposeDialog()
	b.Open("/dapp")
	var all harness.Looks
	for _, language := range []string{"en", "zh"} {
		b.OpenInLanguage(language, "/dapp")
		b.WaitFor("[data-action=connect-simulated]")
		b.PrepareLook()
		look := func(what string) {
			for _, screen := range harness.Screens {
				b.SetScreen(screen.Width, screen.Scheme, screen.Reduced)
				b.Run(fmt.Sprintf("looking.add(%q, %v)", fmt.Sprintf("%s, %s: %s", screen, language, what), screen.Reduced))
			}
		}
		tab := func(name string) { b.Run(fmt.Sprintf("document.querySelector('[data-tab=%s]').click()", name)) }
		asked := func() {
			b.WaitUntil("document.querySelector('.unit-knob[data-button=ok]:enabled') !== null")
		}
		answered := func(outcome string) {
			b.WaitUntil(fmt.Sprintf("document.querySelector('[data-action=give-up]') === null && document.querySelector('[data-outcome=%q]') !== null", outcome))
		}
		look("start")
		for _, coin := range []string{"bitcoin", "tron", "cosmos", "ethereum"} {
			b.Run(fmt.Sprintf("document.querySelector('[data-coin=%s]').click()", coin))
			if coin != "ethereum" {
				b.Run("document.querySelector('[data-ask=transaction]').click()")
				look("start of " + coin)
			}
		}
		b.Press("sign-message")
		look("without an account")

		b.Press("connect-simulated")
		if language == "en" { // it is bound the second time
			b.BindInDialog(s.Device.Code())
		}
		b.WaitFor(fmt.Sprintf("[data-account=%q]", harness.DemoAddress))
		b.WaitUntil("document.querySelector('[data-action=give-up]') === null") // the account is shown before the request has ended
		look("connected")

		b.Press("sign-message")
		asked()
		b.WaitUntil("document.querySelector('.unit-screen').textContent.startsWith('Sign message:')")
		look("asked about a message")
		b.Run("document.querySelector('.unit-knob[data-button=ok]').click()")
		answered("good")
		require.Regexp(t, `^"0x[0-9a-f]{130}"$`, harness.Eval[string](b, "document.querySelector('[data-answer]').textContent"))
		b.Run("document.querySelector('.earlier').open = true")
		look("signed, and what was before")
		b.Run("document.querySelector('.earlier').open = false")

		tab("typed-data")
		b.Run("document.querySelector('#permit-all').click()")
		b.Press("sign-typed-data")
		asked()
		b.WaitUntil("document.querySelector('.unit-screen').textContent.startsWith('Sign blindly:')")
		b.WaitUntil("document.querySelectorAll('.note-warning').length === 2") // for the missing limit and for blind signing
		look("asked about a permit without limit")
		b.Run("document.querySelector('.unit-knob[data-button=cancel]').click()")
		answered("4001")
		require.Equal(t, 1, harness.Eval[int](b, "document.querySelectorAll('.note-warning').length"), "the warning of blind signing is gone")
		look("declined")

		tab("transaction")
		for _, kind := range []string{"tokens", "approve", "unknown", "coins"} {
			b.Run(fmt.Sprintf("kind.value = %q; kind.dispatchEvent(new Event('change'))", kind))
			look("a transaction, " + kind)
		}
		b.Run("amount.value = 'much'")
		b.Press("send-transaction")
		b.WaitUntil("document.querySelector('.message-error').textContent !== ''")
		look("a wrong amount")

		tab("chain")
		b.Run("chain.value = '1'")
		b.Press("switch-chain")
		b.WaitFor("[data-chain='1']")
		look("another chain")
		b.Run("node.value = 'http://example.org'")
		b.Press("use-node")
		b.WaitUntil("document.querySelector('.message-error').textContent !== ''")
		look("no node of this computer's")
		all.Add(b.Looked())
	}
	b.CheckConsole()
	all.Report(t)
}

// TestDemoWithoutANode checks what the demonstration says where no node answers, and where the device has no wallet.
func TestDemoWithoutANode(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase, Approve: device.Yes})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.ExposeDialog()
	b.Open("/dapp")
	node := httptest.NewServer(http.NotFoundHandler())
	node.Close() // its address does not answer any more
	b.WaitFor("[data-action=connect-simulated]")
	// The page asks a node for its chain before it uses the node. This node disappears after that.
	b.Run(fmt.Sprintf(`
		const { fetch } = globalThis
		globalThis.fetch = (url, init) => String(url).startsWith(%[1]q)
			? Promise.resolve(Response.json({ jsonrpc: '2.0', id: 1, result: '0x7a69' })) : fetch(url, init)
		document.querySelector('[data-tab=chain]').click()
		node.value = %[1]q
		document.querySelector('[data-action=use-node]').click()
		while (!document.querySelector('.column').innerText.includes(%[2]q)) await new Promise(requestAnimationFrame)
		globalThis.fetch = fetch`, node.URL, b.Words("dapp.nodeIs", map[string]string{"en": b.Words("dapp.localChain")})))
	b.Press("connect-simulated")
	b.BindInDialog(s.Device.Code())
	b.WaitFor("[data-outcome=good]") // the page takes one request at a time, and shows the account before the first one has ended

	b.Run("document.querySelector('[data-tab=transaction]').click()")
	b.Press("send-transaction")
	b.WaitUntil("document.querySelector('[data-outcome=\"-32603\"]') !== null")
	b.RequireText("dapp.noNodeAt", node.URL)
	shown := b.Text()
	require.Contains(t, shown, "npx @foundry-rs/anvil")
	require.Contains(t, shown, "node-unreachable")
	require.NotContains(t, shown, "timeout")

	s.Device.Reset()
	b.Run("document.querySelector('[data-tab=message]').click()")
	b.Press("sign-message")
	b.WaitForDialog("reset") // the reset also erased the binding
	b.Run("dialog().querySelector('[data-action=go-on]').click()")
	b.WaitForDialog("code")
	b.EnterCode(s.Device.Code())
	b.WaitForDialog("bound")
	b.Run("dialog().querySelector('[data-action=done]').click()")
	b.WaitUntil("document.querySelector('[data-action=give-up]') === null && document.querySelector('[data-outcome=\"-32603\"]') !== null")
	b.RequireText("errors.advice.what", "wallet-missing", harness.OnLinux)
	b.RequireText("dapp.simulatedWallet")
}

// TestDemoUnpluggedDuringARequest unplugs the device during a request. The page says that nothing was signed, and does not
// repeat the request.
func TestDemoUnpluggedDuringARequest(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Bind()
	b.Open("/dapp")
	b.Press("connect")
	b.WaitUntil("document.querySelector('[data-outcome=good]') !== null")
	b.Press("sign-message")
	s.WaitForQuestion()
	s.Device.Unplug()
	b.WaitForText("dapp.unpluggedMeanwhile")
	b.WaitUntil("document.querySelector('.unit-unplugged') !== null")
	s.Device.Plug()
	b.WaitUntil("document.querySelector('.unit-unplugged') === null")
}

// TestDemoTrustsEveryCA checks that the demonstration verifies the second simulated device, which has a CA of its own.
func TestDemoTrustsEveryCA(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{}, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Permitted: s.Devices[1:]})
	b.ExposeDialog()
	b.Open("/dapp")
	b.Press("connect")
	b.WaitForDialog("recognised")
	require.Contains(t, harness.Eval[string](b, "dialog().textContent"), s.Devices[1].Serial())
	require.Equal(t, "verified", harness.Eval[string](b, "dialog().querySelector('[data-certificate]').dataset.certificate"))
}

// TestDemoAfterAnUncertainPayment sends a transaction to a node that refuses it. The page says that it may be on its way, and sends the
// same one when the button is pressed again.
func TestDemoAfterAnUncertainPayment(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase, Approve: device.Yes})
	n := harness.NewFakeNode(t)
	n.Answer("eth_chainId", "0x7a69")
	n.Handle("eth_sendRawTransaction", refused)
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Bind()
	b.Open("/dapp")
	b.WaitFor("[data-action=connect]")
	b.Run(fmt.Sprintf(`
		document.querySelector('[data-tab=chain]').click()
		node.value = %q
		document.querySelector('[data-action=use-node]').click()`, n.URL))
	b.WaitForText("dapp.nodeIs", map[string]string{"en": b.Words("dapp.localChain")})
	b.Press("connect")
	b.WaitFor("[data-outcome=good]")
	b.Run("document.querySelector('[data-tab=transaction]').click()")
	b.Press("send-transaction")
	b.WaitForText("dapp.maybeSent")
	n.Handle("eth_sendRawTransaction", nil)
	n.Answer("eth_getTransactionCount", "0x6")
	b.Press("send-transaction")
	b.WaitFor("[data-outcome=good]")
	require.Equal(t, []int{5}, nonces(t, n.TakeSent()))
}
