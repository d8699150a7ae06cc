package tabs

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// sleeping is two tabs of one site. Something happens to the first one while it has the device, and the second one then uses it.
type sleeping struct {
	*tabs
	wire   wireOrder
	first  *harness.Browser
	second *harness.Browser
}

// newSleeping opens the tabs and binds the device in the first one.
func newSleeping(t *testing.T) *sleeping {
	s := &sleeping{}
	s.tabs = newTabs(t, harness.Timeout, []string{"127.0.0.1"}, device.Options{Mnemonic: harness.TestPhrase(t), Tap: s.wire.tap})
	s.first, s.second = s.tab("127.0.0.1"), s.tab("127.0.0.1")
	for _, b := range []*harness.Browser{s.first, s.second} {
		b.Run("await find()")
	}
	s.run(s.first, "await device.open(); await device.showBindingCode()")
	s.run(s.first, fmt.Sprintf("await device.bind(%q)", s.Device.Code()))
	return s
}

// run runs a job in a tab, which must succeed.
func (s *sleeping) run(b *harness.Browser, job string) {
	s.T.Helper()
	require.Equal(s.T, jobEnd{}, run(b, job))
}

// ask has the first tab ask the user something, who does not answer.
func (s *sleeping) ask() {
	s.T.Helper()
	harness.Eval[bool](s.first, "begin(async (signal) => { await device.open(); await device.ethereum.getAccount({ verify: true, signal }) })")
	require.Equal(s.T, "waiting", harness.Eval[string](s.first, "settled()"))
	require.True(s.T, s.Device.Status().Asking)
}

// useInSecond has the second tab open the device without taking it over, and close it.
func (s *sleeping) useInSecond() {
	s.T.Helper()
	s.run(s.second, `
		await device.open()
		if (await device.bindingStatus() !== 'bound') throw new Error('it is not bound')
		await device.close()`)
	require.False(s.T, s.Device.Status().Asking, "the device still asks about the first tab's request")
}

// useInFirst has the first tab use the device without opening it again.
func (s *sleeping) useInFirst() {
	s.T.Helper()
	s.run(s.first, "if (!device.opened || await device.bindingStatus() !== 'bound') throw new Error('the device is not open and bound')")
}

// TestTabWithTheDeviceSleepsOrEnds has a tab with the device freeze, navigate, hang, crash and close. Another tab then opens
// the device without taking it over and without a new plug, and the first tab continues without a reload if it still exists.
func TestTabWithTheDeviceSleepsOrEnds(t *testing.T) {
	t.Parallel()
	s := newSleeping(t)
	for _, c := range []struct {
		what string
		do   func()
	}{
		{"freezes while it asks the user", s.freezesAsking},
		{"freezes while it does nothing", s.freezesIdle},
		{"is frozen while the device is unplugged and plugged in again", s.frozenDuringReplug},
		{"navigates away and back", s.navigatesBack},
		{"goes to the back-forward cache", s.goesToCache},
		{"hangs", s.hangs},
		{"is a dApp", s.isDapp},
		{"holds it for its next request", s.holds},
		{"crashes", s.crashes},
		{"closes", s.closes},
	} {
		t.Log("the tab with the device " + c.what)
		c.do()
		s.wire.check(t)
	}
}

func (s *sleeping) freezesAsking() {
	s.ask()
	s.first.Freeze()
	s.useInSecond()
	s.first.Wake()
	s.requireHidden()
	s.useInFirst()
}

func (s *sleeping) freezesIdle() {
	s.first.Freeze()
	s.useInSecond()
	s.first.Wake()
	s.useInFirst()
}

func (s *sleeping) frozenDuringReplug() {
	s.first.Freeze()
	s.second.Run("globalThis.gone = new Promise((ok) => imkey.addEventListener('disconnect', ok, { once: true }))")
	s.Device.Unplug()
	s.second.Run("await gone; globalThis.there = new Promise((ok) => imkey.addEventListener('connect', ok, { once: true }))")
	s.Device.Plug()
	s.second.Run("await there; await find()")
	s.useInSecond()
	s.first.Wake()
	// It notices both events now, as if it had not been frozen.
	s.first.Run(`for (;;) {
		const connected = new Promise((ok) => imkey.addEventListener('connect', ok, { once: true }))
		if (await find() && !device.opened) break
		await connected
	}`)
	s.run(s.first, "await device.open()")
	s.useInFirst()
}

// navigatesBack works with and without the browser's back-forward cache, which keeps the page as it was.
func (s *sleeping) navigatesBack() {
	s.ask()
	s.first.Run("globalThis.kept = true")
	s.first.Do(chromedp.Navigate(s.at("127.0.0.1") + "/elsewhere"))
	s.useInSecond()
	s.first.Do(chromedp.NavigateBack())
	s.first.WaitUntil(tabReady)
	if harness.Eval[bool](s.first, "globalThis.kept === true") {
		s.T.Log("the browser kept the page")
		s.requireHidden()
	} else {
		s.T.Log("the browser loaded the page again")
		s.run(s.first, "await find(); await device.open()")
	}
	s.useInFirst()
}

