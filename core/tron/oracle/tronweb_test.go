package oracle

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/oracletest"
	"imkey-connect/core/tron"
)

type object = oracletest.Object

// dice draws the cases.
type dice struct{ oracletest.Dice }

func newDice(t *testing.T) dice { return dice{oracletest.NewDice(t)} }

// cases is the number of documents of each kind.
func cases() int { return oracletest.Count(200, 5000) }

func (d dice) address() tron.Address { return tron.Address(d.Bytes(20)) }

func hexOf(a tron.Address) string { return "41" + hex.EncodeToString(a[:]) }

// amount is often small, sometimes large.
func (d dice) amount() int64 { return 1 + d.Int64N(1<<(1+d.IntN(52))) }

// document is a transaction as nodes write it in JSON, and what its summary must say.
type document struct {
	contract          string
	value             object
	kind              string
	payment, receiver string // "" is not compared
	blind             bool
	owner             tron.Address
	permission        int
	memo              []byte
	feeLimit          int64
}

func sun(n int64) string {
	text := strings.TrimRight(fmt.Sprintf("%d.%06d", n/1e6, n%1e6), "0")
	return strings.TrimSuffix(text, ".") + " TRX"
}

func (d dice) document() document {
	owner, other, n := d.address(), d.address(), d.amount()
	x := document{owner: owner, receiver: other.String(), value: object{"owner_address": hexOf(owner)}}
	resource := []string{"BANDWIDTH", "ENERGY", "TRON_POWER"}[d.IntN(3)]
	words := strings.ReplaceAll(resource, "_", " ")
	set := func(contract, kind, payment string, value object) {
		x.contract, x.kind, x.payment = contract, kind, payment
		for name, v := range value {
			x.value[name] = v
		}
	}
	switch d.IntN(16) {
	case 0, 1:
		set("TransferContract", "transfer", sun(n), object{"to_address": hexOf(other), "amount": n})
	case 2:
		number := strconv.Itoa(1000000 + d.IntN(100000))
		set("TransferAssetContract", "token-transfer", fmt.Sprintf("%d units of token no. %s", n, number),
			object{"to_address": hexOf(other), "amount": n, "asset_name": hex.EncodeToString([]byte(number))})
	case 3, 4, 5:
		token, unlimited := d.address(), d.IntN(2) == 0
		if d.IntN(2) == 0 {
			token = tron.USDT
		}
		units := new(big.Int).SetBytes(d.Bytes(1 + d.IntN(8)))
		payment := units.String() + " units of token " + token.String()
		if token == tron.USDT {
			whole, rest := new(big.Int).QuoRem(units, big.NewInt(1e6), new(big.Int))
			payment = strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%s.%06d", whole, rest), "0"), ".")
			payment += " USDT"
		}
		selector, kind := "a9059cbb", "token-transfer"
		if d.IntN(3) == 0 {
			selector, kind = "095ea7b3", "token-approval"
			if unlimited {
				units = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
				payment = "UNLIMITED units of token " + token.String()
				if token == tron.USDT {
					payment = "UNLIMITED USDT"
				}
			} else if token != tron.USDT {
				payment = "NFT no. " + units.String() + " or " + payment
			}
			payment = "Allow " + payment
		}
		set("TriggerSmartContract", kind, payment, object{"contract_address": hexOf(token), "data": selector + strings.Repeat("0", 24) +
			hex.EncodeToString(other[:]) + fmt.Sprintf("%064x", units)})
	case 6:
		x.blind = true
		x.receiver = other.String()
		value := object{"contract_address": hexOf(other), "data": "12345678" + hex.EncodeToString(d.Bytes(32*d.IntN(5)))}
		payment := "unknown call 12345678"
		if d.IntN(2) == 0 {
			value["call_value"], payment = n, sun(n)+" + "+payment
		}
		set("TriggerSmartContract", "call", payment, value)
	case 7:
		x.receiver = owner.String()
		set("FreezeBalanceV2Contract", "stake", "Stake "+sun(n)+" for "+words, object{"frozen_balance": n, "resource": resource})
	case 8:
		x.receiver = owner.String()
		set("UnfreezeBalanceV2Contract", "unstake", "Unstake "+sun(n)+" of "+words, object{"unfreeze_balance": n, "resource": resource})
	case 9:
		payment, lock := "Delegate "+words+" of "+sun(n), d.IntN(2) == 0
		value := object{"balance": n, "resource": resource, "receiver_address": hexOf(other), "lock": lock}
		if lock {
			blocks := 1 + d.IntN(1e6)
			value["lock_period"] = blocks
			payment += fmt.Sprintf(", LOCKED for %d blocks", blocks)
		}
		set("DelegateResourceContract", "delegate-resource", payment, value)
	case 10:
		set("UnDelegateResourceContract", "reclaim-resource", "Reclaim "+words+" of "+sun(n), object{"balance": n, "resource": resource, "receiver_address": hexOf(other)})
	case 11:
		x.receiver = owner.String()
		var votes []object
		payment, count := "", 1+d.IntN(8)
		for i := range count {
			to, n := d.address(), 1+d.IntN(1000)
			votes = append(votes, object{"vote_address": hexOf(to), "vote_count": n})
			payment += map[bool]string{true: "Vote ", false: " + "}[i == 0] + fmt.Sprintf("%d for %s", n, to)
		}
		if count > 4 {
			payment, x.blind = fmt.Sprintf("Vote for %d candidates", count), true
		}
		if count == 4 {
			payment = "" // it may be too long
		}
		set("VoteWitnessContract", "vote", payment, object{"votes": votes})
	case 12:
		kinds := [][3]string{{"WithdrawBalanceContract", "claim-rewards", "Claim rewards"},
			{"WithdrawExpireUnfreezeContract", "withdraw-unstaked", "Withdraw unstaked TRX"}, {"CancelAllUnfreezeV2Contract", "cancel-unstaking", "Cancel all unstaking"}}
		c := kinds[d.IntN(len(kinds))]
		x.receiver = owner.String()
		set(c[0], c[1], c[2], nil)
	case 13:
		x.receiver, x.blind = owner.String(), true
		key := object{"address": hexOf(other), "weight": 1}
		set("AccountPermissionUpdateContract", "change-permissions", "CHANGE WHO CONTROLS the account", object{
			"owner":   object{"type": 0, "permission_name": "owner", "threshold": 1, "keys": []object{key}},
			"actives": []object{{"type": 2, "permission_name": "active", "threshold": 1, "operations": strings.Repeat("f", 64), "keys": []object{key}}}})
	case 14:
		x.receiver, x.blind = "new contract", true
		set("CreateSmartContract", "creation", sun(n)+" + new contract", object{"new_contract": object{"origin_address": hexOf(owner), "bytecode": hex.EncodeToString(d.Bytes(50)),
			"abi": object{"entrys": []object{}}, "call_value": n, "consume_user_resource_percent": d.IntN(101), "origin_energy_limit": d.IntN(1e7), "name": "Contract"}})
	case 15:
		x.receiver, x.blind = owner.String(), true
		others := []struct {
			name  string
			value object
		}{
			{"AccountUpdateContract", object{"account_name": hex.EncodeToString([]byte("a name"))}},
			{"SetAccountIdContract", object{"account_id": hex.EncodeToString([]byte("an id"))}},
			{"UpdateBrokerageContract", object{"brokerage": 5}},
			{"ProposalApproveContract", object{"proposal_id": 3, "is_add_approval": true}},
			{"ExchangeTransactionContract", object{"exchange_id": 5, "token_id": "5f", "quant": n, "expected": 7}},
			{"ClearABIContract", object{"contract_address": hexOf(other)}},
		}
		o := others[d.IntN(len(others))]
		set(o.name, "other", "Other transaction: "+o.name, o.value)
	}
	if d.IntN(4) == 0 {
		x.permission = 2 + d.IntN(8)
	}
	if d.IntN(4) == 0 {
		x.memo = []byte("memo " + strconv.Itoa(d.IntN(1000)))
	}
	if d.IntN(2) == 0 {
		x.feeLimit = d.amount()
	}
	return x
}

