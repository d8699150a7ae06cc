//go:build js && wasm

package main

import (
	"testing"
	"time"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/core/errcode"
)

// twoTabs are two tabs of one site. Each has a device of its own, which stand for one.
func twoTabs(t *testing.T) (first, second *page) {
	first = newPage(t)
	first.core.locks = first.usb.Locks
	second = newTab(t, first.core, first.object)
	first.hasWallet(element.Public())
	second.ca, second.certificate = first.ca, first.certificate
	t.Cleanup(func() { // before the second tab is looked at for what it left over
		first.usb.Unplug()
		first.usb.WaitFor(`d => d.peers.length === 0`)
	})
	return first, second
}

// stuckTab is twoTabs with the device bound and open in the first, where it waits for its person for ever.
func stuckTab(t *testing.T) (first, second *page) {
	first, second = twoTabs(t)
	first.open()
	first.bound()
	first.ethereum.stuck = true
	return first, second
}

// reopen opens the device, as another one of the page's objects.
func (p *page) reopen() {
	p.t.Helper()
	require.NoError(p.t, p.page.Set("device", safejs.Undefined()))
	p.open()
}

func (p *page) takes() {
	p.t.Helper()
	p.works("open", p.usb.Device, object(p.t, `o => { o.trustedCAs = ["`+p.ca+`"]; o.takeOver = true }`))
	p.t.Cleanup(func() { p.works("call", "close") })
}

// begin calls a method of the page and returns when the device waits; ended then gives the call's code.
func (p *page) begin(call string) (ended func() safejs.Value) {
	p.t.Helper()
	pending := bridgetest.Call(p.t, bridgetest.Eval(p.t, `({ begin(page) {
		const waits = new Promise(ok => { page.listener = (name, detail) => { if (detail.state === "waiting") ok() } })
		const call = page.raw(async (core, page) => { `+call+` })
		return { waits: () => waits, call: () => call }
	} })`), "begin", p.page)
	bridgetest.Await(p.t, pending, "waits")
	return func() safejs.Value { return bridgetest.Await(p.t, pending, "call") }
}

func (p *page) because(reason string, got safejs.Value) {
	p.t.Helper()
	require.Equal(p.t, reason, bridgetest.Text(p.t, bridgetest.Get(p.t, got, "data"), "reason"), describe(got))
}

func TestATabTakesOver(t *testing.T) {
	p, other := stuckTab(t)
	got := other.fails("in-use-elsewhere", "open", other.usb.Device, other.trusting())
	require.Equal(t, "tab", bridgetest.Text(t, bridgetest.Get(t, got, "data"), "holder"))

	// One call is under way and waits for its person, others wait for their turn.
	ended := p.begin(`await Promise.all([page.device.ethereum.signMessage("x"), page.device.bindingStatus().catch(e => { globalThis.turn = e })])`)
	p.told()
	other.takes()
	got = ended()
	require.Equal(t, "in-use-elsewhere", bridgetest.Text(t, got, "code"))
	p.because("taken-over", got)
	p.because("taken-over", bridgetest.Eval(t, "globalThis.turn"))
	p.usb.WaitFor(`d => d.usb.count === 0`)
	require.Equal(t, "a4", p.ethereum.asked[len(p.ethereum.asked)-1], "the device was idle before it was given away")
	told := p.told()
	require.Contains(t, told, `"state":"done"`)
	require.Contains(t, told, `disconnect {"code":"in-use-elsewhere","reason":"taken-over"}`)
	p.fails("device-disconnected", "call", "bindingStatus")
	other.works("call", "showBindingCode")

	p.ethereum.stuck = false
	require.NoError(t, p.page.Set("device", safejs.Undefined()))
	p.takes()
	p.works("call", "bindingStatus")
	other.usb.WaitFor(`d => d.usb.count === 0`)
	require.Contains(t, other.told(), `"reason":"taken-over"`)
}

// A device that does not answer the CANCEL either is given away all the same.
func TestAMuteDeviceIsGivenAway(t *testing.T) {
	p, other := stuckTab(t)
	ended := p.begin(`await page.device.ethereum.signMessage("x")`)
	bridgetest.Call(t, bridgetest.Eval(t, `({ mute(d) { d.reply = () => {} } })`), "mute", p.usb.Device)
	other.takes()
	got := ended()
	require.Equal(t, "in-use-elsewhere", bridgetest.Text(t, got, "code"), describe(got))
}

