package harness

import (
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// WaitForState waits for one of the page's states; it fails at once where the page shows an error instead.
func (b *Browser) WaitForState(name string) {
	b.T.Helper()
	b.WaitUntil(`!!document.querySelector('[data-state="` + name + `"], [data-state="error"]')`)
	shown := Eval[string](b, `(document.querySelector('[data-error]')?.dataset.error ?? '')`)
	if name != "error" && shown != "" {
		require.Failf(b.T, "the page shows an error", "%s instead of state %s\n%s\n%s", shown, name, b.Text(), b.Console())
	}
}

// WaitForStateAfterError waits for a state that follows an error.
func (b *Browser) WaitForStateAfterError(name string) {
	b.T.Helper()
	b.WaitFor(`[data-state="` + name + `"]`)
}

// WaitForError waits for the error state with this code.
func (b *Browser) WaitForError(code string) {
	b.T.Helper()
	b.WaitUntil(`!!document.querySelector('[data-error="` + code + `"]')`)
}

// EnterCode types a code into the boxes, key by key, and confirms it.
func (b *Browser) EnterCode(code string) {
	b.T.Helper()
	b.Do(chromedp.KeyEvent(code), chromedp.KeyEvent("\r"))
}

// GoToCode goes from the start to the boxes on a device that is unbound and verified.
func (b *Browser) GoToCode() {
	b.T.Helper()
	b.Press("connect")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("code")
}

// Bind binds the browser to the device of the simulator, from the start, and returns the code.
func (b *Browser) Bind() string {
	b.T.Helper()
	b.Open("/")
	b.GoToCode()
	code := b.Sim.Device.Code()
	b.EnterCode(code)
	b.WaitForState("bound")
	return code
}

// WaitForErrorText waits for the error state with this code, and checks that the page shows the error's sentences and its code.
func (b *Browser) WaitForErrorText(code string) {
	b.T.Helper()
	b.WaitForError(code)
	what, next := b.ErrorWords(code)
	for _, text := range []string{what, next, code} {
		require.Contains(b.T, b.Text(), text)
	}
}

// BindFromElsewhere binds, from the start of the page, a device that knows this browser no more.
func (b *Browser) BindFromElsewhere(code string) {
	b.T.Helper()
	b.Press("connect")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("elsewhere")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(code)
	b.WaitForState("bound")
}

// WrongCode returns a well-formed code that is not this one.
func WrongCode(code string) string {
	if code[7] == '2' {
		return code[:7] + "3"
	}
	return code[:7] + "2"
}