// want returns the whole text of the payment.
func (x *document) want() string {
	text := x.payment
	if x.kind == "creation" || x.contract == "TriggerSmartContract" {
		text += ", energy fee up to " + sun(x.feeLimit)
	}
	if x.permission != 0 {
		text += ", by permission no. " + strconv.Itoa(x.permission)
	}
	if x.memo != nil {
		text += `, memo "` + string(x.memo) + `"`
	}
	return text
}

func (x *document) request(d dice) object {
	contract := object{"type": x.contract, "parameter": object{"type_url": "type.googleapis.com/protocol." + x.contract, "value": x.value}}
	if x.permission != 0 {
		contract["Permission_id"] = x.permission
	}
	raw := object{"contract": []object{contract}, "ref_block_bytes": hex.EncodeToString(d.Bytes(2)), "ref_block_hash": hex.EncodeToString(d.Bytes(8)),
		"expiration": 1764000060000 + d.IntN(1e9), "timestamp": 1764000000000 + d.IntN(1e9)}
	if x.memo != nil {
		raw["data"] = hex.EncodeToString(x.memo)
	}
	if x.feeLimit != 0 {
		raw["fee_limit"] = x.feeLimit
	}
	return object{"kind": "encode", "transaction": object{"visible": false, "raw_data": raw}}
}

