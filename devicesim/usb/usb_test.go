package usb_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
)

// recorder is a Function that logs its calls, and echoes packets unless it is silent.
type recorder struct {
	mu     sync.Mutex
	send   func([]byte)
	silent bool
	log    []string
	got    [][]byte
}

func (r *recorder) Attach(send func([]byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.send = send
	r.log = append(r.log, "attach")
}

func (r *recorder) Packet(p []byte) {
	r.mu.Lock()
	send, silent := r.send, r.silent
	r.got = append(r.got, p)
	r.log = append(r.log, "packet")
	r.mu.Unlock()
	if !silent {
		send(p)
	}
}

func (r *recorder) Detach() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, "detach")
}

func (r *recorder) PowerChanged(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, map[bool]string{true: "on", false: "off"}[on])
}

func (r *recorder) sender() func([]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.send
}

func (r *recorder) history() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.log...)
}

func (r *recorder) packets() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([][]byte(nil), r.got...)
}

var identity = usb.Identity{Serial: "imKey01191200001", Manufacturer: "imKey", Product: "imKey Pro", LandingURL: "https://wallet.example/"}

func plugged(t *testing.T, r *recorder) (*usb.Port, *usb.Host) {
	t.Helper()
	p := usb.NewPort(identity, r, nil)
	h, err := p.Attach("test")
	require.NoError(t, err)
	return p, h
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func packet(first byte, n int) []byte {
	b := make([]byte, n)
	if n > 0 {
		b[0] = first
	}
	return b
}

// started starts a read and sends its result on a channel.
type outcome struct {
	data []byte
	err  error
}

func started(t *testing.T, h *usb.Host, max int) (<-chan outcome, *usb.Read) {
	t.Helper()
	c := make(chan outcome, 1)
	r, err := h.StartIn(5, max, func(b []byte, err error) { c <- outcome{b, err} })
	require.NoError(t, err)
	return c, r
}

func TestOneHostAtATime(t *testing.T) {
	r := &recorder{}
	p, h := plugged(t, r)
	require.Equal(t, "test", p.HeldBy())

	_, err := p.Attach("another")
	require.ErrorIs(t, err, usb.ErrInUse)
	var held *usb.InUseError
	require.ErrorAs(t, err, &held)
	require.Equal(t, "test", held.By)

	require.NoError(t, h.Close())
	require.NoError(t, h.Close())
	<-h.Detached()
	require.Empty(t, p.HeldBy())
	_, err = h.Out(within(t), 4, nil)
	require.ErrorIs(t, err, usb.ErrClosed)
	require.ErrorIs(t, h.Reset(), usb.ErrClosed)

	h2, err := p.Attach("another")
	require.NoError(t, err)
	require.NoError(t, h.Close(), "closing an old host does not detach the new one")
	require.Equal(t, "another", p.HeldBy())
	require.NoError(t, h2.Close())
	require.Equal(t, []string{"attach", "detach", "attach", "detach"}, r.history())
}

func TestTransfers(t *testing.T) {
	r := &recorder{}
	_, h := plugged(t, r)
	ctx := within(t)

	for _, n := range []int{0, 1, 63, 64} {
		sent, err := h.Out(ctx, usb.EndpointOut, packet(7, n))
		require.NoError(t, err)
		require.Equal(t, n, sent)
		got, err := h.In(ctx, usb.EndpointIn, 64)
		require.NoError(t, err)
		require.Len(t, got, n)
	}

	sent, err := h.Out(ctx, 4, packet(1, 200))
	require.NoError(t, err)
	require.Equal(t, 200, sent)
	require.Len(t, r.packets(), 4+4, "200 bytes are 64 + 64 + 64 + 8")
	got, err := h.In(ctx, 5, 512)
	require.NoError(t, err)
	require.Len(t, got, 200, "a long read ends with the short packet")

	_, err = h.Out(ctx, 4, packet(1, 128))
	require.NoError(t, err)
	got, err = h.In(ctx, 5, 128)
	require.NoError(t, err)
	require.Len(t, got, 128, "or when it is full")

	_, err = h.Out(ctx, 6, nil)
	require.ErrorIs(t, err, usb.ErrEndpoint)
	_, err = h.In(ctx, 6, 64)
	require.ErrorIs(t, err, usb.ErrEndpoint)
	_, err = h.In(ctx, 5, -1)
	require.ErrorIs(t, err, usb.ErrEndpoint)
	_, err = h.Out(ctx, usb.EndpointHIDOut, packet(1, 64))
	require.ErrorIs(t, err, usb.ErrStall)
}

func TestQueuedReadsAreServedInOrder(t *testing.T) {
	_, h := plugged(t, &recorder{})
	var reads []<-chan outcome
	for range 3 {
		c, _ := started(t, h, 64)
		reads = append(reads, c)
	}
	for i := range 3 {
		_, err := h.Out(within(t), 4, packet(byte(i), 64))
		require.NoError(t, err)
	}
	for i, c := range reads {
		require.Equal(t, byte(i), (<-c).data[0])
	}
}

func TestCancelledReadLosesNothing(t *testing.T) {
	_, h := plugged(t, &recorder{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.In(ctx, 5, 64)
	require.ErrorIs(t, err, usb.ErrUnlinked)
	require.ErrorIs(t, err, context.Canceled)

	first, r1 := started(t, h, 64)
	second, _ := started(t, h, 64)
	_, pending := r1.Cancel()
	require.True(t, pending)
	_, err = h.Out(within(t), 4, packet(9, 64))
	require.NoError(t, err)
	require.Equal(t, byte(9), (<-second).data[0])
	require.Empty(t, first)
	_, pending = r1.Cancel()
	require.False(t, pending)

	short, cancelShort := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancelShort()
	_, err = h.In(short, 5, 64)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = h.Out(within(t), 4, packet(8, 64))
	require.NoError(t, err)
	got, err := h.In(within(t), 5, 64)
	require.NoError(t, err)
	require.Equal(t, byte(8), got[0])
}

func TestBabble(t *testing.T) {
	_, h := plugged(t, &recorder{})
	_, err := h.Out(within(t), 4, packet(3, 64))
	require.NoError(t, err)
	got, err := h.In(within(t), 5, 10)
	require.ErrorIs(t, err, usb.ErrBabble)
	require.Len(t, got, 10)
	require.Equal(t, byte(3), got[0])
}

func TestStallStaysUntilCleared(t *testing.T) {
	p, h := plugged(t, &recorder{})
	ctx := within(t)
	require.NoError(t, p.SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoStall}, {On: "out", Packet: 2, Do: usb.DoStall}}))

	one, _ := started(t, h, 64)
	two, _ := started(t, h, 64)
	_, err := h.Out(ctx, 4, packet(1, 64))
	require.NoError(t, err)
	require.ErrorIs(t, (<-one).err, usb.ErrStall)
	require.ErrorIs(t, (<-two).err, usb.ErrStall)
	_, err = h.In(ctx, 5, 64)
	require.ErrorIs(t, err, usb.ErrStall, "the endpoint is halted")
	status, err := h.Control(ctx, usb.Setup(0x82, 0, 0, 0x85, 2), nil)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 0}, status)
	require.NoError(t, h.ClearHalt(0x85))
	got, err := h.In(ctx, 5, 64)
	require.NoError(t, err)
	require.Equal(t, byte(1), got[0], "the packet waited behind the halt")

	for range 2 {
		_, err = h.Out(ctx, 4, packet(2, 64))
		require.ErrorIs(t, err, usb.ErrStall)
	}
	require.NoError(t, h.ClearHalt(0x04))
	_, err = h.Out(ctx, 4, packet(3, 64))
	require.NoError(t, err)
	got, err = h.In(ctx, 5, 64)
	require.NoError(t, err)
	require.Equal(t, byte(3), got[0], "the device did not get the packet that stalled")
	require.ErrorIs(t, h.ClearHalt(0x05), usb.ErrEndpoint)

	// SET_FEATURE halts, and SET_INTERFACE clears the halt.
	_, err = h.Control(ctx, usb.Setup(0x02, 3, 0, 0x04, 0), nil)
	require.NoError(t, err)
	_, err = h.Out(ctx, 4, nil)
	require.ErrorIs(t, err, usb.ErrStall)
	_, err = h.Control(ctx, usb.Setup(0x01, 11, 0, 1, 0), nil)
	require.NoError(t, err)
	_, err = h.Out(ctx, 4, nil)
	require.ErrorIs(t, err, usb.ErrStall, "the setting of the other interface does not clear the halt")
	_, err = h.Control(ctx, usb.Setup(0x01, 11, 0, 0, 0), nil)
	require.NoError(t, err)
	_, err = h.Out(ctx, 4, nil)
	require.NoError(t, err)
}

