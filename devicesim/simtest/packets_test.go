package simtest_test

import (
	"context"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/device"
)

// counter is a link that counts packets in both directions, without keep-alives.
type counter struct {
	transport.Link
	out, in int
}

func (l *counter) Send(ctx context.Context, p *frame.Packet) error {
	l.out++
	return l.Link.Send(ctx, p)
}

func (l *counter) Receive(ctx context.Context) (frame.Packet, error) {
	p, err := l.Link.Receive(ctx)
	if err == nil && frame.Command(p[4]) != frame.KEEPALIVE {
		l.in++
	}
	return p, err
}

// taken returns the packets since the last call.
func (l *counter) taken() int {
	n := l.out + l.in
	l.out, l.in = 0, 0
	return n
}

// packets is the number of packets of one message with n bytes: 57 in the first packet, 59 in each other.
func packets(n int) int {
	if n <= 57 {
		return 1
	}
	return 1 + (n-57+58)/59
}

// exchange is the number of packets of a command with n bytes of data and an answer with m bytes of data.
func exchange(n, m int) int {
	command := 4
	if n > 0 {
		command += 1 + n
	}
	return packets(command+1) + packets(m+2)
}

// prepare is the number of packets of a payload with n bytes, in commands of 245 bytes.
func prepare(n int) (all int) {
	for ; n > 245; n -= 245 {
		all += exchange(245, 0)
	}
	return all + exchange(n, 0)
}

// The lengths of parts of messages. A DER signature has 70 to 72 bytes; the longest counts.
const (
	der       = 72
	pathText  = len("m/44'/60'/0'/0/0")
	parent    = len("m/44'/60'/0'/0")
	key       = 65 + 32 + der
	signature = 66
)

// cancel and selectApplet are what brings a device with an unknown past to idle and to an applet.
const cancel = 2

var selectApplet = exchange(5, 0)

