package bitcoin

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/devicetest"
	"imkey-connect/devicesim/device/hosttest"
	"imkey-connect/devicesim/ecdsa"
	"imkey-connect/devicesim/hd"
)

// The kinds of input.
const (
	witnessKey = iota // the order of scriptsOf
	nested
	legacyKey
	taprootKey
	kinds
)

// coin is an output that a transaction spends.
type coin struct {
	kind     int
	path     string
	key      *secp256k1.PublicKey
	script   []byte
	amount   uint64
	outpoint wire.OutPoint
	sequence uint32
}

// master is the test wallet's key, so that the tests compute keys without the device.
var master = func() hd.Key {
	key, err := hd.FromMnemonic(hosttest.Mnemonic)
	if err != nil {
		panic(err)
	}
	return key
}()

func publicKeyAt(t testing.TB, path string) *secp256k1.PublicKey {
	t.Helper()
	indices, err := hd.ParsePath(path)
	require.NoError(t, err)
	key, err := master.Derive(indices)
	require.NoError(t, err)
	return key.Private().PubKey()
}

// newCoin returns a coin of the wallet with a made-up outpoint.
func newCoin(t testing.TB, kind, n int, amount uint64) *coin {
	t.Helper()
	c := &coin{kind: kind, path: fmt.Sprintf("m/%d'/1'/0'/%d/%d", []int{84, 49, 44, 86}[kind], n%2, n), amount: amount, sequence: wire.MaxTxInSequenceNum}
	c.key = publicKeyAt(t, c.path)
	scripts, err := scriptsOf(c.key.SerializeUncompressed())
	require.NoError(t, err)
	c.script = [][]byte{scripts[2], scripts[1], scripts[0], scripts[3]}[kind]
	c.outpoint = wire.OutPoint{Hash: sha256.Sum256([]byte{byte(kind), byte(n), byte(n >> 8), byte(n >> 16)}), Index: uint32(n)}
	return c
}

// payTo returns an output to a key hash of made-up bytes.
func payTo(kind, n int, amount int64) *wire.TxOut {
	hash := sha256.Sum256([]byte{byte(n)})
	script := [][]byte{slices.Concat([]byte{0, 20}, hash[:20]), scriptHashScript(hash[:]), keyHashScript(hash[:20]), slices.Concat([]byte{txscript.OP_1, 32}, hash[:])}[kind]
	return wire.NewTxOut(amount, script)
}

// spending is a transaction as a host sends it.
type spending struct {
	version  int32
	coins    []*coin
	outs     []*wire.TxOut
	lockTime uint32
	fee      uint64
	letter   byte // the address version of the first output
}

// newSpending returns a transaction of coins that pays a part to the first output, a part to another one, and leaves a fee of 1000.
func newSpending(coins ...*coin) *spending {
	total := uint64(0)
	for _, c := range coins {
		total += c.amount
	}
	return &spending{version: 2, coins: coins, fee: 1000, letter: 't', outs: []*wire.TxOut{
		payTo(witnessKey, 1, int64(total/2)), payTo(taprootKey, 2, int64(total-total/2-1000)),
	}}
}

func (s *spending) message() *wire.MsgTx {
	tx := &wire.MsgTx{Version: s.version, TxOut: s.outs, LockTime: s.lockTime}
	for _, c := range s.coins {
		tx.TxIn = append(tx.TxIn, &wire.TxIn{PreviousOutPoint: c.outpoint, Sequence: c.sequence})
	}
	return tx
}

// in returns the commands of a payload whose commands all have the same P1.
func in(t testing.TB, ins, p1 byte, payload []byte) []string {
	return inPieces(t, ins, p1, payload, applet.MaxChunk)
}

func inPieces(t testing.TB, ins, p1 byte, payload []byte, size int) (all []string) {
	t.Helper()
	for at := 0; at < len(payload); at += size {
		c := apdu.New(0x80, ins, p1, 0, payload[at:min(at+size, len(payload))])
		if at+size >= len(payload) {
			c.P2 = 0x80
		}
		b, err := c.Bytes()
		require.NoError(t, err)
		all = append(all, hex.EncodeToString(b))
	}
	return all
}

var le32, le64 = binary.LittleEndian.AppendUint32, binary.LittleEndian.AppendUint64

func outpointBytes(o wire.OutPoint) []byte { return le32(o.Hash[:], o.Index) }

func withLength(t testing.TB, script []byte) []byte {
	var b bytes.Buffer
	require.NoError(t, wire.WriteVarBytes(&b, 0, script))
	return b.Bytes()
}

// lists returns the four lists by their P1.
func (s *spending) lists(t testing.TB) map[byte][]byte {
	l := map[byte][]byte{}
	for _, c := range s.coins {
		l[listOutpoints] = append(l[listOutpoints], outpointBytes(c.outpoint)...)
		l[listSequences] = le32(l[listSequences], c.sequence)
		l[listAmounts] = le64(l[listAmounts], c.amount)
		l[listScripts] = append(l[listScripts], withLength(t, c.script)...)
	}
	return l
}

func listCommands(t testing.TB, lists map[byte][]byte) (all []string) {
	for _, p1 := range []byte{listOutpoints, listSequences, listAmounts, listScripts} {
		all = append(all, in(t, list, p1, lists[p1])...)
	}
	return all
}

func outputBytes(t testing.TB, outs []*wire.TxOut) []byte {
	var b bytes.Buffer
	for _, out := range outs {
		require.NoError(t, wire.WriteTxOut(&b, 0, 0, out))
	}
	return b.Bytes()
}

// body returns the body of the preview.
func (s *spending) body(t testing.TB) []byte {
	b := append(le32(nil, uint32(s.version)), byte(len(s.coins)), byte(len(s.outs)))
	b = le32(le32(append(b, outputBytes(t, s.outs)...), s.lockTime), 1)
	return append(binary.BigEndian.AppendUint64(b, s.fee), s.letter)
}

// psbtBody returns the body of the preview of a PSBT that shows the first outputs.
func (s *spending) psbtBody(t testing.TB, shown int) []byte {
	b := append(le32(nil, uint32(s.version)), byte(len(s.coins)))
	b = le32(le32(b, s.lockTime), 1)
	paid := uint64(0)
	for _, out := range s.outs[:shown] {
		paid += uint64(out.Value)
	}
	hash := sha256.Sum256(outputBytes(t, s.outs))
	b = append(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, paid), s.fee), hash[:]...)
	return binary.BigEndian.AppendUint16(b, uint16(shown))
}

// page returns the body of a page of outputs.
func (s *spending) page(t testing.TB, first, last int) []byte {
	b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, uint16(first)), uint16(last))
	for i := first; i <= last; i++ {
		script := withLength(t, s.outs[i].PkScript)
		b = append(le64(binary.BigEndian.AppendUint16(b, uint16(i)), uint64(s.outs[i].Value)), byte(1+len(script)), letterOf(s.outs[i].PkScript))
		b = append(b, script...)
	}
	return b
}

// letterOf returns the address version of a script on the test network.
func letterOf(script []byte) byte {
	switch {
	case txscript.IsPayToPubKeyHash(script):
		return 0x6F
	case txscript.IsPayToScriptHash(script):
		return 0xC4
	}
	return 't'
}

func signedBody(h *devicetest.Host, body []byte) []byte {
	return h.Signed(devicetest.Field(tagBody, 1, body))
}

