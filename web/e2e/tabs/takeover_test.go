package tabs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// Two tabs of one browser: the person says which one has the device, and the other says so without alarm.
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
	require.False(t, harness.Eval[bool](b, "document.querySelector('.heading-error') !== null"), "nothing is wrong")
	b.Press("take-over")
	b.WaitForState("bound")
	other.WaitForState("taken-over")
	other.Press("stop")
	other.WaitForState("start")
}

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
	b.Open("/") // the first tab lets go
	other.Press("take-over")
	other.WaitForState("recognised")
}
