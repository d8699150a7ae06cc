package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

// The questions that people ask the maker about binding codes, one a test. The README's section of that name answers them.

// toBoxes connects and goes on until the code is asked for, and returns the states on the way there.
func (b *browser) toBoxes() (way []string) {
	b.t.Helper()
	b.press("connect")
	for {
		b.until(fmt.Sprintf(`!['start', 'choosing', 'opening', 'waiting', %q].includes(document.querySelector('[data-state]')?.dataset.state)`,
			strings.Join(way[max(0, len(way)-1):], "")))
		state := eval[string](b, "document.querySelector('[data-state]').dataset.state")
		switch state {
		case "code":
			return way
		case "bound", "error":
			require.Failf(b.t, "no code is asked for", "%v, then %s\n%s", way, state, b.text())
		}
		way = append(way, state)
		b.press("go-on")
	}
}

// bindsWith binds with the code, from the start of the page.
func (b *browser) bindsWith(code func() string) (way []string) {
	b.t.Helper()
	b.open("/")
	way = b.toBoxes()
	b.typeCode(code())
	b.state("bound")
	return way
}

// remembered is a code that somebody wrote down.
func remembered(code string) func() string { return func() string { return code } }

// inHand opens the device's own page in another tab, to press its buttons.
func (b *browser) inHand() *browser {
	b.t.Helper()
	page := b.tab()
	page.takes()
	return page
}

// asDApp opens a page of a site that uses the SDK, with the device open, and leaves the connect page by it.
func (b *browser) asDApp() {
	b.t.Helper()
	b.do(chromedp.Navigate(b.sim.url + "/question"))
	b.run(fmt.Sprintf(`
		const { loadImKey } = await import('/imkey.js')
		const imkey = await loadImKey({ trustedCAs: [%q] })
		globalThis.device = (await imkey.getDevices())[0]
		await device.open()`, b.sim.device.Status().CA))
}

// address is the wallet's first.
func (b *browser) address() string {
	b.t.Helper()
	b.asDApp()
	return eval[string](b, "device.ethereum.getAccount().then(async (account) => { await device.close(); return account.address })")
}

func questions(t *testing.T, o device.Options) *sim {
	s := newSim(t, o)
	s.routes.HandleFunc("/question", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>a dApp</title>")
	})
	return s
}

// The app was deleted: here, all that the browser keeps of the site. The code that was written down binds it again, and
// the wallet is what it was.
func TestTheAppWasDeleted(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{Mnemonic: testPhrase(t)})
	b := s.browse(browserOptions{})
	var code string
	b.bindsWith(func() string { code = s.code(); return code })
	require.Equal(t, firstAddress, b.address())

	b.do(chromedp.Navigate("about:blank"))
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: s.url, StorageTypes: "all"})
		return err
	}))
	key := s.device.BoundTo()
	way := b.bindsWith(func() string {
		require.NotContains(t, strings.Join(s.device.Status().Screen, " "), code, "the device does not show it")
		return code
	})
	require.Contains(t, way, "elsewhere", "the device is bound to what was deleted")
	require.NotEqual(t, key, s.device.BoundTo())
	require.Equal(t, firstAddress, b.address())
	b.open("/")
	b.press("connect")
	b.state("bound")
}

// The phone or the browser was changed: the same code binds the new one, which unbinds the old one. That learns of it at
// its next visit, without alarm, and can no longer look the code up.
func TestThePhoneOrTheBrowserWasChanged(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{Mnemonic: testPhrase(t)})
	before := t.TempDir()
	b := s.browse(browserOptions{profile: before})
	var code string
	b.bindsWith(func() string { code = s.code(); return code })
	b.close()

	after := s.browse(browserOptions{})
	way := after.bindsWith(remembered(code))
	require.Contains(t, way, "elsewhere", "it says that the other will be unbound, before it asks for the code")
	require.Equal(t, firstAddress, after.address())
	after.close()

	b = s.browse(browserOptions{profile: before})
	b.open("/")
	way = b.toBoxes()
	require.NotContains(t, way, "error")
	require.NotContains(t, way, "bound")
	require.NotContains(t, s.device.Status().Screen, code)
	b.asDApp()
	require.Equal(t, "bound-elsewhere", eval[string](b, "device.revealBindingCode().catch((error) => error.code)"))
}

