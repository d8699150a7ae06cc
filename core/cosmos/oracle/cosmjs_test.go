package oracle

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation"
	"imkey-connect/core/cosmos"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/oracletest"
	"imkey-connect/core/signing"
	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/device"
)

// The test wallet and its first account.
const (
	phrase  = "inject kidney empty canal shadow pact comfort wife crush horse wife sketch"
	address = "cosmos1ajz9y0x3wekez7tz2td2j6l2dftn28v26dd992"
)

type object = oracletest.Object

// dice draws the cases.
type dice struct{ oracletest.Dice }

func newDice(t *testing.T) dice { return dice{oracletest.NewDice(t)} }

// cases is the number of transactions, each in both forms.
func cases() int { return oracletest.Count(60, 2000) }

func (d dice) address(prefix string) string {
	return cosmos.Account(d.Bytes(20)).Address(prefix)
}

func pick[T any](d dice, of ...T) T { return of[d.IntN(len(of))] }

// coin is an amount, and what the device shows of it.
func (d dice) coin() (object, string) {
	n := new(big.Int).SetBytes(d.Bytes(1 + d.IntN(16)))
	n.Add(n, big.NewInt(1))
	if d.IntN(2) == 0 {
		n.SetUint64(1 + d.Uint64N(1e9))
	}
	denom := pick(d, "uatom", "uatom", "uosmo", "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2", "factory/osmo1x/a.b-c_d:e")
	text := n.String() + " " + denom
	if denom == "uatom" {
		whole, rest := new(big.Int).QuoRem(n, big.NewInt(1e6), new(big.Int))
		text = strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%s.%06d", whole, rest), "0"), ".") + " ATOM"
	}
	return object{"denom": denom, "amount": n.String()}, text
}

// said is what a summary must say of a message. The receiver of one that is blind is not compared.
type said struct {
	kind, payment, receiver string
	blind                   bool
}

// message draws a message of the account in the JSON of protocol buffers.
func (d dice) message() (object, said) {
	c, amount := d.coin()
	to, validator := d.address(pick(d, "cosmos", "osmo")), d.address("cosmosvaloper")
	make := func(typeURL string, value object) object { return object{"typeUrl": typeURL, "value": value} }
	other := func(typeURL string, value object) (object, said) {
		return make(typeURL, value), said{kind: "other", blind: true}
	}
	switch d.IntN(14) {
	case 0, 1:
		amounts := []object{c}
		if d.IntN(3) == 0 {
			more, text := d.coin()
			amounts, amount = append(amounts, more), amount+" + "+text
		}
		return make("/cosmos.bank.v1beta1.MsgSend", object{"fromAddress": address, "toAddress": to, "amount": amounts}), said{"transfer", amount, to, false}
	case 2:
		return make("/cosmos.staking.v1beta1.MsgDelegate", object{"delegatorAddress": address, "validatorAddress": validator, "amount": c}),
			said{"delegate", "Delegate " + amount, validator, false}
	case 3:
		return make("/cosmos.staking.v1beta1.MsgUndelegate", object{"delegatorAddress": address, "validatorAddress": validator, "amount": c}),
			said{"undelegate", "Undelegate " + amount, validator, false}
	case 4:
		return make("/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward", object{"delegatorAddress": address, "validatorAddress": validator}),
			said{"claim-rewards", "Claim rewards", validator, false}
	case 5:
		option, proposal := 1+d.IntN(4), strconv.FormatUint(1+d.Uint64N(1<<40), 10)
		return make("/cosmos.gov.v1beta1.MsgVote", object{"proposalId": proposal, "voter": address, "option": option}),
			said{"vote", "Vote " + []string{"YES", "ABSTAIN", "NO", "NO WITH VETO"}[option-1], "proposal " + proposal, false}
	case 6, 7:
		channel, receiver := "channel-"+strconv.Itoa(d.IntN(1000)), pick(d, d.address("osmo"), "0x52908400098527886E0F7030069857D2E4169EE7")
		value := object{"sourcePort": "transfer", "sourceChannel": channel, "token": c, "sender": address, "receiver": receiver,
			"timeoutHeight": object{"revisionNumber": pick(d, "0", "1"), "revisionHeight": pick(d, "0", "123456")}, "timeoutTimestamp": pick(d, "0", "1764000000000000000")}
		memo := pick(d, "", "", `{"wasm":{"contract":"osmo1x","msg":{"a":[1]}}}`)
		value["memo"] = memo
		return make("/ibc.applications.transfer.v1.MsgTransfer", value), said{"ibc-transfer", amount + " by IBC " + channel, receiver, memo != ""}
	case 8:
		return other("/cosmos.staking.v1beta1.MsgBeginRedelegate", object{"delegatorAddress": address, "validatorSrcAddress": validator, "validatorDstAddress": validator, "amount": c})
	case 9:
		return other("/cosmos.bank.v1beta1.MsgMultiSend", object{"inputs": []object{{"address": address, "coins": []object{c}}}, "outputs": []object{{"address": to, "coins": []object{c}}}})
	case 10:
		return other("/cosmos.distribution.v1beta1.MsgSetWithdrawAddress", object{"delegatorAddress": address, "withdrawAddress": to})
	case 11:
		return other("/cosmos.gov.v1beta1.MsgDeposit", object{"proposalId": "5", "depositor": address, "amount": []object{c}})
	case 12:
		return other("/cosmos.distribution.v1beta1.MsgFundCommunityPool", object{"depositor": address, "amount": []object{c}})
	}
	return other("/cosmos.vesting.v1beta1.MsgCreateVestingAccount", object{"fromAddress": address, "toAddress": to, "amount": []object{c}, "endTime": "1800000000", "delayed": d.IntN(2) == 0})
}

