package simtest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation"
	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/frame"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/signing"
	"imkey-connect/core/tlv"
	"imkey-connect/core/transport"
	"imkey-connect/core/tron"
	simulated "imkey-connect/devicesim/applets/ethereum"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
)

const (
	testPhrase  = "inject kidney empty canal shadow pact comfort wife crush horse wife sketch"
	testAddress = "0x6031564e7b2F5cc33737807b2E58DaFF870B590b"
)

var by = ethereum.Signer{Path: ethereum.BIP44(0)}

// bind binds this host to the device.
func (h *host) bind(b *binding.Binding, d *device.Device) {
	h.status(b)
	require.NoError(h.t, b.ShowCode(h.ctx))
	require.NoError(h.t, b.Bind(h.ctx, h.readCode(d), binding.BindOptions{}))
	require.NoError(h.t, d.Home())
}

// Keys are those of the host's record (tags of core/binding's version 1): this host is an [signing.Binder].
func (h *host) Keys(ctx context.Context, s *coredevice.Session) (k signing.Keys, err error) {
	record, err := h.store.Get(ctx, s.SEID())
	if err != nil {
		return k, err
	}
	all, err := tlv.All(record[1:])
	for _, f := range all {
		switch f.Tag {
		case 0x84:
			copy(k.App[:], f.Value)
		case 0x85:
			copy(k.SE[:], f.Value)
		}
	}
	return k, err
}

// wallet returns a device with the test wallet, and the Ethereum applet for a bound host.
func wallet(t *testing.T, o device.Options) (*device.Device, *host, *ethereum.Ethereum, *coredevice.Device) {
	o.Mnemonic = testPhrase
	d := newDevice(t, o)
	h := newHost(t, d)
	b, dev := h.connect(d)
	h.bind(b, d)
	return d, h, ethereum.New(dev, h), dev
}

// unbound returns the applet for an unbound host that expects the device's own SE key.
func unbound(t *testing.T, dev *coredevice.Device) *ethereum.Ethereum {
	c, err := attestation.Parse(dev.Info().Certificate)
	require.NoError(t, err)
	return ethereum.New(dev, signing.Unbound(c.PublicKey))
}

func number(t *testing.T, s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	require.True(t, ok, s)
	return n
}

func ether(to ethereum.Address, wei int64) *ethereum.Transaction {
	return &ethereum.Transaction{Type: ethereum.TypeDynamicFee, ChainID: big.NewInt(1), MaxPriorityFeePerGas: big.NewInt(1e9),
		MaxFeePerGas: big.NewInt(6e9), Gas: 21000, To: &to, Value: big.NewInt(wei)}
}

