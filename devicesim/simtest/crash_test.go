package simtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/tlv"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
)

// TestABindingIsCompleteOrAbsentAfterACut interrupts each phase of a binding at each packet and at each access to the store, in
// each way in which it can be interrupted there. Then the host starts again. The host and the device agree on the binding, an
// earlier binding is kept, and binding works with at most one entry of the code.
//
// The clock is fake, so waiting takes no time.
func TestABindingIsCompleteOrAbsentAfterACut(t *testing.T) {
	var total atomic.Int64
	t.Run("cut", func(t *testing.T) {
		for _, l := range lives {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				occasions := undisturbed(t, l)
				require.Equal(t, l.puts, occasions["put"], "a new number of writes needs a review of this test")
				require.Equal(t, l.deletes, occasions["delete"])
				for _, e := range ends {
					for n := range occasions[e.at] {
						cutShort(t, l, e, n+1)
					}
					if occasions[e.at] > 0 {
						t.Logf("%3d points: %s", occasions[e.at], e.name)
					}
					total.Add(int64(occasions[e.at]))
				}
			})
		}
	})
	if t.Failed() {
		return
	}
	t.Logf("%d cut points: no binding lost, none half, none falsely told", total.Load())
	require.Greater(t, total.Load(), int64(1000))
}

// life is a phase of a binding.
type life struct {
	name string
	// before makes the state at the beginning.
	before func(w *environment)
	// live is the phase that is interrupted.
	live func(w *environment) error
	// puts and deletes are the numbers of writes.
	puts, deletes int
	options       device.Options
}

var lives = []life{
	{
		name: "bind",
		live: func(w *environment) error { return w.bind(true, false) },
		puts: 3, // pending, verify-sent, bound
	},
	{
		name: "bind, with a wrong code first",
		live: func(w *environment) error { return w.bindAfterATypo(true) },
		puts: 5,
	},
	{
		name: "bind what was bound elsewhere",
		before: func(w *environment) {
			w.is(w.them)
		},
		live: func(w *environment) error { return w.bind(false, false) },
		puts: 3,
	},
	{
		name: "bind again what was bound here, then elsewhere",
		before: func(w *environment) {
			w.is(w.us)
			w.is(w.them)
		},
		live: func(w *environment) error { return w.bind(false, false) },
		puts: 3,
	},
	{
		name: "the same, with a wrong code first",
		before: func(w *environment) {
			w.is(w.us)
			w.is(w.them)
		},
		live: func(w *environment) error { return w.bindAfterATypo(false) },
		puts: 5,
	},
	{
		name: "bind after a reset",
		before: func(w *environment) {
			w.is(w.us)
			require.NoError(w.t, w.device.Reset())
		},
		live: func(w *environment) error { return w.bind(true, false) },
		puts: 3,
	},
	{
		name:   "visit and look the code up",
		before: func(w *environment) { w.is(w.us) },
		live: func(w *environment) error {
			return w.visit(func(b *binding.Binding) error {
				status, err := b.Status(w.ctx)
				if err != nil {
					return err
				}
				require.Equal(w.t, binding.BoundToThis, status)
				_, _, err = b.RevealCode(w.ctx, binding.Consent{})
				return err
			})
		},
	},
	{
		name:   "forget",
		before: func(w *environment) { w.is(w.us) },
		live: func(w *environment) error {
			return w.visit(func(b *binding.Binding) error {
				if _, err := b.Status(w.ctx); err != nil {
					return err
				}
				return w.forget(b)
			})
		},
		deletes: 1,
	},
	{
		name:   "forget and bind again",
		before: func(w *environment) { w.is(w.us) },
		live: func(w *environment) error {
			if err := w.visit(w.forget); err != nil {
				return err
			}
			return w.bind(false, false)
		},
		puts: 3, deletes: 1,
	},
	{
		name:   "make a new key",
		before: func(w *environment) { w.is(w.us); w.copies(w.us) },
		live:   func(w *environment) error { return w.renew(w.paper) },
		puts:   2, // both keys, the new one
	},
	{
		name:   "make a new key, with a wrong code first",
		before: func(w *environment) { w.is(w.us); w.copies(w.us) },
		live: func(w *environment) error {
			if err := w.renew(wrong(w.paper)); !errors.Is(err, errcode.WrongCode) {
				return err
			}
			return w.renew(w.paper)
		},
		puts: 4,
	},
	{
		name: "import the file of a stranger, who is bound, and bind",
		before: func(w *environment) {
			stranger := newHost(w.t, w.device)
			stranger.ctx = w.ctx
			w.is(stranger)
			w.copies(stranger)
		},
		live: func(w *environment) error {
			if err := w.imports(); err != nil {
				return err
			}
			return w.renew(w.paper)
		},
		puts: 4, // imported, bound to the file's key, both keys, the new one
	},
	{
		name: "import the file of a stranger, who was bound, and bind",
		before: func(w *environment) {
			stranger := newHost(w.t, w.device)
			stranger.ctx = w.ctx
			w.is(stranger)
			w.copies(stranger)
			w.is(w.them)
		},
		live: func(w *environment) error {
			if err := w.imports(); err != nil {
				return err
			}
			return w.bind(false, false)
		},
		puts: 4, // imported, former, both keys, the new one
	},
	{
		name: "import over a record that is former, and bind",
		before: func(w *environment) {
			w.is(w.us)
			w.copies(w.us)
			w.is(w.us)
			w.is(w.them)
		},
		live: func(w *environment) error {
			if err := w.imports(); err != nil {
				return err
			}
			return w.bind(false, false)
		},
		puts: 4,
	},
}

