package protobuf_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/protobuf"
)

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func TestParse(t *testing.T) {
	fields, err := protobuf.Parse("x", unhex(t, "0896011203616263"+"1200"+"98ff03ffffffffffffffffff01"))
	require.NoError(t, err)
	require.Equal(t, []protobuf.Field{
		{Number: 1, Value: 150}, {Number: 2, Bytes: []byte("abc"), IsBytes: true}, {Number: 2, Bytes: []byte{}, IsBytes: true},
		{Number: 8179, Value: 1<<64 - 1},
	}, fields)
	for name, b := range map[string]string{
		"field 0":                          "0001",
		"fixed size":                       "0d01020304",
		"a group":                          "0b0c",
		"a key without a value":            "08",
		"truncated bytes":                  "120361",
		"a truncated number":               "0880",
		"a number in two forms":            "088000",
		"a key in two forms":               "880001",
		"more than 64 bits":                "08ffffffffffffffffff02",
		"eleven bytes":                     "08ffffffffffffffffffff01",
		"a number of a field out of range": "888080800801" + "01",
		"a length out of range":            "12ffffffffffffffffff01",
		"another order":                    "12000801",
	} {
		_, err := protobuf.Parse("x", unhex(t, b))
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
	}
}

func TestRead(t *testing.T) {
	m := protobuf.Read("x", unhex(t, "0805"+"120161"+"1a0162"+"1a00"+"2001"))
	require.EqualValues(t, 5, m.Number(1))
	require.Equal(t, []byte("a"), m.Bytes(2))
	require.Equal(t, [][]byte{[]byte("b"), {}}, m.Repeated(3))
	require.Zero(t, m.Number(5))
	require.Nil(t, m.Bytes(5))
	require.Empty(t, m.Repeated(5))
	require.ErrorIs(t, m.Err(), errcode.InvalidArgument, "field 4 was not read")
	require.Zero(t, m.Number(4), "nothing is read after an error")

	m = protobuf.Read("x", unhex(t, "0805"))
	require.True(t, m.Rest())
	require.False(t, m.Rest())
	require.NoError(t, m.Err())

	for name, b := range map[string]string{
		"zero":       "0800",
		"negative":   "08ffffffffffffffffff01",
		"twice":      "08010801",
		"bytes":      "0a0161",
		"malformed":  "08",
		"left after": "08011001",
	} {
		m := protobuf.Read("x", unhex(t, b))
		m.Number(1)
		require.ErrorIs(t, m.Err(), errcode.InvalidArgument, name)
	}
	for name, b := range map[string]string{"empty": "0a00", "twice": "0a01610a0161", "a number": "0801"} {
		m := protobuf.Read("x", unhex(t, b))
		m.Bytes(1)
		require.ErrorIs(t, m.Err(), errcode.InvalidArgument, name)
	}
}

// FuzzParse checks that what is read encodes to the same bytes.
func FuzzParse(f *testing.F) {
	f.Add(unhex(f, "0896011203616263120098ff03ffffffffffffffffff01"))
	f.Add(unhex(f, "0a02a1b22208c3d4e5f60718293a40e8c7a0b4e7335a67080112630a2d747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e5472616e73666572436f6e747261637412320a1541f2061f0d467c6b3341713a7362cb39f5a88cefc8121541547b45770ee4401494c9157e8263e7a133cbd88d18c0843d7098f79cb4e733"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fields, err := protobuf.Parse("x", b)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			return
		}
		var again []byte
		for _, field := range fields {
			again = protobuf.Append(again, field)
		}
		require.Equal(t, string(b), string(again))
	})
}
