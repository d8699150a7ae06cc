package ethereum

import (
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTokens(t *testing.T) {
	seen := map[Token]bool{}
	for _, token := range Tokens {
		require.Regexp(t, `^0x[0-9a-fA-F]{40}$`, token.Contract, token.Symbol)
		contract, err := hex.DecodeString(token.Contract[2:])
		require.NoError(t, err)
		require.Equal(t, checksummed(contract), token.Contract, "%s: EIP-55 says which letters are capitals", token.Symbol)
		require.Regexp(t, `^[!-~]{1,11}$`, token.Symbol)
		require.LessOrEqual(t, token.Decimals, 36, token.Symbol)
		require.NotZero(t, token.ChainID, token.Symbol)
		place := Token{ChainID: token.ChainID, Contract: token.Contract}
		require.False(t, seen[place], "%s stands twice", token.Symbol)
		seen[place] = true

		chain := new(big.Int).SetUint64(token.ChainID)
		u, known := tokenOf(chain, contract)
		require.True(t, known)
		require.Equal(t, unit{token.Symbol, token.Decimals}, u)
		_, known = tokenOf(new(big.Int).Lsh(big.NewInt(1), 64), contract)
		require.False(t, known, "another chain")
		_, known = tokenOf(chain.Add(chain, new(big.Int).Lsh(big.NewInt(1), 64)), contract)
		require.False(t, known, "a chain whose id has the same low bits")
	}
}

func TestCoins(t *testing.T) {
	require.Equal(t, unit{"ETH", 18}, coinOf(big.NewInt(0)), "before EIP-155")
	require.Equal(t, unit{"ETH", 18}, coinOf(big.NewInt(1)))
	require.Equal(t, unit{"BNB", 18}, coinOf(big.NewInt(56)))
	bnb := new(big.Int).Lsh(big.NewInt(1), 64)
	require.Equal(t, unit{"ETH", 18}, coinOf(bnb.Add(bnb, big.NewInt(56))))
}
