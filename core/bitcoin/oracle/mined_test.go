package oracle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation"
	"imkey-connect/core/bitcoin"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/oracletest"
	"imkey-connect/core/signing"
	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/device"
)

const phrase = "inject kidney empty canal shadow pact comfort wife crush horse wife sketch"

// newWallet returns the Bitcoin applet of a simulated device that has the test wallet and confirms everything.
func newWallet(t *testing.T) *bitcoin.Bitcoin {
	d, err := device.New(device.Options{Mnemonic: phrase, Approve: device.Yes, Applets: applets.All()})
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	link, err := d.Link(t.Context())
	require.NoError(t, err)
	dev, err := coredevice.Open(t.Context(), link, nil)
	require.NoError(t, err)
	t.Cleanup(func() { dev.Close() })
	c, err := attestation.Parse(dev.Info().Certificate)
	require.NoError(t, err)
	return bitcoin.New(dev, signing.Unbound(c.PublicKey))
}

// kind is how an output of the device is spent.
type kind string

const (
	p2pkh      kind = "P2PKH"
	nested     kind = "P2SH-P2WPKH"
	p2wpkh     kind = "P2WPKH"
	keyPath    kind = "P2TR by the key"
	keyAndRoot kind = "P2TR by the key, with scripts"
	scriptPath kind = "P2TR by a script"
)

var kinds = []kind{p2pkh, nested, p2wpkh, keyPath, keyAndRoot, scriptPath}

func (k kind) typ() bitcoin.Type {
	switch k {
	case p2pkh:
		return bitcoin.P2PKH
	case nested:
		return bitcoin.P2SHP2WPKH
	case p2wpkh:
		return bitcoin.P2WPKH
	}
	return bitcoin.P2TR
}

// receiver is a script of the device, with what a PSBT says of it.
type receiver struct {
	kind   kind
	path   hdpath.Path
	key    *btcec.PublicKey
	script []byte
	root   []byte
	leaf   *txscript.TapLeaf
	proof  []byte // the leaf's control block
}

// newReceiver asks the device for its key at the path of the kind, and makes the script.
func newReceiver(t *testing.T, b *bitcoin.Bitcoin, k kind, change, index uint32) *receiver {
	t.Helper()
	path := bitcoin.BIP44(k.typ(), bitcoin.Regtest, index)
	path[3] = change
	account, err := b.Account(t.Context(), path, 0, bitcoin.Regtest, false)
	require.NoError(t, err)
	key, err := btcec.ParsePubKey(account.PublicKey[:])
	require.NoError(t, err)
	r := &receiver{kind: k, path: path, key: key, script: account.Script}
	if k != keyAndRoot && k != scriptPath {
		return r
	}
	_, other := btcec.PrivKeyFromBytes([]byte{7})
	leaf := func(key *btcec.PublicKey) txscript.TapLeaf {
		script, err := txscript.NewScriptBuilder().AddData(schnorr.SerializePubKey(key)).AddOp(txscript.OP_CHECKSIG).Script()
		require.NoError(t, err)
		return txscript.NewBaseTapLeaf(script)
	}
	own := leaf(key)
	tree := txscript.AssembleTaprootScriptTree(own, leaf(other))
	root := tree.RootNode.TapHash()
	internal := key
	if k == scriptPath {
		internal = other // the device does not have it
		proof := tree.LeafMerkleProofs[tree.LeafProofIndex[own.TapHash()]].ToControlBlock(internal)
		r.leaf = &own
		r.proof, err = proof.ToBytes()
		require.NoError(t, err)
	} else {
		r.root = root[:]
	}
	r.script, err = txscript.PayToTaprootScript(txscript.ComputeTaprootOutputKey(internal, root[:]))
	require.NoError(t, err)
	return r
}

// coin is an output of the device in the chain.
type coin struct {
	*receiver
	previous *wire.MsgTx
	index    uint32
}

func (c *coin) out() *wire.TxOut { return c.previous.TxOut[c.index] }

// pair is an entry of a PSBT.
type pair struct{ key, value []byte }

// origin is the entry of a key with its path.
func (r *receiver) origin(legacy, taproot byte) pair {
	value := make([]byte, 4) // the fingerprint
	for _, i := range r.path {
		value = binary.LittleEndian.AppendUint32(value, i)
	}
	if r.kind.typ() != bitcoin.P2TR {
		return pair{append([]byte{legacy}, r.key.SerializeCompressed()...), value}
	}
	leaves := []byte{0}
	if r.leaf != nil {
		hash := r.leaf.TapHash()
		leaves = append([]byte{1}, hash[:]...)
	}
	return pair{append([]byte{taproot}, schnorr.SerializePubKey(r.key)...), append(leaves, value...)}
}

// payment is a transaction to be.
type payment struct {
	coins  []*coin
	outs   []*wire.TxOut
	change *receiver // of the last output, or nil
}

