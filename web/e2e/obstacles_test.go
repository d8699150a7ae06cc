package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/frame"
	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/fakeca"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
)

// What stands in the way of a pairing: each has its code, its own sentence, and loses nothing.

// says checks the sentence of the error that the page shows, and that the code of the error is below it.
func (b *browser) says(code, sentence string) {
	b.t.Helper()
	b.fails(code)
	require.Contains(b.t, b.text(), sentence)
	require.Contains(b.t, b.text(), code)
}

func TestALockedDevice(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{PIN: "123456"})
	b := s.browse(browserOptions{})
	b.open("/")
	b.press("connect")
	b.state("waiting")
	require.Contains(t, b.text(), "PIN")
	require.NoError(t, s.device.Unlock("123456"))
	b.state("recognised") // the page goes on by itself
}

func TestADeviceInItsMenu(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	require.NoError(t, s.device.Menu())
	b := s.browse(browserOptions{})
	b.open("/")
	b.press("connect")
	b.state("waiting")
	require.Contains(t, b.text(), "menu")
	require.NoError(t, s.device.Home())
	b.state("recognised")
}

// A device that wants its person in the middle is waited for as well: the page goes on by itself, without a reload.
func TestADeviceThatWantsItsPersonInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{PIN: "123456"})
	require.NoError(t, s.device.Unlock("123456"))
	b := s.browse(browserOptions{})
	b.open("/")
	b.run("window.sameVisit = true")
	b.press("connect")
	b.state("recognised")
	for _, away := range []struct{ leave, back func() error }{
		{s.device.Lock, func() error { return s.device.Unlock("123456") }},
		{s.device.Menu, s.device.Home},
	} {
		require.NoError(t, away.leave())
		b.press("go-on")
		b.state("waiting")
		require.NoError(t, away.back())
		b.state("recognised")
		b.press("go-on")
		b.state("code")
		s.code()

		require.NoError(t, away.leave())
		b.press("show-again")
		b.state("waiting")
		require.NoError(t, away.back())
		b.state("recognised")

		b.press("go-on")
		b.state("code")
		code := s.code()
		require.NoError(t, away.leave())
		b.typeCode(code)
		b.state("waiting")
		require.NoError(t, away.back())
		b.state("recognised")
	}
	require.True(t, eval[bool](b, "window.sameVisit"))
}

func TestADeviceInItsBootLoader(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	require.NoError(t, s.device.SetBootLoader(true))
	b := s.browse(browserOptions{})
	b.open("/")
	b.press("connect")
	b.says("boot-loader", "boot loader")
	require.NoError(t, s.device.SetBootLoader(false))
	b.press("retry")
	b.recovers("recognised")
}

// stranger is a device with an imKey's USB ids that answers every command with 6D00.
type stranger struct {
	send func([]byte)
	asm  frame.Assembler
}

func (d *stranger) Attach(send func([]byte)) { d.send = send }
func (d *stranger) Detach()                  {}
func (d *stranger) Packet(p []byte) {
	ev, err := d.asm.Add(p)
	switch {
	case err != nil || ev.Kind == frame.WasCancel:
		answer := frame.Error(frame.InvalidCommand)
		d.send(answer[:])
	case ev.Kind == frame.Message:
		packets, err := frame.Split(apdu.Response{SW: apdu.InstructionNotSupported}.Bytes())
		if err != nil {
			panic(err)
		}
		for i := range packets {
			d.send(packets[i][:])
		}
	}
}

func TestADeviceThatIsNoIMKey(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	s.plugInstead(usb.NewPort(usb.Identity{Serial: s.device.Status().Serial, Product: "Something else"}, &stranger{}, nil))
	b := s.browse(browserOptions{})
	b.open("/")
	b.press("connect")
	b.says("not-imkey", "does not answer as an imKey")
}

func TestAnInterfaceThatAnotherProgramHolds(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	s.device.Port().SetAccess(usb.Access{Claimed: true})
	b.open("/")
	b.press("connect")
	b.says("in-use-elsewhere", "Another browser, tab or program is using your imKey")
	s.device.Port().SetAccess(usb.Access{})
	b.press("retry")
	b.recovers("recognised")
}

func TestAnotherTabHoldsTheDevice(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.press("connect")
	b.state("recognised")
	other := b.tab()
	other.open("/")
	other.press("connect")
	other.state("in-use")
	require.Contains(t, other.text(), "Another tab is using your imKey")
	b.open("/") // the first tab lets go
	other.press("take-over")
	other.state("recognised")
}

