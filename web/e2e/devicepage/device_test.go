package devicepage

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/replay"
	"imkey-connect/devicesim/serve"
	"imkey-connect/web"
	"imkey-connect/web/e2e/harness"
)

// waitForResult waits until the page shows a text as the result of the last action. "" is no result.
func waitForResult(b *harness.Browser, text string) {
	b.T.Helper()
	b.WaitUntil(fmt.Sprintf("document.querySelector('.panels .message').textContent === %q", text))
}

// TestDeviceByHand uses a device with its buttons and its cable alone: a wallet, a PIN, a wipe, a restore, a reset.
func TestDeviceByHand(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Serial: "imKey01191200001"})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.HoldDevice()
	require.Equal(t, []string{"imKey", "imKey01191200001", "New device", "Battery 100%"}, harness.Hand[[]string](b, "lines()"))
	b.WaitForActivity("device.doingReady")

	// The first use: a new wallet, whose words are shown and confirmed.
	harness.Hand[any](b, "press('down')")
	b.WaitForActivity("device.doingMenu")
	harness.Hand[any](b, "press('cancel')")
	harness.Hand[any](b, "menu('New: 12 words')")
	b.WaitForActivity("device.doingWords")
	words := harness.Hand[[]string](b, "writeDown()")
	require.Len(t, words, 12)
	require.True(t, s.Device.Status().Wallet)
	b.WaitForActivity("device.doingReady")

	// A PIN is set, asked for, entered wrongly and rightly, and changed.
	harness.Hand[any](b, "menu('Set a PIN')")
	b.WaitForActivity("device.doingPIN")
	harness.Hand[any](b, "pin('2580')")
	harness.Hand[any](b, "pin('2581')")
	require.Equal(t, "Not the same", harness.Hand[[]string](b, "lines()")[3])
	harness.Hand[any](b, "pin('2580')")
	require.Equal(t, "PIN set", harness.Hand[[]string](b, "pin('2580')")[0])
	b.WaitForActivity("device.doingNotice")
	harness.Hand[any](b, "press('ok')")
	harness.Hand[any](b, "menu('Lock')")
	b.WaitForActivity("device.doingLocked")
	require.Equal(t, "Wrong, 4 left", harness.Hand[[]string](b, "pin('1111')")[3])
	harness.Hand[any](b, "pin('2580')")
	require.False(t, s.Device.Status().Locked)
	harness.Hand[any](b, "menu('Change PIN')")
	harness.Hand[any](b, "pin('1379')")
	harness.Hand[any](b, "pin('1379')")
	harness.Hand[any](b, "press('ok')")

	// The screen is dark while the device is unplugged. The device is locked when it is plugged in.
	b.Press("cable")
	b.WaitForActivity("device.doingUnplugged")
	b.WaitUntil("hand.lines().join('') === ''")
	b.Press("cable")
	b.WaitForActivity("device.doingLocked")

	// A power cut during the entry of a PIN discards the entry.
	harness.Hand[any](b, "press('up')")
	harness.Hand[any](b, "press('ok')")
	require.Equal(t, "*", harness.Hand[[]string](b, "lines()")[1])
	b.Run("document.querySelector('[data-panel=power]').open = true")
	b.Press("powercut")
	b.WaitForActivity("device.doingUnplugged")
	b.Press("cable")
	b.WaitForActivity("device.doingLocked")
	require.Empty(t, harness.Hand[[]string](b, "lines()")[1])

	// The fifth wrong PIN in a row wipes the device.
	for left := 4; left >= 1; left-- {
		require.Equal(t, fmt.Sprintf("Wrong, %d left", left), harness.Hand[[]string](b, "pin('2580')")[3])
		b.WaitUntil(fmt.Sprintf("document.querySelector('[data-fact=pin-tries] dd').textContent === '%d'", left))
	}
	require.Equal(t, "Device wiped", harness.Hand[[]string](b, "pin('2580')")[1])
	require.False(t, s.Device.Status().Wallet)
	require.False(t, s.Device.Status().PINSet)
	harness.Hand[any](b, "press('ok')")

	// The words, entered letter by letter, restore the wallet.
	harness.Hand[any](b, "menu('Restore')")
	b.WaitForActivity("device.doingRestoring")
	harness.Hand[any](b, fmt.Sprintf("restore('%s'.split(' '))", strings.Join(words, " ")))
	require.True(t, s.Device.Status().Wallet)
	b.WaitForActivity("device.doingReady")

	// The device asks twice before a reset.
	harness.Hand[any](b, "menu('Reset')")
	b.WaitForActivity("device.doingAsking")
	require.Contains(t, strings.Join(harness.Hand[[]string](b, "press('ok')"), " "), "Only your words")
	harness.Hand[any](b, "press('cancel')")
	require.True(t, s.Device.Status().Wallet)
	harness.Hand[any](b, "press('cancel')") // the menu
	harness.Hand[any](b, "menu('Reset')")
	harness.Hand[any](b, "press('ok')")
	harness.Hand[any](b, "press('ok')")
	require.False(t, s.Device.Status().Wallet)
	b.CheckConsole()
}

