package ethereum

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/frame"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/applets/imk"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/devicetest"
	"imkey-connect/devicesim/device/hosttest"
	"imkey-connect/devicesim/ecdsa"
)

const (
	selectETH      = "00A4040005695F65746800"
	ethPath        = "m/44'/60'/0'/0/0"
	testAddress    = "0x6031564e7b2F5cc33737807b2E58DaFF870B590b"
	readKeyCommand = "80530000106d2f3434272f3630272f30272f302f3000"
	signTxCommand  = "80520000106d2f3434272f3630272f30272f302f3000"
	signMsgCommand = "80550000106d2f3434272f3630272f30272f302f3000"
)

// vectors are recordings of real devices.
var vectors = func() (v struct {
	Sessions []struct {
		Name      string
		Exchanges []struct{ Cmd, Rsp string }
		Expect    struct{ Address string }
	} `json:"recordedSessions"`
	Ethereum []struct {
		Kind, Unsigned, Signed, Message, Signature string
	}
	APDUs []struct{ Name, APDU string }
}) {
	b, err := os.ReadFile("../../../core/testdata/vectors/imkey.json")
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		panic(err)
	}
	return v
}()

// recorded returns a command that was recorded without a session.
func recorded(t testing.TB, name string) string {
	for _, a := range vectors.APDUs {
		if a.Name == name {
			return a.APDU
		}
	}
	require.FailNow(t, "not recorded: "+name)
	return ""
}

// txBody and msgBody return the bytes that a binding signature signs.
func txBody(tx []byte, payment, receiver, fee string) []byte {
	b := append(devicetest.Field(1, 2, tx), devicetest.Field(7, 1, []byte(payment))...)
	return append(append(b, devicetest.Field(8, 1, []byte(receiver))...), devicetest.Field(9, 1, []byte(fee))...)
}

func msgBody(data []byte) []byte { return devicetest.Field(1, 2, data) }

// newDevice makes a device with this applet and the one that binds.
func newDevice(t testing.TB, o device.Options) *device.Device {
	t.Helper()
	return devicetest.New(t, o, imk.Applet, Applet)
}

// wallet makes a device with the test wallet, and a host that has selected the applet. bound chooses whether the device is bound
// to the host's app.
func wallet(t testing.TB, o device.Options, bound bool) (*device.Device, *devicetest.Host) {
	t.Helper()
	o.Mnemonic = hosttest.Mnemonic
	d := newDevice(t, o)
	h := devicetest.Connect(t, d, 1)
	if bound {
		h.Bind()
		require.NoError(t, d.Home())
	}
	h.OK(selectETH)
	return d, h
}

var unboundTx = append([]byte{0, 1, 0}, txBody(plainTx, "p", "r", "f")...)

// list returns the RLP list of encoded items, in hex.
func list(items ...string) string {
	body := strings.Join(items, "")
	switch n := len(body) / 2; {
	case n <= 55:
		return fmt.Sprintf("%02x", 0xC0+n) + body
	case n <= 0xFF:
		return fmt.Sprintf("f8%02x", n) + body
	default:
		return fmt.Sprintf("f9%04x", n) + body
	}
}

var plainTx = func() []byte {
	b, _ := hex.DecodeString("ec08850165a0bc00825208943535353535353535353535353535353535353535880de0b6b3a7640000801c8080")
	return b
}()

// TestRecordedSessions compares each answer with that of a real device, except for the random signature of the secure element.
func TestRecordedSessions(t *testing.T) {
	require.Len(t, vectors.Sessions, 3)
	for _, s := range vectors.Sessions {
		t.Run(s.Name, func(t *testing.T) {
			_, h := wallet(t, device.Options{Approve: device.Yes}, false)
			for _, e := range s.Exchanges {
				data, sw := h.Raw(hosttest.Unhex(t, e.Cmd))
				got := hex.EncodeToString(apdu.Response{Data: data, SW: sw}.Bytes())
				if e.Cmd != readKeyCommand {
					require.Equal(t, e.Rsp, got, e.Cmd)
					continue
				}
				require.Equal(t, e.Rsp[:2*97], got[:2*97])
				require.True(t, ecdsa.Verify(h.SEPublicKey(), sha256.Sum256(data[:97]), data[97:]))
				if s.Expect.Address != "" {
					sum := keccak(data[1:65])
					require.Equal(t, s.Expect.Address, checksummed(sum[12:]))
				}
			}
		})
	}
}

