package simtest_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/device"
)

const otherPhrase = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

// held is a link that this host never gives up, although what is behind it changes: another program sends commands in between, or
// another device takes the place.
type held struct {
	transport.Link
	t      *testing.T
	device *device.Device
	before func(p *frame.Packet) // called before each packet out
}

func (l *held) Send(ctx context.Context, p *frame.Packet) error {
	if l.before != nil {
		l.before(p)
	}
	return l.Link.Send(ctx, p)
}

// becomes puts a new link to a device in place of the old one.
func (l *held) becomes(d *device.Device) {
	l.Link.Close()
	link, err := d.Link(l.t.Context())
	require.NoError(l.t, err)
	l.Link, l.device = link, d
}

// other sends a command as another program does, and reads the answer.
func (l *held) other(cmd string) {
	packets, err := frame.Split([]byte(cmd))
	require.NoError(l.t, err)
	for i := range packets {
		require.NoError(l.t, l.Link.Send(l.t.Context(), &packets[i]))
	}
	var a frame.Assembler
	for {
		p, err := l.Link.Receive(l.t.Context())
		require.NoError(l.t, err)
		if e, err := a.Add(p[:]); err == nil && e.Kind == frame.Message {
			return
		}
	}
}

// warm is a host in the middle of a session: the device has signed for it, and it has kept what it learned.
type warm struct {
	*host
	device *device.Device
	link   *held
	open   *coredevice.Device
	code   string
	*ethereum.Ethereum
}

func newWarm(t *testing.T, o device.Options) *warm {
	o.Mnemonic, o.Approve = testPhrase, device.Yes
	d := newDevice(t, o)
	if o.PIN != "" {
		require.NoError(t, d.Unlock(o.PIN))
	}
	w := &warm{host: newHost(t, d), device: d}
	link, err := d.Link(w.ctx)
	require.NoError(t, err)
	w.link = &held{Link: link, device: d, t: t}
	b, dev := w.host.open(w.link)
	w.status(b)
	require.NoError(t, b.ShowCode(w.ctx))
	w.code = w.readCode(d)
	require.NoError(t, b.Bind(w.ctx, w.code, binding.BindOptions{}))
	require.NoError(t, d.Home())
	w.open = dev
	w.Ethereum = ethereum.New(dev, binder(b, binding.Consent{}))
	_, err = w.Account(w.ctx, by.Path, false)
	require.NoError(t, err)
	_, err = w.SignMessage(w.ctx, by, []byte("first"))
	require.NoError(t, err)
	return w
}

// elsewhere lets another host bind the device.
func (w *warm) elsewhere(h *host) {
	w.link.Link.Close()
	b, dev := h.connect(w.device)
	code := w.code
	if h.status(b) == binding.Unbound {
		require.NoError(w.t, b.ShowCode(h.ctx))
		code = h.readCode(w.device)
	}
	require.NoError(w.t, b.Bind(h.ctx, code, binding.BindOptions{NewKey: true}))
	require.NoError(w.t, w.device.Home())
	require.NoError(w.t, dev.Close())
	w.link.becomes(w.device)
}

// resume gives up the link and opens the device again as the one that it was.
func (w *warm) resume() {
	before := w.link.before
	w.link.before = nil
	require.NoError(w.t, w.open.Close())
	w.link.becomes(w.link.device)
	dev, err := coredevice.Resume(w.ctx, w.link, nil, w.open)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { dev.Close() })
	w.open, w.link.before = dev, before
	w.Ethereum = ethereum.New(dev, binder(binding.New(dev, binding.Config{Store: w.store, TrustedCAs: w.trustedCAs}), binding.Consent{}))
}

// reload opens the device as a page does that was loaded again.
func (w *warm) reload() {
	before := w.link.before
	w.link.before = nil
	require.NoError(w.t, w.open.Close())
	w.link.becomes(w.link.device)
	dev, b := w.recognise(w.link)
	w.open, w.link.before = dev, before
	w.Ethereum = ethereum.New(dev, binder(b, binding.Consent{}))
}

