package device

import (
	"bytes"
	"crypto/sha256"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/ecdsa"
	"imkey-connect/devicesim/se"
)

// binding implements [applet.Binding]: the secure element's binding, and what the screen shows of it.
type binding struct{ d *Device }

func (b binding) Certificate() []byte { return b.d.se.Certificate() }

func (b binding) MustConfirm() bool { return b.d.confirmBinding }

func (b binding) Ready(app, ciphertext []byte) error { return b.d.se.Ready(app, ciphertext) }

func (b binding) Check(app []byte) (se.Binding, error) {
	state, drew, err := b.d.se.Check(app)
	if err != nil {
		return state, err
	}
	b.d.lastApp = bytes.Clone(app)
	if drew {
		b.d.show(codeView{})
	}
	return state, nil
}

// ShowCode shows the code to the bound app only. The command names no app, so the app of the last Check counts.
func (b binding) ShowCode() error {
	if _, err := b.d.se.Code(); err != nil {
		return err
	}
	if app, bound := b.d.se.AppKey(); bound && !bytes.Equal(app, b.d.lastApp) {
		return se.ErrBoundElsewhere
	}
	b.d.show(codeView{})
	return nil
}

func (b binding) Verify(app, ciphertext []byte) (bool, error) {
	d := b.d
	right, err := d.se.Verify(app, ciphertext)
	if err != nil {
		return false, err
	}
	if !right {
		d.changed("wrong code")
		return false, nil
	}
	d.lastApp = bytes.Clone(app)
	if _, code := d.screen.(codeView); code {
		d.show(d.rest())
	}
	d.changed("bound")
	return true, nil
}

// checkBinding checks a binding signature: only the bound app makes the device sign. An empty signature names no app. A
// bound device refuses it like another app's, unless [Device.AllowUnbound] lets it pass; an unbound device takes it, as
// recorded devices did.
func (d *Device) checkBinding(signature, signed []byte) error {
	app, bound := d.se.AppKey()
	if emptySignature(signature) {
		if bound && !d.allowUnbound {
			return apdu.SignatureFailed
		}
		return nil
	}
	digest := sha256.Sum256(signed)
	if !bound || !ecdsa.Verify(app, sha256.Sum256(digest[:]), signature) {
		return apdu.SignatureFailed
	}
	return nil
}

// emptySignature recognises what unbound apps were recorded to send: nothing, or one zero byte.
func emptySignature(s []byte) bool { return len(s) == 0 || len(s) == 1 && s[0] == 0 }
