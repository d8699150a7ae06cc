package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/buses"
)

// TestBuses makes the same checks over every bus that IMKEY_BUS names, and compares what was seen: whoever tests on one of
// them must learn what a page would meet on another. With IMKEY_OUT, what was seen is kept in that folder.
func TestBuses(t *testing.T) {
	t.Parallel()
	seen := map[string]buses.Seen{}
	for _, over := range chosenBuses(t) {
		t.Run(string(over), func(t *testing.T) {
			r := &rig{over: over, seen: buses.Seen{}}
			t.Run("edges", r.edges)
			t.Run("person", r.person)
			seen[string(over)] = r.seen
			if dir := os.Getenv("IMKEY_OUT"); dir != "" && !t.Failed() {
				require.NoError(t, buses.Write(dir, string(over), r.seen))
			}
		})
	}
	if t.Failed() {
		return
	}
	known, err := buses.Differences()
	require.NoError(t, err)
	rows, stale := buses.Compare(seen, known)
	table := buses.Table(seen, rows, stale)
	require.True(t, buses.Accounted(rows, stale), "%s", table)
	t.Log(table)
}

// rig is one bus under test.
type rig struct {
	over bus
	seen buses.Seen

	// Of person.
	t      *testing.T
	s      *sim
	b      *browser
	second *device.Device
}

// note keeps what was seen, to be compared with the other buses.
func (r *rig) note(name string, value any) {
	r.t.Helper()
	require.NotContains(r.t, r.seen, name)
	r.seen[name] = value
}

// edges tries what a page may do with a USBDevice: descriptors, stalls, zero-length and short packets, babble, queued
// reads, a close with a read pending, reset, clearHalt, unplugging, claims of two pages, every misuse.
func (r *rig) edges(t *testing.T) {
	call := callReal
	if r.over == webSocket {
		call = callSimulated
	}
	for name, value := range tried(t, browserOptions{over: r.over}, call) {
		r.seen["USBDevice: "+name] = value
	}
	require.Greater(t, len(r.seen), 80, "cases tried")
}

// person goes the way of somebody with a new device, and meets everything that can come in between, in one browser.
func (r *rig) person(t *testing.T) {
	r.t = t
	r.s = newSim(t, device.Options{Serial: "imKey01191200001"}, device.Options{Serial: "imKey01191200002"})
	r.s.site()
	r.second = r.s.Devices[1].Simulated
	if r.over == kernel {
		r.listed()
	}
	require.NoError(t, r.second.Unplug()) // until its turn
	r.b = r.s.browse(browserOptions{over: r.over})

	type check struct {
		name string
		run  func()
	}
	checks := []check{
		{"pairing", r.pairing},
		{"cut", r.cut},
		{"signing", r.signing},
		{"faults", r.faults},
		{"held", r.held},
		{"denied", r.denied},
		{"several", r.several},
	}
	if r.over == kernel {
		checks = append([]check{{"usbip", r.stock}}, checks...)
	}
	for _, check := range checks {
		if !t.Run(check.name, func(t *testing.T) {
			r.t, r.s.t, r.b.t = t, t, t
			defer func() { r.t, r.s.t, r.b.t = t, t, t }()
			check.run()
		}) {
			return // the next one would start from anywhere
		}
	}
}

// connect opens the page afresh and presses the button of this bus.
func (r *rig) connect() {
	r.t.Helper()
	r.b.open("/")
	if r.over == webSocket {
		r.b.press("connect-simulated")
	} else {
		r.b.press("connect")
	}
}

// bind enters the right code.
func (r *rig) bind(code string) {
	r.t.Helper()
	r.b.typeCode(code)
	r.b.state("bound")
}

// replug pulls the cable, or notices that a fault has, and puts it back.
func (r *rig) replug() {
	r.t.Helper()
	require.NoError(r.t, r.s.device.Unplug())
	r.arrived(r.s.device.Port(), false)
	require.NoError(r.t, r.s.device.Plug())
	r.arrived(r.s.device.Port(), true)
}

// arrived waits until the kernel, where there is one, has the device or has lost it.
func (r *rig) arrived(port *usb.Port, there bool) {
	r.t.Helper()
	if r.over == kernel {
		r.s.kernelHas(port, there)
	}
}

func (r *rig) pairing() {
	r.connect()
	r.b.state("recognised")
	r.b.press("go-on")
	r.b.state("code")
	code := r.s.code()
	r.b.typeCode(wrong(code))
	r.b.state("wrong")
	r.note("pairing: tries left after a wrong code", fmt.Sprint(r.s.device.Status().CodeAttemptsLeft))
	r.bind(code)
	r.connect()
	r.b.state("bound")
	r.note("pairing: the next visit", r.s.device.Status().Binding)
}

