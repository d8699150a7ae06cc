package ethereum

import (
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"strings"

	"imkey-connect/core/errcode"
	"imkey-connect/core/keccak"
)

// Version is the version of eth_signTypedData.
type Version int

// The versions, as eth-sig-util defines them, on which dApps rely. V3 has no arrays and leaves missing fields out of the
// encoding. V4 is all of EIP-712; it encodes a missing or null struct as 32 zero bytes.
const (
	V3 Version = 3
	V4 Version = 4
)

// The limits on typed data. They are far above what a user can read, and keep hostile documents from blocking a page.
const (
	// MaxTypedDataSize is the largest size of the encoding with its types, in bytes.
	MaxTypedDataSize = 1 << 20
	// MaxTypedDataDepth is how deep structs and arrays may nest. Data that contains itself exceeds it.
	MaxTypedDataDepth = 64
	// MaxTypedDataTypes is the largest number of struct types.
	MaxTypedDataTypes = 1024
)

// TypedData is hashed typed structured data (EIP-712).
type TypedData struct {
	PrimaryType string
	// DomainSeparator is the hash of the domain, StructHash that of the message. A document with the primary type
	// EIP712Domain has no message; its StructHash is not used.
	DomainSeparator, StructHash [32]byte
	// ChainID is the chain id in the domain, or nil. A wallet must refuse a chain id that is not the one of its chain.
	ChainID *big.Int
}

const domainType = "EIP712Domain"

// data returns the bytes that the device hashes and signs.
func (d *TypedData) data() []byte {
	b := append([]byte{0x19, 0x01}, d.DomainSeparator[:]...)
	if d.PrimaryType != domainType {
		b = append(b, d.StructHash[:]...)
	}
	return b
}

// Digest returns the digest that is signed.
func (d *TypedData) Digest() [32]byte { return keccak.Sum256(d.data()) }

// HashTypedData hashes a document {types, primaryType, domain, message}, given as a tree of Go values:
//
//   - an object is map[string]any, an array []any; a missing key is JavaScript's undefined, nil its null
//   - a number is float64 (whole, below 2^53), int, int64, uint64, *big.Int, or a string that JavaScript's BigInt accepts
//   - bytes are a string in 0x hex, text without 0x, which is encoded in UTF-8, or []byte
//   - an address is a string as in [ParseAddress]
//   - a bool is a bool, or the number 0 or 1
//
// The digest is that of eth-sig-util, ethers and viem. A document of which two of them have different digests is refused, since the
// site and the user's wallet would not mean the same; docs/dapps.md lists the differences. For the same reason EIP712Domain names
// the fields in domain in the order of EIP-712, unless domain has a field that EIP-712 does not define: ethers makes that type of the
// domain, and eth-sig-util takes the one in types. Keys that no type names are ignored.
//
// Errors have code invalid-argument.
func HashTypedData(document any, v Version) (*TypedData, error) {
	return hashTypedData(document, v, nil)
}

// Dialect is a chain's own form of typed data, with the library that defines it. That library is the only one, so the type EIP712Domain
// may be missing from the document: it follows from the fields of domain.
type Dialect struct {
	// Address reads an address. at is its place in the document, for errors.
	Address func(at, text string) (Address, error)
	// Number is the name of a type besides those of EIP-712. Its values are encoded as those of uint256.
	Number string
}

// HashTypedDataIn hashes a document as [HashTypedData] does in version 4, in another chain's dialect. It refuses what only some of
// Ethereum's libraries accept: null for a struct, bytes as text, and fields of domain that EIP-712 does not define.
func HashTypedDataIn(dialect *Dialect, document any) (*TypedData, error) {
	return hashTypedData(document, V4, dialect)
}

