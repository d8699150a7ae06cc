package tron

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/sha3"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/applets/imk"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/devicetest"
	"imkey-connect/devicesim/device/hosttest"
)

const (
	path    = "m/44'/195'/0'/0/0"
	address = "TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2"
)

var hash = bytes.Repeat([]byte{0xA5}, 32)

func wallet(t testing.TB, o device.Options, bound bool) (*device.Device, *devicetest.Host) {
	t.Helper()
	return devicetest.Wallet(t, o, bound, Applet, imk.Applet)
}

func field(tag byte, value string) []byte { return devicetest.Field(tag, 1, []byte(value)) }

// message and transaction return the bytes that a binding signature signs.
func message(hash []byte, path string) []byte {
	return append(field(tagHash, string(hash)), field(tagPath, path)...)
}

func transaction(hash []byte, path, payment, receiver string) []byte {
	return append(append(message(hash, path), field(tagPayment, payment)...), field(tagReceiver, receiver)...)
}

func unsigned(body []byte) []byte { return append([]byte{0, 0}, body...) }

// keyCommand asks for the public key at a path, with a binding signature over the text signed.
func keyCommand(t testing.TB, signature []byte, path string) string {
	t.Helper()
	c, err := apdu.New(0x80, publicKey, 0, 0, append(devicetest.Field(tagBinding, 1, signature), field(tagKeyPath, path)...)).Bytes()
	require.NoError(t, err)
	return hex.EncodeToString(c)
}

func showCommand(t testing.TB, data string) string {
	t.Helper()
	c, err := apdu.New(0x80, showAddress, 0, 0, []byte(data)).Bytes()
	require.NoError(t, err)
	return hex.EncodeToString(c)
}

// counted returns texts, each after its length.
func counted(texts ...string) (all string) {
	for _, s := range texts {
		all += string([]byte{byte(len(s))}) + s
	}
	return all
}

// addressOf returns the address of an uncompressed public key.
func addressOf(key []byte) string {
	h := sha3.NewLegacyKeccak256()
	h.Write(key[1:])
	return base58.CheckEncode(h.Sum(nil)[12:], 0x41)
}

// TestVectors has each key, address and signature of the vectors. The bound host sends the very commands of the vectors.
func TestVectors(t *testing.T) {
	_, bound := wallet(t, device.Options{Approve: device.Yes}, true)
	_, unbound := wallet(t, device.Options{Approve: device.Yes, Rand: hosttest.Seeded(2)}, false)
	signatures := 0
	for _, v := range devicetest.Vectors(t, "TRON") {
		switch v.Kind {
		case "address":
			for _, host := range []struct {
				*devicetest.Host
				signature []byte
			}{{bound, bound.BindingSignature([]byte(v.Path), false)}, {unbound, nil}} {
				key := host.CheckAttested(host.OK(keyCommand(t, host.signature, v.Path)), 97)
				require.Equal(t, v.PublicKey65+v.ChainCode, hex.EncodeToString(key))
				require.Equal(t, v.Address, addressOf(key[:65]))
			}
		case "message", "transaction":
			t.Run(v.Name, func(t *testing.T) {
				require.Len(t, v.APDUsBoundExample, 3)
				require.Equal(t, v.PayloadUnbound, "0000"+v.PayloadAfterBindingSignature)
				h := bound.On(t)
				for _, c := range v.APDUsBoundExample[:2] {
					h.OK(c)
				}
				answer := h.CheckAttested(h.OK(v.APDUsBoundExample[2]), 66)
				require.Equal(t, v.Signature, hex.EncodeToString(devicetest.LowS(t, answer, 27)))
				require.Equal(t, v.RFC6979RawSHigh, answer[33] >= 0x80, "s is as RFC 6979 gives it")

				h = unbound.On(t)
				commands := devicetest.Commands(t, sign, hosttest.Unhex(t, v.PayloadUnbound), applet.MaxChunk)
				require.Len(t, commands, 1)
				require.Equal(t, answer, h.CheckAttested(h.OK(hex.EncodeToString(commands[0])), 66))
			})
			signatures++
		}
	}
	require.GreaterOrEqual(t, signatures, 8)
}