// cut pulls the cable while the code is checked: before the device has bound, and after it.
func (r *rig) cut() {
	for _, moment := range []struct {
		name  string
		fault usb.Fault // see TestUnpluggedInTheMiddleOfIdentityVerify
	}{
		{"before", usb.Fault{On: "out", Packet: 4, Do: usb.DoUnplug}},
		{"after", usb.Fault{On: "in", Packet: 6, Do: usb.DoUnplug}},
	} {
		require.NoError(r.t, r.s.device.Reset())
		shown := r.s.times(0x72)
		r.connect()
		r.b.state("reset")
		r.b.press("go-on")
		r.b.state("code")
		code := r.s.code()
		r.s.answered(0x72, shown+1)
		require.NoError(r.t, r.s.device.Port().SetFaults([]usb.Fault{moment.fault}))
		r.b.typeCode(code)
		r.b.fails("device-disconnected")
		require.NoError(r.t, r.s.device.Unplug()) // the fault did it; this waits until it is done
		r.note("unplugged "+moment.name+" the device has bound", r.s.device.Status().Binding)
		is := bound(r.s.device.Status())
		require.Equal(r.t, moment.name == "after", is)
		require.NoError(r.t, r.s.device.Port().SetFaults(nil))
		r.replug()
		if is {
			r.b.recovers("bound")
			continue
		}
		r.b.recovers("recognised")
		r.b.press("go-on")
		r.b.state("code")
		r.bind(r.s.code())
	}
}

// load leaves the connect page for one with the SDK alone, which has the device's bus as usb.
func (r *rig) load() {
	r.t.Helper()
	usb := "navigator.usb"
	if r.over == webSocket {
		usb = "(await import('/sim/webusb.js')).simulatedUSB('/sim/usb')"
	}
	r.b.do(chromedp.Navigate(r.s.url + "/dapp-under-test"))
	r.b.run(fmt.Sprintf(`
		const usb = %s
		const sdk = await import('/imkey.js')
		const imkey = await sdk.loadImKey({ usb, trustedCAs: %s })
		const said = promise => promise.then(value => value ?? 'ok', error => error.code ?? String(error))
		// plugged waits until so many devices are there.
		const plugged = n => new Promise((resolve, reject) => {
			const look = () => imkey.getDevices().then(all => { if (all.length === n) resolve(all) }, reject)
			for (const type of ['connect', 'disconnect']) imkey.addEventListener(type, look)
			look()
		})
		Object.assign(globalThis, { usb, sdk, imkey, said, plugged })`, usb, r.trusted()))
}

// trusted lists the simulators' CAs, as JSON.
func (r *rig) trusted() string {
	b, err := json.Marshal([]string{r.s.device.Status().CA, r.second.Status().CA})
	require.NoError(r.t, err)
	return string(b)
}

// say runs JavaScript that returns words.
func (r *rig) say(script string) string {
	r.t.Helper()
	return eval[string](r.b, "(async () => { "+script+" })()")
}

const openDevice = `globalThis.device = (await plugged(1))[0]; await device.open();`

func (r *rig) signing() {
	require.NoError(r.t, r.s.device.Restore(testPhrase(r.t))) // a reset takes the wallet away
	r.load()
	r.note("signing: account", r.say(openDevice+` return (await device.ethereum.getAccount()).address`))
	require.Equal(r.t, firstAddress, r.seen["signing: account"])
	sign := func(name, call string) {
		r.b.run("globalThis.signed = said(" + call + ")")
		r.s.asking()
		r.note("signing: screen for "+name, strings.Join(r.s.device.Status().Screen, " / "))
		require.NoError(r.t, r.s.device.Press(device.OK))
		signature := r.say("return signed")
		require.Regexp(r.t, "^0x[0-9a-f]{100,}$", signature)
		r.note("signing: "+name, signature)
	}
	const message = `device.ethereum.signMessage('hello').then(s => s.signature)`
	sign("a message", message)
	sign("a transaction", `device.ethereum.signTransaction({ chainId: 1, nonce: 1, to: '`+secondAddress+
		`', value: '0x1', gas: 21000, maxFeePerGas: '0x3b9aca00', maxPriorityFeePerGas: '0x1', type: 2 }).then(s => s.raw)`)

	// The cable is pulled while the device waits for its person; then it signs on the same page.
	r.b.run("globalThis.signed = said(" + message + ")")
	r.s.asking()
	require.NoError(r.t, r.s.device.Unplug())
	r.note("signing: unplugged", r.say("return signed"))
	require.Equal(r.t, "device-disconnected", r.seen["signing: unplugged"])
	r.b.run("await plugged(0)")
	r.replug()
	r.b.run(openDevice)
	sign("a message after replugging", message)
	require.Equal(r.t, r.seen["signing: a message"], r.seen["signing: a message after replugging"])
	r.b.run("await device.close()")
}