// TestDevicePageReportsResults checks the result that the device page shows for each of its controls, in both languages, and
// that it disappears with the next event.
func TestDevicePageReportsResults(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/device")
	for _, language := range []string{"en", "zh"} {
		s.Device.Reset()
		b.OpenInLanguage(language, "/device")
		b.WaitUntil("document.querySelector('.screen-line')?.textContent !== ''")
		b.Run(harness.HandScript)
		b.Run("for (const panel of document.querySelectorAll('.panel')) panel.open = true")
		fill := func(field, text string) {
			b.Run(fmt.Sprintf("document.getElementById(%q).value = %q", field, text))
		}
		says := func(press, key string) {
			t.Helper()
			b.Press(press)
			waitForResult(b, b.Words("device."+key))
		}
		says("lock", "refusals.no-pin")
		fill("pin-new", "12")
		says("pin", "refusals.pin-format")
		fill("mnemonic", strings.Repeat("abandon ", 12))
		says("restore", "refusals.mnemonic")
		fill("mnemonic", harness.DemoPhrase)
		says("restore", "done")
		require.True(t, s.Device.Status().Wallet)

		// A result disappears with the next press, and when the state of the device changes without the page.
		harness.Hand[any](b, "press('down')")
		waitForResult(b, "")
		says("home", "done")
		require.NoError(t, s.Device.Simulated.SetBattery(40))
		waitForResult(b, "")
		fill("battery", "73")
		says("battery", "done")
		require.Equal(t, 73, s.Device.Status().Battery)

		says("create-24", "refusals.wallet-exists")
		harness.Hand[any](b, "menu('Reset')")
		says("menu", "refusals.asking")
		harness.Hand[any](b, "press('cancel')")
		says("home", "done")
		fill("pin-new", "1234")
		says("pin", "done")
		says("lock", "done")
		says("create-12", "refusals.locked")
		for range device.MaxWrongPINs - 1 {
			fill("pin-given", "9999")
			says("unlock", "refusals.pin-wrong")
		}
		fill("pin-given", "9999")
		says("unlock", "refusals.pin-wiped")
		require.False(t, s.Device.Status().Wallet)
		b.Press("cable")
		waitForResult(b, "")
		b.WaitUntil("hand.lines().join('') === ''")
		says("create-12", "refusals.unplugged")
		b.Press("cable")
		b.WaitUntil("hand.lines().join('') !== ''")

		// The page asks before a reset, which can be cancelled.
		fill("mnemonic", harness.DemoPhrase)
		says("restore", "done")
		b.Press("reset")
		b.WaitForFocus("[data-action=reset-keep]") // one Enter too many erases nothing
		b.Press("reset-keep")
		require.True(t, s.Device.Status().Wallet)
		b.Press("reset")
		says("reset-sure", "done")
		require.False(t, s.Device.Status().Wallet)
	}
}

// TestDevicePageOfARecording checks that the device page of a recording has no buttons, PIN or wallet.
func TestDevicePageOfARecording(t *testing.T) {
	t.Parallel()
	script, err := replay.Parse([]byte("=> 80cb800005dfff028101\n<= 0119000000000000009000\n"))
	require.NoError(t, err)
	playing, err := serve.Start(serve.Options{Replay: []replay.Script{script}, Pages: web.Handler(web.Dist)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, playing.Close()) })
	b := harness.NewSim(t, device.Options{}).StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Do(chromedp.Navigate(playing.URL() + "/device"))
	b.WaitForActivity("device.doingRecording")
	require.Equal(t, "A recording", harness.Eval[string](b, "document.querySelector('.screen-line').textContent"))
	require.False(t, harness.Eval[bool](b, "document.querySelector('.panels').checkVisibility()"), "no panels for a wallet, a PIN, a reset")
	b.WaitForTextIn(".hint", "device.leadRecording")
	require.True(t, harness.Eval[bool](b, "[...document.querySelectorAll('.knob')].every(knob => knob.disabled)"), "the buttons are disabled")
}
