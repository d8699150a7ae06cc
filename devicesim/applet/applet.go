// Package applet has the interface between applets and the simulated device. An applet describes itself with an [Applet], and
// uses the device through the interface [Device]. The device package imports no applet, and an applet does not import the
// device package.
//
// A new coin is a folder below devicesim/applets that exports one Applet, and one line in the catalogue there.
package applet

import (
	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/hd"
	"imkey-connect/devicesim/se"
)

// Applet describes a program that can be installed on a device.
type Applet struct {
	// AID identifies the applet in SELECT: 1 to 16 bytes, as "i_eth".
	AID string
	// Name identifies the applet to the user, as "ethereum". Applets with a name can be removed and installed again. An
	// empty name is for applets that belong to every device.
	Name string
	// Version is what SELECT answers, in ASCII. It may be empty.
	Version string
	// At returns the applet in another version, or false for one that cannot be installed. It is nil for an applet of which only one
	// version is known.
	At func(version string) (Applet, bool)
	// New returns an instance. The device calls it at each SELECT of the applet.
	New func() Instance
}

// Instance is an applet from its SELECT to the next one. Its fields are the applet's RAM. The device calls one method at a
// time, but may call Forget while Execute waits in [Device.Confirm].
type Instance interface {
	// Execute answers a command. An [apdu.StatusWord] as error is the answer's status word. An error of one of d's methods
	// must be returned as it is: some of them end the command without an answer. Any other error is answered with 6F00.
	// d is valid until Execute returns.
	Execute(d Device, c apdu.Command) ([]byte, error)
	// Forget discards what was prepared and not yet signed, and the payload under way. The device calls it after a CANCEL,
	// a reset and at the next SELECT.
	Forget()
}

// Device is what a device gives to the applet that executes a command.
type Device interface {
	// HasWallet reports whether there is a wallet.
	HasWallet() bool
	// WalletKey derives the wallet's key at a path such as m/44'/60'/0'/0/0. The caller wipes it after use. Without
	// a wallet it returns [apdu.NoWallet], for a malformed path [apdu.WrongData].
	WalletKey(path string) (hd.Key, error)
	// Attest signs a digest with the secure element's key, whose certificate the host has. The signature is in DER form.
	Attest(digest [32]byte) ([]byte, error)
	// Random returns random bytes of the device.
	Random() ([32]byte, error)
	// CheckBinding checks a binding signature over the bytes that are signed. A signature by another key than the bound
	// app's is [apdu.SignatureFailed]. So is an empty one while the device is bound, unless the device allows those.
	CheckBinding(signature, signed []byte) error
	// Confirm shows texts on the screen, each from a page of its own on, and waits for the user. It returns nil for OK,
	// [apdu.Rejected] for cancel, and another error when something else has ended the question. The caption names the
	// question in a trace and holds no secret. Other calls may change the device while Confirm waits.
	Confirm(caption string, texts ...string) error
	// Binding is the device's binding. It is for the IMK applet alone.
	Binding() Binding
}

// Binding is the relation between the device and the app that it is bound to (core/PROTOCOL.md section 5). Errors are those
// of package se, and of the device's memory.
type Binding interface {
	// Check returns the state of the binding for an app's key. It draws a code and shows it if there is none yet.
	Check(app []byte) (se.Binding, error)
	// Certificate returns the attestation certificate.
	Certificate() []byte
	// ShowCode shows the binding code. If the device is bound, the app of the last Check must be the bound one.
	ShowCode() error
	// Ready checks what Verify gets, without trying the code.
	Ready(app, ciphertext []byte) error
	// MustConfirm reports whether the user must confirm before Verify.
	MustConfirm() bool
	// Verify binds the app if the ciphertext proves that it knows the code, and reports whether it does.
	Verify(app, ciphertext []byte) (bool, error)
}

// AnyLength reports whether a command asks for an answer of any length: it has no Le, or Le 00.
func AnyLength(c apdu.Command) bool { return !c.HasLe || c.Le == 0 }

// Expect checks a command's parameters, then the length of its data and its Le. Errors are [apdu.WrongParameters] and
// [apdu.WrongLength].
func Expect(c apdu.Command, p1, p2 byte, length int) error {
	switch {
	case c.P1 != p1 || c.P2 != p2:
		return apdu.WrongParameters
	case len(c.Data) != length || !AnyLength(c):
		return apdu.WrongLength
	}
	return nil
}

// ExpectData checks the parameters of a command that has data of any length, then that it has some, and its Le. Errors are
// those of [Expect].
func ExpectData(c apdu.Command, p1, p2 byte) error {
	switch {
	case c.P1 != p1 || c.P2 != p2:
		return apdu.WrongParameters
	case len(c.Data) == 0 || !AnyLength(c):
		return apdu.WrongLength
	}
	return nil
}

// Printable reports whether the screen has a glyph for every character of a text: ASCII from space to ~.
func Printable(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