// legacyInputs returns the payload for a legacy input.
func (s *spending) legacyInputs(t testing.TB, index int) (b []byte) {
	for i, c := range s.coins {
		var script []byte
		if i == index {
			script = c.script
		}
		b = le32(append(append(b, outpointBytes(c.outpoint)...), withLength(t, script)...), c.sequence)
	}
	return b
}

// segWit returns the data that signs an input by BIP-143.
func (c *coin) segWit() string {
	script := keyHashScript(address.Hash160(c.key.SerializeCompressed()))
	b := append(append(outpointBytes(c.outpoint), byte(len(script))), script...)
	b = le32(le64(b, c.amount), c.sequence)
	return string([]byte{byte(len(b))}) + string(b) + counted(c.path)
}

// taproot returns the data that signs an input by BIP-341.
func (s *spending) taproot(index int, leaf, root []byte) string {
	c := s.coins[index]
	b, between := le32([]byte{0, 0}, s.lockTime), []byte(nil)
	if leaf == nil {
		b = append(b, 0)
	} else {
		b = append(b, 2)
		between = append(append([]byte{0x25}, leaf...), 0, 0xFF, 0xFF, 0xFF, 0xFF)
	}
	tweak := chainhash.TaggedHash(chainhash.TagTapTweak, c.key.SerializeCompressed()[1:], root)
	return string(append(le32(b, uint32(index)), between...)) + counted(c.path, string(tweak[:]))
}

// der returns a signature as a script has it.
func der(t testing.TB, answer []byte) []byte {
	low := devicetest.LowS(t, answer, 0)
	var sig ecdsa.Signature
	sig.R.SetByteSlice(low[:32])
	sig.S.SetByteSlice(low[32:64])
	return append(sig.DER(), byte(txscript.SigHashAll))
}

// sign signs all inputs and has btcsuite's script engine verify them.
func (s *spending) sign(t testing.TB, h *devicetest.Host, psbt bool) {
	t.Helper()
	tx := s.message()
	for i, c := range s.coins {
		p1 := byte(0)
		if i == len(s.coins)-1 {
			p1 = 0x80
		}
		compressed := c.key.SerializeCompressed()
		switch c.kind {
		case legacyKey:
			ins, payload := byte(legacyInputs), s.legacyInputs(t, i)
			if psbt {
				ins, payload = legacyPSBTInputs, append(append(payload, byte(len(s.outs))), outputBytes(t, s.outs)...)
			}
			for _, c := range devicetest.Commands(t, ins, payload, applet.MaxChunk) {
				h.OK(hex.EncodeToString(c[:5+int(c[4])])) // without Le
			}
			signature := der(t, h.OK(command(t, signInput, byte(i), 1, c.path)))
			script, err := txscript.NewScriptBuilder().AddData(signature).AddData(compressed).Script()
			require.NoError(t, err)
			tx.TxIn[i].SignatureScript = script
		case taprootKey:
			answer := h.OK(command(t, signTaproot, p1, 0, s.taproot(i, nil, nil)))
			require.Equal(t, byte(0x40), answer[0])
			tx.TxIn[i].Witness = wire.TxWitness{answer[1:]}
		default:
			tx.TxIn[i].Witness = wire.TxWitness{der(t, h.OK(command(t, signSegWit, p1, 1, c.segWit()))), compressed}
			if c.kind == nested {
				redeem := append([]byte{0, 20}, address.Hash160(compressed)...)
				tx.TxIn[i].SignatureScript = append([]byte{22}, redeem...)
			}
		}
	}
	s.verify(t, tx)
}

// verify runs the script of each input.
func (s *spending) verify(t testing.TB, tx *wire.MsgTx) {
	t.Helper()
	previous := map[wire.OutPoint]*wire.TxOut{}
	for _, c := range s.coins {
		previous[c.outpoint] = wire.NewTxOut(int64(c.amount), c.script)
	}
	fetcher := txscript.NewMultiPrevOutFetcher(previous)
	for i, c := range s.coins {
		engine, err := txscript.NewEngine(c.script, tx, i, txscript.StandardVerifyFlags, nil, txscript.NewTxSigHashes(tx, fetcher), int64(c.amount), fetcher)
		require.NoError(t, err)
		require.NoError(t, engine.Execute(), "input %d of kind %d", i, c.kind)
	}
}

// preview sends lists and preview of a transaction, which the device confirms itself.
func (s *spending) preview(t testing.TB, h *devicetest.Host) {
	t.Helper()
	for _, c := range append(listCommands(t, s.lists(t)), in(t, preview, 0, signedBody(h, s.body(t)))...) {
		require.Empty(t, h.OK(c))
	}
}

// previewPSBT sends lists, preview and pages of a PSBT that shows the first outputs. It asks for pages as the device does.
func (s *spending) previewPSBT(t testing.TB, h *devicetest.Host, shown int) {
	t.Helper()
	for _, c := range append(listCommands(t, s.lists(t)), in(t, previewPSBT, 0, signedBody(h, s.psbtBody(t, shown)))...) {
		require.Empty(t, h.OK(c))
	}
	for page := 0; ; {
		body := []byte{0xFF, 0xFF}
		if shown > 0 {
			body = s.page(t, perPage*page, min(perPage*page+perPage, shown)-1)
		}
		next := h.OK(command(t, showOutputs, 0, 0, string(signedBody(h, body))))
		if len(next) == 0 {
			return
		}
		require.Len(t, next, 2)
		require.Equal(t, page+1, int(binary.BigEndian.Uint16(next)))
		page++
	}
}

// TestScriptEngine signs transactions of all kinds of input, at random, in both ways. btcsuite's script engine accepts them.
// IMKEY_FULL=1 signs 5,000 instead of 12, of which every hundredth has up to 252 inputs.
func TestScriptEngine(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	random := rand.New(rand.NewPCG(1, 2))
	rounds, inputs := 12, [kinds]int{}
	if os.Getenv("IMKEY_FULL") != "" {
		rounds = 5000
	}
	for round := range rounds {
		most := 5
		if round%100 == 99 {
			most = maxInputs
		}
		var coins []*coin
		for n := range 1 + random.IntN(most) {
			c := newCoin(t, (round+random.IntN(2)*n)%kinds, round<<8|n, 1e5+random.Uint64N(1e8))
			inputs[c.kind]++
			coins = append(coins, c)
		}
		s := newSpending(coins...)
		psbt := round%2 == 1
		if psbt {
			s.version, s.lockTime = int32(random.IntN(3)), random.Uint32()
			for _, c := range coins {
				c.sequence = random.Uint32()
			}
			s.previewPSBT(t, h, random.IntN(len(s.outs)+1))
		} else {
			s.preview(t, h)
		}
		s.sign(t, h, psbt)
	}
	t.Logf("%d transactions with %d P2WPKH, %d nested, %d P2PKH and %d P2TR inputs", rounds, inputs[witnessKey], inputs[nested], inputs[legacyKey], inputs[taprootKey])
	// Without lists, as public hosts send a transaction of legacy inputs only.
	s := newSpending(newCoin(t, legacyKey, 1, 5e5), newCoin(t, legacyKey, 2, 6e5))
	s.version = 1
	for _, c := range in(t, preview, 0, signedBody(h, s.body(t))) {
		h.OK(c)
	}
	s.sign(t, h, false)
}

