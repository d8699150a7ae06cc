// Package hosttest is a host for tests of the simulated device and its applets. It is written without core's channel and
// binding, so that a mistake there cannot hide itself.
package hosttest

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	mathrand "math/rand/v2"
	"regexp"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/ecdsa"
)

// Mnemonic is the wallet that the recorded devices had.
const Mnemonic = "inject kidney empty canal shadow pact comfort wife crush horse wife sketch"

// Timeout is how long a test waits for something that must happen.
const Timeout = 20 * time.Second

// Commands in hex.
const (
	SelectIMK         = "00A4040005695F696D6B00"
	SelectCardManager = "00A4040000"
	ShowCode          = "8072000000"
	ReadCertificate   = "80CABF2106A6048302151800"
)

// The status bytes of the IMK applet.
const (
	Unbound        byte = 0x00
	BoundToThis    byte = 0x55
	BoundElsewhere byte = 0xAA
	RightCode      byte = 0x5A
	WrongCode      byte = 0xA5
)

// Seeded returns reproducible randomness.
func Seeded(seed byte) *mathrand.ChaCha8 { return mathrand.NewChaCha8([32]byte{seed}) }

// Unhex decodes hex.
func Unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// Device is what a host needs of a device.
type Device interface {
	Link(context.Context) (transport.Link, error)
	Certificate() []byte
}

// Host is a host with the key of its app, on a link to a device. A failure ends the test T.
type Host struct {
	T    testing.TB
	Link transport.Link
	Key  *secp256k1.PrivateKey

	device Device
	screen func() []string
}

// New connects a host to a device. screen returns the lines of the device's screen.
func New(t testing.TB, d Device, screen func() []string, seed byte) *Host {
	t.Helper()
	link, err := d.Link(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { link.Close() })
	return On(t, link, d, screen, seed)
}

// On returns a host on a link that is open.
func On(t testing.TB, link transport.Link, d Device, screen func() []string, seed byte) *Host {
	return &Host{T: t, Link: link, Key: NewKey(seed), device: d, screen: screen}
}

// As returns another app's host on the same link.
func (h *Host) As(seed byte) *Host {
	other := *h
	other.Key = NewKey(seed)
	return &other
}

// Pub is the app's public key.
func (h *Host) Pub() []byte { return h.Key.PubKey().SerializeUncompressed() }

// Send sends packets.
func (h *Host) Send(packets ...frame.Packet) {
	h.T.Helper()
	for _, p := range packets {
		require.NoError(h.T, h.Link.Send(context.Background(), &p))
	}
}

// Message sends a message.
func (h *Host) Message(msg []byte) {
	h.T.Helper()
	packets, err := frame.Split(msg)
	require.NoError(h.T, err)
	h.Send(packets...)
}

// Receive receives a packet.
func (h *Host) Receive() frame.Packet {
	h.T.Helper()
	ctx, stop := context.WithTimeout(context.Background(), Timeout)
	defer stop()
	p, err := h.Link.Receive(ctx)
	require.NoError(h.T, err)
	return p
}

// ReceiveAfterKeepAlives receives the next packet that is no keep-alive.
func (h *Host) ReceiveAfterKeepAlives() frame.Packet {
	h.T.Helper()
	for {
		p := h.Receive()
		var in frame.Assembler
		if event, err := in.Add(p[:]); err != nil || event.Kind != frame.WasKeepAlive {
			return p
		}
	}
}

// Answer receives a response. It counts keep-alives; an ERROR fails the test.
func (h *Host) Answer() (data []byte, sw apdu.StatusWord, keepAlives int) {
	h.T.Helper()
	var in frame.Assembler
	for {
		p := h.Receive()
		event, err := in.Add(p[:])
		require.NoError(h.T, err)
		switch event.Kind {
		case frame.WasKeepAlive:
			keepAlives++
		case frame.Message:
			r, err := apdu.ParseResponse(event.Data)
			require.NoError(h.T, err)
			return r.Data, r.SW, keepAlives
		default:
			require.Equal(h.T, frame.None, event.Kind)
		}
	}
}

// Raw exchanges a message.
func (h *Host) Raw(msg []byte) ([]byte, apdu.StatusWord) {
	h.T.Helper()
	h.Message(msg)
	data, sw, _ := h.Answer()
	return data, sw
}

// APDU exchanges a command in hex.
func (h *Host) APDU(command string) ([]byte, apdu.StatusWord) {
	h.T.Helper()
	return h.Raw(Unhex(h.T, command))
}

// OK exchanges a command in hex that must succeed.
func (h *Host) OK(command string) []byte {
	h.T.Helper()
	data, sw := h.APDU(command)
	require.Equal(h.T, apdu.OK, sw, "%s", command)
	return data
}

