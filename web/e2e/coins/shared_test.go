package coins

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/bitcoin"
	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// wallet is a wallet that several sites share: a connector's window or the extension.
type wallet struct {
	s    *harness.Sim
	site *harness.Browser
	// answer presses a button of the request screen, when it acts.
	answer func(action string)
	// reads returns the text of the request screen that asks. It is empty where a test cannot attach to it.
	reads func() string
	// cancel presses the button of the request screen while the device asks.
	cancel func()
	// goOn ends the screens that say how a request failed.
	goOn func()
	// devices waits until the wallet's browser lists n devices.
	devices func(n int)
	// crash ends the wallet's process, which starts again with the next request. It is nil where a test cannot do that.
	crash func()
	// revoke takes the site's permission for a coin in the list of sites.
	revoke func(coin string)
	// all runs every kind of request. Otherwise those are left out that differ from the others in the page alone.
	all bool
}

// siteOf is the simulator's address by another name, which is another origin.
func siteOf(s *harness.Sim) string {
	return "http://localhost" + s.URL[strings.LastIndexByte(s.URL, ':'):]
}

// serveClients serves the page of a dApp for several coins.
func serveClients(t *testing.T, s *harness.Sim, node *tronNode) *esplora {
	script, err := bitcoin.Mainnet.ParseAddress(paymentAddress)
	require.NoError(t, err)
	spent := &esplora{value: 1_000_000, previous: &bitcoin.Transaction{
		Version: 2, Inputs: []bitcoin.Input{{OutPoint: bitcoin.OutPoint{TxID: [32]byte{1}}}}, Outputs: []bitcoin.Output{{Amount: 1_000_000, Script: script}},
	}}
	s.Handle("/esplora/", spent.ServeHTTP)
	for path, entry := range map[string]string{
		"/tron-clients.js": "libraries.mjs", "/sats-connect.js": "bitcoin-libraries.mjs", "/cosmjs.js": "cosmos-libraries.mjs",
	} {
		script := clients(t, entry)
		s.Handle(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(script)
		})
	}
	s.Handle("/node/", node.ServeHTTP)
	s.ServeHTML("/coins", `<!doctype html><meta charset="utf-8"><title>a dApp for coins</title>`)
	return spent
}

const tools = `
	window.tell = async f => { try { return { value: await f() } } catch (e) { return { code: e.code ?? 0, message: String(e.message ?? e) } } }
	window.events = []
	await import('/sats-connect.js')
	window.sats = async (method, params) => {
		const { status, result, error } = await satsConnect.request(method, params, 'imKeyProviders.BitcoinProvider')
		if (status === 'success') return result
		throw error
	}
	`