// TestStates sends the commands without a wallet, in the menu, while the device is locked, and without the applet.
func TestStates(t *testing.T) {
	devicetest.CheckStates(t, Applet, imk.Applet, keyCommand(t, nil, path), showCommand(t, counted(address, "TRX")), "80810000010000")
}

// TestParameters sends commands with a wrong P1, P2, length or data.
func TestParameters(t *testing.T) {
	d, h := wallet(t, device.Options{}, false)
	command := func(ins, p1, p2 byte, data string) string {
		c, err := apdu.New(0x80, ins, p1, p2, []byte(data)).Bytes()
		require.NoError(t, err)
		return hex.EncodeToString(c)
	}
	key, payload := "\x00\x00"+string(field(tagKeyPath, path)), string(unsigned(message(hash, path)))
	foreign, _ := hex.DecodeString("00" + strings.Repeat("35", 20))
	for _, test := range []struct {
		command string
		want    apdu.StatusWord
	}{
		{command(publicKey, 0x01, 0x00, key), apdu.WrongParameters},
		{command(publicKey, 0x00, 0x80, key), apdu.WrongParameters},
		{"8082000000", apdu.WrongLength},
		{command(publicKey, 0, 0, key) + "00", apdu.WrongLength},
		{strings.TrimSuffix(command(publicKey, 0, 0, key), "00") + "41", apdu.WrongLength},
		{command(publicKey, 0, 0, path), apdu.WrongData}, // without tags
		{command(publicKey, 0, 0, key[2:]), apdu.WrongData},
		{command(publicKey, 0, 0, key[:len(key)-1]), apdu.WrongData},
		{command(publicKey, 0, 0, key+"0"), apdu.WrongData},
		{command(publicKey, 0, 0, "\x00\x00"+string(field(tagPath, path))), apdu.WrongData},
		{keyCommand(t, nil, "M/44'/195'/0'/0/0"), apdu.WrongData},
		{keyCommand(t, nil, "m/44'/195'/0'/0/"), apdu.WrongData},
		{keyCommand(t, nil, "m/44'/195'/0'/0/2147483648"), apdu.WrongData},
		{keyCommand(t, nil, ""), apdu.WrongData},
		{command(sign, 0x01, 0x80, payload), apdu.WrongParameters},
		{command(sign, 0x00, 0x01, payload), apdu.WrongParameters},
		{command(sign, 0x80, 0x80, payload), apdu.ConditionsNotSatisfied},
		{"8081008000", apdu.WrongLength},
		{"80810080F6" + strings.Repeat("00", 246), apdu.WrongLength},
		{command(showAddress, 0x01, 0, counted(address, "TRX")), apdu.WrongParameters},
		{"8083000000", apdu.WrongLength},
		{showCommand(t, address), apdu.WrongData},
		{showCommand(t, counted(address)), apdu.WrongData},
		{showCommand(t, counted(address, "TRX", "")), apdu.WrongData},
		{showCommand(t, counted(address, "TRX")[:37]), apdu.WrongData},
		{showCommand(t, counted(address, "T\nX")), apdu.WrongData},
		{showCommand(t, counted(address, "")), apdu.WrongData},
		{showCommand(t, counted("TRX", address)), apdu.WrongData}, // the name first
		{showCommand(t, counted(address[:33]+"3", "TRX")), apdu.WrongData},
		{showCommand(t, counted("41f2061f0d467c6b3341713a7362cb39f5a88cefc8", "TRX")), apdu.WrongData},
		{showCommand(t, counted(base58.CheckEncode(foreign[1:], 0), "TRX")), apdu.WrongData}, // Bitcoin's
		{showCommand(t, counted(base58.CheckEncode(foreign, 0x41), "TRX")), apdu.WrongData},
	} {
		h.SW(test.want, test.command)
		require.False(t, d.Status().Asking)
	}
	h.Idle()
}

