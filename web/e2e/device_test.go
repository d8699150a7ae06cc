package e2e

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
)

//go:embed testdata/hand.js
var handScript string

// takes opens the page of the simulated device and takes the device in hand.
func (b *browser) takes() {
	b.t.Helper()
	b.open("/device")
	b.until("document.querySelector('.screen-line')?.textContent !== ''")
	b.run(handScript)
}

// hand does something with the device's buttons and returns what comes of it.
func hand[T any](b *browser, does string) T {
	b.t.Helper()
	return eval[T](b, "hand."+does)
}

// doing waits until the page says of the device that it is doing this.
func (b *browser) doing(what string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.querySelector('[data-fact=doing] dd')?.textContent.includes(%q)", what))
}

// answers waits until the page says this of what was done last; "" is nothing.
func (b *browser) answers(what string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.querySelector('.panels .message').textContent === %q", what))
}

// All that a person does with a device, with its buttons and its cable alone.
func TestTheDeviceByHand(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{Serial: "imKey01191200001"})
	b := s.browse(browserOptions{unplugged: true})
	b.takes()
	require.Equal(t, []string{"imKey", "imKey01191200001", "New device", "Battery 100%"}, hand[[]string](b, "lines()"))
	b.doing("Ready")

	// The first use: a wallet, whose words are shown and confirmed.
	hand[any](b, "press('down')")
	b.doing("menu")
	hand[any](b, "press('cancel')")
	hand[any](b, "menu('New: 12 words')")
	b.doing("Shows the words of a new wallet")
	words := hand[[]string](b, "writeDown()")
	require.Len(t, words, 12)
	require.True(t, s.device.Status().Wallet)
	b.doing("Ready")

	// A PIN: set, asked for, wrong, right, changed.
	hand[any](b, "menu('Set a PIN')")
	b.doing("Takes a new PIN")
	hand[any](b, "pin('2580')")
	hand[any](b, "pin('2581')")
	require.Equal(t, "Not the same", hand[[]string](b, "lines()")[3])
	hand[any](b, "pin('2580')")
	require.Equal(t, "PIN set", hand[[]string](b, "pin('2580')")[0])
	b.doing("Press OK")
	hand[any](b, "press('ok')")
	hand[any](b, "menu('Lock')")
	b.doing("waits for its PIN")
	require.Equal(t, "Wrong, 4 left", hand[[]string](b, "pin('1111')")[3])
	hand[any](b, "pin('2580')")
	require.False(t, s.device.Status().Locked)
	hand[any](b, "menu('Change PIN')")
	hand[any](b, "pin('1379')")
	hand[any](b, "pin('1379')")
	hand[any](b, "press('ok')")

	// Without its cable it is dark, and locked when it comes back.
	b.press("cable")
	b.doing("Unplugged")
	b.until("hand.lines().join('') === ''")
	b.press("cable")
	b.doing("waits for its PIN")

	// The power goes in the middle of an entry: nothing is left of that.
	hand[any](b, "press('up')")
	hand[any](b, "press('ok')")
	require.Equal(t, "*", hand[[]string](b, "lines()")[1])
	b.run("document.querySelector('[data-panel=power]').open = true")
	b.press("powercut")
	b.doing("Unplugged")
	b.press("cable")
	b.doing("waits for its PIN")
	require.Empty(t, hand[[]string](b, "lines()")[1])

	// The fifth wrong PIN in a row wipes it.
	for left := 4; left >= 1; left-- {
		require.Equal(t, fmt.Sprintf("Wrong, %d left", left), hand[[]string](b, "pin('2580')")[3])
		b.until(fmt.Sprintf("document.querySelector('[data-fact=pin-tries] dd').textContent === '%d'", left))
	}
	require.Equal(t, "Device wiped", hand[[]string](b, "pin('2580')")[1])
	require.False(t, s.device.Status().Wallet)
	require.False(t, s.device.Status().PINSet)
	hand[any](b, "press('ok')")

	// The words bring the wallet back, letter by letter.
	hand[any](b, "menu('Restore')")
	b.doing("letter by letter")
	hand[any](b, fmt.Sprintf("restore('%s'.split(' '))", strings.Join(words, " ")))
	require.True(t, s.device.Status().Wallet)
	b.doing("Ready")

	// A reset is asked twice.
	hand[any](b, "menu('Reset')")
	b.doing("Asks you")
	require.Contains(t, strings.Join(hand[[]string](b, "press('ok')"), " "), "Only your words")
	hand[any](b, "press('cancel')")
	require.True(t, s.device.Status().Wallet)
	hand[any](b, "press('cancel')") // the menu
	hand[any](b, "menu('Reset')")
	hand[any](b, "press('ok')")
	hand[any](b, "press('ok')")
	require.False(t, s.device.Status().Wallet)
	b.quietly()
}

