package ethereum

import (
	"math"
	"math/big"
	"strconv"

	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum/rlp"
	"imkey-connect/core/keccak"
)

// Type is the type of a transaction (EIP-2718).
type Type byte

// The types that can be signed. Blob transactions (type 3) cannot be signed, since wallets do not send them.
const (
	TypeLegacy     Type = 0
	TypeAccessList Type = 1 // EIP-2930
	TypeDynamicFee Type = 2 // EIP-1559
	TypeSetCode    Type = 4 // EIP-7702
)

// Transaction is an unsigned transaction. Amounts are in wei. A nil amount is zero.
type Transaction struct {
	Type Type
	// ChainID may be nil for type 0 only. Then the signature is valid on every chain, as before EIP-155.
	ChainID *big.Int
	Nonce   uint64
	// GasPrice is for types 0 and 1.
	GasPrice *big.Int
	// MaxPriorityFeePerGas and MaxFeePerGas are for types 2 and 4.
	MaxPriorityFeePerGas, MaxFeePerGas *big.Int
	Gas                                uint64
	// To is nil for the creation of a contract, which type 4 cannot do.
	To    *Address
	Value *big.Int
	Data  []byte
	// AccessList is for types 1, 2 and 4.
	AccessList []AccessTuple
	// AuthorizationList is for type 4 and must not be empty there.
	AuthorizationList []Authorization
}

// AccessTuple is an entry of an access list (EIP-2930).
type AccessTuple struct {
	Address     Address
	StorageKeys [][32]byte
}

// Authorization lets an account run the code at an address (EIP-7702). It is already signed: this package does not sign
// authorizations.
type Authorization struct {
	// ChainID zero means every chain.
	ChainID *big.Int
	Address Address
	Nonce   uint64
	YParity byte
	R, S    *big.Int
}

// word is the number of bits in the largest amount.
const word = 256

// encodable returns an error for a transaction that has no encoding. Errors have code invalid-argument.
func (t *Transaction) encodable() error {
	switch t.Type {
	case TypeLegacy, TypeAccessList, TypeDynamicFee, TypeSetCode:
	default:
		return errcode.Invalid("type", "only transactions of types 0, 1, 2 and 4 can be signed")
	}
	for _, v := range []struct {
		at string
		n  *big.Int
		ok bool
	}{
		{"chainId", t.ChainID, true},
		{"gasPrice", t.GasPrice, t.Type == TypeLegacy || t.Type == TypeAccessList},
		{"maxPriorityFeePerGas", t.MaxPriorityFeePerGas, t.Type == TypeDynamicFee || t.Type == TypeSetCode},
		{"maxFeePerGas", t.MaxFeePerGas, t.Type == TypeDynamicFee || t.Type == TypeSetCode},
		{"value", t.Value, true},
	} {
		if err := amount(v.at, v.n); err != nil {
			return err
		}
		if !v.ok && v.n != nil {
			return errcode.Invalid(v.at, "not for this type of transaction")
		}
	}
	if t.Type == TypeLegacy && t.ChainID != nil && t.ChainID.BitLen() > word-2 {
		// v is more than twice the chain id.
		return errcode.Invalid("chainId", "out of range")
	}
	if t.Type == TypeLegacy && len(t.AccessList) != 0 {
		return errcode.Invalid("accessList", "not for this type of transaction")
	}
	if t.Type != TypeSetCode && len(t.AuthorizationList) != 0 {
		return errcode.Invalid("authorizationList", "not for this type of transaction")
	}
	if t.Type == TypeSetCode && t.To == nil {
		return errcode.Invalid("to", "a transaction of type 4 creates no contract")
	}
	for i, a := range t.AuthorizationList {
		at := "authorizationList[" + strconv.Itoa(i) + "]."
		if err := amount(at+"chainId", a.ChainID); err != nil {
			return err
		}
		if err := amount(at+"r", a.R); err != nil {
			return err
		}
		if err := amount(at+"s", a.S); err != nil {
			return err
		}
	}
	return nil
}

func amount(at string, n *big.Int) error {
	if n != nil && (n.Sign() < 0 || n.BitLen() > word) {
		return errcode.Invalid(at, "an amount is between 0 and 2^256-1")
	}
	return nil
}

// Validate returns an error for a transaction that has no encoding or that no node accepts. Errors have code invalid-argument.
func (t *Transaction) Validate() error {
	if err := t.encodable(); err != nil {
		return err
	}
	switch {
	case t.ChainID == nil && t.Type != TypeLegacy:
		return errcode.Invalid("chainId", "missing")
	case t.ChainID != nil && t.ChainID.Sign() == 0:
		// The signature would be one for every chain.
		return errcode.Invalid("chainId", "no chain has the id 0")
	case t.Nonce == math.MaxUint64:
		return errcode.Invalid("nonce", "out of range (EIP-2681)")
	case big0(t.MaxPriorityFeePerGas).Cmp(big0(t.MaxFeePerGas)) > 0:
		return errcode.Invalid("maxPriorityFeePerGas", "more than maxFeePerGas")
	case t.Type == TypeSetCode && len(t.AuthorizationList) == 0:
		return errcode.Invalid("authorizationList", "a transaction of type 4 has at least one")
	}
	for i, a := range t.AuthorizationList {
		if a.YParity > 1 {
			return errcode.Invalid("authorizationList["+strconv.Itoa(i)+"].yParity", "0 or 1")
		}
	}
	return nil
}