// TestMalformedPayloads checks that the device refuses a malformed payload without asking the user.
func TestMalformedPayloads(t *testing.T) {
	d, h := wallet(t, device.Options{}, false)
	refuse := func(name string, body []byte) {
		t.Helper()
		require.Equal(t, apdu.WrongData, h.Prepare(sign, unsigned(body)), name)
		require.False(t, d.Status().Asking, name)
	}
	good := transaction(hash, path, "1 TRX", address)
	withoutTexts := len(message(hash, path))
	for n := 1; n < len(good); n++ {
		if n != withoutTexts {
			refuse("truncated", good[:n])
		}
	}
	refuse("something after it", append(bytes.Clone(good), 0))
	refuse("a fee", append(bytes.Clone(good), field(0x09, "1 TRX")...))
	refuse("a payment alone", append(message(hash, path), field(tagPayment, "1 TRX")...))
	refuse("the receiver first", append(append(message(hash, path), field(tagReceiver, address)...), field(tagPayment, "1 TRX")...))
	refuse("the path first", append(field(tagPath, path), field(tagHash, string(hash))...))
	refuse("the texts before the path", append(append(append(field(tagHash, string(hash)), field(tagPayment, "p")...), field(tagReceiver, "r")...), field(tagPath, path)...))
	refuse("a hash of 31 bytes", message(hash[:31], path))
	refuse("a hash of 33 bytes", message(append(bytes.Clone(hash), 0), path))
	for _, wrong := range []string{"", "m", "m/", "44'/195'/0'/0/0", "m/44'/195'/0'/0/00", "m/44h/195h", "m/1/2/3/4/5/6/7/8/9/10/11"} {
		refuse("the path "+wrong, message(hash, wrong))
	}
	for _, text := range []string{"\x00", "a\nb", "\x7f", "\xff", "\u20ae", "\u202e"} {
		refuse("a payment that cannot be shown", transaction(hash, path, text, address))
		refuse("a receiver that cannot be shown", transaction(hash, path, "1 TRX", text))
	}
	h.Idle()
}

// TestBindingSignature checks which binding signatures the device accepts.
func TestBindingSignature(t *testing.T) {
	d, h := wallet(t, device.Options{Approve: device.Yes}, true)
	body := transaction(hash, path, "1 TRX", address)
	for name, signature := range map[string][]byte{
		"none":           nil,
		"another host's": h.As(2).BindingSignature(body, false),
		"of a message":   h.BindingSignature(message(hash, path), false),
		"truncated":      h.BindingSignature(body, false)[:60],
	} {
		require.Equal(t, apdu.SignatureFailed, h.Prepare(sign, append(devicetest.Field(tagBinding, 1, signature), body...)), name)
	}
	for name, signature := range map[string][]byte{
		"none":            nil,
		"another host's":  h.As(2).BindingSignature([]byte(path), false),
		"over the TLV":    h.BindingSignature(field(tagKeyPath, path), false),
		"of another path": h.BindingSignature([]byte(path+"1"), false),
	} {
		h.SW(apdu.SignatureFailed, keyCommand(t, signature, path))
		require.NotEmpty(t, name)
	}
	for _, high := range []bool{false, true} {
		h.OK(keyCommand(t, h.BindingSignature([]byte(path), high), path))
		commands := devicetest.Commands(t, sign, append(devicetest.Field(tagBinding, 1, h.BindingSignature(body, high)), body...), applet.MaxChunk)
		h.OK(hex.EncodeToString(commands[0]))
	}
	d.AllowUnbound(true)
	h.OK(keyCommand(t, nil, path))
	h.SW(apdu.SignatureFailed, keyCommand(t, h.As(2).BindingSignature([]byte(path), false), path))

	// An unbound device refuses a signature, which it cannot check.
	_, free := wallet(t, device.Options{Approve: device.Yes, Rand: hosttest.Seeded(2)}, false)
	require.Equal(t, apdu.SignatureFailed, free.Prepare(sign, free.Signed(body)))
	free.SW(apdu.SignatureFailed, keyCommand(t, free.BindingSignature([]byte(path), false), path))
}