// TestMostInputs signs the first and the last of 252 inputs of each kind.
func TestMostInputs(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	var coins []*coin
	for n := range maxInputs {
		coins = append(coins, newCoin(t, n%kinds, n, 1e5))
	}
	s := newSpending(coins...)
	s.preview(t, h)
	h.OK(command(t, signSegWit, 0, 1, coins[0].segWit()))
	for _, c := range devicetest.Commands(t, legacyInputs, s.legacyInputs(t, 250), applet.MaxChunk) {
		h.OK(hex.EncodeToString(c))
	}
	h.OK(command(t, signInput, 250, 1, coins[250].path))
	h.OK(command(t, signTaproot, 0x80, 0, s.taproot(251, nil, nil)))
}

// TestTaprootScripts spends a leaf and the key of an output with a script.
func TestTaprootScripts(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	c := newCoin(t, taprootKey, 7, 1e6)
	script, err := txscript.NewScriptBuilder().AddData(schnorr.SerializePubKey(c.key)).AddOp(txscript.OP_CHECKSIG).Script()
	require.NoError(t, err)
	leaf := txscript.NewBaseTapLeaf(script)
	tree := txscript.AssembleTaprootScriptTree(leaf)
	root, hash := tree.RootNode.TapHash(), leaf.TapHash()
	c.script, err = txscript.PayToTaprootScript(txscript.ComputeTaprootOutputKey(c.key, root[:]))
	require.NoError(t, err)
	s := newSpending(c)
	s.preview(t, h)
	tx := s.message()
	h.SW(apdu.WrongData, command(t, signTaproot, 0x80, 0, s.taproot(0, hash[:], nil)))
	h.SW(apdu.WrongData, command(t, signTaproot, 0x80, 0x80, s.taproot(0, nil, nil)))
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0x80, 0x80, s.taproot(0, hash[:], root[:])))
	answer := h.OK(command(t, signTaproot, 0, 0x80, s.taproot(0, hash[:], nil)))
	control := tree.LeafMerkleProofs[0].ToControlBlock(c.key)
	block, err := control.ToBytes()
	require.NoError(t, err)
	tx.TxIn[0].Witness = wire.TxWitness{answer[1:], script, block}
	s.verify(t, tx)
	answer = h.OK(command(t, signTaproot, 0x80, 0, s.taproot(0, nil, root[:])))
	tx.TxIn[0].Witness = wire.TxWitness{answer[1:]}
	s.verify(t, tx)
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0x80, 0, s.taproot(0, nil, root[:]))) // P1 80 has ended it
}

// TestFixedNonce has the signature of BIP-340 with auxiliary bytes of zero from a device whose randomness is zero.
func TestFixedNonce(t *testing.T) {
	zeros := &zeros{from: hosttest.Seeded(1)}
	_, h := wallet(t, device.Options{Approve: device.Yes, Rand: zeros}, false)
	h.Bind()
	h.OK(devicetest.Select(Applet))
	s := newSpending(newCoin(t, taprootKey, 1, 1e6))
	s.preview(t, h)
	zeros.on = true
	answer := h.OK(command(t, signTaproot, 0, 0, s.taproot(0, nil, nil)))
	require.Equal(t, answer, h.OK(command(t, signTaproot, 0, 0, s.taproot(0, nil, nil))))
	indices, err := hd.ParsePath(s.coins[0].path)
	require.NoError(t, err)
	key, err := master.Derive(indices)
	require.NoError(t, err)
	tx := s.message()
	fetcher := txscript.NewCannedPrevOutputFetcher(s.coins[0].script, int64(s.coins[0].amount))
	hash, err := txscript.CalcTaprootSignatureHash(txscript.NewTxSigHashes(tx, fetcher), txscript.SigHashDefault, tx, 0, fetcher)
	require.NoError(t, err)
	want, err := schnorr.Sign(txscript.TweakTaprootPrivKey(*key.Private(), nil), hash, schnorr.CustomNonce([32]byte{}))
	require.NoError(t, err)
	require.Equal(t, want.Serialize(), answer[1:])
	zeros.on = false
	require.NotEqual(t, answer, h.OK(command(t, signTaproot, 0, 0, s.taproot(0, nil, nil))))
}

// zeros is randomness that can be made zero.
type zeros struct {
	from interface{ Read([]byte) (int, error) }
	on   bool
}

func (z *zeros) Read(b []byte) (int, error) {
	if !z.on {
		return z.from.Read(b)
	}
	clear(b)
	return len(b), nil
}

