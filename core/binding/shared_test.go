package binding

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// meanwhile is a store that calls a function after a Get or a Put, as if another page used the store then.
type meanwhile struct {
	Store
	afterGet, afterPut func(*Record)
}

func (m *meanwhile) Get(ctx context.Context, seid string) ([]byte, error) {
	b, err := m.Store.Get(ctx, seid)
	m.interrupt(&m.afterGet, b, err)
	return b, err
}

func (m *meanwhile) Put(ctx context.Context, seid string, b []byte) error {
	err := m.Store.Put(ctx, seid, b)
	m.interrupt(&m.afterPut, b, err)
	return err
}

func (m *meanwhile) interrupt(f *func(*Record), b []byte, err error) {
	if *f == nil || err != nil {
		return
	}
	if r, err := decodeRecord(b); err == nil {
		(*f)(r)
	}
}

// moved is a record of the same device from another app.
func moved() []byte {
	r := full()
	r.App = secp256k1.PrivateKey(attestationtest.NewKey("another app's key").Serialize())
	r.SE, r.CA, r.Name = secp256k1.PublicKey(se.Public()), trustedCAs[0], "from the file"
	return r.encode()
}

// Another page changes the record while the device checks a code.
func TestRecordChangesWhileTheDeviceChecks(t *testing.T) {
	rename := func(s Store) error { return Rename(context.Background(), s, seid, "named meanwhile", nil) }
	forget := func(s Store) error { return Forget(context.Background(), s, seid, nil) }
	replace := func(s Store) error {
		_, err := Import(context.Background(), s, moved(), ImportOptions{Replace: true})
		return err
	}
	corrupt := func(s Store) error { return s.Put(context.Background(), seid, []byte("\x00junk")) }
	for name, c := range map[string]struct {
		do     func(Store) error
		answer string
		want   errcode.Code
		check  func(t *testing.T, mine secp256k1.PrivateKey, r *Record, err error)
	}{
		"renamed, yes": {rename, "5A9000", "", func(t *testing.T, mine secp256k1.PrivateKey, r *Record, err error) {
			require.NoError(t, err)
			require.Equal(t, []any{Bound, "named meanwhile", mine}, []any{r.State, r.Name, r.App})
		}},
		"renamed, no": {rename, "A59000", errcode.WrongCode, func(t *testing.T, mine secp256k1.PrivateKey, r *Record, err error) {
			require.NoError(t, err)
			require.Equal(t, []any{Former, "named meanwhile", mine}, []any{r.State, r.Name, r.App})
		}},
		"forgotten, yes": {forget, "5A9000", "", func(t *testing.T, mine secp256k1.PrivateKey, r *Record, err error) {
			require.NoError(t, err, "the device is bound to a key that must not be lost")
			require.Equal(t, []any{Bound, mine}, []any{r.State, r.App})
		}},
		"forgotten, no": {forget, "A59000", errcode.WrongCode, func(t *testing.T, mine secp256k1.PrivateKey, r *Record, err error) {
			require.ErrorIs(t, err, ErrNoRecord)
		}},
		"replaced, yes": {replace, "5A9000", "", func(t *testing.T, mine secp256k1.PrivateKey, r *Record, err error) {
			require.NoError(t, err)
			require.Equal(t, []any{Bound, mine}, []any{r.State, r.App})
		}},
		"replaced, no": {replace, "A59000", errcode.WrongCode, func(t *testing.T, mine secp256k1.PrivateKey, r *Record, err error) {
			require.NoError(t, err)
			require.Equal(t, []any{Imported, full().Name}, []any{r.State, r.Name}, "the user's name stays")
		}},
		"spoilt, yes": {corrupt, "5A9000", "", func(t *testing.T, mine secp256k1.PrivateKey, r *Record, err error) {
			require.NoError(t, err)
			require.Equal(t, []any{Bound, mine}, []any{r.State, r.App})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			hosted(t, func(t *testing.T, h *host) {
				mine := h.keep(Bound).App
				h.says(BoundElsewhere, genuine)
				h.Answer(verify, c.answer)
				h.config.Store = &meanwhile{Store: h.store, afterPut: func(r *Record) {
					if r.HasNext {
						if c.want == "" {
							mine = r.Next
						}
						require.NoError(t, c.do(&h.store.MemoryStore))
					}
				}}
				requireCode(t, c.want, h.bind(BindOptions{}))
				r, err := load(t.Context(), h.store, seid)
				c.check(t, mine, r, err)
			})
		})
	}
}

// After a wrong code the error is wrong-code only, even if the record changed meanwhile.
func TestWrongCodeIsTheOnlyError(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.keep(Former)
		h.says(BoundElsewhere, genuine)
		h.Answer(verify, "A59000")
		h.config.Store = &meanwhile{Store: h.store, afterPut: func(r *Record) {
			if r.HasNext {
				require.NoError(t, Forget(context.Background(), &h.store.MemoryStore, seid, nil))
			}
		}}
		err := h.bind(BindOptions{})
		require.ErrorIs(t, err, errcode.WrongCode)
		require.NotErrorIs(t, err, errChanged)
	})
}

