package simtest_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"imkey-connect/core/attestation"
	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/secp256k1"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/fakeca"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
)

// world has two browsers and one cable, and three devices with the same serial number and the same SEID. One of them is genuine;
// another one has another key that the same CA certified; the last one has a key that another CA certified. The reference model is
// what the witnesses saw of the devices, and what the browsers told their users.
type world struct {
	t        require.TestingT
	ctx      context.Context
	pick     func(n int, what string) int // draws from 0 to n-1
	counts   *tally
	trusted  []secp256k1.PublicKey
	devices  [3]*model
	plugged  *model
	browsers [2]*browser
	used     map[string]*browser // the app keys that a code bound, by the only browser that has them; nil: they may be in a file
	story    []string
}

// model is a device and what is known of it.
type model struct {
	*device.Device
	saw   *witness
	key   secp256k1.PublicKey
	paper string // the code that the user has written down
}

// browser is an app, and what is known of it.
type browser struct {
	name  string
	store *binding.MemoryStore
	file  *file // what it exported
	// bound are the app keys that made a device bound, by device. A key that was forgotten or replaced is not in it.
	bound map[*model][]byte
	// met are the devices whose key the record may have.
	met map[*model]bool
	// imported says that its record came from a file, and that no binding by a code followed.
	imported bool
	// own has the keys that devices were bound to before the import, and that came from no file. The record keeps the last one.
	own map[*model][]byte
	// shown is the device that the page shows; accepted says that the user accepted it although it is unverified.
	shown    *binding.Identity
	accepted bool
}

// file is an exported record. met are the devices whose key it may have.
type file struct {
	record []byte
	met    map[*model]bool
}

const (
	sameSerial = "imKey01191200001"
	sameSEID   = "19060000000200860001010000000014"
)

// authorities are the trusted CA and the other one.
var authorities = func() (cas [2]*fakeca.CA) {
	for i := range cas {
		ca, err := fakeca.New(rand.NewChaCha8([32]byte{byte(i)}))
		if err != nil {
			panic(err)
		}
		cas[i] = ca
	}
	return cas
}()

// newWorld makes a world. The caller closes it.
func newWorld(t require.TestingT, ctx context.Context, counts *tally, pick func(n int, what string) int) *world {
	w := &world{t: t, ctx: ctx, pick: pick, counts: counts, used: map[string]*browser{}}
	ca, err := secp256k1.ParsePublicKey(authorities[0].PublicKey())
	require.NoError(t, err)
	w.trusted = []secp256k1.PublicKey{ca}
	for i, ca := range []*fakeca.CA{authorities[0], authorities[0], authorities[1]} {
		m := &model{saw: &witness{}}
		m.Device, err = device.New(device.Options{Serial: sameSerial, SEID: sameSEID, CA: ca, Approve: device.Yes,
			Mnemonic: testPhrase, Applets: m.saw.applets()})
		require.NoError(t, err)
		w.devices[i] = m
		require.NoError(t, m.Unplug())
	}
	for i := range w.browsers {
		w.browsers[i] = &browser{name: string('A' + rune(i)), store: &binding.MemoryStore{}, bound: map[*model][]byte{}, met: map[*model]bool{}}
	}
	w.plug(w.devices[0])
	return w
}

func (w *world) close() {
	for _, m := range w.devices {
		m.Close()
	}
}

func (w *world) plug(m *model) {
	if w.plugged != nil {
		require.NoError(w.t, w.plugged.Unplug())
	}
	w.plugged = m
	require.NoError(w.t, m.Plug())
	if m.key == (secp256k1.PublicKey{}) {
		w.visit(w.browsers[0], calm, func(b *binding.Binding, _ *coredevice.Device) error {
			m.key = b.Identity().SE
			return nil
		})
	}
}

// trouble is what goes wrong in a visit.
type trouble struct {
	what   string // for the story
	fault  usb.Action
	on     string
	packet int
	count  int
	crash  bool
	cancel bool
}

var calm = trouble{what: "calm"}

