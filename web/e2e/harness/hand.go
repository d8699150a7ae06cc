package harness

import (
	_ "embed"
	"fmt"
)

//go:embed hand.js
var HandScript string

// HoldDevice opens the page of the simulated device and takes the device in hand.
func (b *Browser) HoldDevice() {
	b.T.Helper()
	b.Open("/device")
	b.WaitUntil("document.querySelector('.screen-line')?.textContent !== ''")
	b.Run(HandScript)
}

// Hand does something with the device's buttons and returns what comes of it.
func Hand[T any](b *Browser, does string) T {
	b.T.Helper()
	return Eval[T](b, "hand."+does)
}

// WaitForActivity waits until the page says of the device that it is doing this.
func (b *Browser) WaitForActivity(what string) {
	b.T.Helper()
	b.WaitUntil(fmt.Sprintf("document.querySelector('[data-fact=doing] dd')?.textContent.includes(%q)", what))
}
