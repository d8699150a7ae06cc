package binding

import (
	"context"
	"errors"
	"time"

	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Known is what a host's record tells of a device, plugged in or not. It holds no secret.
type Known struct {
	SEID string
	// Readable is false for a record that does not authenticate or is of another version; all below is empty then.
	Readable bool
	Serial   string
	Name     string
	State    State
	// BoundAt is when the device was bound, or zero; also of a binding that is imported or former.
	BoundAt time.Time
	// Trust and CA are those of the certificate at the last binding.
	Trust Trust
	CA    secp256k1.PublicKey
	// HasCode says that the record keeps a binding code which [Binding.RevealCode] gives if the device agrees: of one that is
	// bound or imported.
	HasCode bool
}

func (r *Record) known() Known {
	return Known{SEID: r.SEID, Readable: true, Serial: r.Serial, Name: r.Name, State: r.State, BoundAt: r.BoundAt,
		Trust: r.Trust, CA: r.CA, HasCode: r.HasCode && (r.State == Bound || r.State == Imported)}
}

// List tells of every record in the store, in the order of their SEIDs. A record that cannot be read is there too.
func List(ctx context.Context, store Store) ([]Known, error) {
	seids, err := store.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Known, 0, len(seids))
	for _, seid := range seids {
		known, err := Look(ctx, store, seid)
		if errors.Is(err, ErrNoRecord) {
			continue // forgotten meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, known)
	}
	return all, nil
}

// Look tells of one record, or says [ErrNoRecord].
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

// Rename gives the device a name, or none, and changes nothing else of its record. Errors are invalid-argument for a name
// that is none and for a device without a record (reason unknown-device), record-corrupt, and the store's.
func Rename(ctx context.Context, store Store, seid, typed string) error {
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
		if r.Name == name {
			return nil
		}
		r.Name = name
		return save(ctx, store, r)
	})
}

// Forget removes a device's record, readable or not. A device that has none is no error. The device is not told: it goes on
// being bound to a key that nobody has.
func Forget(ctx context.Context, store Store, seid string) error {
	return locked(ctx, store, seid, func() error { return store.Delete(ctx, seid) })
}

// unknown turns the absence of a record into what the caller did wrong.
func unknown(err error) error {
	if !errors.Is(err, ErrNoRecord) {
		return err
	}
	e := errcode.New(errcode.InvalidArgument, "there is no record of such a device")
	e.Data = map[string]any{"reason": "unknown-device"}
	return e
}
