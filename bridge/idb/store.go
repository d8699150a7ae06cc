//go:build js && wasm

package idb

import (
	"context"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
)

// callWithin bounds one call of the store. A call takes milliseconds, or seconds if the disk sleeps.
const callWithin = 30 * time.Second

// maxRecords bounds List.
const maxRecords = 10000

// Env is what the store needs of the browser. Tests pass fakes.
type Env struct {
	IndexedDB safejs.Value // indexedDB
	Crypto    safejs.Value // crypto
	Storage   safejs.Value // navigator.storage, or undefined
	Origin    string       // the page's origin
}

// Browser returns the objects of the browser. An object that is missing or cannot be read is undefined; then the store's errors
// are storage.
func Browser() Env {
	get := func(v safejs.Value, name string) safejs.Value {
		p, err := interop.Get(v, name)
		if err != nil {
			return safejs.Undefined()
		}
		return p
	}
	g := safejs.Global()
	origin, _ := interop.String(get(g, "origin"))
	return Env{
		IndexedDB: get(g, "indexedDB"),
		Crypto:    get(g, "crypto"),
		Storage:   get(get(g, "navigator"), "storage"),
		Origin:    origin,
	}
}

// Store is a binding.Store in IndexedDB. Its methods may be called from any goroutine. Errors have code storage, storage-full or
// record-corrupt, or aborted for the caller's context.
type Store struct {
	env Env
	// turn holds a token while an operation runs, to which conn belongs.
	turn chan struct{}
	conn *connection

	// persisted, if not nil, gets the answer whether the browser keeps the site's data.
	persisted func(bool)
	persist   sync.Once
}

var _ binding.Store = (*Store)(nil)

// New returns a store, which opens the database when it is first used. The first Put asks the browser to keep the site's data
// even when the disk is full. persisted, if not nil, is called once with the answer, if there is one.
func New(env Env, persisted func(bool)) *Store {
	return &Store{env: env, turn: make(chan struct{}, 1), persisted: persisted}
}

func (s *Store) bounded(ctx context.Context) (context.Context, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, failure("storage", err)
	}
	ctx, stop := context.WithTimeout(ctx, callWithin)
	return ctx, stop, nil
}

// late turns a timeout of the store's own bound into storage. A timeout of the caller's context stays as it is.
func late(caller context.Context, err error) error {
	if errcode.Of(err) == errcode.Timeout && caller.Err() == nil {
		return errcode.Wrap(errcode.Storage, "the browser does not answer", err)
	}
	return err
}

