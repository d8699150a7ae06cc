//go:build js && wasm

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/frame"
	"imkey-connect/core/keccak"
)

const seid = "19060000000200860001010000000014"

var (
	ca      = attestationtest.NewKey("a CA")
	element = attestationtest.NewKey("a secure element")
	account = attestationtest.NewKey("an account")
)

// applet is the Ethereum applet of the page's device: a wallet of one account, or a recording.
type applet struct {
	t      *testing.T
	signer attestationtest.Key // makes the signatures; public keys are always those of account
	app    []byte              // the app's public key in BIND_CHECK

	prepared []byte   // the payload, chunk by chunk
	data     []byte   // the bytes to sign, until they are signed
	signed   []byte   // the bytes that were signed last
	screen   []string // the strings for the screen
	unbound  bool     // whether the last binding signature was empty
	asked    []string // the instructions that arrived

	waits   bool   // keep-alives come before the last answer to prepare
	stuck   bool   // the device never answers
	silent  bool   // no keep-alives come while the device is stuck
	refusal []byte // the last answer to prepare

	bound func() bool // whether the device takes the app key's binding signature

	recording []exchange // if not empty, it is played instead of the wallet
}

type exchange struct{ Cmd, Rsp string }

// newEthereumPage returns a page with an unbound device that has the applet and a secure element with this key.
func newEthereumPage(t *testing.T, point []byte) *page {
	t.Helper()
	p := newPage(t)
	p.hasWallet(point)
	p.open()
	return p
}

// hasWallet gives the page's device this key in its secure element and an Ethereum wallet.
func (p *page) hasWallet(point []byte) {
	p.ca = hex.EncodeToString(ca.Public())
	p.certificate = attestationtest.New(seid, point).Sign(ca)
	p.ethereum = &applet{t: p.t, signer: account, bound: func() bool { return p.status == 0x55 }}
}

// bound binds the page's device.
func (p *page) bound() *page {
	p.t.Helper()
	p.works("call", "bind", "PVU3FY64", object(p.t, `({})`))
	p.told()
	return p
}

// answer returns nil for a command of another applet.
func (a *applet) answer(msg []byte) []frame.Packet {
	text := strings.ToUpper(hex.EncodeToString(msg))
	own := text == "00A4040005695F65746800" || strings.HasPrefix(text, "805") && text[3] <= '6'
	switch {
	case strings.HasPrefix(text, "8071"):
		a.app = bytes.Clone(msg[5:70])
		return nil
	case !own:
		return nil
	case a.recording != nil:
		return a.play(text)
	}
	answer := a.execute(msg[1], msg[3], msg[5:len(msg)-1])
	if answer == nil && a.silent {
		return []frame.Packet{}
	}
	if answer == nil {
		return []frame.Packet{frame.KeepAlive(2), frame.KeepAlive(2)}
	}
	return a.packets(answer, a.waits && (msg[1] == 0x56 || msg[3] == 0x80))
}

func (a *applet) packets(answer []byte, waiting bool) []frame.Packet {
	packets, err := frame.Split(answer)
	require.NoError(a.t, err)
	if waiting {
		packets = append([]frame.Packet{frame.KeepAlive(2), frame.KeepAlive(2)}, packets...)
	}
	return packets
}

func (a *applet) play(command string) []frame.Packet {
	next := a.recording[0]
	if !strings.EqualFold(next.Cmd, command) {
		a.t.Errorf("%s came where %s was recorded", command, next.Cmd)
		return a.packets([]byte{0x6F, 0x00}, false)
	}
	if len(a.recording) > 1 {
		a.recording = a.recording[1:]
	} else {
		a.recording = []exchange{{Cmd: "all was played"}}
	}
	answer, err := hex.DecodeString(next.Rsp)
	require.NoError(a.t, err)
	return a.packets(answer, false)
}

