package tron

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/keccak"
	"imkey-connect/core/protobuf"
)

var (
	owner = must(ParseAddress("TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2"))
	other = must(ParseAddress("THfuSDVRvSsjNDPFdGjMU19Ha4Kf7acotq"))
	token = Address{19: 9}
)

// f makes a field of a protocol buffer: an address, bytes, text, a message or a number.
func f(number int, value any) protobuf.Field {
	field := protobuf.Field{Number: number, IsBytes: true}
	switch v := value.(type) {
	case Address:
		field.Bytes = append([]byte{addressPrefix}, v[:]...)
	case []byte:
		field.Bytes = v
	case string:
		field.Bytes = []byte(v)
	case int:
		field.IsBytes, field.Value = false, uint64(v)
	case int64:
		field.IsBytes, field.Value = false, uint64(v)
	default:
		panic("not a field")
	}
	return field
}

// message encodes fields as they are.
func message(fields ...protobuf.Field) (b []byte) {
	for _, field := range fields {
		b = protobuf.Append(b, field)
	}
	return b
}

// parts are the parts of a raw_data that a test may change.
type parts struct {
	kind     int
	name     string
	value    []byte
	contract []protobuf.Field // behind the parameter
	before   []protobuf.Field // before the contract
	after    []protobuf.Field // behind the contract
	twice    bool
}

func (p parts) raw() []byte {
	fields := append([]protobuf.Field{f(1, "\xa1\xb2"), f(4, "\xc3\xd4\xe5\xf6\x07\x18\x29\x3a"), f(8, 1764000060000)}, p.before...)
	var contract []protobuf.Field
	if p.kind != 0 {
		contract = append(contract, f(1, p.kind))
	}
	contract = append(contract, f(2, message(f(1, "type.googleapis.com/protocol."+p.name), f(2, p.value))))
	fields = append(fields, f(11, message(append(contract, p.contract...)...)))
	if p.twice {
		fields = append(fields, fields[len(fields)-1])
	}
	fields = append(fields, f(14, 1764000000000))
	return message(append(fields, p.after...)...)
}

// partsOf returns a transaction of a kind with these fields of its contract.
func partsOf(name string, fields ...protobuf.Field) parts {
	for _, c := range contractTypes {
		if c.name == name {
			return parts{kind: int(c.number), name: name, value: message(fields...)}
		}
	}
	panic(name)
}

func rawOf(name string, fields ...protobuf.Field) []byte { return partsOf(name, fields...).raw() }

// call returns the data of a call with this signature and these words.
func call(signature string, arguments ...any) []byte {
	selector := keccak.Sum256([]byte(signature))
	b := append([]byte{}, selector[:4]...)
	for _, a := range arguments {
		n := new(big.Int)
		switch a := a.(type) {
		case Address:
			n.SetBytes(a[:])
		case int:
			n.SetInt64(int64(a))
		case *big.Int:
			n = a
		}
		b = append(b, n.FillBytes(make([]byte, 32))...)
	}
	return b
}

// trigger returns a call of a contract with a limit of 100 TRX.
func triggerOf(to Address, data []byte, more ...protobuf.Field) parts {
	fields := []protobuf.Field{f(1, owner), f(2, to)}
	if data != nil {
		fields = append(fields, f(4, data))
	}
	p := partsOf("TriggerSmartContract", append(fields, more...)...)
	p.after = []protobuf.Field{f(18, 100_000_000)}
	return p
}

