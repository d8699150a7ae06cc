package bitcoin

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/applets/imk"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/devicetest"
	"imkey-connect/devicesim/device/hosttest"
	"imkey-connect/devicesim/ecdsa"
)

// vectors are computed from the sources of public hosts.
var vectors = func() (v struct {
	BindingSignature []struct{ PrivateKey, Data, DER string }
	Addresses        []struct{ Address, Chain, Path, PublicKey, ScriptPubKey, Type string }
	Xpubs            []struct{ Answer43, Path string }
	Transactions     []vector
	PSBT             []vector
	Messages         []struct {
		SegWit, SignatureType, Path, DeviceAnswer, Sighash, OutputKey, WitnessSignature string
		HostCommands                                                                    []string
	}
}) {
	b, err := os.ReadFile("../../../core/testdata/vectors/bitcoin.json")
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		panic(err)
	}
	return v
}()

type vector struct {
	Name, Chain, ChangePath, PreviewTLV string
	HostCommands                        []string
	Signatures                          []struct {
		DeviceAnswer, Path, PublicKey, Sighash, Signature, Type, LeafHash string
	}
}

// wallet makes a device with the test wallet and the applet, and a host that has selected it. A bound host has the app key of the
// vectors.
func wallet(t testing.TB, o device.Options, bound bool) (*device.Device, *devicetest.Host) {
	t.Helper()
	return walletOf(t, Applet, o, bound)
}

func walletOf(t testing.TB, a applet.Applet, o device.Options, bound bool) (*device.Device, *devicetest.Host) {
	t.Helper()
	d, h := devicetest.Wallet(t, o, false, a, imk.Applet)
	h.Key = secp256k1.PrivKeyFromBytes(hosttest.Unhex(t, vectors.BindingSignature[0].PrivateKey))
	if bound {
		h.Bind()
		require.NoError(t, d.Home())
		h.OK(devicetest.Select(a))
	}
	return d, h
}

func command(t testing.TB, ins, p1, p2 byte, data string) string {
	t.Helper()
	c, err := apdu.New(0x80, ins, p1, p2, []byte(data)).Bytes()
	require.NoError(t, err)
	return hex.EncodeToString(c)
}

// TestBindingSignature compares the binding signature with that of the vectors, and checks which ones the applet accepts.
func TestBindingSignature(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	v := vectors.BindingSignature[0]
	require.Equal(t, v.DER, hex.EncodeToString(h.BindingSignature(hosttest.Unhex(t, v.Data), false)))
	body := devicetest.Field(tagBody, 1, messageBody(make([]byte, 32), "m/44'/0'/0'/0/0"))
	for name, signature := range map[string][]byte{
		"none":           nil,
		"another host's": h.As(2).BindingSignature(body, false),
		"without tag":    h.BindingSignature(body[2:], false),
	} {
		require.Equal(t, apdu.SignatureFailed, h.Prepare(signMessage, append(devicetest.Field(tagBinding, 1, signature), body...)), name)
	}
	h.OK(hex.EncodeToString(devicetest.Commands(t, signMessage, append(devicetest.Field(tagBinding, 1, h.BindingSignature(body, true)), body...), applet.MaxChunk)[0]))
	_, free := wallet(t, device.Options{Approve: device.Yes, Rand: hosttest.Seeded(2)}, false)
	require.Equal(t, apdu.SignatureFailed, free.Prepare(signMessage, free.Signed(body)))
	free.OK(hex.EncodeToString(devicetest.Commands(t, signMessage, append([]byte{0, 0}, body...), applet.MaxChunk)[0]))
}

func messageBody(hash []byte, path string) []byte {
	return append(devicetest.Field(tagHash, 1, hash), devicetest.Field(tagPath, 1, []byte(path))...)
}

// TestKeys has the public key, the scripts and the extended key of every path of the vectors, and shows the addresses.
func TestKeys(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, false)
	shown := 0
	for _, v := range vectors.Addresses {
		key := h.CheckAttested(h.OK(command(t, publicKey, 1, 0, v.Path)), 97)
		require.Equal(t, key, h.CheckAttested(h.OK(command(t, publicKey, 0, 0, "M"+v.Path[1:]+"/")), 97), "upper case, and a slash behind it")
		point, err := secp256k1.ParsePubKey(key[:65])
		require.NoError(t, err)
		require.Equal(t, v.PublicKey, hex.EncodeToString(point.SerializeCompressed()))
		scripts, err := scriptsOf(key[:65])
		require.NoError(t, err)
		if v.ScriptPubKey != "" {
			require.Contains(t, scripts, hosttest.Unhex(t, v.ScriptPubKey), v.Address)
		}
		if v.Chain == "BITCOIN" || v.Chain == "DOGECOIN" {
			h.OK(command(t, showAddress, 0, 0, v.Address))
			shown++
		}
	}
	require.Greater(t, shown, 20)
	for _, v := range vectors.Xpubs {
		require.Equal(t, v.Answer43, hex.EncodeToString(h.OK(command(t, publicKey, 0, 0, v.Path))[:97]), v.Path)
	}
}

