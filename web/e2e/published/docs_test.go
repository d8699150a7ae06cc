package published

import (
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestPairingAnswerOfTheDocs answers the provider's question for the code in the way that docs/testing.md gives for a site's
// tests.
func TestPairingAnswerOfTheDocs(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(harness.RepoPath("docs/testing.md"))
	require.NoError(t, err)
	answer := regexp.MustCompile("(?s)```js\n(const provider = .*?)```").FindSubmatch(document)
	require.Len(t, answer, 2)
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase})
	s.Handle("/code-of-the-docs", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(s.Device.Code())) })
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/dapp")
	b.Run(`
		const { createProvider } = await import('/imkey.js')
		const bindingCode = async () => (await fetch('/code-of-the-docs')).text()
		const chains = [{ chainId: 1, rpcUrls: ['http://127.0.0.1:1'] }]
		` + string(answer[1]) + `
		globalThis.accounts = await provider.request({ method: 'eth_requestAccounts' })`)
	require.Equal(t, []string{harness.DemoAddress}, harness.Eval[[]string](b, "accounts"))
}