// transaction is a request to cosmjs, and what the summary of its documents must say.
type transaction struct {
	request object
	said    []said
	fee     string
	memo    string
	chain   string
	blind   bool
}

func (d dice) transaction() transaction {
	x := transaction{fee: "0", chain: pick(d, "cosmoshub-4", "cosmoshub-4", "osmosis-1", "theta-testnet-001")}
	var messages []object
	for n := pick(d, 1, 1, 1, 2, 3); n > 0; n-- {
		m, s := d.message()
		messages, x.said = append(messages, m), append(x.said, s)
	}
	fee := object{"amount": []object{}, "gas": strconv.Itoa(d.IntN(1e6))}
	if d.IntN(4) > 0 {
		var c object
		c, x.fee = d.coin()
		fee["amount"] = []object{c}
	}
	if d.IntN(6) == 0 {
		fee["granter"], x.blind = d.address("cosmos"), true
	}
	if d.IntN(6) == 0 {
		fee["payer"], x.blind = address, true
	}
	x.memo = pick(d, "", "", "", "104863", `a "memo" <b> & c\d`, "größer", "line\nline", strings.Repeat("m", 250))
	x.request = object{"kind": "sign", "phrase": phrase, "messages": messages, "fee": fee, "chainId": x.chain, "memo": x.memo,
		"accountNumber": strconv.FormatUint(d.Uint64N(1<<50), 10), "sequence": strconv.Itoa(d.IntN(1000)), "timeoutHeight": pick(d, "0", "0", "1000000")}
	return x
}

// requireSaid compares the summary of a transaction of one message in words.
func (x *transaction) requireSaid(t *testing.T, d *cosmos.Document) {
	t.Helper()
	s := d.Summary()
	require.Equal(t, []string{x.chain, x.memo}, []string{d.ChainID, d.Memo})
	require.Len(t, s.Types, len(x.said))
	blind := x.blind
	for _, one := range x.said {
		blind = blind || one.blind
	}
	if len(x.said) > 1 {
		require.EqualValues(t, "several", s.Kind)
		require.True(t, s.Blind || !blind)
		return
	}
	one := x.said[0]
	require.EqualValues(t, one.kind, s.Kind)
	if one.kind == "other" {
		require.True(t, s.Blind)
		return
	}
	chain := ""
	if !strings.HasPrefix(x.chain, "cosmoshub-") {
		chain = ", on " + x.chain
	}
	payment := one.payment
	if x.memo != "" {
		memo := `, memo "` + x.memo + `"`
		if strings.ContainsAny(x.memo, "öß\n") || len(payment+memo+chain) > 255 {
			memo, blind = fmt.Sprintf(", memo of %d bytes", len(x.memo)), true
		}
		payment += memo
	}
	require.Equal(t, payment+chain, s.Payment)
	require.Equal(t, one.receiver, s.Receiver)
	require.Equal(t, blind, s.Blind)
	require.Equal(t, x.fee, s.Fee)
}

// newWallet returns the Cosmos applet of a simulated device that has the test wallet and confirms everything.
func newWallet(t *testing.T) *cosmos.Cosmos {
	d, err := device.New(device.Options{Mnemonic: phrase, Approve: device.Yes, Applets: applets.All()})
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	link, err := d.Link(t.Context())
	require.NoError(t, err)
	dev, err := coredevice.Open(t.Context(), link, nil)
	require.NoError(t, err)
	t.Cleanup(func() { dev.Close() })
	c, err := attestation.Parse(dev.Info().Certificate)
	require.NoError(t, err)
	return cosmos.New(dev, signing.Unbound(c.PublicKey))
}