// The code was lost, and with it the browser that was bound: the device is reset on its own buttons, the wallet restored
// there from its mnemonic phrase, and the device, the same to look at, binds with a new code. The addresses are the same.
func TestTheCodeWasLost(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{})
	first := s.browse(browserOptions{})
	page := first.inHand()
	hand[any](page, "menu('New: 12 words')")
	words := hand[[]string](page, "writeDown()")
	page.close()
	var lost string
	first.bindsWith(func() string { lost = s.code(); return lost })
	address := first.address()
	first.close()

	b := s.browse(browserOptions{})
	b.open("/")
	require.Contains(t, b.toBoxes(), "elsewhere")
	b.typeCode(wrong(lost)) // a guess
	b.state("wrong")
	serial := s.device.Status().Serial

	page = b.inHand()
	hand[any](page, "menu('Reset')")
	hand[any](page, "press('ok')")
	hand[any](page, "press('ok')")
	require.False(t, s.device.Status().Wallet, "a reset erases the wallet")
	hand[any](page, "menu('Restore')")
	hand[any](page, fmt.Sprintf("restore('%s'.split(' '))", strings.Join(words, " ")))
	page.close()

	var code string
	way := b.bindsWith(func() string {
		code = s.code()
		require.Contains(t, b.text(), "Read the code on your imKey")
		return code
	})
	require.NotContains(t, way, "elsewhere", "nobody is bound any more")
	require.NotEqual(t, lost, code)
	require.Contains(t, b.text(), serial, "it is the same device")
	require.Equal(t, address, b.address(), "and the same wallet")
}

// The code was not copied when it was shown, and the binding is done: the browser that is bound can look it up, or have the
// device show it. Nobody else can.
func TestTheCodeWasNotCopiedAfterTheBinding(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{})
	profile := t.TempDir()
	b := s.browse(browserOptions{profile: profile})
	var code string
	b.bindsWith(func() string { code = s.code(); return code })
	require.NotContains(t, s.device.Status().Screen, code, "it is off the screen")
	b.open("/")
	b.press("connect")
	b.state("bound")
	b.press("view-code")
	b.managed(inHalfMin)
	require.Equal(t, code, b.shown())
	b.press("hide-code")
	b.managed(hidden)
	b.press("show-on-device")
	b.managed("shows the code now")
	require.Equal(t, code, s.code())
	require.NoError(t, s.device.Home())
	b.close()

	other := s.browse(browserOptions{})
	other.open("/")
	require.Contains(t, other.toBoxes(), "elsewhere")
	require.NotContains(t, s.device.Status().Screen, code)
	other.asDApp()
	require.Equal(t, "bound-elsewhere", eval[string](other, "device.showBindingCode().catch((error) => error.code)"))
	require.NotContains(t, s.device.Status().Screen, code)
}

// When does a code appear? On a new device, and on one that was reset, as soon as a browser asks who is bound: not before,
// and without a press. It stays the same until the next reset. That is how the simulated device does it; what real ones do
// in detail is not known.
func TestWhenACodeAppears(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{})
	var codes []string
	b := s.browse(browserOptions{})
	for range 2 {
		require.Equal(t, device.ShowsHome, s.device.Status().Showing)
		b.open("/")
		require.Equal(t, device.ShowsHome, s.device.Status().Showing, "a page that was opened has not asked yet")
		b.press("connect")
		s.is(func(s device.Status) bool { return s.Showing == device.ShowsCode })
		code := s.code()
		require.NotContains(t, codes, code)
		codes = append(codes, code)
		b.until(`!!document.querySelector('[data-action="go-on"]')`)

		// Taken off the screen, it comes back on request, and is the same.
		require.NoError(t, s.device.Press(device.Cancel))
		b.press("go-on")
		b.until(`!!document.querySelector('[data-state="code"], [data-action="go-on"]')`)
		require.NoError(t, s.device.Unplug())
		require.NoError(t, s.device.Plug())
		require.Equal(t, device.ShowsHome, s.device.Status().Showing, "a device that is plugged in shows none by itself")
		b.listed()
		var again string
		b.bindsWith(func() string { again = s.code(); return again })
		require.Equal(t, code, again)
		require.Equal(t, device.ShowsHome, s.device.Status().Showing, "it goes when it has served")
		require.NoError(t, s.device.Reset())
	}
}