func TestTexts(t *testing.T) {
	all := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	fee, contract := ", energy fee up to 100 TRX", token.String()
	mine, to := owner.String(), other.String()
	votes := func(n int) (fields []protobuf.Field) {
		fields = []protobuf.Field{f(1, owner)}
		for i := range n {
			fields = append(fields, f(2, message(f(1, other), f(2, i+1))))
		}
		return fields
	}
	for name, c := range map[string]struct {
		p                 parts
		kind              ethereum.Kind
		payment, receiver string
		blind, unlimited  bool
	}{
		"TRX":         {partsOf("TransferContract", f(1, owner), f(2, other), f(3, 1)), ethereum.Transfer, "0.000001 TRX", to, false, false},
		"much TRX":    {partsOf("TransferContract", f(1, owner), f(2, other), f(3, 1<<63-1)), ethereum.Transfer, "9223372036854.775807 TRX", to, false, false},
		"even TRX":    {partsOf("TransferContract", f(1, owner), f(2, other), f(3, 120_500_000)), ethereum.Transfer, "120.5 TRX", to, false, false},
		"TRC-10":      {partsOf("TransferAssetContract", f(1, "1002000"), f(2, owner), f(3, other), f(4, 7)), ethereum.TokenTransfer, "7 units of token no. 1002000", to, false, false},
		"account":     {partsOf("AccountCreateContract", f(1, owner), f(2, other)), CreateAccount, "Create an account", to, false, false},
		"stake":       {partsOf("FreezeBalanceV2Contract", f(1, owner), f(2, 1_000_000), f(3, 1)), Stake, "Stake 1 TRX for ENERGY", mine, false, false},
		"stake 2":     {partsOf("FreezeBalanceV2Contract", f(1, owner), f(2, 1_000_000)), Stake, "Stake 1 TRX for BANDWIDTH", mine, false, false},
		"unstake":     {partsOf("UnfreezeBalanceV2Contract", f(1, owner), f(2, 1_000_000), f(3, 2)), Unstake, "Unstake 1 TRX of TRON POWER", mine, false, false},
		"old stake":   {partsOf("FreezeBalanceContract", f(1, owner), f(2, 1_000_000), f(3, 3), f(10, 1)), Stake, "Stake 1 TRX for ENERGY for 3 days", mine, false, false},
		"for other":   {partsOf("FreezeBalanceContract", f(1, owner), f(2, 1_000_000), f(3, 3), f(15, other)), Stake, "Stake 1 TRX for BANDWIDTH for 3 days", to, false, false},
		"old":         {partsOf("UnfreezeBalanceContract", f(1, owner), f(10, 1)), Unstake, "Unstake all TRX of ENERGY", mine, false, false},
		"old other":   {partsOf("UnfreezeBalanceContract", f(1, owner), f(10, 1), f(15, other)), Unstake, "Unstake all TRX of ENERGY", to, false, false},
		"withdraw":    {partsOf("WithdrawExpireUnfreezeContract", f(1, owner)), WithdrawUnstaked, "Withdraw unstaked TRX", mine, false, false},
		"cancel":      {partsOf("CancelAllUnfreezeV2Contract", f(1, owner)), CancelUnstaking, "Cancel all unstaking", mine, false, false},
		"rewards":     {partsOf("WithdrawBalanceContract", f(1, owner)), ClaimRewards, "Claim rewards", mine, false, false},
		"delegate":    {partsOf("DelegateResourceContract", f(1, owner), f(2, 1), f(3, 5_000_000), f(4, other)), DelegateResource, "Delegate ENERGY of 5 TRX", to, false, false},
		"locked":      {partsOf("DelegateResourceContract", f(1, owner), f(3, 5_000_000), f(4, other), f(5, 1)), DelegateResource, "Delegate BANDWIDTH of 5 TRX, LOCKED for 3 days", to, false, false},
		"long":        {partsOf("DelegateResourceContract", f(1, owner), f(3, 5_000_000), f(4, other), f(5, 1), f(6, 864000)), DelegateResource, "Delegate BANDWIDTH of 5 TRX, LOCKED for 864000 blocks", to, false, false},
		"undelegate":  {partsOf("UnDelegateResourceContract", f(1, owner), f(2, 1), f(3, 5_000_000), f(4, other)), ReclaimResource, "Reclaim ENERGY of 5 TRX", to, false, false},
		"vote":        {partsOf("VoteWitnessContract", votes(1)...), Vote, "Vote 1 for " + to, mine, false, false},
		"votes":       {partsOf("VoteWitnessContract", votes(3)...), Vote, "Vote 1 for " + to + " + 2 for " + to + " + 3 for " + to, mine, false, false},
		"many votes":  {partsOf("VoteWitnessContract", votes(30)...), Vote, "Vote for 30 candidates", mine, true, false},
		"permissions": {partsOf("AccountPermissionUpdateContract", f(1, owner), f(2, "x")), ChangePermissions, "CHANGE WHO CONTROLS the account", mine, true, false},
		"name":        {partsOf("AccountUpdateContract", f(1, "name"), f(2, owner)), Other, "Other transaction: AccountUpdateContract", mine, true, false},
		"exchange":    {partsOf("ExchangeTransactionContract", f(1, owner), f(2, 5), f(3, "_"), f(4, 7)), Other, "Other transaction: ExchangeTransactionContract", mine, true, false},
		"contract":    {partsOf("CreateSmartContract", f(1, owner), f(2, message(f(1, owner), f(3, ""), f(4, "code"), f(5, 1_000_000), f(8, 5)))), ethereum.Creation, "1 TRX + new contract, energy fee up to 0 TRX", "new contract", true, false},

		"TRC-20":          {triggerOf(token, call("transfer(address,uint256)", other, 7)), ethereum.TokenTransfer, "7 units of token " + contract + fee, to, false, false},
		"USDT":            {triggerOf(USDT, call("transfer(address,uint256)", other, 1_500_000)), ethereum.TokenTransfer, "1.5 USDT" + fee, to, false, false},
		"zero USDT":       {triggerOf(USDT, call("transfer(address,uint256)", other, 0)), ethereum.TokenTransfer, "0 USDT" + fee, to, false, false},
		"all USDT":        {triggerOf(USDT, call("approve(address,uint256)", other, all)), ethereum.TokenApproval, "Allow UNLIMITED USDT" + fee, to, false, true},
		"nearly all USDT": {triggerOf(USDT, call("approve(address,uint256)", other, new(big.Int).Sub(all, big.NewInt(5)))), ethereum.TokenApproval, "Allow UNLIMITED USDT" + fee, to, false, true},
		"some USDT":       {triggerOf(USDT, call("approve(address,uint256)", other, 2_000_000)), ethereum.TokenApproval, "Allow 2 USDT" + fee, to, false, false},
		"more USDT":       {triggerOf(USDT, call("increaseApproval(address,uint256)", other, 2)), ethereum.TokenApproval, "Allow 2 MORE units of token " + USDT.String() + fee, to, false, false},
		"approve":         {triggerOf(token, call("approve(address,uint256)", other, all)), ethereum.TokenApproval, "Allow UNLIMITED units of token " + contract + fee, to, false, true},
		"everything":      {triggerOf(token, call("setApprovalForAll(address,bool)", other, 1)), ethereum.ApprovalForAll, "Allow ALL NFTs and tokens of " + contract + fee, to, false, true},
		"from":            {triggerOf(token, call("transferFrom(address,address,uint256)", owner, other, 7)), ethereum.TokenTransferFrom, "NFT no. 7 or 7 units of token " + contract + " of " + mine + fee, to, false, false},
		"unknown":         {triggerOf(token, call("swap(uint256)", 7)), ethereum.Call, "unknown call " + hex.EncodeToString(call("swap(uint256)")) + fee, contract, true, false},
		"no data":         {triggerOf(token, nil), ethereum.Call, "unknown call" + fee, contract, true, false},
		"padding":         {triggerOf(token, call("transfer(address,uint256)", new(big.Int).SetBytes(append([]byte{addressPrefix}, other[:]...)), 7)), ethereum.Call, "unknown call a9059cbb" + fee, contract, true, false},
		"with TRX": {partsOf("TriggerSmartContract", f(1, owner), f(2, token), f(3, 1_000_000), f(4, call("transfer(address,uint256)", other, 7))),
			ethereum.Call, "1 TRX + unknown call a9059cbb, energy fee up to 0 TRX", contract, true, false},
		"with TRC-10": {triggerOf(token, call("transfer(address,uint256)", other, 7), f(5, 3), f(6, 1002000)), ethereum.Call, "3 units of token no. 1002000 + unknown call a9059cbb" + fee, contract, true, false},
	} {
		tx, err := ParseTransaction(c.p.raw())
		require.NoError(t, err, name)
		s := tx.Summary()
		require.Equal(t, c.payment, s.Payment, name)
		require.Equal(t, c.receiver, s.Receiver, name)
		require.Equal(t, c.kind, s.Kind, name)
		require.Equal(t, c.blind, s.Blind, name)
		require.Equal(t, c.unlimited, s.Unlimited, name)
		require.Equal(t, owner, tx.Owner, name)
		require.Equal(t, c.p.name, tx.Contract)
		require.Equal(t, c.p.raw(), tx.Raw())
	}
}

