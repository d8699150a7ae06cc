package pairing

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/harness"
)

// crashPage is a page that does one operation on a binding, with writes to IndexedDB that fail in a chosen way, and that then says
// what is left of the binding.
const crashPage = `<!doctype html><title>crash</title>
<script>
globalThis.writing = { n: 0, at: 0, how: '' }
const die = () => {
	const request = new XMLHttpRequest()
	request.open('POST', '/crash/die', false)
	request.send() // is never answered, and blocks the page
}
const endings = {
	quota() { throw new DOMException('', 'QuotaExceededError') },
	unknown() { throw new DOMException('', 'UnknownError') },
	abort(write, transaction) { const request = write(); transaction.abort(); return request },
	late(write, transaction) { const request = write(); request.addEventListener('success', () => transaction.abort()); return request },
	before() { die() },
	after(write) { const request = write(); die(); return request },
	written(write) { const request = write(); request.addEventListener('success', die); return request },
	committed(write, transaction) { transaction.addEventListener('complete', die, { capture: true }); return write() },
}
for (const name of ['put', 'add', 'delete']) {
	const original = IDBObjectStore.prototype[name]
	IDBObjectStore.prototype[name] = function (...values) {
		const write = () => original.apply(this, values)
		// A disk that fails keeps failing. A tab is killed once.
		return ++writing.n >= writing.at && writing.at > 0 ? endings[writing.how](write, this.transaction) : write()
	}
}
</script>
<script type="module">
import { loadImKey } from '/imkey.js'
const trustedCAs = ['%s']
const open = async (store) => {
	const imkey = await loadImKey({ trustedCAs, store, rememberCode: true })
	for (;;) {
		const plugged = new Promise((go) => imkey.addEventListener('connect', go, { once: true }))
		const [device] = await imkey.getDevices()
		try {
			await device?.open()
			if (device) return device
		} catch (error) {
			// The browser has not noticed yet that the device was unplugged.
			if (error.code !== 'device-disconnected' || !starting) throw error
		}
		await plugged
	}
}
let starting = true // false once the operation begins: before, the device may still be unplugged
const paper = async () => (await fetch('/crash/paper')).text()
const read = async (device) => { // from the screen
	await device.showBindingCode()
	return (await fetch('/crash/screen')).text()
}
const wipe = () => new Promise((ok, no) => {
	const request = indexedDB.deleteDatabase('imkey-connect')
	request.onsuccess = ok
	request.onerror = request.onblocked = no
})
const elsewhere = async () => {
	const device = await open('memory')
	await device.bind(await paper())
	await device.close()
}
const bind = async (code) => {
	const device = await open('indexeddb')
	const status = await device.bindingStatus()
	if (status === 'bound') throw new Error('it is bound already')
	await device.bind(status === 'unbound' ? await read(device) : await paper())
	await device.close()
}
const operations = {
	bind: { before: wipe, run: bind },
	rebind: { before: elsewhere, run: bind },
	'rebind in a new browser': { async before() { await wipe(); await elsewhere() }, run: bind },
	forget: { async before() {}, async run() {
		const device = await open('indexeddb')
		await device.bindingStatus()
		await device.forget()
		await device.close()
	} },
}
globalThis.before = async (name) => { await operations[name].before(); return true }
// run does an operation and gives the code of its error; '' is success.
globalThis.run = (name, at, how) => {
	Object.assign(writing, { n: 0, at, how })
	starting = false
	return operations[name].run().then(() => '', (error) => error.code ?? String(error))
}
// left gives the binding status, enters the code where it is not bound, and gives the status after that.
globalThis.left = async () => {
	const device = await open('indexeddb')
	const status = await device.bindingStatus()
	if (status !== 'bound') await device.bind(status === 'unbound' ? await read(device) : await paper())
	const code = await device.revealBindingCode().catch((error) => error.code)
	const result = { status, then: await device.bindingStatus(), code }
	await device.close()
	return JSON.stringify(result)
}
// The page before has released the device or was killed. Its locks are free soon: wait for each.
for (const { name } of (await navigator.locks.query()).held) await navigator.locks.request(name, () => {})
document.title = 'ready'
</script>`

// crashing is a browser whose tab crashes again and again.
type crashing struct {
	t     *testing.T
	sim   *harness.Sim
	root  *harness.Browser
	tab   *harness.Browser
	paper atomic.Pointer[string]
	dying chan struct{} // the page has reached the point at which it is killed
}

