package devicetest

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/hosttest"
)

// Select returns the command that selects an applet, in hex.
func Select(a applet.Applet) string {
	return hex.EncodeToString(append(append([]byte{0, 0xA4, 4, 0, byte(len(a.AID))}, a.AID...), 0))
}

// Wallet makes a device with the test wallet, an applet and the one that binds, and a host that has selected the applet. bound
// chooses whether the device is bound to the host's app, which has the key of the vectors.
func Wallet(t testing.TB, o device.Options, bound bool, a, imk applet.Applet) (*device.Device, *Host) {
	t.Helper()
	o.Mnemonic = hosttest.Mnemonic
	d := New(t, o, imk, a)
	h := Connect(t, d, 1)
	h.Key = VectorKey(t)
	if bound {
		h.Bind()
		require.NoError(t, d.Home())
	}
	h.OK(Select(a))
	return d, h
}

// CheckStates sends an applet's commands without a wallet, in the menu, while the device is locked, and without the applet. Each
// command needs the wallet. It also sends commands of another class and the instructions that the applet does not have.
func CheckStates(t *testing.T, a, imk applet.Applet, commands ...string) {
	d := New(t, device.Options{Approve: device.Yes}, imk, a)
	h := Connect(t, d, 1)
	known := map[byte]bool{}
	all := func(want apdu.StatusWord) {
		t.Helper()
		for _, c := range commands {
			h.SW(want, c)
		}
	}
	h.OK(Select(a))
	all(apdu.NoWallet)
	for _, c := range commands {
		h.SW(apdu.ClassNotSupported, "00"+c[2:])
		known[hosttest.Unhex(t, c)[1]] = true
	}
	for ins := range 256 {
		if !known[byte(ins)] {
			h.SW(apdu.InstructionNotSupported, hex.EncodeToString([]byte{0x80, byte(ins), 0, 0, 0}))
		}
	}
	require.NoError(t, d.Restore(hosttest.Mnemonic))
	require.NoError(t, d.Menu())
	all(apdu.InMenu)
	require.NoError(t, d.Home())
	require.NoError(t, d.SetPIN("1234"))
	require.NoError(t, d.Lock())
	all(apdu.PINNotVerified)
	require.NoError(t, d.Unlock("1234"))
	require.Equal(t, []string{a.Name}, d.Status().Applets)
	require.NoError(t, d.SetInstalled(a.Name, false))
	h.SW(apdu.NotFound, Select(a))
	require.NoError(t, d.SetInstalled(a.Name, true))
	require.Equal(t, a.Version, string(h.OK(Select(a))))
}

// CheckForgets does each thing that discards what an applet has in its RAM. prepare must leave something there, and gone must
// check that nothing is left. The device d asks the user.
func CheckForgets(t *testing.T, d *device.Device, h *Host, a applet.Applet, prepare, gone func(*Host)) {
	reconnect := func() {
		h.Link.Close()
		next := Connect(t, d, 1)
		next.Key = h.Key
		h.Host = next.Host
		h.OK(Select(a))
	}
	for name, lose := range map[string]func(){
		"SELECT":         func() { h.OK(Select(a)) },
		"another applet": func() { h.OK(hosttest.SelectIMK); h.OK(Select(a)) },
		"CANCEL":         func() { h.Idle() },
		"bus reset":      func() { require.NoError(t, h.Link.Reset(t.Context())); h.OK(Select(a)) },
		"another host":   reconnect,
		"unplugging": func() {
			require.NoError(t, d.Unplug())
			require.NoError(t, d.Plug())
			reconnect()
		},
		"a reset": func() {
			require.NoError(t, d.Reset())
			require.NoError(t, d.Restore(hosttest.Mnemonic))
			h.Bind()
			require.NoError(t, d.Home())
			h.OK(Select(a))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h.T = t
			prepare(h)
			lose()
			gone(h)
		})
	}
	h.T = t
}

// Join returns commands in hex as the bytes that [CheckCommands] takes.
func Join(t testing.TB, commands ...string) (all []byte) {
	t.Helper()
	for _, c := range commands {
		b := hosttest.Unhex(t, c)
		all = append(append(all, byte(len(b))), b...)
	}
	return all
}

// CheckCommands selects an applet and sends commands, each after a byte of length, to a device that confirms all questions itself.
// Each has an answer, and a refusal has no data. Nothing that the user sees changes, and the device is idle and selects the applet
// again afterwards.
func CheckCommands(t testing.TB, d *device.Device, h *Host, a applet.Applet, in []byte) {
	t.Helper()
	h.OK(Select(a))
	before := d.Status()
	for len(in) > 1 {
		n := min(int(in[0]), len(in)-1)
		message := in[1 : 1+n]
		in = in[1+n:]
		if n == 0 || message[0] == 0 {
			continue // not SELECT
		}
		data, sw := h.Raw(message)
		require.NotEqual(t, apdu.StatusWord(0x6F00), sw)
		if sw != apdu.OK {
			require.Empty(t, data)
		}
	}
	require.Equal(t, before, d.Status())
	h.Idle()
	h.OK(Select(a))
}

// Vector is an entry of core/testdata/vectors/coins.json.
type Vector struct {
	Chain, Kind, Name, Path                string
	Address, PublicKey65, ChainCode        string // of addresses
	Hash, Signature, SignatureBase64       string // of transactions and messages
	Payment, Receiver, Fee                 string
	PayloadAfterBindingSignature, SignAPDU string
	PayloadUnbound                         string
	APDUsBoundExample                      []string
	RFC6979RawSHigh                        bool
	APDU                                   string // of commands
}

// VectorKey returns the app's key that the vectors' bound examples have.
func VectorKey(t testing.TB) *secp256k1.PrivateKey {
	t.Helper()
	return secp256k1.PrivKeyFromBytes(hosttest.Unhex(t, "f85b222058bbefff888aaf7ad1d08b0c9c5ff719027f7db69859b72a17b28749"))
}

// Vectors returns the entries of a chain, such as "TRON".
func Vectors(t testing.TB, chain string) (of []Vector) {
	t.Helper()
	var file struct{ Vectors []Vector }
	b, err := os.ReadFile("../../../core/testdata/vectors/coins.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &file))
	for _, v := range file.Vectors {
		if v.Chain == chain {
			of = append(of, v)
		}
	}
	require.NotEmpty(t, of, chain)
	return of
}
