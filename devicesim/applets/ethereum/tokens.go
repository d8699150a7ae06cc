package ethereum

import (
	"math/big"
	"strings"
)

// Token is an ERC-20 token that the device knows: the screen shows amounts of it in its own unit.
type Token struct {
	ChainID  uint64
	Contract string // with the capitals of EIP-55
	Symbol   string
	Decimals int
}

// Tokens is the list of tokens. To add one, add a line. Which tokens a real device knows is not public.
var Tokens = []Token{
	{1, "0xdAC17F958D2ee523a2206206994597C13D831ec7", "USDT", 6},
	{1, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "USDC", 6},
	{1, "0x6B175474E89094C44Da98b954EedeAC495271d0F", "DAI", 18},
}

// coins are the symbols of native coins other than ETH, by chain id. Which ones a real device knows is not public.
var coins = map[uint64]string{56: "BNB", 100: "XDAI", 137: "POL", 250: "FTM", 43114: "AVAX"}

// unit is the unit of an amount.
type unit struct {
	symbol   string
	decimals int
}

// coinOf returns the unit of a chain's native coin.
func coinOf(chainID *big.Int) unit {
	if symbol, known := coins[chainID.Uint64()]; known && chainID.IsUint64() {
		return unit{symbol, 18}
	}
	return unit{"ETH", 18}
}

// tokenOf returns the unit of the token at an address, if the device knows it.
func tokenOf(chainID *big.Int, contract []byte) (u unit, known bool) {
	address := checksummed(contract)
	for _, t := range Tokens {
		if t.Contract == address && chainID.IsUint64() && chainID.Uint64() == t.ChainID {
			return unit{t.Symbol, t.Decimals}, true
		}
	}
	return unit{}, false
}

// format writes an amount exactly, with at least one decimal place and no trailing zeros after that: 1.0 ETH.
func (u unit) format(amount *big.Int) string {
	digits := amount.String()
	digits = strings.Repeat("0", max(0, u.decimals+1-len(digits))) + digits
	point := len(digits) - u.decimals
	fraction := strings.TrimRight(digits[point:], "0")
	if fraction == "" {
		fraction = "0"
	}
	return digits[:point] + "." + fraction + " " + u.symbol
}
