package bitcoin

import (
	"context"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
)

// Signer says what signs and what the caller agrees to.
type Signer struct {
	// Network is that of the addresses. If it is 0, the paths of the inputs say it.
	Network Network
	// Paths are where to look for the keys of inputs whose path the PSBT does not say: the path of a key, or of an account, whose first 20
	// addresses for receiving and for change are compared. If there are none, it is the first account of the input's type.
	Paths []hdpath.Path
	// Inputs, if not nil, are the only inputs that are signed. One that does not belong to the wallet is refused.
	Inputs []int
	// MaxFee is the fee that the caller agrees to, in satoshi. If it is nil, a fee above the usual is refused with the reason [HighFee].
	MaxFee *uint64
	// Finalize says that an input which this signature completes is finalised (BIP-174). Otherwise the signature alone is added.
	Finalize bool
	// Review, if not nil, gets what will be signed before the device shows it. An error ends the operation.
	Review func(*Summary) error
	// Progress, if not nil, gets the number of payload bytes that the device has received before it asks the user. It must return at once.
	Progress func(sent, total int)
}

// Signed is a signed transaction.
type Signed struct {
	Summary Summary
	// Transaction is complete, or nil if an input has no final signature.
	Transaction *Transaction
	// Unbound reports that the request had no binding signature; see [signing.Unbound].
	Unbound bool
}

// SignPSBT has the device show the transaction and sign the inputs that belong to its wallet, and adds the signatures to p. Other inputs
// are left as they are, and the summary names them. Nothing is added if there is an error.
//
// It refuses with invalid-argument at "psbt", before the device asks the user: what contradicts itself, and what the reasons of this
// package name.
func (b *Bitcoin) SignPSBT(ctx context.Context, by Signer, p *PSBT) (*Signed, error) {
	if p == nil {
		return nil, errcode.Invalid(place, "missing")
	}
	for _, path := range by.Paths {
		if err := CheckPath(path); err != nil {
			return nil, err
		}
	}
	var done *Signed
	err := b.applet.Do(ctx, func(s *signing.Session) error {
		if err := checkVersion(ctx, s, firstPSBT); err != nil {
			return err
		}
		pl, err := newPlan(ctx, &keys{s: s}, p, &by)
		if err != nil {
			return err
		}
		if by.Review != nil {
			if err := by.Review(&pl.summary); err != nil {
				return err
			}
		}
		signatures, err := pl.sign(ctx, s, by.Progress)
		if err != nil {
			return err
		}
		p.add(pl, signatures, by.Finalize)
		done = &Signed{Summary: pl.summary, Transaction: p.final(), Unbound: s.Unbound()}
		return nil
	})
	return done, err
}

// Describe returns what SignPSBT would sign, without a device. It knows the keys of some accounts, by their paths; they are those of an
// extended public key. An input that belongs to another account is among those that are not signed. Errors are those of SignPSBT.
func Describe(ctx context.Context, by Signer, p *PSBT, accounts map[string]hdkey.ExtendedKey) (*Summary, error) {
	if p == nil {
		return nil, errcode.Invalid(place, "missing")
	}
	pl, err := newPlan(ctx, &keys{known: accounts}, p, &by)
	if err != nil {
		return nil, err
	}
	return &pl.summary, nil
}

// perPage is the number of outputs on a page. The last page may have fewer.
const perPage = 3

// maxPage is the largest number of bytes of a page's body. The command has room for it beside the binding signature.
const maxPage = signing.ChunkSize - 2 - 72 - 2

// page returns the body of a page of outputs. Their indices count those that are shown.
func (pl *plan) page(number int) []byte {
	first := number * perPage
	last := min(first+perPage, len(pl.shown)) - 1
	b := be16(be16(nil, first), last)
	for i := first; i <= last; i++ {
		o := &pl.tx.Outputs[pl.shown[i]]
		script := varBytes(nil, o.Script)
		// A script whose length does not fit is one of a page that is too long: see [plan.outputs].
		b = join(le64(be16(b, i), o.Amount), []byte{byte(1 + len(script)), pl.network.version(o.Script)}, script)
	}
	return b
}

// preview returns the body of the preview.
func (pl *plan) preview(h *hashes) []byte {
	paid := uint64(0)
	for _, i := range pl.shown {
		paid += pl.tx.Outputs[i].Amount
	}
	b := le32(nil, pl.tx.Version)
	b = le32(le32(append(b, byte(len(pl.tx.Inputs))), pl.tx.LockTime), sighashAll)
	return join(b, be64(nil, paid), be64(nil, pl.fee), h.outputs[:], be16(nil, len(pl.shown)))
}

