package coins

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/bitcoin"
	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

const cosmosAddress = "cosmos1ajz9y0x3wekez7tz2td2j6l2dftn28v26dd992"

// TestCosmosSigner has cosmjs sign with the offline signer over the browser's own USB. Then it checks what ends a request of each coin in the
// same browser.
func TestCosmosSigner(t *testing.T) {
	t.Parallel()
	s := harness.NewSimFor(t, device.Options{Mnemonic: testPhrase}, 3*harness.Timeout, device.Options{Mnemonic: testPhrase})
	s.Devices[1].Unplug()
	library := clients(t, "cosmos-libraries.mjs")
	s.Handle("/cosmjs.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(library)
	})
	s.ServeHTML("/cosmos", `<!doctype html><meta charset="utf-8"><title>a dApp for Cosmos</title>`)
	b := s.StartBrowser(harness.BrowserOptions{})
	b.ExposeDialog()
	cosmjs(s, b)
	if !t.Failed() {
		ends(s, b)
	}
}

// cosmjs uses the signer as a dApp does.
func cosmjs(s *harness.Sim, b *harness.Browser) {
	t := s.T
	b.Open("/cosmos")
	b.Run(`await import('/cosmjs.js')
		const { createCosmosSigner } = await import('/imkey-cosmos.js')
		window.tell = async f => { try { return { value: await f() } } catch (e) { return { code: e.code ?? 0, message: String(e.message ?? e) } } }
		window.signer = createCosmosSigner()
		window.client = cosmjs(signer)
		window.address = '` + cosmosAddress + `'
		window.fee = { amount: [{ denom: 'uatom', amount: '750' }], gas: '200000' }
		window.pays = (amount, to = 'cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt', from = address) =>
			[{ typeUrl: '/cosmos.bank.v1beta1.MsgSend', value: { fromAddress: from, toAddress: to, amount: [{ denom: 'uatom', amount }] } }]`)
	require.Equal(t, 4100, harness.Eval[outcome](b, "tell(() => signer.signArbitrary('', address, 'x'))").Code, "the site has not asked for the accounts")

	b.Run("window.ends = tell(async () => (await Promise.all([signer.getAccounts(), signer.getAccounts()])).map(([a]) => [a.address, a.algo, a.pubkey.length].join(' ')).join())")
	b.BindUnverifiedInDialog(s.Device.Code())
	one := cosmosAddress + " secp256k1 33"
	require.Equal(t, one+","+one, harness.Eval[outcome](b, "ends").Value)

	for form, says := range map[string]string{"direct": `memo "42"`, "amino": `memo "43"`} {
		memo := strings.Trim(says[5:], `"`)
		got, question := asked(s, b, "client."+form+"(address, pays('1500000'), fee, '"+memo+"')")
		require.Equal(t, true, got.Value, "%s: %v", form, got)
		require.Contains(t, question, "1.5 ATOM, "+says)
		require.Contains(t, strings.ReplaceAll(question, "\n", ""), "cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt")
		require.Contains(t, question, "Fee: 0.00075 ATOM")
	}
	for _, data := range []string{"'grüße'", "new TextEncoder().encode('grüße')"} {
		got, question := asked(s, b, "client.verifyArbitrary(address, 'grüße', await signer.signArbitrary('cosmoshub-4', address, "+data+"))")
		require.Equal(t, true, got.Value, got)
		require.Contains(t, question, "Hash:")
	}

	// What changes while the device asks is not signed.
	b.Run(`window.body = new Uint8Array(10)
		window.doc = { chain_id: 'cosmoshub-4', account_number: '7', sequence: '1', fee, memo: 'first', msgs: [{ type: 'cosmos-sdk/MsgSend',
			value: { from_address: address, to_address: address, amount: [{ denom: 'uatom', amount: '5' }] } }] }
		window.ends = tell(() => signer.signAmino(address, doc))
		doc.memo = 'second'
		doc.msgs[0].value.amount[0].amount = '6'`)
	require.Contains(t, s.Device.Approve(), `0.000005 ATOM, memo "first"`)
	require.Equal(t, "first 5", harness.Eval[string](b, "ends.then(({ value: { signed } }) => signed.memo + ' ' + signed.msgs[0].value.amount[0].amount)"))

	// Lies and mistakes do not reach the device.
	for name, c := range map[string]struct {
		code       int
		expression string
	}{
		"another signer":             {4100, "signer.signAmino('cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt', doc)"},
		"another sender":             {4100, "client.direct(address, pays('1', address, 'cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt'), fee, '')"},
		"an amount of zero":          {-32602, "client.direct(address, pays('0'), fee, '')"},
		"a receiver in mixed case":   {-32602, "client.amino(address, pays('1', 'cosmos1YECKXZ7TAPZ34KJWNJXVMXZURERQUHTRMXMUXT'), fee, '')"},
		"a memo with a control code": {-32602, `client.amino(address, pays('1'), fee, 'a\x1b[2J')`},
		"a document with more":       {-32602, "signer.signAmino(address, { ...doc, tip: {} })"},
		"an empty message":           {-32602, "signer.signArbitrary('', address, '')"},
		"no bytes":                   {-32602, "signer.signDirect(address, { bodyBytes: 'x', authInfoBytes: body, chainId: 'x', accountNumber: 1n })"},
		"no SignDoc":                 {-32602, "signer.signDirect(address, { bodyBytes: body, authInfoBytes: body, chainId: 'x', accountNumber: 1n })"},
	} {
		got := harness.Eval[outcome](b, "tell(async () => "+c.expression+")")
		require.Equal(t, c.code, got.Code, "%s: %s", name, got.Message)
	}
	require.Equal(t, -32602, harness.Eval[outcome](b, "tell(() => import('/imkey-cosmos.js').then(({ createCosmosSigner }) => createCosmosSigner({ prefix: 'inj', trustedCAs: ['"+s.Device.CA()+"'] }).getAccounts()))").Code)
	require.Equal(t, "osmo1ajz9y0x3wekez7tz2td2j6l2dftn28v2jk74nc,osmo", harness.Eval[string](b, `import('/imkey-cosmos.js')
		.then(({ createCosmosSigner }) => createCosmosSigner({ prefix: 'osmo', paths: ["m/44'/118'/0'/0/0", "m/44'/118'/0'/0/1"], trustedCAs: ['`+s.Device.CA()+`'] }).getAccounts())
		.then(([first, second]) => [first.address, second.address.slice(0, 4)].join())`))
	s.WaitUntilIdle()
	b.Run("window.ends = tell(() => signer.signArbitrary('', address, 'reject'))")
	s.Device.Reject()
	require.Equal(t, 4001, harness.Eval[outcome](b, "ends").Code)
}