// end is a way to interrupt a phase at an occasion of a kind.
type end struct {
	name string
	at   string     // out, in: a packet; receive, get, put, delete: a call of the host
	wire usb.Action // the fault for a packet
	// Without a fault, the host is killed before the call, or after it if after is set. With fails, the host is not killed:
	// this call and all later ones return that error.
	after bool
	fails error
}

var (
	full   = errcode.New(errcode.StorageFull, "no room")
	broken = errcode.New(errcode.Storage, "the disk")
)

var ends = []end{
	{name: "unplugged at a packet out", at: "out", wire: usb.DoUnplug},
	{name: "unplugged at a packet in", at: "in", wire: usb.DoUnplug},
	{name: "power cut at a packet out", at: "out", wire: usb.DoPowerCut},
	{name: "power cut at a packet in", at: "in", wire: usb.DoPowerCut},
	{name: "packet out lost", at: "out", wire: usb.DoDrop},
	{name: "packet in lost", at: "in", wire: usb.DoDrop},
	{name: "host killed before it sends", at: "out"},
	{name: "host killed before it receives", at: "receive"},
	{name: "host killed before it reads the store", at: "get"},
	{name: "host killed before it writes", at: "put"},
	{name: "host killed when it has written", at: "put", after: true},
	{name: "host killed before it deletes", at: "delete"},
	{name: "host killed when it has deleted", at: "delete", after: true},
	{name: "reading fails", at: "get", fails: broken},
	{name: "no room to write", at: "put", fails: full},
	{name: "writing fails", at: "put", fails: broken},
	{name: "writing is said to have failed", at: "put", after: true, fails: broken},
	{name: "deleting fails", at: "delete", fails: broken},
	{name: "deleting is said to have failed", at: "delete", after: true, fails: broken},
}

// environment is one device and the hosts that bind it.
type environment struct {
	t      *testing.T
	ctx    context.Context
	device *device.Device
	saw    *witness
	us     *host
	run    *process
	them   *host  // another browser, which is not interrupted
	paper  string // the code that the user has written down
	told   bool   // this host was told that it is bound
	signed bool   // this host got a signature
	open   *coredevice.Device
	// forgetting: this host may have forgotten the device; forgotten: it was told that it has.
	forgetting, forgotten bool
	// file is an exported record, and copy a host that imported it. Its key must be worthless after a binding by code.
	file []byte
	copy *host
}

