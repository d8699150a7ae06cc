package cosmos

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/applets/imk"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/devicetest"
	"imkey-connect/devicesim/device/hosttest"
)

const (
	keyCommand  = "80730100116d2f3434272f313138272f30272f302f3000"
	signCommand = "80720000116d2f3434272f313138272f30272f302f3000"
	account     = "cosmos1ajz9y0x3wekez7tz2td2j6l2dftn28v26dd992"
	receiver    = "cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt"
)

var hash = bytes.Repeat([]byte{0xA5}, 32)

func wallet(t testing.TB, o device.Options, bound bool) (*device.Device, *devicetest.Host) {
	t.Helper()
	return devicetest.Wallet(t, o, bound, Applet, imk.Applet)
}

func field(tag byte, value string) []byte { return devicetest.Field(tag, 1, []byte(value)) }

// body returns the bytes that a binding signature signs.
func body(hash []byte, payment, receiver, fee string) []byte {
	return bytes.Join([][]byte{field(tagHash, string(hash)), field(tagPayment, payment), field(tagReceiver, receiver), field(tagFee, fee)}, nil)
}

func unsigned(body []byte) []byte { return append([]byte{0, 0}, body...) }

func command(t testing.TB, ins, p1, p2 byte, data string) string {
	t.Helper()
	c, err := apdu.New(0x80, ins, p1, p2, []byte(data)).Bytes()
	require.NoError(t, err)
	return hex.EncodeToString(c)
}

// encode returns the address of bytes with a prefix.
func encode(t testing.TB, prefix string, b []byte, with func(string, []byte) (string, error)) string {
	t.Helper()
	digits, err := bech32.ConvertBits(b, 8, 5, true)
	require.NoError(t, err)
	text, err := with(prefix, digits)
	require.NoError(t, err)
	return text
}

// TestVectors has each key, address and signature of the vectors. The bound host sends the very commands of the vectors.
func TestVectors(t *testing.T) {
	_, bound := wallet(t, device.Options{Approve: device.Yes}, true)
	_, unbound := wallet(t, device.Options{Approve: device.Yes, Rand: hosttest.Seeded(2)}, false)
	signatures := 0
	for _, v := range devicetest.Vectors(t, "COSMOS") {
		switch v.Kind {
		case "address":
			key := bound.CheckAttested(bound.OK(command(t, publicKey, 1, 0, v.Path)), 97)
			require.Equal(t, v.PublicKey65+v.ChainCode, hex.EncodeToString(key))
			require.Equal(t, key, unbound.CheckAttested(unbound.OK(command(t, publicKey, 0, 0, v.Path)), 97))
			point, err := secp256k1.ParsePubKey(key[:65])
			require.NoError(t, err)
			require.Equal(t, v.Address, encode(t, "cosmos", address.Hash160(point.SerializeCompressed()), bech32.Encode))
			bound.OK(command(t, showAddress, 0, 0, v.Address))
		case "transaction":
			t.Run(v.Name, func(t *testing.T) {
				h := bound.On(t)
				require.Equal(t, devicetest.Select(Applet), v.APDUsBoundExample[0])
				last := len(v.APDUsBoundExample) - 1
				require.Equal(t, signCommand, v.APDUsBoundExample[last])
				for _, c := range v.APDUsBoundExample[:last] {
					require.Empty(t, h.OK(c))
				}
				answer := h.OK(signCommand)
				require.Equal(t, v.SignatureBase64, base64.StdEncoding.EncodeToString(devicetest.LowS(t, answer, 0)[:64]))
				require.Equal(t, v.RFC6979RawSHigh, answer[33] >= 0x80, "s is as RFC 6979 gives it")

				h = unbound.On(t)
				require.Equal(t, apdu.OK, h.Prepare(prepare, hosttest.Unhex(t, v.PayloadUnbound)))
				require.Equal(t, answer, h.OK(signCommand))
			})
			signatures++
		}
	}
	require.GreaterOrEqual(t, signatures, 3)
}

