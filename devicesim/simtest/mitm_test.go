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
	"imkey-connect/devicesim"
	"imkey-connect/devicesim/fakeca"
)

// middle is a machine in the middle: it passes packets on and puts another certificate in place of the device's, in
// every answer that carries it.
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

func TestAManInTheMiddleLearnsNothingOfTheCode(t *testing.T) {
	ours, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	theirs, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	d := newDevice(t, devicesim.Options{CA: ours})
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	m := &middle{tap: tap{Link: link}}
	b, dev := h.open(m)
	m.genuine = dev.Info().Certificate
	h.status(b)
	code := h.readCode(d)

	attempts := 0
	attack := func(name string, forge func([]byte) []byte) {
		attempts++
		m.forge = forge
		sent := len(m.packets)
		err := b.Bind(h.ctx, code, binding.BindOptions{})
		require.ErrorIs(t, err, errcode.UntrustedDevice, name)
		for _, p := range m.packets[sent:] {
			require.False(t, p[7] == 0x80 && p[8] == 0x73, "%s: IDENTITY_VERIFY left the host", name)
		}
	}

	seid, err := hex.DecodeString(dev.Info().SEID)
	require.NoError(t, err)
	_, to, _, _ := fakeca.SignedRange(m.genuine)
	point := bytes.LastIndex(m.genuine[:to], []byte{0xB0, 0x41}) + 2
	p := fakeca.Params{SEID: seid, SEPublicKey: bytes.Clone(m.genuine[point : point+65])}
	for _, c := range ours.Wrong(p, theirs) {
		attack(c.Name, func([]byte) []byte { return c.Cert })
	}
	for n := range len(m.genuine) {
		attack(fmt.Sprintf("truncated to %d bytes", n), func(g []byte) []byte { return g[:n] })
	}
	for bit := range 8 * len(m.genuine) {
		attack(fmt.Sprintf("bit %d flipped", bit), func(g []byte) []byte {
			g[bit/8] ^= 0x80 >> (bit % 8)
			return g
		})
	}
	require.Equal(t, 10, d.Status().CodeAttemptsLeft, "the device never saw a code")
	t.Logf("%d forged certificates refused", attempts)

	// With the device's own certificate, the same road leads to a binding.
	m.forge = nil
	require.NoError(t, b.Bind(h.ctx, code, binding.BindOptions{}))
	require.Equal(t, 1, m.instructions(t, 0x73))
}

// Knowing acceptance is of a device that no pinned key verifies, not of one that contradicts itself.
func TestWhatIsMalformedCannotBeAccepted(t *testing.T) {
	ours, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	theirs, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	d := newDevice(t, devicesim.Options{CA: ours})
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	m := &middle{tap: tap{Link: link}}
	b, dev := h.open(m)
	m.genuine = dev.Info().Certificate
	h.status(b)
	code := h.readCode(d)
	seid, err := hex.DecodeString(dev.Info().SEID)
	require.NoError(t, err)
	p := fakeca.Params{SEID: seid, SEPublicKey: theirs.PublicKey()}
	for _, c := range ours.Wrong(p, theirs) {
		if c.Kind != fakeca.Malformed {
			continue
		}
		m.forge = func([]byte) []byte { return c.Cert }
		require.ErrorIs(t, b.Bind(h.ctx, code, binding.BindOptions{AcceptUnverified: true}), errcode.UntrustedDevice, c.Name)
	}
	require.Zero(t, m.instructions(t, 0x73))
}

// A device accepted once is pinned: another secure element under its name is refused, accepted or not.
func TestAnAcceptedDeviceIsPinned(t *testing.T) {
	ours, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	theirs, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	d := newDevice(t, devicesim.Options{CA: ours})
	h := newHost(t, d)
	h.pins = nil
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	m := &middle{tap: tap{Link: link}}
	b, dev := h.open(m)
	m.genuine = dev.Info().Certificate
	h.status(b)
	code := h.readCode(d)
	require.NoError(t, b.Bind(h.ctx, code, binding.BindOptions{AcceptUnverified: true}))
	seid, err := hex.DecodeString(dev.Info().SEID)
	require.NoError(t, err)
	swapped := theirs.Issue(fakeca.Params{SEID: seid, SEPublicKey: theirs.PublicKey()})
	m.forge = func([]byte) []byte { return swapped }
	_, err = b.Status(h.ctx)
	require.ErrorIs(t, err, errcode.DeviceMismatch)
	require.ErrorIs(t, b.Bind(h.ctx, code, binding.BindOptions{AcceptUnverified: true}), errcode.DeviceMismatch)
	require.Equal(t, 1, m.instructions(t, 0x73))
	m.forge = nil
	require.Equal(t, binding.BoundToThis, h.status(b))
}
