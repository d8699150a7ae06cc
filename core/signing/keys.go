package signing

import (
	"context"

	"imkey-connect/core/device"
	"imkey-connect/core/secp256k1"
)

// Keys are the keys of a binding, for one operation. They hold a secret, which [Applet.Do] wipes when the operation ends.
type Keys struct {
	// App is the app key for this device. It makes the binding signatures.
	App secp256k1.PrivateKey
	// SE is the public key of the secure element that the app is bound to. It signs the wallet's public keys.
	SE secp256k1.PublicKey

	unbound bool
}

// Binder gives the keys of the binding between this app and the device of a session.
type Binder interface {
	// Keys asks the device whether the binding holds. Errors have the codes not-bound, bound-elsewhere, untrusted-device
	// or device-mismatch, or come from the exchange. It may select another applet.
	Keys(ctx context.Context, s *device.Session) (Keys, error)
}

// Recaller is a [Binder] that may know the keys without a question to the device. [Applet.Do] then asks the device only after a
// refusal that a stale record can explain: core/PROTOCOL.md section 8.
type Recaller interface {
	Binder
	// Recall returns the keys of the record. ok is false if the device must be asked. It sends nothing.
	Recall(ctx context.Context, s *device.Session) (k Keys, ok bool, err error)
}

// BinderFunc makes a Binder of a function.
type BinderFunc func(ctx context.Context, s *device.Session) (Keys, error)

// Keys implements [Binder].
func (f BinderFunc) Keys(ctx context.Context, s *device.Session) (Keys, error) { return f(ctx, s) }

// Unbound returns a Binder for signing without a binding: binding signatures are empty, as old hosts sent them, and results
// say Unbound. A device may refuse that; a device that accepts it signs for every app that it is connected to. It is meant
// for tests and for recordings. se is the public key of the secure element, which still must sign the wallet's
// public keys.
func Unbound(se secp256k1.PublicKey) Binder {
	return BinderFunc(func(context.Context, *device.Session) (Keys, error) {
		return Keys{SE: se, unbound: true}, nil
	})
}

// wipe overwrites the secret.
func (k *Keys) wipe() { k.App.Wipe() }
