//go:build js && wasm

package main

import (
	"os"

	"imkey-connect/bridge/interop"
)

func main() {
	if len(os.Args) != 2 {
		os.Exit(2)
	}
	ready, err := interop.TakeReady(os.Args[1])
	if err != nil {
		os.Exit(2)
	}
	core, err := newCore()
	if err != nil {
		os.Exit(1)
	}
	object, err := core.object()
	if err != nil {
		os.Exit(1)
	}
	if _, err := ready.Invoke(object); err != nil {
		os.Exit(1)
	}
	select {}
}
