package ethereum

import (
	"math/big"

	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum/rlp"
)

// ParseTransaction reads the bytes that [Transaction.Unsigned] or [Transaction.Signed] returns. It is strict: the result encodes to
// the same bytes. The signature is nil if raw has none. Errors have code invalid-argument.
func ParseTransaction(raw []byte) (*Transaction, *Signature, error) {
	if len(raw) == 0 {
		return nil, nil, malformed("empty")
	}
	t := &Transaction{}
	body := raw
	if raw[0] < 0x80 {
		t.Type, body = Type(raw[0]), raw[1:]
		if t.Type != TypeAccessList && t.Type != TypeDynamicFee && t.Type != TypeSetCode {
			return nil, nil, malformed("unknown type")
		}
	}
	list, err := rlp.Decode(body)
	if err != nil {
		return nil, nil, err
	}
	if !list.IsList {
		return nil, nil, malformed("not a list")
	}
	r := &reader{fields: list.List}
	unsigned := map[Type]int{TypeLegacy: 6, TypeAccessList: 8, TypeDynamicFee: 9, TypeSetCode: 10}[t.Type]
	signed := len(r.fields) == unsigned+3
	if !signed && len(r.fields) != unsigned {
		return nil, nil, malformed("wrong number of fields")
	}
	if t.Type != TypeLegacy {
		t.ChainID = r.big()
	}
	t.Nonce = r.uint()
	switch t.Type {
	case TypeLegacy, TypeAccessList:
		t.GasPrice = r.big()
	default:
		t.MaxPriorityFeePerGas, t.MaxFeePerGas = r.big(), r.big()
	}
	t.Gas, t.To, t.Value, t.Data = r.uint(), r.to(), r.big(), r.bytes()
	if t.Type != TypeLegacy {
		t.AccessList = r.accessList()
	}
	if t.Type == TypeSetCode {
		t.AuthorizationList = r.authorizationList()
	}
	var sig *Signature
	if signed {
		sig = r.signature(t)
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	if err := t.encodable(); err != nil {
		return nil, nil, err
	}
	return t, sig, nil
}

func malformed(what string) error { return errcode.Invalid("transaction", what) }

// reader reads a transaction's fields one after another and keeps the first error.
type reader struct {
	fields []rlp.Item
	err    error
}

func (r *reader) fail(err error) {
	if r.err == nil && err != nil {
		r.err = err
	}
}

func (r *reader) next(list bool) rlp.Item {
	if len(r.fields) == 0 {
		r.fail(malformed("too few fields"))
		return rlp.Item{IsList: list}
	}
	i := r.fields[0]
	r.fields = r.fields[1:]
	if i.IsList != list {
		r.fail(malformed("a list in place of a value, or a value in place of a list"))
		return rlp.Item{IsList: list}
	}
	return i
}

func (r *reader) uint() uint64 {
	v, err := r.next(false).Uint64()
	r.fail(err)
	return v
}

func (r *reader) big() *big.Int {
	v, err := r.next(false).Big(word)
	r.fail(err)
	return v
}

func (r *reader) bytes() []byte { return r.next(false).Bytes }

func (r *reader) to() *Address {
	b := r.bytes()
	if len(b) == 0 {
		return nil
	}
	return new(r.addressOf(b))
}

func (r *reader) addressOf(b []byte) (a Address) {
	if copy(a[:], b) != len(b) || len(b) != len(a) {
		r.fail(malformed("an address does not have 20 bytes"))
	}
	return a
}

// each calls read for every entry of a list, with a reader of the entry's fields. Every entry has n fields.
func (r *reader) each(n int, read func(*reader)) {
	for _, e := range r.next(true).List {
		if !e.IsList || len(e.List) != n {
			r.fail(malformed("malformed list entry"))
			return
		}
		inner := &reader{fields: e.List}
		read(inner)
		r.fail(inner.err)
	}
}

func (r *reader) accessList() (list []AccessTuple) {
	r.each(2, func(e *reader) {
		a := AccessTuple{Address: e.addressOf(e.bytes())}
		for _, k := range e.next(true).List {
			if k.IsList || len(k.Bytes) != 32 {
				e.fail(malformed("a storage key does not have 32 bytes"))
				return
			}
			a.StorageKeys = append(a.StorageKeys, [32]byte(k.Bytes))
		}
		list = append(list, a)
	})
	return list
}

func (r *reader) authorizationList() (list []Authorization) {
	r.each(6, func(e *reader) {
		a := Authorization{ChainID: e.big(), Address: e.addressOf(e.bytes()), Nonce: e.uint()}
		parity, err := e.next(false).Big(8)
		e.fail(err)
		if err == nil {
			a.YParity = byte(parity.Uint64())
		}
		a.R, a.S = e.big(), e.big()
		list = append(list, a)
	})
	return list
}

// signature reads v, r and s. In type 0 they also contain the chain id.
func (r *reader) signature(t *Transaction) *Signature {
	v, rr, ss := r.big(), r.big(), r.big()
	if r.err != nil {
		return nil
	}
	var sig Signature
	rr.FillBytes(sig.R[:])
	ss.FillBytes(sig.S[:])
	if t.Type == TypeLegacy {
		if rr.Sign() == 0 && ss.Sign() == 0 {
			// In the unsigned form of EIP-155, v is the chain id.
			if v.Sign() == 0 {
				r.fail(malformed("chain id 0"))
			}
			t.ChainID = v
			return nil
		}
		switch base := big.NewInt(35); {
		case v.Cmp(base) >= 0:
			v.Sub(v, base)
			sig.YParity = byte(v.Bit(0))
			if t.ChainID = v.Rsh(v, 1); v.Sign() == 0 {
				r.fail(malformed("chain id 0"))
			}
			return &sig
		case v.Cmp(big.NewInt(27)) < 0 || v.Cmp(big.NewInt(28)) > 0:
			r.fail(malformed("impossible v"))
		}
		v.Sub(v, big.NewInt(27))
	}
	if v.BitLen() > 1 {
		r.fail(malformed("impossible v"))
		return nil
	}
	sig.YParity = byte(v.Uint64())
	return &sig
}
