package cosmos

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/bech32"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/protobuf"
	"imkey-connect/core/secp256k1"
)

const (
	ours   = "cosmos1ajz9y0x3wekez7tz2td2j6l2dftn28v26dd992"
	theirs = "cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt"
)

var (
	validator = Account{1, 2, 3}.Address("cosmosvaloper")
	module    = bech32.Encode("cosmos", bech32.FromBytes(make([]byte, 32)), bech32.Bech32)
)

type vector struct{ Chain, Kind, Name, Address, PublicKey65, SignBytes, Hash, Payment, Receiver, Fee string }

func vectors(t testing.TB) (of []vector) {
	t.Helper()
	var file struct{ Vectors []vector }
	b, err := os.ReadFile("../testdata/vectors/coins.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &file))
	for _, v := range file.Vectors {
		if v.Chain == "COSMOS" {
			of = append(of, v)
		}
	}
	require.NotEmpty(t, of)
	return of
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func tree(t testing.TB, text string) (v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

// ourKey is the key of the vectors' account.
func ourKey(t testing.TB) secp256k1.PublicKey {
	t.Helper()
	for _, v := range vectors(t) {
		if v.Kind == "address" {
			key, err := secp256k1.ParsePublicKey(unhex(t, v.PublicKey65))
			require.NoError(t, err)
			return key
		}
	}
	require.FailNow(t, "no address in the vectors")
	return secp256k1.PublicKey{}
}

// TestVectors parses each document, and has its sign bytes and hash again.
func TestVectors(t *testing.T) {
	amino, direct := 0, 0
	for _, v := range vectors(t) {
		switch v.Kind {
		case "address":
			require.Equal(t, v.Address, AccountOf(ourKey(t)).Address("cosmos"))
		case "transaction":
			raw := unhex(t, v.SignBytes)
			var d *Document
			var err error
			if raw[0] == '{' && !bytes.Contains(raw, []byte("chain_id")) {
				_, err = ParseAmino(tree(t, string(raw))) // a test of long texts for the applet
				require.ErrorIs(t, err, errcode.InvalidArgument)
				continue
			}
			if raw[0] == '{' {
				d, err = ParseAmino(tree(t, string(raw)))
				amino++
			} else {
				d, err = ParseDirect(raw)
				direct++
			}
			require.NoError(t, err, v.Name)
			require.Equal(t, raw, d.SignBytes())
			hash := d.Hash()
			require.Equal(t, v.Hash, hex.EncodeToString(hash[:]))
			if len(v.Payment) < 100 && v.Payment != "" {
				require.Equal(t, []string{v.Payment, v.Receiver, v.Fee}, []string{d.summary.Payment, d.summary.Receiver, d.summary.Fee})
			}
		}
	}
	require.Positive(t, amino)
	require.Positive(t, direct)
}

// document returns an amino document of messages.
func document(memo, chain string, messages ...string) string {
	return `{"memo":"` + memo + `","chain_id":"` + chain + `","account_number":"7","sequence":"1","fee":{"gas":"200000","amount":[{"denom":"uatom","amount":"750"}]},"msgs":[` +
		strings.Join(messages, ",") + `]}`
}

func msg(kind, value string) string { return `{"type":"` + kind + `","value":` + value + `}` }

func send(from, to, denom, amount string) string {
	return msg("cosmos-sdk/MsgSend", `{"from_address":"`+from+`","to_address":"`+to+`","amount":[{"denom":"`+denom+`","amount":"`+amount+`"}]}`)
}

const coinJSON = `{"denom":"uatom","amount":"1500000"}`

// TestTexts compares the texts for the screen.
func TestTexts(t *testing.T) {
	staking := `{"delegator_address":"` + ours + `","validator_address":"` + validator + `"`
	ibc := `{"source_port":"transfer","source_channel":"channel-141","token":` + coinJSON + `,"sender":"` + ours + `","receiver":"osmo1x","timeout_height":{},"timeout_timestamp":"1"`
	for name, test := range map[string]struct {
		document                string
		payment, receiver, kind string
		blind                   bool
	}{
		"send":         {document("", "cosmoshub-4", send(ours, theirs, "uatom", "1000")), "0.001 ATOM", theirs, "transfer", false},
		"much":         {document("", "cosmoshub-4", send(ours, theirs, "uatom", "12345678000000")), "12345678 ATOM", theirs, "transfer", false},
		"another coin": {document("", "osmosis-1", send(ours, theirs, "uosmo", "1000")), "1000 uosmo, on osmosis-1", theirs, "transfer", false},
		"a memo":       {document("42", "cosmoshub-4", send(ours, theirs, "uatom", "1")), `0.000001 ATOM, memo "42"`, theirs, "transfer", false},
		"two":          {document("", "cosmoshub-4", send(ours, theirs, "uatom", "1"), send(ours, ours, "uatom", "2")), "0.000001 ATOM to " + theirs + " + 0.000002 ATOM to " + ours, "2 receivers", "several", false},
		"two to one":   {document("", "cosmoshub-4", send(ours, theirs, "uatom", "1"), send(ours, theirs, "uatom", "2")), "0.000001 ATOM + 0.000002 ATOM", theirs, "several", false},
		"delegate":     {document("", "cosmoshub-4", msg("cosmos-sdk/MsgDelegate", staking+`,"amount":`+coinJSON+`}`)), "Delegate 1.5 ATOM", validator, "delegate", false},
		"undelegate":   {document("", "cosmoshub-4", msg("cosmos-sdk/MsgUndelegate", staking+`,"amount":`+coinJSON+`}`)), "Undelegate 1.5 ATOM", validator, "undelegate", false},
		"rewards":      {document("", "cosmoshub-4", msg("cosmos-sdk/MsgWithdrawDelegationReward", staking+`}`)), "Claim rewards", validator, "claim-rewards", false},
		"vote":         {document("", "cosmoshub-4", msg("cosmos-sdk/MsgVote", `{"proposal_id":"7","voter":"`+ours+`","option":4}`)), "Vote NO WITH VETO", "proposal 7", "vote", false},
		"another vote": {document("", "cosmoshub-4", msg("cosmos-sdk/MsgVote", `{"proposal_id":"7","voter":"`+ours+`","option":9}`)), "Vote option 9", "proposal 7", "vote", true},
		"IBC":          {document("", "cosmoshub-4", msg("cosmos-sdk/MsgTransfer", ibc+`}`)), "1.5 ATOM by IBC channel-141", "osmo1x", "ibc-transfer", false},
		"IBC and memo": {document("", "cosmoshub-4", msg("cosmos-sdk/MsgTransfer", ibc+`,"memo":"{}"}`)), "1.5 ATOM by IBC channel-141", "osmo1x", "ibc-transfer", true},
		"unknown":      {document("", "cosmoshub-4", msg("wasm/MsgExecuteContract", `{"a":[true,false,null,{}]}`)), "Other message: wasm/MsgExecuteContract", "unknown", "other", true},
		"too long":     {document(strings.Repeat("x", 255), "cosmoshub-4", send(ours, theirs, "uatom", "1")), "0.000001 ATOM, memo of 255 bytes", theirs, "transfer", true},
		"not ASCII":    {document("\u202e", "cosmoshub-4", send(ours, theirs, "uatom", "1")), "0.000001 ATOM, memo of 3 bytes", theirs, "transfer", true},
		"a new line":   {document(`a\n5 ATOM`, "x-1", send(ours, theirs, "uatom", "1")), "0.000001 ATOM, memo of 8 bytes, on x-1", theirs, "transfer", true},
		"too many":     {document("", "cosmoshub-4", strings.Split(strings.Repeat(send(ours, theirs, "uatom", "1")+"\n", 20), "\n")[:20]...), "20 messages that the screen cannot show", theirs, "several", true},
		"32 bytes":     {document("", "cosmoshub-4", send(ours, module, "uatom", "1")), "0.000001 ATOM", module, "transfer", false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ParseAmino(tree(t, test.document))
			require.NoError(t, err)
			s := d.Summary()
			require.Equal(t, []any{test.payment, test.receiver, test.kind, test.blind, "0.00075 ATOM"}, []any{s.Payment, s.Receiver, string(s.Kind), s.Blind, s.Fee})
			if test.kind != "other" {
				require.NoError(t, d.Check(AccountOf(ourKey(t))))
			}
			require.NotEmpty(t, s.Types)
		})
	}
}

const arbitrary = `{"chain_id":"","account_number":"0","sequence":"0","fee":{"gas":"0","amount":[]},"memo":"","msgs":[{"type":"sign/MsgSignData","value":{"signer":"` + ours + `","data":"aGk="}}]}`

// TestADR36 parses a message of ADR-36, and refuses one with anything that a transaction has.
func TestADR36(t *testing.T) {
	d, err := ParseAmino(tree(t, arbitrary))
	require.NoError(t, err)
	require.Equal(t, Summary{Kind: Arbitrary, Receiver: ours, Types: []string{""}, Blind: true}, d.Summary())
	require.Empty(t, d.receiver())
	require.NoError(t, d.Check(AccountOf(ourKey(t))))
	for old, new := range map[string]string{
		`"chain_id":""`: `"chain_id":"cosmoshub-4"`, `"gas":"0"`: `"gas":"1"`, `"memo":""`: `"memo":"x"`, `"sequence":"0"`: `"sequence":"1"`,
		`"account_number":"0"`: `"account_number":"1"`, `"data":"aGk="`: `"data":""`, `"aGk="`: `"aGk"`, `aGk=`: `aGl=`, `"data":"aGk=`: `"data":"hello, world`, `"amount":[]`: `"amount":[` + coinJSON + `]`, `"msgs":[`: `"msgs":[` + send(ours, theirs, "uatom", "1") + `,`,
	} {
		_, err := ParseAmino(tree(t, strings.Replace(arbitrary, old, new, 1)))
		require.ErrorIs(t, err, errcode.InvalidArgument, new)
	}
}

// TestCanonical checks the sign bytes: their order, and how characters are written.
func TestCanonical(t *testing.T) {
	d, err := ParseAmino(tree(t, document(`a&b<c>\"\\\né`, "x", send(ours, theirs, "uatom", "1"))))
	require.NoError(t, err)
	text := string(d.SignBytes())
	require.True(t, strings.HasPrefix(text, `{"account_number":"7","chain_id":"x","fee":{"amount":[{"amount":"750","denom":"uatom"}],"gas":"200000"},"memo":"a\u0026b\u003cc\u003e\"\\\né","msgs":[{"type":`), text)
	for name, v := range map[string]any{
		"a fraction": 1.5, "a number too large": 1e300, "bytes": []byte{1}, "a control character": "\x01", "a line separator": "\u2028", "no UTF-8": "\xff",
		"a key": map[string]any{"\x00": "x"}, "in a list": []any{"\x1b"}, "in an object": map[string]any{"x": "\r"},
	} {
		_, err := appendJSON(nil, v, 0)
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
	}
	deep := any("x")
	for range 40 {
		deep = []any{deep}
	}
	_, err = ParseAmino(deep)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	_, err = ParseAmino(strings.Repeat("x", MaxDocument))
	require.ErrorIs(t, err, errcode.InvalidArgument)
}

// TestRefused changes a document in one place.
func TestRefused(t *testing.T) {
	good := document("", "cosmoshub-4", send(ours, theirs, "uatom", "1000"))
	for old, new := range map[string]string{
		`"memo":""`:                          `"note":""`,
		`"memo":`:                            `"more":"","memo":`,
		`"chain_id":"cosmoshub-4"`:           `"chain_id":4`,
		`"sequence":"1"`:                     `"sequence":1`,
		`"account_number":"7"`:               `"account_number":"07"`,
		`"gas":"200000"`:                     `"gas":"-1"`,
		`"gas":`:                             `"tip":"","gas":`,
		`"amount":"750"`:                     `"amount":"7.5"`,
		`"denom":"uatom","amount":"750"`:     `"amount":"750"`,
		`[{"denom":"uatom","amount":"750"}]`: `{}`,
		`"from_address"`:                     `"from"`,
		`"amount":"1000"`:                    `"amount":""`,
		`"value":{`:                          `"values":{`,
		`"to_address":"`:                     `"to_address":"x","to":"`,
	} {
		changed := strings.Replace(good, old, new, 1)
		require.NotEqual(t, good, changed, old)
		_, err := ParseAmino(tree(t, changed))
		require.ErrorIs(t, err, errcode.InvalidArgument, new)
	}
	for _, text := range []string{"null", "[]", `"x"`, document("", "cosmoshub-4"), strings.Replace(good, `"msgs":[`, `"msgs":[1,`, 1),
		strings.Replace(good, `"memo":`, `"timeout_height":1,"memo":`, 1)} {
		_, err := ParseAmino(tree(t, text))
		require.ErrorIs(t, err, errcode.InvalidArgument, text)
	}
	d, err := ParseAmino(tree(t, strings.Replace(good, `"gas":`, `"payer":"`+ours+`","granter":"`+theirs+`","gas":`, 1)))
	require.NoError(t, err)
	require.True(t, d.Summary().Blind, "another account pays")
	_, err = ParseAmino(tree(t, strings.Replace(good, `"memo":`, `"timeout_height":"5","memo":`, 1)))
	require.NoError(t, err)
}

// TestReceiversAndAmounts refuses receivers that are no addresses in small letters, and amounts of zero, in both forms of a document. The
// user would have to compare what no chain accepts.
func TestReceiversAndAmounts(t *testing.T) {
	compressed := Compressed(ourKey(t))
	forms := func(receiver, denom, amount string) map[string]func() (*Document, error) {
		one := `{"denom":"` + denom + `","amount":"` + amount + `"}`
		amino := func(kind, value string) func() (*Document, error) {
			return func() (*Document, error) { return ParseAmino(tree(t, document("", "cosmoshub-4", msg(kind, value)))) }
		}
		direct := func(kind string, fields ...protobuf.Field) func() (*Document, error) {
			return func() (*Document, error) {
				return ParseDirect(signDoc(compressed[:], nil, nil, [2]string{kind, string(pb(fields...))}))
			}
		}
		coin := pb(fs(1, denom), fs(2, amount))
		staking := `{"delegator_address":"` + ours + `","validator_address":"` + receiver + `","amount":` + one + `}`
		return map[string]func() (*Document, error){
			"amino send":       amino("cosmos-sdk/MsgSend", `{"from_address":"`+ours+`","to_address":"`+receiver+`","amount":[`+one+`]}`),
			"amino delegate":   amino("cosmos-sdk/MsgDelegate", staking),
			"amino undelegate": amino("cosmos-sdk/MsgUndelegate", staking),
			"direct send":      direct("/cosmos.bank.v1beta1.MsgSend", fs(1, ours), fs(2, receiver), fb(3, coin)),
			"direct delegate":  direct("/cosmos.staking.v1beta1.MsgDelegate", fs(1, ours), fs(2, receiver), fb(3, coin)),
		}
	}
	for name, test := range map[string]struct{ receiver, denom, amount string }{
		"mixed case":                  {"cosmos1" + strings.ToUpper(theirs[7:]), "uatom", "1"},
		"capital letters":             {strings.ToUpper(theirs), "uatom", "1"},
		"a wrong letter":              {theirs[:len(theirs)-1] + "q", "uatom", "1"},
		"bech32m":                     {bech32.Encode("cosmos", bech32.FromBytes(make([]byte, 20)), bech32.Bech32m), "uatom", "1"},
		"no address":                  {"Alice", "uatom", "1"},
		"an empty one":                {"", "uatom", "1"},
		"no bytes":                    {bech32.Encode("cosmos", nil, bech32.Bech32), "uatom", "1"},
		"hex":                         {"0x52908400098527886E0F7030069857D2E4169EE7", "uatom", "1"},
		"zero":                        {theirs, "uatom", "0"},
		"a denomination with a space": {theirs, "uatom + 1", "1"},
		"a short denomination":        {theirs, "u", "1"},
	} {
		for form, parse := range forms(test.receiver, test.denom, test.amount) {
			_, err := parse()
			require.ErrorIs(t, err, errcode.InvalidArgument, "%s, %s", name, form)
		}
	}
	for form, parse := range forms(validator, "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2", "1") {
		_, err := parse()
		require.NoError(t, err, form)
	}
	claim := `{"delegator_address":"` + ours + `","validator_address":"` + strings.ToUpper(validator) + `"}`
	transfer := func(amount, receiver string) string {
		return msg("cosmos-sdk/MsgTransfer", `{"source_port":"transfer","source_channel":"channel-1","token":{"denom":"uatom","amount":"`+amount+`"},"sender":"`+ours+`","receiver":"`+receiver+`","timeout_height":{}}`)
	}
	for name, message := range map[string]string{
		"no amount":                 msg("cosmos-sdk/MsgSend", `{"from_address":"`+ours+`","to_address":"`+theirs+`","amount":[]}`),
		"a second amount of zero":   msg("cosmos-sdk/MsgSend", `{"from_address":"`+ours+`","to_address":"`+theirs+`","amount":[`+coinJSON+`,{"denom":"uatom","amount":"0"}]}`),
		"a validator in capitals":   msg("cosmos-sdk/MsgWithdrawDelegationReward", claim),
		"IBC of zero":               transfer("0", "osmo1x"),
		"IBC to no one":             transfer("1", ""),
		"IBC to 256 bytes":          transfer("1", strings.Repeat("x", 256)),
		"IBC to what is not shown":  transfer("1", `osmo1x\u202e`),
		"IBC to an address in both": transfer("1", "Osmo1"+AccountOf(ourKey(t)).Address("osmo")[5:]),
	} {
		_, err := ParseAmino(tree(t, document("", "cosmoshub-4", message)))
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
	}
	d, err := ParseAmino(tree(t, document("", "cosmoshub-4", transfer("1", "0x52908400098527886E0F7030069857D2E4169EE7"))))
	require.NoError(t, err, "another chain may have addresses of another kind")
	require.False(t, d.Summary().Blind)
}

// TestForeign refuses documents in which another account acts.
func TestForeign(t *testing.T) {
	for _, text := range []string{
		document("", "x", send(theirs, ours, "uatom", "1")),
		document("", "x", send(ours, theirs, "uatom", "1"), send(theirs, ours, "uatom", "1")),
		document("", "x", send("nothing", ours, "uatom", "1")),
	} {
		d, err := ParseAmino(tree(t, text))
		require.NoError(t, err)
		err = d.Check(AccountOf(ourKey(t)))
		require.ErrorIs(t, err, errcode.InvalidArgument)
		require.Equal(t, ethereum.ForeignFrom, err.(*errcode.Error).Data["reason"])
	}
	osmo := AccountOf(ourKey(t)).Address("osmo")
	d, err := ParseAmino(tree(t, document("", "osmosis-1", send(osmo, theirs, "uosmo", "1"))))
	require.NoError(t, err)
	require.NoError(t, d.Check(AccountOf(ourKey(t))), "the same account with another prefix")
}

func pb(fields ...protobuf.Field) (b []byte) {
	for _, f := range fields {
		b = protobuf.Append(b, f)
	}
	return b
}

func fb(number int, b []byte) protobuf.Field {
	return protobuf.Field{Number: number, Bytes: b, IsBytes: true}
}
func fs(number int, s string) protobuf.Field { return fb(number, []byte(s)) }
func fn(number int, n uint64) protobuf.Field { return protobuf.Field{Number: number, Value: n} }

// signDoc encodes a SignDoc of messages, each a type and a value.
func signDoc(key []byte, more []protobuf.Field, fee []byte, messages ...[2]string) []byte {
	var body []protobuf.Field
	for _, m := range messages {
		body = append(body, fb(1, pb(fs(1, m[0]), fs(2, m[1]))))
	}
	auth := []protobuf.Field{fb(1, pb(fb(1, pb(fs(1, "/cosmos.crypto.secp256k1.PubKey"), fb(2, pb(fb(1, key))))), fb(2, pb(fb(1, pb(fn(1, 1))))), fn(3, 5)))}
	if fee != nil {
		auth = append(auth, fb(2, fee))
	}
	return pb(fb(1, pb(append(body, more...)...)), fb(2, pb(auth...)), fs(3, "cosmoshub-4"), fn(4, 7))
}

var protoCoin = pb(fs(1, "uatom"), fs(2, "1500000"))

// TestDirect compares the texts of SignDocs with those of the same amino documents, and refuses malformed ones.
func TestDirect(t *testing.T) {
	compressed := Compressed(ourKey(t))
	fee := pb(fb(1, pb(fs(1, "uatom"), fs(2, "750"))), fn(2, 200000))
	one := func(kind string, fields ...protobuf.Field) []byte {
		return signDoc(compressed[:], nil, fee, [2]string{kind, string(pb(fields...))})
	}
	for name, test := range map[string]struct {
		doc               []byte
		payment, receiver string
		blind             bool
	}{
		"send":       {one("/cosmos.bank.v1beta1.MsgSend", fs(1, ours), fs(2, theirs), fb(3, protoCoin)), "1.5 ATOM", theirs, false},
		"delegate":   {one("/cosmos.staking.v1beta1.MsgDelegate", fs(1, ours), fs(2, validator), fb(3, protoCoin)), "Delegate 1.5 ATOM", validator, false},
		"undelegate": {one("/cosmos.staking.v1beta1.MsgUndelegate", fs(1, ours), fs(2, validator), fb(3, protoCoin)), "Undelegate 1.5 ATOM", validator, false},
		"rewards":    {one("/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward", fs(1, ours), fs(2, validator)), "Claim rewards", validator, false},
		"vote":       {one("/cosmos.gov.v1beta1.MsgVote", fn(1, 7), fs(2, ours), fn(3, 1)), "Vote YES", "proposal 7", false},
		"IBC":        {one("/ibc.applications.transfer.v1.MsgTransfer", fs(1, "transfer"), fs(2, "channel-1"), fb(3, protoCoin), fs(4, ours), fs(5, "osmo1x"), fb(6, nil), fn(7, 1)), "1.5 ATOM by IBC channel-1", "osmo1x", false},
		"unknown":    {one("/cosmwasm.wasm.v1.MsgExecuteContract", fs(1, ours), fs(99, "x")), "Other message: /cosmwasm.wasm.v1.MsgExecuteContract", "unknown", true},
		"a memo":     {signDoc(compressed[:], []protobuf.Field{fs(2, "42"), fn(3, 9)}, fee, [2]string{"/cosmos.gov.v1beta1.MsgVote", string(pb(fn(1, 7), fs(2, ours), fn(3, 1)))}), `Vote YES, memo "42"`, "proposal 7", false},
		"extensions": {signDoc(compressed[:], []protobuf.Field{fs(1023, "x")}, fee, [2]string{"/cosmos.gov.v1beta1.MsgVote", string(pb(fn(1, 7), fs(2, ours), fn(3, 1)))}), "Vote YES to proposal 7 + Other message: extension options to unknown", "2 receivers", true},
	} {
		d, err := ParseDirect(test.doc)
		require.NoError(t, err, name)
		s := d.Summary()
		require.Equal(t, []any{test.payment, test.receiver, test.blind, "0.00075 ATOM"}, []any{s.Payment, s.Receiver, s.Blind, s.Fee}, name)
		require.NoError(t, d.Check(AccountOf(ourKey(t))), name)
		require.Equal(t, test.doc, d.SignBytes())
	}
	vote := [2]string{"/cosmos.gov.v1beta1.MsgVote", string(pb(fn(1, 7), fs(2, ours), fn(3, 1)))}
	d, err := ParseDirect(signDoc(append([]byte{3}, compressed[1:]...), nil, nil, vote))
	require.NoError(t, err)
	require.ErrorIs(t, d.Check(AccountOf(ourKey(t))), errcode.InvalidArgument, "another key")
	require.Equal(t, "0", d.Summary().Fee)
	good := signDoc(compressed[:], nil, fee, vote)
	for name, doc := range map[string][]byte{
		"nothing":            nil,
		"too long":           make([]byte, MaxDocument+1),
		"truncated":          good[:len(good)-1],
		"no chain":           pb(fs(1, "x"), fs(2, "x")),
		"no body":            pb(fs(3, "cosmoshub-4")),
		"another field":      append(bytes.Clone(good), pb(fn(5, 1))...),
		"a malformed body":   pb(fs(1, "x"), fs(3, "cosmoshub-4")),
		"a malformed auth":   pb(fb(1, pb(fb(1, pb(fs(1, "/x"))))), fs(2, "x"), fs(3, "cosmoshub-4")),
		"two fees":           pb(fb(1, pb(fb(1, pb(fs(1, "/x"))))), fb(2, pb(fb(2, fee), fb(2, fee))), fs(3, "cosmoshub-4")),
		"a tip":              pb(fb(1, pb(fb(1, pb(fs(1, "/x"))))), fb(2, pb(fb(2, fee), fb(3, fee))), fs(3, "cosmoshub-4")),
		"a malformed signer": pb(fb(1, pb(fb(1, pb(fs(1, "/x"))))), fb(2, pb(fs(1, "x"))), fs(3, "cosmoshub-4")),
		"a malformed fee":    signDoc(compressed[:], nil, pb(fs(1, "x")), vote),
		"a malformed any":    pb(fb(1, pb(fs(1, "x"))), fs(3, "cosmoshub-4")),
		"a bad chain":        bytes.Replace(bytes.Clone(good), []byte("hub-4"), []byte("hub\xe14"), 1),
		"a bad type":         signDoc(compressed[:], nil, fee, [2]string{"/x\xff.Msg", ""}),
		"a bad memo":         signDoc(compressed[:], []protobuf.Field{fs(2, "\xff")}, fee, vote),
		"no amount":          one("/cosmos.staking.v1beta1.MsgDelegate", fs(1, ours), fs(2, validator)),
		"a bad amount":       one("/cosmos.bank.v1beta1.MsgSend", fs(1, ours), fs(2, theirs), fb(3, pb(fs(1, "uatom"), fs(2, "-1")))),
		"more than a vote":   one("/cosmos.gov.v1beta1.MsgVote", fn(1, 7), fs(2, ours), fn(3, 1), fs(4, "x")),
	} {
		_, err := ParseDirect(doc)
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
	}
}

// TestAddresses reads addresses, and refuses texts that are none.
func TestAddresses(t *testing.T) {
	prefix, a, ok := ParseAddress(ours)
	require.True(t, ok)
	require.Equal(t, "cosmos", prefix)
	require.Equal(t, AccountOf(ourKey(t)), a)
	for _, text := range []string{"", "1", "cosmos1", strings.ToUpper(ours), ours[:44] + "3", ours[:44], "Cosmos" + ours[6:], ours + "q", "cosmos1b" + ours[8:],
		"a12uel5l", "cosmos1" + strings.Repeat("q", 90), "1" + ours} {
		_, _, ok := ParseAddress(text)
		require.False(t, ok, text)
	}
	for _, prefix := range []string{"", "1a", "Cosmos", "a b", strings.Repeat("x", 21), "é"} {
		require.ErrorIs(t, CheckPrefix(prefix), errcode.InvalidArgument, prefix)
	}
	require.NoError(t, CheckPrefix("osmo"))
	require.ErrorIs(t, CheckPrefix("inj"), errcode.InvalidArgument, "its accounts have keys of another kind")
}

// FuzzAddress checks that an address that is read is written in the same way.
func FuzzAddress(f *testing.F) {
	f.Add(ours)
	f.Add("osmo1" + ours[7:])
	f.Fuzz(func(t *testing.T, s string) {
		if prefix, a, ok := ParseAddress(s); ok {
			require.Equal(t, s, a.Address(prefix))
		}
	})
}

// FuzzAmino checks that the sign bytes of a document are their own canonical form, and that its texts can be shown.
func FuzzAmino(f *testing.F) {
	f.Add(document("memo", "cosmoshub-4", send(ours, theirs, "uatom", "1")))
	f.Add(arbitrary)
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		d, err := ParseAmino(v)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			return
		}
		require.NoError(t, json.Unmarshal(d.SignBytes(), &v))
		again, err := ParseAmino(v)
		require.NoError(t, err)
		require.Equal(t, d.SignBytes(), again.SignBytes())
		requireShown(t, d)
	})
}

func requireShown(t *testing.T, d *Document) {
	s := d.Summary()
	for _, text := range []string{s.Payment, d.receiver(), s.Fee} {
		require.True(t, printable(text) && len(text) <= most, "%q", text)
	}
}

// FuzzDirect checks that the texts of a SignDoc can be shown.
func FuzzDirect(f *testing.F) {
	for _, v := range vectors(f) {
		if b := unhex(f, v.SignBytes); len(b) > 0 && b[0] != '{' {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDirect(b)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			return
		}
		require.Equal(t, b, d.SignBytes())
		requireShown(t, d)
	})
}