// draw draws a trouble; half of the visits have none.
func (w *world) draw() trouble {
	kinds := []trouble{
		{what: "unplug", fault: usb.DoUnplug}, {what: "power cut", fault: usb.DoPowerCut}, {what: "freeze", fault: usb.DoDrop, count: 1_000_000},
		{what: "drop", fault: usb.DoDrop}, {what: "stall", fault: usb.DoStall}, {what: "corrupt", fault: usb.DoCorrupt},
		{what: "crash", crash: true}, {what: "cancel", cancel: true},
	}
	n := w.pick(2*len(kinds), "trouble")
	if n >= len(kinds) {
		return calm
	}
	k := kinds[n]
	k.on = []string{usb.Out, usb.In}[w.pick(2, "direction")]
	k.packet = 1 + w.pick(34, "packet")
	w.story = append(w.story, fmt.Sprintf("%s %s %d", k.what, k.on, k.packet))
	return k
}

// visit opens the plugged device in a browser, does something and closes it, in trouble or not. Afterwards the user puts the device
// right.
func (w *world) visit(b *browser, x trouble, do func(*binding.Binding, *coredevice.Device) error) error {
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	p := &process{seen: map[string]int{}}
	if x.crash || x.cancel {
		p.event = func(kind string, n int) {
			if kind == x.on && n == x.packet {
				p.dead = p.dead || x.crash
				if x.cancel {
					cancel()
				}
			}
		}
	}
	if x.fault != "" {
		f := usb.Fault{On: x.on, Packet: x.packet, Do: x.fault, Count: x.count}
		if x.fault == usb.DoCorrupt {
			f.Bytes = w.pick(40, "byte")
		}
		require.NoError(w.t, w.plugged.Port().SetFaults([]usb.Fault{f}))
	}
	start := time.Now()
	all := w.ctx
	w.ctx = ctx
	err := func() error {
		link, err := w.plugged.Link(ctx)
		if err != nil {
			return err
		}
		dev, err := coredevice.Open(ctx, cable{link, p}, nil)
		if err != nil {
			return err
		}
		defer dev.Close()
		return do(binding.New(dev, binding.Config{Store: disk{b.store, p}, TrustedCAs: w.trusted}), dev)
	}()
	w.ctx = all
	w.count(&w.counts.stuck, time.Since(start) > 15*time.Minute, "it took %v", time.Since(start))
	if x != calm {
		require.NoError(w.t, w.plugged.Unplug())
		require.NoError(w.t, w.plugged.Plug())
		require.NoError(w.t, w.plugged.Port().SetFaults(nil))
	}
	require.NoError(w.t, w.plugged.Unlock("")) // allows new attempts at the code
	return err
}

func (w *world) count(counter *int, bad bool, format string, args ...any) {
	w.counts.count(w.t, counter, bad, "%s\nafter %q", fmt.Sprintf(format, args...), w.story)
}

// look is what a page does first: it asks for the status and shows the device. The status is true, and no binding is lost.
func (w *world) look(b *browser, opened *binding.Binding) (binding.Status, error) {
	status, err := opened.Status(w.ctx)
	if err != nil {
		return 0, err
	}
	m := w.plugged
	holds := m.saw.holds()
	w.count(&w.counts.falselyBound, status == binding.BoundToThis && !holds, "%s was told bound", b.name)
	w.count(&w.counts.lost, status != binding.BoundToThis && holds, "%s is bound and was told %v", b.name, status)
	kept := b.bound[m]
	misread := opened.Identity().SEID != sameSEID // a changed answer makes it another device for this visit
	w.count(&w.counts.lost, kept != nil && bytes.Equal(kept, m.saw.bound) && !holds && !misread, "%s has lost the key that the device is bound to", b.name)
	if holds {
		b.bound[m] = m.saw.bound
	}
	require.Equal(w.t, m.saw.bound == nil, status == binding.Unbound, "%q", w.story)
	return status, nil
}

// shows shows the device to the user of a browser, who may accept an unverified one.
func (w *world) shows(b *browser, opened *binding.Binding) {
	shown := opened.Identity()
	b.shown = &shown
	b.accepted = shown.Standing != attestation.Verified && w.pick(2, "accept") == 1
}