// testBitcoin has sats-connect ask for accounts, messages and PSBTs, and in a page with a node for a transfer.
func (w *wallet) testBitcoin(t *testing.T, node *esplora, sends bool) {
	require.Equal(t, -32002, harness.Eval[outcome](w.site, "tell(() => sats('signMessage', { address: '"+paymentAddress+"', message: 'x' }))").Code,
		"the site has not asked for the accounts")
	begin(w.site, "sats('getAccounts', { purposes: ['payment', 'ordinals'], message: 'hi' }).then((list) => list.map((a) => [a.purpose, a.address].join(' ')).join())")
	if text := w.reads(); text != "" {
		require.Contains(t, text, "wants to see your Bitcoin address")
	}
	w.answer("accept")
	require.Equal(t, "payment "+paymentAddress+",ordinals "+ordinalsAddress, harness.Eval[outcome](w.site, "ends").Value)
	for _, m := range []struct{ address, protocol, want string }{{paymentAddress, "ECDSA", "ECDSA 88"}, {ordinalsAddress, "BIP322", "BIP322 88"}} {
		got, screen, _ := w.signs(`sats('signMessage', { address: '` + m.address + `', message: 'hello there', protocol: '` + m.protocol + `' }).then((value) => value.protocol + ' ' + value.signature.length)`)
		require.Equal(t, m.want, got.Value, got)
		if screen != "" {
			require.Contains(t, screen, "hello there")
			require.Contains(t, screen, m.address)
		}
	}
	output := node.previous.Outputs[0]
	unsigned := &bitcoin.Transaction{
		Version: 2, Inputs: []bitcoin.Input{{OutPoint: bitcoin.OutPoint{TxID: node.previous.TxID()}}}, Outputs: []bitcoin.Output{{Amount: 999_000, Script: output.Script}},
	}
	psbt := func(amount uint64) string {
		unsigned.Outputs[0].Amount = amount
		return "btoa(" + javaScriptBytes(psbtOf(unsigned, output)) + ")"
	}
	got, screen, question := w.signs(`sats('signPsbt', { psbt: ` + psbt(999_000) + `, signInputs: { '` + paymentAddress + `': [0] } }).then(({ psbt }) => psbt.length > 200)`)
	require.Equal(t, true, got.Value, got)
	require.Contains(t, question, "0.00999 BTC")
	if screen != "" {
		require.Contains(t, screen, "Send 0.00999 BTC to")
		require.Contains(t, screen, paymentAddress)
		require.Contains(t, screen, "0.00001 BTC") // the fee
	}
	if sends {
		w.sends(t, node)
	}
	for name, c := range map[string]struct {
		code       int
		expression string
	}{
		"another address":         {-32002, "sats('signMessage', { address: '1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH', message: 'x' })"},
		"an empty message":        {-32602, "sats('signMessage', { address: '" + paymentAddress + "', message: '' })"},
		"no PSBT":                 {-32602, "sats('signPsbt', { psbt: 'x' })"},
		"an input that is absent": {-32602, "sats('signPsbt', { psbt: " + psbt(998_000) + ", signInputs: { '" + paymentAddress + "': [7] } })"},
	} {
		require.Equal(t, c.code, harness.Eval[outcome](w.site, "tell(() => "+c.expression+")").Code, name)
	}
	// A fee of 0.006 BTC needs a tick on the screen.
	begin(w.site, `sats('signPsbt', { psbt: `+psbt(400_000)+` })`)
	if screen := w.reads(); screen != "" {
		require.Contains(t, screen, "This fee is unusually high")
	}
	w.answer("reject")
	require.Equal(t, -32000, harness.Eval[outcome](w.site, "ends").Code)
	w.s.WaitUntilIdle()
}

// sends has sats-connect make and send a transfer, with the node that the wallet or the page has.
func (w *wallet) sends(t *testing.T, node *esplora) {
	got, screen, question := w.signs(`sats('sendTransfer', { recipients: [{ address: '` + ordinalsAddress + `', amount: 400_000 }] }).then(({ txid }) => txid.length)`)
	require.InDelta(t, 64, got.Value, 0, got)
	require.Len(t, node.sent, 1)
	require.Contains(t, strings.ReplaceAll(question, "\n", ""), ordinalsAddress)
	if screen != "" {
		require.Contains(t, screen, "Send 0.004 BTC to")
		require.Contains(t, screen, "Back to you")
	}
}

// begin runs JavaScript as in a click and notes how it ends.
func begin(b *harness.Browser, expression string) {
	b.T.Helper()
	_, err := chromedp.Run(b.Ctx, chromedp.Evaluate[bool]("window.ends = tell(async () => "+expression+"), true", func(p *runtime.EvaluateParams) {
		gesture := true
		p.UserGesture = &gesture
	}))
	require.NoError(b.T, err)
}

// signs runs JavaScript that the user allows on the screen and confirms on the device. It returns how it ended, what the screen said, and what
// the device showed.
func (w *wallet) signs(expression string) (end outcome, screen, question string) {
	w.s.T.Helper()
	begin(w.site, expression)
	screen = w.reads()
	w.answer("accept")
	question = w.s.Device.Approve()
	return harness.Eval[outcome](w.site, "ends"), screen, question
}

