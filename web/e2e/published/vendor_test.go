package published

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestVendorClient uses the vendor's published web client, unchanged. It finds the simulated device through the browser's own
// navigator.usb, lists the account of the test phrase, and has a message signed. The page has the permission that a user gives
// in the chooser: the client calls navigator.usb.getDevices() first, and opens the chooser only if that returns no device.
//
// The client does not bind and sends no binding signature, as recorded hosts did. A device that was never bound signs for it. A bound
// device refuses unless it is set to allow that.
func TestVendorClient(t *testing.T) {
	t.Parallel()
	bundle := harness.RepoPath("web/e2e/published/vendor/node_modules/@imkey/web3-provider/dist/imkey-web3-provider.umd.js")
	require.FileExists(t, bundle, "run make testcases first")
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	s.Handle("/published/client.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, bundle) })
	s.ServeHTML("/published/{$}", `<!doctype html><meta charset="utf-8"><title>A dApp of the vendor's client</title><script src="client.js"></script>`)
	s.Handle("/published/node", func(w http.ResponseWriter, r *http.Request) { // enable() asks the node for its chain
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":"0x1"}`)
	})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Do(chromedp.Navigate(s.URL + "/published/"))
	b.Run(`globalThis.client = new window['imkey-web3-provider'].default({ rpcUrl: location.origin + '/published/node', chainId: 1 })
		globalThis.outcome = promise => promise.then(value => 'value ' + value, error => 'error ' + (error?.message ?? error))`)
	require.True(t, harness.Eval[bool](b, "/native code/.test(navigator.usb.requestDevice)"), "the browser's own")

	require.Equal(t, []string{harness.FirstAddress}, harness.Eval[[]string](b, "client.enable()"))
	require.Equal(t, []string{harness.FirstAddress}, harness.Eval[[]string](b, "client.request({ method: 'eth_accounts' })"))
	require.Equal(t, "none", s.Device.Status().Binding, "the client does not bind")

	const message = "hello imKey"
	sign := fmt.Sprintf("outcome(client.request({ method: 'personal_sign', params: [%q, %q] }))", message, harness.FirstAddress)
	signed := func() {
		b.Run("globalThis.pending = " + sign)
		require.Contains(t, s.Device.Approve(), message)
		signature, ok := strings.CutPrefix(harness.Eval[string](b, "pending"), "value ")
		require.True(t, ok, signature)
		require.True(t, strings.EqualFold(harness.FirstAddress, harness.Signer(t, harness.PersonalDigest(message), signature)))
	}
	signed()

	// After another page has bound the device, the client still sees the accounts. Whether it can sign depends on AllowUnbound.
	s.ServeDapp()
	dapp := &harness.Dapp{Browser: b}
	dapp.Load(s.URL+"/published/node", "")
	dapp.Pair()
	b.Do(chromedp.Navigate(s.URL + "/published/"))
	b.Run(`globalThis.client = new window['imkey-web3-provider'].default({ rpcUrl: location.origin + '/published/node', chainId: 1 })
		globalThis.outcome = promise => promise.then(value => 'value ' + value, error => 'error ' + (error?.message ?? error))`)
	require.Equal(t, []string{harness.FirstAddress}, harness.Eval[[]string](b, "client.enable()"))
	require.True(t, strings.HasPrefix(harness.Eval[string](b, sign), "error "), "a bound device signs for no other host")
	s.Device.Simulated.AllowUnbound(true)
	signed()
}
