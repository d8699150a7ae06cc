package bitcoin

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

// message returns the transaction as btcsuite's functions for hashes expect it.
func (t *transaction) message() *wire.MsgTx {
	return &wire.MsgTx{Version: t.version, TxIn: t.inputs, TxOut: t.outputs, LockTime: t.lockTime}
}

// hashes returns the sums over all inputs and outputs (BIP-143 and BIP-341). Those of the amounts and scripts are only right if
// there are lists of them.
func (t *transaction) hashes() *txscript.TxSigHashes {
	var outpoints, sequences, amounts, scripts bytes.Buffer
	for i, in := range t.inputs {
		outpoints.Write(in.PreviousOutPoint.Hash[:])
		outpoints.Write(binary.LittleEndian.AppendUint32(nil, in.PreviousOutPoint.Index))
		sequences.Write(binary.LittleEndian.AppendUint32(nil, in.Sequence))
		if t.amounts != nil {
			amounts.Write(binary.LittleEndian.AppendUint64(nil, t.amounts[i]))
		}
		if t.scripts != nil {
			_ = wire.WriteVarBytes(&scripts, 0, t.scripts[i]) // a buffer takes any bytes
		}
	}
	var h txscript.TxSigHashes
	h.HashPrevOutsV1, h.HashSequenceV1, h.HashOutputsV1 = sha256.Sum256(outpoints.Bytes()), sha256.Sum256(sequences.Bytes()), t.outputsHash
	h.HashInputAmountsV1, h.HashInputScriptsV1 = sha256.Sum256(amounts.Bytes()), sha256.Sum256(scripts.Bytes())
	h.HashPrevOutsV0, h.HashSequenceV0 = sha256.Sum256(h.HashPrevOutsV1[:]), sha256.Sum256(h.HashSequenceV1[:])
	h.HashOutputsV0 = sha256.Sum256(h.HashOutputsV1[:])
	return &h
}

// signInput signs a legacy input: the one whose index is P1. P2 is the hash type.
func (a *bitcoin) signInput(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, c.P1, c.P2); err != nil {
		return nil, err
	}
	t, index := a.tx, int(c.P1)
	if t == nil || t.signedBy != c.INS || c.P2 != byte(txscript.SigHashAll) || index >= len(t.legacy) || len(t.legacy[index].SignatureScript) == 0 {
		return nil, apdu.ConditionsNotSatisfied
	}
	hash, err := txscript.CalcSignatureHash(t.legacy[index].SignatureScript, txscript.SigHashAll, t.message(), index)
	if err != nil {
		return nil, err
	}
	answer, err := applet.Sign(d, readPath(c.Data), [32]byte(hash))
	if err != nil {
		return nil, err
	}
	if c.INS == signInput {
		t.legacy, t.signedBy = nil, 0 // the inputs come again for each signature
	}
	return answer, nil
}

// segWitInput is the data of [signSegWit].
type segWitInput struct {
	outpoint wire.OutPoint
	script   []byte // the script code
	amount   uint64
	sequence uint32
	path     string
}

// parseSegWit parses 4A ‖ outpoint ‖ the script code after its length ‖ amount ‖ sequence ‖ length ‖ path. Every error is
// [apdu.WrongData].
func parseSegWit(data []byte) (in segWitInput, err error) {
	r := reader{Reader: bytes.NewReader(data)}
	length := int(r.byte())
	r.read(in.outpoint.Hash[:])
	in.outpoint.Index = r.little32()
	in.script = r.script()
	in.amount, in.sequence = r.little64(), r.little32()
	if r.err != nil || len(data)-1-r.Len() != length || !txscript.IsPayToPubKeyHash(in.script) || in.amount > maxAmount {
		return segWitInput{}, apdu.WrongData
	}
	path := make([]byte, r.byte())
	r.read(path)
	if r.err != nil || r.Len() > 0 {
		return segWitInput{}, apdu.WrongData
	}
	in.path = readPath(path)
	return in, nil
}

// signSegWit signs an input by BIP-143. P1 80 says that it is the last one, which ends the transaction. P2 is the hash type.
func (a *bitcoin) signSegWit(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, c.P1&0x80, c.P2); err != nil {
		return nil, err
	}
	in, err := parseSegWit(c.Data)
	if err != nil {
		return nil, err
	}
	t := a.tx
	if t == nil || !t.confirmed || !t.listed || c.P2 != byte(txscript.SigHashAll) {
		return nil, apdu.ConditionsNotSatisfied
	}
	index := 0
	for index < len(t.inputs) && t.inputs[index].PreviousOutPoint != in.outpoint {
		index++
	}
	switch {
	case index == len(t.inputs) || t.inputs[index].Sequence != in.sequence,
		t.amounts != nil && t.amounts[index] != in.amount,
		t.scripts != nil && !spends(t.scripts[index], in.script):
		return nil, apdu.ConditionsNotSatisfied
	}
	hash, err := txscript.CalcWitnessSigHash(in.script, t.hashes(), txscript.SigHashAll, t.message(), index, int64(in.amount))
	if err != nil {
		return nil, err
	}
	answer, err := applet.Sign(d, in.path, [32]byte(hash))
	if err == nil && c.P1 == 0x80 {
		a.tx = nil
	}
	return answer, err
}

