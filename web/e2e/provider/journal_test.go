package provider

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

const payment = `[{ to: '` + harness.SecondAddress + `', value: '0x1' }]`

// signed is what an error after a signature holds.
type signed struct{ Hash, Raw string }

func signedOf(t *testing.T, o harness.Outcome) (s signed) {
	t.Helper()
	require.NotZero(t, o.Code, "%+v", o)
	data, err := json.Marshal(o.Data)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &s))
	require.NotEmpty(t, s.Hash, "%+v", o)
	return s
}

// nonces returns the nonces of raw transactions of type 2.
func nonces(t *testing.T, raws [][]byte) (n []int) {
	t.Helper()
	for _, raw := range raws {
		_, f := parts(t, raw)
		nonce := 0
		for _, b := range f[1].Bytes {
			nonce = nonce<<8 | int(b)
		}
		n = append(n, nonce)
	}
	return n
}

// refused answers that a transaction is not taken.
func refused(w http.ResponseWriter, id json.RawMessage) {
	_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":"busy"}}`, id)
}

// TestPaymentIsRepeatedAfterAReload repeats a request whose transaction may be on its way, after the page was reloaded and from another
// tab. The node has counted the transaction, so that a new signature would have another nonce.
func TestPaymentIsRepeatedAfterAReload(t *testing.T) {
	t.Parallel()
	_, n, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.Accounts()
	repeat := func(count string, from func() *harness.Dapp) {
		n.Handle("eth_sendRawTransaction", refused)
		failed := signedOf(t, d.Request("eth_sendTransaction", payment))
		n.Handle("eth_sendRawTransaction", nil)
		n.Answer("eth_getTransactionCount", count)
		page := from()
		page.Load(n.URL, "")
		page.Accounts()
		require.Equal(t, failed.Hash, page.Request("eth_sendTransaction", payment).Text(t))
		raws := n.TakeSent()
		require.Len(t, raws, 1)
		require.Equal(t, failed.Raw, fmt.Sprintf("0x%x", raws[0]))
	}
	repeat("0x6", func() *harness.Dapp { return d })
	repeat("0x7", func() *harness.Dapp { return &harness.Dapp{Browser: d.NewTab()} })
	d.Request("eth_sendTransaction", payment).Text(t)
	require.Equal(t, []int{7}, nonces(t, n.TakeSent()), "it was sent, so this is another payment")

	// The page is gone while the node has the transaction and has not answered.
	asked, answer := make(chan struct{}, 8), make(chan struct{})
	defer close(answer)
	n.Handle("eth_sendRawTransaction", func(http.ResponseWriter, json.RawMessage) { asked <- struct{}{}; <-answer })
	d.Start("eth_sendTransaction", payment)
	<-asked
	n.Handle("eth_sendRawTransaction", nil)
	n.Answer("eth_getTransactionCount", "0x9")
	d.Load(n.URL, "")
	d.Accounts()
	d.Request("eth_sendTransaction", payment).Text(t)
	require.Equal(t, []int{8}, nonces(t, n.TakeSent()))
}

// TestPaymentsFromTwoTabs asks for equal payments in two tabs at the same time. The node's count is stuck.
func TestPaymentsFromTwoTabs(t *testing.T) {
	t.Parallel()
	_, n, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.Accounts()
	other := &harness.Dapp{Browser: d.NewTab()}
	other.Load(n.URL, "")
	other.Accounts()
	hashes := map[string]bool{}
	for range 2 {
		requests := []harness.Request{d.Start("eth_sendTransaction", payment), other.Start("eth_sendTransaction", payment)}
		for _, r := range requests {
			hashes[r.Wait().Text(t)] = true
		}
	}
	require.Len(t, hashes, 4)
	require.Equal(t, []int{5, 6, 7, 8}, nonces(t, n.TakeSent()))
}

// TestHostileJournal writes to the journal what is no entry, and entries that would hold up the account.
func TestHostileJournal(t *testing.T) {
	t.Parallel()
	_, n, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.Accounts()
	d.Request("eth_sendTransaction", payment).Text(t)
	d.Run(`
		const opening = indexedDB.open('imkey-connect journal')
		await new Promise((resolve, reject) => { opening.onsuccess = resolve; opening.onerror = reject })
		const transaction = opening.result.transaction('signed', 'readwrite')
		const table = transaction.objectStore('signed')
		const reading = table.getAll()
		reading.onsuccess = () => {
			const [entry] = reading.result
			const key = ({ chainId, from, nonce, hash }) => [chainId, from, nonce, hash].join(' ')
			const hash = '0x' + '00'.repeat(32)
			for (const more of [{ nonce: 2 ** 53 }, { nonce: 2 ** 53 - 1 }, { nonce: 6, hash }, { nonce: 6, raw: '0x02' }, { nonce: 6, at: 'x' }, { nonce: '6' }]) {
				table.put({ ...entry, ...more }, key({ ...entry, ...more }))
			}
			table.put('x', key({ ...entry, nonce: 9 }))
			table.put(null, key(entry) + 'x')
		}
		await new Promise((resolve, reject) => { transaction.oncomplete = resolve; transaction.onabort = reject })
		opening.result.close()`)
	d.Load(n.URL, "")
	d.Accounts()
	d.Request("eth_sendTransaction", payment).Text(t)
	require.Equal(t, []int{5, 6}, nonces(t, n.TakeSent()))
}
