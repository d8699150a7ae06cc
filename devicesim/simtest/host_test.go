package simtest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
)

// host is an app: it has its own store and trusts the simulator's CA.
type host struct {
	t          *testing.T
	ctx        context.Context
	store      binding.Store
	trustedCAs []secp256k1.PublicKey
}

func newHost(t *testing.T, d *device.Device) *host {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(stop)
	ca, err := secp256k1.ParsePublicKey(d.CA())
	require.NoError(t, err)
	return &host{t, ctx, &binding.MemoryStore{}, []secp256k1.PublicKey{ca}}
}

func newDevice(t *testing.T, o device.Options) *device.Device {
	if o.Applets == nil {
		o.Applets = applets.All()
	}
	d, err := device.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

// open opens the device on a link as this host, and returns the binding. The device is closed at the end of the test.
func (h *host) open(link transport.Link) (*binding.Binding, *coredevice.Device) {
	d, err := coredevice.Open(h.ctx, link, nil)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { d.Close() })
	return binding.New(d, binding.Config{Store: h.store, TrustedCAs: h.trustedCAs}), d
}

func (h *host) connect(d *device.Device) (*binding.Binding, *coredevice.Device) {
	link, err := d.Link(h.ctx)
	require.NoError(h.t, err)
	return h.open(link)
}

// recognise opens the device on a link as a page does that knows it: of a device that it has a record of, it reads the SEID alone.
func (h *host) recognise(link transport.Link) (*coredevice.Device, *binding.Binding) {
	config := binding.Config{Store: h.store, TrustedCAs: h.trustedCAs}
	d, err := coredevice.OpenKnown(h.ctx, link, nil, func(i *coredevice.Info) bool {
		config.Identity = binding.Recognise(h.ctx, config, i.SEID)
		if config.Identity != nil {
			i.Serial = config.Identity.Serial
		}
		return config.Identity != nil
	})
	require.NoError(h.t, err)
	h.t.Cleanup(func() { d.Close() })
	return d, binding.New(d, config)
}

func (h *host) status(b *binding.Binding) binding.Status {
	s, err := b.Status(h.ctx)
	require.NoError(h.t, err)
	return s
}

func (h *host) readCode(d *device.Device) string {
	code, err := simtest.ReadCode(h.ctx, d)
	require.NoError(h.t, err)
	return code
}

// wrong returns another well-formed code.
func wrong(code string) string {
	last := byte('2')
	if code[7] == last {
		last = '3'
	}
	return code[:7] + string(last)
}

func TestIdentification(t *testing.T) {
	d := newDevice(t, device.Options{Serial: "imKey01191200001", SEID: "19060000000200860001010000000014"})
	require.NoError(t, d.SetBattery(73))
	_, dev := newHost(t, d).connect(d)
	info := dev.Info()
	require.Equal(t, "19060000000200860001010000000014", info.SEID)
	require.Equal(t, "imKey01191200001", info.Serial)
	require.Equal(t, 73, info.Battery)
	require.False(t, info.Charging)
	for _, s := range []string{info.Firmware, info.BootLoader, info.BLEName, info.BLEVersion, info.LifeCycle} {
		require.NotEmpty(t, s)
	}
	require.NotEmpty(t, info.Certificate)
}

func TestFirstPairing(t *testing.T) {
	d := newDevice(t, device.Options{})
	h := newHost(t, d)
	b, dev := h.connect(d)
	require.Equal(t, binding.Unbound, h.status(b))
	code := h.readCode(d)

	require.ErrorIs(t, b.Bind(h.ctx, wrong(code), binding.BindOptions{}), errcode.WrongCode)
	require.Equal(t, binding.Unbound, h.status(b))
	require.Equal(t, 9, d.Status().CodeAttemptsLeft)

	require.NoError(t, b.Bind(h.ctx, code, binding.BindOptions{RememberCode: true}))
	require.Equal(t, binding.BoundToThis, h.status(b))
	require.Equal(t, "bound", d.Status().Binding)
	kept, ok, err := b.RevealCode(h.ctx, binding.Consent{})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, code, string(kept[:]))

	// The next visit needs no code.
	require.NoError(t, dev.Close())
	b, _ = h.connect(d)
	require.Equal(t, binding.BoundToThis, h.status(b))
}

