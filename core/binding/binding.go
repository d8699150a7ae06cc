// Package binding binds this app to an imKey: core/PROTOCOL.md section 5. It is a state machine whose states are in the
// device's record in a [Store]:
//
//	pending      the app key is stored; BIND_CHECK sends its public key
//	verify-sent  stored before IDENTITY_VERIFY is sent: the device may have bound
//	bound        the device said that it is bound to this key
//	former       the device said later that it is not
//	imported     the record came from another app's file; no trusted device has confirmed it yet
//
// An operation may be cut off at any point. The next BIND_CHECK then tells in which state the device is.
//
// Each binding has an app key of its own. If the record has a key that was bound before or came from a file, Bind makes a second
// one. The record has both keys until the device says yes to one of them: then the other is removed. BIND_CHECK names one key, so
// a record with two keys takes up to two of them.
//
// The package promises:
//
//   - Nothing that depends on the binding code is sent before a trusted CA is found to have signed the device's certificate, or
//     before the user knowingly accepted a device that cannot be verified. A decision is valid for the device and the standing
//     that the user saw: see [Consent].
//   - One call sends IDENTITY_VERIFY at most once.
//   - A malformed code causes no traffic.
//   - No answer of a device removes a record, or an app key, except that its yes to one of two keys removes the other one, and its
//     no to IDENTITY_VERIFY the key that was sent.
//   - Nothing that came in a file is trusted: neither its key for a binding by code, nor what it says about the secure element.
package binding

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"imkey-connect/core/apdu"
	"imkey-connect/core/attestation"
	"imkey-connect/core/bindcode"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Status is what the device reports about its binding.
type Status byte

// The statuses. The values are those in the answer to BIND_CHECK.
const (
	Unbound        Status = 0x00
	BoundToThis    Status = 0x55
	BoundElsewhere Status = 0xAA
)

// String returns unbound, bound, bound-elsewhere or unknown.
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

// Config is what a [Binding] needs besides the device.
type Config struct {
	// Store keeps the records.
	Store Store
	// TrustedCAs are the CAs whose certificates are trusted. If there are none, no device is verified.
	TrustedCAs []secp256k1.PublicKey
	// Identity is what [Recognise] returned for a device whose certificate was not read.
	Identity *Identity
}

// Binding is the binding between this app and one open device.
type Binding struct {
	device   *device.Device
	config   Config
	identity Identity // what the device was when it was opened
	changed  bool     // by its last answer to BIND_CHECK it is another one
}

// New returns the binding of d.
func New(d *device.Device, c Config) *Binding {
	info := d.Info()
	b := &Binding{device: d, config: c}
	if c.Identity != nil {
		b.identity = *c.Identity
		return b
	}
	b.identity = b.identify(attestation.Assess(info.Certificate, info.SEID, c.TrustedCAs))
	return b
}

// check is the result of BIND_CHECK.
type check struct {
	record   *Record
	serial   string // the device's
	status   Status
	standing attestation.Assessment
}

// Status asks the device whether it is bound. If the device has no record, Status stores one in state pending. Errors have code
// protocol for an answer that contradicts the record, device-mismatch for another secure element than the record's or, with reason
// imported, than the imported file's, device-changed for another device than the one that was opened, or come from the store or the
// exchange.
func (b *Binding) Status(ctx context.Context) (Status, error) { return b.Accept(ctx, Consent{}) }

// Accept is Status with a decision of the user. If that accepts the device, an imported record of it becomes a bound or a former
// one. If it does not, the record stays imported, which is no error.
func (b *Binding) Accept(ctx context.Context, o Consent) (Status, error) {
	if err := b.Expect(o.Shown); err != nil {
		return 0, err
	}
	var status Status
	err := b.device.Do(ctx, func(s *device.Session) error {
		c, err := b.check(ctx, s, o)
		if err != nil {
			return err
		}
		c.record.Wipe()
		status = c.status
		return b.same(c)
	})
	return status, err
}

// check selects the IMK applet, sends BIND_CHECK, and updates the record by the answer. o decides whether an imported record
// is trusted.
func (b *Binding) check(ctx context.Context, s *device.Session, o Consent) (_ *check, err error) {
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
	c := &check{record: r, serial: b.device.Info().Serial}
	if r.HasNext {
		if err := b.bindCheck(ctx, s, c, &r.Next); err != nil {
			return nil, err
		}
		if c.status == BoundToThis {
			return c, b.renewed(ctx, c)
		}
	}
	if err := b.bindCheck(ctx, s, c, &r.App); err != nil {
		return nil, err
	}
	if c.status == BoundToThis {
		return c, b.confirm(ctx, c, o)
	}
	if c.standing.Certificate != nil {
		b.former(ctx, c, o)
	}
	return c, nil
}

