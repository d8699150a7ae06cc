//go:build js && wasm && !nocoins

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/core/protobuf"
	coresecp "imkey-connect/core/secp256k1"
	"imkey-connect/core/tron"
)

// tronApplet is the TRON applet of a page's device: a wallet of one account.
type tronApplet struct {
	t       *testing.T
	payload []byte
	fields  [][]byte // of the last payload, in the order of their tags
	shown   string
}

// newTronPage returns a page with a bound device that has the applet.
func newTronPage(t *testing.T) (*page, *tronApplet) {
	t.Helper()
	a := &tronApplet{t: t}
	p := newPage(t)
	p.hasWallet(element.Public())
	p.other = a.answer
	p.open()
	return p.bound(), a
}

func (a *tronApplet) answer(msg []byte) []byte {
	ok := []byte{0x90, 0x00}
	attested := func(b []byte) []byte { return append(append(b, element.Sign(sha256.Sum256(b), false)...), ok...) }
	switch text := strings.ToUpper(hex.EncodeToString(msg[:2])); {
	case strings.EqualFold(hex.EncodeToString(msg), "00a4040008695f6b315f74727800"):
		return ok
	case text == "8082":
		return attested(append(account.Public(), make([]byte, 32)...))
	case text == "8083":
		a.shown = string(msg[6 : 6+msg[5]])
		return ok
	case text == "8081":
		if msg[2] == 0 {
			a.payload = nil
		}
		a.payload = append(a.payload, msg[5:len(msg)-1]...)
		if msg[3] != 0x80 {
			return ok
		}
		a.fields = nil
		for b := a.payload; len(b) > 0; b = b[2+int(b[1]):] {
			a.fields = append(a.fields, b[2:2+int(b[1])])
		}
		compact := ecdsa.SignCompact(account.PrivateKey, a.fields[1], false)
		return attested(append(append([]byte{0x41}, compact[1:]...), 0))
	}
	return nil
}

var (
	tronOwner = tron.AddressOf(coresecp.PublicKey(account.Public()))
	tronOther = tron.Address{19: 7}
)

// tronTransfer returns the raw_data of a transfer of 5 sun.
func tronTransfer(owner tron.Address) []byte {
	message := func(fields ...any) (b []byte) {
		for i := 0; i < len(fields); i += 2 {
			f := protobuf.Field{Number: fields[i].(int)}
			switch v := fields[i+1].(type) {
			case int:
				f.Value = uint64(v)
			case []byte:
				f.IsBytes, f.Bytes = true, v
			case tron.Address:
				f.IsBytes, f.Bytes = true, append([]byte{0x41}, v[:]...)
			}
			b = protobuf.Append(b, f)
		}
		return b
	}
	value := message(1, owner, 2, tronOther, 3, 5)
	contract := message(1, 1, 2, message(1, []byte("type.googleapis.com/protocol.TransferContract"), 2, value))
	return message(1, []byte{1, 2}, 8, 1764000060000, 11, contract)
}

func (p *page) tron(call string) string {
	p.t.Helper()
	return p.says(`page.device.tron.` + call)
}

