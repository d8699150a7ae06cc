package ethereum

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/keccak"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
	"imkey-connect/core/transport/transporttest"
)

const selectEthereum = "00A4040005695F65746800"

// plugged opens a device that answers only the commands of the identification.
func plugged(t *testing.T, waiting func(bool), test func(*transporttest.Table, *device.Device)) {
	d := transporttest.NewTable()
	defer d.Unplug()
	d.Answer("00A4040000", "9000")
	d.Answer("80CB800005DFFF028101", "190600000002008600010100000000149000")
	d.Answer("80CA004400", "696D4B657930313139313230303030319000")
	go d.Play(t.Context())
	dev, err := device.Open(t.Context(), d, waiting)
	require.NoError(t, err)
	test(d, dev)
}

// imkey is a bound device with the Ethereum applet of core/PROTOCOL.md section 6 and the test wallet.
type imkey struct {
	*transporttest.Table
	*Ethereum
	dev    *device.Device
	t      *testing.T
	wallet node
	se     *decred.PrivateKey
	app    secp256k1.PrivateKey

	mu       sync.Mutex
	highS    bool
	lost     map[byte][]byte // instruction → answer instead of its own; nil leaves it pending
	tamper   map[byte]func([]byte) []byte
	prepared map[byte][]byte // instruction → payload
	screen   []string
}

// hosted runs a test in fake time with a device that is bound to this app.
func hosted(t *testing.T, test func(t *testing.T, d *imkey)) {
	synctest.Test(t, func(t *testing.T) {
		plugged(t, nil, func(table *transporttest.Table, dev *device.Device) {
			app, err := decred.GeneratePrivateKey()
			require.NoError(t, err)
			se, err := decred.GeneratePrivateKey()
			require.NoError(t, err)
			d := &imkey{Table: table, dev: dev, t: t, wallet: testWallet(), se: se, app: secp256k1.PrivateKey(app.Serialize()),
				lost: map[byte][]byte{}, tamper: map[byte]func([]byte) []byte{}, prepared: map[byte][]byte{}}
			d.Ethereum = New(dev, signing.BinderFunc(func(context.Context, *device.Session) (signing.Keys, error) {
				return signing.Keys{App: d.app, SE: secp256k1.PublicKey(se.PubKey().SerializeUncompressed())}, nil
			}))
			d.On(selectEthereum, func([]byte) []byte {
				d.mu.Lock()
				defer d.mu.Unlock()
				clear(d.prepared)
				return []byte{0x90, 0x00}
			})
			d.On("80", d.answer)
			test(t, d)
		})
	})
}

// use replaces the binder.
func (d *imkey) use(b signing.Binder) { d.Ethereum = New(d.dev, b) }

func (d *imkey) answer(b []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	cmd, err := apdu.Parse(b)
	require.NoError(d.t, err)
	if a, ok := d.lost[cmd.INS]; ok {
		return a
	}
	data, sw := d.execute(cmd)
	if f := d.tamper[cmd.INS]; f != nil {
		data = f(data)
	}
	return apdu.Response{Data: data, SW: sw}.Bytes()
}

func (d *imkey) execute(cmd apdu.Command) ([]byte, apdu.StatusWord) {
	switch cmd.INS {
	case insPublicKey:
		n := d.wallet.derive(must(hdpath.Parse(string(cmd.Data))))
		pub := n.public()
		answer := append(pub[:], n.ChainCode[:]...)
		digest := sha256.Sum256(answer)
		return append(answer, ecdsa.Sign(d.se, digest[:]).Serialize()...), apdu.OK
	case insShowAddress:
		d.screen = append(d.screen, string(cmd.Data))
		return nil, apdu.OK
	case insPrepareTransaction, insPrepareMessage:
		if cmd.P1 == 0 {
			clear(d.prepared)
		}
		d.prepared[cmd.INS] = append(d.prepared[cmd.INS], cmd.Data...)
		if cmd.P2 == 0x80 {
			return nil, d.confirm(cmd.INS)
		}
		return nil, apdu.OK
	case insSignTransaction, insSignMessage:
		payload := d.prepared[cmd.INS-1]
		delete(d.prepared, cmd.INS-1)
		if payload == nil {
			return nil, apdu.ConditionsNotSatisfied
		}
		data, _ := d.parse(payload)
		n := d.wallet.derive(must(hdpath.Parse(string(cmd.Data))))
		return append([]byte{0x41}, n.sign(keccak.Sum256(data), d.highS)...), apdu.OK
	}
	return nil, apdu.InstructionNotSupported
}

// parse returns the data to be signed and the strings for the screen.
func (d *imkey) parse(payload []byte) (data []byte, screen []string) {
	body := payload[2+int(payload[1]):]
	require.Equal(d.t, byte(tagData), body[0])
	n := int(body[1])<<8 | int(body[2])
	data, rest := body[3:3+n], body[3+n:]
	for _, tag := range []byte{tagPayment, tagReceiver, tagFee} {
		if len(rest) == 0 {
			break
		}
		require.Equal(d.t, tag, rest[0])
		screen = append(screen, string(rest[2:2+int(rest[1])]))
		rest = rest[2+int(rest[1]):]
	}
	require.Empty(d.t, rest)
	return data, screen
}

// confirm checks the binding signature with the other library, and shows the request.
func (d *imkey) confirm(ins byte) apdu.StatusWord {
	payload := d.prepared[ins]
	require.Equal(d.t, byte(0), payload[0])
	n := int(payload[1])
	sig, err := ecdsa.ParseDERSignature(payload[2 : 2+n])
	digest := sha256.Sum256(payload[2+n:])
	digest = sha256.Sum256(digest[:])
	if err != nil || !sig.Verify(digest[:], decred.PrivKeyFromBytes(d.app[:]).PubKey()) {
		return apdu.SignatureFailed
	}
	_, d.screen = d.parse(payload)
	return apdu.OK
}

// requests returns the number of commands with an instruction.
func (d *imkey) requests(ins string) (n int) {
	for _, cmd := range d.Sent() {
		if strings.HasPrefix(cmd, "80"+ins) {
			n++
		}
	}
	return n
}

// replay runs a test with a device that plays back recorded exchanges in their order, and no others.
func replay(t *testing.T, exchanges []struct{ Cmd, Rsp string }, test func(*testing.T, *Ethereum)) {
	synctest.Test(t, func(t *testing.T) {
		plugged(t, nil, func(table *transporttest.Table, dev *device.Device) {
			var mu sync.Mutex
			next := 0
			play := func(cmd []byte) []byte {
				mu.Lock()
				defer mu.Unlock()
				if next == len(exchanges) || !strings.EqualFold(exchanges[next].Cmd, hex.EncodeToString(cmd)) {
					t.Errorf("exchange %d is not as recorded: %x", next, cmd)
					return []byte{0x6F, 0x00}
				}
				next++
				return must(hex.DecodeString(exchanges[next-1].Rsp))
			}
			table.On("80", play)
			table.On(selectEthereum, play)
			se := secp256k1.PublicKey(must(hex.DecodeString(vectors.SE.Key)))
			test(t, New(dev, signing.Unbound(se)))
			require.Equal(t, len(exchanges), next, "all recorded commands were sent")
		})
	})
}
