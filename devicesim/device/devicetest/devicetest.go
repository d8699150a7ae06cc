// Package devicetest has a simulated device and its host for tests of an applet.
package devicetest

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/hosttest"
	"imkey-connect/devicesim/ecdsa"
)

// New makes a device with applets and reproducible randomness. It closes with the test.
func New(t testing.TB, o device.Options, applets ...applet.Applet) *device.Device {
	t.Helper()
	if o.Rand == nil {
		o.Rand = hosttest.Seeded(1)
	}
	o.Applets = applets
	d, err := device.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// Host is a host and its device.
type Host struct {
	*hosttest.Host
	D *device.Device
}

// Connect connects a host to a device.
func Connect(t testing.TB, d *device.Device, seed byte) *Host {
	t.Helper()
	return &Host{hosttest.New(t, d, func() []string { return d.Status().Screen }, seed), d}
}

// As returns another app's host on the same link.
func (h *Host) As(seed byte) *Host { return &Host{h.Host.As(seed), h.D} }

// On returns the host for another test, such as a subtest.
func (h *Host) On(t testing.TB) *Host {
	other := *h.Host
	other.T = t
	return &Host{&other, h.D}
}

// ShownCode returns the binding code on the screen of a device, or "".
func ShownCode(d *device.Device) string { return hosttest.CodeOn(d.Status().Screen) }

// Signed returns a payload with the app's binding signature before it: 00, its length, the signature, and the bytes that it
// signs.
func (h *Host) Signed(body []byte) []byte {
	signature := h.BindingSignature(body, false)
	return append(append([]byte{0, byte(len(signature))}, signature...), body...)
}

// Commands cuts a payload into the commands of an instruction, with at most size bytes each.
func Commands(t testing.TB, ins byte, payload []byte, size int) (all [][]byte) {
	t.Helper()
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

// Prepare sends a whole payload and returns the last status word. All others must be 9000.
func (h *Host) Prepare(ins byte, payload []byte) apdu.StatusWord {
	h.T.Helper()
	data, sw := h.Raw(h.allButLast(ins, payload))
	require.Empty(h.T, data)
	return sw
}

// Offer sends a whole payload and waits until the device asks the user.
func (h *Host) Offer(ins byte, payload []byte) {
	h.T.Helper()
	h.Message(h.allButLast(ins, payload))
	h.Await("a question", func(s device.Status) bool { return s.Asking })
}

// allButLast sends a payload without its last command, and returns that command.
func (h *Host) allButLast(ins byte, payload []byte) []byte {
	h.T.Helper()
	all := Commands(h.T, ins, payload, applet.MaxChunk)
	for _, c := range all[:len(all)-1] {
		data, sw := h.Raw(c)
		require.Equal(h.T, apdu.OK, sw)
		require.Empty(h.T, data)
	}
	return all[len(all)-1]
}

// Decide presses a button and returns the status word of the command that asked.
func (h *Host) Decide(b device.Button) apdu.StatusWord {
	h.T.Helper()
	require.NoError(h.T, h.D.Press(b))
	_, sw, _ := h.Answer()
	return sw
}

// Await waits until the device's status satisfies want.
func (h *Host) Await(what string, want func(device.Status) bool) {
	h.T.Helper()
	hosttest.Await(h.T, h.D, what, want)
}

// Field returns a field of a payload: the tag, the length in lengthBytes bytes, and the value.
func Field(tag byte, lengthBytes int, value []byte) []byte {
	b := []byte{tag}
	for n := lengthBytes - 1; n >= 0; n-- {
		b = append(b, byte(len(value)>>(8*n)))
	}
	return append(b, value...)
}

// LowS normalises an answer of 66 bytes as a host does: r (32) ‖ s in the lower half of the order (32) ‖ the recovery id for it,
// plus an offset.
func LowS(t testing.TB, answer []byte, offset byte) []byte {
	t.Helper()
	require.Len(t, answer, 66)
	require.Equal(t, byte(0x41), answer[0])
	var s ecdsa.Signature
	s.R.SetByteSlice(answer[1:33])
	s.S.SetByteSlice(answer[33:65])
	s.RecoveryID = answer[65]
	if s.High() {
		s = s.Negated()
	}
	r, v := s.R.Bytes(), s.S.Bytes()
	return append(append(r[:], v[:]...), s.RecoveryID+offset)
}

// Read returns all pages of a question, with bars between the lines, and turns back to the first one.
func Read(t testing.TB, d *device.Device) (all []string) {
	t.Helper()
	for {
		screen := d.Status().Screen
		require.Len(t, screen, device.Lines)
		for _, line := range screen {
			require.LessOrEqual(t, len(line), device.Columns)
		}
		require.True(t, strings.HasPrefix(screen[3], "OK") || len(all) > 99, "%q", screen)
		all = append(all, strings.Join(screen[:3], "|"))
		require.NoError(t, d.Press(device.Down))
		if d.Status().Screen[3] != screen[3] {
			continue
		}
		for range all { // back to the first page, and no further
			require.NoError(t, d.Press(device.Up))
		}
		require.Equal(t, all[0], strings.Join(d.Status().Screen[:3], "|"))
		return all
	}
}

// CheckAttested checks the secure element's signature at the end of an answer, and returns what it signs: the first n bytes.
func (h *Host) CheckAttested(answer []byte, n int) []byte {
	h.T.Helper()
	require.Greater(h.T, len(answer), n)
	require.True(h.T, ecdsa.Verify(h.SEPublicKey(), sha256.Sum256(answer[:n]), answer[n:]), "the secure element's signature")
	return answer[:n]
}
