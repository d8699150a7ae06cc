// Package binding binds this host to an imKey: core/PROTOCOL.md section 5. It is a state machine over a [Store]. A
// record goes pending (the host's key is stored, before BIND_CHECK) → verify-sent (stored durably before
// IDENTITY_VERIFY leaves) → bound (the device's yes) → former (its later no); or it is imported from another host's file, and
// bound when the device says so. Whatever is cut off in between, the next BIND_CHECK tells the
// host where it stands, so that a binding is whole or absent and never half.
//
// What it promises: nothing that depends on the binding code leaves the host before the certificate is verified against
// a pinned key and names this device, or the person knowingly accepted an unverified one; IDENTITY_VERIFY is never sent
// twice by itself; a malformed code causes no traffic; and no answer of a device destroys a record.
package binding

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"time"

	"imkey-connect/core/apdu"
	"imkey-connect/core/attestation"
	"imkey-connect/core/bindcode"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Status is what the device says of its binding.
type Status byte

// The statuses, with the byte that BIND_CHECK answers.
const (
	Unbound        Status = 0x00
	BoundToThis    Status = 0x55
	BoundElsewhere Status = 0xAA
)

func (s Status) String() string {
	switch s {
	case Unbound:
		return "unbound"
	case BoundToThis:
		return "bound"
	case BoundElsewhere:
		return "bound-elsewhere"
	}
	return "unknown"
}

// The answers to IDENTITY_VERIFY.
const (
	verifyOK    = 0x5A
	verifyWrong = 0xA5
)

// Config says whom to trust and where to keep records.
type Config struct {
	Store Store
	// TrustedCAs are the CA keys that vouch for devices; with none, no device is verified.
	TrustedCAs []secp256k1.PublicKey
}

// Binding is the binding between this host and one open device.
type Binding struct {
	device *device.Device
	config Config
}

// New returns the binding of d.
func New(d *device.Device, c Config) *Binding { return &Binding{device: d, config: c} }

// check is what BIND_CHECK told.
type check struct {
	record   *Record
	status   Status
	standing attestation.Assessment
}

// Status asks the device. An answer that contradicts the record is protocol, another secure element than the record's
// is device-mismatch. It makes a record (pending) for a device that has none.
func (b *Binding) Status(ctx context.Context) (Status, error) {
	var status Status
	err := b.device.Do(ctx, func(s *device.Session) error {
		c, err := b.check(ctx, s)
		if err != nil {
			return err
		}
		c.record.Wipe()
		status = c.status
		return nil
	})
	return status, err
}

// check selects the IMK applet, asks it, and brings the record into line with what it said.
func (b *Binding) check(ctx context.Context, s *device.Session) (_ *check, err error) {
	if err := s.Select(ctx, device.IMK); err != nil {
		return nil, err
	}
	r, err := b.loadOrCreate(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.Wipe()
		}
	}()
	app := r.App.Public()
	resp, err := s.Transmit(ctx, apdu.New(0x80, 0x71, 0x00, 0x00, app[:]), 0)
	if err != nil {
		return nil, err
	}
	if err := resp.SW.Err("BIND_CHECK"); err != nil {
		return nil, err
	}
	if len(resp.Data) == 0 {
		return nil, errcode.New(errcode.Protocol, "an empty answer to BIND_CHECK")
	}
	c := &check{record: r, status: Status(resp.Data[0])}
	certificate := resp.Data[1:]
	if len(certificate) == 0 {
		// Whether a bound device repeats its certificate is not publicly known.
		if certificate, err = s.Certificate(ctx); err != nil {
			return nil, err
		}
		if err := s.Select(ctx, device.IMK); err != nil {
			return nil, err
		}
	}
	c.standing = attestation.Assess(certificate, s.SEID(), b.config.TrustedCAs)
	if c.standing.Certificate != nil && r.HasSE && c.standing.Certificate.PublicKey != r.SE {
		return nil, errcode.New(errcode.DeviceMismatch, "another secure element than the one this host knows")
	}
	switch c.status {
	case Unbound, BoundElsewhere:
		if c.standing.Certificate != nil {
			b.former(ctx, r)
		}
		return c, nil
	case BoundToThis:
		return c, b.confirm(ctx, c)
	}
	return nil, errcode.New(errcode.Protocol, "an unknown answer to BIND_CHECK")
}