// TestContradictions changes one thing of a transaction at a time. Each change is refused, before the user is asked if it is in the
// preview, and nothing is signed afterwards.
func TestContradictions(t *testing.T) {
	d, h := wallet(t, device.Options{Approve: device.Yes}, true)
	fresh := func() *spending {
		return newSpending(newCoin(t, witnessKey, 1, 5e5), newCoin(t, taprootKey, 2, 6e5), newCoin(t, legacyKey, 3, 7e5), newCoin(t, nested, 4, 8e5))
	}
	refuse := func(want apdu.StatusWord, commands ...string) {
		t.Helper()
		for _, c := range commands[:len(commands)-1] {
			_, sw := h.APDU(c)
			require.Contains(t, []apdu.StatusWord{apdu.OK, want}, sw)
		}
		h.SW(want, commands[len(commands)-1])
		s := fresh()
		h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 1, s.coins[0].segWit()))
		h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0, 0, s.taproot(1, nil, nil)))
		h.SW(apdu.ConditionsNotSatisfied, command(t, signInput, 2, 1, s.coins[2].path))
	}
	d.AllowUnbound(false)
	previewed := func(change func(*spending), lists func(map[byte][]byte)) []string {
		s := fresh()
		l := s.lists(t)
		if lists != nil {
			lists(l)
		}
		if change != nil {
			change(s)
		}
		return append(listCommands(t, l), in(t, preview, 0, signedBody(h, s.body(t)))...)
	}
	h.OK(previewed(nil, nil)[0])
	for name, test := range map[string]struct {
		change func(*spending)
		lists  func(map[byte][]byte)
		want   apdu.StatusWord
	}{
		"a smaller fee":            {func(s *spending) { s.fee-- }, nil, apdu.ConditionsNotSatisfied},
		"a greater fee":            {func(s *spending) { s.fee++ }, nil, apdu.ConditionsNotSatisfied},
		"a fee that overflows":     {func(s *spending) { s.fee -= 1 << 63; s.outs[0].Value ^= 1 << 62 }, nil, apdu.ConditionsNotSatisfied},
		"a greater output":         {func(s *spending) { s.outs[1].Value++ }, nil, apdu.ConditionsNotSatisfied},
		"a negative output":        {func(s *spending) { s.outs[1].Value = -1 }, nil, apdu.WrongData},
		"another amount":           {nil, func(l map[byte][]byte) { l[listAmounts][0]++ }, apdu.ConditionsNotSatisfied},
		"amounts that overflow":    {nil, func(l map[byte][]byte) { l[listAmounts][7], l[listAmounts][15] = 0x80, 0x80 }, apdu.ConditionsNotSatisfied},
		"one input less":           {func(s *spending) { s.coins = s.coins[1:] }, nil, apdu.ConditionsNotSatisfied},
		"no input":                 {func(s *spending) { s.coins = nil }, nil, apdu.WrongData},
		"no output":                {func(s *spending) { s.outs = nil }, nil, apdu.WrongData},
		"an outpoint twice":        {nil, func(l map[byte][]byte) { copy(l[listOutpoints], l[listOutpoints][36:72]) }, apdu.WrongData},
		"half an outpoint":         {nil, func(l map[byte][]byte) { l[listOutpoints] = l[listOutpoints][:150] }, apdu.WrongData},
		"one sequence less":        {nil, func(l map[byte][]byte) { l[listSequences] = l[listSequences][4:] }, apdu.ConditionsNotSatisfied},
		"one amount more":          {nil, func(l map[byte][]byte) { l[listAmounts] = append(l[listAmounts], make([]byte, 8)...) }, apdu.ConditionsNotSatisfied},
		"half a script":            {nil, func(l map[byte][]byte) { l[listScripts] = l[listScripts][:10] }, apdu.ConditionsNotSatisfied},
		"no amounts":               {nil, func(l map[byte][]byte) { delete(l, listAmounts) }, apdu.ConditionsNotSatisfied},
		"no scripts":               {nil, func(l map[byte][]byte) { delete(l, listScripts) }, apdu.ConditionsNotSatisfied},
		"no sequences":             {nil, func(l map[byte][]byte) { delete(l, listSequences) }, apdu.ConditionsNotSatisfied},
		"another kind of address":  {func(s *spending) { s.letter = 0x6F }, nil, apdu.ConditionsNotSatisfied},
		"Dogecoin's addresses":     {func(s *spending) { s.letter = 0x1E }, nil, apdu.ConditionsNotSatisfied},
		"a version of no network":  {func(s *spending) { s.letter = 'z' }, nil, apdu.ConditionsNotSatisfied},
		"data of no network":       {func(s *spending) { s.letter, s.outs[0].PkScript = 0, []byte{txscript.OP_RETURN}; s.letter = 'z' }, nil, apdu.ConditionsNotSatisfied},
		"too many inputs":          {func(s *spending) { s.coins = slices.Repeat(s.coins, 64)[:253] }, nil, apdu.TooManyUTXOs},
		"too many outpoints":       {nil, func(l map[byte][]byte) { l[listOutpoints] = manyOutpoints(256) }, apdu.TooManyUTXOs},
		"too many bytes in a list": {nil, func(l map[byte][]byte) { l[listOutpoints] = make([]byte, maxList+1) }, apdu.WrongData},
	} {
		commands := previewed(test.change, test.lists)
		// The first command that is refused ends the transaction, so the others are refused too.
		at := 0
		for ; at < len(commands); at++ {
			if _, sw := h.APDU(commands[at]); sw != apdu.OK {
				require.Equal(t, test.want, sw, name)
				break
			}
		}
		require.Less(t, at, len(commands), name)
		refuse(apdu.ConditionsNotSatisfied, command(t, signInput, 2, 1, "m/0"))
		h.OK(devicetest.Select(Applet))
	}
	for n, want := range map[int]apdu.StatusWord{252: apdu.ConditionsNotSatisfied, 253: apdu.TooManyUTXOs} { // the lists fit, 252 amounts are missing
		s := fresh()
		s.coins = slices.Repeat(s.coins, 64)[:n]
		for _, c := range in(t, list, listOutpoints, manyOutpoints(n)) {
			h.OK(c)
		}
		refuse(want, in(t, preview, 0, signedBody(h, s.body(t)))...)
	}
	good := fresh().body(t)
	for name, body := range map[string][]byte{
		"truncated":               good[:len(good)-1],
		"something after it":      append(slices.Clone(good), 0),
		"a long length":           append(append(slices.Clone(good[:5]), 0xFD, 2, 0), good[6:]...),
		"more outputs than bytes": append(append(slices.Clone(good[:5]), 0xFE, 0xFF, 0xFF, 0xFF, 0xFF), good[6:]...),
	} {
		refuse(apdu.WrongData, append(listCommands(t, fresh().lists(t)), in(t, preview, 0, signedBody(h, body))...)...)
		require.NotEmpty(t, name)
	}
	notAll := slices.Clone(good)
	notAll[len(notAll)-13] = 0x81
	refuse(apdu.ConditionsNotSatisfied, append(listCommands(t, fresh().lists(t)), in(t, preview, 0, signedBody(h, notAll))...)...)
	refuse(apdu.WrongData, append(listCommands(t, fresh().lists(t)), in(t, preview, 0, []byte{0, 0, 1, 1})...)...)
	refuse(apdu.SignatureFailed, append(listCommands(t, fresh().lists(t)), in(t, preview, 0, append([]byte{0, 0}, devicetest.Field(tagBody, 1, good)...))...)...)
	refuse(apdu.ConditionsNotSatisfied, append(in(t, list, listOutpoints, fresh().lists(t)[listOutpoints]), in(t, previewPSBT, 0, signedBody(h, fresh().psbtBody(t, 1)))...)...)
	h.OK(devicetest.Select(Applet))
	refuse(apdu.ConditionsNotSatisfied, in(t, previewPSBT, 0, signedBody(h, fresh().psbtBody(t, 1)))...) // without lists

	// The inputs that are signed.
	s := fresh()
	s.preview(t, h)
	for name, change := range map[string]func(*coin){
		"another outpoint": func(c *coin) { c.outpoint.Index++ },
		"another amount":   func(c *coin) { c.amount++ },
		"another sequence": func(c *coin) { c.sequence-- },
		"another key":      func(c *coin) { c.key = s.coins[1].key },
	} {
		c := *s.coins[0]
		change(&c)
		h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 1, c.segWit()))
		require.NotEmpty(t, name)
	}
	data := s.coins[0].segWit()
	h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 0x81, data))
	for _, wrong := range []string{data[1:], data[:70], data + "0", data[:len(data)-1], "\x49" + data[1:], data[:37] + "\x18" + data[38:]} {
		h.SW(apdu.WrongData, command(t, signSegWit, 0, 1, wrong))
	}
	h.SW(apdu.WrongData, command(t, signSegWit, 0, 1, data[:75]+counted("m/x")))
	data = s.taproot(1, nil, nil)
	for _, wrong := range []string{data[:59], data + "0", "\x01" + data[1:], data[:6] + "\x01" + data[7:], data[:len(data)-33] + "\x1f" + data[len(data)-32:]} {
		h.SW(apdu.WrongData, command(t, signTaproot, 0, 0, wrong))
	}
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0, 0, "\x00\x01"+data[2:]))      // ALL
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0, 0, data[:2]+"\x01"+data[3:])) // the lock time
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0, 0, s.taproot(0, nil, nil)))   // not taproot
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0, 0, data[:7]+"\x04"+data[8:])) // no such input
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0, 0, data[:len(data)-1]+"x"))   // the tweak
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0, 0, data[:len(data)-32]+string(bytes.Repeat([]byte{0xFF}, 32))))
	h.SW(apdu.WrongData, command(t, signTaproot, 0, 0, data[:11]+counted("m/x")+data[len(data)-33:]))
	s.sign(t, h, false) // a refused input does not end the transaction
	h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 1, s.coins[0].segWit()))

	for name, change := range map[string]func(*spending, int) []byte{
		"another outpoint": func(s *spending, i int) []byte { s.coins[0].outpoint.Index++; return s.legacyInputs(t, i) },
		"another sequence": func(s *spending, i int) []byte { s.coins[0].sequence--; return s.legacyInputs(t, i) },
		"one input less":   func(s *spending, i int) []byte { s.coins = s.coins[1:]; return s.legacyInputs(t, i-1) },
		"no script":        func(s *spending, i int) []byte { return s.legacyInputs(t, -1) },
		"another's script": func(s *spending, i int) []byte { return s.legacyInputs(t, 0) },
		"another script":   func(s *spending, i int) []byte { s.coins[i].script[5]++; return s.legacyInputs(t, i) },
		"two scripts": func(s *spending, i int) []byte {
			s.coins = append([]*coin{s.coins[0]}, s.coins[1:]...)
			return append(s.legacyInputs(t, i)[:36], append(withLength(t, s.coins[2].script), s.legacyInputs(t, i)[37:]...)...)
		},
		"something after it": func(s *spending, i int) []byte { return append(s.legacyInputs(t, i), 0) },
	} {
		s := fresh()
		s.preview(t, h)
		payload := change(fresh(), 2)
		commands := devicetest.Commands(t, legacyInputs, payload, applet.MaxChunk)
		_, sw := h.Raw(commands[0])
		require.Contains(t, []apdu.StatusWord{apdu.ConditionsNotSatisfied, apdu.WrongData}, sw, name)
		refuse(apdu.ConditionsNotSatisfied, command(t, signInput, 2, 1, s.coins[2].path))
	}
	// The index and the hash type of a legacy input.
	s = fresh()
	s.preview(t, h)
	payload := hex.EncodeToString(devicetest.Commands(t, legacyInputs, s.legacyInputs(t, 2), applet.MaxChunk)[0])
	h.OK(payload)
	h.SW(apdu.ConditionsNotSatisfied, command(t, signInput, 0, 1, s.coins[0].path))
	h.SW(apdu.ConditionsNotSatisfied, command(t, signInput, 4, 1, s.coins[0].path))
	h.SW(apdu.ConditionsNotSatisfied, command(t, signInput, 2, 0x81, s.coins[2].path))
	h.SW(apdu.ConditionsNotSatisfied, command(t, signOldInput, 2, 1, s.coins[2].path))
	h.SW(apdu.WrongData, command(t, signInput, 2, 1, "m/x"))
	h.OK(command(t, signInput, 2, 1, s.coins[2].path))
	h.SW(apdu.ConditionsNotSatisfied, command(t, signInput, 2, 1, s.coins[2].path)) // the inputs come again
	refuse(apdu.ConditionsNotSatisfied, hex.EncodeToString(devicetest.Commands(t, legacyPSBTInputs, s.legacyInputs(t, 2), applet.MaxChunk)[0]))
}

