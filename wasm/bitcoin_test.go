//go:build js && wasm && !nocoins

package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/core/bitcoin"
	coresecp "imkey-connect/core/secp256k1"
)

// bitcoinApplet is the Bitcoin applet of a page's device. It has one key at every path.
type bitcoinApplet struct {
	version string
	sent    []string // the instructions, without that for a key
	shown   string
}

// newBitcoinPage returns a page with a bound device that has the applet.
func newBitcoinPage(t *testing.T) (*page, *bitcoinApplet) {
	t.Helper()
	a := &bitcoinApplet{version: "1.6.11"}
	p := newPage(t)
	p.hasWallet(element.Public())
	p.other = a.answer
	p.open()
	p.bound()
	p.ethereum = nil // it would answer 51
	return p, a
}

func (a *bitcoinApplet) answer(msg []byte) []byte {
	ok := []byte{0x90, 0x00}
	if strings.EqualFold(hex.EncodeToString(msg), "00a4040005695f62746300") {
		return append([]byte(a.version), ok...)
	}
	if msg[0] != 0x80 {
		return nil
	}
	data := msg[5 : 5+int(msg[4])]
	switch msg[1] {
	case 0x43:
		b := append(account.Public(), make([]byte, 32)...)
		return append(append(b, element.Sign(sha256.Sum256(b), false)...), ok...)
	case 0x36:
		a.shown = string(data)
		return ok
	case 0x51:
		a.sent = append(a.sent, "51")
		at := strings.Index(string(data), "\xA6\x20") + 2
		compact := ecdsa.SignCompact(account.PrivateKey, data[at:at+32], false)
		return append(append(append([]byte{0x41}, compact[1:]...), 0), ok...)
	case 0x31, 0x4B, 0x4C:
		a.sent = append(a.sent, hex.EncodeToString(msg[1:2]))
		return ok
	}
	return nil
}

