package apdu

import (
	"imkey-connect/core/errcode"
	"imkey-connect/core/upperhex"
)

// StatusWord is the last two bytes of every answer, SW1 and SW2. Every status word but [OK] is an error: errors.Is(sw,
// errcode.Locked) is true for F081.
type StatusWord uint16

// The known status words of imKeys: core/PROTOCOL.md section 3.
const (
	OK                      StatusWord = 0x9000
	WrongLength             StatusWord = 0x6700
	Rejected                StatusWord = 0x6940
	TooManyUTXOs            StatusWord = 0x6941
	SignatureFailed         StatusWord = 0x6942
	MnemonicFailed          StatusWord = 0x6943
	MnemonicCancelled       StatusWord = 0x6944
	ConditionsNotSatisfied  StatusWord = 0x6985
	WrongData               StatusWord = 0x6A80
	NotFound                StatusWord = 0x6A82
	WrongParameters         StatusWord = 0x6A86
	InstructionNotSupported StatusWord = 0x6D00
	ClassNotSupported       StatusWord = 0x6E00
	BluetoothFailed         StatusWord = 0x6F01
	NoWallet                StatusWord = 0xF000
	InMenu                  StatusWord = 0xF080
	PINNotVerified          StatusWord = 0xF081
	SwitchedToBootLoader    StatusWord = 0x905A
)

// Code returns the error code of a status word as far as it is the same for every command. For some commands 6985 and 6A82
// have a more precise meaning; see [StatusWord.Err].
func (w StatusWord) Code() errcode.Code {
	switch w {
	case Rejected, MnemonicCancelled:
		return errcode.UserRejected
	case NotFound:
		return errcode.AppletMissing
	case InstructionNotSupported, ClassNotSupported:
		return errcode.UnsupportedMethod
	case NoWallet:
		return errcode.WalletMissing
	case InMenu:
		return errcode.InMenu
	case PINNotVerified:
		return errcode.Locked
	case SwitchedToBootLoader:
		return errcode.BootLoader
	case WrongLength, WrongData, WrongParameters:
		// This program sent the command, so the mistake is in this program.
		return errcode.Internal
	}
	return errcode.Protocol
}

// Error returns "status word " and four hex digits.
func (w StatusWord) Error() string { return "status word " + upperhex.String(byte(w>>8), byte(w)) }

// Unwrap returns the code of the status word.
func (w StatusWord) Unwrap() error { return w.Code() }

// Err returns nil for 9000. For another status word it returns an [errcode.Error] with the code that as has for it, or else
// with the status word's [StatusWord.Code].
func (w StatusWord) Err(op string, as ...As) error {
	if w == OK {
		return nil
	}
	code := w.Code()
	for _, a := range as {
		if a.SW == w {
			code = a.Code
		}
	}
	return &errcode.Error{Code: code, Op: op, StatusWord: uint16(w), Err: w}
}

// As maps a status word to the code that it has for one command.
type As struct {
	SW   StatusWord
	Code errcode.Code
}
