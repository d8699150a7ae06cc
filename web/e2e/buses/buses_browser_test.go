package buses_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/buses"
	"imkey-connect/web/e2e/harness"
)

// chosenBuses are those that IMKEY_BUS names, with commas between them: those that need no kernel, without it.
func chosenBuses(t *testing.T) (chosen []harness.Bus) {
	names := os.Getenv("IMKEY_BUS")
	if names == "" {
		return []harness.Bus{harness.WebSocket, harness.Preload}
	}
	for name := range strings.SplitSeq(names, ",") {
		require.True(t, slices.Contains(buses.Names, name), "IMKEY_BUS: %q is no bus", name)
		chosen = append(chosen, harness.Bus(name))
	}
	return chosen
}

// TestBuses makes the same checks over every bus that IMKEY_BUS names, by default those that need no kernel, and compares what
// was seen. Each difference must be explained in differences.json. Where IMKEY_OUT is set, what was seen is written to that
// folder.
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
	over harness.Bus
	seen buses.Seen

	// Of person.
	t      *testing.T
	s      *harness.Sim
	b      *harness.Browser
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
	if r.over == harness.WebSocket {
		call = callSimulated
	}
	for name, value := range tried(t, harness.BrowserOptions{Bus: r.over}, call) {
		r.seen["USBDevice: "+name] = value
	}
	require.Greater(t, len(r.seen), 80, "cases tried")
}

// person goes the way of somebody with a new device, and meets everything that can come in between, in one browser.
func (r *rig) person(t *testing.T) {
	r.t = t
	r.s = harness.NewSim(t, device.Options{Serial: "imKey01191200001"}, device.Options{Serial: "imKey01191200002"})
	r.s.ServeDapp()
	r.second = r.s.Devices[1].Simulated
	if r.over == harness.Kernel {
		r.listed()
	}
	require.NoError(t, r.second.Unplug()) // until its turn
	r.b = r.s.StartBrowser(harness.BrowserOptions{Bus: r.over})

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
	if r.over == harness.Kernel {
		checks = append([]check{{"usbip", r.stock}}, checks...)
	}
	for _, check := range checks {
		if !t.Run(check.name, func(t *testing.T) {
			r.t, r.s.T, r.b.T = t, t, t
			defer func() { r.t, r.s.T, r.b.T = t, t, t }()
			check.run()
		}) {
			return // the next one would start from anywhere
		}
	}
}

// connect opens the page afresh and presses the button of this bus.
func (r *rig) connect() {
	r.t.Helper()
	r.b.Open("/")
	if r.over == harness.WebSocket {
		r.b.Press("connect-simulated")
	} else {
		r.b.Press("connect")
	}
}

// bind enters the right code.
func (r *rig) bind(code string) {
	r.t.Helper()
	r.b.EnterCode(code)
	r.b.WaitForState("bound")
}

// replug pulls the cable, or notices that a fault has, and puts it back.
func (r *rig) replug() {
	r.t.Helper()
	r.s.Device.Unplug()
	r.arrived(r.s.Device.Simulated.Port(), false)
	r.s.Device.Plug()
	r.arrived(r.s.Device.Simulated.Port(), true)
}

// arrived waits until the kernel, where there is one, has the device or has lost it.
func (r *rig) arrived(port *usb.Port, there bool) {
	r.t.Helper()
	if r.over == harness.Kernel {
		r.s.WaitForKernel(port, there)
	}
}

func (r *rig) pairing() {
	r.connect()
	r.b.WaitForState("recognised")
	r.b.Press("go-on")
	r.b.WaitForState("code")
	code := r.s.Device.Code()
	r.b.EnterCode(harness.WrongCode(code))
	r.b.WaitForState("wrong")
	r.note("pairing: tries left after a wrong code", fmt.Sprint(r.s.Device.Status().CodeAttemptsLeft))
	r.bind(code)
	r.connect()
	r.b.WaitForState("bound")
	r.note("pairing: the next visit", r.s.Device.Status().Binding)
}

// cut pulls the cable while the code is checked: before the device has bound, and after it.
func (r *rig) cut() {
	for _, moment := range []struct {
		name  string
		fault usb.Fault // see TestUnpluggedDuringIdentityVerify
	}{
		{"before", usb.Fault{On: "out", Packet: 4, Do: usb.DoUnplug}},
		{"after", usb.Fault{On: "in", Packet: 6, Do: usb.DoUnplug}},
	} {
		r.s.Device.Reset()
		shown := r.s.Answers(0x72)
		r.connect()
		r.b.WaitForState("reset")
		r.b.Press("go-on")
		r.b.WaitForState("code")
		code := r.s.Device.Code()
		r.s.WaitForAnswers(0x72, shown+1)
		r.s.Device.Arm(moment.fault)
		r.b.EnterCode(code)
		r.b.WaitForError("device-disconnected")
		r.s.Device.Unplug() // the fault did it; this waits until it is done
		r.note("unplugged "+moment.name+" the device has bound", r.s.Device.Status().Binding)
		is := r.s.IsBound()
		require.Equal(r.t, moment.name == "after", is)
		r.s.Device.Arm()
		r.replug()
		if is {
			r.b.WaitForStateAfterError("bound")
			continue
		}
		r.b.WaitForStateAfterError("recognised")
		r.b.Press("go-on")
		r.b.WaitForState("code")
		r.bind(r.s.Device.Code())
	}
}

