package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

// asleep is a site with a tab that something happens to while it has the device, and another one that wants the device.
type asleep struct {
	*tabs
	wire   wireOrder
	first  *browser
	second *browser
}

func newAsleep(t *testing.T) *asleep {
	s := &asleep{}
	s.tabs = newTabs(t, patience, []string{"127.0.0.1"}, device.Options{Mnemonic: testPhrase(t), Tap: s.wire.tap})
	s.first, s.second = s.tab("127.0.0.1"), s.tab("127.0.0.1")
	for _, b := range []*browser{s.first, s.second} {
		b.run("await find()")
	}
	s.done(s.first, "await device.open(); await device.showBindingCode()")
	s.done(s.first, fmt.Sprintf("await device.bind(%q)", s.Device.Code()))
	return s
}

// done has a tab do a job that succeeds.
func (s *asleep) done(b *browser, job string) {
	s.t.Helper()
	require.Equal(s.t, jobEnd{}, tell(b, job))
}

// waits has the first tab ask the person, who does nothing.
func (s *asleep) waits() {
	s.t.Helper()
	eval[bool](s.first, "begin(async (signal) => { await device.open(); await device.ethereum.getAccount({ verify: true, signal }) })")
	require.Equal(s.t, "waiting", eval[string](s.first, "settled()"))
	require.True(s.t, s.Device.Status().Asking)
}

// turns has the second tab use the device, which it does not take from anybody, and give it back.
func (s *asleep) turns() {
	s.t.Helper()
	s.done(s.second, `
		await device.open()
		if (await device.bindingStatus() !== 'bound') throw new Error('it is not bound')
		await device.close()`)
	require.False(s.t, s.Device.Status().Asking, "nothing is asked any more")
}

// back has the first tab use the device without being told to open it: it was never closed.
func (s *asleep) back() {
	s.t.Helper()
	s.done(s.first, "if (!device.opened || await device.bindingStatus() !== 'bound') throw new Error('it is not as it was')")
}

func (s *asleep) lifecycle(state page.SetWebLifecycleStateState) {
	s.t.Helper()
	s.first.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: state})
		return err
	}))
}

// A tab has the device, and something happens to it. Another tab then has its turn, without taking anything from anybody and
// without the device being plugged in again; and the first one goes on without a reload, if it is still there.
func TestATabThatHasTheDevice(t *testing.T) {
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
	s.second.run("globalThis.gone = new Promise((ok) => imkey.addEventListener('disconnect', ok, { once: true }))")
	s.Device.Unplug()
	s.second.run("await gone; globalThis.there = new Promise((ok) => imkey.addEventListener('connect', ok, { once: true }))")
	s.Device.Plug()
	s.second.run("await there; await find()")
	s.turns()
	s.lifecycle(page.SetWebLifecycleStateStateActive)
	// It hears of both by itself, as if it had been awake.
	s.first.run("while (!(await find()) || device.opened) await new Promise((ok) => imkey.addEventListener('connect', ok, { once: true }))")
	s.done(s.first, "await device.open()")
	s.back()
}

// comesBack is with and without the browser's cache for going back, from which a page goes on where it was.
func (s *asleep) comesBack() {
	s.waits()
	s.first.run("globalThis.kept = true")
	s.first.do(chromedp.Navigate(s.at("127.0.0.1") + "/elsewhere"))
	s.turns()
	s.first.do(chromedp.NavigateBack())
	s.untilReady(s.first)
	if eval[bool](s.first, "globalThis.kept === true") {
		s.t.Log("the browser kept the page")
		s.putAway()
	} else {
		s.t.Log("the browser loaded the page anew")
		s.done(s.first, "await find(); await device.open()")
	}
	s.back()
}

