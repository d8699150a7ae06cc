package tron

import (
	"crypto/sha256"
	"math"

	"imkey-connect/core/errcode"
	"imkey-connect/core/protobuf"
)

// Transaction is what a raw_data says: the protocol buffer Transaction.raw of java-tron's Tron.proto. Amounts are in sun, which are
// 10^-6 TRX.
type Transaction struct {
	// Contract is the kind of the transaction, such as TransferContract.
	Contract string
	// Owner is the account that acts.
	Owner Address
	// FeeLimit is the most that the owner pays for energy.
	FeeLimit int64
	// Memo is the field data.
	Memo []byte
	// Permission is the number of the owner's permission by which it is signed; 0 is the owner permission.
	Permission int64

	raw     []byte
	summary Summary
}

// place is where errors of the transaction are.
const place = "rawData"

// MaxRawData is the largest number of bytes of a raw_data. It is java-tron's limit for a transaction.
const MaxRawData = 500 * 1024

// typeURL is the beginning of the name of a contract's type in its Any.
const typeURL = "type.googleapis.com/protocol."

// ParseTransaction reads a raw_data strictly, as [protobuf.Parse] does. It has one contract, as every transaction of TRON. Fields that the
// network does not use are refused. Errors have code invalid-argument.
func ParseTransaction(raw []byte) (*Transaction, error) {
	if len(raw) == 0 || len(raw) > MaxRawData {
		return nil, errcode.Invalid(place, "between 1 and 512000 bytes")
	}
	t := &Transaction{raw: append([]byte{}, raw...)}
	m := protobuf.Read(place, t.raw)
	m.Bytes(1)  // ref_block_bytes
	m.Number(3) // ref_block_num
	m.Bytes(4)  // ref_block_hash
	m.Number(8) // expiration
	t.Memo = m.Bytes(10)
	contracts := m.Repeated(11)
	m.Number(14) // timestamp
	t.FeeLimit = m.Number(18)
	if err := m.Err(); err != nil {
		return nil, err
	}
	if len(contracts) != 1 {
		return nil, errcode.Invalid(place, "a transaction of TRON has exactly one contract")
	}
	m = protobuf.Read(place, contracts[0])
	kind := m.Number(1)
	parameter := m.Bytes(2)
	t.Permission = m.Number(5)
	if err := m.Err(); err != nil {
		return nil, err
	}
	var typ *contractType
	for i := range contractTypes {
		if contractTypes[i].number == kind {
			typ = &contractTypes[i]
		}
	}
	if typ == nil {
		return nil, errcode.Invalid(place, "a kind of transaction that this host does not know")
	}
	t.Contract = typ.name
	m = protobuf.Read(place, parameter)
	name, value := m.Bytes(1), m.Bytes(2)
	if err := m.Err(); err != nil {
		return nil, err
	}
	if string(name) != typeURL+t.Contract {
		return nil, errcode.Invalid(place, "the number of the contract's type and its name contradict each other")
	}
	if t.Permission > math.MaxInt32 {
		return nil, errcode.Invalid(place, "a permission that TRON cannot have")
	}
	if err := t.read(typ, value); err != nil {
		return nil, err
	}
	return t, nil
}

// Hash returns SHA-256 of the raw_data: the id of the transaction, and what is signed.
func (t *Transaction) Hash() [32]byte { return sha256.Sum256(t.raw) }

// Raw returns the raw_data.
func (t *Transaction) Raw() []byte { return append([]byte{}, t.raw...) }

// Summary says what the transaction does, and has the texts for the device's screen.
func (t *Transaction) Summary() Summary { return t.summary }
