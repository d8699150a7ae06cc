//go:build js && wasm

package handover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/webusb"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
)

// site is a site with two tabs. Each tab has its own USBDevice object for the same device. The tabs share the locks.
type site struct{ first, second *bridgetest.Page }

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{bridgetest.NewPage(t), bridgetest.NewPage(t)}
	s.second.Locks = s.first.Locks
	return s
}

// gives closes the link as soon as another page asks for the device.
func gives(l *webusb.Link) (given chan struct{}) {
	given = make(chan struct{})
	go func() {
		<-l.Wanted()
		l.Close()
		close(given)
	}()
	return given
}

func facts(t *testing.T, err error) map[string]any {
	t.Helper()
	var e *errcode.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, errcode.InUseElsewhere, e.Code, "%v", err)
	return e.Data
}

// lockNames returns the names of the locks that the origin of a page holds.
func lockNames(t *testing.T, p *bridgetest.Page) string {
	t.Helper()
	s := bridgetest.Call(t, bridgetest.Eval(t, `({ names: l => [...l.held.keys()].sort().join("; ") })`), "names", p.Locks)
	text, err := s.String()
	require.NoError(t, err)
	return text
}

func wanted(l *webusb.Link) bool {
	select {
	case <-l.Wanted():
		return true
	default:
		return false
	}
}

func TestHandOver(t *testing.T) {
	s := newSite(t)
	first := s.first.Open()
	require.Equal(t, "imkey-connect usb imKey01191200001; imkey-connect usb wanted imKey01191200001", lockNames(t, s.first),
		"scripts of the site see the serial number only, which any page with the permission knows")
	_, err := webusb.Open(bridgetest.Context(t), s.second.Device, s.second.Options())
	require.Equal(t, map[string]any{"holder": "tab"}, facts(t, err))
	require.False(t, wanted(first), "without takeOver nothing is taken over")

	given := gives(first)
	second := s.second.MustTake()
	<-given
	p := frame.Packet{1}
	require.NoError(t, second.Send(bridgetest.Context(t), &p))

	given = gives(second)
	s.first.MustTake() // and back
	<-given
	require.Equal(t, "imkey-connect usb imKey01191200001; imkey-connect usb wanted imKey01191200001", lockNames(t, s.first), "no other lock is left")
}

// A page that keeps the device for its next request has the idle lock, and closes the device when that is stolen.
func TestIdlePageReleasesTheDevice(t *testing.T) {
	s := newSite(t)
	idle := bridgetest.Eval(t, `({
		rest(l, name, closes) { l.request("imkey-connect usb idle " + name, { ifAvailable: true }, lock => lock && new Promise(() => {})).then(closes, closes) },
	})`)
	rest := func(p *bridgetest.Page, l *webusb.Link) (asked chan struct{}) {
		asked = make(chan struct{})
		closes, err := interop.Callback(func([]safejs.Value) {
			go func() {
				l.Close()
				close(asked)
			}()
		})
		require.NoError(t, err)
		t.Cleanup(closes.Release)
		bridgetest.Call(t, idle, "rest", p.Locks, "imKey01191200001", safejs.Unsafe(closes.Value()))
		return asked
	}
	first := s.first.Open()
	asked := rest(s.first, first)
	require.Contains(t, lockNames(t, s.first), "imkey-connect usb idle imKey01191200001")
	begun := time.Now()
	second, err := webusb.Open(bridgetest.Context(t), s.second.Device, s.second.Options())
	require.NoError(t, err)
	require.Less(t, time.Since(begun), 900*time.Millisecond, "it does not wait as for a page that uses the device")
	<-asked
	require.False(t, wanted(first), "it was asked as an idle page")
	require.NotContains(t, lockNames(t, s.second), "idle", "no page holds the lock afterwards")

	// The same for another link of the same page, and for a page that becomes idle while another one waits.
	asked = rest(s.second, second)
	third, err := webusb.Open(bridgetest.Context(t), s.second.Device, s.second.Options())
	require.NoError(t, err)
	<-asked
	waits := make(chan error, 1)
	go func() {
		l, err := webusb.Open(bridgetest.Context(t), s.first.Device, s.first.Options())
		if err == nil {
			l.Close()
		}
		waits <- err
	}()
	require.Eventually(t, func() bool { return strings.Contains(lockNames(t, s.first), "idle") }, 5*time.Second, time.Millisecond)
	<-rest(s.second, third)
	require.NoError(t, <-waits)
	require.NotContains(t, lockNames(t, s.second), "idle")
}