// badInput checks what no wallet signs: each has its code, asks no user, and leaves the device idle. An applet that is missing or too old is known
// only after the user's yes.
func (w *wallet) badInput(t *testing.T) {
	transfer := func(change string) string {
		return "(() => { const lie = structuredClone(transfer); delete lie.signature; " + change + "; return tron.tronWeb.trx.sign(lie) })()"
	}
	const many = "'cHNidP8BAP0' + 'A'.repeat(2 << 20)"
	for name, c := range map[string]struct {
		code       int
		expression string
	}{
		"TRON: an empty message":                {-32602, "tron.tronWeb.trx.signMessageV2('')"},
		"TRON: an odd message of version 1":     {-32602, "tron.tronWeb.trx.sign('abc')"},
		"TRON: another owner":                   {-32602, transfer("lie.raw_data.contract[0].parameter.value.owner_address = '41547b45770ee4401494c9157e8263e7a133cbd88d'")},
		"TRON: another id":                      {-32602, transfer("lie.txID = 'ab'.repeat(32)")},
		"TRON: another amount":                  {-32602, transfer("lie.raw_data.contract[0].parameter.value.amount = 1")},
		"TRON: truncated raw data":              {-32602, transfer("lie.raw_data_hex = lie.raw_data_hex.slice(0, -2)")},
		"TRON: an unknown field":                {-32602, transfer("lie.raw_data_hex += 'f80100'")},
		"TRON: raw data of a megabyte":          {-32602, transfer("lie.raw_data_hex += '00'.repeat(1 << 20)")},
		"Bitcoin: a PSBT of 2 MB":               {-32602, "sats('signPsbt', { psbt: " + many + " })"},
		"Bitcoin: no base 64":                   {-32602, "sats('signPsbt', { psbt: '!' })"},
		"Bitcoin: another network":              {-32602, "sats('sendTransfer', { recipients: [{ address: 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', amount: 1000 }] })"},
		"Bitcoin: mixed case":                   {-32602, "sats('sendTransfer', { recipients: [{ address: '" + paymentAddress[:20] + strings.ToUpper(paymentAddress[20:]) + "', amount: 1000 }] })"},
		"Bitcoin: zero":                         {-32602, "sats('sendTransfer', { recipients: [{ address: '" + paymentAddress + "', amount: 0 }] })"},
		"Cosmos: an empty message":              {-32602, "cosmos.signArbitrary('', '" + cosmosAddress + "', '')"},
		"Cosmos: a memo with a control code":    {-32602, cosmosSend("1", cosmosAddress, "a\x1b[2J")},
		"Cosmos: an amount of zero":             {-32602, cosmosSend("0", cosmosAddress, "")},
		"Cosmos: a receiver in mixed case":      {-32602, cosmosSend("1", cosmosAddress[:20]+strings.ToUpper(cosmosAddress[20:]), "")},
		"Cosmos: a document with another field": {-32602, strings.Replace(cosmosSend("1", cosmosAddress, ""), "memo:", "tip: {}, memo:", 1)},
	} {
		got := harness.Eval[outcome](w.site, "tell(() => "+c.expression+")")
		require.Equal(t, c.code, got.Code, "%s: %s", name, got.Message)
	}
	w.s.WaitUntilIdle()
	for _, c := range []struct{ applet, version, request, code string }{
		{"tron", "", "tron.tronWeb.trx.signMessageV2('x')", "applet-missing"},
		{"bitcoin", "1.6.10", "sats('signMessage', { address: '" + paymentAddress + "', message: 'x', protocol: 'ECDSA' })", "applet-outdated"},
	} {
		if c.version == "" {
			require.NoError(t, w.s.Device.Simulated.SetInstalled(c.applet, false))
		} else {
			require.NoError(t, w.s.Device.Simulated.Install(c.applet, c.version))
		}
		begin(w.site, c.request+".catch((e) => e.data.code)")
		w.answer("accept")
		require.Equal(t, c.code, harness.Eval[outcome](w.site, "ends").Value)
		w.goOn()
		if c.version == "" {
			require.NoError(t, w.s.Device.Simulated.SetInstalled(c.applet, true))
		} else {
			require.NoError(t, w.s.Device.Simulated.Install(c.applet, "1.6.11"))
		}
	}
	w.s.WaitUntilIdle()
}

