package management

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestViewCode views the binding code that the browser kept. The page shows it as text only: in no attribute, in no
// announcement, and it cannot be copied.
func TestViewCode(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	require.NotContains(t, b.Text(), code)
	b.UnfoldManagement()
	b.RequireText("pairing.viewCodeText")
	b.Press("view-code")
	b.WaitForMessage("pairing.revealed")
	require.Equal(t, code, b.ShownCode())
	require.True(t, harness.Eval[bool](b, "document.activeElement.matches('.revealed')"), "the focus is on the code, for screen readers")
	b.Press("hide-code")
	b.WaitForMessage("pairing.hidden")
	require.Empty(t, b.ShownCode())

	b.Open("/") // another visit
	b.Press("connect")
	b.WaitForState("bound")
	require.NotContains(t, strings.ReplaceAll(b.Text(), "\n", ""), code)
	b.Run(`window.copied = []
		for (const name of ['copy', 'cut']) document.addEventListener(name, () => copied.push(name))
		navigator.clipboard.writeText = async () => { copied.push('written') }`)
	b.Press("view-code")
	b.WaitForMessage("pairing.revealed")
	require.Equal(t, code, b.ShownCode())
	// The code is text only: in no attribute, in no announcement, and not copied.
	require.Empty(t, harness.Eval[string](b, `[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).map(a => a.name + a.value).join()
		.match(/`+code+`/)?.[0] ?? ''`))
	require.NotContains(t, harness.Eval[string](b, "[...document.querySelectorAll('[data-live]')].map(e => e.textContent).join()"), code)
	b.Run("getSelection().selectAllChildren(document.body)")
	require.NotContains(t, harness.Eval[string](b, "getSelection().toString().replace(/\\s/g, '')"), code)
	require.Empty(t, harness.Eval[[]string](b, "copied"))
	for _, attempt := range []string{"copy-report", "retry"} {
		require.False(t, harness.Eval[bool](b, "document.querySelector('[data-action="+attempt+"]') !== null"))
	}
}

// TestViewedCodeIsHiddenWithThePage checks that the code disappears when the page is hidden or left, and when the device is
// unplugged.
func TestViewedCodeIsHiddenWithThePage(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	b.UnfoldManagement()
	view := func() {
		b.Press("view-code")
		b.WaitForMessage("pairing.revealed")
		require.Equal(t, code, b.ShownCode())
	}
	gone := func() {
		require.Empty(t, b.ShownCode())
		require.False(t, harness.Eval[bool](b, "document.documentElement.outerHTML.replace(/<[^>]*>/g, '').includes('"+code+"')"))
	}
	view()
	b.Run(`Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true })
		document.dispatchEvent(new Event('visibilitychange'))
		window.atOnce = document.querySelector('.revealed')?.textContent ?? ''
		delete document.visibilityState`)
	require.Empty(t, harness.Eval[string](b, "atOnce"))
	gone()
	b.WaitForMessage("pairing.hidden")

	view()
	s.Device.Unplug()
	b.WaitForText("pairing.unpluggedNote")
	gone()
	s.Device.Plug()
	b.WaitFor("[data-action=view-code]")

	view()
	b.Run(`window.dispatchEvent(new Event('pagehide')); window.atOnce = document.querySelector('.revealed')?.textContent ?? ''`)
	require.Empty(t, harness.Eval[string](b, "atOnce"))
	gone()
	b.WaitForState("start")
}

// TestManagementHidesTheCode checks that other actions of the management hide the code.
func TestManagementHidesTheCode(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	b.UnfoldManagement()
	for action, state := range map[string]string{"rename": "rename", "export": "export"} {
		b.Press("view-code")
		b.WaitForMessage("pairing.revealed")
		require.Equal(t, code, b.ShownCode())
		b.Press(action)
		b.WaitForState(state)
		require.NotContains(t, b.Text(), code[:4])
		b.Press("back")
		b.WaitForState("bound")
		b.WaitFor("[data-action=view-code]")
		require.False(t, harness.Eval[bool](b, "!!document.querySelector('[data-action=hide-code], .revealed')"))
	}

	// A code that arrives after another action was started is not shown. Both clicks are in one task.
	b.Run(`document.querySelector('[data-action=rename]').click(); document.querySelector('[data-action=view-code]').click()`)
	b.WaitForState("rename")
	b.Press("back")
	b.WaitForState("bound")
	require.False(t, harness.Eval[bool](b, "!!document.querySelector('[data-action=hide-code], .revealed')"))
}

// TestCodeNotKept checks what the page says where the browser did not keep the code, and has the device show it.
func TestCodeNotKept(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	code := s.Device.Code()
	b.Run("document.querySelector('[data-control=keep]').click()")
	b.Run("document.querySelector('.code-box').focus()")
	b.EnterCode(code)
	b.WaitForState("bound")
	b.UnfoldManagement()
	b.Press("view-code")
	b.WaitForMessage("pairing.notRemembered")
	require.Empty(t, b.ShownCode())

	// The device shows its code to the app that it is bound to.
	s.Device.Home()
	b.Press("show-on-device")
	b.WaitForMessage("pairing.shownAgain")
	require.Equal(t, code, s.Device.Code())
}

// TestViewCodeOfAnUnverifiedDevice views the code of a device that was accepted without verification, as every real one is.
func TestViewCodeOfAnUnverifiedDevice(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	s.HideSimulator()
	b.Open("/")
	b.Press("connect")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("unverified")
	b.Run(`document.querySelector('[data-control="accept"]').click()`)
	b.Press("go-on")
	b.WaitForState("code")
	code := s.Device.Code()
	b.EnterCode(code)
	b.WaitForState("bound")
	b.Open("/")
	b.Press("connect")
	b.WaitForState("bound")
	b.Press("view-code")
	b.WaitForMessage("pairing.revealed")
	require.Equal(t, code, b.ShownCode())
}

// TestViewCodeOfALockedDevice locks the device before its code is viewed. The page waits and continues by itself.
func TestViewCodeOfALockedDevice(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{PIN: "123456"})
	s.Device.Unlock("123456")
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	b.EnterCode(s.Device.Code())
	b.WaitForState("bound")
	b.UnfoldManagement()
	s.Device.Lock()
	b.Press("view-code")
	b.WaitForState("waiting")
	s.Device.Unlock("123456")
	b.WaitForState("bound")
}
