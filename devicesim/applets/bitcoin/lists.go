package bitcoin

import (
	"bytes"
	"encoding/binary"

	"github.com/btcsuite/btcd/wire/v2"

	"imkey-connect/core/apdu"
)

// addList collects a list of the inputs. The list of outpoints begins a transaction.
func (a *bitcoin) addList(c apdu.Command) error {
	switch {
	case c.P1 != listOutpoints && c.P1 != listSequences && c.P1 != listAmounts && c.P1 != listScripts:
		return apdu.WrongParameters
	case c.P1 == listOutpoints && a.series.Begins(c.INS, c.P1):
		a.tx = &transaction{}
	case a.tx == nil || a.tx.previewed || c.P1 != listOutpoints && !a.tx.listed:
		return apdu.ConditionsNotSatisfied
	}
	b, err := a.series.Add(c, maxList)
	if err != nil || b == nil {
		return err
	}
	return a.tx.addList(c.P1, b)
}

// addList adds a list: one entry for each input.
func (t *transaction) addList(kind byte, b []byte) error {
	r := bytes.NewReader(b)
	if kind == listOutpoints {
		for r.Len() > 0 {
			in := &wire.TxIn{}
			if err := readOutPoint(r, &in.PreviousOutPoint); err != nil {
				return apdu.WrongData
			}
			t.inputs = append(t.inputs, in)
		}
		t.listed = true
		return checkInputs(t.inputs)
	}
	amounts, scripts := make([]uint64, len(t.inputs)), make([][]byte, len(t.inputs))
	for i, in := range t.inputs {
		var err error
		switch kind {
		case listSequences:
			err = binary.Read(r, binary.LittleEndian, &in.Sequence)
		case listAmounts:
			err = binary.Read(r, binary.LittleEndian, &amounts[i])
		case listScripts:
			scripts[i], err = wire.ReadVarBytes(r, 0, maxScript, "script")
		}
		if err != nil {
			return apdu.ConditionsNotSatisfied
		}
	}
	switch {
	case r.Len() > 0:
		return apdu.ConditionsNotSatisfied
	case kind == listSequences:
		t.sequences = true
	case kind == listAmounts:
		t.amounts = amounts
	case kind == listScripts:
		t.scripts = scripts
	}
	return nil
}

// checkInputs returns [apdu.TooManyUTXOs] if a preview cannot state the number of inputs, and [apdu.WrongData] if there are none or
// if an outpoint comes twice.
func checkInputs(inputs []*wire.TxIn) error {
	seen := map[wire.OutPoint]bool{}
	for _, in := range inputs {
		if seen[in.PreviousOutPoint] {
			return apdu.WrongData
		}
		seen[in.PreviousOutPoint] = true
	}
	switch {
	case len(inputs) > 0xFF:
		return apdu.TooManyUTXOs
	case len(inputs) == 0:
		return apdu.WrongData
	}
	return nil
}
