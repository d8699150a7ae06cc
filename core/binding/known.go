package binding

import (
	"context"
	"errors"
	"time"

	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Known is what the record says about a device, which need not be plugged in. It holds no secret.
type Known struct {
	SEID string
	// Readable is false for a record that does not authenticate or has an unknown version. The fields below are empty then.
	Readable bool
	Serial   string
	Name     string
	State    State
	// BoundAt is the time of the binding, or zero. A former or imported binding has one, too.
	BoundAt time.Time
	// SE is the public key of the secure element that this app accepted. It is zero if there is none.
	SE secp256k1.PublicKey
	// Trust and CA are those of the certificate when this app accepted the device. They are never what a file says.
	Trust Trust
	CA    secp256k1.PublicKey
	// FromFile reports that the app key came from a file, so that others may have it. Unfinished reports that a new app key may
	// have replaced the one before: the next answer of the device tells.
	FromFile, Unfinished bool
	// HasCode reports that the record is bound or imported and has a binding code, which [Binding.RevealCode] may return.
	HasCode bool
}

func (r *Record) known() Known {
	return Known{SEID: r.SEID, Readable: true, Serial: r.Serial, Name: r.Name, State: r.State, BoundAt: r.BoundAt,
		SE: r.SE, Trust: r.Trust, CA: r.CA, FromFile: r.FromFile, Unfinished: r.HasNext && !r.NextKept,
		HasCode: r.HasCode && (r.State == Bound || r.State == Imported)}
}

// List returns what all records of the store say, sorted by SEID. Records that cannot be read are included.
func List(ctx context.Context, store Store) ([]Known, error) {
	seids, err := store.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Known, 0, len(seids))
	for _, seid := range seids {
		known, err := Look(ctx, store, seid)
		if errors.Is(err, ErrNoRecord) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, known)
	}
	return all, nil
}

// Look returns what one record says. The error is [ErrNoRecord] if there is none.
func Look(ctx context.Context, store Store, seid string) (Known, error) {
	r, err := load(ctx, store, seid)
	if errors.Is(err, errcode.RecordCorrupt) {
		return Known{SEID: seid}, nil
	}
	if err != nil {
		return Known{}, err
	}
	defer r.Wipe()
	return r.known(), nil
}

// Rename sets the name of a device. An empty name removes it. Errors have code invalid-argument for an invalid name (see
// [CleanName]) and for a device without a record (reason unknown-device), device-changed if shown is not nil and the record is
// not of that device, record-corrupt, or come from the store.
func Rename(ctx context.Context, store Store, seid, typed string, shown *Identity) error {
	name, err := CleanName(typed)
	if err != nil {
		return err
	}
	return locked(ctx, store, seid, func() error {
		r, err := load(ctx, store, seid)
		if err != nil {
			return unknown(err)
		}
		defer r.Wipe()
		if err := r.expect(shown); err != nil || r.Name == name {
			return err
		}
		r.Name = name
		return save(ctx, store, r)
	})
}

// Forget removes a device's record, even a corrupt one. A missing record is no error. The device is not told: it stays bound to
// the lost key. If shown is not nil and the record is of another device or has another secure element's key, nothing is
// removed, and the error is device-changed.
func Forget(ctx context.Context, store Store, seid string, shown *Identity) error {
	return locked(ctx, store, seid, func() error {
		if shown != nil {
			r, err := load(ctx, store, seid)
			if err == nil {
				err = r.expect(shown)
				r.Wipe()
			}
			if errors.Is(err, errcode.DeviceChanged) {
				return err
			}
		}
		return store.Delete(ctx, seid)
	})
}

// unknown turns [ErrNoRecord] into an invalid-argument error.
func unknown(err error) error {
	if !errors.Is(err, ErrNoRecord) {
		return err
	}
	return errcode.Because(errcode.InvalidArgument, "unknown-device", "there is no record of this device")
}
