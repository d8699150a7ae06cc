package provider

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestNodesInABrowser asks nodes as a browser does: with a Referer, with headers that CORS must permit, at addresses relative to the
// page and to a worker, with the page's cookies only where they belong, and at the next address where a node refuses.
func TestNodesInABrowser(t *testing.T) {
	s := harness.NewSim(t, device.Options{})
	s.ServeDapp()
	n := harness.NewFakeNode(t)

	// Like nodes whose operators list the sites that may ask.
	strict := func(needed map[string]string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Allow-Headers", "Content-Type, X-API-Key")
			if r.Method == http.MethodOptions {
				return
			}
			for name, value := range needed {
				if r.Header.Get(name) != value {
					http.Error(w, fmt.Sprintf("%s is %q", name, r.Header.Get(name)), http.StatusForbidden)
					return
				}
			}
			n.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	paths := make(chan string, 10)
	own := func(w http.ResponseWriter, r *http.Request) {
		paths <- r.URL.Path + " " + r.Header.Get("Cookie")
		n.ServeHTTP(w, r)
	}
	s.Handle("/rpc/1", own)
	s.Handle("/site/rpc/1", own)
	s.Handle("/site/worker.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = fmt.Fprintf(w, `import { createProvider } from '/imkey.js'
			const provider = createProvider({ chains: [{ chainId: %d, rpcUrls: ['./rpc/1'] }] })
			postMessage(await provider.request({ method: 'eth_blockNumber' }).catch(error => error.message))`, harness.FakeChain)
	})

	d := s.OpenDapp(harness.BrowserOptions{}, n.URL, "")
	d.Run(`document.cookie = 'session=1; path=/'`)
	ask := func(nodes string) string {
		return harness.Eval[string](d.Browser, fmt.Sprintf(`(async () => {
			const asking = sdk.createProvider({ chains: [{ chainId: %d, rpcUrls: [%s] }] })
			return asking.request({ method: 'eth_blockNumber' }).catch(error => error.message)
		})()`, harness.FakeChain, nodes))
	}
	site := s.URL + "/"
	require.Equal(t, "0x10", ask(fmt.Sprintf("%q", strict(map[string]string{"Referer": site, "Cookie": ""}))))
	needsKey := strict(map[string]string{"Referer": site, "X-API-Key": "a-secret"})
	require.Equal(t, "0x10", ask(fmt.Sprintf("{ url: %q, headers: { 'X-API-Key': 'a-secret' } }", needsKey)))
	require.Contains(t, ask(fmt.Sprintf("{ url: %q, headers: { 'X-API-Key': 'another' } }", needsKey)), "HTTP status 403")
	require.Equal(t, "0x10", ask(fmt.Sprintf("%q, %q", needsKey, n.URL)), "the next node")

	require.Equal(t, "0x10", ask("'/rpc/1'"))
	require.Equal(t, "/rpc/1 session=1", <-paths)
	d.Run(`const base = document.createElement('base'); base.href = '/site/page.html'; document.head.append(base)`)
	require.Equal(t, "0x10", ask("'./rpc/1'"))
	require.Equal(t, "/site/rpc/1 session=1", <-paths)
	require.Equal(t, "0x10", harness.Eval[string](d.Browser,
		`new Promise(resolve => { new Worker('/site/worker.js', { type: 'module' }).onmessage = ({ data }) => resolve(data) })`))
	require.Equal(t, "/site/rpc/1 session=1", <-paths)
}
