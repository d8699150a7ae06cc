package bitcoin

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"imkey-connect/core/errcode"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
)

// maxIndex is the largest last component of the path of a change output. A wallet that is restored looks for its outputs from 0 on, and
// would not find one far beyond those that it has used.
const maxIndex = 9999

// spend is one input of a plan.
type spend struct {
	Output        // the output that it spends
	proven   bool // by the whole transaction
	typ      Type // 0 for an input that is not signed
	path     hdpath.Path
	key      secp256k1.PublicKey
	root     []byte // of the scripts of a taproot output, if the key is used
	leaf     *leafScript
	leafHash []byte // of the leaf, if it is used
	keyAlone bool   // nothing but the key can spend it
}

// plan is a transaction with what is signed and what is shown.
type plan struct {
	tx      *Transaction
	network Network
	spends  []spend
	shown   []int // the outputs that the device shows
	message bool  // the transaction is a message (BIP-322), of which the device shows the id
	fee     uint64
	summary Summary
}

// newPlan finds the inputs and the change of the wallet, and checks what follows from the PSBT alone before it asks the device.
func newPlan(ctx context.Context, k *keys, p *PSBT, by *Signer) (*plan, error) {
	pl := &plan{tx: p.tx, network: by.Network, spends: make([]spend, len(p.inputs))}
	for i := range p.inputs {
		if err := pl.spends[i].read(&p.inputs[i], &p.tx.Inputs[i], i); err != nil {
			return nil, err
		}
	}
	if err := pl.balance(); err != nil {
		return nil, err
	}
	for i := range p.inputs {
		if p.inputs[i].final || !by.signs(i) {
			continue
		}
		if err := pl.own(ctx, k, &p.inputs[i], i, by); err != nil {
			return nil, err
		}
	}
	if err := pl.checkOwn(p, by); err != nil {
		return nil, err
	}
	if err := pl.outputs(ctx, k, p); err != nil {
		return nil, err
	}
	pl.summarise()
	return pl, pl.checkFee(by)
}

// read finds the output that an input spends.
func (sp *spend) read(m *inputMap, in *Input, index int) error {
	where := place + at("inputs", index)
	if m.previous != nil {
		if m.previous.TxID() != in.TxID {
			return errcode.Invalid(where, "the whole transaction is not the one that the input spends")
		}
		if uint64(in.Index) >= uint64(len(m.previous.Outputs)) {
			return errcode.Invalid(where, "the transaction that it spends does not have that output")
		}
		sp.Output, sp.proven = m.previous.Outputs[in.Index], true
	}
	switch {
	case m.witness == nil && m.previous == nil:
		return errcode.Invalid(where, "neither the output that it spends nor the whole transaction")
	case m.witness == nil:
	case m.previous != nil && (m.witness.Amount != sp.Amount || !bytes.Equal(m.witness.Script, sp.Script)):
		return errcode.Invalid(where, "the output that it spends is another one in the whole transaction")
	default:
		sp.Output = *m.witness
	}
	return nil
}

// balance computes the fee.
func (pl *plan) balance() error {
	in := uint64(0)
	for i := range pl.spends {
		if in += pl.spends[i].Amount; pl.spends[i].Amount > MaxMoney || in > MaxMoney {
			return errcode.Invalid(place, "the inputs have more than all bitcoins")
		}
	}
	out, ok := sumOutputs(pl.tx.Outputs)
	if !ok || out > in {
		return errcode.Invalid(place, "the outputs have more than the inputs")
	}
	pl.fee, pl.summary.Spent = in-out, in
	for i, o := range pl.tx.Outputs {
		if o.Amount == 0 && !isData(o.Script) {
			return errcode.Invalid(place+at("outputs", i), "an amount of zero")
		}
	}
	return nil
}

// own finds the wallet's key of an input. An input without one stays as it is, and is not signed.
func (pl *plan) own(ctx context.Context, k *keys, m *inputMap, index int, by *Signer) error {
	sp := &pl.spends[index]
	t := typeOf(sp.Script)
	if t == 0 {
		return nil
	}
	for _, o := range m.origins {
		key, ours, err := k.claimed(ctx, o)
		if err != nil {
			return err
		}
		if !ours {
			continue
		}
		if err := pl.belongs(o.path); err != nil {
			return err
		}
		if ok, err := sp.spendBy(t, o, key, m, index); ok || err != nil {
			return err
		}
	}
	if len(m.origins) > 0 {
		return nil
	}
	// The PSBT does not say whose it is.
	found, err := k.lookUp(ctx, t, by.accounts(t, pl.network))
	if err != nil {
		return err
	}
	p, ok := found[string(sp.Script)]
	if !ok {
		return nil
	}
	if err := pl.belongs(p); err != nil {
		return err
	}
	key, err := k.at(ctx, p)
	sp.typ, sp.path, sp.key, sp.keyAlone = t, p, key.PublicKey, true
	return err
}

// signs reports whether the caller wants an input signed.
func (by *Signer) signs(index int) bool { return by.Inputs == nil || slices.Contains(by.Inputs, index) }

