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

func readme(t *testing.T) string {
	text, err := os.ReadFile(harness.RepoPath("README.md"))
	require.NoError(t, err)
	return string(text)
}

// A site's own tests answer the provider's question for the code as the README says.
func TestREADMEPairingAnswer(t *testing.T) {
	t.Parallel()
	answer := regexp.MustCompile("(?s)```js\n(const pairing = .*?)```").FindStringSubmatch(readme(t))
	require.Len(t, answer, 2)
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase})
	s.Handle("/code-of-the-readme", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(s.Device.Code())) })
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/dapp")
	b.Run(`
		const { createProvider } = await import('/imkey.js')
		const bindingCode = async () => (await fetch('/code-of-the-readme')).text()
		const chains = [{ chainId: 1, rpcUrls: ['http://127.0.0.1:1'] }]
		` + answer[1] + `
		globalThis.accounts = await provider.request({ method: 'eth_requestAccounts' })`)
	require.Equal(t, []string{harness.DemoAddress}, harness.Eval[[]string](b, "accounts"))
}

// What the README points to is there.
func TestREADMELinks(t *testing.T) {
	t.Parallel()
	text := readme(t)
	links := regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, links)
	for _, link := range links {
		_, err := os.Stat(harness.RepoPath(link[1]))
		require.NoError(t, err)
	}
	makefile, err := os.ReadFile(harness.RepoPath("Makefile"))
	require.NoError(t, err)
	targets := regexp.MustCompile("`make ([a-z0-9-]+)`").FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, targets)
	for _, target := range targets {
		require.Regexp(t, `(?m)^`+target[1]+`:`, string(makefile))
	}
}
