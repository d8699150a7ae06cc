package bitcoin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/bits"

	"imkey-connect/core/errcode"
)

// MaxMoney is the largest amount that can exist, in satoshi.
const MaxMoney = 21_000_000 * 100_000_000

// OutPoint names an output of a transaction.
type OutPoint struct {
	// TxID is the transaction's id in the order in which it is hashed. Explorers and nodes write it backwards: [TxIDText].
	TxID  [32]byte
	Index uint32
}

// TxIDText returns an id as explorers and nodes write it.
func TxIDText(id [32]byte) string {
	for i := range 16 {
		id[i], id[31-i] = id[31-i], id[i]
	}
	return hex.EncodeToString(id[:])
}

// Input is an input of a transaction.
type Input struct {
	OutPoint
	Script   []byte // unlocks a legacy or a nested output
	Sequence uint32
	Witness  [][]byte
}

// Output is an output of a transaction.
type Output struct {
	Amount uint64 // satoshi
	Script []byte
}

// Transaction is a transaction.
type Transaction struct {
	Version  uint32
	Inputs   []Input
	Outputs  []Output
	LockTime uint32
}

// ParseTransaction reads a transaction with or without witnesses (BIP-144). What it accepts has one encoding only, that of
// [Transaction.Bytes]. Errors have code invalid-argument at this place. The scripts are slices of b.
func ParseTransaction(at string, b []byte) (*Transaction, error) {
	r := reader{at: at, b: b}
	t := r.transaction()
	if r.err == nil && len(r.b) > 0 {
		r.fail("bytes after the transaction")
	}
	return t, r.err
}

// Bytes returns the transaction with its witnesses, if it has any.
func (t *Transaction) Bytes() []byte {
	witnesses := false
	for i := range t.Inputs {
		witnesses = witnesses || len(t.Inputs[i].Witness) > 0
	}
	return t.encode(witnesses)
}

// TxID returns the id, in the order in which it is hashed. Witnesses are not part of it.
func (t *Transaction) TxID() [32]byte { return sha256d(t.encode(false)) }

func (t *Transaction) encode(witnesses bool) []byte {
	b := le32(nil, t.Version)
	if witnesses {
		b = append(b, 0, 1)
	}
	b = compact(b, len(t.Inputs))
	for i := range t.Inputs {
		in := &t.Inputs[i]
		b = in.OutPoint.append(b)
		b = varBytes(b, in.Script)
		b = le32(b, in.Sequence)
	}
	b = append(b, t.outputs()...)
	if witnesses {
		for i := range t.Inputs {
			b = appendWitness(b, t.Inputs[i].Witness)
		}
	}
	return le32(b, t.LockTime)
}

func (o *OutPoint) append(b []byte) []byte { return le32(append(b, o.TxID[:]...), o.Index) }

// outputs are the outputs after their number.
func (t *Transaction) outputs() []byte { return appendOutputs(compact(nil, len(t.Outputs)), t.Outputs) }

func appendOutputs(b []byte, outputs []Output) []byte {
	for i := range outputs {
		b = varBytes(le64(b, outputs[i].Amount), outputs[i].Script)
	}
	return b
}

func appendWitness(b []byte, items [][]byte) []byte {
	b = compact(b, len(items))
	for _, item := range items {
		b = varBytes(b, item)
	}
	return b
}

func sha256d(b []byte) [32]byte {
	sum := sha256.Sum256(b)
	return sha256.Sum256(sum[:])
}

// le appends the n lowest bytes of a number, the lowest first.
func le(b []byte, v uint64, n int) []byte {
	for range n {
		b = append(b, byte(v))
		v >>= 8
	}
	return b
}

func le32(b []byte, v uint32) []byte { return le(b, uint64(v), 4) }
func le64(b []byte, v uint64) []byte { return le(b, v, 8) }
func be16(b []byte, v int) []byte    { return append(b, byte(v>>8), byte(v)) }
func be64(b []byte, v uint64) []byte { return le(b, bits.ReverseBytes64(v), 8) }

// compact appends a number as CompactSize.
func compact(b []byte, n int) []byte {
	switch {
	case n < 0xFD:
		return append(b, byte(n))
	case n <= 0xFFFF:
		return le(append(b, 0xFD), uint64(n), 2)
	}
	return le(append(b, 0xFE), uint64(n), 4)
}