// accounts returns the paths to look at for an input that says none.
func (by *Signer) accounts(t Type, n Network) []hdpath.Path {
	if len(by.Paths) > 0 {
		return by.Paths
	}
	if n == 0 {
		n = Mainnet
	}
	return []hdpath.Path{{t.Purpose() | hdpath.Hardened, n.coinType() | hdpath.Hardened, 0 | hdpath.Hardened}}
}

// claimed returns the device's key for an origin. ours is false if the device has another key there, or the path is not one of Bitcoin.
func (k *keys) claimed(ctx context.Context, o origin) (key secp256k1.PublicKey, ours bool, err error) {
	if _, ok := networkOf(o.path); !ok {
		return key, false, nil
	}
	got, err := k.at(ctx, o.path)
	if errcode.Of(err) == errcode.InvalidArgument && k.asked <= maxAccounts {
		return key, false, nil // a path without a key
	}
	if err != nil {
		return key, false, err
	}
	compressed := got.PublicKey.Compressed()
	return got.PublicKey, bytes.HasSuffix(compressed[:], o.key), nil
}

// belongs returns an error for a path of another network. The first path decides if the caller has not.
func (pl *plan) belongs(p hdpath.Path) error {
	n, _ := networkOf(p)
	if pl.network == 0 {
		pl.network = n
	}
	if pl.network.coinType() != n.coinType() {
		return refuse(place, OtherNetwork, "a key at "+p.String()+" in a transaction of "+pl.network.String())
	}
	return nil
}

// spendBy sets how the wallet's key spends the output. ok is false if it does not.
func (sp *spend) spendBy(t Type, o origin, key secp256k1.PublicKey, m *inputMap, index int) (ok bool, err error) {
	alone := bytes.Equal(t.Script(key), sp.Script)
	switch {
	case alone && (t != P2TR || len(m.root) == 0):
		sp.keyAlone = true
	case t != P2TR:
		return false, nil
	case sp.commitsTo(key, m.root):
		sp.root = m.root
	default:
		leaf, err := sp.ownLeaf(o, key, m, index)
		if leaf == nil || err != nil {
			return false, err
		}
		sp.leaf, sp.leafHash = leaf, leaf.hash()
	}
	sp.typ, sp.path, sp.key = t, o.path, key
	return true, nil
}

// commitsTo reports whether a taproot output has this internal key and scripts with this root.
func (sp *spend) commitsTo(internal secp256k1.PublicKey, root []byte) bool {
	x, ok := outputKey(internal, tweak(internal, root))
	return ok && len(root) > 0 && bytes.Equal(taprootScript(x), sp.Script)
}

// tapscript is the version of the leaves that BIP-342 defines.
const tapscript = 0xC0

func (l *leafScript) hash() []byte {
	h := secp256k1.TaggedHash("TapLeaf", varBytes([]byte{l.version}, l.script))
	return h[:]
}

// ownLeaf returns the one leaf of an input that has the wallet's key, or nil if there is none. The output must commit to it.
func (sp *spend) ownLeaf(o origin, key secp256k1.PublicKey, m *inputMap, index int) (own *leafScript, err error) {
	where := place + at("inputs", index)
	for i := range m.leaves {
		l := &m.leaves[i]
		if l.version != tapscript || !signedBy(l.script, key.X()) {
			continue
		}
		if own != nil {
			return nil, errcode.Invalid(where, "several scripts have the key; which one to sign is not known")
		}
		own = l
	}
	if own == nil {
		return nil, nil
	}
	if !own.provenBy(sp.Script) {
		return nil, errcode.Invalid(where, "the output that it spends does not have this script")
	}
	for _, hash := range o.leaves {
		if bytes.Equal(hash, own.hash()) {
			return own, nil
		}
	}
	return nil, errcode.Invalid(where, "the key is said to be for another script than the one that is given")
}

// provenBy reports whether a taproot output commits to the leaf: control block, BIP-341.
func (l *leafScript) provenBy(script []byte) bool {
	if l.control[0]&0xFE != l.version {
		return false
	}
	node := l.hash()
	for path := l.control[33:]; len(path) > 0; path = path[32:] {
		left, right := node, path[:32]
		if bytes.Compare(left, right) > 0 {
			left, right = right, left
		}
		h := secp256k1.TaggedHash("TapBranch", left, right)
		node = h[:]
	}
	internal, err := secp256k1.LiftX([32]byte(l.control[1:33]))
	if err != nil {
		return false
	}
	output, ok := internal.Tweak(tweak(internal, node))
	return ok && output.OddY() == (l.control[0]&1 == 1) && bytes.Equal(taprootScript(output.X()), script)
}

