// Package imk is the IMK applet, which binds the device to an app (core/PROTOCOL.md section 5).
package imk

import (
	"errors"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/se"
)

// The status bytes that the applet answers.
const (
	statusUnbound        = 0x00
	statusBoundToThis    = 0x55
	statusBoundElsewhere = 0xAA
	statusRightCode      = 0x5A
	statusWrongCode      = 0xA5
)

// Applet is the IMK applet. Every device has it.
var Applet = applet.Applet{
	AID: "i_imk", Version: "1.2.00",
	New: func() applet.Instance { return imk{} },
}

// imk has no state of its own: the binding is the device's.
type imk struct{}

func (imk) Forget() {}

func (imk) Execute(d applet.Device, c apdu.Command) ([]byte, error) {
	if c.CLA != 0x80 {
		return nil, apdu.ClassNotSupported
	}
	switch c.INS {
	case 0x71:
		return bindCheck(d.Binding(), c)
	case 0x72:
		return nil, showCode(d.Binding(), c)
	case 0x73:
		return identityVerify(d, c)
	}
	return nil, apdu.InstructionNotSupported
}

// bindCheck answers the state of the binding and the attestation certificate.
func bindCheck(b applet.Binding, c apdu.Command) ([]byte, error) {
	if err := applet.Expect(c, 0x00, 0x00, se.PointSize); err != nil {
		return nil, err
	}
	state, err := b.Check(c.Data)
	if err != nil {
		return nil, statusOf(err)
	}
	status := byte(statusUnbound)
	switch state {
	case se.BoundToThis:
		status = statusBoundToThis
	case se.BoundElsewhere:
		status = statusBoundElsewhere
	}
	return append([]byte{status}, b.Certificate()...), nil
}

// showCode shows the binding code on the screen.
func showCode(b applet.Binding, c apdu.Command) error {
	if err := applet.Expect(c, 0x00, 0x00, 0); err != nil {
		return err
	}
	return statusOf(b.ShowCode())
}

// identityVerify binds an app that knows the code, after the user's OK if the device asks for it.
func identityVerify(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.Expect(c, 0x80, 0x00, se.PointSize+se.CiphertextSize); err != nil {
		return nil, err
	}
	b := d.Binding()
	app, ciphertext := c.Data[:se.PointSize], c.Data[se.PointSize:]
	if err := b.Ready(app, ciphertext); err != nil {
		return nil, statusOf(err)
	}
	if b.MustConfirm() {
		if err := d.Confirm("binding", "Bind this app?\nThe one before\nis unbound."); err != nil {
			return nil, err
		}
	}
	right, err := b.Verify(app, ciphertext)
	if err != nil {
		return nil, statusOf(err)
	}
	if !right {
		return []byte{statusWrongCode}, nil
	}
	return []byte{statusRightCode}, nil
}

// statusOf returns the status word for an error of the secure element, and any other error unchanged.
func statusOf(err error) error {
	switch {
	case errors.Is(err, se.ErrPoint):
		return apdu.WrongData
	case errors.Is(err, se.ErrLength):
		return apdu.WrongLength
	case errors.Is(err, se.ErrLocked), errors.Is(err, se.ErrNoCode), errors.Is(err, se.ErrBoundElsewhere):
		return apdu.ConditionsNotSatisfied
	}
	return err
}
