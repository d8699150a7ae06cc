package bitcoin

import (
	"crypto/sha256"
	"math/bits"

	"github.com/btcsuite/btcd/wire/v2"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

// P1 of [list]: which list it is.
const (
	listOutpoints = 0x40
	listSequences = 0x80
	listAmounts   = 0x20
	listScripts   = 0x21
)

const (
	// maxInputs is the maximum number of inputs of a transaction (core/PROTOCOL.md section 12).
	maxInputs = 252
	// perPage is the number of outputs on a page of a PSBT. The last page may have fewer.
	perPage = 3
	// maxList, maxLegacy and maxScript limit what the simulator keeps, in bytes. The limits of a real device are not public.
	maxList   = 1 << 17
	maxLegacy = 1 << 21
	maxScript = 10_000
)

// transaction is what the applet knows of the transaction that it signs.
type transaction struct {
	inputs []*wire.TxIn // from the list of outpoints, else from the first inputs to be signed
	// The lists, before the preview.
	listed    bool // there are lists
	sequences bool // among them that of the sequences
	amounts   []uint64
	scripts   [][]byte
	// The preview.
	previewed, confirmed bool
	psbt                 bool
	count                int // number of inputs
	version              int32
	lockTime             uint32
	outputs              []*wire.TxOut // unknown for a PSBT until its legacy inputs come
	outputsHash          [32]byte      // SHA-256 of all outputs
	fee                  uint64
	network              network
	shown                []*wire.TxOut // the outputs that the user may read
	toShow               int           // number of outputs that a PSBT shows
	paid                 uint64        // the sum of these
	// The legacy inputs, with the script of each that can be signed next.
	legacy   []*wire.TxIn
	signedBy byte // the instruction that signs them
}

// prepare executes a command that adds to a transaction. A refused one ends the transaction.
func (a *bitcoin) prepare(d applet.Device, c apdu.Command) (err error) {
	switch {
	case c.INS == list && c.P1 != 0x00:
		err = a.addList(c)
	case c.INS == preview && c.P1 == 0x80:
		err = a.addOldInput(c)
	case c.INS == legacyInputs || c.INS == legacyPSBTInputs:
		err = a.addLegacy(c)
	default:
		err = a.preview(d, c)
	}
	if err != nil {
		a.tx = nil
	}
	return err
}

// balance compares the fee with the amounts of the inputs and the outputs, as far as they are known.
func (t *transaction) balance() error {
	if t.amounts == nil {
		return nil
	}
	in, ok := sum(t.amounts)
	left, ok2 := t.paid, true
	if t.outputs != nil {
		values := make([]uint64, len(t.outputs))
		for i, out := range t.outputs {
			values[i] = uint64(out.Value)
		}
		left, ok2 = sum(values)
	}
	left, carry := bits.Add64(left, t.fee, 0)
	if !ok || !ok2 || carry != 0 || left > in || t.outputs != nil && left != in {
		return apdu.ConditionsNotSatisfied
	}
	return nil
}

// spent is the sum of the amounts of the inputs, which [transaction.balance] has checked.
func (t *transaction) spent() uint64 {
	total, _ := sum(t.amounts)
	return total
}

// sum adds amounts. It reports false on an overflow.
func sum(amounts []uint64) (total uint64, ok bool) {
	for _, amount := range amounts {
		var carry uint64
		if total, carry = bits.Add64(total, amount, 0); carry != 0 {
			return 0, false
		}
	}
	return total, true
}

func hashOutputs(outputs []*wire.TxOut) [32]byte {
	h := sha256.New()
	for _, out := range outputs {
		if err := wire.WriteTxOut(h, 0, 0, out); err != nil {
			panic(err) // a hash takes any bytes
		}
	}
	return [32]byte(h.Sum(nil))
}
