//go:build js && wasm

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/frame"
)

// pageSource plays the page. It calls the core and keeps the events.
const pageSource = `(core, usb) => {
	// One class for all tabs of a test.
	const ImKeyError = globalThis.TestImKeyError ??= class ImKeyError extends Error { constructor(code, message, statusWord, retryable, data) { super(message); Object.assign(this, { code, statusWord, retryable, data }) } }
	core.init({ makeError: (...a) => new ImKeyError(...a), recordChanged: (store, seid) => { page.changed.push(seid.slice(-2) + " of " + (store.mine ? "mine" : store)); throw 1 } });
	const tell = async f => {
		try { return { value: await f() } }
		catch (e) { return { code: e instanceof ImKeyError ? e.code : "not an ImKeyError: " + e, message: e.message, data: e.data, statusWord: e.statusWord } }
	};
	const sorted = (_, v) => Object(v) === v && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v;
	const page = { events: [], changed: [], device: undefined, listener: undefined,
		options: () => ({ usb, store: "memory", allowUnverified: false, rememberCode: false, onEvent: (name, detail) => { page.events.push(name + " " + JSON.stringify(detail, sorted)); page.listener?.(name, detail) } }),
		open: (usbDevice, change) => tell(async () => { const o = page.options(); const d = await core.open(usbDevice, change ? change(o) ?? o : o); page.device ??= d; return d }),
		call: (method, ...args) => tell(() => page.device[method](...args)),
		eth: (method, ...args) => tell(() => page.device.ethereum[method](...args)),
		raw: (f, usbDevice) => tell(() => f(core, page, usbDevice)),
		told: () => page.events.splice(0).join("; "),
	};
	return page;
}`

type page struct {
	t    *testing.T
	usb  *bridgetest.USB
	core *core
	// object is the core's JavaScript object.
	object, page safejs.Value
	// status is the answer to BIND_CHECK, verify the answer to IDENTITY_VERIFY. instructions counts the commands.
	status, verify byte
	instructions   map[byte]int
	apps           []string // the app keys that BIND_CHECK brought, in hex
	waits          bool     // sends a keep-alive before the answer to IDENTITY_VERIFY
	certificate    []byte
	seid           []byte
	ca             string
	ethereum       *applet // or nil
	// other, if not nil, answers a command of another coin's applet. It returns nil for other commands.
	other func(msg []byte) []byte
}

func newPage(t *testing.T) *page {
	t.Helper()
	c, err := newCore()
	require.NoError(t, err)
	object, err := c.object()
	require.NoError(t, err)
	return newTab(t, c, object)
}

// newTab returns a page with an existing core.
func newTab(t *testing.T, c *core, object safejs.Value) *page {
	t.Helper()
	p := &page{t: t, core: c, object: object, verify: 0x5A, instructions: map[byte]int{}, usb: bridgetest.NewUSB(t)}
	var err error
	p.page, err = bridgetest.Eval(t, pageSource).Invoke(object, p.usb.USB)
	require.NoError(t, err)

	b, err := os.ReadFile("../core/testdata/vectors/imkey.json")
	require.NoError(t, err)
	var vectors struct {
		Certificates struct {
			TestCA  string
			Vectors []struct{ Hex string }
		}
	}
	require.NoError(t, json.Unmarshal(b, &vectors))
	p.ca = vectors.Certificates.TestCA
	p.certificate, err = hex.DecodeString(vectors.Certificates.Vectors[0].Hex)
	require.NoError(t, err)
	p.seid, err = hex.DecodeString("19060000000200860001010000000014")
	require.NoError(t, err)
	go p.serve(bridgetest.Context(t))
	return p
}

// serve plays the device on the wire. A command whose answer ends in a keep-alive stays pending until it is cancelled.
func (p *page) serve(ctx context.Context) {
	var a frame.Assembler
	pending := false
	for {
		packet, err := p.usb.Next(ctx)
		if err != nil {
			return
		}
		ev, err := a.Add(packet[:])
		switch {
		case err != nil:
			p.usb.Reply(frame.Error(frame.InvalidSequence))
		case ev.Kind == frame.WasCancel && pending:
			pending = false
			p.usb.Reply(frame.Error(frame.Cancelled))
		case ev.Kind == frame.WasCancel:
			p.usb.Reply(frame.Error(frame.InvalidCommand))
		case ev.Kind == frame.Message && pending:
			p.usb.Reply(frame.Error(frame.Busy))
		case ev.Kind == frame.Message:
			packets := p.answer(ev.Data)
			pending = len(packets) == 0 || packets[len(packets)-1] == frame.KeepAlive(2)
			p.usb.Reply(packets...)
		}
	}
}

