package tabs

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// asleep is a site with a tab that something happens to while it has the device, and another one that wants the device.
type asleep struct {
	*tabs
	wire   wireOrder
	first  *harness.Browser
	second *harness.Browser
}

func newAsleep(t *testing.T) *asleep {
	s := &asleep{}
	s.tabs = newTabs(t, harness.Timeout, []string{"127.0.0.1"}, device.Options{Mnemonic: harness.TestPhrase(t), Tap: s.wire.tap})
	s.first, s.second = s.tab("127.0.0.1"), s.tab("127.0.0.1")
	for _, b := range []*harness.Browser{s.first, s.second} {
		b.Run("await find()")
	}
	s.done(s.first, "await device.open(); await device.showBindingCode()")
	s.done(s.first, fmt.Sprintf("await device.bind(%q)", s.Device.Code()))
	return s
}

// done has a tab do a job that succeeds.
func (s *asleep) done(b *harness.Browser, job string) {
	s.T.Helper()
	require.Equal(s.T, jobEnd{}, tell(b, job))
}

// waits has the first tab ask the person, who does nothing.
func (s *asleep) waits() {
	s.T.Helper()
	harness.Eval[bool](s.first, "begin(async (signal) => { await device.open(); await device.ethereum.getAccount({ verify: true, signal }) })")
	require.Equal(s.T, "waiting", harness.Eval[string](s.first, "settled()"))
	require.True(s.T, s.Device.Status().Asking)
}

// turns has the second tab use the device, which it does not take from anybody, and give it back.
func (s *asleep) turns() {
	s.T.Helper()
	s.done(s.second, `
		await device.open()
		if (await device.bindingStatus() !== 'bound') throw new Error('it is not bound')
		await device.close()`)
	require.False(s.T, s.Device.Status().Asking, "nothing is asked any more")
}

// back has the first tab use the device without being told to open it: it was never closed.
func (s *asleep) back() {
	s.T.Helper()
	s.done(s.first, "if (!device.opened || await device.bindingStatus() !== 'bound') throw new Error('it is not as it was')")
}

func (s *asleep) lifecycle(state page.SetWebLifecycleStateState) {
	s.T.Helper()
	s.first.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: state})
		return err
	}))
}

// TestTabWithTheDeviceSleepsOrEnds has a tab with the device freeze, navigate, hang, crash and close. Another tab then opens
// the device without taking it over and without a new plug, and the first tab continues without a reload if it still exists.
func TestTabWithTheDeviceSleepsOrEnds(t *testing.T) {
	t.Parallel() // most of it is waiting, for locks above all
	s := newAsleep(t)
	for _, what := range []struct {
		happens string
		then    func()
	}{
		{"falls asleep while it waits for its person", s.fallsAsleepWaiting},
		{"falls asleep while it does nothing", s.fallsAsleep},
		{"sleeps while the device is unplugged and plugged in again", s.sleepsThroughAReplug},
		{"goes elsewhere and comes back", s.comesBack},
		{"is put away by the browser, to be shown again", s.isPutAway},
		{"hangs", s.hangs},
		{"is a dApp's", s.isADApps},
		{"is killed", s.isKilled},
		{"is closed", s.isClosed},
	} {
		t.Log("a tab that has the device", what.happens)
		what.then()
		s.wire.check(t)
	}
}

func (s *asleep) fallsAsleepWaiting() {
	s.waits()
	s.lifecycle(page.SetWebLifecycleStateStateFrozen)
	s.turns()
	s.lifecycle(page.SetWebLifecycleStateStateActive)
	s.putAway()
	s.back()
}

func (s *asleep) fallsAsleep() {
	s.lifecycle(page.SetWebLifecycleStateStateFrozen)
	s.turns()
	s.lifecycle(page.SetWebLifecycleStateStateActive)
	s.back()
}

func (s *asleep) sleepsThroughAReplug() {
	s.lifecycle(page.SetWebLifecycleStateStateFrozen)
	s.second.Run("globalThis.gone = new Promise((ok) => imkey.addEventListener('disconnect', ok, { once: true }))")
	s.Device.Unplug()
	s.second.Run("await gone; globalThis.there = new Promise((ok) => imkey.addEventListener('connect', ok, { once: true }))")
	s.Device.Plug()
	s.second.Run("await there; await find()")
	s.turns()
	s.lifecycle(page.SetWebLifecycleStateStateActive)
	// It hears of both by itself, as if it had been awake.
	s.first.Run("while (!(await find()) || device.opened) await new Promise((ok) => imkey.addEventListener('connect', ok, { once: true }))")
	s.done(s.first, "await device.open()")
	s.back()
}