func TestTheSystemDeniesAccess(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.listed() // Chromium opens a device once to list it
	s.device.Port().SetAccess(usb.Access{Denied: true})
	b.press("connect")
	b.says("permission-denied", "Your system does not let the browser open the imKey")
	require.Contains(t, b.text(), `ATTR{idVendor}=="096e"`, "the udev rule, on Linux")
	s.device.Port().SetAccess(usb.Access{})
	b.press("retry")
	b.recovers("recognised")
}

func TestThePermissionIsRevoked(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	s.answered(0x72, 1)
	b.run("for (const d of await navigator.usb.getDevices()) await d.forget()")
	b.typeCode(s.code())
	b.fails("permission-denied")
	require.Equal(t, 10, s.device.Status().CodeAttemptsLeft)
}

// The chooser of a headless Chromium closes when it likes, so the one that stays open is a promise; the simulated one
// closes at once when nothing is plugged in, as Chromium's does when its person closes it.
func TestNothingIsChosen(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{forbidden: true})
	b.open("/")
	b.run("USB.prototype.requestDevice = () => new Promise(() => {})")
	b.press("connect")
	b.state("choosing")
	b.press("cancel")
	b.state("start")
	require.NoError(t, s.device.Unplug())
	b.press("connect-simulated")
	b.says("request-cancelled", "No imKey was chosen")
	b.press("stop")
	b.recovers("start")
}

