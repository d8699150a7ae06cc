package harness

import (
	"fmt"
)

// WaitForKnown waits for what the list of known devices says, and returns it.
func (b *Browser) WaitForKnown(says string) string {
	b.T.Helper()
	b.WaitUntil(fmt.Sprintf("document.querySelector('.known')?.innerText.includes(%q)", says))
	return Eval[string](b, "document.querySelector('.known').innerText")
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

// WaitForMessage waits for what the page says of the last wish.
func (b *Browser) WaitForMessage(says string) {
	b.T.Helper()
	b.WaitUntil("document.querySelector('.manage .message')?.textContent.includes('" + says + "')")
}

// ShownCode is the code on the page, if there is one.
func (b *Browser) ShownCode() string {
	b.T.Helper()
	return Eval[string](b, "document.querySelector('.revealed')?.textContent ?? ''")
}

const (
	CodeHidden     = "hidden again."
	CodeHiddenSoon = "hidden again after 30 seconds"
)
