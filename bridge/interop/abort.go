//go:build js && wasm

package interop

import "github.com/hack-pad/safejs"

// AbortController is one of the browser's, for asynchronous calls that can be taken back.
type AbortController struct {
	Signal     safejs.Value
	controller safejs.Value
}

// NewAbortController makes one.
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
