// Package connector_test tests the connector's window: one binding for several sites, each on an origin of its own.
package connector_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web"
	"imkey-connect/web/e2e/harness"
)

const mnemonic = "test test test test test test test test test test test junk"

const account = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"

// site is an origin of its own with the page of a dApp. headers are added to that of the page.
func site(t *testing.T, headers ...string) string {
	mux := http.NewServeMux()
	mux.Handle("/", web.Handler(web.Dist))
	mux.HandleFunc("/dapp-under-test", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>dApp</title>")
	})
	mux.HandleFunc("/puppet", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, harness.Puppet)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// openSite opens the page of a dApp in a tab of its own. Its provider uses the simulator's connector.
func openSite(b *harness.Browser, origin string, node *harness.FakeNode) *harness.Dapp {
	d := &harness.Dapp{Browser: b.NewTab(), Origin: origin}
	d.Load(node.URL, connector(b))
	return d
}

func connector(b *harness.Browser) string { return fmt.Sprintf("connector: %q", b.Sim.URL) }

// accept waits until a request is shown, checks who asks, and presses the button that goes on.
func accept(w *harness.Browser, d *harness.Dapp) {
	w.T.Helper()
	answer(w, d, "accept")
}

func answer(w *harness.Browser, d *harness.Dapp, action string) {
	w.T.Helper()
	w.WaitFor(`[data-state="asking"][data-ready="true"]`)
	require.Contains(w.T, w.Text(), d.Origin[len("http://"):], "the screen names the site")
	w.Press(action)
}

// bind chooses the device in the window and types its code.
func bind(w *harness.Browser) {
	w.T.Helper()
	w.WaitForState("recognised")
	w.Press("go-on")
	w.WaitForState("code")
	w.EnterCode(w.Sim.Device.Code())
}

// toCode goes on from what the window says of a device until it asks for the binding code.
func toCode(w *harness.Browser) {
	w.T.Helper()
	const shown = "document.querySelector('[data-state=code]') ?? document.querySelector('[data-action=go-on]')?.closest('[data-state]')"
	for {
		w.WaitUntil(shown)
		state := harness.Eval[string](w, "("+shown+").dataset.state")
		if state == "code" {
			return
		}
		w.Press("go-on")
		w.WaitUntil(fmt.Sprintf("!document.querySelector('[data-state=%s]')", state))
	}
}

