package simtest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"testing/cryptotest"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/tlv"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/replay"
	"imkey-connect/devicesim/serve"
	"imkey-connect/devicesim/simtest"
)

// paper is the file of a recording.
type paper struct{ bytes.Buffer }

func (*paper) Close() error { return nil }

// recordedSession is what a host has got in a session, and the code with which it was bound.
type recordedSession struct {
	address, transaction, message, code string
}

// session binds this host and signs, with the code on the device's screen or, with a recording, with the code of the recording.
func (h *host) session(link transport.Link, read func() string) (r recordedSession) {
	b, dev := h.open(link)
	require.Equal(h.t, binding.Unbound, h.status(b))
	require.NoError(h.t, b.ShowCode(h.ctx))
	r.code = read()
	require.NoError(h.t, b.Bind(h.ctx, r.code, binding.BindOptions{}))
	e := ethereum.New(dev, h)
	account, err := e.Account(h.ctx, by.Path, true)
	require.NoError(h.t, err)
	r.address = account.Address.String()
	tx := ether(account.Address, 5)
	tx.Data = bytes.Repeat([]byte{0xAB}, 500) // several chunks
	signed, err := e.SignTransaction(h.ctx, by, tx, ethereum.Ether, nil)
	require.NoError(h.t, err)
	r.transaction = hex.EncodeToString(signed.Raw)
	message, err := e.SignMessage(h.ctx, by, []byte("recorded"))
	require.NoError(h.t, err)
	r.message = hex.EncodeToString(message.Signature[:])
	require.NoError(h.t, dev.Close())
	return r
}

// privateKeys returns the app keys in this host's records, in hex.
func (h *host) privateKeys(seid string) []string {
	record, err := h.store.Get(h.ctx, seid)
	require.NoError(h.t, err)
	all, err := tlv.All(record[1:])
	require.NoError(h.t, err)
	var keys []string
	for _, f := range all {
		if f.Tag == 0x84 {
			keys = append(keys, hex.EncodeToString(f.Value))
		}
	}
	require.Len(h.t, keys, 1)
	return keys
}

// TestRecordAndReplay records a pairing, an account and two signatures, and plays the recording without a wallet.
func TestRecordAndReplay(t *testing.T) {
	record := &paper{}
	s, err := serve.Start(serve.Options{
		Devices:   []device.Options{{Mnemonic: testPhrase, Approve: device.Yes}},
		Recording: func(n int) (io.WriteCloser, error) { require.Equal(t, 1, n); return record, nil },
	})
	require.NoError(t, err)
	defer s.Close()
	cryptotest.SetGlobalRandom(t, 7) // for the app key; the device has other randomness
	d := s.Device(1)
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	first := h.session(link, func() string { return h.readCode(d) })
	require.Equal(t, testAddress, first.address)
	keys := h.privateKeys(d.Status().SEID)
	require.NoError(t, s.Close())
	text := record.String()

	// The recording has no secrets, which are not sent over USB.
	require.NotContains(t, text, first.code)
	for _, secret := range append(keys, hex.EncodeToString([]byte(first.code))) {
		require.NotContains(t, strings.ToLower(text), secret)
	}
	for _, word := range strings.Fields(testPhrase) {
		require.NotContains(t, text, hex.EncodeToString([]byte(word)))
	}
	script, err := replay.Parse(record.Bytes())
	require.NoError(t, err)
	require.Greater(t, len(script.Exchanges), 15)
	ca, err := hex.DecodeString(script.CA)
	require.NoError(t, err)
	key, err := secp256k1.ParsePublicKey(ca)
	require.NoError(t, err)

	play := func(t *testing.T, o replay.Options) (*host, *replay.Device) {
		p := replay.New(script, o)
		h := newHost(t, d)
		h.trustedCAs = []secp256k1.PublicKey{key}
		return h, p
	}
	t.Run("byte for byte, to a host that draws the same key", func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, 7)
		h, p := play(t, replay.Options{})
		link, err := p.Link(h.ctx)
		require.NoError(t, err)
		tap := &tap{Link: link}
		require.Equal(t, first, h.session(tap, func() string { return first.code }))
		require.NoError(t, p.Done())
	})
	t.Run("to any host", func(t *testing.T) {
		h, p := play(t, replay.Options{AnyHost: true})
		link, err := p.Link(h.ctx)
		require.NoError(t, err)
		require.Equal(t, first, h.session(link, func() string { return first.code }))
		require.NoError(t, p.Done())
		require.NotEqual(t, keys, h.privateKeys(d.Status().SEID))
	})
	t.Run("not byte for byte to another host", func(t *testing.T) {
		h, p := play(t, replay.Options{})
		link, err := p.Link(h.ctx)
		require.NoError(t, err)
		b, _ := h.open(link)
		_, err = b.Status(h.ctx)
		require.Error(t, err)
		require.ErrorContains(t, p.Err(), "BIND_CHECK")
	})
	t.Run("a dApp that asks for something else is found out", func(t *testing.T) {
		h, p := play(t, replay.Options{AnyHost: true})
		link, err := p.Link(h.ctx)
		require.NoError(t, err)
		b, dev := h.open(link)
		h.status(b)
		require.NoError(t, b.ShowCode(h.ctx))
		require.NoError(t, b.Bind(h.ctx, first.code, binding.BindOptions{}))
		_, err = ethereum.New(dev, h).Account(h.ctx, ethereum.BIP44(1), true)
		require.Error(t, err)
		require.ErrorContains(t, p.Err(), "m/44'/60'/0'/0/0, and the host sent read public key m/44'/60'/0'/0/1")
	})
}

// TestARecordingOfACancelledCommand checks that the command has no answer, and that comments name the hosts.
func TestARecordingOfACancelledCommand(t *testing.T) {
	record := &paper{}
	s, err := serve.Start(serve.Options{
		Devices:   []device.Options{{Mnemonic: testPhrase}},
		Recording: func(int) (io.WriteCloser, error) { return record, nil },
	})
	require.NoError(t, err)
	defer s.Close()
	d := s.Device(1)
	h := newHost(t, d)
	_, dev := h.connect(d)
	e := unbound(t, dev)
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(h.ctx)
	go func() {
		_, err := e.SignMessage(ctx, by, []byte("never"))
		done <- err
	}()
	require.NoError(t, simtest.WaitFor(h.ctx, d, func(s device.Status) bool { return s.Asking }))
	cancel()
	require.Error(t, <-done)
	require.NoError(t, dev.Close())
	require.NoError(t, s.Close())

	script, err := replay.Parse(record.Bytes())
	require.NoError(t, err)
	for _, e := range script.Exchanges {
		require.Equal(t, e.Command[1] == 0x54, e.Answer == nil, "%x", e.Command)
	}
	require.Contains(t, record.String(), "# attached by this process\n")
	require.Contains(t, record.String(), "# detached\n")
}
