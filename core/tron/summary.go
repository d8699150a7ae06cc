package tron

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"strconv"

	"imkey-connect/core/ethereum"
	"imkey-connect/core/protobuf"
)

// Summary says what a transaction does, as [ethereum.Summary]. It is computed from the transaction. Payment and Receiver are the texts for
// the device's screen. Fee is the limit for energy, which Payment has too, or empty. Token is the contract of a TRC-20 token. Amount is
// in the smallest units of what is sent, and is set for transfers of TRX, TRC-10 and TRC-20 and for approvals.
type Summary = ethereum.Summary

// The kinds besides those of Ethereum: staking, which gives nothing away, and what is special to accounts of TRON.
const (
	Stake             ethereum.Kind = "stake"
	Unstake           ethereum.Kind = "unstake"
	WithdrawUnstaked  ethereum.Kind = "withdraw-unstaked"
	CancelUnstaking   ethereum.Kind = "cancel-unstaking"
	DelegateResource  ethereum.Kind = "delegate-resource"
	ReclaimResource   ethereum.Kind = "reclaim-resource"
	Vote              ethereum.Kind = "vote"
	ClaimRewards      ethereum.Kind = "claim-rewards"
	CreateAccount     ethereum.Kind = "create-account"
	ChangePermissions ethereum.Kind = "change-permissions"
	// Other is a transaction of a named kind whose content the texts do not say.
	Other ethereum.Kind = "other"
)

// The notes of a summary.
const (
	// NoteMemo: the transaction has a memo, for which the network takes a fee.
	NoteMemo = "memo"
	// NotePermission: it is signed by another permission than the owner's.
	NotePermission = "permission"
	// NoteTRC10: a token of TRC-10 is sent.
	NoteTRC10 = "trc-10"
)

// USDT is the contract of Tether's token. It is the one token whose name and decimals this package knows.
var USDT = Address{0xa6, 0x14, 0xf8, 0x03, 0xb6, 0xfd, 0x78, 0x09, 0x86, 0xa4, 0x2c, 0x78, 0xec, 0x9c, 0x7f, 0x77, 0xe6, 0xde, 0xd1, 0x3c}

// decimals is the number of decimal places of TRX and of USDT.
const decimals = 6

// units writes an amount exactly, with as many decimal places as it needs: 1 TRX, 0.0001 TRX.
func units(n *big.Int, symbol string) string {
	digits := n.String()
	for len(digits) <= decimals {
		digits = "0" + digits
	}
	whole, fraction := digits[:len(digits)-decimals], digits[len(digits)-decimals:]
	for fraction != "" && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole + " " + symbol
}

func trx(sun int64) string { return units(big.NewInt(sun), "TRX") }

func tokens(amount int64, number string) string {
	return strconv.FormatInt(amount, 10) + " units of token no. " + number
}

// contractType is a kind of transaction.
type contractType struct {
	number int64
	name   string
	// say reads the contract and puts it in words. Without it, only the owner is read.
	say func(*reading)
	// owner is the number of the owner's field, for a contract without say.
	owner int
}

// contractTypes are those of java-tron, without shielded transfers, which have no owner, and without those that the network never had.
var contractTypes = [...]contractType{
	{0, "AccountCreateContract", createAccount, 0},
	{1, "TransferContract", transfer, 0},
	{2, "TransferAssetContract", transferAsset, 0},
	{4, "VoteWitnessContract", vote, 0},
	{5, "WitnessCreateContract", nil, 1},
	{6, "AssetIssueContract", nil, 1},
	{8, "WitnessUpdateContract", nil, 1},
	{9, "ParticipateAssetIssueContract", nil, 1},
	{10, "AccountUpdateContract", nil, 2},
	{11, "FreezeBalanceContract", freeze, 0},
	{12, "UnfreezeBalanceContract", unfreeze, 0},
	{13, "WithdrawBalanceContract", func(r *reading) { r.plain(ClaimRewards, "Claim rewards") }, 0},
	{14, "UnfreezeAssetContract", nil, 1},
	{15, "UpdateAssetContract", nil, 1},
	{16, "ProposalCreateContract", nil, 1},
	{17, "ProposalApproveContract", nil, 1},
	{18, "ProposalDeleteContract", nil, 1},
	{19, "SetAccountIdContract", nil, 2},
	{30, "CreateSmartContract", createContract, 0},
	{31, "TriggerSmartContract", trigger, 0},
	{33, "UpdateSettingContract", nil, 1},
	{41, "ExchangeCreateContract", nil, 1},
	{42, "ExchangeInjectContract", nil, 1},
	{43, "ExchangeWithdrawContract", nil, 1},
	{44, "ExchangeTransactionContract", nil, 1},
	{45, "UpdateEnergyLimitContract", nil, 1},
	{46, "AccountPermissionUpdateContract", permissions, 0},
	{48, "ClearABIContract", nil, 1},
	{49, "UpdateBrokerageContract", nil, 1},
	{52, "MarketSellAssetContract", nil, 1},
	{53, "MarketCancelOrderContract", nil, 1},
	{54, "FreezeBalanceV2Contract", freezeV2, 0},
	{55, "UnfreezeBalanceV2Contract", unfreezeV2, 0},
	{56, "WithdrawExpireUnfreezeContract", func(r *reading) { r.plain(WithdrawUnstaked, "Withdraw unstaked TRX") }, 0},
	{57, "DelegateResourceContract", delegate, 0},
	{58, "UnDelegateResourceContract", undelegate, 0},
	{59, "CancelAllUnfreezeV2Contract", func(r *reading) { r.plain(CancelUnstaking, "Cancel all unstaking") }, 0},
}

