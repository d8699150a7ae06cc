// Package rlp decodes Ethereum's recursive length prefix encoding (yellow paper, appendix B). It accepts only the shortest
// encoding of a value, and nothing after the end, because the device signs the bytes that it has decoded.
package rlp

import "errors"

// ErrMalformed reports bytes that are not RLP, or not in its shortest form.
var ErrMalformed = errors.New("rlp: malformed")

// maxDepth is the maximum depth of nested items: one more than access lists need.
const maxDepth = 5

// Item is a string or a list. Its slices alias the decoded bytes.
type Item struct {
	List  bool
	Bytes []byte // of a string
	Items []Item // of a list
}

// Decode decodes one item, which must fill b. Errors are ErrMalformed.
func Decode(b []byte) (Item, error) {
	item, rest, err := next(b, maxDepth)
	if err == nil && len(rest) > 0 {
		err = ErrMalformed
	}
	return item, err
}

func next(b []byte, depth int) (item Item, rest []byte, err error) {
	if len(b) == 0 || depth == 0 {
		return Item{}, nil, ErrMalformed
	}
	first := b[0]
	if first < 0x80 {
		return Item{Bytes: b[:1]}, b[1:], nil
	}
	short := first - 0x80 // the length, or 55 and the length of the length
	if item.List = first >= 0xC0; item.List {
		short = first - 0xC0
	}
	body, rest, err := content(b[1:], short)
	switch {
	case err != nil:
		return Item{}, nil, err
	case !item.List:
		if len(body) == 1 && body[0] < 0x80 {
			return Item{}, nil, ErrMalformed
		}
		item.Bytes = body
		return item, rest, nil
	}
	for len(body) > 0 {
		var child Item
		if child, body, err = next(body, depth-1); err != nil {
			return Item{}, nil, err
		}
		item.Items = append(item.Items, child)
	}
	return item, rest, nil
}

// content splits b after the content that a first byte announces: up to 55 bytes, or a length of its own that follows.
func content(b []byte, short byte) (body, rest []byte, err error) {
	length := int(short)
	if short > 55 {
		n := int(short) - 55
		if n > 3 || len(b) < n || b[0] == 0 {
			return nil, nil, ErrMalformed
		}
		length = 0
		for _, v := range b[:n] {
			length = length<<8 | int(v)
		}
		if b = b[n:]; length <= 55 {
			return nil, nil, ErrMalformed
		}
	}
	if length > len(b) {
		return nil, nil, ErrMalformed
	}
	return b[:length], b[length:], nil
}

// Integer reports whether the item is an unsigned integer of at most size bytes, without leading zeros.
func (i Item) Integer(size int) bool {
	return !i.List && len(i.Bytes) <= size && (len(i.Bytes) == 0 || i.Bytes[0] != 0)
}

// Fixed reports whether the item is a string of size bytes.
func (i Item) Fixed(size int) bool { return !i.List && len(i.Bytes) == size }
