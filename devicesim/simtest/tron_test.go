package simtest_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
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
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
	"imkey-connect/core/tron"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
)

// coinVector is an entry of core/testdata/vectors/coins.json. Message is a string for TRON.
type coinVector struct {
	Chain, Kind, Name, Path, Network         string
	Address, PublicKey65, Xpub               string
	Header, Hash, Signature, SignatureBase64 string
	Message                                  any
	RawData, Payment, Receiver, Fee          string
	SignBytes                                string
	Version                                  int
}

// coinVectors returns the entries of a chain.
func coinVectors(t *testing.T, chain string) (of []coinVector) {
	t.Helper()
	var file struct{ Vectors []coinVector }
	b, err := os.ReadFile("../../core/testdata/vectors/coins.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &file))
	for _, v := range file.Vectors {
		if v.Chain == chain {
			of = append(of, v)
		}
	}
	require.NotEmpty(t, of)
	return of
}

var tronBy = tron.Signer{Path: tron.BIP44(0)}

// tronWallet returns a device with the test wallet, and the TRON applet for a bound host.
func tronWallet(t *testing.T, o device.Options) (*device.Device, *host, *tron.TRON, *coredevice.Device) {
	d, h, _, dev := wallet(t, o)
	return d, h, tron.New(dev, h), dev
}

// tronTransaction returns the transaction of the vectors: 1 TRX.
func tronTransaction(t *testing.T) *tron.Transaction {
	t.Helper()
	for _, v := range coinVectors(t, "TRON") {
		if v.Kind == "transaction" {
			tx, err := tron.ParseTransaction(mustHex(v.RawData))
			require.NoError(t, err)
			return tx
		}
	}
	require.FailNow(t, "no transaction in the vectors")
	return nil
}

// TestTRONVectors checks that core and the simulator together have the addresses, extended keys and signatures of the vectors, bound and
// unbound.
func TestTRONVectors(t *testing.T) {
	_, h, bound, _ := tronWallet(t, device.Options{Approve: device.Yes})
	d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	_, dev := newHost(t, d).connect(d)
	c, err := attestation.Parse(dev.Info().Certificate)
	require.NoError(t, err)
	kinds := map[string]int{}
	for name, applet := range map[string]*tron.TRON{"bound": bound, "unbound": tron.New(dev, signing.Unbound(c.PublicKey))} {
		for _, v := range coinVectors(t, "TRON") {
			t.Run(name+" "+v.Kind+" "+v.Name, func(t *testing.T) {
				kinds[v.Kind]++
				path, _ := hdpath.Parse(v.Path)
				by := tron.Signer{Path: path}
				var signed *tron.Signed
				var err error
				switch v.Kind {
				case "address":
					a, err := applet.Account(h.ctx, path, true)
					require.NoError(t, err)
					require.Equal(t, v.Address, a.Address.String())
					require.Equal(t, v.PublicKey65, hex.EncodeToString(a.PublicKey[:]))
					return
				case "addressFromPublicKey":
					key, err := secp256k1.ParsePublicKey(mustHex(v.PublicKey65))
					require.NoError(t, err)
					require.Equal(t, v.Address, tron.AddressOf(key).String())
					return
				case "extendedPublicKey":
					key, err := applet.ExtendedKey(h.ctx, path)
					require.NoError(t, err)
					text := map[string]string{"MAINNET": key.String(), "TESTNET": key.Testnet()}[v.Network]
					require.Equal(t, v.Xpub, text)
					return
				case "message":
					text, ok := v.Message.(string)
					require.True(t, ok)
					message := []byte(text)
					if digits, is := strings.CutPrefix(text, "0x"); is {
						message = mustHex(digits)
					}
					switch {
					case v.Version == 3:
						signed, err = applet.SignTypedData(h.ctx, by, &ethereum.TypedData{DomainSeparator: [32]byte(message[:32]), StructHash: [32]byte(message[32:])})
					case v.Header != "TRON":
						signed, err = applet.SignMessage(h.ctx, by, message, tron.V1Ethereum)
					case v.Version == 2:
						signed, err = applet.SignMessage(h.ctx, by, message, tron.V2Bare)
					default:
						signed, err = applet.SignMessage(h.ctx, by, message, tron.V1)
					}
				case "transaction":
					tx, parsed := tron.ParseTransaction(mustHex(v.RawData))
					require.NoError(t, parsed)
					require.Equal(t, v.Payment, tx.Summary().Payment)
					require.Equal(t, v.Receiver, tx.Summary().Receiver)
					signed, err = applet.SignTransaction(h.ctx, by, tx)
				default:
					require.FailNow(t, v.Kind)
				}
				require.NoError(t, err)
				require.Equal(t, v.Hash, hex.EncodeToString(signed.Hash[:]))
				require.Equal(t, v.Signature, hex.EncodeToString(signed.Signature[:]))
				require.Equal(t, name == "unbound", signed.Unbound)
			})
		}
	}
	require.Equal(t, map[string]int{"address": 2, "addressFromPublicKey": 2, "extendedPublicKey": 4, "message": 14, "transaction": 2}, kinds)
}

// protobufField encodes a field of a protocol buffer: a number, or bytes.
func protobufField(number int, value any) []byte {
	varint := func(n uint64) (b []byte) {
		for ; n >= 0x80; n >>= 7 {
			b = append(b, byte(n)|0x80)
		}
		return append(b, byte(n))
	}
	switch v := value.(type) {
	case int:
		return append(varint(uint64(number)<<3), varint(uint64(v))...)
	case string:
		return append(append(varint(uint64(number)<<3|2), varint(uint64(len(v)))...), v...)
	}
	panic("a number or bytes")
}

// rawData encodes a transaction of one contract.
func rawData(kind int, name, contract string, more ...string) []byte {
	parameter := string(protobufField(1, "type.googleapis.com/protocol."+name)) + string(protobufField(2, contract))
	contract = string(protobufField(1, kind)) + string(protobufField(2, parameter))
	raw := string(protobufField(1, "\xa1\xb2")) + string(protobufField(4, "\xc3\xd4\xe5\xf6\x07\x18\x29\x3a")) + string(protobufField(8, 1_700_000_000_000))
	memo, limit := "", ""
	if len(more) > 0 {
		memo = string(protobufField(10, more[0]))
	}
	if name == "TriggerSmartContract" {
		limit = string(protobufField(18, 30_000_000))
	}
	return []byte(raw + memo + string(protobufField(11, contract)) + string(protobufField(14, 1_700_000_000_000)) + limit)
}

// TestTRONScreenSaysWhatIsSigned checks that the device shows the texts that core has computed from the transaction, and the hash of a
// message.
func TestTRONScreenSaysWhatIsSigned(t *testing.T) {
	d, h, e, _ := tronWallet(t, device.Options{})
	account, err := e.Account(h.ctx, tronBy.Path, false)
	require.NoError(t, err)
	owner, to := "\x41"+string(account.Address[:]), "\x41"+strings.Repeat("\x22", 20)
	f := func(number int, value any) string { return string(protobufField(number, value)) }
	call := func(selector string, amount *big.Int) string {
		usdt := "\x41" + string(tron.USDT[:])
		data := string(mustHex(selector)) + strings.Repeat("\x00", 12) + to[1:] + string(amount.FillBytes(make([]byte, 32)))
		return f(1, owner) + f(2, usdt) + f(4, data)
	}
	unlimited := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	for name, test := range map[string]struct {
		raw   []byte
		says  string
		blind bool
	}{
		"TRX":           {rawData(1, "TransferContract", f(1, owner)+f(2, to)+f(3, 1_500_000)), "Pay: 1.5 TRX", false},
		"TRX with memo": {rawData(1, "TransferContract", f(1, owner)+f(2, to)+f(3, 1), "hello"), "hello", false},
		"a bad memo":    {rawData(1, "TransferContract", f(1, owner)+f(2, to)+f(3, 1), "\u202e"), "memo of 3 bytes", true},
		"USDT":          {rawData(31, "TriggerSmartContract", call("a9059cbb", big.NewInt(2_000_000))), "Pay: 2 USDT", false},
		"an approval":   {rawData(31, "TriggerSmartContract", call("095ea7b3", unlimited)), "UNLIMITED", false},
		"a call":        {rawData(31, "TriggerSmartContract", call("12345678", big.NewInt(1))), "unknown call", true},
		"staking":       {rawData(54, "FreezeBalanceV2Contract", f(1, owner)+f(2, 5_000_000)+f(3, 1)), "Stake 5 TRX for ENERGY", false},
		"permissions":   {rawData(46, "AccountPermissionUpdateContract", f(1, owner)), "CHANGE WHO CONTROLS", true},
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := tron.ParseTransaction(test.raw)
			require.NoError(t, err)
			require.Equal(t, test.blind, tx.Summary().Blind)
			done := make(chan error, 1)
			go func() {
				_, err := e.SignTransaction(h.ctx, tronBy, tx)
				done <- err
			}()
			pages, err := simtest.ReadQuestion(h.ctx, d)
			require.NoError(t, err)
			require.NoError(t, d.Press(device.OK))
			require.NoError(t, <-done)
			text := strings.Join(pages, "")
			require.Equal(t, "Pay: "+tx.Summary().Payment+"To: "+tx.Summary().Receiver, text)
			require.Contains(t, text, test.says)
		})
	}
	done := make(chan error, 1)
	go func() {
		signed, err := e.SignMessage(h.ctx, tronBy, []byte("hello world"), tron.V2)
		if err == nil && hex.EncodeToString(signed.Hash[:]) != "cf02daeb2bea196ed5692322a66ed50080ce74ff8cb711199f1b04f3c13bc10d" {
			err = errors.New("not the hash of TIP-191")
		}
		done <- err
	}()
	pages, err := simtest.ReadQuestion(h.ctx, d)
	require.NoError(t, err)
	require.NoError(t, d.Press(device.OK))
	require.NoError(t, <-done)
	require.Equal(t, "Hash:cf02daeb2bea196ed5692322a66ed50080ce74ff8cb711199f1b04f3c13bc10d", strings.Join(pages, ""))
	go func() {
		_, err := e.Account(h.ctx, tronBy.Path, true)
		done <- err
	}()
	pages, err = simtest.ReadQuestion(h.ctx, d)
	require.NoError(t, err)
	require.Equal(t, "TRX: "+account.Address.String(), strings.Join(pages, ""))
	require.NoError(t, d.Press(device.OK))
	require.NoError(t, <-done)
}

