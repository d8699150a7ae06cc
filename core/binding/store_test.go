package binding

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryStore(t *testing.T) {
	var m MemoryStore
	ctx := t.Context()
	_, err := m.Get(ctx, "A")
	require.ErrorIs(t, err, ErrNoRecord)
	seids, err := m.List(ctx)
	require.NoError(t, err)
	require.Empty(t, seids)
	require.NoError(t, m.Delete(ctx, "A"), "a missing record is no error")

	mine := []byte{1, 2, 3}
	require.NoError(t, m.Put(ctx, "B", mine))
	require.NoError(t, m.Put(ctx, "A", []byte{4}))
	clear(mine)
	got, err := m.Get(ctx, "B")
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2, 3}, got, "the store keeps a copy")
	clear(got)
	got, err = m.Get(ctx, "B")
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2, 3}, got, "and returns a copy")

	require.NoError(t, m.Put(ctx, "B", []byte{5}))
	got, err = m.Get(ctx, "B")
	require.NoError(t, err)
	require.Equal(t, []byte{5}, got)
	seids, err = m.List(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"A", "B"}, seids)
	require.NoError(t, m.Delete(ctx, "B"))
	_, err = m.Get(ctx, "B")
	require.ErrorIs(t, err, ErrNoRecord)
}

func TestMemoryStoreFromManyGoroutines(t *testing.T) {
	var m MemoryStore
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			seid := string(rune('A' + i%2))
			for range 100 {
				_ = m.Put(t.Context(), seid, []byte{byte(i)})
				_, _ = m.Get(t.Context(), seid)
				_, _ = m.List(t.Context())
				_ = m.Delete(t.Context(), seid)
			}
		})
	}
	all.Wait()
	seids, err := m.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, seids)
}
