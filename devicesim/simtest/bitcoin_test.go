package simtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/bitcoin"
	coredevice "imkey-connect/core/device"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/hd"
)

// bitcoinWallet returns a device with the test wallet, and the Bitcoin applet for a bound host.
func bitcoinWallet(t *testing.T, o device.Options) (*device.Device, *host, *bitcoin.Bitcoin, *coredevice.Device) {
	d, h, _, dev := wallet(t, o)
	return d, h, bitcoin.New(dev, h), dev
}

// seedKey is the test wallet's key, so that tests compute keys without the device.
var seedKey = func() hd.Key {
	key, err := hd.FromMnemonic(testPhrase)
	if err != nil {
		panic(err)
	}
	return key
}()

// bitcoinKeys are the keys that tests have computed, by path.
var bitcoinKeys = map[string]*btcec.PublicKey{}

func bitcoinKey(t testing.TB, path string) *btcec.PublicKey {
	t.Helper()
	if key := bitcoinKeys[path]; key != nil {
		return key
	}
	indices, err := hd.ParsePath(path)
	require.NoError(t, err)
	key, err := seedKey.Derive(indices)
	require.NoError(t, err)
	bitcoinKeys[path] = key.Private().PubKey()
	return bitcoinKeys[path]
}

// foreignKey is a key that is not the wallet's.
func foreignKey(n byte) *btcec.PublicKey {
	_, key := btcec.PrivKeyFromBytes([]byte{1, n})
	return key
}

// coin is an output that a transaction spends, with what its PSBT says.
type coin struct {
	typ      bitcoin.Type
	path     string
	key      *btcec.PublicKey
	previous *wire.MsgTx
	index    uint32
	sequence uint32
	// What the PSBT has beside the whole transaction, and without it.
	noPrevious, noWitness, noOrigin bool
	root                            []byte // of the scripts of a taproot output
	more                            []pair // further entries
}

// pair is an entry of a PSBT.
type pair struct{ key, value []byte }

func (c *coin) out() *wire.TxOut { return c.previous.TxOut[c.index] }

// pathOf returns a path for a type.
func pathOf(typ bitcoin.Type, coinType, change, index int) string {
	return fmt.Sprintf("m/%d'/%d'/0'/%d/%d", typ.Purpose(), coinType, change, index)
}

// scriptFor returns the script of a type for a key, by btcsuite.
func scriptFor(t testing.TB, typ bitcoin.Type, key *btcec.PublicKey, root []byte) []byte {
	t.Helper()
	hash := address.Hash160(key.SerializeCompressed())
	witness := append([]byte{txscript.OP_0, 20}, hash...)
	switch typ {
	case bitcoin.P2PKH:
		script, err := txscript.NewScriptBuilder().AddOp(txscript.OP_DUP).AddOp(txscript.OP_HASH160).AddData(hash).AddOp(txscript.OP_EQUALVERIFY).AddOp(txscript.OP_CHECKSIG).Script()
		require.NoError(t, err)
		return script
	case bitcoin.P2SHP2WPKH:
		script, err := txscript.NewScriptBuilder().AddOp(txscript.OP_HASH160).AddData(address.Hash160(witness)).AddOp(txscript.OP_EQUAL).Script()
		require.NoError(t, err)
		return script
	case bitcoin.P2WPKH:
		return witness
	}
	output := txscript.ComputeTaprootOutputKey(key, root)
	script, err := txscript.PayToTaprootScript(output)
	require.NoError(t, err)
	return script
}

// newCoin returns a coin of the wallet, in a made-up transaction.
func newCoin(t testing.TB, typ bitcoin.Type, path string, amount int64) *coin {
	t.Helper()
	c := &coin{typ: typ, path: path, key: bitcoinKey(t, path), sequence: wire.MaxTxInSequenceNum}
	return c.paid(scriptFor(t, typ, c.key, nil), amount)
}

// paid makes up the transaction that paid to a script.
func (c *coin) paid(script []byte, amount int64) *coin {
	seed := sha256.Sum256([]byte(c.path + strconv.FormatInt(amount, 10)))
	c.index = uint32(seed[0] % 3)
	c.previous = wire.NewMsgTx(2)
	c.previous.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: seed, Index: 1}, Sequence: 7, Witness: wire.TxWitness{{1, 2, 3}}})
	for range c.index {
		c.previous.AddTxOut(wire.NewTxOut(5, []byte{txscript.OP_TRUE}))
	}
	c.previous.AddTxOut(wire.NewTxOut(amount, script))
	return c
}

// draft is a PSBT to be.
type draft struct {
	version  int
	lockTime uint32
	coins    []*coin
	outs     []*wire.TxOut
	origins  map[int]string // the paths of outputs
	outKeys  map[int]*btcec.PublicKey
	global   []pair
}

func (d *draft) message() *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	tx.LockTime = d.lockTime
	for _, c := range d.coins {
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: c.previous.TxHash(), Index: c.index}, Sequence: c.sequence})
	}
	tx.TxOut = d.outs
	return tx
}