func (b *browser) consent() binding.Consent {
	return binding.Consent{Shown: b.shown, AcceptUnverified: b.accepted}
}

// seen reports whether the user of a browser saw the plugged device and may have meant it.
func (w *world) seen(b *browser) bool {
	return b.shown != nil && b.shown.SE == w.plugged.key && (b.shown.Standing == attestation.Verified || b.accepted)
}

// how says how a browser binds. If stale is true, the page goes on with the device that it showed in an earlier visit.
type how struct{ wrong, stale, newKey bool }

// bind binds with a code. The key was in no file, and belongs to this browser alone.
func (w *world) bind(b *browser, x trouble, how how) error {
	m := w.plugged
	proofs := m.saw.proofs
	before := m.saw.bound
	err := w.visit(b, x, func(opened *binding.Binding, _ *coredevice.Device) error {
		status, err := w.look(b, opened)
		if err != nil {
			return err
		}
		if !how.stale || b.shown == nil {
			w.shows(b, opened)
		}
		if status == binding.Unbound {
			if err := opened.ShowCode(w.ctx); err != nil {
				return err
			}
			looking, stop := context.WithTimeout(w.ctx, time.Minute)
			defer stop()
			if m.paper, err = simtest.ReadCode(looking, m.Device); err != nil {
				return errcode.FromContext("read the code", looking.Err())
			}
		}
		typed := m.paper
		if typed == "" {
			typed = "ABCDEFGH" // the user has never seen the code
		}
		if how.wrong {
			typed = wrong(typed)
		}
		err = opened.Bind(w.ctx, typed, binding.BindOptions{Consent: b.consent(), RememberCode: true, NewKey: how.newKey})
		if err != nil {
			return err
		}
		proved := m.saw.proofs > proofs
		w.count(&w.counts.falselyBound, !(proved && bytes.Equal(m.saw.bound, m.saw.proved) || !proved && m.saw.holds()), "%s was told that it is bound", b.name)
		fromFile := b.imported && (b.own[m] == nil || !bytes.Equal(b.own[m], m.saw.bound))
		require.False(w.t, (how.newKey || fromFile) && !proved, "%s kept a key that others may have: %q", b.name, w.story)
		b.imported = false
		return nil
	})
	w.count(&w.counts.wrongProof, m.saw.proofs > proofs && !w.seen(b), "%s proved the code to a key that its user did not see", b.name)
	require.LessOrEqual(w.t, m.saw.proofs, proofs+1, "%q", w.story)
	b.met[m] = true
	if !bytes.Equal(before, m.saw.bound) {
		b.bound[m], b.imported = m.saw.bound, false
		// An interrupted attempt may have bound the device to the same key. That key was in no file.
		owner, used := w.used[string(m.saw.bound)]
		require.True(w.t, !used || owner == b, "a key that others may have is used again: %q", w.story)
		w.used[string(m.saw.bound)] = b
	}
	return err
}

// sign asks for a signature.
func (w *world) sign(b *browser, x trouble, stale bool) error {
	m := w.plugged
	before, asked := m.saw.signatures, m.saw.asked
	var signed *ethereum.SignedTransaction
	var status binding.Status
	asShown := false // a damaged certificate in an earlier visit may have shown the same key as unverified
	err := w.visit(b, x, func(opened *binding.Binding, dev *coredevice.Device) (err error) {
		if status, err = w.look(b, opened); err != nil {
			return err
		}
		if !stale || b.shown == nil {
			w.shows(b, opened)
		}
		asShown = *b.shown == opened.Identity()
		signed, err = ethereum.New(dev, binder(opened, b.consent())).SignTransaction(w.ctx, by, ether(ethereum.Address{1}, 1), ethereum.Ether, nil)
		return err
	})
	made := m.saw.signatures - before
	w.count(&w.counts.doubled, made > 1 || m.saw.asked-asked > 1, "one request made %d signatures", made)
	w.count(&w.counts.doubled, signed != nil && made != 1, "a result without a signature")
	w.count(&w.counts.wrongProof, made > 0 && !w.seen(b), "%s had a device sign that its user did not see", b.name)
	require.False(w.t, made > 0 && status != binding.BoundToThis, "%q", w.story)
	if x == calm && status == binding.BoundToThis && w.seen(b) {
		if !asShown {
			require.ErrorIs(w.t, err, errcode.DeviceChanged, "%q", w.story)
			return err
		}
		waits := b.imported && errors.Is(err, errcode.UntrustedDevice) // no user accepted it here
		w.count(&w.counts.stuck, err != nil && !waits, "a bound device does not sign: %v", err)
	}
	return err
}

