package provider

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// timeouts is less than the time limits of the SDK, and more than the short waits that it ends with a next attempt. A request that
// succeeds only after such a limit shows it by a timer that expires: that does not depend on how busy the machine is.
const timeouts = 2 * time.Second

// held keeps the timer of a page that holds the device from expiring in a test that counts expired timers.
const held = "holdDevice: 600_000"

// TestRequestEndsEarly ends requests while the device asks its user: by the signal, on the device, by its home button, by
// unplugging. Each request fails with its code, the device is idle, and the next request succeeds in the same page without waiting
// for a time limit.
func TestRequestEndsEarly(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, held)
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
				before, expired := d.Events(), d.ExpiredTimers(timeouts)
				r := d.Start(method, params)
				r.WaitForQuestion()
				if method == "personal_sign" { // the others end before the page knows that the device asks its user
					r.WaitForEvent("interaction", before)
				}
				test.end(r)
				r.Wait().RequireError(t, test.code, test.reason)
				s.WaitUntilIdle()
				if !s.Device.Status().Plugged {
					d.WaitForEvent("disconnect", before)
					after := d.Events()
					s.Device.Plug()
					d.WaitForEvent("connect", after)
				}
				d.Confirm(method, params)
				require.Equal(t, expired, d.ExpiredTimers(timeouts), "the next request waited for a time limit")
				sent := 0
				if method == "eth_sendTransaction" {
					sent = 1
				}
				require.Len(t, n.TakeSent(), sent, "the request that ended early was not sent")
			})
		}
	}
}

// TestTabClosedDuringARequest closes a tab while the device asks its user about the tab's request. The next request of another
// tab replaces it.
func TestTabClosedDuringARequest(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, held)
	d.Accounts()
	for method, params := range signing {
		tab := &harness.Dapp{Browser: d.NewTab()}
		tab.Load(n.URL, held)
		tab.Accounts()
		tab.Start(method, params).WaitForQuestion()
		require.NoError(t, chromedp.Cancel(tab.Ctx))
		before, expired := d.Events(), d.ExpiredTimers(timeouts)
		r := d.Start("personal_sign", personalSign) // the browser may still be closing the tab
		r.WaitForEvent("interaction", before)       // the device asks about this request now
		require.Contains(t, s.Device.Approve(), "hello")
		require.Zero(t, r.Wait().Code)
		require.Equal(t, expired, d.ExpiredTimers(timeouts), "the request waited for a time limit")
	}
	require.Empty(t, n.TakeSent())
}

// TestPageGoesDuringARequest lets a page go while the device asks its user. The device stops asking at once, although no page is left that
// could tell it.
func TestPageGoesDuringARequest(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, held)
	d.Accounts()
	for name, leave := range map[string]func(tab *harness.Dapp){
		"the tab is closed":                func(tab *harness.Dapp) { require.NoError(t, chromedp.Cancel(tab.Ctx)) },
		"the window closes itself":         func(tab *harness.Dapp) { tab.Run("setTimeout(() => window.close())") },
		"the page is loaded again":         func(tab *harness.Dapp) { tab.Do(chromedp.Reload()) },
		"another page takes its place":     func(tab *harness.Dapp) { tab.Do(chromedp.Navigate(s.URL + "/device")) },
		"a page elsewhere takes its place": func(tab *harness.Dapp) { tab.Do(chromedp.Navigate("about:blank")) },
	} {
		t.Run(name, func(t *testing.T) {
			tab := &harness.Dapp{Browser: d.NewWindow(func() { d.RunInClick("window.open('about:blank', '_blank', 'popup')") })}
			tab.Load(n.URL, held)
			tab.Accounts()
			tab.Start("personal_sign", personalSign)
			s.WaitForQuestion() // the page may not know yet that the device asks
			leave(tab)
			began := time.Now()
			s.WaitUntilIdle()
			if os.Getenv("IMKEY_FULL") != "" { // otherwise other tests may slow this one down
				require.Less(t, time.Since(began), 2*time.Second)
			}
			_ = chromedp.Cancel(tab.Ctx)
		})
	}
}

// TestRequestOfAnotherTabContinues checks that a request of one tab does not end a request of another tab.
func TestRequestOfAnotherTabContinues(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.Accounts()
	r := d.Start("personal_sign", personalSign)
	s.WaitForQuestion()
	other := &harness.Dapp{Browser: d.NewTab()}
	other.Load(n.URL, "")
	other.Request("eth_requestAccounts", "[]").RequireError(t, -32002, "in-use-elsewhere")
	require.True(t, s.Device.Status().Asking, "the device still asks about the first tab's request")
	s.Device.Press(device.OK)
	require.Equal(t, strings.ToLower(harness.FirstAddress), harness.Signer(t, harness.PersonalDigest("hello"), r.Wait().Text(t)))
	require.Equal(t, []string{harness.FirstAddress}, other.Accounts(), "the other tab can connect once the request has ended")
}

// TestReplugNeedsNoReload unplugs the device and plugs it in again. The same page signs again.
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

// TestRequestRightAfterUnplugging makes requests before the browser has noticed that the device is unplugged. The error is the
// one for an unplugged device and not one for a missing permission.
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
