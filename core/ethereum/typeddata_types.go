package ethereum

import (
	"strings"

	"imkey-connect/core/keccak"
)

// The kinds of values.
const (
	baseStruct = iota
	baseString
	baseBytes
	baseAddress
	baseBool
	baseUint
	baseInt
)

// dynamic is the length of a dynamic array and the size of the type bytes.
const dynamic = -1

// kind is a type without its array dimensions.
type kind struct {
	base int
	size int    // bits of an integer, length of bytesN, or dynamic
	name string // name of a struct
}

// field is a member of a struct type.
type field struct {
	name, text string // text is the type in the document
	kind       kind
	dims       []int // array dimensions as in the document: the outermost is last
}

// domainFields are the fields of a domain in EIP-712, in its order.
var domainFields = []struct{ name, text string }{
	{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}, {"verifyingContract", "address"}, {"salt", "bytes32"},
}

// readTypes reads the types of the document. All must be valid, even those that are not used.
func (e *encoder) readTypes(v any, domain map[string]any) error {
	root := &place{name: "types"}
	types, ok := v.(map[string]any)
	if !ok {
		return root.invalid("not an object")
	}
	if len(types) > MaxTypedDataTypes {
		return root.invalid("more than 1024 types")
	}
	names := make([]string, 0, len(types)+1)
	for name := range types {
		names = append(names, name)
	}
	// In a fixed order, so that a document with two mistakes always gives the same error.
	sortNames(names)
	for _, name := range names {
		p := root.key(name)
		if _, atomic := atomicKind(name); atomic || !plain(name) {
			return p.invalid("not a name for a type")
		}
		if err := e.readFields(p, name, types[name]); err != nil {
			return err
		}
	}
	if e.types[domainType] == nil {
		if err := e.deriveDomain(domain); err != nil {
			return err
		}
		names = append(names, domainType)
	}
	for _, name := range names {
		for i := range e.types[name] {
			if err := e.resolve(root.key(name).at(i), &e.types[name][i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *encoder) readFields(p *place, name string, v any) error {
	list, ok := v.([]any)
	if !ok {
		return p.invalid("not an array")
	}
	fields := make([]field, 0, len(list))
	seen := make(map[string]bool, len(list))
	for i, item := range list {
		at := p.at(i)
		member, ok := item.(map[string]any)
		if !ok {
			return at.invalid("not an object")
		}
		var f field
		if f.name, ok = member["name"].(string); !ok || !plain(f.name) {
			return at.key("name").invalid("not a name for a field")
		}
		if f.text, ok = member["type"].(string); !ok {
			return at.key("type").invalid("not a string")
		}
		if seen[f.name] {
			return at.key("name").invalid("the struct has this field twice")
		}
		seen[f.name] = true
		if err := e.spend(at, len(f.name)+len(f.text)+2); err != nil {
			return err
		}
		fields = append(fields, f)
	}
	e.types[name] = fields
	return e.spend(p, len(name))
}

// deriveDomain makes the type EIP712Domain of the fields in domain.
func (e *encoder) deriveDomain(domain map[string]any) error {
	fields := []field{}
	for _, f := range domainFields {
		if v, ok := domain[f.name]; ok && v != nil {
			fields = append(fields, field{name: f.name, text: f.text})
		}
	}
	// The first one by name, so that the error is always the same.
	var unknown *string
	for name := range domain {
		known := false
		for _, f := range domainFields {
			known = known || name == f.name
		}
		if !known && (unknown == nil || name < *unknown) {
			unknown = &name
		}
	}
	if unknown != nil {
		return (&place{name: "domain"}).key(*unknown).invalid("not a field of a domain, and types has no EIP712Domain")
	}
	e.types[domainType] = fields
	return nil
}

// resolve sets a field's kind and dimensions: a known struct or an atomic type, with any number of array dimensions.
func (e *encoder) resolve(p *place, f *field) error {
	base, brackets := cut(f.text, '[')
	if e.types[base] != nil {
		f.kind = kind{base: baseStruct, name: base}
	} else if k, ok := atomicKind(base); ok {
		f.kind = k
	} else {
		return p.key("type").invalid("types does not define " + quote(base))
	}
	for brackets != "" {
		digits, rest := cut(brackets[1:], ']')
		n, ok := number(digits, 1<<20)
		if digits == "" {
			n, ok = dynamic, true
		}
		if !ok || rest == "" || brackets[0] != '[' {
			return p.key("type").invalid("malformed array type")
		}
		if f.dims = append(f.dims, n); len(f.dims) > MaxTypedDataDepth {
			return p.key("type").invalid("nested too deep")
		}
		brackets = rest[1:]
	}
	return nil
}

// cut splits s before the first c, which goes to rest. Without a c, rest is empty.
func cut(s string, c byte) (before, rest string) {
	for i := range len(s) {
		if s[i] == c {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// atomicKind reads the name of an atomic or dynamic type of EIP-712. EIP-712 has no uint and int without a size, but documents in
// use have them. They have 256 bits, and the type's hash has their text unchanged, as in eth-sig-util and go-ethereum. (ethers
// replaces uint by uint256 before a wallet gets the document; viem refuses it.)
func atomicKind(name string) (kind, bool) {
	switch name {
	case "string":
		return kind{base: baseString}, true
	case "bytes":
		return kind{base: baseBytes, size: dynamic}, true
	case "address":
		return kind{base: baseAddress}, true
	case "bool":
		return kind{base: baseBool}, true
	case "uint":
		return kind{base: baseUint, size: 256}, true
	case "int":
		return kind{base: baseInt, size: 256}, true
	}
	if digits, ok := strings.CutPrefix(name, "bytes"); ok {
		n, ok := number(digits, 32)
		return kind{base: baseBytes, size: n}, ok && n > 0
	}
	base := baseUint
	digits, ok := strings.CutPrefix(name, "uint")
	if !ok {
		base = baseInt
		if digits, ok = strings.CutPrefix(name, "int"); !ok {
			return kind{}, false
		}
	}
	n, ok := number(digits, 256)
	return kind{base: base, size: n}, ok && n > 0 && n%8 == 0
}

// number reads a decimal number from 0 to max without leading zeros.
func number(s string, max int) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || i == 1 && s[0] == '0' {
			return 0, false
		}
		if n = n*10 + int(s[i]-'0'); n > max {
			return 0, false
		}
	}
	return n, s != ""
}

// plain reports whether the text of a type stays unambiguous with this name. Stricter rules would refuse names in use, such as
// those of Hyperliquid with a colon.
func plain(name string) bool {
	for i := range len(name) {
		switch c := name[i]; c {
		case '(', ')', '[', ']', ',', 0x7F:
			return false
		default:
			if c <= ' ' {
				return false
			}
		}
	}
	return name != ""
}

// typeHash returns Keccak-256 of the type's encoding: the type, then all structs that it refers to, sorted by name.
func (e *encoder) typeHash(p *place, name string) ([32]byte, error) {
	if sum, ok := e.hashes[name]; ok {
		return sum, nil
	}
	reached := []string{name}
	seen := map[string]bool{name: true}
	for i := 0; i < len(reached); i++ {
		for _, f := range e.types[reached[i]] {
			if f.kind.base == baseStruct && !seen[f.kind.name] {
				seen[f.kind.name] = true
				reached = append(reached, f.kind.name)
			}
		}
	}
	sortNames(reached[1:])
	var h keccak.Hash256
	write := func(text string) error {
		h.Write([]byte(text))
		return e.spend(p, len(text))
	}
	for _, name := range reached {
		if err := write(name); err != nil {
			return [32]byte{}, err
		}
		separator := "("
		for _, f := range e.types[name] {
			if err := write(separator + f.text + " " + f.name); err != nil {
				return [32]byte{}, err
			}
			separator = ","
		}
		if separator == "(" {
			write(separator)
		}
		write(")")
	}
	sum := h.Sum()
	e.hashes[name] = sum
	return sum, nil
}

// sortNames sorts by insertion. There are few names, and a function of the library would be ten times as long.
func sortNames(names []string) {
	for i := range names {
		for j := i; j > 0 && names[j] < names[j-1]; j-- {
			names[j], names[j-1] = names[j-1], names[j]
		}
	}
}

// quote writes a name of the document for an error, and shortens a long one.
func quote(name string) string {
	if len(name) > 64 {
		name = name[:64] + "…"
	}
	return `"` + name + `"`
}