// TestWhatTheScreenShows compares the pages that the user reads before OK.
func TestWhatTheScreenShows(t *testing.T) {
	d, h := wallet(t, device.Options{}, true)
	texts := []string{"Hash:|a5a5a5a5a5a5a5a5|a5a5a5a5a5a5a5a5", "a5a5a5a5a5a5a5a5|a5a5a5a5a5a5a5a5|"}
	for name, test := range map[string]struct {
		body []byte
		want []string
	}{
		"a transfer":            {transaction(hash, path, "1 TRX", address), []string{"Pay: 1 TRX||", "To: TY2uroBeZ5tr|A9QT96aEWj32XLkA|AhQ9R2"}},
		"a transaction of ours": {transaction(hash, path, "Freeze 1 TRX", ""), []string{"Pay: Freeze 1 TR|X|", "To: ||"}},
		"the longest texts":     {transaction(hash, path, strings.Repeat("P", 255), strings.Repeat("R", 255)), nil},
		"without texts":         {transaction(hash, path, "", ""), texts},
		"a message":             {message(hash, path), texts},
	} {
		t.Run(name, func(t *testing.T) {
			h.T = t
			h.Offer(sign, h.Signed(test.body))
			shown := devicetest.Read(t, d)
			if test.want != nil {
				require.Equal(t, test.want, shown)
			} else {
				require.Equal(t, 255, strings.Count(strings.Join(shown, ""), "P")-1)
				require.Equal(t, 255, strings.Count(strings.Join(shown, ""), "R"))
			}
			require.NoError(t, d.Press(device.OK))
			answer, sw, _ := h.Answer()
			require.Equal(t, apdu.OK, sw)
			h.CheckAttested(answer, 66)
		})
	}
	h.T = t
	// The user confirms an address too.
	for name, want := range map[string]string{"TRX": "TRX: TY2uroBeZ5t|rA9QT96aEWj32XLk|AAhQ9R2", "FIL": "FIL: TY2uroBeZ5t|rA9QT96aEWj32XLk|AAhQ9R2"} {
		for button, want2 := range map[device.Button]apdu.StatusWord{device.OK: apdu.OK, device.Cancel: apdu.Rejected} {
			h.Message(hosttest.Unhex(t, showCommand(t, counted(address, name))))
			h.Await("a question", func(s device.Status) bool { return s.Asking })
			require.Equal(t, []string{want}, devicetest.Read(t, d))
			require.Equal(t, want2, h.Decide(button))
		}
	}
}

// TestUserDecides checks that nothing is signed without OK, and that a rejected payload leaves nothing behind.
func TestUserDecides(t *testing.T) {
	d, h := wallet(t, device.Options{}, true)
	payload := h.Signed(transaction(hash, path, "1 TRX", address))
	for name, end := range map[string]struct {
		act  func() error
		want apdu.StatusWord
		undo func() error
	}{
		"cancel":  {func() error { return d.Press(device.Cancel) }, apdu.Rejected, func() error { return nil }},
		"home":    {d.Home, apdu.Rejected, func() error { return nil }},
		"removed": {func() error { return d.SetInstalled("tron", false) }, apdu.NotFound, func() error { return d.SetInstalled("tron", true) }},
		"reset":   {d.Reset, apdu.ConditionsNotSatisfied, func() error { return d.Restore(hosttest.Mnemonic) }},
	} {
		h.Offer(sign, payload)
		require.NoError(t, end.act())
		data, sw, _ := h.Answer()
		require.Equal(t, end.want, sw, name)
		require.Empty(t, data)
		require.NoError(t, end.undo())
		if name == "reset" {
			h.Bind()
		}
		require.NoError(t, d.Home())
		h.OK(devicetest.Select(Applet))
	}
	_, no := wallet(t, device.Options{Approve: device.No, Rand: hosttest.Seeded(3)}, true)
	require.Equal(t, apdu.Rejected, no.Prepare(sign, payload))
}