// cosmosSend is an amino document that sends uatom.
func cosmosSend(amount, to, memo string) string {
	return `cosmos.signAmino('` + cosmosAddress + `', { chain_id: 'cosmoshub-4', account_number: '1', sequence: '2', memo: '` + memo + `', fee: { gas: '200000', amount: [] },
		msgs: [{ type: 'cosmos-sdk/MsgSend', value: { from_address: '` + cosmosAddress + `', to_address: '` + to + `', amount: [{ denom: 'uatom', amount: '` + amount + `' }] } }] })`
}

// ends checks each end of a request while the device asks: the user cancels on the screen, the device is unplugged, another one is in its place,
// and the wallet's process ends. Each has its code, the device asks nothing afterwards, and the next request succeeds. The simulator has a
// second device with the same wallet, unplugged.
func (w *wallet) ends(t *testing.T) {
	coins := []struct{ name, request string }{
		{"tron", "tron.tronWeb.trx.signMessageV2('x').then((signature) => signature.length > 100)"},
		{"bitcoin", "sats('signMessage', { address: '" + paymentAddress + "', message: 'x' }).then(({ signature }) => signature.length > 50)"},
		{"cosmos", "cosmos.signArbitrary('', '" + cosmosAddress + "', 'x').then(({ signature }) => signature.length > 50)"},
	}
	if os.Getenv("IMKEY_FULL") == "" {
		coins = coins[:1] // the others differ in the page alone
	}
	for _, coin := range coins {
		asks := func() {
			begin(w.site, coin.request)
			w.answer("accept")
			w.s.WaitForQuestion()
		}
		ended := func(code int, what string) {
			t.Helper()
			if coin.name == "bitcoin" { // those of sats-connect
				code = map[int]int{4001: -32000, 4900: -32603}[code]
			}
			require.Equal(t, code, harness.Eval[outcome](w.site, "ends").Code, "%s, %s", coin.name, what)
			w.s.WaitUntilIdle()
			w.goOn()
		}
		succeeds := func() {
			t.Helper()
			got, _, _ := w.signs(coin.request)
			require.Equal(t, true, got.Value, "%s: %v", coin.name, got)
		}
		asks()
		w.cancel()
		ended(4001, "cancel")
		succeeds()

		asks()
		w.s.Device.Unplug()
		ended(4900, "unplug")
		w.s.Devices[1].Plug()
		w.devices(1)
		begin(w.site, coin.request)
		ended(4900, "another device with the same wallet")
		require.False(t, w.s.Devices[1].Status().Asking)
		w.s.Devices[1].Unplug()
		w.devices(0)
		w.s.Device.Plug()
		w.devices(1)
		succeeds()

		if w.crash != nil {
			asks()
			w.crash()
			ended(4900, "crash")
			succeeds()
		}
	}
}