func manyOutpoints(n int) (b []byte) {
	for i := range n {
		b = append(b, outpointBytes(wire.OutPoint{Index: uint32(i)})...)
	}
	return b
}

// TestPages sends wrong pages of a PSBT.
func TestPages(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	fresh := func() *spending {
		s := newSpending(newCoin(t, witnessKey, 1, 5e5), newCoin(t, legacyKey, 2, 6e5))
		for n := range 6 {
			s.outs = append(s.outs, payTo(n%kinds, n+3, 1000))
			s.outs[0].Value -= 1000
		}
		return s
	}
	s := fresh()
	s.previewPSBT(t, h, 7)
	s.sign(t, h, true)
	begin := func() {
		for _, c := range append(listCommands(t, s.lists(t)), in(t, previewPSBT, 0, signedBody(h, s.psbtBody(t, 7)))...) {
			h.OK(c)
		}
	}
	first := s.page(t, 0, 2)
	changed := func(at int) []byte {
		b := slices.Clone(first)
		b[at]++
		return b
	}
	for name, test := range map[string]struct {
		body []byte
		want apdu.StatusWord
	}{
		"another page":        {s.page(t, 3, 5), apdu.ConditionsNotSatisfied},
		"two outputs":         {s.page(t, 0, 1), apdu.ConditionsNotSatisfied},
		"four outputs":        {s.page(t, 0, 3), apdu.ConditionsNotSatisfied},
		"another index":       {changed(5), apdu.ConditionsNotSatisfied},
		"another version":     {changed(15), apdu.ConditionsNotSatisfied},
		"another length":      {changed(14), apdu.WrongData},
		"truncated":           {first[:len(first)-1], apdu.WrongData},
		"something after it":  {append(slices.Clone(first), 0), apdu.WrongData},
		"nothing to show":     {[]byte{0xFF, 0xFF}, apdu.ConditionsNotSatisfied},
		"an amount too great": {changed2(first, 13, 0x80), apdu.WrongData},
	} {
		begin()
		h.SW(test.want, command(t, showOutputs, 0, 0, string(signedBody(h, test.body))))
		h.SW(apdu.ConditionsNotSatisfied, command(t, showOutputs, 0, 0, string(signedBody(h, first)))) // it has ended the transaction
		require.NotEmpty(t, name)
	}
	begin()
	h.SW(apdu.SignatureFailed, command(t, showOutputs, 0, 0, "\x00\x00"+string(devicetest.Field(tagBody, 1, first))))
	begin()
	h.SW(apdu.WrongData, command(t, showOutputs, 0, 0, string(first)))
	begin()
	h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 1, s.coins[0].segWit())) // no output was confirmed
	require.Equal(t, []byte{0, 1}, h.OK(command(t, showOutputs, 0, 0, string(signedBody(h, first)))))
	require.Equal(t, []byte{0, 2}, h.OK(command(t, showOutputs, 0, 0, string(signedBody(h, s.page(t, 3, 5))))))
	other := fresh()
	other.outs[6].Value++ // the pages do not add up
	h.SW(apdu.ConditionsNotSatisfied, command(t, showOutputs, 0, 0, string(signedBody(h, other.page(t, 6, 6)))))
	mixed := fresh()
	begin()
	page := mixed.page(t, 0, 2)
	page[len(page)-24] = 'b' // another network than that of the output before
	h.SW(apdu.ConditionsNotSatisfied, command(t, showOutputs, 0, 0, string(signedBody(h, page))))

	// The legacy inputs come with all outputs.
	for name, change := range map[string]func(*spending){
		"another output":  func(s *spending) { s.outs[7].Value++ },
		"one output less": func(s *spending) { s.outs = s.outs[:7] },
		"no outputs":      func(s *spending) { s.outs = nil },
	} {
		s.previewPSBT(t, h, 7)
		lie := fresh()
		change(lie)
		payload := append(append(lie.legacyInputs(t, 1), byte(len(lie.outs))), outputBytes(t, lie.outs)...)
		commands := devicetest.Commands(t, legacyPSBTInputs, payload, applet.MaxChunk)
		for _, c := range commands[:len(commands)-1] {
			h.OK(hex.EncodeToString(c))
		}
		h.SW(apdu.ConditionsNotSatisfied, hex.EncodeToString(commands[len(commands)-1]))
		h.SW(apdu.ConditionsNotSatisfied, command(t, signInput, 1, 1, s.coins[1].path))
		require.NotEmpty(t, name)
	}
	// A fee that the amounts do not pay.
	s.fee += 1 << 40
	for _, c := range listCommands(t, s.lists(t)) {
		h.OK(c)
	}
	h.SW(apdu.ConditionsNotSatisfied, in(t, previewPSBT, 0, signedBody(h, s.psbtBody(t, 7)))[0])
	// A fee that is smaller than what the outputs leave shows only with the outputs.
	s.fee = 999
	s.previewPSBT(t, h, 7)
	payload := append(append(s.legacyInputs(t, 1), byte(len(s.outs))), outputBytes(t, s.outs)...)
	commands := devicetest.Commands(t, legacyPSBTInputs, payload, applet.MaxChunk)
	for _, c := range commands[:len(commands)-1] {
		h.OK(hex.EncodeToString(c))
	}
	h.SW(apdu.ConditionsNotSatisfied, hex.EncodeToString(commands[len(commands)-1]))
}

func changed2(b []byte, at int, value byte) []byte {
	b = slices.Clone(b)
	b[at] = value
	return b
}

