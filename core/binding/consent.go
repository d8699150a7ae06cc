package binding

import (
	"context"
	"slices"

	"imkey-connect/core/attestation"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Identity is what decides whether a user trusts a device. Identities are compared with ==.
type Identity struct {
	SEID, Serial string
	Standing     attestation.Standing
	// SE is the secure element's public key. It is zero if the standing is invalid.
	SE secp256k1.PublicKey
	// CA is the trusted CA that signed the certificate. It is zero if the standing is not verified.
	CA secp256k1.PublicKey
}

// Consent is a user's decision about one device. It is valid for that device only: an operation with another one is refused
// with device-changed.
type Consent struct {
	// Shown is the device that the user saw. Nil stands for the device as it was when it was opened.
	Shown *Identity
	// AcceptUnverified allows a device whose certificate no trusted CA signed.
	AcceptUnverified bool
}

// Identity returns what the device was when it was opened.
func (b *Binding) Identity() Identity { return b.identity }

// identify returns the identity of the open device with this certificate.
func (b *Binding) identify(a attestation.Assessment) Identity {
	info := b.device.Info()
	i := Identity{SEID: info.SEID, Serial: info.Serial, Standing: a.Standing, CA: a.CA}
	if a.Certificate != nil {
		i.SE = a.Certificate.PublicKey
	}
	return i
}

// Recognise returns what the record says that the device with this SEID is, or nil if its certificate must be read. It is not nil if the
// device is bound to this app and one of these CAs signed its certificate then. That the device has the secure element's key of the
// identity is to be proven by an answer that this key signed: core/PROTOCOL.md section 8.
func Recognise(ctx context.Context, c Config, seid string) *Identity {
	r, err := load(ctx, c.Store, seid)
	if err != nil {
		return nil
	}
	defer r.Wipe()
	if r.State != Bound || r.HasNext || !r.HasSE || r.Trust != Verified || !slices.Contains(c.TrustedCAs, r.CA) {
		return nil
	}
	return &Identity{SEID: seid, Serial: r.Serial, Standing: attestation.Verified, SE: r.SE, CA: r.CA}
}

// errDeviceChanged is the error for another device than the one that the user saw.
var errDeviceChanged = errcode.New(errcode.DeviceChanged, "not the device that was shown")

// Expect returns an error with code device-changed if the open device is not the one that the user saw. It sends nothing.
func (b *Binding) Expect(shown *Identity) error {
	if shown != nil && *shown != b.identity {
		return errDeviceChanged
	}
	return nil
}

// Changed reports whether the device's last answer to BIND_CHECK had the certificate of another device than the one that was opened.
// An operation is under way or was the last one.
func (b *Binding) Changed() bool { return b.changed }

// same returns an error with code device-changed if the certificate in the answer to BIND_CHECK makes the device another one
// than the one that was opened. A device with an invalid certificate is no other one: all that needs trust refuses it.
func (b *Binding) same(c *check) error {
	if c.standing.Certificate != nil && b.identify(c.standing) != b.identity {
		return errDeviceChanged
	}
	return nil
}

// agreed returns nil if the device that answered BIND_CHECK is the one that the user agreed to use. It has then a valid
// certificate. Errors have code untrusted-device or device-changed.
func (b *Binding) agreed(c *check, o Consent) error {
	if c.standing.Standing != attestation.Verified && (c.standing.Standing != attestation.Unverified || !o.AcceptUnverified) {
		return c.standing.Err
	}
	return b.same(c)
}

// adopted returns an error with code untrusted-device (reason imported) for a binding that came from a file, as long as no trusted
// CA verified the device and the user did not accept it by [Binding.Accept] or [Binding.Bind]. Consent to sign or to reveal is no
// such yes: it repeats the one at the binding, which another user may have given.
func (c *check) adopted() error {
	if c.status == BoundToThis && c.record.State == Imported {
		return errcode.Because(errcode.UntrustedDevice, "imported", "the device of an imported binding was not accepted here")
	}
	return nil
}

// expect returns an error with code device-changed (reason record) if the record is not of the device that the user saw, with the same secure
// element's key. The key that a file claims counts, too, if the user saw one. Any record is as expected if shown is nil.
func (r *Record) expect(shown *Identity) error {
	if shown == nil {
		return nil
	}
	claimed := r.State == Imported && !r.HasSE // the serial number is the file's
	if r.SEID != shown.SEID || r.Serial != shown.Serial && !claimed || r.HasSE && r.SE != shown.SE ||
		r.HasClaim && shown.SE != (secp256k1.PublicKey{}) && r.Claim != shown.SE {
		return errcode.Because(errcode.DeviceChanged, "record", "not the record of the device that was shown")
	}
	return nil
}
