package devicesim

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
	"imkey-connect/devicesim/ecdsa"
)

const (
	selectETH  = "00A4040005695F65746800"
	ethPath    = "m/44'/60'/0'/0/0"
	ethAddress = "0x6031564e7b2F5cc33737807b2E58DaFF870B590b"
	readKey    = "80530000106d2f3434272f3630272f30272f302f3000"
	signTx     = "80520000106d2f3434272f3630272f30272f302f3000"
	signMsg    = "80550000106d2f3434272f3630272f30272f302f3000"
	prepareTx  = ethPrepareTransaction
	prepareMsg = ethPrepareMessage
)

// vectors is what was recorded from real devices.
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
	b, err := os.ReadFile("../core/testdata/vectors/imkey.json")
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		panic(err)
	}
	return v
}()

// recorded is a command that was recorded alone.
func recorded(t testing.TB, name string) string {
	for _, a := range vectors.APDUs {
		if a.Name == name {
			return a.APDU
		}
	}
	require.FailNow(t, "not recorded: "+name)
	return ""
}

func field(tag byte, lengthBytes int, value []byte) []byte {
	b := []byte{tag}
	for n := lengthBytes - 1; n >= 0; n-- {
		b = append(b, byte(len(value)>>(8*n)))
	}
	return append(b, value...)
}

// txBody and msgBody are what binding signatures are over.
func txBody(tx []byte, payment, receiver, fee string) []byte {
	b := append(field(1, 2, tx), field(7, 1, []byte(payment))...)
	return append(append(b, field(8, 1, []byte(receiver))...), field(9, 1, []byte(fee))...)
}

func msgBody(data []byte) []byte { return field(1, 2, data) }

// bindingSignature is the host's; high says that s is in the upper half of the order.
func (h *host) bindingSignature(body []byte, high bool) []byte {
	first := sha256.Sum256(body)
	sig := ecdsa.Sign(h.key, sha256.Sum256(first[:]), nil)
	if sig.High() != high {
		sig = sig.Negated()
	}
	return sig.DER()
}

func (h *host) signed(body []byte) []byte {
	return append(field(0, 1, h.bindingSignature(body, false)), body...)
}

// commands cuts a payload as hosts do.
func commands(t testing.TB, ins byte, payload []byte, size int) (all [][]byte) {
	for at := 0; at < len(payload); at += size {
		c := apdu.New(0x80, ins, 0, 0, payload[at:min(at+size, len(payload))])
		if at > 0 {
			c.P1 = 0x80
		}
		if at+size >= len(payload) {
			c.P2 = 0x80
		}
		b, err := c.Bytes()
		require.NoError(t, err)
		all = append(all, b)
	}
	return all
}

// prepare sends a payload whole and returns the last status word; all before must be 9000.
func (h *host) prepare(ins byte, payload []byte) apdu.StatusWord {
	h.t.Helper()
	all := commands(h.t, ins, payload, maxChunk)
	for _, c := range all[:len(all)-1] {
		data, sw := h.raw(c)
		require.Equal(h.t, apdu.OK, sw)
		require.Empty(h.t, data)
	}
	data, sw := h.raw(all[len(all)-1])
	require.Empty(h.t, data)
	return sw
}

// offer sends a payload and waits until the person is asked.
func (h *host) offer(ins byte, payload []byte) {
	h.t.Helper()
	all := commands(h.t, ins, payload, maxChunk)
	for _, c := range all[:len(all)-1] {
		_, sw := h.raw(c)
		require.Equal(h.t, apdu.OK, sw)
	}
	h.message(all[len(all)-1])
	await(h.t, h.d, "a question", asking)
}

// wallet is a device with the test wallet whose person says yes, and a host; bound says whether they are.
func wallet(t testing.TB, o Options, bound bool) (*Device, *host) {
	t.Helper()
	o.Mnemonic = testMnemonic
	d := newDevice(t, o)
	h := newHost(t, d, 1)
	if bound {
		h.bind()
		require.NoError(t, d.Home())
	}
	h.ok(selectETH)
	return d, h
}

var unboundTx = append([]byte{0, 1, 0}, txBody(plainTx, "p", "r", "f")...)