func TestTheSameCodeBindsAnotherAppAndUnbindsTheFirst(t *testing.T) {
	d := newDevice(t, device.Options{})
	first, second := newHost(t, d), newHost(t, d)
	b, dev := first.connect(d)
	first.status(b)
	code := first.readCode(d)
	require.NoError(t, b.Bind(first.ctx, code, binding.BindOptions{RememberCode: true}))
	require.NoError(t, dev.Close())

	b, dev = second.connect(d)
	require.Equal(t, binding.BoundElsewhere, second.status(b))
	require.ErrorIs(t, b.ShowCode(second.ctx), errcode.BoundElsewhere)
	require.NoError(t, b.Bind(second.ctx, code, binding.BindOptions{}))
	require.Equal(t, binding.BoundToThis, second.status(b))
	_, kept, err := b.RevealCode(second.ctx, binding.Consent{})
	require.NoError(t, err)
	require.False(t, kept, "a code that was not to be kept was kept")
	require.NoError(t, dev.Close())

	b, _ = first.connect(d)
	require.Equal(t, binding.BoundElsewhere, first.status(b))
	_, _, err = b.RevealCode(first.ctx, binding.Consent{})
	require.ErrorIs(t, err, errcode.BoundElsewhere)
	// The same code binds the first app again.
	require.NoError(t, b.Bind(first.ctx, code, binding.BindOptions{}))
	require.Equal(t, binding.BoundToThis, first.status(b))
}

// TestBindingAgainLocksOutACopy checks that a copy of a record is useless after the user has bound the device again, because each
// binding by code has a new app key. That also holds if the user has forgotten the device first.
func TestBindingAgainLocksOutACopy(t *testing.T) {
	d := newDevice(t, device.Options{})
	mine, copied, another := newHost(t, d), newHost(t, d), newHost(t, d)
	visit := func(h *host, do func(*binding.Binding)) {
		b, dev := h.connect(d)
		do(b)
		require.NoError(t, dev.Close())
	}
	var code string
	bind := func(h *host) func(*binding.Binding) {
		return func(b *binding.Binding) { require.NoError(t, b.Bind(h.ctx, code, binding.BindOptions{})) }
	}
	says := func(h *host, want binding.Status) {
		t.Helper()
		visit(h, func(b *binding.Binding) { require.Equal(t, want, h.status(b)) })
	}
	seid := d.Status().SEID
	visit(mine, func(b *binding.Binding) {
		mine.status(b)
		code = mine.readCode(d)
		bind(mine)(b)
	})
	record, err := binding.Export(mine.ctx, mine.store, seid, nil)
	require.NoError(t, err)
	_, err = binding.Import(copied.ctx, copied.store, record, binding.ImportOptions{})
	require.NoError(t, err)
	says(copied, binding.BoundToThis)

	visit(another, bind(another))
	says(copied, binding.BoundElsewhere)
	visit(mine, bind(mine))
	says(copied, binding.BoundElsewhere)
	says(mine, binding.BoundToThis)
	says(copied, binding.BoundElsewhere)

	require.NoError(t, binding.Forget(mine.ctx, mine.store, seid, nil))
	visit(mine, bind(mine))
	says(mine, binding.BoundToThis)
	says(copied, binding.BoundElsewhere)
	says(mine, binding.BoundToThis)
	anew, err := binding.Export(mine.ctx, mine.store, seid, nil)
	require.NoError(t, err)
	key := func(record []byte) []byte { return record[bytes.Index(record, []byte{0x84, 32}):][:34] }
	require.NotEqual(t, key(record), key(anew))
}

func TestTenWrongCodesLockAndAPowerCutDoesNotHelp(t *testing.T) {
	d := newDevice(t, device.Options{StateFile: filepath.Join(t.TempDir(), "device")})
	h := newHost(t, d)
	b, dev := h.connect(d)
	h.status(b)
	code := h.readCode(d)
	for n := range 10 {
		if n == 5 {
			require.NoError(t, d.PowerCut())
			require.NoError(t, d.Plug())
			b, dev = h.connect(d)
		}
		require.ErrorIs(t, b.Bind(h.ctx, wrong(code), binding.BindOptions{}), errcode.WrongCode)
	}
	require.ErrorIs(t, b.Bind(h.ctx, code, binding.BindOptions{}), errcode.CodeLocked)
	require.Equal(t, binding.Unbound, h.status(b), "a locked device keeps its binding")
	require.NoError(t, d.Hold(device.OK))
	require.NoError(t, b.Bind(h.ctx, code, binding.BindOptions{}))
	_ = dev
}