// send sends a host's commands and returns the answers that have data. A page of outputs has none, because it is the last.
func send(t testing.TB, h *devicetest.Host, commands []string) (answers [][]byte) {
	t.Helper()
	for _, c := range commands {
		if data := h.OK(c); len(data) > 0 {
			answers = append(answers, data)
		}
	}
	return answers
}

// TestVectors sends the commands of each transaction of the vectors, and compares each signature. A Schnorr signature is random, so
// its key and the sighash of the vectors verify it.
func TestVectors(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	ecdsas, schnorrs := 0, 0
	for _, v := range append(vectors.Transactions, vectors.PSBT...) {
		t.Run(v.Name, func(t *testing.T) {
			h := h.On(t)
			h.OK(devicetest.Select(Applet))
			answers := send(t, h, v.HostCommands)
			require.Len(t, answers, len(v.Signatures))
			for i, s := range v.Signatures {
				sighash := [32]byte(hosttest.Unhex(t, s.Sighash))
				switch {
				case s.Type == "P2TR":
					require.Equal(t, byte(0x40), answers[i][0])
					requireSchnorr(t, s.PublicKey, s.LeafHash == "", sighash, answers[i][1:])
					schnorrs++
				case s.DeviceAnswer != "":
					require.Equal(t, s.DeviceAnswer, hex.EncodeToString(answers[i]))
					ecdsas++
				default:
					low := devicetest.LowS(t, answers[i], 0)
					var sig ecdsa.Signature
					sig.R.SetByteSlice(low[:32])
					sig.S.SetByteSlice(low[32:64])
					if s.Signature != "" {
						require.Equal(t, s.Signature, hex.EncodeToString(sig.DER())+"01")
					}
					require.True(t, ecdsa.Verify(h.OK(command(t, publicKey, 0, 0, s.Path))[:65], sighash, sig.DER()))
					ecdsas++
				}
			}
		})
	}
	require.GreaterOrEqual(t, ecdsas, 38)
	require.GreaterOrEqual(t, schnorrs, 5)
}

// requireSchnorr verifies a signature by a compressed key, tweaked for an output without scripts if that is wanted.
func requireSchnorr(t testing.TB, publicKey string, tweak bool, sighash [32]byte, signature []byte) {
	t.Helper()
	key, err := secp256k1.ParsePubKey(hosttest.Unhex(t, publicKey))
	require.NoError(t, err)
	if tweak {
		scripts, err := scriptsOf(key.SerializeUncompressed())
		require.NoError(t, err)
		key, err = schnorr.ParsePubKey(scripts[3][2:])
		require.NoError(t, err)
	}
	parsed, err := schnorr.ParseSignature(signature)
	require.NoError(t, err)
	require.True(t, parsed.Verify(sighash[:], key))
}

// TestMessages signs the messages of the vectors, of BIP-137 and of BIP-322.
func TestMessages(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	for _, v := range vectors.Messages {
		h.OK(devicetest.Select(Applet))
		answers := send(t, h, v.HostCommands)
		require.Len(t, answers, 1)
		switch {
		case v.DeviceAnswer != "":
			require.Equal(t, v.DeviceAnswer, hex.EncodeToString(answers[0]))
		case v.OutputKey != "":
			key, err := schnorr.ParsePubKey(hosttest.Unhex(t, v.OutputKey))
			require.NoError(t, err)
			signature, err := schnorr.ParseSignature(answers[0][1:])
			require.NoError(t, err)
			require.True(t, signature.Verify(hosttest.Unhex(t, v.Sighash), key))
		default:
			low := devicetest.LowS(t, answers[0], 0)
			var sig ecdsa.Signature
			sig.R.SetByteSlice(low[:32])
			sig.S.SetByteSlice(low[32:64])
			require.True(t, ecdsa.Verify(h.OK(command(t, publicKey, 0, 0, v.Path))[:65], [32]byte(hosttest.Unhex(t, v.Sighash)), sig.DER()), v.SegWit)
		}
	}
	require.Len(t, vectors.Messages, 6)
}

