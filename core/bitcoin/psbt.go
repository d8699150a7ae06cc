package bitcoin

import (
	"bytes"
	"strconv"

	"imkey-connect/core/errcode"
	"imkey-connect/core/hdpath"
)

// The limits of a PSBT. A user reads each output on the device.
const (
	// MaxPSBT is the largest number of bytes of a PSBT.
	MaxPSBT = 1_500_000
	// MaxInputs is the largest number of inputs of a transaction, which the applet sets.
	MaxInputs = 252
	// MaxOutputs is the largest number of outputs.
	MaxOutputs = 1000
)

// place is the argument that errors name.
const place = "psbt"

// magic begins every PSBT.
const magic = "psbt\xff"

// The types of keys (BIP-174, BIP-370, BIP-371) that this package reads or writes.
const (
	globalTx        = 0x00
	globalTxVersion = 0x02
	globalLockTime  = 0x03
	globalInputs    = 0x04
	globalOutputs   = 0x05
	globalModify    = 0x06
	globalVersion   = 0xFB

	inPrevious       = 0x00
	inWitnessUTXO    = 0x01
	inPartialSig     = 0x02
	inSighash        = 0x03
	inRedeemScript   = 0x04
	inWitnessScript  = 0x05
	inOrigin         = 0x06
	inFinalScript    = 0x07
	inFinalWitness   = 0x08
	inTxID           = 0x0E
	inIndex          = 0x0F
	inSequence       = 0x10
	inTimeLock       = 0x11
	inHeightLock     = 0x12
	inTaprootSig     = 0x13
	inTaprootLeafSig = 0x14
	inLeaf           = 0x15
	inTaprootOrigin  = 0x16
	inTaprootKey     = 0x17
	inTaprootRoot    = 0x18

	outRedeemScript  = 0x00
	outWitnessScript = 0x01
	outOrigin        = 0x02
	outAmount        = 0x03
	outScript        = 0x04
	outTaprootKey    = 0x05
	outTaprootTree   = 0x06
	outTaprootOrigin = 0x07
)

// timeLock is the least lock time that is a time. Lower ones are heights.
const timeLock = 500_000_000

// PSBT is a partially signed transaction: version 0 (BIP-174) or version 2 (BIP-370), with the fields of taproot (BIP-371).
type PSBT struct {
	// Version is 0 or 2. A PSBT is written in the version in which it was read.
	Version int

	global  entries
	inputs  []inputMap
	outputs []outputMap
	tx      *Transaction // without scripts and witnesses
}

// entries are the entries of one map, in their order. Unknown ones are kept.
type entries []entry

// entry is one entry of a map. Its key is a type and further bytes.
type entry struct{ key, value []byte }

// inputMap is what a PSBT says of an input.
type inputMap struct {
	entries
	previous *Transaction // the whole transaction whose output is spent
	witness  *Output      // that output alone
	sighash  *uint32
	origins  []origin
	leaves   []leafScript
	root     []byte
	final    bool
}

// outputMap is what a PSBT says of an output.
type outputMap struct {
	entries
	origins []origin
}

// origin is a key with its path, from a PSBT. That it is the wallet's is a claim.
type origin struct {
	key    []byte // 33 bytes, or 32 for the x coordinate of taproot
	path   hdpath.Path
	leaves [][]byte // the hashes of the leaves in which it signs, for taproot
}

// leafScript is a leaf of a taproot output, with the block that proves that the output commits to it.
type leafScript struct {
	control, script []byte
	version         byte
}

// Transaction returns the unsigned transaction. The caller must not change it.
func (p *PSBT) Transaction() *Transaction { return p.tx }

// ParsePSBT reads a PSBT. Errors have code invalid-argument at "psbt", with the reason [TooLarge] beyond the limits. The PSBT keeps slices
// of b.
func ParsePSBT(b []byte) (*PSBT, error) {
	if len(b) > MaxPSBT {
		return nil, refuse(place, TooLarge, "more than 1500000 bytes")
	}
	if !bytes.HasPrefix(b, []byte(magic)) {
		return nil, errcode.Invalid(place, "it does not begin as a PSBT does")
	}
	r := &reader{at: place, b: b[len(magic):]}
	p := &PSBT{global: r.entries()}
	inputs, outputs := p.readGlobal(r)
	for range inputs {
		p.inputs = append(p.inputs, inputMap{entries: r.entries()})
	}
	for range outputs {
		p.outputs = append(p.outputs, outputMap{entries: r.entries()})
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("bytes after the PSBT")
	}
	if r.err != nil {
		return nil, r.err
	}
	if p.Version == 2 {
		p.assemble(r)
	}
	for i := range p.inputs {
		p.inputs[i].read(r, i, p.Version)
	}
	for i := range p.outputs {
		p.outputs[i].read(r, i, p.Version)
	}
	if r.err != nil {
		return nil, r.err
	}
	return p, nil
}

// Bytes returns the encoding.
func (p *PSBT) Bytes() []byte {
	b := p.global.append([]byte(magic))
	for i := range p.inputs {
		b = p.inputs[i].append(b)
	}
	for i := range p.outputs {
		b = p.outputs[i].append(b)
	}
	return b
}