// TestStaleBeliefs changes the device behind a session that stays warm. Each request ends in the right error, and no signature is
// returned that this host did not ask that wallet for.
func TestStaleBeliefs(t *testing.T) {
	address, err := ethereum.ParseAddress(testAddress)
	require.NoError(t, err)
	named := by
	named.From = &address
	twin := func(w *warm, phrase, seid string) *device.Device {
		s := w.device.Status()
		return newDevice(w.t, device.Options{Serial: s.Serial, SEID: seid, Mnemonic: phrase, Approve: device.Yes})
	}
	for name, test := range map[string]struct {
		options device.Options
		change  func(w *warm)
		want    errcode.Code // of a request that names the account
		path    errcode.Code // of a request that names only the path, if it is another one
		cold    errcode.Code // of a page that has not read the account, if it is another one
		fresh   errcode.Code // of a page that was loaded after the change, if it is another one
	}{
		"another device with the same serial number": {
			change: func(w *warm) { w.link.becomes(twin(w, testPhrase, "")) },
			want:   errcode.DeviceChanged, fresh: errcode.NotBound,
		},
		"another device with the same serial number and SEID": {
			change: func(w *warm) { w.link.becomes(twin(w, testPhrase, w.device.Status().SEID)) },
			want:   errcode.DeviceMismatch,
		},
		"bound elsewhere meanwhile": {
			change: func(w *warm) { w.elsewhere(newHost(w.t, w.device)) },
			want:   errcode.BoundElsewhere,
		},
		"reset": {
			change: func(w *warm) { require.NoError(w.t, w.device.Reset()) },
			want:   errcode.NotBound,
		},
		"another wallet": {
			change: func(w *warm) {
				require.NoError(w.t, w.device.Reset())
				require.NoError(w.t, w.device.Restore(otherPhrase))
			},
			want: errcode.NotBound, cold: errcode.InvalidArgument,
		},
		"another wallet, bound again by another tab": {
			change: func(w *warm) {
				require.NoError(w.t, w.device.Reset())
				require.NoError(w.t, w.device.Restore(otherPhrase))
				w.elsewhere(w.host)
			},
			want: errcode.InvalidArgument, path: errcode.DeviceChanged,
		},
		"another wallet, bound again by another tab, with the applet selected": {
			change: func(w *warm) {
				require.NoError(w.t, w.device.Reset())
				require.NoError(w.t, w.device.Restore(otherPhrase))
				w.elsewhere(w.host)
				w.link.other("\x00\xA4\x04\x00\x05i_eth")
			},
			want: errcode.InvalidArgument, path: errcode.DeviceChanged,
		},
		"locked": {
			options: device.Options{PIN: pin},
			change:  func(w *warm) { require.NoError(w.t, w.device.Lock()) },
			want:    errcode.Locked,
		},
		"in its menu": {
			change: func(w *warm) { require.NoError(w.t, w.device.Menu()) },
			want:   errcode.InMenu,
		},
		"the record was forgotten by another tab": {
			change: func(w *warm) {
				require.NoError(w.t, binding.Forget(w.ctx, w.store, w.device.Status().SEID, nil))
			},
			want: errcode.BoundElsewhere,
		},
		"another program selected another applet before the signature": {
			change: func(w *warm) {
				w.link.before = func(p *frame.Packet) {
					if begins(p, 0x55, 0x52) {
						w.link.before = nil
						w.link.other("\x00\xA4\x04\x00\x05i_imk\x00")
					}
				}
			},
			want: errcode.Protocol,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, sign := range map[string]func(*warm, ethereum.Signer) (any, error){
				"message": func(w *warm, by ethereum.Signer) (any, error) {
					got, err := w.SignMessage(w.ctx, by, []byte("second"))
					if got == nil {
						return nil, err
					}
					return got, err
				},
				"transaction": func(w *warm, by ethereum.Signer) (any, error) {
					got, err := w.SignTransaction(w.ctx, by, ether(ethereum.Address{1}, 1), ethereum.Ether, nil)
					if got == nil {
						return nil, err
					}
					return got, err
				},
			} {
				for n, way := range []struct {
					by            ethereum.Signer
					before, after func(*warm) // the change
				}{
					{by: named},
					{by: by},
					{by: named, after: (*warm).resume},
					{by: by, after: (*warm).resume},
					{by: named, before: (*warm).reload},
					{by: named, after: (*warm).reload},
				} {
					if kind == "transaction" && n > 0 && os.Getenv("IMKEY_FULL") == "" {
						continue
					}
					w := newWarm(t, test.options)
					if way.before != nil {
						way.before(w)
					}
					test.change(w)
					if way.after != nil {
						way.after(w)
					}
					got, err := sign(w, way.by)
					want := test.want
					switch {
					case way.by.From == nil && test.path != "":
						want = test.path
					case n == 5 && test.fresh != "":
						want = test.fresh
					case n >= 4 && test.cold != "":
						want = test.cold
					}
					require.ErrorIs(t, err, want, "%s %d", kind, n)
					require.Nil(t, got, "%s %d", kind, n)
				}
			}
		})
	}
}

// Another program may select another applet between two requests. The request then costs one refusal more, and signs once.
func TestAnotherProgramSelectsAnotherApplet(t *testing.T) {
	for name, aid := range map[string]string{"card manager": "", "binding": "i_imk", "bitcoin": "i_btc"} {
		t.Run(name, func(t *testing.T) {
			w := newWarm(t, device.Options{})
			w.link.other("\x00\xA4\x04\x00" + string(rune(len(aid))) + aid)
			signs := 0
			w.link.before = func(p *frame.Packet) {
				if begins(p, 0x55) {
					signs++
				}
			}
			got, err := w.SignMessage(w.ctx, by, []byte("second"))
			require.NoError(t, err)
			require.Equal(t, testAddress, got.From.String())
			require.Equal(t, 1, signs)
		})
	}
}
