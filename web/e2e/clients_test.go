package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim"
)

// clientsProject sets a Vite project up as its author would: with its libraries, and the packed tarball on top of them.
func clientsProject(t *testing.T) string {
	packed, err := filepath.Glob("../../build/imkey-connect-*.tgz")
	require.NoError(t, err)
	require.Len(t, packed, 1, "run make pack first")
	tarball, err := filepath.Abs(packed[0])
	require.NoError(t, err)
	require.FileExists(t, "clients/node_modules/.package-lock.json", "run make testcases first")
	dir := t.TempDir()
	run := func(name string, args ...string) {
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s %s\n%s", name, strings.Join(args, " "), out)
	}
	clients, err := filepath.Abs("clients")
	require.NoError(t, err)
	run("cp", "-a", clients+"/.", dir)
	run("npm", "install", "--no-save", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", tarball)
	run("npm", "run", "check")
	run("npm", "run", "build")
	return dir
}

// visit shows the clients' page, as the site at origin serves it, for a chain.
func (b *browser) visit(origin string, n *node) {
	b.t.Helper()
	query := url.Values{"rpc": {n.url}, "chain": {n.chainID()}, "ca": {b.sim.device.Status().CA}}
	b.do(chromedp.Navigate(origin + "/?" + query.Encode()))
	b.until("'page' in globalThis")
}

// pairClients binds the device to the site by the SDK alone.
func (b *browser) pairClients() {
	b.t.Helper()
	b.run("globalThis.bind = await page.pair()")
	b.run(fmt.Sprintf("await bind(%q)", b.sim.code()))
}

// confirmed runs JavaScript that needs an OK on the device, gives it, and returns what comes of it and what the screen said.
func confirmed[T any](b *browser, expression string) (T, string) {
	b.t.Helper()
	b.run("globalThis.pending = " + expression)
	b.run("pending.catch(() => {})")
	said := b.sim.confirm()
	return eval[T](b, "pending"), said
}

// everything has one client do all that a dApp does, and verifies all of it.
func (b *browser) everything(client string, n *node) {
	t := b.t
	b.run(fmt.Sprintf("globalThis.client = await page.client(%q)", client))
	require.Equal(t, []string{firstAddress}, eval[[]string](b, "client.accounts()"))

	message := "Hello from " + client
	signature, said := confirmed[string](b, fmt.Sprintf("client.signMessage(%q)", message))
	require.Contains(t, said, message)
	require.True(t, eval[bool](b, fmt.Sprintf("page.verifyMessage(%q, %q, %q)", firstAddress, message, signature)))
	require.False(t, eval[bool](b, fmt.Sprintf("page.verifyMessage(%q, %q, %q)", firstAddress, message+"!", signature)))

	signature, _ = confirmed[string](b, "client.signTypedData()")
	require.True(t, eval[bool](b, fmt.Sprintf("page.verifyTypedData(%q, %q)", firstAddress, signature)))

	type sent struct{ Hash, From, Status string }
	tx, said := confirmed[sent](b, fmt.Sprintf("client.send(%q, '1500000000000000000')", secondAddress))
	require.Contains(t, said, "1.5 ETH")
	require.Contains(t, said, secondAddress)
	require.Equal(t, "success", tx.Status)
	require.True(t, strings.EqualFold(firstAddress, tx.From), tx.From)
	receipt := n.receipt(tx.Hash)
	require.Equal(t, "0x1", receipt.Status)
	require.Equal(t, "0x2", receipt.Type)
	require.True(t, strings.EqualFold(firstAddress, receipt.From), receipt.From)
	require.True(t, strings.EqualFold(secondAddress, receipt.To), receipt.To)
}

var clients = []string{"viem", "ethers", "wagmi", "discovered"}

// TestClients: the libraries by which dApps talk to wallets, from the packed tarball, in a site that Vite built without a
// word of configuration, to a device in the browser's own navigator.usb and to a real node.
func TestClients(t *testing.T) {
	dir := clientsProject(t)
	s := newSim(t, devicesim.Options{Mnemonic: testPhrase(t)})
	n := anvil(t, firstAddress)
	site := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "dist"))))
	t.Cleanup(site.Close)
	s.url = site.URL // whose the permission is
	b := s.browse(browserOptions{})
	b.visit(s.url, n)
	b.pairClients()
	for _, client := range clients {
		t.Run(client, func(t *testing.T) {
			b.visit(s.url, n) // the binding stays from one visit to the next
			b.everything(client, n)
		})
	}

	t.Run("mipd", func(t *testing.T) {
		type found struct {
			Count, Heard int
			Same, Frozen bool
			Info         struct{ UUID, Name, Icon, RDNS string }
		}
		uuids := map[string]bool{}
		for _, order := range []string{"store first", "provider first"} {
			b.visit(s.url, n)
			before := s.packets()
			f := eval[found](b, fmt.Sprintf("page.discover(%q)", order))
			require.Equal(t, 1, f.Count, order)
			require.True(t, f.Same, "%s: it is the provider itself", order)
			require.True(t, f.Frozen, order)
			require.Equal(t, "imKey", f.Info.Name)
			require.Equal(t, "im.imkey", f.Info.RDNS)
			require.Regexp(t, "^data:image/", f.Info.Icon)
			uuids[f.Info.UUID] = true
			require.Equal(t, before, s.packets(), "being discovered is no reason to talk to the device")
		}
		require.Len(t, uuids, 2, "each page has its own")
	})
}
