package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

// TestTheVendorsOwnClient: the vendor's published web client, not a byte of it changed, finds the simulated device through
// the browser's own navigator.usb, lists the test phrase's account and has a message signed. Nothing answers in the
// browser's place: the client asks navigator.usb.getDevices() first and opens the chooser only where that is empty, and
// the page has the permission that a person gives there.
//
// The client does not bind and sends no binding signature, as recorded hosts did: a device that was never bound signs for
// it, one that is bound refuses unless it is told to allow that.
func TestTheVendorsOwnClient(t *testing.T) {
	t.Parallel()
	const bundle = "published/node_modules/@imkey/web3-provider/dist/imkey-web3-provider.umd.js"
	require.FileExists(t, bundle, "run make testcases first")
	s := newSim(t, device.Options{Mnemonic: testPhrase(t)})
	s.routes.HandleFunc("/published/client.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, bundle) })
	s.routes.HandleFunc("/published/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><meta charset="utf-8"><title>A dApp of the vendor's client</title><script src="client.js"></script>`)
	})
	s.routes.HandleFunc("/published/node", func(w http.ResponseWriter, r *http.Request) { // enable() asks it for the chain
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":"0x1"}`)
	})
	b := s.browse(browserOptions{})
	b.do(chromedp.Navigate(s.url + "/published/"))
	b.run(`globalThis.client = new window['imkey-web3-provider'].default({ rpcUrl: location.origin + '/published/node', chainId: 1 })
		globalThis.outcome = promise => promise.then(value => 'value ' + value, error => 'error ' + (error?.message ?? error))`)
	require.True(t, eval[bool](b, "/native code/.test(navigator.usb.requestDevice)"), "the browser's own")

	require.Equal(t, []string{firstAddress}, eval[[]string](b, "client.enable()"))
	require.Equal(t, []string{firstAddress}, eval[[]string](b, "client.request({ method: 'eth_accounts' })"))
	require.Equal(t, "none", s.device.Status().Binding, "it does not bind")

	const message = "hello imKey"
	sign := fmt.Sprintf("outcome(client.request({ method: 'personal_sign', params: [%q, %q] }))", message, firstAddress)
	signed := func() {
		b.run("globalThis.pending = " + sign)
		require.Contains(t, s.confirm(), message)
		signature, ok := strings.CutPrefix(eval[string](b, "pending"), "value ")
		require.True(t, ok, signature)
		require.True(t, strings.EqualFold(firstAddress, signer(t, personal(message), signature)))
	}
	signed()

	// Once another page has bound the device, the accounts stay to be seen, and the switch decides who signs.
	s.site()
	dapp := &dapp{browser: b}
	dapp.load(s.url+"/published/node", "")
	dapp.pair()
	b.do(chromedp.Navigate(s.url + "/published/"))
	b.run(`globalThis.client = new window['imkey-web3-provider'].default({ rpcUrl: location.origin + '/published/node', chainId: 1 })
		globalThis.outcome = promise => promise.then(value => 'value ' + value, error => 'error ' + (error?.message ?? error))`)
	require.Equal(t, []string{firstAddress}, eval[[]string](b, "client.enable()"))
	require.True(t, strings.HasPrefix(eval[string](b, sign), "error "), "a bound device signs for no other host")
	s.device.AllowUnbound(true)
	signed()
}