// TestTransactions has tronweb encode generated transactions of all kinds. Their ids and texts are compared. Then a byte of each is
// changed: what core still reads, tronweb reads as the same.
func TestTransactions(t *testing.T) {
	d := newDice(t)
	documents, requests := make([]document, cases()), make([]object, cases())
	for i := range documents {
		documents[i] = d.document()
		requests[i] = documents[i].request(d)
	}
	kinds := map[string]int{}
	var changed []*tron.Transaction
	var again []object
	for i, a := range oracletest.Ask(t, "tronweb.mjs", requests) {
		x := &documents[i]
		require.Empty(t, a.Error, "%v", requests[i])
		var encoded struct{ RawData, TxID string }
		require.NoError(t, json.Unmarshal(a.Out, &encoded))
		raw, err := hex.DecodeString(encoded.RawData)
		require.NoError(t, err)
		tx, err := tron.ParseTransaction(raw)
		require.NoError(t, err, "%s: %s", x.contract, encoded.RawData)
		id := tx.Hash()
		require.Equal(t, encoded.TxID, hex.EncodeToString(id[:]))
		s := tx.Summary()
		require.Equal(t, x.contract, tx.Contract)
		require.Equal(t, x.owner, tx.Owner)
		require.EqualValues(t, x.kind, s.Kind)
		require.Equal(t, x.receiver, s.Receiver, x.contract)
		if x.payment != "" {
			require.Equal(t, x.want(), s.Payment, x.contract)
			require.Equal(t, x.blind, s.Blind, x.contract)
		}
		kinds[x.contract]++

		mutant := append([]byte{}, raw...)
		mutant[d.IntN(len(mutant))] ^= 1 << d.IntN(8)
		if tx, err := tron.ParseTransaction(mutant); err == nil {
			changed = append(changed, tx)
			again = append(again, object{"kind": "decode", "contract": tx.Contract, "rawData": hex.EncodeToString(mutant)})
		} else {
			require.ErrorIs(t, err, errcode.InvalidArgument)
		}
	}
	for i, a := range oracletest.Ask(t, "tronweb.mjs", again) {
		tx := changed[i]
		var read struct {
			Contract []struct {
				Type      string
				Parameter struct {
					Value struct {
						Owner  string `json:"owner_address"`
						To     string `json:"to_address"`
						Amount int64
					}
				}
			}
			FeeLimit int64 `json:"fee_limit"`
		}
		if a.Error != "" {
			require.True(t, tx.Summary().Blind, "%s: %v", a.Error, again[i]) // core does not read the content of such a contract
			continue
		}
		require.NoError(t, json.Unmarshal(a.Out, &read), string(a.Out))
		value := read.Contract[0].Parameter.Value
		require.Equal(t, tx.Contract, read.Contract[0].Type)
		require.Equal(t, hexOf(tx.Owner), strings.ToLower(value.Owner))
		require.Equal(t, tx.FeeLimit, read.FeeLimit)
		if tx.Contract == "TransferContract" {
			to, err := tron.ParseAddress(tx.Summary().Receiver)
			require.NoError(t, err)
			require.Equal(t, hexOf(to), strings.ToLower(value.To))
			require.Equal(t, tx.Summary().Amount.Int64(), value.Amount)
		}
	}
	t.Logf("%d transactions of tronweb, %d of them read with a bit changed: %v", len(documents), len(changed), kinds)
}