func TestMemoAndPermission(t *testing.T) {
	p := partsOf("TransferContract", f(1, owner), f(2, other), f(3, 1_000_000))
	for memo, want := range map[string]string{
		"Invoice 7":              `1 TRX, memo "Invoice 7"`,
		"two\nlines":             "1 TRX, memo of 9 bytes",
		"\x1b[2J":                "1 TRX, memo of 4 bytes",
		"\u202e1 TRX":            "1 TRX, memo of 8 bytes",
		strings.Repeat("x", 241): `1 TRX, memo "` + strings.Repeat("x", 241) + `"`,
		strings.Repeat("x", 242): "1 TRX, memo of 242 bytes",
	} {
		p.before = []protobuf.Field{f(10, memo)}
		tx, err := ParseTransaction(p.raw())
		require.NoError(t, err)
		require.Equal(t, want, tx.Summary().Payment)
		require.Equal(t, !strings.Contains(want, `"`), tx.Summary().Blind)
		require.Equal(t, []string{NoteMemo}, tx.Summary().Notes)
	}
	p.before, p.contract = nil, []protobuf.Field{f(5, 2)}
	tx, err := ParseTransaction(p.raw())
	require.NoError(t, err)
	require.Equal(t, "1 TRX, by permission no. 2", tx.Summary().Payment)
	require.Equal(t, []string{NotePermission}, tx.Summary().Notes)
	// The longest words of all leave room for the rest.
	long := triggerOf(token, call("permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)", owner, owner, 1<<40, 1<<47, 3, other, 9, 256, 0))
	long.contract, long.after = []protobuf.Field{f(5, 1<<31-1)}, []protobuf.Field{f(18, 1<<63-1)}
	tx, err = ParseTransaction(long.raw())
	require.NoError(t, err)
	require.Equal(t, ethereum.TokenPermit, tx.Summary().Kind)
	require.LessOrEqual(t, len(tx.Summary().Payment), most)
}

