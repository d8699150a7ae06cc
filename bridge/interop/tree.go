//go:build js && wasm

package interop

import (
	"strconv"
	"strings"

	"github.com/hack-pad/safejs"

	"imkey-connect/core/errcode"
)

// TreeLimits keep a hostile tree from blocking the module.
type TreeLimits struct {
	// Depth is the largest number of levels below the root. A value that contains itself exceeds it.
	Depth int
	// Values is the largest number of values and names.
	Values int
	// Size is the largest total size of strings, names and bytes, in UTF-16 units and bytes.
	Size int
}

// Opaque is in a tree for a value that is not data: a function, a symbol, or a BigInt of more than 256 bits.
type Opaque struct{}

// ReadTree copies a value of the page into Go values. It reads each property once.
//
//   - null is nil; booleans, strings and numbers (float64) are themselves; a BigInt is a *big.Int
//   - a typed array is []byte, an array is []any
//   - another object is a map[string]any of its own enumerable properties, without those that are undefined
//
// Errors have code invalid-argument. They name the root by the caller's name, and other values by their place in it.
func ReadTree(v safejs.Value, root string, limits TreeLimits) (any, error) {
	t := &tree{left: limits}
	return t.read(v, &place{name: root})
}

var (
	isArray = builtin("Array", "isArray")
	keysOf  = builtin("Object", "keys")
	join    = builtin("Array", "prototype", "join")
)

type tree struct{ left TreeLimits }

// place is a place in the tree. It is a linked list instead of a text, since only errors need the text.
type place struct {
	up    *place
	name  string
	index int // of an array element, where name is empty and up is not nil
	depth int
}

func (p *place) key(name string) *place { return &place{up: p, name: name, depth: p.depth + 1} }
func (p *place) at(index int) *place    { return &place{up: p, index: index, depth: p.depth + 1} }

func (p *place) invalid(reason string) error {
	if p.up == nil {
		return errcode.Invalid(p.name, reason)
	}
	text := ""
	for ; p.up != nil; p = p.up {
		switch {
		case p.name == "":
			text = "[" + strconv.Itoa(p.index) + "]" + text
		case p.up.up == nil:
			text = p.name + text
		default:
			text = "." + p.name + text
		}
	}
	return errcode.Invalid(text, reason)
}

func (t *tree) read(v safejs.Value, p *place) (any, error) {
	if p.depth > t.left.Depth {
		return nil, p.invalid("nested too deep, or containing itself")
	}
	if t.left.Values--; t.left.Values < 0 {
		return nil, p.invalid("too many values")
	}
	kind, known := TypeOf(v)
	switch {
	case !known:
		if n, ok := BigInt(v, 256); ok {
			return n, nil
		}
		return Opaque{}, nil
	case kind == safejs.TypeUndefined:
		return nil, p.invalid("missing")
	case kind == safejs.TypeNull:
		return nil, nil
	case kind == safejs.TypeBoolean:
		return v.Bool()
	case kind == safejs.TypeNumber:
		return v.Float()
	case kind == safejs.TypeString:
		return t.text(v, p)
	case kind != safejs.TypeObject:
		return Opaque{}, nil
	}
	list, err := with(isArray, v)
	if err != nil {
		return nil, p.invalid("not readable")
	}
	yes, _ := Bool(list)
	switch {
	case yes:
		return t.list(v, p)
	case IsBytes(v):
		return t.bytes(v, p)
	}
	return t.object(v, p)
}

func (t *tree) bytes(v safejs.Value, p *place) ([]byte, error) {
	b, ok := Bytes(v, t.left.Size)
	if !ok {
		return nil, p.invalid("too many bytes")
	}
	t.left.Size -= len(b)
	return b, nil
}

func (t *tree) text(v safejs.Value, p *place) (string, error) {
	s, ok := Text(v, t.left.Size)
	if !ok {
		return "", p.invalid("a text that is too long or has a lone surrogate")
	}
	t.left.Size -= len(s)
	return s, nil
}

func (t *tree) list(v safejs.Value, p *place) (any, error) {
	length, err := Get(v, constant("length"))
	if err != nil {
		return nil, p.invalid("not readable")
	}
	n, ok := Int(length, t.left.Values)
	if !ok {
		return nil, p.invalid("too many values")
	}
	list := []any{}
	for i := range n {
		here := p.at(i)
		element, err := Get(v, i)
		if err != nil {
			return nil, here.invalid("not readable")
		}
		read, err := t.read(element, here)
		if err != nil {
			return nil, err
		}
		list = append(list, read)
	}
	return list, nil
}

func (t *tree) object(v safejs.Value, p *place) (any, error) {
	keys, err := with(keysOf, v)
	if err != nil {
		return nil, p.invalid("not readable")
	}
	length, err := Get(keys, constant("length"))
	if err != nil {
		return nil, p.invalid("not readable")
	}
	n, ok := Int(length, t.left.Values)
	if !ok {
		return nil, p.invalid("too many values")
	}
	t.left.Values -= n
	names, err := t.keys(keys, n, p)
	if err != nil {
		return nil, err
	}
	object := make(map[string]any, n)
	for _, name := range names {
		here := p.key(name)
		property, err := Get(v, name)
		if err != nil {
			return nil, here.invalid("not readable")
		}
		if property.IsUndefined() {
			continue
		}
		if object[name], err = t.read(property, here); err != nil {
			return nil, err
		}
	}
	return object, nil
}

// keys reads n names. A call into JavaScript takes longer than all else, so the names come as one text, unless one of them has the
// character between them.
func (t *tree) keys(keys safejs.Value, n int, p *place) ([]string, error) {
	if n == 0 {
		return nil, nil
	}
	joined, err := with(join, keys, "\x00")
	if err != nil {
		return nil, p.invalid("not readable")
	}
	all, err := t.text(joined, p)
	if err != nil {
		return nil, err
	}
	if names := strings.Split(all, "\x00"); len(names) == n {
		return names, nil
	}
	list, _ := List(keys, n)
	names := make([]string, len(list))
	for i, key := range list {
		if names[i], err = t.text(key, p); err != nil {
			return nil, err
		}
	}
	return names, nil
}
