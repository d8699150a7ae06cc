package tlv_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/tlv"
)

func TestLengths(t *testing.T) {
	for n, header := range map[int]string{
		0: "9300", 1: "9301", 0x7F: "937F", 0x80: "938180", 0xFF: "9381FF", 0x100: "93820100", 0xFFFF: "9382FFFF",
	} {
		value := bytes.Repeat([]byte{0xA5}, n)
		b := tlv.Append(nil, 0x93, value)
		require.Equal(t, header, hexUpper(b[:len(b)-n]))
		got, rest, err := tlv.Next(append(b, 0xEE))
		require.NoError(t, err)
		require.Equal(t, []byte{0xEE}, rest)
		require.Equal(t, uint16(0x93), got.Tag)
		require.True(t, bytes.Equal(value, got.Value))
		require.True(t, bytes.Equal(b, got.Raw))
	}
	require.Panics(t, func() { tlv.Append(nil, 0x93, make([]byte, 0x10000)) })
}

func TestTags(t *testing.T) {
	all, err := tlv.All(unhex(t, "42020001 5F200401020304 7F4903B00100 BF2000 9300"))
	require.NoError(t, err)
	var tags []uint16
	for _, f := range all {
		tags = append(tags, f.Tag)
	}
	require.Equal(t, []uint16{0x42, 0x5F20, 0x7F49, 0xBF20, 0x93}, tags)
	all, err = tlv.All(nil)
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestRefused(t *testing.T) {
	for name, b := range map[string]string{
		"half a tag":                      "5F",
		"a tag of three bytes":            "5F8101 00",
		"a long tag that fits in one":     "5F1E 00",
		"no length":                       "93",
		"no length after a long tag":      "5F20",
		"an indefinite length":            "9380 00 0000",
		"81 without its byte":             "9381",
		"81 that fits in one":             "93817F" + repeat("00", 0x7F),
		"82 without its bytes":            "9382 01",
		"82 that fits in 81":              "938200FF" + repeat("00", 0xFF),
		"a length of three bytes":         "9383000100" + repeat("00", 0x100),
		"a reserved length":               "93FF",
		"a value one short":               "9302 00",
		"a value that is not there":       "9301",
		"a long value one short":          "938180" + repeat("00", 0x7F),
		"a second TLV that is cut off":    "9300 42",
		"a zero too many after the whole": "9300 00",
	} {
		_, err := tlv.All(unhex(t, b))
		require.ErrorIs(t, err, errcode.Protocol, name)
	}
}

// FuzzAll checks that parsed TLVs encode to the same bytes, and that a value does not reach beyond its input.
func FuzzAll(f *testing.F) {
	for _, s := range []string{"", "42020001", "5F2004010203049300", "7F4903B00100", "938180" + repeat("11", 0x80), "93817F", "BF2181"} {
		b, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := tlv.All(b)
		if err != nil {
			require.ErrorIs(t, err, errcode.Protocol)
			require.Nil(t, all)
			return
		}
		var again []byte
		for _, v := range all {
			require.True(t, bytes.HasSuffix(v.Raw, v.Value))
			again = tlv.Append(again, v.Tag, v.Value)
		}
		require.True(t, bytes.Equal(b, again))
	})
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
	require.NoError(t, err)
	return b
}

func hexUpper(b []byte) string { return string(bytes.ToUpper([]byte(hex.EncodeToString(b)))) }

func repeat(s string, n int) string { return string(bytes.Repeat([]byte(s), n)) }
