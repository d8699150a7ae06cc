package looks

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestCodeBoxes types, edits and pastes in the eight boxes for the binding code. In shown, "_" is an empty box, and the number
// after the colon is the box with the cursor, from 1.
func TestCodeBoxes(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/")
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
		b.Run(`const { show } = await import(document.querySelector('script[type=module]').src)
			show({ name: 'start' }); show({ name: 'code', source: 'screen' })`)
		if c.keys != "" {
			b.Type(c.keys)
		}
		if c.paste != "" {
			b.Paste(c.paste)
		}
		if c.then != "" {
			b.Type(c.then)
		}
		require.Equal(t, c.shown, harness.Eval[string](b, `(() => {
			const boxes = [...document.querySelectorAll('.code-box')]
			return boxes.map(box => box.value || '_').join('') + ':' + (boxes.indexOf(document.activeElement) + 1)
		})()`), "%s: %q %q", c.name, c.keys, c.paste)
	}
	// A click in a box goes to that box; what is typed replaces what stands there.
	b.Do(chromedp.Click(chromedp.CSS(".code-box:nth-child(2)")))
	b.Type("z")
	require.Equal(t, "2Z45678A", harness.Eval[string](b, "[...document.querySelectorAll('.code-box')].map(box => box.value).join('')"))
	b.CheckConsole()
}
