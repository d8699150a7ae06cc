package simtest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/signing"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest/faultmatrix"
	"imkey-connect/devicesim/usb"
)

const pin = "123456"

// tally counts what must not happen. Each count is 0 at the end.
type tally struct {
	sync.Mutex
	ends                                           map[string]int
	lost, falselyBound, doubled, stuck, wrongProof int
}

func (c *tally) String() string {
	return fmt.Sprintf("%d lost bindings, %d false \"bound\", %d doubled signatures, %d stuck sessions, %d codes proved to a key that the user did not see",
		c.lost, c.falselyBound, c.doubled, c.stuck, c.wrongProof)
}

// end counts how something ended.
func (c *tally) end(how string) {
	c.Lock()
	defer c.Unlock()
	if c.ends == nil {
		c.ends = map[string]int{}
	}
	c.ends[how]++
}

// log prints how all ended, and returns the number of it.
func (c *tally) log(t *testing.T) (all int) {
	for _, how := range slices.Sorted(maps.Keys(c.ends)) {
		t.Logf("%6d %s", c.ends[how], how)
		all += c.ends[how]
	}
	return all
}

// count adds one to a count and fails if bad is true.
func (c *tally) count(t require.TestingT, counter *int, bad bool, format string, args ...any) {
	if !bad {
		return
	}
	c.Lock()
	*counter++
	c.Unlock()
	require.Fail(t, fmt.Sprintf(format, args...))
}

// binder lets a binding sign, as package wasm does.
func binder(b *binding.Binding, c binding.Consent) signing.Binder {
	return recaller{b, binding.SigningOptions{Consent: c}}
}

type recaller struct {
	binding *binding.Binding
	options binding.SigningOptions
}

func (r recaller) Keys(ctx context.Context, s *coredevice.Session) (k signing.Keys, err error) {
	keys, err := r.binding.SigningKeys(ctx, s, r.options)
	if err != nil {
		return k, err
	}
	defer keys.Wipe()
	k.App, k.SE = keys.App, keys.SE
	return k, nil
}

func (r recaller) Recall(ctx context.Context, _ *coredevice.Session) (k signing.Keys, ok bool, err error) {
	keys, ok, err := r.binding.Recall(ctx, r.options)
	defer keys.Wipe()
	k.App, k.SE = keys.App, keys.SE
	return k, ok, err
}

// sign signs a small transaction in a visit.
func (w *environment) sign() (signed *ethereum.SignedTransaction, err error) {
	err = w.visit(func(b *binding.Binding) error { return w.signWith(b, &signed) })
	return signed, err
}

func (w *environment) signWith(b *binding.Binding, signed **ethereum.SignedTransaction) (err error) {
	*signed, err = ethereum.New(w.open, binder(b, binding.Consent{})).SignTransaction(w.ctx, by, ether(ethereum.Address{1}, 1), ethereum.Ether, nil)
	return err
}

// status reads the status in a visit.
func (w *environment) status() (status binding.Status, err error) {
	err = w.visit(func(b *binding.Binding) (err error) {
		status, err = b.Status(w.ctx)
		return err
	})
	return status, err
}

// stopsAt is the packet out at which the first tab of a take-over is stopped: it has sent BIND_CHECK in part.
const stopsAt = 12

// flows are the flows of the matrix, by name. Each begins at a device that is unlocked.
var flows = map[string]life{
	"pairing": {live: func(w *environment) error { return w.bind(true, false) }},
	"signing": {
		before: func(w *environment) { w.is(w.us) },
		live: func(w *environment) error {
			signed, err := w.sign()
			w.signed = signed != nil
			return err
		},
	},
	"import": {
		before: func(w *environment) { w.is(w.them) },
		live: func(w *environment) error {
			seid := w.device.Status().SEID
			record, err := binding.Export(w.ctx, w.them.store, seid, nil)
			require.NoError(w.t, err)
			if _, err := binding.Import(w.ctx, w.us.store, record, binding.ImportOptions{Replace: true}); err != nil {
				return err
			}
			_, err = w.status()
			return err
		},
	},
	"take-over": {
		before: func(w *environment) { w.is(w.us) },
		live: func(w *environment) error {
			all, event := w.ctx, w.run.event
			first, stop := context.WithCancel(all)
			defer stop()
			w.ctx = first
			w.run.event = func(kind string, n int) {
				if kind == "out" && n == stopsAt {
					stop()
				}
				if event != nil {
					event(kind, n)
				}
			}
			_, _ = w.status()
			w.ctx, w.run.event = all, event
			_, err := w.status()
			return err
		},
	},
}

