package pairing

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestSeveralDevicesPluggedIn chooses one of two devices. The other one is not opened.
func TestSeveralDevicesPluggedIn(t *testing.T) {
	t.Parallel()
	const first, second = "imKey01191200001", "imKey01191200002"
	s := harness.NewSim(t, device.Options{Serial: first}, device.Options{Serial: second})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.WaitForDevices(2)
	b.Press("connect")
	b.WaitForState("several")
	b.RequireText("exceptional.newHere")
	require.Empty(t, s.PacketDirections())
	b.PressEntry(second)
	b.WaitForState("recognised")
	require.Contains(t, b.Text(), second)
	require.Empty(t, s.PacketDirections(), "the other one is not asked anything")
	// Each device has a CA of its own, and each page trusts both.
	require.NotEqual(t, s.Devices[0].Status().CA, s.Devices[1].Status().CA)
	b.WaitFor("[data-certificate=verified]")
	b.Open("/")
	b.Press("connect")
	b.WaitForState("several")
	b.PressEntry(first)
	b.WaitForState("recognised")
	require.Contains(t, b.Text(), first)
	b.WaitFor("[data-certificate=verified]")
	b.Open("/")
	wired := len(s.PacketDirections())
	b.Press("connect")
	b.WaitForState("several")
	b.PressEntry(second)
	b.WaitForState("recognised")
	require.Equal(t, wired, len(s.PacketDirections()), "the first one is not asked anything")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(s.Devices[1].Code())
	b.WaitForState("bound")
	require.False(t, s.IsBound())

	b.Open("/")
	b.Press("connect")
	b.WaitForState("several")
	b.WaitForTextIn(".entries", "exceptional.knownHere")
	// A device that is unplugged leaves the list, and returns when it is plugged in.
	s.Device.Unplug()
	b.WaitUntil("document.querySelectorAll('[data-state=several] .entry').length === 1")
	s.Device.Plug()
	b.WaitUntil("document.querySelectorAll('[data-state=several] .entry').length === 2")
	b.PressEntry(second)
	b.WaitForState("bound")
	require.Contains(t, b.Text(), second)
}

// TestPageOfOneOfSeveralDevices checks that the connect page of the second simulated device binds that device.
func TestPageOfOneOfSeveralDevices(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{}, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Permitted: s.Devices[1:]})
	b.Open("/?device=2")
	b.WaitFor("[data-state]")
	b.WaitFor("[data-state]")
	b.GoToCode()
	b.EnterCode(s.Devices[1].Code())
	b.WaitForState("bound")
	s.Devices[1].Bound()
	require.Equal(t, "none", s.Device.Status().Binding)
}
