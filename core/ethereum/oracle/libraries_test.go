package oracle

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
)

// digests is what the libraries make of one document: the digest in hex, or "" where the library refuses the document.
type digests struct{ Ethers, Viem, SigUtil, SigUtilV3 string }

// libraries are ethers, viem and eth-sig-util, which MetaMask signs with.
var libraries = []struct {
	name   string
	digest func(digests) string
}{
	{"ethers", func(d digests) string { return d.Ethers }},
	{"viem", func(d digests) string { return d.Viem }},
	{"eth-sig-util", func(d digests) string { return d.SigUtil }},
}

// given returns the names of the libraries that give a digest, by digest.
func (d digests) given() map[string][]string {
	by := map[string][]string{}
	for _, l := range libraries {
		if digest := l.digest(d); digest != "" {
			by[digest] = append(by[digest], l.name)
		}
	}
	return by
}

// askLibraries runs digests.mjs on documents in JSON.
func askLibraries(t *testing.T, documents []string) []digests {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "digests.mjs")
	cmd.Stdin = strings.NewReader(strings.Join(documents, "\n") + "\n")
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	require.NoError(t, err, "run `make testcases`: %s", failure.String())
	var all []digests
	for s := bufio.NewScanner(strings.NewReader(string(out))); s.Scan(); {
		var d digests
		require.NoError(t, json.Unmarshal(s.Bytes(), &d))
		all = append(all, d)
	}
	require.Len(t, all, len(documents))
	return all
}

// ours hashes a document in JSON with this module. It returns "" and the reason if the document is refused.
func ours(t *testing.T, document string, v ethereum.Version) (digest, reason string) {
	t.Helper()
	var tree any
	require.NoError(t, json.Unmarshal([]byte(document), &tree))
	d, err := ethereum.HashTypedData(tree, v)
	if err != nil {
		require.ErrorIs(t, err, errcode.InvalidArgument)
		return "", err.Error()
	}
	sum := d.Digest()
	return "0x" + hex.EncodeToString(sum[:]), ""
}