func hashTypedData(document any, v Version, dialect *Dialect) (*TypedData, error) {
	root, ok := document.(map[string]any)
	if !ok {
		return nil, errcode.Invalid("typed data", "not an object")
	}
	if v != V3 && v != V4 {
		return nil, errcode.Invalid("version", "only versions 3 and 4 of typed data are supported")
	}
	e := &encoder{version: v, dialect: dialect, types: map[string][]field{}, hashes: map[string][32]byte{}, left: MaxTypedDataSize}
	d := &TypedData{}
	if d.PrimaryType, ok = root["primaryType"].(string); !ok {
		return nil, errcode.Invalid("primaryType", "not a string")
	}
	domain := map[string]any{}
	if v, present := root["domain"]; present {
		if domain, ok = v.(map[string]any); !ok {
			return nil, errcode.Invalid("domain", "not an object")
		}
	}
	if err := e.readTypes(root["types"], domain); err != nil {
		return nil, err
	}
	if e.types[d.PrimaryType] == nil {
		return nil, errcode.Invalid("primaryType", "types does not define "+quote(d.PrimaryType))
	}
	var err error
	if d.DomainSeparator, err = e.hashStruct(&place{name: "domain"}, domainType, domain); err != nil {
		return nil, err
	}
	if d.ChainID, err = e.chainID(domain); err != nil {
		return nil, err
	}
	if d.PrimaryType == domainType {
		return d, nil
	}
	message, ok := root["message"].(map[string]any)
	if !ok && len(e.types[d.PrimaryType]) > 0 {
		return nil, errcode.Invalid("message", "not an object")
	}
	d.StructHash, err = e.hashStruct(&place{name: "message"}, d.PrimaryType, message)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// place is a place in the document. It is a linked list instead of a text, since only errors need the text.
type place struct {
	up    *place
	name  string
	index int // of an array element, where name is empty
	depth int
}

func (p *place) key(name string) *place { return &place{up: p, name: name, depth: p.depth + 1} }
func (p *place) at(index int) *place    { return &place{up: p, index: index, depth: p.depth + 1} }

func (p *place) String() string {
	text := ""
	for ; p != nil; p = p.up {
		switch {
		case p.name == "":
			text = "[" + strconv.Itoa(p.index) + "]" + text
		case p.up == nil:
			text = p.name + text
		default:
			text = "." + p.name + text
		}
	}
	return text
}

func (p *place) invalid(reason string) error { return errcode.Invalid(p.String(), reason) }

// encoder hashes one document.
type encoder struct {
	version Version
	dialect *Dialect // nil for EIP-712
	types   map[string][]field
	hashes  map[string][32]byte // of the types
	left    int                 // how many bytes may still be encoded
}

// spend counts n bytes towards the size limit.
func (e *encoder) spend(p *place, n int) error {
	if e.left -= n; e.left < 0 {
		return p.invalid("the document is larger than 1 MiB")
	}
	return nil
}

// hashStruct is hashStruct of EIP-712: Keccak-256 of the type's hash and the encoded fields.
func (e *encoder) hashStruct(p *place, name string, value map[string]any) (sum [32]byte, err error) {
	typeHash, err := e.typeHash(p, name)
	if err != nil {
		return sum, err
	}
	var h keccak.Hash256
	h.Write(typeHash[:])
	for i := range e.types[name] {
		f := &e.types[name][i]
		v, present := value[f.name]
		if !present && inherited(f.name) {
			return sum, p.key(f.name).invalid("missing")
		}
		if !present && e.version == V3 {
			continue
		}
		word, err := e.encode(p.key(f.name), f.kind, f.dims, v, present)
		if err != nil {
			return sum, err
		}
		h.Write(word[:])
	}
	return h.Sum(), nil
}

// encode is enc of EIP-712: 32 bytes for a value of kind k with the array dimensions dims, of which the outermost is last.
func (e *encoder) encode(p *place, k kind, dims []int, v any, present bool) (word [32]byte, err error) {
	if p.depth > MaxTypedDataDepth {
		return word, p.invalid("nested too deep, or containing itself")
	}
	if err := e.spend(p, len(word)); err != nil {
		return word, err
	}
	if len(dims) > 0 {
		return e.encodeArray(p, k, dims, v, present)
	}
	if k.base == baseStruct {
		empty := len(e.types[k.name]) == 0 // all libraries ignore the value, except that of null there are two hashes
		if v == nil && e.version == V4 && !empty && e.dialect == nil {
			return word, nil
		}
		object, ok := v.(map[string]any)
		if !ok && (!empty || v == nil && e.version == V4 || e.dialect != nil) {
			return word, p.invalid("not an object of type " + quote(k.name))
		}
		return e.hashStruct(p, k.name, object)
	}
	if !present {
		return word, p.invalid("missing")
	}
	return e.atom(p, k, v)
}

func (e *encoder) encodeArray(p *place, k kind, dims []int, v any, present bool) (word [32]byte, err error) {
	if e.version == V3 {
		return word, p.invalid("version 3 of typed data has no arrays")
	}
	if !present {
		return word, p.invalid("missing")
	}
	list, ok := v.([]any)
	if !ok {
		return word, p.invalid("not an array")
	}
	length, inner := dims[len(dims)-1], dims[:len(dims)-1]
	if length != dynamic && length != len(list) {
		return word, p.invalid("the array has " + strconv.Itoa(len(list)) + " elements, but its type says " + strconv.Itoa(length))
	}
	var h keccak.Hash256
	for i, element := range list {
		w, err := e.encode(p.at(i), k, inner, element, true)
		if err != nil {
			return word, err
		}
		h.Write(w[:])
	}
	return h.Sum(), nil
}

// atom encodes a value that is neither a struct nor an array.
func (e *encoder) atom(p *place, k kind, v any) (word [32]byte, err error) {
	switch k.base {
	case baseString:
		s, ok := v.(string)
		if !ok {
			return word, p.invalid("not a string")
		}
		if err := e.spend(p, len(s)); err != nil {
			return word, err
		}
		return keccak.Sum256([]byte(s)), nil
	case baseBool:
		switch v {
		case true, 1.0:
			word[31] = 1
		case false, 0.0:
		default:
			return word, p.invalid("not true or false")
		}
	case baseAddress:
		s, ok := v.(string)
		if !ok {
			return word, p.invalid("not an address")
		}
		parse := parseAddress
		if e.dialect != nil {
			parse = e.dialect.Address
		}
		a, err := parse(p.String(), s)
		if err != nil {
			return word, err
		}
		copy(word[12:], a[:])
	case baseBytes:
		b, err := e.bytes(p, k, v)
		if err != nil {
			return word, err
		}
		if k.size == dynamic {
			return keccak.Sum256(b), nil
		}
		if len(b) != k.size {
			return word, p.invalid("not " + strconv.Itoa(k.size) + " bytes long")
		}
		copy(word[:], b)
	default:
		n, err := integer(p, v)
		if err != nil {
			return word, err
		}
		if !k.holds(n) {
			return word, p.invalid("out of the range of its type")
		}
		if n.Sign() < 0 {
			n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 256))
		}
		n.FillBytes(word[:])
	}
	return word, nil
}