// TestBitcoin checks what a page gives and gets. The end-to-end tests sign PSBTs with the simulated device.
func TestBitcoin(t *testing.T) {
	p, a := newBitcoinPage(t)
	says := func(call string) string {
		t.Helper()
		return p.says(`page.device.bitcoin.` + call)
	}
	key := coresecp.PublicKey(account.Public())
	for _, test := range []struct {
		options string
		typ     bitcoin.Type
		network bitcoin.Network
		path    string
	}{
		{`{verify: true}`, bitcoin.P2WPKH, bitcoin.Mainnet, "m/84'/0'/0'/0/0"},
		{`{type: "p2tr", network: "signet", verify: true}`, bitcoin.P2TR, bitcoin.Testnet, "m/86'/1'/0'/0/0"},
		{`{type: "p2sh-p2wpkh", path: "m/44'/0'/0'/0/7", verify: true}`, bitcoin.P2SHP2WPKH, bitcoin.Mainnet, "m/44'/0'/0'/0/7"},
		{`{path: "m/44'/0'/0'/0/7", verify: true}`, bitcoin.P2PKH, bitcoin.Mainnet, "m/44'/0'/0'/0/7"},
	} {
		var got struct{ Address, Path, Type, PublicKey, Script string }
		require.NoError(t, json.Unmarshal([]byte(says(`getAddress(`+test.options+`)`)), &got))
		compressed := key.Compressed()
		require.Equal(t, test.network.Address(test.typ, key), got.Address)
		require.Equal(t, got.Address, a.shown)
		require.Equal(t, []string{test.path, test.typ.String(), hexText(compressed[:]), hexText(test.typ.Script(key))}, []string{got.Path, got.Type, got.PublicKey, got.Script})
	}
	require.Contains(t, says(`getExtendedPublicKey()`), `"xpub":"xpub`)
	require.Contains(t, says(`getExtendedPublicKey({type: "p2tr", network: "testnet"})`), `"path":"m/86'/1'/0'"`)
	require.Contains(t, says(`getExtendedPublicKey({path: "m/49'/1'/3'"})`), `"xpub":"tpub`)
	require.Contains(t, says(`getExtendedPublicKey({path: "m/49'/1'/3'", network: "mainnet"})`), `"xpub":"xpub`)

	var signed struct {
		Signature, Address string
		Blind              bool
		Warnings           []string
	}
	require.NoError(t, json.Unmarshal([]byte(says(`signMessage("hello", {type: "p2pkh", from: "`+bitcoin.Mainnet.Address(bitcoin.P2PKH, key)+`"})`)), &signed))
	raw, err := base64.StdEncoding.DecodeString(signed.Signature)
	require.NoError(t, err)
	require.Len(t, raw, 65)
	require.Equal(t, []string{"blind"}, signed.Warnings)
	require.NoError(t, json.Unmarshal([]byte(says(`signMessage(new Uint8Array([1]), {scheme: "standard"})`)), &signed))
	require.Equal(t, []string{"51", "51"}, a.sent)

	require.Contains(t, p.says(`core.describe("bitcoin-address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")`), `"script":"0x0014751e76e8199196d454941c45d1b3a323f1433bd6"`)
	require.Contains(t, p.says(`core.describe("bitcoin-address", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", {network: "signet"})`), `"dust":294`)
	p.fails("invalid-argument", "raw", object(t, `core => core.describe("bitcoin-address", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx")`))
	p.fails("invalid-argument", "raw", object(t, `core => core.describe("bitcoin-address", "", {network: "x"})`))
	for _, options := range []string{`{}`, `{keys: [{path: "m/84'/0'/0'", xpub: "xpub"}]}`, `{keys: [{path: "m/84'/0'"}]}`, `{keys: [], paths: ["x"]}`, `{keys: []}`} {
		p.fails("invalid-argument", "raw", object(t, `core => core.describe("bitcoin-psbt", "cHNidP8=", `+options+`)`))
	}
	a.sent = nil
	for call, want := range map[string]string{
		`getAddress({type: "p2wsh"})`:                               "type",
		`getAddress({network: "litecoin"})`:                         "network",
		`getAddress({path: "m/44'/60'/0'/0/0"})`:                    "path",
		`getAddress({path: "m/84'/1'/0'/0/0", network: "mainnet"})`: "other-network",
		`getExtendedPublicKey({path: "m/84'/0'"})`:                  "path",
		`signMessage("")`:                                           "empty",
		`signMessage(1)`:                                            "message",
		`signMessage("\ud800")`:                                     "message",
		`signMessage("a", {scheme: "bip340"})`:                      "scheme",
		`signMessage("a", {scheme: "bip322", type: "p2pkh"})`:       "scheme",
		`signMessage("a", {from: 1})`:                               "from",
		`signMessage("a", {from: "bc1q"})`:                          "foreign-from",
		`signPsbt("?")`:                                             "psbt",
		`signPsbt(1)`:                                               "psbt",
		`signPsbt("cHNidP8=")`:                                      "psbt",
		`signPsbt("70736274ff00")`:                                  "psbt",
		`signPsbt(new Uint8Array(2_000_000))`:                       "too-large",
		`signPsbt(` + psbt(1) + `, {paths: ["m/44'/60'/0'"]})`:      "path",
		`signPsbt(` + psbt(1) + `, {paths: "m/84'/0'/0'"})`:         "paths",
		`signPsbt(` + psbt(1) + `, {paths: [1]})`:                   "paths",
		`signPsbt(` + psbt(1) + `, {maxFee: -1})`:                   "maxFee",
		`signPsbt(` + psbt(1) + `, {inputs: [-1]})`:                 "inputs",
		`signPsbt(` + psbt(1) + `, {inputs: 1})`:                    "inputs",
		`signPsbt(` + psbt(1) + `, {finalize: 1})`:                  "finalize",
		`signPsbt(` + psbt(1) + `, {path: "m/84'/0'/0'/0/0"})`:      "neither the output",
		`signPsbt(` + psbt(10_000) + `)`:                            "too-large",
	} {
		got := p.do("raw", object(t, `(core, page) => page.device.bitcoin.`+call))
		require.Equal(t, "invalid-argument", bridgetest.Text(t, got, "code"), call)
		data := bridgetest.Get(t, got, "data")
		says := bridgetest.Text(t, data, "at") + " " + bridgetest.Text(t, data, "reason")
		require.Contains(t, says, want, call)
	}
	require.Empty(t, a.sent, "the device was asked nothing")
}

func TestAnOldBitcoinApplet(t *testing.T) {
	p, a := newBitcoinPage(t)
	a.version = "1.5.00"
	for _, call := range []string{`signPsbt(` + psbt(1) + `)`, `signMessage("a")`} {
		got := p.do("raw", object(t, `(core, page) => page.device.bitcoin.`+call))
		require.Equal(t, "applet-outdated", bridgetest.Text(t, got, "code"), call)
		require.Equal(t, "1.5.00", bridgetest.Text(t, bridgetest.Get(t, got, "data"), "version"))
	}
}

// psbt is a PSBT of one input and this number of outputs, as JavaScript.
func psbt(outputs int) string {
	tx := &bitcoin.Transaction{Version: 2, Inputs: []bitcoin.Input{{}}}
	for range outputs {
		tx.Outputs = append(tx.Outputs, bitcoin.Output{Amount: 1, Script: []byte{0x51}})
	}
	raw := tx.Bytes()
	b := append([]byte("psbt\xff\x01\x00\xfe"), byte(len(raw)), byte(len(raw)>>8), byte(len(raw)>>16), 0)
	if len(raw) < 0xFD {
		b = append([]byte("psbt\xff\x01\x00"), byte(len(raw)))
	}
	b = append(append(b, raw...), make([]byte, 2+outputs)...)
	return `"` + base64.StdEncoding.EncodeToString(b) + `"`
}