// TestTRONLies checks that what contradicts the account is refused before the device asks the user.
func TestTRONLies(t *testing.T) {
	d, h, e, _ := tronWallet(t, device.Options{})
	tx := tronTransaction(t)
	foreign := tron.Signer{Path: tron.BIP44(1)} // not the owner's
	_, err := e.SignTransaction(h.ctx, foreign, tx)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	foreign = tron.Signer{Path: tron.BIP44(0), From: &tron.Address{1}}
	_, err = e.SignTransaction(h.ctx, foreign, tx)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	_, err = e.SignMessage(h.ctx, foreign, []byte("m"), tron.V2)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	ethereum := tron.Signer{Path: hdpath.BIP44(60, 0, 0, 0)}
	_, err = e.SignMessage(h.ctx, ethereum, []byte("m"), tron.V2)
	require.ErrorIs(t, err, errcode.InvalidArgument, "a path of another coin")
	require.False(t, d.Status().Asking)

	// Another wallet on the same device: its account is not the owner.
	require.NoError(t, d.Reset())
	require.NoError(t, d.Restore(otherPhrase))
	_, err = e.SignTransaction(h.ctx, tronBy, tx)
	require.Error(t, err)
	require.False(t, d.Status().Asking)
}

// TestTRONOnlyTheBoundAppAsks checks that a device that is bound elsewhere gives neither a key nor a signature.
func TestTRONOnlyTheBoundAppAsks(t *testing.T) {
	d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	first, second := newHost(t, d), newHost(t, d)
	b, dev := first.connect(d)
	first.status(b)
	require.NoError(t, b.ShowCode(first.ctx))
	code := first.readCode(d)
	require.NoError(t, b.Bind(first.ctx, code, binding.BindOptions{}))
	_, err := tron.New(dev, first).Account(first.ctx, tronBy.Path, false)
	require.NoError(t, err)
	c, err := attestation.Parse(dev.Info().Certificate)
	require.NoError(t, err)
	_, err = tron.New(dev, signing.Unbound(c.PublicKey)).Account(first.ctx, tron.BIP44(7), false)
	require.ErrorIs(t, err, errcode.NotBound)
	require.NoError(t, dev.Close())

	b, dev = second.connect(d)
	second.status(b)
	require.NoError(t, b.Bind(second.ctx, code, binding.BindOptions{}))
	_, err = tron.New(dev, second).SignTransaction(second.ctx, tronBy, tronTransaction(t))
	require.NoError(t, err)
	require.NoError(t, dev.Close())
	_, dev = first.connect(d)
	_, err = tron.New(dev, first).Account(first.ctx, tronBy.Path, false)
	require.ErrorIs(t, err, errcode.BoundElsewhere)
	_, err = tron.New(dev, first).SignTransaction(first.ctx, tronBy, tronTransaction(t))
	require.ErrorIs(t, err, errcode.BoundElsewhere)
}

