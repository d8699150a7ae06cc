package connector_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web/e2e/harness"
)

// withoutCORS names a node that allows the site and not the connector. A browser says to neither page why the answer does not come. The
// site asks the node itself, so that it gets an error that says what to change. A node that is down has another reason.
func withoutCORS(t *testing.T, d *harness.Dapp, node *harness.FakeNode) {
	t.Helper()
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		node.ServeHTTP(answer, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Access-Control-Allow-Origin", d.Origin)
		_, _ = w.Write(answer.Body.Bytes())
	}))
	t.Cleanup(private.Close)
	down := httptest.NewServer(nil)
	down.Close()

	chain := func(url string) string {
		return fmt.Sprintf("globalThis.provider = sdk.createProvider({ chains: [{ chainId: %d, rpcUrls: [%q] }], %s })", harness.FakeChain, url, connector(d.Browser))
	}
	for url, reason := range map[string]string{private.URL: "node-cors", down.URL: ""} {
		d.Run(chain(url))
		require.JSONEq(t, `["`+account+`"]`, string(d.Request("eth_requestAccounts", "[]").Value))
		o := d.Request("eth_sendTransaction", `[{ from: "`+account+`", to: "`+account+`", value: "0x1" }]`)
		o.RequireError(t, -32603, "node-unreachable")
		data, _ := o.Data.(map[string]any)
		if reason == "" {
			require.NotContains(t, data, "reason")
			require.True(t, o.Retryable)
			continue
		}
		require.Equal(t, reason, data["reason"], "%+v", o)
		require.False(t, o.Retryable)
		require.Contains(t, o.Message, "Access-Control-Allow-Origin: "+d.Sim.URL)
		require.NotEmpty(t, d.Request("eth_blockNumber", "[]").Text(t), "the site reads from the node")
	}
}