// process is this host from its start until it is killed. It counts its calls.
type process struct {
	end  end
	nth  int // number of the occasion at which it is interrupted; 0 for none
	seen map[string]int
	dead bool
	// event, if not nil, is called before the nth packet out and after the nth packet in.
	event func(kind string, n int)
}

var errDead = errors.New("the host is dead")

// call makes a call of the host, which is an occasion. The host makes one call at a time.
func (p *process) call(kind string, do func() error) error {
	if p.dead {
		return errDead
	}
	p.seen[kind]++
	if kind == "out" {
		p.happens(kind)
	}
	if p.dead {
		return errDead
	}
	if kind != p.end.at || p.end.wire != "" || p.nth == 0 || p.seen[kind] < p.nth {
		return do()
	}
	p.dead = p.end.fails == nil
	if p.end.after {
		if err := do(); err != nil {
			return err
		}
	}
	if p.dead {
		return errDead
	}
	return p.end.fails
}

func (p *process) happens(kind string) {
	if p.event != nil {
		p.event(kind, p.seen[kind])
	}
}

// cable is a link of a process.
type cable struct {
	transport.Link
	run *process
}

func (c cable) Send(ctx context.Context, p *frame.Packet) error {
	return c.run.call("out", func() error { return c.Link.Send(ctx, p) })
}

func (c cable) Receive(ctx context.Context) (p frame.Packet, err error) {
	err = c.run.call("receive", func() error {
		p, err = c.Link.Receive(ctx)
		return err
	})
	if err == nil {
		c.run.seen["in"]++
		c.run.happens("in")
	}
	return p, err
}

func (c cable) Reset(ctx context.Context) error {
	return c.run.call("reset", func() error { return c.Link.Reset(ctx) })
}

// disk is the store of a process.
type disk struct {
	binding.Store
	run *process
}

func (d disk) Get(ctx context.Context, seid string) (record []byte, err error) {
	err = d.run.call("get", func() error {
		record, err = d.Store.Get(ctx, seid)
		return err
	})
	return record, err
}

func (d disk) Put(ctx context.Context, seid string, record []byte) error {
	return d.run.call("put", func() error { return d.Store.Put(ctx, seid, record) })
}

func (d disk) Delete(ctx context.Context, seid string) error {
	return d.run.call("delete", func() error { return d.Store.Delete(ctx, seid) })
}

// visit opens the device in this process and closes it.
func (w *environment) visit(do func(*binding.Binding) error) error {
	link, err := w.device.Link(w.ctx)
	if err != nil {
		return err
	}
	dev, err := coredevice.Open(w.ctx, cable{link, w.run}, nil)
	if err != nil {
		return err
	}
	defer dev.Close()
	w.open = dev
	return do(binding.New(dev, binding.Config{Store: disk{w.us.store, w.run}, TrustedCAs: w.us.trustedCAs}))
}

// bind does what a page does: it reads the status of the binding, has the code shown if the user needs to read it, and binds
// with it or with a wrong one.
func (w *environment) bind(onScreen, typo bool) error {
	return w.visit(func(b *binding.Binding) error {
		status, err := b.Status(w.ctx)
		if err != nil {
			return err
		}
		require.NotEqual(w.t, binding.BoundToThis, status)
		if onScreen {
			if err := b.ShowCode(w.ctx); err != nil {
				return err
			}
			// A user who sees no code gives up.
			looking, stop := context.WithTimeout(w.ctx, time.Minute)
			defer stop()
			if w.paper, err = simtest.ReadCode(looking, w.device); err != nil {
				return errcode.FromContext("read the code", looking.Err())
			}
		}
		typed := w.paper
		if typo {
			typed = wrong(typed)
		}
		err = b.Bind(w.ctx, typed, keeping)
		w.told = err == nil
		return err
	})
}

