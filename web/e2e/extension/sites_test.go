package extension_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// origins are three origins that the simulator serves.
func origins(s *harness.Sim) [3]string {
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	return [3]string{"http://localhost" + port, "http://127.0.0.1" + port, "http://shop.localhost" + port}
}

// TestOneBindingForThreeSites connects dApps on three origins. The device is bound once, in a tab, with one code. Each site is asked for
// its permission once, and after one lost it, the others go on.
func TestOneBindingForThreeSites(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	s.ServeDapp()
	x := s.StartExtension(harness.BrowserOptions{})
	at := origins(s)

	first, _ := x.BoundSite(at[0])
	second, third := x.Site(at[1]), x.Site(at[2])
	for _, d := range []*harness.Dapp{second, third} {
		require.JSONEq(t, "[]", string(d.Request("eth_accounts", "[]").Value))
		d.Request("personal_sign", `["0x00", "`+harness.FirstAddress+`"]`).RequireError(t, 4100, "invalid-argument")
		require.Equal(t, []string{harness.FirstAddress}, x.Connect(d))
	}
	require.True(t, s.IsBound())
	for i, d := range []*harness.Dapp{first, second, third} {
		require.Equal(t, []string{harness.FirstAddress}, d.Accounts(), "a second time, without a question")
		x.Sign(d, "I am at "+at[i])
	}

	// The page that binds and manages devices says that a site waits only where one does.
	manage := x.OpenPage("/pair.html")
	manage.WaitFor("[data-state]")
	require.Equal(t, "none", harness.Eval[string](manage, "getComputedStyle(document.querySelector('.site-waits')).display"))
	manage.Close()

	list := x.OpenPage("/sites.html")
	list.WaitUntil(`document.querySelectorAll('[data-origin]').length >= 3`)
	list.Run(`document.querySelector('[data-origin="` + at[1] + `"] [data-action=revoke]').click()`)
	list.WaitFor("[data-action=revoke-now]")
	list.Press("revoke-now")
	second.WaitForEvent("accountsChanged", 0)
	second.Request("personal_sign", `["0x00", "`+harness.FirstAddress+`"]`).RequireError(t, 4100, "invalid-argument")
	require.JSONEq(t, "[]", string(second.Request("eth_accounts", "[]").Value))
	x.Sign(first, "still")
	x.Sign(third, "still")
}