// sign has the device show the transaction and sign the inputs of the wallet. It returns the signatures by input, as a script or a witness
// has them. Each was verified. Whatever happens, the applet keeps nothing that is ready to be signed.
func (pl *plan) sign(ctx context.Context, s *signing.Session, progress func(sent, total int)) (signatures [][]byte, err error) {
	spent := make([]Output, len(pl.spends))
	for i := range pl.spends {
		spent[i] = pl.spends[i].Output
	}
	h := newHashes(pl.tx, spent)
	ended := false
	defer func() {
		if !ended {
			s.Clear(ctx)
		}
	}()
	if err := pl.show(ctx, s, h, progress); err != nil {
		return nil, err
	}
	signatures = make([][]byte, len(pl.spends))
	for i := range pl.spends {
		if pl.spends[i].typ == 0 {
			continue
		}
		if signatures[i], err = pl.signInput(ctx, s, h, i); err != nil {
			return nil, err
		}
		ended = i == len(pl.spends)-1 && pl.spends[i].typ != P2PKH
	}
	return signatures, nil
}

// show sends the lists, the preview and the pages, until the user confirmed.
func (pl *plan) show(ctx context.Context, s *signing.Session, h *hashes, progress func(sent, total int)) error {
	preview, err := signed(s, pl.preview(h))
	if err != nil {
		return err
	}
	payloads := []struct {
		ins, p1 byte
		data    []byte
	}{
		{insList, 0x40, h.outPointList}, {insList, 0x80, h.sequenceList}, {insList, 0x20, h.amountList}, {insList, 0x21, h.scriptList},
		{insPreview, 0x00, preview},
	}
	total, before := 0, 0
	for _, p := range payloads {
		total += len(p.data)
	}
	for _, p := range payloads {
		_, err := s.Send(ctx, signing.Payload{
			Op: "preview", Command: series(p.ins, p.p1), Data: p.data,
			Progress: func(sent, _ int) {
				if progress != nil {
					progress(before+sent, total)
				}
			},
		})
		if err != nil {
			return err
		}
		before += len(p.data)
	}
	for number := 0; ; {
		body, p2 := []byte{0xFF, 0xFF}, byte(0x80)
		if !pl.message {
			body, p2 = pl.page(number), 0x00
		}
		data, err := signed(s, body)
		if err != nil {
			return err
		}
		resp, err := s.Ask(ctx, apdu.New(0x80, insPage, 0x00, p2, data), device.UserTimeout)
		if err == nil {
			err = s.Check(resp.SW, "show")
		}
		if err != nil {
			return err
		}
		// The number of the page that the device wants next, forth or back, or nothing after the user confirmed.
		number = 0
		for _, c := range resp.Data {
			number = number<<8 | int(c)
		}
		switch {
		case len(resp.Data) == 0:
			return nil
		case len(resp.Data) > 2 || pl.message || number*perPage >= len(pl.shown):
			return errcode.New(errcode.Protocol, "the device asks for a page that does not exist")
		}
	}
}

// signInput has the device sign one input, verifies the signature, and returns it.
func (pl *plan) signInput(ctx context.Context, s *signing.Session, h *hashes, index int) ([]byte, error) {
	sp := &pl.spends[index]
	if sp.typ == P2PKH {
		data := join(h.legacyInputs(index, sp.Script), pl.tx.outputs())
		if _, err := s.Send(ctx, signing.Payload{Op: "inputs", Command: chunks(insLegacyInputs), Data: data}); err != nil {
			return nil, err
		}
	}
	cmd, digest := pl.command(h, index)
	resp, err := s.Transmit(ctx, cmd, device.UserTimeout)
	if err == nil {
		err = s.Check(resp.SW, "sign")
	}
	if err != nil {
		return nil, err
	}
	if sp.typ == P2TR {
		return sp.schnorr(digest, resp.Data)
	}
	return ecdsa(sp.key, digest, resp.Data)
}

// command returns the command that signs an input, and the digest that it signs.
func (pl *plan) command(h *hashes, index int) (apdu.Command, [32]byte) {
	sp := &pl.spends[index]
	last := byte(0x00)
	if index == len(pl.spends)-1 {
		last = 0x80
	}
	path := []byte(sp.path.String())
	switch sp.typ {
	case P2PKH:
		return apdu.New(0x80, insSignLegacy, byte(index), sighashAll, path), h.legacy(index, sp.Script)
	case P2TR:
		p2 := byte(0x00)
		if sp.leaf != nil {
			p2 = 0x80
		}
		added := tweak(sp.key, sp.root)
		b := join([]byte{0, 0}, le32(nil, pl.tx.LockTime), taprootSpend(index, sp.leafHash, []byte{0x25}), sized(path), sized(added[:]))
		return apdu.New(0x80, insSignTaproot, last, p2, b), h.taproot(index, sp.leafHash)
	}
	code := keyHashScript(keyHash(sp.key))
	b := join(sized(pl.tx.Inputs[index].spent(code, sp.Amount)), sized(path))
	return apdu.New(0x80, insSignWitness, last, sighashAll, b), h.witness(index, code, sp.Amount)
}