// spends reports whether a script code may belong to a previous output. That of a script hash is not compared: public hosts send
// the script code of the key at the path, even if the output is another wallet's.
func spends(script, code []byte) bool {
	switch {
	case txscript.IsPayToScriptHash(script):
		return true
	case txscript.IsPayToWitnessPubKeyHash(script):
		return bytes.Equal(code, keyHashScript(script[2:]))
	}
	return false
}

// taprootInput is the data of [signTaproot].
type taprootInput struct {
	hashType  byte
	lockTime  uint32
	index     uint32
	leaf      []byte // the hash of the leaf that is spent, or nil for the key
	separator uint32 // the position of the last code separator; FFFFFFFF: there is none
	path      string
	tweak     [32]byte
}

// parseTaproot parses 00 ‖ hash type ‖ lock time ‖ 00 ‖ index ‖ length ‖ path ‖ 20 ‖ tweak. For a leaf it is 02 in place of 00, and
// 25 ‖ leaf hash ‖ 00 ‖ position of the code separator after the index. Every error is [apdu.WrongData].
func parseTaproot(data []byte) (in taprootInput, err error) {
	r := reader{Reader: bytes.NewReader(data)}
	epoch := r.byte()
	in.hashType, in.lockTime = r.byte(), r.little32()
	spend := r.byte()
	in.index = r.little32()
	var length, keyVersion byte
	if spend == 0x02 {
		length = r.byte()
		in.leaf = make([]byte, 32)
		r.read(in.leaf)
		keyVersion = r.byte()
		var separator [4]byte
		r.read(separator[:])
		in.separator = binary.BigEndian.Uint32(separator[:])
	}
	path := make([]byte, r.byte())
	r.read(path)
	size := r.byte()
	r.read(in.tweak[:])
	if r.err != nil || r.Len() > 0 || epoch != 0 || spend != 0x00 && spend != 0x02 || spend == 0x02 && length != 0x25 || keyVersion != 0 || size != 32 {
		return taprootInput{}, apdu.WrongData
	}
	in.path = readPath(path)
	return in, nil
}

// signTaproot signs an input by BIP-341, with the key at the path, tweaked for the output unless a leaf is spent. P1 80 says that it
// is the last one, which ends the transaction. P2 80 is for a leaf. The answer is 40 ‖ signature.
func (a *bitcoin) signTaproot(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, c.P1&0x80, c.P2&0x80); err != nil {
		return nil, err
	}
	in, err := parseTaproot(c.Data)
	if err != nil {
		return nil, err
	}
	if (in.leaf != nil) != (c.P2 == 0x80) {
		return nil, apdu.WrongData
	}
	t := a.tx
	if t == nil || !t.confirmed || t.amounts == nil || t.scripts == nil || !t.sequences || in.hashType != byte(txscript.SigHashDefault) ||
		in.lockTime != t.lockTime || int(in.index) >= len(t.inputs) || !txscript.IsPayToTaproot(t.scripts[in.index]) {
		return nil, apdu.ConditionsNotSatisfied
	}
	key, err := d.WalletKey(in.path)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	private, ok := tweaked(key.Private(), in, t.scripts[in.index])
	if !ok {
		return nil, apdu.ConditionsNotSatisfied
	}
	defer private.Zero()
	hash, err := t.taprootHash(in)
	if err != nil {
		return nil, err
	}
	random, err := d.Random()
	if err != nil {
		return nil, err
	}
	signature, err := schnorr.Sign(private, hash, schnorr.CustomNonce(random))
	if err != nil {
		return nil, err
	}
	if c.P1 == 0x80 {
		a.tx = nil
	}
	return append([]byte{schnorr.SignatureSize}, signature.Serialize()...), nil
}

// taprootHash returns what the signature of an input signs.
func (t *transaction) taprootHash(in taprootInput) ([]byte, error) {
	if in.leaf == nil {
		return txscript.CalcTaprootSignatureHash(t.hashes(), txscript.SigHashDefault, t.message(), int(in.index), nil)
	}
	return txscript.CalcTapscriptSignaturehash(t.hashes(), txscript.SigHashDefault, t.message(), int(in.index), nil, txscript.TapLeaf{},
		txscript.WithBaseTapscriptVersion(in.separator, in.leaf))
}

// tweaked returns the key that signs an input: for a leaf the wallet's key, else that key with the tweak added (BIP-341). ok is false
// for a tweak that belongs neither to the wallet's key alone, nor to that key and the output.
func tweaked(private *btcec.PrivateKey, in taprootInput, script []byte) (key *btcec.PrivateKey, ok bool) {
	public := private.PubKey().SerializeCompressed()
	alone := *chainhash.TaggedHash(chainhash.TagTapTweak, public[1:]) == in.tweak
	if in.leaf != nil {
		return private, alone
	}
	scalar := private.Key
	if public[0] == 3 {
		scalar.Negate()
	}
	var tweak btcec.ModNScalar
	if overflow := tweak.SetBytes(&in.tweak); overflow != 0 || scalar.Add(&tweak).IsZero() {
		return nil, false
	}
	key = btcec.PrivKeyFromScalar(&scalar)
	return key, alone || bytes.Equal(schnorr.SerializePubKey(key.PubKey()), script[2:])
}