// answer answers the commands that pairing needs.
func (p *page) answer(msg []byte) []frame.Packet {
	ok := func(data ...byte) []byte { return append(bytes.Clone(data), 0x90, 0x00) }
	starts := func(h string) bool { b, _ := hex.DecodeString(h); return bytes.HasPrefix(msg, b) }
	p.instructions[msg[1]]++
	answer := []byte{0x6D, 0x00}
	if p.ethereum != nil {
		if packets := p.ethereum.answer(msg); packets != nil {
			return packets
		}
	}
	if p.other != nil {
		if answer := p.other(msg); answer != nil {
			packets, err := frame.Split(answer)
			require.NoError(p.t, err)
			return packets
		}
	}
	switch {
	case starts("00A404000BD0"):
		answer = []byte{0x6A, 0x82} // not in its boot loader
	case starts("00A404"):
		answer = ok()
	case starts("80CB800005DFFF028101"):
		answer = ok(p.seid...)
	case starts("80CA0044"):
		answer = ok([]byte("imKey01191200001")...)
	case starts("80CABF21"):
		answer = ok(p.certificate...)
	case starts("00D6FEED"):
		answer = ok(80)
	case starts("8071"):
		p.apps = append(p.apps, hex.EncodeToString(msg[5:70]))
		answer = ok(append([]byte{p.status}, p.certificate...)...)
	case starts("8072"):
		answer = ok()
	case starts("8073"):
		if answer = ok(p.verify); p.verify == 0x5A {
			p.status = 0x55
		}
	}
	packets, err := frame.Split(answer)
	require.NoError(p.t, err)
	if p.waits && msg[1] == 0x73 {
		packets = append([]frame.Packet{frame.KeepAlive(2), frame.KeepAlive(2)}, packets...)
	}
	return packets
}

// do calls a function of the page and returns its result.
func (p *page) do(method string, args ...any) safejs.Value {
	p.t.Helper()
	return bridgetest.Await(p.t, p.page, method, args...)
}

func (p *page) works(method string, args ...any) safejs.Value {
	p.t.Helper()
	got := p.do(method, args...)
	require.True(p.t, bridgetest.Get(p.t, got, "code").IsUndefined(), "%v: %v", args, describe(got))
	return bridgetest.Get(p.t, got, "value")
}

func (p *page) fails(code string, method string, args ...any) safejs.Value {
	p.t.Helper()
	got := p.do(method, args...)
	require.Equal(p.t, code, bridgetest.Text(p.t, got, "code"), describe(got))
	require.NotContains(p.t, describe(got), code+":", "the page words the error")
	return got
}

func describe(v safejs.Value) string {
	m, _ := interop.Get(v, "message")
	s, _ := interop.String(m)
	return s
}

func (p *page) open() {
	p.t.Helper()
	p.works("open", p.usb.Device, p.trusting())
	p.t.Cleanup(func() { p.works("call", "close") })
}

// trusting returns options that trust the CA of the vectors.
func (p *page) trusting() safejs.Value {
	return bridgetest.Eval(p.t, `o => { o.trustedCAs = ["`+p.ca+`"] }`)
}

func (p *page) told() string {
	s, _ := interop.String(bridgetest.Call(p.t, p.page, "told"))
	return s
}

func object(t *testing.T, expression string) safejs.Value { return bridgetest.Eval(t, expression) }

func TestFirstPairing(t *testing.T) {
	p := newPage(t)
	p.waits = true
	p.open()
	info := bridgetest.Get(t, bridgetest.Get(t, p.page, "device"), "info")
	require.Equal(t, "19060000000200860001010000000014", bridgetest.Text(t, info, "seid"))
	require.Equal(t, "imKey01191200001", bridgetest.Text(t, info, "serial"))
	require.Equal(t, "verified", bridgetest.Text(t, info, "certificate"))
	require.Equal(t, 80, bridgetest.Number(t, info, "battery"))
	require.True(t, bridgetest.Get(t, info, "firmware").IsNull())
	require.True(t, bridgetest.Get(t, info, "persisted").IsNull())

	status, _ := interop.String(p.works("call", "bindingStatus"))
	require.Equal(t, "unbound", status)
	require.Empty(t, p.told(), "the first answer is not a change")
	p.works("call", "showBindingCode")

	before := len(p.usb.Log())
	got := p.fails("code-format", "call", "bind", "PVU3-FY0", object(t, `({})`))
	require.Equal(t, 7, bridgetest.Number(t, bridgetest.Get(t, got, "data"), "position"))
	require.Len(t, p.usb.Log(), before, "no USB traffic at all")

	p.verify = 0xA5
	p.fails("wrong-code", "call", "bind", "PVU3FY65", object(t, `({})`))
	require.Contains(t, p.told(), `interaction {"reason":"confirm","state":"waiting"}; interaction {"reason":"confirm","state":"done"}`)
	p.verify = 0x5A
	p.works("call", "bind", "pvu3 fy64", object(t, `({rememberCode: true})`))
	require.Contains(t, p.told(), `bindingchange {"status":"bound"}`)
	require.Equal(t, 2, p.instructions[0x73])

	status, _ = interop.String(p.works("call", "bindingStatus"))
	require.Equal(t, "bound", status)
	code, _ := interop.String(p.works("call", "revealBindingCode"))
	require.Equal(t, "PVU3FY64", code)

	p.status = 0xAA
	status, _ = interop.String(p.works("call", "bindingStatus"))
	require.Equal(t, "bound-elsewhere", status)
	require.Equal(t, `bindingchange {"status":"bound-elsewhere"}`, p.told())
	p.fails("bound-elsewhere", "call", "revealBindingCode")
	p.works("call", "forget")
}

