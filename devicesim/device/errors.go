package device

import (
	"errors"
	"fmt"
)

// Errors of the user's actions.
var (
	// ErrUnplugged: the device has no power.
	ErrUnplugged = errors.New("device: unplugged")
	// ErrClosed: the device was closed.
	ErrClosed = errors.New("device: closed")
	// ErrLocked: the PIN must be entered first.
	ErrLocked = errors.New("device: locked, enter the PIN first")
	// ErrBusy: the screen asks a question that must be answered first.
	ErrBusy = errors.New("device: the screen asks a question, answer it first")
	// ErrRejected: the user pressed cancel.
	ErrRejected = errors.New("device: rejected")
	// ErrBootLoader: the device is in its boot loader, which has no such function.
	ErrBootLoader = errors.New("device: in the boot loader")
	// ErrNoPIN: no PIN is set.
	ErrNoPIN = errors.New("device: no PIN is set")
	// ErrPINFormat: a PIN has 4 to 12 digits.
	ErrPINFormat = errors.New("device: a PIN has 4 to 12 digits")
	// ErrPINWiped: the PIN was wrong, there was no attempt left, and the device has wiped itself.
	ErrPINWiped = errors.New("device: too many wrong PINs, the device has wiped itself")
	// ErrWalletExists: the device has a wallet; only a reset removes it.
	ErrWalletExists = errors.New("device: the device already has a wallet")
	// ErrWordCount: a mnemonic has 12 or 24 words.
	ErrWordCount = errors.New("device: a mnemonic has 12 or 24 words")
	// ErrMnemonic: a word is not in the list, or the checksum is wrong. The text never repeats the words.
	ErrMnemonic = errors.New("device: not a valid mnemonic: a word or the checksum is wrong")
	// ErrRecording: the device plays a recording (package replay), which takes no action of a user.
	ErrRecording = errors.New("device: this device plays a recording, which has no buttons, PIN or wallet")
	// ErrButton: the device has no such button.
	ErrButton = errors.New("device: no such button")
	// ErrApplet: no coin's applet has this name, or not in this version.
	ErrApplet = errors.New("device: no such applet")
	// ErrBattery: the level is neither 0 to 100 percent nor Charging.
	ErrBattery = errors.New("device: the battery is 0 to 100 percent, or 255 for charging")
)

// WrongPINError is a wrong PIN. Left is how many attempts are left before the device wipes itself.
type WrongPINError struct{ Left int }

func (e *WrongPINError) Error() string {
	return fmt.Sprintf("device: wrong PIN, %d attempts left", e.Left)
}

// OptionError is an option of New that no device can have. Option is the name of the field.
type OptionError struct {
	Option string
	Err    error
}

func (e *OptionError) Error() string { return "device: option " + e.Option + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *OptionError) Unwrap() error { return e.Err }

// errConflict: the state file holds another device than the options describe.
var errConflict = errors.New("the state file holds another device")

// StateError is a state file that cannot be used. New leaves the file unchanged.
type StateError struct {
	Path   string
	Reason string
	Err    error // or nil
}

func (e *StateError) Error() string {
	s := "device: state file " + e.Path + ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *StateError) Unwrap() error { return e.Err }
