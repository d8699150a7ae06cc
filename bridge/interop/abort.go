//go:build js && wasm

package interop

import "github.com/hack-pad/safejs"

// AbortController is an AbortController of the browser.
type AbortController struct {
	Signal     safejs.Value
	controller safejs.Value
}

// NewAbortController returns a new AbortController.
func NewAbortController() (*AbortController, error) {
	c, err := construct("AbortController")
	if err != nil {
		return nil, err
	}
	signal, err := Get(c, "signal")
	return &AbortController{Signal: signal, controller: c}, err
}

// Abort fires the signal.
func (c *AbortController) Abort() { _, _ = CallNow(c.controller, "abort") }