// read is all the pages of a question, each of its lines between bars.
func read(t testing.TB, d *Device) (all []string) {
	t.Helper()
	for {
		screen := d.Status().Screen
		require.Len(t, screen, Lines)
		for _, line := range screen {
			require.LessOrEqual(t, len(line), Columns)
		}
		require.True(t, strings.HasPrefix(screen[3], "OK") || len(all) > 99, "%q", screen)
		all = append(all, strings.Join(screen[:3], "|"))
		require.NoError(t, d.Press(Down))
		if d.Status().Screen[3] != screen[3] {
			continue
		}
		for range all { // back to the first page, and no further
			require.NoError(t, d.Press(Up))
		}
		require.Equal(t, all[0], strings.Join(d.Status().Screen[:3], "|"))
		return all
	}
}

// list is an RLP list of encoded items, in hex.
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

// TestRecordedSessions: what real devices answered, byte for byte, the random signature of the secure element excepted.
func TestRecordedSessions(t *testing.T) {
	require.Len(t, vectors.Sessions, 3)
	for _, s := range vectors.Sessions {
		t.Run(s.Name, func(t *testing.T) {
			_, h := wallet(t, Options{Approve: Yes}, false)
			for _, e := range s.Exchanges {
				data, sw := h.raw(unhex(t, e.Cmd))
				got := hex.EncodeToString(apdu.Response{Data: data, SW: sw}.Bytes())
				if e.Cmd != readKey {
					require.Equal(t, e.Rsp, got, e.Cmd)
					continue
				}
				require.Equal(t, e.Rsp[:2*97], got[:2*97])
				require.True(t, ecdsa.Verify(h.sePublicKey(), sha256.Sum256(data[:97]), data[97:]))
				if s.Expect.Address != "" {
					sum := keccak(data[1:65])
					require.Equal(t, s.Expect.Address, checksummed(sum[12:]))
				}
			}
		})
	}
}

