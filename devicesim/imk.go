package devicesim

import (
	"bytes"
	"errors"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/se"
)

// The answers of the IMK applet: core/PROTOCOL.md section 5.
const (
	statusUnbound        = 0x00
	statusBoundToThis    = 0x55
	statusBoundElsewhere = 0xAA
	statusRightCode      = 0x5A
	statusWrongCode      = 0xA5
)

// imk is the applet that binds hosts. It keeps nothing of its own.
type imk struct{}

func (imk) drop() {}

func (imk) exec(x *exchange, c apdu.Command) ([]byte, error) {
	if c.CLA != 0x80 {
		return nil, apdu.ClassNotSupported
	}
	switch c.INS {
	case 0x71:
		return x.d.bindCheck(c)
	case 0x72:
		return nil, x.d.showCode(c)
	case 0x73:
		return x.identityVerify(c)
	}
	return nil, apdu.InstructionNotSupported
}

// bindCheck says whom the device is bound to, draws the code where there is none yet, and shows it then.
func (d *Device) bindCheck(c apdu.Command) ([]byte, error) {
	if err := expect(c, 0x00, 0x00, se.PointSize); err != nil {
		return nil, err
	}
	binding, drew, err := d.se.Check(c.Data)
	if err != nil {
		return nil, statusOf(err)
	}
	d.lastApp = bytes.Clone(c.Data)
	if drew {
		d.show(codeView{})
	}
	status := byte(statusUnbound)
	switch binding {
	case se.BoundToThis:
		status = statusBoundToThis
	case se.BoundElsewhere:
		status = statusBoundElsewhere
	}
	return append([]byte{status}, d.se.Certificate()...), nil
}

// showCode shows the code on the screen, but not for a host that is not the bound one: the command names none, so the host
// is whoever made the last BIND_CHECK.
func (d *Device) showCode(c apdu.Command) error {
	if err := expect(c, 0x00, 0x00, 0); err != nil {
		return err
	}
	if _, err := d.se.Code(); err != nil {
		return statusOf(err)
	}
	if app, bound := d.se.AppKey(); bound && !bytes.Equal(app, d.lastApp) {
		return statusOf(se.ErrBoundElsewhere)
	}
	d.show(codeView{})
	return nil
}

// identityVerify checks that the host knows the code, after the person's OK where that is asked for.
func (x *exchange) identityVerify(c apdu.Command) ([]byte, error) {
	d := x.d
	if err := expect(c, 0x80, 0x00, se.PointSize+se.CiphertextSize); err != nil {
		return nil, err
	}
	app, ciphertext := c.Data[:se.PointSize], c.Data[se.PointSize:]
	if err := d.se.Ready(app, ciphertext); err != nil {
		return nil, statusOf(err)
	}
	if d.confirmBinding {
		if err := x.confirm("binding", []string{"Bind this app?", "The one before", "is unbound."}); err != nil {
			return nil, err
		}
	}
	right, err := d.se.Verify(app, ciphertext)
	if err != nil {
		return nil, statusOf(err)
	}
	if !right {
		d.changed("wrong code")
		return []byte{statusWrongCode}, nil
	}
	d.lastApp = bytes.Clone(app)
	if _, code := d.screen.(codeView); code {
		d.show(d.rest())
	}
	d.changed("bound")
	return []byte{statusRightCode}, nil
}

// statusOf is the status word for a secure element's refusal; any other error is its own.
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
