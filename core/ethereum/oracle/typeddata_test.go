package oracle

import (
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/ethereum"
)

// typed is a document under construction. Struct i refers only to structs with a higher number or to arrays of itself, since
// go-ethereum refuses a struct that contains itself.
type typed struct {
	dice
	types apitypes.Types
	depth int
}

func structName(i int) string { return "Struct" + strconv.Itoa(i) }

func (d *typed) atomicType() string {
	switch d.IntN(7) {
	case 0:
		return "uint" + strconv.Itoa(8*(1+d.IntN(32)))
	case 1:
		return "int" + strconv.Itoa(8*(1+d.IntN(32)))
	case 2:
		return "bytes" + strconv.Itoa(1+d.IntN(32))
	}
	return []string{"bool", "address", "bytes", "string"}[d.IntN(4)]
}

func (d *typed) define(structs int) {
	d.types = apitypes.Types{}
	for i := range structs {
		fields := []apitypes.Type{} // nil would be no struct to go-ethereum
		for f := range d.IntN(6) {
			typ := d.atomicType()
			if i+1 < structs && d.IntN(2) == 0 {
				typ = structName(i + 1 + d.IntN(structs-i-1))
			} else if d.IntN(10) == 0 {
				typ = structName(i) + "[]"
			}
			for range d.IntN(3) {
				if n := d.IntN(4); n == 0 {
					typ += "[]"
				} else {
					typ += "[" + strconv.Itoa(n) + "]"
				}
			}
			fields = append(fields, apitypes.Type{Name: "field" + strconv.Itoa(f), Type: typ})
		}
		d.types[structName(i)] = fields
	}
}

// value generates a value of a type.
func (d *typed) value(typ string) any {
	d.depth++
	defer func() { d.depth-- }()
	if typ[len(typ)-1] == ']' {
		at := len(typ) - 1
		for typ[at] != '[' {
			at--
		}
		n, err := strconv.Atoi(typ[at+1 : len(typ)-1])
		if err != nil {
			if n = d.IntN(3); d.depth > 6 {
				n = 0
			}
		}
		list := make([]any, 0, n)
		for range n {
			list = append(list, d.value(typ[:at]))
		}
		return list
	}
	if fields, ok := d.types[typ]; ok {
		object := map[string]any{}
		for _, f := range fields {
			object[f.Name] = d.value(f.Type)
		}
		return object
	}
	switch typ {
	case "bool":
		return d.IntN(2) == 0
	case "address":
		return d.hex(20)
	case "bytes":
		return d.hex(d.length())
	case "string":
		return []string{"", "hello", "größer", "漢字", string(d.bytes(d.length()))}[d.IntN(5)]
	}
	bits, signed := 0, false
	if typ[0] == 'b' {
		n, _ := strconv.Atoi(typ[len("bytes"):])
		return d.hex(n)
	}
	signed = typ[0] == 'i'
	bits, _ = strconv.Atoi(strings.TrimLeft(typ, "uint"))
	if signed {
		bits--
	}
	n := d.big(bits)
	if signed && d.IntN(2) == 0 {
		n.Not(n)
	}
	switch d.IntN(3) {
	case 0:
		if n.IsInt64() && n.Int64() < 1<<53 && n.Int64() > -(1<<53) {
			return float64(n.Int64())
		}
	case 1:
		if n.Sign() >= 0 {
			return "0x" + n.Text(16)
		}
	}
	return n.String()
}

// domain generates a domain with at least one field, which go-ethereum requires.
func (d *typed) domain() (apitypes.TypedDataDomain, map[string]any) {
	var theirs apitypes.TypedDataDomain
	ours := map[string]any{}
	var fields []apitypes.Type
	set := 1 + d.IntN(31)
	for i, f := range []struct{ name, typ string }{{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}, {"verifyingContract", "address"}, {"salt", "bytes32"}} {
		if set>>i&1 == 0 {
			continue
		}
		fields = append(fields, apitypes.Type{Name: f.name, Type: f.typ})
		switch f.name {
		case "name":
			theirs.Name = "name " + strconv.Itoa(d.IntN(1000))
			ours[f.name] = theirs.Name
		case "version":
			theirs.Version = strconv.Itoa(1 + d.IntN(9))
			ours[f.name] = theirs.Version
		case "chainId":
			id := d.big(256)
			theirs.ChainId = (*math.HexOrDecimal256)(new(big.Int).Set(id))
			ours[f.name] = id
		case "verifyingContract":
			theirs.VerifyingContract = d.hex(20)
			ours[f.name] = theirs.VerifyingContract
		case "salt":
			theirs.Salt = d.hex(32)
			ours[f.name] = theirs.Salt
		}
	}
	d.types["EIP712Domain"] = fields
	return theirs, ours
}

// tree returns the types in the form in which they come from JavaScript.
func (d *typed) tree() map[string]any {
	all := map[string]any{}
	for name, fields := range d.types {
		list := []any{}
		for _, f := range fields {
			list = append(list, map[string]any{"name": f.Name, "type": f.Type})
		}
		all[name] = list
	}
	return all
}

func TestTypedDataAgainstGoEthereum(t *testing.T) {
	n := count(300, 1000)
	d := &typed{dice: newDice(t)}
	fields := 0
	for range n {
		d.define(1 + d.IntN(6))
		message := d.value(structName(0)).(map[string]any)
		theirDomain, ourDomain := d.domain()
		digest, data, err := apitypes.TypedDataAndHash(apitypes.TypedData{Types: d.types, PrimaryType: structName(0), Domain: theirDomain, Message: message})
		require.NoError(t, err)
		ours, err := ethereum.HashTypedData(map[string]any{"types": d.tree(), "primaryType": structName(0), "domain": ourDomain, "message": message}, ethereum.V4)
		require.NoError(t, err)
		got := ours.Digest()
		require.Equal(t, digest, got[:])
		require.Equal(t, data[2:34], string(ours.DomainSeparator[:]))
		require.Equal(t, data[34:], string(ours.StructHash[:]))
		for _, f := range d.types {
			fields += len(f)
		}
	}
	t.Logf("%d typed-data structures with %d fields", n, fields)
}