func TestTron(t *testing.T) {
	p, a := newTronPage(t)
	require.Contains(t, p.tron(`getAccount({verify: true})`), `"address":"`+tronOwner.String()+`"`)
	require.Equal(t, tronOwner.String(), a.shown)

	raw := tronTransfer(tronOwner)
	id := sha256.Sum256(raw)
	rawData, txID := strconv.Quote(hex.EncodeToString(raw)), strconv.Quote(hex.EncodeToString(id[:]))
	claims := `, txID: ` + txID + `, to: "` + tronOther.String() + `", receiver: "` + tronOther.String() + `", amount: 5n, payment: "0.000005 TRX"`
	for _, argument := range []string{
		`{rawData: ` + rawData + `}`, `{rawData: "0x" + ` + rawData + claims + `}`, `{rawData: Uint8Array.from(` + rawData + `.match(/../g), (b) => parseInt(b, 16))}`,
	} {
		p.told()
		var signed struct {
			TxID, Signature, Raw, From string
			Blind                      bool
			Summary                    struct{ Contract, Kind, Payment, Receiver string }
			Warnings                   []string
		}
		require.NoError(t, json.Unmarshal([]byte(p.tron(`signTransaction(`+argument+`)`)), &signed))
		require.Equal(t, hex.EncodeToString(id[:]), signed.TxID)
		require.Equal(t, id[:], a.fields[1])
		require.Equal(t, [][]byte{[]byte("m/44'/195'/0'/0/0"), []byte("0.000005 TRX"), []byte(tronOther.String())}, a.fields[2:])
		require.Equal(t, tronOwner.String(), signed.From)
		require.Equal(t, "TransferContract", signed.Summary.Contract)
		require.Equal(t, "0.000005 TRX", signed.Summary.Payment)
		require.Len(t, signed.Signature, 130)
		require.Equal(t, "0a"+hex.EncodeToString([]byte{byte(len(raw))})+hex.EncodeToString(raw)+"1241"+signed.Signature, signed.Raw)
		require.Empty(t, signed.Warnings)
	}

	for _, c := range []struct {
		call string
		hash func() ([32]byte, error)
	}{
		{`signMessage("Hi")`, func() ([32]byte, error) { return tron.HashMessage([]byte("Hi"), tron.V2) }},
		{`signMessage("0x4869")`, func() ([32]byte, error) { return tron.HashMessage([]byte("0x4869"), tron.V2) }},
		{`signMessage(new Uint8Array([72, 105]), {version: 2, header: "TRON"})`, func() ([32]byte, error) { return tron.HashMessage([]byte("Hi"), tron.V2) }},
		{`signMessage("0x4869", {version: 1})`, func() ([32]byte, error) { return tron.HashMessage([]byte("Hi"), tron.V1) }},
		{`signMessage("Hi", {version: 1, header: "ETH"})`, func() ([32]byte, error) { return tron.HashMessage([]byte("Hi"), tron.V1Ethereum) }},
	} {
		hash, err := c.hash()
		require.NoError(t, err)
		require.Contains(t, p.tron(c.call), `"warnings":["blind"]`)
		require.Equal(t, hash[:], a.fields[1], c.call)
		require.Len(t, a.fields, 3)
	}
	const document = `{types: {M: [{name: "to", type: "address"}]}, primaryType: "M", domain: {name: "x"}, message: {to: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"}}`
	require.Contains(t, p.tron(`signTypedData(`+document+`)`), `"address":"`+tronOwner.String()+`"`)
	require.Contains(t, p.says(`core.describe("tron-typed-data", `+document+`)`), hex.EncodeToString(a.fields[1]))
	require.Contains(t, p.says(`core.describe("tron-message", "Hi", {version: 1})`), `"blind":true`)
	described := p.says(`core.describe("tron-transaction", {rawData: ` + rawData + `})`)
	require.Contains(t, described, `"owner":"`+tronOwner.String()+`"`)
	require.Contains(t, described, hex.EncodeToString(id[:]))

	// Lies and mistakes, each refused before the device is asked to sign.
	a.payload = nil
	foreign := strconv.Quote(hex.EncodeToString(tronTransfer(tronOther)))
	for _, c := range []struct{ at, call string }{
		{"rawData", `signTransaction({rawData: ` + foreign + `})`},
		{"from", `signTransaction({rawData: ` + rawData + `}, {from: "` + tronOther.String() + `"})`},
		{"to", `signTransaction({rawData: ` + rawData + `, to: "` + tronOwner.String() + `"})`},
		{"receiver", `signTransaction({rawData: ` + rawData + `, receiver: ""})`},
		{"payment", `signTransaction({rawData: ` + rawData + `, payment: "100 TRX"})`},
		{"amount", `signTransaction({rawData: ` + rawData + `, amount: 100})`},
		{"txID", `signTransaction({rawData: ` + rawData + `, txID: "00"})`},
		{"fee", `signTransaction({rawData: ` + rawData + `, fee: 5})`},
		{"to", `signTransaction({rawData: ` + rawData + `, to: 7})`},
		{"rawData", `signTransaction({})`}, {"rawData", `signTransaction({rawData: "0a0"})`}, {"rawData", `signTransaction({rawData: 7})`},
		{"the argument", `signTransaction("0a")`}, {"path", `signMessage("x", {path: "m/44'/60'/0'/0/0"})`},
		{"from", `signMessage("x", {from: "0x4100000000000000000000000000000000000000ff"})`}, {"from", `signMessage("x", {from: 7})`},
		{"version", `signMessage("x", {version: 3})`}, {"version", `signMessage("x", {version: "V2"})`}, {"version", `signMessage("x", {version: 0})`},
		{"header", `signMessage("x", {header: "ETH"})`}, {"header", `signMessage("x", {header: 1})`},
		{"message", `signMessage("")`}, {"message", `signMessage(7)`}, {"message", `signMessage("\ud800")`}, {"message", `signMessage("0x123", {version: 1})`},
		{"message", `signMessage("0x", {version: 1})`}, {"primaryType", `signTypedData({})`}, {"typed data", `signTypedData(7)`}, {"path", `getAccount({path: "m/44'/60'/0'/0/0"})`},
	} {
		got := p.do("raw", object(t, `(core, page) => page.device.tron.`+c.call))
		require.Equal(t, "invalid-argument", bridgetest.Text(t, got, "code"), c.call)
		require.Equal(t, c.at, bridgetest.Text(t, bridgetest.Get(t, got, "data"), "at"), c.call)
	}
	require.Empty(t, a.payload)
	for _, argument := range []string{`"tron-transaction", {}`, `"tron-message", ""`, `"tron-typed-data", 7`, `"tron-message", "x", {version: 3}`} {
		p.fails("invalid-argument", "raw", object(t, `core => core.describe(`+argument+`)`))
	}
}