// late imports a record when the lock is taken, after the caller found no record.
type late struct{ *watchedStore }

func (l late) Lock(ctx context.Context, seid string) (func(), error) {
	_, err := l.Get(ctx, seid)
	if errors.Is(err, ErrNoRecord) {
		_, err = Import(ctx, l.watchedStore, moved(), ImportOptions{})
	}
	return func() {}, err
}

func TestImportBeforeTheFirstRecordIsKept(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.config.Store = late{h.store}
		h.says(BoundToThis, genuine)
		h.requireStatus(BoundToThis)
		require.Equal(t, []State{Imported, Bound}, h.store.puts, "no new record replaces it")
		require.Equal(t, "from the file", h.record().Name)
	})
}

// If another page replaces or removes the record before the code is sent, the code is not sent.
func TestRecordChangesBeforeTheCodeIsSent(t *testing.T) {
	for name, do := range map[string]func(Store) error{
		"forgotten": func(s Store) error { return Forget(context.Background(), s, seid, nil) },
		"replaced": func(s Store) error {
			_, err := Import(context.Background(), s, moved(), ImportOptions{Replace: true})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			hosted(t, func(t *testing.T, h *host) {
				h.keep(Former)
				h.says(BoundElsewhere, genuine)
				h.Answer(verify, "5A9000")
				once := sync.OnceFunc(func() { require.NoError(t, do(&h.store.MemoryStore)) })
				h.config.Store = &meanwhile{Store: h.store, afterGet: func(*Record) { once() }}
				requireCode(t, errcode.Storage, h.bind(BindOptions{}))
				require.Zero(t, h.verifies())
				requireCode(t, "", h.bind(BindOptions{}))
				require.Equal(t, Bound, h.record().State, "the next call uses the new record")
			})
		})
	}
}

// Every function that changes a record holds its lock and releases it.
func TestWritersHoldTheLock(t *testing.T) {
	var store MemoryStore
	held := 0
	var told []string
	l := Shared(&store, func(context.Context, string) (func(), error) {
		require.Zero(t, held)
		held++
		return func() { held-- }, nil
	}, func(seid string, now *Known) {
		require.Equal(t, 1, held, "written under the lock")
		if now == nil {
			told = append(told, seid+" gone")
		} else {
			told = append(told, seid+" "+now.State.String()+" "+now.Name)
		}
	})
	_, err := Import(t.Context(), l, full().encode(), ImportOptions{})
	require.NoError(t, err)
	require.NoError(t, Rename(t.Context(), l, seid, "x", nil))
	require.NoError(t, Forget(t.Context(), l, seid, nil))
	require.Equal(t, []string{seid + " imported " + full().Name, seid + " imported x", seid + " gone"}, told)
	put(t, &store, full())
	l.(*shared).Store = broken{&store}
	require.ErrorIs(t, Rename(t.Context(), l, seid, "x", nil), errcode.Storage)
	require.ErrorIs(t, Forget(t.Context(), l, seid, nil), errcode.Storage)
	require.Len(t, told, 3, "failed changes are not reported")
	hosted(t, func(t *testing.T, h *host) {
		h.config.Store = Shared(h.store, l.(*shared).lock, nil)
		h.Answer(verify, "5A9000")
		requireCode(t, "", h.bind(BindOptions{}))
		require.NoError(t, h.Forget(t.Context(), nil))
	})
	require.Zero(t, held)
}

// broken is a store that cannot be changed.
type broken struct{ *MemoryStore }

func (broken) Put(context.Context, string, []byte) error { return errcode.New(errcode.Storage, "put") }
func (broken) Delete(context.Context, string) error      { return errcode.New(errcode.Storage, "delete") }

// Without the lock only a binding that the device confirmed is written.
func TestLockIsRefused(t *testing.T) {
	refused := errcode.New(errcode.Storage, "locked")
	hosted(t, func(t *testing.T, h *host) {
		free := true
		h.config.Store = Shared(h.store, func(context.Context, string) (func(), error) {
			if !free {
				return nil, refused
			}
			return func() {}, nil
		}, nil)
		h.Answer(verify, "5A9000")
		h.config.Store = &sharedMeanwhile{h.config.Store.(Locker), func(s State) { free = free && s != VerifySent }}
		requireCode(t, "", h.bind(BindOptions{}))
		require.Equal(t, Bound, h.record().State)
		require.False(t, free)
		for _, do := range []func() error{
			func() error { return Rename(t.Context(), h.config.Store, seid, "x", nil) },
			func() error { return Forget(t.Context(), h.config.Store, seid, nil) },
			func() error {
				_, err := Import(t.Context(), h.config.Store, moved(), ImportOptions{Replace: true})
				return err
			},
		} {
			require.True(t, errors.Is(do(), refused))
		}
		require.Equal(t, Bound, h.record().State)
	})
}

// sharedMeanwhile is meanwhile for a Locker.
type sharedMeanwhile struct {
	Locker
	after func(State)
}

func (s *sharedMeanwhile) Put(ctx context.Context, seid string, b []byte) error {
	err := s.Locker.Put(ctx, seid, b)
	if r, err := decodeRecord(b); err == nil {
		s.after(r.State)
	}
	return err
}