// A stolen device whose PIN is known, in a browser that is not bound: nothing is signed, and the code stays hidden. That a
// device which is bound refuses what no binding signature comes with is the simulated device's default. Whether real ones
// do is not known: recorded ones signed for hosts that never were bound, but were bound to nobody.
func TestAStolenDeviceSignsNothingForABrowserThatIsNotBoundAsTheSimulatorDoesIt(t *testing.T) {
	t.Parallel()
	const pin = "2580"
	s := questions(t, device.Options{Mnemonic: testPhrase(t)})
	owner := s.browse(browserOptions{})
	var code string
	owner.bindsWith(func() string { code = s.code(); return code })
	owner.close()
	require.NoError(t, s.device.SetPIN(pin))
	require.NoError(t, s.device.Unplug())
	require.NoError(t, s.device.Plug())

	thief := s.browse(browserOptions{})
	page := thief.inHand()
	hand[any](page, "pin('"+pin+"')")
	require.False(t, s.device.Status().Locked, "the PIN is known")
	page.close()

	thief.open("/")
	require.Contains(t, thief.toBoxes(), "elsewhere")
	thief.asDApp()
	require.Equal(t, "bound-elsewhere", eval[string](thief, "device.bindingStatus()"))
	for _, try := range []string{"showBindingCode()", "revealBindingCode()"} {
		require.Equal(t, "bound-elsewhere", eval[string](thief, "device."+try+".catch((error) => error.code)"), try)
	}
	const transaction = `{ type: 2, chainId: 1, nonce: 0, gas: 21000, maxFeePerGas: 1, maxPriorityFeePerGas: 1, to: '` + secondAddress + `', value: 1 }`
	for _, how := range []string{"{}", "{ allowUnbound: true }"} {
		for _, what := range []string{"signTransaction(" + transaction + ", ", "signMessage('all of it', ", "signTypedData(" + mail + ", "} {
			said := eval[string](thief, "device.ethereum."+what+how+").then(() => 'signed', (error) => error.code)")
			require.Contains(t, []string{"bound-elsewhere", "not-bound"}, said, what+how)
			require.NotEqual(t, device.ShowsQuestion, s.device.Status().Showing, "its person is not even asked")
		}
	}
	require.NotContains(t, s.device.Status().Screen, code)
	thief.run("await device.close()")

	// The page's refusal binds nobody who writes a program of their own: it is the device that has to refuse.
	thief.run(rawHost)
	sign := func() {
		thief.run("globalThis.answer = raw('80540080' + '0E' + '0000' + '010009' + '616C6C206F66206974')")
	}
	thief.run("await rawOpen(); if (!(await raw('00A4040005695F657468')).endsWith('9000')) throw new Error('no applet')")
	sign()
	require.Equal(t, "6942", eval[string](thief, "answer"), "no binding signature verifies")
	require.NotEqual(t, device.ShowsQuestion, s.device.Status().Showing)

	// A device that is set to sign for anybody asks its person, as any does that is bound to nobody.
	s.device.AllowUnbound(true)
	sign()
	s.is(func(s device.Status) bool { return s.Showing == device.ShowsQuestion })
	require.NoError(t, s.device.Press(device.Cancel))
	require.Equal(t, "6940", eval[string](thief, "answer"))
}

// rawHost exchanges APDUs with the device as any program can: core/PROTOCOL.md section 2.
const rawHost = `
	globalThis.rawOpen = async () => {
		globalThis.usb = (await navigator.usb.getDevices())[0]
		await usb.open()
		await usb.selectConfiguration(1)
		await usb.claimInterface(0)
	}
	globalThis.raw = async (hex) => {
		const bytes = hex.match(/../g).map((digits) => parseInt(digits, 16))
		const first = [0, 0, 0, 0, 0xC3, 0, bytes.length, ...bytes]
		if (first.length > 64) throw new Error('one packet is all that is made here')
		await usb.transferOut(4, new Uint8Array(64).map((_, i) => first[i] ?? 0))
		for (;;) {
			const { data } = await usb.transferIn(5, 64)
			const answer = new Uint8Array(data.buffer)
			if (answer[4] !== 0xC3) continue // it waits for its person
			return [...answer.slice(7, 7 + answer[6])].map((b) => b.toString(16).padStart(2, '0')).join('')
		}
	}`
