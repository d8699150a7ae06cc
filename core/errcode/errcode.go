// Package errcode holds the stable error codes of imkey-connect. A code is what programs branch on and what a page turns
// into a sentence; it never changes its meaning. [Code] is itself an error, so that errors.Is(err, errcode.WrongCode)
// works on whatever wraps it.
package errcode

import (
	"context"
	"errors"
)

// Code is a stable, machine-readable name of what went wrong.
type Code string

// The codes, grouped as the JavaScript API documents them.
const (
	// Unsupported: no WebUSB, or no secure context.
	Unsupported Code = "unsupported"
	// NoDevice: nothing known is plugged in.
	NoDevice Code = "no-device"
	// RequestCancelled: the browser's chooser closed without a choice.
	RequestCancelled Code = "request-cancelled"
	// PermissionDenied: a permission, a Permissions-Policy or the operating system's access rights stand in the way.
	PermissionDenied Code = "permission-denied"
	// NotIMKey: no matching interface, or answers that no imKey gives.
	NotIMKey Code = "not-imkey"
	// BootLoader: the device is in its boot loader.
	BootLoader Code = "boot-loader"
	// DeviceDisconnected: unplugged.
	DeviceDisconnected Code = "device-disconnected"
	// DeviceBusy: the device is still at another operation (ERROR 06).
	DeviceBusy Code = "device-busy"
	// InUseElsewhere: another tab or program holds the device.
	InUseElsewhere Code = "in-use-elsewhere"
	// Timeout: no answer in time.
	Timeout Code = "timeout"
	// Aborted: the caller gave up.
	Aborted Code = "aborted"
	// Protocol: anything malformed, contradictory or wrongly signed.
	Protocol Code = "protocol"
	// UserRejected: the person declined on the device (6940, or ERROR FE after a press of cancel).
	UserRejected Code = "user-rejected"
	// CodeFormat: the binding code was refused before anything was sent.
	CodeFormat Code = "code-format"
	// WrongCode: the device says that the binding code is another one (A5).
	WrongCode Code = "wrong-code"
	// CodeLocked: the device refuses to check binding codes after too many wrong ones (6985 to IDENTITY_VERIFY).
	CodeLocked Code = "code-locked"
	// NotBound: the operation needs a binding.
	NotBound Code = "not-bound"
	// BoundElsewhere: the device is bound to another app (AA).
	BoundElsewhere Code = "bound-elsewhere"
	// UntrustedDevice: no pinned key verifies the device's certificate.
	UntrustedDevice Code = "untrusted-device"
	// DeviceMismatch: another secure element's key than the one in the record, or a file of another device.
	DeviceMismatch Code = "device-mismatch"
	// Locked: the PIN is not verified (F081).
	Locked Code = "locked"
	// WalletMissing: no wallet was created yet (F000).
	WalletMissing Code = "wallet-missing"
	// InMenu: the device shows a menu (F080).
	InMenu Code = "in-menu"
	// AppletMissing: the applet is not installed (6A82 to SELECT).
	AppletMissing Code = "applet-missing"
	// Storage: the record store is blocked or failing.
	Storage Code = "storage"
	// StorageFull: the record store is out of quota.
	StorageFull Code = "storage-full"
	// RecordCorrupt: a stored record does not authenticate, or its version is unknown.
	RecordCorrupt Code = "record-corrupt"
	// RecordExists: an import would replace what this host knows of the device.
	RecordExists Code = "record-exists"
	// FileInvalid: a file that holds no binding, or not whole, or of a later version.
	FileInvalid Code = "file-invalid"
	// WrongPassphrase: the file was encrypted with another one.
	WrongPassphrase Code = "wrong-passphrase"
	// InvalidArgument: the caller's argument has a wrong type or value.
	InvalidArgument Code = "invalid-argument"
	// UnsupportedMethod: the device does not know the instruction (6D00, 6E00), or the method does not exist.
	UnsupportedMethod Code = "unsupported-method"
	// Internal: a fault of ours.
	Internal Code = "internal"
)

// All lists every code, in the order of the documentation.
func All() []Code {
	return []Code{
		Unsupported, NoDevice, RequestCancelled, PermissionDenied, NotIMKey, BootLoader, DeviceDisconnected, DeviceBusy,
		InUseElsewhere, Timeout, Aborted, Protocol, UserRejected, CodeFormat, WrongCode, CodeLocked, NotBound,
		BoundElsewhere, UntrustedDevice, DeviceMismatch, Locked, WalletMissing, InMenu, AppletMissing, Storage,
		StorageFull, RecordCorrupt, RecordExists, FileInvalid, WrongPassphrase, InvalidArgument, UnsupportedMethod, Internal,
	}
}

// Error makes a bare code an error.
func (c Code) Error() string { return string(c) }

// Retryable says whether the same call may succeed later without a change in the program: after the person unlocked,
// replugged or chose again.
func (c Code) Retryable() bool {
	switch c {
	case NoDevice, RequestCancelled, PermissionDenied, BootLoader, DeviceDisconnected, DeviceBusy, InUseElsewhere,
		Timeout, Aborted, UserRejected, CodeFormat, WrongCode, CodeLocked, Locked, WalletMissing, InMenu, Storage,
		StorageFull, WrongPassphrase:
		return true
	}
	return false
}

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
