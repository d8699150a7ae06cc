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

// crashPage is a page that lives a part of a binding's life, with IndexedDB writes that end as they are told to, and then
// finds out what is left of it.
const crashPage = `<!doctype html><title>crash</title>
<script>
globalThis.writing = { n: 0, at: 0, how: '' }
const die = () => {
	const request = new XMLHttpRequest()
	request.open('POST', '/crash/die', false)
	request.send() // is never answered, and holds the page where it is
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
		// A disk that fails goes on failing; a tab is killed once.
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
			// The browser has not noticed yet that the cable was pulled.
			if (error.code !== 'device-disconnected' || !starting) throw error
		}
		await plugged
	}
}
let starting = true // until something is to be cut off: then the device may be gone
const paper = async () => (await fetch('/crash/paper')).text()
const read = async (device) => { // off the screen
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
const lives = {
	bind: { before: wipe, live: bind },
	rebind: { before: elsewhere, live: bind },
	'rebind in a new browser': { async before() { await wipe(); await elsewhere() }, live: bind },
	forget: { async before() {}, async live() {
		const device = await open('indexeddb')
		await device.bindingStatus()
		await device.forget()
		await device.close()
	} },
}
globalThis.before = async (name) => { await lives[name].before(); return true }
// live says what became of it: '' is that it came to its end.
globalThis.live = (name, at, how) => {
	Object.assign(writing, { n: 0, at, how })
	starting = false
	return lives[name].live().then(() => '', (error) => error.code ?? String(error))
}
// left says what is left of the binding, enters the code if it has to, and says what comes of that.
globalThis.left = async () => {
	const device = await open('indexeddb')
	const [record] = await (await loadImKey({ trustedCAs })).knownDevices()
	const status = await device.bindingStatus()
	if (status !== 'bound') await device.bind(status === 'unbound' ? await read(device) : await paper())
	// A key that was bound before may have been bound by whoever shares it: the code of an attempt that was cut is not known.
	const unsure = status === 'bound' && record.state === 'unfinished' && record.boundAt !== null
	const code = await device.revealBindingCode().catch((error) => unsure && error.data?.reason === 'not-remembered' ? 'unsure' : error.code)
	const result = { status, then: await device.bindingStatus(), code, unsure }
	await device.close()
	return JSON.stringify(result)
}
// The page before has released the device or was killed. Its locks are free soon: wait for each.
for (const { name } of (await navigator.locks.query()).held) await navigator.locks.request(name, () => {})
document.title = 'ready'
</script>`

// crashing is a browser whose tab comes to an end again and again.
type crashing struct {
	t     *testing.T
	sim   *harness.Sim
	root  *harness.Browser
	tab   *harness.Browser
	paper atomic.Pointer[string]
	dying chan struct{} // the page has come to where it is to be killed
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
	c.fresh()
	return c
}

// fresh is the browser's next tab.
func (c *crashing) fresh() {
	if c.tab != nil {
		c.tab.Close()
	}
	c.tab = c.root.NewTab()
	c.tab.Open("/crash")
	c.tab.WaitUntil("document.title === 'ready'")
}

// begin makes the state that a life begins with.
func (c *crashing) begin(life string) {
	if life == "bind" {
		c.sim.Device.Reset()
	}
	harness.Eval[bool](c.tab, fmt.Sprintf("before(%q)", life))
}

// live starts a life; what becomes of it comes over the channel, if the tab lives.
func (c *crashing) live(life string, at int, how string) <-chan string {
	ended := make(chan string, 1)
	ctx := c.tab.Ctx
	go func() {
		end, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("live(%q, %d, %q)", life, at, how), chromedp.EvalAwaitPromise))
		if err == nil {
			ended <- end
		}
	}()
	return ended
}

func (c *crashing) await(ended <-chan string) string {
	select {
	case end := <-ended:
		return end
	case <-c.sim.Ctx.Done():
		require.Fail(c.t, "it never ends")
		return ""
	}
}

// lived is what a life left behind. The page is started again, enters the code if it has to, and is held to the truth.
func (c *crashing) lived(what, life string, before []byte, want fate) {
	t := c.t
	key := c.sim.Device.Simulated.BoundTo()
	c.fresh()
	var found struct {
		Status, Then, Code string
		Unsure             bool
	}
	require.NoError(t, json.Unmarshal([]byte(harness.Eval[string](c.tab, "left()")), &found), what)
	bound := found.Status == "bound"
	if life != "forget" {
		// Who is bound after it and was not before it is this browser.
		require.Equal(t, key != nil && !bytes.Equal(before, key), bound, "%s: the browser and the device disagree", what)
	} else if want != either {
		require.Equal(t, want == kept, bound, what)
	}
	require.Equal(t, "bound", found.Then, "%s: the code entered once", what)
	require.Equal(t, bound, bytes.Equal(key, c.sim.Device.Simulated.BoundTo()), "%s: bound by the code, or before it", what)
	if found.Unsure {
		require.Equal(t, "unsure", found.Code, "%s: a code is told that may be wrong", what)
	} else {
		require.Equal(t, *c.paper.Load(), found.Code, what)
	}
}

