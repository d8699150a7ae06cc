package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	settings "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

const passphrase = "correct horse battery staple wagon"

// downloads has the browser keep what it downloads in a folder, and returns that.
func (b *browser) downloads() string {
	b.t.Helper()
	dir := b.t.TempDir()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := chromedp.CallBrowser(ctx, settings.SetDownloadBehavior, settings.SetDownloadBehaviorParams{
			Behavior: "allow", DownloadPath: dir,
		})
		return err
	}))
	return dir
}

// exports goes from the bound state to the file, and returns its name and content.
func (b *browser) exports() (string, []byte) {
	b.t.Helper()
	dir := b.downloads()
	b.unfold()
	b.press("export")
	b.state("export")
	require.Contains(b.t, b.text(), "is this browser to your imKey")
	b.fill("passphrase", passphrase)
	require.Contains(b.t, b.text(), "Strong.")
	b.fill("passphrase-again", "another")
	b.press("export-now")
	b.until("document.body.innerText.includes('not the same')")
	b.fill("passphrase-again", passphrase)
	b.press("export-now")
	b.state("exported")
	name := eval[string](b, "document.querySelector('[data-state=exported] dd').innerText")
	path := filepath.Join(dir, name)
	for { // the browser writes it beside its name, and names it when it is whole
		if content, err := os.ReadFile(path); err == nil {
			return name, content
		}
		require.NoError(b.t, b.sim.ctx.Err(), "nothing was downloaded")
		b.run("await new Promise(requestAnimationFrame)")
	}
}

// offers chooses a file, or drops it.
func (b *browser) offers(name string, content []byte, drop bool) {
	b.t.Helper()
	b.wait(".drop")
	b.run(fmt.Sprintf(`
		const content = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))
		const files = new DataTransfer()
		files.items.add(new File([content], %q))
		if (%v) {
			const opened = document.querySelector('.drop').dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }))
			if (opened) throw new Error('the browser opens the file in place of the page')
		} else {
			const chooser = document.querySelector('[data-control=file]')
			chooser.files = files.files
			chooser.dispatchEvent(new Event('change'))
		}`, base64.StdEncoding.EncodeToString(content), name, drop))
}

// imports goes from the question for a file to what became of it.
func (b *browser) imports(name string, content []byte, passphrase string) {
	b.t.Helper()
	b.offers(name, content, false)
	b.state("import-passphrase")
	b.fill("passphrase", passphrase)
	b.press("import-now")
}

// A binding goes to another browser in a file: no code is needed there, and both are bound.
func TestABindingIsMovedInAFile(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{Serial: "imKey01191200001"})
	from := s.browse(browserOptions{})
	code := from.bind()
	name, file := from.exports()
	require.Equal(t, "imkey-01191200001-binding.age", name)
	require.NotContains(t, string(file), code)
	require.NotContains(t, eval[string](from, "document.documentElement.outerHTML"), passphrase)
	from.press("back")
	from.state("bound")
	from.close()

	to := s.browse(browserOptions{})
	to.open("/")
	to.press("connect")
	to.state("recognised")
	to.press("go-on")
	to.state("elsewhere")
	to.press("import")
	to.state("import")
	to.offers("holiday.jpg", []byte("not it"), true)
	to.until("document.querySelector('[data-state=import] .message')?.innerText.includes('not a file with an exported binding')")
	to.imports(name, append(file[:len(file)-1:len(file)-1], file[len(file)-1]^1), passphrase)
	to.until("document.querySelector('[data-state=import] .message')?.innerText.includes('damaged')")
	to.imports(name, file, "not the passphrase")
	to.until("document.body.innerText.includes('not the passphrase of this file')")
	to.focused("[data-control=passphrase]")
	to.fill("passphrase", passphrase)
	to.press("import-now")
	to.until("document.querySelector('[data-state=known] .message')?.innerText.includes('in this browser now')")
	require.Contains(t, to.text(), "According to the file")
	to.press("connect-known")
	to.state("bound")
	to.press("view-code")
	to.managed(inHalfMin)
	require.Equal(t, code, to.shown())

	// What is there is not overwritten but on purpose.
	to.open("/")
	to.knows("Bound on")
	to.press("import")
	to.state("import")
	to.imports(name, file, passphrase)
	to.state("import-exists")
	for _, said := range []string{s.device.Status().Serial, "Bound on", "The binding code that this browser keeps is lost"} {
		require.Contains(t, to.text(), said)
	}
	to.press("back")
	to.state("start")
	to.press("import")
	to.state("import")
	to.imports(name, file, passphrase)
	to.state("import-exists")
	to.press("replace-now")
	to.until("document.querySelector('[data-state=known] .message')?.innerText.includes('in this browser now')")
	to.press("connect-known")
	to.state("bound")
	to.leaks(passphrase)
}

// leaks looks for a text wherever the page could have left it.
func (b *browser) leaks(secret string) {
	b.t.Helper()
	require.NotContains(b.t, string(b.heard()), secret)
	require.NotContains(b.t, eval[string](b, "document.documentElement.outerHTML + JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location.href"), secret)
	b.sim.mu.Lock()
	defer b.sim.mu.Unlock()
	require.NotContains(b.t, string(b.sim.requests), secret)
	require.NotContains(b.t, string(b.sim.bus), secret)
}

// A file of another device is refused where it is to be of this one.
func TestAFileOfAnotherDevice(t *testing.T) {
	t.Parallel()
	const first, second = "imKey01191200001", "imKey01191200002"
	s := newSim(t, device.Options{Serial: first}, device.Options{Serial: second, SEID: "18000000000000000000000000000002"})
	s.Devices[1].Unplug()
	from := s.browse(browserOptions{})
	from.bind()
	name, file := from.exports()
	from.close()
	s.Devices[0].Unplug()
	s.Devices[1].Plug()

	// The other one is bound to yet another browser.
	other := s.browse(browserOptions{})
	other.open("/")
	other.toCode()
	other.typeCode(s.Devices[1].Code())
	other.state("bound")
	other.close()

	to := s.browse(browserOptions{})
	to.open("/")
	to.press("connect")
	to.state("recognised")
	to.press("go-on")
	to.state("elsewhere")
	to.press("import")
	to.state("import")
	to.imports(name, file, passphrase)
	to.until("document.querySelector('[data-state=import] .message')?.innerText.includes('another imKey')")
	to.press("back")
	to.state("elsewhere")
}
