package management

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestKnownDevices checks the list of known devices: it is there before a button is pressed, for devices that are plugged in or
// not, and asks no device anything.
func TestKnownDevices(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	serial := s.Device.Status().Serial
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	loaded := harness.Eval[[]string](b, "performance.getEntriesByType('resource').map(r => new URL(r.name).pathname)")
	require.NotEmpty(t, loaded)
	require.NotContains(t, loaded, "/imkey.wasm", "a browser that knows no device has no records to read")
	require.False(t, slices.ContainsFunc(loaded, harness.LoadedOnDemand), "%v", loaded)
	b.Bind()

	wired := len(s.PacketDirections())
	b.Open("/")
	b.WaitForKnown("management.pluggedIn")
	require.Contains(t, b.WaitForKnownBound(), serial)
	require.Equal(t, wired, len(s.PacketDirections()), "the device is not asked anything")
	b.PressEntry(serial)
	b.WaitForState("known")
	for _, key := range []string{"pairing.boundToThis", "management.verifiedBySimulator", "management.codeKept"} {
		b.RequireText(key)
	}
	require.Equal(t, wired, len(s.PacketDirections()), "the device is not asked anything")
	b.Press("rename")
	b.WaitForState("rename")
	b.WaitForFocus("[data-control=name]")
	b.Type("Savings" + kb.Enter)
	b.WaitForTextIn("[data-state=known] .message", "pairing.nameSaved")
	b.WaitForFocus(".message")
	b.Press("back")
	b.WaitUntil("document.querySelector('.known')?.innerText.includes('Savings')")
	b.Press("connect")
	b.WaitForState("bound")
	require.Contains(t, b.Text(), "Savings")

	// The device is listed while it is unplugged, and can be forgotten then.
	b.Press("disconnect")
	s.Device.Unplug()
	b.Open("/")
	require.Contains(t, b.WaitForKnown("management.notPluggedIn"), "Savings")
	b.PressEntry("Savings")
	b.WaitForState("known")
	b.RequireText("management.plugToView")
	b.Press("forget-known")
	b.WaitForState("forget-known")
	b.RequireText("exceptional.forgetLead")
	b.Press("forget-now")
	b.WaitForState("start")
	b.RequireText("pairing.forgotten")
	b.WaitUntil("document.querySelector('.known') === null")
	s.Device.Plug()
	b.Open("/")
	b.WaitForDevices(1)
	b.Press("connect")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("elsewhere")
}

// TestForgetInAnotherTab checks that a tab shows what another tab did with the bindings when the user returns to it.
func TestForgetInAnotherTab(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	serial := s.Device.Status().Serial
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	b.Press("done")
	b.WaitForKnownBound()
	b.PressEntry(serial)
	b.WaitForState("known")
	other := b.NewTab()
	other.Open("/")
	other.WaitForKnownBound()
	other.PressEntry(serial)
	other.WaitForState("known")
	other.Press("forget-known")
	other.Press("forget-now")
	other.WaitForState("start")

	// The first tab does not know it yet, and saves a name.
	b.Press("rename")
	b.WaitForState("rename")
	b.Fill("name", "Savings")
	b.Press("save-name")
	b.WaitForState("start")
	b.RequireText("pairing.forgotten")
	require.False(t, harness.Eval[bool](b, "document.querySelector('.known') !== null"))

	// Bound in the other tab, the device is listed in this one when the user returns to it.
	other.Press("connect")
	other.WaitForState("recognised")
	other.Press("go-on")
	other.WaitForState("elsewhere")
	other.Press("go-on")
	other.WaitForState("code")
	other.EnterCode(code)
	other.WaitForState("bound")
	other.Press("done")
	other.WaitForState("start")
	b.Run("document.dispatchEvent(new Event('visibilitychange'))")
	b.WaitForKnownBound()
}

// TestActionsReturnToTheBinding checks that each action of the management returns to the view it was started from, with its
// result.
func TestActionsReturnToTheBinding(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	unfolded := func() {
		t.Helper()
		b.WaitForState("bound")
		require.True(t, harness.Eval[bool](b, "document.querySelector('details.manage').open"))
		b.RequireNoText("pairing.shownAgain")
	}
	b.WaitForTextIn(".banner", "common.simulatedNote")
	b.Press("view-code-to-write") // from the advice to write the code down
	b.WaitForMessage("pairing.revealed")
	require.Equal(t, code, b.ShownCode())
	b.Press("hide-code")
	b.WaitForMessage("pairing.hidden")
	b.Press("show-on-device")
	b.WaitForMessage("pairing.shownAgain")
	b.Press("rename")
	b.WaitForState("rename")
	b.Fill("name", "Savings")
	b.Press("save-name")
	b.WaitForMessage("pairing.nameSaved")
	unfolded()
	b.WaitUntil("document.querySelector('.card-title').innerText.includes('Savings')")
	b.Press("rename")
	b.WaitForState("rename")
	b.Press("back")
	unfolded()
	b.Press("export")
	b.WaitForState("export")
	b.Fill("passphrase", "12345678")
	b.Fill("passphrase-again", "12345678")
	b.Press("export-now")
	b.WaitForTextIn(".form .code-hint", "management.strengthWeak")
	b.Press("back")
	unfolded()
	exportBinding(b)
	b.Press("back")
	unfolded()
}

// TestLanguageChangeKeepsInput changes the language while the user types. What was typed stays.
func TestLanguageChangeKeepsInput(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Bind()
	b.Open("/")
	b.WaitForKnownBound()
	b.PressEntry(s.Device.Status().Serial)
	b.WaitForState("known")
	b.Press("export")
	b.WaitForState("export")
	b.Fill("passphrase", "correct horse battery staple wagon")
	b.Run("document.querySelector('[data-control=show-passphrase]').click(); document.querySelector('[data-language=zh]').click()")
	b.WaitUntil(fmt.Sprintf("document.querySelector('h1').innerText === %q", harness.Words(t, "zh", "management.exportTitle")))
	require.Equal(t, "correct horse battery staple wagon", harness.Eval[string](b, "document.querySelector('[data-control=passphrase]').value"))
	require.Equal(t, "text", harness.Eval[string](b, "document.querySelector('[data-control=passphrase]').type"))
	require.Contains(t, b.Text(), harness.Words(t, "zh", "management.strengthStrong"))
}