// TestSignedVectors signs each transaction and message of which the signature is known.
func TestSignedVectors(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	require.Len(t, vectors.Ethereum, 6)
	for _, v := range vectors.Ethereum {
		if v.Kind == "personal_sign" {
			message := []byte(v.Message)
			if b, err := hex.DecodeString(strings.TrimPrefix(v.Message, "0x")); err == nil {
				message = b
			}
			require.Equal(t, apdu.OK, h.Prepare(prepareMessage, h.Signed(msgBody(eip191(message)))))
			require.Equal(t, v.Signature[2:], hex.EncodeToString(devicetest.LowS(t, h.OK(signMsgCommand), 27)))
			continue
		}
		unsigned := hosttest.Unhex(t, v.Unsigned[2:])
		require.Equal(t, apdu.OK, h.Prepare(prepareTransaction, h.Signed(txBody(unsigned, "p", "r", "f"))))
		signature := devicetest.LowS(t, h.OK(signTxCommand), 0)
		// The signed transaction ends with r and s, each as a string of 32 bytes.
		require.Equal(t, v.Signed[len(v.Signed)-132:], "a0"+hex.EncodeToString(signature[:32])+"a0"+hex.EncodeToString(signature[32:64]))
		// The parity stands before them, alone or in the v of EIP-155, which has its complement as lowest bit.
		before := hosttest.Unhex(t, v.Signed[len(v.Signed)-134:len(v.Signed)-132])[0]
		if strings.HasPrefix(v.Signed, "0x02") {
			require.Equal(t, map[byte]byte{0x80: 0, 0x01: 1}[before], signature[64])
		} else {
			require.Equal(t, byte(28*2+35)+signature[64], before)
		}
	}
}

func eip191(message []byte) []byte {
	var length []byte
	for n := len(message); n > 0 || length == nil; n /= 10 {
		length = append([]byte{'0' + byte(n%10)}, length...)
	}
	return append(append([]byte("\x19Ethereum Signed Message:\n"), length...), message...)
}

// TestRecordedCommands sends the commands that were recorded without a session. The device does not normalise s.
func TestRecordedCommands(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, false)
	require.Equal(t, h.OK(recorded(t, "eth xpub m/44'/60'/0'/0/0 verify=0"))[:97], h.OK(recorded(t, "eth xpub verify=1"))[:97])
	h.OK(recorded(t, "eth register address (ascii)"))
	h.OK(recorded(t, "eth prepare 0x51 (preview TLV, unbound)"))
	transaction := h.OK(recorded(t, "eth sign"))
	h.OK(recorded(t, "eth prepare 0x54 (unbound)"))
	require.Equal(t, transaction, h.OK(recorded(t, "eth personal sign")), "the same bytes have the same signature, as a transaction and as a message")

	highs := 0
	for i := range 40 {
		require.Equal(t, apdu.OK, h.Prepare(prepareMessage, append([]byte{0, 0}, msgBody([]byte{byte(i)})...)))
		answer := h.OK(signMsgCommand)
		require.LessOrEqual(t, answer[65], byte(1))
		if answer[33] >= 0x80 {
			highs++
		}
	}
	require.Greater(t, highs, 5, "s is not normalised")
	require.Less(t, highs, 35)
}

// TestStates sends commands without a wallet, in the menu, while the device is locked, and without the applet.
func TestStates(t *testing.T) {
	d := newDevice(t, device.Options{Approve: device.Yes})
	h := devicetest.Connect(t, d, 1)
	h.OK(selectETH)
	commands := []string{readKeyCommand, signTxCommand, signMsgCommand, recorded(t, "eth register address (ascii)"), "80510080010000", "80540080010000"}
	for _, c := range commands {
		h.SW(apdu.NoWallet, c)
	}
	h.SW(apdu.ClassNotSupported, "00530000016D00")
	h.SW(apdu.InstructionNotSupported, "8057000000")
	h.SW(apdu.InstructionNotSupported, "8050000000")
	require.NoError(t, d.Restore(hosttest.Mnemonic))
	h.OK(readKeyCommand)
	require.NoError(t, d.Menu())
	for _, c := range commands {
		h.SW(apdu.InMenu, c)
	}
	require.NoError(t, d.Home())
	require.NoError(t, d.SetPIN("1234"))
	require.NoError(t, d.Lock())
	for _, c := range commands {
		h.SW(apdu.PINNotVerified, c)
	}
	h.OK(selectETH)
	require.NoError(t, d.Unlock("1234"))
	h.OK(readKeyCommand)

	require.ErrorIs(t, d.SetInstalled("imk", false), device.ErrApplet)
	require.ErrorIs(t, d.SetInstalled("", false), device.ErrApplet)
	require.Equal(t, []string{"ethereum"}, d.Status().Applets)
	require.NoError(t, d.SetInstalled("ethereum", false))
	require.Empty(t, d.Status().Applets)
	h.SW(apdu.InstructionNotSupported, "80530000056D2F34342700") // the card manager is selected now
	h.SW(apdu.NotFound, selectETH)
	require.NoError(t, d.SetInstalled("ethereum", true))
	h.OK(selectETH)
	h.OK(readKeyCommand)
}

