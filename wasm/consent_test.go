//go:build js && wasm

package main

import (
	"maps"
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

// A device that is opened with resume is not identified again. What it signs and what it is told of the code still depend on what it
// proves: another device in its place ends the call with device-changed, and the next open identifies it.
func TestResumedDevice(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	p.signs(`getAccount()`)
	resume := bridgetest.Eval(t, `o => { o.trustedCAs = ["`+p.ca+`"]; o.allowUnverified = true; o.resume = true }`)
	again := func() {
		t.Helper()
		p.works("call", "close")
		require.NoError(t, p.page.Set("device", safejs.Undefined()))
		p.works("open", p.usb.Device, resume)
		p.told()
	}
	again()
	before := maps.Clone(p.instructions)
	p.ethereum.asked = nil
	p.signs(`signMessage("x", {from: "` + accountAddress() + `"})`)
	require.Equal(t, []string{"a4", "54", "55"}, p.ethereum.asked)
	for _, ins := range []byte{0x71, 0xCA, 0xCB} {
		require.Equal(t, before[ins], p.instructions[ins], "%x", ins)
	}
	p.ethereum.asked = nil
	p.signs(`getAccount()`)
	require.Empty(t, p.ethereum.asked, "the signature has proven the account")
	again()
	p.signs(`getAccount()`)
	require.Equal(t, []string{"a4", "53"}, p.ethereum.asked, "an account is proven again on each link")

	genuine := p.certificate
	for name, call := range map[string]string{
		"a signature":    `ethereum.signMessage("x", {acceptUnverified: true})`,
		"a binding":      `bind("PVU3FY64", {acceptUnverified: true})`,
		"the status":     `bindingStatus()`,
		"the code":       `revealBindingCode({acceptUnverified: true})`,
		"a code to show": `showBindingCode()`,
	} {
		for _, status := range []byte{0x00, 0xAA, 0x55} {
			if name == "a signature" && status == 0x55 {
				continue // a device that takes the app key's signature and signs with the account's key is the device
			}
			for other, certificate := range map[string][]byte{
				"another key, verified":   attestationtest.New(seid, account.Public()).Sign(ca),
				"another key, unverified": attestationtest.New(seid, account.Public()).Sign(attestationtest.NewKey("another CA")),
				"another SEID":            attestationtest.New("18"+seid[2:], element.Public()).Sign(ca),
			} {
				for _, reloaded := range []bool{false, true} {
					again()
					if reloaded {
						p.core.plugs = nil
						again()
					}
					sent := p.instructions[0x73]
					p.status, p.certificate, p.ethereum.asked = status, certificate, nil
					got := p.do("raw", object(t, `(core, page) => page.device.`+call))
					require.Equal(t, "device-changed", bridgetest.Text(t, got, "code"), "%s, %s, %x", name, other, status)
					require.Contains(t, p.told(), `disconnect {"code":"device-changed","reason":"device-changed"}`)
					require.Equal(t, sent, p.instructions[0x73], "nothing of the code is sent")
					require.NotContains(t, p.ethereum.asked, "55", "nothing is signed")
					p.fails("device-disconnected", "call", "bindingStatus")

					p.status, p.certificate = 0x55, genuine
					before := p.instructions[0xCA]
					again()
					require.Greater(t, p.instructions[0xCA], before, "the device is identified")
					p.works("call", "bindingStatus")
				}
			}
		}
	}
}

// A page that resumes a device reads no more than it needs of one that is bound to it, and everything of any other.
func TestResumeAsksLessOfAKnownDevice(t *testing.T) {
	p := newEthereumPage(t, element.Public())
	resume := bridgetest.Eval(t, `o => { o.trustedCAs = ["`+p.ca+`"]; o.resume = true }`)
	var asked int // questions for the serial number or the certificate
	visit := func() any {
		t.Helper()
		p.works("call", "close")
		p.core.plugs = nil // as after a reload
		require.NoError(t, p.page.Set("device", safejs.Undefined()))
		asked = -p.instructions[0xCA]
		p.works("open", p.usb.Device, resume)
		asked += p.instructions[0xCA]
		return p.says(`[page.device.info.battery, page.device.info.serial, page.device.info.certificate]`)
	}
	require.Equal(t, `[80,"imKey01191200001","verified"]`, visit(), "not bound")
	p.bound()
	require.Equal(t, `[null,"imKey01191200001","verified"]`, visit(), "bound")
	require.Zero(t, asked)
	require.Equal(t, accountAddress(), bridgetest.Text(t, p.signs(`getAccount()`), "address"))

	// Other CAs can give the device another standing, so its certificate is read.
	resume = bridgetest.Eval(t, `o => { o.trustedCAs = []; o.resume = true }`)
	require.Equal(t, `[null,"imKey01191200001","unverified"]`, visit())
	require.Equal(t, 2, asked)
	p.fails("untrusted-device", "call", "revealBindingCode")
	resume = bridgetest.Eval(t, `o => { o.trustedCAs = ["`+p.ca+`"]; o.resume = true }`)

	p.works("call", "forget")
	require.Equal(t, `[80,"imKey01191200001","verified"]`, visit(), "forgotten")
}