// testTRON has tronweb make transactions and messages and verify what the wallet signed. The provider is made, and the device is bound.
func (w *wallet) testTRON(t *testing.T, node *tronNode) {
	const other = "THfuSDVRvSsjNDPFdGjMU19Ha4Kf7acotq"
	const usdt = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
	got, screen, question := w.signs(`{ const signed = await tron.tronWeb.trx.sign(window.transfer = await tronWeb.transactionBuilder.sendTrx('` + other + `', 1_500_000, '` + tronAddress + `'))
		return signed.signature.length === 1 && [tronWeb.trx.ecRecover(signed), await tronWeb.trx.sendRawTransaction(signed).then(({ result }) => result)].join() }`)
	require.Equal(t, tronAddress+",true", got.Value, got)
	require.Len(t, node.taken, 1)
	require.Contains(t, question, "1.5 TRX")
	if screen != "" {
		require.Contains(t, screen, "Send 1.5 TRX to")
		require.Contains(t, screen, other)
		require.Contains(t, screen, siteOf(w.s)[len("http://"):])
	}
	got, screen, question = w.signs(`{ const { transaction } = await tronWeb.transactionBuilder.triggerSmartContract('` + usdt + `', 'approve(address,uint256)', { feeLimit: 100_000_000, txLocal: true },
		[{ type: 'address', value: '` + other + `' }, { type: 'uint256', value: '0x' + 'f'.repeat(64) }], '` + tronAddress + `'); return tronWeb.trx.ecRecover(await tron.tronWeb.trx.sign(transaction)) }`)
	require.Equal(t, tronAddress, got.Value, got)
	require.Contains(t, question, "UNLIMITED USDT")
	if screen != "" {
		require.Contains(t, screen, "spend all your USDT")
	}
	got, _, _ = w.signs(`tronWeb.trx.verifyMessageV2('Hello', await tron.tronWeb.trx.signMessageV2('Hello'))`)
	require.Equal(t, tronAddress, got.Value, got)
	if w.all {
		w.testTRONMessages(t, other, usdt)
	}

	// The user rejects on the screen, and on the device. A lie is refused without a question.
	begin(w.site, "tron.tronWeb.trx.signMessageV2('reject')")
	w.answer("reject")
	require.Equal(t, 4001, harness.Eval[outcome](w.site, "ends").Code)
	begin(w.site, "tron.tronWeb.trx.signMessageV2('reject')")
	w.answer("accept")
	w.s.Device.Reject()
	require.Equal(t, 4001, harness.Eval[outcome](w.site, "ends").Code)
	require.Equal(t, -32602, harness.Eval[outcome](w.site, "tell(async () => { const lie = structuredClone(transfer); lie.raw_data.contract[0].parameter.value.amount = 1; return tron.tronWeb.trx.sign(lie) })").Code)
	w.s.WaitUntilIdle()
}

// testTRONMessages signs messages of version 1 and typed data.
func (w *wallet) testTRONMessages(t *testing.T, other, usdt string) {
	got, _, _ := w.signs(`tronWeb.trx.verifyMessage('645c0b7b', await tron.tronWeb.trx.sign('0x645c0b7b'), '` + tronAddress + `')`)
	require.Equal(t, true, got.Value, got)
	typed := `{ name: 'Shop', chainId: '0x2b6653dc', verifyingContract: '` + usdt + `' }, { Order: [{ name: 'to', type: 'address' }] }, { to: '` + other + `' }`
	got, _, _ = w.signs(`tronWeb.trx.verifyTypedData(` + typed + `, await tron.tronWeb.trx._signTypedData(` + typed + `), '` + tronAddress + `')`)
	require.Equal(t, true, got.Value, got)
}

// testCosmos has cosmjs sign, and an amino document, which the screen shows in words and as a tree.
func (w *wallet) testCosmos(t *testing.T) {
	const to = "cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt"
	require.Equal(t, 4100, harness.Eval[outcome](w.site, "tell(() => cosmos.signArbitrary('', '"+cosmosAddress+"', 'x'))").Code, "the site has not asked for the accounts")
	begin(w.site, "cosmos.getAccounts().then(([a]) => a.address)")
	if screen := w.reads(); screen != "" {
		require.Contains(t, screen, "wants to see your Cosmos address")
	}
	w.answer("accept")
	require.Equal(t, cosmosAddress, harness.Eval[outcome](w.site, "ends").Value)
	send := `cosmjs(cosmos).direct('` + cosmosAddress + `', [{ typeUrl: '/cosmos.bank.v1beta1.MsgSend', value: { fromAddress: '` + cosmosAddress + `', toAddress: '` + to + `',
		amount: [{ denom: 'uatom', amount: '1000' }] } }], { gas: '200000', amount: [{ denom: 'uatom', amount: '750' }] }, 'hi')`
	forms := []string{"direct", "amino"}
	if !w.all {
		forms = forms[:1]
	}
	for i, form := range forms {
		got, screen, question := w.signs(strings.Replace(send, ".direct", "."+form, 1))
		require.Equal(t, true, got.Value, got)
		require.Contains(t, question, "0.001 ATOM")
		if screen != "" {
			require.Contains(t, screen, "Send 0.001 ATOM to cosmos1yeckx")
			require.Contains(t, screen, []string{"toAddress", "to_address"}[i], "the tree has the names of the document")
			require.Contains(t, screen, []string{"gasLimit", "gas"}[i], "and the fee")
		}
	}
	// A lie does not reach the device, and neither does a rejected request.
	lie := strings.Replace(send, "fromAddress: '"+cosmosAddress, "fromAddress: '"+to, 1)
	require.Equal(t, 4100, harness.Eval[outcome](w.site, "tell(() => "+lie+")").Code)
	begin(w.site, "cosmos.signArbitrary('', '"+cosmosAddress+"', 'reject')")
	w.answer("reject")
	require.Equal(t, 4001, harness.Eval[outcome](w.site, "ends").Code)
	w.s.WaitUntilIdle()
}