// TestParameters sends commands with a wrong P1, P2, length or data.
func TestParameters(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, false)
	address := hex.EncodeToString([]byte(testAddress))
	h.OK("805600002A" + address + "00")
	for command, want := range map[string]apdu.StatusWord{
		"80530200106d2f3434272f3630272f30272f302f3000": apdu.WrongParameters,
		"80530001106d2f3434272f3630272f30272f302f3000": apdu.WrongParameters,
		"80530000106d2f3434272f3630272f30272f302f3001": apdu.WrongLength,
		"8053000000":                                   apdu.WrongLength,
		"805300000344343400":                           apdu.WrongData,
		"80530000016D00":                               apdu.WrongData,
		"80560100" + "2A" + address:                    apdu.WrongParameters,
		"8056000000":                                   apdu.WrongLength,
		"80560000" + "29" + address[2:]:                apdu.WrongData,
		"80560000" + "28" + address[:80]:               apdu.WrongData,
		"80560000" + "2A" + strings.Repeat("67", 42):   apdu.WrongData,
		"80520100106d2f3434272f3630272f30272f302f3000": apdu.WrongParameters,
		"8052000000":                                   apdu.WrongLength,
		signTxCommand:                                  apdu.ConditionsNotSatisfied,
		signMsgCommand:                                 apdu.ConditionsNotSatisfied,
		"805100000100":                                 apdu.OK,
		"80510100010000":                               apdu.WrongParameters,
		"80510040010000":                               apdu.WrongParameters,
		"8051000000":                                   apdu.WrongLength,
		"80510000F6" + strings.Repeat("00", 246):       apdu.WrongLength,
		"80518000010000":                               apdu.ConditionsNotSatisfied,
		"80548080010000":                               apdu.ConditionsNotSatisfied,
	} {
		h.OK(selectETH)
		h.SW(want, command)
	}
	// After a wrong path the confirmed payload can still be signed. After a signature it cannot.
	require.Equal(t, apdu.OK, h.Prepare(prepareTransaction, unboundTx))
	h.SW(apdu.WrongData, "80520000036D2F7800")
	h.OK(signTxCommand)
	h.SW(apdu.ConditionsNotSatisfied, signTxCommand)
	// Other paths sign with other keys.
	require.Equal(t, apdu.OK, h.Prepare(prepareTransaction, unboundTx))
	other := h.OK("80520000106d2f3434272f3630272f30272f302f3100")
	require.Equal(t, apdu.OK, h.Prepare(prepareTransaction, unboundTx))
	require.NotEqual(t, other, h.OK(signTxCommand))
}

// TestChunks sends payloads of all lengths around that of a chunk, and chunks that do not belong together.
func TestChunks(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	for _, n := range []int{0, 1, 160, 168, 169, 170, 171, 172, 400, 65535} {
		data := bytes.Repeat([]byte{0xA5}, n)
		require.Equal(t, apdu.OK, h.Prepare(prepareMessage, h.Signed(msgBody(data))), n)
		answer := h.OK(signMsgCommand)
		want := keccak(data)
		var sig ecdsa.Signature
		sig.R.SetByteSlice(answer[1:33])
		sig.S.SetByteSlice(answer[33:65])
		require.True(t, ecdsa.Verify(h.OK(readKeyCommand)[:65], want, sig.DER()))
	}
	whole := h.Signed(msgBody([]byte("hello")))
	for _, size := range []int{1, 2, 7, len(whole) - 1} {
		for i, c := range devicetest.Commands(t, prepareMessage, whole, size) {
			h.SW(apdu.OK, hex.EncodeToString(c))
			if i == 0 {
				h.OK(readKeyCommand) // the payload under way stays
			}
		}
		h.OK(signMsgCommand)
	}
	parts := devicetest.Commands(t, prepareMessage, whole, 40)
	first, last := hex.EncodeToString(parts[0]), hex.EncodeToString(parts[len(parts)-1])
	other := strings.Replace(last, "8054", "8051", 1)
	h.OK(first)
	h.SW(apdu.ConditionsNotSatisfied, other)
	h.SW(apdu.ConditionsNotSatisfied, last) // the other instruction has ended the payload
	h.OK(first)
	h.OK(selectETH)
	h.SW(apdu.ConditionsNotSatisfied, last)
	h.OK(first)
	h.Idle() // a CANCEL
	h.SW(apdu.ConditionsNotSatisfied, last)
	h.OK(first)
	h.SW(apdu.WrongData, hex.EncodeToString(append([]byte{0x80, prepareMessage, 0x80, 0x80, 1}, 0))) // parts are missing

	// A payload without end.
	part := append([]byte{0x80, prepareMessage, 0x80, 0, applet.MaxChunk}, make([]byte, applet.MaxChunk)...)
	h.OK(first)
	for n := 40; n+applet.MaxChunk <= maxPayload; n += applet.MaxChunk {
		_, sw := h.Raw(part)
		require.Equal(t, apdu.OK, sw)
	}
	_, sw := h.Raw(part)
	require.Equal(t, apdu.WrongData, sw)
	_, sw = h.Raw(part)
	require.Equal(t, apdu.ConditionsNotSatisfied, sw)
}

