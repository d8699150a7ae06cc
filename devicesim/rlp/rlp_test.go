package rlp

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// encode encodes an item.
func encode(i Item) []byte {
	body, offset := i.Bytes, byte(0x80)
	if i.List {
		body, offset = nil, 0xC0
		for _, child := range i.Items {
			body = append(body, encode(child)...)
		}
	} else if len(body) == 1 && body[0] < 0x80 {
		return body
	}
	if len(body) <= 55 {
		return append([]byte{offset + byte(len(body))}, body...)
	}
	var length []byte
	for n := len(body); n > 0; n >>= 8 {
		length = append([]byte{byte(n)}, length...)
	}
	return append(append([]byte{offset + 55 + byte(len(length))}, length...), body...)
}

func TestDecode(t *testing.T) {
	for in, want := range map[string]Item{
		"00":         {Bytes: []byte{0}},
		"7f":         {Bytes: []byte{0x7f}},
		"80":         {Bytes: []byte{}},
		"8180":       {Bytes: []byte{0x80}},
		"83646f67":   {Bytes: []byte("dog")},
		"c0":         {List: true},
		"c20180":     {List: true, Items: []Item{{Bytes: []byte{1}}, {Bytes: []byte{}}}},
		"c3c0c101":   {List: true, Items: []Item{{List: true}, {List: true, Items: []Item{{Bytes: []byte{1}}}}}},
		"c4c3c2c1c0": {List: true, Items: []Item{{List: true, Items: []Item{{List: true, Items: []Item{{List: true, Items: []Item{{List: true}}}}}}}}},
	} {
		b, err := hex.DecodeString(in)
		require.NoError(t, err)
		got, err := Decode(b)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, n := range []int{55, 56, 255, 256, 65535, 65536} {
		b := encode(Item{Bytes: bytes.Repeat([]byte{7}, n)})
		got, err := Decode(b)
		require.NoError(t, err)
		require.Len(t, got.Bytes, n)
	}
}

func TestMalformed(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                         "",
		"something after it":              "8000",
		"a byte that is its own encoding": "817f",
		"a truncated string":              "8201",
		"a truncated list":                "c201",
		"a child longer than its list":    "c18201",
		"a long form of a short string":   "b837" + strings.Repeat("01", 55),
		"a leading zero in the length":    "b90038" + strings.Repeat("01", 56),
		"a truncated length":              "b9",
		"a length of eight bytes":         "bf" + strings.Repeat("ff", 8),
		"a list's length of eight bytes":  "ff" + strings.Repeat("ff", 8),
		"lists without end":               "c5c4c3c2c1c0",
	} {
		b, err := hex.DecodeString(in)
		require.NoError(t, err)
		_, err = Decode(b)
		require.ErrorIs(t, err, ErrMalformed, name)
	}
}

func TestShapes(t *testing.T) {
	require.True(t, Item{Bytes: []byte{1, 0}}.Integer(2))
	require.True(t, Item{}.Integer(0))
	require.False(t, Item{Bytes: []byte{0, 1}}.Integer(2))
	require.False(t, Item{Bytes: []byte{1, 0, 0}}.Integer(2))
	require.False(t, Item{List: true}.Integer(2))
	require.True(t, Item{Bytes: make([]byte, 20)}.Fixed(20))
	require.False(t, Item{Bytes: make([]byte, 19)}.Fixed(20))
	require.False(t, Item{List: true}.Fixed(0))
}

// FuzzDecode checks that a decoded item encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"80", "c20180", "c4c3c2c1c0", "e7088504a817c8088302e248943535353535353535353535353535353535353535820200801c8080", "b838" + strings.Repeat("01", 56)} {
		b, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		item, err := Decode(b)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			return
		}
		require.True(t, bytes.Equal(b, encode(item)))
	})
}