func (w *environment) bindAfterATypo(onScreen bool) error {
	if err := w.bind(onScreen, true); !errors.Is(err, errcode.WrongCode) {
		return err
	}
	return w.bind(onScreen, false)
}

// renew binds with the code although the device may be bound to this host.
func (w *environment) renew(code string) error {
	return w.visit(func(b *binding.Binding) error {
		if _, err := b.Status(w.ctx); err != nil {
			return err
		}
		err := b.Bind(w.ctx, code, renewing)
		w.told = err == nil
		return err
	})
}

var renewing = binding.BindOptions{RememberCode: true, NewKey: true}

// copies exports a host's record, and imports it in another host.
func (w *environment) copies(h *host) {
	file, err := binding.Export(w.ctx, h.store, w.device.Status().SEID, nil)
	require.NoError(w.t, err)
	w.file, w.copy = file, newHost(w.t, w.device)
	w.copy.ctx = w.ctx
	w.copy.imports(bytes.Clone(file), binding.ImportOptions{})
}

// imports imports the file in this host.
func (w *environment) imports() error {
	_, err := binding.Import(w.ctx, disk{w.us.store, w.run}, bytes.Clone(w.file), binding.ImportOptions{Replace: true})
	return err
}

// copyIsBound reports whether the device is bound to the key of the copy.
func (w *environment) copyIsBound() bool {
	b, dev := w.copy.connect(w.device)
	defer dev.Close()
	return w.copy.status(b) == binding.BoundToThis
}

var keeping = binding.BindOptions{RememberCode: true}

func (w *environment) forget(b *binding.Binding) error {
	w.forgetting, w.told = true, false
	err := b.Forget(w.ctx, nil)
	w.forgotten = err == nil
	return err
}

// is binds a host without interruption.
func (w *environment) is(h *host) {
	b, dev := h.connect(w.device)
	if h.status(b) == binding.Unbound {
		require.NoError(w.t, b.ShowCode(h.ctx))
		w.paper = h.readCode(w.device)
	}
	require.NoError(w.t, b.Bind(h.ctx, w.paper, keeping))
	require.NoError(w.t, dev.Close())
}

// record returns the app key and the state in this host's record, or nil. The tags are those of core/binding.
func (w *environment) record() (key []byte, state binding.State) {
	record, err := w.us.store.Get(w.ctx, w.device.Status().SEID)
	if errors.Is(err, binding.ErrNoRecord) {
		return nil, 0
	}
	require.NoError(w.t, err)
	fields, err := tlv.All(record[1:])
	require.NoError(w.t, err)
	for _, f := range fields {
		switch f.Tag {
		case 0x83:
			state = binding.State(f.Value[0])
		case 0x84:
			key = f.Value
		}
	}
	require.NotNil(w.t, key)
	return key, state
}

// boundHere reports whether the device is bound but not to the other host. It does not use this host.
func (w *environment) boundHere() bool {
	if w.device.Status().Binding != "bound" {
		return false
	}
	b, dev := w.them.connect(w.device)
	defer dev.Close()
	return w.them.status(b) == binding.BoundElsewhere
}

const (
	bystander = "19060000000200860001010000000099"
	other     = "another device's record"
)

// inEnvironment runs a test in a new environment with a fake clock.
func inEnvironment(t *testing.T, l life, p *process, then func(w *environment)) {
	synctest.Test(t, func(t *testing.T) {
		w := &environment{t: t, saw: &witness{}, run: p}
		l.options.Applets = w.saw.applets()
		w.device = newDevice(t, l.options)
		w.us, w.them = newHost(t, w.device), newHost(t, w.device)
		w.ctx = t.Context() // without a time limit: the host's own limits are tested
		w.us.ctx, w.them.ctx = w.ctx, w.ctx
		require.NoError(t, w.us.store.Put(w.ctx, bystander, []byte(other)))
		if l.before != nil {
			l.before(w)
		}
		then(w)
		record, err := w.us.store.Get(w.ctx, bystander)
		require.NoError(t, err)
		require.Equal(t, other, string(record))
	})
}