func TestAFrameWithoutTheRight(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	s.routes.HandleFunc("/outer", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		// The page itself refuses to be framed; the SDK on a site of somebody's has to cope with it.
		w.Write([]byte(`<!doctype html><title>outer</title><iframe src="/inner" allow="usb 'none'"></iframe>`))
	})
	s.routes.HandleFunc("/inner", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<!doctype html><title>inner</title>`))
	})
	b := s.browse(browserOptions{})
	b.do(chromedp.Navigate(s.url + "/outer"))
	b.until("document.querySelector('iframe').contentDocument?.title === 'inner'")
	code := eval[string](b, `(async () => {
		const inner = document.querySelector('iframe').contentWindow
		const imkey = await inner.eval("import('/imkey.js')")
		return imkey.loadImKey().then(i => i.requestDevice()).then(() => 'none', e => e.code)
	})()`)
	require.Equal(t, "permission-denied", code)
}

func TestTheStorageIsFull(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	quota := func(bytes *float64) {
		b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, storage.OverrideQuotaForOrigin, storage.OverrideQuotaForOriginParams{Origin: s.url, QuotaSize: bytes})
			return err
		}))
	}
	none := 1.0
	quota(&none)
	b.press("connect")
	b.says("storage-full", "")
	require.Empty(t, s.bindings(), "nothing was asked of the device that could not be kept")
	quota(nil)
	b.press("retry")
	b.recovers("recognised")
}

func TestTheStorageIsBlocked(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	profile := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(profile, "Default"), 0o700))
	// As in the browser's settings: sites may save nothing on this device.
	preferences, err := json.Marshal(map[string]any{"profile": map[string]any{"default_content_setting_values": map[string]any{"cookies": 2}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(profile, "Default", "Preferences"), preferences, 0o600))
	b := s.browse(browserOptions{profile: profile})
	b.open("/")
	b.press("connect")
	b.says("storage", "")
	require.Empty(t, s.bindings())
}

// A record that does not authenticate is reported and stays as it is: nothing overwrites it, until its person has it
// forgotten.
func TestACorruptRecord(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	code := b.bind()
	b.press("done")
	const change = `
		const open = indexedDB.open('imkey-connect')
		const db = await new Promise((ok, no) => { open.onsuccess = () => ok(open.result); open.onerror = no })
		const store = db.transaction('records', 'readwrite').objectStore('records')
		const key = await new Promise(ok => store.getAllKeys().onsuccess = e => ok(e.target.result[0]))
		const value = await new Promise(ok => store.get(key).onsuccess = e => ok(e.target.result))
		value[30] ^= 1
		await new Promise(ok => store.put(value, key).onsuccess = ok)
		db.close()`
	b.run(change)
	b.open("/")
	b.press("connect")
	b.says("record-corrupt", "")
	b.run(change) // the bit back: had anything been written over it, this would not help
	b.press("retry")
	b.recovers("bound")

	b.run(change)
	b.open("/")
	require.NotContains(t, b.knows("A record that cannot be read"), "onnected", "whose it is, nobody knows")
	b.press("connect")
	b.says("record-corrupt", "Forget this binding")
	b.press("forget")
	b.recovers("forget")
	b.press("keep-binding")
	b.fails("record-corrupt")
	b.press("forget")
	b.recovers("forget")
	b.press("forget-now")
	b.state("start")
	b.pairsElsewhere(code)
}

// A device that shows another identity than the one that was bound is refused, until its person says that it is theirs.
func TestADeviceWithAnotherIdentity(t *testing.T) {
	t.Parallel()
	ca, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	s := newSim(t, device.Options{CA: ca})
	profile := t.TempDir()
	b := s.browse(browserOptions{profile: profile})
	b.open("/")
	b.toCode()
	b.typeCode(s.code())
	b.state("bound")
	b.close()

	before := s.device.Status()
	other, err := device.New(device.Options{CA: ca, Serial: before.Serial, SEID: before.SEID, Applets: applets.All()})
	require.NoError(t, err)
	t.Cleanup(func() { other.Close() })
	s.plugInstead(other.Port())
	b = s.browse(browserOptions{profile: profile})
	b.open("/")
	b.press("connect")
	b.says("device-mismatch", "another identity")
	b.press("forget")
	b.recovers("forget")
	require.Contains(t, b.text(), "your own imKey")
	require.Contains(t, b.text(), before.Serial)
	b.press("forget-now")
	b.state("start")
	b.press("connect")
	b.state("recognised")
	b.press("go-on")
	b.state("code")
	code, err := simtest.ReadCode(s.ctx, other)
	require.NoError(t, err)
	b.typeCode(code)
	b.state("bound")
}

func TestTheStorageIsClearedBetweenVisits(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	code := b.bind()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: s.url, StorageTypes: "indexeddb"})
		return err
	}))
	b.open("/")
	b.pairsElsewhere(code)
}

// pairsElsewhere binds, from the start of the page, a device that knows this browser no more.
func (b *browser) pairsElsewhere(code string) {
	b.t.Helper()
	b.press("connect")
	b.state("recognised")
	b.press("go-on")
	b.state("elsewhere")
	b.press("go-on")
	b.state("code")
	b.typeCode(code)
	b.state("bound")
}

func TestTenWrongCodes(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	code := s.code()
	for n := range 10 {
		b.typeCode(wrong(code))
		b.state("wrong")
		require.Equal(t, 9-n, s.device.Status().CodeAttemptsLeft)
		if left := 9 - n; left > 1 {
			require.Contains(t, b.text(), strconv.Itoa(left)+" tries are left")
		}
	}
	require.Contains(t, b.text(), "hold its OK button", "what to do next")
	b.typeCode(code)
	b.says("code-locked", "")
	require.NoError(t, s.device.Hold(device.OK))
	b.press("retry")
	b.recovers("recognised")
	b.press("go-on")
	b.state("code")
	b.typeCode(code)
	b.state("bound")
}

// What is typed wrongly is refused at once, with the reason, and the device hears nothing of it.
func TestCharactersThatNoCodeHas(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	s.answered(0x72, 1)
	before := s.packets()
	for _, c := range strings.Split("0O1Ioi", "") {
		b.do(chromedp.KeyEvent(c))
		b.until(`document.getElementById('code-hint').textContent !== ''`)
		require.Equal(t, 1, eval[int](b, `document.querySelectorAll('.code-box[aria-invalid="true"]').length`), "%q is flagged", c)
		b.do(chromedp.KeyEvent("\b"))
	}
	b.do(chromedp.KeyEvent("abcdefg0"), chromedp.KeyEvent("\r"))
	require.Equal(t, "ABCDEFG0", eval[string](b, "[...document.querySelectorAll('.code-box')].map(i => i.value).join('')"), "upper-case on the fly")
	require.Equal(t, "code", eval[string](b, "document.querySelector('[data-state]').dataset.state"))
	require.Equal(t, before, s.packets(), "a malformed code reached the device")
}

// A device that says nothing holds nobody up: what was pressed is answered at once, and what is awaited is said.
func TestAMuteDevice(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	mute := []usb.Fault{{On: "in", Packet: 1, Do: usb.DoDrop, Count: 1000}}
	now := func() string { return eval[string](b, "document.querySelector('[data-state]').dataset.state") }
	b.open("/")
	require.NoError(t, s.device.Port().SetFaults(mute))
	b.press("connect")
	b.state("opening")
	b.press("cancel")
	require.Equal(t, "start", now())
	b.press("connect") // waits until the device is given back
	require.NoError(t, s.device.Port().SetFaults(nil))
	b.state("recognised")
	b.press("go-on")
	b.state("code")
	code := s.code()

	require.NoError(t, s.device.Port().SetFaults(mute))
	b.typeCode(code)
	b.state("checking")
	b.press("cancel")
	require.Equal(t, "stopping", now())
	require.Contains(t, b.text(), "Your imKey is told")
	require.Empty(t, eval[[]string](b, "[...document.querySelectorAll('.state button')].map(b => b.textContent)"))
	require.NoError(t, s.device.Port().SetFaults(nil))
	b.state("code")
	require.Contains(t, b.text(), "Stopped. This browser is not bound.")
	b.typeCode(code)
	b.state("bound")
}
