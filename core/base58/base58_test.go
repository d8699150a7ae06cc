package base58

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckEncode(t *testing.T) {
	for in, want := range map[string]string{
		// Addresses of version 0 begin with 1. The second is the address of 20 zero bytes.
		"00010966776006953D5567439E5E39F86A0D273BEE": "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM",
		"000000000000000000000000000000000000000000": "1111111111111111111114oLvT2",
		"": "3QJmnh",
	} {
		b, err := hex.DecodeString(in)
		require.NoError(t, err)
		require.Equal(t, want, CheckEncode(b))
	}
}