// TestChunks sends payloads of several commands, and commands that do not belong together.
func TestChunks(t *testing.T) {
	d, h := wallet(t, device.Options{Approve: device.Yes}, true)
	payload := h.Signed(transaction(hash, path, strings.Repeat("P", 255), strings.Repeat("R", 255)))
	whole := h.CheckAttested(answerTo(t, h, devicetest.Commands(t, sign, payload, applet.MaxChunk)), 66)
	require.Equal(t, whole, h.CheckAttested(answerTo(t, h, devicetest.Commands(t, sign, payload, 7)), 66))
	parts := devicetest.Commands(t, sign, payload, applet.MaxChunk)
	first, last := hex.EncodeToString(parts[0]), hex.EncodeToString(parts[len(parts)-1])
	h.SW(apdu.ConditionsNotSatisfied, last)
	h.OK(first)
	h.OK(keyCommand(t, h.BindingSignature([]byte(path), false), path)) // the payload under way stays
	h.SW(apdu.WrongData, last)                                         // parts are missing
	part := append([]byte{0x80, sign, 0x80, 0, applet.MaxChunk}, make([]byte, applet.MaxChunk)...)
	h.OK(first)
	for n := applet.MaxChunk; n+applet.MaxChunk <= maxPayload; n += applet.MaxChunk {
		h.OK(hex.EncodeToString(part))
	}
	h.SW(apdu.WrongData, hex.EncodeToString(part)) // a payload without end
	h.SW(apdu.ConditionsNotSatisfied, hex.EncodeToString(part))
	devicetest.CheckForgets(t, d, h, Applet, func(h *devicetest.Host) { h.OK(first) }, func(h *devicetest.Host) { h.SW(apdu.ConditionsNotSatisfied, last) })
}

// answerTo sends commands and returns the last answer. The answers before have no data.
func answerTo(t testing.TB, h *devicetest.Host, commands [][]byte) (answer []byte) {
	t.Helper()
	for _, c := range commands {
		require.Empty(t, answer)
		answer = h.OK(hex.EncodeToString(c))
	}
	return answer
}

// FuzzRequest checks that a parsed request encodes to the same bytes, and that the screen can show its texts.
func FuzzRequest(f *testing.F) {
	f.Add(unsigned(message(hash, path)))
	f.Add(unsigned(transaction(hash, path, "1 TRX", address)))
	for _, v := range devicetest.Vectors(f, "TRON") {
		f.Add(hosttest.Unhex(f, v.PayloadUnbound))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := parseRequest(payload)
		if err != nil {
			require.ErrorIs(t, err, apdu.WrongData)
			return
		}
		body := message(r.hash[:], r.path)
		if r.transaction {
			body = transaction(r.hash[:], r.path, r.payment, r.receiver)
		}
		require.Equal(t, body, r.signed)
		require.Equal(t, payload, append(devicetest.Field(tagBinding, 1, r.signature), body...))
		require.Equal(t, map[bool]string{true: "transaction", false: "message"}[r.transaction], r.caption())
		require.NotEmpty(t, r.texts())
		for _, shown := range r.texts() {
			require.NotEmpty(t, shown)
			require.True(t, applet.Printable(strings.Replace(shown, "\n", "", 1)))
		}
	})
}

// FuzzAddress checks that a parsed address and its name encode to the same bytes.
func FuzzAddress(f *testing.F) {
	f.Add(counted(address, "TRX"))
	f.Add(counted("T", "TRX"))
	f.Fuzz(func(t *testing.T, data string) {
		address, name, err := parseAddress([]byte(data))
		if err != nil {
			require.ErrorIs(t, err, apdu.WrongData)
			return
		}
		require.Equal(t, data, counted(address, name))
		require.True(t, applet.Printable(address+name))
	})
}

// FuzzCommands sends commands, each after a byte of length, to a device that confirms all questions itself.
func FuzzCommands(f *testing.F) {
	d, h := wallet(f, device.Options{Approve: device.Yes}, true)
	payload := h.Signed(transaction(hash, path, "1 TRX", address))
	key := keyCommand(f, h.BindingSignature([]byte(path), false), path)
	f.Add(devicetest.Join(f, key, hex.EncodeToString(devicetest.Commands(f, sign, payload, applet.MaxChunk)[0])))
	f.Add(devicetest.Join(f, "808100000200FF00", "80818080020304", showCommand(f, counted(address, "TRX"))))
	f.Fuzz(func(t *testing.T, in []byte) {
		devicetest.CheckCommands(t, d, h.On(t), Applet, in)
		h.On(t).CheckAttested(answerTo(t, h.On(t), devicetest.Commands(t, sign, payload, applet.MaxChunk)), 66)
	})
}