// TestEveryFaultAtEveryPacket puts every fault of the matrix at every packet of every flow, then lets the user put the device right.
// The flow ends in time and with an error that a user can read; host and device agree; the flow succeeds when it is tried again.
func TestEveryFaultAtEveryPacket(t *testing.T) {
	every := 8
	if os.Getenv("IMKEY_FULL") != "" {
		every = 1
	}
	counts := &tally{}
	t.Run("flows", func(t *testing.T) {
		for _, f := range faultmatrix.Flows {
			l := flows[f.Name]
			l.name, l.options = f.Name, device.Options{PIN: pin, Mnemonic: testPhrase, Approve: device.Yes}
			before := l.before
			l.before = func(w *environment) {
				require.NoError(w.t, w.device.Unlock(pin))
				if before != nil {
					before(w)
				}
			}
			seen := undisturbed(t, l)
			assert.Equal(t, [2]int{f.Out, f.In}, [2]int{seen["out"], seen["in"]}, "%s: correct faultmatrix.Flows and run go generate ./devicesim/simtest/faultmatrix", f.Name)
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel()
				n := 0
				for _, r := range faultmatrix.Rows() {
					for packet := 1; packet <= r.Points(f)/len(r.Variants); packet++ {
						for _, v := range r.Variants {
							if n++; n%every != 0 {
								continue
							}
							code := oneFault(t, counts, l, r, packet, v)
							counts.end(r.Name() + ": " + code)
						}
					}
				}
			})
		}
	})
	cases := counts.log(t)
	t.Logf("%d cases: %v", cases, counts)
	if !t.Failed() {
		require.Greater(t, cases, 400)
	}
}

// oneFault is one case of the matrix. It returns the code of the flow's error, or ok.
func oneFault(t *testing.T, counts *tally, l life, r faultmatrix.Row, packet, variant int) string {
	code := "ok"
	p := &process{seen: map[string]int{}}
	inEnvironment(t, l, p, func(w *environment) {
		what := fmt.Sprintf("%s: %s (%d) at packet %d", l.name, r.Name(), variant, packet)
		flow, cancel := context.WithCancel(w.ctx)
		defer cancel()
		all := w.ctx
		w.ctx = flow
		happened := false
		if r.Event == faultmatrix.Wire {
			require.NoError(t, w.device.Port().SetFaults([]usb.Fault{r.Fault(packet, variant)}))
		} else {
			p.event = func(kind string, n int) {
				if kind != r.On || n != packet || happened {
					return
				}
				happened = true
				switch r.Event {
				case faultmatrix.Reset:
					require.NoError(t, w.device.Reset(), what)
					w.saw.wiped()
				case faultmatrix.Lock:
					require.NoError(t, w.device.Lock(), what)
				case faultmatrix.Menu:
					_ = w.device.Menu() // not while it asks
				case faultmatrix.Cancel:
					cancel()
				case faultmatrix.Crash:
					p.dead = true
				}
			}
		}
		asked := w.saw.asked
		start := time.Now()
		err := l.live(w)
		counts.count(t, &counts.stuck, time.Since(start) > 15*time.Minute, "%s: it took %v", what, time.Since(start))
		if err != nil {
			code = string(errcode.Of(err))
			// The device refuses a command that was changed on its way with a status word that no user needs to understand.
			var refused apdu.StatusWord
			if r.Event != faultmatrix.Crash && !errors.As(err, &refused) {
				require.NotEqual(t, errcode.Internal, errcode.Of(err), "%s: %v", what, err)
			}
		}

		// The user puts the device right, and the page starts again.
		*p = process{seen: map[string]int{}}
		w.ctx = all
		if r.Replug {
			require.NoError(t, w.device.Unplug())
			require.NoError(t, w.device.Plug())
		}
		require.NoError(t, w.device.Port().SetFaults(nil))
		if w.device.Status().Locked {
			require.NoError(t, w.device.Unlock(pin), what)
		}
		require.NoError(t, w.device.Home(), what)
		reset := r.Event == faultmatrix.Reset && happened

		counts.count(t, &counts.doubled, w.saw.signatures > 1 || w.saw.asked-asked > 1, "%s: %d signatures", what, w.saw.signatures)
		require.False(t, w.signed && w.saw.signatures == 0, what)
		require.LessOrEqual(t, w.saw.proofs, 1, what)
		status, err := w.status()
		counts.count(t, &counts.stuck, err != nil, "%s: then %v", what, err)
		ours := w.saw.holds()
		bound := status == binding.BoundToThis
		counts.count(t, &counts.falselyBound, bound && !ours, "%s: falsely told", what)
		counts.count(t, &counts.lost, ours && !bound, "%s: half", what)
		counts.count(t, &counts.lost, (w.told || l.name != "pairing") && !reset && !bound, "%s: lost", what)

		if !bound {
			require.Equal(t, binding.Unbound, status, what)
			require.NoError(t, w.bind(true, false), what)
		}
		before := w.saw.signatures
		signed, err := w.sign()
		if reset {
			require.ErrorIs(t, err, errcode.WalletMissing, what)
			return
		}
		counts.count(t, &counts.stuck, err != nil, "%s: then sign: %v", what, err)
		require.NotNil(t, signed, what)
		counts.count(t, &counts.doubled, w.saw.signatures != before+1, "%s: then %d signatures", what, w.saw.signatures-before)
	})
	return code
}
