package ethereum

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAmounts(t *testing.T) {
	for _, c := range []struct{ wei, want string }{
		{"0", "0.0 ETH"}, {"1", "0.000000000000000001 ETH"}, {"1000000000000000000", "1.0 ETH"},
		{"100000000000000000", "0.1 ETH"}, {"1234500000000000000000", "1234.5 ETH"}, {"126000000000000", "0.000126 ETH"},
	} {
		require.Equal(t, c.want, format(decimal(c.wei), "ETH"))
	}
	require.Equal(t, "0.0 ETH", format(nil, "ETH"))
}

// Fees are rounded up, so that the screen never shows less than what can be paid.
func TestFees(t *testing.T) {
	for _, c := range []struct{ wei, want string }{
		{"126000000000000", "0.000126 ETH"}, {"126000000000001", "0.000126001 ETH"},
		{"126000999999999", "0.000126001 ETH"}, {"126001000000000", "0.000126001 ETH"},
		{"1", "0.000000001 ETH"}, {"0", "0.0 ETH"}, {"999999999999999999", "1.0 ETH"},
	} {
		require.Equal(t, c.want, format(ceilGwei(decimal(c.wei)), "ETH"), c.wei)
	}
}

func call(selector string, to Address, amount *big.Int) []byte {
	b := append([]byte{}, must(hexBytes(selector))...)
	b = append(b, make([]byte, 12)...)
	b = append(b, to[:]...)
	return append(b, amount.FillBytes(make([]byte, 32))...)
}

func hexBytes(s string) ([]byte, error) {
	i, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return i.FillBytes(make([]byte, len(s)/2)), nil
}

