package base58

import (
	"bytes"
	"encoding/hex"
	"strings"
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

func TestCheckDecode(t *testing.T) {
	for _, b := range [][]byte{{}, {0}, {0, 0, 0}, {1}, []byte("imkey"), bytes.Repeat([]byte{0xFF}, 78)} {
		got, ok := CheckDecode(CheckEncode(b))
		require.True(t, ok)
		require.Equal(t, b, got)
	}
	const address = "TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2"
	for _, text := range []string{
		"", "1", "3MNQE1W", strings.Repeat("1", MaxText+1), address[1:], "1" + address, address + "1", address[:33] + "3", "t" + address[1:],
		address[:33] + "0", address[:33] + "\u00e9", " " + address,
	} {
		_, ok := CheckDecode(text)
		require.False(t, ok, text)
	}
}

// FuzzCheckDecode checks that what is read encodes to the same text.
func FuzzCheckDecode(f *testing.F) {
	f.Add("TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2")
	f.Add("1Wh4bh")
	f.Fuzz(func(t *testing.T, text string) {
		if b, ok := CheckDecode(text); ok {
			require.Equal(t, text, CheckEncode(b))
		}
	})
}