// TestSignedVectors: every transaction and message whose signature is known.
func TestSignedVectors(t *testing.T) {
	_, h := wallet(t, Options{Approve: Yes}, true)
	require.Len(t, vectors.Ethereum, 6)
	for _, v := range vectors.Ethereum {
		if v.Kind == "personal_sign" {
			message := []byte(v.Message)
			if b, err := hex.DecodeString(strings.TrimPrefix(v.Message, "0x")); err == nil {
				message = b
			}
			require.Equal(t, apdu.OK, h.prepare(prepareMsg, h.signed(msgBody(eip191(message)))))
			require.Equal(t, v.Signature[2:], hex.EncodeToString(low(t, h.ok(signMsg), 27)))
			continue
		}
		unsigned := unhex(t, v.Unsigned[2:])
		require.Equal(t, apdu.OK, h.prepare(prepareTx, h.signed(txBody(unsigned, "p", "r", "f"))))
		signature := low(t, h.ok(signTx), 0)
		// The signed transaction ends with r and s, each as a string of 32 bytes.
		require.Equal(t, v.Signed[len(v.Signed)-132:], "a0"+hex.EncodeToString(signature[:32])+"a0"+hex.EncodeToString(signature[32:64]))
		// The parity stands before, alone or in EIP-155's v, whose lowest bit is its complement.
		before := unhex(t, v.Signed[len(v.Signed)-134:len(v.Signed)-132])[0]
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

// low is what a host makes of a signature: s in the lower half of the order, the recovery id with it, offset added.
func low(t testing.TB, answer []byte, offset byte) []byte {
	t.Helper()
	require.Len(t, answer, 66)
	require.Equal(t, byte(0x41), answer[0])
	var s ecdsa.Signature
	s.R.SetByteSlice(answer[1:33])
	s.S.SetByteSlice(answer[33:65])
	s.RecoveryID = answer[65]
	if s.High() {
		s = s.Negated()
	}
	r, v := s.R.Bytes(), s.S.Bytes()
	return append(append(r[:], v[:]...), s.RecoveryID+offset)
}

// TestRecordedCommands: those recorded alone are answered too, and both halves of the order come out raw.
func TestRecordedCommands(t *testing.T) {
	_, h := wallet(t, Options{Approve: Yes}, false)
	require.Equal(t, h.ok(recorded(t, "eth xpub m/44'/60'/0'/0/0 verify=0"))[:97], h.ok(recorded(t, "eth xpub verify=1"))[:97])
	h.ok(recorded(t, "eth register address (ascii)"))
	h.ok(recorded(t, "eth prepare 0x51 (preview TLV, unbound)"))
	transaction := h.ok(recorded(t, "eth sign"))
	h.ok(recorded(t, "eth prepare 0x54 (unbound)"))
	require.Equal(t, transaction, h.ok(recorded(t, "eth personal sign")), "the same bytes sign the same, sent blind or not")

	highs := 0
	for i := range 40 {
		require.Equal(t, apdu.OK, h.prepare(prepareMsg, append([]byte{0, 0}, msgBody([]byte{byte(i)})...)))
		answer := h.ok(signMsg)
		require.LessOrEqual(t, answer[65], byte(1))
		if answer[33] >= 0x80 {
			highs++
		}
	}
	require.Greater(t, highs, 5, "s is not normalised")
	require.Less(t, highs, 35)
}

// TestEthereumStates: what has to be there before the applet does anything.
func TestEthereumStates(t *testing.T) {
	d := newDevice(t, Options{Approve: Yes})
	h := newHost(t, d, 1)
	h.ok(selectETH)
	commands := []string{readKey, signTx, signMsg, recorded(t, "eth register address (ascii)"), "80510080010000", "80540080010000"}
	for _, c := range commands {
		h.sw(apdu.NoWallet, c)
	}
	h.sw(apdu.ClassNotSupported, "00530000016D00")
	h.sw(apdu.InstructionNotSupported, "8057000000")
	h.sw(apdu.InstructionNotSupported, "8050000000")
	require.NoError(t, d.Restore(testMnemonic))
	h.ok(readKey)
	require.NoError(t, d.Menu())
	for _, c := range commands {
		h.sw(apdu.InMenu, c)
	}
	require.NoError(t, d.Home())
	require.NoError(t, d.SetPIN("1234"))
	require.NoError(t, d.Lock())
	for _, c := range commands {
		h.sw(apdu.PINNotVerified, c)
	}
	h.ok(selectETH)
	require.NoError(t, d.Unlock("1234"))
	h.ok(readKey)

	require.ErrorIs(t, d.SetInstalled("imk", false), ErrApplet)
	require.ErrorIs(t, d.SetInstalled("", false), ErrApplet)
	require.Equal(t, []string{"ethereum"}, d.Status().Applets)
	require.NoError(t, d.SetInstalled("ethereum", false))
	require.Empty(t, d.Status().Applets)
	h.sw(apdu.InstructionNotSupported, "80530000056D2F34342700") // the card manager is selected now
	h.sw(apdu.NotFound, selectETH)
	require.NoError(t, d.SetInstalled("ethereum", true))
	h.ok(selectETH)
	h.ok(readKey)
}

// TestEthereumParameters: P1, P2, lengths and data that no command has.
func TestEthereumParameters(t *testing.T) {
	_, h := wallet(t, Options{Approve: Yes}, false)
	address := hex.EncodeToString([]byte(ethAddress))
	h.ok("805600002A" + address + "00")
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
		signTx:                                         apdu.ConditionsNotSatisfied,
		signMsg:                                        apdu.ConditionsNotSatisfied,
		"805100000100":                                 apdu.OK,
		"80510100010000":                               apdu.WrongParameters,
		"80510040010000":                               apdu.WrongParameters,
		"8051000000":                                   apdu.WrongLength,
		"80510000F6" + strings.Repeat("00", 246):       apdu.WrongLength,
		"80518000010000":                               apdu.ConditionsNotSatisfied,
		"80548080010000":                               apdu.ConditionsNotSatisfied,
	} {
		h.ok(selectETH)
		h.sw(want, command)
	}
	// A wrong path does not use up what was confirmed; a signature does.
	require.Equal(t, apdu.OK, h.prepare(prepareTx, unboundTx))
	h.sw(apdu.WrongData, "80520000036D2F7800")
	h.ok(signTx)
	h.sw(apdu.ConditionsNotSatisfied, signTx)
	// Other paths sign with other keys.
	require.Equal(t, apdu.OK, h.prepare(prepareTx, unboundTx))
	other := h.ok("80520000106d2f3434272f3630272f30272f302f3100")
	require.Equal(t, apdu.OK, h.prepare(prepareTx, unboundTx))
	require.NotEqual(t, other, h.ok(signTx))
}

// TestChunks: payloads of every length around a chunk's, and parts that do not fit together.
func TestChunks(t *testing.T) {
	_, h := wallet(t, Options{Approve: Yes}, true)
	for _, n := range []int{0, 1, 160, 168, 169, 170, 171, 172, 400, 65535} {
		data := bytes.Repeat([]byte{0xA5}, n)
		require.Equal(t, apdu.OK, h.prepare(prepareMsg, h.signed(msgBody(data))), n)
		answer := h.ok(signMsg)
		want := keccak(data)
		var sig ecdsa.Signature
		sig.R.SetByteSlice(answer[1:33])
		sig.S.SetByteSlice(answer[33:65])
		require.True(t, ecdsa.Verify(h.ok(readKey)[:65], want, sig.DER()))
	}
	whole := h.signed(msgBody([]byte("hello")))
	for _, size := range []int{1, 2, 7, len(whole) - 1} {
		for i, c := range commands(t, prepareMsg, whole, size) {
			h.sw(apdu.OK, hex.EncodeToString(c))
			if i == 0 {
				h.ok(readKey) // what has come so far survives that
			}
		}
		h.ok(signMsg)
	}
	parts := commands(t, prepareMsg, whole, 40)
	first, last := hex.EncodeToString(parts[0]), hex.EncodeToString(parts[len(parts)-1])
	other := strings.Replace(last, "8054", "8051", 1)
	h.ok(first)
	h.sw(apdu.ConditionsNotSatisfied, other)
	h.sw(apdu.ConditionsNotSatisfied, last) // the other one has ended it
	h.ok(first)
	h.ok(selectETH)
	h.sw(apdu.ConditionsNotSatisfied, last)
	h.ok(first)
	h.idle() // a CANCEL
	h.sw(apdu.ConditionsNotSatisfied, last)
	h.ok(first)
	h.sw(apdu.WrongData, hex.EncodeToString(append([]byte{0x80, prepareMsg, 0x80, 0x80, 1}, 0))) // parts are missing

	// A payload without end.
	part := append([]byte{0x80, prepareMsg, 0x80, 0, maxChunk}, make([]byte, maxChunk)...)
	h.ok(first)
	for n := 40; n+maxChunk <= ethMaxPayload; n += maxChunk {
		_, sw := h.raw(part)
		require.Equal(t, apdu.OK, sw)
	}
	_, sw := h.raw(part)
	require.Equal(t, apdu.WrongData, sw)
	_, sw = h.raw(part)
	require.Equal(t, apdu.ConditionsNotSatisfied, sw)
}

// TestPrepared: how long what the person has confirmed is there.
func TestPrepared(t *testing.T) {
	d, h := wallet(t, Options{Approve: Yes}, true)
	tx, msg := h.signed(txBody(plainTx, "p", "r", "f")), h.signed(msgBody([]byte("m")))
	prepare := func() {
		t.Helper()
		require.Equal(t, apdu.OK, h.prepare(prepareTx, tx))
	}
	gone := func() {
		t.Helper()
		h.sw(apdu.ConditionsNotSatisfied, signTx)
		h.sw(apdu.ConditionsNotSatisfied, signMsg)
	}
	prepare()
	h.sw(apdu.ConditionsNotSatisfied, signMsg) // 55 wants 54
	h.ok(readKey)
	h.ok(signTx)
	gone()
	require.Equal(t, apdu.OK, h.prepare(prepareMsg, msg))
	h.sw(apdu.ConditionsNotSatisfied, signTx)
	h.ok(signMsg)
	gone()

	for name, lose := range map[string]func(){
		"SELECT":         func() { h.ok(selectETH) },
		"another applet": func() { h.ok(selectIMK); h.ok(selectETH) },
		"CANCEL":         func() { h.idle() },
		"a new payload":  func() { h.ok("80540000010000") },
		"bus reset":      func() { require.NoError(t, h.link.Reset(t.Context())); h.ok(selectETH) },
		"a refused one": func() {
			require.Equal(t, apdu.SignatureFailed, h.prepare(prepareTx, append([]byte{0, 0}, txBody(plainTx, "p", "r", "f")...)))
		},
		"a declined one": func() {
			d.setApprove(No)
			require.Equal(t, apdu.Declined, h.prepare(prepareTx, tx))
			d.setApprove(Yes)
		},
		"unplugging": func() {
			require.NoError(t, d.Unplug())
			require.NoError(t, d.Plug())
			h = newHost(t, d, 1)
			h.ok(selectETH)
		},
		"a power cut": func() {
			require.NoError(t, h.link.Close())
			require.NoError(t, d.PowerCut())
			require.NoError(t, d.Plug())
			h = newHost(t, d, 1)
			h.ok(selectETH)
		},
		"another host": func() {
			require.NoError(t, h.link.Close())
			h = newHost(t, d, 1)
			h.ok(selectETH)
		},
		"a reset": func() {
			require.NoError(t, d.Reset())
			require.NoError(t, d.Restore(testMnemonic))
			h.bind()
			h.ok(selectETH)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			prepare()
			lose()
			gone()
			prepare()
			h.ok(signTx)
		})
	}
}

