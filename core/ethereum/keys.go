package ethereum

import (
	"context"

	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Keys are what a binding gives to an operation. They hold a secret, which the operation wipes when it is done.
type Keys struct {
	// App is the host's key for this device; it makes the binding signatures.
	App secp256k1.PrivateKey
	// SE is the key of the secure element that the host is bound to; it vouches for the account keys.
	SE secp256k1.PublicKey

	unbound bool
}

// Binder gives the keys of the binding between this host and the device behind s. It asks the device whether the binding
// holds: not-bound, bound-elsewhere, untrusted-device and device-mismatch are its to say. It may select another applet.
type Binder interface {
	Keys(ctx context.Context, s *device.Session) (Keys, error)
}

// BinderFunc makes a Binder of a function.
type BinderFunc func(ctx context.Context, s *device.Session) (Keys, error)

// Keys implements [Binder].
func (f BinderFunc) Keys(ctx context.Context, s *device.Session) (Keys, error) { return f(ctx, s) }

// Unbound signs without a binding: binding signatures are empty, as hosts of old sent them, and what comes back says
// Unbound. A device may refuse that, and one that does not lets every host that it is plugged into ask for signatures:
// this is for tests and for recorded sessions. se is the key of the secure element, which still must vouch for the
// account keys.
func Unbound(se secp256k1.PublicKey) Binder {
	return BinderFunc(func(context.Context, *device.Session) (Keys, error) {
		return Keys{SE: se, unbound: true}, nil
	})
}

// wipe overwrites the secret.
func (k *Keys) wipe() { k.App.Wipe() }

// sign puts the binding signature before what is sent to be signed: 00 ‖ length ‖ DER. Without a binding it is what
// hosts were recorded to write there, which differs between transactions and messages.
func (k *Keys) sign(body []byte, empty []byte) ([]byte, error) {
	if k.unbound {
		return append(append([]byte{tagBinding}, empty...), body...), nil
	}
	der, err := k.App.Sign(doubleSHA256(body))
	if err != nil {
		return nil, err
	}
	if len(der) > 0xFF {
		return nil, errcode.New(errcode.Internal, "binding signature")
	}
	return append(append([]byte{tagBinding, byte(len(der))}, der...), body...), nil
}
