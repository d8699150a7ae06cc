//go:build js && wasm

package main

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/attestation/attestationtest"
)

// says evaluates JavaScript with the core and the page, and returns the result as JSON.
func (p *page) says(expression string) string {
	p.t.Helper()
	v := p.works("raw", bridgetest.Eval(p.t, `async (core, page) => JSON.stringify(await (`+expression+`)) ?? "nothing"`))
	s, _ := interop.String(v)
	return s
}

const inMemory = `{ store: "memory" }`

func TestKnownDevices(t *testing.T) {
	p := newPage(t)
	require.Equal(t, `[]`, p.says(`core.known(`+inMemory+`)`))
	p.fails("invalid-argument", "raw", object(t, `core => core.rename("`+seid+`", "x", `+inMemory+`)`))
	p.open()
	require.Equal(t, `[null,null]`, p.says(`[page.device.info.name, page.device.info.boundAt]`))
	p.works("call", "bindingStatus")
	require.Equal(t, `[{"boundAt":null,"certificate":null,"certificateKey":null,"codeKept":false,"keyFromFile":false,"name":null,"secureElementKey":null,"seid":"`+seid+
		`","serial":"imKey01191200001","state":"unfinished"}]`, p.sorted(`core.known(`+inMemory+`)`))
	p.works("call", "bind", "PVU3FY64", object(t, `({rememberCode: true})`))
	require.Equal(t, `true`, p.says(`core.known(`+inMemory+`).then(([k]) => k.boundAt instanceof Date && Date.now() - k.boundAt < 3600e3 &&
		k.boundAt - page.device.info.boundAt === 0)`))
	p.works("raw", object(t, `core => core.rename("`+seid+`", "  Savings ", `+inMemory+`)`))
	require.Equal(t, `{"certificate":"verified","certificateKey":"`+strings.ToLower(p.ca)+`","codeKept":true,"keyFromFile":false,"name":"Savings","state":"bound"}`,
		p.sorted(`core.known(`+inMemory+`).then(([{ seid, serial, secureElementKey, boundAt, ...rest }]) => rest)`))
	require.Equal(t, `true`, p.says(`core.known(`+inMemory+`).then(([k]) => /^04[0-9a-f]{128}$/.test(k.secureElementKey) && k.secureElementKey === page.device.info.secureElementKey)`))
	require.Equal(t, `"Savings"`, p.says(`page.device.info.name`))
	require.Equal(t, `["14 of memory","14 of memory","14 of memory","14 of memory"]`, p.says(`page.changed.splice(0)`), "made, sent, bound, named")

	p.status = 0xAA
	p.works("call", "bindingStatus")
	require.Equal(t, `["former",true,null]`, p.says(`core.known(`+inMemory+`).then(([k]) => [k.state, k.boundAt instanceof Date, page.device.info.boundAt])`))
	p.status = 0x55
	p.works("call", "bindingStatus")
	require.Equal(t, `["bound",true]`, p.says(`core.known(`+inMemory+`).then(([k]) => [k.state, page.device.info.boundAt instanceof Date])`))

	p.works("raw", object(t, `core => core.rename("`+seid+`", null, `+inMemory+`)`))
	require.Equal(t, `null`, p.says(`page.device.info.name`))
	require.Equal(t, `["14 of memory","14 of memory","14 of memory"]`, p.says(`page.changed.splice(0)`))
	p.works("raw", object(t, `core => core.forget("`+seid+`", `+inMemory+`)`))
	require.Equal(t, `[[],null,["14 of memory"]]`, p.says(`core.known(`+inMemory+`).then(k => [k, page.device.info.boundAt, page.changed.splice(0)])`))

	for _, call := range []string{
		`core.known()`, `core.known({})`, `core.known({ store: "disk" })`, `core.rename()`, `core.rename("x", "y", ` + inMemory + `)`,
		`core.rename("` + seid + `", 7, ` + inMemory + `)`, `core.rename("` + seid + `", "x".repeat(33), ` + inMemory + `)`,
		`core.rename("` + strings.ToLower("A"+seid[1:]) + `", "y", ` + inMemory + `)`, `core.forget("x", ` + inMemory + `)`, `core.forget("` + seid + `")`,
		`core.memory.get("x")`, `core.memory.put("` + seid + `", "text")`, `core.memory.delete()`,
	} {
		p.fails("invalid-argument", "raw", object(t, `core => `+call))
	}
}

// sorted is says with the properties of objects sorted.
func (p *page) sorted(expression string) string {
	p.t.Helper()
	return p.says(`Promise.resolve(` + expression + `).then(v => { const sort = v => Array.isArray(v) ? v.map(sort) : Object(v) === v && v.constructor === Object ?
		Object.fromEntries(Object.entries(v).sort().map(([k, x]) => [k, sort(x)])) : v; return sort(v) })`)
}

