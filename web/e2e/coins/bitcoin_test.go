package coins

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/bitcoin"
	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// The test wallet's addresses for payments, for their change and for ordinals.
const (
	paymentAddress  = "bc1q05ec6z8df2vlzkxjxfd2xr3veypzm93wqnazr2"
	ordinalsAddress = "bc1pqvrla5hul9cqdtz60lwwn35zdcx363pyxua0trqnz3wx8hvjxzdsdevceu"
)

// esplora is a node for sendTransfer: one output of a million satoshi at the address for payments, and a mempool.
type esplora struct {
	previous *bitcoin.Transaction
	value    int // what the node says that the output has

	asked atomic.Int32 // how often it was asked

	mu   sync.Mutex
	sent []*bitcoin.Transaction
}

func (n *esplora) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.asked.Add(1)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	id := bitcoin.TxIDText(n.previous.TxID())
	switch path := strings.TrimPrefix(r.URL.Path, "/esplora"); {
	case path == "/address/"+paymentAddress+"/utxo":
		_ = json.NewEncoder(w).Encode([]map[string]any{{"txid": id, "vout": 0, "value": n.value}})
	case strings.HasPrefix(path, "/address/"):
		_, _ = w.Write([]byte("[]"))
	case path == "/tx/"+id+"/hex":
		_, _ = w.Write([]byte(hex.EncodeToString(n.previous.Bytes()) + "\n"))
	case path == "/fee-estimates":
		_, _ = w.Write([]byte(`{"1": 30.5, "6": 7.3}`))
	case path == "/tx" && r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		raw, _ := hex.DecodeString(string(body))
		tx, err := bitcoin.ParseTransaction("tx", raw)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		n.mu.Lock()
		n.sent = append(n.sent, tx)
		n.mu.Unlock()
		_, _ = w.Write([]byte(bitcoin.TxIDText(tx.TxID())))
	default:
		http.NotFound(w, r)
	}
}

