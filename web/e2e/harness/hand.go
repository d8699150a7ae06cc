package harness

import (
	_ "embed"
)

// HandScript defines hand, whose methods press the buttons of the device page and read the screen there.
//
//go:embed hand.js
var HandScript string

// HoldDevice opens the device page and prepares it for [Hand].
func (b *Browser) HoldDevice() {
	b.T.Helper()
	b.Open("/device")
	b.WaitUntil("document.querySelector('.screen-line')?.textContent !== ''")
	b.Run(HandScript)
}

// Hand calls a method of hand, given as JavaScript, in the device page and returns its value.
func Hand[T any](b *Browser, call string) T {
	b.T.Helper()
	return Eval[T](b, "hand."+call)
}

// WaitForActivity waits until the device page shows what the device is doing. key is that of [Words].
func (b *Browser) WaitForActivity(key string) {
	b.T.Helper()
	b.WaitForTextIn("[data-fact=doing] dd", key)
}
