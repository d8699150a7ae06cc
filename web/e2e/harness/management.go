package harness

import (
	"fmt"
)

// WaitForKnown waits until the list of known devices shows a text, and returns all text of the list. key and args are those of
// [Words].
func (b *Browser) WaitForKnown(key string, args ...any) string {
	b.T.Helper()
	b.WaitForTextIn(".known", key, args...)
	return Eval[string](b, "document.querySelector('.known').innerText")
}

// WaitForKnownBound is [Browser.WaitForKnown] for the text of a bound device, without the date of the binding.
func (b *Browser) WaitForKnownBound() string {
	b.T.Helper()
	return b.WaitForKnown("management.boundOn", map[string]string{b.language: ""})
}

// PressEntry clicks the entry of a list that shows a text, such as a serial number or a name.
func (b *Browser) PressEntry(text string) {
	b.T.Helper()
	b.WaitUntil(fmt.Sprintf("[...document.querySelectorAll('.entry')].some(e => e.innerText.includes(%q))", text))
	b.Run(fmt.Sprintf("[...document.querySelectorAll('.entry')].find(e => e.innerText.includes(%q)).click()", text))
}

// UnfoldManagement opens the part of the connect page that manages the binding.
func (b *Browser) UnfoldManagement() {
	b.T.Helper()
	b.Run("document.querySelector('details.manage').open = true")
}

// WaitForMessage waits until the management of the binding shows a message. key is that of [Words].
func (b *Browser) WaitForMessage(key string) {
	b.T.Helper()
	b.WaitForTextIn(".manage .message", key)
}

// ShownCode returns the binding code on the page, or "" where none is shown.
func (b *Browser) ShownCode() string {
	b.T.Helper()
	return Eval[string](b, "document.querySelector('.revealed')?.textContent ?? ''")
}