// The records of a page's store are listed, readable or not, and changes are reported with the store.
func TestKnownDevicesOfAPagesStore(t *testing.T) {
	p := newPage(t)
	b, err := os.ReadFile("../core/binding/testdata/record-v1.hex")
	require.NoError(t, err)
	record := strings.Join(strings.Fields(string(b)), "")
	p.works("raw", object(t, `(core, page) => {
		const bytes = hex => Uint8Array.from(hex.match(/../g), x => parseInt(x, 16))
		const m = new Map([["`+seid+`", bytes("`+record+`")], ["`+seid[:31]+`5", bytes("ff00")]])
		page.map = m
		page.store = { mine: true, async get(k) { return m.get(k) }, async put(k, v) { m.set(k, v) }, async delete(k) { m.delete(k) }, async list() { return [...m.keys()] } }
	}`))
	require.Equal(t, `[["`+seid+`","bound"],["`+seid[:31]+`5","unreadable"]]`, p.says(`core.known({ store: page.store }).then(l => l.map(k => [k.seid, k.state]))`))
	p.fails("record-corrupt", "raw", object(t, `(core, page) => core.rename("`+seid[:31]+`5", "x", { store: page.store })`))
	require.Equal(t, `[255,0]`, p.says(`[...page.map.get("`+seid[:31]+`5")]`))
	p.works("raw", object(t, `(core, page) => core.rename("`+seid+`", "x", { store: page.store })`))
	p.works("raw", object(t, `(core, page) => core.forget("`+seid[:31]+`5", { store: page.store })`))
	require.Equal(t, `["14 of mine","15 of mine"]`, p.says(`page.changed.splice(0)`))
	require.Equal(t, `["x"]`, p.says(`core.known({ store: page.store }).then(l => l.map(k => k.name))`))
	require.Equal(t, `[3]`, p.says(`[page.map.get("`+seid+`")[0]]`), "the newest version")
}

// A device's info has the record of its own store only.
func TestStoresOfAPageAreSeparate(t *testing.T) {
	p := newPage(t)
	p.works("open", p.usb.Device, object(t, `o => {
		const make = () => { const m = new Map(); return { map: m, mine: true, async get(k) { return m.get(k) }, async put(k, v) { m.set(k, v) },
			async delete(k) { m.delete(k) }, async list() { return [...m.keys()] } } }
		globalThis.testStores = [make(), make()]; o.store = testStores[0]; o.allowUnverified = true }`))
	t.Cleanup(func() { p.works("call", "close") })
	p.works("call", "bind", "PVU3FY64", object(t, `({})`))
	rename := func(store, name string) string {
		t.Helper()
		p.works("raw", object(t, `core => core.rename("`+seid+`", "`+name+`", { store: `+store+` })`))
		return p.says(`page.device.info.name`)
	}
	require.Equal(t, `"Mine"`, rename("testStores[0]", "Mine"))
	p.works("raw", object(t, `async core => { const [from, to] = testStores; for (const [k, v] of from.map) { to.map.set(k, v); await core.memory.put(k, v) } }`))
	require.Equal(t, `"Mine"`, rename("testStores[1]", "another store's"))
	require.Equal(t, `"Mine"`, rename(`"memory"`, "the memory's"))
	require.Equal(t, `"Still mine"`, rename("testStores[0]", "Still mine"))
}

// An imported binding counts only when the device confirms it. Otherwise it becomes a former one.
func TestStaleImportedBinding(t *testing.T) {
	for status, want := range map[byte][]string{0x55: {"bound", "bound"}, 0xAA: {"bound-elsewhere", "former"}, 0x00: {"unbound", "former"}} {
		t.Run(want[0], func(t *testing.T) {
			p := newPage(t)
			p.open()
			p.works("call", "bind", "PVU3FY64", object(t, `({rememberCode: true})`))
			// As after an import by the second module, in version 2: state 04 in place of 03.
			p.works("raw", object(t, `async core => {
			const record = await core.memory.get("`+seid+`")
			const at = record.findIndex((x, i) => x === 0x83 && record[i + 1] === 1 && record[i + 2] === 3)
			record[at + 2] = 4
			record[0] = 2
			await core.memory.put("`+seid+`", record)
		}`))
			require.Equal(t, `["imported",null]`, p.says(`core.known(`+inMemory+`).then(([k]) => [k.state, page.device.info.boundAt])`))
			p.status = status
			require.Equal(t, `"`+want[0]+`"`, p.says(`page.device.bindingStatus()`))
			require.Equal(t, `"`+want[1]+`"`, p.says(`core.known(`+inMemory+`).then(([k]) => k.state)`))
		})
	}
}

