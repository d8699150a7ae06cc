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

// goToCode connects and continues until the page asks for the code, and returns the states on the way.
func goToCode(b *harness.Browser) (states []string) {
	b.T.Helper()
	b.Press("connect")
	for {
		b.WaitUntil(fmt.Sprintf(`!['start', 'choosing', 'opening', 'waiting', %q].includes(document.querySelector('[data-state]')?.dataset.state)`,
			strings.Join(states[max(0, len(states)-1):], "")))
		state := harness.Eval[string](b, "document.querySelector('[data-state]').dataset.state")
		switch state {
		case "code":
			return states
		case "bound", "error":
			require.Failf(b.T, "the page does not ask for the code", "%v, then %s\n%s", states, state, b.Text())
		}
		states = append(states, state)
		b.Press("go-on")
	}
}

// bindWith opens the connect page and binds with a code, and returns the states on the way.
func bindWith(b *harness.Browser, code func() string) (states []string) {
	b.T.Helper()
	b.Open("/")
	states = goToCode(b)
	b.EnterCode(code())
	b.WaitForState("bound")
	return states
}

// written gives a code that was written down.
func written(code string) func() string { return func() string { return code } }

// openDevicePage opens the device page in another tab, to press the buttons of the device.
func openDevicePage(b *harness.Browser) *harness.Browser {
	b.T.Helper()
	page := b.NewTab()
	page.HoldDevice()
	return page
}

// openSite leaves the connect page for a page that uses the SDK, and opens the device there.
func openSite(b *harness.Browser) {
	b.T.Helper()
	b.Do(chromedp.Navigate(b.Sim.URL + "/question"))
	b.Run(fmt.Sprintf(`
		const { loadImKey } = await import('/imkey.js')
		const imkey = await loadImKey({ trustedCAs: [%q] })
		globalThis.device = (await imkey.getDevices())[0]
		await device.open()`, b.Sim.Device.CA()))
}

// walletAddress returns the first address of the wallet.
func walletAddress(b *harness.Browser) string {
	b.T.Helper()
	openSite(b)
	return harness.Eval[string](b, "device.ethereum.getAccount().then(async (account) => { await device.close(); return account.address })")
}

// questions starts a simulator with the page of openSite.
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
	bindWith(b, func() string { code = s.Device.Code(); return code })
	require.Equal(t, harness.FirstAddress, walletAddress(b))

	b.Do(chromedp.Navigate("about:blank"))
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: s.URL, StorageTypes: "all"})
		return err
	}))
	key := s.Device.Simulated.BoundTo()
	states := bindWith(b, func() string {
		require.NotContains(t, strings.Join(s.Device.Status().Screen, " "), code, "the device does not show the code")
		return code
	})
	require.Contains(t, states, "elsewhere", "the device is bound to the deleted app")
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
	bindWith(b, func() string { code = s.Device.Code(); return code })
	b.Close()

	after := s.StartBrowser(harness.BrowserOptions{})
	states := bindWith(after, written(code))
	require.Contains(t, states, "elsewhere", "the page warns that the other app will be unbound before it asks for the code")
	require.Equal(t, harness.FirstAddress, walletAddress(after))
	after.Close()

	b = s.StartBrowser(harness.BrowserOptions{Profile: before})
	b.Open("/")
	states = goToCode(b)
	require.NotContains(t, states, "error")
	require.NotContains(t, states, "bound")
	require.NotContains(t, s.Device.Status().Screen, code)
	openSite(b)
	require.Equal(t, "bound-elsewhere", harness.Eval[string](b, "device.revealBindingCode().catch((error) => error.code)"))
}

