package usb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
)

func armed(t *testing.T, json string) (*recorder, *usb.Port, *usb.Host) {
	t.Helper()
	r := &recorder{}
	p, h := plugged(t, r)
	list, err := usb.ParseFaults([]byte(json))
	require.NoError(t, err)
	require.NoError(t, p.SetFaults(list))
	require.Equal(t, list, p.Faults())
	return r, p, h
}

// echo sends one packet and reads the answer.
func echo(t *testing.T, h *usb.Host, first byte) []byte {
	t.Helper()
	_, err := h.Out(within(t), 4, packet(first, 64))
	require.NoError(t, err)
	b, err := h.In(within(t), 5, 64)
	require.NoError(t, err)
	return b
}

func TestFaultsOnWhatTheDeviceSends(t *testing.T) {
	_, p, h := armed(t, `[{"on":"in","packet":2,"do":"short","bytes":5,"count":2},{"on":"in","packet":4,"do":"zero"},
		{"on":"in","packet":5,"do":"corrupt","bytes":1,"hex":"aabb"},{"on":"in","packet":6,"do":"corrupt"}]`)
	require.Len(t, echo(t, h, 1), 64)
	require.Len(t, echo(t, h, 2), 5)
	require.Len(t, echo(t, h, 3), 5)
	require.Empty(t, echo(t, h, 4))
	require.Equal(t, []byte{5, 0xAA, 0xBB, 0}, echo(t, h, 5)[:4])
	require.Equal(t, byte(7), echo(t, h, 6)[0])
	require.Equal(t, byte(6), echo(t, h, 6)[0], "the fault is over")

	require.NoError(t, p.SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoBabble}}))
	_, err := h.Out(within(t), 4, packet(8, 64))
	require.NoError(t, err)
	b, err := h.In(within(t), 5, 64)
	require.ErrorIs(t, err, usb.ErrBabble)
	require.Len(t, b, 64)

	require.NoError(t, p.SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoDrop}}))
	_, err = h.Out(within(t), 4, packet(8, 64))
	require.NoError(t, err)
	require.Equal(t, byte(9), echo(t, h, 9)[0], "the answer to 8 was lost")

	require.NoError(t, p.SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoZero}}))
	p.ClearFaults()
	require.Empty(t, p.Faults())
	require.Len(t, echo(t, h, 1), 64)
}

func TestFaultsOnWhatTheHostSends(t *testing.T) {
	r, _, h := armed(t, `[{"on":"out","packet":1,"do":"drop"},{"on":"out","packet":2,"do":"short","bytes":3},
		{"on":"out","packet":3,"do":"zero"},{"on":"out","packet":4,"do":"corrupt","hex":"77"}]`)
	for i := range byte(4) {
		n, err := h.Out(within(t), 4, packet(i+1, 64))
		require.NoError(t, err)
		require.Equal(t, 64, n, "the transfer succeeds for the host")
	}
	got := r.packets()
	require.Len(t, got, 3)
	require.Equal(t, []byte{2, 0, 0}, got[0])
	require.Empty(t, got[1])
	require.Equal(t, byte(0x77), got[2][0])
}

func TestDelay(t *testing.T) {
	_, p, h := armed(t, `[{"on":"in","packet":1,"do":"delay","ms":30},{"on":"out","packet":3,"do":"delay","ms":30}]`)
	begin := time.Now()
	for i := range byte(2) {
		_, err := h.Out(within(t), 4, packet(i, 64))
		require.NoError(t, err)
	}
	for i := range byte(2) {
		b, err := h.In(within(t), 5, 64)
		require.NoError(t, err)
		require.Equal(t, i, b[0], "the packets arrive in order")
	}
	require.GreaterOrEqual(t, time.Since(begin), 30*time.Millisecond)
	begin = time.Now()
	require.Equal(t, byte(5), echo(t, h, 5)[0])
	require.GreaterOrEqual(t, time.Since(begin), 30*time.Millisecond)

	// A delay of ten minutes ends at once when the device is unplugged, in both directions.
	for _, on := range []string{"in", "out"} {
		require.NoError(t, p.SetFaults([]usb.Fault{{On: on, Packet: 1, Do: usb.DoDelay, MS: 600_000}}))
		changes, stop := p.Watch()
		go func() {
			<-changes
			p.Unplug()
		}()
		read, _ := started(t, h, 64)
		p.SetAccess(usb.Access{})
		_, _ = h.Out(within(t), 4, packet(1, 64))
		require.ErrorIs(t, (<-read).err, usb.ErrUnplugged)
		stop()
		p.Plug()
		var err error
		h, err = p.Attach("test")
		require.NoError(t, err)
	}
}

