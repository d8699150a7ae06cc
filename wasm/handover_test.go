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

// twoTabs returns two tabs of one site. Each has its own fake device; both stand for the same device.
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

// stuckTab is twoTabs with the device bound and open in the first tab, where it waits for the user for ever.
func stuckTab(t *testing.T) (first, second *page) {
	first, second = twoTabs(t)
	first.open()
	first.bound()
	first.ethereum.stuck = true
	return first, second
}

// reopen opens the device as another JavaScript object of the page.
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

// begin calls a method of the page and returns when the device waits. ended then waits for the call's result.
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

func TestTakeOver(t *testing.T) {
	p, other := stuckTab(t)
	got := other.fails("in-use-elsewhere", "open", other.usb.Device, other.trusting())
	require.Equal(t, "tab", bridgetest.Text(t, bridgetest.Get(t, got, "data"), "holder"))

	// One call is under way and waits for the user. Others wait for their turn.
	ended := p.begin(`await Promise.all([page.device.ethereum.signMessage("x"), page.device.bindingStatus().catch(e => { globalThis.turn = e })])`)
	p.told()
	other.takes()
	got = ended()
	require.Equal(t, "in-use-elsewhere", bridgetest.Text(t, got, "code"))
	p.because("taken-over", got)
	p.because("taken-over", bridgetest.Eval(t, "globalThis.turn"))
	p.usb.WaitFor(`d => d.usb.count === 0`)
	require.Equal(t, "a4", p.ethereum.asked[len(p.ethereum.asked)-1], "the device was idle before it was released")
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

// A device that does not answer the CANCEL is released all the same.
func TestSilentDeviceIsReleased(t *testing.T) {
	p, other := stuckTab(t)
	ended := p.begin(`await page.device.ethereum.signMessage("x")`)
	bridgetest.Call(t, bridgetest.Eval(t, `({ mute(d) { d.reply = () => {} } })`), "mute", p.usb.Device)
	other.takes()
	got := ended()
	require.Equal(t, "in-use-elsewhere", bridgetest.Text(t, got, "code"), describe(got))
}

// The device of a page whose store hangs is released as well. When the store goes on, the record has the device's answer.
func TestDeviceIsReleasedWhileTheStoreHangs(t *testing.T) {
	normal := idleWithin
	idleWithin = 10 * time.Millisecond
	t.Cleanup(func() { idleWithin = normal })
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

func TestTakeOverWhileAnotherTabOpens(t *testing.T) {
	p, other := twoTabs(t)
	// The device does not answer yet, so that the first tab is still opening it.
	bridgetest.Call(t, bridgetest.Eval(t, `({ mute(d) { d.answers = d.reply; d.reply = () => {} } })`), "mute", p.usb.Device)
	pending := bridgetest.Call(t, bridgetest.Eval(t, `({ begin(page, device) { const call = page.open(device); return { call: () => call } } })`), "begin", p.page, p.usb.Device)
	p.usb.WaitFor(`d => d.log.includes("read")`)
	other.takes()
	got := bridgetest.Await(t, pending, "call")
	require.Equal(t, "in-use-elsewhere", bridgetest.Text(t, got, "code"), describe(got))
	p.because("taken-over", got)
	require.Empty(t, p.told(), "a device that never was open fires no disconnect event")
	require.Len(t, p.core.alive, 1, "the other tab's")
}

// A page that is about to be frozen releases the device before its handler returns. Calls under way end when the page runs again.
func TestPageIsFrozen(t *testing.T) {
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
	p.core.suspend(false) // a second time has no effect
	p.ethereum.stuck = false
	p.reopen() // when the page runs again
	p.works("call", "bindingStatus")
}

// The same while the browser opens the device, or while the device is identified.
func TestPageIsFrozenWhileItOpens(t *testing.T) {
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
			p.core.suspend(false)
			play(c.goOn)
			got := bridgetest.Await(t, pending, "call")
			require.Equal(t, "aborted", bridgetest.Text(t, got, "code"), describe(got))
			p.because("page-hidden", got)
			require.Empty(t, p.told(), "a device that never was open fires no disconnect event")
			require.Empty(t, p.core.alive)
			other.open()
		})
	}
}

func TestOpeningIsAborted(t *testing.T) {
	p := newPage(t)
	p.core.locks = p.usb.Locks
	p.fails("aborted", "open", p.usb.Device, object(t, `o => { o.signal = AbortSignal.abort() }`))
	p.fails("invalid-argument", "open", p.usb.Device, object(t, `o => { o.signal = {} }`))
	p.fails("invalid-argument", "open", p.usb.Device, object(t, `o => { o.takeOver = 1 }`))
	require.Zero(t, p.usb.Listeners())
	require.Empty(t, p.core.alive)
	p.open()
}

func TestCodesOfReleasedDevices(t *testing.T) {
	for err, code := range map[error]errcode.Code{errTakenOver: errcode.InUseElsewhere, errHidden: errcode.Aborted} {
		require.Equal(t, code, errcode.Of(err))
		require.True(t, code.Retryable())
	}
}
