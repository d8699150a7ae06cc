// Package rlp is Ethereum's recursive length prefix (Yellow Paper, appendix B), strict both ways: what it writes is
// canonical, and it reads nothing else. Every value has exactly one encoding, so that what was decoded encodes to the
// same bytes again.
package rlp

import (
	"math/big"

	"imkey-connect/core/errcode"
)

// MaxDepth is how deep lists may nest. Transactions need four levels; the bound keeps hostile input off the stack.
const MaxDepth = 256

// Item is a string of bytes, or a list of items.
type Item struct {
	// IsList says which of the two it is.
	IsList bool
	Bytes  []byte
	List   []Item
}

// String makes a string of bytes. The slice is kept.
func String(b []byte) Item { return Item{Bytes: b} }

// List makes a list.
func List(items ...Item) Item { return Item{IsList: true, List: items} }

// Uint makes an integer: big-endian, without leading zeros, zero being the empty string.
func Uint(v uint64) Item {
	var b []byte
	for ; v > 0; v >>= 8 {
		b = append([]byte{byte(v)}, b...)
	}
	return String(b)
}

// Big makes an integer. nil is zero; the sign is ignored, since callers refuse negative values first.
func Big(v *big.Int) Item {
	if v == nil {
		return String(nil)
	}
	return String(v.Bytes())
}

// size is the length of the item's payload, without its prefix.
func (i Item) size() int {
	if !i.IsList {
		return len(i.Bytes)
	}
	n := 0
	for _, e := range i.List {
		n += e.length()
	}
	return n
}

// length is the length of the whole encoding.
func (i Item) length() int {
	n := i.size()
	switch {
	case i.single():
		return 1
	case n < 56:
		return 1 + n
	}
	return 1 + bytesOf(n) + n
}

// single says whether the item is a byte that stands for itself.
func (i Item) single() bool { return !i.IsList && len(i.Bytes) == 1 && i.Bytes[0] < 0x80 }

func bytesOf(n int) (k int) {
	for ; n > 0; n >>= 8 {
		k++
	}
	return k
}

// Encode returns the item's one encoding.
func (i Item) Encode() []byte { return i.append(make([]byte, 0, i.length())) }

func (i Item) append(dst []byte) []byte {
	if i.single() {
		return append(dst, i.Bytes[0])
	}
	base := byte(0x80)
	if i.IsList {
		base = 0xC0
	}
	n := i.size()
	if n < 56 {
		dst = append(dst, base+byte(n))
	} else {
		k := bytesOf(n)
		dst = append(dst, base+55+byte(k))
		for k--; k >= 0; k-- {
			dst = append(dst, byte(n>>(8*k)))
		}
	}
	if !i.IsList {
		return append(dst, i.Bytes...)
	}
	for _, e := range i.List {
		dst = e.append(dst)
	}
	return dst
}

// Decode reads the one item that fills b. Its strings alias b. Errors have code invalid-argument.
func Decode(b []byte) (Item, error) {
	i, rest, err := next(b, 0)
	if err == nil && len(rest) != 0 {
		err = bad("bytes after the end")
	}
	if err != nil {
		return Item{}, err
	}
	return i, nil
}

func next(b []byte, depth int) (i Item, rest []byte, err error) {
	if depth > MaxDepth {
		return i, nil, bad("nested too deep")
	}
	if len(b) == 0 {
		return i, nil, bad("truncated")
	}
	first := b[0]
	if first < 0x80 {
		return String(b[:1]), b[1:], nil
	}
	i.IsList = first >= 0xC0
	n := int(first & 0x3F)
	b = b[1:]
	if n >= 56 {
		// A long form: n-55 bytes of length, shortest, and only where the short form does not do.
		k := n - 55
		if len(b) < k {
			return i, nil, bad("truncated")
		}
		if b[0] == 0 {
			return i, nil, bad("a length with leading zeros")
		}
		n = 0
		for _, v := range b[:k] {
			if n > len(b) {
				return i, nil, bad("truncated")
			}
			n = n<<8 | int(v)
		}
		if n < 56 {
			return i, nil, bad("a long length where a short one does")
		}
		b = b[k:]
	}
	if n > len(b) {
		return i, nil, bad("truncated")
	}
	payload, rest := b[:n], b[n:]
	if !i.IsList {
		if n == 1 && payload[0] < 0x80 {
			return i, nil, bad("a prefix before a byte that stands for itself")
		}
		i.Bytes = payload
		return i, rest, nil
	}
	for len(payload) > 0 {
		var e Item
		if e, payload, err = next(payload, depth+1); err != nil {
			return i, nil, err
		}
		i.List = append(i.List, e)
	}
	return i, rest, nil
}

// Uint64 reads an integer below 2^64: a string without leading zeros.
func (i Item) Uint64() (uint64, error) {
	v, err := i.Big(64)
	if err != nil {
		return 0, err
	}
	return v.Uint64(), nil
}

// Big reads an integer of at most bits bits: a string without leading zeros.
func (i Item) Big(bits int) (*big.Int, error) {
	switch {
	case i.IsList:
		return nil, bad("a list where an integer belongs")
	case len(i.Bytes) > 0 && i.Bytes[0] == 0:
		return nil, bad("an integer with leading zeros")
	case len(i.Bytes) > (bits+7)/8:
		return nil, bad("an integer out of range")
	}
	v := new(big.Int).SetBytes(i.Bytes)
	if v.BitLen() > bits {
		return nil, bad("an integer out of range")
	}
	return v, nil
}

func bad(reason string) error { return errcode.New(errcode.InvalidArgument, "rlp: "+reason) }
