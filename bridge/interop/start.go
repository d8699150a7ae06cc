//go:build js && wasm

package interop

import (
	"errors"
	"os"

	"github.com/hack-pad/safejs"
)

// Start gives the module's object to the script that started the module. The module's argument is the name of a property of
// the global object, which is a function. Start deletes the property and calls the function with what object returns.
func Start(object func() (safejs.Value, error)) error {
	if len(os.Args) != 2 {
		return errors.New("the module needs one argument")
	}
	ready, err := Get(safejs.Global(), os.Args[1])
	if err != nil {
		return err
	}
	if err := safejs.Global().Delete(os.Args[1]); err != nil {
		return err
	}
	v, err := object()
	if err != nil {
		return err
	}
	_, err = ready.Invoke(v)
	return err
}