// settle visits the device once more, without trouble. The only obstacle is a record of another device.
func (w *world) settle(b *browser) {
	err := w.visit(b, calm, func(opened *binding.Binding, _ *coredevice.Device) error {
		_, err := w.look(b, opened)
		return err
	})
	strangers := 0
	for m := range b.met {
		if m != w.plugged {
			strangers++
		}
	}
	mismatch := errors.Is(err, errcode.DeviceMismatch) || errors.Is(err, errcode.DeviceChanged)
	w.count(&w.counts.stuck, err != nil && (!mismatch || strangers == 0), "%s cannot use the device: %v", b.name, err)
	kept := b.bound[w.plugged]
	w.count(&w.counts.lost, mismatch && kept != nil && bytes.Equal(kept, w.plugged.saw.bound) && strangers == 0, "%s: %v", b.name, err)
}

// actions are the steps, by name.
var actions = []struct {
	name string
	do   func(w *world, b *browser) error
}{
	{"connect", func(w *world, b *browser) error {
		return w.visit(b, w.draw(), func(opened *binding.Binding, _ *coredevice.Device) error {
			_, err := w.look(b, opened)
			w.shows(b, opened)
			return err
		})
	}},
	{"bind", func(w *world, b *browser) error { return w.bind(b, w.draw(), how{}) }},
	{"bind again", func(w *world, b *browser) error { return w.bind(b, calm, how{}) }},
	{"bind with a wrong code", func(w *world, b *browser) error { return w.bind(b, w.draw(), how{wrong: true}) }},
	{"bind what was shown before", func(w *world, b *browser) error { return w.bind(b, w.draw(), how{stale: true}) }},
	{"make a new key", func(w *world, b *browser) error { return w.bind(b, w.draw(), how{newKey: true}) }},
	{"accept what was imported", func(w *world, b *browser) error {
		return w.visit(b, w.draw(), func(opened *binding.Binding, _ *coredevice.Device) error {
			if _, err := w.look(b, opened); err != nil {
				return err
			}
			w.shows(b, opened)
			_, err := opened.Accept(w.ctx, b.consent())
			return err
		})
	}},
	{"sign", func(w *world, b *browser) error { return w.sign(b, w.draw(), false) }},
	{"sign with what was shown before", func(w *world, b *browser) error { return w.sign(b, w.draw(), true) }},
	{"export", func(w *world, b *browser) error {
		record, err := binding.Export(w.ctx, b.store, sameSEID, nil)
		if err == nil {
			b.file = &file{record, maps.Clone(b.met)}
			for key, owner := range w.used {
				if owner == b {
					w.used[key] = nil
				}
			}
		}
		return err
	}},
	{"import", func(w *world, b *browser) error {
		from := w.browsers[w.pick(2, "from")]
		if from.file == nil {
			return errors.New("there is no file")
		}
		_, err := binding.Import(w.ctx, b.store, from.file.record, binding.ImportOptions{Replace: true})
		if err == nil {
			if !b.imported {
				b.own = b.bound
			}
			b.bound, b.met, b.imported = map[*model][]byte{}, maps.Clone(from.file.met), true
		}
		return err
	}},
	{"forget", func(w *world, b *browser) error {
		if w.pick(4, "really") > 0 { // forgetting ends what the other steps build
			return errors.New("the user thinks again")
		}
		b.bound, b.met, b.imported, b.own = map[*model][]byte{}, map[*model]bool{}, false, nil
		return binding.Forget(w.ctx, b.store, sameSEID, nil)
	}},
	{"replace the device", func(w *world, b *browser) error {
		w.plug(w.devices[max(0, w.pick(4, "device")-1)]) // the genuine one more often
		return nil
	}},
	{"reset the device", func(w *world, b *browser) error {
		if w.pick(4, "really") > 0 {
			return errors.New("the user thinks again")
		}
		require.NoError(w.t, w.plugged.Reset())
		w.plugged.saw.wiped()
		w.plugged.paper = ""
		return w.plugged.Restore(testPhrase)
	}},
}