// TestPieces sends payloads in small pieces, and pieces that do not belong together.
func TestPieces(t *testing.T) {
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	s := newSpending(newCoin(t, witnessKey, 1, 5e5), newCoin(t, legacyKey, 2, 5e5))
	for p1, b := range s.lists(t) {
		if p1 == listOutpoints {
			for _, c := range inPieces(t, list, p1, b, 7) {
				h.OK(c)
			}
		}
	}
	for p1, b := range s.lists(t) {
		if p1 != listOutpoints {
			for _, c := range inPieces(t, list, p1, b, 7) {
				h.OK(c)
			}
		}
	}
	for _, c := range inPieces(t, preview, 0, signedBody(h, s.body(t)), 7) {
		h.OK(c)
	}
	h.OK(command(t, signSegWit, 0, 1, s.coins[0].segWit()))
	for _, c := range devicetest.Commands(t, legacyInputs, s.legacyInputs(t, 1), 7) {
		require.Empty(t, h.OK(hex.EncodeToString(c)))
	}
	h.OK(command(t, signInput, 1, 1, s.coins[1].path))
	h.SW(apdu.WrongParameters, command(t, legacyInputs, 1, 0x80, "0")) // ends the transaction
	h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 1, s.coins[0].segWit()))
	message := inPieces(t, signMessage, 0, h.Signed(devicetest.Field(tagBody, 1, messageBody(make([]byte, 32), "m/0"))), 7)
	for _, c := range message[:len(message)-1] {
		require.Empty(t, h.OK(c))
	}
	require.Len(t, h.OK(message[len(message)-1]), 66)
	// Another instruction in between begins another payload.
	h.OK(message[0])
	h.OK(inPieces(t, list, listOutpoints, make([]byte, 36), 7)[0])
	h.SW(apdu.WrongData, message[len(message)-1])
	h.SW(apdu.WrongParameters, command(t, signMessage, 0, 1, "0"))
}

// TestParts checks the parts of a transaction where no host can send the case, or where another check would refuse it later.
func TestParts(t *testing.T) {
	inputs := func(n int) (all []*wire.TxIn) {
		for i := range n {
			all = append(all, &wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: uint32(i)}})
		}
		return all
	}
	require.NoError(t, checkInputs(inputs(255)))
	require.ErrorIs(t, checkInputs(inputs(256)), apdu.TooManyUTXOs)
	require.ErrorIs(t, checkInputs(nil), apdu.WrongData)
	require.ErrorIs(t, checkInputs(append(inputs(3), inputs(1)...)), apdu.WrongData)
	for name, b := range map[string][]byte{"a short list": make([]byte, 8), "a long one": make([]byte, 24), "half an entry": make([]byte, 12)} {
		tx := &transaction{inputs: inputs(2)}
		require.ErrorIs(t, tx.addList(listAmounts, b), apdu.ConditionsNotSatisfied, name)
		require.Nil(t, tx.amounts)
	}
	require.ErrorIs(t, (&transaction{}).addList(listOutpoints, make([]byte, 34)), apdu.WrongData)
	for name, tx := range map[string]transaction{
		"amounts that overflow": {amounts: []uint64{1 << 63, 1 << 63}},
		"an overflow with them": {amounts: []uint64{1 << 63, 1 << 63}, outputs: []*wire.TxOut{}},
		"a fee that overflows":  {amounts: []uint64{5}, outputs: []*wire.TxOut{{Value: 6}}, fee: 1<<64 - 1},
		"outputs that overflow": {amounts: []uint64{5}, outputs: []*wire.TxOut{{Value: 1<<63 - 1}, {Value: 1<<63 - 1}, {Value: 7}}},
		"more paid than spent":  {amounts: []uint64{5}, paid: 3, fee: 3},
	} {
		require.ErrorIs(t, tx.balance(), apdu.ConditionsNotSatisfied, name)
	}
	require.NoError(t, (&transaction{amounts: []uint64{5}, paid: 3, fee: 2}).balance())
	require.NoError(t, (&transaction{amounts: []uint64{5}, paid: 3, fee: 1}).balance(), "a PSBT may hide an output")
	require.ErrorIs(t, (&transaction{toShow: 0}).addPage([]byte{0xFF, 0xFF, 0}), apdu.WrongData)
	require.ErrorIs(t, (&transaction{toShow: 0}).addPage([]byte{0xFF, 0xFF, 0, 0}), apdu.ConditionsNotSatisfied)
	require.ErrorIs(t, (&transaction{toShow: 0}).addPage([]byte{0xFF}), apdu.WrongData)
	require.Equal(t, []string{"Pay: 0.00000007 BTC", "Script: "}, networks[0].texts(wire.NewTxOut(7, nil)))
	require.Equal(t, []string{"Pay: 0.0 DOGE", "Script: 00141111111111111111111111111111111111111111"},
		networks[2].texts(wire.NewTxOut(0, append([]byte{0, 20}, bytes.Repeat([]byte{0x11}, 20)...))))

	// Inputs without lists.
	_, h := wallet(t, device.Options{Approve: device.Yes}, true)
	s := newSpending(newCoin(t, legacyKey, 1, 5e5), newCoin(t, legacyKey, 2, 6e5))
	begin := func() {
		for _, c := range in(t, preview, 0, signedBody(h, s.body(t))) {
			h.OK(c)
		}
	}
	sent := func(s *spending) string {
		return hex.EncodeToString(devicetest.Commands(t, legacyInputs, s.legacyInputs(t, 0), applet.MaxChunk)[0])
	}
	begin()
	h.SW(apdu.WrongData, sent(&spending{coins: []*coin{s.coins[0], s.coins[0]}}))
	begin()
	h.OK(sent(s))
	h.OK(command(t, signInput, 0, 1, s.coins[0].path))
	h.SW(apdu.ConditionsNotSatisfied, sent(&spending{coins: []*coin{s.coins[0], newCoin(t, legacyKey, 3, 6e5)}})) // not those of the first time
	begin()
	h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 1, s.coins[0].segWit())) // without lists
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0, 0, s.taproot(0, nil, nil)))

	// BIP-143 is for outputs with a witness, BIP-341 for taproot.
	s = newSpending(newCoin(t, legacyKey, 1, 5e5), newCoin(t, taprootKey, 2, 6e5))
	s.preview(t, h)
	h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 1, s.coins[0].segWit()))
	h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 1, s.coins[1].segWit()))
	h.SW(apdu.ConditionsNotSatisfied, command(t, signTaproot, 0, 0, s.taproot(0, nil, nil)))
}

