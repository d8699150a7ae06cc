package looks

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestScreenshots writes what TestRequestLooks measures as pictures, for somebody who looks at them: every request screen and the lists of
// sites, at 390 and 1280 pixels, light and dark, in English and Chinese:
//
//	cd web/e2e && IMKEY_OUT=/tmp/pictures go test -run Screenshots ./looks
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("IMKEY_OUT")
	if dir == "" {
		t.Skip("set IMKEY_OUT to a folder for the pictures")
	}
	t.Parallel()
	s := harness.NewSimFor(t, device.Options{}, 10*harness.Timeout)
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true, Args: []string{"--hide-scrollbars"}})
	b.Open("/")
	all := reviews(t)
	states := slices.DeleteFunc(requestStates(t, false), func(state fields) bool { return state["name"] == "asking" })
	for name, state := range all {
		state["title"] = name
		states = append(states, state)
	}
	for _, language := range []string{"en", "zh"} {
		requestScreens(b, language)
		for _, screen := range harness.Screens[:4] {
			b.SetScreen(screen.Width, screen.Scheme, false)
			shot := func(name string) {
				name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
				write(t, b, filepath.Join(dir, fmt.Sprintf("%s-%d-%s-%s.png", name, screen.Width, screen.Scheme, language)))
			}
			for i, state := range states {
				title, named := state["title"].(string)
				if !named {
					title = fmt.Sprintf("%v-%d", state["name"], i)
				}
				b.Run(fmt.Sprintf("requests.fresh(%q); requests.show(%s)", language, text(t, state)))
				shot(title)
			}
			b.Run(fmt.Sprintf("requests.lists(%q); requests.show(%s)", language, text(t, someSites())))
			shot("sites")
		}
	}
}

// TestScreenshotsOfExtension writes the extension's own pages: the popup with no device, a bound device and a site, the sites, help, pairing.
func TestScreenshotsOfExtension(t *testing.T) {
	dir := os.Getenv("IMKEY_OUT")
	if dir == "" {
		t.Skip("set IMKEY_OUT to a folder for the pictures")
	}
	t.Parallel()
	s := harness.NewSimFor(t, device.Options{Mnemonic: harness.TestPhrase(t)}, 10*harness.Timeout)
	s.ServeDapp()
	x := s.StartExtension(harness.BrowserOptions{Args: []string{"--hide-scrollbars"}})
	shots := func(name, path, ready string) {
		b := x.OpenPage(path)
		b.WaitFor(ready)
		for _, language := range []string{"en", "zh"} {
			b.Run(fmt.Sprintf("document.querySelector('[data-language=%s]').click()", language))
			for _, screen := range harness.Screens[:4] {
				b.SetScreen(screen.Width, screen.Scheme, false)
				write(t, b, filepath.Join(dir, fmt.Sprintf("extension-%s-%d-%s-%s.png", name, screen.Width, screen.Scheme, language)))
			}
		}
		b.Close()
	}
	shots("popup-new", "/popup.html", "main section")
	shots("pair", "/pair.html", "[data-state]")
	shots("help", "/help.html", "main section")
	d, _ := x.BoundSite(s.URL)
	x.Sign(d, "hello")
	shots("popup-bound", "/popup.html", "[data-binding=bound]")
	shots("sites", "/sites.html", "[data-origin]")
}

