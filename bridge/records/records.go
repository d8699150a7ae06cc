//go:build js && wasm

package records

import (
	"context"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/weblock"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
)

// lockWithin bounds the wait for a record's lock. A page holds it for milliseconds, but a page that the system put to sleep may
// hold it longer. Only tests change it.
var lockWithin = 15 * time.Second

// Share returns a store that several writers share. kind tells the stores of a page apart in the names of the locks. locks is
// navigator.locks, or undefined. changed, if not nil, is called after every change that this store makes; see [binding.Shared].
func Share(store binding.Store, kind string, locks safejs.Value, changed func(seid string, now *binding.Known)) binding.Locker {
	return binding.Shared(store, func(ctx context.Context, seid string) (func(), error) {
		return lock(ctx, locks, "imkey-connect record "+kind+" "+seid)
	}, changed)
}

// Locks returns the page's navigator.locks, or undefined.
func Locks() safejs.Value {
	navigator, err := interop.Get(safejs.Global(), "navigator")
	if err != nil || !interop.IsObject(navigator) {
		return safejs.Undefined()
	}
	locks, err := interop.Get(navigator, "locks")
	if err != nil {
		return safejs.Undefined()
	}
	return locks
}

// lock takes the module's lock of this name, and then the browser's.
func lock(ctx context.Context, locks safejs.Value, name string) (unlock func(), err error) {
	bound, stop := context.WithTimeout(ctx, lockWithin)
	defer stop()
	leave, err := enter(bound, name)
	if err == nil {
		var release func()
		if release, err = webLock(bound, locks, name); err == nil {
			return sync.OnceFunc(func() { release(); leave() }), nil
		}
		leave()
	}
	if ctx.Err() == nil && bound.Err() != nil {
		return nil, errcode.New(errcode.Storage, "another page of this site does not release the record")
	}
	return nil, err
}

// held has the names of the locks that this module holds. A name's channel is closed when the lock is free again.
var held = struct {
	mu    sync.Mutex
	names map[string]chan struct{}
}{names: map[string]chan struct{}{}}

func enter(ctx context.Context, name string) (leave func(), err error) {
	for {
		held.mu.Lock()
		free, taken := held.names[name]
		if !taken {
			mine := make(chan struct{})
			held.names[name] = mine
			held.mu.Unlock()
			return func() {
				held.mu.Lock()
				delete(held.names, name)
				held.mu.Unlock()
				close(mine)
			}, nil
		}
		held.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
			return nil, errcode.FromContext("wait for the record", ctx.Err())
		}
	}
}

func webLock(ctx context.Context, locks safejs.Value, name string) (release func(), err error) {
	if !interop.IsObject(locks) {
		return func() {}, nil
	}
	lock, err := weblock.Request(locks, name, nil)
	if err != nil {
		return unlocked(err)
	}
	got, _, err := lock.Wait(ctx, nil)
	if got {
		return lock.Release, nil
	}
	lock.Release()
	if ctx.Err() != nil {
		return nil, errcode.FromContext("lock the record", ctx.Err())
	}
	return unlocked(err)
}

// unlocked handles a failed request of a lock. A site whose storage is blocked gets no locks; then the lock holds within the module
// only, and the storage fails as well.
func unlocked(err error) (func(), error) {
	if interop.NameOf(err) == "SecurityError" {
		return func() {}, nil
	}
	return nil, errcode.Wrap(errcode.Storage, "lock the record", err)
}