// TestPublicCommands sends the samples of the public host's own test. The binding signature of its payload is another app's.
func TestPublicCommands(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	want := map[string]apdu.StatusWord{"getPublicKey": apdu.OK, "prepare": apdu.SignatureFailed, "sign": apdu.ConditionsNotSatisfied, "select": apdu.OK}
	for _, v := range devicetest.Vectors(t, "COSMOS") {
		if v.Kind == "apdu" {
			require.Contains(t, want, v.Name)
			h.SW(want[v.Name], v.APDU)
			delete(want, v.Name)
		}
	}
	require.Empty(t, want)
}

// TestStates sends the commands without a wallet, in the menu, while the device is locked, and without the applet.
func TestStates(t *testing.T) {
	devicetest.CheckStates(t, Applet, imk.Applet, keyCommand, signCommand, "80710000010000", command(t, showAddress, 0, 0, account))
}

// TestParameters sends commands with a wrong P1, P2, length or data.
func TestParameters(t *testing.T) {
	d, h := wallet(t, device.Options{}, false)
	twenty := make([]byte, 20)
	for _, test := range []struct {
		command string
		want    apdu.StatusWord
	}{
		{command(t, publicKey, 0x02, 0, "m/44'"), apdu.WrongParameters},
		{command(t, publicKey, 0x01, 1, "m/44'"), apdu.WrongParameters},
		{"8073010000", apdu.WrongLength},
		{command(t, publicKey, 1, 0, "m"), apdu.WrongData},
		{command(t, publicKey, 1, 0, "m/44"+"\u2019"), apdu.WrongData},
		{command(t, sign, 1, 0, "m/44'"), apdu.WrongParameters},
		{"8072000000", apdu.WrongLength},
		{signCommand, apdu.ConditionsNotSatisfied},
		{command(t, prepare, 1, 0x80, "\x00\x00"), apdu.WrongParameters},
		{command(t, prepare, 0x80, 0x80, "\x00\x00"), apdu.ConditionsNotSatisfied},
		{"8071008000", apdu.WrongLength},
		{"80710080F6" + strings.Repeat("00", 246), apdu.WrongLength},
		{command(t, showAddress, 1, 0, account), apdu.WrongParameters},
		{"8076000000", apdu.WrongLength},
		{command(t, showAddress, 0, 0, "-"+account), apdu.WrongData}, // a length before it
		{command(t, showAddress, 0, 0, account[:44]+"3"), apdu.WrongData},
		{command(t, showAddress, 0, 0, "Cosmos"+account[6:]), apdu.WrongData},
		{command(t, showAddress, 0, 0, encode(t, "cosmos", twenty, bech32.EncodeM)), apdu.WrongData},
		{command(t, showAddress, 0, 0, encode(t, "cosmos", twenty[1:], bech32.Encode)), apdu.WrongData},
		{command(t, showAddress, 0, 0, "cosmos1"), apdu.WrongData},
	} {
		h.SW(test.want, test.command)
		require.False(t, d.Status().Asking)
	}
	digits, err := bech32.ConvertBits(twenty, 8, 5, true)
	require.NoError(t, err)
	padded, err := bech32.Encode("cosmos", append(digits, 1)) // padding that is not zero
	require.NoError(t, err)
	h.SW(apdu.WrongData, command(t, showAddress, 0, 0, padded))
	h.Idle()
}