// TestTRONObstacles checks the error code of each obstacle and of each end of a question. Afterwards the next request succeeds.
func TestTRONObstacles(t *testing.T) {
	d, h, e, dev := tronWallet(t, device.Options{})
	tx := tronTransaction(t)
	request := func(ctx context.Context) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := e.SignTransaction(ctx, tronBy, tx)
			done <- err
		}()
		return done
	}
	succeeds := func(name string) {
		t.Helper()
		start := time.Now()
		done := request(h.ctx)
		require.NoError(t, simtest.WaitFor(h.ctx, d, func(s device.Status) bool { return s.Asking }), name)
		require.NoError(t, d.Press(device.OK))
		require.NoError(t, <-done, name)
		require.Less(t, time.Since(start), 5*time.Second)
	}
	for _, test := range []struct {
		name       string
		put, clear func() error
		want       errcode.Code
	}{
		{"menu", d.Menu, d.Home, errcode.InMenu},
		{"no applet", func() error { return d.SetInstalled("tron", false) }, func() error { return d.SetInstalled("tron", true) }, errcode.AppletMissing},
		{"boot loader", func() error { return d.SetBootLoader(true) }, func() error { return d.SetBootLoader(false) }, errcode.BootLoader},
		{"PIN", func() error { return errors.Join(d.SetPIN("1234"), d.Lock()) }, func() error { return d.Unlock("1234") }, errcode.Locked},
	} {
		require.NoError(t, test.put(), test.name)
		require.ErrorIs(t, <-request(h.ctx), test.want, test.name)
		require.NoError(t, test.clear(), test.name)
		succeeds(test.name)
	}
	reconnect := func() {
		require.NoError(t, errors.Join(d.Plug(), d.Unlock("1234")))
		_ = dev.Close()
		_, dev = h.connect(d)
		e = tron.New(dev, h)
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
		{"the cable", d.Unplug, errcode.DeviceDisconnected, reconnect},
		{"the power", d.PowerCut, errcode.DeviceDisconnected, reconnect},
	} {
		var ctx context.Context
		ctx, abort = context.WithCancel(h.ctx)
		done := request(ctx)
		require.NoError(t, simtest.WaitFor(h.ctx, d, func(s device.Status) bool { return s.Asking }))
		require.NoError(t, test.end())
		require.ErrorIs(t, <-done, test.want, test.name)
		abort()
		if test.after != nil {
			test.after()
		}
		succeeds(test.name)
	}
	require.NoError(t, d.Reset())
	_, err := e.Account(h.ctx, tron.BIP44(3), false)
	require.ErrorIs(t, err, errcode.WalletMissing)
}

// TestAChangedTRONPayloadIsRefused changes a payload between the host and the device. The device refuses it without asking the user.
func TestAChangedTRONPayloadIsRefused(t *testing.T) {
	d := newDevice(t, device.Options{Mnemonic: testPhrase})
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	middle := &bender{Link: link}
	b, dev := h.open(middle)
	h.bind(b, d)
	tx := tronTransaction(t)
	middle.ins = 0x81
	for middle.bit = range 64 {
		_, err := tron.New(dev, h).SignTransaction(h.ctx, tronBy, tx)
		require.Error(t, err)
		require.Contains(t, []errcode.Code{errcode.BoundElsewhere, errcode.Internal}, errcode.Of(err), "bit %d: %v", middle.bit, err)
		require.False(t, d.Status().Asking)
	}
}