func (e entries) append(b []byte) []byte {
	for _, entry := range e {
		b = varBytes(varBytes(b, entry.key), entry.value)
	}
	return append(b, 0)
}

// entries reads one map. No key comes twice.
func (r *reader) entries() (all entries) {
	seen := map[string]bool{}
	for {
		key := r.varBytes()
		if r.err != nil || len(key) == 0 {
			return all
		}
		if seen[string(key)] {
			r.fail("a key comes twice")
		}
		seen[string(key)] = true
		all = append(all, entry{key, r.varBytes()})
	}
}

// get returns the value of the key that is only this type, or nil.
func (e entries) get(typ byte) []byte {
	for _, entry := range e {
		if len(entry.key) == 1 && entry.key[0] == typ {
			return entry.value
		}
	}
	return nil
}

// set replaces the value of a key, or appends it.
func (e *entries) set(key, value []byte) {
	for i := range *e {
		if bytes.Equal((*e)[i].key, key) {
			(*e)[i].value = value
			return
		}
	}
	*e = append(*e, entry{key, value})
}

// drop removes the keys of these types.
func (e *entries) drop(types ...byte) {
	kept := (*e)[:0:0]
	for _, entry := range *e {
		if bytes.IndexByte(types, entry.key[0]) < 0 {
			kept = append(kept, entry)
		}
	}
	*e = kept
}

// of returns a reader for one entry.
func (r *reader) of(where string, value []byte) *reader { return &reader{at: r.at + where, b: value} }

// end keeps the error of the reader of an entry, and one for bytes that it left.
func (r *reader) end(of *reader) {
	if of.err == nil && len(of.b) > 0 {
		of.fail("an entry is too long")
	}
	if r.err == nil {
		r.err = of.err
	}
}

// number reads an entry that is a number of 4 bytes.
func (r *reader) number(where string, value []byte) uint32 {
	of := r.of(where, value)
	n := of.uint32()
	r.end(of)
	return n
}

// count reads an entry that is a number of maps.
func (r *reader) count(value []byte) int {
	of := r.of("", value)
	n := of.compact(0)
	r.end(of)
	return n
}

// readGlobal reads the first map and returns the numbers of inputs and outputs.
func (p *PSBT) readGlobal(r *reader) (inputs, outputs int) {
	if v := p.global.get(globalVersion); v != nil {
		switch r.number("", v) {
		case 0:
		case 2:
			p.Version = 2
		default:
			r.fail("a version of PSBT other than 0 and 2")
		}
	}
	for _, e := range p.global {
		known := e.key[0] <= globalModify && e.key[0] != 0x01 || e.key[0] == globalVersion
		of := e.key[0] == globalTx // belongs to version 0
		if known && len(e.key) != 1 || known && e.key[0] != globalVersion && of != (p.Version == 0) {
			r.fail("a global entry that its version does not have, or with a malformed key")
		}
	}
	if r.err != nil {
		return 0, 0
	}
	if p.Version == 0 {
		v := p.global.get(globalTx)
		if v == nil {
			r.fail("no transaction")
			return 0, 0
		}
		var err error
		if p.tx, err = ParseTransaction(place, v); err != nil {
			r.err = err
			return 0, 0
		}
		for i := range p.tx.Inputs {
			if len(p.tx.Inputs[i].Script) > 0 || len(p.tx.Inputs[i].Witness) > 0 {
				r.fail("its transaction has a signature")
			}
		}
		inputs, outputs = len(p.tx.Inputs), len(p.tx.Outputs)
	} else {
		if p.global.get(globalTxVersion) == nil || p.global.get(globalInputs) == nil || p.global.get(globalOutputs) == nil {
			r.fail("no version of the transaction, or no number of inputs or outputs")
			return 0, 0
		}
		inputs, outputs = r.count(p.global.get(globalInputs)), r.count(p.global.get(globalOutputs))
	}
	switch {
	case r.err != nil:
	case inputs > MaxInputs:
		r.err = refuse(place, TooLarge, "more than 252 inputs")
	case outputs > MaxOutputs:
		r.err = refuse(place, TooLarge, "more than 1000 outputs")
	case inputs == 0 || outputs == 0:
		r.fail("no input, or no output")
	}
	if r.err != nil {
		return 0, 0
	}
	return inputs, outputs
}

