//go:build js && wasm

package jsstore

import (
	"context"
	"errors"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
)

const (
	// maxRecord is the size of the largest record in bytes.
	maxRecord = 1 << 16
	// maxRecords bounds List.
	maxRecords = 10000
)

// Store is a binding.Store with a page's object. An error that the object throws keeps the code storage-full or record-corrupt.
// Every other error has code storage.
type Store struct {
	object safejs.Value
}

var _ binding.Store = (*Store)(nil)

// New returns a store with the page's object. An object without the methods is an error with code invalid-argument.
func New(object safejs.Value) (*Store, error) {
	o := interop.ReadObject(object, "store")
	for _, method := range []string{"get", "put", "delete", "list"} {
		o.Func(method)
	}
	return &Store{object: object}, o.Err()
}

func (s *Store) call(ctx context.Context, method string, args ...any) (safejs.Value, error) {
	v, err := interop.Call(ctx, s.object, method, args...)
	if err == nil {
		return v, nil
	}
	op := "the page's store: " + method
	var thrown *interop.Exception
	if !errors.As(err, &thrown) {
		return v, errcode.FromContext(op, err)
	}
	code := errcode.Storage
	switch given := errcode.Code(thrown.Code); given {
	case errcode.StorageFull, errcode.RecordCorrupt:
		code = given
	}
	if thrown.Name == "QuotaExceededError" {
		code = errcode.StorageFull
	}
	return v, errcode.Wrap(code, op, err)
}

// Get implements binding.Store.
func (s *Store) Get(ctx context.Context, seid string) ([]byte, error) {
	v, err := s.call(ctx, "get", seid)
	if err != nil {
		return nil, err
	}
	if interop.Absent(v) {
		return nil, binding.ErrNoRecord
	}
	b, ok := interop.Bytes(v, maxRecord)
	if !ok {
		return nil, errcode.New(errcode.RecordCorrupt, "the page's store did not return bytes")
	}
	return b, nil
}

// Put implements binding.Store.
func (s *Store) Put(ctx context.Context, seid string, record []byte) error {
	b, err := interop.Uint8Array(record)
	if err != nil {
		return errcode.Wrap(errcode.Internal, "copy a record", err)
	}
	_, err = s.call(ctx, "put", seid, b)
	return err
}

// Delete implements binding.Store.
func (s *Store) Delete(ctx context.Context, seid string) error {
	_, err := s.call(ctx, "delete", seid)
	return err
}

// List implements binding.Store.
func (s *Store) List(ctx context.Context) ([]string, error) {
	v, err := s.call(ctx, "list")
	if err != nil {
		return nil, err
	}
	list, ok := interop.List(v, maxRecords)
	if !ok {
		return nil, errcode.New(errcode.Storage, "the page's store did not return a list")
	}
	seids := make([]string, 0, len(list))
	for _, item := range list {
		seid, ok := interop.String(item)
		if !ok || !binding.ValidSEID(seid) {
			return nil, errcode.New(errcode.Storage, "the page's store returned an invalid SEID")
		}
		seids = binding.InsertSEID(seids, seid)
	}
	return seids, nil
}