// TestRecordedSessions checks that core and the simulator together have the results of recorded sessions.
func TestRecordedSessions(t *testing.T) {
	var vectors struct {
		RecordedSessions []struct {
			Name   string
			Expect struct {
				Address, Pubkey, SignedTx, TxHash, Signature string
				Input                                        struct{ To, Value, GasLimit, GasPrice, Nonce, ChainID, Message string }
			}
		}
		Ethereum []struct{ Kind, Unsigned, Signed, Hash, From, Message, Signature string }
	}
	b, err := os.ReadFile("../../core/testdata/vectors/imkey.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &vectors))

	d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	h := newHost(t, d)
	_, dev := h.connect(d)
	e := unbound(t, dev)
	require.Len(t, vectors.RecordedSessions, 3)
	for _, s := range vectors.RecordedSessions {
		switch x := s.Expect; {
		case x.Address != "":
			a, err := e.Account(h.ctx, by.Path, true)
			require.NoError(t, err)
			require.Equal(t, x.Address, a.Address.String())
			require.Equal(t, x.Pubkey, hex.EncodeToString(a.PublicKey[:]))
		case x.SignedTx != "":
			to, err := ethereum.ParseAddress(x.Input.To)
			require.NoError(t, err)
			tx := &ethereum.Transaction{ChainID: number(t, x.Input.ChainID), Nonce: number(t, x.Input.Nonce).Uint64(),
				Gas: number(t, x.Input.GasLimit).Uint64(), GasPrice: number(t, x.Input.GasPrice), To: &to, Value: number(t, x.Input.Value)}
			got, err := e.SignTransaction(h.ctx, by, tx, ethereum.Ether, nil)
			require.NoError(t, err)
			require.Equal(t, x.SignedTx, "0x"+hex.EncodeToString(got.Raw))
			require.Equal(t, x.TxHash, "0x"+hex.EncodeToString(got.Hash[:]))
			require.True(t, got.Unbound)
		default:
			got, err := e.SignMessage(h.ctx, by, []byte(x.Input.Message))
			require.NoError(t, err)
			require.Equal(t, x.Signature, "0x"+hex.EncodeToString(got.Signature[:]))
		}
	}
	require.Len(t, vectors.Ethereum, 6)
	for _, v := range vectors.Ethereum {
		if v.Kind == "personal_sign" {
			message := []byte(v.Message)
			if b, err := hex.DecodeString(strings.TrimPrefix(v.Message, "0x")); err == nil {
				message = b
			}
			got, err := e.SignMessage(h.ctx, by, message)
			require.NoError(t, err)
			require.Equal(t, v.Signature, "0x"+hex.EncodeToString(got.Signature[:]))
			continue
		}
		raw, err := hex.DecodeString(v.Unsigned[2:])
		require.NoError(t, err)
		tx, _, err := ethereum.ParseTransaction(raw)
		require.NoError(t, err)
		got, err := e.SignTransaction(h.ctx, by, tx, ethereum.Ether, nil)
		require.NoError(t, err)
		require.Equal(t, v.Signed, "0x"+hex.EncodeToString(got.Raw))
		require.Equal(t, v.Hash, "0x"+hex.EncodeToString(got.Hash[:]))
		require.Equal(t, v.From, got.From.String())
	}
}

// TestKeys checks that the device derives the same keys as core derives from an extended key.
func TestKeys(t *testing.T) {
	_, h, e, _ := wallet(t, device.Options{})
	accounts, err := e.Accounts(h.ctx, hdpath.Path{44 | hdpath.Hardened, 60 | hdpath.Hardened, hdpath.Hardened, 0}, 0, 5)
	require.NoError(t, err)
	require.Equal(t, testAddress, accounts[0].Address.String())
	for n, account := range accounts {
		own, err := e.Account(h.ctx, ethereum.BIP44(uint32(n)), false)
		require.NoError(t, err)
		require.Equal(t, own, account)
	}
	for _, p := range []hdpath.Path{ethereum.LedgerLive(7), ethereum.Legacy(3), {1}, {1<<32 - 1, 0, 1 << 31}} {
		_, err := e.Account(h.ctx, p, false)
		require.NoError(t, err)
		_, err = e.ExtendedKey(h.ctx, p)
		require.NoError(t, err)
	}
}

// TestTheScreenSaysWhatIsSigned checks that the device shows the texts that core has computed, so that a page can announce them.
// For a transfer the device computes them itself.
func TestTheScreenSaysWhatIsSigned(t *testing.T) {
	d, h, e, _ := wallet(t, device.Options{})
	to, err := ethereum.ParseAddress("0xdAC17F958D2ee523a2206206994597C13D831ec7")
	require.NoError(t, err)
	unknown := ether(to, 5)
	unknown.Data = []byte{1, 2, 3, 4, 5}
	creation := ether(to, 0)
	creation.To, creation.Data = nil, []byte{0x60, 0x01}
	legacy := &ethereum.Transaction{GasPrice: big.NewInt(6e9), Gas: 21000, To: &to, Value: big.NewInt(1e18)}
	transactions := map[string]*ethereum.Transaction{
		"ether": ether(to, 1e18), "one wei": ether(to, 1), "before EIP-155": legacy, "unknown call": unknown, "creation": creation,
	}
	// The device shows an amount of a token that it knows in the token's own unit, which core does not know.
	payments := map[string]string{}
	for _, token := range simulated.Tokens {
		contract, err := ethereum.ParseAddress(token.Contract)
		require.NoError(t, err)
		tx := ether(contract, 0)
		tx.ChainID = new(big.Int).SetUint64(token.ChainID)
		require.Positive(t, token.Decimals, "one and a half of %s", token.Symbol)
		amount := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(token.Decimals)-1), nil)
		amount.Mul(amount, big.NewInt(15))
		tx.Data = append(append(mustHex("a9059cbb000000000000000000000000"), to[:]...), amount.FillBytes(make([]byte, 32))...)
		name := fmt.Sprintf("%s on chain %d", token.Symbol, token.ChainID)
		transactions[name], payments[name] = tx, "1.5 "+token.Symbol
	}
	for name, tx := range transactions {
		t.Run(name, func(t *testing.T) {
			var summary ethereum.Summary
			done := make(chan error, 1)
			go func() {
				_, err := e.SignTransaction(h.ctx, by, tx, ethereum.Ether, func(s ethereum.Summary) { summary = s })
				done <- err
			}()
			pages, err := simtest.ReadQuestion(h.ctx, d)
			require.NoError(t, err)
			text := strings.Join(pages, "")
			require.NoError(t, d.Press(device.OK))
			require.NoError(t, <-done)
			if payment, known := payments[name]; known {
				summary.Payment = payment
			}
			require.Equal(t, "Pay: "+summary.Payment+"To: "+summary.Receiver+"Fee: "+summary.Fee, text)
		})
	}
}

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// TestSignEverything signs transactions and messages of all kinds with a bound host. Core verifies each signature with the
// account's key, and the device parses each payload itself.
func TestSignEverything(t *testing.T) {
	_, h, e, _ := wallet(t, device.Options{Approve: device.Yes})
	random := rand.New(rand.NewPCG(1, 2))
	some := func(max int) []byte {
		b := make([]byte, random.IntN(max+1))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	amount := func() *big.Int { return new(big.Int).SetBytes(some(12)) }
	signatures := 0
	for range 60 {
		for _, kind := range []ethereum.Type{ethereum.TypeLegacy, ethereum.TypeAccessList, ethereum.TypeDynamicFee, ethereum.TypeSetCode} {
			var to ethereum.Address
			copy(to[:], some(20))
			tx := &ethereum.Transaction{Type: kind, ChainID: big.NewInt(1 + int64(random.Uint32())), Nonce: random.Uint64() >> 1, Gas: random.Uint64() >> 32, To: &to,
				Value: amount(), Data: some(700)}
			if kind == ethereum.TypeLegacy || kind == ethereum.TypeAccessList {
				tx.GasPrice = amount()
			} else {
				tx.MaxPriorityFeePerGas = amount()
				tx.MaxFeePerGas = new(big.Int).Add(tx.MaxPriorityFeePerGas, amount())
			}
			if kind != ethereum.TypeLegacy {
				tx.AccessList = []ethereum.AccessTuple{{Address: to, StorageKeys: [][32]byte{{1}, {2}}}, {Address: to}}
			}
			if kind == ethereum.TypeSetCode {
				tx.AuthorizationList = []ethereum.Authorization{{ChainID: big.NewInt(1), Address: to, R: big.NewInt(1), S: big.NewInt(1)}}
			}
			if random.IntN(4) == 0 {
				tx.Data = nil
			}
			got, err := e.SignTransaction(h.ctx, by, tx, ethereum.Ether, nil)
			require.NoError(t, err, "%+v", tx)
			require.Equal(t, testAddress, got.From.String())
			require.False(t, got.Unbound)
			signatures++
		}
		_, err := e.SignMessage(h.ctx, by, some(2000))
		require.NoError(t, err)
		signatures++
	}
	typed, err := ethereum.HashTypedData(map[string]any{
		"types":       map[string]any{"EIP712Domain": []any{map[string]any{"name": "name", "type": "string"}}, "M": []any{map[string]any{"name": "a", "type": "uint256"}}},
		"primaryType": "M", "domain": map[string]any{"name": "d"}, "message": map[string]any{"a": "1"},
	}, ethereum.V4)
	require.NoError(t, err)
	got, err := e.SignTypedData(h.ctx, by, typed)
	require.NoError(t, err)
	require.Equal(t, typed.Digest(), got.Digest)

	// The longest message, and one with one byte more.
	last, total := 0, 0
	signer := by
	signer.Progress = func(sent, of int) { require.GreaterOrEqual(t, sent, last); last, total = sent, of }
	longest := bytes.Repeat([]byte("a"), 0xFFFF-len("\x19Ethereum Signed Message:\n65504"))
	_, err = e.SignMessage(h.ctx, signer, longest)
	require.NoError(t, err)
	require.Equal(t, total, last)
	require.Greater(t, total, 0xFFFF)
	_, err = e.SignMessage(h.ctx, signer, append(longest, 'a'))
	require.ErrorIs(t, err, errcode.InvalidArgument)
	t.Logf("%d random transactions and messages signed and checked", signatures)
}

// TestOnlyTheBoundAppSigns checks that the device signs for the bound app only.
func TestOnlyTheBoundAppSigns(t *testing.T) {
	d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	first, second := newHost(t, d), newHost(t, d)
	b, dev := first.connect(d)
	_, err := unbound(t, dev).SignMessage(first.ctx, by, []byte("m"))
	require.NoError(t, err, "an unbound device signs")
	first.status(b)
	require.NoError(t, b.ShowCode(first.ctx))
	code := first.readCode(d)
	require.NoError(t, b.Bind(first.ctx, code, binding.BindOptions{}))
	_, err = ethereum.New(dev, first).SignMessage(first.ctx, by, []byte("m"))
	require.NoError(t, err)
	_, err = unbound(t, dev).SignMessage(first.ctx, by, []byte("m"))
	require.ErrorIs(t, err, errcode.NotBound)
	d.AllowUnbound(true)
	got, err := unbound(t, dev).SignMessage(first.ctx, by, []byte("m"))
	require.NoError(t, err)
	require.True(t, got.Unbound)
	d.AllowUnbound(false)
	require.NoError(t, dev.Close())

	b, dev = second.connect(d)
	second.status(b)
	require.NoError(t, b.Bind(second.ctx, code, binding.BindOptions{}))
	_, err = ethereum.New(dev, second).SignMessage(second.ctx, by, []byte("m"))
	require.NoError(t, err)
	require.NoError(t, dev.Close())
	_, dev = first.connect(d)
	_, err = ethereum.New(dev, first).SignTransaction(first.ctx, by, ether(ethereum.Address{1}, 1), ethereum.Ether, nil)
	require.ErrorIs(t, err, errcode.BoundElsewhere)

	// The first key that a device answers shows that it has another secure element than the binding.
	other := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	h := newHost(t, other)
	_, otherDevice := h.connect(other)
	c, err := attestation.Parse(dev.Info().Certificate)
	require.NoError(t, err)
	_, err = ethereum.New(otherDevice, signing.Unbound(c.PublicKey)).SignMessage(h.ctx, by, []byte("m"))
	require.ErrorIs(t, err, errcode.Protocol)
}

// TestSigningObstacles checks the error code of each obstacle. When the obstacle is gone, the next request succeeds.
func TestSigningObstacles(t *testing.T) {
	d, h, e, _ := wallet(t, device.Options{Approve: device.Yes})
	signer := by
	sign := func() error {
		_, err := e.SignMessage(h.ctx, signer, []byte("m"))
		return err
	}
	for _, test := range []struct {
		name       string
		put, clear func() error
		want       errcode.Code
	}{
		{"menu", d.Menu, d.Home, errcode.InMenu},
		{"no applet", func() error { return d.SetInstalled("ethereum", false) }, func() error { return d.SetInstalled("ethereum", true) }, errcode.AppletMissing},
		{"boot loader", func() error { return d.SetBootLoader(true) }, func() error { return d.SetBootLoader(false) }, errcode.BootLoader},
		{"PIN", func() error { return errors.Join(d.SetPIN("1234"), d.Lock()) }, func() error { return d.Unlock("1234") }, errcode.Locked},
		{"another from", func() error { signer.From = &ethereum.Address{1}; return nil }, func() error { signer.From = nil; return nil }, errcode.InvalidArgument},
	} {
		require.NoError(t, test.put(), test.name)
		require.ErrorIs(t, sign(), test.want, test.name)
		require.NoError(t, test.clear(), test.name)
		require.NoError(t, sign(), test.name)
	}
	require.NoError(t, d.Reset())
	_, err := e.Account(h.ctx, by.Path, false)
	require.ErrorIs(t, err, errcode.WalletMissing)
}

// TestEndsOfAQuestion ends a question in each way. The next request succeeds.
func TestEndsOfAQuestion(t *testing.T) {
	d, h, e, dev := wallet(t, device.Options{})
	reconnect := func() {
		require.NoError(t, d.Plug())
		_ = dev.Close()
		_, dev = h.connect(d)
		e = ethereum.New(dev, h)
	}
	abort := func() {}
	for _, test := range []struct {
		name  string
		end   func() error
		want  errcode.Code
		after func()
	}{
		{"cancel on the device", func() error { return d.Press(device.Cancel) }, errcode.UserRejected, nil},
		{"cancel by the caller", func() error { abort(); return nil }, errcode.Aborted, nil},
		{"home", d.Home, errcode.UserRejected, nil},
		{"the cable", d.Unplug, errcode.DeviceDisconnected, reconnect},
		{"the power", d.PowerCut, errcode.DeviceDisconnected, reconnect},
	} {
		for _, what := range []string{"transaction", "message", "address"} {
			var ctx context.Context
			ctx, abort = context.WithCancel(h.ctx)
			request := func(ctx context.Context) (err error) {
				switch what {
				case "transaction":
					_, err = e.SignTransaction(ctx, by, ether(ethereum.Address{1}, 1), ethereum.Ether, nil)
				case "message":
					_, err = e.SignMessage(ctx, by, []byte("m"))
				default:
					_, err = e.Account(ctx, by.Path, true)
				}
				return err
			}
			done := make(chan error, 1)
			go func() { done <- request(ctx) }()
			require.NoError(t, simtest.WaitFor(h.ctx, d, func(s device.Status) bool { return s.Asking }))
			require.NoError(t, test.end())
			require.ErrorIs(t, <-done, test.want, "%s, %s", test.name, what)
			abort()
			if test.after != nil {
				test.after()
			}
			start := time.Now()
			go func() { done <- request(h.ctx) }()
			require.NoError(t, simtest.WaitFor(h.ctx, d, func(s device.Status) bool { return s.Asking }))
			require.NoError(t, d.Press(device.OK))
			require.NoError(t, <-done, "%s, %s", test.name, what)
			require.Less(t, time.Since(start), 2*time.Second)
		}
	}
}

// TestACutAtEveryPacketOfASignature interrupts a signature of each coin at each packet. No wrong signature is returned, nothing
// stays prepared, and the next request succeeds.
func TestACutAtEveryPacketOfASignature(t *testing.T) {
	tx := tronTransaction(t)
	for coin, sign := range map[string]func(h *host, dev *coredevice.Device) error{
		"Ethereum": func(h *host, dev *coredevice.Device) error {
			_, err := ethereum.New(dev, h).SignTransaction(h.ctx, by, ether(ethereum.Address{1}, 1), ethereum.Ether, nil)
			return err
		},
		"TRON": func(h *host, dev *coredevice.Device) error {
			_, err := tron.New(dev, h).SignTransaction(h.ctx, tronBy, tx)
			return err
		},
	} {
		for _, direction := range []string{"out", "in"} {
			for _, cut := range []usb.Action{usb.DoUnplug, usb.DoPowerCut} {
				t.Run(coin+" "+string(cut)+" at packets "+direction, func(t *testing.T) {
					t.Parallel()
					cutAtEveryPacket(t, direction, cut, sign)
				})
			}
		}
	}
}

func cutAtEveryPacket(t *testing.T, direction string, cut usb.Action, sign func(*host, *coredevice.Device) error) {
	d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	h := newHost(t, d)
	b, dev := h.connect(d)
	h.bind(b, d)
	packet := 0
	for {
		packet++
		require.NoError(t, d.Port().SetFaults([]usb.Fault{{On: direction, Packet: packet, Do: cut}}))
		err := sign(h, dev)
		require.NoError(t, d.Port().SetFaults(nil))
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errcode.DeviceDisconnected, "packet %d", packet)
		if cut == usb.DoPowerCut {
			require.NoError(t, d.PowerCut())
		} else {
			require.NoError(t, d.Unplug())
		}
		require.NoError(t, d.Plug())
		_ = dev.Close()
		_, dev = h.connect(d)
		require.NoError(t, sign(h, dev))
	}
	require.Greater(t, packet, 6)
	t.Logf("%d cut points", packet-1)
}

