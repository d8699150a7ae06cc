package binding

import (
	"context"
	"errors"

	"imkey-connect/core/errcode"
)

// Export gives a device's record as it is moved to another host: in the clear, as the newest version encodes it. Whoever gets
// it encrypts and wipes it. A record of a device that never said that it is bound is
// not-bound: as long as no other host has the key, what the device says next is the outcome of the attempt here.
func Export(ctx context.Context, store Store, seid string) ([]byte, error) {
	r, err := load(ctx, store, seid)
	if err != nil {
		return nil, unknown(err)
	}
	defer r.Wipe()
	if r.BoundAt.IsZero() {
		return nil, errcode.New(errcode.NotBound, "there is no binding to export")
	}
	return r.encode(), nil
}

// worthless says that no device can be bound to the record's key.
func (r *Record) worthless() bool { return r.State == Pending && r.BoundAt.IsZero() }

// ImportOptions are what a person decided on beforehand.
type ImportOptions struct {
	// SEID, if it is not empty, is the one device whose binding may be imported.
	SEID string
	// Replace takes the place of what this host has of the device.
	Replace bool
}

// Import takes a record that [Export] gave to another host. What was bound there is imported here until the device itself says
// that it is bound to this key. Errors are file-invalid (reason damaged or version), device-mismatch (reason secure-element
// where it is the device of that SEID and yet not the one this host knows), record-exists with the seid and serial of the
// device, and the store's; after any of them the store is as it was.
//
// A record of a device that was met and never bound is replaced in any case, unless it knows the device by another key.
func Import(ctx context.Context, store Store, record []byte, o ImportOptions) (Known, error) {
	r, err := decodeRecord(record)
	switch {
	case err == errVersion:
		return Known{}, Invalid("version", "a record of a later version")
	case err != nil, r.worthless():
		r.Wipe()
		return Known{}, Invalid("damaged", "no record of a binding")
	}
	defer r.Wipe()
	if o.SEID != "" && o.SEID != r.SEID {
		return Known{}, errcode.New(errcode.DeviceMismatch, "the file is of another device")
	}
	if r.State >= Bound {
		r.State = Imported
	}
	err = locked(ctx, store, r.SEID, func() error {
		before, err := load(ctx, store, r.SEID)
		switch {
		case errors.Is(err, ErrNoRecord), err != nil && errors.Is(err, errcode.RecordCorrupt) && o.Replace:
		case errors.Is(err, errcode.RecordCorrupt):
			return exists(r, "this host has a record of the device that it cannot read")
		case err != nil:
			return err
		default:
			defer before.Wipe()
			if !o.Replace && !before.worthless() {
				return exists(r, "this host knows the device already")
			}
			if !o.Replace && before.HasSE && before.SE != r.SE {
				e := errcode.New(errcode.DeviceMismatch, "the file is of another secure element than the one this host knows")
				e.Data = map[string]any{"reason": "secure-element"}
				return e
			}
			if r.Name == "" {
				r.Name = before.Name
			}
		}
		return save(ctx, store, r)
	})
	if err != nil {
		return Known{}, err
	}
	return r.known(), nil
}

func exists(r *Record, why string) error {
	e := errcode.New(errcode.RecordExists, why)
	e.Data = map[string]any{"seid": r.SEID, "serial": r.Serial}
	return e
}

// Invalid is file-invalid with its reason: not-a-binding, damaged or version.
func Invalid(reason, why string) error {
	e := errcode.New(errcode.FileInvalid, why)
	e.Data = map[string]any{"reason": reason}
	return e
}
