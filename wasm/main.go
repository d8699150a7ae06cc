//go:build js && wasm

package main

import (
	"os"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
)

func main() {
	if len(os.Args) != 2 {
		os.Exit(2)
	}
	ready, err := takeReady(os.Args[1])
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

// takeReady takes the starter's function from the global object and deletes the property.
func takeReady(name string) (safejs.Value, error) {
	ready, err := interop.Get(safejs.Global(), name)
	if err != nil {
		return ready, err
	}
	if err := safejs.Global().Delete(name); err != nil {
		return ready, err
	}
	return ready, nil
}
