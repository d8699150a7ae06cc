package harness

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// ExposeDialog lets the test look into the dialog, which is closed to the page.
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
			globalThis.dialog = () => roots.get(document.querySelector('imkey-pairing'))`})
		return err
	}))
}

// WaitForDialog waits for a state of the dialog.
func (b *Browser) WaitForDialog(state string) {
	b.T.Helper()
	b.Run(fmt.Sprintf(`
		const until = performance.now() + %d
		while (!dialog()?.querySelector('[data-state=%q]')) {
			if (performance.now() > until) throw new Error('the dialog shows: ' + dialog()?.textContent)
			await new Promise(requestAnimationFrame)
		}`, Timeout.Milliseconds()/2, state))
}