func TestResetDropsEverything(t *testing.T) {
	for name, reset := range map[string]func(*usb.Host) error{
		"bus reset": (*usb.Host).Reset,
		"SET_CONFIGURATION": func(h *usb.Host) error {
			_, err := h.Control(context.Background(), usb.Setup(0, 9, 1, 0, 0), nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			_, h := plugged(t, r)
			_, err := h.Out(within(t), 4, packet(1, 64))
			require.NoError(t, err)
			stale := r.sender()
			require.NoError(t, reset(h))
			stale(packet(2, 64))

			read, _ := started(t, h, 64)
			_, err = h.Out(within(t), 4, packet(3, 64))
			require.NoError(t, err)
			require.Equal(t, byte(3), (<-read).data[0], "no packet from before the reset arrives")

			pending, _ := started(t, h, 64)
			require.NoError(t, reset(h))
			require.ErrorIs(t, (<-pending).err, usb.ErrUnlinked)
			require.Equal(t, []string{"attach", "packet", "detach", "attach", "packet", "detach", "attach"}, r.history())
		})
	}
}

func TestAResetClearsHalts(t *testing.T) {
	_, h := plugged(t, &recorder{})
	for _, endpoint := range []uint16{0x85, 0x04} {
		_, err := h.Control(within(t), usb.Setup(0x02, 3, 0, endpoint, 0), nil) // SET_FEATURE(ENDPOINT_HALT)
		require.NoError(t, err)
	}
	require.NoError(t, h.Reset())
	for _, endpoint := range []uint16{0x85, 0x04} {
		status, err := h.Control(within(t), usb.Setup(0x82, 0, 0, endpoint, 2), nil)
		require.NoError(t, err)
		require.Equal(t, []byte{0, 0}, status)
	}
	require.Equal(t, byte(3), echo(t, h, 3)[0])
}