// TestCoinsOfAConnector has the real client libraries sign through a connector's window. The permissions of coins are taken one by one.
func TestCoinsOfAConnector(t *testing.T) {
	t.Parallel()
	s := harness.NewSimFor(t, device.Options{Mnemonic: testPhrase}, 3*harness.Timeout, device.Options{Mnemonic: testPhrase})
	s.Devices[1].Unplug()
	node := &tronNode{}
	spent := serveClients(t, s, node)
	b := s.StartBrowser(harness.BrowserOptions{})
	site := b.NewTab()
	site.Do(chromedp.Navigate(siteOf(s) + "/coins"))
	site.Run(tools + `
		await import('/tron-clients.js')
		await import('/cosmjs.js')
		const { createTronProvider } = await import('/imkey-tron.js')
		const { createBitcoinProvider, registerBitcoinProvider } = await import('/imkey-bitcoin.js')
		registerBitcoinProvider(createBitcoinProvider({ node: location.origin + '/esplora', connector: '` + s.URL + `' }))
		const { createCosmosSigner } = await import('/imkey-cosmos.js')
		window.cosmos = createCosmosSigner({ connector: '` + s.URL + `' })
		const { createProvider } = await import('/imkey.js')
		window.tronWeb = new libraries.TronWeb({ fullHost: location.origin + '/node' })
		window.tron = createTronProvider({ tronWeb, connector: '` + s.URL + `' })
		window.ethereum = createProvider({ chains: [{ chainId: 1, rpcUrls: [location.origin + '/node'] }], connector: '` + s.URL + `' })
		for (const name of ['connect', 'disconnect', 'accountsChanged']) tron.on(name, (payload) => events.push([name, payload]))`)
	require.Equal(t, 4100, harness.Eval[outcome](site, "tell(() => tron.tronWeb.trx.signMessageV2('x'))").Code, "the site has not asked for the accounts")
	window := site.NewWindow(func() { begin(site, "tron.request({ method: 'tron_requestAccounts' })") })
	w := &wallet{s: s, site: site, all: true}
	w.answer = func(action string) {
		window.WaitFor(`[data-state="asking"][data-ready="true"]`)
		window.Press(action)
	}
	w.reads = func() string {
		window.WaitFor(`[data-state="asking"][data-ready="true"]`)
		return window.Text()
	}
	w.cancel = func() {
		window.WaitFor(`[data-state="device"] [data-action=cancel]`)
		window.Press("cancel")
	}
	w.goOn = func() {
		window.Run("document.querySelector('[data-state=failed] button, [data-state=withdrawn] button')?.click()")
	}
	w.devices = window.WaitForDevices
	w.revoke = func(coin string) {
		// The window shows how a request ended until its user goes on, and then the list of sites.
		row := `[data-coin="` + coin + `"] `
		if coin == "ethereum" {
			row = `[data-origin]:not([data-coin]) `
		}
		window.WaitFor(row + "[data-action=revoke]")
		window.Run("document.querySelector('" + row + "[data-action=revoke]').click()")
		window.Press("revoke-now")
	}
	require.Contains(t, w.reads(), "wants to see your TRON address")
	w.answer("accept")
	window.WaitForState("recognised")
	window.Press("go-on")
	window.WaitForState("code")
	window.EnterCode(s.Device.Code())
	require.Equal(t, []any{tronAddress}, harness.Eval[outcome](site, "ends").Value)
	w.testTRON(t, node)
	w.testBitcoin(t, spent, true)
	w.testCosmos(t)
	w.badInput(t)
	w.ends(t)
	w.testPermissions(t)
	manages(t, b, site)
}

