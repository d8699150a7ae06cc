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
	"imkey-connect/core/cosmos"
	coresecp "imkey-connect/core/secp256k1"
)

// cosmosApplet is the Cosmos applet of a page's device: a wallet of one account.
type cosmosApplet struct {
	payload []byte
	fields  [][]byte // of the last payload, in the order of their tags
	shown   string
	// selected says whether the applet is selected: IMK has commands with the same instructions.
	selected bool
}

// newCosmosPage returns a page with a bound device that has the applet.
func newCosmosPage(t *testing.T) (*page, *cosmosApplet) {
	t.Helper()
	a := &cosmosApplet{}
	p := newPage(t)
	p.hasWallet(element.Public())
	p.other = a.answer
	p.open()
	return p.bound(), a
}

func (a *cosmosApplet) answer(msg []byte) []byte {
	ok := []byte{0x90, 0x00}
	data := func() []byte { return msg[5 : 5+msg[4]] }
	text := hex.EncodeToString(msg[:2])
	if text == "00a4" {
		if a.selected = strings.EqualFold(hex.EncodeToString(msg), "00a4040008695f636f736d6f7300"); a.selected {
			return ok
		}
	}
	if !a.selected {
		return nil
	}
	switch {
	case text == "8073" && msg[2] == 1:
		b := append(account.Public(), make([]byte, 32)...)
		return append(append(b, element.Sign(sha256.Sum256(b), false)...), ok...)
	case text == "8076":
		a.shown = string(data())
		return ok
	case text == "8071":
		if msg[2] == 0 {
			a.payload = nil
		}
		a.payload = append(a.payload, data()...)
		if msg[3] == 0x80 {
			a.fields = nil
			for b := a.payload; len(b) > 0; b = b[2+int(b[1]):] {
				a.fields = append(a.fields, b[2:2+int(b[1])])
			}
		}
		return ok
	case text == "8072":
		compact := ecdsa.SignCompact(account.PrivateKey, a.fields[1], false)
		return append(append(append([]byte{0x41}, compact[1:]...), 0), ok...)
	}
	return nil
}

