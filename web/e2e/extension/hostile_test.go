package extension_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestPagesWithPolicies asks from a page with the strictest policy and Trusted Types, which works, and from a sandboxed page, whose origin
// is opaque: it is refused, and no window opens.
func TestPagesWithPolicies(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	for path, policy := range map[string]string{
		"/strict":    "default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'; sandbox allow-scripts allow-same-origin",
		"/sandboxed": "sandbox allow-scripts",
	} {
		s.Handle(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
			_, _ = io.WriteString(w, "<!doctype html><title>dApp</title>")
		})
	}
	x := s.StartExtension(harness.BrowserOptions{})
	open := func(path string) *harness.Dapp {
		d := &harness.Dapp{Browser: x.NewTab()}
		d.Do(chromedp.Navigate(s.URL + path))
		d.Discover()
		return d
	}
	require.JSONEq(t, "[]", string(open("/strict").Request("eth_accounts", "[]").Value))
	sandboxed := open("/sandboxed")
	sandboxed.Request("eth_requestAccounts", "[]").RequireError(t, 4100, "permission-denied")
	sandboxed.Request("eth_accounts", "[]").RequireError(t, 4100, "permission-denied")
	require.Empty(t, x.Targets("/request.html"))
}