// manages looks at the sites on the page that manages the device, and takes a permission there.
func manages(t *testing.T, b, site *harness.Browser) {
	page := b.NewTab()
	page.Do(chromedp.Navigate(b.Sim.URL + "/"))
	row := func(coin string) string { return ".sites-part [data-coin=" + coin + "]" }
	page.WaitFor(row("cosmos"))
	text := harness.Eval[string](page, "document.querySelector('.sites-part').innerText")
	for _, address := range []string{cosmosAddress, paymentAddress, ordinalsAddress} {
		require.Contains(t, text, address)
	}
	require.NotContains(t, text, tronAddress, "it was revoked")
	require.Equal(t, 3, harness.Eval[int](page, "document.querySelectorAll('.sites-part [data-origin]').length"), "Ethereum, Bitcoin and Cosmos")
	// The list is beside the devices, and not beside what the page asks. That may be a moment, so an observer sees it.
	page.Run(`{
		globalThis.seen = []
		new MutationObserver(() => {
			const state = document.querySelector('[data-state]')?.dataset.state
			if (state && !['start', 'bound'].includes(state)) seen.push({ state, sites: document.querySelector('.sites-part').checkVisibility() })
		}).observe(document, { subtree: true, childList: true, attributes: true })
	}`)
	page.Press("connect")
	page.WaitUntil("seen.some(({ sites }) => !sites)")
	page.Do(chromedp.Navigate(b.Sim.URL + "/"))
	page.WaitFor(row("cosmos"))
	page.Run("document.querySelector('" + row("cosmos") + " [data-action=revoke]').click()")
	page.Run("document.querySelector('" + row("cosmos") + " [data-action=revoke-now]').click()")
	page.WaitUntil("!document.querySelector('" + row("cosmos") + "')")
	require.Equal(t, 4100, harness.Eval[outcome](site, "tell(() => cosmos.signArbitrary('', '"+cosmosAddress+"', 'x'))").Code)
	page.Close()
}

// testPermissions gives the site a permission for Ethereum, and takes that for TRON.
func (w *wallet) testPermissions(t *testing.T) {
	require.Equal(t, 4100, harness.Eval[outcome](w.site, "tell(() => ethereum.request({ method: 'personal_sign', params: ['0x00', '"+harness.FirstAddress+"'] }))").Code,
		"a permission for one coin is none for another")
	begin(w.site, "ethereum.request({ method: 'eth_requestAccounts' })")
	w.answer("accept")
	account := harness.Eval[outcome](w.site, "ends").Value.([]any)[0].(string)
	message := "ethereum.request({ method: 'personal_sign', params: ['0x68656c6c6f', '" + account + "'] }).then(({ length }) => length)"
	got, _, _ := w.signs(message)
	require.InDelta(t, 132, got.Value, 0, got)
	w.site.Run("events.length = 0")
	w.revoke("tron")
	w.site.WaitUntil("events.some(([name, accounts]) => name === 'accountsChanged' && accounts.length === 0)")
	require.Equal(t, 4100, harness.Eval[outcome](w.site, "tell(() => tron.tronWeb.trx.signMessageV2('x'))").Code)
	got, _, _ = w.signs(message)
	require.InDelta(t, 132, got.Value, 0, got)
	got, _, _ = w.signs("sats('signMessage', { address: '" + paymentAddress + "', message: 'still' }).then(({ address }) => address)")
	require.Equal(t, paymentAddress, got.Value, got)
}