// faults are what may happen to a packet while the SDK opens the device. Each is an error, and the next attempt succeeds.
func (r *rig) faults() {
	for _, fault := range []usb.Fault{
		{On: "in", Do: usb.DoStall}, {On: "in", Do: usb.DoShort, Bytes: 10}, {On: "in", Do: usb.DoBabble}, {On: "in", Do: usb.DoZero},
		{On: "in", Do: usb.DoCorrupt, Bytes: 4}, {On: "out", Do: usb.DoStall}, {On: "out", Do: usb.DoShort, Bytes: 10},
	} {
		fault.Packet = 2 // the first answers the CANCEL by which a host begins, whatever it is
		require.NoError(r.t, r.s.device.Port().SetFaults([]usb.Fault{fault}))
		name := fmt.Sprintf("opening with %s on %s", fault.Do, fault.On)
		r.note(name, r.say(`
			const [device] = await plugged(1)
			const first = await said(device.open().then(() => 'ok'))
			await device.close()
			return first`))
		require.NoError(r.t, r.s.device.Port().SetFaults(nil))
		require.Equal(r.t, "bound", r.say(`
			const [device] = await plugged(1)
			await device.open()
			const status = await device.bindingStatus()
			await device.close()
			return status`), "after %s", name)
	}
}

// held is another program that has the vendor interface.
func (r *rig) held() {
	release := func() { r.s.device.Port().SetAccess(usb.Access{}) }
	if r.over == kernel {
		release = r.s.claim(r.s.device.Port())
	} else {
		r.s.device.Port().SetAccess(usb.Access{Claimed: true})
	}
	r.connect()
	r.b.says("in-use-elsewhere", "Another browser, tab or program is using your imKey")
	r.note("held by another program", "in-use-elsewhere")
	release()
	r.b.press("retry")
	r.b.recovers("bound")
}

// denied is a system without the udev rule, until its person does what the page says.
func (r *rig) denied() {
	r.b.open("/") // lets go of the device
	if r.over == kernel {
		r.s.setRule("")
	} else {
		r.s.device.Port().SetAccess(usb.Access{Denied: true})
	}
	r.replug()
	r.connect()
	r.b.says("permission-denied", "Your system does not let the browser open the imKey")
	r.note("without the udev rule", "permission-denied")
	rule := udevRule(r.s)
	require.Contains(r.t, r.b.text(), rule, "the page gives the README's rule")
	if r.over == kernel {
		r.s.setRule(rule)
	} else {
		r.s.device.Port().SetAccess(usb.Access{})
	}
	r.replug()
	r.connect()
	r.b.state("bound")
	r.note("with the udev rule", "bound")
}

// several is a second device beside the first: each answers for itself, and goes by itself.
func (r *rig) several() {
	require.NoError(r.t, r.second.Plug())
	r.arrived(r.second.Port(), true)
	r.load()
	serials := `const all = `
	if r.over == webSocket { // one object for each device
		serials += fmt.Sprintf(`[...await plugged(1), ...await (await sdk.loadImKey({
			usb: (await import('/sim/webusb.js')).simulatedUSB('/sim/usb?device=2'), trustedCAs: %s })).getDevices()]`, r.trusted())
	} else {
		serials += `await plugged(2)`
	}
	r.note("several: serial numbers", r.say(serials+`
		globalThis.several = {}
		for (const device of all) {
			const { serial } = await device.open()
			several[serial] = device
		}
		return Object.keys(several).sort().join()`))
	require.Equal(r.t, "imKey01191200001,imKey01191200002", r.seen["several: serial numbers"])
	require.NoError(r.t, r.s.device.Unplug())
	r.note("several: one is unplugged", r.say(`
		const [first, second] = Object.keys(several).sort().map(serial => several[serial])
		return [await said(first.bindingStatus()), await said(second.bindingStatus())].join()`))
	require.Equal(r.t, "device-disconnected,unbound", r.seen["several: one is unplugged"])
}