// execute returns nil for a command that stays pending.
func (a *applet) execute(ins, p2 byte, data []byte) []byte {
	ok := []byte{0x90, 0x00}
	a.asked = append(a.asked, hex.EncodeToString([]byte{ins}))
	switch ins {
	case 0xA4:
		a.prepared, a.data = nil, nil
	case 0x53:
		signed := append(account.Public(), make([]byte, 32)...)
		return append(append(signed, element.Sign(sha256.Sum256(signed), false)...), ok...)
	case 0x51, 0x54:
		a.prepared = append(a.prepared, data...)
		if p2 != 0x80 {
			break
		}
		payload := a.prepared
		a.prepared = nil
		if a.stuck {
			return nil
		}
		if a.refusal != nil {
			return a.refusal
		}
		return a.confirm(payload)
	case 0x52, 0x55:
		if a.data == nil {
			return []byte{0x69, 0x85}
		}
		digest := keccak.Sum256(a.data)
		a.signed, a.data = a.data, nil
		compact := ecdsa.SignCompact(a.signer.PrivateKey, digest[:], false)
		return append(append(append([]byte{0x41}, compact[1:]...), compact[0]-27), ok...)
	}
	return ok
}

// confirm parses a payload and verifies its binding signature with another library.
func (a *applet) confirm(payload []byte) []byte {
	body := payload[2+int(payload[1]):]
	// Without a binding, hosts write 00 01 00 before transactions and 00 00 before messages.
	if a.unbound = payload[1] <= 1; !a.unbound {
		key, err := secp256k1.ParsePubKey(a.app)
		require.NoError(a.t, err)
		signature, err := ecdsa.ParseDERSignature(payload[2 : 2+payload[1]])
		digest := sha256.Sum256(body)
		digest = sha256.Sum256(digest[:])
		if err != nil || !signature.Verify(digest[:], key) || !a.bound() {
			return []byte{0x69, 0x42}
		}
	}
	n := int(body[1])<<8 | int(body[2])
	a.data, a.screen = body[3:3+n], nil
	for rest := body[3+n:]; len(rest) > 0; rest = rest[2+int(rest[1]):] {
		a.screen = append(a.screen, string(rest[2:2+int(rest[1])]))
	}
	return []byte{0x90, 0x00}
}

// recorded is a recorded session with a real device.
type recorded struct {
	Name      string
	Exchanges []exchange
	Expect    struct{ Address, Pubkey, SignedTx, TxHash, Signature string }
}

func readRecordings(t *testing.T) (sessions []recorded, point []byte) {
	t.Helper()
	b, err := os.ReadFile("../core/testdata/vectors/imkey.json")
	require.NoError(t, err)
	var vectors struct {
		Sessions []recorded `json:"recordedSessions"`
		SE       struct {
			Key string `json:"recoveredSEPublicKey"`
		} `json:"seSignedXpub"`
	}
	require.NoError(t, json.Unmarshal(b, &vectors))
	require.Len(t, vectors.Sessions, 3)
	point, err = hex.DecodeString(vectors.SE.Key)
	require.NoError(t, err)
	return vectors.Sessions, point
}

// signs calls a method of the device's ethereum object, given as JavaScript, and returns its result.
func (p *page) signs(call string) safejs.Value {
	p.t.Helper()
	return p.works("raw", object(p.t, `(core, page) => page.device.ethereum.`+call))
}

// refuses is signs for a call that fails. It returns the error's data.
func (p *page) refuses(code, call string) safejs.Value {
	p.t.Helper()
	got := p.do("raw", object(p.t, `(core, page) => page.device.ethereum.`+call))
	require.Equal(p.t, code, bridgetest.Text(p.t, got, "code"), "%s: %s", call, describe(got))
	return bridgetest.Get(p.t, got, "data")
}

// text applies a JavaScript function to a result.
func (p *page) text(result safejs.Value, function string) string {
	p.t.Helper()
	v, err := bridgetest.Eval(p.t, function).Invoke(result)
	require.NoError(p.t, err)
	s, ok := interop.String(v)
	require.True(p.t, ok)
	return s
}

func (p *page) warnings(result safejs.Value) string {
	p.t.Helper()
	return p.text(result, `r => r.warnings.join(" ")`)
}
