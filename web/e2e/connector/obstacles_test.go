package connector_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// strict is a policy as strict as a dApp can have: its own scripts, its nodes, no exception for styles, Trusted Types.
const strict = "default-src 'none'; script-src 'self' 'unsafe-eval'; connect-src 'self' http://127.0.0.1:*; base-uri 'none'; form-action 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// TestOpenerPolicies opens the connector from sites with each Cross-Origin-Opener-Policy. Where the policy cuts the window off, the site
// gets an error that says which header to change. A strict Content-Security-Policy with Trusted Types is no obstacle.
func TestOpenerPolicies(t *testing.T) {
	t.Parallel()
	sim := harness.NewSim(t, device.Options{Mnemonic: mnemonic})
	b := sim.StartBrowser(harness.BrowserOptions{})
	node := harness.NewFakeNode(t)
	for _, c := range []struct {
		name    string
		headers []string
		cut     bool
	}{
		{"no policy", nil, false},
		{"same-origin", []string{"Cross-Origin-Opener-Policy", "same-origin"}, true},
		{"same-origin-allow-popups", []string{"Cross-Origin-Opener-Policy", "same-origin-allow-popups"}, false},
		{"noopener-allow-popups", []string{"Cross-Origin-Opener-Policy", "noopener-allow-popups"}, false},
		{"COEP alone", []string{"Cross-Origin-Embedder-Policy", "require-corp"}, false},
		{"cross-origin isolated", []string{"Cross-Origin-Opener-Policy", "same-origin", "Cross-Origin-Embedder-Policy", "require-corp"}, true},
		{"strict CSP and Trusted Types", []string{"Content-Security-Policy", strict}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := openSite(b, site(t, c.headers...), node)
			d.T = t
			var asked harness.Request
			w := d.NewWindow(func() { asked = d.Click("eth_requestAccounts", "[]") })
			if !c.cut {
				answer(w, d, "reject")
				asked.Wait().RequireError(t, 4001, "user-rejected")
				w.Run("window.close()")
				return
			}
			o := asked.Wait()
			o.RequireError(t, -32603, "unsupported")
			require.Contains(t, fmt.Sprint(o.Data), "opener-policy")
			require.Contains(t, o.Message, "same-origin-allow-popups")
			w.WaitForState("cut-off")
			w.RequireText("connector.cutOff")
		})
	}
	t.Run("popup blocker", func(t *testing.T) { popupBlocked(t, b, node) })
}

// popupBlocked asks outside a click. Reads of nodes, the chain and the accounts work while no window is open.
func popupBlocked(t *testing.T, b *harness.Browser, node *harness.FakeNode) {
	d := openSite(b, site(t), node)
	d.T = t
	o := d.Request("eth_requestAccounts", "[]")
	o.RequireError(t, 4100, "permission-denied")
	require.True(t, o.Retryable)
	require.Contains(t, fmt.Sprint(o.Data), "popup-blocked")
	require.Contains(t, o.Message, "allow pop-ups")

	require.JSONEq(t, `[]`, string(d.Request("eth_accounts", "[]").Value))
	require.Equal(t, "0x10", d.Request("eth_blockNumber", "[]").Text(t))
	require.Equal(t, fmt.Sprintf("0x%x", harness.FakeChain), d.Request("eth_chainId", "[]").Text(t))
	d.Request("personal_sign", `["0x68", "`+account+`"]`).RequireError(t, 4100, "invalid-argument")

	// In a click, the same request opens the window.
	var asked harness.Request
	w := d.NewWindow(func() { asked = d.Click("eth_requestAccounts", "[]") })
	answer(w, d, "reject")
	asked.Wait().RequireError(t, 4001, "user-rejected")
}

// TestBadConnectors gives addresses that are no connector's. A wrong one is refused at once where the address shows it; any other answers
// nothing, or in a version that this SDK does not know.
func TestBadConnectors(t *testing.T) {
	t.Parallel()
	sim := harness.NewSim(t, device.Options{Mnemonic: mnemonic})
	b := sim.StartBrowser(harness.BrowserOptions{})
	node := harness.NewFakeNode(t)
	origin := site(t)

	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/later" {
			_, _ = io.WriteString(w, `<script>
				addEventListener('message', ({ ports: [port] }) => port?.postMessage(JSON.stringify({ type: 'welcome', v: 3, broker: 'later', accounts: [] })))
				opener.postMessage('imkey-connector ready', location.hash.slice(1))
			</script>`)
		}
	}))
	t.Cleanup(other.Close)
	down := httptest.NewServer(nil)
	down.Close()

	d := openSite(b, origin, node)
	for _, address := range []string{"http://connect.example", "ftp://connect.example", "connect.example", "http://192.168.1.5", origin, "5", "null"} {
		got := harness.Eval[string](d.Browser, fmt.Sprintf(`(() => {
			try { return sdk.createProvider({ chains: [{ chainId: 1, rpcUrls: [rpc] }], connector: %q }) && 'made' }
			catch (error) { return error.code + ' ' + error.message }
		})()`, address))
		require.Contains(t, got, "invalid-argument", address)
		require.Contains(t, got, "connector", address)
	}

	asking := map[string]harness.Request{}
	tabs := map[string]*harness.Dapp{}
	for _, address := range []string{down.URL, other.URL, other.URL + "/later"} {
		d := &harness.Dapp{Browser: b.NewTab(), Origin: origin}
		d.Load(node.URL, fmt.Sprintf("connector: %q", address))
		tabs[address], asking[address] = d, d.Click("eth_requestAccounts", "[]")
	}
	for address, want := range map[string]struct {
		code         int
		name, reason string
	}{
		other.URL + "/later": {-32603, "protocol", "connector-version"},
		down.URL:             {4900, "timeout", "connector-silent"},
		other.URL:            {4900, "timeout", "connector-silent"},
	} {
		o := asking[address].Wait()
		o.RequireError(t, want.code, want.name)
		require.Contains(t, fmt.Sprint(o.Data), want.reason, address)
		// Nothing is lost: chain and nodes work, and a right address would, too.
		require.Equal(t, "0x10", tabs[address].Request("eth_blockNumber", "[]").Text(t))
	}
}
