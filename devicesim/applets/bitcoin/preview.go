package bitcoin

import (
	"bytes"

	"github.com/btcsuite/btcd/txscript/v2"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

// preview collects the preview of a transaction. With its last command it checks the binding signature and all that it can compare.
// Then it asks the user, unless the outputs follow in pages. A preview without lists before it begins a transaction.
func (a *bitcoin) preview(d applet.Device, c apdu.Command) error {
	if c.P1 != 0x00 {
		return apdu.WrongParameters
	}
	if a.tx != nil && a.tx.previewed {
		a.tx = nil
	}
	b, err := a.series.Add(c, maxSigned)
	if err != nil || b == nil {
		return err
	}
	s, err := parseSigned(b)
	if err != nil {
		return err
	}
	t := a.tx
	if t == nil {
		t = &transaction{}
	}
	if err := t.accept(c.INS, s.body); err != nil {
		return err
	}
	if err := d.CheckBinding(s.signature, s.signed); err != nil {
		return err
	}
	t.previewed, a.tx = true, t
	if t.psbt {
		return nil
	}
	if err := d.Confirm("transaction", t.texts(a.own)...); err != nil {
		return err
	}
	t.confirmed = true
	return nil
}

// accept parses the body of a preview and compares it with the lists.
func (t *transaction) accept(ins byte, body []byte) error {
	if err := t.parse(ins, body); err != nil {
		return err
	}
	complete := t.sequences && t.amounts != nil && t.scripts != nil
	old := ins == list && t.sequences
	switch {
	case t.count > maxInputs:
		return apdu.TooManyUTXOs
	case t.listed && t.count != len(t.inputs), t.listed && !complete && !old, !t.listed && (t.psbt || ins == list):
		return apdu.ConditionsNotSatisfied
	}
	return t.balance()
}

// parse parses the body of a preview. [apdu.ConditionsNotSatisfied] is for a hash type other than ALL, and for a recipient that the
// address version does not fit. All other errors are [apdu.WrongData].
func (t *transaction) parse(ins byte, body []byte) error {
	r := reader{Reader: bytes.NewReader(body)}
	var hashType uint32
	var addressVersion byte
	t.version = int32(r.little32())
	t.count = int(r.byte())
	if t.psbt = ins == previewPSBT; t.psbt {
		t.lockTime, hashType = r.little32(), r.little32()
		t.paid, t.fee = r.big64(), r.big64()
		r.read(t.outputsHash[:])
		t.toShow = int(r.big16())
		t.network = networks[0]
	} else {
		t.outputs = r.outputs()
		t.lockTime, hashType = r.little32(), r.little32()
		t.fee, addressVersion = r.big64(), r.byte()
		t.outputsHash = hashOutputs(t.outputs)
		t.shown = t.outputs
	}
	switch {
	case r.err != nil || r.Len() > 0 || t.count == 0 || !t.psbt && len(t.outputs) == 0:
		return apdu.WrongData
	case hashType != uint32(txscript.SigHashAll):
		return apdu.ConditionsNotSatisfied
	case t.psbt:
		return nil
	}
	symbol := "BTC"
	if ins == previewDogecoin {
		symbol = "DOGE"
	}
	var ok bool
	if t.network, ok = networkOf(symbol, addressVersion, t.outputs[0].PkScript); !ok {
		return apdu.ConditionsNotSatisfied
	}
	return nil
}
