package security

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// The questions that users ask the vendor about binding codes, one a test. docs/dapps.md answers them.

// toBoxes connects and goes on until the code is asked for, and returns the states on the way there.
func toBoxes(b *harness.Browser) (way []string) {
	b.T.Helper()
	b.Press("connect")
	for {
		b.WaitUntil(fmt.Sprintf(`!['start', 'choosing', 'opening', 'waiting', %q].includes(document.querySelector('[data-state]')?.dataset.state)`,
			strings.Join(way[max(0, len(way)-1):], "")))
		state := harness.Eval[string](b, "document.querySelector('[data-state]').dataset.state")
		switch state {
		case "code":
			return way
		case "bound", "error":
			require.Failf(b.T, "no code is asked for", "%v, then %s\n%s", way, state, b.Text())
		}
		way = append(way, state)
		b.Press("go-on")
	}
}

// bindsWith binds with the code, from the start of the page.
func bindsWith(b *harness.Browser, code func() string) (way []string) {
	b.T.Helper()
	b.Open("/")
	way = toBoxes(b)
	b.EnterCode(code())
	b.WaitForState("bound")
	return way
}

// remembered is a code that somebody wrote down.
func remembered(code string) func() string { return func() string { return code } }

// inHand opens the device's own page in another tab, to press its buttons.
func inHand(b *harness.Browser) *harness.Browser {
	b.T.Helper()
	page := b.NewTab()
	page.HoldDevice()
	return page
}

// asDApp opens a page of a site that uses the SDK, with the device open, and leaves the connect page by it.
func asDApp(b *harness.Browser) {
	b.T.Helper()
	b.Do(chromedp.Navigate(b.Sim.URL + "/question"))
	b.Run(fmt.Sprintf(`
		const { loadImKey } = await import('/imkey.js')
		const imkey = await loadImKey({ trustedCAs: [%q] })
		globalThis.device = (await imkey.getDevices())[0]
		await device.open()`, b.Sim.Device.CA()))
}

// walletAddress is the first address of the wallet.
func walletAddress(b *harness.Browser) string {
	b.T.Helper()
	asDApp(b)
	return harness.Eval[string](b, "device.ethereum.getAccount().then(async (account) => { await device.close(); return account.address })")
}

func questions(t *testing.T, o device.Options) *harness.Sim {
	s := harness.NewSim(t, o)
	s.ServeHTML("/question", "<!doctype html><title>a dApp</title>")
	return s
}

// TestAppDeleted deletes all data of the site. The code that was written down binds the browser again, and the wallet is
// unchanged.
func TestAppDeleted(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	b := s.StartBrowser(harness.BrowserOptions{})
	var code string
	bindsWith(b, func() string { code = s.Device.Code(); return code })
	require.Equal(t, harness.FirstAddress, walletAddress(b))

	b.Do(chromedp.Navigate("about:blank"))
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: s.URL, StorageTypes: "all"})
		return err
	}))
	key := s.Device.Simulated.BoundTo()
	way := bindsWith(b, func() string {
		require.NotContains(t, strings.Join(s.Device.Status().Screen, " "), code, "the device does not show it")
		return code
	})
	require.Contains(t, way, "elsewhere", "the device is bound to what was deleted")
	require.NotEqual(t, key, s.Device.Simulated.BoundTo())
	require.Equal(t, harness.FirstAddress, walletAddress(b))
	b.Open("/")
	b.Press("connect")
	b.WaitForState("bound")
}

// TestPhoneOrBrowserChanged binds a second browser with the same code, which unbinds the first one. The first one says so at
// its next visit without an error, and can no longer show the code.
func TestPhoneOrBrowserChanged(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	before := t.TempDir()
	b := s.StartBrowser(harness.BrowserOptions{Profile: before})
	var code string
	bindsWith(b, func() string { code = s.Device.Code(); return code })
	b.Close()

	after := s.StartBrowser(harness.BrowserOptions{})
	way := bindsWith(after, remembered(code))
	require.Contains(t, way, "elsewhere", "it says that the other will be unbound, before it asks for the code")
	require.Equal(t, harness.FirstAddress, walletAddress(after))
	after.Close()

	b = s.StartBrowser(harness.BrowserOptions{Profile: before})
	b.Open("/")
	way = toBoxes(b)
	require.NotContains(t, way, "error")
	require.NotContains(t, way, "bound")
	require.NotContains(t, s.Device.Status().Screen, code)
	asDApp(b)
	require.Equal(t, "bound-elsewhere", harness.Eval[string](b, "device.revealBindingCode().catch((error) => error.code)"))
}