// So is the device of a page whose own store does not come to an end; what the device said is in the record when it does.
func TestAStoreThatHangsKeepsNoDevice(t *testing.T) {
	patience := idleWithin
	idleWithin = 10 * time.Millisecond
	t.Cleanup(func() { idleWithin = patience })
	p, other := twoTabs(t)
	p.works("open", p.usb.Device, object(t, `o => {
		const m = new Map(); let puts = 0; o.allowUnverified = true
		globalThis.testHangs = new Promise(hangs => { o.store = {
			async get(k) { return m.get(k) }, async delete(k) { m.delete(k) }, async list() { return [...m.keys()] },
			async put(k, v) { if (++puts === 3) await new Promise(ok => { globalThis.testGoOn = ok; hangs() }); m.set(k, v) } } })
		globalThis.testStore = o.store }`))
	pending := bridgetest.Call(t, bridgetest.Eval(t, `({ begin(page) { const call = page.call("bind", "PVU3FY64", {}); return { call: () => call } } })`), "begin", p.page)
	bridgetest.Await(t, bridgetest.Eval(t, `({ hangs: () => testHangs })`), "hangs")
	other.takes()
	require.Contains(t, p.told(), `"reason":"taken-over"`)
	bridgetest.Eval(t, `testGoOn()`)
	got := bridgetest.Await(t, pending, "call")
	require.True(t, bridgetest.Get(t, got, "code").IsUndefined(), describe(got))
	require.Equal(t, `["bound"]`, p.says(`core.known({ store: testStore }).then(l => l.map(k => k.state))`))
}

func TestATabTakesOverWhileAnotherOpens(t *testing.T) {
	p, other := twoTabs(t)
	// The device says nothing yet, so the first tab is in the middle of it.
	bridgetest.Call(t, bridgetest.Eval(t, `({ mute(d) { d.answers = d.reply; d.reply = () => {} } })`), "mute", p.usb.Device)
	pending := bridgetest.Call(t, bridgetest.Eval(t, `({ begin(page, device) { const call = page.open(device); return { call: () => call } } })`), "begin", p.page, p.usb.Device)
	p.usb.WaitFor(`d => d.log.includes("read")`)
	other.takes()
	got := bridgetest.Await(t, pending, "call")
	require.Equal(t, "in-use-elsewhere", bridgetest.Text(t, got, "code"), describe(got))
	p.because("taken-over", got)
	require.Empty(t, p.told(), "what never was open is not disconnected")
	require.Len(t, p.core.alive, 1, "the other tab's")
}

// A page that is put away lets go before its handler returns; what was under way ends when the page is back.
func TestAPageIsPutAway(t *testing.T) {
	p, other := stuckTab(t)
	ended := p.begin(`await page.device.ethereum.signMessage("x")`)
	p.told()
	log := len(p.usb.Log())
	bridgetest.Call(t, bridgetest.Eval(t, `({ suspend(page, core) { page.raw(core => { core.suspend(); page.gone = page.told() }) } })`), "suspend", p.page)
	require.Contains(t, bridgetest.Text(t, p.page, "gone"), `disconnect {"code":"aborted","reason":"page-hidden"}`)
	require.Contains(t, p.usb.Log()[log:], "close")
	other.open()
	other.works("call", "showBindingCode")
	got := ended()
	require.Equal(t, "aborted", bridgetest.Text(t, got, "code"), describe(got))
	p.because("page-hidden", got)
	other.works("call", "close")
	require.Empty(t, p.core.alive)
	p.core.suspend() // there is nothing more to let go of
	p.ethereum.stuck = false
	p.reopen() // when it is back
	p.works("call", "bindingStatus")
}

// The same while the browser, or the device, is still at opening.
func TestAPageIsPutAwayWhileItOpens(t *testing.T) {
	for name, c := range map[string]struct{ hold, held, goOn string }{
		"the browser": {`d => { d.hooks.open = [() => new Promise(ok => { d.goOn = ok })] }`, `d => d.goOn`, `d => d.goOn()`},
		"the device":  {`d => { d.reply = () => {} }`, `d => d.log.includes("read")`, `d => {}`},
	} {
		t.Run(name, func(t *testing.T) {
			p, other := twoTabs(t)
			play := func(f string) {
				bridgetest.Call(t, bridgetest.Eval(t, `({ play: (d, f) => { f(d) } })`), "play", p.usb.Device, bridgetest.Eval(t, f))
			}
			play(c.hold)
			pending := bridgetest.Call(t, bridgetest.Eval(t, `({ begin(page, device) { const call = page.open(device); return { call: () => call } } })`), "begin", p.page, p.usb.Device)
			p.usb.WaitFor(c.held)
			p.core.suspend()
			play(c.goOn)
			got := bridgetest.Await(t, pending, "call")
			require.Equal(t, "aborted", bridgetest.Text(t, got, "code"), describe(got))
			p.because("page-hidden", got)
			require.Empty(t, p.told(), "what never was open is not disconnected")
			require.Empty(t, p.core.alive)
			other.open()
		})
	}
}

func TestAnOpeningIsTakenBack(t *testing.T) {
	p := newPage(t)
	p.core.locks = p.usb.Locks
	p.fails("aborted", "open", p.usb.Device, object(t, `o => { o.signal = AbortSignal.abort() }`))
	p.fails("invalid-argument", "open", p.usb.Device, object(t, `o => { o.signal = {} }`))
	p.fails("invalid-argument", "open", p.usb.Device, object(t, `o => { o.takeOver = 1 }`))
	require.Zero(t, p.usb.Listeners())
	require.Empty(t, p.core.alive)
	p.open()
}

func TestWhyALetGoDeviceFails(t *testing.T) {
	for err, code := range map[error]errcode.Code{errTakenOver: errcode.InUseElsewhere, errHidden: errcode.Aborted} {
		require.Equal(t, code, errcode.Of(err))
		require.True(t, code.Retryable())
	}
}