// TestPrepared checks which events discard what the user has confirmed.
func TestPrepared(t *testing.T) {
	d, h := wallet(t, device.Options{}, true)
	tx, msg := h.Signed(txBody(plainTx, "p", "r", "f")), h.Signed(msgBody([]byte("m")))
	prepare := func() {
		t.Helper()
		h.Offer(prepareTransaction, tx)
		require.Equal(t, apdu.OK, h.Decide(device.OK))
	}
	gone := func() {
		t.Helper()
		h.SW(apdu.ConditionsNotSatisfied, signTxCommand)
		h.SW(apdu.ConditionsNotSatisfied, signMsgCommand)
	}
	prepare()
	h.SW(apdu.ConditionsNotSatisfied, signMsgCommand) // 55 needs 54 before it
	h.OK(readKeyCommand)
	h.OK(signTxCommand)
	gone()
	h.Offer(prepareMessage, msg)
	require.Equal(t, apdu.OK, h.Decide(device.OK))
	h.SW(apdu.ConditionsNotSatisfied, signTxCommand)
	h.OK(signMsgCommand)
	gone()

	for name, lose := range map[string]func(){
		"SELECT":         func() { h.OK(selectETH) },
		"another applet": func() { h.OK(hosttest.SelectIMK); h.OK(selectETH) },
		"CANCEL":         func() { h.Idle() },
		"a new payload":  func() { h.OK("80540000010000") },
		"bus reset":      func() { require.NoError(t, h.Link.Reset(t.Context())); h.OK(selectETH) },
		"a refused one": func() {
			require.Equal(t, apdu.SignatureFailed, h.Prepare(prepareTransaction, append([]byte{0, 0}, txBody(plainTx, "p", "r", "f")...)))
		},
		"a rejected one": func() {
			h.Offer(prepareTransaction, tx)
			require.Equal(t, apdu.Rejected, h.Decide(device.Cancel))
		},
		"unplugging": func() {
			require.NoError(t, d.Unplug())
			require.NoError(t, d.Plug())
			h = devicetest.Connect(t, d, 1)
			h.OK(selectETH)
		},
		"a power cut": func() {
			require.NoError(t, h.Link.Close())
			require.NoError(t, d.PowerCut())
			require.NoError(t, d.Plug())
			h = devicetest.Connect(t, d, 1)
			h.OK(selectETH)
		},
		"another host": func() {
			require.NoError(t, h.Link.Close())
			h = devicetest.Connect(t, d, 1)
			h.OK(selectETH)
		},
		"a reset": func() {
			require.NoError(t, d.Reset())
			require.NoError(t, d.Restore(hosttest.Mnemonic))
			h.Bind()
			h.OK(selectETH)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h.T = t
			prepare()
			lose()
			gone()
			prepare()
			h.OK(signTxCommand)
		})
	}
}