// TestStates sends the commands without a wallet, in the menu, while the device is locked, and without the applet.
func TestStates(t *testing.T) {
	var commands []string
	for ins := range since {
		commands = append(commands, hex.EncodeToString([]byte{0x80, ins, 0, 0, 1, 0, 0}))
	}
	devicetest.CheckStates(t, Applet, imk.Applet, commands...)
}

// TestVersions checks which instructions an older applet does not have.
func TestVersions(t *testing.T) {
	d, host := wallet(t, device.Options{}, false)
	host.OK(devicetest.Select(Applet))
	require.NoError(t, d.Install("bitcoin", "1.6.10"))
	host.SW(apdu.InstructionNotSupported, command(t, publicKey, 0, 0, "m/44'")) // the card manager is selected now
	require.Equal(t, "1.6.10", string(host.OK(devicetest.Select(Applet))))
	require.NoError(t, d.SetInstalled("bitcoin", false))
	require.NoError(t, d.Install("bitcoin", Version))
	require.Equal(t, Version, string(host.OK(devicetest.Select(Applet))))
	for _, version := range []string{"", "1.6", "1.6.1", "1.6.110", "a.6.11", "1.6.+1", "1,6,11", "1.6.11 "} {
		require.ErrorIs(t, d.Install("bitcoin", version), device.ErrApplet, version)
	}
	require.ErrorIs(t, d.Install("imk", "1.2.00"), device.ErrApplet)
	require.ErrorIs(t, d.Install("", "1.2.00"), device.ErrApplet)
	for version, missing := range map[string]string{"1.5.00": "4045464b4c4e5051", "1.6.00": "51", "1.6.10": "51", "1.6.11": ""} {
		a := New(version)
		_, h := walletOf(t, a, device.Options{}, false)
		require.Equal(t, version, string(h.OK(devicetest.Select(a))))
		for ins := range since {
			_, sw := h.APDU(hex.EncodeToString([]byte{0x80, ins, 0, 0, 1, 0, 0}))
			require.Equal(t, strings.Contains(missing, hex.EncodeToString([]byte{ins})), sw == apdu.InstructionNotSupported, "%s %02x", version, ins)
		}
	}
}

// counted returns texts, each after its length.
func counted(texts ...string) (all string) {
	for _, s := range texts {
		all += string([]byte{byte(len(s))}) + s
	}
	return all
}