// TestQueuedPacketsAreBounded checks that a host that only sends does not fill the memory. The first packets are kept.
func TestQueuedPacketsAreBounded(t *testing.T) {
	r := &recorder{silent: true}
	_, h := plugged(t, r)
	for i := range 10_000 {
		r.sender()([]byte{byte(i), byte(i >> 8)})
	}
	var got int
	for ; ; got++ {
		read, pending := started(t, h, 64)
		if _, waits := pending.Cancel(); waits {
			break
		}
		require.Equal(t, []byte{byte(got), byte(got >> 8)}, (<-read).data)
	}
	require.Positive(t, got)
	require.Less(t, got, 10_000)
}

func TestUnplugAndPlug(t *testing.T) {
	r := &recorder{}
	p, h := plugged(t, r)
	changes, stop := p.Watch()
	pending, _ := started(t, h, 64)
	p.Unplug()
	p.Unplug()
	<-changes
	<-h.Detached()
	require.ErrorIs(t, (<-pending).err, usb.ErrUnplugged)
	require.False(t, p.Plugged())
	_, err := h.Out(within(t), 4, nil)
	require.ErrorIs(t, err, usb.ErrUnplugged)
	_, err = p.Attach("test")
	require.ErrorIs(t, err, usb.ErrUnplugged)

	p.Plug()
	p.Plug()
	<-changes
	_, err = h.In(within(t), 5, 64)
	require.ErrorIs(t, err, usb.ErrUnplugged, "the old host stays detached")
	_, err = p.Attach("test")
	require.NoError(t, err)
	<-changes
	stop()
	p.Unplug()
	require.Empty(t, changes)
	require.Equal(t, []string{"attach", "detach", "off", "on", "attach", "detach", "off"}, r.history())
}