// step does one action in one browser. Then both browsers look at the device.
func (w *world) step(action int) {
	b := w.browsers[w.pick(2, "browser")]
	w.story = append(w.story, b.name+": "+actions[action].name)
	err := actions[action].do(w, b)
	w.story = append(w.story, fmt.Sprintf("%v", err))
	outcome := "ok"
	if err != nil {
		outcome = string(errcode.Of(err))
	}
	w.counts.end(actions[action].name + ": " + outcome)
	w.story = w.story[max(0, len(w.story)-60):]
	w.settle(w.browsers[w.pick(2, "settles")])
}

// figure returns a number for a short run or a full one, or that of an environment variable.
func figure(t *testing.T, name string, short, full int) int {
	if text := os.Getenv(name); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n
	}
	if os.Getenv("IMKEY_FULL") != "" {
		return full
	}
	return short
}

// TestModel has rapid draw steps until one of the invariants fails, and shrink them. IMKEY_FULL=1 draws 100,000 steps.
func TestModel(t *testing.T) {
	const each = 50 // mean number of steps of a story
	want := figure(t, "IMKEY_STEPS", 2_000, 100_000)
	require.NoError(t, flag.Set("rapid.checks", strconv.Itoa(want/each)))
	require.NoError(t, flag.Set("rapid.steps", strconv.Itoa(each)))
	require.NoError(t, flag.Set("rapid.nofailfile", "true"))
	counts := &tally{}
	steps := 0
	for round := 0; steps < want; round++ {
		synctest.Test(t, func(t *testing.T) {
			rapid.Check(struct{ testing.TB }{t}, func(r *rapid.T) { // without Deadline, which a test with a fake clock must not call
				w := newWorld(r, context.Background(), counts, func(n int, what string) int { return rapid.IntRange(0, n-1).Draw(r, what) })
				defer w.close()
				doing := map[string]func(*rapid.T){}
				for i, a := range actions {
					doing[a.name] = func(*rapid.T) {
						w.step(i)
						steps++
					}
				}
				r.Repeat(doing)
			})
		})
		if t.Failed() {
			return
		}
		require.NoError(t, flag.Set("rapid.checks", strconv.Itoa(1+(want-steps)/each)))
	}
	counts.log(t)
	t.Logf("%d steps: %v", steps, counts)
}

// TestSessions runs sessions at random: in each, one browser opens the device, does one thing, and something may go wrong. make soak
// runs 100,000 (IMKEY_SESSIONS).
func TestSessions(t *testing.T) {
	const workers, each = 2, 100
	want := figure(t, "IMKEY_SESSIONS", 600, 5_000)
	seed := uint64(1)
	if want > 600 {
		seed = uint64(time.Now().UnixNano())
	}
	if text := os.Getenv("IMKEY_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		seed = n
	}
	t.Logf("IMKEY_SEED=%d", seed)
	counts := &tally{}
	var sessions atomic.Int64
	t.Run("sessions", func(t *testing.T) {
		for worker := range uint64(workers) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, worker))
				for range (want + workers*each - 1) / (workers * each) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, t.Context(), counts, func(n int, _ string) int { return random.IntN(n) })
						defer w.close()
						for range each {
							w.step(random.IntN(len(actions)))
							sessions.Add(1)
						}
					})
					if t.Failed() {
						return
					}
				}
			})
		}
	})
	counts.log(t)
	t.Logf("%d sessions: %v", sessions.Load(), counts)
}