// bindCheck sends BIND_CHECK with one key, and compares the secure element's key with the record's.
func (b *Binding) bindCheck(ctx context.Context, s *device.Session, c *check, key *secp256k1.PrivateKey) error {
	app := key.Public()
	resp, err := s.Transmit(ctx, apdu.New(0x80, 0x71, 0x00, 0x00, app[:]), 0)
	if err != nil {
		return err
	}
	if err := resp.SW.Err("BIND_CHECK"); err != nil {
		return err
	}
	if len(resp.Data) == 0 {
		return errcode.New(errcode.Protocol, "empty answer to BIND_CHECK")
	}
	c.status = Status(resp.Data[0])
	certificate := resp.Data[1:]
	if len(certificate) == 0 {
		// Whether a bound device repeats its certificate is not publicly known.
		if certificate, err = s.Certificate(ctx); err != nil {
			return err
		}
		if err := s.Select(ctx, device.IMK); err != nil {
			return err
		}
	}
	c.standing = attestation.Assess(certificate, s.SEID(), b.config.TrustedCAs)
	b.changed = b.identify(c.standing) != b.identity
	if c.standing.Certificate != nil {
		r, se := c.record, c.standing.Certificate.PublicKey
		switch {
		case r.HasSE && se != r.SE:
			return errcode.New(errcode.DeviceMismatch, "another secure element than the one in the record")
		case r.HasClaim && se != r.Claim:
			return errcode.Because(errcode.DeviceMismatch, "imported", "another secure element than the one in the imported file")
		}
	}
	switch c.status {
	case Unbound, BoundElsewhere, BoundToThis:
		return nil
	}
	return errcode.New(errcode.Protocol, "unknown answer to BIND_CHECK")
}

// renewed updates the record of a device that says it is bound to the record's next key.
func (b *Binding) renewed(ctx context.Context, c *check) error {
	if c.standing.Certificate == nil {
		return c.standing.Err
	}
	r := c.record
	kept := r.NextKept
	r.promote()
	r.State, r.BoundAt = Bound, now()
	if kept {
		return b.keepBound(ctx, r)
	}
	return b.keep(ctx, r)
}

// confirm updates the record of a device that says it is bound to the record's key.
func (b *Binding) confirm(ctx context.Context, c *check, o Consent) error {
	r := c.record
	if r.State == Pending {
		return errcode.New(errcode.Protocol, "the device claims a binding that this app never asked for")
	}
	// bindCheck has compared the secure element's key with the record's. Without a certificate it could not.
	if c.standing.Certificate == nil {
		return c.standing.Err
	}
	switch r.State {
	case Bound:
		if !r.HasNext {
			return nil
		}
	case Imported:
		// A record with a key of a secure element has this app's own trust. Without one, the device must be trusted now.
		if !r.HasSE {
			if b.agreed(c, o) != nil {
				return nil // an operation that needs trust refuses the device
			}
			c.trust()
		}
		r.BoundAt = now()
	case VerifySent:
		if !r.BoundAt.IsZero() {
			// An earlier version of this package sent the key again. So the key was bound before, and it need not be the interrupted
			// attempt that bound it. The code of that attempt may be wrong.
			r.Code.Wipe()
			r.HasCode = false
		}
		r.BoundAt = now()
	}
	r.State = Bound
	r.dropNext()
	return b.keep(ctx, r)
}

// former updates the record of a device that was bound and says that it is not. An error of the store is ignored, since the
// record is usable without this update.
func (b *Binding) former(ctx context.Context, c *check, o Consent) {
	r := c.record
	if r.State == Imported && !r.HasSE && b.agreed(c, o) == nil {
		c.trust()
	}
	if r.State == Bound || r.State == Imported && r.HasSE {
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
		// Another page may have imported it meanwhile.
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

// ShowCode asks the device to show its binding code on its screen. A device that is bound to another app may refuse; then the
// error is bound-elsewhere.
func (b *Binding) ShowCode(ctx context.Context) error {
	return b.device.Do(ctx, func(s *device.Session) error {
		c, err := b.check(ctx, s, Consent{})
		if err != nil {
			return err
		}
		c.record.Wipe()
		if err := b.same(c); err != nil {
			return err
		}
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

// RevealCode returns the code in the record. ok is false if the record has none. The device must be plugged in, bound to this
// app, and have the record's key. This does not prove that the device is present, since a certificate can be replayed and
// the status is sent in the clear. It only keeps the code from an attacker who has the browser without the device
// and makes no effort. Errors are those of [Binding.Bind] for the consent. The caller wipes the code.
func (b *Binding) RevealCode(ctx context.Context, o Consent) (code bindcode.Code, ok bool, err error) {
	if err := b.Expect(o.Shown); err != nil {
		return code, false, err
	}
	err = b.device.Do(ctx, func(s *device.Session) error {
		c, err := b.check(ctx, s, Consent{})
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
		if err := b.agreed(c, o); err != nil {
			return err
		}
		if err := c.adopted(); err != nil {
			return err
		}
		code, ok = c.record.Code, c.record.HasCode
		return nil
	})
	return code, ok, err
}

// Forget removes the record of this device, even a corrupt one or one with another secure element's key. If the device is not
// the one that the user saw, nothing is removed, and the error is device-changed. The device stays bound to the app key, which
// is lost. To bind again takes the code.
func (b *Binding) Forget(ctx context.Context, shown *Identity) error {
	if err := b.Expect(shown); err != nil {
		return err
	}
	return b.device.Do(ctx, func(s *device.Session) error {
		return Forget(ctx, b.config.Store, s.SEID(), nil)
	})
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