// TestMalformedPayloads checks that the device refuses a malformed payload without asking the user.
func TestMalformedPayloads(t *testing.T) {
	d, h := wallet(t, device.Options{}, false)
	refuse := func(name string, body []byte) {
		t.Helper()
		require.Equal(t, apdu.WrongData, h.Prepare(prepare, unsigned(body)), name)
		require.False(t, d.Status().Asking, name)
		h.SW(apdu.ConditionsNotSatisfied, signCommand)
	}
	good := body(hash, "1 ATOM", receiver, "0.1 ATOM")
	for n := 1; n < len(good); n++ {
		refuse("truncated", good[:n])
	}
	refuse("something after it", append(bytes.Clone(good), 0))
	refuse("a path", append(bytes.Clone(good), field(0x02, "m/44'")...))
	refuse("the fee first", bytes.Join([][]byte{field(tagHash, string(hash)), field(tagFee, "f"), field(tagPayment, "p"), field(tagReceiver, "r")}, nil))
	refuse("a hash of 31 bytes", body(hash[1:], "p", "r", "f"))
	refuse("a hash of 33 bytes", body(append(bytes.Clone(hash), 0), "p", "r", "f"))
	for _, text := range []string{"\x00", "a\nb", "\x7f", "\xff", "\u00e9", "\u202e"} {
		refuse("a payment that cannot be shown", body(hash, text, "r", "f"))
		refuse("a receiver that cannot be shown", body(hash, "p", text, "f"))
		refuse("a fee that cannot be shown", body(hash, "p", "r", text))
	}
	h.Idle()
}

// TestBindingSignature checks which binding signatures the device accepts.
func TestBindingSignature(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	b := body(hash, "1 ATOM", receiver, "0.1 ATOM")
	for name, signature := range map[string][]byte{
		"none":              nil,
		"another host's":    h.As(2).BindingSignature(b, false),
		"of another fee":    h.BindingSignature(body(hash, "1 ATOM", receiver, "0.2 ATOM"), false),
		"without the texts": h.BindingSignature(body(hash, "", "", ""), false),
	} {
		require.Equal(t, apdu.SignatureFailed, h.Prepare(prepare, append(devicetest.Field(tagBinding, 1, signature), b...)), name)
		h.SW(apdu.ConditionsNotSatisfied, signCommand)
	}
	for _, high := range []bool{false, true} {
		require.Equal(t, apdu.OK, h.Prepare(prepare, append(devicetest.Field(tagBinding, 1, h.BindingSignature(b, high)), b...)))
		h.OK(signCommand)
	}
	_, free := wallet(t, device.Options{Approve: device.Yes, Rand: hosttest.Seeded(2)}, false)
	require.Equal(t, apdu.SignatureFailed, free.Prepare(prepare, free.Signed(b)))
}

// TestPrepared checks that a confirmed payload is signed once, by the key at any path, and which events discard it.
func TestPrepared(t *testing.T) {
	d, h := wallet(t, device.Options{}, true)
	payload := h.Signed(body(hash, "1 ATOM", receiver, "0.1 ATOM"))
	ready := func(h *devicetest.Host) {
		h.Offer(prepare, payload)
		require.Equal(h.T, apdu.OK, h.Decide(device.OK))
	}
	gone := func(h *devicetest.Host) { h.SW(apdu.ConditionsNotSatisfied, signCommand) }
	ready(h)
	h.OK(keyCommand)                                    // does not discard it
	h.SW(apdu.WrongData, command(t, sign, 0, 0, "m/x")) // neither does a wrong path
	first := h.OK(signCommand)
	gone(h)
	ready(h)
	require.NotEqual(t, first, h.OK(command(t, sign, 0, 0, "m/44'/118'/0'/0/1")))
	ready(h)
	h.OK("80710000010000") // a new payload discards it
	gone(h)
	ready(h)
	require.Equal(t, apdu.SignatureFailed, h.Prepare(prepare, unsigned(body(hash, "p", "r", "f"))))
	gone(h)
	h.Offer(prepare, payload)
	require.Equal(t, apdu.Rejected, h.Decide(device.Cancel))
	gone(h)
	h.Offer(prepare, payload)
	require.NoError(t, d.Reset())
	_, sw, _ := h.Answer()
	require.Equal(t, apdu.ConditionsNotSatisfied, sw)
	require.NoError(t, d.Restore(hosttest.Mnemonic))
	h.Bind()
	require.NoError(t, d.Home())
	h.OK(devicetest.Select(Applet))
	devicetest.CheckForgets(t, d, h, Applet, ready, gone)
}