// SW exchanges a command in hex that must be answered with a status word, and without data unless that is 9000.
func (h *Host) SW(want apdu.StatusWord, command string) {
	h.T.Helper()
	data, sw := h.APDU(command)
	require.Equal(h.T, want, sw, "%s: got %04X", command, uint16(sw))
	if want != apdu.OK {
		require.Empty(h.T, data)
	}
}

// Idle checks that nothing is under way: a CANCEL has nothing to cancel, and its answer is the next packet.
func (h *Host) Idle() {
	h.T.Helper()
	h.Send(frame.Cancel())
	require.Equal(h.T, frame.Error(frame.InvalidCommand), h.Receive())
}

// Check exchanges SELECT and BIND_CHECK and returns the status byte.
func (h *Host) Check() byte {
	h.T.Helper()
	h.OK(SelectIMK)
	data := h.OK("8071000041" + hex.EncodeToString(h.Pub()) + "00")
	require.Greater(h.T, len(data), 100)
	return data[0]
}

// SEPublicKey is the secure element's public key in the device's certificate.
func (h *Host) SEPublicKey() []byte {
	h.T.Helper()
	head := []byte{0x7F, 0x49, 0x47, 0xB0, 0x41} // core/PROTOCOL.md section 4
	_, rest, ok := bytes.Cut(h.device.Certificate(), head)
	require.True(h.T, ok && len(rest) >= 65, "no key in the certificate")
	return rest[:65]
}

// Proof returns the IDENTITY_VERIFY command for a code.
func (h *Host) Proof(code string) []byte {
	h.T.Helper()
	se := h.SEPublicKey()
	point, err := secp256k1.ParsePubKey(se)
	require.NoError(h.T, err)
	session := sha1.Sum(secp256k1.GenerateSharedSecret(h.Key, point))
	a, b := sha256.Sum256([]byte("bindingCode")), sha256.Sum256([]byte(code))
	iv := make([]byte, 16)
	for i := range iv {
		iv[i] = a[i] ^ b[i]
	}
	sum := sha256.Sum256(append(append([]byte(code), h.Pub()...), se...))
	data := append(sum[:], bytes.Repeat([]byte{16}, 16)...)
	block, err := aes.NewCipher(session[:16])
	require.NoError(h.T, err)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	cmd := append([]byte{0x80, 0x73, 0x80, 0x00, 0x71}, h.Pub()...)
	return append(append(cmd, data...), 0)
}

// Verify exchanges IDENTITY_VERIFY and returns the status byte.
func (h *Host) Verify(code string) byte {
	h.T.Helper()
	data, sw := h.Raw(h.Proof(code))
	require.Equal(h.T, apdu.OK, sw)
	require.Len(h.T, data, 1)
	return data[0]
}

// Bind binds the app as a user does, who reads the screen and types the code. It returns the code.
func (h *Host) Bind() string {
	h.T.Helper()
	h.Check()
	h.OK(ShowCode)
	code := h.ShownCode()
	require.NotEmpty(h.T, code)
	require.Equal(h.T, RightCode, h.Verify(code))
	return code
}

// BindingSignature signs the bytes of a payload with the app's key. high chooses the half of the order in which s lies.
func (h *Host) BindingSignature(signed []byte, high bool) []byte {
	first := sha256.Sum256(signed)
	sig := ecdsa.Sign(h.Key, sha256.Sum256(first[:]), nil)
	if sig.High() != high {
		sig = sig.Negated()
	}
	return sig.DER()
}

var codeLine = regexp.MustCompile(`^[2-9A-HJ-NP-Z]{8}$`)

// CodeOn returns the line of a screen that is a binding code, or "".
func CodeOn(screen []string) string {
	for _, line := range screen {
		if codeLine.MatchString(line) {
			return line
		}
	}
	return ""
}

// ShownCode returns the binding code on the device's screen, or "".
func (h *Host) ShownCode() string { return CodeOn(h.screen()) }

// Wrong returns a code that differs from the right one.
func Wrong(code string) string {
	if code[0] == '2' {
		return "3" + code[1:]
	}
	return "2" + code[1:]
}

// Await waits until a device's status satisfies want, and returns it.
func Await[S any](t testing.TB, d interface {
	Watch() (<-chan struct{}, func())
	Status() S
}, what string, want func(S) bool) S {
	t.Helper()
	changes, stop := d.Watch()
	defer stop()
	timeout := time.NewTimer(Timeout)
	defer timeout.Stop()
	for {
		if s := d.Status(); want(s) {
			return s
		}
		select {
		case <-changes:
		case <-timeout.C:
			require.FailNow(t, "never: "+what, "%+v", d.Status())
		}
	}
}

// NewKey returns the key of a test's app.
func NewKey(seed byte) *secp256k1.PrivateKey {
	return secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{seed}, 32))
}
