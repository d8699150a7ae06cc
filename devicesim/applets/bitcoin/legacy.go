package bitcoin

import (
	"bytes"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

// addLegacy collects the inputs of a transaction with the script of the one that is signed next, and the outputs of a PSBT.
func (a *bitcoin) addLegacy(c apdu.Command) error {
	if a.tx == nil || !a.tx.confirmed || a.tx.psbt != (c.INS == legacyPSBTInputs) {
		return apdu.ConditionsNotSatisfied
	}
	b, err := a.chunks.Add(c, maxLegacy)
	if err != nil || b == nil {
		return err
	}
	return a.tx.addLegacy(b)
}

func (t *transaction) addLegacy(b []byte) error {
	r := reader{Reader: bytes.NewReader(b)}
	inputs, scripts := []*wire.TxIn{}, 0
	for range t.count {
		in := r.input()
		inputs = append(inputs, in)
		if len(in.SignatureScript) > 0 {
			scripts++
		}
	}
	outputs := t.outputs
	if t.psbt {
		outputs = r.outputs()
	}
	switch {
	case r.err != nil || r.Len() > 0:
		return apdu.WrongData
	case scripts != 1 || hashOutputs(outputs) != t.outputsHash:
		return apdu.ConditionsNotSatisfied
	}
	t.outputs = outputs
	return t.setLegacy(inputs, signInput)
}

// setLegacy takes the inputs for an instruction that signs. They must be those that are known. Without lists, the first ones count.
func (t *transaction) setLegacy(inputs []*wire.TxIn, by byte) error {
	if t.inputs == nil {
		if err := checkInputs(inputs); err != nil {
			return err
		}
		for _, in := range inputs {
			t.inputs = append(t.inputs, &wire.TxIn{PreviousOutPoint: in.PreviousOutPoint, Sequence: in.Sequence})
		}
	}
	for i, in := range inputs {
		known := t.inputs[i]
		if in.PreviousOutPoint != known.PreviousOutPoint || in.Sequence != known.Sequence {
			return apdu.ConditionsNotSatisfied
		}
		if len(in.SignatureScript) > 0 && (!txscript.IsPayToPubKeyHash(in.SignatureScript) ||
			t.scripts != nil && !bytes.Equal(in.SignatureScript, t.scripts[i])) {
			return apdu.ConditionsNotSatisfied
		}
	}
	t.legacy, t.signedBy = inputs, by
	return t.balance()
}

// addOldInput takes one input, as hosts send it to applets before 1.6.00: its index ‖ the input, with the script of those that are
// signed next. The first one begins a round.
func (a *bitcoin) addOldInput(c apdu.Command) error {
	if err := applet.ExpectData(c, 0x80, 0x00); err != nil {
		return err
	}
	t := a.tx
	if t == nil || !t.confirmed || t.psbt {
		return apdu.ConditionsNotSatisfied
	}
	r := reader{Reader: bytes.NewReader(c.Data[1:])}
	in := r.input()
	if r.err != nil || r.Len() > 0 {
		return apdu.WrongData
	}
	if c.Data[0] == 0 {
		t.legacy = nil
	}
	if int(c.Data[0]) != len(t.legacy) || len(t.legacy) == t.count {
		return apdu.ConditionsNotSatisfied
	}
	inputs := append(t.legacy, in)
	if t.signedBy = 0; len(inputs) < t.count {
		t.legacy = inputs
		return nil
	}
	return t.setLegacy(inputs, signOldInput)
}
