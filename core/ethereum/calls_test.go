package ethereum

import (
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/keccak"
)

// words returns the call with this signature, such as "approve(address,uint256)", and these words.
func words(signature string, arguments ...any) []byte {
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

// TestCallsInWords has every call that gives something away. "0 units" alone would give away an NFT with the number 0.
func TestCallsInWords(t *testing.T) {
	contract := must(ParseAddress("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"))
	from, to := Address{19: 1}, someone
	all := new(big.Int).Sub(pow2(256), big.NewInt(1))
	name, owner := contract.String(), from.String()
	for _, c := range []struct {
		data      []byte
		kind      Kind
		payment   string
		unlimited bool
		blind     bool
	}{
		{words("transfer(address,uint256)", to, 5), TokenTransfer, "5 units of token " + name, false, false},
		{words("approve(address,uint256)", to, 0), TokenApproval, "Allow NFT no. 0 or 0 units of token " + name, false, false},
		{words("approve(address,uint256)", to, 7), TokenApproval, "Allow NFT no. 7 or 7 units of token " + name, false, false},
		{words("approve(address,uint256)", to, all), TokenApproval, "Allow UNLIMITED units of token " + name, true, false},
		{words("approve(address,uint256)", to, pow2(255)), TokenApproval, "Allow NFT no. " + pow2(255).String() + " or UNLIMITED units of token " + name, true, false},
		{words("increaseAllowance(address,uint256)", to, 5), TokenApproval, "Allow 5 MORE units of token " + name, false, false},
		{words("increaseAllowance(address,uint256)", to, all), TokenApproval, "Allow UNLIMITED MORE units of token " + name, true, false},
		{words("decreaseAllowance(address,uint256)", to, 5), TokenApproval, "Allow 5 FEWER units of token " + name, false, false},
		{words("approve(address,address,uint160,uint48)", from, to, 5, 1700000000), TokenApproval, "Allow 5 units of token " + owner + " through " + name + " until second 1700000000", false, false},
		{words("increaseApproval(address,uint256)", to, 5), TokenApproval, "Allow 5 MORE units of token " + name, false, false},
		{words("increaseApproval(address,uint256)", to, all), TokenApproval, "Allow UNLIMITED MORE units of token " + name, true, false},
		{words("decreaseApproval(address,uint256)", to, 5), TokenApproval, "Allow 5 FEWER units of token " + name, false, false},
		{words("permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)", from, from, new(big.Int).Sub(pow2(160), big.NewInt(1)), 1700000000, 3, to, 9, 256, 65, 1, 1, 27), TokenPermit, "Permit UNLIMITED units of token " + owner + " of " + owner + " through " + name + " until second 1700000000", true, true},
		{words("permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)", from, from, 5, 0, 3, to, 9, 256, 0), TokenPermit, "Permit 5 units of token " + owner + " of " + owner + " through " + name + " until second 0", false, false},
		{words("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", from, to, all, 1, 27, 1, 1), TokenPermit, "Permit UNLIMITED units of token " + name + " of " + owner, true, true},
		{words("permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)", from, to, 0, 0, 1, 27, 1, 1), TokenPermit, "Permit UNLIMITED units of token " + name + " of " + owner, true, true},
		{words("permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)", from, to, 0, 0, 0, 27, 1, 1), TokenPermit, "End the permit for token " + name + " of " + owner, false, true},
		{words("permit(address,uint256,uint256,uint8,bytes32,bytes32)", to, 0, 1, 27, 1, 1), TokenPermit, "Permit NFT no. 0 of " + name, false, true},
		{words("permit(address,uint256,uint256,bytes)", to, 9, 1, 128, 1, 1), TokenPermit, "Permit NFT no. 9 of " + name, false, true},
		{words("transferFrom(address,address,uint256)", from, to, 0), TokenTransferFrom, "NFT no. 0 or 0 units of token " + name + " of " + owner, false, false},
		{words("safeTransferFrom(address,address,uint256)", from, to, 9), NFTTransfer, "NFT no. 9 of " + name + " of " + owner, false, false},
		{words("safeTransferFrom(address,address,uint256,bytes)", from, to, 9, 128, 0), NFTTransfer, "NFT no. 9 of " + name + " of " + owner, false, false},
		{words("safeTransferFrom(address,address,uint256,bytes)", from, to, 9, 128, 1, 1), NFTTransfer, "NFT no. 9 of " + name + " of " + owner, false, true},
		{words("safeTransferFrom(address,address,uint256,uint256,bytes)", from, to, 9, 3, 160, 0), NFTTransfer, "3 of NFT no. 9 of " + name + " of " + owner, false, false},
		{words("safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)", from, to, 1, 2, 3), NFTTransfer, "Several NFTs of " + name + " of " + owner, false, true},
		{words("setApprovalForAll(address,bool)", to, 1), ApprovalForAll, "Allow ALL NFTs and tokens of " + name, true, false},
		{words("setApprovalForAll(address,bool)", to, 0), ApprovalForAll, "End the permission for all of " + name, false, false},
		{words("transferAndCall(address,uint256)", to, 5), TokenTransfer, "5 units of token " + name + " with a call", false, false},
		{words("transferAndCall(address,uint256,bytes)", to, 5, 96, 1, 1), TokenTransfer, "5 units of token " + name + " with a call", false, true},
		{words("transferFromAndCall(address,address,uint256)", from, to, 5), TokenTransferFrom, "5 units of token " + name + " of " + owner + " with a call", false, false},
		{words("transferFromAndCall(address,address,uint256,bytes)", from, to, 5, 128, 0), TokenTransferFrom, "5 units of token " + name + " of " + owner + " with a call", false, false},
		{words("approveAndCall(address,uint256)", to, 5), TokenApproval, "Allow 5 units of token " + name + " with a call", false, false},
		{words("approveAndCall(address,uint256)", to, all), TokenApproval, "Allow UNLIMITED units of token " + name + " with a call", true, false},
		{words("approveAndCall(address,uint256,bytes)", to, all, 96, 1, 1), TokenApproval, "Allow UNLIMITED units of token " + name + " with a call", true, true},
		{words("send(address,uint256,bytes)", to, 5, 96, 0), TokenTransfer, "5 units of token " + name + " with a call", false, false},
		{words("authorizeOperator(address)", to), ApprovalForAll, "Allow ALL units of token " + name, true, false},
		{words("revokeOperator(address)", to), ApprovalForAll, "End the permission for all of " + name, false, false},
		{words("transfer(address,uint256,uint256)", to, 9, 5), TokenTransfer, "5 units of token no. 9 of " + name, false, false},
		{words("transferFrom(address,address,uint256,uint256)", from, to, 9, 5), TokenTransferFrom, "5 units of token no. 9 of " + name + " of " + owner, false, false},
		{words("approve(address,uint256,uint256)", to, 9, all), TokenApproval, "Allow UNLIMITED units of token no. 9 of " + name, true, false},
		{words("setOperator(address,bool)", to, 1), ApprovalForAll, "Allow ALL tokens of " + name, true, false},
		{words("setOperator(address,bool)", to, 0), ApprovalForAll, "End the permission for all of " + name, false, false},
		{words("allow(address,bool)", to, 1), ApprovalForAll, "Allow ALL of " + name, true, false},
		{words("allow(address,bool)", to, 0), ApprovalForAll, "End the permission for all of " + name, false, false},
		{words("approveDelegation(address,uint256)", to, all), TokenApproval, "Allow to BORROW UNLIMITED units of " + name, true, false},
		{words("permit(address,address,uint256,uint256,bytes)", from, to, all, 1, 160, 65, 1, 1, 27), TokenPermit, "Permit UNLIMITED units of token " + name + " of " + owner, true, true},
		{words("transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)", from, to, 5, 0, 1, 2, 27, 3, 4), TokenTransferFrom, "5 units of token " + name + " of " + owner, false, true},
		{words("receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)", from, to, 5, 0, 1, 2, 27, 3, 4), TokenTransferFrom, "5 units of token " + name + " of " + owner, false, true},
		{words("transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)", from, to, 5, 0, 1, 2, 224, 65, 3, 4, 27), TokenTransferFrom, "5 units of token " + name + " of " + owner, false, true},
		{words("receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)", from, to, 5, 0, 1, 2, 224, 65, 3, 4, 27), TokenTransferFrom, "5 units of token " + name + " of " + owner, false, true},
		{words("operatorSend(address,address,uint256,bytes,bytes)", from, to, 5, 160, 192, 0, 0), TokenTransferFrom, "5 units of token " + name + " of " + owner + " with a call", false, false},
		{words("operatorSend(address,address,uint256,bytes,bytes)", from, to, 5, 160, 224, 1, 7, 0), TokenTransferFrom, "5 units of token " + name + " of " + owner + " with a call", false, true},
		{words("operatorSend(address,address,uint256,bytes,bytes)", from, to, 5, 160, 256, 33, 7, 7, 2, 9), TokenTransferFrom, "5 units of token " + name + " of " + owner + " with a call", false, true},
	} {
		tx := &Transaction{Type: TypeDynamicFee, ChainID: big.NewInt(1), To: &contract, Data: c.data}
		summarize := func() Summary { return must(tx.Summarize(Ether)) }
		s := summarize()
		require.Equal(t, c.payment, s.Payment)
		require.Equal(t, to.String(), s.Receiver, c.payment)
		require.Equal(t, [3]any{c.kind, c.unlimited, c.blind}, [3]any{s.Kind, s.Unlimited, s.Blind}, c.payment)
		require.Less(t, len(s.Payment), 256)

		// Of a call in another form, nothing is said but its selector.
		unknown := "0.0 ETH + unknown call " + hex.EncodeToString(c.data[:4])
		for what, data := range map[string][]byte{
			"trailing": append(append([]byte{}, c.data...), 0), "short": c.data[:4+31],
			"dirty": append(append(append([]byte{}, c.data[:4]...), 1), c.data[5:]...),
		} {
			if what == "trailing" && strings.HasPrefix(c.payment, "Several") {
				continue
			}
			tx.Data = data
			s := summarize()
			require.Equal(t, [2]any{Call, unknown}, [2]any{s.Kind, s.Payment}, what)
			require.True(t, s.Blind, what)
		}
		tx.Data, tx.Value = c.data, big.NewInt(1)
		require.Equal(t, Call, summarize().Kind, "with ether")
	}
	// true is 1 and nothing else.
	tx := &Transaction{Type: TypeDynamicFee, ChainID: big.NewInt(1), To: &contract, Data: words("setApprovalForAll(address,bool)", to, 2)}
	require.Equal(t, Call, must(tx.Summarize(Ether)).Kind)
	// Permit2 has numbers of 160 and 48 bits.
	for _, c := range []struct {
		amount, until *big.Int
		kind          Kind
	}{
		{pow2(159), pow2(47), TokenApproval}, {pow2(160), big.NewInt(1), Call}, {big.NewInt(1), pow2(48), Call}, {all, all, Call},
	} {
		tx.Data = words("approve(address,address,uint160,uint48)", from, to, c.amount, c.until)
		require.Equal(t, c.kind, must(tx.Summarize(Ether)).Kind)
	}
	for _, c := range []struct {
		amount, until, at any
		kind              Kind
	}{
		{pow2(159), pow2(47), 256, TokenPermit}, {pow2(160), 1, 256, Call}, {1, pow2(48), 256, Call}, {1, 1, 0, Call}, {1, 1, 512, Call}, {1, 1, 1 << 16, Call},
	} {
		tx.Data = words("permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)", from, from, c.amount, c.until, 3, to, 9, c.at, 0)
		s := must(tx.Summarize(Ether))
		require.Equal(t, c.kind, s.Kind)
		if c.kind == TokenPermit {
			require.Equal(t, from, *s.Token, "the token and not the contract that is called")
		}
	}
	// The bytes of a call follow the words one after another, and nothing else does.
	for what, arguments := range map[string][]any{
		"swapped": {from, to, 5, 192, 160, 0, 0}, "shared": {from, to, 5, 160, 160, 0}, "a gap": {from, to, 5, 160, 224, 0, 0, 0},
		"before": {from, to, 5, 128, 192, 0, 0}, "beyond": {from, to, 5, 160, 192, 0}, "long": {from, to, 5, 160, 224, 33, 7, 0},
		"an offset that wraps": {from, to, 5, new(big.Int).Add(pow2(64), big.NewInt(160)), 192, 0, 0},
		"a length that wraps":  {from, to, 5, 160, 192, pow2(32), 0}, "the longest": {from, to, 5, 160, 192, new(big.Int).Sub(pow2(32), big.NewInt(1)), 0},
	} {
		tx.Data = words("operatorSend(address,address,uint256,bytes,bytes)", arguments...)
		require.Equal(t, Call, must(tx.Summarize(Ether)).Kind, what)
	}
	// What would be cut on the screen is not said at all.
	tx.Data = words("safeTransferFrom(address,address,uint256,uint256,bytes)", from, to, all, all, 160, 0)
	require.Equal(t, Call, must(tx.Summarize(Ether)).Kind)
	require.True(t, must(tx.Summarize(Ether)).Blind)
}

// TestSymbols checks whose word the symbol is. A site could call ether by the name of a cheap coin.
func TestSymbols(t *testing.T) {
	to := someone
	for id, want := range map[int64]string{1: "1.0 ETH", 137: "1.0 POL", 56: "1.0 BNB", 8453: "1.0 ETH", 30: "1.0 RBTC", 42: "1.0 DOGE (the site's word)", 31337: "1.0 ETH", 987654321: "1.0 DOGE (the site's word)"} {
		tx := &Transaction{Type: TypeDynamicFee, ChainID: big.NewInt(id), To: &to, Value: pow10(18)}
		s := must(tx.Summarize(Native{"DOGE", 18}))
		require.Equal(t, want, s.Payment)
		require.Equal(t, id == 987654321 || id == 42, slices.Contains(s.Notes, NoteCallersSymbol))
	}
	// A coin that is worth more than ether could be called ETH, by the site or because the site says nothing.
	for _, id := range []*big.Int{big.NewInt(29), big.NewInt(987654321), pow2(64)} {
		tx := &Transaction{Type: TypeDynamicFee, ChainID: id, To: &to, Value: pow10(18), Gas: 21000, MaxFeePerGas: big.NewInt(1e9)}
		s := must(tx.Summarize(Ether))
		require.Equal(t, [2]string{"1.0 ETH (the site's word)", "0.000021 ETH (the site's word)"}, [2]string{s.Payment, s.Fee})
		require.Equal(t, []string{NoteCallersSymbol}, s.Notes)
	}
	huge := &Transaction{ChainID: pow2(64), GasPrice: big.NewInt(0), To: &to}
	require.Equal(t, []string{NoteCallersSymbol}, must(huge.Summarize(Native{"DOGE", 18})).Notes)
	seen := map[uint64]bool{}
	for _, id := range append(etherChains[:], dataFeeChains[:]...) {
		require.False(t, seen[id], id)
		seen[id] = true
	}
	for _, c := range coinChains {
		require.False(t, seen[c.id], c.id)
		seen[c.id] = true
		require.NoError(t, Native{c.symbol, 18}.check())
	}
}

func pow10(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

// TestFeeSaysAll checks what the fee says besides the number: a rollup's fee for data, and that no chain is named.
func TestFeeSaysAll(t *testing.T) {
	to := someone
	tx := &Transaction{Gas: 21000, GasPrice: big.NewInt(6e9), To: &to}
	s := must(tx.Summarize(Ether))
	require.Equal(t, []string{NoteEveryChain}, s.Notes)
	require.Equal(t, "0.000126 ETH, valid on EVERY chain", s.Fee)
	for id, dataFee := range map[int64]bool{1: false, 10: true, 8453: true, 534352: true, 42161: false, 204: true} {
		tx.ChainID = big.NewInt(id)
		s := must(tx.Summarize(Ether))
		require.Equal(t, dataFee, slices.Contains(s.Notes, NoteDataFee), id)
		require.NotContains(t, s.Notes, NoteEveryChain)
		require.Equal(t, dataFee, strings.HasSuffix(s.Fee, " + data fee"), id)
	}
}

// TestDelegations checks that a transaction of type 4 says which contract gets control, and where.
func TestDelegations(t *testing.T) {
	to, code := someone, Address{19: 7}
	a, end := Authorization{ChainID: big.NewInt(1), Address: code, Nonce: 3}, Authorization{}
	tx := &Transaction{Type: TypeSetCode, ChainID: big.NewInt(1), To: &to, AuthorizationList: []Authorization{a, end}}
	s := must(tx.Summarize(Ether))
	require.Equal(t, "0.0 ETH + FULL CONTROL of an account by the code at "+code.String()+" on chain 1 + END of a delegation on EVERY chain", s.Payment)
	require.Equal(t, []string{NoteDelegation}, s.Notes)
	require.True(t, s.Blind)
	tx.AuthorizationList = []Authorization{end}
	require.Empty(t, must(tx.Summarize(Ether)).Notes)
	tx.AuthorizationList = []Authorization{end, end, end, end, a}
	s = must(tx.Summarize(Ether))
	require.True(t, strings.HasSuffix(s.Payment, " + 2 MORE delegations"), s.Payment)
	require.Equal(t, []string{NoteDelegation}, s.Notes, "also for one that is not named")
}
