// Package rlp encodes and decodes the recursive length prefix of Ethereum (Yellow Paper, appendix B). It is strict: every value
// has exactly one encoding, and Decode accepts no other. So a decoded item encodes to the same bytes.
package rlp

import (
	"math/big"

	"imkey-connect/core/errcode"
)

// MaxDepth is how deep lists may nest. Transactions need four levels. The bound limits the stack for hostile input.
const MaxDepth = 256

// Item is a string of bytes, or a list of items.
type Item struct {
	// IsList reports that the item is a list.
	IsList bool
	Bytes  []byte
	List   []Item
}

// String returns a string of bytes. It keeps the slice.
func String(b []byte) Item { return Item{Bytes: b} }

// List returns a list.
func List(items ...Item) Item { return Item{IsList: true, List: items} }

// Uint returns an integer: big-endian without leading zeros. Zero is the empty string.
func Uint(v uint64) Item {
	var b []byte
	for ; v > 0; v >>= 8 {
		b = append([]byte{byte(v)}, b...)
	}
	return String(b)
}

// Big returns an integer. nil is zero. The sign is ignored: callers refuse negative values first.
func Big(v *big.Int) Item {
	if v == nil {
		return String(nil)
	}
	return String(v.Bytes())
}

// size returns the length of the item's payload without its prefix.
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

// length returns the length of the whole encoding.
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

// single reports whether the item is a byte that is its own encoding.
func (i Item) single() bool { return !i.IsList && len(i.Bytes) == 1 && i.Bytes[0] < 0x80 }

func bytesOf(n int) (k int) {
	for ; n > 0; n >>= 8 {
		k++
	}
	return k
}

// Encode returns the item's encoding.
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

// Decode reads the item of which b consists. Its strings alias b. Errors have code invalid-argument.
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
		// The long form has n-55 bytes of length. The length is shortest, and too large for the short form.
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
			return i, nil, bad("a long length in place of a short one")
		}
		b = b[k:]
	}
	if n > len(b) {
		return i, nil, bad("truncated")
	}
	payload, rest := b[:n], b[n:]
	if !i.IsList {
		if n == 1 && payload[0] < 0x80 {
			return i, nil, bad("a prefix before a byte that needs none")
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

// Uint64 returns the item as an integer below 2^64: a string without leading zeros.
func (i Item) Uint64() (uint64, error) {
	v, err := i.Big(64)
	if err != nil {
		return 0, err
	}
	return v.Uint64(), nil
}

// Big returns the item as an integer of at most this number of bits: a string without leading zeros.
func (i Item) Big(bits int) (*big.Int, error) {
	switch {
	case i.IsList:
		return nil, bad("a list in place of an integer")
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
