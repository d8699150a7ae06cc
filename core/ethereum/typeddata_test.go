package ethereum

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/keccak"
)

// edgeCases are documents with the digests of eth-sig-util. A digest is nil if the document is refused; the file says when.
func edgeCases(t testing.TB) (cases []struct {
	Name     string
	Document map[string]any
	V3, V4   *string
}) {
	b, err := os.ReadFile("testdata/eip712.json")
	require.NoError(t, err)
	file := struct{ Cases any }{&cases}
	require.NoError(t, json.Unmarshal(b, &file))
	return cases
}

func TestTypedDataEdgeCases(t *testing.T) {
	cases := edgeCases(t)
	require.Len(t, cases, 55)
	for _, c := range cases {
		for v, want := range map[Version]*string{V3: c.V3, V4: c.V4} {
			t.Run(c.Name+", version "+strconv.Itoa(int(v)), func(t *testing.T) {
				d, err := HashTypedData(c.Document, v)
				if want == nil {
					require.ErrorIs(t, err, errcode.InvalidArgument)
					return
				}
				require.NoError(t, err)
				digest := d.Digest()
				require.Equal(t, *want, hex.EncodeToString(digest[:]))
			})
		}
	}
}

// document returns typed data with one struct A and an empty domain.
func document(fields string, message map[string]any) map[string]any {
	list := []any{}
	for f := range strings.SplitSeq(fields, ",") {
		typ, name, _ := strings.Cut(f, " ")
		list = append(list, map[string]any{"name": name, "type": typ})
	}
	return map[string]any{
		"types":       map[string]any{"EIP712Domain": []any{}, "A": list, "Empty": []any{}},
		"primaryType": "A", "domain": map[string]any{}, "message": message,
	}
}

func one(typ string, value any) map[string]any {
	return document(typ+" x", map[string]any{"x": value})
}

// word hashes a document with one field and asserts the encoding of the field, by the struct's hash.
func requireWord(t *testing.T, typ string, value any, want [32]byte) {
	t.Helper()
	d, err := HashTypedData(one(typ, value), V4)
	require.NoError(t, err)
	typeHash := keccak.Sum256([]byte("A(" + typ + " x)"))
	require.Equal(t, keccak.Sum256(typeHash[:], want[:]), d.StructHash)
}

func wordOf(n *big.Int) (w [32]byte) {
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 256))
	}
	n.FillBytes(w[:])
	return w
}

// Both ends of the range of every width, and the values beyond them.
func TestIntegerRanges(t *testing.T) {
	for bits := 8; bits <= 256; bits += 8 {
		power := func(n int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n)) }
		one := big.NewInt(1)
		for _, c := range []struct {
			typ      string
			min, max *big.Int
		}{
			{"uint" + strconv.Itoa(bits), new(big.Int), new(big.Int).Sub(power(bits), one)},
			{"int" + strconv.Itoa(bits), new(big.Int).Neg(power(bits - 1)), new(big.Int).Sub(power(bits-1), one)},
		} {
			for _, n := range []*big.Int{c.min, c.max} {
				requireWord(t, c.typ, n, wordOf(n))
				requireWord(t, c.typ, n.String(), wordOf(n))
				if n.Sign() >= 0 {
					requireWord(t, c.typ, "0x"+n.Text(16), wordOf(n))
				}
			}
			for _, n := range []*big.Int{new(big.Int).Sub(c.min, one), new(big.Int).Add(c.max, one)} {
				_, err := HashTypedData(document(c.typ+" x", map[string]any{"x": n}), V4)
				requireInvalid(t, "message.x", err)
			}
		}
	}
	for _, n := range []any{int(5), int64(5), uint64(5), float64(5), "5", "0x5", "0x05", "005", "0X5", "0b101", "0o5", "0B101", "0O5", "+5", " 5 ",
		"\n\u00a0\u30005\ufeff", strings.Repeat("0", 299) + "5"} {
		requireWord(t, "uint8", n, [32]byte{31: 5})
	}
	for _, n := range []any{"", " ", "-0", "0x0", 0.0} {
		requireWord(t, "int8", n, [32]byte{})
	}
	requireWord(t, "int64", float64(-(1<<53 - 1)), wordOf(big.NewInt(-(1<<53 - 1))))
	requireWord(t, "uint64", uint64(math.MaxUint64), wordOf(new(big.Int).SetUint64(math.MaxUint64)))
}