// TestCodeLost loses the code and the bound browser. The device is reset with its buttons, its wallet is restored from the
// mnemonic phrase, and it binds with a new code. Its addresses are the same.
func TestCodeLost(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{})
	first := s.StartBrowser(harness.BrowserOptions{})
	page := inHand(first)
	harness.Hand[any](page, "menu('New: 12 words')")
	words := harness.Hand[[]string](page, "writeDown()")
	page.Close()
	var lost string
	bindsWith(first, func() string { lost = s.Device.Code(); return lost })
	address := walletAddress(first)
	first.Close()

	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	require.Contains(t, toBoxes(b), "elsewhere")
	b.EnterCode(harness.WrongCode(lost)) // a guess
	b.WaitForState("wrong")
	serial := s.Device.Status().Serial

	page = inHand(b)
	harness.Hand[any](page, "menu('Reset')")
	harness.Hand[any](page, "press('ok')")
	harness.Hand[any](page, "press('ok')")
	require.False(t, s.Device.Status().Wallet, "a reset erases the wallet")
	harness.Hand[any](page, "menu('Restore')")
	harness.Hand[any](page, fmt.Sprintf("restore('%s'.split(' '))", strings.Join(words, " ")))
	page.Close()

	var code string
	way := bindsWith(b, func() string {
		code = s.Device.Code()
		b.RequireText("pairing.codeLead")
		return code
	})
	require.NotContains(t, way, "elsewhere", "nobody is bound any more")
	require.NotEqual(t, lost, code)
	require.Contains(t, b.Text(), serial, "it is the same device")
	require.Equal(t, address, walletAddress(b), "and the same wallet")
}

// TestCodeNotCopied checks that the bound browser can view the code after the binding, and have the device show it, and that no
// other browser can.
func TestCodeNotCopied(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{})
	profile := t.TempDir()
	b := s.StartBrowser(harness.BrowserOptions{Profile: profile})
	var code string
	bindsWith(b, func() string { code = s.Device.Code(); return code })
	require.NotContains(t, s.Device.Status().Screen, code, "it is off the screen")
	b.Open("/")
	b.Press("connect")
	b.WaitForState("bound")
	b.Press("view-code")
	b.WaitForMessage("pairing.revealed")
	require.Equal(t, code, b.ShownCode())
	b.Press("hide-code")
	b.WaitForMessage("pairing.hidden")
	b.Press("show-on-device")
	b.WaitForMessage("pairing.shownAgain")
	require.Equal(t, code, s.Device.Code())
	s.Device.Home()
	b.Close()

	other := s.StartBrowser(harness.BrowserOptions{})
	other.Open("/")
	require.Contains(t, toBoxes(other), "elsewhere")
	require.NotContains(t, s.Device.Status().Screen, code)
	asDApp(other)
	require.Equal(t, "bound-elsewhere", harness.Eval[string](other, "device.showBindingCode().catch((error) => error.code)"))
	require.NotContains(t, s.Device.Status().Screen, code)
}