// isPutAway is what a browser tells a page that it keeps; whether it keeps one is its own affair.
func (s *asleep) isPutAway() {
	s.waits()
	s.first.run("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
	s.putAway()
	s.turns()
	s.first.run("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
	s.back()
}

// putAway is what became of the first tab's job.
func (s *asleep) putAway() {
	s.t.Helper()
	require.Equal(s.t, jobEnd{Code: "aborted", Reason: "page-hidden"}, eval[jobEnd](s.first, "within(30000)"))
}

func (s *asleep) isKilled() {
	crashed := make(chan struct{}, 1)
	ctx, stop := chromedp.NewContext(s.browser.ctx, chromedp.WithListener(func(event any) {
		if _, ok := event.(*inspector.EventTargetCrashed); ok {
			crashed <- struct{}{}
		}
	}))
	s.t.Cleanup(stop)
	s.done(s.first, "await device.close()")
	s.first = &browser{t: s.t, ctx: ctx, close: stop}
	s.first.do()
	s.visit(s.first, s.at("127.0.0.1")+"/tab")
	s.first.run("await find()")
	s.waits()
	go chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.Crash, cdp.Empty{})
		return err
	}))
	select {
	case <-crashed:
	case <-s.ctx.Done():
		require.Fail(s.t, "the tab does not die")
	}
	s.turns()
}

func (s *asleep) isClosed() {
	s.first = s.tab("127.0.0.1")
	s.first.run("await find()")
	s.waits()
	require.NoError(s.t, chromedp.Cancel(s.first.ctx))
	s.turns()
}

// hangs: whoever asks a tab that does not answer is told so, and it goes on with the device when it can.
func (s *asleep) hangs() {
	t := s.t
	lost := eval[int](s.first, "lost")
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
		_, err := chromedp.Run(s.first.ctx, chromedp.Evaluate[bool](`(() => {
			const request = new XMLHttpRequest()
			request.open('GET', '/hold', false)
			request.send() // holds the page where it is
			return true
		})()`))
		hung <- err
	}()
	select {
	case <-hangs:
	case <-s.ctx.Done():
		require.Fail(t, "the page does not hang")
	}
	require.Equal(t, jobEnd{"in-use-elsewhere", "tab", "no-answer"}, tell(s.second, "await device.open({ takeOver: true })"))
	close(goOn)
	require.NoError(t, <-hung)
	s.back()
	require.Equal(t, lost, eval[int](s.first, "lost"), "who gave up wants nothing any more")

	s.done(s.second, "await device.open({ takeOver: true })") // now it answers
	require.Equal(t, lost+1, eval[int](s.first, "lost"))
	require.Equal(t, jobEnd{"in-use-elsewhere", "tab", "taken-over"}, tell(s.first, "await device.bindingStatus()"))
	s.done(s.first, "await device.open({ takeOver: true })")
	s.back()
}

// isADApps: a provider is asked for the device like any other page. Its request ends with a code that EIP-1193's clients
// know, and its next one takes the device back.
func (s *asleep) isADApps() {
	t := s.t
	s.done(s.first, "await device.close()")
	s.first.run(`
		const { createProvider } = await import('/imkey.js')
		globalThis.provider = createProvider({ chains: [{ chainId: 1, rpcUrls: [location.origin + '/no-node'] }], trustedCAs, pairing: 'none' })
		globalThis.account = (await provider.request({ method: 'eth_requestAccounts' }))[0]
		globalThis.sign = () => provider.request({ method: 'personal_sign', params: ['0x68656c6c6f', account] }).then(() => ({ code: '', holder: '', reason: '' }), (e) => ({ code: String(e.code), holder: '', reason: e.data?.code }))`)
	for range 2 {
		s.first.run("globalThis.signing = sign()")
		require.NotEmpty(t, s.Device.Question())
		s.done(s.second, "await device.open({ takeOver: true })")
		require.Equal(t, jobEnd{"-32002", "", "in-use-elsewhere"}, eval[jobEnd](s.first, "signing"))
		require.False(t, s.Device.Status().Asking)

		s.first.run("globalThis.signing = sign()")
		s.Device.Approve()
		require.Equal(t, jobEnd{}, eval[jobEnd](s.first, "signing"))
		s.second.run("if (device.opened) throw new Error('both have it')")
	}
	s.done(s.first, "await device.open()")
}
