package published

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// clientsProject sets up a Vite project as its author would: with its libraries, and with the packed tarball. It returns the folder.
func clientsProject(t *testing.T) string {
	packed, err := filepath.Glob(harness.RepoPath("build/imkey-connect-[0-9]*.tgz"))
	require.NoError(t, err)
	require.Len(t, packed, 1, "run make pack first")
	require.FileExists(t, harness.RepoPath("web/e2e/published/clients/node_modules/.package-lock.json"), "run make testcases first")
	dir, err := os.MkdirTemp(harness.RepoPath("build"), "clients-") // on the file system that node_modules is on, for the links
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	run := func(name string, args ...string) {
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s %s\n%s", name, strings.Join(args, " "), out)
	}
	clients := harness.RepoPath("web/e2e/published/clients")
	// The project has tens of thousands of files, so they are linked rather than copied. npm rewrites one of them in place.
	run("cp", "-al", clients+"/.", dir)
	run("cp", "--remove-destination", clients+"/node_modules/.package-lock.json", dir+"/node_modules")
	run("npm", "install", "--no-save", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", packed[0])
	run("npm", "run", "check")
	run("npm", "run", "build")
	return dir
}

// visit opens the clients' page of the site at origin, for the chain of a node.
func visit(b *harness.Browser, origin string, n *harness.Node) {
	b.T.Helper()
	query := url.Values{"rpc": {n.URL}, "chain": {n.ChainID()}, "ca": {b.Sim.Device.CA()}}
	b.Do(chromedp.Navigate(origin + "/?" + query.Encode()))
	b.WaitUntil("'page' in globalThis")
}

// pairClients binds the device in the dialog that opens when a client first asks for the accounts.
func pairClients(b *harness.Browser) {
	b.T.Helper()
	b.Run("globalThis.pending = (await page.client('viem')).accounts()")
	b.BindInDialog(b.Sim.Device.Code())
	require.Equal(b.T, []string{harness.FirstAddress}, harness.Eval[[]string](b, "pending"))
}

// confirmed runs JavaScript that the user confirms on the device. It returns the value and what the screen showed.
func confirmed[T any](b *harness.Browser, expression string) (T, string) {
	b.T.Helper()
	b.Run("globalThis.pending = " + expression)
	b.Run("pending.catch(() => {})")
	said := b.Sim.Device.Approve()
	return harness.Eval[T](b, "pending"), said
}

// everything has a client do everything that a dApp does, and verifies each result.
func everything(b *harness.Browser, client string, n *harness.Node) {
	t := b.T
	b.Run(fmt.Sprintf("globalThis.client = await page.client(%q)", client))
	require.Equal(t, []string{harness.FirstAddress}, harness.Eval[[]string](b, "client.accounts()"))

	message := "Hello from " + client
	signature, said := confirmed[string](b, fmt.Sprintf("client.signMessage(%q)", message))
	require.Contains(t, said, message)
	require.True(t, harness.Eval[bool](b, fmt.Sprintf("page.verifyMessage(%q, %q, %q)", harness.FirstAddress, message, signature)))
	require.False(t, harness.Eval[bool](b, fmt.Sprintf("page.verifyMessage(%q, %q, %q)", harness.FirstAddress, message+"!", signature)))

	signature, _ = confirmed[string](b, "client.signTypedData()")
	require.True(t, harness.Eval[bool](b, fmt.Sprintf("page.verifyTypedData(%q, %q)", harness.FirstAddress, signature)))

	type sent struct{ Hash, From, Status string }
	tx, said := confirmed[sent](b, fmt.Sprintf("client.send(%q, '1500000000000000000')", harness.SecondAddress))
	require.Contains(t, said, "1.5 ETH")
	require.Contains(t, said, harness.SecondAddress)
	require.Equal(t, "success", tx.Status)
	require.True(t, strings.EqualFold(harness.FirstAddress, tx.From), tx.From)
	receipt := n.Receipt(tx.Hash)
	require.Equal(t, "0x1", receipt.Status)
	require.Equal(t, "0x2", receipt.Type)
	require.True(t, strings.EqualFold(harness.FirstAddress, receipt.From), receipt.From)
	require.True(t, strings.EqualFold(harness.SecondAddress, receipt.To), receipt.To)
	if client == "viem" || client == "wagmi" {
		batch(b, n)
	}
}

// batch has a client send two calls in one batch: the user agrees once in the dialog, and confirms each on the device.
func batch(b *harness.Browser, n *harness.Node) {
	t := b.T
	b.Run(fmt.Sprintf("globalThis.pending = client.batch(%q, ['1000000000000000000', '2000000000000000000'])", harness.SecondAddress))
	b.Run("pending.catch(() => {})")
	b.WaitForDialog("asking")
	asked := harness.Eval[string](b, "dialog().textContent")
	require.Contains(t, asked, "Send 1 ETH")
	require.Contains(t, asked, "Send 2 ETH")
	b.Run("while (!dialog().querySelector('[data-ready=true]')) await new Promise(requestAnimationFrame)")
	b.Run("dialog().querySelector('[data-action=accept]').click()")
	require.Contains(t, b.Sim.Device.Approve(), "1.0 ETH")
	require.Contains(t, b.Sim.Device.Approve(), "2.0 ETH")
	type sent struct {
		StatusCode int
		Hashes     []string
	}
	done := harness.Eval[sent](b, "pending")
	require.Equal(t, 200, done.StatusCode)
	require.Len(t, done.Hashes, 2)
	for _, hash := range done.Hashes {
		require.Equal(t, "0x1", n.Receipt(hash).Status)
	}
}

// useClients has clients do everything on the site at origin, in a new browser and with a new node.
func useClients(t *testing.T, origin string, start func(*testing.T, string) *harness.Node, clients ...string) (*harness.Browser, *harness.Node) {
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	n := start(t, harness.FirstAddress)
	b := s.StartBrowser(harness.BrowserOptions{Origins: []string{origin}})
	b.ExposeDialog()
	visit(b, origin, n)
	pairClients(b)
	for _, client := range clients {
		t.Run(client, func(t *testing.T) {
			visit(b, origin, n) // the binding is kept between visits
			everything(b, client, n)
		})
	}
	return b, n
}

// TestClients uses the libraries by which dApps talk to wallets (viem, ethers, wagmi, mipd, web3-onboard), from the packed
// tarball, in a site that Vite builds without configuration. The device is in the browser's own navigator.usb, and the node is
// a real one.
func TestClients(t *testing.T) {
	t.Parallel()
	dir := clientsProject(t)
	serve := func(t *testing.T) string {
		site := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "dist"))))
		t.Cleanup(site.Close)
		return site.URL
	}
	t.Run("on a built site", func(t *testing.T) {
		origin := serve(t)
		b, n := useClients(t, origin, harness.StartAnvil, "viem", "ethers", "wagmi", "discovered")
		t.Run("mipd", func(t *testing.T) { discovered(b, origin, n) })
		t.Run("onboard", func(t *testing.T) { onboarded(b, origin, n) })
	})
	t.Run("on Vite's own server", func(t *testing.T) {
		// The server handles a package in node_modules in another way than the build does.
		match := harness.StartProgram(t, regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/`), "node", filepath.Join(dir, "node_modules", "vite", "bin", "vite.js"),
			dir, "--host", "127.0.0.1", "--port", "0")
		useClients(t, match[1], harness.StartAnvil, "viem", "wagmi")
	})
	if os.Getenv("IMKEY_FULL") == "" {
		return
	}
	t.Run("with go-ethereum", func(t *testing.T) {
		program := harness.BuildGeth(t)
		useClients(t, serve(t), func(t *testing.T, address string) *harness.Node { return harness.StartGeth(t, program, address) }, "viem", "ethers", "wagmi", "discovered")
	})
}

// discovered checks that mipd's store finds the provider, in both orders of loading.
func discovered(b *harness.Browser, origin string, n *harness.Node) {
	t := b.T
	type found struct {
		Count, Heard int
		Same, Frozen bool
		Info         struct{ UUID, Name, Icon, RDNS string }
	}
	uuids := map[string]bool{}
	for _, order := range []string{"store first", "provider first"} {
		visit(b, origin, n)
		before := b.Sim.BytesOnBus()
		f := harness.Eval[found](b, fmt.Sprintf("page.discover(%q)", order))
		require.Equal(t, 1, f.Count, order)
		require.Positive(t, f.Heard, order)
		require.True(t, f.Same, "%s: the provider itself", order)
		require.True(t, f.Frozen, order)
		require.Equal(t, "imKey", f.Info.Name)
		require.Equal(t, "im.imkey", f.Info.RDNS)
		require.Regexp(t, "^data:image/", f.Info.Icon)
		uuids[f.Info.UUID] = true
		require.Equal(t, before, b.Sim.BytesOnBus(), "the discovery does not ask the device")
	}
	require.Len(t, uuids, 2, "each page has its own id")
}

// onboarded has web3-onboard use the keyring as one of its wallets: the user chooses imKey in its dialog, signs and sends with
// the provider that web3-onboard hands out, switches the chain, and disconnects.
func onboarded(b *harness.Browser, origin string, n *harness.Node) {
	t := b.T
	visit(b, origin, n)
	everything(b, "onboard", n)
	var chain string
	n.Call(&chain, "eth_chainId")

	type state struct {
		Label, Chain, Icon string
		Accounts           []string
	}
	told := harness.Eval[state](b, "client.state()")
	require.Regexp(t, "^data:image/", told.Icon)
	told.Icon = ""
	require.Equal(t, state{Label: "imKey", Chain: chain, Accounts: []string{harness.FirstAddress}}, told)

	for _, id := range []string{"0x2", chain} {
		require.True(t, harness.Eval[bool](b, fmt.Sprintf("client.switchTo(%q)", id)))
		require.Equal(t, id, harness.Eval[state](b, "client.state()").Chain, "web3-onboard follows chainChanged")
	}

	type end struct {
		Wallets   int
		Accounts  []string
		Connected bool
	}
	require.Equal(t, end{Accounts: []string{}}, harness.Eval[end](b, "client.disconnect()"), "the wallet is disconnected")
	require.Equal(t, []string{harness.FirstAddress}, harness.Eval[[]string](b, "client.accounts()"), "the wallet is connected again")
}