func newCrashing(t *testing.T, bound time.Duration) *crashing {
	s := harness.NewSimFor(t, device.Options{}, bound)
	c := &crashing{t: t, sim: s, dying: make(chan struct{}, 1)}
	s.ServeHTML("/crash", fmt.Sprintf(crashPage, s.Device.CA()))
	s.Handle("/crash/paper", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, *c.paper.Load()) })
	s.Handle("/crash/screen", func(w http.ResponseWriter, r *http.Request) {
		code := s.Device.Code()
		c.paper.Store(&code)
		fmt.Fprint(w, code)
	})
	s.Handle("/crash/die", func(w http.ResponseWriter, r *http.Request) {
		c.dying <- struct{}{}
		<-r.Context().Done()
	})
	c.root = s.StartBrowser(harness.BrowserOptions{})
	c.newTab()
	return c
}

// newTab closes the tab and opens the next one.
func (c *crashing) newTab() {
	if c.tab != nil {
		c.tab.Close()
	}
	c.tab = c.root.NewTab()
	c.tab.Open("/crash")
	c.tab.WaitUntil("document.title === 'ready'")
}

// begin makes the state in which an operation begins.
func (c *crashing) begin(operation string) {
	if operation == "bind" {
		c.sim.Device.Reset()
	}
	harness.Eval[bool](c.tab, fmt.Sprintf("before(%q)", operation))
}

// start starts an operation. The code of its error comes over the channel, unless the tab is killed.
func (c *crashing) start(operation string, at int, how string) <-chan string {
	ended := make(chan string, 1)
	ctx := c.tab.Ctx
	go func() {
		end, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("run(%q, %d, %q)", operation, at, how), chromedp.EvalAwaitPromise))
		if err == nil {
			ended <- end
		}
	}()
	return ended
}

// await waits until an operation ends.
func (c *crashing) await(ended <-chan string) string {
	select {
	case end := <-ended:
		return end
	case <-c.sim.Ctx.Done():
		require.Fail(c.t, "the operation does not end")
		return ""
	}
}

// check checks what an operation left behind: it opens a new tab, which enters the code where it has to. before is the key that the
// device was bound to before the operation.
func (c *crashing) check(what, operation string, before []byte, want fate) {
	t := c.t
	key := c.sim.Device.Simulated.BoundTo()
	c.newTab()
	var found struct {
		Status, Then, Code string
	}
	require.NoError(t, json.Unmarshal([]byte(harness.Eval[string](c.tab, "left()")), &found), what)
	bound := found.Status == "bound"
	if operation != "forget" {
		// A device that is bound to another key than before is bound to this browser.
		require.Equal(t, key != nil && !bytes.Equal(before, key), bound, "%s: the browser and the device disagree", what)
	} else if want != either {
		require.Equal(t, want == kept, bound, what)
	}
	require.Equal(t, "bound", found.Then, "%s: after the code was entered once", what)
	require.Equal(t, bound, bytes.Equal(key, c.sim.Device.Simulated.BoundTo()), "%s: the key has changed though the device was bound", what)
	// The device is bound to the key of the attempt that was cut, or to the one after it, and the record keeps the code of each.
	require.Equal(t, *c.paper.Load(), found.Code, what)
}

// fate is what must have happened to a binding that was to be forgotten.
type fate int

const (
	either fate = iota
	kept
	gone
)

// undisturbed does an operation without a cut. It returns the direction of its packets, o or i, and the number of its writes.
func (c *crashing) undisturbed(operation string) (packets string, writes int) {
	c.begin(operation)
	before, from := c.sim.Device.Simulated.BoundTo(), len(c.sim.PacketDirections())
	require.Empty(c.t, c.await(c.start(operation, 0, "")))
	packets, writes = c.sim.PacketDirections()[from:], harness.Eval[int](c.tab, "writing.n")
	c.check(operation, operation, before, gone)
	return packets, writes
}