func serialized(t *testing.T, write func(*bytes.Buffer) error) []byte {
	var b bytes.Buffer
	require.NoError(t, write(&b))
	return b.Bytes()
}

// psbt writes a PSBT of version 0 or 2.
func (p *payment) psbt(t *testing.T, version int) []byte {
	tx := wire.NewMsgTx(2)
	for _, c := range p.coins {
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: c.previous.TxHash(), Index: c.index}, nil, nil))
	}
	tx.TxOut = p.outs
	b := bytes.NewBufferString("psbt\xff")
	write := func(entries ...pair) {
		for _, e := range entries {
			require.NoError(t, wire.WriteVarBytes(b, 0, e.key))
			require.NoError(t, wire.WriteVarBytes(b, 0, e.value))
		}
		b.WriteByte(0)
	}
	little := func(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
	count := func(n int) []byte {
		return serialized(t, func(b *bytes.Buffer) error { return wire.WriteVarInt(b, 0, uint64(n)) })
	}
	if version == 0 {
		write(pair{[]byte{0}, serialized(t, func(b *bytes.Buffer) error { return tx.SerializeNoWitness(b) })})
	} else {
		write(pair{[]byte{2}, little(2)}, pair{[]byte{4}, count(len(p.coins))}, pair{[]byte{5}, count(len(p.outs))}, pair{[]byte{0xFB}, little(2)})
	}
	for i, c := range p.coins {
		entries := []pair{c.origin(0x06, 0x16)}
		if c.kind.typ() != bitcoin.P2TR {
			entries = append(entries, pair{[]byte{0}, serialized(t, func(b *bytes.Buffer) error { return c.previous.Serialize(b) })})
		}
		if c.kind != p2pkh {
			entries = append(entries, pair{[]byte{1}, serialized(t, func(b *bytes.Buffer) error { return wire.WriteTxOut(b, 0, 0, c.out()) })})
		}
		if c.root != nil {
			entries = append(entries, pair{[]byte{0x18}, c.root})
		}
		if c.leaf != nil {
			entries = append(entries, pair{append([]byte{0x15}, c.proof...), append(bytes.Clone(c.leaf.Script), byte(c.leaf.LeafVersion))})
		}
		if version == 2 {
			spent := tx.TxIn[i].PreviousOutPoint
			entries = append(entries, pair{[]byte{0x0E}, spent.Hash[:]}, pair{[]byte{0x0F}, little(spent.Index)})
		}
		write(entries...)
	}
	for i, out := range p.outs {
		var entries []pair
		if p.change != nil && i == len(p.outs)-1 {
			entries = append(entries, p.change.origin(0x02, 0x07))
		}
		if version == 2 {
			entries = append(entries, pair{[]byte{0x03}, binary.LittleEndian.AppendUint64(nil, uint64(out.Value))}, pair{[]byte{0x04}, out.PkScript})
		}
		write(entries...)
	}
	return b.Bytes()
}

// chain is the node with what the miner has.
type chain struct {
	*node
	t      *testing.T
	key    *btcec.PrivateKey
	script []byte
	coins  []*wire.MsgTx // coinbases that can be spent
}

// newChain starts a node and mines until segregated witness and taproot are active and coinbases can be spent.
func newChain(t *testing.T) *chain {
	key, _ := btcec.PrivKeyFromBytes([]byte{14})
	miner, err := address.NewAddressPubKeyHash(address.Hash160(key.PubKey().SerializeCompressed()), &chaincfg.SimNetParams)
	require.NoError(t, err)
	script, err := txscript.PayToAddrScript(miner)
	require.NoError(t, err)
	c := &chain{node: startNode(t, miner.EncodeAddress()), t: t, key: key, script: script}
	for _, block := range c.mine(400)[:200] {
		c.coins = append(c.coins, block.Transactions[0])
	}
	return c
}

// pay has the miner pay to receivers in one transaction, and mines it.
func (c *chain) pay(to []*receiver, amount int64) (coins []*coin) {
	c.t.Helper()
	tx := wire.NewMsgTx(2)
	left := int64(0)
	for left < amount*int64(len(to))+1e6 {
		coinbase := c.coins[0]
		c.coins = c.coins[1:]
		left += coinbase.TxOut[0].Value
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: coinbase.TxHash()}, nil, nil))
	}
	for i, r := range to {
		value := amount + int64(i)
		tx.AddTxOut(wire.NewTxOut(value, r.script))
		left -= value
	}
	tx.AddTxOut(wire.NewTxOut(left-500_000, c.script))
	for i := range tx.TxIn {
		signature, err := txscript.SignatureScript(tx, i, c.script, txscript.SigHashAll, c.key, true)
		require.NoError(c.t, err)
		tx.TxIn[i].SignatureScript = signature
	}
	c.confirm(serialized(c.t, func(b *bytes.Buffer) error { return tx.Serialize(b) }), tx.TxHash())
	for i, r := range to {
		coins = append(coins, &coin{r, tx, uint32(i)})
	}
	return coins
}

