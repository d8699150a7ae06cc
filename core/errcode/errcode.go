// Package errcode has the stable error codes of imkey-connect. Programs branch on a code, and pages choose their words by it. A code
// never changes its meaning. [Code] is an error itself, so that errors.Is(err, errcode.WrongCode) works for every error that
// wraps it.
package errcode

import (
	"context"
	"errors"

	"imkey-connect/core/upperhex"
)

//go:generate go run ./catalogue/generate

// Code is a stable, machine-readable name of what went wrong. Package catalogue lists the codes.
type Code string

// Error returns the code's name.
func (c Code) Error() string { return string(c) }

// Error is the error that core returns. None of its fields holds a secret.
type Error struct {
	Code Code
	// Op says what was done or what is wrong, for developers.
	Op string
	// StatusWord is the device's status word, or 0.
	StatusWord uint16
	// Data has facts for programs, such as the position of a wrong character.
	Data map[string]any
	// Err is the cause, or nil.
	Err error
}

// New returns an Error without a cause.
func New(code Code, op string) *Error { return &Error{Code: code, Op: op} }

// Wrap returns an Error with a cause.
func Wrap(code Code, op string, err error) *Error { return &Error{Code: code, Op: op, Err: err} }

// maxPlace is the largest number of bytes of a name from outside that an error repeats.
const maxPlace = 200

// Invalid returns an [InvalidArgument] error. at names the argument, or the part of it, that is not accepted. reason says why. Data
// has both under "at" and "reason".
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

// Because returns an Error whose Data has a "reason": a stable word that distinguishes the cases of one code.
func Because(code Code, reason, op string) *Error {
	return &Error{Code: code, Op: op, Data: map[string]any{"reason": reason}}
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Op != "" {
		s += ": " + e.Op
	}
	if e.StatusWord != 0 && e.Err == nil { // otherwise the cause names it
		s += " " + e.statusWord()
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) statusWord() string {
	return "(status word " + upperhex.String(byte(e.StatusWord>>8), byte(e.StatusWord)) + ")"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Detail returns the text of Error without codes.
func (e *Error) Detail() string {
	s := e.Op
	if e.StatusWord != 0 && e.Err == nil {
		s = after(s, " ", e.statusWord())
	}
	return after(s, ": ", Detail(e.Err))
}

// Detail returns the text of err without the codes of err and of its causes, for output that has the code elsewhere. It may be
// empty.
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

// Is reports whether target is the code of e, so that errors.Is(err, errcode.WrongCode) works.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}

// Of returns the code of err: that of the outermost [Error] or [Code] in its chain, or aborted or timeout for a context's error,
// or else internal. It returns "" for nil.
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

// FromContext returns an Error for a context's error: aborted or timeout.
func FromContext(op string, err error) *Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return Wrap(Timeout, op, err)
	}
	return Wrap(Aborted, op, err)
}