// checkOwn checks the inputs that are signed: there is one, their hash types sign all, and no wrong amount can make the fee larger than what is
// shown.
func (pl *plan) checkOwn(p *PSBT, by *Signer) error {
	for _, i := range by.Inputs {
		if i < 0 || i >= len(pl.spends) || pl.spends[i].typ == 0 {
			return refuse(place+at("inputs", i), NothingToSign, "an input that is to be signed does not belong to the wallet")
		}
	}
	signed, doubtful, committed := 0, false, false
	var unproven []int
	for i := range pl.spends {
		sp := &pl.spends[i]
		if typeOf(sp.Script) != P2TR && !sp.proven {
			unproven = append(unproven, i)
		}
		if sp.typ == 0 {
			continue
		}
		signed++
		where := place + at("inputs", i)
		if h := p.inputs[i].sighash; h != nil && *h != sighashAll && (sp.typ != P2TR || *h != 0) {
			return refuse(where, OtherSighash, "a hash type other than ALL, or DEFAULT for taproot")
		}
		if sp.Amount == 0 {
			return errcode.Invalid(where, "it spends an amount of zero, which only the transaction of a message does")
		}
		if sp.typ == P2PKH && !sp.proven {
			return refuse(where, UnprovenAmount, "a legacy signature does not sign the amount, so the whole transaction that it spends must be there")
		}
		doubtful = doubtful || sp.typ != P2TR
		committed = committed || sp.keyAlone && sp.typ == P2TR
	}
	if signed == 0 {
		return refuse(place, NothingToSign, "no input belongs to the wallet")
	}
	// A signature of BIP-143 signs the amount of its own input only. Signatures of two requests, each with another wrong amount, would make a valid
	// transaction with a fee that neither request had. An input that is not signed here may be the wallet's, too: its path is left out, or
	// another request signed it. A signature of taproot signs all amounts. So one of an input that only the wallet can spend is enough, and
	// an output of taproot needs no proof: if it is the wallet's, the request that signs it has all amounts right.
	if doubtful && !committed {
		for _, i := range unproven {
			if len(unproven) > 1 || pl.spends[i].typ == 0 {
				return refuse(place+at("inputs", i), UnprovenAmount, "of several inputs, each needs the whole transaction that it spends")
			}
		}
	}
	if pl.network == 0 {
		pl.network = Mainnet
	}
	return nil
}

// outputs finds the change, and makes everything else shown. Change goes to the account and the type of an input that is signed, at
// /1/index.
func (pl *plan) outputs(ctx context.Context, k *keys, p *PSBT) error {
	type account struct {
		path string
		t    Type
	}
	from := map[account]bool{}
	for i := range pl.spends {
		if sp := &pl.spends[i]; sp.typ != 0 && len(sp.path) > 2 {
			from[account{sp.path[:len(sp.path)-2].String(), sp.typ}] = true
		}
	}
	for i, o := range pl.tx.Outputs {
		t := typeOf(o.Script)
		change := false
		for _, origin := range p.outputs[i].origins {
			n := len(origin.path)
			if t == 0 || n < 5 || origin.path[n-2] != 1 || origin.path[n-1] > maxIndex || !from[account{origin.path[:n-2].String(), t}] {
				continue
			}
			key, ours, err := k.claimed(ctx, origin)
			if err != nil {
				return err
			}
			if change = ours && bytes.Equal(t.Script(key), o.Script); change {
				text, _ := pl.network.AddressOf(o.Script)
				pl.summary.Change = append(pl.summary.Change, Change{i, o.Amount, text, origin.path})
				break
			}
		}
		if !change {
			pl.shown = append(pl.shown, i)
		}
	}
	if len(pl.shown) == 0 { // the user must see something
		pl.summary.Change = nil
		for i := range pl.tx.Outputs {
			pl.shown = append(pl.shown, i)
		}
	}
	for i := 0; i < len(pl.shown); i += perPage {
		if len(pl.page(i/perPage)) > maxPage {
			return refuse(place+at("outputs", pl.shown[i]), TooLarge, "three outputs in a row are too long for a page of the device")
		}
	}
	return nil
}

// The bound above which a fee needs the caller's yes: more than 500 satoshi for each virtual byte, or more than 20,000 satoshi and a quarter
// of what is paid.
const (
	highRate = 500
	highFee  = 20_000
	highPart = 4
)

func (pl *plan) checkFee(by *Signer) error {
	high := pl.fee > highRate*pl.virtualSize() || pl.fee > highFee && pl.fee > pl.summary.Paid()/highPart
	if high {
		pl.summary.note(NoteHighFee)
	}
	if by.MaxFee != nil && pl.fee <= *by.MaxFee || by.MaxFee == nil && !high {
		return nil
	}
	err := refuse(place, HighFee, "a fee of "+strconv.FormatUint(pl.fee, 10)+" satoshi, which is above the bound or the caller's maxFee")
	err.Data["fee"] = strconv.FormatUint(pl.fee, 10)
	return err
}

// virtualSize estimates the size of the signed transaction, low rather than high.
func (pl *plan) virtualSize() uint64 {
	weight := 4 * len(pl.tx.encode(false))
	for i := range pl.spends {
		switch typeOf(pl.spends[i].Script) {
		case P2PKH:
			weight += 4 * 106
		case P2SHP2WPKH:
			weight += 4*23 + 107
		case P2WPKH:
			weight += 107
		default:
			weight += 66
		}
	}
	return uint64(weight+3) / 4
}
