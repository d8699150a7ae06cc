// Package errcode holds the stable error codes of imkey-connect. A code is what programs branch on and what a page turns
// into a sentence; it never changes its meaning. [Code] is itself an error, so that errors.Is(err, errcode.WrongCode)
// works on whatever wraps it.
package errcode

import (
	"context"
	"errors"
)

//go:generate go run ./catalogue/generate

// Code is a stable, machine-readable name of what went wrong. Package catalogue lists the codes.
type Code string

// Error makes a bare code an error.
func (c Code) Error() string { return string(c) }

// Error is the error that core returns: a code, what was being done, and the cause.
type Error struct {
	Code Code
	// Op says what was being done or what is wrong, for developers; it never holds a secret.
	Op string
	// StatusWord is the device's answer where there was one, else 0.
	StatusWord uint16
	// Data carries facts a program may want, such as the position of a wrong character; it never holds a secret.
	Data map[string]any
	// Err is the cause, or nil.
	Err error
}

// New makes an Error without a cause.
func New(code Code, op string) *Error { return &Error{Code: code, Op: op} }

// Wrap makes an Error around a cause.
func Wrap(code Code, op string, err error) *Error { return &Error{Code: code, Op: op, Err: err} }

// maxPlace is the largest number of bytes of a name from outside that an error repeats.
const maxPlace = 200

// Invalid makes an [InvalidArgument] error: at names the argument or the part of it that cannot be accepted, reason says
// why. Data has both, under "at" and "reason".
func Invalid(at, reason string) *Error {
	if len(at) > maxPlace {
		at = at[:maxPlace] + "…"
	}
	return &Error{
		Code: InvalidArgument,
		Op:   at + ": " + reason,
		Data: map[string]any{"at": at, "reason": reason},
	}
}

// Because makes an Error whose Data has a reason: a stable word that tells apart the cases of one code.
func Because(code Code, reason, op string) *Error {
	return &Error{Code: code, Op: op, Data: map[string]any{"reason": reason}}
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Op != "" {
		s += ": " + e.Op
	}
	if e.StatusWord != 0 && e.Err == nil { // else the cause names it
		s += " (status word " + hex4(e.StatusWord) + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Detail is the text of Error without codes.
func (e *Error) Detail() string {
	s := e.Op
	if e.StatusWord != 0 && e.Err == nil {
		s = after(s, " ", "(status word "+hex4(e.StatusWord)+")")
	}
	return after(s, ": ", Detail(e.Err))
}

// Detail says what a developer wants to know of err beside its code: the text of Error without the codes of err and of its
// causes, for where the code is told apart from it. It may be empty.
func Detail(err error) string {
	switch e := err.(type) {
	case nil, Code:
		return ""
	case interface{ Detail() string }:
		return e.Detail()
	case interface{ Unwrap() []error }: // of errors.Join
		var s string
		for _, err := range e.Unwrap() {
			s = after(s, "; ", Detail(err))
		}
		return s
	}
	return err.Error()
}

func after(s, separator, t string) string {
	if s == "" || t == "" {
		return s + t
	}
	return s + separator + t
}

// Is makes errors.Is(err, errcode.WrongCode) true for an Error with that code.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}

// Of returns the code of err: that of the outermost [Error] or [Code] in its chain, aborted or timeout for a context's
// error, else internal. It returns "" for nil.
func Of(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	var c Code
	if errors.As(err, &c) {
		return c
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Aborted
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Internal
}

// FromContext turns a context's error into aborted or timeout; the two stay different things.
func FromContext(op string, err error) *Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return Wrap(Timeout, op, err)
	}
	return Wrap(Aborted, op, err)
}

func hex4(v uint16) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15]})
}