// TestBindingSignature checks which binding signatures the device accepts.
func TestBindingSignature(t *testing.T) {
	d, h := wallet(t, device.Options{Approve: device.Yes}, true)
	body := txBody(plainTx, "p", "r", "f")
	with := func(signature []byte) []byte { return append(devicetest.Field(0, 1, signature), body...) }
	good := h.BindingSignature(body, false)
	for name, payload := range map[string][]byte{
		"none":                    with(nil),
		"none, as transactions":   with([]byte{0}),
		"another host's":          h.As(2).Signed(body),
		"over other bytes":        append(devicetest.Field(0, 1, h.BindingSignature(body[1:], false)), body...),
		"of a changed payload":    append(devicetest.Field(0, 1, good), txBody(plainTx, "p", "r", "g")...),
		"truncated":               with(good[:len(good)-1]),
		"longer":                  with(append(bytes.Clone(good), 0)),
		"not DER":                 with(bytes.Repeat([]byte{0x30}, 70)),
		"one byte that is not 00": with([]byte{1}),
		"r and s of zero":         with([]byte{0x30, 6, 2, 1, 0, 2, 1, 0}),
	} {
		require.Equal(t, apdu.SignatureFailed, h.Prepare(prepareTransaction, payload), name)
		h.SW(apdu.ConditionsNotSatisfied, signTxCommand)
	}
	for _, high := range []bool{false, true} {
		require.Equal(t, apdu.OK, h.Prepare(prepareTransaction, with(h.BindingSignature(body, high))))
		h.OK(signTxCommand)
	}
	// AllowUnbound lets empty signatures pass, but not wrong ones.
	d.AllowUnbound(true)
	require.True(t, d.Status().AllowUnbound)
	for _, none := range [][]byte{nil, {0}} {
		require.Equal(t, apdu.OK, h.Prepare(prepareTransaction, with(none)))
		h.OK(signTxCommand)
	}
	require.Equal(t, apdu.SignatureFailed, h.Prepare(prepareTransaction, h.As(2).Signed(body)))
	d.AllowUnbound(false)
	require.Equal(t, apdu.SignatureFailed, h.Prepare(prepareTransaction, with(nil)))

	// Binding another app unbinds the first one.
	code := func() string { h.OK(hosttest.SelectIMK); h.Check(); h.OK(hosttest.ShowCode); return h.ShownCode() }()
	require.Equal(t, hosttest.RightCode, h.As(2).Verify(code))
	h.OK(selectETH)
	require.Equal(t, apdu.SignatureFailed, h.Prepare(prepareTransaction, h.Signed(body)))
	require.Equal(t, apdu.OK, h.Prepare(prepareTransaction, h.As(2).Signed(body)))

	// An unbound device refuses a signature, which it cannot check, and accepts an empty one, as recorded devices did.
	_, free := wallet(t, device.Options{Approve: device.Yes, Rand: hosttest.Seeded(2)}, false)
	require.Equal(t, apdu.SignatureFailed, free.Prepare(prepareTransaction, free.Signed(body)))
	require.Equal(t, apdu.OK, free.Prepare(prepareTransaction, with(nil)))
	require.Equal(t, apdu.OK, free.Prepare(prepareTransaction, with([]byte{0})))
	require.True(t, newDevice(t, device.Options{AllowUnbound: true}).Status().AllowUnbound)
}

// TestMalformedPayloads checks that the device refuses a malformed payload without asking the user.
func TestMalformedPayloads(t *testing.T) {
	d, h := wallet(t, device.Options{}, false)
	unsigned := func(ins byte, body []byte) []byte { return append([]byte{0, 0}, body...) }
	good := txBody(plainTx, "p", "r", "f")
	refuse := func(name string, ins byte, body []byte) {
		t.Helper()
		require.Equal(t, apdu.WrongData, h.Prepare(ins, unsigned(ins, body)), name)
		require.False(t, d.Status().Asking, name)
		h.SW(apdu.ConditionsNotSatisfied, signTxCommand)
		h.SW(apdu.ConditionsNotSatisfied, signMsgCommand)
	}
	for n := 1; n < len(good); n++ {
		refuse("truncated", prepareTransaction, good[:n])
	}
	refuse("something after it", prepareTransaction, append(bytes.Clone(good), 0))
	refuse("a message's fields", prepareTransaction, msgBody(plainTx))
	refuse("a transaction's fields", prepareMessage, good)
	refuse("something after a message", prepareMessage, append(msgBody([]byte("m")), 0))
	refuse("a message truncated", prepareMessage, msgBody([]byte("message"))[:8])
	swapped := bytes.Clone(good)
	swapped[len(swapped)-3], swapped[len(swapped)-6] = 8, 9
	refuse("fields in another order", prepareTransaction, swapped)
	for _, text := range []string{"\x00", "a\nb", "\x7f", "\xff", "\u00e9"} {
		refuse("a payment that cannot be shown", prepareTransaction, txBody(plainTx, text, "r", "f"))
		refuse("a receiver that cannot be shown", prepareTransaction, txBody(plainTx, "p", text, "f"))
		refuse("a fee that cannot be shown", prepareTransaction, txBody(plainTx, "p", "r", text))
	}
	to := "94" + strings.Repeat("35", 20)
	nines := strings.Repeat("11", 9)
	for name, tx := range map[string]string{
		"nothing":                     "",
		"a string":                    "8401020304",
		"another type":                "01" + list("1c", "08", "01", "01", to, "01", "80", list()),
		"type 4":                      "04" + list("1c", "08", "01", "01", "01", to, "01", "80", list(), list()),
		"too few fields":              list("08", "01", "01", to, "01"),
		"seven fields":                list("08", "01", "01", to, "01", "80", "1c"),
		"a list after it":             hex.EncodeToString(plainTx) + "c0",
		"a signed one":                list("08", "01", "01", to, "01", "80", "1c", "01", "01"),
		"a leading zero":              list("820008", "01", "01", to, "01", "80"),
		"a zero that is not empty":    list("00", "01", "01", to, "01", "80"),
		"a nonce of nine bytes":       list("89"+nines, "01", "01", to, "01", "80"),
		"gas of nine bytes":           list("08", "01", "89"+nines, to, "01", "80"),
		"a receiver of 19 bytes":      list("08", "01", "01", "93"+strings.Repeat("35", 19), "01", "80"),
		"a value of 33 bytes":         list("08", "01", "01", to, "a1"+strings.Repeat("11", 33), "80"),
		"data that is a list":         list("08", "01", "01", to, "01", "c0"),
		"a chain id that is a list":   list("08", "01", "01", to, "01", "80", "c0", "80", "80"),
		"r of EIP-155":                list("08", "01", "01", to, "01", "80", "1c", "01", "80"),
		"an access list that is none": "02" + list("01", "08", "01", "01", "01", to, "01", "80", "80"),
		"an access of 19 bytes":       "02" + list("01", "08", "01", "01", "01", to, "01", "80", list(list("93"+strings.Repeat("11", 19), list()))),
		"a storage key of one byte":   "02" + list("01", "08", "01", "01", "01", to, "01", "80", list(list(to, list("01")))),
		"a tip with a leading zero":   "02" + list("01", "08", "820001", "01", "01", to, "01", "80", list()),
		"type 2 without accesses":     "02" + list("01", "08", "01", "01", "01", to, "01", "80"),
	} {
		refuse(name, prepareTransaction, txBody(hosttest.Unhex(t, tx), "p", "r", "f"))
	}
	h.Idle()
}

