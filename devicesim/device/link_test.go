package device

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/core/transport/transporttest"
	"imkey-connect/devicesim/device/hosttest"
	"imkey-connect/devicesim/usb"
)

// peer is a usb.Function that a test controls.
type peer struct {
	port *usb.Port
	mu   sync.Mutex
	send func([]byte)
	in   chan frame.Packet
}

func (p *peer) Attach(send func([]byte)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.send = send
}

func (p *peer) Detach() {}

func (p *peer) Packet(b []byte) { p.in <- frame.Packet(b) }

func (p *peer) Next(ctx context.Context) (frame.Packet, error) {
	select {
	case packet := <-p.in:
		return packet, nil
	case <-ctx.Done():
		return frame.Packet{}, ctx.Err()
	}
}

func (p *peer) Reply(packets ...frame.Packet) {
	p.mu.Lock()
	send := p.send
	p.mu.Unlock()
	for _, packet := range packets {
		send(packet[:])
	}
}

func (p *peer) Unplug() { p.port.Unplug() }

// TestLinkConforms runs the suite of all transports with the link.
func TestLinkConforms(t *testing.T) {
	transporttest.Run(t, func(t *testing.T) (transport.Link, transporttest.Peer) {
		p := &peer{in: make(chan frame.Packet, 1000)}
		p.port = usb.NewPort(usb.Identity{Serial: "imKey0"}, p, nil)
		d := &Device{port: p.port}
		l, err := d.Link(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		return l, p
	})
}

func TestLinkRefused(t *testing.T) {
	d := newDevice(t, Options{})
	first, err := d.Link(t.Context())
	require.NoError(t, err)
	_, err = d.Link(t.Context())
	require.ErrorIs(t, err, errcode.InUseElsewhere)
	require.NoError(t, first.Close())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = d.Link(ctx)
	require.ErrorIs(t, err, errcode.Aborted)
	d.Port().SetAccess(usb.Access{Denied: true})
	_, err = d.Link(t.Context())
	require.ErrorIs(t, err, errcode.PermissionDenied)
	d.Port().SetAccess(usb.Access{Claimed: true})
	_, err = d.Link(t.Context())
	require.ErrorIs(t, err, errcode.InUseElsewhere)
	d.Port().SetAccess(usb.Access{})
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	_, err = d.Link(t.Context())
	require.ErrorIs(t, err, errcode.DeviceDisconnected)
	require.ErrorIs(t, d.Plug(), ErrClosed)
	require.ErrorIs(t, d.Press(OK), ErrClosed)
}

func TestLinkFaults(t *testing.T) {
	d := newDevice(t, Options{})
	for _, do := range []usb.Action{usb.DoStall, usb.DoShort, usb.DoBabble, usb.DoZero} {
		h := newHost(t, d, 1)
		require.NoError(t, d.Port().SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: do}}))
		h.Message(hosttest.Unhex(t, hosttest.SelectCardManager))
		_, err := h.Link.Receive(t.Context())
		require.ErrorIs(t, err, errcode.Protocol, do)
		require.NoError(t, h.Link.Reset(t.Context()))
		h.Idle()
		h.OK(hosttest.SelectCardManager)
		require.NoError(t, h.Link.Close())
	}
}

// TestChannel binds through core's channel, with keep-alives and a cancelled exchange.
func TestChannel(t *testing.T) {
	d := newDevice(t, Options{ConfirmBinding: true})
	h := newHost(t, d, 1)
	code := asks(t, d, h) // an operation that a closed page has left pending
	c, err := transport.Open(t.Context(), h.Link)
	require.NoError(t, err)
	exchange := func(ctx context.Context, msg []byte, waiting func()) ([]byte, error) {
		return c.Exchange(ctx, msg, hosttest.Timeout, waiting)
	}
	for _, msg := range [][]byte{hosttest.Unhex(t, hosttest.SelectIMK), append(append([]byte{0x80, 0x71, 0, 0, 65}, h.Pub()...), 0)} {
		answer, err := exchange(t.Context(), msg, nil)
		require.NoError(t, err)
		require.True(t, bytes.HasSuffix(answer, []byte{0x90, 0}))
	}
	ctx, stop := context.WithCancel(t.Context())
	_, err = exchange(ctx, h.Proof(code), stop)
	require.ErrorIs(t, err, errcode.Aborted)
	require.NoError(t, d.Press(OK))
	require.NotEqual(t, "bound", d.Status().Binding)
	answer, err := exchange(t.Context(), h.Proof(code), func() { require.NoError(t, d.Press(OK)) })
	require.NoError(t, err)
	require.Equal(t, []byte{hosttest.RightCode, 0x90, 0}, answer)
}

