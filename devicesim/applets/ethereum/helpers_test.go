package ethereum

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/applets/imk"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/hosttest"
)

// newDevice makes a device with this applet and the one that binds.
func newDevice(t testing.TB, o device.Options) *device.Device {
	t.Helper()
	if o.Rand == nil {
		o.Rand = hosttest.Seeded(1)
	}
	o.Applets = []applet.Applet{imk.Applet, Applet}
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

// on returns the host for another test.
func (h *host) on(t testing.TB) *host {
	other := *h.Host
	other.T = t
	return &host{&other, h.d}
}

func (h *host) signed(body []byte) []byte {
	return append(field(0, 1, h.BindingSignature(body, false)), body...)
}

// commands cuts a payload as hosts do.
func commands(t testing.TB, ins byte, payload []byte, size int) (all [][]byte) {
	for at := 0; at < len(payload); at += size {
		c := apdu.New(0x80, ins, 0, 0, payload[at:min(at+size, len(payload))])
		if at > 0 {
			c.P1 = 0x80
		}
		if at+size >= len(payload) {
			c.P2 = 0x80
		}
		b, err := c.Bytes()
		require.NoError(t, err)
		all = append(all, b)
	}
	return all
}

// prepare sends a whole payload and returns the last status word; all others must be 9000.
func (h *host) prepare(ins byte, payload []byte) apdu.StatusWord {
	h.T.Helper()
	all := commands(h.T, ins, payload, applet.MaxChunk)
	for _, c := range all[:len(all)-1] {
		data, sw := h.Raw(c)
		require.Equal(h.T, apdu.OK, sw)
		require.Empty(h.T, data)
	}
	data, sw := h.Raw(all[len(all)-1])
	require.Empty(h.T, data)
	return sw
}

// offer sends a payload and waits until the user is asked.
func (h *host) offer(ins byte, payload []byte) {
	h.T.Helper()
	all := commands(h.T, ins, payload, applet.MaxChunk)
	for _, c := range all[:len(all)-1] {
		_, sw := h.Raw(c)
		require.Equal(h.T, apdu.OK, sw)
	}
	h.Message(all[len(all)-1])
	h.await("a question", func(s device.Status) bool { return s.Asking })
}

// answer presses a button and returns the status word of the command that asked.
func (h *host) answer(b device.Button) apdu.StatusWord {
	h.T.Helper()
	require.NoError(h.T, h.d.Press(b))
	_, sw, _ := h.Answer()
	return sw
}

func (h *host) await(what string, want func(device.Status) bool) {
	h.T.Helper()
	hosttest.Await(h.T, h.d, what, want)
}