// TestRefused has raw_data that contradict themselves, that the network would refuse, or that are not in the one form.
func TestRefused(t *testing.T) {
	transfer := func(fields ...protobuf.Field) parts { return partsOf("TransferContract", fields...) }
	good := transfer(f(1, owner), f(2, other), f(3, 1))
	change := func(how func(*parts)) parts { p := good; how(&p); return p }
	for name, p := range map[string]parts{
		"zero amount":                      transfer(f(1, owner), f(2, other)),
		"zero amount, written":             transfer(f(1, owner), f(2, other), f(3, 0)),
		"negative amount":                  transfer(f(1, owner), f(2, other), f(3, -1)),
		"two amounts":                      transfer(f(1, owner), f(2, other), f(3, 1), f(3, 5)),
		"two receivers":                    transfer(f(1, owner), f(2, other), f(2, owner), f(3, 1)),
		"no owner":                         transfer(f(2, other), f(3, 1)),
		"no receiver":                      transfer(f(1, owner), f(3, 1)),
		"a receiver of 20 bytes":           transfer(f(1, owner), f(2, other[:]), f(3, 1)),
		"a receiver of another network":    transfer(f(1, owner), f(2, append([]byte{0xa0}, other[:]...)), f(3, 1)),
		"another field":                    transfer(f(1, owner), f(2, other), f(3, 1), f(4, 1)),
		"the amount as bytes":              transfer(f(1, owner), f(2, other), f(3, "1")),
		"another order":                    transfer(f(2, other), f(1, owner), f(3, 1)),
		"another name":                     change(func(p *parts) { p.name = "TransferAssetContract" }),
		"another number":                   change(func(p *parts) { p.kind = 54 }),
		"an unknown kind":                  change(func(p *parts) { p.kind, p.name = 60, "New" }),
		"a shielded transfer":              change(func(p *parts) { p.kind, p.name = 51, "ShieldedTransferContract" }),
		"two contracts":                    change(func(p *parts) { p.twice = true }),
		"a provider":                       change(func(p *parts) { p.contract = []protobuf.Field{f(3, "x")} }),
		"a name for the contract":          change(func(p *parts) { p.contract = []protobuf.Field{f(4, "x")} }),
		"a permission without a number":    change(func(p *parts) { p.contract = []protobuf.Field{f(5, 1<<31)} }),
		"auths":                            change(func(p *parts) { p.before = []protobuf.Field{f(9, "x")} }),
		"scripts":                          change(func(p *parts) { p.after = []protobuf.Field{f(12, "x")} }),
		"another field of the whole":       change(func(p *parts) { p.after = []protobuf.Field{f(19, 1)} }),
		"a negative limit":                 change(func(p *parts) { p.after = []protobuf.Field{f(18, -1)} }),
		"an empty contract":                change(func(p *parts) { p.value = nil }),
		"a malformed contract":             change(func(p *parts) { p.value = []byte{8} }),
		"a token without a number":         partsOf("TransferAssetContract", f(2, owner), f(3, other), f(4, 7)),
		"a token with a name":              partsOf("TransferAssetContract", f(1, "USDT"), f(2, owner), f(3, other), f(4, 7)),
		"no token":                         partsOf("TransferAssetContract", f(1, "1002000"), f(2, owner), f(3, other)),
		"a resource that is none":          partsOf("FreezeBalanceV2Contract", f(1, owner), f(2, 1), f(3, 3)),
		"nothing staked":                   partsOf("FreezeBalanceV2Contract", f(1, owner)),
		"no vote":                          partsOf("VoteWitnessContract", f(1, owner)),
		"a vote of nothing":                partsOf("VoteWitnessContract", f(1, owner), f(2, message(f(1, other)))),
		"locked twice":                     partsOf("DelegateResourceContract", f(1, owner), f(3, 5), f(4, other), f(5, 2)),
		"a type that accounts cannot have": partsOf("AccountCreateContract", f(1, owner), f(2, other), f(3, 3)),
		"no new contract":                  partsOf("CreateSmartContract", f(1, owner)),
		"a malformed new contract":         partsOf("CreateSmartContract", f(1, owner), f(2, "x")),
	} {
		_, err := ParseTransaction(p.raw())
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
		require.NotEmpty(t, requireInvalid(t, "rawData", err), name)
	}
	for name, raw := range map[string][]byte{
		"empty": {}, "nothing in it": {0x40, 1}, "too long": make([]byte, MaxRawData+1), "cut": good.raw()[:50], "more": append(good.raw(), 0),
	} {
		_, err := ParseTransaction(raw)
		requireInvalid(t, "rawData", err)
		require.Error(t, err, name)
	}
	raw := good.raw()
	tx, err := ParseTransaction(raw)
	require.NoError(t, err)
	clear(raw)
	require.NotEqual(t, raw, tx.Raw(), "the transaction is a copy")
}

// FuzzTransaction checks that what is read has texts that fit, and that it has one form.
func FuzzTransaction(f *testing.F) {
	for _, v := range vectors.Vectors {
		if v.RawData != "" {
			f.Add(unhex(f, v.RawData))
		}
	}
	seed := func(p parts) { f.Add(p.raw()) }
	seed(partsOf("VoteWitnessContract", protobuf.Field{Number: 1, Bytes: append([]byte{addressPrefix}, owner[:]...), IsBytes: true}))
	seed(triggerOf(USDT, call("transfer(address,uint256)", other, 1_500_000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := ParseTransaction(b)
		if err != nil {
			requireInvalid(t, "rawData", err)
			return
		}
		require.Equal(t, b, tx.Raw())
		s := tx.Summary()
		require.NotEmpty(t, s.Kind)
		for _, text := range []string{s.Payment, s.Receiver} {
			require.NotEmpty(t, text)
			require.LessOrEqual(t, len(text), most, "no text for the screen is cut")
			require.False(t, ethereum.BlindMessage([]byte(text)) || bytes.IndexByte([]byte(text), '\n') >= 0, text)
		}
		fields, err := protobuf.Parse("", b)
		require.NoError(t, err)
		require.Equal(t, b, message(fields...))
	})
}
