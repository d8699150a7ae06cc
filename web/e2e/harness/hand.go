package harness

import (
	_ "embed"
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

// WaitForActivity waits until the device page says that the device is doing this; the key is that of [Words].
func (b *Browser) WaitForActivity(key string) {
	b.T.Helper()
	b.WaitForTextIn("[data-fact=doing] dd", key)
}
