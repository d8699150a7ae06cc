//go:build js && wasm

package main

import (
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
)

// The limits on a transaction. Core refuses a transaction of more than 65535 bytes. These limits keep Go from copying a much
// larger one.
const (
	maxData = 1<<16 - 1
	// maxListed is the largest number of addresses, keys and authorizations in a transaction, together.
	maxListed = 4096
)

// readTransaction reads a transaction in the shape of JSON-RPC, and its sender. It fills in only what follows from the rest:
// the type from the fields, zero for an absent value, and no data for absent data.
func readTransaction(v safejs.Value) (*ethereum.Transaction, *ethereum.Address, error) {
	f := fields{interop.ReadObject(v, "")}
	if interop.Absent(v) {
		return nil, nil, errcode.Invalid("transaction", "missing")
	}
	t := &ethereum.Transaction{
		ChainID:              f.quantity("chainId"),
		GasPrice:             f.quantity("gasPrice"),
		MaxPriorityFeePerGas: f.quantity("maxPriorityFeePerGas"),
		MaxFeePerGas:         f.quantity("maxFeePerGas"),
		Nonce:                f.uint("nonce"),
		Gas:                  f.either("gas", "gasLimit"),
		Value:                f.quantity("value"),
		Data:                 f.data(),
		To:                   f.to(),
	}
	// On some chain, each other field changes who pays or what happens, as feeCurrency and paymaster do.
	f.Only(" type chainId from to nonce gas gasLimit gasPrice maxFeePerGas maxPriorityFeePerGas value data input accessList authorizationList ")
	left := maxListed
	t.AccessList = f.accessList(&left)
	authorizations, authorizes := f.authorizationList(&left)
	t.AuthorizationList = authorizations
	from := f.address("from", f.Value("from"))
	t.Type = f.kind(t, authorizes)
	f.complete(t)
	return t, from, f.Err()
}

// fields reads the fields of a transaction, or of an object in it.
type fields struct{ *interop.Object }

// quantity reads a whole number of at most 256 bits. It returns nil for undefined.
func (f fields) quantity(name string) *big.Int {
	v := f.Value(name)
	if v.IsUndefined() {
		return nil
	}
	n, ok := quantity(v)
	if !ok {
		f.Refuse(name, "a whole number from 0 to 2^256-1: a bigint, a safe integer, or 0x and hex digits")
		return nil
	}
	return n
}

// quantity reads a bigint, a safe integer, or a string of 0x and hex digits. Other strings, such as decimal digits or 0x alone, have
// different meanings in different libraries.
func quantity(v safejs.Value) (*big.Int, bool) {
	const digits = 256 / 4
	if n, ok := interop.BigInt(v, 256); ok {
		return n, n.Sign() >= 0 && n.BitLen() <= 256
	}
	if n, ok := interop.Int(v, 1<<53-1); ok {
		return big.NewInt(int64(n)), true
	}
	text, ok := interop.Text(v, len("0x")+digits)
	if !ok {
		return nil, false
	}
	text, ok = strings.CutPrefix(text, "0x")
	if !ok || text == "" || strings.Trim(text, "0123456789abcdefABCDEF") != "" {
		return nil, false
	}
	return new(big.Int).SetString(text, 16)
}

// required is quantity for a field that must be present.
func (f fields) required(name string) *big.Int {
	n := f.quantity(name)
	if n == nil {
		f.Fail(name, "missing")
		return new(big.Int)
	}
	return n
}

// uint reads a number of at most 64 bits. The field must be present.
func (f fields) uint(name string) uint64 {
	n := f.required(name)
	if !n.IsUint64() {
		f.Fail(name, "out of range")
		return 0
	}
	return n.Uint64()
}

// either reads a field that has two names.
func (f fields) either(name, other string) uint64 {
	a, b := f.quantity(name), f.quantity(other)
	switch {
	case a == nil:
		a = b
	case b != nil && a.Cmp(b) != 0:
		f.Fail(other, "different from "+name)
	}
	if a == nil {
		f.Fail(name, "missing")
		return 0
	}
	if !a.IsUint64() {
		f.Fail(name, "out of range")
		return 0
	}
	return a.Uint64()
}

// bytes reads 0x and an even number of hex digits. ok is false if the field is absent.
func (f fields) bytes(name string) (b []byte, ok bool) {
	v := f.Value(name)
	if v.IsUndefined() {
		return nil, false
	}
	b, ok = readHex(v, maxData)
	if !ok {
		f.Refuse(name, "0x and an even number of hex digits, of at most 65535 bytes")
	}
	return b, ok
}

func readHex(v safejs.Value, max int) ([]byte, bool) {
	text, ok := interop.Text(v, len("0x")+2*max)
	if !ok {
		return nil, false
	}
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok {
		return nil, false
	}
	b, err := hex.DecodeString(digits)
	return b, err == nil
}