// assemble makes the transaction of a PSBT of version 2.
func (p *PSBT) assemble(r *reader) {
	t := &Transaction{Version: r.number("", p.global.get(globalTxVersion))}
	if v := p.global.get(globalLockTime); v != nil {
		t.LockTime = r.number("", v)
	}
	var times, heights, either int
	var time, height uint32
	for i := range p.inputs {
		e := p.inputs[i].entries
		where := at("inputs", i)
		of := r.of(where, e.get(inTxID))
		in := Input{OutPoint: OutPoint{of.hash(), r.number(where, e.get(inIndex))}, Sequence: 0xFFFFFFFF}
		r.end(of)
		if v := e.get(inSequence); v != nil {
			in.Sequence = r.number(where, v)
		}
		t.Inputs = append(t.Inputs, in)
		byTime, byHeight := e.get(inTimeLock), e.get(inHeightLock)
		if byTime != nil {
			n := r.number(where, byTime)
			time = max(time, n)
			if times++; n < timeLock {
				r.fail("a lock by time that is a height")
			}
		}
		if byHeight != nil {
			n := r.number(where, byHeight)
			height = max(height, n)
			if heights++; n == 0 || n >= timeLock {
				r.fail("a lock by height that is none")
			}
		}
		if byTime != nil || byHeight != nil {
			either++
		}
	}
	switch { // BIP-370, Determining Lock Time
	case either == 0:
	case heights == either:
		t.LockTime = height
	case times == either:
		t.LockTime = time
	default:
		r.fail("inputs that are locked by time and others by height")
	}
	for i := range p.outputs {
		e := p.outputs[i].entries
		of := r.of(at("outputs", i), e.get(outAmount))
		script := e.get(outScript)
		if script == nil {
			of.fail("no script")
		}
		t.Outputs = append(t.Outputs, Output{of.amount(), script})
		r.end(of)
	}
	if r.err == nil {
		p.tx, r.err = ParseTransaction(place, t.encode(false))
	}
}

func at(list string, index int) string { return "." + list + "[" + strconv.Itoa(index) + "]" }

// read reads the entries of an input.
func (m *inputMap) read(r *reader, index, version int) {
	where := at("inputs", index)
	for _, e := range m.entries {
		of := r.of(where, e.value)
		typ, keyData := e.key[0], e.key[1:]
		size := 0 // of what the key has besides its type
		switch {
		case typ == inPartialSig || typ == inOrigin:
			size = 33
		case typ == inTaprootLeafSig:
			size = 64
		case typ == inTaprootOrigin:
			size = 32
		case typ == inLeaf || typ > inTaprootRoot || typ > inFinalWitness && typ < inTxID:
			size = len(keyData)
		}
		if n := len(keyData); n != size && (size != 33 || n != 65) {
			of.fail("a malformed key")
		}
		switch typ {
		case inPrevious:
			m.previous = of.transaction()
		case inWitnessUTXO:
			out := of.output()
			m.witness = &out
		case inSighash:
			n := of.uint32()
			m.sighash = &n
		case inOrigin:
			m.origins = append(m.origins, of.origin(keyData, nil))
		case inTaprootOrigin:
			m.origins = append(m.origins, of.taprootOrigin(keyData))
		case inLeaf:
			n := len(keyData)
			if n < 33 || n > 33+32*128 || (n-33)%32 != 0 || len(of.b) == 0 {
				of.fail("a malformed control block")
				break
			}
			m.leaves = append(m.leaves, leafScript{keyData, of.next(len(of.b) - 1), of.byte()})
		case inTaprootKey, inTaprootRoot:
			root := of.next(32)
			if typ == inTaprootRoot {
				m.root = root
			}
		default: // not read here
			if typ >= inTxID && typ <= inHeightLock && version != 2 {
				of.fail("an entry that only version 2 has")
			}
			if n := len(of.b); typ == inTaprootSig && n != 64 && n != 65 {
				of.fail("a signature of taproot has 64 or 65 bytes")
			}
			m.final = m.final || typ == inFinalScript || typ == inFinalWitness
			of.b = nil
		}
		r.end(of)
	}
}

// read reads the entries of an output.
func (m *outputMap) read(r *reader, index, version int) {
	where := at("outputs", index)
	for _, e := range m.entries {
		of := r.of(where, e.value)
		keyData := e.key[1:]
		switch typ := e.key[0]; typ {
		case outOrigin:
			if len(keyData) != 33 && len(keyData) != 65 {
				of.fail("a malformed key")
			}
			m.origins = append(m.origins, of.origin(keyData, nil))
		case outTaprootOrigin:
			if len(keyData) != 32 {
				of.fail("a malformed key")
			}
			m.origins = append(m.origins, of.taprootOrigin(keyData))
		case outRedeemScript, outWitnessScript, outTaprootKey, outTaprootTree, outAmount, outScript:
			if len(keyData) != 0 || (typ == outAmount || typ == outScript) && version != 2 {
				of.fail("a malformed key, or an entry that only version 2 has")
			}
			of.b = nil
		default:
			of.b = nil
		}
		r.end(of)
	}
}

// origin reads a fingerprint and a path. The fingerprint is not kept: the device's key is compared.
func (r *reader) origin(key []byte, leaves [][]byte) origin {
	r.next(4)
	if len(r.b)%4 != 0 {
		r.fail("a malformed path")
	}
	o := origin{key: key, leaves: leaves}
	for r.err == nil && len(r.b) > 0 {
		o.path = append(o.path, r.uint32())
	}
	return o
}

func (r *reader) taprootOrigin(key []byte) origin {
	var leaves [][]byte
	for range r.compact(32) {
		leaves = append(leaves, r.next(32))
	}
	return r.origin(key, leaves)
}