func big0(v *big.Int) *big.Int {
	if v == nil {
		return new(big.Int)
	}
	return v
}

// protected reports whether the signature of a type 0 transaction is valid on one chain only (EIP-155).
func (t *Transaction) protected() bool { return t.ChainID != nil && t.ChainID.Sign() != 0 }

// fields returns the fields before the signature, in order.
func (t *Transaction) fields() []rlp.Item {
	var to []byte
	if t.To != nil {
		to = t.To[:]
	}
	body := []rlp.Item{rlp.Uint(t.Gas), rlp.String(to), rlp.Big(t.Value), rlp.String(t.Data)}
	var head []rlp.Item
	switch t.Type {
	case TypeLegacy:
		head = []rlp.Item{rlp.Uint(t.Nonce), rlp.Big(t.GasPrice)}
	case TypeAccessList:
		head = []rlp.Item{rlp.Big(t.ChainID), rlp.Uint(t.Nonce), rlp.Big(t.GasPrice)}
	default:
		head = []rlp.Item{rlp.Big(t.ChainID), rlp.Uint(t.Nonce), rlp.Big(t.MaxPriorityFeePerGas), rlp.Big(t.MaxFeePerGas)}
	}
	all := append(head, body...)
	if t.Type != TypeLegacy {
		all = append(all, t.accessList())
	}
	if t.Type == TypeSetCode {
		all = append(all, t.authorizationList())
	}
	return all
}

func (t *Transaction) accessList() rlp.Item {
	list := rlp.List()
	for i := range t.AccessList {
		a := &t.AccessList[i]
		keys := rlp.List()
		for j := range a.StorageKeys {
			keys.List = append(keys.List, rlp.String(a.StorageKeys[j][:]))
		}
		list.List = append(list.List, rlp.List(rlp.String(a.Address[:]), keys))
	}
	return list
}

func (t *Transaction) authorizationList() rlp.Item {
	list := rlp.List()
	for i := range t.AuthorizationList {
		a := &t.AuthorizationList[i]
		list.List = append(list.List, rlp.List(rlp.Big(a.ChainID), rlp.String(a.Address[:]), rlp.Uint(a.Nonce),
			rlp.Uint(uint64(a.YParity)), rlp.Big(a.R), rlp.Big(a.S)))
	}
	return list
}

// envelope encodes the fields, with the type before them except for type 0 (EIP-2718).
func (t *Transaction) envelope(fields []rlp.Item) []byte {
	b := rlp.List(fields...).Encode()
	if t.Type != TypeLegacy {
		b = append([]byte{byte(t.Type)}, b...)
	}
	return b
}

// Unsigned returns the bytes that are hashed and signed. Errors have code invalid-argument.
func (t *Transaction) Unsigned() ([]byte, error) {
	if err := t.encodable(); err != nil {
		return nil, err
	}
	fields := t.fields()
	if t.Type == TypeLegacy && t.protected() {
		fields = append(fields, rlp.Big(t.ChainID), rlp.Uint(0), rlp.Uint(0))
	}
	return t.envelope(fields), nil
}

// SignHash returns the digest that is signed.
func (t *Transaction) SignHash() ([32]byte, error) {
	b, err := t.Unsigned()
	if err != nil {
		return [32]byte{}, err
	}
	return keccak.Sum256(b), nil
}

// Signed returns the raw transaction, ready for eth_sendRawTransaction. Its Keccak-256 is the transaction's hash.
func (t *Transaction) Signed(sig Signature) ([]byte, error) {
	if err := t.encodable(); err != nil {
		return nil, err
	}
	return t.envelope(append(t.fields(), rlp.Big(t.v(sig.YParity)),
		// r and s are integers, since nodes refuse leading zeros.
		rlp.Big(new(big.Int).SetBytes(sig.R[:])), rlp.Big(new(big.Int).SetBytes(sig.S[:])))), nil
}

// v returns the field of a signed transaction that holds the recovery id: the id itself, or in type 0 chainId·2 + 35 + id
// (EIP-155) or 27 + id. It is a big.Int, since chain ids above 2^32 exist.
func (t *Transaction) v(parity byte) *big.Int {
	v := big.NewInt(int64(parity))
	switch {
	case t.Type != TypeLegacy:
		return v
	case !t.protected():
		return v.Add(v, big.NewInt(27))
	}
	v.Add(v, big.NewInt(35))
	return v.Add(v, new(big.Int).Lsh(t.ChainID, 1))
}