// reading reads the fields of a contract and writes the summary.
type reading struct {
	*protobuf.Message
	t *Transaction
	s *Summary
}

// read reads the contract. It sets the owner and the summary of t. Errors have code invalid-argument.
func (t *Transaction) read(typ *contractType, value []byte) error {
	r := &reading{protobuf.Read(place, value), t, &t.summary}
	if typ.say != nil {
		typ.say(r)
	} else {
		if typ.owner > 1 {
			r.Bytes(1)
		}
		r.owner(typ.owner)
		r.Rest()
		r.say(Other, "Other transaction: "+typ.name)
		r.s.Blind = true
	}
	if err := r.Err(); err != nil {
		return err
	}
	t.finish()
	return nil
}

// most is the largest number of bytes of a text for the screen: its length has one byte. mostCall leaves room for what
// [Transaction.finish] adds.
const (
	most     = 0xFF
	mostCall = most - 73
)

// finish adds to the texts what every transaction can have: a limit for energy, a permission, and a memo.
func (t *Transaction) finish() {
	s := &t.summary
	if s.Fee != "" {
		s.Payment += ", energy fee up to " + s.Fee
	}
	if t.Permission != 0 {
		s.Payment += ", by permission no. " + strconv.FormatInt(t.Permission, 10)
		s.Notes = append(s.Notes, NotePermission)
	}
	if len(t.Memo) == 0 {
		return
	}
	s.Notes = append(s.Notes, NoteMemo)
	memo := `, memo "` + string(t.Memo) + `"`
	if ethereum.BlindMessage(t.Memo) || bytes.IndexByte(t.Memo, '\n') >= 0 || len(s.Payment)+len(memo) > most {
		memo = ", memo of " + strconv.Itoa(len(t.Memo)) + " bytes"
		s.Blind = true
	}
	s.Payment += memo
}

// address reads an address. ok is false if the field is absent.
func (r *reading) address(number int) (a Address, ok bool) {
	b := r.Bytes(number)
	if b == nil {
		return a, false
	}
	if a, ok = fromBytes(b); !ok {
		r.Fail("an address does not have 21 bytes of which the first is 41")
	}
	return a, ok
}

// must reads an address that has to be there.
func (r *reading) must(number int) Address {
	a, ok := r.address(number)
	if !ok {
		r.Fail("an address is missing")
	}
	return a
}

// owner reads the owner. A transaction concerns the owner, if it has no other receiver.
func (r *reading) owner(number int) {
	r.t.Owner = r.must(number)
	r.to(r.t.Owner)
}

func (r *reading) to(a Address) { r.s.Receiver = a.String() }

func (r *reading) say(kind ethereum.Kind, payment string) { r.s.Kind, r.s.Payment = kind, payment }

// plain is a contract that has only an owner.
func (r *reading) plain(kind ethereum.Kind, payment string) {
	r.owner(1)
	r.say(kind, payment)
}

// amount reads a number that has to be more than zero.
func (r *reading) amount(number int) int64 {
	n := r.Number(number)
	if n == 0 {
		r.Fail("the amount is zero")
	}
	return n
}

// resource reads what staked TRX gives.
func (r *reading) resource(number int) string {
	switch r.Number(number) {
	case 0:
		return "BANDWIDTH"
	case 1:
		return "ENERGY"
	case 2:
		return "TRON POWER"
	}
	r.Fail("a resource that TRON does not have")
	return ""
}

func transfer(r *reading) {
	r.owner(1)
	r.to(r.must(2))
	n := r.amount(3)
	r.say(ethereum.Transfer, trx(n))
	r.s.Amount = big.NewInt(n)
}

func transferAsset(r *reading) {
	number := r.Bytes(1)
	for _, c := range number {
		if c < '0' || c > '9' {
			number = nil
			break
		}
	}
	if len(number) == 0 || len(number) > 19 {
		r.Fail("a token of TRC-10 does not have a number")
	}
	r.owner(2)
	r.to(r.must(3))
	n := r.amount(4)
	r.say(ethereum.TokenTransfer, tokens(n, string(number)))
	r.s.Amount = big.NewInt(n)
	r.s.Notes = append(r.s.Notes, NoteTRC10)
}

func createAccount(r *reading) {
	r.owner(1)
	r.to(r.must(2))
	if r.Number(3) > 2 {
		r.Fail("a type of account that TRON does not have")
	}
	r.say(CreateAccount, "Create an account")
}

func permissions(r *reading) {
	r.owner(1)
	r.Rest()
	r.say(ChangePermissions, "CHANGE WHO CONTROLS the account")
	r.s.Blind = true
}

