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
	coredevice "imkey-connect/core/device"
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
	dev          *coredevice.Device
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
	return &attack{h, m, ours, theirs, d, dev, b, seid, h.readCode(d)}
}

// again opens the device once more over the same machine in the middle.
func (a *attack) again() (*binding.Binding, *coredevice.Device) {
	require.NoError(a.t, a.dev.Close())
	link, err := a.device.Link(a.ctx)
	require.NoError(a.t, err)
	a.Link = link
	b, dev := a.open(a.middle)
	a.dev = dev
	return b, dev
}

// certifies returns the content of a certificate of the device with this key.
func (a *attack) certifies(key []byte) fakeca.Params {
	return fakeca.Params{SEID: a.seid, SEPublicKey: key}
}

// genuineKey returns the key in the device's own certificate.
func (a *attack) genuineKey() []byte {
	_, to, _, _ := fakeca.SignedRange(a.genuine)
	point := bytes.LastIndex(a.genuine[:to], []byte{0xB0, 0x41}) + 2
	return bytes.Clone(a.genuine[point : point+65])
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
			require.False(t, begins(&p, 0x73), "%s: IDENTITY_VERIFY left the host", name)
		}
	}

	p := a.certifies(a.genuineKey())
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
		require.ErrorIs(t, a.bind(binding.BindOptions{Consent: binding.Consent{AcceptUnverified: true}}), errcode.UntrustedDevice, c.Name)
	}
	require.Zero(t, a.instructions(t, 0x73))
}

// TestAnAcceptedDeviceMustStayTheSame checks that another secure element in the place of an accepted device is refused.
func TestAnAcceptedDeviceMustStayTheSame(t *testing.T) {
	a := newAttack(t, false)
	require.NoError(t, a.bind(binding.BindOptions{Consent: binding.Consent{AcceptUnverified: true}}))
	swapped := a.theirs.Issue(fakeca.Params{SEID: a.seid, SEPublicKey: a.theirs.PublicKey()})
	a.forge = func([]byte) []byte { return swapped }
	_, err := a.binding.Status(a.ctx)
	require.ErrorIs(t, err, errcode.DeviceMismatch)
	require.ErrorIs(t, a.bind(binding.BindOptions{Consent: binding.Consent{AcceptUnverified: true}}), errcode.DeviceMismatch)
	require.Equal(t, 1, a.instructions(t, 0x73))
	a.forge = nil
	require.Equal(t, binding.BoundToThis, a.status(a.binding))
}

// TestAnotherDeviceWhileTheUserReadsTheCode lets the machine in the middle replace the secure element's key after the user was
// shown the device, at every point at which a page asks the device for something. The user accepted what was shown. No code is
// proved to a key that the user did not see.
func TestAnotherDeviceWhileTheUserReadsTheCode(t *testing.T) {
	for name, c := range map[string]struct {
		trusted bool
		shown   func(a *attack) []byte // the certificate that the user was shown; nil stands for the device's own
		swapped func(a *attack, key []byte) []byte
	}{
		"verified, then unverified":                 {true, nil, func(a *attack, key []byte) []byte { return a.theirs.Issue(a.certifies(key)) }},
		"verified, then another verified":           {true, nil, func(a *attack, key []byte) []byte { return a.ours.Issue(a.certifies(key)) }},
		"accepted, then another":                    {false, nil, func(a *attack, key []byte) []byte { return a.theirs.Issue(a.certifies(key)) }},
		"the same key, verified, then unverified":   {true, nil, func(a *attack, _ []byte) []byte { return a.theirs.Issue(a.certifies(a.genuineKey())) }},
		"the same key, unverified, then verified":   {true, func(a *attack) []byte { return a.theirs.Issue(a.certifies(a.genuineKey())) }, nil},
		"the attacker's own, then the device's own": {false, func(a *attack) []byte { return a.theirs.Issue(a.certifies(a.theirs.PublicKey())) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []string{"before the code is shown", "during the code entry", "between wrong codes"} {
				a := newAttack(t, c.trusted)
				opened := a.genuine
				if c.shown != nil {
					opened = c.shown(a)
				}
				a.forge = func([]byte) []byte { return opened }
				b, dev := a.again()
				shown := b.Identity()
				accept := binding.Consent{Shown: &shown, AcceptUnverified: true}
				swap := func() {
					a.forge = nil
					if c.swapped != nil {
						swapped := c.swapped(a, a.theirs.PublicKey())
						a.forge = func([]byte) []byte { return swapped }
					}
				}
				proved := 0
				switch at {
				case "before the code is shown":
					swap()
					require.ErrorIs(t, b.ShowCode(a.ctx), errcode.DeviceChanged)
				case "between wrong codes":
					require.Error(t, b.Bind(a.ctx, wrong(a.code), binding.BindOptions{Consent: accept}))
					proved = a.instructions(t, 0x73)
					swap()
				default:
					require.NoError(t, b.ShowCode(a.ctx))
					swap()
				}
				for _, consent := range []binding.Consent{accept, {AcceptUnverified: true}, {Shown: &shown}} {
					err := b.Bind(a.ctx, a.code, binding.BindOptions{Consent: consent, RememberCode: true})
					require.Error(t, err, at)
					require.NotErrorIs(t, err, errcode.WrongCode, at)
				}
				require.Equal(t, proved, a.instructions(t, 0x73), at)
				require.NotEqual(t, "bound", a.device.Status().Binding)

				// A host that opens the device again sees another one, and the user's decision is not for it.
				require.NoError(t, dev.Close())
				b, _ = a.again()
				require.ErrorIs(t, b.Expect(&shown), errcode.DeviceChanged)
				require.ErrorIs(t, b.Bind(a.ctx, a.code, binding.BindOptions{Consent: accept}), errcode.DeviceChanged)
				require.Equal(t, proved, a.instructions(t, 0x73), at)
			}
		})
	}
}

// TestAnotherDeviceAfterTheBinding replaces the device of a host that is bound, before each operation that depends on the binding.
func TestAnotherDeviceAfterTheBinding(t *testing.T) {
	a := newAttack(t, true)
	require.NoError(t, a.bind(binding.BindOptions{RememberCode: true}))
	shown := a.binding.Identity()
	accept := binding.Consent{Shown: &shown, AcceptUnverified: true}
	for name, certificate := range map[string][]byte{
		"the same key, unverified": a.theirs.Issue(a.certifies(a.genuineKey())),
		"another key, unverified":  a.theirs.Issue(a.certifies(a.theirs.PublicKey())),
		"another key, verified":    a.ours.Issue(a.certifies(a.theirs.PublicKey())),
	} {
		a.forge = func([]byte) []byte { return certificate }
		_, ok, err := a.binding.RevealCode(a.ctx, accept)
		require.Error(t, err, name)
		require.False(t, ok)
		require.Error(t, a.dev.Do(a.ctx, func(s *coredevice.Session) error {
			_, err := a.binding.SigningKeys(a.ctx, s, binding.SigningOptions{Consent: accept, AllowUnbound: true})
			return err
		}), name)
		b, _ := a.again()
		require.ErrorIs(t, b.Forget(a.ctx, &shown), errcode.DeviceChanged, name)
	}
	require.Equal(t, 1, a.instructions(t, 0x73))
	a.forge = nil
	b, _ := a.again()
	code, ok, err := b.RevealCode(a.ctx, accept)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, a.code, string(code[:]))
}