// TestDocuments has cosmjs make and sign generated transactions in both forms. Core computes the same sign bytes from the amino document,
// whatever the order of its fields, says what cosmjs was told, and the simulated device signs as cosmjs's wallet does. Then a byte of each
// SignDoc is changed: what core still reads, cosmjs reads as the same.
func TestDocuments(t *testing.T) {
	d, wallet := newDice(t), newWallet(t)
	transactions, requests := make([]transaction, cases()), make([]object, cases())
	for i := range transactions {
		transactions[i] = d.transaction()
		requests[i] = transactions[i].request
	}
	by := cosmos.Signer{Path: cosmos.BIP44(0)}
	amino, direct, kinds := 0, 0, map[string]int{}
	var changed []*cosmos.Document
	var again []object
	for i, a := range oracletest.Ask(t, "cosmjs.mjs", requests) {
		x := &transactions[i]
		require.Empty(t, a.Error, "%v", requests[i])
		var made struct {
			Amino, Direct struct{ Document, SignBytes, Signature string }
		}
		require.NoError(t, json.Unmarshal(a.Out, &made))

		// Maps of Go have no order, so the order of cosmjs is lost here as that of a page is.
		var tree any
		require.NoError(t, json.Unmarshal([]byte(made.Amino.Document), &tree))
		document, err := cosmos.ParseAmino(tree)
		require.NoError(t, err, made.Amino.Document)
		require.Equal(t, made.Amino.SignBytes, hex.EncodeToString(document.SignBytes()))
		x.requireSaid(t, document)
		signed, err := wallet.Sign(t.Context(), by, document)
		require.NoError(t, err)
		require.Equal(t, made.Amino.Signature, base64.StdEncoding.EncodeToString(signed.Signature[:]))
		amino++

		raw, err := hex.DecodeString(made.Direct.SignBytes)
		require.NoError(t, err)
		signDoc, err := cosmos.ParseDirect(raw)
		require.NoError(t, err, "%s %v", made.Direct.SignBytes, requests[i])
		x.requireSaid(t, signDoc)
		signed, err = wallet.Sign(t.Context(), by, signDoc)
		require.NoError(t, err)
		require.Equal(t, made.Direct.Signature, base64.StdEncoding.EncodeToString(signed.Signature[:]))
		direct++
		for _, one := range x.said {
			kinds[one.kind]++
		}

		for range 5 {
			mutant := append([]byte{}, raw...)
			mutant[d.IntN(len(mutant))] ^= 1 << d.IntN(8)
			if read, err := cosmos.ParseDirect(mutant); err == nil {
				changed = append(changed, read)
				again = append(again, object{"kind": "read", "signDoc": hex.EncodeToString(mutant)})
			} else {
				require.ErrorIs(t, err, errcode.InvalidArgument)
			}
		}
	}
	compared := 0
	for i, a := range oracletest.Ask(t, "cosmjs.mjs", again) {
		read, s := changed[i], changed[i].Summary()
		if a.Error != "" { // a message whose content core does not read
			require.True(t, s.Blind, "%s %v", a.Error, again[i])
			continue
		}
		var as struct {
			ChainID, Memo string
			Messages      []struct {
				Value *struct {
					FromAddress, ToAddress, DelegatorAddress, ValidatorAddress, Receiver string
				}
			}
		}
		require.NoError(t, json.Unmarshal(a.Out, &as))
		require.Equal(t, []string{as.ChainID, as.Memo}, []string{read.ChainID, read.Memo})
		if len(s.Types) != 1 || as.Messages[0].Value == nil {
			require.True(t, s.Blind || len(s.Types) > 1)
			continue
		}
		compared++
		v := as.Messages[0].Value
		switch s.Kind {
		case cosmos.Send:
			require.Equal(t, v.ToAddress, s.Receiver)
		case cosmos.Delegate, cosmos.Undelegate, cosmos.ClaimRewards:
			require.Equal(t, v.ValidatorAddress, s.Receiver)
		case cosmos.IBCTransfer:
			require.Equal(t, v.Receiver, s.Receiver)
		}
	}
	t.Logf("%d amino documents and %d SignDocs of cosmjs, %d of %d that core read with a bit changed: %v", amino, direct, compared, len(changed), kinds)
}

// TestTypes has cosmjs's own types accept the signer of imkey-connect/cosmos.
func TestTypes(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "../../../web/node_modules/.bin/tsc", "-p", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestOrder checks the one difference: cosmjs writes names that are numbers before all others, and in the order of numbers. Chains sort them
// as all other names, and so does core.
func TestOrder(t *testing.T) {
	var tree any
	require.NoError(t, json.Unmarshal([]byte(`{"chain_id":"x","account_number":"1","sequence":"1","fee":{"gas":"1","amount":[]},"memo":"","msgs":[{"type":"wasm/MsgExecuteContract",`+
		`"value":{"10":"a","9":"b","":"c"}}]}`), &tree))
	d, err := cosmos.ParseAmino(tree)
	require.NoError(t, err)
	require.Contains(t, string(d.SignBytes()), `{"":"c","10":"a","9":"b"}`)
}