// TestWhatTheScreenShows compares the pages that the user reads before OK.
func TestWhatTheScreenShows(t *testing.T) {
	d, h := wallet(t, device.Options{}, true)
	for name, test := range map[string]struct {
		body []byte
		want []string
	}{
		"a transfer":       {body(hash, "0.001 ATOM", receiver, "0.00075 ATOM"), []string{"Pay: 0.001 ATOM||", "To: cosmos1yeckx|z7tapz34kjwnjxvm|xzurerquhtrmxmux", "t||", "Fee: 0.00075 ATO|M|"}},
		"without texts":    {body(hash, "", "", ""), []string{"Hash:|a5a5a5a5a5a5a5a5|a5a5a5a5a5a5a5a5", "a5a5a5a5a5a5a5a5|a5a5a5a5a5a5a5a5|"}},
		"a payment alone":  {body(hash, "Vote yes on 7", "", ""), []string{"Pay: Vote yes on| 7|", "To: ||", "Fee: ||"}},
		"a receiver alone": {body(hash, "", receiver[:9], ""), []string{"Pay: ||", "To: cosmos1ye||", "Fee: ||"}},
	} {
		t.Run(name, func(t *testing.T) {
			h.T = t
			h.Offer(prepare, h.Signed(test.body))
			require.Equal(t, test.want, devicetest.Read(t, d))
			require.Equal(t, apdu.OK, h.Decide(device.OK))
			h.OK(signCommand)
		})
	}
	h.T = t
	osmo := encode(t, "osmo", make([]byte, 20), bech32.Encode)
	for shown, want := range map[string]string{account: "Addr: cosmos1ajz|9y0x3wekez7tz2td|2j6l2dftn28v26dd", osmo: "Addr: " + osmo[:10] + "|" + osmo[10:26] + "|" + osmo[26:42]} {
		for button, sw := range map[device.Button]apdu.StatusWord{device.OK: apdu.OK, device.Cancel: apdu.Rejected} {
			h.Message(hosttest.Unhex(t, command(t, showAddress, 0, 0, shown)))
			h.Await("a question", func(s device.Status) bool { return s.Asking })
			require.Equal(t, want, devicetest.Read(t, d)[0])
			require.Equal(t, sw, h.Decide(button))
		}
	}
}

// FuzzRequest checks that a parsed request encodes to the same bytes, and that the screen can show its texts.
func FuzzRequest(f *testing.F) {
	f.Add(unsigned(body(hash, "", "", "")))
	f.Add(unsigned(body(hash, "1 ATOM", receiver, "0.1 ATOM")))
	for _, v := range devicetest.Vectors(f, "COSMOS") {
		f.Add(hosttest.Unhex(f, v.PayloadUnbound))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := parseRequest(payload)
		if err != nil {
			require.ErrorIs(t, err, apdu.WrongData)
			return
		}
		b := body(r.hash[:], r.payment, r.receiver, r.fee)
		require.Equal(t, b, r.signed)
		require.Equal(t, payload, append(devicetest.Field(tagBinding, 1, r.signature), b...))
		for _, shown := range r.texts() {
			require.NotEmpty(t, shown)
			require.True(t, applet.Printable(strings.Replace(shown, "\n", "", 1)))
		}
	})
}

// FuzzCommands sends commands, each after a byte of length, to a device that confirms all questions itself.
func FuzzCommands(f *testing.F) {
	d, h := wallet(f, device.Options{Approve: device.Yes}, true)
	prepared := h.Signed(body(hash, "1 ATOM", receiver, "0.1 ATOM"))
	for _, s := range [][]string{{hex.EncodeToString(devicetest.Commands(f, prepare, prepared, applet.MaxChunk)[0]), signCommand},
		{"807100000200FF00", "80718080020304", signCommand}, {keyCommand, command(f, showAddress, 0, 0, account)}} {
		f.Add(devicetest.Join(f, s...))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		devicetest.CheckCommands(t, d, h.On(t), Applet, in)
		require.Equal(t, apdu.OK, h.On(t).Prepare(prepare, prepared))
		h.On(t).OK(signCommand)
	})
}