func TestUnverifiedDevices(t *testing.T) {
	p := newPage(t)
	p.works("open", p.usb.Device, object(t, `o => { o.trustedCAs = [] }`))
	t.Cleanup(func() { p.works("call", "close") })
	info := bridgetest.Get(t, bridgetest.Get(t, p.page, "device"), "info")
	require.Equal(t, "unverified", bridgetest.Text(t, info, "certificate"))
	require.True(t, bridgetest.Get(t, info, "certificateKey").IsNull())
	p.fails("untrusted-device", "call", "bind", "PVU3FY64", object(t, `({})`))
	p.fails("untrusted-device", "call", "bind", "PVU3FY64", object(t, `({acceptUnverified: false})`))
	require.Zero(t, p.instructions[0x73])
	p.works("call", "bind", "PVU3FY64", object(t, `({acceptUnverified: true})`))
	got := p.fails("not-bound", "call", "revealBindingCode", object(t, `({acceptUnverified: true})`))
	require.Equal(t, "not-remembered", bridgetest.Text(t, bridgetest.Get(t, got, "data"), "reason"))
}

func TestHostileArguments(t *testing.T) {
	p := newPage(t)
	hostile := []string{`undefined`, `null`, `7`, `"x"`, `10n`, `Symbol()`, `[]`, `() => 1`, `({})`, `({get usb() { throw 1 }})`,
		`new Proxy({}, {get() { throw 1 }})`, `new Proxy({}, {get() { return 10n }})`}
	for _, h := range hostile {
		p.fails("invalid-argument", "raw", object(t, `(core, page) => core.open(page.usbDevice, `+h+`)`))
		p.fails("invalid-argument", "raw", object(t, `(core, page) => core.open(`+h+`, page.options())`))
	}
	p.fails("invalid-argument", "raw", object(t, `core => core.open()`))
	for _, change := range []string{`o.store = "disk"`, `o.store = undefined`, `o.store = 10n`, `o.store = {}`, `o.usb = 3`, `o.usb = {}`, `o.onEvent = {}`,
		`o.allowUnverified = 1`, `o.rememberCode = undefined`, `o.trustedCAs = null`, `o.trustedCAs = "04"`, `o.trustedCAs = [4]`,
		`o.trustedCAs = ["04"]`, `o.trustedCAs = ["zz"]`, `o.trustedCAs = ["04" + "00".repeat(64)]`, `o.trustedCAs = new Array(65).fill("04")`,
		`o.trustedCAs = {length: 1, get 0() { throw 1 }}`, `Object.defineProperty(o, "store", {get() { throw 1 }})`} {
		p.fails("invalid-argument", "open", p.usb.Device, object(t, `o => { `+change+` }`))
	}
	require.Zero(t, p.usb.Listeners())
	require.Empty(t, p.usb.Log(), "no call reached the device")

	p.open()
	for _, h := range hostile {
		if h != `"x"` {
			p.fails("invalid-argument", "raw", object(t, `(core, page) => page.device.bind(`+h+`, {})`))
		}
		if h == `undefined` || h == `[]` || h == `() => 1` || h == `({})` || h == `({get usb() { throw 1 }})` {
			continue // objects whose options are absent
		}
		p.fails("invalid-argument", "raw", object(t, `(core, page) => page.device.bind("PVU3FY64", `+h+`)`))
		p.fails("invalid-argument", "raw", object(t, `(core, page) => page.device.bindingStatus(`+h+`)`))
	}
	for _, options := range []string{`{signal: null}`, `{signal: {}}`, `{acceptUnverified: "yes"}`, `{rememberCode: 0}`, `{get signal() { throw 1 }}`} {
		p.fails("invalid-argument", "call", "bind", "PVU3FY64", object(t, `(`+options+`)`))
	}
	require.Zero(t, p.instructions[0x73])
	p.works("call", "bindingStatus")
}