// TestABindingSurvivesOneCutAfterAnother interrupts a host again while it recovers, with wrong codes, forgetting, other hosts and
// resets in between. A seed chooses the phases.
func TestABindingSurvivesOneCutAfterAnother(t *testing.T) {
	rounds, seed := 150, uint64(1)
	if os.Getenv("IMKEY_FULL") != "" {
		rounds, seed = 5_000, uint64(time.Now().UnixNano())
	}
	var cuts atomic.Int64
	t.Run("rounds", func(t *testing.T) {
		const workers = 2
		for worker := range uint64(workers) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, worker))
				for round := range rounds / workers {
					cuts.Add(int64(oneCutAfterAnother(t, random, fmt.Sprintf("seed %d, %d, round %d", seed, worker, round))))
				}
			})
		}
	})
	if !t.Failed() {
		t.Logf("%d lives with %d cuts: no binding lost, none half, none falsely told", rounds, cuts.Load())
	}
	require.Greater(t, cuts.Load(), int64(rounds))
}

func oneCutAfterAnother(t *testing.T, random *rand.Rand, name string) (cuts int) {
	inEnvironment(t, life{}, nil, func(w *environment) {
		var story []string
		for range 6 {
			e, n := ends[random.IntN(len(ends))], 1+random.IntN(45)
			if e.at != "out" && e.at != "in" && e.at != "receive" {
				n = 1 + random.IntN(4)
			}
			w.run = &process{seen: map[string]int{}, end: e, nth: n}
			if e.wire != "" {
				w.run.nth = 0
				require.NoError(w.t, w.device.Port().SetFaults([]usb.Fault{{On: e.at, Packet: n, Do: e.wire}}))
			}
			what := random.IntN(10)
			err := w.visit(func(b *binding.Binding) error { return w.anyWish(b, what) })
			story = append(story, fmt.Sprintf("wish %d, %s %d: %v", what, e.name, n, err))
			if err != nil {
				cuts++
			}
			if !w.device.Port().Plugged() {
				_ = w.device.Unplug() // waits until the fault has unplugged it
				require.NoError(w.t, w.device.Plug())
			}
			require.NoError(w.t, w.device.Port().SetFaults(nil))
			if what == 0 { // the other host, or a reset
				w.told = false
				if random.IntN(2) == 0 {
					require.NoError(w.t, w.device.Reset())
				} else {
					w.is(w.them)
				}
			}
			told := w.told
			here := w.boundHere()
			b, dev := w.us.connect(w.device)
			status, err := b.Status(w.ctx)
			require.NoError(w.t, err, "%s: half: %q", name, story)
			bound := status == binding.BoundToThis
			require.False(w.t, bound && !here, "%s: falsely told: %q", name, story)
			require.False(w.t, told && !bound, "%s: lost: %q", name, story)
			w.told = bound
			require.NoError(w.t, dev.Close())
		}
		w.is(w.us) // enters the code at most once
		b, _ := w.us.connect(w.device)
		require.Equal(w.t, binding.BoundToThis, w.us.status(b), "%s: %q", name, story)
	})
	return cuts
}

// anyWish returns what a user wants in one visit.
func (w *environment) anyWish(b *binding.Binding, what int) error {
	status, err := b.Status(w.ctx)
	if err != nil {
		return err
	}
	if status == binding.BoundToThis {
		w.told = true
		switch what {
		case 1:
			return w.forget(b)
		case 2:
			_, _, err := b.RevealCode(w.ctx, binding.Consent{})
			return err
		case 3, 4:
			code := w.paper
			if what == 4 {
				code = wrong(code)
			}
			return b.Bind(w.ctx, code, renewing)
		case 5: // moves the binding to this host itself
			file, err := binding.Export(w.ctx, w.us.store, w.device.Status().SEID, nil)
			if err != nil {
				return err
			}
			w.file = file
			if err := w.imports(); err != nil {
				return err
			}
			return b.Bind(w.ctx, w.paper, keeping)
		}
		return nil
	}
	if status == binding.Unbound {
		if err := b.ShowCode(w.ctx); err != nil {
			return err
		}
		w.paper = w.us.readCode(w.device)
	}
	code := w.paper
	if what < 5 {
		code = wrong(code)
	}
	err = b.Bind(w.ctx, code, keeping)
	w.told = err == nil
	return err
}