// confirm takes "bound to this" into the record.
func (b *Binding) confirm(ctx context.Context, c *check) error {
	r := c.record
	if r.State == Pending {
		return errcode.New(errcode.Protocol, "the device claims a binding that this host never asked for")
	}
	// The record has a key by now, and check compared it; without a certificate there is nothing to compare.
	if c.standing.Certificate == nil {
		return c.standing.Err
	}
	if r.State == Bound {
		return nil
	}
	if r.State == VerifySent {
		if !r.BoundAt.IsZero() {
			// The key was bound before, so the attempt that was cut off need not be what bound it now: the code that was typed
			// in it may be wrong.
			r.Code.Wipe()
			r.HasCode = false
		}
		r.BoundAt = now()
	}
	r.State = Bound
	return b.keep(ctx, r)
}

// former takes "not bound to this" into the record of a device that was. The record is as good without that note, so it is
// none of the caller's errors if it cannot be made.
func (b *Binding) former(ctx context.Context, r *Record) {
	if r.State == Bound || r.State == Imported {
		r.State = Former
		_ = b.keep(ctx, r)
	}
}

func (b *Binding) loadOrCreate(ctx context.Context) (*Record, error) {
	info := b.device.Info()
	r, err := load(ctx, b.config.Store, info.SEID)
	if !errors.Is(err, ErrNoRecord) {
		return r, err
	}
	err = locked(ctx, b.config.Store, info.SEID, func() error {
		// It may have been imported at this very moment.
		if r, err = load(ctx, b.config.Store, info.SEID); !errors.Is(err, ErrNoRecord) {
			return err
		}
		app, err := secp256k1.Generate(rand.Reader)
		if err != nil {
			return err
		}
		r = &Record{SEID: info.SEID, Serial: info.Serial, State: Pending, App: app, Created: now()}
		if err := save(ctx, b.config.Store, r); err != nil {
			r.Wipe()
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// BindOptions are a person's choices for one binding.
type BindOptions struct {
	// AcceptUnverified says that the person knowingly goes on with a device that no pinned key verifies. Its key is
	// pinned from then on.
	AcceptUnverified bool
	// RememberCode keeps the code in the record, for its person to look up later.
	RememberCode bool
}

// Bind binds this host with the code as the person typed it. A malformed code is code-format and reaches no device;
// then untrusted-device, wrong-code, code-locked, or whatever stood in the way. A device that is already bound to this
// host is left as it is, and so is what its record keeps: the code was not checked.
func (b *Binding) Bind(ctx context.Context, typed string, o BindOptions) error {
	code, err := bindcode.Parse(typed)
	if err != nil {
		return err
	}
	defer code.Wipe()
	return b.device.Do(ctx, func(s *device.Session) error {
		c, err := b.check(ctx, s)
		if err != nil {
			return err
		}
		defer c.record.Wipe()
		if c.status == BoundToThis {
			return c.trusted(o.AcceptUnverified)
		}
		if err := c.trust(o.AcceptUnverified); err != nil {
			return err
		}
		return b.verify(ctx, s, c, &code, o.RememberCode)
	})
}

// trusted says whether the device is one that the caller wants to deal with.
func (c *check) trusted(acceptUnverified bool) error {
	if c.standing.Standing == attestation.Verified || c.standing.Standing == attestation.Unverified && acceptUnverified {
		return nil
	}
	return c.standing.Err
}

// trust takes the device's key into the record, or says why it may not.
func (c *check) trust(acceptUnverified bool) error {
	if err := c.trusted(acceptUnverified); err != nil {
		return err
	}
	r := c.record
	r.Trust, r.CA = Accepted, secp256k1.PublicKey{}
	if c.standing.Standing == attestation.Verified {
		r.Trust, r.CA = Verified, c.standing.CA
	}
	r.SE, r.HasSE = c.standing.Certificate.PublicKey, true
	return nil
}

// verify sends IDENTITY_VERIFY, once.
func (b *Binding) verify(ctx context.Context, s *device.Session, c *check, code *bindcode.Code, remember bool) error {
	r := c.record
	// What to go back to when the device says no: it was not bound to this host before either, and a record that once was
	// keeps that, so that no answer of a device can take a key away.
	before := *r
	defer before.Wipe()
	if before.State == VerifySent {
		before.State = Pending
		if !before.BoundAt.IsZero() {
			before.State = Former // an attempt that was cut off took nothing from it
		}
		before.Code, before.HasCode = bindcode.Code{}, false
	}
	r.State = VerifySent
	r.Code, r.HasCode = bindcode.Code{}, remember
	if remember {
		r.Code = *code
	}
	payload, err := verifyPayload(&r.App, r.SE, code)
	if err != nil {
		return err
	}
	if err := b.keep(ctx, r); err != nil {
		return err
	}
	resp, err := s.Transmit(ctx, apdu.New(0x80, 0x73, 0x80, 0x00, payload), device.UserTimeout)
	if err != nil {
		// The device may have bound or not. The next BIND_CHECK tells.
		return err
	}
	// From here on the device has answered, and the record must follow whatever becomes of the caller.
	ctx = context.WithoutCancel(ctx)
	no := resp.SW.Err("IDENTITY_VERIFY", apdu.As{SW: apdu.ConditionsNotSatisfied, Code: errcode.CodeLocked})
	switch {
	case no != nil:
	case len(resp.Data) == 1 && resp.Data[0] == verifyOK:
		r.State, r.BoundAt = Bound, now()
		return b.keepBound(ctx, r)
	case len(resp.Data) == 1 && resp.Data[0] == verifyWrong:
		no = errcode.New(errcode.WrongCode, "IDENTITY_VERIFY")
	default:
		return errcode.New(errcode.Protocol, "an unknown answer to IDENTITY_VERIFY")
	}
	kept := b.keep(ctx, &before)
	if kept == errChanged { // what took its place has nothing to do with this answer
		kept = nil
	}
	return errors.Join(no, kept)
}

// verifyPayload is appPub65 ‖ ct48, the data of IDENTITY_VERIFY.
func verifyPayload(app *secp256k1.PrivateKey, se secp256k1.PublicKey, code *bindcode.Code) ([]byte, error) {
	pub := app.Public()
	x, err := app.ECDH(se)
	if err != nil {
		return nil, err
	}
	defer clear(x[:])
	key := sha1.Sum(x[:])
	defer clear(key[:])
	plain := make([]byte, 0, bindcode.Length+2*len(pub))
	plain = append(plain, code[:]...)
	plain = append(plain, pub[:]...)
	plain = append(plain, se[:]...)
	defer clear(plain)
	digest := sha256.Sum256(plain)
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		return nil, errcode.Wrap(errcode.Internal, "AES", err)
	}
	iv := verifyIV(code)
	// PKCS#7: 32 bytes are two blocks, so a whole block of padding follows.
	padded := make([]byte, 48)
	copy(padded, digest[:])
	for i := 32; i < 48; i++ {
		padded[i] = 16
	}
	cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(padded, padded)
	return append(pub[:], padded...), nil
}

// verifyIV is the first 16 bytes of SHA-256("bindingCode") XOR SHA-256(code).
func verifyIV(code *bindcode.Code) (iv [16]byte) {
	a, b := sha256.Sum256([]byte("bindingCode")), sha256.Sum256(code[:])
	for i := range iv {
		iv[i] = a[i] ^ b[i]
	}
	return iv
}

// ShowCode asks the device to show its binding code on its own screen. A device that is bound elsewhere may refuse;
// that is bound-elsewhere.
func (b *Binding) ShowCode(ctx context.Context) error {
	return b.device.Do(ctx, func(s *device.Session) error {
		c, err := b.check(ctx, s)
		if err != nil {
			return err
		}
		c.record.Wipe()
		resp, err := s.Transmit(ctx, apdu.New(0x80, 0x72, 0x00, 0x00, nil), 0)
		if err != nil {
			return err
		}
		refused := apdu.As{SW: apdu.ConditionsNotSatisfied, Code: errcode.Protocol}
		if c.status == BoundElsewhere {
			refused.Code = errcode.BoundElsewhere
		}
		return resp.SW.Err("show the binding code", refused)
	})
}

// RevealCode returns the code that the record keeps; ok is false where its person chose not to keep it. It needs the
// device: plugged in, "bound to this", and with the record's key. That proves no presence, since a certificate can be
// replayed and the status is plain text; it keeps the code from whoever has the browser alone and does not try.
// acceptUnverified lets the code of a device be shown that was accepted without verification. The caller wipes the code.
func (b *Binding) RevealCode(ctx context.Context, acceptUnverified bool) (code bindcode.Code, ok bool, err error) {
	err = b.device.Do(ctx, func(s *device.Session) error {
		c, err := b.check(ctx, s)
		if err != nil {
			return err
		}
		defer c.record.Wipe()
		switch c.status {
		case Unbound:
			return errcode.New(errcode.NotBound, "reveal the binding code")
		case BoundElsewhere:
			return errcode.New(errcode.BoundElsewhere, "reveal the binding code")
		}
		if err := c.trusted(acceptUnverified); err != nil {
			return err
		}
		code, ok = c.record.Code, c.record.HasCode
		return nil
	})
	return code, ok, err
}

// Forget removes the record of this device, corrupt or not. The device goes on being bound to the key that is thereby
// lost; binding again takes the code.
func (b *Binding) Forget(ctx context.Context) error {
	return b.device.Do(ctx, func(s *device.Session) error {
		return Forget(ctx, b.config.Store, s.SEID())
	})
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
