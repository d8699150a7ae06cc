package bitcoin

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/bits"

	"github.com/btcsuite/btcd/txscript/v2"
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

func hashOutputs(outputs []*wire.TxOut) [32]byte {
	h := sha256.New()
	for _, out := range outputs {
		if err := wire.WriteTxOut(h, 0, 0, out); err != nil {
			panic(err) // a hash takes any bytes
		}
	}
	return [32]byte(h.Sum(nil))
}

// maxAmount is the greatest amount that btcsuite's type for an output can hold.
const maxAmount = 1<<63 - 1

func readOutPoint(r io.Reader, o *wire.OutPoint) error {
	if _, err := io.ReadFull(r, o.Hash[:]); err != nil {
		return err
	}
	return binary.Read(r, binary.LittleEndian, &o.Index)
}

// reader reads the parts of a payload. After an error every further read gives zeros.
type reader struct {
	*bytes.Reader
	err error
}

func (r *reader) read(b []byte) {
	if r.err == nil {
		_, r.err = io.ReadFull(r.Reader, b)
	}
	if r.err != nil {
		clear(b)
	}
}

func (r *reader) byte() byte {
	var b [1]byte
	r.read(b[:])
	return b[0]
}

func (r *reader) big16() uint16 {
	var b [2]byte
	r.read(b[:])
	return binary.BigEndian.Uint16(b[:])
}

func (r *reader) big64() uint64 {
	var b [8]byte
	r.read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

func (r *reader) little32() uint32 {
	var b [4]byte
	r.read(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

func (r *reader) little64() uint64 {
	var b [8]byte
	r.read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// script reads a script after its length as a CompactSize number.
func (r *reader) script() (script []byte) {
	if r.err == nil {
		script, r.err = wire.ReadVarBytes(r.Reader, 0, maxScript, "script")
	}
	return script
}

// input reads an outpoint, a script and a sequence.
func (r *reader) input() *wire.TxIn {
	in := &wire.TxIn{}
	r.read(in.PreviousOutPoint.Hash[:])
	in.PreviousOutPoint.Index = r.little32()
	in.SignatureScript = r.script()
	in.Sequence = r.little32()
	return in
}

// outputs reads the number of outputs, and the outputs.
func (r *reader) outputs() []*wire.TxOut {
	if r.err != nil {
		return nil
	}
	var count uint64
	if count, r.err = wire.ReadVarInt(r.Reader, 0); count > uint64(r.Len()) {
		r.err = io.ErrUnexpectedEOF // each output has 9 bytes or more
	}
	outputs := []*wire.TxOut{}
	for ; count > 0 && r.err == nil; count-- {
		value := r.little64()
		script := r.script()
		if value > maxAmount {
			r.err = apdu.WrongData
		}
		outputs = append(outputs, wire.NewTxOut(int64(value), script))
	}
	return outputs
}
