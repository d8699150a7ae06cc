package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

func (b *browser) keys(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// tabTo presses Tab until the element has the focus.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	b.tabUntil(selector)
}

// enterOn goes to the element and presses Enter there.
func (b *browser) enterOn(selector string) {
	b.t.Helper()
	b.tabTo(selector)
	b.keys(kb.Enter)
}

// tabBackTo presses Shift and Tab until the element has the focus.
func (b *browser) tabBackTo(selector string) {
	b.t.Helper()
	b.tabUntil(selector, chromedp.KeyModifiers(chromedp.ModifierShift))
}

func (b *browser) tabUntil(selector string, modifiers ...chromedp.KeyOption) {
	b.t.Helper()
	for range 40 {
		if eval[bool](b, fmt.Sprintf("document.activeElement?.matches(%q) ?? false", selector)) {
			return
		}
		b.do(chromedp.KeyEvent(kb.Tab, modifiers...))
	}
	require.Failf(b.t, "Tab does not get there", "%s", selector)
}

// focused checks what has the focus without a Tab.
func (b *browser) focused(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.activeElement?.matches(%q) ?? false", selector))
}

// edit carries out one of the browser's editing commands, as its shortcut does.
func (b *browser) edit(command, key string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, kind := range []input.DispatchKeyEventType{"rawKeyDown", "keyUp"} {
			p := input.DispatchKeyEventParams{
				Type: kind, Modifiers: int64(chromedp.ModifierCtrl), Key: key,
				Code: "Key" + strings.ToUpper(key), WindowsVirtualKeyCode: int64(strings.ToUpper(key)[0]),
			}
			if kind == "rawKeyDown" {
				p.Commands = []string{command}
			}
			if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, p); err != nil {
				return err
			}
		}
		return nil
	}))
}

// paste puts a text into the clipboard, as a person who copied it elsewhere, and pastes it where the focus is.
func (b *browser) paste(text string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`
		window.had = document.activeElement
		window.elsewhere = document.body.appendChild(document.createElement('textarea'))
		elsewhere.value = %q
		elsewhere.select()`, text))
	b.edit("copy", "c")
	b.run(`elsewhere.remove(); had.focus()`)
	b.edit("paste", "v")
}

// From the start to the binding, and back after a wrong code, with the keyboard alone.
func TestPairingWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.enterOn("[data-action=connect]")
	b.state("recognised")
	b.focused("[data-action=go-on]")
	b.keys(kb.Enter)
	b.state("code")
	b.focused(".code-box")
	code := s.code()
	b.keys(wrong(code))
	b.enterOn("[data-action=bind]")
	b.state("wrong")
	b.focused(".code-box")
	b.tabTo("[data-control=keep]")
	b.keys(" ")
	b.tabBackTo(".code-box:first-child")
	b.keys(kb.Home + code)
	b.enterOn("[data-action=bind]")
	b.state("bound")
	require.Contains(t, b.text(), "not kept", "the switch was turned by the space bar")
	b.enterOn("[data-action=done]")
	b.state("start")
}

// The deliberate choice for a device that cannot be verified takes its two steps with the keyboard, too.
func TestAcceptingWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	s.withoutSimulator()
	b.open("/")
	b.enterOn("[data-action=connect]")
	b.state("recognised")
	b.keys(kb.Enter)
	b.state("unverified")
	b.enterOn("[data-action=go-on]")
	b.focused("[data-control=accept]") // nothing was accepted: back to what is missing
	b.keys(" ")
	b.enterOn("[data-action=go-on]")
	b.state("code")
	b.keys(s.code() + kb.Enter)
	b.state("bound")
}

func TestTheDevicePageWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{unplugged: true})
	b.open("/device")
	b.until("document.querySelector('[data-fact]') !== null")
	shows := func(line string) {
		b.until(fmt.Sprintf("document.querySelector('.screen').textContent.includes(%q)", line))
	}
	require.NoError(t, s.device.Create(12))
	shows("Word 1 of 12")
	b.keys(kb.ArrowDown)
	shows("Word 2 of 12")
	b.keys(kb.ArrowUp)
	shows("Word 1 of 12")
	b.keys(kb.Enter)
	shows("Word 2 of 12")
	b.keys(kb.Escape)
	b.until("!document.querySelector('.screen').textContent.includes('Word')")
	b.enterOn("[data-action=cable]")
	s.is(func(s device.Status) bool { return !s.Plugged })
	b.wait(".held-unplugged")
	b.keys(" ")
	s.is(func(s device.Status) bool { return s.Plugged })
	require.NoError(t, s.device.Create(12))
	shows("Word 1 of 12")
	b.enterOn("[data-button=ok]")
	shows("Word 2 of 12")
	b.keys(" ")
	shows("Word 3 of 12")
}

