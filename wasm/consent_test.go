//go:build js && wasm

package main

import (
	"testing"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/core/attestation/attestationtest"
)

// The page passes on what the user was shown. Every call with another device is refused, and no code is proved.
func TestCallsForTheDeviceThatWasShown(t *testing.T) {
	p := newEthereumPage(t, element.Public())
	calls := []string{
		`device.bind("PVU3FY64", {acceptUnverified: true, shown})`, `device.revealBindingCode({acceptUnverified: true, shown})`,
		`device.forget({shown})`, `device.ethereum.getAccount({acceptUnverified: true, allowUnbound: true, shown})`,
		`device.ethereum.signMessage("x", {acceptUnverified: true, allowUnbound: true, shown})`,
	}
	for _, change := range []string{`seid: "0".repeat(32)`, `serial: "imKey"`, `secureElementKey: "04" + "1a".repeat(64)`, `secureElementKey: null`,
		`certificate: "unverified"`, `certificate: null`, `certificate: "good"`, `certificate: undefined`, `certificate: 7`, `certificateKey: null`, `certificateKey: "04" + "1a".repeat(64)`} {
		for _, call := range calls {
			p.fails("device-changed", "raw", object(t, `(core, {device}) => { const shown = {...device.info, `+change+`}; return `+call+` }`))
		}
	}
	require.Zero(t, p.instructions[0x73])
	for _, hostile := range []string{`null`, `7`, `"x"`, `{}`, `{...device.info, seid: 7}`, `{...device.info, secureElementKey: "04"}`, `{...device.info, certificateKey: 7}`,
		`{...device.info, get serial() { throw 1 }}`} {
		for _, call := range calls {
			p.fails("invalid-argument", "raw", object(t, `(core, {device}) => { const shown = `+hostile+`; return `+call+` }`))
		}
	}
	require.Zero(t, p.instructions[0x73])
	p.works("raw", object(t, `(core, {device}) => { const shown = device.info; return `+calls[0]+` }`))
	require.Equal(t, 1, p.instructions[0x73])

	for _, call := range []string{`core.forget("` + seid + `", {store: "memory", shown})`, `core.rename("` + seid + `", "x", {store: "memory", shown})`} {
		p.fails("device-changed", "raw", object(t, `(core, {device}) => { const shown = {...device.info, secureElementKey: "04" + "1a".repeat(64)}; return `+call+` }`))
		p.fails("device-changed", "raw", object(t, `(core, {device}) => { const shown = {...device.info, serial: "imKey"}; return `+call+` }`))
		p.fails("invalid-argument", "raw", object(t, `(core, {device}) => { const shown = 7; return `+call+` }`))
	}
	p.works("raw", object(t, `async (core) => { const [shown] = await core.known({store: "memory"}); await core.forget("`+seid+`", {store: "memory", shown}) }`))
}

// A device is opened again as the one that the user was shown, or not at all. A refused device gets no command that depends on
// the user, and is released.
func TestReopeningFindsAnotherDevice(t *testing.T) {
	p := newEthereumPage(t, element.Public())
	p.works("raw", object(t, `(core, page) => { globalThis.shown = {...page.device.info} }`))
	again := bridgetest.Eval(t, `o => { o.trustedCAs = ["`+p.ca+`"]; o.allowUnverified = true; o.shown = shown }`)
	genuine, seids := p.certificate, p.seid
	for name, swap := range map[string]func(){
		"another key, unverified": func() {
			p.certificate = attestationtest.New(seid, account.Public()).Sign(attestationtest.NewKey("another CA"))
		},
		"another key, verified": func() { p.certificate = attestationtest.New(seid, account.Public()).Sign(ca) },
		"unverified": func() {
			p.certificate = attestationtest.New(seid, element.Public()).Sign(attestationtest.NewKey("another CA"))
		},
		"invalid":      func() { p.certificate = genuine[:99] },
		"another SEID": func() { p.seid = append([]byte{0x18}, seids[1:]...) },
	} {
		p.certificate, p.seid = genuine, seids
		p.works("call", "close")
		swap()
		before := p.instructions[0x71]
		p.fails("device-changed", "open", p.usb.Device, again)
		require.Zero(t, p.usb.Listeners(), name)
		require.Equal(t, before, p.instructions[0x71], name)
	}
	p.certificate, p.seid = genuine, seids
	require.NoError(t, p.page.Set("device", safejs.Undefined()))
	p.works("open", p.usb.Device, again)
	require.Empty(t, p.told(), "no event")
}
