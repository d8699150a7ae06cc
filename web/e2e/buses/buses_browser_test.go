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

// chosenBuses returns the buses that IMKEY_BUS names, separated by commas, or by default those that need no kernel.
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
			t.Run("user", r.user)
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
	require.True(t, buses.Explained(rows, stale), "%s", table)
	t.Log(table)
}

// rig runs the checks over one bus.
type rig struct {
	over harness.Bus
	seen buses.Seen

	// These fields are for user only.
	t      *testing.T
	s      *harness.Sim
	b      *harness.Browser
	second *device.Device
}

// note records what was seen, which is compared with the other buses.
func (r *rig) note(name string, value any) {
	r.t.Helper()
	require.NotContains(r.t, r.seen, name)
	r.seen[name] = value
}

// edges does with a USBDevice what a page may do: descriptors, stalls, zero-length and short packets, babble, queued reads, a close
// with a read pending, reset, clearHalt, unplugging, claims of two pages, and wrong calls.
func (r *rig) edges(t *testing.T) {
	call := callReal
	if r.over == harness.WebSocket {
		call = callSimulated
	}
	for name, value := range runEdges(t, harness.BrowserOptions{Bus: r.over}, call) {
		r.seen["USBDevice: "+name] = value
	}
	require.Greater(t, len(r.seen), 80, "cases tried")
}

// user uses a new device in one browser and meets every obstacle on the way.
func (r *rig) user(t *testing.T) {
	r.t = t
	r.s = harness.NewSim(t, device.Options{Serial: "imKey01191200001"}, device.Options{Serial: "imKey01191200002"})
	r.s.ServeDapp()
	r.second = r.s.Devices[1].Simulated
	if r.over == harness.Kernel {
		r.checkList()
	}
	require.NoError(t, r.second.Unplug()) // until several
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
		checks = append([]check{{"usbip", r.checkTools}}, checks...)
	}
	for _, check := range checks {
		if !t.Run(check.name, func(t *testing.T) {
			r.t, r.s.T, r.b.T = t, t, t
			defer func() { r.t, r.s.T, r.b.T = t, t, t }()
			check.run()
		}) {
			return // the next check begins where this one ends
		}
	}
}

// connect opens the connect page and presses the button for this bus.
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

// replug unplugs the device, or waits until a fault has done so, and plugs it in.
func (r *rig) replug() {
	r.t.Helper()
	r.s.Device.Unplug()
	r.waitForKernel(r.s.Device.Simulated.Port(), false)
	r.s.Device.Plug()
	r.waitForKernel(r.s.Device.Simulated.Port(), true)
}