// sized is data after its length in one byte.
func sized(data []byte) []byte { return join([]byte{byte(len(data))}, data) }

// chunks is [signing.Chunks] without Le.
func chunks(ins byte) func(signing.Chunk) apdu.Command {
	return func(c signing.Chunk) apdu.Command {
		cmd := signing.Chunks(ins)(c)
		cmd.HasLe = false
		return cmd
	}
}

// ecdsa reads a byte ‖ r ‖ s ‖ a byte. What the two bytes mean is not publicly known. The result is the signature in DER with s in the
// lower half of the order, and its hash type.
func ecdsa(key secp256k1.PublicKey, digest [32]byte, answer []byte) ([]byte, error) {
	if len(answer) != 66 {
		return nil, errcode.New(errcode.Protocol, "a signature does not have 66 bytes")
	}
	checked, err := signing.FindSignature(key, digest, answer[1:65])
	if err != nil {
		return nil, err
	}
	return append(secp256k1.EncodeDER(checked.R, checked.S), sighashAll), nil
}

// schnorr reads a byte ‖ signature. The signature of a leaf is by the wallet's key, any other by that key with the tweak.
func (sp *spend) schnorr(digest [32]byte, answer []byte) ([]byte, error) {
	if len(answer) != 65 {
		return nil, errcode.New(errcode.Protocol, "a signature of taproot does not have 65 bytes")
	}
	key := sp.key
	if sp.leaf == nil {
		key, _ = sp.key.EvenY().Tweak(tweak(sp.key, sp.root))
	}
	if !secp256k1.VerifySchnorr(key, digest, [64]byte(answer[1:])) {
		return nil, errcode.New(errcode.Protocol, "a signature by another key, or over something else")
	}
	return answer[1:], nil
}

// add adds signatures to the PSBT.
func (p *PSBT) add(pl *plan, signatures [][]byte, finalize bool) {
	for i, signature := range signatures {
		if signature == nil {
			continue
		}
		m, sp := &p.inputs[i], &pl.spends[i]
		compressed := sp.key.Compressed()
		var script []byte
		var witness [][]byte
		switch hash := keyHash(sp.key); {
		case sp.typ == P2PKH:
			script = push(push(nil, signature), compressed[:])
		case sp.typ == P2SHP2WPKH:
			script, witness = push(nil, witnessScript(hash)), [][]byte{signature, compressed[:]}
		case sp.typ == P2WPKH:
			witness = [][]byte{signature, compressed[:]}
		case sp.leaf == nil:
			witness = [][]byte{signature}
		default:
			witness = [][]byte{signature, sp.leaf.script, sp.leaf.control}
		}
		x := sp.key.X()
		// A signature of taproot is of the type DEFAULT, whatever the PSBT asked for, and a leaf may need more signatures.
		if finalize && (sp.leaf == nil || len(sp.leaf.script) == 34 && sp.leaf.script[33] == opCheckSig) {
			m.drop(inPartialSig, inSighash, inRedeemScript, inWitnessScript, inOrigin, inTaprootSig, inTaprootLeafSig, inLeaf,
				inTaprootOrigin, inTaprootKey, inTaprootRoot)
			if script != nil {
				m.set([]byte{inFinalScript}, script)
			}
			if witness != nil {
				m.set([]byte{inFinalWitness}, appendWitness(nil, witness))
			}
			m.final = true
			continue
		}
		switch {
		case sp.leaf != nil:
			m.drop(inSighash)
			m.set(join([]byte{inTaprootLeafSig}, x[:], sp.leafHash), signature)
		case sp.typ == P2TR:
			m.drop(inSighash)
			m.set([]byte{inTaprootSig}, signature)
		default:
			if sp.typ == P2SHP2WPKH {
				m.set([]byte{inRedeemScript}, witnessScript(keyHash(sp.key)))
			}
			m.set(join([]byte{inPartialSig}, compressed[:]), signature)
		}
	}
}

// final returns the complete transaction, or nil if an input has no final signature.
func (p *PSBT) final() *Transaction {
	t := *p.tx
	t.Inputs = append([]Input(nil), p.tx.Inputs...)
	for i := range p.inputs {
		m := &p.inputs[i]
		if !m.final {
			return nil
		}
		t.Inputs[i].Script = m.get(inFinalScript)
		if w := m.get(inFinalWitness); w != nil {
			r := reader{at: place, b: w}
			if t.Inputs[i].Witness = r.witness(); r.err != nil || len(r.b) > 0 {
				return nil
			}
		}
	}
	return &t
}