// data reads the field that has the names data and input.
func (f fields) data() []byte {
	data, given := f.bytes("data")
	input, both := f.bytes("input")
	switch {
	case !given:
		return input
	case both && string(data) != string(input):
		f.Fail("input", "different from data")
	}
	return data
}

// to reads the receiver. A transaction with undefined, null or no digits creates a contract.
func (f fields) to() *ethereum.Address {
	v := f.Value("to")
	if text, ok := interop.Text(v, len("0x")); v.IsNull() || ok && (text == "" || text == "0x") {
		return nil
	}
	return f.address("to", v)
}

// address reads an address. It returns nil for undefined.
func (f fields) address(name string, v safejs.Value) *ethereum.Address {
	if v.IsUndefined() {
		return nil
	}
	text, ok := interop.Text(v, len("0x")+2*len(ethereum.Address{}))
	if !ok {
		f.Refuse(name, "an address: 0x and 40 hex digits")
		return nil
	}
	a, err := ethereum.ParseAddress(text)
	if err != nil {
		f.Fail(name, reasonOf(err))
		return nil
	}
	return &a
}

// each calls read for every object of a list. left is how many entries all lists may still have. given is false for undefined.
func (f fields) each(name string, left *int, read func(fields)) (given bool) {
	v := f.Value(name)
	if v.IsUndefined() {
		return false
	}
	list, ok := interop.List(v, *left)
	if !ok {
		f.Refuse(name, "an array, or it is too long")
		return true
	}
	*left -= len(list)
	for i, item := range list {
		entry := fields{interop.ReadObject(item, f.At(name)+"["+strconv.Itoa(i)+"]")}
		if read(entry); entry.Err() != nil {
			f.Adopt(entry.Err())
			return true
		}
	}
	return true
}

func (f fields) accessList(left *int) (list []ethereum.AccessTuple) {
	f.each("accessList", left, func(entry fields) {
		var a ethereum.AccessTuple
		if address := entry.mustAddress(); address != nil {
			a.Address = *address
		}
		keys := entry.List("storageKeys", *left)
		*left -= len(keys)
		for i, v := range keys {
			key, ok := readHex(v, 32)
			if !ok || len(key) != 32 {
				entry.Refuse("storageKeys["+strconv.Itoa(i)+"]", "0x and 64 hex digits")
				return
			}
			a.StorageKeys = append(a.StorageKeys, [32]byte(key))
		}
		list = append(list, a)
	})
	return list
}

func (f fields) authorizationList(left *int) (list []ethereum.Authorization, given bool) {
	given = f.each("authorizationList", left, func(entry fields) {
		a := ethereum.Authorization{ChainID: entry.required("chainId"), Nonce: entry.uint("nonce"), R: entry.required("r"), S: entry.required("s")}
		if address := entry.mustAddress(); address != nil {
			a.Address = *address
		}
		parity := entry.uint("yParity")
		if parity > 1 {
			entry.Refuse("yParity", "0 or 1")
		}
		a.YParity = byte(parity)
		list = append(list, a)
	})
	return list, given
}

func (f fields) mustAddress() *ethereum.Address {
	a := f.address("address", f.Value("address"))
	if a == nil {
		f.Fail("address", "missing")
	}
	return a
}

// kind returns the type of the transaction: the field type, or else the type that follows from the other fields. An empty access list
// says nothing, and must not make type 1, which the device cannot show.
func (f fields) kind(t *ethereum.Transaction, authorizationList bool) ethereum.Type {
	if n := f.quantity("type"); n != nil {
		if n.BitLen() > 7 {
			f.Fail("type", "only transactions of types 0, 1, 2 and 4 can be signed")
			return 0
		}
		return ethereum.Type(n.Uint64())
	}
	if t.ChainID == nil {
		// A signature for every chain must not result from a forgotten field.
		f.Fail("chainId", "missing; only a transaction with the type 0 may omit it")
	}
	switch {
	case authorizationList:
		return ethereum.TypeSetCode
	case t.MaxFeePerGas != nil || t.MaxPriorityFeePerGas != nil:
		return ethereum.TypeDynamicFee
	case t.GasPrice == nil:
		f.Fail("maxFeePerGas", "missing, and so is gasPrice")
	case len(t.AccessList) > 0:
		return ethereum.TypeAccessList
	}
	return ethereum.TypeLegacy
}

// complete refuses a transaction without the fields that its type needs. Core refuses fields that do not fit the type.
func (f fields) complete(t *ethereum.Transaction) {
	switch t.Type {
	case ethereum.TypeLegacy, ethereum.TypeAccessList:
		if t.GasPrice == nil {
			f.Fail("gasPrice", "missing")
		}
	default:
		if t.MaxFeePerGas == nil {
			f.Fail("maxFeePerGas", "missing")
		}
		if t.MaxPriorityFeePerGas == nil {
			f.Fail("maxPriorityFeePerGas", "missing")
		}
	}
	if t.To == nil && len(t.Data) == 0 {
		f.Fail("to", "missing, and there is no data to create a contract from")
	}
}
