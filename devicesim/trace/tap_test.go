package trace

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
)

// canceller answers each packet with ERROR 01, as an imKey answers a CANCEL if there is nothing to cancel.
type canceller struct{ send func([]byte) }

func (c *canceller) Attach(send func([]byte)) { c.send = send }
func (c *canceller) Detach()                  {}
func (c *canceller) Packet([]byte) {
	p := make([]byte, packetSize)
	copy(p, []byte{0, 0, 0, 0, cmdError, 0, 1, 1})
	c.send(p)
}

func TestTap(t *testing.T) {
	log := NewLog(0)
	port := usb.NewPort(usb.Identity{}, &canceller{}, NewTracer(log).Tap)
	host, err := port.Attach("a test")
	require.NoError(t, err)
	ctx := context.Background()
	_, err = host.Control(ctx, usb.Setup(0x80, 6, 0x100, 0, 18), nil)
	require.NoError(t, err)
	_, err = host.Control(ctx, usb.Setup(0xC0, 0x77, 0, 0, 1), nil)
	require.ErrorIs(t, err, usb.ErrStall)
	exchange := func() error {
		_, err := host.Out(ctx, usb.EndpointOut, packet(t, "00000000 D1"))
		require.NoError(t, err)
		_, err = host.In(ctx, usb.EndpointIn, 64)
		return err
	}
	require.NoError(t, exchange())
	require.NoError(t, port.SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoBabble}}))
	require.ErrorIs(t, exchange(), usb.ErrBabble)
	require.NoError(t, port.SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoStall}}))
	require.ErrorIs(t, exchange(), usb.ErrStall)
	port.Unplug()
	require.Equal(t, []string{
		"attached by a test",
		"GET_DESCRIPTOR device",
		"vendor request 77, value 0000, index 0000, 1 bytes → stalled",
		"CANCEL", "ERROR invalid command",
		"CANCEL", "endpoint 85, 64 bytes → babble",
		"CANCEL", "endpoint 85 → stalled",
		"detached", "unplugged",
	}, texts(log.Events(0), ""))
}