// What the page does to the device beside its buttons says what came of it, in the person's language, and no longer than
// it is true.
func TestTheDevicesPageSaysWhatCameOfIt(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{unplugged: true})
	b.open("/device")
	for language, words := range map[string]map[string]string{
		"en": {
			"done": "Done.", "no-pin": "It has no PIN.", "pin-format": "A PIN has 4 to 12 digits.", "pin-wrong": "That is not its PIN.",
			"wallet-exists": "It has a wallet already. Only a reset removes it.", "unplugged": "It is unplugged. Plug the cable in first.",
			"mnemonic": "That is no mnemonic phrase: a word or its order is wrong.", "asking": "Its screen asks something. Answer that first.",
			"locked":    "It is locked. Enter its PIN first.",
			"pin-wiped": "That was the fifth wrong PIN in a row: the device has wiped itself.",
		},
		"zh": {
			"done": "已完成。", "no-pin": "设备没有设置 PIN。", "pin-format": "PIN 为 4 到 12 位数字。", "pin-wrong": "PIN 不正确。",
			"wallet-exists": "设备已有钱包，只有重置才能清除。", "unplugged": "设备未插线，请先插入数据线。",
			"mnemonic": "这不是有效的助记词：单词或顺序有误。", "asking": "设备屏幕正在询问，请先回答。",
			"locked":    "设备已锁定，请先输入 PIN。",
			"pin-wiped": "连续第五次输错 PIN：设备已自动清空。",
		},
	} {
		require.NoError(t, s.device.Reset())
		b.speaks(language, "/device")
		b.until("document.querySelector('.screen-line')?.textContent !== ''")
		b.run(handScript)
		b.run("for (const panel of document.querySelectorAll('.panel')) panel.open = true")
		fill := func(field, text string) {
			b.run(fmt.Sprintf("document.getElementById(%q).value = %q", field, text))
		}
		says := func(press, what string) {
			t.Helper()
			b.press(press)
			b.answers(words[what])
		}
		says("lock", "no-pin")
		fill("pin-new", "12")
		says("pin", "pin-format")
		fill("mnemonic", strings.Repeat("abandon ", 12))
		says("restore", "mnemonic")
		fill("mnemonic", demoPhrase)
		says("restore", "done")
		require.True(t, s.device.Status().Wallet)

		// What was said goes with the next press, and when the device goes on without the page.
		hand[any](b, "press('down')")
		b.answers("")
		says("home", "done")
		require.NoError(t, s.device.SetBattery(40))
		b.answers("")
		fill("battery", "73")
		says("battery", "done")
		require.Equal(t, 73, s.device.Status().Battery)

		says("create-24", "wallet-exists")
		hand[any](b, "menu('Reset')")
		says("menu", "asking")
		hand[any](b, "press('cancel')")
		says("home", "done")
		fill("pin-new", "1234")
		says("pin", "done")
		says("lock", "done")
		says("create-12", "locked")
		for range device.MaxWrongPINs - 1 {
			fill("pin-given", "9999")
			says("unlock", "pin-wrong")
		}
		fill("pin-given", "9999")
		says("unlock", "pin-wiped")
		require.False(t, s.device.Status().Wallet)
		b.press("cable")
		b.answers("")
		b.until("hand.lines().join('') === ''")
		says("create-12", "unplugged")
		b.press("cable")
		b.until("hand.lines().join('') !== ''")

		// A reset is asked about, and can be taken back.
		fill("mnemonic", demoPhrase)
		says("restore", "done")
		b.press("reset")
		b.focused("[data-action=reset-keep]") // Enter, pressed once too often, erases nothing
		b.press("reset-keep")
		require.True(t, s.device.Status().Wallet)
		b.press("reset")
		says("reset-sure", "done")
		require.False(t, s.device.Status().Wallet)
	}
}

// TestTheDevicePageOfARecording: what plays has a screen and a cable; nothing on the page pretends that it has a person.
func TestTheDevicePageOfARecording(t *testing.T) {
	t.Parallel()
	script, err := replay.Parse([]byte("=> 80cb800005dfff028101\n<= 0119000000000000009000\n"))
	require.NoError(t, err)
	playing, err := serve.Start(serve.Options{Replay: []replay.Script{script}, Pages: web.Handler(web.Dist)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, playing.Close()) })
	b := newSim(t, device.Options{}).browse(browserOptions{unplugged: true})
	b.do(chromedp.Navigate(playing.URL() + "/device"))
	b.doing("Plays a recording")
	require.Equal(t, "A recording", eval[string](b, "document.querySelector('.screen-line').textContent"))
	require.False(t, eval[bool](b, "document.querySelector('.panels').checkVisibility()"), "a wallet, a PIN, a reset")
	require.Contains(t, eval[string](b, "document.querySelector('.hint').textContent"), "no device but a recording")
	require.True(t, eval[bool](b, "[...document.querySelectorAll('.knob')].every(knob => knob.disabled)"), "buttons that nobody answers")
}