// TestTransactionForms parses a transaction of each form.
func TestTransactionForms(t *testing.T) {
	to := "94" + strings.Repeat("35", 20)
	for name, tx := range map[string]string{
		"before EIP-155":         list("08", "01", "01", to, "01", "80"),
		"EIP-155":                hex.EncodeToString(plainTx),
		"a new contract":         list("08", "01", "01", "80", "01", "826001"),
		"EIP-1559":               "02" + list("01", "08", "01", "01", "01", to, "01", "80", list()),
		"EIP-1559 with accesses": "02" + list("01", "08", "01", "01", "01", to, "01", "80", list(list(to, list("a0"+strings.Repeat("22", 32))), list(to, list()))),
	} {
		b := hosttest.Unhex(t, tx)
		require.NotNil(t, parseTransaction(b), name)
	}
}

// TestWhatTheScreenShows compares the pages that the user reads before OK.
func TestWhatTheScreenShows(t *testing.T) {
	d, h := wallet(t, device.Options{}, true)
	erc20 := func(chain, token, receiver, amount string) []byte {
		data := "a9059cbb" + strings.Repeat("0", 24) + receiver + strings.Repeat("0", 64-len(amount)) + amount
		return hosttest.Unhex(t, list("08", "01", "01", "94"+token, "80", "b844"+data, chain, "80", "80"))
	}
	const usdt, receiver = "dac17f958d2ee523a2206206994597c13d831ec7", "6031564e7b2f5cc33737807b2e58daff870b590b"
	host := []string{"Pay: host's paym|ent|", "To: host's recei|ver|", "Fee: host's fee||"}
	to3535 := "To: 0x3535353535|3535353535353535|35353535353535"
	for name, test := range map[string]struct {
		tx   []byte
		want []string
	}{
		"ether":                           {plainTx, []string{"Pay: 1.0 ETH||", to3535, host[2]}},
		"another coin":                    {hosttest.Unhex(t, list("08", "01", "01", "94"+strings.Repeat("35", 20), "01", "80", "38", "80", "80")), []string{"Pay: 0.000000000|000000001 BNB|", to3535, host[2]}},
		"a known token":                   {erc20("01", usdt, receiver, "16e360"), []string{"Pay: 1.5 USDT||", "To: 0x6031564e7b|2F5cc33737807b2E|58DaFF870B590b", host[2]}},
		"a known token on another chain":  {erc20("02", usdt, receiver, "16e360"), host},
		"an unknown token":                {erc20("01", strings.Repeat("11", 20), receiver, "16e360"), host},
		"another call of a known token":   {hosttest.Unhex(t, list("08", "01", "01", "94"+usdt, "80", "8412345678", "01", "80", "80")), host},
		"a token transfer with ether":     {hosttest.Unhex(t, strings.Replace(hex.EncodeToString(erc20("01", usdt, receiver, "01")), usdt+"80", usdt+"07", 1)), host},
		"a token transfer with more data": {hosttest.Unhex(t, list("08", "01", "01", "94"+usdt, "80", "b845a9059cbb"+strings.Repeat("00", 65), "01", "80", "80")), host},
		"a new contract":                  {hosttest.Unhex(t, list("08", "01", "01", "80", "01", "826001")), host},
	} {
		t.Run(name, func(t *testing.T) {
			h.T = t
			h.Offer(prepareTransaction, h.Signed(txBody(test.tx, "host's payment", "host's receiver", "host's fee")))
			require.Equal(t, test.want, devicetest.Read(t, d))
			require.NoError(t, d.Press(device.OK))
			_, sw, _ := h.Answer()
			require.Equal(t, apdu.OK, sw)
			h.OK(signTxCommand)
		})
	}
	long := strings.Repeat("All work and no play makes Jack a dull boy.\n", 30)
	for name, test := range map[string]struct {
		data []byte
		want []string
	}{
		"a message":                             {eip191([]byte("Hello imKey")), []string{"Sign message:|Hello imKey|"}},
		"a message of several lines":            {eip191([]byte("a\n\nb")), []string{"Sign message:|a|", "b||"}},
		"an empty message":                      {eip191(nil), []string{"Sign message:||"}},
		"raw text":                              {[]byte("Hello imKey"), []string{"Sign raw text:|Hello imKey|"}},
		"a wrong length":                        {[]byte("\x19Ethereum Signed Message:\n12Hello imKey"), nil},
		"typed data":                            {append([]byte{0x19, 1}, make([]byte, 64)...), nil},
		"a message that the screen cannot show": {eip191([]byte("Grüße")), nil},
		"a transaction":                         {plainTx, nil},
		"nothing":                               {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h.T = t
			want := test.want
			if want == nil {
				sum := keccak(test.data)
				text := hex.EncodeToString(sum[:])
				want = []string{"Sign blindly:|" + text[:16] + "|" + text[16:32], text[32:48] + "|" + text[48:] + "|"}
			}
			h.Offer(prepareMessage, h.Signed(msgBody(test.data)))
			require.Equal(t, want, devicetest.Read(t, d))
			require.NoError(t, d.Press(device.OK))
			_, sw, _ := h.Answer()
			require.Equal(t, apdu.OK, sw)
			h.OK(signMsgCommand)
		})
	}
	t.Run("a long one", func(t *testing.T) {
		h.T = t
		h.Offer(prepareMessage, h.Signed(msgBody(eip191([]byte(long)))))
		require.Equal(t, "OK/Cancel 1/31", d.Status().Screen[3])
		require.Len(t, devicetest.Read(t, d), 31)
	})
}