// The user's yes to an imported binding of a device that cannot be verified is acceptUnverified, and each bind with newKey has another
// app key.
func TestAcceptAnImportedBindingAndMakeANewKey(t *testing.T) {
	p := newPage(t)
	p.works("open", p.usb.Device, object(t, `o => { o.trustedCAs = [] }`))
	t.Cleanup(func() { p.works("call", "close") })
	p.works("call", "bind", "PVU3FY64", object(t, `({ acceptUnverified: true, rememberCode: true })`))
	p.works("raw", object(t, `async core => {
		const record = await core.memory.get("`+seid+`")
		const at = record.findIndex((x, i) => x === 0x83 && record[i + 1] === 1 && record[i + 2] === 3)
		record[at + 2] = 4
		record[0] = 2
		await core.memory.put("`+seid+`", record)
	}`))
	says := func(want string) {
		t.Helper()
		require.Equal(t, want, p.says(`core.known(`+inMemory+`).then(([k]) => [k.state, k.certificate, k.secureElementKey === page.device.info.secureElementKey, k.keyFromFile])`))
	}
	says(`["imported",null,false,true]`)
	p.status = 0x55
	require.Equal(t, `"bound"`, p.says(`page.device.bindingStatus({ acceptUnverified: false })`))
	p.fails("untrusted-device", "call", "revealBindingCode", object(t, `({ acceptUnverified: false })`))
	says(`["imported",null,false,true]`)
	require.Equal(t, `"bound"`, p.says(`page.device.bindingStatus({ acceptUnverified: true })`))
	says(`["bound","unverified",true,true]`)

	sent, before := p.instructions[0x73], p.apps[len(p.apps)-1]
	p.works("call", "bind", "PVU3FY64", object(t, `({ acceptUnverified: true })`)) // the key is a file's
	require.Equal(t, sent+1, p.instructions[0x73])
	says(`["bound","unverified",true,false]`)
	p.works("call", "bindingStatus")
	mine := p.apps[len(p.apps)-1]
	require.NotEqual(t, before, mine)
	p.works("call", "bind", "PVU3FY64", object(t, `({ acceptUnverified: true })`)) // bound already
	require.Equal(t, sent+1, p.instructions[0x73])
	p.works("call", "bind", "PVU3FY64", object(t, `({ acceptUnverified: true, newKey: true })`))
	require.Equal(t, sent+2, p.instructions[0x73])
	p.works("call", "bindingStatus")
	require.NotEqual(t, mine, p.apps[len(p.apps)-1])
	p.fails("invalid-argument", "call", "bind", "PVU3FY64", object(t, `({ newKey: 1 })`))
}

// Another device gets neither the app key nor the code of the bound device, whatever it claims to be.
func TestAnotherDeviceGetsNoSecret(t *testing.T) {
	const other = "19060000000200860001010000000015"
	vendor, impostor := attestationtest.NewKey("a vendor"), attestationtest.NewKey("another secure element")
	for name, c := range map[string]struct {
		seid string
		want string
	}{
		"another SEID":                       {other, "protocol"},
		"its SEID, another secure element's": {seid, "device-mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPage(t)
			p.works("open", p.usb.Device, p.trusting())
			p.works("call", "bind", "PVU3FY64", object(t, `({rememberCode: true})`))
			code, _ := interop.String(p.works("call", "revealBindingCode"))
			require.Equal(t, "PVU3FY64", code)
			p.works("call", "close")
			first := p.apps[0]
			p.apps = nil

			var err error
			p.seid, err = hex.DecodeString(c.seid)
			require.NoError(t, err)
			p.certificate = attestationtest.New(c.seid, impostor.Public()).Sign(vendor)
			p.status = 0x55 // it claims to be bound to this page
			p.works("raw", object(t, `(core, page) => { page.device = undefined }`))
			p.works("open", p.usb.Device, object(t, `o => { o.trustedCAs = ["`+p.ca+`", "`+hex.EncodeToString(vendor.Public())+`"]; o.allowUnverified = true }`))
			t.Cleanup(func() { p.works("call", "close") })
			sent := p.instructions[0x73]
			for _, method := range []string{"bindingStatus", "revealBindingCode"} {
				p.fails(c.want, "call", method)
			}
			p.fails(c.want, "call", "bind", "22222222", object(t, `({})`))
			p.fails(c.want, "eth", "getAccount", object(t, `({})`))
			p.fails(c.want, "eth", "signMessage", "hello", object(t, `({})`))
			require.Equal(t, sent, p.instructions[0x73])
			if c.seid != seid {
				require.NotEmpty(t, p.apps)
				require.NotContains(t, p.apps, first, "it has its own key")
			}
			require.Equal(t, `"bound"`, p.says(`core.known(`+inMemory+`).then(([k]) => k.state)`), "the first device's record is unchanged")
		})
	}
}
