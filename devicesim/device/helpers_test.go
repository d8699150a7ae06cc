package device

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/device/hosttest"
)

const testMnemonic = hosttest.Mnemonic

// newDevice makes a device with all applets and reproducible randomness.
func newDevice(t testing.TB, o Options) *Device {
	t.Helper()
	if o.Rand == nil {
		o.Rand = hosttest.Seeded(1)
	}
	o.Applets = applets.All()
	d, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// host is a host and its device.
type host struct {
	*hosttest.Host
	d *Device
}

func newHost(t testing.TB, d *Device, seed byte) *host {
	t.Helper()
	return &host{hosttest.New(t, d, d.screenLines, seed), d}
}

func (d *Device) screenLines() []string { return d.Status().Screen }

// shownCode returns the binding code on the screen, or "".
func shownCode(d *Device) string { return hosttest.CodeOn(d.Status().Screen) }

func await(t testing.TB, d *Device, what string, want func(Status) bool) Status {
	t.Helper()
	return hosttest.Await(t, d, what, want)
}

func asking(s Status) bool { return s.Asking }
