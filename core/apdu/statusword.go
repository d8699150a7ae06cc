package apdu

import "imkey-connect/core/errcode"

// StatusWord is the end of every answer, SW1 and SW2. All but [OK] are errors; errors.Is(err, errcode.Locked) works on
// them.
type StatusWord uint16

// The status words that imKeys are known to answer with: core/PROTOCOL.md section 3.
const (
	OK                      StatusWord = 0x9000
	WrongLength             StatusWord = 0x6700
	Declined                StatusWord = 0x6940
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

// Code is the error code of a status word wherever it means the same to every command. 6985 and 6A82 mean more to the
// commands that know why; see [StatusWord.Err].
func (w StatusWord) Code() errcode.Code {
	switch w {
	case Declined, MnemonicCancelled:
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
		// The command was ours, so the mistake is.
		return errcode.Internal
	}
	return errcode.Protocol
}

// Error names the status word.
func (w StatusWord) Error() string {
	const digits = "0123456789ABCDEF"
	return "status word " + string([]byte{digits[w>>12], digits[w>>8&15], digits[w>>4&15], digits[w&15]})
}

// Unwrap gives the sentinel: the code of the status word.
func (w StatusWord) Unwrap() error { return w.Code() }

// Err returns nil for 9000, else an [errcode.Error] with the status word's code, or with the code that as gives for it.
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

// As gives a status word the code that it has for one command.
type As struct {
	SW   StatusWord
	Code errcode.Code
}
