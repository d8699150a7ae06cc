//go:build js && wasm

package interop

import (
	"errors"
	"syscall/js"

	"github.com/hack-pad/safejs"
)

// Exception is what JavaScript threw or rejected a promise with. Name is that of a DOMException or Error
// ("NetworkError", "TypeError"), or empty for other values. It holds text alone: nothing of the page is kept alive.
type Exception struct {
	Name, Message string
	// Code is the error's own code where that is a string, as ours and Node's are; a DOMException's is a number.
	Code string
}

func (e *Exception) Error() string {
	if e.Name == "" {
		return "JavaScript: " + e.Message
	}
	return e.Name + ": " + e.Message
}

// Exceptions are read from a page's values; a message longer than this is cut.
const maxMessage = 500

// NewException reads what was thrown; it never fails, whatever that is.
func NewException(v safejs.Value) *Exception {
	e := &Exception{}
	if s, ok := String(v); ok {
		e.Message = cut(s)
		return e
	}
	if !IsObject(v) {
		e.Message = "something that is no Error was thrown"
		return e
	}
	e.Name, e.Message, e.Code = text(v, "name"), text(v, "message"), text(v, "code")
	return e
}

func text(v safejs.Value, name string) string {
	p, err := Get(v, name)
	if err != nil {
		return ""
	}
	s, _ := String(p)
	return cut(s)
}

func cut(s string) string {
	if len(s) > maxMessage {
		return s[:maxMessage]
	}
	return s
}

// Thrown turns the error of a safejs call into an *Exception where JavaScript threw, and leaves others as they are. It
// returns nil for nil.
func Thrown(err error) error {
	var thrown js.Error
	if errors.As(err, &thrown) {
		return NewException(safejs.Safe(thrown.Value))
	}
	return err
}

// NameOf is the Name of the Exception in err's chain, or "".
func NameOf(err error) string {
	var e *Exception
	if errors.As(err, &e) {
		return e.Name
	}
	return ""
}