// TestParameters sends single commands with a wrong P1, P2, length or data.
func TestParameters(t *testing.T) {
	d, h := wallet(t, device.Options{}, false)
	const legacy, bech32, taproot = "12z6UzsA3tjpaeuvA2Zr9jwx19Azz74D6g", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
	unsigned := func(body []byte) string { return "\x00\x00" + string(devicetest.Field(tagBody, 1, body)) }
	hash := bytes.Repeat([]byte{0xA5}, 32)
	for _, test := range []struct {
		command string
		want    apdu.StatusWord
	}{
		{command(t, publicKey, 2, 0, "m/44'"), apdu.WrongParameters},
		{command(t, publicKey, 0, 1, "m/44'"), apdu.WrongParameters},
		{"8043000000", apdu.WrongLength},
		{command(t, publicKey, 0, 0, "m"), apdu.WrongData},
		{command(t, publicKey, 0, 0, "m/44'//"), apdu.WrongData},
		{command(t, publicKey, 0, 0, "44'/0'"), apdu.WrongData},
		{command(t, showAddress, 1, 0, legacy), apdu.WrongParameters},
		{"8036000000", apdu.WrongLength},
		{command(t, showAddress, 0, 0, legacy[:33]), apdu.WrongData},
		{command(t, showAddress, 0, 0, bech32[:41]+"5"), apdu.WrongData},
		{command(t, showAddress, 0, 0, "BC1q"+bech32[4:]), apdu.WrongData}, // both cases
		{command(t, showAddress, 0, 0, "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7x"), apdu.WrongData},
		{command(t, showAddress, 0, 0, "TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2"), apdu.WrongData}, // TRON's
		{command(t, showAddress, 0, 0, "02"+strings.Repeat("11", 32)), apdu.WrongData},        // a public key
		{command(t, showAddress, 0, 0, counted(legacy, "BTC")), apdu.WrongData},
		{command(t, showNamedAddress, 0, 0, legacy), apdu.WrongData},
		{command(t, showNamedAddress, 0, 0, counted(legacy)), apdu.WrongData},
		{command(t, showNamedAddress, 0, 0, counted(legacy, "")), apdu.WrongData},
		{command(t, showNamedAddress, 0, 0, counted(legacy, "B\nC")), apdu.WrongData},
		{command(t, showNamedAddress, 0, 0, counted(legacy, "BTC", "")), apdu.WrongData},
		{command(t, showNamedAddress, 0, 0, counted("BTC", legacy)), apdu.WrongData},
		{command(t, signMessage, 0x80, 0x80, unsigned(messageBody(hash, "m/0"))), apdu.WrongParameters},
		{command(t, signMessage, 0, 1, unsigned(messageBody(hash, "m/0"))), apdu.WrongParameters},
		{"8051008000", apdu.WrongLength},
		{command(t, signMessage, 0, 0x80, unsigned(messageBody(hash[1:], "m/0"))), apdu.WrongData},
		{command(t, signMessage, 0, 0x80, unsigned(messageBody(hash, "m"))), apdu.WrongData},
		{command(t, signMessage, 0, 0x80, unsigned(append(messageBody(hash, "m/0"), 0))), apdu.WrongData},
		{command(t, signMessage, 0, 0x80, unsigned(messageBody(hash, "m/0"))+"0"), apdu.WrongData},
		{command(t, signMessage, 0, 0x80, unsigned(messageBody(hash, "m/0"))[2:]), apdu.WrongData},
		{command(t, list, 0x41, 0x80, "0"), apdu.WrongParameters},
		{command(t, list, 0x40, 0x40, "0"), apdu.WrongParameters},
		{"8031408000", apdu.WrongLength},
		{command(t, list, 0x80, 0x80, "0000"), apdu.ConditionsNotSatisfied}, // before the outpoints
		{command(t, preview, 0x40, 0x80, "0"), apdu.WrongParameters},
		{command(t, previewPSBT, 0x80, 0x80, "0"), apdu.WrongParameters},
		{command(t, showOutputs, 0, 0, "0"), apdu.ConditionsNotSatisfied},
		{command(t, showOutputs, 0, 1, "0"), apdu.WrongParameters},
		{command(t, legacyInputs, 0, 0x80, "0"), apdu.ConditionsNotSatisfied},
		{command(t, legacyPSBTInputs, 0, 0x80, "0"), apdu.ConditionsNotSatisfied},
		{command(t, preview, 0x80, 0, "0"), apdu.ConditionsNotSatisfied},
		{command(t, preview, 0x80, 0x80, "0"), apdu.WrongParameters},
		{command(t, signInput, 0, 1, "m/0"), apdu.ConditionsNotSatisfied},
		{command(t, signOldInput, 0, 1, "m/0"), apdu.ConditionsNotSatisfied},
		{"8045000100", apdu.WrongLength},
		{command(t, signSegWit, 0x40, 1, "0"), apdu.WrongParameters},
		{command(t, signSegWit, 0, 1, "0"), apdu.WrongData},
		{command(t, signTaproot, 0x40, 0, "0"), apdu.WrongParameters},
		{command(t, signTaproot, 0, 1, "0"), apdu.WrongParameters},
		{command(t, signTaproot, 0, 0, "0"), apdu.WrongData},
	} {
		h.SW(test.want, test.command)
		require.False(t, d.Status().Asking)
	}
	h.Idle()
	for text, pages := range map[string][]string{
		command(t, showAddress, 0, 0, legacy):                      {"Addr: 12z6UzsA3t|jpaeuvA2Zr9jwx19|Azz74D6g"},
		command(t, showAddress, 0, 0, bech32):                      {"Addr: bc1qw508d6|qejxtdg4y5r3zarv|ary0c5xw7kv8f3t4"},
		command(t, showAddress, 0, 0, taproot):                     nil,
		command(t, showNamedAddress, 0, 0, counted(legacy, "BTC")): {"BTC: 12z6UzsA3tj|paeuvA2Zr9jwx19A|zz74D6g"},
	} {
		for button, sw := range map[device.Button]apdu.StatusWord{device.OK: apdu.OK, device.Cancel: apdu.Rejected} {
			h.Message(hosttest.Unhex(t, text))
			h.Await("a question", func(s device.Status) bool { return s.Asking })
			if pages != nil {
				require.Equal(t, pages, devicetest.Read(t, d))
			}
			require.Equal(t, sw, h.Decide(button))
		}
	}
}
