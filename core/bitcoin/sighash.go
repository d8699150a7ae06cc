package bitcoin

import (
	"crypto/sha256"

	"imkey-connect/core/secp256k1"
)

// sighashAll is the hash type that every ECDSA signature has. Schnorr signatures have the type 0, DEFAULT, which signs the same.
const sighashAll = 0x01

// hashes has what the hashes of all inputs of a transaction have in common.
type hashes struct {
	tx                                                 *Transaction
	outPoints, sequences, amounts, scripts, outputs    [32]byte // SHA-256, as BIP-341 has them
	outPointList, sequenceList, amountList, scriptList []byte   // what was hashed: the lists that the applet gets
}

// newHashes computes the hashes for a transaction whose inputs spend these outputs, in the same order.
func newHashes(tx *Transaction, spent []Output) *hashes {
	h := &hashes{tx: tx}
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		h.outPointList = in.OutPoint.append(h.outPointList)
		h.sequenceList = le32(h.sequenceList, in.Sequence)
		h.amountList = le64(h.amountList, spent[i].Amount)
		h.scriptList = varBytes(h.scriptList, spent[i].Script)
	}
	h.outPoints, h.sequences = sha256.Sum256(h.outPointList), sha256.Sum256(h.sequenceList)
	h.amounts, h.scripts = sha256.Sum256(h.amountList), sha256.Sum256(h.scriptList)
	h.outputs = sha256.Sum256(appendOutputs(nil, tx.Outputs))
	return h
}

// legacy is what a signature of a P2PKH input signs.
func (h *hashes) legacy(index int, script []byte) [32]byte {
	b := le32(nil, h.tx.Version)
	b = compact(b, len(h.tx.Inputs))
	b = h.legacyInputs(b, index, script)
	b = compact(b, len(h.tx.Outputs))
	b = appendOutputs(b, h.tx.Outputs)
	return sha256d(le32(le32(b, h.tx.LockTime), sighashAll))
}

// legacyInputs appends the inputs with no script but that of the one that is signed.
func (h *hashes) legacyInputs(b []byte, index int, script []byte) []byte {
	for i := range h.tx.Inputs {
		in := &h.tx.Inputs[i]
		b = in.OutPoint.append(b)
		if i == index {
			b = varBytes(b, script)
		} else {
			b = append(b, 0)
		}
		b = le32(b, in.Sequence)
	}
	return b
}

// witness is what a signature of a P2WPKH input signs (BIP-143). code is its script code.
func (h *hashes) witness(index int, code []byte, amount uint64) [32]byte {
	twice := func(sum [32]byte) []byte { sum = sha256.Sum256(sum[:]); return sum[:] }
	b := le32(nil, h.tx.Version)
	b = append(append(b, twice(h.outPoints)...), twice(h.sequences)...)
	b = h.tx.Inputs[index].OutPoint.append(b)
	b = le32(le64(varBytes(b, code), amount), h.tx.Inputs[index].Sequence)
	b = append(b, twice(h.outputs)...)
	return sha256d(le32(le32(b, h.tx.LockTime), sighashAll))
}

// taproot is what a signature of a P2TR input signs (BIP-341). leaf is the hash of the script that is spent, or nil for the key.
func (h *hashes) taproot(index int, leaf []byte) [32]byte {
	b := le32(le32([]byte{0, 0}, h.tx.Version), h.tx.LockTime)
	for _, sum := range [][32]byte{h.outPoints, h.amounts, h.scripts, h.sequences, h.outputs} {
		b = append(b, sum[:]...)
	}
	spend := byte(0)
	if leaf != nil {
		spend = 2
	}
	b = le32(append(b, spend), uint32(index))
	if leaf != nil {
		b = append(append(b, leaf...), 0, 0xFF, 0xFF, 0xFF, 0xFF)
	}
	return secp256k1.TaggedHash("TapSighash", b)
}