// setApprove changes who answers.
func (d *Device) setApprove(a Approve) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.approve = a
}

// TestBindingSignature: who may have something signed.
func TestBindingSignature(t *testing.T) {
	d, h := wallet(t, Options{Approve: Yes}, true)
	body := txBody(plainTx, "p", "r", "f")
	with := func(signature []byte) []byte { return append(field(0, 1, signature), body...) }
	good := h.bindingSignature(body, false)
	for name, payload := range map[string][]byte{
		"none":                    with(nil),
		"none, as transactions":   with([]byte{0}),
		"another host's":          h.as(2).signed(body),
		"over other bytes":        append(field(0, 1, h.bindingSignature(body[1:], false)), body...),
		"of a changed payload":    append(field(0, 1, good), txBody(plainTx, "p", "r", "g")...),
		"truncated":               with(good[:len(good)-1]),
		"longer":                  with(append(bytes.Clone(good), 0)),
		"not DER":                 with(bytes.Repeat([]byte{0x30}, 70)),
		"one byte that is not 00": with([]byte{1}),
		"r and s of zero":         with([]byte{0x30, 6, 2, 1, 0, 2, 1, 0}),
	} {
		require.Equal(t, apdu.SignatureFailed, h.prepare(prepareTx, payload), name)
		h.sw(apdu.ConditionsNotSatisfied, signTx)
	}
	for _, high := range []bool{false, true} {
		require.Equal(t, apdu.OK, h.prepare(prepareTx, with(h.bindingSignature(body, high))))
		h.ok(signTx)
	}
	// The switch lets empty ones pass, and wrong ones no more than before.
	d.AllowUnbound(true)
	require.True(t, d.Status().AllowUnbound)
	for _, none := range [][]byte{nil, {0}} {
		require.Equal(t, apdu.OK, h.prepare(prepareTx, with(none)))
		h.ok(signTx)
	}
	require.Equal(t, apdu.SignatureFailed, h.prepare(prepareTx, h.as(2).signed(body)))
	d.AllowUnbound(false)
	require.Equal(t, apdu.SignatureFailed, h.prepare(prepareTx, with(nil)))

	// A host that was bound once is another host now.
	code := func() string { h.ok(selectIMK); h.check(); h.ok(showCode); return shownCode(d) }()
	require.Equal(t, byte(statusRightCode), h.as(2).verify(code))
	h.ok(selectETH)
	require.Equal(t, apdu.SignatureFailed, h.prepare(prepareTx, h.signed(body)))
	require.Equal(t, apdu.OK, h.prepare(prepareTx, h.as(2).signed(body)))

	// A device that nobody is bound to cannot check one, but takes none, as recorded ones did.
	_, free := wallet(t, Options{Approve: Yes, Rand: seeded(2)}, false)
	require.Equal(t, apdu.SignatureFailed, free.prepare(prepareTx, free.signed(body)))
	require.Equal(t, apdu.OK, free.prepare(prepareTx, with(nil)))
	require.Equal(t, apdu.OK, free.prepare(prepareTx, with([]byte{0})))
	require.True(t, newDevice(t, Options{AllowUnbound: true}).Status().AllowUnbound)
}

