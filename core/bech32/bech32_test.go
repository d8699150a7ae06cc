package bech32

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// valid are the valid texts of BIP-173 and BIP-350.
var valid = map[string]Variant{
	"A12UEL5L": Bech32,
	"a12uel5l": Bech32,
	"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs": Bech32,
	"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw":                                              Bech32,
	"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w":                               Bech32,
	"?1ezyfcl": Bech32,
	"A1LQFN3A": Bech32m,
	"a1lqfn3a": Bech32m,
	"abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx":                Bech32m,
	"split1checkupstagehandshakeupstreamerranterredcaperredlc445v": Bech32m,
	"?1v759aa": Bech32m,
}

func TestDecode(t *testing.T) {
	for text, want := range valid {
		prefix, values, v, ok := Decode(text)
		require.True(t, ok, text)
		require.Equal(t, want, v, text)
		require.Equal(t, strings.ToLower(text), Encode(prefix, values, v))
	}
	for _, text := range []string{
		// BIP-173
		"\x201nwldj5", "\x7f1axkwrx", "\x801eym55h", "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
		"pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "de1lg7wt\xff", "A1G7SGD8", "10a06t8", "1qzzfhee",
		// BIP-350
		"\x201xj0phk", "\x7f1g6xzxy", "\x801vctc34", "qyrz8wqd2c9m", "1qyrz8wqd2c9m", "y1b0jsk6g", "lt1igcx5c0", "in1muywd", "mm1crxm3i",
		"au1s5cgom", "M1VUXWEZ", "16plkw9", "1p2gdwpf",
		// both cases, a letter that becomes an ASCII one in small letters, and no text
		"A12uEL5L", "a12UEL5L", "A12UEL5L\u212a", "",
	} {
		_, _, _, ok := Decode(text)
		require.False(t, ok, text)
	}
}

func TestBits(t *testing.T) {
	for n := range 45 {
		b := bytes.Repeat([]byte{0xA7}, n)
		values := FromBytes(b)
		got, ok := ToBytes(values)
		require.True(t, ok)
		require.True(t, bytes.Equal(b, got))
	}
	for name, values := range map[string][]byte{"a value too many": {0}, "no zeros at the end": {0, 1}} {
		_, ok := ToBytes(values)
		require.False(t, ok, name)
	}
}

// FuzzDecode checks that what is read encodes to the same text.
func FuzzDecode(f *testing.F) {
	for text := range valid {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		prefix, values, v, ok := Decode(text)
		if !ok {
			return
		}
		require.Equal(t, strings.ToLower(text), Encode(prefix, values, v))
		if b, ok := ToBytes(values); ok {
			require.True(t, bytes.Equal(values, FromBytes(b)))
		}
	})
}