// The eight boxes, as people expect them to take what they type and paste. "_" is an empty box, and the number after the
// colon the box with the cursor, from 1.
func TestTheEightBoxes(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{unplugged: true})
	b.open("/")
	const (
		back, del, left, right = kb.Backspace, kb.Delete, kb.ArrowLeft, kb.ArrowRight
		home, end              = kb.Home, kb.End
	)
	for _, c := range []struct{ name, keys, paste, then, shown string }{
		{name: "typing goes on to the next box", keys: "abC4", shown: "ABC4____:5"},
		{name: "the last character stays in the last box", keys: "abcdefgh", shown: "ABCDEFGH:8"},
		{name: "typing over the last box", keys: "abcdefghj", shown: "ABCDEFGJ:8"},
		{name: "a character that no code has stands there to be seen", keys: "ab0", shown: "AB0_____:4"},
		{name: "the cursor goes back to what no code has", keys: "ab0defgh", shown: "AB0DEFGH:3"},
		{name: "and what is typed there replaces it", keys: "ab0defghq", shown: "ABQDEFGH:4"},
		{name: "other characters are left out", keys: "a-b c!d", shown: "ABCD____:5"},
		{name: "Backspace in an empty box takes the one before", keys: "abc" + back, shown: "AB______:3"},
		{name: "Backspace again", keys: "abc" + back + back, shown: "A_______:2"},
		{name: "Backspace in a full box empties it and stays", keys: "abc" + left + back, shown: "AB______:3"},
		{name: "Backspace in the first box", keys: back, shown: "________:1"},
		{name: "Delete empties the box and moves nothing", keys: "abcd" + home + del, shown: "_BCD____:1"},
		{name: "arrows", keys: "abcd" + left + left + "x", shown: "ABXD____:4"},
		{name: "arrows end at the ends", keys: left + left + "a" + right + right + right + right + right + right + right + right + "b", shown: "A______B:2"},
		{name: "Home and End", keys: "abcd" + end + "z" + home + "y", shown: "YBCD___Z:2"},
		{name: "typing over a code from its start", keys: "abcdefgh" + home + "23456789", shown: "23456789:8"},
		{name: "a code as the device shows it", paste: "ABCDEFGH", shown: "ABCDEFGH:8"},
		{name: "lower case with a dash", paste: "abcd-efgh", shown: "ABCDEFGH:8"},
		{name: "with a space", paste: "ABCD EFGH", shown: "ABCDEFGH:8"},
		{name: "with a line feed", paste: "ABCD\nEFGH\n", shown: "ABCDEFGH:8"},
		{name: "in full-width letters", paste: "ＡＢＣＤ－２３４５", shown: "ABCD2345:8"},
		{name: "with text around it", paste: "My binding code is PVU3-FY64, keep it.", shown: "PVU3FY64:8"},
		{name: "two codes in a text", paste: "PVU3FY64 or PVU3FY65", shown: "________:1"},
		{name: "no code in a text", paste: "Hello, world", shown: "________:1"},
		{name: "half a code goes where the cursor is", keys: "ab", paste: "cd", shown: "ABCD____:5"},
		{name: "a whole code goes to the start", keys: "abcd", paste: "2345-6789", shown: "23456789:8"},
		{name: "and can be corrected", paste: "2345-6789", then: back + "a", shown: "2345678A:8"},
	} {
		b.run(`const { show } = await import(document.querySelector('script[type=module]').src)
			show({ name: 'start' }); show({ name: 'code', source: 'screen' })`)
		if c.keys != "" {
			b.keys(c.keys)
		}
		if c.paste != "" {
			b.paste(c.paste)
		}
		if c.then != "" {
			b.keys(c.then)
		}
		require.Equal(t, c.shown, eval[string](b, `(() => {
			const boxes = [...document.querySelectorAll('.code-box')]
			return boxes.map(box => box.value || '_').join('') + ':' + (boxes.indexOf(document.activeElement) + 1)
		})()`), "%s: %q %q", c.name, c.keys, c.paste)
	}
	// A click in a box goes to that box; what is typed replaces what stands there.
	b.do(chromedp.Click(chromedp.CSS(".code-box:nth-child(2)")))
	b.keys("z")
	require.Equal(t, "2Z45678A", eval[string](b, "[...document.querySelectorAll('.code-box')].map(box => box.value).join('')"))
	b.quietly()
}