// wide generates documents that are odd in places: what dApps, their authors and attackers write.
type wide struct {
	dice
	odd   int // the chance of something odd at any place, in 1000
	names []string
	types map[string][]any
	depth int
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func (w *wide) oddly() bool { return w.IntN(1000) < w.odd }

func (w *wide) atomic() string {
	if w.oddly() {
		return pick(w.Rand, "uint", "int", "uint7", "uint0", "uint264", "uint08", "int1", "bytes0", "bytes33", "bytes01", "function", "byte", "fixed128x18",
			"Missing", "", "string ", "toString", "__proto__", "EIP712Domain")
	}
	switch w.IntN(8) {
	case 0:
		return "uint" + strconv.Itoa(8*(1+w.IntN(32)))
	case 1:
		return "int" + strconv.Itoa(8*(1+w.IntN(32)))
	case 2:
		return "bytes" + strconv.Itoa(1+w.IntN(32))
	case 3:
		return "uint256"
	}
	return pick(w.Rand, "bool", "address", "bytes", "string")
}

func (w *wide) typeName(i int) string {
	if w.oddly() {
		return pick(w.Rand, "Hyper:Type", "Hyper", "Type$", "$", "Ünï", "My Type", "constructor", "__proto__", "uint7", "bytes33", "F(", "A,B", "function", "string", "int",
			"Zß", "漢", "1", "_", "toString", "T[]", "intent", "bytesInfo", "𝒳", "Type\t")
	}
	return "Struct" + strconv.Itoa(i)
}

func (w *wide) fieldName(i int) string {
	if w.oddly() {
		return pick(w.Rand, "Wallet address", "größe", "漢字", "a,b", "x)", "", " ", "constructor", "__proto__", "toString", "a\nb", "field0", "\U0001F600", "uint256 x",
			"valueOf", "length", "\u202e", "a(b", "[0]", "null", "hasOwnProperty", "0")
	}
	return pick(w.Rand, "field", "owner", "to", "value_", "Wallet address ") + strconv.Itoa(i)
}

func (w *wide) define() {
	n := 1 + w.IntN(5)
	w.names, w.types = nil, map[string][]any{}
	for i := range n {
		w.names = append(w.names, w.typeName(i))
	}
	for i, name := range w.names {
		fields := []any{}
		for f := range pick(w.Rand, 0, 1, 2, 3, 4, 6) {
			fields = append(fields, map[string]any{"name": w.fieldName(f), "type": w.fieldType(i)})
		}
		// Each struct but the first belongs to an earlier one, or ethers refuses the document.
		if i+1 < n && !w.oddly() {
			fields = append(fields, map[string]any{"name": w.fieldName(9), "type": w.names[i+1] + pick(w.Rand, "", "", "[]", "[2]")})
		}
		w.types[name] = fields
	}
}

func (w *wide) fieldType(i int) string {
	typ := w.atomic()
	if i+1 < len(w.names) && w.IntN(4) == 0 {
		typ = w.names[i+1+w.IntN(len(w.names)-i-1)]
	} else if w.oddly() {
		typ = w.names[w.IntN(len(w.names))] // perhaps recursive
	}
	for range pick(w.Rand, 0, 0, 0, 1, 2) {
		typ += pick(w.Rand, "[]", "[]", "[1]", "[2]", "[3]")
	}
	if w.oddly() {
		typ += pick(w.Rand, "[0]", "[01]", "[-1]", "[", "]", "[x]", "[][", " []")
	}
	return typ
}

// anything generates a value of any kind of JSON.
func (w *wide) anything() any {
	switch w.IntN(5) {
	case 0:
		return pick[any](w.Rand, nil, true, false, []any{}, map[string]any{}, []any{1}, []any{"1"}, []any{nil}, map[string]any{"length": 1})
	case 1:
		return pick[any](w.Rand, 0, 1, -1, 2, 255, 256, 1.5, -0.5, 1<<52, 128, -128, -129, 1e3, json.Number("-0"), json.Number("1e2"))
	case 2:
		return pick[any](w.Rand, "", " ", "0", "1", "-1", "+1", " 5 ", "\u00a05\ufeff", "\u00855", "0x", "0X1", "0x01", "0b101", "0o17", "0B1", "0O7", "-0x5", "+0x5", "5n", "1_000", "1e3",
			"１", "-", "--1", "- 1", "007", "true", "false", "null", "1.0", "0b", "0b2", "-0", strings.Repeat("0", 90)+"7", "115792089237316195423570985008687907853269984665640564039457584007913129639936")
	case 3:
		return pick[any](w.Rand, "hello", "größe", "0xzz", "0x123", "1234", "0X12", "0x", "0xABcd", "0xab cd", "ab", "0x\n")
	}
	address := w.hex(20)
	return pick[any](w.Rand, "0x"+strings.ToUpper(address[2:]), address[2:], "0X"+address[2:], address+"00", address[:40],
		"0xF39fd6e51aad88f6f4ce6ab8827279cfffb92266", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS", "0x0", w.hex(31), w.hex(32), w.hex(33), "vitalik.eth")
}

func (w *wide) value(typ string) any {
	w.depth++
	defer func() { w.depth-- }()
	if w.oddly() {
		return w.anything()
	}
	if at := strings.LastIndexByte(typ, '['); at >= 0 && strings.HasSuffix(typ, "]") {
		n, err := strconv.Atoi(typ[at+1 : len(typ)-1])
		if err != nil {
			if n = w.IntN(4); w.depth > 5 {
				n = 0
			}
		}
		if w.oddly() {
			n = w.IntN(4)
		}
		list := make([]any, 0, 4)
		for range min(max(n, 0), 4) {
			list = append(list, w.value(typ[:at]))
		}
		return list
	}
	if fields, ok := w.types[typ]; ok {
		if w.depth > 8 {
			return nil
		}
		object := map[string]any{}
		for _, f := range fields {
			f := f.(map[string]any)
			if !w.oddly() {
				object[f["name"].(string)] = w.value(f["type"].(string))
			}
		}
		if w.oddly() {
			object[w.fieldName(7)] = w.anything()
		}
		return object
	}
	switch {
	case typ == "bool":
		return w.IntN(2) == 0
	case typ == "address":
		return pick(w.Rand, w.hex(20), w.hex(20), ethereum.Address(w.bytes(20)).String())
	case typ == "bytes":
		return w.hex(w.length() % 300)
	case typ == "string":
		return pick(w.Rand, "", "hello", "größer", "漢字", "\U0001F600", "a\u0000b", "\u202ex", string([]rune{rune(0x20 + w.IntN(0x500))}), strings.Repeat("x", w.IntN(200)))
	case strings.HasPrefix(typ, "bytes"):
		n, _ := strconv.Atoi(typ[len("bytes"):])
		return w.hex(n)
	case strings.HasPrefix(typ, "uint"), strings.HasPrefix(typ, "int"):
		bits, _ := strconv.Atoi(strings.TrimLeft(typ, "uint"))
		signed := typ[0] == 'i'
		if signed {
			bits--
		}
		n := w.big(max(bits, 1))
		if signed && w.IntN(2) == 0 {
			n.Not(n)
		}
		if n.IsInt64() && n.Int64() < 1<<53 && n.Int64() > -(1<<53) && w.IntN(2) == 0 {
			return n.Int64()
		}
		if n.Sign() >= 0 && w.IntN(2) == 0 {
			return "0x" + n.Text(16)
		}
		return n.String()
	}
	return w.anything()
}

// domain generates a domain and its type, which is nil if the document is to have none.
func (w *wide) domain() (domain map[string]any, fields []any) {
	domain, fields = map[string]any{}, []any{}
	for _, f := range [][2]string{{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}, {"verifyingContract", "address"}, {"salt", "bytes32"}} {
		if w.IntN(2) == 0 {
			domain[f[0]] = w.value(f[1])
			fields = append(fields, map[string]any{"name": f[0], "type": f[1]})
		}
	}
	if w.oddly() {
		w.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	}
	if w.oddly() && len(fields) > 0 {
		fields = slices.Delete(fields, 0, 1)
	}
	if w.oddly() {
		name := pick(w.Rand, "name", "version", "chainId", "salt", "wallet address", "chainid", "verifyingContract", "toString")
		typ := pick(w.Rand, "string", "uint256", "uint8", "uint", "address", "bytes32", "bytes", w.names[0], "string[]", w.names[0]+"[]")
		fields = append(fields, map[string]any{"name": name, "type": typ})
		if !w.oddly() {
			domain[name] = w.value(typ)
		}
	}
	if w.oddly() {
		domain[pick(w.Rand, "name", "version", "chainId", "salt", "surprising")] = w.anything()
	}
	if w.oddly() {
		fields = nil
	}
	return domain, fields
}

// document generates a document as JSON.
func (w *wide) document() string {
	w.odd, w.depth = pick(w.Rand, 0, 0, 5, 20, 50, 150), 0
	w.define()
	primary := w.names[0]
	if w.oddly() {
		primary = pick(w.Rand, w.names[len(w.names)-1], "EIP712Domain", "Missing", "", "toString", w.names[0]+"[]")
	}
	message := w.value(primary)
	domain, fields := w.domain()
	types := map[string]any{}
	for name, list := range w.types {
		types[name] = list
	}
	if fields != nil {
		types["EIP712Domain"] = fields
	}
	if w.oddly() {
		types["Unused"] = []any{map[string]any{"name": "x", "type": w.atomic()}}
	}
	d := map[string]any{"types": types, "primaryType": primary, "domain": domain, "message": message}
	if w.oddly() {
		delete(d, pick(w.Rand, "types", "primaryType", "domain", "message"))
	}
	if w.oddly() {
		d[pick(w.Rand, "types", "primaryType", "domain", "message")] = w.anything()
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestTypedDataAgainstLibraries compares documents with the libraries of dApps. Where they agree, the digest is theirs. Where they
// differ, the document is refused. No document is signed for which no library gives a digest.
func TestTypedDataAgainstLibraries(t *testing.T) {
	w := &wide{dice: newDice(t)}
	documents := make([]string, count(300, 15_000))
	for i := range documents {
		documents[i] = w.document()
	}
	counts := map[string]int{}
	var wrong []string
	for i, all := range askLibraries(t, documents) {
		document := documents[i]
		mine, reason := ours(t, document, ethereum.V4)
		given := all.given()
		what := "refused by all"
		switch agree := given[mine]; {
		case len(given) > 1:
			what = "the libraries differ"
			if mine != "" {
				wrong = append(wrong, fmt.Sprintf("accepted as by %v, unlike %v: %s", agree, given, document))
			}
		case mine != "" && agree == nil:
			wrong = append(wrong, fmt.Sprintf("accepted as by none, unlike %v: %s", given, document))
		case mine != "":
			what = "accepted as by " + strings.Join(agree, ", ")
		case len(given) == 1:
			for _, names := range given {
				what = "refused, unlike by " + strings.Join(names, ", ")
				if len(names) == len(libraries) {
					wrong = append(wrong, fmt.Sprintf("refused, unlike by all: %s: %s", reason, document))
				}
			}
		}
		counts[what]++
		// V3 is eth-sig-util's alone.
		if mine, _ := ours(t, document, ethereum.V3); mine != "" {
			if mine != all.SigUtilV3 {
				wrong = append(wrong, fmt.Sprintf("V3 %s, unlike %s: %s", mine, all.SigUtilV3, document))
			}
			counts["V3"]++
		}
	}
	for what, n := range counts {
		t.Logf("%6d %s", n, what)
	}
	require.Empty(t, wrong)
	require.Greater(t, counts["accepted as by ethers, viem, eth-sig-util"], len(documents)/3)
	require.Greater(t, counts["refused by all"], len(documents)/10)
	require.Positive(t, counts["the libraries differ"])
}