func TestSummaries(t *testing.T) {
	token := must(ParseAddress("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"))
	less := func(bits uint, by int64) *big.Int { return new(big.Int).Sub(pow2(bits), big.NewInt(by)) }
	all := less(256, 1)
	base := func() *Transaction {
		return &Transaction{Type: TypeDynamicFee, ChainID: big.NewInt(1), Gas: 21000, MaxFeePerGas: decimal("6000000001"), MaxPriorityFeePerGas: big.NewInt(1),
			To: &token, Value: new(big.Int)}
	}
	const fee = "0.000126001 ETH" // of 126000.000021 gwei
	for name, c := range map[string]struct {
		change func(*Transaction)
		want   Summary
	}{
		"ether": {func(t *Transaction) { t.Value = decimal("1500000000000000000") },
			Summary{Kind: Transfer, Payment: "1.5 ETH", Receiver: token.String()}},
		"nothing": {func(t *Transaction) { t.Value = nil }, Summary{Kind: Transfer, Payment: "0.0 ETH", Receiver: token.String()}},
		"a token's transfer": {func(t *Transaction) { t.Data = call("a9059cbb", someone, big.NewInt(1000000)) },
			Summary{Kind: TokenTransfer, Payment: "1000000 units of token " + token.String(), Receiver: someone.String(), Token: &token, Amount: big.NewInt(1000000)}},
		"an approval": {func(t *Transaction) { t.Data = call("095ea7b3", someone, big.NewInt(5)) },
			Summary{Kind: TokenApproval, Payment: "Allow NFT no. 5 or 5 units of token " + token.String(), Receiver: someone.String(), Token: &token, Amount: big.NewInt(5)}},
		"an approval of 0, which gives away an NFT": {func(t *Transaction) { t.Data = call("095ea7b3", someone, new(big.Int)) },
			Summary{Kind: TokenApproval, Payment: "Allow NFT no. 0 or 0 units of token " + token.String(), Receiver: someone.String(), Token: &token, Amount: new(big.Int)}},
		"an approval of all": {func(t *Transaction) { t.Data = call("095ea7b3", someone, all) },
			Summary{Kind: TokenApproval, Payment: "Allow UNLIMITED units of token " + token.String(), Receiver: someone.String(), Token: &token, Amount: all, Unlimited: true}},
		"an approval of all in 160 bits": {func(t *Transaction) { t.Data = call("095ea7b3", someone, less(160, 1)) },
			Summary{Kind: TokenApproval, Payment: "Allow UNLIMITED units of token " + token.String(), Receiver: someone.String(), Token: &token, Amount: less(160, 1), Unlimited: true}},
		"an approval of all in 96 bits": {func(t *Transaction) { t.Data = call("095ea7b3", someone, less(96, 1)) },
			Summary{Kind: TokenApproval, Payment: "Allow UNLIMITED units of token " + token.String(), Receiver: someone.String(), Token: &token, Amount: less(96, 1), Unlimited: true}},
		"an approval of 2^96": {func(t *Transaction) { t.Data = call("095ea7b3", someone, pow2(96)) },
			Summary{Kind: TokenApproval, Payment: "Allow NFT no. 79228162514264337593543950336 or UNLIMITED units of token " + token.String(), Receiver: someone.String(), Token: &token, Amount: pow2(96), Unlimited: true}},
		"an approval of 2^96-2": {func(t *Transaction) { t.Data = call("095ea7b3", someone, less(96, 2)) },
			Summary{Kind: TokenApproval, Payment: "Allow NFT no. 79228162514264337593543950334 or 79228162514264337593543950334 units of token " + token.String(), Receiver: someone.String(), Token: &token, Amount: less(96, 2)}},
		"a token's transfer of 2^96-1": {func(t *Transaction) { t.Data = call("a9059cbb", someone, less(96, 1)) },
			Summary{Kind: TokenTransfer, Payment: "79228162514264337593543950335 units of token " + token.String(), Receiver: someone.String(),
				Token: &token, Amount: less(96, 1)}},
		"a token's transfer with ether": {func(t *Transaction) { t.Data, t.Value = call("a9059cbb", someone, big.NewInt(1)), big.NewInt(1) },
			Summary{Kind: Call, Payment: "0.000000000000000001 ETH + unknown call a9059cbb", Receiver: token.String(), Blind: true}},
		"a token's transfer with more data": {func(t *Transaction) { t.Data = append(call("a9059cbb", someone, big.NewInt(1)), 0) },
			Summary{Kind: Call, Payment: "0.0 ETH + unknown call a9059cbb", Receiver: token.String(), Blind: true}},
		"a token's transfer with dirty padding": {func(t *Transaction) { t.Data = call("a9059cbb", someone, big.NewInt(1)); t.Data[4] = 1 },
			Summary{Kind: Call, Payment: "0.0 ETH + unknown call a9059cbb", Receiver: token.String(), Blind: true}},
		"another call": {func(t *Transaction) { t.Data = call("12345678", someone, big.NewInt(1)) },
			Summary{Kind: Call, Payment: "0.0 ETH + unknown call 12345678", Receiver: token.String(), Blind: true}},
		"a short call": {func(t *Transaction) { t.Data = []byte{1, 2, 3} },
			Summary{Kind: Call, Payment: "0.0 ETH + unknown call", Receiver: token.String(), Blind: true}},
		"a contract": {func(t *Transaction) { t.To, t.Data = nil, []byte{0x60} },
			Summary{Kind: Creation, Payment: "0.0 ETH", Receiver: "new contract", Blind: true}},
		"type 1": {func(t *Transaction) {
			t.Type, t.GasPrice, t.MaxFeePerGas, t.MaxPriorityFeePerGas = TypeAccessList, t.MaxFeePerGas, nil, nil
		},
			Summary{Kind: Transfer, Payment: "0.0 ETH", Receiver: token.String(), Blind: true}},
		"type 4": {func(t *Transaction) { t.Type, t.AuthorizationList = TypeSetCode, []Authorization{{}} },
			Summary{Kind: Transfer, Payment: "0.0 ETH + END of a delegation on EVERY chain", Receiver: token.String(), Blind: true}},
	} {
		t.Run(name, func(t *testing.T) {
			tx := base()
			c.change(tx)
			c.want.Fee = fee
			got, err := tx.Summarize(Ether)
			require.NoError(t, err)
			if got.Amount != nil && got.Amount.Sign() == 0 {
				got.Amount = new(big.Int) // with the same inner form as in want
			}
			require.Equal(t, c.want, got)
		})
	}
	for at, n := range map[string]Native{"symbol": {"", 18}, "symbol ": {strings.Repeat("E", 12), 18}, "symbol  ": {"E TH", 18}, "symbol   ": {"\u0415TH", 18},
		"symbol    ": {"E\nT", 18}, "symbol     ": {"E\x7fT", 18}, "decimals": {"ETH", 37}, "decimals ": {"ETH", 17}, "decimals  ": {"ETH", 0}} {
		_, err := base().Summarize(n)
		requireInvalid(t, strings.TrimSpace(at), err)
	}
	// The symbol is only shown. It does not decide which chains can be signed for.
	for _, symbol := range []string{"!", "~", "USDC.e", "$MYRO-2_x"} {
		tx := base()
		tx.ChainID = big.NewInt(987654321)
		s, err := tx.Summarize(Native{symbol, 18})
		require.NoError(t, err)
		require.Equal(t, "0.0 "+symbol+" (the site's word)", s.Payment)
	}
	// The longest strings fit the device.
	tx := base()
	tx.Type, tx.GasPrice, tx.MaxFeePerGas, tx.MaxPriorityFeePerGas = TypeLegacy, all, nil, nil
	tx.Gas, tx.Value, tx.Data = math.MaxUint64, all, []byte{1, 2, 3, 4}
	for _, n := range []Native{{"ABCDEFGHIJK", 18}} {
		tx.ChainID = nil
		s, err := tx.Summarize(n)
		require.NoError(t, err)
		require.Less(t, len(s.Payment), 256)
		require.Less(t, len(s.Fee), 256)
	}
}
