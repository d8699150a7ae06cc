//go:build js && wasm

package records

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
)

const (
	seid  = "19060000000200860001010000000014"
	other = "19060000000200860001010000000015"
)

// locksSource implements the part of navigator.locks that is used: one holder for each name, a queue, and signals.
const locksSource = `(() => {
	const queues = new Map(), log = []
	return { log, get waiting() { return [...queues.values()].reduce((n, q) => n + q.length, 0) },
		request(name, { signal }, granted) {
			const before = queues.get(name) ?? []
			queues.set(name, before)
			return new Promise((resolve, reject) => {
				const mine = { run: async () => { log.push("+" + name.slice(-2)); try { resolve(await granted({ name })) } catch (e) { reject(e) } finally {
					log.push("-" + name.slice(-2)); before.shift(); before[0]?.run() } } }
				signal.addEventListener("abort", () => { const at = before.indexOf(mine); if (at > 0) { before.splice(at, 1); reject(new DOMException("x", "AbortError")) } })
				before.push(mine)
				if (before.length === 1) setImmediate(mine.run)
			})
		} }
})()`

func locker(t *testing.T, locks safejs.Value) binding.Locker {
	return Share(&binding.MemoryStore{}, "memory", locks, nil)
}

func TestWritersOfARecordTakeTurns(t *testing.T) {
	for name, locks := range map[string]safejs.Value{"with Web Locks": bridgetest.Eval(t, locksSource), "without": safejs.Undefined()} {
		t.Run(name, func(t *testing.T) {
			bridgetest.NoLeak(t)
			ctx := bridgetest.Context(t)
			tabs := []binding.Locker{locker(t, locks), locker(t, locks)}
			var mu sync.Mutex
			inside, turns := 0, 0
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					unlock, err := tabs[i%2].Lock(ctx, seid)
					if err != nil {
						return
					}
					mu.Lock()
					inside++
					alone := inside == 1
					mu.Unlock()
					bridgetest.Turn(t)
					mu.Lock()
					if alone && inside == 1 {
						turns++
					}
					inside--
					mu.Unlock()
					unlock()
					unlock() // is harmless
				})
			}
			all.Wait()
			require.Equal(t, 20, turns)
			// Another record has its own lock.
			unlock, err := tabs[0].Lock(ctx, seid)
			require.NoError(t, err)
			others, err := tabs[1].Lock(ctx, other)
			require.NoError(t, err)
			others()
			unlock()
			bridgetest.Turn(t)
		})
	}
}

// heldElsewhere lets another tab hold the record's lock until the promise settles.
func heldElsewhere(t *testing.T, locks safejs.Value) *interop.Deferred {
	t.Helper()
	until, err := interop.NewDeferred()
	require.NoError(t, err)
	holding, err := bridgetest.Eval(t, `(locks, name, until) => new Promise(held => { locks.request(name, { signal: new AbortController().signal }, () => { held(); return until }) })`).Invoke(
		locks, "imkey-connect record memory "+seid, until.Promise)
	require.NoError(t, err)
	_, err = bridgetest.Settle(t, holding)
	require.NoError(t, err)
	return until
}

// No page waits for ever for a page that sleeps while it holds the lock.
func TestLockThatIsNotReleased(t *testing.T) {
	bridgetest.NoLeak(t)
	ctx := bridgetest.Context(t)
	normal := lockWithin
	t.Cleanup(func() { lockWithin = normal })
	locks := bridgetest.Eval(t, locksSource)
	l := locker(t, locks)
	waitInVain := func(release func()) {
		t.Helper()
		lockWithin = time.Millisecond
		_, err := l.Lock(ctx, seid)
		require.ErrorIs(t, err, errcode.Storage)
		lockWithin = normal
		release()
		unlock, err := l.Lock(ctx, seid)
		require.NoError(t, err, "no request is left")
		unlock()
	}
	hold := heldElsewhere(t, locks)
	waitInVain(func() { require.NoError(t, hold.Resolve(nil)) })
	unlock, err := l.Lock(ctx, seid)
	require.NoError(t, err)
	waitInVain(unlock)
	for bridgetest.Number(t, locks, "waiting") > 0 {
		bridgetest.Turn(t)
	}
}

// A record waits for another tab through the browser's lock. A page that gives up leaves no request behind.
func TestAnotherTabHoldsTheRecord(t *testing.T) {
	bridgetest.NoLeak(t)
	locks := bridgetest.Eval(t, locksSource)
	ctx := bridgetest.Context(t)
	hold := heldElsewhere(t, locks)
	l := locker(t, locks)

	soon, stop := context.WithCancel(ctx)
	given := make(chan error)
	go func() {
		_, err := l.Lock(soon, seid)
		given <- err
	}()
	for bridgetest.Number(t, locks, "waiting") < 2 {
		bridgetest.Turn(t)
	}
	stop()
	require.ErrorIs(t, <-given, errcode.Aborted)
	require.Equal(t, 1, bridgetest.Number(t, locks, "waiting"))

	go func() {
		unlock, err := l.Lock(ctx, seid)
		if err == nil {
			unlock()
		}
		given <- err
	}()
	for bridgetest.Number(t, locks, "waiting") < 2 {
		bridgetest.Turn(t)
	}
	require.NoError(t, hold.Resolve(nil))
	require.NoError(t, <-given)
	for bridgetest.Number(t, locks, "waiting") > 0 {
		bridgetest.Turn(t)
	}
	log, _ := interop.String(bridgetest.Call(t, bridgetest.Get(t, locks, "log"), "join"))
	require.Equal(t, "+14,-14,+14,-14", log)
}

func TestLocksThatAreNotGranted(t *testing.T) {
	bridgetest.NoLeak(t)
	ctx := bridgetest.Context(t)
	for refusal, want := range map[string]error{
		`() => { throw new DOMException("x", "SecurityError") }`:       nil, // a site whose storage is blocked hears of that from its storage
		`async () => { throw new DOMException("x", "SecurityError") }`: nil,
		`async () => { throw new TypeError("x") }`:                     errcode.Storage,
		`() => { throw new TypeError("x") }`:                           errcode.Storage,
		`async () => {}`:                                               errcode.Storage, // and was never granted
		`async (name, options, granted) => granted(null)`:              errcode.Storage,
	} {
		l := locker(t, bridgetest.Eval(t, `({ request: `+refusal+` })`))
		for range 2 { // what was refused is not held
			unlock, err := l.Lock(ctx, seid)
			if want != nil {
				require.ErrorIs(t, err, want, refusal)
				continue
			}
			require.NoError(t, err, refusal)
			unlock()
		}
		bridgetest.Turn(t)
	}
}
