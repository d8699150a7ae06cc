package rlp

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
)

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestKnownEncodings(t *testing.T) {
	long := bytes.Repeat([]byte{'x'}, 56)
	for text, i := range map[string]Item{
		"80":                                  String(nil),
		"00":                                  String([]byte{0}),
		"7f":                                  String([]byte{0x7F}),
		"8180":                                String([]byte{0x80}),
		"83646f67":                            String([]byte("dog")),
		"c0":                                  List(),
		"c88363617483646f67":                  List(String([]byte("cat")), String([]byte("dog"))),
		"c7c0c1c0c3c0c1c0":                    List(List(), List(List()), List(List(), List(List()))),
		"c20180":                              List(Uint(1), Uint(0)),
		"820400":                              Uint(1024),
		"88ffffffffffffffff":                  Uint(1<<64 - 1),
		"89010000000000000000":                Big(new(big.Int).Lsh(big.NewInt(1), 64)),
		"b7" + strings.Repeat("78", 55):       String(long[1:]),
		"b838" + strings.Repeat("78", 56):     String(long),
		"f83ab838" + strings.Repeat("78", 56): List(String(long)),
		"b90100" + strings.Repeat("00", 256):  String(make([]byte, 256)),
	} {
		require.Equal(t, text, hex.EncodeToString(i.Encode()))
		got, err := Decode(unhex(t, text))
		require.NoError(t, err)
		require.Equal(t, text, hex.EncodeToString(got.Encode()))
	}
	require.Equal(t, Big(nil).Encode(), Uint(0).Encode())
}

func TestRefused(t *testing.T) {
	for _, text := range []string{
		"", "80 00", "c0 c0", // nothing, and more than one item
		"81", "83 6161", "b8", "b838", "b8 38" + strings.Repeat("61", 55), "c1", "c3 8161", "f8", "f8 38", // truncated
		"81 00", "81 7f", // a byte that stands for itself
		"b8 37" + strings.Repeat("61", 55), "f8 37" + strings.Repeat("61", 55), // long where short does
		"b9 0038" + strings.Repeat("61", 56), "f9 0038" + strings.Repeat("61", 56), // leading zeros in a length
		"b8 00", "f8 00", "bf ffffffffffffffff", "ff ffffffffffffffff", "bf 7fffffffffffffff", "bf 8000000000000000 61",
		"c2 81 80 80", "c1 83", // an item that its list cuts off
		strings.Repeat("c1", 55) + "00",
	} {
		_, err := Decode(unhex(t, text))
		require.ErrorIs(t, err, errcode.InvalidArgument, text)
	}
}

func TestDepth(t *testing.T) {
	i := List()
	for range MaxDepth {
		i = List(i)
	}
	_, err := Decode(i.Encode())
	require.NoError(t, err)
	_, err = Decode(List(i).Encode())
	require.ErrorIs(t, err, errcode.InvalidArgument)
}

func TestIntegers(t *testing.T) {
	for _, n := range []uint64{0, 1, 127, 128, 255, 256, 1<<32 - 1, 1 << 32, 1<<64 - 1} {
		got, err := Uint(n).Uint64()
		require.NoError(t, err)
		require.Equal(t, n, got)
	}
	for _, c := range []struct {
		i    Item
		bits int
	}{
		{String([]byte{0}), 64}, {String([]byte{0, 1}), 64}, {List(), 64}, {String(make([]byte, 9)), 64},
		{String([]byte{1, 0}), 8}, {String([]byte{2}), 1}, {String(bytes.Repeat([]byte{1}, 33)), 256},
	} {
		_, err := c.i.Big(c.bits)
		require.ErrorIs(t, err, errcode.InvalidArgument)
	}
	_, err := String(bytes.Repeat([]byte{1}, 9)).Uint64()
	require.ErrorIs(t, err, errcode.InvalidArgument)
}

// FuzzDecode checks that a decoded item encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"80", "c0", "8180", "c88363617483646f67", "f83ab838" + strings.Repeat("78", 56), "b90100" + strings.Repeat("00", 256)} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := Decode(b)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			return
		}
		require.Equal(t, b, i.Encode())
	})
}