// TestMessages compares the hash of TIP-191.
func TestMessages(t *testing.T) {
	d := newDice(t)
	requests, messages := make([]object, cases()), make([][]byte, cases())
	for i := range requests {
		messages[i] = d.Bytes(1 + d.IntN(300))
		requests[i] = object{"kind": "message", "bytes": hex.EncodeToString(messages[i])}
	}
	for i, a := range oracletest.Ask(t, "tronweb.mjs", requests) {
		hash, err := tron.HashMessage(messages[i], tron.V2)
		require.NoError(t, err)
		require.Equal(t, `"0x`+hex.EncodeToString(hash[:])+`"`, string(a.Out), a.Error)
	}
	t.Logf("%d messages", len(messages))
}

// typedData generates a document of TIP-712, with values that tronweb takes and some that it does not.
func (d dice) typedData() object {
	types := []string{"address", "trcToken", "uint256", "uint8", "int64", "bool", "string", "bytes", "bytes32"}
	value := func(typ string) any {
		switch typ {
		case "address":
			a := d.address()
			return []string{a.String(), hexOf(a), "0x" + hex.EncodeToString(a[:]), a.String()[:33], "T"}[min(4, d.IntN(40)%8%5)]
		case "trcToken", "uint256":
			return []any{strconv.Itoa(d.IntN(1e9)), d.IntN(1e9), "0x" + hex.EncodeToString(d.Bytes(32)), -1}[min(3, d.IntN(30)%7%4)]
		case "uint8":
			return d.IntN(258)
		case "int64":
			return d.IntN(1000) - 500
		case "bool":
			return d.IntN(2) == 0
		case "string":
			return "text " + strconv.Itoa(d.IntN(100))
		case "bytes":
			return "0x" + hex.EncodeToString(d.Bytes(d.IntN(70)))
		}
		return "0x" + hex.EncodeToString(d.Bytes(32))
	}
	var fields, inner []object
	message, sub := object{}, object{}
	for i := range 1 + d.IntN(5) {
		typ, name := types[d.IntN(len(types))], "f"+strconv.Itoa(i)
		if d.IntN(4) == 0 {
			list := []any{}
			for range d.IntN(3) {
				list = append(list, value(typ))
			}
			fields = append(fields, object{"name": name, "type": typ + "[]"})
			message[name] = list
			continue
		}
		fields = append(fields, object{"name": name, "type": typ})
		message[name] = value(typ)
	}
	all := object{}
	if d.IntN(2) == 0 {
		inner, sub["to"], sub["n"] = []object{{"name": "to", "type": "address"}, {"name": "n", "type": "trcToken"}}, value("address"), value("trcToken")
		all["Inner"] = inner
		fields = append(fields, object{"name": "inner", "type": "Inner"})
		message["inner"] = sub
	}
	all["Main"] = fields
	domain := object{}
	for _, name := range []string{"name", "version"} {
		if d.IntN(3) > 0 {
			domain[name] = value("string")
		}
	}
	if d.IntN(3) > 0 {
		domain["chainId"] = "0x2b6653dc"
	}
	if d.IntN(3) > 0 {
		domain["verifyingContract"] = value("address")
	}
	if d.IntN(5) == 0 {
		domain["salt"] = value("bytes32")
	}
	if d.IntN(30) == 0 {
		domain["other"] = "x"
	}
	return object{"kind": "typed", "types": all, "primaryType": "Main", "domain": domain, "message": message}
}

// TestTypedData compares the digests of generated documents. What core signs has the digest of tronweb, and what tronweb refuses is not
// signed.
func TestTypedData(t *testing.T) {
	d := newDice(t)
	requests := make([]object, cases())
	for i := range requests {
		requests[i] = d.typedData()
	}
	signed, refused := 0, 0
	for i, a := range oracletest.Ask(t, "tronweb.mjs", requests) {
		b, err := json.Marshal(requests[i])
		require.NoError(t, err)
		var tree any
		require.NoError(t, json.Unmarshal(b, &tree))
		hashed, err := tron.HashTypedData(tree)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			require.NotEmpty(t, a.Error, "core refuses %s, and tronweb does not: %v", b, err)
			refused++
			continue
		}
		signed++
		digest := hashed.Digest()
		require.Equal(t, `"0x`+hex.EncodeToString(digest[:])+`"`, string(a.Out), "%s %s", a.Error, b)
	}
	require.Greater(t, signed, cases()/4)
	require.Positive(t, refused)
	t.Logf("%d documents with tronweb's digest, %d refused by both", signed, refused)
}
