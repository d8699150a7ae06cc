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
	return sha256d(join(le32(nil, h.tx.Version), compact(nil, len(h.tx.Inputs)), h.legacyInputs(index, script), h.tx.outputs(),
		le32(le32(nil, h.tx.LockTime), sighashAll)))
}

// legacyInputs are the inputs with no script but that of the one that is signed.
func (h *hashes) legacyInputs(index int, script []byte) (b []byte) {
	for i := range h.tx.Inputs {
		in, own := &h.tx.Inputs[i], []byte(nil)
		if i == index {
			own = script
		}
		b = le32(varBytes(in.OutPoint.append(b), own), in.Sequence)
	}
	return b
}

// witness is what a signature of a P2WPKH input signs (BIP-143). code is its script code.
func (h *hashes) witness(index int, code []byte, amount uint64) [32]byte {
	twice := func(sum [32]byte) []byte { sum = sha256.Sum256(sum[:]); return sum[:] }
	return sha256d(join(le32(nil, h.tx.Version), twice(h.outPoints), twice(h.sequences), h.tx.Inputs[index].spent(code, amount),
		twice(h.outputs), le32(le32(nil, h.tx.LockTime), sighashAll)))
}

// spent is what BIP-143 has of an input.
func (in *Input) spent(code []byte, amount uint64) []byte {
	return le32(le64(varBytes(in.OutPoint.append(nil), code), amount), in.Sequence)
}

// taproot is what a signature of a P2TR input signs (BIP-341). leaf is the hash of the script that is spent, or nil for the key.
func (h *hashes) taproot(index int, leaf []byte) [32]byte {
	return secp256k1.TaggedHash("TapSighash", []byte{0, 0}, le32(le32(nil, h.tx.Version), h.tx.LockTime), h.outPoints[:], h.amounts[:],
		h.scripts[:], h.sequences[:], h.outputs[:], taprootSpend(index, leaf, nil))
}

// taprootSpend is what BIP-341 has of the way in which an input is spent. In a command, the length of the leaf's part is before it.
func taprootSpend(index int, leaf, length []byte) []byte {
	if leaf == nil {
		return le32([]byte{0}, uint32(index))
	}
	return join(le32([]byte{2}, uint32(index)), length, leaf, []byte{0, 0xFF, 0xFF, 0xFF, 0xFF})
}
