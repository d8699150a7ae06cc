package ethereum

import (
	"slices"
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
		if _, atomic := e.atomicKind(name); atomic || atomicLike(name) || !plain(name) {
			return p.invalid("not a name for a type")
		}
		if err := e.readFields(p, name, types[name]); err != nil {
			return err
		}
	}
	if err := e.checkDomain(domain); err != nil {
		return err
	}
	if types[domainType] == nil {
		names = append(names, domainType) // the one that checkDomain made
	}
	for _, name := range names {
		for i := range e.types[name] {
			p, f := root.key(name).at(i), &e.types[name][i]
			if err := e.resolve(p, f); err != nil {
				return err
			}
			if name == domainType && f.kind.base == baseStruct {
				return p.key("type").invalid("a domain has no structs in it")
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
		// A name may have any characters, as in the libraries: it is in the type's hash and nowhere else.
		if f.name, ok = member["name"].(string); !ok {
			return at.key("name").invalid("not a string")
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

// checkDomain refuses a domain of which the libraries have different hashes. Without EIP712Domain in types, eth-sig-util hashes no
// field of the domain; ethers and viem hash all that EIP-712 defines. With it, ethers still hashes those, in the order of EIP-712, and
// refuses a domain with other fields. What ethers refuses has one hash.
func (e *encoder) checkDomain(domain map[string]any) error {
	given, explicit := e.types[domainType]
	if !explicit && e.dialect != nil {
		for _, f := range domainFields {
			if domain[f.name] != nil {
				given = append(given, field{name: f.name, text: f.text})
			}
		}
		explicit, e.types[domainType] = true, append([]field{}, given...)
	}
	if !explicit {
		if len(domain) > 0 {
			return (&place{name: "types"}).invalid("EIP712Domain is missing, without which libraries hash the domain differently")
		}
		e.types[domainType] = []field{}
		return nil
	}
	defined, n, same := 0, 0, true
	for _, f := range domainFields {
		v, present := domain[f.name]
		if present {
			defined++
		}
		if v != nil {
			same = same && n < len(given) && given[n].name == f.name && given[n].text == f.text
			n++
		}
	}
	if (defined == len(domain) && !ethersRefuses(domain) || e.dialect != nil) && !(same && n == len(given) && defined == len(domain)) {
		return (&place{name: "types"}).key(domainType).invalid("not the fields of domain in the order of EIP-712, without which libraries hash the domain differently")
	}
	return nil
}

// ethersRefuses reports whether ethers cannot read a value of the domain, whatever EIP712Domain says its type is: in no spelling is it an
// address or 32 bytes. Chains of Cosmos have such domains, with "cosmos" for the contract and "0" for the salt.
func ethersRefuses(domain map[string]any) bool {
	contract, text := domain["verifyingContract"].(string)
	if n := len(contract); text && n != 40 && n != 42 && n != 34 && n != 35 { // with 0x or without it, or as an ICAP
		return true
	}
	salt, text := domain["salt"].(string)
	return text && len(salt) != 66
}

// inherited reports whether every object of JavaScript has a property with this name. The libraries take it for a field that is
// missing.
func inherited(name string) bool {
	switch name {
	case "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf":
		return true
	}
	return strings.HasPrefix(name, "__")
}

// resolve sets a field's kind and dimensions: a known struct or an atomic type, with any number of array dimensions.
func (e *encoder) resolve(p *place, f *field) error {
	base, brackets := cut(f.text, '[')
	if e.types[base] != nil {
		f.kind = kind{base: baseStruct, name: base}
	} else if k, ok := e.atomicKind(base); ok {
		f.kind = k
	} else {
		return p.key("type").invalid("types does not define " + quote(base))
	}
	for brackets != "" {
		digits, rest := cut(brackets[1:], ']')
		for len(digits) > 1 && digits[0] == '0' {
			digits = digits[1:]
		}
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

// atomicKind is the function atomicKind with the type of the dialect.
func (e *encoder) atomicKind(name string) (kind, bool) {
	if e.dialect != nil && name == e.dialect.Number {
		return kind{base: baseUint, size: 256}, true
	}
	return atomicKind(name)
}

// atomicKind reads the name of an atomic or dynamic type of EIP-712. uint and int without a size are none: in the type's hash ethers
// replaces them by uint256 and int256, eth-sig-util does not, and viem refuses them.
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

// atomicLike reports whether a name looks like that of an atomic type, as uint7 does. Libraries read it as one.
func atomicLike(name string) bool {
	for _, prefix := range []string{"uint", "int", "bytes"} {
		if digits, ok := strings.CutPrefix(name, prefix); ok && strings.Trim(digits, "0123456789") == "" {
			return true
		}
	}
	_, atomic := atomicKind(name)
	return atomic
}

// plain reports whether the text of a type stays unambiguous with this name. Stricter rules would refuse names in use, such as
// those of Hyperliquid with a colon.
func plain(name string) bool {
	for i := range len(name) {
		switch c := name[i]; c {
		case '(', ')', '[', ']', ',', 0x7F:
			return false
		default:
			if c < ' ' {
				return false
			}
		}
	}
	return name != "" && name != "__proto__"
}

// typeHash returns Keccak-256 of the type's encoding: the type, then all structs that it refers to, sorted by name.
func (e *encoder) typeHash(p *place, name string) ([32]byte, error) {
	if sum, ok := e.hashes[name]; ok {
		return sum, nil
	}
	reached, cut := e.reach(name, false), e.reach(name, true)
	if !slices.Equal(reached, cut) {
		return [32]byte{}, p.invalid("libraries do not agree on the types that " + quote(name) + " refers to, because a name has other characters than letters, digits and _")
	}
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

// reach returns name and the types that it refers to, sorted. With cut, it looks them up as eth-sig-util does: by the part of a name before
// the first character that is no letter, digit or underscore.
func (e *encoder) reach(name string, cut bool) []string {
	all, seen, next := []string{name}, map[string]bool{}, []string{name}
	for len(next) > 0 {
		key := next[0]
		next = next[1:]
		if end := 0; cut {
			for end < len(key) && (key[end] == '_' || alphanumeric(key[end:end+1])) {
				end++
			}
			key = key[:end]
		}
		if e.types[key] == nil || seen[key] {
			continue
		}
		seen[key] = true
		if key != name {
			all = append(all, key)
		}
		for _, f := range e.types[key] {
			if f.kind.base == baseStruct {
				next = append(next, f.kind.name)
			}
		}
	}
	sortNames(all[1:])
	return all
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