// TestReproducible checks that the same seed gives the same identity, words and codes.
func TestReproducible(t *testing.T) {
	life := func() (s []Status, packets [][]byte) {
		d := newDevice(t, Options{Rand: hosttest.Seeded(7), Tap: func(e usb.TapEvent) { packets = append(packets, e.Data) }})
		h := newHost(t, d, 1)
		h.Check()
		s = append(s, d.Status())
		h.Bind()
		require.NoError(t, d.Create(24))
		s = append(s, d.Status())
		writeDown(t, d, 24)
		require.NoError(t, d.Reset())
		h.Check()
		return append(s, d.Status()), packets
	}
	a, ap := life()
	b, bp := life()
	require.Equal(t, a, b)
	require.Equal(t, ap, bp)
	require.NotEqual(t, shown(a[0]), shown(a[2]))

	require.NotEqual(t, newDevice(t, Options{Rand: hosttest.Seeded(8)}).Status().SEID, a[0].SEID)
}

func shown(s Status) string { return s.Screen[1] }

func TestNew(t *testing.T) {
	for name, o := range map[string]Options{
		"Serial": {Serial: "imKey 1"}, "SEID": {SEID: "1906"}, "PIN": {PIN: "1"}, "Mnemonic": {Mnemonic: "wife"},
	} {
		_, err := New(o)
		var option *OptionError
		require.ErrorAs(t, err, &option, name)
		require.Equal(t, name, option.Option)
	}
	_, err := New(Options{SEID: "xx060000000200860001010000000014"})
	require.Error(t, err)
	for n := range 200 { // too little randomness is an error
		d, err := New(Options{Rand: bytes.NewReader(bytes.Repeat([]byte{9}, n))})
		if err == nil {
			require.GreaterOrEqual(t, n, 9+5+32+32)
			require.NoError(t, d.Close())
		}
	}
	d := newDevice(t, Options{})
	require.Regexp(t, `^imKey01\d{9}$`, d.Status().Serial)
	require.Regexp(t, `^[0-9A-F]{32}$`, d.Status().SEID)
	require.Regexp(t, `^04[0-9a-f]{128}$`, d.Status().CA)
	require.True(t, d.Status().Plugged)
	require.False(t, d.Status().Locked)
	strings := d.Port().Descriptors().Strings
	require.Contains(t, string(bytes.ReplaceAll(strings[3], []byte{0}, nil)), d.Status().Serial)
}

// TestConcurrentUse lets hosts, the user and the cable act at the same time. Afterwards the device works.
func TestConcurrentUse(t *testing.T) {
	d := newDevice(t, Options{ConfirmBinding: true})
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	var wg sync.WaitGroup
	for _, act := range []func(int){
		func(int) { d.Press(OK) },
		func(i int) { d.Press([]Button{Up, Down, Cancel}[i%3]) },
		func(i int) { d.Hold(OK); d.SetConfirmBinding(i%2 == 0) },
		func(int) { d.Menu(); d.Home() },
		func(int) { d.Unplug(); d.Plug() },
		func(int) { d.PowerCut(); d.Plug() },
		func(i int) { d.SetPIN("1234"); d.Lock(); d.Unlock("1234"); d.Unlock("0000") },
		func(int) { d.Create(12); d.Restore(testMnemonic); d.Reset() },
		func(i int) { d.SetBattery(i % 100); d.Status() },
		func(i int) { d.AllowUnbound(i%2 == 0); d.SetInstalled("ethereum", i%3 > 0) },
		func(i int) { _, stop := d.Watch(); d.SetBootLoader(i%5 == 0); stop() },
		func(i int) {
			l, err := d.Link(ctx)
			if err != nil {
				return
			}
			defer l.Close()
			c, err := transport.Open(ctx, l)
			if err != nil {
				return
			}
			h := hosttest.On(t, l, d, d.screenLines, byte(i%3+1))
			for _, msg := range [][]byte{
				{0, 0xA4, 4, 0, 5, 'i', '_', 'i', 'm', 'k', 0}, append(append([]byte{0x80, 0x71, 0, 0, 65}, h.Pub()...), 0),
				{0x80, 0x72, 0, 0, 0}, h.Proof("22222222"),
				{0, 0xA4, 4, 0, 5, 'i', '_', 'e', 't', 'h', 0}, append([]byte{0x80, 0x54, 0, 0x80, 6}, 0, 0, 1, 0, 1, 'm'),
				{0x80, 0x55, 0, 0, 3, 'm', '/', '0'}, {0x80, 0x53, 0, 0, 3, 'm', '/', '0'},
			} {
				short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
				c.Exchange(short, msg, time.Second, nil)
				stop()
			}
		},
	} {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				act(i)
			}
		})
	}
	wg.Wait()
	require.NoError(t, d.Plug())
	if d.Status().BootLoader {
		require.NoError(t, d.SetBootLoader(false))
	}
	require.NoError(t, d.Reset())
	d.SetConfirmBinding(false)
	newHost(t, d, 1).Bind()
}