// requests are those of each coin that the device asks its user about. They resolve to an account of the test wallet.
func requests(t *testing.T) map[string]string {
	script, err := bitcoin.Mainnet.ParseAddress(paymentAddress)
	require.NoError(t, err)
	unsigned := &bitcoin.Transaction{Version: 2, Inputs: []bitcoin.Input{{OutPoint: bitcoin.OutPoint{TxID: [32]byte{1}}}}, Outputs: []bitcoin.Output{{Amount: 99_000, Script: script}}}
	psbt := "btoa(" + javaScriptBytes(psbtOf(unsigned, bitcoin.Output{Amount: 100_000, Script: script})) + ")"
	return map[string]string{
		"bitcoin": "device.bitcoin.signPsbt(" + psbt + ", { signal: stop.signal }).then(({ summary }) => ({ address: summary.payments[0].address }))",
		"tron":    "device.tron.signMessage('hello', { signal: stop.signal })",
		"cosmos": `device.cosmos.signAmino({ memo: '', chain_id: 'cosmoshub-4', account_number: '7', sequence: '1', fee: { gas: '200000', amount: [] },
			msgs: [{ type: 'cosmos-sdk/MsgVote', value: { proposal_id: '7', voter: '` + cosmosAddress + `', option: 1 } }] }, { signal: stop.signal }).then(({ address }) => ({ address }))`,
	}
}

// ends checks each end of a request of each coin: the user rejects, the page cancels, the device is unplugged, another one is in its place,
// and the page's process ends. The device asks nothing afterwards, and the next request succeeds.
func ends(s *harness.Sim, b *harness.Browser) {
	t := s.T
	addresses := map[string]string{"bitcoin": paymentAddress, "tron": tronAddress, "cosmos": cosmosAddress}
	load := func(b *harness.Browser) {
		b.Open("/cosmos")
		b.Run(`const { loadImKey } = await import('/imkey.js')
			window.key = await loadImKey({ trustedCAs: ['` + s.Device.CA() + `'] })
			window.tell = async f => { try { return { value: await f() } } catch (e) { return { code: e.code, at: e.data?.at, reason: e.data?.reason } } }
			window.take = async () => { window.device = (await key.getDevices())[0]; await device.open() }
			await take()`)
	}
	load(b)
	for coin, request := range requests(t) {
		begin := func() {
			t.Helper()
			b.Run("window.stop = new AbortController(); window.ends = tell(() => " + request + ")")
			s.WaitForQuestion()
		}
		ended := func(code, name string) {
			t.Helper()
			require.Equal(t, code, harness.Eval[result](b, "ends").Code, "%s, %s", coin, name)
			s.WaitUntilIdle()
		}
		succeeds := func() {
			t.Helper()
			b.Run("window.stop = new AbortController()")
			got, _ := confirmed(s, b, request)
			require.Equal(t, addresses[coin], got.Value.Address, "%s: %v", coin, got)
		}
		begin()
		s.Device.Reject()
		ended("user-rejected", "reject")
		succeeds()

		begin()
		b.Run("stop.abort()")
		ended("aborted", "cancel")
		succeeds()

		begin()
		s.Device.Unplug()
		ended("device-disconnected", "unplug")
		s.Devices[1].Plug()
		b.WaitForDevices(1)
		b.Run("await take()")
		require.Equal(t, "not-bound", call(b, request).Code, "%s: another device with the same wallet", coin)
		require.False(t, s.Devices[1].Status().Asking)
		s.Devices[1].Unplug()
		b.WaitForDevices(0)
		s.Device.Plug()
		b.WaitForDevices(1)
		b.Run("await take()")
		succeeds()

		begin()
		b.Kill()
		b = b.NewTab()
		load(b) // cancels the question that is still there
		s.WaitUntilIdle()
		succeeds()
	}
}