// goesToCache sends the page the events of the back-forward cache. The browser decides whether it really keeps a page.
func (s *sleeping) goesToCache() {
	s.ask()
	s.first.Run("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
	s.requireHidden()
	s.useInSecond()
	s.first.Run("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
	s.useInFirst()
}

// requireHidden checks that the first tab's job ended because the page was hidden.
func (s *sleeping) requireHidden() {
	s.T.Helper()
	require.Equal(s.T, jobEnd{Code: "aborted", Reason: "page-hidden"}, harness.Eval[jobEnd](s.first, "within(30000)"))
}

func (s *sleeping) crashes() {
	s.run(s.first, "await device.close()")
	s.first = s.tab("127.0.0.1")
	s.first.Run("await find()")
	s.ask()
	s.first.Kill()
	s.useInSecond()
}

func (s *sleeping) closes() {
	s.first = s.tab("127.0.0.1")
	s.first.Run("await find()")
	s.ask()
	require.NoError(s.T, chromedp.Cancel(s.first.Ctx))
	s.useInSecond()
}

// hangs blocks the first tab. The second one is told that the first does not answer, and the first one continues once it can.
func (s *sleeping) hangs() {
	t := s.T
	lost := harness.Eval[int](s.first, "lost")
	hangs, goOn := make(chan struct{}, 1), make(chan struct{})
	s.hold = func(ctx context.Context) {
		hangs <- struct{}{}
		select {
		case <-goOn:
		case <-ctx.Done():
		}
	}
	s.run(s.first, "await device.bindingStatus()")
	hung := make(chan error, 1)
	go func() {
		_, err := chromedp.Run(s.first.Ctx, chromedp.Evaluate[bool](`(() => {
			const request = new XMLHttpRequest()
			request.open('GET', '/hold', false)
			request.send() // blocks the page
			return true
		})()`))
		hung <- err
	}()
	select {
	case <-hangs:
	case <-s.Ctx.Done():
		require.Fail(t, "the page does not hang")
	}
	require.Equal(t, jobEnd{"in-use-elsewhere", "tab", "no-answer"}, run(s.second, "await device.open({ takeOver: true })"))
	close(goOn)
	require.NoError(t, <-hung)
	s.useInFirst()
	require.Equal(t, lost, harness.Eval[int](s.first, "lost"), "the second tab no longer wants the device")

	s.run(s.second, "await device.open({ takeOver: true })") // the first tab answers now
	require.Equal(t, lost+1, harness.Eval[int](s.first, "lost"))
	require.Equal(t, jobEnd{"in-use-elsewhere", "tab", "taken-over"}, run(s.first, "await device.bindingStatus()"))
	s.run(s.first, "await device.open({ takeOver: true })")
	s.useInFirst()
}

// isDapp takes the device over from a page with a provider. The request of the page ends with a code of EIP-1193, and its next one
// takes the device back.
func (s *sleeping) isDapp() {
	t := s.T
	s.run(s.first, "await device.close()")
	dapp(s.first)
	for range 2 {
		s.first.Run("globalThis.signing = sign()")
		require.NotEmpty(t, s.Device.Question())
		s.run(s.second, "await device.open({ takeOver: true })")
		require.Equal(t, jobEnd{"-32002", "", "in-use-elsewhere"}, harness.Eval[jobEnd](s.first, "signing"))
		require.False(t, s.Device.Status().Asking)

		s.signs(s.first)
		s.second.Run("if (device.opened) throw new Error('the device is open in both tabs')")
	}
	s.run(s.first, "await device.open()")
}

// holds has a page with a provider hold the device for its next request. Another tab gets the device at once and without taking it
// over, but not during a request.
func (s *sleeping) holds() {
	t := s.T
	s.run(s.first, "await device.close()")
	b := s.tab("127.0.0.1")
	b.WaitUntil("document.visibilityState === 'visible'") // a hidden page releases the device
	dapp(b)
	s.signs(b)
	for range 3 {
		exchanges, cancels := s.wire.check(t)
		s.signs(b)
		again, more := s.wire.check(t)
		require.Equal(t, []int{2, 0}, []int{again - exchanges, more - cancels}, "prepare, sign, and no CANCEL")
	}
	lost := harness.Eval[int](s.second, "lost")
	s.run(s.second, "await device.open()")
	s.run(s.second, "if (await device.bindingStatus() !== 'bound') throw new Error('it is not bound')")
	require.Equal(t, jobEnd{"-32002", "", "in-use-elsewhere"}, harness.Eval[jobEnd](b, "sign()"), "a tab that uses the device keeps it")
	require.Equal(t, lost, harness.Eval[int](s.second, "lost"))
	s.run(s.second, "await device.close()")

	b.Run("globalThis.signing = sign()")
	require.NotEmpty(t, s.Device.Question())
	require.Equal(t, jobEnd{"in-use-elsewhere", "tab", ""}, run(s.second, "await device.open()"))
	s.Device.Approve()
	require.Equal(t, jobEnd{}, harness.Eval[jobEnd](b, "signing"))
	s.run(s.second, "await device.open(); await device.close()")
	require.NoError(t, chromedp.Cancel(b.Ctx))
}

// signs makes a request of a page with a provider, which the user confirms.
func (s *sleeping) signs(b *harness.Browser) {
	s.T.Helper()
	b.Run("globalThis.signing = sign()")
	s.Device.Approve()
	require.Equal(s.T, jobEnd{}, harness.Eval[jobEnd](b, "signing"))
}

// dapp gives a tab a provider and an account.
func dapp(b *harness.Browser) {
	b.Run(`
		const { createProvider } = await import('/imkey.js')
		globalThis.provider = createProvider({ chains: [{ chainId: 1, rpcUrls: [location.origin + '/no-node'] }], trustedCAs, pairing: 'none' })
		globalThis.account = (await provider.request({ method: 'eth_requestAccounts' }))[0]
		globalThis.sign = () => provider.request({ method: 'personal_sign', params: ['0x68656c6c6f', account] }).then(() => ({ code: '', holder: '', reason: '' }), (e) => ({ code: String(e.code), holder: '', reason: e.data?.code }))`)
}
