package devicesim

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
)

const (
	testMnemonic = "inject kidney empty canal shadow pact comfort wife crush horse wife sketch"
	patience     = 20 * time.Second

	selectIMK = "00A4040005695F696D6B00"
	selectCM  = "00A4040000"
	showCode  = "8072000000"
)

func seeded(seed byte) *mathrand.ChaCha8 { return mathrand.NewChaCha8([32]byte{seed}) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func newDevice(t testing.TB, o Options) *Device {
	t.Helper()
	if o.Rand == nil {
		o.Rand = seeded(1)
	}
	d, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// host is a host with its key, written without core's channel and binding.
type host struct {
	t    testing.TB
	d    *Device
	link transport.Link
	key  *secp256k1.PrivateKey
}

func newHost(t testing.TB, d *Device, seed byte) *host {
	t.Helper()
	link, err := d.Link(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { link.Close() })
	return &host{t, d, link, newKey(seed)}
}

// as is another host's key on the same link.
func (h *host) as(seed byte) *host {
	other := *h
	other.key = newKey(seed)
	return &other
}

func (h *host) pub() []byte { return h.key.PubKey().SerializeUncompressed() }

func (h *host) send(packets ...frame.Packet) {
	h.t.Helper()
	for _, p := range packets {
		require.NoError(h.t, h.link.Send(context.Background(), &p))
	}
}

func (h *host) message(msg []byte) {
	h.t.Helper()
	packets, err := frame.Split(msg)
	require.NoError(h.t, err)
	h.send(packets...)
}

func (h *host) receive() frame.Packet {
	h.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	p, err := h.link.Receive(ctx)
	require.NoError(h.t, err)
	return p
}

// answer collects a response; keep-alives are counted, an ERROR fails the test.
func (h *host) answer() ([]byte, apdu.StatusWord, int) {
	h.t.Helper()
	var in frame.Assembler
	for keepAlives := 0; ; {
		p := h.receive()
		event, err := in.Add(p[:])
		require.NoError(h.t, err)
		switch event.Kind {
		case frame.WasKeepAlive:
			keepAlives++
		case frame.Message:
			r, err := apdu.ParseResponse(event.Data)
			require.NoError(h.t, err)
			return r.Data, r.SW, keepAlives
		default:
			require.Equal(h.t, frame.None, event.Kind)
		}
	}
}

func (h *host) raw(msg []byte) ([]byte, apdu.StatusWord) {
	h.t.Helper()
	h.message(msg)
	data, sw, _ := h.answer()
	return data, sw
}

func (h *host) apdu(command string) ([]byte, apdu.StatusWord) {
	h.t.Helper()
	return h.raw(unhex(h.t, command))
}

func (h *host) ok(command string) []byte {
	h.t.Helper()
	data, sw := h.apdu(command)
	require.Equal(h.t, apdu.OK, sw, "%s", command)
	return data
}

func (h *host) sw(want apdu.StatusWord, command string) {
	h.t.Helper()
	data, sw := h.apdu(command)
	require.Equal(h.t, want, sw, "%s: got %04X", command, uint16(sw))
	if want != apdu.OK {
		require.Empty(h.t, data)
	}
}

// idle says that nothing is on its way: a CANCEL has nothing to cancel, and its answer is the next packet.
func (h *host) idle() {
	h.t.Helper()
	h.send(frame.Cancel())
	require.Equal(h.t, frame.Error(frame.InvalidCommand), h.receive())
}

// check is SELECT and BIND_CHECK; it returns the status byte.
func (h *host) check() byte {
	h.t.Helper()
	h.ok(selectIMK)
	data := h.ok("8071000041" + hex.EncodeToString(h.pub()) + "00")
	require.Greater(h.t, len(data), 100)
	return data[0]
}

func (h *host) sePublicKey() []byte {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return h.d.se.PublicKey()
}

// proof is the IDENTITY_VERIFY command for a code.
func (h *host) proof(code string) []byte {
	se := h.sePublicKey()
	point, err := secp256k1.ParsePubKey(se)
	require.NoError(h.t, err)
	session := sha1.Sum(secp256k1.GenerateSharedSecret(h.key, point))
	a, b := sha256.Sum256([]byte("bindingCode")), sha256.Sum256([]byte(code))
	iv := make([]byte, 16)
	for i := range iv {
		iv[i] = a[i] ^ b[i]
	}
	sum := sha256.Sum256(append(append([]byte(code), h.pub()...), se...))
	data := append(sum[:], bytes.Repeat([]byte{16}, 16)...)
	block, err := aes.NewCipher(session[:16])
	require.NoError(h.t, err)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	cmd := append([]byte{0x80, 0x73, 0x80, 0x00, 0x71}, h.pub()...)
	return append(append(cmd, data...), 0)
}

// verify is IDENTITY_VERIFY; it returns the status byte.
func (h *host) verify(code string) byte {
	h.t.Helper()
	data, sw := h.raw(h.proof(code))
	require.Equal(h.t, apdu.OK, sw)
	require.Len(h.t, data, 1)
	return data[0]
}

// bind pairs as a person does: looks at the screen, types.
func (h *host) bind() string {
	h.t.Helper()
	h.check()
	h.ok(showCode)
	code := shownCode(h.d)
	require.NotEmpty(h.t, code)
	require.Equal(h.t, byte(statusRightCode), h.verify(code))
	return code
}

var codeLine = regexp.MustCompile(`^[2-9A-HJ-NP-Z]{8}$`)

// shownCode is the line of the screen that is a code, or "".
func shownCode(d *Device) string {
	for _, line := range d.Status().Screen {
		if codeLine.MatchString(line) {
			return line
		}
	}
	return ""
}

func wrong(code string) string {
	if code[0] == '2' {
		return "3" + code[1:]
	}
	return "2" + code[1:]
}

// await waits until the status is as wanted.
func await(t testing.TB, d *Device, what string, want func(Status) bool) Status {
	t.Helper()
	changes, stop := d.Watch()
	defer stop()
	timeout := time.NewTimer(patience)
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

func asking(s Status) bool { return s.Asking }

func newKey(seed byte) *secp256k1.PrivateKey {
	return secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{seed}, 32))
}