// TestCoinsOfTheExtension has the real client libraries find the extension's providers and sign through it.
func TestCoinsOfTheExtension(t *testing.T) {
	t.Parallel()
	s := harness.NewSimFor(t, device.Options{Mnemonic: testPhrase}, 4*harness.Timeout, device.Options{Mnemonic: testPhrase})
	s.Devices[1].Unplug()
	node := &tronNode{}
	spent := serveClients(t, s, node)
	x := s.StartExtension(harness.BrowserOptions{})
	site := x.NewTab()
	site.Do(chromedp.Navigate(siteOf(s) + "/coins"))
	site.Run(tools + `
		await import('/tron-clients.js')
		await import('/cosmjs.js')
		window.tronWeb = new libraries.TronWeb({ fullHost: location.origin + '/node' })
		window.found = []
		addEventListener('TIP6963:announceProvider', (e) => found.push(e.detail))
		dispatchEvent(new Event('TIP6963:requestProvider'))
		addEventListener('eip6963:announceProvider', (e) => { window.ethereum = e.detail.provider })
		dispatchEvent(new Event('eip6963:requestProvider'))
		window.tron = found[0].provider
		for (const name of ['connect', 'disconnect', 'accountsChanged']) tron.on(name, (payload) => events.push([name, payload]))`)
	require.Equal(t, "imKey im.imkey 1", harness.Eval[string](site, "[found[0].info.name, found[0].info.rdns, found.length].join(' ')"))
	require.Equal(t, []any{}, harness.Eval[outcome](site, "tell(() => tron.request({ method: 'tron_accounts' }))").Value)
	w := &wallet{
		s: s, site: site, answer: x.Answer, reads: func() string { return "" }, all: os.Getenv("IMKEY_FULL") != "",
		cancel: func() { x.Answer("cancel") }, goOn: x.CloseEnded, devices: x.WaitForDevices, crash: func() { x.CloseTarget("/offscreen.html") },
	}
	w.revoke = func(coin string) {
		list := x.OpenPage("/sites.html")
		row := `[data-coin="` + coin + `"] `
		list.WaitFor(row + "[data-action=revoke]")
		list.Run("document.querySelector('" + row + "[data-action=revoke]').click()")
		list.Press("revoke-now")
		list.WaitUntil("!document.querySelector('" + row + "')")
		list.Close()
	}
	begin(site, "tron.request({ method: 'tron_requestAccounts' })")
	w.answer("accept")
	tab := x.Attach("/pair.html")
	x.Bind(tab)
	tab.Press("done")
	require.Equal(t, []any{tronAddress}, harness.Eval[outcome](site, "ends").Value)
	x.WaitForNoTarget("/pair.html")
	w.testTRON(t, node)
	// No node hears of an address before the user has chosen one.
	w.testBitcoin(t, spent, false)
	for _, request := range []string{"sats('getBalance')", "sats('sendTransfer', { recipients: [{ address: '" + ordinalsAddress + "', amount: 400_000 }] })"} {
		require.Equal(t, -32601, harness.Eval[outcome](site, "tell(() => "+request+")").Code)
	}
	require.Zero(t, spent.asked.Load())
	popup := x.OpenPage("/popup.html")
	popup.WaitForTextIn("form.node", "extension.noBitcoinNode")
	choose := "const field = document.getElementById('bitcoin-node'); field.value = %q; document.querySelector('[data-action=save-bitcoin-node]').click()"
	popup.Run(fmt.Sprintf(choose, "http://node.example"))
	popup.WaitForTextIn("form.node", "extension.bitcoinNodeForm")
	popup.Run(fmt.Sprintf(choose, s.URL+"/esplora"))
	popup.WaitForTextIn("form.node", "extension.hasBitcoinNode")
	popup.Close()
	w.sends(t, spent)
	require.NotZero(t, spent.asked.Load())
	require.Equal(t, "imKey im.imkey true", harness.Eval[string](site, `(() => {
		addEventListener('imkey-connect:announceCosmosProvider', ({ detail }) => { window.announced = detail })
		dispatchEvent(new Event('imkey-connect:requestCosmosProvider'))
		window.cosmos = announced.provider.getOfflineSigner()
		return [announced.info.name, announced.info.rdns, !('keplr' in window)].join(' ')
	})()`))
	w.testCosmos(t)
	w.badInput(t)
	w.ends(t)
	w.testPermissions(t)
	// The permission of a coin is taken by itself.
	w.revoke("cosmos")
	require.Equal(t, 4100, harness.Eval[outcome](site, "tell(() => cosmos.signArbitrary('', '"+cosmosAddress+"', 'x'))").Code)
}
