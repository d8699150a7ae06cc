//go:build js && wasm

package interop

import (
	"errors"
	"syscall/js"

	"github.com/hack-pad/safejs"
)

// Exception is a value that JavaScript threw or with which a promise was rejected. It holds text only, and no value of the page.
type Exception struct {
	// Name is the name of a DOMException or Error, such as "NetworkError" or "TypeError". It is empty for other values.
	Name, Message string
	// Code is the error's code if that is a string, as in our errors and those of Node.
	Code string
}

func (e *Exception) Error() string {
	if e.Name == "" {
		return "JavaScript: " + e.Message
	}
	return e.Name + ": " + e.Message
}

// maxMessage is the largest number of bytes of each text in an Exception. A longer one is cut.
const maxMessage = 500

// NewException returns an Exception for a value, whatever the value is.
func NewException(v safejs.Value) *Exception {
	e := &Exception{}
	if s, ok := String(v); ok {
		e.Message = cut(s)
		return e
	}
	if !IsObject(v) {
		e.Message = "a value that is not an Error was thrown"
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

// Thrown turns the error of a safejs call into an *Exception if JavaScript threw, and returns other errors unchanged. It returns
// nil for nil.
func Thrown(err error) error {
	var thrown js.Error
	if errors.As(err, &thrown) {
		return NewException(safejs.Safe(thrown.Value))
	}
	return err
}

// NameOf returns the Name of the Exception in err's chain, or "".
func NameOf(err error) string {
	var e *Exception
	if errors.As(err, &e) {
		return e.Name
	}
	return ""
}