func TestUnplugAndPowerCutFaults(t *testing.T) {
	for _, on := range []string{"in", "out"} {
		_, p, h := armed(t, `[{"on":"`+on+`","packet":1,"do":"unplug"}]`)
		read, _ := started(t, h, 64)
		_, err := h.Out(within(t), 4, packet(1, 64))
		if on == "out" {
			require.ErrorIs(t, err, usb.ErrUnplugged)
		}
		require.ErrorIs(t, (<-read).err, usb.ErrUnplugged)
		require.False(t, p.Plugged())

		_, p, h = armed(t, `[{"on":"`+on+`","packet":1,"do":"powercut"}]`)
		cuts := 0
		p.OnPowerCut(func() { cuts++; p.Unplug(); p.Plug() })
		read, _ = started(t, h, 64)
		_, _ = h.Out(within(t), 4, packet(1, 64))
		require.ErrorIs(t, (<-read).err, usb.ErrUnplugged)
		require.True(t, p.Plugged())
		require.Equal(t, 1, cuts)

		_, p, h = armed(t, `[{"on":"`+on+`","packet":1,"do":"powercut"}]`)
		_, _ = h.Out(within(t), 4, packet(1, 64))
		require.False(t, p.Plugged(), "without OnPowerCut the fault unplugs")
	}
}

func TestFaultErrorsNameTheField(t *testing.T) {
	for json, field := range map[string]string{
		`[{"on":"sideways","packet":1,"do":"stall"}]`:                     "on",
		`[{"on":"out","packet":1,"do":"babble"}]`:                         "on",
		`[{"on":"in","packet":0,"do":"stall"}]`:                           "packet",
		`[{"on":"in","packet":"1","do":"stall"}]`:                         "packet",
		`[{"on":"in","packet":1}]`:                                        "do",
		`[{"on":"in","packet":1,"do":"explode"}]`:                         "do",
		`[{"on":"in","packet":1,"do":"short","bytes":64}]`:                "bytes",
		`[{"on":"in","packet":1,"do":"stall","bytes":1}]`:                 "bytes",
		`[{"on":"in","packet":1,"do":"delay"}]`:                           "ms",
		`[{"on":"in","packet":1,"do":"stall","ms":5}]`:                    "ms",
		`[{"on":"in","packet":1,"do":"stall","count":-1}]`:                "count",
		`[{"on":"in","packet":1,"do":"stall","hex":"00"}]`:                "hex",
		`[{"on":"in","packet":1,"do":"corrupt","hex":"0"}]`:               "hex",
		`[{"on":"in","packet":1,"do":"corrupt","bytes":63,"hex":"0000"}]`: "hex",
		`[{"on":"in","packet":1,"do":"stall","when":"now"}]`:              "when",
		`[3]`:         "fault",
		`[null]`:      "do",
		`null`:        "",
		`{"on":"in"}`: "",
		`[] []`:       "",
		`[`:           "",
		`not json`:    "",
	} {
		_, err := usb.ParseFaults([]byte(json))
		var fe *usb.FaultError
		require.True(t, errors.As(err, &fe), "%s: %v", json, err)
		require.Equal(t, field, fe.Field, "%s: %v", json, err)
		require.NotEmpty(t, fe.Reason)
	}
	require.Error(t, usb.NewPort(identity, &recorder{}, nil).SetFaults(make([]usb.Fault, 300)))
}