// TestOldWay signs as hosts do with applets before 1.6.00.
func TestOldWay(t *testing.T) {
	a := New("1.5.00")
	_, h := walletOf(t, a, device.Options{Approve: device.Yes}, true)
	s := newSpending()
	for n := range 7 {
		s.coins = append(s.coins, newCoin(t, legacyKey, n, 1e5))
	}
	s.outs, s.version = []*wire.TxOut{payTo(legacyKey, 1, 699_000)}, 1
	s.letter = 0x6F
	old := func(index, from, to int) string {
		var script []byte
		if index >= from && index < to {
			script = s.coins[index].script
		}
		c := s.coins[index]
		return string([]byte{byte(index)}) + string(le32(append(outpointBytes(c.outpoint), withLength(t, script)...), c.sequence))
	}
	for _, c := range in(t, preview, 0, signedBody(h, s.body(t))) {
		h.OK(c)
	}
	tx := s.message()
	for from := 0; from < len(s.coins); from += 5 {
		to := min(from+5, len(s.coins))
		h.SW(apdu.ConditionsNotSatisfied, command(t, signOldInput, byte(from), 1, s.coins[from].path))
		for i := range s.coins {
			h.OK(command(t, preview, 0x80, 0, old(i, from, to)))
		}
		for i := from; i < to; i++ {
			script, err := txscript.NewScriptBuilder().AddData(der(t, h.OK(command(t, signOldInput, byte(i), 1, s.coins[i].path)))).
				AddData(s.coins[i].key.SerializeCompressed()).Script()
			require.NoError(t, err)
			tx.TxIn[i].SignatureScript = script
		}
		h.OK(command(t, preview, 0x80, 0, old(0, 0, 0))) // the next round
	}
	s.verify(t, tx)
	h.SW(apdu.ConditionsNotSatisfied, command(t, preview, 0x80, 0, old(2, 0, 5))) // out of order
	for _, data := range []string{"0", old(0, 0, 5) + "0", old(0, 0, 5)[:50]} {
		for _, c := range in(t, preview, 0, signedBody(h, s.body(t))) {
			h.OK(c)
		}
		h.SW(apdu.WrongData, command(t, preview, 0x80, 0, data))
	}
	h.SW(apdu.WrongLength, "8041800000")
	// The second round has another input.
	for _, c := range in(t, preview, 0, signedBody(h, s.body(t))) {
		h.OK(c)
	}
	for i := range s.coins {
		h.OK(command(t, preview, 0x80, 0, old(i, 0, 5)))
	}
	s.coins[6] = newCoin(t, legacyKey, 77, 1e5)
	for i := range 6 {
		h.OK(command(t, preview, 0x80, 0, old(i, 5, 7)))
	}
	h.SW(apdu.ConditionsNotSatisfied, command(t, preview, 0x80, 0, old(6, 5, 7)))

	// Inputs with a witness have two lists and a preview of their own.
	s = newSpending(newCoin(t, nested, 1, 5e5), newCoin(t, nested, 2, 5e5))
	lists := s.lists(t)
	for _, c := range append(append(in(t, list, listOutpoints, lists[listOutpoints]), in(t, list, listSequences, lists[listSequences])...),
		in(t, list, 0, signedBody(h, s.body(t)))...) {
		h.OK(c)
	}
	s.sign(t, h, false)
	for _, c := range in(t, list, listOutpoints, lists[listOutpoints]) {
		h.OK(c)
	}
	h.SW(apdu.ConditionsNotSatisfied, in(t, list, 0, signedBody(h, s.body(t)))[0]) // without the sequences
}

// TestState checks which events discard a transaction, and which do not.
func TestState(t *testing.T) {
	d, h := wallet(t, device.Options{}, true)
	s := newSpending(newCoin(t, witnessKey, 1, 5e5), newCoin(t, witnessKey, 2, 5e5))
	offer := func(h *devicetest.Host) {
		commands := append(listCommands(h.T, s.lists(h.T)), in(h.T, preview, 0, signedBody(h, s.body(h.T)))...)
		for _, c := range commands[:len(commands)-1] {
			h.OK(c)
		}
		h.Message(hosttest.Unhex(h.T, commands[len(commands)-1]))
		h.Await("a question", func(s device.Status) bool { return s.Asking })
	}
	ready := func(h *devicetest.Host) {
		offer(h)
		require.Equal(h.T, apdu.OK, h.Decide(device.OK))
	}
	sign := func(n int, p1 byte) string { return command(t, signSegWit, p1, 1, s.coins[n].segWit()) }
	gone := func(h *devicetest.Host) { h.SW(apdu.ConditionsNotSatisfied, sign(0, 0)) }
	ready(h)
	h.OK(command(t, publicKey, 0, 0, "m/44'"))
	first := h.OK(sign(0, 0))
	require.Equal(t, first, h.OK(sign(0, 0)))
	h.OK(sign(1, 0x80))
	gone(h)
	ready(h)
	h.OK(in(t, list, listOutpoints, make([]byte, 36))[0])
	gone(h)
	ready(h)
	h.OK(command(t, preview, 0, 0, "0"))
	gone(h)
	offer(h)
	require.Equal(t, apdu.Rejected, h.Decide(device.Cancel))
	gone(h)
	// A list after the preview, and a second preview without lists.
	ready(h)
	h.SW(apdu.ConditionsNotSatisfied, in(t, list, listAmounts, s.lists(t)[listAmounts])[0])
	gone(h)
	devicetest.CheckForgets(t, d, h, Applet, ready, gone)
}