// load leaves the connect page for one with the SDK alone, which has the device's bus as usb.
func (r *rig) load() {
	r.t.Helper()
	usb := "navigator.usb"
	if r.over == harness.WebSocket {
		usb = "(await import('/sim/webusb.js')).simulatedUSB('/sim/usb')"
	}
	r.b.Do(chromedp.Navigate(r.s.URL + "/dapp-under-test"))
	r.b.Run(fmt.Sprintf(`
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
	b, err := json.Marshal([]string{r.s.Device.CA(), r.second.Status().CA})
	require.NoError(r.t, err)
	return string(b)
}

// say runs JavaScript that returns words.
func (r *rig) say(script string) string {
	r.t.Helper()
	return harness.Eval[string](r.b, "(async () => { "+script+" })()")
}

const openDevice = `globalThis.device = (await plugged(1))[0]; await device.open();`

func (r *rig) signing() {
	r.s.Device.Restore(harness.TestPhrase(r.t)) // a reset takes the wallet away
	r.load()
	r.note("signing: account", r.say(openDevice+` return (await device.ethereum.getAccount()).address`))
	require.Equal(r.t, harness.FirstAddress, r.seen["signing: account"])
	sign := func(name, call string) {
		r.b.Run("globalThis.signed = said(" + call + ")")
		r.s.WaitForQuestion()
		r.note("signing: screen for "+name, strings.Join(r.s.Device.Status().Screen, " / "))
		r.s.Device.Press(device.OK)
		signature := r.say("return signed")
		require.Regexp(r.t, "^0x[0-9a-f]{100,}$", signature)
		r.note("signing: "+name, signature)
	}
	const message = `device.ethereum.signMessage('hello').then(s => s.signature)`
	sign("a message", message)
	sign("a transaction", `device.ethereum.signTransaction({ chainId: 1, nonce: 1, to: '`+harness.SecondAddress+
		`', value: '0x1', gas: 21000, maxFeePerGas: '0x3b9aca00', maxPriorityFeePerGas: '0x1', type: 2 }).then(s => s.raw)`)

	// The cable is pulled while the device waits for its person; then it signs on the same page.
	r.b.Run("globalThis.signed = said(" + message + ")")
	r.s.WaitForQuestion()
	r.s.Device.Unplug()
	r.note("signing: unplugged", r.say("return signed"))
	require.Equal(r.t, "device-disconnected", r.seen["signing: unplugged"])
	r.b.Run("await plugged(0)")
	r.replug()
	r.b.Run(openDevice)
	sign("a message after replugging", message)
	require.Equal(r.t, r.seen["signing: a message"], r.seen["signing: a message after replugging"])
	r.b.Run("await device.close()")
}

// faults are what may happen to a packet while the SDK opens the device. Each is an error, and the next attempt succeeds.
func (r *rig) faults() {
	for _, fault := range []usb.Fault{
		{On: "in", Do: usb.DoStall}, {On: "in", Do: usb.DoShort, Bytes: 10}, {On: "in", Do: usb.DoBabble}, {On: "in", Do: usb.DoZero},
		{On: "in", Do: usb.DoCorrupt, Bytes: 4}, {On: "out", Do: usb.DoStall}, {On: "out", Do: usb.DoShort, Bytes: 10},
	} {
		fault.Packet = 2 // the first answers the CANCEL by which a host begins, whatever it is
		r.s.Device.Arm(fault)
		name := fmt.Sprintf("opening with %s on %s", fault.Do, fault.On)
		r.note(name, r.say(`
			const [device] = await plugged(1)
			const first = await said(device.open().then(() => 'ok'))
			await device.close()
			return first`))
		r.s.Device.Arm()
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
	release := func() { r.s.Device.Simulated.Port().SetAccess(usb.Access{}) }
	if r.over == harness.Kernel {
		release = r.s.Claim(r.s.Device.Simulated.Port())
	} else {
		r.s.Device.Simulated.Port().SetAccess(usb.Access{Claimed: true})
	}
	r.connect()
	r.b.WaitForError("in-use-elsewhere")
	r.note("held by another program", "in-use-elsewhere")
	release()
	r.b.Press("retry")
	r.b.WaitForStateAfterError("bound")
}

// denied is a system without the udev rule, until its person does what the page says.
func (r *rig) denied() {
	r.b.Open("/") // lets go of the device
	if r.over == harness.Kernel {
		r.s.SetUdevRule("")
	} else {
		r.s.Device.Simulated.Port().SetAccess(usb.Access{Denied: true})
	}
	r.replug()
	r.connect()
	r.b.WaitForError("permission-denied")
	r.note("without the udev rule", "permission-denied")
	rule := harness.UdevRule(r.s)
	require.Contains(r.t, r.b.Text(), rule, "the page gives the rule of docs/hardware.md")
	if r.over == harness.Kernel {
		r.s.SetUdevRule(rule)
	} else {
		r.s.Device.Simulated.Port().SetAccess(usb.Access{})
	}
	r.replug()
	r.connect()
	r.b.WaitForState("bound")
	r.note("with the udev rule", "bound")
}

// several is a second device beside the first: each answers for itself, and goes by itself.
func (r *rig) several() {
	require.NoError(r.t, r.second.Plug())
	r.arrived(r.second.Port(), true)
	r.load()
	serials := `const all = `
	if r.over == harness.WebSocket { // one object for each device
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
	r.s.Device.Unplug()
	r.note("several: one is unplugged", r.say(`
		const [first, second] = Object.keys(several).sort().map(serial => several[serial])
		return [await said(first.bindingStatus()), await said(second.bindingStatus())].join()`))
	require.Equal(r.t, "device-disconnected,unbound", r.seen["several: one is unplugged"])
}