// comesBack is with and without the browser's cache for going back, from which a page goes on where it was.
func (s *asleep) comesBack() {
	s.waits()
	s.first.Run("globalThis.kept = true")
	s.first.Do(chromedp.Navigate(s.at("127.0.0.1") + "/elsewhere"))
	s.turns()
	s.first.Do(chromedp.NavigateBack())
	s.first.WaitUntil(tabReady)
	if harness.Eval[bool](s.first, "globalThis.kept === true") {
		s.T.Log("the browser kept the page")
		s.putAway()
	} else {
		s.T.Log("the browser loaded the page anew")
		s.done(s.first, "await find(); await device.open()")
	}
	s.back()
}

// isPutAway is what a browser tells a page that it keeps; whether it keeps one is its own affair.
func (s *asleep) isPutAway() {
	s.waits()
	s.first.Run("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
	s.putAway()
	s.turns()
	s.first.Run("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
	s.back()
}

// putAway is what became of the first tab's job.
func (s *asleep) putAway() {
	s.T.Helper()
	require.Equal(s.T, jobEnd{Code: "aborted", Reason: "page-hidden"}, harness.Eval[jobEnd](s.first, "within(30000)"))
}

func (s *asleep) isKilled() {
	s.done(s.first, "await device.close()")
	s.first = s.tab("127.0.0.1")
	s.first.Run("await find()")
	s.waits()
	s.first.Kill()
	s.turns()
}

func (s *asleep) isClosed() {
	s.first = s.tab("127.0.0.1")
	s.first.Run("await find()")
	s.waits()
	require.NoError(s.T, chromedp.Cancel(s.first.Ctx))
	s.turns()
}

// hangs: whoever asks a tab that does not answer is told so, and it goes on with the device when it can.
func (s *asleep) hangs() {
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
	s.done(s.first, "await device.bindingStatus()")
	hung := make(chan error, 1)
	go func() {
		_, err := chromedp.Run(s.first.Ctx, chromedp.Evaluate[bool](`(() => {
			const request = new XMLHttpRequest()
			request.open('GET', '/hold', false)
			request.send() // holds the page where it is
			return true
		})()`))
		hung <- err
	}()
	select {
	case <-hangs:
	case <-s.Ctx.Done():
		require.Fail(t, "the page does not hang")
	}
	require.Equal(t, jobEnd{"in-use-elsewhere", "tab", "no-answer"}, tell(s.second, "await device.open({ takeOver: true })"))
	close(goOn)
	require.NoError(t, <-hung)
	s.back()
	require.Equal(t, lost, harness.Eval[int](s.first, "lost"), "who gave up wants nothing any more")

	s.done(s.second, "await device.open({ takeOver: true })") // now it answers
	require.Equal(t, lost+1, harness.Eval[int](s.first, "lost"))
	require.Equal(t, jobEnd{"in-use-elsewhere", "tab", "taken-over"}, tell(s.first, "await device.bindingStatus()"))
	s.done(s.first, "await device.open({ takeOver: true })")
	s.back()
}

// isADApps: a provider is asked for the device like any other page. Its request ends with a code that EIP-1193's clients
// know, and its next one takes the device back.
func (s *asleep) isADApps() {
	t := s.T
	s.done(s.first, "await device.close()")
	s.first.Run(`
		const { createProvider } = await import('/imkey.js')
		globalThis.provider = createProvider({ chains: [{ chainId: 1, rpcUrls: [location.origin + '/no-node'] }], trustedCAs, pairing: 'none' })
		globalThis.account = (await provider.request({ method: 'eth_requestAccounts' }))[0]
		globalThis.sign = () => provider.request({ method: 'personal_sign', params: ['0x68656c6c6f', account] }).then(() => ({ code: '', holder: '', reason: '' }), (e) => ({ code: String(e.code), holder: '', reason: e.data?.code }))`)
	for range 2 {
		s.first.Run("globalThis.signing = sign()")
		require.NotEmpty(t, s.Device.Question())
		s.done(s.second, "await device.open({ takeOver: true })")
		require.Equal(t, jobEnd{"-32002", "", "in-use-elsewhere"}, harness.Eval[jobEnd](s.first, "signing"))
		require.False(t, s.Device.Status().Asking)

		s.first.Run("globalThis.signing = sign()")
		s.Device.Approve()
		require.Equal(t, jobEnd{}, harness.Eval[jobEnd](s.first, "signing"))
		s.second.Run("if (device.opened) throw new Error('both have it')")
	}
	s.done(s.first, "await device.open()")
}