// TestWhatTheScreenShows compares the pages that the user reads before OK.
func TestWhatTheScreenShows(t *testing.T) {
	d, h := wallet(t, device.Options{}, true)
	change := newCoin(t, taprootKey, 53, 0)
	h.OK(command(t, publicKey, 1, 0, change.path)) // the device knows the key of the change
	shown := func(commands []string) []string {
		for _, c := range commands[:len(commands)-1] {
			h.OK(c)
		}
		h.Message(hosttest.Unhex(t, commands[len(commands)-1]))
		h.Await("a question", func(s device.Status) bool { return s.Asking })
		pages := devicetest.Read(t, d)
		require.Equal(t, apdu.OK, h.Decide(device.OK))
		return pages
	}
	s := newSpending(newCoin(t, witnessKey, 1, 200_000_000))
	s.outs[1].PkScript = change.script
	s.outs[1].Value -= 5000
	s.outs = append(s.outs, wire.NewTxOut(5000, []byte{txscript.OP_TRUE}), wire.NewTxOut(0, []byte{txscript.OP_RETURN, 2, 0x12, 0x34}))
	previewed := func(ins byte) []string {
		return append(listCommands(t, s.lists(t)), in(t, ins, 0, signedBody(h, s.body(t)))...)
	}
	require.Equal(t, []string{"Pay: 1.0 BTC||", "To: tb1qf063yte5|g42v2w7796ace54h|u0gkqzkktvctq5", "Pay: 0.00005 BTC||", "Script: 51||", "Data: 021234||", "Fee: 0.00001 BTC||"},
		shown(previewed(preview)))
	s.outs[3].Value, s.outs[1].Value = 1, s.outs[1].Value-1
	require.Contains(t, shown(previewed(preview)), "Pay: 0.00000001 |BTC|")

	// A transfer to the wallet itself, and one of data only.
	self := newSpending(newCoin(t, witnessKey, 1, 200_000_000))
	self.outs = []*wire.TxOut{wire.NewTxOut(199_999_000, change.script)}
	pages := shown(append(listCommands(t, self.lists(t)), in(t, preview, 0, signedBody(h, self.body(t)))...))
	require.Equal(t, "Pay: 1.99999 BTC||", pages[0])
	self.outs[0].PkScript = []byte{txscript.OP_RETURN, 1, 0xAA}
	pages = shown(append(listCommands(t, self.lists(t)), in(t, preview, 0, signedBody(h, self.body(t)))...))
	require.Equal(t, []string{"Pay: 1.99999 BTC||", "Data: 01aa||", "Fee: 0.00001 BTC||"}, pages)

	doge := newSpending(newCoin(t, legacyKey, 1, 200_000_000))
	doge.outs, doge.letter, doge.fee = []*wire.TxOut{payTo(legacyKey, 1, 100_000_000), payTo(witnessKey, 2, 99_999_000)}, 0x1E, 1000
	pages = shown(append(listCommands(t, doge.lists(t)), in(t, previewDogecoin, 0, signedBody(h, doge.body(t)))...))
	require.Equal(t, "Pay: 1.0 DOGE||", pages[0])
	require.Regexp(t, "^To: D", pages[1])
	require.Contains(t, pages[3], "Script: 0014", "Dogecoin has no addresses for a witness")

	// A PSBT: what is not shown is a sum.
	s = newSpending(newCoin(t, witnessKey, 1, 200_000_000))
	psbt := append(append(listCommands(t, s.lists(t)), in(t, previewPSBT, 0, signedBody(h, s.psbtBody(t, 1)))...),
		command(t, showOutputs, 0, 0, string(signedBody(h, s.page(t, 0, 0)))))
	pages = shown(psbt)
	require.Equal(t, "Pay: 1.0 BTC||", pages[0])
	require.Equal(t, []string{"Not shown: 0.999|99 BTC|", "Fee: 0.00001 BTC||"}, pages[2:])
	psbt = append(append(listCommands(t, s.lists(t)), in(t, previewPSBT, 0, signedBody(h, s.psbtBody(t, 0)))...),
		command(t, showOutputs, 0, 0x80, string(signedBody(h, []byte{0xFF, 0xFF}))))
	require.Equal(t, []string{"Not shown: 1.999|99 BTC|", "Fee: 0.00001 BTC||"}, shown(psbt))
	psbt = append(append(listCommands(t, s.lists(t)), in(t, previewPSBT, 0, signedBody(h, s.psbtBody(t, 2)))...),
		command(t, showOutputs, 0, 0, string(signedBody(h, s.page(t, 0, 1)))))
	require.NotContains(t, strings.Join(shown(psbt), ""), "Not shown")
	s.fee, s.outs = 0, []*wire.TxOut{wire.NewTxOut(200_000_000, change.script)}
	psbt = append(append(listCommands(t, s.lists(t)), in(t, previewPSBT, 0, signedBody(h, s.psbtBody(t, 0)))...),
		command(t, showOutputs, 0, 0x80, string(signedBody(h, []byte{0xFF, 0xFF}))))
	require.Equal(t, []string{"Not shown: 2.0 B|TC|", "Fee: 0.0 BTC||"}, shown(psbt))
	// BIP-322: an input and an output of 0.
	s = newSpending(newCoin(t, witnessKey, 1, 0))
	s.fee, s.outs = 0, []*wire.TxOut{wire.NewTxOut(0, []byte{txscript.OP_RETURN})}
	psbt = append(append(listCommands(t, s.lists(t)), in(t, previewPSBT, 0, signedBody(h, s.psbtBody(t, 0)))...),
		command(t, showOutputs, 0, 0x80, string(signedBody(h, []byte{0xFF, 0xFF}))))
	require.Regexp(t, `^Sign message:\|[0-9a-f]{16}\|[0-9a-f]{16}$`, shown(psbt)[0])
	// A message is a hash.
	payload := h.Signed(devicetest.Field(tagBody, 1, messageBody(bytes.Repeat([]byte{0xA5}, 32), "m/0")))
	h.Offer(signMessage, payload)
	require.Equal(t, "Hash:|a5a5a5a5a5a5a5a5|a5a5a5a5a5a5a5a5", devicetest.Read(t, d)[0])
	require.Equal(t, apdu.Rejected, h.Decide(device.Cancel))
	// A rejected PSBT is not signed.
	s = newSpending(newCoin(t, witnessKey, 1, 200_000_000))
	psbt = append(append(listCommands(t, s.lists(t)), in(t, previewPSBT, 0, signedBody(h, s.psbtBody(t, 1)))...),
		command(t, showOutputs, 0, 0, string(signedBody(h, s.page(t, 0, 0)))))
	for _, c := range psbt[:len(psbt)-1] {
		h.OK(c)
	}
	h.Message(hosttest.Unhex(t, psbt[len(psbt)-1]))
	h.Await("a question", func(s device.Status) bool { return s.Asking })
	require.Equal(t, apdu.Rejected, h.Decide(device.Cancel))
	h.SW(apdu.ConditionsNotSatisfied, command(t, signSegWit, 0, 1, s.coins[0].segWit()))
}

// FuzzPayloads parses payloads of all instructions. What is accepted can be shown.
func FuzzPayloads(f *testing.F) {
	s := newSpending(newCoin(f, witnessKey, 1, 5e5), newCoin(f, taprootKey, 2, 6e5))
	lists := s.lists(f)
	f.Add(byte(preview), s.body(f))
	f.Add(byte(previewDogecoin), s.body(f))
	f.Add(byte(previewPSBT), s.psbtBody(f, 1))
	f.Add(byte(showOutputs), s.page(f, 0, 1))
	f.Add(byte(signSegWit), []byte(s.coins[0].segWit()))
	f.Add(byte(signTaproot), []byte(s.taproot(1, nil, nil)))
	f.Add(byte(signMessage), messageBody(make([]byte, 32), "m/0"))
	f.Add(byte(legacyInputs), s.legacyInputs(f, 0))
	f.Add(byte(list), lists[listOutpoints])
	f.Fuzz(func(t *testing.T, ins byte, b []byte) {
		refused := func(err error) bool {
			if err == nil {
				return false
			}
			require.True(t, err == apdu.WrongData || err == apdu.ConditionsNotSatisfied || err == apdu.TooManyUTXOs, "%v", err)
			return true
		}
		switch ins {
		case preview, previewDogecoin, previewPSBT:
			tx := &transaction{amounts: []uint64{5e5, 6e5}, scripts: [][]byte{{}, {}}, inputs: s.message().TxIn, sequences: true, listed: true}
			if !refused(tx.accept(ins, b)) {
				for _, text := range tx.texts(nil) {
					require.True(t, applet.Printable(strings.Replace(text, "\n", "", 1)), "%q", text)
				}
			}
		case showOutputs:
			tx := &transaction{toShow: 5, psbt: true}
			if !refused(tx.addPage(b)) {
				require.Len(t, tx.shown, perPage)
			}
		case signSegWit:
			if in, err := parseSegWit(b); !refused(err) {
				require.Equal(t, b[1:75], le32(le64(append(outpointBytes(in.outpoint), withLength(t, in.script)...), in.amount), in.sequence))
			}
		case signTaproot:
			_, err := parseTaproot(b)
			refused(err)
		case signMessage:
			if hash, path, err := parseMessage(b); !refused(err) && !bytes.Contains(b, []byte("M")) && b[len(b)-1] != '/' {
				require.Equal(t, b, messageBody(hash[:], path))
			}
		case legacyInputs:
			tx := &transaction{count: 2, outputs: s.outs, outputsHash: hashOutputs(s.outs)}
			if !refused(tx.addLegacy(b)) {
				require.Len(t, tx.legacy, 2)
			}
		case list:
			tx := &transaction{}
			for _, kind := range []byte{listOutpoints, listSequences, listAmounts, listScripts} {
				if refused(tx.addList(kind, b)) {
					return
				}
			}
		}
	})
}

// FuzzCommands sends commands, each after a byte of length, to a device that confirms all questions itself.
func FuzzCommands(f *testing.F) {
	d, h := wallet(f, device.Options{Approve: device.Yes}, true)
	for _, v := range []vector{vectors.Transactions[8], vectors.Transactions[12], vectors.PSBT[0], vectors.PSBT[2]} {
		f.Add(devicetest.Join(f, v.HostCommands...)) // legacy and witness, legacy, a leaf, a PSBT
	}
	for _, v := range vectors.Messages {
		f.Add(devicetest.Join(f, v.HostCommands...))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		devicetest.CheckCommands(t, d, h.On(t), Applet, in)
		send(t, h.On(t), vectors.PSBT[2].HostCommands)
	})
}