// fate is what must have become of a binding that was to be forgotten.
type fate int

const (
	either fate = iota
	kept
	gone
)

// undisturbed lives a life to its end and returns its packets, o out and i in, and how often it wrote.
func (c *crashing) undisturbed(life string) (packets string, writes int) {
	c.begin(life)
	before, from := c.sim.Device.Simulated.BoundTo(), len(c.sim.PacketDirections())
	require.Empty(c.t, c.await(c.live(life, 0, "")))
	packets, writes = c.sim.PacketDirections()[from:], harness.Eval[int](c.tab, "writing.n")
	c.lived(life, life, before, gone)
	return packets, writes
}

// cutPacket ends a life at its nth packet, from 0.
func (c *crashing) cutPacket(life, packets string, n int, how string) {
	what := fmt.Sprintf("%s: %s at packet %d (%c)", life, how, n+1, packets[n])
	c.begin(life)
	before := c.sim.Device.Simulated.BoundTo()
	nth := map[string]int{"out": 1 + strings.Count(packets[:n], "o"), "in": 1 + strings.Count(packets[:n], "i")}
	direction, seen := "in", n
	if packets[n] == 'o' {
		direction, seen = "out", n+1 // what is dropped on its way out was on the wire
	}
	faults := []usb.Fault{{On: direction, Packet: nth[direction], Do: usb.Action(how)}}
	if how == killed {
		// Everything stands still from that packet on, and there the tab is killed.
		faults = nil
		for on, packet := range nth {
			faults = append(faults, usb.Fault{On: on, Packet: packet, Do: usb.DoDrop, Count: 1000})
		}
	}
	from := len(c.sim.PacketDirections())
	c.sim.Device.Arm(faults...)
	ended := c.live(life, 0, "")
	if how == killed {
		c.sim.WaitForPackets(from + seen)
		c.tab.Kill()
	} else {
		require.Equal(c.t, "device-disconnected", c.await(ended), what)
		// The fault has done it; these wait until it is done.
		if how == string(usb.DoPowerCut) {
			c.sim.Device.PowerCut()
		} else {
			c.sim.Device.Unplug()
		}
		c.sim.Device.Plug()
	}
	c.sim.Device.Simulated.Port().ClearFaults()
	c.lived(what, life, before, kept)
}

// cutWrite ends a life at its nth write, from 0.
func (c *crashing) cutWrite(life string, n int, how ending) {
	what := fmt.Sprintf("%s: %s at write %d", life, how.name, n+1)
	c.begin(life)
	before := c.sim.Device.Simulated.BoundTo()
	ended := c.live(life, n+1, how.name)
	if how.says != "" {
		require.Equal(c.t, how.says, c.await(ended), what)
	} else {
		select {
		case <-c.dying:
		case end := <-ended:
			require.Fail(c.t, "it did not come so far", "%s: %s", what, end)
		case <-c.sim.Ctx.Done():
			require.Fail(c.t, "it never came so far", what)
		}
		c.tab.Kill()
	}
	c.lived(what, life, before, how.leaves)
}

const killed = "killed"

// ending is one of the page's endings of a write.
type ending struct {
	name   string
	says   string // the error that the page gets; "": the tab is killed
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
	for _, life := range []string{"bind", "rebind", "rebind in a new browser", "forget"} {
		packets, writes := c.undisturbed(life)
		// The key that wraps, pending, verify-sent, bound; a record that is there has the first two, and becomes former.
		require.Equal(t, map[string]int{"bind": 4, "rebind": 3, "rebind in a new browser": 4, "forget": 1}[life], writes, life)
		require.Greater(t, len(packets), 30, life)
		for _, how := range []string{string(usb.DoUnplug), string(usb.DoPowerCut), killed} {
			each(life+": "+how+" at a packet", len(packets), func(n int) { c.cutPacket(life, packets, n, how) })
		}
		for _, how := range endings {
			each(life+": "+how.name+" at a write", writes, func(n int) { c.cutWrite(life, n, how) })
		}
	}
	t.Logf("%d of %d cut points: no binding lost, none half, none falsely told", taken, points)
}
