package extension_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestStoppedParts stops parts of the extension, and the site's tab, while the device asks about a message. Each request settles once with
// its code, the device asks nothing any more within two seconds, the next request works, and no permission and no binding is lost. A
// stopped service worker costs nothing.
func TestStoppedParts(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	s.ServeDapp()
	x := s.StartExtension(harness.BrowserOptions{})
	at := origins(s)
	d, _ := x.BoundSite(at[0])
	sign := func() harness.Request {
		r := d.Start("personal_sign", `["0x00", "`+harness.FirstAddress+`"]`)
		x.Answer("accept")
		r.WaitForQuestion()
		return r
	}
	idle := func() {
		began := time.Now()
		s.WaitUntilIdle()
		require.Less(t, time.Since(began), 2*time.Second)
	}

	r := sign()
	x.CloseTarget("/worker.js")
	s.Device.Press(device.OK)
	r.Wait().Text(t)

	r = sign()
	x.CloseTarget("/request.html")
	r.Wait().RequireError(t, 4001, "user-rejected")
	idle()

	r = sign()
	x.CloseTarget("/offscreen.html")
	o := r.Wait()
	require.Equal(t, 4900, o.Code, "%+v", o)
	require.Equal(t, "aborted", o.Reason)
	x.Sign(d, "after the offscreen document") // at once: the old document may still be there

	other := x.Site(at[0])
	r = other.Start("personal_sign", `["0x00", "`+harness.FirstAddress+`"]`)
	x.Answer("accept")
	r.WaitForQuestion()
	other.Close()
	idle()
	require.Equal(t, []string{harness.FirstAddress}, d.Accounts())
	x.Sign(d, "after the tab")
	require.True(t, s.IsBound())
}
