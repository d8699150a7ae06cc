package harness

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// ExposeDialog lets the test look into the dialog of the provider, whose shadow root is closed, in the pages that are opened from
// now on. dialog() is the root of the dialog there.
func (b *Browser) ExposeDialog() {
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
			const attach = Element.prototype.attachShadow
			const roots = new WeakMap()
			Element.prototype.attachShadow = function (options) {
				const root = attach.call(this, options)
				roots.set(this, root)
				return root
			}
			globalThis.dialog = () => roots.get(document.querySelector('imkey-pairing, imkey-dialog'))`})
		return err
	}))
}

// WaitForDialog waits until the dialog of the provider is in a state, by its data-state.
func (b *Browser) WaitForDialog(state string) {
	b.T.Helper()
	b.Run(fmt.Sprintf(`
		const until = performance.now() + %d
		while (!dialog()?.querySelector('[data-state=%q]')) {
			if (performance.now() > until) throw new Error('the dialog shows: ' + dialog()?.textContent)
			await new Promise(requestAnimationFrame)
		}`, Timeout.Milliseconds()/2, state))
}

// BindInDialog binds the device that the dialog has recognised with its code, and closes the dialog. It presses Enter, as a user may.
func (b *Browser) BindInDialog(code string) {
	b.T.Helper()
	b.WaitForDialog("recognised")
	b.Do(chromedp.KeyEvent("\r"))
	b.enterCodeInDialog(code)
}

// BindUnverifiedInDialog is [Browser.BindInDialog] for a device that no trusted CA verifies, as real ones are today. It accepts the device's key.
func (b *Browser) BindUnverifiedInDialog(code string) {
	b.T.Helper()
	b.WaitForDialog("recognised")
	b.Do(chromedp.KeyEvent("\r"))
	b.WaitForDialog("unverified")
	b.Run("dialog().querySelector('[data-control=accept]').click(); dialog().querySelector('[data-action=go-on]').click()")
	b.enterCodeInDialog(code)
}

func (b *Browser) enterCodeInDialog(code string) {
	b.T.Helper()
	b.WaitForDialog("code")
	b.EnterCode(code)
	b.WaitForDialog("bound")
	b.Run("dialog().querySelector('[data-action=done]').click()")
}