func TestAMalformedCodeCausesNoTraffic(t *testing.T) {
	d := newDevice(t, device.Options{})
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	tap := &tap{Link: link}
	b, _ := h.open(tap)
	before := len(tap.sent())
	for _, code := range []string{"", "ABCD", "ABCDEFGHJ", "ABCDEFG0", "ABCDEFGO", "ABCDEFG1", "ABCDEFGI", "ABCD_FGH", "ÄBCDEFGH"} {
		require.ErrorIs(t, b.Bind(h.ctx, code, binding.BindOptions{}), errcode.CodeFormat, "%q", code)
	}
	require.Len(t, tap.sent(), before)
}

func TestAnUnverifiedDeviceIsBoundOnlyIfAllowed(t *testing.T) {
	d := newDevice(t, device.Options{})
	h := newHost(t, d)
	h.trustedCAs = nil
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	tap := &tap{Link: link}
	b, _ := h.open(tap)
	require.Equal(t, binding.Unbound, h.status(b), "the status can be read without verification")
	code := h.readCode(d)
	require.ErrorIs(t, b.Bind(h.ctx, code, binding.BindOptions{}), errcode.UntrustedDevice)
	require.Zero(t, tap.instructions(t, 0x73))
	require.NoError(t, b.Bind(h.ctx, code, binding.BindOptions{Consent: binding.Consent{AcceptUnverified: true}}))
	require.Equal(t, 1, tap.instructions(t, 0x73))
	require.Equal(t, binding.BoundToThis, h.status(b))
	_, _, err = b.RevealCode(h.ctx, binding.Consent{})
	require.ErrorIs(t, err, errcode.UntrustedDevice)
}

func TestAResetDeviceIsBoundAnew(t *testing.T) {
	d := newDevice(t, device.Options{})
	h := newHost(t, d)
	b, _ := h.connect(d)
	h.status(b)
	old := h.readCode(d)
	require.NoError(t, b.Bind(h.ctx, old, binding.BindOptions{}))
	require.NoError(t, d.Reset())
	require.Equal(t, binding.Unbound, h.status(b))
	code := h.readCode(d)
	require.NotEqual(t, old, code)
	require.ErrorIs(t, b.Bind(h.ctx, old, binding.BindOptions{}), errcode.WrongCode)
	require.NoError(t, b.Bind(h.ctx, code, binding.BindOptions{}))
	require.Equal(t, binding.BoundToThis, h.status(b))
}

func TestObstacles(t *testing.T) {
	for name, c := range map[string]struct {
		options device.Options
		arrange func(*device.Device) error
		want    errcode.Code
	}{
		"locked":      {device.Options{PIN: "123456"}, nil, errcode.Locked},
		"in its menu": {device.Options{}, (*device.Device).Menu, errcode.InMenu},
		"boot loader": {device.Options{}, func(d *device.Device) error { return d.SetBootLoader(true) }, errcode.BootLoader},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, c.options)
			if c.arrange != nil {
				require.NoError(t, c.arrange(d))
			}
			h := newHost(t, d)
			link, err := d.Link(h.ctx)
			require.NoError(t, err)
			dev, err := coredevice.Open(h.ctx, link, nil)
			if err == nil {
				defer dev.Close()
				_, err = binding.New(dev, binding.Config{Store: h.store, TrustedCAs: h.trustedCAs}).Status(h.ctx)
			}
			require.ErrorIs(t, err, c.want)
		})
	}
}

// tap is a link that keeps what the host has sent.
type tap struct {
	transport.Link
	packets []frame.Packet
}

func (l *tap) Send(ctx context.Context, p *frame.Packet) error {
	l.packets = append(l.packets, *p)
	return l.Link.Send(ctx, p)
}

func (l *tap) sent() []frame.Packet { return slices.Clone(l.packets) }

// begins reports whether a packet begins a command of the applets with one of these instructions. The bytes of a continuation packet
// may look like one.
func begins(p *frame.Packet, ins ...byte) bool {
	return frame.Command(p[4]) == frame.MSG && p[7] == 0x80 && slices.Contains(ins, p[8])
}

// instructions returns the number of messages with an instruction, complete or not.
func (l *tap) instructions(t *testing.T, ins byte) int {
	n := 0
	for _, p := range l.packets {
		if begins(&p, ins) {
			n++
		}
	}
	t.Logf("%d packets sent, %d of instruction %s", len(l.packets), n, hex.EncodeToString([]byte{ins}))
	return n
}