// undisturbed runs a phase to its end and returns the number of occasions of each kind.
func undisturbed(t *testing.T, l life) map[string]int {
	p := &process{seen: map[string]int{}}
	inEnvironment(t, l, p, func(w *environment) { require.NoError(t, l.live(w)) })
	return p.seen
}

// cutShort interrupts a phase at the nth occasion of an end. Then the host starts again.
func cutShort(t *testing.T, l life, e end, n int) {
	p := &process{seen: map[string]int{}, end: e, nth: n}
	inEnvironment(t, l, p, func(w *environment) {
		what := fmt.Sprintf("%s: %s %d", l.name, e.name, n)
		before, _ := w.record()
		if e.wire != "" {
			require.NoError(t, w.device.Port().SetFaults([]usb.Fault{{On: e.at, Packet: n, Do: e.wire}}))
		}

		err := l.live(w)

		switch e.wire {
		case usb.DoUnplug, usb.DoPowerCut:
			require.ErrorIs(t, err, errcode.DeviceDisconnected, what)
			require.False(t, w.device.Port().Plugged(), what)
			// Waits until the fault has unplugged the device or cut its power.
			if e.wire == usb.DoPowerCut {
				require.NoError(t, w.device.PowerCut())
			} else {
				require.NoError(t, w.device.Unplug())
			}
			require.NoError(t, w.device.Plug())
		case "":
			require.GreaterOrEqual(t, p.seen[e.at], n, what)
			require.Equal(t, e.fails == nil, p.dead, what)
		}
		require.NoError(t, w.device.Port().SetFaults(nil))

		here := w.boundHere()
		key, state := w.record()
		switch {
		case before != nil && !w.forgetting && !here && w.file == nil:
			require.Equal(t, before, key, "%s: lost", what)
		case before == nil && !here:
			require.NotEqual(t, binding.Bound, state, "%s: falsely recorded", what)
		}
		ours := key != nil && (!w.forgetting || bytes.Equal(before, key))
		b, dev := w.us.connect(w.device)
		status, err := b.Status(w.ctx)
		require.NoError(t, err, "%s: half", what)
		bound := status == binding.BoundToThis
		if ours {
			require.Equal(t, here, bound, "%s: the host and the device disagree", what)
		}
		require.False(t, bound && !here, "%s: falsely told", what)
		require.False(t, w.told && !bound, "%s: lost", what)
		if !bound {
			if status == binding.Unbound {
				require.NoError(t, b.ShowCode(w.ctx), what)
				w.paper = w.us.readCode(w.device)
			}
			require.NoError(t, b.Bind(w.ctx, w.paper, keeping), "%s: the code entered once", what)
			require.Equal(t, binding.BoundToThis, w.us.status(b), what)
		}
		kept, ok, err := b.RevealCode(w.ctx, binding.Consent{})
		require.NoError(t, err, what)
		require.True(t, ok, "%s: the code that was kept is lost", what)
		require.Equal(t, w.paper, string(kept[:]), what)
		if w.copy == nil {
			return
		}
		require.NoError(t, dev.Close())
		if w.told || !bound {
			require.False(t, w.copyIsBound(), "%s: told of a new key, and the copy is bound", what)
		}
		w.run = &process{seen: map[string]int{}}
		require.NoError(t, w.renew(w.paper), what)
		require.False(t, w.copyIsBound(), "%s: the copy is bound", what)
		b, _ = w.us.connect(w.device)
		require.Equal(t, binding.BoundToThis, w.us.status(b), what)
	})
}