// TestMalformedPayloads: what cannot be read is never asked about.
func TestMalformedPayloads(t *testing.T) {
	d, h := wallet(t, Options{}, false)
	unsigned := func(ins byte, body []byte) []byte { return append([]byte{0, 0}, body...) }
	good := txBody(plainTx, "p", "r", "f")
	refuse := func(name string, ins byte, body []byte) {
		t.Helper()
		require.Equal(t, apdu.WrongData, h.prepare(ins, unsigned(ins, body)), name)
		require.False(t, d.Status().Asking, name)
		h.sw(apdu.ConditionsNotSatisfied, signTx)
		h.sw(apdu.ConditionsNotSatisfied, signMsg)
	}
	for n := 1; n < len(good); n++ {
		refuse("truncated", prepareTx, good[:n])
	}
	refuse("something after it", prepareTx, append(bytes.Clone(good), 0))
	refuse("a message's fields", prepareTx, msgBody(plainTx))
	refuse("a transaction's fields", prepareMsg, good)
	refuse("something after a message", prepareMsg, append(msgBody([]byte("m")), 0))
	refuse("a message truncated", prepareMsg, msgBody([]byte("message"))[:8])
	swapped := bytes.Clone(good)
	swapped[len(swapped)-3], swapped[len(swapped)-6] = 8, 9
	refuse("fields in another order", prepareTx, swapped)
	for _, text := range []string{"\x00", "a\nb", "\x7f", "\xff", "\u00e9"} {
		refuse("a payment that cannot be shown", prepareTx, txBody(plainTx, text, "r", "f"))
		refuse("a receiver that cannot be shown", prepareTx, txBody(plainTx, "p", text, "f"))
		refuse("a fee that cannot be shown", prepareTx, txBody(plainTx, "p", "r", text))
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
		refuse(name, prepareTx, txBody(unhex(t, tx), "p", "r", "f"))
	}
	h.idle()
}