func writeMap(t testing.TB, b *bytes.Buffer, entries []pair) {
	for _, e := range entries {
		require.NoError(t, wire.WriteVarBytes(b, 0, e.key))
		require.NoError(t, wire.WriteVarBytes(b, 0, e.value))
	}
	b.WriteByte(0)
}

func little32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func little64(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

func outBytes(t testing.TB, out *wire.TxOut) []byte {
	var b bytes.Buffer
	require.NoError(t, wire.WriteTxOut(&b, 0, 0, out))
	return b.Bytes()
}

// originEntry is a key with its path. The fingerprint is zero, as the vendor's tests have it.
func originEntry(t testing.TB, legacy, taproot byte, script []byte, key *btcec.PublicKey, path string, leaves ...[]byte) pair {
	indices, err := hd.ParsePath(path)
	require.NoError(t, err)
	value := make([]byte, 4)
	for _, i := range indices {
		value = append(value, little32(i)...)
	}
	if txscript.IsPayToTaproot(script) {
		head := append([]byte{byte(len(leaves))}, bytes.Join(leaves, nil)...)
		return pair{append([]byte{taproot}, schnorr.SerializePubKey(key)...), append(head, value...)}
	}
	return pair{append([]byte{legacy}, key.SerializeCompressed()...), value}
}

func (d *draft) bytes(t testing.TB) []byte {
	b := bytes.NewBufferString("psbt\xff")
	var tx bytes.Buffer
	require.NoError(t, d.message().SerializeNoWitness(&tx))
	if d.version == 0 {
		writeMap(t, b, append([]pair{{[]byte{0}, tx.Bytes()}}, d.global...))
	} else {
		var inputs, outputs bytes.Buffer
		require.NoError(t, wire.WriteVarInt(&inputs, 0, uint64(len(d.coins))))
		require.NoError(t, wire.WriteVarInt(&outputs, 0, uint64(len(d.outs))))
		writeMap(t, b, append([]pair{{[]byte{2}, little32(2)}, {[]byte{3}, little32(d.lockTime)}, {[]byte{4}, inputs.Bytes()}, {[]byte{5}, outputs.Bytes()},
			{[]byte{0xFB}, little32(2)}}, d.global...))
	}
	for _, c := range d.coins {
		var entries []pair
		if !c.noPrevious {
			var whole bytes.Buffer
			require.NoError(t, c.previous.Serialize(&whole))
			entries = append(entries, pair{[]byte{0}, whole.Bytes()})
		}
		if !c.noWitness && c.typ != bitcoin.P2PKH {
			entries = append(entries, pair{[]byte{1}, outBytes(t, c.out())})
		}
		if !c.noOrigin && c.path != "" {
			entries = append(entries, originEntry(t, 0x06, 0x16, c.out().PkScript, c.key, c.path))
		}
		if c.root != nil {
			entries = append(entries, pair{[]byte{0x18}, c.root})
		}
		entries = append(entries, c.more...)
		if d.version == 2 {
			id := c.previous.TxHash()
			entries = append(entries, pair{[]byte{0x0E}, id[:]}, pair{[]byte{0x0F}, little32(c.index)}, pair{[]byte{0x10}, little32(c.sequence)})
		}
		writeMap(t, b, entries)
	}
	for i, out := range d.outs {
		var entries []pair
		if path, ok := d.origins[i]; ok {
			key := d.outKeys[i]
			if key == nil {
				key = bitcoinKey(t, path)
			}
			entries = append(entries, originEntry(t, 0x02, 0x07, out.PkScript, key, path))
		}
		if d.version == 2 {
			entries = append(entries, pair{[]byte{0x03}, little64(out.Value)}, pair{[]byte{0x04}, out.PkScript})
		}
		writeMap(t, b, entries)
	}
	return b.Bytes()
}

// parse reads the PSBT by core.
func (d *draft) parse(t testing.TB) *bitcoin.PSBT {
	t.Helper()
	b := d.bytes(t)
	p, err := bitcoin.ParsePSBT(b)
	require.NoError(t, err)
	require.True(t, bytes.Equal(b, p.Bytes()), "the same bytes")
	return p
}

// foreignOut pays to somebody else.
func foreignOut(t testing.TB, typ bitcoin.Type, n byte, amount int64) *wire.TxOut {
	return wire.NewTxOut(amount, scriptFor(t, typ, foreignKey(n), nil))
}

// requireScripts has btcsuite's script engine run every input of a transaction.
func requireScripts(t testing.TB, tx *bitcoin.Transaction, coins []*coin) {
	t.Helper()
	msg := wire.NewMsgTx(2)
	require.NoError(t, msg.Deserialize(bytes.NewReader(tx.Bytes())))
	outs := map[wire.OutPoint]*wire.TxOut{}
	for i, c := range coins {
		outs[msg.TxIn[i].PreviousOutPoint] = c.out()
	}
	fetcher := txscript.NewMultiPrevOutFetcher(outs)
	hashes := txscript.NewTxSigHashes(msg, fetcher)
	for i, c := range coins {
		engine, err := txscript.NewEngine(c.out().PkScript, msg, i, txscript.StandardVerifyFlags, nil, hashes, c.out().Value, fetcher)
		require.NoError(t, err)
		require.NoError(t, engine.Execute(), "input %d: %s", i, c.typ)
	}
	require.Equal(t, msg.TxHash(), chainhash.Hash(tx.TxID()))
}

// generate makes up a transaction with inputs of all types, and returns the paths of its change.
func generate(t testing.TB, r *rand.Rand, inputs int) *draft {
	d := &draft{version: 2 * r.IntN(2), lockTime: r.Uint32N(400), origins: map[int]string{}}
	total := int64(0)
	coinType := r.IntN(2)
	for i := range inputs {
		typ := bitcoin.P2PKH + bitcoin.Type(r.IntN(4))
		amount := 10_000 + r.Int64N(1e8) + int64(i)
		c := newCoin(t, typ, pathOf(typ, coinType, r.IntN(2), r.IntN(40)), amount)
		if r.IntN(2) == 0 {
			c.sequence = r.Uint32()
		}
		c.noWitness = r.IntN(4) == 0
		c.noPrevious = typ == bitcoin.P2TR && !c.noWitness && r.IntN(2) == 0
		total += amount
		d.coins = append(d.coins, c)
	}
	fee := 200*int64(inputs) + 1000
	left := total - fee
	for n := 1 + r.IntN(7); n > 1; n-- {
		part := 1000 + r.Int64N(left/int64(2*n))
		left -= part
		d.outs = append(d.outs, foreignOut(t, bitcoin.P2PKH+bitcoin.Type(r.IntN(4)), byte(n), part))
	}
	if r.IntN(3) == 0 {
		d.outs = append(d.outs, wire.NewTxOut(0, append([]byte{txscript.OP_RETURN, 20}, make([]byte, 20)...)))
	}
	from := d.coins[r.IntN(inputs)]
	change := pathOf(from.typ, coinType, 1, r.IntN(50))
	d.origins[len(d.outs)] = change
	d.outs = append(d.outs, wire.NewTxOut(left, scriptFor(t, from.typ, bitcoinKey(t, change), nil)))
	return d
}

// TestBitcoinGenerated signs generated transactions, and has btcsuite's script engine accept every signature.
func TestBitcoinGenerated(t *testing.T) {
	count, many := 40, 1
	if os.Getenv("IMKEY_FULL") != "" {
		count, many = 5000, 50
	}
	_, _, b, _ := bitcoinWallet(t, device.Options{Approve: device.Yes})
	// A full run takes longer than the host's context.
	r := rand.New(rand.NewPCG(14, 5000))
	inputs, kinds := 0, map[bitcoin.Type]int{}
	for n := range count {
		size := 1 + r.IntN(6)
		if n < many {
			size = 252 - n*5
		}
		d := generate(t, r, size)
		p := d.parse(t)
		// Many inputs make a fee that is high beside a small payment.
		fee := 200*uint64(size) + 1000
		signed, err := b.SignPSBT(t.Context(), bitcoin.Signer{Finalize: true, MaxFee: &fee}, p)
		require.NoError(t, err)
		require.Equal(t, fee, signed.Summary.Fee)
		require.NotNil(t, signed.Transaction)
		requireScripts(t, signed.Transaction, d.coins)
		require.Len(t, signed.Summary.Signed, size)
		require.Empty(t, signed.Summary.Unsigned)
		if len(d.outs) > 1 {
			require.Len(t, signed.Summary.Change, 1)
		}
		again, err := bitcoin.ParsePSBT(p.Bytes())
		require.NoError(t, err)
		require.Equal(t, p.Bytes(), again.Bytes())
		inputs += size
		for _, c := range d.coins {
			kinds[c.typ]++
		}
	}
	t.Logf("%d transactions, %d inputs: %v", count, inputs, kinds)
}

// TestBitcoinPartial signs without finalising: btcsuite's engine accepts the signatures that the PSBT gets.
func TestBitcoinPartial(t *testing.T) {
	_, h, b, _ := bitcoinWallet(t, device.Options{Approve: device.Yes})
	d := &draft{outs: []*wire.TxOut{foreignOut(t, bitcoin.P2WPKH, 1, 300_000)}}
	for typ := bitcoin.P2PKH; typ <= bitcoin.P2TR; typ++ {
		d.coins = append(d.coins, newCoin(t, typ, pathOf(typ, 0, 0, 3), 100_000))
	}
	p := d.parse(t)
	signed, err := b.SignPSBT(h.ctx, bitcoin.Signer{MaxFee: new(uint64(100_000))}, p)
	require.NoError(t, err)
	require.Nil(t, signed.Transaction)
	require.Equal(t, []string{bitcoin.NoteHighFee}, signed.Summary.Notes)
	text := hex.EncodeToString(p.Bytes())
	for _, c := range d.coins[:3] {
		require.Contains(t, text, "2202"+hex.EncodeToString(c.key.SerializeCompressed()))
	}
	require.Contains(t, text, "0113"+"40")
}
