package harness

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// Type types keys, those of package kb among them, where the focus is.
func (b *Browser) Type(keys string) {
	b.T.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// TabTo presses Tab until an element has the focus.
func (b *Browser) TabTo(selector string) {
	b.T.Helper()
	b.tabUntil(selector)
}

// PressEnterOn is [Browser.TabTo], and then presses Enter.
func (b *Browser) PressEnterOn(selector string) {
	b.T.Helper()
	b.TabTo(selector)
	b.Type(kb.Enter)
}

// TabBackTo presses Shift and Tab until an element has the focus.
func (b *Browser) TabBackTo(selector string) {
	b.T.Helper()
	b.tabUntil(selector, chromedp.KeyModifiers(chromedp.ModifierShift))
}

func (b *Browser) tabUntil(selector string, modifiers ...chromedp.KeyOption) {
	b.T.Helper()
	for range 40 {
		if Eval[bool](b, fmt.Sprintf("document.activeElement?.matches(%q) ?? false", selector)) {
			return
		}
		b.Do(chromedp.KeyEvent(kb.Tab, modifiers...))
	}
	require.Failf(b.T, "Tab does not reach the element", "%s", selector)
}

// WaitForFocus waits until an element has the focus.
func (b *Browser) WaitForFocus(selector string) {
	b.T.Helper()
	b.WaitUntil(fmt.Sprintf("document.activeElement?.matches(%q) ?? false", selector))
}

// edit carries out an editing command of the browser, as its keyboard shortcut does.
func (b *Browser) edit(command, key string) {
	b.T.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, kind := range []input.DispatchKeyEventType{"rawKeyDown", "keyUp"} {
			p := input.DispatchKeyEventParams{
				Type: kind, Modifiers: int64(chromedp.ModifierCtrl), Key: key,
				Code: "Key" + strings.ToUpper(key), WindowsVirtualKeyCode: int64(strings.ToUpper(key)[0]),
			}
			if kind == "rawKeyDown" {
				p.Commands = []string{command}
			}
			if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, p); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Paste copies a text from elsewhere in the page and pastes it where the focus is.
func (b *Browser) Paste(text string) {
	b.T.Helper()
	b.Run(fmt.Sprintf(`
		window.had = document.activeElement
		window.elsewhere = document.body.appendChild(document.createElement('textarea'))
		elsewhere.value = %q
		elsewhere.select()`, text))
	b.edit("copy", "c")
	b.Run(`elsewhere.remove(); had.focus()`)
	b.edit("paste", "v")
}

// Fill replaces the text of a field, found by its data-control, by typing.
func (b *Browser) Fill(control, text string) {
	b.T.Helper()
	b.WaitFor("[data-control=" + control + "]")
	b.Run(fmt.Sprintf("const field = document.querySelector('[data-control=%s]'); field.focus(); field.select()", control))
	b.Type(text)
	require.Equal(b.T, text, Eval[string](b, fmt.Sprintf("document.querySelector('[data-control=%s]').value", control)))
}