// TestChecksummed takes the examples of EIP-55.
func TestChecksummed(t *testing.T) {
	for _, address := range []string{
		"0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
		"0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
	} {
		b, err := hex.DecodeString(address[2:])
		require.NoError(t, err)
		require.Equal(t, address, checksummed(b))
	}
}

// TestUserDecidesAboutSigning ends a question with cancel, and with each other event that ends one.
func TestUserDecidesAboutSigning(t *testing.T) {
	d, h := wallet(t, device.Options{PIN: ""}, true)
	payload := h.Signed(txBody(plainTx, "p", "r", "f"))
	for name, test := range map[string]struct {
		act  func() error
		want apdu.StatusWord
		undo func()
	}{
		"cancel": {func() error { return d.Press(device.Cancel) }, apdu.Rejected, nil},
		"home":   {d.Home, apdu.Rejected, nil},
		"removed": {func() error { return d.SetInstalled("ethereum", false) }, apdu.NotFound, func() {
			require.NoError(t, d.SetInstalled("ethereum", true))
		}},
		"boot loader": {func() error { return d.SetBootLoader(true) }, apdu.InMenu, func() { require.NoError(t, d.SetBootLoader(false)) }},
	} {
		h.OK(selectETH)
		h.Offer(prepareTransaction, payload)
		require.NoError(t, test.act())
		_, sw, _ := h.Answer()
		require.Equal(t, test.want, sw, name)
		if test.undo != nil {
			test.undo()
		}
		require.False(t, d.Status().Asking)
		h.OK(selectETH)
		h.SW(apdu.ConditionsNotSatisfied, signTxCommand)
	}
	// The user confirms an address too.
	h.Message(hosttest.Unhex(t, recorded(t, "eth register address (ascii)")))
	h.Await("a question", func(s device.Status) bool { return s.Asking })
	require.Equal(t, []string{"Addr: 0x6031564e|7b2F5cc33737807b|2E58DaFF870B590b"}, devicetest.Read(t, d))
	require.NoError(t, d.Press(device.Cancel))
	_, sw, _ := h.Answer()
	require.Equal(t, apdu.Rejected, sw)

	// A host that gives up gets no signature later, even if the user presses OK.
	h.Offer(prepareTransaction, payload)
	h.Send(frame.Cancel())
	require.Equal(t, frame.Error(frame.Cancelled), h.ReceiveAfterKeepAlives())
	h.Await("the question withdrawn", func(s device.Status) bool { return !s.Asking })
	require.NoError(t, d.Press(device.OK))
	h.Idle()
	h.SW(apdu.ConditionsNotSatisfied, signTxCommand)

	// A device that is unplugged while it asks does not ask any more when it is plugged in again.
	for _, cut := range []func() error{d.Unplug, d.PowerCut} {
		h.Offer(prepareTransaction, payload)
		require.NoError(t, cut())
		require.Empty(t, d.Status().Screen)
		require.NoError(t, d.Plug())
		require.False(t, d.Status().Asking)
		h = devicetest.Connect(t, d, 1)
		h.OK(selectETH)
		h.SW(apdu.ConditionsNotSatisfied, signTxCommand)
	}

	// While the user decides, the host gets keep-alives.
	h.Offer(prepareTransaction, payload)
	require.Equal(t, frame.KeepAlive(2), h.Receive())
	require.NoError(t, d.Press(device.OK))
	_, sw, _ = h.Answer()
	require.Equal(t, apdu.OK, sw)
	h.OK(signTxCommand)

	_, h = wallet(t, device.Options{Approve: device.No}, true)
	require.Equal(t, apdu.Rejected, h.Prepare(prepareTransaction, payload))
	h.SW(apdu.Rejected, recorded(t, "eth register address (ascii)"))
}

