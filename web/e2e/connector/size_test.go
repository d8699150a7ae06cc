package connector_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web/e2e/harness"
)

// settled waits until the screen of a request either lets its button act or says why it does not. It returns the reason, or "".
func settled(w *harness.Browser) string {
	w.T.Helper()
	w.WaitUntil(`document.querySelector('[data-state=asking]')?.matches('[data-ready=true], [data-obstacle]')`)
	return harness.Eval[string](w, "document.querySelector('[data-state=asking]').dataset.obstacle ?? ''")
}

// sizes opens the connector's window in sizes that a site chooses. In a window that is too small to read what is asked, the
// button does not act, and a sentence says what to do. It acts when the window is large enough and who asks and for what was in view.
func sizes(t *testing.T, b *harness.Browser, node *harness.FakeNode) {
	t.Helper()
	d := openSite(b, site(t), node)
	for i, size := range []string{"width=300,height=560", "width=440,height=400,left=-9000,top=-9000"} {
		var asked harness.Request
		w := b.NewWindow(func() {
			d.RunInClick(fmt.Sprintf("globalThis.opened = open('', %q, 'popup,%s')", b.Sim.URL+"/connect", size))
			asked = d.Click("eth_requestAccounts", "[]")
		})
		require.Equal(t, "small", settled(w), size)
		w.RequireText("request.tooSmall")
		w.Run("document.querySelector('[data-action=accept]').click()")
		w.WaitFor(`[data-state="asking"]`)
		if i == 0 { // who asks is scrolled away
			w.Run("document.querySelector('.request-who').style.paddingBottom = '200vh'")
			w.Run("document.querySelector('h1').scrollIntoView(); resizeTo(440, 600)")
			w.WaitFor(`[data-obstacle="unseen"]`)
			w.RequireText("request.unseen")
			w.Run("document.querySelector('.request-who').style.paddingBottom = ''; scrollTo(0, 0)")
		} else {
			w.Run("resizeTo(440, 600)")
		}
		w.WaitFor(`[data-ready="true"]`)
		require.Equal(t, "", settled(w))
		w.Press("reject")
		asked.Wait().RequireError(t, 4001, "user-rejected")
		w.Run("window.close()")
		waitUntilGone(b, w)
		d.Run("while (!opened.closed) await new Promise((go) => setTimeout(go, 10))")
	}
}