// The device is released before the lock is.
func TestTheClaimIsFreeBeforeTheLock(t *testing.T) {
	s := newSite(t)
	first := s.first.Open()
	s.first.Hook("releaseInterface", `async d => { d.usb.releasing = true; await new Promise(r => setTimeout(r, 50)); d.usb.releasing = false }`)
	bridgetest.Call(t, bridgetest.Eval(t, `({ watch(first, second) { second.hooks.open = [() => { if (first.releasing || first.opened) throw new DOMException("too early", "NetworkError") }] } })`),
		"watch", s.first.USB.USB, s.second.Device)
	given := gives(first)
	s.second.MustTake()
	<-given
}

func TestAFreeDeviceIsTakenAtOnce(t *testing.T) {
	s := newSite(t)
	s.first.MustTake()
}

// On a busy machine the browser grants a free lock late.
func TestFreeLockIsGrantedLate(t *testing.T) {
	f := bridgetest.NewPage(t)
	o := f.Options()
	late, err := bridgetest.Eval(t, `locks => { let asked; const until = new Promise(r => { asked = r }); return {
		async request(...what) { await until; return locks.request(...what) },
		async query() { asked(); return locks.query() } } }`).Invoke(f.Locks)
	require.NoError(t, err)
	o.Locks = late
	l, err := webusb.Open(bridgetest.Context(t), f.Device, o)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

func TestSleepingPageIsNotWaitedFor(t *testing.T) {
	s := newSite(t)
	first := s.first.Open()
	// It sleeps: the events of the browser do not arrive.
	bridgetest.Call(t, bridgetest.Eval(t, `({ sleep(l) { l.held.get("imkey-connect usb wanted imKey01191200001").reject = e => { l.wake = e } } })`), "sleep", s.first.Locks)
	begun := time.Now()
	_, err := s.second.Take(bridgetest.Context(t))
	require.Equal(t, map[string]any{"holder": "tab", "reason": "no-answer"}, facts(t, err))
	require.Less(t, time.Since(begun), 10*time.Second)
	require.False(t, wanted(first))
	p := frame.Packet{1}
	require.NoError(t, first.Send(bridgetest.Context(t), &p), "the first page still has the device")
}

// A page that slept hears of requests of pages that have given up since. It keeps the device.
func TestRequestThatWasGivenUp(t *testing.T) {
	s := newSite(t)
	first := s.first.Open()
	wake := bridgetest.Eval(t, `({
		sleep(l) { const m = l.held.get("imkey-connect usb wanted imKey01191200001"); this.reject = m.reject; m.reject = e => { this.told = e } },
		wake() { this.reject(this.told) },
	})`)
	bridgetest.Call(t, wake, "sleep", s.first.Locks)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.second.Take(ctx)
	require.ErrorIs(t, err, errcode.Timeout)
	bridgetest.Turn(t)
	bridgetest.Call(t, wake, "wake")
	bridgetest.Turn(t)
	require.False(t, wanted(first), "it keeps the device")
	given := gives(first)
	s.second.MustTake()
	<-given
}

// The page that asks may go away while the other page releases the device. Then no page holds the device.
func TestAskingPageGoesAway(t *testing.T) {
	s := newSite(t)
	first := s.first.Open()
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() {
		_, err := s.second.Take(ctx)
		asked <- err
	}()
	<-first.Wanted()
	cancel()
	require.ErrorIs(t, <-asked, errcode.Aborted)
	require.NoError(t, first.Close())
	s.second.Open()
}

// Two pages ask at once. The last one gets the device; the other one gets an error or had the device before. Neither waits for
// ever.
func TestTwoPagesAskAtOnce(t *testing.T) {
	s := newSite(t)
	third := bridgetest.NewPage(t)
	third.Locks = s.first.Locks
	given := gives(s.first.Open())
	results := make(chan error, 2)
	for _, f := range []*bridgetest.Page{s.second, third} {
		go func() {
			l, err := f.Take(bridgetest.Context(t))
			if err == nil {
				err = l.Close()
			}
			results <- err
		}()
	}
	<-given
	got := 0
	for range 2 {
		select {
		case err := <-results:
			if err == nil {
				got++
			} else {
				require.Equal(t, "tab", facts(t, err)["holder"])
			}
		case <-bridgetest.Context(t).Done():
			t.Fatal("a page waits for ever")
		}
	}
	require.Positive(t, got)
	require.Empty(t, lockNames(t, s.first))
}

// Each device has its own lock. Taking one device over does not disturb another.
func TestHandOverOfOneOfSeveralDevices(t *testing.T) {
	s := newSite(t)
	other := bridgetest.NewPage(t)
	other.Locks = s.first.Locks
	bridgetest.Call(t, bridgetest.Eval(t, `({ name(d) { d.serialNumber = "imKey01191200002" } })`), "name", other.Device)
	first, second := s.first.Open(), other.Open()
	given := gives(first)
	s.second.MustTake()
	<-given
	require.False(t, wanted(second))
	p := frame.Packet{1}
	require.NoError(t, second.Send(bridgetest.Context(t), &p))
}

// Within one page the other link is asked, with and without Web Locks.
func TestHandOverInAPage(t *testing.T) {
	f := bridgetest.NewPage(t)
	for _, locks := range []safejs.Value{f.Locks, safejs.Undefined()} {
		f.Locks = locks
		first := f.Open()
		given := gives(first)
		second := f.MustTake()
		<-given
		require.NoError(t, second.Close())
	}
}

func TestHolderInErrors(t *testing.T) {
	f := bridgetest.NewPage(t)
	for range 4 {
		f.Hook("claimInterface", `() => { throw new DOMException("Unable to claim interface.", "NetworkError") }`)
	}
	_, err := f.Take(bridgetest.Context(t))
	require.Equal(t, map[string]any{"holder": "program"}, facts(t, err))
	require.Empty(t, lockNames(t, f))
	f.Hook("open", `() => { throw new DOMException("An operation that changes the device state is in progress.", "InvalidStateError") }`)
	_, err = f.Take(bridgetest.Context(t))
	require.Equal(t, map[string]any{"holder": "tab"}, facts(t, err), "this page itself")
	require.Empty(t, lockNames(t, f))
}

// A page that is about to be frozen does everything before Abandon returns.
func TestAbandon(t *testing.T) {
	s := newSite(t)
	first := s.first.Open()
	failed := make(chan error, 1)
	go func() {
		_, err := first.Receive(bridgetest.Context(t))
		failed <- err
	}()
	s.first.WaitFor(`d => d.reads.length === 1`)
	// A frozen page gets no results of the browser.
	bridgetest.Call(t, bridgetest.Eval(t, `({ freeze(d) { d.hooks.releaseInterface = [() => new Promise(r => { d.thaw = r })] } })`), "freeze", s.first.Device)
	before := len(s.first.Log())
	hidden := errcode.New(errcode.Aborted, "the page was frozen")
	first.Abandon(hidden)
	require.Equal(t, "; close", s.first.Log()[before:], "at once")
	require.ErrorIs(t, <-failed, errcode.Aborted)
	cancel, err := s.first.Next(bridgetest.Context(t))
	require.NoError(t, err)
	require.Equal(t, byte(0xD1), cancel[4], "the device's operation is cancelled")
	s.second.Open() // meanwhile
	bridgetest.Call(t, s.first.Device, "thaw")
	require.ErrorIs(t, first.Err(), errcode.Aborted)
	require.NoError(t, first.Close())
}

// The device may be carrying out what it was sent, also before the page asks for the answer.
func TestAbandonAfterASend(t *testing.T) {
	f := bridgetest.NewPage(t)
	first := f.Open()
	p := frame.Packet{1}
	require.NoError(t, first.Send(bridgetest.Context(t), &p))
	require.True(t, first.Busy())
	first.Abandon(errcode.New(errcode.Aborted, "the page was closed"))
	sent, err := f.Next(bridgetest.Context(t))
	require.NoError(t, err)
	require.Equal(t, p, sent)
	cancel, err := f.Next(bridgetest.Context(t))
	require.NoError(t, err)
	require.Equal(t, byte(0xD1), cancel[4], "the device's operation is cancelled")
	require.NoError(t, first.Close())
}

func TestAbandonWhileIdle(t *testing.T) {
	f := bridgetest.NewPage(t)
	first := f.Open()
	first.Abandon(errcode.New(errcode.Aborted, "the page was frozen"))
	require.Zero(t, bridgetest.Number(t, bridgetest.Get(t, f.Device, "toPeer"), "length"), "no operation is to be cancelled")
	second := f.Open() // when the page is back
	require.NoError(t, first.Close())
	p := frame.Packet{1}
	require.NoError(t, second.Send(bridgetest.Context(t), &p))
}

// A page that a reload replaces loses its locks one after the other, perhaps late.
func TestReplacedPageReleasesItsLocksLate(t *testing.T) {
	s := newSite(t)
	leaving := bridgetest.Eval(t, `({
		hold(locks) { locks.request("imkey-connect usb wanted imKey01191200001", {}, () => new Promise(r => { this.leave = r })) },
		leave() {},
	})`)
	bridgetest.Call(t, leaving, "hold", s.first.Locks)
	opened := make(chan error, 1)
	go func() {
		l, err := webusb.Open(bridgetest.Context(t), s.second.Device, s.second.Options())
		if err == nil {
			err = l.Close()
		}
		opened <- err
	}()
	require.Eventually(t, func() bool {
		return lockNames(t, s.first) == "imkey-connect usb idle imKey01191200001; imkey-connect usb imKey01191200001; imkey-connect usb wanted imKey01191200001"
	}, 10*time.Second, time.Millisecond, "the device's own lock is free, the other is not")
	bridgetest.Call(t, leaving, "leave")
	require.NoError(t, <-opened)
}
