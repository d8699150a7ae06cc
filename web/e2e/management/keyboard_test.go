package management

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestManagementByKeyboard manages bindings with the keyboard alone.
func TestManagementByKeyboard(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Bind()
	b.Open("/")
	b.WaitForKnownBound()
	b.PressEnterOn(".entry")
	b.WaitForState("known")
	b.PressEnterOn("[data-action=rename]")
	b.WaitForState("rename")
	b.Type("Mine")
	b.PressEnterOn("[data-action=back]") // the name is not saved
	b.WaitForState("known")
	require.NotContains(t, b.Text(), "Mine")
	b.PressEnterOn("[data-action=lost]")
	b.WaitForState("lost")
	b.PressEnterOn("[data-action=lost-go-on]")
	b.WaitForText("management.lostTitle")
	b.PressEnterOn("[data-action=lost-go-on]")
	b.WaitFor("[data-control=at-hand]")
	b.PressEnterOn("[data-action=lost-go-on]")
	b.WaitForFocus("[data-control=at-hand]") // nothing was ticked: the focus goes to what is missing
	b.Type(" ")
	b.PressEnterOn("[data-action=lost-go-on]")
	b.WaitFor("[data-control=count-12]")
	b.TabTo("[data-control=count-12]")
	b.Type(" " + kb.ArrowDown)
	b.PressEnterOn("[data-action=lost-go-on]")
	b.WaitForText("management.howTitle")
	b.PressEnterOn("[data-action=back]")
	b.WaitForState("known")
	b.PressEnterOn("[data-action=export]")
	b.WaitForState("export")
	b.TabTo("[data-control=passphrase]")
	b.Type("short")
	b.PressEnterOn("[data-action=export-now]")
	b.WaitForFocus("[data-control=passphrase]") // the focus goes to what is too short
	require.True(t, s.IsBound())
}
