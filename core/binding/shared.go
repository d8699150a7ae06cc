package binding

import (
	"context"
	"errors"

	"imkey-connect/core/errcode"
)

// Locker is a [Store] with several writers: the page that has the device open, and pages that rename, forget or import. A
// writer holds the record's lock from reading to writing, and no longer.
type Locker interface {
	Store
	// Lock waits for the record's lock. Errors have code storage or aborted.
	Lock(ctx context.Context, seid string) (unlock func(), err error)
}

// Shared makes a [Locker] of a store. changed, if not nil, is called after each change of a record and before Put or Delete
// returns. now is nil for a record that was removed.
func Shared(store Store, lock func(ctx context.Context, seid string) (func(), error), changed func(seid string, now *Known)) Locker {
	return &shared{Store: store, lock: lock, changed: changed}
}

type shared struct {
	Store
	lock    func(ctx context.Context, seid string) (func(), error)
	changed func(seid string, now *Known)
}

func (s *shared) Lock(ctx context.Context, seid string) (func(), error) { return s.lock(ctx, seid) }

func (s *shared) Put(ctx context.Context, seid string, record []byte) error {
	now := Known{SEID: seid}
	if r, err := decodeRecord(record); err == nil {
		now = r.known()
		r.Wipe()
	}
	err := s.Store.Put(ctx, seid, record)
	if err == nil && s.changed != nil {
		s.changed(seid, &now)
	}
	return err
}

func (s *shared) Delete(ctx context.Context, seid string) error {
	err := s.Store.Delete(ctx, seid)
	if err == nil && s.changed != nil {
		s.changed(seid, nil)
	}
	return err
}

// locked runs f with the record's lock.
func locked(ctx context.Context, store Store, seid string, f func() error) error {
	if l, ok := store.(Locker); ok {
		unlock, err := l.Lock(ctx, seid)
		if err != nil {
			return err
		}
		defer unlock()
	}
	return f()
}

func load(ctx context.Context, store Store, seid string) (*Record, error) {
	b, err := store.Get(ctx, seid)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	r, err := decodeRecord(b)
	if err == nil && r.SEID != seid {
		r.Wipe()
		return nil, corrupt("belongs to another device")
	}
	return r, err
}

func save(ctx context.Context, store Store, r *Record) error {
	b := r.encode()
	defer clear(b)
	return store.Put(ctx, r.SEID, b)
}

// errChanged says that another page replaced or removed the record. Nothing is lost, and the same call may succeed now.
var errChanged = errcode.New(errcode.Storage, "the device's record was replaced or removed meanwhile; try again")

// keep writes the record of the open device. It keeps the name in the store, which the user may have changed meanwhile. If the
// record was replaced or removed meanwhile, keep does not write, and the error is errChanged.
func (b *Binding) keep(ctx context.Context, r *Record) error {
	return locked(ctx, b.config.Store, r.SEID, func() error {
		now, err := load(ctx, b.config.Store, r.SEID)
		if errors.Is(err, ErrNoRecord) {
			return errChanged
		}
		if err != nil {
			return err
		}
		defer now.Wipe()
		if now.App != r.App && (!now.HasNext || now.NextKept || now.Next != r.App) {
			return errChanged
		}
		r.Name = now.Name
		return save(ctx, b.config.Store, r)
	})
}

// keepBound writes the record of a device that has just bound to the record's key. It replaces any record that is there now,
// even if that one cannot be read or locked.
func (b *Binding) keepBound(ctx context.Context, r *Record) error {
	err := b.keep(ctx, r)
	if err == nil {
		return nil
	}
	return save(ctx, b.config.Store, r)
}