// TestBitcoinProvider has sats-connect find the provider by WBIP004 and use it.
func TestBitcoinProvider(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: testPhrase})
	script, err := bitcoin.Mainnet.ParseAddress(paymentAddress)
	require.NoError(t, err)
	node := &esplora{value: 1_000_000, previous: &bitcoin.Transaction{
		Version: 2, Inputs: []bitcoin.Input{{OutPoint: bitcoin.OutPoint{TxID: [32]byte{1}}}}, Outputs: []bitcoin.Output{{Amount: 1_000_000, Script: script}},
	}}
	library := clients(t, "bitcoin-libraries.mjs")
	s.Handle("/sats-connect.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(library)
	})
	s.Handle("/esplora/", node.ServeHTTP)
	s.ServeHTML("/bitcoin", `<!doctype html><meta charset="utf-8"><title>a dApp for Bitcoin</title>`)
	b := s.StartBrowser(harness.BrowserOptions{})
	b.ExposeDialog()
	b.Open("/bitcoin")
	b.Run(`await import('/sats-connect.js')
		const { createBitcoinProvider, registerBitcoinProvider } = await import('/imkey-bitcoin.js')
		window.fees = []
		window.made = createBitcoinProvider({ node: location.origin + '/esplora', confirmFee: (fee) => { fees.push(fee); return fees.length > 1 } })
		window.stop = registerBitcoinProvider(made, { name: 'imKey' })
		const [entry] = satsConnect.getProviders()
		window.entry = entry
		window.ask = async (method, params) => {
			const { status, result, error } = await satsConnect.request(method, params, entry.id)
			return status === 'success' ? { value: result } : { code: error.code, message: error.message, reason: error.data?.reason }
		}
		window.tell = async (f) => ({ value: await f() })`)
	require.Equal(t, "imKeyProviders.BitcoinProvider imKey true", harness.Eval[string](b, "[entry.id, entry.name, entry.methods.includes('signPsbt')].join(' ')"))
	for _, request := range []string{
		"ask('signMessage', { address: '" + paymentAddress + "', message: 'x' })", "ask('signPsbt', { psbt: 'cHNidP8=' })",
		"ask('sendTransfer', { recipients: [] })", "ask('getBalance')",
	} {
		require.Equal(t, -32002, harness.Eval[outcome](b, request).Code, "the site has not asked for the accounts: %s", request)
	}

	b.Run("window.ends = ask('getAccounts', { purposes: ['payment', 'ordinals', 'stacks'], message: 'hi' })")
	b.BindUnverifiedInDialog(s.Device.Code())
	require.Equal(t, "payment p2wpkh "+paymentAddress+" 33, ordinals p2tr "+ordinalsAddress+" 32",
		harness.Eval[string](b, "ends.then(({ value }) => value.map((a) => [a.purpose, a.addressType, a.address, a.publicKey.length / 2].join(' ')).join(', '))"))
	require.Equal(t, "Mainnet", harness.Eval[string](b, "ask('wallet_connect', null).then(({ value }) => value.network.bitcoin.name)"))

	// Messages.
	for _, m := range []struct{ address, protocol, want string }{
		{paymentAddress, `'ECDSA'`, "ECDSA 88"}, {paymentAddress, `'BIP322'`, "BIP322 144"}, {ordinalsAddress, `undefined`, "BIP322 88"},
	} {
		got, _ := asked(s, b, `ask('signMessage', { address: '`+m.address+`', message: 'hello', protocol: `+m.protocol+` }).then(({ value }) => ({ value: value.protocol + ' ' + value.signature.length }))`)
		require.Equal(t, map[string]any{"value": m.want}, got.Value, got)
	}

	// A transfer: the device shows the payment and the fee, and not the change.
	got, question := asked(s, b, `ask('sendTransfer', { recipients: [{ address: '`+ordinalsAddress+`', amount: 400_000 }] })`)
	require.Len(t, node.sent, 1)
	require.Equal(t, map[string]any{"value": map[string]any{"txid": bitcoin.TxIDText(node.sent[0].TxID())}}, got.Value, got)
	require.Contains(t, question, "0.004 BTC")
	require.Contains(t, strings.ReplaceAll(question, "\n", ""), ordinalsAddress)
	require.Len(t, node.sent[0].Outputs, 2)
	fee := 1_000_000 - node.sent[0].Outputs[0].Amount - node.sent[0].Outputs[1].Amount
	require.Contains(t, question, "Fee: "+bitcoin.AmountText(fee))
	require.InDelta(t, 8*150, fee, 200)

	// A PSBT with the transfer's output, without paths, as dApps make them.
	spent := node.sent[0]
	id := spent.TxID()
	unsigned := &bitcoin.Transaction{Version: 2, Inputs: []bitcoin.Input{{OutPoint: bitcoin.OutPoint{TxID: id}}}, Outputs: []bitcoin.Output{{Amount: 399_000, Script: script}}}
	psbt := func(amount uint64) string {
		unsigned.Outputs[0].Amount = amount
		return "btoa(" + javaScriptBytes(psbtOf(unsigned, spent.Outputs[0])) + ")"
	}
	got, question = asked(s, b, `ask('signPsbt', { psbt: `+psbt(399_000)+`, signInputs: { '`+ordinalsAddress+`': [0] } }).then(async ({ value }) => ({ value: atob(value.psbt).includes('\x01\x13\x40') }))`)
	require.Equal(t, map[string]any{"value": true}, got.Value, got)
	require.Contains(t, question, paymentAddress)
	got, _ = asked(s, b, `ask('signPsbt', { psbt: `+psbt(398_000)+`, broadcast: true }).then(({ value }) => value.txid.length)`)
	require.InDelta(t, 64, got.Value, 0, got)
	require.Len(t, node.sent, 2)

	// A high fee needs the user's consent in the page.
	require.Equal(t, -32000, harness.Eval[outcome](b, `ask('signPsbt', { psbt: `+psbt(100_000)+` })`).Code)
	got, _ = asked(s, b, `ask('signPsbt', { psbt: `+psbt(100_000)+` }).then(({ value }) => 'psbt' in value)`)
	require.Equal(t, true, got.Value, got)
	require.Equal(t, "300000,300000", harness.Eval[string](b, "fees.join()"))

	// Lies and mistakes do not reach the device.
	for name, c := range map[string]struct {
		code       int
		expression string
	}{
		"another address":         {-32002, "ask('signMessage', { address: '1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH', message: 'x' })"},
		"an empty message":        {-32602, "ask('signMessage', { address: '" + paymentAddress + "', message: '' })"},
		"ECDSA for taproot":       {-32602, "ask('signMessage', { address: '" + ordinalsAddress + "', message: 'x', protocol: 'ECDSA' })"},
		"dust":                    {-32602, "ask('sendTransfer', { recipients: [{ address: '" + paymentAddress + "', amount: 293 }] })"},
		"an address of testnet":   {-32602, "ask('sendTransfer', { recipients: [{ address: 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', amount: 1000 }] })"},
		"no recipient":            {-32602, "ask('sendTransfer', { recipients: [] })"},
		"more than there is":      {-32602, "ask('sendTransfer', { recipients: [{ address: '" + paymentAddress + "', amount: 999_999 }] })"},
		"no PSBT":                 {-32602, "ask('signPsbt', { psbt: 'x' })"},
		"another's input":         {-32002, "ask('signPsbt', { psbt: " + psbt(398_000) + ", signInputs: { '1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH': [0] } })"},
		"an input that is absent": {-32602, "ask('signPsbt', { psbt: " + psbt(398_000) + ", signInputs: { '" + ordinalsAddress + "': [7] } })"},
		"an unknown method":       {-32601, "ask('stx_signMessage', {})"},
	} {
		require.Equal(t, c.code, harness.Eval[outcome](b, c.expression).Code, name)
	}
	node.value = 900_000 // the device takes the amount of the whole transaction, so the fee is higher
	require.Equal(t, "high-fee", harness.Eval[string](b, `(() => { fees.length = 0; return ask('sendTransfer', { recipients: [{ address: '`+paymentAddress+`', amount: 100_000 }] }) })().then(({ code, reason }) => code === -32000 ? 'high-fee' : reason)`))
	s.WaitUntilIdle()

	// The user rejects, and unplugs.
	b.Run("window.ends = ask('signMessage', { address: '" + paymentAddress + "', message: 'reject' })")
	s.Device.Reject()
	require.Equal(t, -32000, harness.Eval[outcome](b, "ends").Code)
	b.Run("window.gone = new Promise((resolve) => navigator.usb.addEventListener('disconnect', () => resolve(true), { once: true }))")
	s.Device.Unplug()
	require.True(t, harness.Eval[bool](b, "gone"))
	require.Equal(t, -32603, harness.Eval[outcome](b, "ask('signMessage', { address: '"+paymentAddress+"', message: 'x' })").Code)
	s.Device.Plug()
	b.WaitForDevices(1)
	got, _ = asked(s, b, `ask('signMessage', { address: '`+paymentAddress+`', message: 'again' }).then(({ value }) => value.address)`)
	require.Equal(t, paymentAddress, got.Value, got)
	require.Equal(t, -32002, harness.Eval[outcome](b, "ask('wallet_disconnect').then(() => ask('getBalance'))").Code)
	require.Equal(t, 0, harness.Eval[int](b, "(stop(), satsConnect.getProviders().length)"))
}

// psbtOf is a PSBT of one input, of which it has the output that it spends, and of one output.
func psbtOf(tx *bitcoin.Transaction, spent bitcoin.Output) []byte {
	sized := func(b []byte) []byte { return append([]byte{byte(len(b))}, b...) }
	amount := make([]byte, 8)
	for i := range amount {
		amount[i] = byte(spent.Amount >> (8 * i))
	}
	b := append([]byte("psbt\xff\x01\x00"), sized(tx.Bytes())...)
	b = append(b, 0, 1, 1)
	b = append(b, sized(append(amount, sized(spent.Script)...))...)
	return append(b, 0, 0)
}

// javaScriptBytes is a string whose characters are these bytes.
func javaScriptBytes(b []byte) string {
	return `String.fromCharCode(...'` + hex.EncodeToString(b) + `'.match(/../g).map((pair) => parseInt(pair, 16)))`
}
