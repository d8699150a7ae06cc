package connector_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestMoveBinding moves the binding of a site that embedded the SDK to the connector. The code is typed once, on the site. A rejected move
// changes nothing. After an accepted one the connector signs for this site and for another one, and the site has no record any more. When
// the site binds the device again, and moves that binding, it replaces the one of the connector only if the user says so.
func TestMoveBinding(t *testing.T) {
	t.Parallel()
	sim := harness.NewSim(t, device.Options{Mnemonic: mnemonic})
	origin := site(t)
	b := sim.StartBrowser(harness.BrowserOptions{Origins: []string{sim.URL, origin}})
	node := harness.NewFakeNode(t)
	message := `["0x68656c6c6f", "` + account + `"]`

	d := &harness.Dapp{Browser: b.NewTab(), Origin: origin}
	embedded := func() { d.Load(node.URL, "remember: true") }
	connected := func() { d.Load(node.URL, "remember: true, "+connector(b)) }
	states := func() []string {
		return harness.Eval[[]string](d.Browser, `sdk.loadImKey({ trustedCAs }).then(imkey => imkey.knownDevices()).then(all => all.map(({ state }) => state))`)
	}
	var asked harness.Request
	move := func() *harness.Browser {
		return d.NewWindow(func() { asked = d.Click("imkey_moveBinding", "[]") })
	}

	embedded()
	code := d.Pair()
	require.Equal(t, []string{account}, d.Accounts())
	signed := d.Confirm("personal_sign", message).Text(t)

	connected()
	d.Run(`globalThis.embedded = sdk.createProvider({ chains: [{ chainId: ` + fmt.Sprint(harness.FakeChain) + `, rpcUrls: [rpc] }], trustedCAs, pairing: 'none', remember: true })`)
	w := move()
	w.WaitForText("request.handOverText")
	answer(w, d, "reject")
	asked.Wait().RequireError(t, 4001, "user-rejected")
	require.Equal(t, []string{"bound"}, states())
	require.Equal(t, []string{account}, harness.Eval[[]string](d.Browser, `embedded.request({ method: 'eth_accounts' })`), "it knows its accounts, and so it does after a reload")
	w.Run("window.close()")
	embedded()
	require.JSONEq(t, `["`+account+`"]`, string(d.Request("eth_accounts", "[]").Value))
	require.Equal(t, []string{account}, d.Accounts())
	require.Equal(t, signed, d.Confirm("personal_sign", message).Text(t), "the site still signs")

	connected()
	w = move()
	require.JSONEq(t, `{"state": "waiting", "reason": "connector", "method": "imkey_moveBinding"}`, harness.Eval[string](d.Browser, "event('interaction').then(JSON.stringify)"))
	accept(w, d)
	o := asked.Wait()
	require.Zero(t, o.Code, "%+v", o)
	require.JSONEq(t, "null", string(o.Value))
	require.Empty(t, states())
	d.Click("imkey_moveBinding", "[]").Wait().RequireError(t, 4100, "not-bound")

	// The connector has the binding: no code is asked for, for this site or another one.
	asked = d.Click("eth_requestAccounts", "[]")
	accept(w, d)
	require.JSONEq(t, `["`+account+`"]`, string(asked.Wait().Value))
	sign(w, d)
	other := openSite(b, site(t), node)
	v := other.NewWindow(func() { asked = other.Click("eth_requestAccounts", "[]") })
	accept(v, other)
	require.JSONEq(t, `["`+account+`"]`, string(asked.Wait().Value))
	sign(v, other)
	require.Equal(t, 1, verified(sim), "the code was typed once")

	v.Run("window.close()")
	w.Run("window.close()")
	embedded()
	d.Request("eth_requestAccounts", "[]").RequireError(t, 4100, "bound-elsewhere")

	d.Bind(code)
	connected()
	w = move()
	w.WaitForText("request.handOverReplaces")
	w.Run("document.querySelector('[data-control=override]').click()")
	accept(w, d)
	require.Zero(t, asked.Wait().Code)
	require.Empty(t, states())
	sign(w, d)
	require.Equal(t, 2, verified(sim))
}
