package binding

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// ErrNoRecord is the error of a [Store] for a device without a record.
var ErrNoRecord = errors.New("no record")

// Store keeps one opaque record for each device, under its SEID (32 upper-case hex digits). Records hold private keys: an
// implementation encrypts them, or its documentation says that it does not. Errors have code storage, storage-full or
// record-corrupt.
type Store interface {
	// Get returns a copy of the record, or [ErrNoRecord].
	Get(ctx context.Context, seid string) ([]byte, error)
	// Put writes the record and returns when it is durable. It must not keep the slice, which the caller wipes.
	Put(ctx context.Context, seid string, record []byte) error
	// Delete removes the record. A missing record is no error.
	Delete(ctx context.Context, seid string) error
	// List returns the SEIDs of all records, sorted.
	List(ctx context.Context) ([]string, error)
}

// InsertSEID inserts an SEID into a sorted list, unless the list has it. Stores use it for List: the lists are short, and a
// sorting function would add code to the WebAssembly.
func InsertSEID(sorted []string, seid string) []string {
	at := len(sorted)
	for at > 0 && sorted[at-1] >= seid {
		at--
	}
	if at < len(sorted) && sorted[at] == seid {
		return sorted
	}
	sorted = append(sorted, "")
	copy(sorted[at+1:], sorted[at:])
	sorted[at] = seid
	return sorted
}

// MemoryStore keeps records in memory and does not encrypt them. The zero value is ready to use.
type MemoryStore struct {
	mu      sync.Mutex
	records map[string][]byte
}

// Get implements [Store].
func (m *MemoryStore) Get(ctx context.Context, seid string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.records[seid]
	if !ok {
		return nil, ErrNoRecord
	}
	return slices.Clone(b), nil
}

// Put implements [Store].
func (m *MemoryStore) Put(ctx context.Context, seid string, record []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		m.records = map[string][]byte{}
	}
	clear(m.records[seid])
	m.records[seid] = slices.Clone(record)
	return nil
}

// Delete implements [Store].
func (m *MemoryStore) Delete(ctx context.Context, seid string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.records[seid])
	delete(m.records, seid)
	return nil
}

// List implements [Store].
func (m *MemoryStore) List(ctx context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seids := make([]string, 0, len(m.records))
	for s := range m.records {
		seids = InsertSEID(seids, s)
	}
	return seids, nil
}