// TestSeveralFaultsOnOnePacket checks that faults change the bytes in the order of the list, and that the order of the others
// does not matter.
func TestSeveralFaultsOnOnePacket(t *testing.T) {
	_, p, h := armed(t, `[{"on":"in","packet":1,"do":"short","bytes":2},{"on":"in","packet":1,"do":"corrupt","hex":"aabbcc"}]`)
	require.Equal(t, []byte{0xAA, 0xBB}, echo(t, h, 1))
	require.NoError(t, p.SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoZero}, {On: "in", Packet: 1, Do: usb.DoCorrupt, Hex: "aa"}}))
	require.Empty(t, echo(t, h, 1), "nothing is left to corrupt")
	require.NoError(t, p.SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoCorrupt, Hex: "aa"}, {On: "in", Packet: 1, Do: usb.DoCorrupt, Hex: "bb"}}))
	require.Equal(t, byte(0xBB), echo(t, h, 1)[0], "the last one wins")

	both := func(on string, a, b usb.Action) error {
		r := &recorder{}
		p, h := plugged(t, r)
		require.NoError(t, p.SetFaults([]usb.Fault{{On: on, Packet: 1, Do: a}, {On: on, Packet: 1, Do: b}}))
		_, err := h.Out(within(t), 4, packet(1, 64))
		if on == "out" {
			require.Empty(t, r.packets())
			return err
		}
		_, err = h.In(within(t), 5, 64)
		return err
	}
	for _, c := range []struct {
		on   string
		a, b usb.Action
		want error
	}{
		{"out", usb.DoStall, usb.DoUnplug, usb.ErrStall}, {"out", usb.DoDrop, usb.DoUnplug, usb.ErrUnplugged}, {"out", usb.DoStall, usb.DoDrop, usb.ErrStall},
		{"in", usb.DoStall, usb.DoUnplug, usb.ErrUnplugged}, {"in", usb.DoStall, usb.DoDrop, usb.ErrStall}, {"in", usb.DoDrop, usb.DoPowerCut, usb.ErrUnplugged},
	} {
		require.ErrorIs(t, both(c.on, c.a, c.b), c.want, "%+v", c)
		require.ErrorIs(t, both(c.on, c.b, c.a), c.want, "%+v the other way round", c)
	}
}

// TestAResetEndsADelayedOut checks that a delayed packet does not arrive after a reset, and that the host does not wait for the
// end of the delay.
func TestAResetEndsADelayedOut(t *testing.T) {
	for name, reset := range map[string]func(*usb.Host) error{
		"bus reset": (*usb.Host).Reset,
		"SET_CONFIGURATION": func(h *usb.Host) error {
			_, err := h.Control(context.Background(), usb.Setup(0, 9, 1, 0, 0), nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, _, h := armed(t, `[{"on":"out","packet":1,"do":"delay","ms":600000}]`)
			done := make(chan error, 1)
			go func() {
				_, err := h.Out(within(t), 4, []byte{1, 2, 3})
				done <- err
			}()
			for ended := false; !ended; { // resets until one of them ends the transfer
				select {
				case err := <-done:
					require.ErrorIs(t, err, usb.ErrUnlinked)
					require.NotErrorIs(t, err, context.DeadlineExceeded)
					ended = true
				default:
					require.NoError(t, reset(h))
				}
			}
			require.Empty(t, r.packets())
			require.Equal(t, byte(7), echo(t, h, 7)[0])
		})
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add([]byte(`[{"on":"in","packet":1,"do":"corrupt","bytes":3,"hex":"00","count":4}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := usb.ParseFaults(data)
		if err != nil {
			return
		}
		p := usb.NewPort(identity, &recorder{}, nil)
		if err := p.SetFaults(list); err != nil {
			t.Fatal("parsed but not armed:", err)
		}
	})
}
