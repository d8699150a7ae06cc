package harness

import (
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// WaitForState waits until the connect page is in a state, by its data-state. It fails as soon as the page shows an error instead.
func (b *Browser) WaitForState(name string) {
	b.T.Helper()
	b.WaitUntil(`!!document.querySelector('[data-state="` + name + `"], [data-state="error"]')`)
	shown := Eval[string](b, `(document.querySelector('[data-error]')?.dataset.error ?? '')`)
	if name != "error" && shown != "" {
		require.Failf(b.T, "the page shows an error", "%s instead of state %s\n%s\n%s", shown, name, b.Text(), b.Console())
	}
}

// WaitForStateAfterError is [Browser.WaitForState] where the page may still show an error before.
func (b *Browser) WaitForStateAfterError(name string) {
	b.T.Helper()
	b.WaitFor(`[data-state="` + name + `"]`)
}

// WaitForError waits until the connect page shows an error with this code.
func (b *Browser) WaitForError(code string) {
	b.T.Helper()
	b.WaitUntil(`!!document.querySelector('[data-error="` + code + `"]')`)
}

// EnterCode types a binding code into the boxes, key by key, and presses Enter.
func (b *Browser) EnterCode(code string) {
	b.T.Helper()
	b.Do(chromedp.KeyEvent(code), chromedp.KeyEvent("\r"))
}

// GoToCode goes from the start of the connect page to the boxes for the code. The device must be unbound and verified.
func (b *Browser) GoToCode() {
	b.T.Helper()
	b.Press("connect")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("code")
}

// Bind opens the connect page, binds the first device, and returns its binding code.
func (b *Browser) Bind() string {
	b.T.Helper()
	b.Open("/")
	b.GoToCode()
	code := b.Sim.Device.Code()
	b.EnterCode(code)
	b.WaitForState("bound")
	return code
}

// WaitForErrorText is [Browser.WaitForError]. It also checks that the page shows the error's sentences and its code.
func (b *Browser) WaitForErrorText(code string) {
	b.T.Helper()
	b.WaitForError(code)
	what, next := b.ErrorWords(code)
	for _, text := range []string{what, next, code} {
		require.Contains(b.T, b.Text(), text)
	}
}

// BindFromElsewhere goes from the start of the connect page to the binding of a device that is bound to another app, with its code.
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

// WrongCode returns a well-formed code that is not the given one.
func WrongCode(code string) string {
	if code[7] == '2' {
		return code[:7] + "3"
	}
	return code[:7] + "2"
}