func TestUnconfigured(t *testing.T) {
	r := &recorder{}
	_, h := plugged(t, r)
	ctx := within(t)
	_, err := h.Control(ctx, usb.Setup(0, 9, 0, 0, 0), nil)
	require.NoError(t, err)
	configuration, err := h.Control(ctx, usb.Setup(0x80, 8, 0, 0, 1), nil)
	require.NoError(t, err)
	require.Equal(t, []byte{0}, configuration)
	_, err = h.Out(ctx, 4, nil)
	require.ErrorIs(t, err, usb.ErrEndpoint)
	_, err = h.In(ctx, 5, 64)
	require.ErrorIs(t, err, usb.ErrEndpoint)
	require.NoError(t, h.Close())
	require.Equal(t, []string{"attach", "detach"}, r.history(), "detached once, not twice")
}

// caller calls its port in its methods.
type caller struct {
	recorder
	port *usb.Port
}

func (c *caller) Packet([]byte) {
	c.port.Unplug()
	c.port.Plug()
}

func TestFunctionMayCallThePort(t *testing.T) {
	c := &caller{}
	c.port = usb.NewPort(identity, c, nil)
	h, err := c.port.Attach("test")
	require.NoError(t, err)
	_, err = h.Out(within(t), 4, packet(1, 1))
	require.NoError(t, err)
	<-h.Detached()
	require.Equal(t, []string{"attach", "detach", "off", "on"}, c.history())
}

func TestTapSeesTheWire(t *testing.T) {
	var events []usb.TapEvent
	p := usb.NewPort(identity, &recorder{}, func(e usb.TapEvent) { events = append(events, e) })
	h, err := p.Attach("test")
	require.NoError(t, err)
	_, err = h.Out(within(t), 4, []byte{1, 2})
	require.NoError(t, err)
	_, err = h.In(within(t), 5, 64)
	require.NoError(t, err)
	_, err = h.Control(within(t), usb.Setup(0x80, 8, 0, 0, 1), nil)
	require.NoError(t, err)
	p.Unplug()
	require.Equal(t, []usb.TapEvent{
		{Kind: usb.TapPlug, Text: "attached by test"},
		{Kind: usb.TapPacket, Dir: "out", Endpoint: 0x04, Data: []byte{1, 2}},
		{Kind: usb.TapPacket, Dir: "in", Endpoint: 0x85, Data: []byte{1, 2}},
		{Kind: usb.TapControl, Dir: "in", Setup: usb.Setup(0x80, 8, 0, 0, 1), Data: []byte{1}},
		{Kind: usb.TapPlug, Text: "detached"},
		{Kind: usb.TapPlug, Text: "unplugged"},
	}, events)
}

// TestConcurrentUse uses one port in several goroutines, to find races and hangs.
func TestConcurrentUse(t *testing.T) {
	p := usb.NewPort(identity, &recorder{}, nil)
	ctx := within(t)
	var wg sync.WaitGroup
	for who := range 4 {
		wg.Go(func() {
			for range 200 {
				h, err := p.Attach(string(rune('a' + who)))
				if err != nil {
					continue
				}
				var hands sync.WaitGroup
				hands.Go(func() { _, _ = h.In(ctx, 5, 64) })
				hands.Go(func() { _, _ = h.Out(ctx, 4, packet(1, 64)) })
				hands.Go(func() { _ = h.Reset() })
				hands.Go(func() { p.Unplug(); p.Plug() })
				_ = h.Close()
				hands.Wait()
			}
		})
	}
	wg.Wait()
	require.Empty(t, p.HeldBy())
	require.NoError(t, ctx.Err(), "nothing hung")
}

func TestAccess(t *testing.T) {
	p := usb.NewPort(identity, &recorder{}, nil)
	changes, stop := p.Watch()
	defer stop()
	require.Zero(t, p.Access())
	p.SetAccess(usb.Access{Denied: true})
	<-changes
	require.True(t, p.Access().Denied)
}
