package simtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
)

// obstacle is a state of the device in which a request fails.
type obstacle struct {
	name       string
	put, clear func() error
	want       errcode.Code
}

// obstacles checks how a request to an applet fails, with each obstacle and at each end of its question, and that the next one succeeds.
// sign makes the request. reopen gives it the device again after the cable was pulled. It returns the check that a request succeeds.
func (h *host) obstacles(d *device.Device, applet string, sign func(context.Context) error, reopen func(), more ...obstacle) (succeeds func(name string)) {
	t := h.t
	t.Helper()
	request := func(ctx context.Context) chan error {
		done := make(chan error, 1)
		go func() { done <- sign(ctx) }()
		return done
	}
	asks := func(name string) {
		t.Helper()
		require.NoError(t, simtest.WaitFor(h.ctx, d, func(s device.Status) bool { return s.Asking }), name)
	}
	succeeds = func(name string) {
		t.Helper()
		done := request(h.ctx)
		asks(name)
		require.NoError(t, d.Press(device.OK))
		require.NoError(t, <-done, name)
	}
	for _, o := range append([]obstacle{
		{"menu", d.Menu, d.Home, errcode.InMenu},
		{"no applet", func() error { return d.SetInstalled(applet, false) }, func() error { return d.SetInstalled(applet, true) }, errcode.AppletMissing},
		{"boot loader", func() error { return d.SetBootLoader(true) }, func() error { return d.SetBootLoader(false) }, errcode.BootLoader},
	}, more...) {
		require.NoError(t, o.put(), o.name)
		require.ErrorIs(t, <-request(h.ctx), o.want, o.name)
		require.NoError(t, o.clear(), o.name)
		succeeds(o.name)
	}
	for name, end := range map[string]struct {
		ends func(abort func()) error
		want errcode.Code
	}{
		"cancel on the device": {func(func()) error { return d.Press(device.Cancel) }, errcode.UserRejected},
		"cancel by the caller": {func(abort func()) error { abort(); return nil }, errcode.Aborted},
		"the cable":            {func(func()) error { return d.Unplug() }, errcode.DeviceDisconnected},
	} {
		ctx, abort := context.WithCancel(h.ctx)
		done := request(ctx)
		asks(name)
		require.NoError(t, end.ends(abort))
		require.ErrorIs(t, <-done, end.want, name)
		abort()
		if end.want == errcode.DeviceDisconnected {
			require.NoError(t, d.Plug())
			reopen()
		}
		succeeds(name)
	}
	return succeeds
}

// boundElsewhere returns a host and its device, which bound to it and then to another one.
func boundElsewhere(t *testing.T) (*host, *coredevice.Device) {
	d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	first, second := newHost(t, d), newHost(t, d)
	b, dev := first.connect(d)
	first.status(b)
	require.NoError(t, b.ShowCode(first.ctx))
	code := first.readCode(d)
	require.NoError(t, b.Bind(first.ctx, code, binding.BindOptions{}))
	require.NoError(t, dev.Close())
	b, dev = second.connect(d)
	second.status(b)
	require.NoError(t, b.Bind(second.ctx, code, binding.BindOptions{}))
	require.NoError(t, dev.Close())
	_, dev = first.connect(d)
	return first, dev
}
