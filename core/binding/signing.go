package binding

import (
	"context"

	"imkey-connect/core/attestation"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// SigningOptions are what a caller knowingly does without.
type SigningOptions struct {
	// AcceptUnverified takes a device whose certificate no pinned key verifies.
	AcceptUnverified bool
	// AllowUnbound takes a device that is bound to nobody. One that is bound elsewhere is never taken.
	AllowUnbound bool
}

// SigningKeys are what a binding lends to one operation that signs. They hold a secret; whoever gets them wipes them.
type SigningKeys struct {
	// App is the host's key for the device, which makes the binding signatures; zero where Unbound.
	App secp256k1.PrivateKey
	// SE is the key of the device's secure element: the record's, or, where Unbound, the one of a certificate that was
	// verified or knowingly accepted. There always is one.
	SE secp256k1.PublicKey
	// Trust says what the certificate is worth today: [Verified] or [Accepted].
	Trust Trust
	// Unbound says that the device is bound to nobody, and the caller allowed that.
	Unbound bool
}

// Wipe overwrites the secret.
func (k *SigningKeys) Wipe() { k.App.Wipe() }

// SigningKeys asks the device behind s, which is this binding's, whether the binding holds, and lends its keys. Errors are
// not-bound, bound-elsewhere, untrusted-device, device-mismatch, and those of [Binding.Status]. Afterwards the IMK
// applet is the selected one.
func (b *Binding) SigningKeys(ctx context.Context, s *device.Session, o SigningOptions) (SigningKeys, error) {
	c, err := b.check(ctx, s)
	if err != nil {
		return SigningKeys{}, err
	}
	defer c.record.Wipe()
	switch {
	case c.status == BoundElsewhere:
		return SigningKeys{}, errcode.New(errcode.BoundElsewhere, "sign")
	case c.status == Unbound && !o.AllowUnbound:
		return SigningKeys{}, errcode.New(errcode.NotBound, "sign")
	}
	if err := c.trusted(o.AcceptUnverified); err != nil {
		return SigningKeys{}, err
	}
	k := SigningKeys{Unbound: c.status == Unbound, Trust: Accepted}
	if c.standing.Standing == attestation.Verified {
		k.Trust = Verified
	}
	// Where the record has a key, check held it against this one.
	k.SE = c.standing.Certificate.PublicKey
	if !k.Unbound {
		k.App = c.record.App
	}
	return k, nil
}
