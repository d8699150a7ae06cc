package published

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

func readme(t *testing.T) string {
	text, err := os.ReadFile(harness.RepoPath("README.md"))
	require.NoError(t, err)
	return string(text)
}

// The page in the README is one that works, word for word: with the browser's own WebUSB, and with the simulated one.
func TestREADMEPage(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```html\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	require.Len(t, blocks, 1)
	page := blocks[0][1]
	simulated := regexp.MustCompile("(?s)```js\n(const simulator = .*?)```").FindStringSubmatch(readme(t))
	require.Len(t, simulated, 2)
	const load = "const imkey = await loadImKey()\n"
	require.Equal(t, 1, strings.Count(page, load))

	for name, page := range map[string]string{"plugged in": page, "simulated": strings.Replace(page, load, simulated[1], 1)} {
		t.Run(name, func(t *testing.T) {
			s := harness.NewSim(t, device.Options{})
			page := strings.ReplaceAll(page, "http://localhost:7380", s.URL)
			s.Handle("/dapp-of-the-readme", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Write([]byte(page))
			})
			b := s.StartBrowser(harness.BrowserOptions{Unplugged: name == "simulated"})
			says := func(text string) {
				b.T.Helper()
				b.WaitUntil(fmt.Sprintf("document.getElementById('said').textContent.includes(%q)", text))
			}
			open := func() {
				b.Do(chromedp.Navigate(s.URL+"/dapp-of-the-readme"), chromedp.Click(chromedp.CSS("#connect")))
			}
			enter := func(code string) {
				b.Run(`document.getElementById('code').value = ''`)
				b.Do(chromedp.SendKeys(chromedp.CSS("#code"), code+"\r"))
			}

			open()
			says("Enter the code on its screen.")
			code := s.Device.Code()
			enter("ABCO" + code[4:])
			says("Character 4 cannot be part of a code.")
			if name == "plugged in" { // the simulated one comes with its CA
				enter(code)
				says("This device cannot be verified. Nothing was sent to it.")
				require.NotContains(t, s.BindingInstructions(), byte(0x73))
				b.Do(chromedp.Click(chromedp.CSS("#accept")))
			}
			enter(harness.WrongCode(code))
			says(harness.ErrorSentence(t, "wrong-code"))
			s.Device.Simulated.SetConfirmBinding(true)
			enter(strings.ToLower(code[:4] + "-" + code[4:]))
			says("Look at your imKey.")
			s.WaitForQuestion()
			s.Device.Press(device.OK)
			says("Bound.")
			open()
			says("Bound.")
			b.CheckConsole("favicon")
		})
	}
}

// What the README says of tests is true, word for word: each file in an empty folder beside a checkout, and the commands
// that follow it.
func TestREADMETests(t *testing.T) {
	t.Parallel()
	checkout := harness.RepoPath("")
	_, section, found := strings.Cut(readme(t), "\n## In your tests\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	type example struct{ file, text, commands string }
	var examples []example
	for _, e := range regexp.MustCompile("(?s)this `([\\w.]+)`[^`]*?\n```\\w+\n(.*?)```\n\n```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		examples = append(examples, example{e[1], e[2], e[3]})
	}
	require.Len(t, examples, 2)
	puppeteer, err := os.ReadFile(filepath.Join(checkout, "devicesim/examples/puppeteer.test.mjs"))
	require.NoError(t, err)
	commands := regexp.MustCompile(`(?m)^//   (.*\n)`).FindAllStringSubmatch(string(puppeteer), -1)
	require.Len(t, commands, 3)
	examples = append(examples, example{"puppeteer.test.mjs", string(puppeteer), commands[0][1] + commands[1][1] + commands[2][1]})

	for _, e := range examples {
		t.Run(e.file, func(t *testing.T) {
			t.Parallel()
			beside := t.TempDir()
			require.NoError(t, os.Symlink(checkout, filepath.Join(beside, "imkey-connect")))
			folder := filepath.Join(beside, "mytest")
			require.NoError(t, os.Mkdir(folder, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(folder, e.file), []byte(e.text), 0o644))
			ctx, stop := context.WithTimeout(t.Context(), 2*harness.Timeout) // it compiles
			defer stop()
			shell := exec.CommandContext(ctx, "sh", "-e", "-c", e.commands)
			shell.Dir = folder
			shell.Env = append(os.Environ(), "npm_config_prefer_offline=true", "npm_config_audit=false", "npm_config_fund=false")
			shell.WaitDelay = 10 * time.Second
			out, err := shell.CombinedOutput()
			require.NoError(t, err, "%s\n%s", e.commands, out)
			require.Regexp(t, `(?m)^(ok  \tmytest|# pass 1$)`, string(out))
		})
	}
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
		require.FileExists(t, harness.RepoPath(link[1]))
	}
	makefile, err := os.ReadFile(harness.RepoPath("Makefile"))
	require.NoError(t, err)
	targets := regexp.MustCompile("`make ([a-z0-9-]+)`").FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, targets)
	for _, target := range targets {
		require.Regexp(t, `(?m)^`+target[1]+`:`, string(makefile))
	}
}
