package management

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestForgetBinding forgets a binding. The device is not told and stays bound.
func TestForgetBinding(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	b.UnfoldManagement()
	b.Press("forget")
	b.WaitForState("forget")
	b.RequireText("exceptional.forgetLead")
	b.Press("keep-binding")
	b.WaitForState("bound")
	b.UnfoldManagement()
	b.Press("forget")
	b.WaitForState("forget")
	b.Press("forget-now")
	b.WaitForState("start")
	b.RequireText("pairing.forgotten")
	require.True(t, s.IsBound(), "the device is not told")
	b.BindFromElsewhere(code)
}
