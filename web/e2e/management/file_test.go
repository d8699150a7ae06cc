package management

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
	"imkey-connect/web/e2e/harness"
)

const passphrase = "correct horse battery staple wagon"

// keepDownloads makes the browser save its downloads to a new folder, and returns the folder.
func keepDownloads(b *harness.Browser) string {
	b.T.Helper()
	dir := b.T.TempDir()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := chromedp.CallBrowser(ctx, settings.SetDownloadBehavior, settings.SetDownloadBehaviorParams{
			Behavior: "allow", DownloadPath: dir,
		})
		return err
	}))
	return dir
}

// exportBinding exports the binding from the state bound, and returns the name and the content of the file.
func exportBinding(b *harness.Browser) (string, []byte) {
	b.T.Helper()
	dir := keepDownloads(b)
	b.UnfoldManagement()
	b.Press("export")
	b.WaitForState("export")
	b.RequireText("management.exportMeaning")
	b.Fill("passphrase", passphrase)
	b.RequireText("management.strengthStrong")
	b.Fill("passphrase-again", "another")
	b.Press("export-now")
	b.WaitForText("management.mismatch")
	b.Fill("passphrase-again", passphrase)
	b.Press("export-now")
	b.WaitForState("exported")
	name := harness.Eval[string](b, "document.querySelector('[data-state=exported] dd').innerText")
	path := filepath.Join(dir, name)
	for { // the browser renames the file once it is complete
		if content, err := os.ReadFile(path); err == nil {
			return name, content
		}
		require.NoError(b.T, b.Sim.Ctx.Err(), "nothing was downloaded")
		b.Run("await new Promise(requestAnimationFrame)")
	}
}

// giveFile gives a file to the page, by the chooser or by dropping it.
func giveFile(b *harness.Browser, name string, content []byte, drop bool) {
	b.T.Helper()
	b.WaitFor(".drop")
	b.Run(fmt.Sprintf(`
		const content = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))
		const files = new DataTransfer()
		files.items.add(new File([content], %q))
		if (%v) {
			const opened = document.querySelector('.drop').dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }))
			if (opened) throw new Error('the browser would open the file instead of the page')
		} else {
			const chooser = document.querySelector('[data-control=file]')
			chooser.files = files.files
			chooser.dispatchEvent(new Event('change'))
		}`, base64.StdEncoding.EncodeToString(content), name, drop))
}

// importBinding imports a file in the state import.
func importBinding(b *harness.Browser, name string, content []byte, passphrase string) {
	b.T.Helper()
	giveFile(b, name, content, false)
	b.WaitForState("import-passphrase")
	b.Fill("passphrase", passphrase)
	b.Press("import-now")
}

// TestMoveBindingInAFile exports a binding to a file and imports it in another browser. No code is needed there, and both
// browsers are bound.
func TestMoveBindingInAFile(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Serial: "imKey01191200001"})
	from := s.StartBrowser(harness.BrowserOptions{})
	code := from.Bind()
	name, file := exportBinding(from)
	require.Equal(t, "imkey-01191200001-binding.age", name)
	require.NotContains(t, string(file), code)
	require.NotContains(t, harness.Eval[string](from, "document.documentElement.outerHTML"), passphrase)
	from.Press("back")
	from.WaitForState("bound")
	from.Close()

	to := s.StartBrowser(harness.BrowserOptions{})
	to.Open("/")
	to.Press("connect")
	to.WaitForState("recognised")
	to.Press("go-on")
	to.WaitForState("elsewhere")
	to.Press("import")
	to.WaitForState("import")
	giveFile(to, "holiday.jpg", []byte("not it"), true)
	to.WaitForTextIn("[data-state=import] .message", "management.notABinding")
	importBinding(to, name, append(file[:len(file)-1:len(file)-1], file[len(file)-1]^1), passphrase)
	to.WaitForTextIn("[data-state=import] .message", "management.fileDamaged")
	importBinding(to, name, file, "not the passphrase")
	to.WaitForText("management.wrongPassphrase")
	to.WaitForFocus("[data-control=passphrase]")
	to.Fill("passphrase", passphrase)
	to.Press("import-now")
	to.WaitForTextIn("[data-state=known] .message", "management.imported")
	to.RequireText("management.fromFile")
	to.Press("connect-known")
	to.WaitForState("bound")
	to.Press("view-code")
	to.WaitForMessage("pairing.revealed")
	require.Equal(t, code, to.ShownCode())

	// A binding that exists is replaced only after a question.
	to.Open("/")
	to.WaitForKnownBound()
	to.Press("import")
	to.WaitForState("import")
	importBinding(to, name, file, passphrase)
	to.WaitForState("import-exists")
	require.Contains(t, to.Text(), s.Device.Serial())
	to.RequireText("management.boundOn", map[string]string{"en": ""})
	to.RequireText("management.existsCode")
	to.Press("back")
	to.WaitForState("start")
	to.Press("import")
	to.WaitForState("import")
	importBinding(to, name, file, passphrase)
	to.WaitForState("import-exists")
	to.Press("replace-now")
	to.WaitForTextIn("[data-state=known] .message", "management.imported")
	to.Press("connect-known")
	to.WaitForState("bound")
	requireNoTrace(to, passphrase)
}

// requireNoTrace checks that a text is nowhere that the page could have written it to.
func requireNoTrace(b *harness.Browser, secret string) {
	b.T.Helper()
	require.NotContains(b.T, string(b.Recorded()), secret)
	require.NotContains(b.T, harness.Eval[string](b, "document.documentElement.outerHTML + JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location.href"), secret)
	bus, requests := b.Sim.Recorded()
	require.NotContains(b.T, string(requests), secret)
	require.NotContains(b.T, string(bus), secret)
}

// TestFileOfAnotherDevice checks that the file of another device is refused where a binding of the connected device is
// imported.
func TestFileOfAnotherDevice(t *testing.T) {
	t.Parallel()
	const first, second = "imKey01191200001", "imKey01191200002"
	s := harness.NewSim(t, device.Options{Serial: first}, device.Options{Serial: second, SEID: "18000000000000000000000000000002"})
	s.Devices[1].Unplug()
	from := s.StartBrowser(harness.BrowserOptions{})
	from.Bind()
	name, file := exportBinding(from)
	from.Close()
	s.Devices[0].Unplug()
	s.Devices[1].Plug()

	// The second device is bound to a third browser.
	other := s.StartBrowser(harness.BrowserOptions{})
	other.Open("/")
	other.GoToCode()
	other.EnterCode(s.Devices[1].Code())
	other.WaitForState("bound")
	other.Close()

	to := s.StartBrowser(harness.BrowserOptions{})
	to.Open("/")
	to.Press("connect")
	to.WaitForState("recognised")
	to.Press("go-on")
	to.WaitForState("elsewhere")
	to.Press("import")
	to.WaitForState("import")
	importBinding(to, name, file, passphrase)
	to.WaitForTextIn("[data-state=import] .message", "management.anotherDevice")
	to.Press("back")
	to.WaitForState("elsewhere")
}