// TestLockedMeanwhile locks the device while it asks. The question ends, and unlocking does not bring it back.
func TestLockedMeanwhile(t *testing.T) {
	d := newDevice(t, device.Options{Mnemonic: hosttest.Mnemonic, PIN: "1234"})
	h := devicetest.Connect(t, d, 1)
	require.NoError(t, d.Unlock("1234"))
	h.OK(selectETH)
	h.Offer(prepareTransaction, append([]byte{0, 0}, txBody(plainTx, "p", "r", "f")...))
	require.NoError(t, d.Lock())
	_, sw, _ := h.Answer()
	require.Equal(t, apdu.PINNotVerified, sw)
	require.NoError(t, d.Unlock("1234"))
	h.SW(apdu.ConditionsNotSatisfied, signTxCommand)
}

// FuzzPayload checks that a parsed payload encodes to the same bytes, and that the screen can show its texts.
func FuzzPayload(f *testing.F) {
	f.Add(true, append([]byte{0, 1, 0}, txBody(plainTx, "1.0 ETH", "0x3535", "0.1 ETH")...))
	f.Add(false, append([]byte{0, 0}, msgBody(eip191([]byte("Hello imKey")))...))
	f.Add(false, append([]byte{0, 2, 1, 2}, msgBody([]byte{0x19, 1})...))
	for _, v := range vectors.Ethereum {
		if v.Unsigned != "" {
			b, err := hex.DecodeString(v.Unsigned[2:])
			require.NoError(f, err)
			f.Add(true, append([]byte{0, 0}, txBody(b, "p", "r", "f")...))
		}
	}
	f.Fuzz(func(t *testing.T, transaction bool, payload []byte) {
		ins := byte(prepareMessage)
		if transaction {
			ins = prepareTransaction
		}
		p, err := parsePayload(ins, payload)
		if err != nil {
			require.ErrorIs(t, err, apdu.WrongData)
			return
		}
		body := msgBody(p.data)
		if transaction {
			body = txBody(p.data, p.payment, p.receiver, p.fee)
		}
		require.True(t, bytes.Equal(body, p.signed))
		require.True(t, bytes.Equal(payload, append(devicetest.Field(0, 1, p.signature), body...)))
		shown := p.texts()
		require.NotEmpty(t, shown)
		for _, text := range shown {
			require.NotEmpty(t, text)
			require.True(t, printableLines(text))
		}
	})
}

// FuzzCommands sends commands, each after a byte of length, to a device that confirms all questions itself.
func FuzzCommands(f *testing.F) {
	d, h := wallet(f, device.Options{Approve: device.Yes}, true)
	tx := devicetest.Commands(f, prepareTransaction, h.Signed(txBody(plainTx, "p", "r", "f")), applet.MaxChunk)
	for _, s := range [][]string{{hex.EncodeToString(tx[0]), signTxCommand}, {"805400000201FF00", "80548080020304", signMsgCommand}, {readKeyCommand, signMsgCommand}} {
		f.Add(devicetest.Join(f, s...))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		h := h.On(t)
		devicetest.CheckCommands(t, d, h, Applet, in)
		require.Equal(t, apdu.OK, h.Prepare(prepareTransaction, h.Signed(txBody(plainTx, "p", "r", "f"))))
		h.OK(signTxCommand)
	})
}
