package binding

import (
	"context"
	"errors"

	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Export returns a device's record for another app, unencrypted and in the newest version. The caller encrypts and wipes it. The
// error is not-bound if the device never said that it is bound: as long as no other app has the key, the device's next answer
// tells how the attempt of this app ended. It is not-bound with reason unfinished while the record has two keys: only the device
// knows which of them is worth exporting. The error is device-changed if shown is not nil and the record is of another device or
// has another secure element's key.
func Export(ctx context.Context, store Store, seid string, shown *Identity) ([]byte, error) {
	r, err := load(ctx, store, seid)
	if err != nil {
		return nil, unknown(err)
	}
	defer r.Wipe()
	if err := r.expect(shown); err != nil {
		return nil, err
	}
	if r.BoundAt.IsZero() {
		return nil, errcode.New(errcode.NotBound, "there is no binding to export")
	}
	if r.HasNext {
		return nil, errcode.Because(errcode.NotBound, "unfinished", "a change of the app key is unfinished; ask the device first")
	}
	return r.encode(), nil
}

// worthless reports that no device can be bound to the record's key.
func (r *Record) worthless() bool { return r.State == Pending && r.BoundAt.IsZero() }

// ImportOptions are the user's choices for an import.
type ImportOptions struct {
	// SEID, if not empty, is the only device whose binding may be imported.
	SEID string
	// Serial, if not empty, is the serial number that this device must have.
	Serial string
	// Replace allows to replace the record that the store has for the device.
	Replace bool
}

// Import stores a record that [Export] returned in another app. The file is untrusted: its trust becomes a claim, and its state is
// imported, whatever it says. On an error the store is unchanged. Errors have the code
//
//   - file-invalid, reason damaged or version
//   - device-mismatch, with reason secure-element if this app accepted another secure element's key for the SEID
//   - record-exists, with the device's seid and serial
//   - or that of the store.
//
// Import always replaces the record of a device that was never bound, unless this app accepted another secure element's key. The
// key that this app accepted, its trust, the user's name and the app key of an interrupted attempt stay, also if a record is replaced. So
// does the app key of a device that this app trusts, as the next one: the device says at the next status which of the two it is bound
// to, so a wrong file takes no binding away.
func Import(ctx context.Context, store Store, record []byte, o ImportOptions) (Known, error) {
	r, err := decodeRecord(record)
	switch {
	case err == errVersion:
		return Known{}, InvalidFile("version", "the record has a later version")
	case err != nil, r.BoundAt.IsZero(), r.HasNext: // Export writes no such record
		r.Wipe()
		return Known{}, InvalidFile("damaged", "the file has no record of a binding")
	}
	defer r.Wipe()
	if o.SEID != "" && o.SEID != r.SEID || o.Serial != "" && o.Serial != r.Serial {
		return Known{}, errcode.New(errcode.DeviceMismatch, "the file belongs to another device")
	}
	r.distrust()
	err = locked(ctx, store, r.SEID, func() error {
		before, err := load(ctx, store, r.SEID)
		switch {
		case errors.Is(err, ErrNoRecord), err != nil && errors.Is(err, errcode.RecordCorrupt) && o.Replace:
		case errors.Is(err, errcode.RecordCorrupt):
			return exists(r, "there is a record of the device that cannot be read")
		case err != nil:
			return err
		default:
			defer before.Wipe()
			if !o.Replace && !before.worthless() {
				return exists(r, "there is a record of the device already")
			}
			if before.HasSE {
				if r.HasClaim && r.Claim != before.SE {
					return errcode.Because(errcode.DeviceMismatch, "secure-element", "the file belongs to another secure element than the record")
				}
				r.SE, r.HasSE, r.Trust, r.CA = before.SE, true, before.Trust, before.CA
				r.Claim, r.HasClaim = secp256k1.PublicKey{}, false
			}
			// The device may be bound to a key of an interrupted attempt, and no file has that key.
			switch {
			case before.HasNext:
				r.Next, r.HasNext, r.NextCode, r.HasNextCode = before.Next, true, before.NextCode, before.HasNextCode
				r.NextKept, r.NextFromFile = before.NextKept, before.NextFromFile
			case before.State == VerifySent:
				r.Next, r.HasNext, r.NextCode, r.HasNextCode = before.App, true, before.Code, before.HasCode
			case before.HasSE && before.App != r.App:
				r.Next, r.HasNext, r.NextCode, r.HasNextCode = before.App, true, before.Code, before.HasCode
				r.NextKept, r.NextFromFile = true, before.FromFile
			case before.App == r.App && !r.HasCode:
				r.Code, r.HasCode = before.Code, before.HasCode
			}
			if before.Name != "" {
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

// InvalidFile returns an error with code file-invalid and a reason: not-a-binding, damaged or version.
func InvalidFile(reason, why string) error { return errcode.Because(errcode.FileInvalid, reason, why) }
