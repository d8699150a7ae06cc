package binding

import (
	"context"

	"imkey-connect/core/attestation"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// SigningOptions lower the requirements for an operation that signs.
type SigningOptions struct {
	// Consent says which device may sign.
	Consent
	// AllowUnbound allows a device that is not bound to any app. A device that is bound to another app is never allowed.
	AllowUnbound bool
}

// SigningKeys are the keys of a binding, for one operation that signs. They hold a secret, which the caller wipes.
type SigningKeys struct {
	// App is the app key for the device. It makes the binding signatures. It is zero if Unbound is set.
	App secp256k1.PrivateKey
	// SE is the public key of the device's secure element. If Unbound is set, it comes from a certificate that was verified or
	// knowingly accepted, else from the record.
	SE secp256k1.PublicKey
	// Trust is [Verified] or [Accepted], as the certificate was found now.
	Trust Trust
	// Unbound reports that the device is not bound to any app and that the caller allowed that.
	Unbound bool
}

// Wipe overwrites the secret.
func (k *SigningKeys) Wipe() { k.App.Wipe() }

// SigningKeys asks the device of s, which must be this binding's device, whether it is bound, and returns the keys. Errors
// have code not-bound, bound-elsewhere, untrusted-device or device-changed, or are those of [Binding.Status]. Afterwards the IMK applet is the
// selected one.
func (b *Binding) SigningKeys(ctx context.Context, s *device.Session, o SigningOptions) (SigningKeys, error) {
	if err := b.Expect(o.Shown); err != nil {
		return SigningKeys{}, err
	}
	c, err := b.check(ctx, s, Consent{})
	if err != nil {
		return SigningKeys{}, err
	}
	defer c.record.Wipe()
	switch {
	case c.standing.Certificate == nil && b.identity.Standing != attestation.Invalid:
		return SigningKeys{}, errDeviceChanged // its certificate was valid when it was opened, and is not one for this SEID now
	case c.status == BoundElsewhere:
		return SigningKeys{}, errcode.New(errcode.BoundElsewhere, "sign")
	case c.status == Unbound && !o.AllowUnbound:
		return SigningKeys{}, errcode.New(errcode.NotBound, "sign")
	}
	if err := b.agreed(c, o.Consent); err != nil {
		return SigningKeys{}, err
	}
	if err := c.adopted(); err != nil {
		return SigningKeys{}, err
	}
	k := SigningKeys{Unbound: c.status == Unbound, Trust: Accepted}
	if c.standing.Standing == attestation.Verified {
		k.Trust = Verified
	}
	// If the record has a key, check has compared it with this one.
	k.SE = c.standing.Certificate.PublicKey
	if !k.Unbound {
		k.App = c.record.App
	}
	return k, nil
}

// Recall is SigningKeys without a question to the device. ok is false unless the record says that the device is bound to this app,
// with the secure element's key that the device had when it was opened; then only the device can tell. The device judges the binding
// signature by itself, so a record that is out of date costs a refusal and no signature. A caller asks the device by SigningKeys
// after a refusal. The selected applet does not change.
func (b *Binding) Recall(ctx context.Context, o SigningOptions) (k SigningKeys, ok bool, err error) {
	if err := b.Expect(o.Shown); err != nil {
		return k, false, err
	}
	r, err := load(ctx, b.config.Store, b.identity.SEID)
	if err != nil {
		return k, false, nil // SigningKeys reports it
	}
	defer r.Wipe()
	trusted := b.identity.Standing == attestation.Verified || b.identity.Standing == attestation.Unverified && o.AcceptUnverified
	if r.State != Bound || r.HasNext || !r.HasSE || r.SE != b.identity.SE || !trusted {
		return k, false, nil
	}
	k = SigningKeys{App: r.App, SE: r.SE, Trust: Accepted}
	if b.identity.Standing == attestation.Verified {
		k.Trust = Verified
	}
	return k, true, nil
}
