package tabs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestTakeOverBetweenTwoTabs takes the device over from one tab to the other and back. The tab that lost it shows no error.
func TestTakeOverBetweenTwoTabs(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Bind()
	other := b.NewTab()
	other.Open("/")
	other.Press("connect")
	other.WaitForState("in-use")
	other.RequireText("exceptional.inUseTitle")
	other.Press("take-over")
	other.WaitForState("bound")
	b.WaitForState("taken-over")
	require.False(t, harness.Eval[bool](b, "document.querySelector('.heading-error') !== null"), "this is no error")
	b.Press("take-over")
	b.WaitForState("bound")
	other.WaitForState("taken-over")
	other.Press("stop")
	other.WaitForState("start")
}

// TestAnotherTabUsesTheDevice checks what a second tab shows while the first one uses the device, and that it continues when
// the first one releases it.
func TestAnotherTabUsesTheDevice(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.Press("connect")
	b.WaitForState("recognised")
	other := b.NewTab()
	other.Open("/")
	other.Press("connect")
	other.WaitForState("in-use")
	other.RequireText("exceptional.inUseTitle")
	b.Open("/") // the first tab releases the device
	other.Press("take-over")
	other.WaitForState("recognised")
}