func TestPanicInAMethod(t *testing.T) {
	deviceMethods["test"] = func(*openDevice, []safejs.Value) (any, error) { panic("PVU3FY64") }
	defer delete(deviceMethods, "test")
	p := newPage(t)
	p.open()
	got := p.fails("internal", "call", "test")
	require.NotContains(t, describe(got), "PVU3FY64")
	p.works("call", "bindingStatus")
}

func TestListenerThatThrows(t *testing.T) {
	p := newPage(t)
	p.works("open", p.usb.Device, object(t, `o => { o.allowUnverified = true; o.onEvent = () => { throw new Error("the page's own affair") } }`))
	t.Cleanup(func() { p.works("call", "close") })
	p.waits = true
	p.works("call", "bind", "PVU3FY64", object(t, `({})`))
}

func TestCallsOneAfterAnother(t *testing.T) {
	p := newPage(t)
	p.open()
	n, _ := interop.Int(p.works("raw", object(t, `async (core, page) => (await Promise.all(Array.from({length: 20}, () => page.device.bindingStatus()))).filter(s => s === "unbound").length`)), 100)
	require.Equal(t, 20, n)
	require.Equal(t, 20, p.instructions[0x71])

	p.fails("aborted", "raw", object(t, `(core, page) => page.device.bind("PVU3FY64", {signal: AbortSignal.abort()})`))
	require.Zero(t, p.instructions[0x73])
	p.fails("aborted", "raw", object(t, `async (core, page) => {
		const c = new AbortController(), first = page.device.bindingStatus(), second = page.device.bindingStatus({signal: c.signal});
		c.abort(); await first; await second }`))
	p.works("call", "bindingStatus")
}

func TestClosedDevice(t *testing.T) {
	p := newPage(t)
	p.open()
	p.works("call", "close")
	for _, method := range []string{"bindingStatus", "showBindingCode", "revealBindingCode", "forget"} {
		got := p.fails("device-disconnected", "call", method)
		require.Contains(t, describe(got), "closed")
	}
	p.fails("device-disconnected", "call", "bind", "PVU3FY64", object(t, `({})`))
	p.works("call", "close")
	require.Empty(t, p.told(), "closing fires no disconnect event")
	require.Zero(t, p.usb.Listeners())

	require.NoError(t, p.page.Set("device", safejs.Undefined()))
	p.open()
	p.works("call", "bindingStatus")
}

func TestUnpluggingIsReportedOnce(t *testing.T) {
	p := newPage(t)
	p.open()
	p.usb.Unplug()
	p.fails("device-disconnected", "call", "bindingStatus")
	p.usb.WaitFor(`d => d.usb.count === 0`)
	require.Equal(t, `disconnect {"code":"device-disconnected"}`, p.told())
	p.usb.Unplug()
	require.Empty(t, p.told())
}

func TestFailedOpeningReleasesTheDevice(t *testing.T) {
	p := newPage(t)
	p.seid = p.seid[:15]
	p.fails("not-imkey", "open", p.usb.Device, p.trusting())
	require.Zero(t, p.usb.Listeners())
	require.Contains(t, p.usb.Log(), "releaseInterface; close")
}

func TestPersistenceIsInInfo(t *testing.T) {
	p := newPage(t)
	p.open()
	p.core.setPersisted(false)
	persisted, ok := interop.Bool(bridgetest.Get(t, bridgetest.Get(t, bridgetest.Get(t, p.page, "device"), "info"), "persisted"))
	require.True(t, ok)
	require.False(t, persisted)
}

func TestStoreOfThePage(t *testing.T) {
	p := newPage(t)
	p.works("open", p.usb.Device, object(t, `o => {
		const m = new Map(); globalThis.testRecords = m; o.allowUnverified = true;
		o.store = { async get(k) { return m.get(k) }, async put(k, v) { m.set(k, v) }, async delete(k) { m.delete(k) }, async list() { return [...m.keys()] } } }`))
	t.Cleanup(func() { p.works("call", "close") })
	p.works("call", "bind", "PVU3FY64", object(t, `({})`))
	n, _ := interop.Int(bridgetest.Eval(t, `testRecords.size`), 9)
	require.Equal(t, 1, n)
	p.works("call", "forget")
	n, _ = interop.Int(bridgetest.Eval(t, `testRecords.size`), 9)
	require.Zero(t, n)
}
