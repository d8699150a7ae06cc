//go:build js && wasm

package idb

import (
	"context"
	"crypto/rand"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

// The layout of a stored record.
const (
	recordVersion = 1
	ivSize        = 12
	tagSize       = 16
	// maxRecord is the size of the largest record in bytes.
	maxRecord = 1 << 16
)

func (s *Store) additionalData(seid string) ([]byte, error) {
	if s.env.Origin == "" {
		return nil, errcode.New(errcode.Storage, "a page without an origin has no storage")
	}
	return append([]byte(s.env.Origin+"\x00"+seid+"\x00"), recordVersion), nil
}

// parameters returns the parameters of AES-GCM for WebCrypto.
func (s *Store) parameters(seid string, iv []byte) (map[string]any, error) {
	aad, err := s.additionalData(seid)
	if err != nil {
		return nil, err
	}
	ivValue, err := interop.Uint8Array(iv)
	if err != nil {
		return nil, err
	}
	aadValue, err := interop.Uint8Array(aad)
	if err != nil {
		return nil, err
	}
	return map[string]any{"name": "AES-GCM", "iv": ivValue, "additionalData": aadValue, "tagLength": tagSize * 8}, nil
}

func (s *Store) subtle() (safejs.Value, error) {
	if interop.IsObject(s.env.Crypto) {
		if subtle, err := interop.Get(s.env.Crypto, "subtle"); err == nil && interop.IsObject(subtle) {
			return subtle, nil
		}
	}
	return safejs.Undefined(), errcode.New(errcode.Storage, "this page has no WebCrypto; it needs a secure context")
}

// makeKey generates a key that no script can export.
func (s *Store) makeKey(ctx context.Context) (safejs.Value, error) {
	subtle, err := s.subtle()
	if err != nil {
		return subtle, err
	}
	key, err := interop.Call(ctx, subtle, "generateKey", map[string]any{"name": "AES-GCM", "length": 256}, false,
		[]any{"encrypt", "decrypt"})
	if err != nil {
		return key, failure("make the wrapping key", err)
	}
	return key, nil
}

// seal encrypts a record. It overwrites the copy that it gives to JavaScript when WebCrypto has read it.
func (s *Store) seal(ctx context.Context, key safejs.Value, seid string, record []byte) (safejs.Value, error) {
	const op = "encrypt a record"
	none := safejs.Undefined()
	if len(record) > maxRecord {
		return none, errcode.New(errcode.Internal, "the record is too long")
	}
	subtle, err := s.subtle()
	if err != nil {
		return none, err
	}
	sealed := make([]byte, 1+ivSize, 1+ivSize+len(record)+tagSize)
	sealed[0] = recordVersion
	rand.Read(sealed[1:]) // never fails
	parameters, err := s.parameters(seid, sealed[1:])
	if err != nil {
		return none, failure(op, err)
	}
	plain, err := interop.Uint8Array(record)
	if err != nil {
		return none, failure(op, err)
	}
	pending, err := interop.CallAsync(subtle, "encrypt", parameters, key, plain)
	// WebCrypto has copied its input when it returns its promise.
	_, _ = interop.CallNow(plain, "fill", 0)
	if err != nil {
		return none, failure(op, err)
	}
	out, err := pending.Wait(ctx)
	if err != nil {
		return none, failure(op, err)
	}
	ciphertext, err := buffer(out)
	if err != nil || len(ciphertext) != len(record)+tagSize {
		return none, errcode.New(errcode.Storage, op)
	}
	v, err := interop.Uint8Array(append(sealed, ciphertext...))
	if err != nil {
		return none, failure(op, err)
	}
	return v, nil
}

func corrupt(why string) error { return errcode.New(errcode.RecordCorrupt, "stored record: "+why) }

// open decrypts a stored record.
func (s *Store) open(ctx context.Context, key safejs.Value, seid string, stored safejs.Value) ([]byte, error) {
	const op = "decrypt a record"
	b, ok := interop.Bytes(stored, 1+ivSize+maxRecord+tagSize)
	switch {
	case !ok || len(b) < 1+ivSize+tagSize:
		return nil, corrupt("its length or type is wrong")
	case b[0] != recordVersion:
		return nil, corrupt("its version is unknown")
	case key.IsUndefined():
		return nil, corrupt("its key is lost")
	}
	subtle, err := s.subtle()
	if err != nil {
		return nil, err
	}
	parameters, err := s.parameters(seid, b[1:1+ivSize])
	if err != nil {
		return nil, failure(op, err)
	}
	ciphertext, err := interop.Uint8Array(b[1+ivSize:])
	if err != nil {
		return nil, failure(op, err)
	}
	out, err := interop.Call(ctx, subtle, "decrypt", parameters, key, ciphertext)
	switch interop.NameOf(err) {
	case "OperationError", "InvalidAccessError", "TypeError", "DataError":
		// The record does not authenticate, or the value under the key's name is not a key.
		return nil, errcode.Wrap(errcode.RecordCorrupt, "stored record", err)
	}
	if err != nil {
		return nil, failure(op, err)
	}
	plain, err := buffer(out)
	if err != nil {
		return nil, failure(op, err)
	}
	return plain, nil
}

// buffer copies an ArrayBuffer and overwrites it.
func buffer(v safejs.Value) ([]byte, error) {
	class, err := interop.Get(safejs.Global(), "Uint8Array")
	if err != nil {
		return nil, err
	}
	view, err := interop.Construct(class, v)
	if err != nil {
		return nil, err
	}
	b, ok := interop.Bytes(view, maxRecord+tagSize)
	_, _ = interop.CallNow(view, "fill", 0)
	if !ok {
		return nil, errcode.New(errcode.Storage, "malformed result of WebCrypto")
	}
	return b, nil
}
