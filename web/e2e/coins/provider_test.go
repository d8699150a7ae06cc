package coins

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// clients bundles the libraries of a dApp, as its project does: tronweb and an adapter of tronwallet-adapters, sats-connect, or cosmjs.
func clients(t *testing.T, entry string) []byte {
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{entry}, NodePaths: []string{harness.RepoPath("core/tron/oracle/node_modules"), harness.RepoPath("core/cosmos/oracle/node_modules")}, Bundle: true, Format: api.FormatESModule, Platform: api.PlatformBrowser, Target: api.ES2022,
		Define: map[string]string{"global": "globalThis", "process.env.NODE_ENV": `"production"`},
	})
	require.Empty(t, built.Errors, "run make testcases first")
	return built.OutputFiles[0].Contents
}

// tronNode is what tronweb asks a node for: the last block, and to take a transaction.
type tronNode struct {
	mu    sync.Mutex
	taken []string // the ids of the transactions
}

func (n *tronNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	answer := any(map[string]any{})
	switch r.URL.Path {
	case "/node/wallet/getblock", "/node/wallet/getnowblock":
		answer = map[string]any{"blockID": "00000000000000a1b2c3d4e5f60718293a4b5c6d7e8f9000112233445566778899"[:64],
			"block_header": map[string]any{"raw_data": map[string]any{"number": 161, "timestamp": 1764000000000}}}
	case "/node/wallet/broadcasttransaction":
		var transaction struct {
			TxID      string
			Signature []string
		}
		_ = json.Unmarshal(body, &transaction)
		n.mu.Lock()
		if len(transaction.Signature) == 1 {
			n.taken = append(n.taken, transaction.TxID)
		}
		n.mu.Unlock()
		answer = map[string]any{"result": true, "txid": transaction.TxID}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// outcome is how a request of a client ended.
type outcome struct {
	Value   any
	Code    int
	Message string
}

// asked runs JavaScript that the user confirms on the device. It returns how it ended and what the screen showed.
func asked(s *harness.Sim, b *harness.Browser, expression string) (outcome, string) {
	b.T.Helper()
	b.Run("window.ends = tell(async () => " + expression + ")")
	question := s.Device.Approve()
	return harness.Eval[outcome](b, "ends"), question
}

// TestTRONProvider has tronweb and an adapter of tronwallet-adapters sign with the provider, which they find by TIP-6963. tronweb itself verifies
// the signatures.
func TestTRONProvider(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: testPhrase})
	script, node := clients(t, "libraries.mjs"), &tronNode{}
	s.Handle("/tron-clients.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(script)
	})
	s.Handle("/node/", node.ServeHTTP)
	s.ServeHTML("/tron", `<!doctype html><meta charset="utf-8"><title>a dApp for TRON</title>`)
	b := s.StartBrowser(harness.BrowserOptions{})
	b.ExposeDialog()
	b.Open("/tron")
	b.Run(`await import('/tron-clients.js')
		const { createTronProvider, announceTronProvider } = await import('/imkey-tron.js')
		const { TronWeb } = libraries
		window.tell = async f => { try { return { value: await f() } } catch (e) { return { code: e.code ?? e.error?.code ?? 0, message: String(e.message ?? e) } } }
		window.tronWeb = new TronWeb({ fullHost: location.origin + '/node' })
		window.made = createTronProvider({ tronWeb })
		window.found = []
		addEventListener('TIP6963:announceProvider', (e) => found.push(e.detail))
		window.stop = announceTronProvider(made)
		dispatchEvent(new Event('TIP6963:requestProvider'))
		window.provider = found.at(-1).provider
		window.events = []
		for (const name of ['connect', 'disconnect', 'accountsChanged']) provider.on(name, (payload) => events.push(name))`)
	require.Equal(t, "imKey im.imkey 2 true", harness.Eval[string](b, "[found[0].info.name, found[0].info.rdns, found.length, provider === made && found[0].info.uuid === found[1].info.uuid].join(' ')"))
	require.Equal(t, 4100, harness.Eval[outcome](b, "tell(() => tronWeb.trx.signMessageV2('x'))").Code, "the site has not asked for the accounts")

	// The dialog asks for the binding code.
	b.Run("window.ends = tell(() => provider.request({ method: 'eth_requestAccounts' }))")
	b.BindUnverifiedInDialog(s.Device.Code())
	require.Equal(t, []any{tronAddress}, harness.Eval[outcome](b, "ends").Value)
	require.Equal(t, tronAddress, harness.Eval[string](b, "tronWeb.defaultAddress.base58"))
	require.Equal(t, `["connect","accountsChanged"]`, harness.Eval[string](b, "JSON.stringify(events)"))
	require.Equal(t, "0x2b6653dc", harness.Eval[string](b, "provider.request({ method: 'eth_chainId' })"))
	require.Equal(t, 4902, harness.Eval[outcome](b, "tell(() => provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: '0xcd8690dc' }] }))").Code)
	require.Equal(t, 4200, harness.Eval[outcome](b, "tell(() => provider.request({ method: 'eth_sign' }))").Code)

	const other = "THfuSDVRvSsjNDPFdGjMU19Ha4Kf7acotq"
	const usdt = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
	got, question := asked(s, b, `{ const signed = await tronWeb.trx.sign(window.transfer = await tronWeb.transactionBuilder.sendTrx('`+other+`', 1_500_000, '`+tronAddress+`')); return signed.signature.length === 1 && tronWeb.trx.ecRecover(signed) }`)
	require.Equal(t, tronAddress, got.Value, got)
	require.Contains(t, question, "1.5 TRX")
	require.Contains(t, question, other)

	got, question = asked(s, b, `tronWeb.trx.sendTransaction('`+other+`', 7).then(({ result }) => result)`)
	require.Equal(t, true, got.Value, got)
	require.Contains(t, question, "0.000007 TRX")
	require.Len(t, node.taken, 1)

	got, question = asked(s, b, `{ const { transaction } = await tronWeb.transactionBuilder.triggerSmartContract('`+usdt+`', 'transfer(address,uint256)', { feeLimit: 100_000_000, txLocal: true },
		[{ type: 'address', value: '`+other+`' }, { type: 'uint256', value: 2_500_000 }], '`+tronAddress+`'); return tronWeb.trx.ecRecover(await tronWeb.trx.sign(transaction)) }`)
	require.Equal(t, tronAddress, got.Value, got)
	require.Contains(t, question, "2.5 USDT, energy fee up to 100 TRX")

	got, _ = asked(s, b, `tronWeb.trx.verifyMessageV2('Hello', await tronWeb.trx.signMessageV2('Hello'))`)
	require.Equal(t, tronAddress, got.Value, got)
	got, _ = asked(s, b, `tronWeb.trx.verifyMessage('645c0b7b', await tronWeb.trx.sign('0x645c0b7b'), '`+tronAddress+`')`)
	require.Equal(t, true, got.Value, got)
	const typed = `{ name: 'Shop', chainId: '0x2b6653dc', verifyingContract: '` + usdt + `' }, { Order: [{ name: 'to', type: 'address' }, { name: 'of', type: 'Item[]' }], Item: [{ name: 'token', type: 'trcToken' }] },
		{ to: '` + other + `', of: [{ token: '1002000' }, { token: 7 }] }`
	got, _ = asked(s, b, `tronWeb.trx.verifyTypedData(`+typed+`, await tronWeb.trx._signTypedData(`+typed+`), '`+tronAddress+`')`)
	require.Equal(t, true, got.Value, got)

	// The adapter of tronwallet-adapters for TIP-6963 takes the provider by the name that it knows.
	b.Run(`stop()
		const { announceTronProvider } = await import('/imkey-tron.js')
		announceTronProvider(made, { name: 'TronLink' })
		window.adapter = new libraries.TronLinkAdapter({ openUrlWhenWalletNotFound: false })
		adapter.on('error', () => {})
		await adapter.connect()`)
	require.Equal(t, tronAddress, harness.Eval[string](b, "adapter.address"))
	got, _ = asked(s, b, `tronWeb.trx.verifyMessageV2('adapter', await adapter.signMessage('adapter'))`)
	require.Equal(t, tronAddress, got.Value, got)
	got, _ = asked(s, b, `tronWeb.trx.ecRecover(await adapter.signTransaction(await tronWeb.transactionBuilder.sendTrx('`+other+`', 5, '`+tronAddress+`')))`)
	require.Equal(t, tronAddress, got.Value, got)

	// Lies and mistakes do not reach the device.
	for name, c := range map[string]struct {
		code       int
		expression string
	}{
		"another amount":    {-32602, "{ const lie = structuredClone(transfer); lie.raw_data.contract[0].parameter.value.amount = 1; return tronWeb.trx.sign(lie) }"},
		"another receiver":  {-32602, "{ const lie = structuredClone(transfer); lie.raw_data.contract[0].parameter.value.to_address = '41' + '00'.repeat(20); return tronWeb.trx.sign(lie) }"},
		"another type":      {-32602, "{ const lie = structuredClone(transfer); lie.raw_data.contract[0].type = 'FreezeBalanceV2Contract'; return tronWeb.trx.sign(lie) }"},
		"another id":        {-32602, "tronWeb.trx.sign({ ...transfer, txID: '00'.repeat(32) })"},
		"another owner":     {-32602, "tronWeb.trx.sign(await tronWeb.transactionBuilder.sendTrx('" + tronAddress + "', 5, '" + other + "'))"},
		"a private key":     {-32602, "tronWeb.trx.sign(transfer, '01'.repeat(32))"},
		"signed already":    {-32602, "tronWeb.trx.sign({ ...transfer, signature: ['00'] })"},
		"text in place":     {-32602, "tronWeb.trx.sign('text')"},
		"an empty message":  {-32602, "tronWeb.trx.signMessageV2('')"},
		"two primary types": {-32602, "tronWeb.trx.signTypedData({}, { A: [], B: [] }, {})"},
	} {
		require.Equal(t, c.code, harness.Eval[outcome](b, "tell(async () => "+c.expression+")").Code, name)
	}
	s.WaitUntilIdle()

	// The user rejects. Another wallet on the same device does not sign for the account.
	b.Run("window.ends = tell(() => tronWeb.trx.signMessageV2('reject'))")
	s.Device.Reject()
	require.Equal(t, 4001, harness.Eval[outcome](b, "ends").Code)
	b.Run("window.left = new Promise((resolve) => provider.on('disconnect', resolve))")
	s.Device.Unplug()
	require.Equal(t, 4900, harness.Eval[int](b, "left.then(({ code }) => code)"))
	require.Equal(t, 4900, harness.Eval[outcome](b, "tell(() => tronWeb.trx.signMessageV2('x'))").Code)
	s.Device.Plug()
	b.WaitForDevices(1)
	got, _ = asked(s, b, `tronWeb.trx.verifyMessageV2('again', await tronWeb.trx.signMessageV2('again'))`)
	require.Equal(t, tronAddress, got.Value, got)
	s.Device.Reset()
	s.Device.Restore(strings.Repeat("abandon ", 11) + "about")
	require.Equal(t, 4100, harness.Eval[outcome](b, "tell(() => tronWeb.trx.signMessageV2('x'))").Code, "the device was reset, and its wallet is another one")
	b.Run("await provider.request({ method: 'wallet_revokePermissions' })")
	require.Equal(t, 4100, harness.Eval[outcome](b, "tell(() => tronWeb.trx.signMessageV2('x'))").Code)
}