// confirm sends a transaction, mines a block and checks that the transaction is in it.
func (c *chain) confirm(raw []byte, id chainhash.Hash) {
	c.t.Helper()
	require.NoError(c.t, c.send(raw))
	var mined []chainhash.Hash
	for _, tx := range c.mine(1)[0].Transactions {
		mined = append(mined, tx.TxHash())
	}
	require.Contains(c.t, mined, id)
}

// TestMined has the node accept and mine transactions that spend outputs of every kind, alone and together, from PSBTs of both versions. It
// refuses one whose signature is changed.
func TestMined(t *testing.T) {
	b, c := newWallet(t), newChain(t)
	r := oracletest.NewDice(t)

	var all [][]kind
	for _, k := range kinds {
		all = append(all, []kind{k})
	}
	all = append(all, kinds)
	random := func(n int) {
		mixed := make([]kind, n)
		for i := range mixed {
			mixed[i] = kinds[r.IntN(len(kinds))]
		}
		all = append(all, mixed)
	}
	if os.Getenv("IMKEY_FULL") != "" {
		for _, k := range kinds {
			all = append(all, []kind{k}, []kind{k, k, k})
		}
		for range 60 {
			random(1 + r.IntN(12))
		}
		random(252)
	}
	// The keys of the device that the coins have, of which the same are paid again and again.
	receivers := map[string]*receiver{}
	at := func(k kind, change, index uint32) *receiver {
		name := fmt.Sprint(k, change, index)
		if receivers[name] == nil {
			receivers[name] = newReceiver(t, b, k, change, index)
		}
		return receivers[name]
	}
	spent, inputs := map[kind]int{}, 0
	for number, spends := range all {
		to := make([]*receiver, len(spends))
		for i, k := range spends {
			to[i] = at(k, uint32(r.IntN(2)), uint32(r.IntN(4)))
			spent[k]++
		}
		const amount = 200_000
		p := &payment{coins: c.pay(to, amount)}
		total := int64(0)
		for _, coin := range p.coins {
			total += coin.out().Value
		}
		fee := int64(2000 * len(spends))
		foreign := kinds[r.IntN(4)].typ()
		half := (total - fee) / 2
		p.outs = append(p.outs, wire.NewTxOut(half, payTo(t, foreign)), wire.NewTxOut(total-fee-half, nil))
		p.change = at([]kind{p2pkh, nested, p2wpkh, keyPath}[int(spends[0].typ()-bitcoin.P2PKH)], 1, uint32(10+r.IntN(3)))
		p.outs[1].PkScript = p.change.script

		version := 2 * (number % 2)
		psbt, err := bitcoin.ParsePSBT(p.psbt(t, version))
		require.NoError(t, err)
		maxFee := uint64(fee)
		signed, err := b.SignPSBT(t.Context(), bitcoin.Signer{Network: bitcoin.Regtest, Finalize: true, MaxFee: &maxFee}, psbt)
		require.NoError(t, err, "%v", spends)
		require.Len(t, signed.Summary.Signed, len(spends))
		require.Len(t, signed.Summary.Change, 1)
		require.NotNil(t, signed.Transaction)
		raw := signed.Transaction.Bytes()

		// The node does check signatures.
		var changed wire.MsgTx
		require.NoError(t, changed.Deserialize(bytes.NewReader(raw)))
		in := changed.TxIn[r.IntN(len(changed.TxIn))]
		if len(in.Witness) > 0 {
			in.Witness[0][20] ^= 1
		} else {
			in.SignatureScript[20] ^= 1
		}
		require.Error(t, c.send(serialized(t, func(b *bytes.Buffer) error { return changed.Serialize(b) })))

		c.confirm(raw, chainhash.Hash(signed.Transaction.TxID()))
		inputs += len(spends)
	}
	for _, k := range kinds {
		require.Positive(t, spent[k], k)
	}
	t.Logf("btcd mined %d transactions with %d inputs: %v", len(all), inputs, spent)
}

// payTo returns a script of a type that is not the device's.
func payTo(t *testing.T, typ bitcoin.Type) []byte {
	_, key := btcec.PrivKeyFromBytes([]byte{9})
	var to address.Address
	var err error
	hash, params := address.Hash160(key.SerializeCompressed()), &chaincfg.SimNetParams
	switch typ {
	case bitcoin.P2PKH:
		to, err = address.NewAddressPubKeyHash(hash, params)
	case bitcoin.P2SHP2WPKH:
		to, err = address.NewAddressScriptHash(append([]byte{txscript.OP_0, 20}, hash...), params)
	case bitcoin.P2WPKH:
		to, err = address.NewAddressWitnessPubKeyHash(hash, params)
	default:
		to, err = address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(key)), params)
	}
	require.NoError(t, err)
	script, err := txscript.PayToAddrScript(to)
	require.NoError(t, err)
	return script
}
