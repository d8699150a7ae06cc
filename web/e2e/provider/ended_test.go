package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// soon is how long the request after a cancelled one may take, the person's OK included.
const soon = 2 * time.Second

// TestRequestEndsEarly: whoever ends a request while the device waits for its person, it settles, the device is idle, and
// the next request succeeds on the same page within two seconds.
func TestRequestEndsEarly(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.Accounts()
	for method, params := range signing {
		for _, test := range []struct {
			name   string
			end    func(r harness.Request)
			code   int
			reason string
		}{
			{"by the page", func(r harness.Request) { r.Abort() }, -32603, "aborted"},
			{"on the device", func(harness.Request) { s.Device.Press(device.Cancel) }, 4001, "user-rejected"},
			{"by the home button", func(harness.Request) { s.Device.Home() }, 4001, "user-rejected"},
			{"by unplugging", func(harness.Request) { s.Device.Unplug() }, 4900, "device-disconnected"},
		} {
			t.Run(method+" ended "+test.name, func(t *testing.T) {
				t.Cleanup(func() {
					_ = s.Device.Simulated.Plug()
					_ = s.Device.Simulated.Home()
				})
				took := soon
				for try := 0; try < 3 && took >= soon; try++ { // a machine that is busy with other tests holds one of them up, and not all
					before := d.Events()
					r := d.Start(method, params)
					r.WaitForQuestion()
					if method == "personal_sign" { // the device's word that it waits takes a while to come
						r.WaitForEvent("interaction", before)
					}
					test.end(r)
					r.Wait().RequireError(t, test.code, test.reason)
					s.WaitUntilIdle()
					began := time.Now()
					if !s.Device.Status().Plugged {
						d.WaitForEvent("disconnect", before)
						after := d.Events()
						s.Device.Plug()
						d.WaitForEvent("connect", after)
					}
					d.Confirm(method, params)
					took = time.Since(began)
					t.Logf("the next one took %d ms", took.Milliseconds())
					sent := 0
					if method == "eth_sendTransaction" {
						sent = 1
					}
					require.Len(t, n.TakeSent(), sent, "what was given up was not sent")
				}
				require.Less(t, took, soon)
			})
		}
	}
}

// TestTabClosedDuringARequest: the device waits for the person of a tab that is gone, until another tab asks something of it.
func TestTabClosedDuringARequest(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.Accounts()
	quickest := time.Hour // a machine that is busy with other tests holds one of them up, and not all
	for method, params := range signing {
		tab := &harness.Dapp{Browser: d.NewTab()}
		tab.Load(n.URL, "")
		tab.Accounts()
		tab.Start(method, params).WaitForQuestion()
		require.NoError(t, chromedp.Cancel(tab.Ctx))
		began := time.Now()
		before := d.Events()
		r := d.Start("personal_sign", personalSign) // the very next one, while the browser still takes the tab apart
		r.WaitForEvent("interaction", before)       // the device asks for this one, and no more for the closed tab's
		require.Contains(t, s.Device.Approve(), "hello")
		require.Zero(t, r.Wait().Code)
		took := time.Since(began)
		quickest = min(quickest, took)
		t.Logf("%s: the other tab's request took %d ms", method, took.Milliseconds())
	}
	require.Less(t, quickest, soon)
	require.Empty(t, n.TakeSent())
}

func TestRequestOfAnotherTabContinues(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.Accounts()
	r := d.Start("personal_sign", personalSign)
	s.WaitForQuestion()
	other := &harness.Dapp{Browser: d.NewTab()}
	other.Load(n.URL, "")
	other.Request("eth_requestAccounts", "[]").RequireError(t, -32002, "in-use-elsewhere")
	require.True(t, s.Device.Status().Asking, "the first tab's question is still there")
	s.Device.Press(device.OK)
	require.Equal(t, strings.ToLower(harness.FirstAddress), harness.Signer(t, harness.PersonalDigest("hello"), r.Wait().Text(t)))
	require.Equal(t, []string{harness.FirstAddress}, other.Accounts(), "and then it is the other one's turn")
}

func TestReplugNeedsNoReload(t *testing.T) {
	t.Parallel()
	s, _, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.Accounts()
	for range 3 {
		before := d.Events()
		s.Device.Unplug()
		d.WaitForEvent("disconnect", before)
		require.False(t, harness.Eval[bool](d.Browser, "provider.isConnected()"))
		require.JSONEq(t, `["`+harness.FirstAddress+`"]`, string(d.Request("eth_accounts", "[]").Value))
		d.Request("personal_sign", personalSign).RequireError(t, 4900, "device-disconnected")
		after := d.Events()
		s.Device.Plug()
		d.WaitForEvent("connect", after)
		require.Equal(t, strings.ToLower(harness.FirstAddress), harness.Signer(t, harness.PersonalDigest("hello"), d.Request("personal_sign", personalSign).Text(t)))
	}
}

// TestRequestRightAfterUnplugging: before the browser has said that the device is gone. No permission is missing.
func TestRequestRightAfterUnplugging(t *testing.T) {
	t.Parallel()
	s, _, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.Accounts()
	for method, params := range signing {
		before := d.Events()
		s.Device.Unplug()
		d.Request(method, params).RequireError(t, 4900, "device-disconnected")
		d.WaitForEvent("disconnect", before)
		after := d.Events()
		s.Device.Plug()
		d.WaitForEvent("connect", after)
		d.Request(method, params).Text(t)
	}
}
