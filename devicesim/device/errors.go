package device

import (
	"errors"
	"fmt"
)

// What a person's actions can run into.
var (
	// ErrUnplugged: without power the device does nothing.
	ErrUnplugged = errors.New("devicesim: unplugged")
	// ErrClosed: the device was closed.
	ErrClosed = errors.New("devicesim: closed")
	// ErrLocked: the PIN must be entered first.
	ErrLocked = errors.New("devicesim: locked, enter the PIN")
	// ErrBusy: the screen asks something that must be answered first.
	ErrBusy = errors.New("devicesim: the screen waits for an answer")
	// ErrDeclined: the person said no.
	ErrDeclined = errors.New("devicesim: declined")
	// ErrBootLoader: the boot loader has no such function.
	ErrBootLoader = errors.New("devicesim: in the boot loader")
	// ErrNoPIN: no PIN is set.
	ErrNoPIN = errors.New("devicesim: no PIN is set")
	// ErrPINFormat: a PIN has 4 to 12 digits.
	ErrPINFormat = errors.New("devicesim: a PIN has 4 to 12 digits")
	// ErrPINWiped: that was the last wrong PIN, and the device has wiped itself.
	ErrPINWiped = errors.New("devicesim: too many wrong PINs, the device has wiped itself")
	// ErrWalletExists: the device has a wallet; only a reset removes it.
	ErrWalletExists = errors.New("devicesim: there is a wallet already")
	// ErrWordCount: a mnemonic has 12 or 24 words.
	ErrWordCount = errors.New("devicesim: a mnemonic has 12 or 24 words")
	// ErrMnemonic: a word that is not in the list, or a wrong checksum. The text never repeats the words.
	ErrMnemonic = errors.New("devicesim: not a valid mnemonic: a word or the checksum is wrong")
	// ErrRecording: the device plays a recording (package replay), which nobody can do anything to.
	ErrRecording = errors.New("devicesim: this device plays a recording, which has no buttons, PIN or wallet")
	// ErrButton: no such button.
	ErrButton = errors.New("devicesim: no such button")
	// ErrApplet: no coin's applet has this name.
	ErrApplet = errors.New("devicesim: no such applet")
	// ErrBattery: neither 0 to 100 percent nor Charging.
	ErrBattery = errors.New("devicesim: the battery is 0 to 100 percent, or 255 for charging")
)

// WrongPINError says how many attempts are left before the device wipes itself.
type WrongPINError struct{ Left int }

func (e *WrongPINError) Error() string {
	return fmt.Sprintf("devicesim: wrong PIN, %d attempts left", e.Left)
}

// OptionError is an option of New that no device can have.
type OptionError struct {
	Option string
	Err    error
}

func (e *OptionError) Error() string { return "devicesim: option " + e.Option + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *OptionError) Unwrap() error { return e.Err }

// errConflict: the state file holds a device that differs from the options.
var errConflict = errors.New("the state file holds another device")

// StateError is a state file that cannot be used. The file stays as it is.
type StateError struct {
	Path   string
	Reason string
	Err    error // or nil
}

func (e *StateError) Error() string {
	s := "devicesim: state file " + e.Path + ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *StateError) Unwrap() error { return e.Err }