// TestCodeLost loses the code and the bound browser. The device is reset with its buttons, its wallet is restored from the
// mnemonic phrase, and it binds with a new code. Its addresses are the same.
func TestCodeLost(t *testing.T) {
	t.Parallel()
	s := questions(t, device.Options{})
	first := s.StartBrowser(harness.BrowserOptions{})
	page := openDevicePage(first)
	harness.Hand[any](page, "menu('New: 12 words')")
	words := harness.Hand[[]string](page, "writeDown()")
	page.Close()
	var lost string
	bindWith(first, func() string { lost = s.Device.Code(); return lost })
	address := walletAddress(first)
	first.Close()

	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	require.Contains(t, goToCode(b), "elsewhere")
	b.EnterCode(harness.WrongCode(lost)) // a guess
	b.WaitForState("wrong")
	serial := s.Device.Status().Serial

	page = openDevicePage(b)
	harness.Hand[any](page, "menu('Reset')")
	harness.Hand[any](page, "press('ok')")
	harness.Hand[any](page, "press('ok')")
	require.False(t, s.Device.Status().Wallet, "a reset erases the wallet")
	harness.Hand[any](page, "menu('Restore')")
	harness.Hand[any](page, fmt.Sprintf("restore('%s'.split(' '))", strings.Join(words, " ")))
	page.Close()

	var code string
	states := bindWith(b, func() string {
		code = s.Device.Code()
		b.RequireText("pairing.codeLead")
		return code
	})
	require.NotContains(t, states, "elsewhere", "the device is not bound")
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
	bindWith(b, func() string { code = s.Device.Code(); return code })
	require.NotContains(t, s.Device.Status().Screen, code, "the code is not on the screen")
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
	require.Contains(t, goToCode(other), "elsewhere")
	require.NotContains(t, s.Device.Status().Screen, code)
	openSite(other)
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
		require.Equal(t, device.ShowsHome, s.Device.Status().Showing, "the page does not ask the device before a button is pressed")
		b.Press("connect")
		s.WaitForStatus(func(s device.Status) bool { return s.Showing == device.ShowsCode })
		code := s.Device.Code()
		require.NotContains(t, codes, code)
		codes = append(codes, code)
		b.WaitUntil(`!!document.querySelector('[data-action="go-on"]')`)

		// The code is the same when it is shown again.
		s.Device.Press(device.Cancel)
		b.Press("go-on")
		b.WaitUntil(`!!document.querySelector('[data-state="code"], [data-action="go-on"]')`)
		s.Device.Unplug()
		s.Device.Plug()
		require.Equal(t, device.ShowsHome, s.Device.Status().Showing, "a device shows no code when it is plugged in")
		b.WaitForDevices(1)
		var again string
		bindWith(b, func() string { again = s.Device.Code(); return again })
		require.Equal(t, code, again)
		require.Equal(t, device.ShowsHome, s.Device.Status().Showing, "the code disappears after the binding")
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
	bindWith(owner, func() string { code = s.Device.Code(); return code })
	owner.Close()
	require.NoError(t, s.Device.Simulated.SetPIN(pin))
	s.Device.Unplug()
	s.Device.Plug()

	attacker := s.StartBrowser(harness.BrowserOptions{})
	page := openDevicePage(attacker)
	harness.Hand[any](page, "pin('"+pin+"')")
	require.False(t, s.Device.Status().Locked, "the PIN is known")
	page.Close()

	attacker.Open("/")
	require.Contains(t, goToCode(attacker), "elsewhere")
	openSite(attacker)
	require.Equal(t, "bound-elsewhere", harness.Eval[string](attacker, "device.bindingStatus()"))
	for _, try := range []string{"showBindingCode()", "revealBindingCode()"} {
		require.Equal(t, "bound-elsewhere", harness.Eval[string](attacker, "device."+try+".catch((error) => error.code)"), try)
	}
	const transaction = `{ type: 2, chainId: 1, nonce: 0, gas: 21000, maxFeePerGas: 1, maxPriorityFeePerGas: 1, to: '` + harness.SecondAddress + `', value: 1 }`
	for _, how := range []string{"{}", "{ allowUnbound: true }"} {
		for _, what := range []string{"signTransaction(" + transaction + ", ", "signMessage('all of it', ", "signTypedData(" + harness.Mail + ", "} {
			said := harness.Eval[string](attacker, "device.ethereum."+what+how+").then(() => 'signed', (error) => error.code)")
			require.Contains(t, []string{"bound-elsewhere", "not-bound"}, said, what+how)
			require.NotEqual(t, device.ShowsQuestion, s.Device.Status().Showing, "the device does not ask its user")
		}
	}
	require.NotContains(t, s.Device.Status().Screen, code)
	attacker.Run("await device.close()")

	// A program without the SDK can send any command, so the device has to refuse.
	attacker.Run(rawHost)
	sign := func() {
		attacker.Run("globalThis.answer = raw('80540080' + '0E' + '0000' + '010009' + '616C6C206F66206974')")
	}
	attacker.Run("await rawOpen(); if (!(await raw('00A4040005695F657468')).endsWith('9000')) throw new Error('no applet')")
	sign()
	require.Equal(t, "6942", harness.Eval[string](attacker, "answer"), "there is no valid binding signature")
	require.NotEqual(t, device.ShowsQuestion, s.Device.Status().Showing)

	// A device that is set to sign without a binding asks its user, as an unbound one does.
	s.Device.Simulated.AllowUnbound(true)
	sign()
	s.WaitForStatus(func(s device.Status) bool { return s.Showing == device.ShowsQuestion })
	s.Device.Press(device.Cancel)
	require.Equal(t, "6940", harness.Eval[string](attacker, "answer"))
}

// rawHost is a script that exchanges APDUs with the device without the SDK: core/PROTOCOL.md, section 2.
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
			if (answer[4] !== 0xC3) continue // the device asks its user
			return [...answer.slice(7, 7 + answer[6])].map((b) => b.toString(16).padStart(2, '0')).join('')
		}
	}`