func varBytes(b, data []byte) []byte { return append(compact(b, len(data)), data...) }

// join returns the parts one after another. A chain of appends has several times the code.
func join(parts ...[]byte) (b []byte) {
	for _, part := range parts {
		b = append(b, part...)
	}
	return b
}

// reader reads the parts of a transaction or a PSBT. After an error every further read gives zeros.
type reader struct {
	at  string
	b   []byte
	err error
}

func (r *reader) fail(reason string) {
	if r.err == nil {
		r.err = errcode.Invalid(r.at, reason)
	}
}

// next returns the next n bytes, or nil.
func (r *reader) next(n int) []byte {
	if r.err == nil && n > len(r.b) {
		r.fail("truncated")
	}
	if r.err != nil {
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.next(1); b != nil {
		return b[0]
	}
	return 0
}

// uint reads a number of n bytes, the lowest first.
func (r *reader) uint(n int) (v uint64) {
	for i, c := range r.next(n) {
		v |= uint64(c) << (8 * i)
	}
	return v
}

func (r *reader) uint32() uint32 {
	return uint32(r.uint(4))
}

func (r *reader) hash() (h [32]byte) {
	copy(h[:], r.next(32))
	return h
}

// amount reads an amount of at most [MaxMoney].
func (r *reader) amount() uint64 {
	n := r.uint(8)
	if n > MaxMoney {
		r.fail("more than all bitcoins")
		return 0
	}
	return n
}

// compact reads a CompactSize number in its shortest form. It is the number of things that follow, each of at least that number of bytes. If least
// is 0, they do not follow.
func (r *reader) compact(least int) int {
	var n uint64
	c := r.byte()
	if c < 0xFD {
		n = uint64(c)
	} else {
		size := 2 << (c - 0xFD)
		n = r.uint(size)
		if r.err == nil && (size == 2 && n < 0xFD || size == 4 && n <= 0xFFFF || size == 8 && n <= 0xFFFFFFFF) {
			r.fail("a length that is not in its shortest form")
		}
	}
	if n > MaxMoney || least > 0 && n > uint64(len(r.b)/least) {
		r.fail("truncated")
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// varBytes reads bytes after their length. They are not nil without an error.
func (r *reader) varBytes() []byte { return r.next(r.compact(1)) }

func (r *reader) outPoint() (o OutPoint) {
	o.TxID = r.hash()
	o.Index = r.uint32()
	return o
}

func (r *reader) output() Output { return Output{r.amount(), r.varBytes()} }

func (r *reader) witness() [][]byte {
	n := r.compact(1)
	items := make([][]byte, 0, n)
	for range n {
		items = append(items, r.varBytes())
	}
	return items
}

// transaction reads a transaction. It has an input and an output.
func (r *reader) transaction() *Transaction {
	t := &Transaction{Version: r.uint32()}
	witnesses := bytes.HasPrefix(r.b, []byte{0, 1})
	if witnesses {
		r.next(2)
	}
	n := r.compact(41)
	if n == 0 {
		r.fail("no input")
	}
	seen := make(map[OutPoint]bool, n)
	for range n {
		in := Input{OutPoint: r.outPoint(), Script: r.varBytes(), Sequence: r.uint32()}
		if seen[in.OutPoint] {
			r.fail("two inputs spend the same output")
		}
		seen[in.OutPoint] = true
		t.Inputs = append(t.Inputs, in)
	}
	n = r.compact(9)
	if n == 0 {
		r.fail("no output")
	}
	for range n {
		t.Outputs = append(t.Outputs, r.output())
	}
	if _, ok := sumOutputs(t.Outputs); !ok {
		r.fail("more than all bitcoins")
	}
	if witnesses {
		some := false
		for i := range t.Inputs {
			t.Inputs[i].Witness = r.witness()
			some = some || len(t.Inputs[i].Witness) > 0
		}
		if !some {
			r.fail("the form with witnesses, and no witness")
		}
	}
	t.LockTime = r.uint32()
	return t
}

// sumOutputs adds amounts. ok is false for more than [MaxMoney].
func sumOutputs(outputs []Output) (total uint64, ok bool) {
	for _, o := range outputs {
		if total += o.Amount; o.Amount > MaxMoney || total > MaxMoney {
			return 0, false
		}
	}
	return total, true
}