// TestPackets holds each operation to the fewest packets that the framing permits, plus a remainder that the table explains. The
// device answers at once, and the length of its signatures decides about one packet at most.
func TestPackets(t *testing.T) {
	d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	c := &counter{Link: link}
	dev, err := coredevice.Open(h.ctx, c, nil)
	require.NoError(t, err)
	defer func() { dev.Close() }()
	b := binding.New(dev, binding.Config{Store: h.store, TrustedCAs: h.trustedCAs})
	certificate := len(dev.Info().Certificate)
	opened := c.taken()
	e := ethereum.New(dev, binder(b, binding.Consent{}))
	// resumed lets another program use the device in between.
	resumed := func(do func() error) func() error {
		return func() error {
			require.NoError(t, dev.Close())
			link, err := d.Link(h.ctx)
			require.NoError(t, err)
			c.Link = link
			dev, err = coredevice.Resume(h.ctx, c, nil, dev)
			require.NoError(t, err)
			e = ethereum.New(dev, binder(binding.New(dev, binding.Config{Store: h.store, TrustedCAs: h.trustedCAs}), binding.Consent{}))
			return do()
		}
	}
	me := by
	from, err := ethereum.ParseAddress(testAddress)
	require.NoError(t, err)
	me.From = &from

	message := []byte("Hello imKey")
	// What a payload has besides the data: binding signature, tag and length; the texts of a transfer.
	const head = 2 + der + 3
	prefixed := len("\x19Ethereum Signed Message:\n") + 2 + len(message)
	sends := func(tx *ethereum.Transaction) int {
		unsigned, err := tx.Unsigned()
		require.NoError(t, err)
		n := head + len(unsigned)
		if tx.HasScreen() {
			s, err := tx.Summarize(ethereum.Ether)
			require.NoError(t, err)
			n += 2 + len(s.Payment) + 2 + len(s.Receiver) + 2 + len(s.Fee)
		}
		return prepare(n) + exchange(pathText, signature)
	}
	sign := func(tx *ethereum.Transaction) func() error {
		return func() error {
			_, err := e.SignTransaction(h.ctx, me, tx, ethereum.Ether, nil)
			return err
		}
	}
	to := ethereum.Address{1}
	transfer := ether(to, 1)
	legacy := &ethereum.Transaction{Type: ethereum.TypeLegacy, ChainID: big.NewInt(1), GasPrice: big.NewInt(6e9), Gas: 21000, To: &to, Value: big.NewInt(1)}
	listed := *legacy
	listed.Type, listed.AccessList = ethereum.TypeAccessList, []ethereum.AccessTuple{{Address: to, StorageKeys: make([][32]byte, 2)}}
	setCode := *transfer
	setCode.Type = ethereum.TypeSetCode
	setCode.AuthorizationList = []ethereum.Authorization{{ChainID: big.NewInt(1), Address: to, R: big.NewInt(1), S: big.NewInt(1)}}
	call := *transfer
	call.Data = make([]byte, 6000)
	large := *transfer
	large.Data = make([]byte, 65000)
	typed := &ethereum.TypedData{}

	t.Logf("open: %d", opened)
	require.LessOrEqual(t, opened, 25)
	for _, test := range []struct {
		name      string
		do        func() error
		least     int    // what the framing permits
		remainder int    // what is asked besides
		why       string // the remainder
	}{
		{"pair", func() error {
			h.status(b)
			return b.Bind(h.ctx, h.readCode(d), binding.BindOptions{})
		}, exchange(65, 1+certificate) + exchange(65+48, 1), 2*selectApplet + exchange(65, 1+certificate), "SELECT twice, and the certificate again just before the code is proven"},
		{"first account", func() error {
			_, err := e.Account(h.ctx, by.Path, false)
			return err
		}, exchange(pathText, key), selectApplet, "SELECT"},
		{"the same account again", func() error {
			_, err := e.Account(h.ctx, by.Path, false)
			return err
		}, 0, 0, ""},
		{"ten accounts", func() error {
			_, err := e.Accounts(h.ctx, by.Path[:len(by.Path)-1], 0, 10)
			return err
		}, exchange(parent, key), 0, ""},
		{"message", func() error {
			_, err := e.SignMessage(h.ctx, me, message)
			return err
		}, prepare(head+prefixed) + exchange(pathText, signature), 0, ""},
		{"type 0", sign(legacy), sends(legacy), 0, ""},
		{"type 1", sign(&listed), sends(&listed), 0, ""},
		{"type 2", sign(transfer), sends(transfer), 0, ""},
		{"type 4", sign(&setCode), sends(&setCode), 0, ""},
		{"typed data", func() error {
			_, err := e.SignTypedData(h.ctx, me, typed)
			return err
		}, prepare(head+66) + exchange(pathText, signature), 0, ""},
		{"message, link given up", resumed(func() error {
			_, err := e.SignMessage(h.ctx, me, message)
			return err
		}), prepare(head+prefixed) + exchange(pathText, signature), cancel + selectApplet, "CANCEL, SELECT"},
		{"type 2, link given up", resumed(func() error { return sign(transfer)() }), sends(transfer), cancel + selectApplet, "CANCEL, SELECT"},
		{"account, link given up", resumed(func() error {
			_, err := e.Account(h.ctx, by.Path, false)
			return err
		}), exchange(pathText, key), cancel + selectApplet, "CANCEL, SELECT"},
		{"first account of a page, bound", func() error {
			require.NoError(t, dev.Close())
			link, err := d.Link(h.ctx)
			require.NoError(t, err)
			c.Link = link
			dev, b = h.recognise(c)
			require.LessOrEqual(t, c.out+c.in, cancel+selectApplet+exchange(5, 16), "open() of a known device: CANCEL, SELECT, SEID")
			e = ethereum.New(dev, binder(b, binding.Consent{}))
			_, err = e.Account(h.ctx, by.Path, false)
			return err
		}, exchange(pathText, key), cancel + 2*selectApplet + exchange(5, 16), "CANCEL, SELECT twice, SEID"},
		{"call with 6,000 bytes", sign(&call), sends(&call), 0, ""},
		{"call with 65,000 bytes", sign(&large), sends(&large), 0, ""},
	} {
		c.taken()
		require.NoError(t, test.do(), test.name)
		got := c.taken()
		t.Logf("| %-24s | %5d | %5d | %s |", test.name, test.least, got, test.why)
		require.LessOrEqual(t, got, test.least+test.remainder, test.name)
	}
}