// holds reports whether an integer kind can hold n.
func (k kind) holds(n *big.Int) bool {
	if k.base == baseUint {
		return n.Sign() >= 0 && n.BitLen() <= k.size
	}
	if n.Sign() < 0 {
		// -2^(size-1) is in range.
		n = new(big.Int).Add(n, big.NewInt(1))
	}
	return n.BitLen() < k.size
}

func (e *encoder) bytes(p *place, k kind, v any) ([]byte, error) {
	switch b := v.(type) {
	case []byte:
		return b, e.spend(p, len(b))
	case string:
		if err := e.spend(p, len(b)/2); err != nil {
			return nil, err
		}
		if digits, ok := strings.CutPrefix(b, "0x"); ok {
			if raw, err := hex.DecodeString(digits); err == nil {
				return raw, nil
			}
		} else if k.size == dynamic && !strings.HasPrefix(b, "0X") && e.dialect == nil {
			return []byte(b), nil // as eth-sig-util and viem do
		}
	}
	return nil, p.invalid("bytes are 0x and an even number of hex digits")
}

// maxNumber is the longest text of a number: enough for 256 bits in any notation.
const maxNumber = 300

func integer(p *place, v any) (*big.Int, error) {
	switch n := v.(type) {
	case *big.Int:
		if n != nil {
			return n, nil
		}
	case int:
		return big.NewInt(int64(n)), nil
	case int64:
		return big.NewInt(n), nil
	case uint64:
		return new(big.Int).SetUint64(n), nil
	case float64:
		if n != math.Trunc(n) || math.Abs(n) >= 1<<53 {
			return nil, p.invalid("not a whole number that JavaScript can hold exactly; give it as a string")
		}
		return big.NewInt(int64(n)), nil
	case string:
		if i := parseBigInt(n); i != nil {
			return i, nil
		}
	}
	return nil, p.invalid("not a whole number")
}

// parseBigInt reads a text as JavaScript's BigInt does, and with it the libraries (ECMA-262, StringToBigInt): white space around it
// is ignored, no digits are 0, and a sign is for decimal digits only. It returns nil if the text is not a number.
func parseBigInt(text string) *big.Int {
	digits, base := strings.Trim(text, whiteSpace), 10
	if digits == "" {
		return new(big.Int)
	}
	sign := digits[0]
	if sign == '-' || sign == '+' {
		digits = digits[1:]
	} else if len(digits) > 2 && sign == '0' {
		switch digits[1] | 0x20 {
		case 'x':
			digits, base = digits[2:], 16
		case 'o':
			digits, base = digits[2:], 8
		case 'b':
			digits, base = digits[2:], 2
		}
	}
	// SetString accepts signs and underscores, as in Go.
	if len(digits) > maxNumber || !alphanumeric(digits) {
		return nil
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil
	}
	if sign == '-' {
		n.Neg(n)
	}
	return n
}

// whiteSpace is what ECMA-262 calls WhiteSpace and LineTerminator.
const whiteSpace = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"

func alphanumeric(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// chainID returns the chain id in the domain, or nil if its type has none.
func (e *encoder) chainID(domain map[string]any) (*big.Int, error) {
	for _, f := range e.types[domainType] {
		v, present := domain[f.name]
		if f.name == "chainId" && present && len(f.dims) == 0 && (f.kind.base == baseUint || f.kind.base == baseInt) {
			return integer(&place{name: "domain.chainId"}, v)
		}
	}
	return nil, nil
}