// TestTransactionForms: the forms that are read.
func TestTransactionForms(t *testing.T) {
	to := "94" + strings.Repeat("35", 20)
	for name, tx := range map[string]string{
		"before EIP-155":         list("08", "01", "01", to, "01", "80"),
		"EIP-155":                hex.EncodeToString(plainTx),
		"a new contract":         list("08", "01", "01", "80", "01", "826001"),
		"EIP-1559":               "02" + list("01", "08", "01", "01", "01", to, "01", "80", list()),
		"EIP-1559 with accesses": "02" + list("01", "08", "01", "01", "01", to, "01", "80", list(list(to, list("a0"+strings.Repeat("22", 32))), list(to, list()))),
	} {
		b := unhex(t, tx)
		require.NotNil(t, parseEthTransaction(b), name)
	}
}

// TestWhatTheScreenShows is what a person reads before pressing OK.
func TestWhatTheScreenShows(t *testing.T) {
	d, h := wallet(t, Options{}, true)
	erc20 := func(chain, token, receiver, amount string) []byte {
		data := "a9059cbb" + strings.Repeat("0", 24) + receiver + strings.Repeat("0", 64-len(amount)) + amount
		return unhex(t, list("08", "01", "01", "94"+token, "80", "b844"+data, chain, "80", "80"))
	}
	const usdt, somebody = "dac17f958d2ee523a2206206994597c13d831ec7", "6031564e7b2f5cc33737807b2e58daff870b590b"
	host := []string{"Pay: host's paym|ent|", "To: host's recei|ver|", "Fee: host's fee||"}
	to3535 := "To: 0x3535353535|3535353535353535|35353535353535"
	for name, test := range map[string]struct {
		tx   []byte
		want []string
	}{
		"ether":                {plainTx, []string{"Pay: 1.0 ETH||", to3535, host[2]}},
		"another coin":         {unhex(t, list("08", "01", "01", "94"+strings.Repeat("35", 20), "01", "80", "38", "80", "80")), []string{"Pay: 0.000000000|000000001 BNB|", to3535, host[2]}},
		"a known token":        {erc20("01", usdt, somebody, "16e360"), []string{"Pay: 1.5 USDT||", "To: 0x6031564e7b|2F5cc33737807b2E|58DaFF870B590b", host[2]}},
		"it on another chain":  {erc20("02", usdt, somebody, "16e360"), host},
		"an unknown token":     {erc20("01", strings.Repeat("11", 20), somebody, "16e360"), host},
		"a token's other call": {unhex(t, list("08", "01", "01", "94"+usdt, "80", "8412345678", "01", "80", "80")), host},
		"a transfer that pays": {unhex(t, strings.Replace(hex.EncodeToString(erc20("01", usdt, somebody, "01")), usdt+"80", usdt+"07", 1)), host},
		"a longer transfer":    {unhex(t, list("08", "01", "01", "94"+usdt, "80", "b845a9059cbb"+strings.Repeat("00", 65), "01", "80", "80")), host},
		"a new contract":       {unhex(t, list("08", "01", "01", "80", "01", "826001")), host},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.offer(prepareTx, h.signed(txBody(test.tx, "host's payment", "host's receiver", "host's fee")))
			require.Equal(t, test.want, read(t, d))
			require.NoError(t, d.Press(OK))
			_, sw, _ := h.answer()
			require.Equal(t, apdu.OK, sw)
			h.ok(signTx)
		})
	}
	long := strings.Repeat("All work and no play makes Jack a dull boy.\n", 30)
	for name, test := range map[string]struct {
		data []byte
		want []string
	}{
		"a message":        {eip191([]byte("Hello imKey")), []string{"Sign message:|Hello imKey|"}},
		"of several lines": {eip191([]byte("a\n\nb")), []string{"Sign message:|a|", "b||"}},
		"an empty one":     {eip191(nil), []string{"Sign message:||"}},
		"raw text":         {[]byte("Hello imKey"), []string{"Sign raw text:|Hello imKey|"}},
		"a wrong length":   {[]byte("\x19Ethereum Signed Message:\n12Hello imKey"), nil},
		"typed data":       {append([]byte{0x19, 1}, make([]byte, 64)...), nil},
		"other letters":    {eip191([]byte("Grüße")), nil},
		"a transaction":    {plainTx, nil},
		"nothing":          {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			want := test.want
			if want == nil {
				sum := keccak(test.data)
				text := hex.EncodeToString(sum[:])
				want = []string{"Sign blindly:|" + text[:16] + "|" + text[16:32], text[32:48] + "|" + text[48:] + "|"}
			}
			h.offer(prepareMsg, h.signed(msgBody(test.data)))
			require.Equal(t, want, read(t, d))
			require.NoError(t, d.Press(OK))
			_, sw, _ := h.answer()
			require.Equal(t, apdu.OK, sw)
			h.ok(signMsg)
		})
	}
	t.Run("a long one", func(t *testing.T) {
		h.t = t
		h.offer(prepareMsg, h.signed(msgBody(eip191([]byte(long)))))
		require.Equal(t, "OK/Cancel 1/31", d.Status().Screen[3])
		require.Len(t, read(t, d), 31)
	})
}

