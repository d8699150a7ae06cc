//go:build js && wasm

package interop

import "github.com/hack-pad/safejs"

// TakeReady takes the function that the script which started this module left under a name on the global object, and deletes
// the property. The module calls it once, with the object that it hands over.
func TakeReady(name string) (safejs.Value, error) {
	ready, err := Get(safejs.Global(), name)
	if err != nil {
		return ready, err
	}
	if err := safejs.Global().Delete(name); err != nil {
		return ready, err
	}
	return ready, nil
}
