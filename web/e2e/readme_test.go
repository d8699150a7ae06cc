package e2e

import (
	"context"
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
)

func readme(t *testing.T) string {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	return string(text)
}

// The page in the README is one that works, word for word: with the browser's own WebUSB, and with the simulated one.
func TestTheREADMEsPage(t *testing.T) {
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
			s := newSim(t, device.Options{})
			page := strings.ReplaceAll(page, "http://localhost:7380", s.url)
			s.routes.HandleFunc("/dapp-of-the-readme", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Write([]byte(page))
			})
			b := s.browse(browserOptions{unplugged: name == "simulated"})
			says := func(text string) {
				b.t.Helper()
				b.until(`document.getElementById('said').textContent.includes("` + text + `")`)
			}
			open := func() {
				b.do(chromedp.Navigate(s.url+"/dapp-of-the-readme"), chromedp.Click(chromedp.CSS("#connect")))
			}
			enter := func(code string) {
				b.run(`document.getElementById('code').value = ''`)
				b.do(chromedp.SendKeys(chromedp.CSS("#code"), code+"\r"))
			}

			open()
			says("Enter the code on its screen.")
			code := s.code()
			enter("ABCO" + code[4:])
			says("Character 4 cannot be part of a code.")
			if name == "plugged in" { // the simulated one comes with its CA
				enter(code)
				says("This device cannot be verified. Nothing was sent to it.")
				require.NotContains(t, s.bindings(), byte(0x73))
				b.do(chromedp.Click(chromedp.CSS("#accept")))
			}
			enter(wrong(code))
			says("That is not the code of this imKey.")
			s.device.SetConfirmBinding(true)
			enter(strings.ToLower(code[:4] + "-" + code[4:]))
			says("Look at your imKey.")
			s.is(func(s device.Status) bool { return s.Asking })
			require.NoError(t, s.device.Press(device.OK))
			says("Bound.")
			open()
			says("Bound.")
			b.quietly("favicon")
		})
	}
}

// What the README says of tests is true, word for word: each file in an empty folder beside a checkout, and the commands
// that follow it.
func TestTheREADMEsTests(t *testing.T) {
	t.Parallel()
	checkout, err := filepath.Abs("../..")
	require.NoError(t, err)
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
			ctx, stop := context.WithTimeout(t.Context(), 2*patience) // it compiles
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
func TestTheREADMEsAnswer(t *testing.T) {
	t.Parallel()
	answer := regexp.MustCompile("(?s)```js\n(const pairing = .*?)```").FindStringSubmatch(readme(t))
	require.Len(t, answer, 2)
	s := newSim(t, device.Options{Mnemonic: demoPhrase})
	s.routes.HandleFunc("/code-of-the-readme", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(s.code())) })
	b := s.browse(browserOptions{})
	b.open("/dapp")
	b.run(`
		const { createProvider } = await import('/imkey.js')
		const bindingCode = async () => (await fetch('/code-of-the-readme')).text()
		const chains = [{ chainId: 1, rpcUrls: ['http://127.0.0.1:1'] }]
		` + answer[1] + `
		globalThis.accounts = await provider.request({ method: 'eth_requestAccounts' })`)
	require.Equal(t, []string{demoAddress}, eval[[]string](b, "accounts"))
}

// What the README points to is there.
func TestTheREADMEsLinks(t *testing.T) {
	t.Parallel()
	text := readme(t)
	links := regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, links)
	for _, link := range links {
		require.FileExists(t, filepath.Join("../..", link[1]))
	}
	makefile, err := os.ReadFile("../../Makefile")
	require.NoError(t, err)
	targets := regexp.MustCompile("`make ([a-z0-9-]+)`").FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, targets)
	for _, target := range targets {
		require.Regexp(t, `(?m)^`+target[1]+`:`, string(makefile))
	}
}
