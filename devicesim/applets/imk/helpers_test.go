package imk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/hosttest"
)

// newDevice makes a device with this applet alone.
func newDevice(t testing.TB, o device.Options) *device.Device {
	t.Helper()
	o.Rand, o.Applets = hosttest.Seeded(1), []applet.Applet{Applet}
	d, err := device.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// host is a host and its device.
type host struct {
	*hosttest.Host
	d *device.Device
}

func newHost(t testing.TB, d *device.Device, seed byte) *host {
	t.Helper()
	return &host{hosttest.New(t, d, func() []string { return d.Status().Screen }, seed), d}
}

func (h *host) as(seed byte) *host { return &host{h.As(seed), h.d} }

// shownCode returns the binding code on the screen, or "".
func shownCode(d *device.Device) string { return hosttest.CodeOn(d.Status().Screen) }