// run runs op on the database within callWithin.
func (s *Store) run(ctx context.Context, op func(ctx context.Context, db safejs.Value) error) error {
	bounded, stop, err := s.bounded(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return late(ctx, s.with(bounded, func(db safejs.Value) error { return op(bounded, db) }))
}

// Get implements binding.Store.
func (s *Store) Get(ctx context.Context, seid string) ([]byte, error) {
	if !binding.ValidSEID(seid) {
		return nil, binding.ErrSEID
	}
	var record []byte
	err := s.run(ctx, func(ctx context.Context, db safejs.Value) error {
		stored, err := fetch(ctx, db, recordStore, seid)
		if err != nil {
			return err
		}
		if stored.IsUndefined() {
			return binding.ErrNoRecord
		}
		key, err := fetch(ctx, db, keyStore, keyName)
		if err != nil {
			return err
		}
		record, err = s.open(ctx, key, seid, stored)
		return err
	})
	return record, err
}

// Put implements binding.Store. The package comment says what it guarantees.
func (s *Store) Put(ctx context.Context, seid string, record []byte) error {
	if !binding.ValidSEID(seid) {
		return binding.ErrSEID
	}
	s.persist.Do(s.askToPersist)
	return s.run(ctx, func(ctx context.Context, db safejs.Value) error {
		// The key is read each time, on the connection that writes the record. If the database is deleted in between, the
		// connection is closed, and no record is written under a lost key.
		key, err := s.wrappingKey(ctx, db)
		if err != nil {
			return err
		}
		sealed, err := s.seal(ctx, key, seid, record)
		if err != nil {
			return err
		}
		return write(ctx, db, "write a record", recordStore, "put", sealed, seid)
	})
}

// Delete implements binding.Store.
func (s *Store) Delete(ctx context.Context, seid string) error {
	if !binding.ValidSEID(seid) {
		return binding.ErrSEID
	}
	return s.run(ctx, func(ctx context.Context, db safejs.Value) error {
		return write(ctx, db, "delete a record", recordStore, "delete", seid)
	})
}

// List implements binding.Store.
func (s *Store) List(ctx context.Context) ([]string, error) {
	var seids []string
	err := s.run(ctx, func(ctx context.Context, db safejs.Value) error {
		keys, err := read(ctx, db, "list the records", recordStore, "getAllKeys", safejs.Undefined(), maxRecords)
		if err != nil {
			return err
		}
		list, ok := interop.List(keys, maxRecords)
		if !ok {
			return errcode.New(errcode.Storage, "list the records")
		}
		seids = make([]string, 0, len(list))
		for _, v := range list {
			// Other keys are not records.
			if seid, ok := interop.String(v); ok && binding.ValidSEID(seid) {
				seids = binding.InsertSEID(seids, seid)
			}
		}
		return nil
	})
	return seids, err
}

// wrappingKey reads the key that encrypts records, or generates it. It generates the key outside a transaction, which would end
// meanwhile.
func (s *Store) wrappingKey(ctx context.Context, db safejs.Value) (safejs.Value, error) {
	key, err := fetch(ctx, db, keyStore, keyName)
	if err != nil || !key.IsUndefined() {
		return key, err
	}
	made, err := s.makeKey(ctx)
	if err != nil {
		return key, err
	}
	err = write(ctx, db, "store the wrapping key", keyStore, "add", made, keyName)
	if err != nil && interop.NameOf(err) != "ConstraintError" {
		return key, err
	}
	// The key of this tab, or that of a tab that was faster.
	key, err = fetch(ctx, db, keyStore, keyName)
	if err == nil && key.IsUndefined() {
		err = errcode.New(errcode.Storage, "the wrapping key was not stored")
	}
	return key, err
}

func fetch(ctx context.Context, db safejs.Value, store, name string) (safejs.Value, error) {
	return read(ctx, db, "read "+store, store, "get", name)
}

// read makes one request to an object store and returns its result.
func read(ctx context.Context, db safejs.Value, op, store, method string, args ...any) (safejs.Value, error) {
	t, objects, err := begin(db, op, store, "readonly")
	if err != nil {
		return safejs.Undefined(), err
	}
	request, err := interop.CallNow(objects, method, args...)
	if err != nil {
		t.abort()
		t.outcome.stop()
		return safejs.Undefined(), failure(op, err)
	}
	if err := t.wait(ctx); err != nil {
		return safejs.Undefined(), err
	}
	result, err := interop.Get(request, "result")
	if err != nil {
		return safejs.Undefined(), failure(op, err)
	}
	return result, nil
}

// write makes one request that changes an object store. It returns when the change is durable.
func write(ctx context.Context, db safejs.Value, op, store, method string, args ...any) error {
	t, objects, err := begin(db, op, store, "readwrite")
	if err != nil {
		return err
	}
	if _, err := interop.CallNow(objects, method, args...); err != nil {
		t.abort()
		t.outcome.stop()
		return failure(op, err)
	}
	return t.waitWritten(ctx)
}

// askToPersist asks the browser to keep the site's data. It does not wait for the answer.
func (s *Store) askToPersist() {
	if s.persisted == nil || !interop.IsObject(s.env.Storage) {
		return
	}
	pending, err := interop.CallAsync(s.env.Storage, "persist")
	if err != nil {
		return
	}
	go func() {
		<-pending.Done()
		if v, err := pending.Result(); err == nil {
			if answer, ok := interop.Bool(v); ok {
				s.persisted(answer)
			}
		}
	}()
}

// Close closes the database. The next call opens it again.
func (s *Store) Close() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.conn != nil {
		s.disconnect()
	}
}
