package extension_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestUpdate updates the extension while the device asks about a message and another request waits. Both requests end with wallet-updated, as
// does each one after it. The device stops asking although no page uses the new version, and a page that is loaded anew signs with the same
// binding and permission.
func TestUpdate(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	s.ServeDapp()
	x := s.StartExtension(harness.BrowserOptions{})
	origin := origins(s)[0]
	d, _ := x.BoundSite(origin)
	const message = `["0x00", "` + harness.FirstAddress + `"]`
	asked := d.Start("personal_sign", message)
	waiting := d.Start("personal_sign", message)
	x.Answer("accept")
	asked.WaitForQuestion()

	x.Reload()
	s.WaitUntilIdle()
	for _, r := range []harness.Request{asked, waiting, d.Start("personal_sign", message)} {
		o := r.Wait()
		o.RequireError(t, 4900, "aborted")
		require.Equal(t, map[string]any{"code": "aborted", "reason": "wallet-updated", "retryable": false}, o.Data)
	}
	again := x.Site(origin)
	require.Equal(t, []string{harness.FirstAddress}, again.Accounts())
	x.Sign(again, "after the update")
}