// TestNumbers reads the table that web/ui/request/typed.test.ts reads, too: the request screen must show the number that is signed.
func TestNumbers(t *testing.T) {
	b, err := os.ReadFile("testdata/numbers.json")
	require.NoError(t, err)
	var cases []struct {
		Text  string
		Value *string
	}
	require.NoError(t, json.Unmarshal(b, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		n := parseBigInt(c.Text)
		if c.Value == nil {
			require.Nil(t, n, "%q", c.Text)
			continue
		}
		require.NotNil(t, n, "%q", c.Text)
		require.Equal(t, *c.Value, n.String(), "%q", c.Text)
	}
}

func TestTypedDataValuesRefused(t *testing.T) {
	address := "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
	for typ, values := range map[string][]any{
		"uint256": {nil, true, "-", "+", "0x", "-0x", "-0x1", "+0x1", "-0b1", "0b", "0b2", "0o8", "1.0", "1e3", "1 1", "- 1", "+-1", "--1", "1_0", "0x1g", "a", "\u00851", "１", 0.5, math.NaN(),
			math.Inf(1), 1e300, float64(1 << 53), -1.0, (*big.Int)(nil), []byte{1}, []any{}, map[string]any{}, strings.Repeat("0", 301)},
		"int8":    {"128", "-129", 128.0, "0x80"},
		"bool":    {nil, "true", "false", 2.0, -1.0, "", "1", []any{}},
		"string":  {nil, 1.0, true, []byte("x"), []any{}},
		"bytes":   {nil, "0x0", "0xzz", "0X00", 1.0, []any{}},
		"bytes2":  {nil, "", "ab", "0x", "0x01", "0x010203", []byte{1}, 1.0},
		"address": {nil, "", "0x", "0x00", address[2:], address + "00", "0xcD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826", 1.0, strings.Repeat("z", 42)},
		"A":       {"x", 1.0, []any{}, true},
		"uint8[]": {nil, "0x01", []byte{1}, map[string]any{}, 1.0},
	} {
		for _, v := range values {
			_, err := HashTypedData(one(typ, v), V4)
			requireInvalid(t, "message.x", err)
		}
	}
	for _, c := range []struct {
		typ, at string
		value   any
	}{
		{"uint8[]", "message.x[1]", []any{1.0, 256.0}},
		{"uint8[2]", "message.x", []any{1.0}},
		{"uint8[2]", "message.x", []any{1.0, 2.0, 3.0}},
		{"uint8[2][]", "message.x[0]", []any{[]any{1.0}}},
		{"uint8[][2]", "message.x", []any{[]any{1.0}}},
		{"A[]", "message.x[0].x", []any{map[string]any{}}},
	} {
		_, err := HashTypedData(one(c.typ, c.value), V4)
		requireInvalid(t, c.at, err)
	}
}

func TestTypedDataTypesRefused(t *testing.T) {
	for _, typ := range []string{"", "uint", "int", "uint7", "uint0", "uint264", "uint08", "uint8 ", "int1", "bytes0", "bytes33", "bytes01", "function", "fixed128x18", "byte",
		"Missing", "Missing[]", "uint8[", "uint8]", "uint8[]]", "uint8[-1]", "uint8[1048577]", "uint8[]x", "[]", "uint8[[]]",
		"uint8[99999999999999999999]", "uint8" + strings.Repeat("[]", 65)} {
		_, err := HashTypedData(document("bool y", nil), V4)
		require.ErrorIs(t, err, errcode.InvalidArgument)
		d := document("bool y", map[string]any{"y": true})
		d["types"].(map[string]any)["Unused"] = []any{map[string]any{"name": "x", "type": typ}}
		_, err = HashTypedData(d, V4)
		requireInvalid(t, "types.Unused[0].type", err)
	}
	for _, name := range []string{"", "uint256", "string", "bytes", "bytes4", "address", "bool", "int", "uint", "uint7", "bytes33", "a,b", "a(b", "a)b", "a[b", "a]b", "a\n", "\x7F", "__proto__"} {
		d := document("bool y", map[string]any{"y": true})
		d["types"].(map[string]any)[name] = []any{}
		_, err := HashTypedData(d, V4)
		requireInvalid(t, "types"+map[bool]string{true: "[0]", false: "." + name}[name == ""], err)
		d = document("bool y", map[string]any{"y": true})
		d["types"].(map[string]any)["Unused"] = []any{map[string]any{"name": name, "type": "bool"}}
		_, err = HashTypedData(d, V4)
		require.NoError(t, err, "a field may have any name")
	}
	for at, change := range map[string]func(d map[string]any){
		"types":           func(d map[string]any) { d["types"] = []any{} },
		"types.A":         func(d map[string]any) { d["types"].(map[string]any)["A"] = map[string]any{} },
		"types.A[0]":      func(d map[string]any) { d["types"].(map[string]any)["A"] = []any{"bool y"} },
		"types.A[0].name": func(d map[string]any) { d["types"].(map[string]any)["A"] = []any{map[string]any{"type": "bool"}} },
		"types.A[0].type": func(d map[string]any) { d["types"].(map[string]any)["A"] = []any{map[string]any{"name": "y"}} },
		"types.A[1].name": func(d map[string]any) { d["types"] = document("bool y,bool y", nil)["types"] },
		"primaryType":     func(d map[string]any) { d["primaryType"] = "B" },
		"domain":          func(d map[string]any) { d["domain"] = nil },
		"message":         func(d map[string]any) { d["message"] = nil },
		"types.EIP712Domain[0].type": func(d map[string]any) {
			d["types"].(map[string]any)[domainType] = []any{map[string]any{"name": "a", "type": "A"}}
			d["domain"] = map[string]any{"a": map[string]any{"y": true}}
		},
	} {
		d := document("bool y", map[string]any{"y": true})
		_, err := HashTypedData(d, V4)
		require.NoError(t, err)
		change(d)
		_, err = HashTypedData(d, V4)
		requireInvalid(t, at, err)
	}
	for _, d := range []any{nil, "text", []any{}, 1.0} {
		_, err := HashTypedData(d, V4)
		requireInvalid(t, "typed data", err)
	}
	_, err := HashTypedData(map[string]any{"types": map[string]any{}, "primaryType": 1.0}, V4)
	requireInvalid(t, "primaryType", err)
	_, err = HashTypedData(document("bool y", map[string]any{"y": true}), 1)
	requireInvalid(t, "version", err)
}

func TestTypedDataThatContainsItself(t *testing.T) {
	for _, typ := range []string{"A", "A[]"} {
		object := map[string]any{}
		object["x"] = object
		if typ == "A[]" {
			object["x"] = []any{object}
		}
		d := one(typ, nil)
		d["message"] = object
		_, err := HashTypedData(d, V4)
		require.ErrorIs(t, err, errcode.InvalidArgument)
		require.Contains(t, err.Error(), "nested too deep")
	}
	list := []any{nil}
	list[0] = list
	_, err := HashTypedData(one("uint8"+strings.Repeat("[]", 60), list), V4)
	requireInvalid(t, "message.x"+strings.Repeat("[0]", 60), err)
}

func TestTypedDataDepth(t *testing.T) {
	nested := func(depth int) map[string]any {
		v := map[string]any{}
		for range depth - 1 {
			v = map[string]any{"x": v}
		}
		return v
	}
	d := one("A", nil)
	d["message"] = nested(MaxTypedDataDepth)
	_, err := HashTypedData(d, V4)
	require.NoError(t, err)
	d["message"] = nested(MaxTypedDataDepth + 2)
	_, err = HashTypedData(d, V4)
	require.ErrorIs(t, err, errcode.InvalidArgument)
}

func TestTypedDataSize(t *testing.T) {
	_, err := HashTypedData(one("string", strings.Repeat("x", 1<<20-1000)), V4)
	require.NoError(t, err)
	big := strings.Repeat("x", 1<<20)
	_, err = HashTypedData(one("string", big), V4)
	requireInvalid(t, "message.x", err)
	_, err = HashTypedData(one("bytes", "0x"+strings.Repeat("00", 1<<20)), V4)
	requireInvalid(t, "message.x", err)
	_, err = HashTypedData(one("bytes", make([]byte, 1<<20)), V4)
	requireInvalid(t, "message.x", err)
	many := make([]any, 1<<15)
	for i := range many {
		many[i] = 1.0
	}
	_, err = HashTypedData(one("uint8[]", many), V4)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	// A long name does not make an error long.
	_, err = HashTypedData(one(big, nil), V4)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	require.Less(t, len(err.Error()), 1000)

	// One object that is reached 2^60 times.
	v := any(map[string]any{})
	for range 60 {
		v = map[string]any{"x": v, "y": v}
	}
	d := document("A x,A y", v.(map[string]any))
	_, err = HashTypedData(d, V4)
	require.ErrorIs(t, err, errcode.InvalidArgument)

	// A chain of types. The hash of each type needs all types below it.
	types := map[string]any{"EIP712Domain": []any{}}
	v = map[string]any{}
	for i := range MaxTypedDataTypes - 1 {
		types["T"+strconv.Itoa(i)] = []any{map[string]any{"name": strings.Repeat("n", 500), "type": "T" + strconv.Itoa(max(0, i-1))}}
	}
	d = map[string]any{"types": types, "primaryType": "T1022", "domain": map[string]any{}, "message": v}
	_, err = HashTypedData(d, V4)
	require.NoError(t, err)
	for i := range 20 {
		types["T"+strconv.Itoa(i)] = []any{map[string]any{"name": "x", "type": "T1022"}, map[string]any{"name": "y", "type": "T" + strconv.Itoa(i+1)}}
	}
	v = map[string]any{}
	for range 20 {
		v = map[string]any{"y": v}
	}
	d["message"], d["primaryType"] = v, "T0"
	_, err = HashTypedData(d, V4)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	types["one more"] = []any{}
	_, err = HashTypedData(d, V4)
	requireInvalid(t, "types", err)
}

// The type of the domain has exactly the fields in domain, in the order of EIP-712. Any other type is refused.
func TestDomains(t *testing.T) {
	for set := range 32 {
		domain, explicit := map[string]any{}, []any{}
		values := []any{"name", "1", "5", "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826", "0x" + strings.Repeat("07", 32)}
		for i, f := range domainFields {
			if set>>i&1 == 1 {
				domain[f.name] = values[i]
				explicit = append(explicit, map[string]any{"name": f.name, "type": f.text})
			}
		}
		d := one("bool", true)
		d["domain"] = domain
		d["types"].(map[string]any)[domainType] = explicit
		got, err := HashTypedData(d, V4)
		require.NoError(t, err)
		if set>>2&1 == 1 {
			require.Equal(t, big.NewInt(5), got.ChainID)
		} else {
			require.Nil(t, got.ChainID)
		}
		for name, change := range map[string]func(){
			"without a type":  func() { delete(d["types"].(map[string]any), domainType) },
			"without a field": func() { d["types"].(map[string]any)[domainType] = explicit[:max(len(explicit)-1, 0)] },
			"in another order": func() {
				d["types"].(map[string]any)[domainType] = append(append([]any{}, explicit[min(1, len(explicit)):]...), explicit[:min(1, len(explicit))]...)
			},
			"with a field too many": func() {
				d["types"].(map[string]any)[domainType] = append(append([]any{}, explicit...), map[string]any{"name": "other", "type": "bytes32"})
			},
		} {
			change()
			_, err := HashTypedData(d, V4)
			if set == 0 && name != "with a field too many" || len(explicit) == 1 && name == "in another order" {
				require.NoError(t, err, "%s %b", name, set)
			} else {
				requireInvalid(t, map[bool]string{true: "types", false: "types.EIP712Domain"}[name == "without a type"], err)
			}
		}
		// Of a domain with a field of its own, ethers has no digest, and the others take the type as it is.
		domain["surprising"] = true
		d["types"].(map[string]any)[domainType] = []any{}
		_, err = HashTypedData(d, V4)
		require.NoError(t, err)
	}
}

// TestDomainThatEthersRefuses hashes the domains of Cosmos chains, of which viem and eth-sig-util have one hash and ethers none.
func TestDomainThatEthersRefuses(t *testing.T) {
	document := func(contract, salt, contractType, saltType string) map[string]any {
		return map[string]any{
			"types": map[string]any{
				domainType: []any{
					map[string]any{"name": "chainId", "type": "uint256"},
					map[string]any{"name": "verifyingContract", "type": contractType},
					map[string]any{"name": "salt", "type": saltType},
				},
				"M": []any{map[string]any{"name": "x", "type": "bool"}},
			},
			"primaryType": "M",
			"domain":      map[string]any{"chainId": 9001.0, "verifyingContract": contract, "salt": salt},
			"message":     map[string]any{"x": true},
		}
	}
	address, salt := "0x"+strings.Repeat("11", 20), "0x"+strings.Repeat("22", 32)
	for _, d := range []map[string]any{
		document("cosmos", "0", "string", "string"),
		document("cosmos", salt, "string", "bytes32"),
		document(address, "0", "address", "string"),
		document("", salt, "string", "bytes32"),
	} {
		got, err := HashTypedData(d, V4)
		require.NoError(t, err)
		require.Equal(t, big.NewInt(9001), got.ChainID)
	}
	// These are addresses and salts to ethers, which then hashes them as such.
	for _, d := range []map[string]any{
		document(address, salt, "string", "bytes32"),
		document(address[2:], salt, "string", "bytes32"),
		document("XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS", salt, "string", "bytes32"),
		document(address, salt, "address", "string"),
	} {
		_, err := HashTypedData(d, V4)
		requireInvalid(t, "types.EIP712Domain", err)
	}
	// What its type does not hold is refused all the same.
	_, err := HashTypedData(document("cosmos", salt, "address", "bytes32"), V4)
	requireInvalid(t, "domain.verifyingContract", err)
}

// FuzzTypedData checks that a document, given as JSON, is hashed or refused, with the same result twice.
func FuzzTypedData(f *testing.F) {
	for _, c := range edgeCases(f) {
		b, err := json.Marshal(c.Document)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var document any
		if json.Unmarshal(b, &document) != nil {
			return
		}
		for _, v := range []Version{V3, V4} {
			d, err := HashTypedData(document, v)
			again, err2 := HashTypedData(document, v)
			require.Equal(t, d, again)
			if err != nil {
				require.ErrorIs(t, err, errcode.InvalidArgument)
				require.Equal(t, err.Error(), err2.Error())
				continue
			}
			require.LessOrEqual(t, len(d.data()), 66)
		}
	})
}