// TestScreenshotsOfDiagram writes the device page after a binding and a fault, with the diagram of the exchange open.
func TestScreenshotsOfDiagram(t *testing.T) {
	dir := os.Getenv("IMKEY_OUT")
	if dir == "" {
		t.Skip("set IMKEY_OUT to a folder for the pictures")
	}
	t.Parallel()
	s := harness.NewSimFor(t, device.Options{Mnemonic: harness.TestPhrase(t), ConfirmBinding: true}, 10*harness.Timeout)
	b := s.StartBrowser(harness.BrowserOptions{Args: []string{"--hide-scrollbars"}})
	b.Open("/")
	b.GoToCode()
	b.EnterCode(s.Device.Code())
	panel := b.NewTab()
	panel.Open("/device")
	panel.Run(`document.querySelector('[data-panel=trace]').open = true`)
	panel.WaitUntil(`document.querySelector('.steps')?.textContent.includes('Bind this app?')`)
	panel.Run(`document.querySelector('[data-button=ok]').click()`)
	b.WaitForState("bound")
	panel.Run(`document.querySelector('[data-panel=faults]').open = true`)
	panel.Press("fault-arm")
	panel.Press("cable")
	panel.WaitForActivity("device.doingUnplugged")
	for _, language := range []string{"en", "zh"} {
		panel.Run(fmt.Sprintf("document.querySelector('[data-language=%s]').click()", language))
		for _, screen := range append(slices.Clone(harness.Screens[:4]), harness.Screen{Width: 1920, Scheme: "light"}) {
			panel.SetScreen(screen.Width, screen.Scheme, false)
			write(t, panel, filepath.Join(dir, fmt.Sprintf("diagram-%d-%s-%s.png", screen.Width, screen.Scheme, language)))
		}
	}
}

// write writes a picture of all of the page.
func write(t *testing.T, b *harness.Browser, name string) {
	t.Helper()
	height := harness.Eval[float64](b, "document.querySelector('main').getBoundingClientRect().bottom + 16")
	width := harness.Eval[float64](b, "innerWidth")
	shot, err := chromedp.Run(b.Ctx, func(ctx context.Context, target *chromedp.Target) (page.CaptureScreenshotResult, error) {
		clip := page.Viewport{Width: width, Height: height, Scale: 1}
		return cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{Clip: &clip})
	})
	require.NoError(t, err)
	_, err = png.DecodeConfig(bytes.NewReader(shot.Data))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, shot.Data, 0o644))
}

// TestPicturesOfTwoSites draws the README's picture of one binding for two sites, with two dApps and the connector's window. It is written as
// those of [TestPictures] are.
func TestPicturesOfTwoSites(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Serial: "imKey01191200001", Mnemonic: harness.TestPhrase(t)})
	s.ServeDapp()
	b := s.StartBrowser(harness.BrowserOptions{Args: []string{"--hide-scrollbars"}})
	node := harness.NewFakeNode(t)
	port := regexp.MustCompile(`:\d+$`).FindString(s.URL)
	var panels []image.Image
	var window *harness.Browser
	for _, host := range []string{"swap", "shop"} {
		d := &harness.Dapp{Browser: b.NewTab(), Origin: "http://" + host + ".localhost" + port}
		d.Load(node.URL, fmt.Sprintf("connector: %q", s.URL))
		var asked harness.Request
		window = d.NewWindow(func() { asked = d.Click("eth_requestAccounts", "[]") })
		window.WaitForState("asking")
		panels = append(panels, glimpse(window))
		window.WaitFor(`[data-state="asking"][data-ready="true"]`)
		window.Press("accept")
		if host == "swap" {
			window.WaitForState("recognised")
			window.Press("go-on")
			window.WaitForState("code")
			window.EnterCode(s.Device.Code())
		}
		require.Len(t, asked.Accounts(), 1)
	}
	window.WaitFor(`[data-origin*="swap"]`)
	window.WaitFor(`[data-origin*="shop"]`)
	window.Run("document.querySelector('.slot:not([hidden])').hidden = true") // the list is below it
	panels = append(panels, glimpse(window))
	keep(t, "sites.png", panels)
}

// glimpse draws a window whose user goes on with it: it has its own size again afterwards.
func glimpse(w *harness.Browser) image.Image {
	w.T.Helper()
	w.Run("document.querySelector('[data-action=accept]')?.setAttribute('aria-disabled', 'false')") // as after half a second
	shown := picture(w, "light")
	w.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
		return err
	}))
	return shown
}