// bender changes one bit in the host's commands with an instruction.
type bender struct {
	transport.Link
	ins  byte
	bit  int // counted from the end of the command's data, in its last packet
	busy bool
}

func (l *bender) Send(ctx context.Context, p *frame.Packet) error {
	bent := *p
	if frame.Command(p[4]) == frame.MSG {
		l.busy = begins(p, l.ins)
	}
	if l.busy {
		end := len(bent)
		for end > 0 && bent[end-1] == 0 {
			end--
		}
		if bent[4] == 1 { // the second continuation of a short payload has signed bytes
			bent[end-1-l.bit/8] ^= 1 << (l.bit % 8)
		}
	}
	return l.Link.Send(ctx, &bent)
}

// TestAChangedPayloadIsRefused changes a payload between the host and the device. The device refuses it without asking the user.
func TestAChangedPayloadIsRefused(t *testing.T) {
	d := newDevice(t, device.Options{Mnemonic: testPhrase})
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	middle := &bender{Link: link}
	b, dev := h.open(middle)
	h.bind(b, d)
	middle.ins = 0x51
	for middle.bit = range 64 {
		_, err := ethereum.New(dev, h).SignTransaction(h.ctx, by, ether(ethereum.Address{1}, 1e18), ethereum.Ether, nil)
		require.Error(t, err)
		require.Contains(t, []errcode.Code{errcode.BoundElsewhere, errcode.Internal}, errcode.Of(err), "bit %d: %v", middle.bit, err)
		require.False(t, d.Status().Asking)
	}
}
