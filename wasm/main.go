//go:build js && wasm

package main

import (
	"os"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
)

func main() {
	err := interop.Start(func() (safejs.Value, error) {
		c, err := newCore()
		if err != nil {
			return safejs.Undefined(), err
		}
		return c.object()
	})
	if err != nil {
		os.Exit(1)
	}
	select {}
}