func TestCosmos(t *testing.T) {
	p, a := newCosmosPage(t)
	says := func(call string) string {
		t.Helper()
		return p.says(`page.device.cosmos.` + call)
	}
	owner := cosmos.AccountOf(coresecp.PublicKey(account.Public()))
	compressed := cosmos.Compressed(coresecp.PublicKey(account.Public()))
	address := owner.Address("cosmos")
	require.Contains(t, says(`getAccount({verify: true})`), `"address":"`+address+`"`)
	require.Equal(t, address, a.shown)
	osmosis := says(`getAccount({verify: true, prefix: "osmo"})`)
	require.Contains(t, osmosis, `"address":"`+owner.Address("osmo")+`"`)
	require.Contains(t, osmosis, `"warnings":["other-prefix"]`)
	require.Equal(t, address, a.shown, "the device shows cosmos1…")

	document := func(signer string) string {
		return `{memo: "42", chain_id: "cosmoshub-4", account_number: "7", sequence: "1", fee: {gas: "200000", amount: [{denom: "uatom", amount: "750"}]}, ` +
			`msgs: [{type: "cosmos-sdk/MsgVote", value: {proposal_id: "7", voter: "` + signer + `", option: 1}}]}`
	}
	var signed struct {
		Signed    map[string]any
		Signature struct {
			PubKey    struct{ Type, Value string } `json:"pub_key"`
			Signature string
		}
		Address, Digest string
		Summary         struct{ Kind, Payment, Receiver, Fee string }
		Blind           bool
		Warnings        []string
	}
	require.NoError(t, json.Unmarshal([]byte(says(`signAmino(`+document(address)+`)`)), &signed))
	require.Equal(t, [][]byte{[]byte(`Vote YES, memo "42"`), []byte("proposal 7"), []byte("0.00075 ATOM")}, a.fields[2:])
	require.Equal(t, "tendermint/PubKeySecp256k1", signed.Signature.PubKey.Type)
	require.Equal(t, base64.StdEncoding.EncodeToString(compressed[:]), signed.Signature.PubKey.Value)
	raw, err := base64.StdEncoding.DecodeString(signed.Signature.Signature)
	require.NoError(t, err)
	require.Len(t, raw, 64)
	require.Equal(t, address, signed.Address)
	require.Equal(t, "vote", signed.Summary.Kind)
	require.Empty(t, signed.Warnings)
	require.Equal(t, "42", signed.Signed["memo"])
	parsed, err := cosmos.ParseAmino(signed.Signed)
	require.NoError(t, err)
	hash := parsed.Hash()
	require.Equal(t, hash[:], a.fields[1])
	require.Contains(t, p.says(`core.describe("cosmos-amino", `+document(address)+`)`), hex.EncodeToString(hash[:]))

	// A SignDoc: MsgVote{7, signer, YES}.
	const direct = `(() => {
		const field = (n, b) => [n << 3 | 2, b.length, ...b], text = (s) => [...new TextEncoder().encode(s)]
		const vote = [8, 7, ...field(2, text("ADDRESS")), 24, 1]
		const body = field(1, [...field(1, text("/cosmos.gov.v1beta1.MsgVote")), ...field(2, vote)])
		return {bodyBytes: Uint8Array.from(body), authInfoBytes: Uint8Array.from(field(2, field(1, [...field(1, text("uatom")), ...field(2, text("750"))]))), chainId: "cosmoshub-4", accountNumber: 7n}
	})()`
	doc := strings.Replace(direct, "ADDRESS", address, 1)
	require.Contains(t, says(`signDirect(`+doc+`, {from: "`+owner.Address("osmo")+`", prefix: "osmo"})`), `"address":"`+owner.Address("osmo")+`"`)
	require.Equal(t, []byte("Vote YES"), a.fields[2])
	require.Contains(t, p.says(`core.describe("cosmos-direct", `+doc+`)`), hex.EncodeToString(a.fields[1]))
	before := a.fields[1]
	require.Contains(t, says(`signDirect(`+doc+`).then((first) => page.device.cosmos.signDirect(first.signBytes))`), `"payment":"Vote YES"`)
	require.Equal(t, before, a.fields[1], "the bytes of the same SignDoc")

	// Lies and mistakes, each refused before the device is asked to sign.
	other := cosmos.Account{7}.Address("cosmos")
	a.payload = nil
	for _, c := range []struct{ at, call string }{
		{"document", `signAmino(` + document(other) + `)`},
		{"document", `signDirect(` + strings.Replace(direct, "ADDRESS", other, 1) + `)`},
		{"from", `signAmino(` + document(address) + `, {from: "` + other + `"})`}, {"from", `signAmino(` + document(address) + `, {from: 7})`},
		{"path", `signAmino(` + document(address) + `, {path: "m/44'/60'/0'/0/0"})`}, {"prefix", `getAccount({prefix: "Cosmos"})`}, {"prefix", `getAccount({prefix: 7})`},
		{"document", `signAmino(7)`}, {"document", `signAmino({})`}, {"document", `signAmino(` + strings.Replace(document(address), `"42"`, `"\u0007"`, 1) + `)`},
		{"document", `signDirect(new Uint8Array(3))`}, {"document", `signDirect(7)`}, {"document.bodyBytes", `signDirect({})`}, {"document.chainId", `signDirect({...` + doc + `, chainId: 7})`},
		{"document.accountNumber", `signDirect({...` + doc + `, accountNumber: -1})`}, {"document.more", `signDirect({...` + doc + `, more: 1})`},
		{"path", `getAccount({path: "m/44'/60'/0'/0/0"})`},
	} {
		got := p.do("raw", object(t, `(core, page) => page.device.cosmos.`+c.call))
		require.Equal(t, "invalid-argument", bridgetest.Text(t, got, "code"), c.call)
		require.Equal(t, c.at, bridgetest.Text(t, bridgetest.Get(t, got, "data"), "at"), c.call)
	}
	require.Empty(t, a.payload)
	p.fails("invalid-argument", "raw", object(t, `core => core.describe("cosmos-amino", {})`))
}
