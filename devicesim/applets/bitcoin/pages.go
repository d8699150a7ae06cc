package bitcoin

import (
	"bytes"
	"encoding/binary"

	"github.com/btcsuite/btcd/wire/v2"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

// showOutputs takes a page of the outputs of a PSBT and answers the number of the page that it needs next. With the last page it asks
// the user, who then reads all of them, and answers nothing. A body of FFFF says that there is nothing to show. A refused command
// ends the transaction.
func (a *bitcoin) showOutputs(d applet.Device, c apdu.Command) (answer []byte, err error) {
	defer func() {
		if err != nil {
			a.tx = nil
		}
	}()
	t := a.tx
	if err := applet.ExpectData(c, 0x00, c.P2&0x80); err != nil {
		return nil, err
	}
	if t == nil || !t.psbt || !t.previewed || t.confirmed {
		return nil, apdu.ConditionsNotSatisfied
	}
	s, err := parseSigned(c.Data)
	if err != nil {
		return nil, err
	}
	if err := t.addPage(s.body); err != nil {
		return nil, err
	}
	if err := d.CheckBinding(s.signature, s.signed); err != nil {
		return nil, err
	}
	if len(t.shown) < t.toShow {
		return binary.BigEndian.AppendUint16(nil, uint16(len(t.shown)/perPage)), nil
	}
	values := make([]uint64, len(t.shown))
	for i, out := range t.shown {
		values[i] = uint64(out.Value)
	}
	if total, ok := sum(values); !ok || total != t.paid {
		return nil, apdu.ConditionsNotSatisfied
	}
	if err := d.Confirm("transaction", t.texts(a.own)...); err != nil {
		return nil, err
	}
	t.confirmed = true
	return nil, nil
}

// addPage adds a page of outputs: the next one. [apdu.ConditionsNotSatisfied] is for another page, and for an address version that
// does not fit.
func (t *transaction) addPage(body []byte) error {
	r := reader{Reader: bytes.NewReader(body)}
	first := r.big16()
	if first == 0xFFFF && r.Len() == 0 {
		if t.toShow > 0 {
			return apdu.ConditionsNotSatisfied
		}
		return nil
	}
	last := r.big16()
	from, to := len(t.shown), min(len(t.shown)+perPage, t.toShow)
	if r.err == nil && (int(first) != from || int(last) != to-1) {
		return apdu.ConditionsNotSatisfied
	}
	for i := from; i < to && r.err == nil; i++ {
		index, value := r.big16(), r.little64()
		length, version := int(r.byte()), r.byte()
		before := r.Len()
		script := r.script()
		if r.err != nil || before-r.Len() != length-1 || value > maxAmount {
			return apdu.WrongData
		}
		n, ok := networkOf("BTC", version, script)
		if !ok || int(index) != i || i > 0 && n != t.network {
			return apdu.ConditionsNotSatisfied
		}
		t.network = n
		t.shown = append(t.shown, wire.NewTxOut(int64(value), script))
	}
	if r.err != nil || r.Len() > 0 {
		return apdu.WrongData
	}
	return nil
}