// mostVotes is how many votes the payment names.
const mostVotes = 4

func vote(r *reading) {
	r.owner(1)
	list := r.Repeated(2)
	r.Number(3)
	if len(list) == 0 {
		r.Fail("no vote")
	}
	payment := ""
	for i, b := range list {
		v := &reading{protobuf.Read(place, b), r.t, r.s}
		to, n := v.must(1), v.amount(2)
		if err := v.Err(); err != nil {
			r.Fail("a malformed vote")
			return
		}
		if i > 0 {
			payment += " + "
		}
		payment += strconv.FormatInt(n, 10) + " for " + to.String()
	}
	r.say(Vote, "Vote "+payment)
	if len(list) > mostVotes || len(r.s.Payment) > mostCall {
		r.say(Vote, "Vote for "+strconv.Itoa(len(list))+" candidates")
		r.s.Blind = true
	}
}

func freezeV2(r *reading) {
	r.owner(1)
	n := trx(r.amount(2))
	r.say(Stake, "Stake "+n+" for "+r.resource(3))
}

func unfreezeV2(r *reading) {
	r.owner(1)
	n := trx(r.amount(2))
	r.say(Unstake, "Unstake "+n+" of "+r.resource(3))
}

// freeze is the staking before 2023, in which TRX was locked for days.
func freeze(r *reading) {
	r.owner(1)
	n, days := trx(r.amount(2)), r.Number(3)
	r.say(Stake, "Stake "+n+" for "+r.resource(10)+" for "+strconv.FormatInt(days, 10)+" days")
	if to, ok := r.address(15); ok {
		r.to(to)
	}
}

func unfreeze(r *reading) {
	r.owner(1)
	r.say(Unstake, "Unstake all TRX of "+r.resource(10))
	if to, ok := r.address(15); ok {
		r.to(to)
	}
}

func delegate(r *reading) {
	r.owner(1)
	resource := r.resource(2)
	payment := "Delegate " + resource + " of " + trx(r.amount(3))
	r.to(r.must(4))
	locked, blocks := r.Number(5), r.Number(6)
	switch {
	case locked > 1:
		r.Fail("neither locked nor not")
	case locked == 1 && blocks > 0:
		payment += ", LOCKED for " + strconv.FormatInt(blocks, 10) + " blocks"
	case locked == 1:
		payment += ", LOCKED for 3 days"
	}
	r.say(DelegateResource, payment)
}

func undelegate(r *reading) {
	r.owner(1)
	resource := r.resource(2)
	r.say(ReclaimResource, "Reclaim "+resource+" of "+trx(r.amount(3)))
	r.to(r.must(4))
}

func createContract(r *reading) {
	r.owner(1)
	code := r.Repeated(2)
	if len(code) != 1 {
		r.Fail("no contract, or several")
		return
	}
	m := protobuf.Read(place, code[0])
	m.Bytes(1)
	m.Bytes(2)
	m.Repeated(3)
	m.Bytes(4)
	value := m.Number(5)
	m.Rest()
	if m.Err() != nil {
		r.Fail("a malformed contract")
	}
	payment := r.value(value, 3)
	r.say(ethereum.Creation, payment+"new contract")
	r.s.Receiver, r.s.Blind = "new contract", true
	r.s.Fee = trx(r.t.FeeLimit)
}

// value returns the words for what is sent with a call: TRX, and a token whose amount and number are in the fields number and number+1.
func (r *reading) value(sun int64, number int) (words string) {
	if sun != 0 {
		words = trx(sun) + " + "
	}
	amount, token := r.Number(number), r.Number(number+1)
	if amount != 0 {
		words += tokens(amount, strconv.FormatInt(token, 10)) + " + "
		r.s.Notes = append(r.s.Notes, NoteTRC10)
	}
	return words
}

// approve is the selector of approve(address,uint256).
const approve = "\x09\x5e\xa7\xb3"

func trigger(r *reading) {
	r.owner(1)
	to := r.must(2)
	r.to(to)
	sun := r.Number(3)
	data := r.Bytes(4)
	sent := r.value(sun, 5)
	r.s.Fee = trx(r.t.FeeLimit)
	call, ok := ethereum.DescribeCall(ethereum.Address(to), data, text)
	if sent != "" || !ok || len(call.Payment) > mostCall {
		payment := sent + "unknown call"
		if len(data) >= 4 {
			payment += " " + hex.EncodeToString(data[:4])
		}
		r.say(ethereum.Call, payment)
		r.s.Blind = true
		return
	}
	call.Fee, call.Notes = r.s.Fee, r.s.Notes
	*r.s = call
	if to != USDT {
		return
	}
	// No NFT, and with its own decimals.
	switch {
	case call.Kind == ethereum.TokenTransfer:
		r.s.Payment = units(call.Amount, "USDT")
	case string(data[:4]) == approve && call.Unlimited:
		r.s.Payment = "Allow UNLIMITED USDT"
	case string(data[:4]) == approve:
		r.s.Payment = "Allow " + units(call.Amount, "USDT")
	}
}