// cutPacket cuts an operation at its packet n, counted from 0.
func (c *crashing) cutPacket(operation, packets string, n int, how string) {
	what := fmt.Sprintf("%s: %s at packet %d (%c)", operation, how, n+1, packets[n])
	c.begin(operation)
	before := c.sim.Device.Simulated.BoundTo()
	nth := map[string]int{"out": 1 + strings.Count(packets[:n], "o"), "in": 1 + strings.Count(packets[:n], "i")}
	direction, seen := "in", n
	if packets[n] == 'o' {
		direction, seen = "out", n+1 // a packet to the device that is dropped was on the wire
	}
	faults := []usb.Fault{{On: direction, Packet: nth[direction], Do: usb.Action(how)}}
	if how == killed {
		// Every packet from that one on is dropped, and the tab is killed.
		faults = nil
		for on, packet := range nth {
			faults = append(faults, usb.Fault{On: on, Packet: packet, Do: usb.DoDrop, Count: 1000})
		}
	}
	from := len(c.sim.PacketDirections())
	c.sim.Device.Arm(faults...)
	ended := c.start(operation, 0, "")
	if how == killed {
		c.sim.WaitForPackets(from + seen)
		c.tab.Kill()
	} else {
		require.Equal(c.t, "device-disconnected", c.await(ended), what)
		// These wait until the fault has done it.
		if how == string(usb.DoPowerCut) {
			c.sim.Device.PowerCut()
		} else {
			c.sim.Device.Unplug()
		}
		c.sim.Device.Plug()
	}
	c.sim.Device.Simulated.Port().ClearFaults()
	c.check(what, operation, before, kept)
}

// cutWrite cuts an operation at its write n, counted from 0.
func (c *crashing) cutWrite(operation string, n int, how ending) {
	what := fmt.Sprintf("%s: %s at write %d", operation, how.name, n+1)
	c.begin(operation)
	before := c.sim.Device.Simulated.BoundTo()
	ended := c.start(operation, n+1, how.name)
	if how.code != "" {
		require.Equal(c.t, how.code, c.await(ended), what)
	} else {
		select {
		case <-c.dying:
		case end := <-ended:
			require.Fail(c.t, "the operation ended before the cut", "%s: %s", what, end)
		case <-c.sim.Ctx.Done():
			require.Fail(c.t, "the operation does not reach the cut", what)
		}
		c.tab.Kill()
	}
	c.check(what, operation, before, how.leaves)
}

const killed = "killed"

// ending is how a write ends: see endings in crashPage.
type ending struct {
	name   string
	code   string // of the error in the page; "" where the tab is killed
	leaves fate   // of a record that was to be deleted
}

var endings = []ending{
	{"quota", "storage-full", kept},
	{"unknown", "storage", kept},
	{"abort", "storage", kept},
	{"late", "storage", kept},
	{"before", "", kept},
	{"after", "", either},
	{"written", "", either},
	{"committed", "", gone},
}

// TestBindingSurvivesCrashes cuts a binding, a second binding and the forgetting of one at every packet and at every write to
// IndexedDB: the cable is pulled, the power fails, the tab is killed, the disk fails. It makes all cuts where IMKEY_FULL is
// set, and a sample otherwise.
func TestBindingSurvivesCrashes(t *testing.T) {
	t.Parallel()
	all := os.Getenv("IMKEY_FULL") != ""
	bound := harness.Timeout
	if all {
		bound = time.Hour
	}
	c := newCrashing(t, bound)
	kinds, points, taken := 0, 0, 0
	each := func(kind string, of int, cut func(n int)) {
		kinds++
		points += of
		if !all {
			if kinds%6 == 1 { // near the end, where the device binds
				cut(of * 7 / 8)
				taken++
			}
			return
		}
		for n := range of {
			cut(n)
		}
		taken += of
		t.Logf("%3d points: %s", of, kind)
	}
	for _, operation := range []string{"bind", "rebind", "rebind in a new browser", "forget"} {
		packets, writes := c.undisturbed(operation)
		// The wrapping key, pending, verify-sent, bound. A record that exists has the first two, and becomes former.
		require.Equal(t, map[string]int{"bind": 4, "rebind": 3, "rebind in a new browser": 4, "forget": 1}[operation], writes, operation)
		require.Greater(t, len(packets), 30, operation)
		for _, how := range []string{string(usb.DoUnplug), string(usb.DoPowerCut), killed} {
			each(operation+": "+how+" at a packet", len(packets), func(n int) { c.cutPacket(operation, packets, n, how) })
		}
		for _, how := range endings {
			each(operation+": "+how.name+" at a write", writes, func(n int) { c.cutWrite(operation, n, how) })
		}
	}
	t.Logf("%d of %d cuts: no binding was lost, incomplete or reported wrongly", taken, points)
}
