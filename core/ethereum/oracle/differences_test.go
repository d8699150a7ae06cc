package oracle

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/ethereum"
)

// differences are documents of which not all libraries give the same digest, one for each way in which they differ.
var differences = []struct{ what, document string }{
	{"`types` has no `EIP712Domain`, and `domain` has fields", `{"types":{"M":[{"name":"x","type":"bool"}]},"primaryType":"M","domain":{"name":"n"},"message":{"x":true}}`},
	{"`EIP712Domain` lacks a field of `domain`", inDomain(`{"name":"name","type":"string"}`, `{"name":"n","chainId":1}`)},
	{"`EIP712Domain` is in another order than EIP-712's", inDomain(`{"name":"chainId","type":"uint256"},{"name":"name","type":"string"}`, `{"name":"n","chainId":1}`)},
	{"`EIP712Domain` gives a field another type than EIP-712", inDomain(`{"name":"chainId","type":"uint64"}`, `{"chainId":1}`)},
	{"the same, and a value is no address or no 32 bytes, such as `cosmos` for `verifyingContract`", inDomain(`{"name":"verifyingContract","type":"string"},{"name":"salt","type":"string"}`, `{"verifyingContract":"cosmos","salt":"0"}`)},
	{"`EIP712Domain` has a field of its own", inDomain(`{"name":"site","type":"string"}`, `{"site":"s"}`)},
	{"`domain` has a field of its own, which `EIP712Domain` lacks", inDomain(``, `{"site":"s"}`)},
	{"`uint` or `int` without a size", inMessage("uint", `1`)},
	{"a type that others refer to is named with another character than a letter, a digit or `_`", `{"types":{"EIP712Domain":[],"M":[{"name":"x","type":"A:B"}],"A:B":[{"name":"y","type":"bool"}]},"primaryType":"M","domain":{},"message":{"x":{"y":true}}}`},
	{"a struct without fields is `null`", `{"types":{"EIP712Domain":[],"M":[{"name":"x","type":"E"}],"E":[]},"primaryType":"M","domain":{},"message":{"x":null}}`},
	{"`bytes` begin with `0X`", inMessage("bytes", `"0X12"`)},
	{"an address without `0x`", inMessage("address", `"f39fd6e51aad88f6f4ce6ab8827279cfffb92266"`)},
	{"a struct is missing or `null`", `{"types":{"EIP712Domain":[],"M":[{"name":"x","type":"A"}],"A":[{"name":"y","type":"bool"}]},"primaryType":"M","domain":{},"message":{"x":null}}`},
	{"types that refer to each other in a circle", `{"types":{"EIP712Domain":[],"M":[{"name":"x","type":"M[]"}]},"primaryType":"M","domain":{},"message":{"x":[]}}`},
	{"a type that nothing uses", `{"types":{"EIP712Domain":[],"M":[{"name":"x","type":"bool"}],"Unused":[]},"primaryType":"M","domain":{},"message":{"x":true}}`},
	{"the primary type is `EIP712Domain`", `{"types":{"EIP712Domain":[]},"primaryType":"EIP712Domain","domain":{},"message":{}}`},
	{"the primary type has a character that is no letter, digit, `_`, `$` or `:`", `{"types":{"EIP712Domain":[],"My Type":[{"name":"x","type":"bool"}]},"primaryType":"My Type","domain":{},"message":{"x":true}}`},
	{"a name of a type has a bracket, a comma or a control character", `{"types":{"EIP712Domain":[],"M(":[{"name":"x","type":"bool"}]},"primaryType":"M(","domain":{},"message":{"x":true}}`},
	{"a struct has a field twice", `{"types":{"EIP712Domain":[],"M":[{"name":"x","type":"bool"},{"name":"x","type":"bool"}]},"primaryType":"M","domain":{},"message":{"x":true}}`},
	{"an array has another length than its type says", inMessage("bool[2]", `[true]`)},
	{"an address in capitals", inMessage("address", `"0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266"`)},
	{"an address with a wrong checksum", inMessage("address", `"0xF39fd6e51aad88f6f4ce6ab8827279cfffb92266"`)},
	{"an address is too short, or a number", inMessage("address", `"0x12"`)},
	{"`bytes` are `\"\"`", inMessage("bytes", `""`)},
	{"`bytes` are text without `0x`, which is UTF-8 then", inMessage("bytes", `"hello"`)},
	{"`bytes` have an odd number of digits", inMessage("bytes", `"0x123"`)},
	{"`bytes` begin with `0x` and are not hex", inMessage("bytes", `"0xzz"`)},
	{"`bytesN` are shorter than N", inMessage("bytes4", `"0x12"`)},
	{"a number is `\"\"`, which is 0 then", inMessage("uint256", `""`)},
	{"a negative number in hex", inMessage("int256", `"-0x1"`)},
	{"an `intN` in an array is out of range", inMessage("int8[]", `["200"]`)},
	{"an `intN` is `true` or an array", inMessage("int8", `true`)},
	{"a `bool` is 0 or 1", inMessage("bool", `1`)},
	{"a `bool` is another number, text, an array or `null`", inMessage("bool", `"false"`)},
	{"a `string` is a number", inMessage("string", `5`)},
	{"a `string` is `null`", inMessage("string", `null`)},
}

func inMessage(typ, value string) string {
	return `{"types":{"EIP712Domain":[],"M":[{"name":"x","type":"` + typ + `"}]},"primaryType":"M","domain":{},"message":{"x":` + value + `}}`
}

func inDomain(fields, domain string) string {
	return `{"types":{"EIP712Domain":[` + fields + `],"M":[{"name":"x","type":"bool"}]},"primaryType":"M","domain":` + domain + `,"message":{"x":true}}`
}

// TestDifferencesAreDocumented compares the table in docs/dapps.md with what the libraries and this module do. IMKEY_UPDATE=1 writes the
// table. Of a document with two digests, this module gives none.
func TestDifferencesAreDocumented(t *testing.T) {
	const file, begin, end = "../../../docs/dapps.md", "| document | ethers | viem | eth-sig-util | imKey |\n", "\n\n"
	var documents []string
	for _, d := range differences {
		require.True(t, json.Valid([]byte(d.document)), d.document)
		documents = append(documents, d.document)
	}
	table := begin + "| --- | --- | --- | --- | --- |\n"
	for i, all := range askLibraries(t, documents) {
		mine, _ := ours(t, documents[i], ethereum.V4)
		given := all.given()
		require.NotEmpty(t, given, documents[i])
		if len(given) > 1 {
			require.Empty(t, mine, documents[i])
		} else if mine != "" {
			require.Contains(t, given, mine, documents[i])
			require.Less(t, len(given[mine]), len(libraries), "all agree on %s", documents[i])
		}
		names, row := map[string]string{"": "refused"}, []string{differences[i].what}
		for _, l := range libraries {
			digest := l.digest(all)
			if _, named := names[digest]; !named {
				names[digest] = []string{"digest A", "digest B", "digest C"}[len(names)-1]
			}
			row = append(row, names[digest])
		}
		table += "| " + strings.Join(append(row, names[mine]), " | ") + " |\n"
	}
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(page), begin)
	require.True(t, found, "%s has no table that begins with %s", file, begin)
	rest, after, found := strings.Cut(rest, end)
	require.True(t, found)
	if os.Getenv("IMKEY_UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, []byte(before+strings.TrimSuffix(table, "\n")+end+after), 0o644))
		return
	}
	require.Equal(t, strings.TrimSuffix(table, "\n"), begin+rest, "run the test with IMKEY_UPDATE=1")
}