// TestWhenCodeAppears checks that a new device, or one that was reset, shows its code as soon as a browser asks whether it is
// bound: not before, and without a press. The code stays the same until the next reset. The simulated device behaves so; the
// details of real devices are not known.
func TestWhenCodeAppears(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{})
	var codes []string
	b := s.StartBrowser(harness.BrowserOptions{})
	for range 2 {
		require.Equal(t, device.ShowsHome, s.Device.Status().Showing)
		b.Open("/")
		require.Equal(t, device.ShowsHome, s.Device.Status().Showing, "a page that was opened has not asked yet")
		b.Press("connect")
		s.WaitForStatus(func(s device.Status) bool { return s.Showing == device.ShowsCode })
		code := s.Device.Code()
		require.NotContains(t, codes, code)
		codes = append(codes, code)
		b.WaitUntil(`!!document.querySelector('[data-action="go-on"]')`)

		// Taken off the screen, it comes back on request, and is the same.
		s.Device.Press(device.Cancel)
		b.Press("go-on")
		b.WaitUntil(`!!document.querySelector('[data-state="code"], [data-action="go-on"]')`)
		s.Device.Unplug()
		s.Device.Plug()
		require.Equal(t, device.ShowsHome, s.Device.Status().Showing, "a device that is plugged in shows none by itself")
		b.WaitForDevices(1)
		var again string
		bindsWith(b, func() string { again = s.Device.Code(); return again })
		require.Equal(t, code, again)
		require.Equal(t, device.ShowsHome, s.Device.Status().Showing, "it goes when it has served")
		s.Device.Reset()
	}
}

// TestStolenDeviceDoesNotSign uses a bound device, whose PIN is known, in another browser. Nothing is signed, and the code
// stays hidden. A bound simulated device refuses what has no binding signature. Whether real devices do is not known: the
// recorded ones signed for apps that never bound, but they were not bound to any app.
func TestStolenDeviceDoesNotSign(t *testing.T) {
	t.Parallel()
	const pin = "2580"
	s := questions(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	owner := s.StartBrowser(harness.BrowserOptions{})
	var code string
	bindsWith(owner, func() string { code = s.Device.Code(); return code })
	owner.Close()
	require.NoError(t, s.Device.Simulated.SetPIN(pin))
	s.Device.Unplug()
	s.Device.Plug()

	thief := s.StartBrowser(harness.BrowserOptions{})
	page := inHand(thief)
	harness.Hand[any](page, "pin('"+pin+"')")
	require.False(t, s.Device.Status().Locked, "the PIN is known")
	page.Close()

	thief.Open("/")
	require.Contains(t, toBoxes(thief), "elsewhere")
	asDApp(thief)
	require.Equal(t, "bound-elsewhere", harness.Eval[string](thief, "device.bindingStatus()"))
	for _, try := range []string{"showBindingCode()", "revealBindingCode()"} {
		require.Equal(t, "bound-elsewhere", harness.Eval[string](thief, "device."+try+".catch((error) => error.code)"), try)
	}
	const transaction = `{ type: 2, chainId: 1, nonce: 0, gas: 21000, maxFeePerGas: 1, maxPriorityFeePerGas: 1, to: '` + harness.SecondAddress + `', value: 1 }`
	for _, how := range []string{"{}", "{ allowUnbound: true }"} {
		for _, what := range []string{"signTransaction(" + transaction + ", ", "signMessage('all of it', ", "signTypedData(" + harness.Mail + ", "} {
			said := harness.Eval[string](thief, "device.ethereum."+what+how+").then(() => 'signed', (error) => error.code)")
			require.Contains(t, []string{"bound-elsewhere", "not-bound"}, said, what+how)
			require.NotEqual(t, device.ShowsQuestion, s.Device.Status().Showing, "its person is not even asked")
		}
	}
	require.NotContains(t, s.Device.Status().Screen, code)
	thief.Run("await device.close()")

	// The page's refusal binds nobody who writes a program of their own: it is the device that has to refuse.
	thief.Run(rawHost)
	sign := func() {
		thief.Run("globalThis.answer = raw('80540080' + '0E' + '0000' + '010009' + '616C6C206F66206974')")
	}
	thief.Run("await rawOpen(); if (!(await raw('00A4040005695F657468')).endsWith('9000')) throw new Error('no applet')")
	sign()
	require.Equal(t, "6942", harness.Eval[string](thief, "answer"), "no binding signature verifies")
	require.NotEqual(t, device.ShowsQuestion, s.Device.Status().Showing)

	// A device that is set to sign for anybody asks its person, as any does that is bound to nobody.
	s.Device.Simulated.AllowUnbound(true)
	sign()
	s.WaitForStatus(func(s device.Status) bool { return s.Showing == device.ShowsQuestion })
	s.Device.Press(device.Cancel)
	require.Equal(t, "6940", harness.Eval[string](thief, "answer"))
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