// TestThreeSitesUseOneBinding connects three dApps on three origins. The code is typed once, and each site is allowed once. After the user
// takes one site's permission, it gets 4100, and the others go on.
func TestThreeSitesUseOneBinding(t *testing.T) {
	t.Parallel()
	reloads, limit := 2, harness.Timeout
	if os.Getenv("IMKEY_FULL") != "" {
		reloads, limit = 200, 5*harness.Timeout
	}
	sim := harness.NewSimFor(t, device.Options{Mnemonic: mnemonic}, limit)
	b := sim.StartBrowser(harness.BrowserOptions{})
	node := harness.NewFakeNode(t)

	first := openSite(b, site(t), node)
	var asked harness.Request
	w := first.NewWindow(func() { asked = first.Click("eth_requestAccounts", "[]") })
	accept(w, first)
	bind(w)
	require.JSONEq(t, `["`+account+`"]`, string(asked.Wait().Value))

	sign(w, first)

	// The other sites have windows of their own, and use the same binding. They ask for no code.
	second, third := openSite(b, site(t), node), openSite(b, site(t), node)
	windows := map[*harness.Dapp]*harness.Browser{first: w}
	for _, d := range []*harness.Dapp{second, third} {
		w := d.NewWindow(func() { asked = d.Click("eth_requestAccounts", "[]") })
		windows[d] = w
		accept(w, d)
		require.JSONEq(t, `["`+account+`"]`, string(asked.Wait().Value))
		sign(w, d)
	}

	// The user takes the second site's permission in the third one's window.
	row := fmt.Sprintf(`[data-origin=%q]`, second.Origin)
	list := windows[third]
	list.WaitFor(row + ` [data-action="revoke"]`)
	list.Run(fmt.Sprintf(`document.querySelector(%q).click()`, row+` [data-action="revoke"]`))
	list.Press("revoke-now")
	second.WaitForEvent("accountsChanged", 0)
	second.Request("personal_sign", `["0x68656c6c6f", "`+account+`"]`).RequireError(t, 4100, "invalid-argument")
	require.JSONEq(t, `[]`, string(second.Request("eth_accounts", "[]").Value))
	second.Request("wallet_watchAsset", `{"type":"ERC20","options":{}}`).RequireError(t, 4200, "unsupported-method")
	second.Request("wallet_revokePermissions", `{"eth_accounts":{}}`).RequireError(t, -32602, "invalid-argument")
	sign(w, first)
	sign(windows[third], third)
	require.Equal(t, 1, verified(sim), "the code was typed once")

	// While a node of a batch is asked, another window asks the user, and so does the same one. Then the batch goes on without a question.
	asking, answer := make(chan struct{}), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(goOn)
	var once sync.Once
	node.Handle("eth_getTransactionReceipt", func(w http.ResponseWriter, id json.RawMessage) {
		once.Do(func() { close(asking) })
		<-answer
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": id, "result": nil})
	})
	batch := first.Click("wallet_sendCalls", fmt.Sprintf(
		`[{ version: "2.0.0", chainId: "0x%x", from: %q, atomicRequired: false, calls: [{ to: %[2]q, value: "0x1" }, { to: %[2]q, value: "0x2" }] }]`,
		harness.FakeChain, account))
	accept(w, first)
	batch.WaitForQuestion()
	sim.Device.Press(device.OK)
	select {
	case <-asking:
	case <-time.After(30 * time.Second):
		require.Fail(t, "the node was not asked")
	}
	w.WaitForState("sending")
	sign(windows[third], third)
	sign(w, first)
	goOn()
	batch.WaitForQuestion()
	w.WaitForState("device")
	sim.Device.Press(device.OK)
	o := batch.Wait()
	require.Zero(t, o.Code, "%+v", o)
	require.Len(t, node.TakeSent(), 2)

	// The window shows what became of the batch, until the user closes that.
	var sent struct{ ID string }
	require.NoError(t, json.Unmarshal(o.Value, &sent))
	status := first.Click("wallet_showCallsStatus", fmt.Sprintf("[%q]", sent.ID))
	w.WaitFor(`[data-state="asking"][data-ready="true"]`)
	require.Contains(t, w.Text(), first.Origin[len("http://"):])
	require.Contains(t, w.Text(), "Transaction 2")
	w.Press("accept")
	o = status.Wait()
	require.Zero(t, o.Code, "%+v", o)

	// A page that is loaded again has a new port each time, and the window gives the old one back. It takes 64 ports of a site at a time.
	for range reloads {
		third.Load(node.URL, connector(b))
		require.Len(t, third.Click("eth_requestAccounts", "[]").Accounts(), 1)
	}

	// A permission that a site gives back while the window is closed stays given back when the page is loaded again: the user is asked anew.
	windows[third].Run("window.close()")
	waitUntilGone(b, windows[third])
	require.JSONEq(t, "null", string(third.Request("wallet_revokePermissions", "[{ eth_accounts: {} }]").Value))
	third.Load(node.URL, connector(b))
	require.JSONEq(t, `[]`, string(third.Request("eth_accounts", "[]").Value))
	anew := third.NewWindow(func() { asked = third.Click("eth_requestAccounts", "[]") })
	accept(anew, third)
	require.Len(t, asked.Accounts(), 1)
}

// sign signs a message, and checks that the user is asked in the window and on the device.
func sign(w *harness.Browser, d *harness.Dapp) {
	w.T.Helper()
	asked := d.Click("personal_sign", `["0x68656c6c6f", "`+account+`"]`)
	accept(w, d)
	asked.WaitForQuestion()
	d.Sim.Device.Press(device.OK)
	require.Len(w.T, asked.Wait().Text(w.T), 132)
}

// verified counts the codes that the device checked.
func verified(sim *harness.Sim) int {
	count := 0
	for _, event := range sim.Device.Trace() {
		if strings.Contains(event.Text, "IDENTITY_VERIFY →") {
			count++
		}
	}
	return count
}

// waitUntilGone waits until the browser has no such window any more. A site finds it by its name until then.
func waitUntilGone(b, w *harness.Browser) {
	b.T.Helper()
	id := chromedp.FromContext(w.Ctx).Target.TargetID
	for {
		all, err := chromedp.Targets(b.Ctx)
		require.NoError(b.T, err)
		if !slices.ContainsFunc(all, func(one *target.Info) bool { return one.TargetID == id }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
