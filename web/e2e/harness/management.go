package harness

import (
	"fmt"
)

// WaitForKnown waits until the list of known devices shows a text, and returns all of the list's text; the key is that of [Words].
func (b *Browser) WaitForKnown(key string, args ...any) string {
	b.T.Helper()
	b.WaitForTextIn(".known", key, args...)
	return Eval[string](b, "document.querySelector('.known').innerText")
}

// WaitForKnownBound is WaitForKnown for a device that is bound, whatever the time of the binding.
func (b *Browser) WaitForKnownBound() string {
	b.T.Helper()
	return b.WaitForKnown("management.boundOn", map[string]string{b.language: ""})
}

// PressEntry presses the line of a list that says so.
func (b *Browser) PressEntry(says string) {
	b.T.Helper()
	b.WaitUntil(fmt.Sprintf("[...document.querySelectorAll('.entry')].some(e => e.innerText.includes(%q))", says))
	b.Run(fmt.Sprintf("[...document.querySelectorAll('.entry')].find(e => e.innerText.includes(%q)).click()", says))
}

// UnfoldManagement opens the part of the page that manages the binding.
func (b *Browser) UnfoldManagement() {
	b.T.Helper()
	b.Run("document.querySelector('details.manage').open = true")
}

// WaitForMessage waits until the management of the binding shows the outcome of the last action; the key is that of [Words].
func (b *Browser) WaitForMessage(key string) {
	b.T.Helper()
	b.WaitForTextIn(".manage .message", key)
}

// ShownCode is the code on the page, if there is one.
func (b *Browser) ShownCode() string {
	b.T.Helper()
	return Eval[string](b, "document.querySelector('.revealed')?.textContent ?? ''")
}