// waitForKernel waits until the kernel, where it is the bus, has the device or has lost it.
func (r *rig) waitForKernel(port *usb.Port, there bool) {
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

// cut unplugs the device while the code is checked: before the device has bound, and after.
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
		r.s.Device.Unplug() // waits until the fault has done it
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

// load opens a page with the SDK alone, which reaches the device over this bus.
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
		const outcome = promise => promise.then(value => value ?? 'ok', error => error.code ?? String(error))
		// plugged waits until n devices are listed.
		const plugged = n => new Promise((resolve, reject) => {
			const look = () => imkey.getDevices().then(all => { if (all.length === n) resolve(all) }, reject)
			for (const type of ['connect', 'disconnect']) imkey.addEventListener(type, look)
			look()
		})
		Object.assign(globalThis, { usb, sdk, imkey, outcome, plugged })`, usb, r.trusted()))
}

// trusted returns the CAs of the simulated devices as JSON.
func (r *rig) trusted() string {
	b, err := json.Marshal([]string{r.s.Device.CA(), r.second.Status().CA})
	require.NoError(r.t, err)
	return string(b)
}

// eval runs statements of JavaScript that return a string.
func (r *rig) eval(script string) string {
	r.t.Helper()
	return harness.Eval[string](r.b, "(async () => { "+script+" })()")
}

const openDevice = `globalThis.device = (await plugged(1))[0]; await device.open();`

func (r *rig) signing() {
	r.s.Device.Restore(harness.TestPhrase(r.t)) // a reset erased the wallet
	r.load()
	r.note("signing: account", r.eval(openDevice+` return (await device.ethereum.getAccount()).address`))
	require.Equal(r.t, harness.FirstAddress, r.seen["signing: account"])
	sign := func(name, call string) {
		r.b.Run("globalThis.signed = outcome(" + call + ")")
		r.s.WaitForQuestion()
		r.note("signing: screen for "+name, strings.Join(r.s.Device.Status().Screen, " / "))
		r.s.Device.Press(device.OK)
		signature := r.eval("return signed")
		require.Regexp(r.t, "^0x[0-9a-f]{100,}$", signature)
		r.note("signing: "+name, signature)
	}
	const message = `device.ethereum.signMessage('hello').then(s => s.signature)`
	sign("a message", message)
	sign("a transaction", `device.ethereum.signTransaction({ chainId: 1, nonce: 1, to: '`+harness.SecondAddress+
		`', value: '0x1', gas: 21000, maxFeePerGas: '0x3b9aca00', maxPriorityFeePerGas: '0x1', type: 2 }).then(s => s.raw)`)

	// The device is unplugged while it asks its user. Then it signs in the same page.
	r.b.Run("globalThis.signed = outcome(" + message + ")")
	r.s.WaitForQuestion()
	r.s.Device.Unplug()
	r.note("signing: unplugged", r.eval("return signed"))
	require.Equal(r.t, "device-disconnected", r.seen["signing: unplugged"])
	r.b.Run("await plugged(0)")
	r.replug()
	r.b.Run(openDevice)
	sign("a message after replugging", message)
	require.Equal(r.t, r.seen["signing: a message"], r.seen["signing: a message after replugging"])
	r.b.Run("await device.close()")
}

// faults injects faults into a packet while the SDK opens the device. Each causes an error, and the next attempt succeeds.
func (r *rig) faults() {
	for _, fault := range []usb.Fault{
		{On: "in", Do: usb.DoStall}, {On: "in", Do: usb.DoShort, Bytes: 10}, {On: "in", Do: usb.DoBabble}, {On: "in", Do: usb.DoZero},
		{On: "in", Do: usb.DoCorrupt, Bytes: 4}, {On: "out", Do: usb.DoStall}, {On: "out", Do: usb.DoShort, Bytes: 10},
	} {
		fault.Packet = 2 // the first packet answers the CANCEL with which a host begins
		r.s.Device.Arm(fault)
		name := fmt.Sprintf("opening with %s on %s", fault.Do, fault.On)
		r.note(name, r.eval(`
			const [device] = await plugged(1)
			const first = await outcome(device.open().then(() => 'ok'))
			await device.close()
			return first`))
		r.s.Device.Arm()
		require.Equal(r.t, "bound", r.eval(`
			const [device] = await plugged(1)
			await device.open()
			const status = await device.bindingStatus()
			await device.close()
			return status`), "after %s", name)
	}
}

// held claims the vendor interface as another program would.
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

// denied runs on a system without the udev rule, until the user does what the page says.
func (r *rig) denied() {
	r.b.Open("/") // releases the device
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

// several plugs in a second device. Each device gives its own answers, and can be unplugged alone.
func (r *rig) several() {
	require.NoError(r.t, r.second.Plug())
	r.waitForKernel(r.second.Port(), true)
	r.load()
	serials := `const all = `
	if r.over == harness.WebSocket { // one object per device
		serials += fmt.Sprintf(`[...await plugged(1), ...await (await sdk.loadImKey({
			usb: (await import('/sim/webusb.js')).simulatedUSB('/sim/usb?device=2'), trustedCAs: %s })).getDevices()]`, r.trusted())
	} else {
		serials += `await plugged(2)`
	}
	r.note("several: serial numbers", r.eval(serials+`
		globalThis.several = {}
		for (const device of all) {
			const { serial } = await device.open()
			several[serial] = device
		}
		return Object.keys(several).sort().join()`))
	require.Equal(r.t, "imKey01191200001,imKey01191200002", r.seen["several: serial numbers"])
	r.s.Device.Unplug()
	r.note("several: one is unplugged", r.eval(`
		const [first, second] = Object.keys(several).sort().map(serial => several[serial])
		return [await outcome(first.bindingStatus()), await outcome(second.bindingStatus())].join()`))
	require.Equal(r.t, "device-disconnected,unbound", r.seen["several: one is unplugged"])
}