// TestChecksummed takes EIP-55's own examples.
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

// TestPersonDecidesAboutSigning: cancel, and all that can come between.
func TestPersonDecidesAboutSigning(t *testing.T) {
	d, h := wallet(t, Options{PIN: ""}, true)
	payload := h.signed(txBody(plainTx, "p", "r", "f"))
	for name, test := range map[string]struct {
		act  func() error
		want apdu.StatusWord
		undo func()
	}{
		"cancel": {func() error { return d.Press(Cancel) }, apdu.Declined, nil},
		"home":   {d.Home, apdu.Declined, nil},
		"removed": {func() error { return d.SetInstalled("ethereum", false) }, apdu.NotFound, func() {
			require.NoError(t, d.SetInstalled("ethereum", true))
		}},
		"boot loader": {func() error { return d.SetBootLoader(true) }, apdu.InMenu, func() { require.NoError(t, d.SetBootLoader(false)) }},
	} {
		h.ok(selectETH)
		h.offer(prepareTx, payload)
		require.NoError(t, test.act())
		_, sw, _ := h.answer()
		require.Equal(t, test.want, sw, name)
		if test.undo != nil {
			test.undo()
		}
		require.False(t, d.Status().Asking)
		h.ok(selectETH)
		h.sw(apdu.ConditionsNotSatisfied, signTx)
	}
	// The address, too, is for the person to judge.
	h.message(unhex(t, recorded(t, "eth register address (ascii)")))
	await(t, d, "a question", asking)
	require.Equal(t, []string{"Addr: 0x6031564e|7b2F5cc33737807b|2E58DaFF870B590b"}, read(t, d))
	require.NoError(t, d.Press(Cancel))
	_, sw, _ := h.answer()
	require.Equal(t, apdu.Declined, sw)

	// A host that gives up gets nothing afterwards, with OK or without.
	h.offer(prepareTx, payload)
	h.send(frame.Cancel())
	require.Equal(t, frame.Error(frame.Cancelled), skipKeepAlives(h))
	await(t, d, "the question withdrawn", func(s Status) bool { return !s.Asking })
	require.NoError(t, d.Press(OK))
	h.idle()
	h.sw(apdu.ConditionsNotSatisfied, signTx)

	// Unplugged while it asks: when it is back it asks nothing.
	for _, cut := range []func() error{d.Unplug, d.PowerCut} {
		h.offer(prepareTx, payload)
		require.NoError(t, cut())
		require.Empty(t, d.Status().Screen)
		require.NoError(t, d.Plug())
		require.False(t, d.Status().Asking)
		h = newHost(t, d, 1)
		h.ok(selectETH)
		h.sw(apdu.ConditionsNotSatisfied, signTx)
	}

	// While it takes its time the host hears of it.
	h.offer(prepareTx, payload)
	require.Equal(t, frame.KeepAlive(keepAliveByte), h.receive())
	require.NoError(t, d.Press(OK))
	_, sw, _ = h.answer()
	require.Equal(t, apdu.OK, sw)
	h.ok(signTx)

	d.setApprove(No)
	require.Equal(t, apdu.Declined, h.prepare(prepareTx, payload))
	h.sw(apdu.Declined, recorded(t, "eth register address (ascii)"))
}

