package looks

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestPairingByKeyboard binds a device with the keyboard alone.
func TestPairingByKeyboard(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.PressEnterOn("[data-action=connect]")
	b.WaitForState("recognised")
	b.WaitForFocus("[data-action=go-on]")
	b.Type(kb.Enter)
	b.WaitForState("code")
	b.WaitForFocus(".code-box")
	code := s.Device.Code()
	b.Type(harness.WrongCode(code))
	b.PressEnterOn("[data-action=bind]")
	b.WaitForState("wrong")
	b.WaitForFocus(".code-box")
	b.TabTo("[data-control=keep]")
	b.Type(" ")
	b.TabBackTo(".code-box:first-child")
	b.Type(kb.Home + code)
	b.PressEnterOn("[data-action=bind]")
	b.WaitForState("bound")
	b.RequireText("pairing.notKept") // the space bar turned the switch off
	b.PressEnterOn("[data-action=done]")
	b.WaitForState("start")
}

// TestAcceptUnverifiedByKeyboard accepts a device that cannot be verified with the keyboard alone.
func TestAcceptUnverifiedByKeyboard(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	s.HideSimulator()
	b.Open("/")
	b.PressEnterOn("[data-action=connect]")
	b.WaitForState("recognised")
	b.Type(kb.Enter)
	b.WaitForState("unverified")
	b.PressEnterOn("[data-action=go-on]")
	b.WaitForFocus("[data-control=accept]") // nothing was accepted: back to what is missing
	b.Type(" ")
	b.PressEnterOn("[data-action=go-on]")
	b.WaitForState("code")
	b.Type(s.Device.Code() + kb.Enter)
	b.WaitForState("bound")
}

// TestDevicePageByKeyboard uses the device page with the keyboard alone.
func TestDevicePageByKeyboard(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/device")
	b.WaitUntil("document.querySelector('[data-fact]') !== null")
	shows := func(line string) {
		b.WaitUntil(fmt.Sprintf("document.querySelector('.screen').textContent.includes(%q)", line))
	}
	require.NoError(t, s.Device.Simulated.Create(12))
	shows("Word 1 of 12")
	b.Type(kb.ArrowDown)
	shows("Word 2 of 12")
	b.Type(kb.ArrowUp)
	shows("Word 1 of 12")
	b.Type(kb.Enter)
	shows("Word 2 of 12")
	b.Type(kb.Escape)
	b.WaitUntil("!document.querySelector('.screen').textContent.includes('Word')")
	b.PressEnterOn("[data-action=cable]")
	s.WaitForStatus(func(s device.Status) bool { return !s.Plugged })
	b.WaitFor(".held-unplugged")
	b.Type(" ")
	s.WaitForStatus(func(s device.Status) bool { return s.Plugged })
	require.NoError(t, s.Device.Simulated.Create(12))
	shows("Word 1 of 12")
	b.PressEnterOn("[data-button=ok]")
	shows("Word 2 of 12")
	b.Type(" ")
	shows("Word 3 of 12")
}
