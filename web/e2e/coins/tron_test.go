// Package coins tests the coins besides Ethereum in Chromium, against the simulated device. Nothing was ever recorded from a real device
// for their applets.
package coins

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

const (
	testPhrase  = "inject kidney empty canal shadow pact comfort wife crush horse wife sketch"
	tronAddress = "TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2"
)

// result is how a call of the SDK ended.
type result struct {
	Value struct {
		Address, Signature, TxID string
		Blind                    bool
		Warnings                 []string
	}
	Code, At, Reason string
}

// call calls the SDK in the page and returns how the call ended.
func call(b *harness.Browser, call string) result {
	b.T.Helper()
	return harness.Eval[result](b, "tell(() => "+call+")")
}

// confirmed is call for a request that the user confirms on the device. It returns the question, too.
func confirmed(s *harness.Sim, b *harness.Browser, call string) (result, string) {
	b.T.Helper()
	b.Run("window.ends = tell(() => " + call + ")")
	question := s.Device.Approve()
	return harness.Eval[result](b, "ends"), question
}

// bound returns a page with a device that has the test wallet and is bound to the page.
func bound(t *testing.T) (*harness.Sim, *harness.Browser) {
	s := harness.NewSim(t, device.Options{Mnemonic: testPhrase})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.Run(`const { loadImKey } = await import('/imkey.js')
		window.key = await loadImKey({ trustedCAs: ['` + s.Device.CA() + `'] })
		window.asked = []
		window.gone = 0
		window.take = async () => {
			window.device = (await key.getDevices())[0]
			device.addEventListener('interaction', (e) => { if (e.detail.state === 'waiting') asked.push(e.detail) })
			device.addEventListener('disconnect', () => { gone++ })
			await device.open()
		}
		window.tell = async f => { try { return { value: await f() } } catch (e) { return { code: e.code, at: e.data?.at, reason: e.data?.reason } } }
		await take()
		await device.showBindingCode()`)
	b.Run("await device.bind('" + s.Device.Code() + "')")
	s.Device.Home()
	return s, b
}

// TestTRON signs the vectors over the browser's own USB. The device is opened and bound before the first call for TRON, which moves it to
// the module with all coins.
func TestTRON(t *testing.T) {
	t.Parallel()
	s, b := bound(t)
	loaded := "performance.getEntriesByType('resource').some(e => new URL(e.name).pathname === '/imkey-coins.wasm')"
	require.False(t, harness.Eval[bool](b, loaded), "a first pairing does not download it")
	account, question := confirmed(s, b, "device.tron.getAccount({ verify: true })")
	require.Contains(t, question, tronAddress)
	require.Equal(t, tronAddress, account.Value.Address, account)
	require.True(t, harness.Eval[bool](b, loaded))
	require.Equal(t, "bound", harness.Eval[string](b, "device.bindingStatus()"))

	var vectors struct{ Vectors []json.RawMessage }
	file, err := os.ReadFile(harness.RepoPath("core/testdata/vectors/coins.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(file, &vectors))
	ran := 0
	for _, raw := range vectors.Vectors {
		var v struct{ Chain, Kind, Name, Header, Signature, RawData, Payment, Receiver, Hash string }
		var of struct {
			Message string
			Version int
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		if v.Chain != "TRON" || v.Signature == "" {
			continue
		}
		if v.Kind == "transaction" {
			ran++
			argument := `{ rawData: '` + v.RawData + `', payment: '` + v.Payment + `', receiver: '` + v.Receiver + `', amount: 1_000_000n, txID: '` + v.Hash + `' }`
			b.Run("asked.length = 0")
			got, question := confirmed(s, b, "device.tron.signTransaction("+argument+")")
			require.Contains(t, question, v.Payment)
			require.Contains(t, question, v.Receiver)
			require.Equal(t, v.Signature, got.Value.Signature, got)
			require.Equal(t, v.Hash, got.Value.TxID)
			require.Empty(t, got.Value.Warnings)
			require.Equal(t, v.Hash, harness.Eval[string](b, "key.tron.describeTransaction("+argument+").then(d => d.digest.slice(2))"))
			continue
		}
		require.NoError(t, json.Unmarshal(raw, &of))
		switch {
		case of.Version == 1:
			header := map[string]string{"TRON": "TRON"}[v.Header]
			if header == "" {
				header = "ETH" // NONE is the same
			}
			got, _ := confirmed(s, b, "device.tron.signMessage("+strconv.Quote(of.Message)+", { version: 1, header: '"+header+"' })")
			require.Equal(t, "0x"+v.Signature, got.Value.Signature, v.Name)
		case of.Message == "11hello world":
			got, question := confirmed(s, b, "device.tron.signMessage('hello world')")
			require.Equal(t, "0x"+v.Signature, got.Value.Signature)
			require.Contains(t, question, v.Hash[:8])
		default:
			// Version 2 without a length, and hashes in place of a document, are not offered to sites.
			continue
		}
		ran++
	}
	require.Equal(t, 6, ran)
	typed, _ := confirmed(s, b, `device.tron.signTypedData({ types: { M: [{ name: 'to', type: 'address' }] }, primaryType: 'M', domain: { name: 'x' }, message: { to: '`+tronAddress+`' } })`)
	require.Equal(t, tronAddress, typed.Value.Address, typed)

	// The coins share the device, and nothing was reported as gone.
	signed, _ := confirmed(s, b, "device.ethereum.signMessage('x')")
	require.Len(t, signed.Value.Signature, 132)
	require.Zero(t, harness.Eval[int](b, "gone"))

	// The user rejects. The device is unplugged while it asks, and plugged in again.
	b.Run("window.ends = tell(() => device.tron.signMessage('reject'))")
	s.Device.Reject()
	require.Equal(t, "user-rejected", harness.Eval[string](b, "ends.then(e => e.code)"))
	b.Run("window.stop = new AbortController(); window.ends = tell(() => device.tron.signMessage('abort', { signal: stop.signal }))")
	s.WaitForQuestion()
	require.Equal(t, "aborted", harness.Eval[string](b, "(stop.abort(), ends.then(e => e.code))"))
	s.WaitUntilIdle()
	b.Run("window.ends = tell(() => device.tron.signMessage('unplug'))")
	s.WaitForQuestion()
	s.Device.Unplug()
	require.Equal(t, "device-disconnected", harness.Eval[string](b, "ends.then(e => e.code)"))
	s.Device.Plug()
	b.WaitForDevices(1)
	b.Run("await take()")
	require.Equal(t, tronAddress, call(b, "device.tron.getAccount()").Value.Address)

	// Lies and bad input leave the device idle.
	for _, c := range []struct{ at, call string }{
		{"message", "signMessage('')"}, {"path", `signMessage('x', { path: "m/44'/60'/0'/0/0" })`}, {"from", "signMessage('x', { from: '41f2061f0d467c6b3341713a7362cb39f5a88cefc8' })"},
		{"rawData", "signTransaction({ rawData: '00' })"},
	} {
		got := call(b, "device.tron."+c.call)
		require.Equal(t, []string{"invalid-argument", c.at}, []string{got.Code, got.At}, c.call)
	}
	s.WaitUntilIdle()
}