func skipKeepAlives(h *host) frame.Packet {
	h.t.Helper()
	for {
		if p := h.receive(); p != frame.KeepAlive(keepAliveByte) {
			return p
		}
	}
}

// TestLockedMeanwhile: a question that waits when the device is locked is not answered by unlocking it.
func TestLockedMeanwhile(t *testing.T) {
	d := newDevice(t, Options{Mnemonic: testMnemonic, PIN: "1234"})
	h := newHost(t, d, 1)
	require.NoError(t, d.Unlock("1234"))
	h.ok(selectETH)
	h.offer(prepareTx, append([]byte{0, 0}, txBody(plainTx, "p", "r", "f")...))
	require.NoError(t, d.Lock())
	_, sw, _ := h.answer()
	require.Equal(t, apdu.PINNotVerified, sw)
	require.NoError(t, d.Unlock("1234"))
	h.sw(apdu.ConditionsNotSatisfied, signTx)
}

// FuzzEthPayload: what is taken for a payload can be written down again, and its pages fit the screen.
func FuzzEthPayload(f *testing.F) {
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
		ins := byte(prepareMsg)
		if transaction {
			ins = prepareTx
		}
		p, err := parseEthPayload(ins, payload)
		if err != nil {
			require.ErrorIs(t, err, apdu.WrongData)
			return
		}
		body := msgBody(p.data)
		if transaction {
			body = txBody(p.data, p.payment, p.receiver, p.fee)
		}
		require.True(t, bytes.Equal(body, p.signed))
		require.True(t, bytes.Equal(payload, append(field(0, 1, p.signature), body...)))
		shown := p.screen()
		require.NotEmpty(t, shown)
		for _, page := range shown {
			require.Less(t, len(page), Lines)
			require.NotEmpty(t, page)
			for _, line := range page {
				require.LessOrEqual(t, len(line), Columns)
				require.True(t, printable(line, ""))
			}
		}
	})
}

// FuzzEthereum sends the applet commands, each after a byte of length, to a device whose person says yes.
func FuzzEthereum(f *testing.F) {
	d, h := wallet(f, Options{Approve: Yes}, true)
	tx := commands(f, prepareTx, h.signed(txBody(plainTx, "p", "r", "f")), maxChunk)
	for _, s := range [][]string{{hex.EncodeToString(tx[0]), signTx}, {"805400000201FF00", "80548080020304", signMsg}, {readKey, signMsg}} {
		var seed []byte
		for _, c := range s {
			b, err := hex.DecodeString(c)
			require.NoError(f, err)
			seed = append(append(seed, byte(len(b))), b...)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		h := *h
		h.t = t
		h.ok(selectETH)
		before := d.Status()
		for len(in) > 1 {
			n := min(int(in[0]), len(in)-1)
			message := in[1 : 1+n]
			in = in[1+n:]
			if n == 0 || message[0] == 0 {
				continue // SELECT is not for this
			}
			data, sw := h.raw(message)
			require.NotEqual(t, errFault, sw)
			if sw != apdu.OK {
				require.Empty(t, data)
			}
		}
		require.Equal(t, before, d.Status())
		h.idle()
		h.ok(selectETH)
		require.Equal(t, apdu.OK, h.prepare(prepareTx, h.signed(txBody(plainTx, "p", "r", "f"))))
		h.ok(signTx)
	})
}
