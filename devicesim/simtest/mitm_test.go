package simtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/fakeca"
)

// middle is a machine in the middle: it forwards packets and replaces the device's certificate in each answer by another one.
type middle struct {
	tap
	genuine []byte
	forge   func(genuine []byte) []byte
	asm     frame.Assembler
	queue   []frame.Packet
}

func (m *middle) Receive(ctx context.Context) (frame.Packet, error) {
	for len(m.queue) == 0 {
		p, err := m.Link.Receive(ctx)
		if err != nil {
			return p, err
		}
		ev, err := m.asm.Add(p[:])
		if err != nil || ev.Kind != frame.None && ev.Kind != frame.Message {
			return p, nil
		}
		if ev.Kind == frame.Message {
			answer := ev.Data
			if m.forge != nil && bytes.Contains(answer, m.genuine) {
				answer = bytes.Replace(answer, m.genuine, m.forge(bytes.Clone(m.genuine)), 1)
			}
			if m.queue, err = frame.Split(answer); err != nil {
				return p, err
			}
		}
	}
	p := m.queue[0]
	m.queue = m.queue[1:]
	return p, nil
}

var _ transport.Link = (*middle)(nil)

// attack is a device that shows its code, a host, and a machine in the middle.
type attack struct {
	*host
	*middle
	ours, theirs *fakeca.CA // the CA of the device, and another CA
	device       *device.Device
	binding      *binding.Binding
	seid         []byte
	code         string
}

// newAttack makes an attack. trusted chooses whether the host trusts the device's CA.
func newAttack(t *testing.T, trusted bool) *attack {
	ours, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	theirs, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	d := newDevice(t, device.Options{CA: ours})
	h := newHost(t, d)
	if !trusted {
		h.trustedCAs = nil
	}
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	m := &middle{tap: tap{Link: link}}
	b, dev := h.open(m)
	m.genuine = dev.Info().Certificate
	seid, err := hex.DecodeString(dev.Info().SEID)
	require.NoError(t, err)
	h.status(b)
	return &attack{h, m, ours, theirs, d, b, seid, h.readCode(d)}
}

func (a *attack) bind(o binding.BindOptions) error { return a.binding.Bind(a.ctx, a.code, o) }

func TestAManInTheMiddleLearnsNothingOfTheCode(t *testing.T) {
	a := newAttack(t, true)

	attempts := 0
	try := func(name string, forge func([]byte) []byte) {
		attempts++
		a.forge = forge
		sent := len(a.packets)
		err := a.bind(binding.BindOptions{})
		require.ErrorIs(t, err, errcode.UntrustedDevice, name)
		for _, p := range a.packets[sent:] {
			require.False(t, p[7] == 0x80 && p[8] == 0x73, "%s: IDENTITY_VERIFY left the host", name)
		}
	}

	_, to, _, _ := fakeca.SignedRange(a.genuine)
	point := bytes.LastIndex(a.genuine[:to], []byte{0xB0, 0x41}) + 2
	p := fakeca.Params{SEID: a.seid, SEPublicKey: bytes.Clone(a.genuine[point : point+65])}
	for _, c := range a.ours.Wrong(p, a.theirs) {
		try(c.Name, func([]byte) []byte { return c.Cert })
	}
	for n := range len(a.genuine) {
		try(fmt.Sprintf("truncated to %d bytes", n), func(g []byte) []byte { return g[:n] })
	}
	for bit := range 8 * len(a.genuine) {
		try(fmt.Sprintf("bit %d flipped", bit), func(g []byte) []byte {
			g[bit/8] ^= 0x80 >> (bit % 8)
			return g
		})
	}
	require.Equal(t, 10, a.device.Status().CodeAttemptsLeft, "the device never saw a code")
	t.Logf("%d forged certificates refused", attempts)

	// With the device's own certificate, the same steps bind the device.
	a.forge = nil
	require.NoError(t, a.bind(binding.BindOptions{}))
	require.Equal(t, 1, a.instructions(t, 0x73))
}

// TestAMalformedCertificateCannotBeAccepted checks that a host can accept a device that no trusted CA verifies, but not one with
// a malformed certificate.
func TestAMalformedCertificateCannotBeAccepted(t *testing.T) {
	a := newAttack(t, true)
	p := fakeca.Params{SEID: a.seid, SEPublicKey: a.theirs.PublicKey()}
	for _, c := range a.ours.Wrong(p, a.theirs) {
		if c.Kind != fakeca.Malformed {
			continue
		}
		a.forge = func([]byte) []byte { return c.Cert }
		require.ErrorIs(t, a.bind(binding.BindOptions{AcceptUnverified: true}), errcode.UntrustedDevice, c.Name)
	}
	require.Zero(t, a.instructions(t, 0x73))
}

// TestAnAcceptedDeviceMustStayTheSame checks that another secure element in the place of an accepted device is refused.
func TestAnAcceptedDeviceMustStayTheSame(t *testing.T) {
	a := newAttack(t, false)
	require.NoError(t, a.bind(binding.BindOptions{AcceptUnverified: true}))
	swapped := a.theirs.Issue(fakeca.Params{SEID: a.seid, SEPublicKey: a.theirs.PublicKey()})
	a.forge = func([]byte) []byte { return swapped }
	_, err := a.binding.Status(a.ctx)
	require.ErrorIs(t, err, errcode.DeviceMismatch)
	require.ErrorIs(t, a.bind(binding.BindOptions{AcceptUnverified: true}), errcode.DeviceMismatch)
	require.Equal(t, 1, a.instructions(t, 0x73))
	a.forge = nil
	require.Equal(t, binding.BoundToThis, a.status(a.binding))
}
