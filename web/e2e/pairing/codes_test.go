package pairing

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// The page tells what the device counts, whatever happened to it meanwhile.
func TestTriesLeftComeFromTheDevice(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	tries := func(left string) {
		b.EnterCode(harness.WrongCode(s.Device.Code()))
		b.WaitUntil("document.querySelector('[data-state=wrong]')?.innerText.includes('" + left + " tries are left')")
	}
	tries("9")
	tries("8")
	s.Device.Reset()
	b.Press("show-again")
	b.WaitForState("code")
	tries("9")
}

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
		if left := 9 - n; left > 1 {
			require.Contains(t, b.Text(), strconv.Itoa(left)+" tries are left")
		}
	}
	require.Contains(t, b.Text(), "hold its OK button", "what to do next")
	b.EnterCode(code)
	b.WaitForErrorText("code-locked", "")
	s.Device.Hold(device.OK)
	b.Press("retry")
	b.WaitForStateAfterError("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(code)
	b.WaitForState("bound")
}

// What is typed wrongly is refused at once, with the reason, and the device hears nothing of it.
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
		require.Equal(t, 1, harness.Eval[int](b, `document.querySelectorAll('.code-box[aria-invalid="true"]').length`), "%q is flagged", c)
		b.Do(chromedp.KeyEvent("\b"))
	}
	b.Do(chromedp.KeyEvent("abcdefg0"), chromedp.KeyEvent("\r"))
	require.Equal(t, "ABCDEFG0", harness.Eval[string](b, "[...document.querySelectorAll('.code-box')].map(i => i.value).join('')"), "upper-case on the fly")
	require.Equal(t, "code", harness.Eval[string](b, "document.querySelector('[data-state]').dataset.state"))
	require.Equal(t, before, s.BytesOnBus(), "a malformed code reached the device")
}

func TestWrongCodeThenRightCode(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	code := s.Device.Code()
	b.EnterCode(harness.WrongCode(code))
	b.WaitForState("wrong")
	require.Contains(t, b.Text(), "9 tries are left")
	require.Equal(t, 9, s.Device.Status().CodeAttemptsLeft)
	require.Equal(t, "Character 1 of 8", harness.Eval[string](b, "document.activeElement.getAttribute('aria-label')"), "the focus is back at the first box")
	require.Equal(t, "", harness.Eval[string](b, "[...document.querySelectorAll('.code-box')].map(i => i.value).join('')"), "the boxes are clear")
	b.EnterCode(code)
	b.WaitForState("bound")
	require.Equal(t, 10, s.Device.Status().CodeAttemptsLeft)
}
