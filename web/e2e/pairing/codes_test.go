package pairing

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestTriesLeftComeFromTheDevice checks that the page shows the number of tries that the device counts, also after a reset.
func TestTriesLeftComeFromTheDevice(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	tries := func(left int) {
		b.EnterCode(harness.WrongCode(s.Device.Code()))
		b.WaitForTextIn("[data-state=wrong]", "pairing.wrongCode", "screen", left)
	}
	tries(9)
	tries(8)
	s.Device.Reset()
	b.Press("show-again")
	b.WaitForState("code")
	tries(9)
}

// TestTenWrongCodes enters ten wrong codes. The device then checks no code until it is unlocked.
func TestTenWrongCodes(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	code := s.Device.Code()
	for n := range 10 {
		b.EnterCode(harness.WrongCode(code))
		b.WaitForState("wrong")
		require.Equal(t, 9-n, s.Device.Status().CodeAttemptsLeft)
		b.RequireText("pairing.wrongCode", "screen", 9-n)
	}
	b.EnterCode(code)
	b.WaitForErrorText("code-locked")
	s.Device.Hold(device.OK)
	b.Press("retry")
	b.WaitForStateAfterError("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(code)
	b.WaitForState("bound")
}

// TestCharactersNotInACode checks that a character that no code has is marked at once, with the reason, and that no such code
// is sent to the device.
func TestCharactersNotInACode(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	s.WaitForAnswers(0x72, 1)
	before := s.BytesOnBus()
	for _, c := range strings.Split("0O1Ioi", "") {
		b.Do(chromedp.KeyEvent(c))
		b.WaitUntil(`document.getElementById('code-hint').textContent !== ''`)
		require.Equal(t, 1, harness.Eval[int](b, `document.querySelectorAll('.code-box[aria-invalid="true"]').length`), "%q is marked", c)
		b.Do(chromedp.KeyEvent("\b"))
	}
	b.Do(chromedp.KeyEvent("abcdefg0"), chromedp.KeyEvent("\r"))
	require.Equal(t, "ABCDEFG0", harness.Eval[string](b, "[...document.querySelectorAll('.code-box')].map(i => i.value).join('')"), "letters become upper case")
	require.Equal(t, "code", harness.Eval[string](b, "document.querySelector('[data-state]').dataset.state"))
	require.Equal(t, before, s.BytesOnBus(), "no malformed code is sent to the device")
}

// TestWrongCodeThenRightCode enters a wrong code and then the right one.
func TestWrongCodeThenRightCode(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	code := s.Device.Code()
	b.EnterCode(harness.WrongCode(code))
	b.WaitForState("wrong")
	b.RequireText("pairing.wrongCode", "screen", 9)
	require.Equal(t, 9, s.Device.Status().CodeAttemptsLeft)
	require.Equal(t, b.Words("pairing.codeBox", 1), harness.Eval[string](b, "document.activeElement.getAttribute('aria-label')"), "the focus is back at the first box")
	require.Equal(t, "", harness.Eval[string](b, "[...document.querySelectorAll('.code-box')].map(i => i.value).join('')"), "the boxes are empty")
	b.EnterCode(code)
	b.WaitForState("bound")
	require.Equal(t, 10, s.Device.Status().CodeAttemptsLeft)
}
