package simtest_test

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/bitcoin"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
)

// simple returns a payment from one input of each type, with change to /1/3 of the first one.
func simple(t testing.TB, types ...bitcoin.Type) *draft {
	d := &draft{origins: map[int]string{}}
	for _, typ := range types {
		d.coins = append(d.coins, newCoin(t, typ, pathOf(typ, 0, 0, 0), 100_000))
	}
	total := int64(len(types)) * 100_000
	change := pathOf(types[0], 0, 1, 3)
	d.outs = []*wire.TxOut{
		foreignOut(t, bitcoin.P2WPKH, 9, total/2),
		wire.NewTxOut(total/2-1500, scriptFor(t, types[0], bitcoinKey(t, change), nil)),
	}
	d.origins[1] = change
	return d
}

// reasonOf returns the reason of an invalid argument.
func reasonOf(t testing.TB, err error) string {
	t.Helper()
	require.ErrorIs(t, err, errcode.InvalidArgument)
	var e *errcode.Error
	require.True(t, errors.As(err, &e))
	return e.Data["reason"].(string)
}

// review signs nothing: it returns what the device would be asked to show.
func review(t testing.TB, h *host, b *bitcoin.Bitcoin, by bitcoin.Signer, d *draft) (*bitcoin.Summary, error) {
	t.Helper()
	var seen *bitcoin.Summary
	enough := errors.New("enough")
	by.Review = func(s *bitcoin.Summary) error { seen = s; return enough }
	_, err := b.SignPSBT(h.ctx, by, d.parse(t))
	if errors.Is(err, enough) {
		err = nil
	}
	return seen, err
}

// TestBitcoinLies checks that a PSBT which contradicts itself or hides something is refused before the device asks the user.
func TestBitcoinLies(t *testing.T) {
	dev, h, b, _ := bitcoinWallet(t, device.Options{})
	all := []bitcoin.Type{bitcoin.P2PKH, bitcoin.P2SHP2WPKH, bitcoin.P2WPKH, bitcoin.P2TR}
	witness := func(amount int64, script []byte) pair {
		return pair{[]byte{1}, outBytes(t, wire.NewTxOut(amount, script))}
	}
	for name, test := range map[string]struct {
		change func(d *draft)
		types  []bitcoin.Type
		by     bitcoin.Signer
		reason string // a part of it
	}{
		"another amount than the whole transaction's": {func(d *draft) {
			c := d.coins[1]
			c.noWitness, c.more = true, []pair{witness(c.out().Value+1, c.out().PkScript)}
		}, all, bitcoin.Signer{}, "another one in the whole transaction"},
		"another script than the whole transaction's": {func(d *draft) {
			c := d.coins[1]
			c.noWitness, c.more = true, []pair{witness(c.out().Value, d.coins[2].out().PkScript)}
		}, all, bitcoin.Signer{}, "another one in the whole transaction"},
		"amounts that nothing proves": {func(d *draft) { d.coins[0].noPrevious, d.coins[1].noPrevious = true, true },
			[]bitcoin.Type{bitcoin.P2WPKH, bitcoin.P2SHP2WPKH}, bitcoin.Signer{}, bitcoin.UnprovenAmount},
		"a legacy amount that nothing proves": {func(d *draft) {
			c := d.coins[0]
			c.noPrevious, c.more = true, []pair{witness(c.out().Value, c.out().PkScript)}
		}, all, bitcoin.Signer{}, bitcoin.UnprovenAmount},
		"another transaction than the one that is spent": {func(d *draft) {
			c := d.coins[0]
			id := c.previous.TxHash()
			other := c.previous.Copy()
			other.TxOut[c.index].Value++
			require.NotEqual(t, id, other.TxHash())
			var whole strings.Builder
			require.NoError(t, other.Serialize(&whole))
			c.noPrevious, c.more = true, []pair{{[]byte{0}, []byte(whole.String())}}
		}, all, bitcoin.Signer{}, "not the one that the input spends"},
		"an output that does not exist": {func(d *draft) { d.coins[0].index = 9; d.coins[0].noWitness = true; d.coins[0].noOrigin = true },
			[]bitcoin.Type{bitcoin.P2PKH}, bitcoin.Signer{}, "does not have that output"},
		"nothing of what is spent": {func(d *draft) { d.coins[0].noPrevious = true }, all, bitcoin.Signer{}, "neither the output"},
		"more out than in":         {func(d *draft) { d.outs[0].Value = 400_000 }, all, bitcoin.Signer{}, "more than the inputs"},
		"an amount of zero":        {func(d *draft) { d.outs[0].Value = 0 }, all, bitcoin.Signer{MaxFee: new(uint64(1e9))}, "an amount of zero"},
		"a fee above the bound":    {func(d *draft) { d.outs[1].Value = 1000 }, all, bitcoin.Signer{}, bitcoin.HighFee},
		"a high fee for each byte": {func(d *draft) { d.outs[1].Value = 1_000_000; d.coins[0].paid(d.coins[0].out().PkScript, 1_100_000) },
			[]bitcoin.Type{bitcoin.P2WPKH}, bitcoin.Signer{}, bitcoin.HighFee},
		"a fee above the caller's": {func(d *draft) { d.outs[1].Value = 1000 }, all, bitcoin.Signer{MaxFee: new(uint64(100_000))}, bitcoin.HighFee},
		"a fee of more than zero":  {func(*draft) {}, all, bitcoin.Signer{MaxFee: new(uint64(0))}, bitcoin.HighFee},
		"SIGHASH_NONE":             {func(d *draft) { d.coins[2].more = []pair{{[]byte{3}, little32(2)}} }, all, bitcoin.Signer{}, bitcoin.OtherSighash},
		"SIGHASH_SINGLE":           {func(d *draft) { d.coins[3].more = []pair{{[]byte{3}, little32(3)}} }, all, bitcoin.Signer{}, bitcoin.OtherSighash},
		"ANYONECANPAY":             {func(d *draft) { d.coins[0].more = []pair{{[]byte{3}, little32(0x81)}} }, all, bitcoin.Signer{}, bitcoin.OtherSighash},
		"DEFAULT for ECDSA":        {func(d *draft) { d.coins[0].more = []pair{{[]byte{3}, little32(0)}} }, all, bitcoin.Signer{}, bitcoin.OtherSighash},
		"a path of testnet": {func(d *draft) { d.coins[1] = newCoin(t, bitcoin.P2WPKH, "m/84'/1'/0'/0/0", 100_000) },
			all, bitcoin.Signer{}, bitcoin.OtherNetwork},
		"mainnet as testnet": {func(*draft) {}, all, bitcoin.Signer{Network: bitcoin.Testnet}, bitcoin.OtherNetwork},
		"nothing of the wallet's": {func(d *draft) {
			for i, c := range d.coins {
				c.key, c.noWitness = foreignKey(byte(i+1)), true
				c.paid(scriptFor(t, c.typ, c.key, nil), 100_000)
			}
		}, all, bitcoin.Signer{}, bitcoin.NothingToSign},
		"a message as a transaction": {func(d *draft) {
			d.coins[0].paid(d.coins[0].out().PkScript, 0)
			d.outs, d.origins = []*wire.TxOut{wire.NewTxOut(0, []byte{txscript.OP_RETURN})}, nil
		}, []bitcoin.Type{bitcoin.P2WPKH}, bitcoin.Signer{}, "which only the transaction of a message does"},
		"outputs that do not fit a page": {func(d *draft) {
			d.outs[0] = foreignOut(t, bitcoin.P2TR, 1, 1000)
			d.outs = append(d.outs, foreignOut(t, bitcoin.P2TR, 2, 1000), wire.NewTxOut(0, append([]byte{txscript.OP_RETURN, 0x4C, 80}, make([]byte, 80)...)))
		}, all, bitcoin.Signer{MaxFee: new(uint64(1e9))}, bitcoin.TooLarge},
		"data of 300 bytes": {func(d *draft) {
			d.outs = append(d.outs, wire.NewTxOut(0, append([]byte{txscript.OP_RETURN, 0x4D, 0x2C, 1}, make([]byte, 300)...)))
		}, all, bitcoin.Signer{}, bitcoin.TooLarge},
		"an input that is not the wallet's": {func(d *draft) {
			d.coins[1].key = foreignKey(1)
			d.coins[1].paid(scriptFor(t, d.coins[1].typ, d.coins[1].key, nil), 100_000)
		}, all, bitcoin.Signer{Inputs: []int{0, 1}}, bitcoin.NothingToSign},
		"an input that does not exist": {func(*draft) {}, all, bitcoin.Signer{Inputs: []int{4}}, bitcoin.NothingToSign},
		"a path of another coin":       {func(*draft) {}, all, bitcoin.Signer{Paths: []hdpath.Path{hdpath.BIP44(60, 0, 0, 0)}}, "a path of Bitcoin begins"},
	} {
		d := simple(t, test.types...)
		test.change(d)
		_, err := b.SignPSBT(h.ctx, test.by, d.parse(t))
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
		require.True(t, strings.Contains(err.Error(), test.reason) || reasonOf(t, err) == test.reason, "%s: %v", name, err)
		require.False(t, dev.Status().Asking, name)
	}
	_, err := b.SignPSBT(h.ctx, bitcoin.Signer{}, nil)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	// The same, without a lie.
	for _, types := range [][]bitcoin.Type{all, {bitcoin.P2WPKH}} {
		_, err := review(t, h, b, bitcoin.Signer{}, simple(t, types...))
		require.NoError(t, err)
	}
	// One input whose amount its own signature signs, and several that a signature of taproot signs, need no whole transaction.
	for _, types := range [][]bitcoin.Type{{bitcoin.P2WPKH}, {bitcoin.P2SHP2WPKH}, {bitcoin.P2WPKH, bitcoin.P2WPKH, bitcoin.P2TR}, {bitcoin.P2WPKH, bitcoin.P2PKH}} {
		d := simple(t, types...)
		for i, c := range d.coins {
			c.noPrevious = c.typ != bitcoin.P2PKH
			c.paid(c.out().PkScript, 100_000+int64(i))
		}
		_, err := review(t, h, b, bitcoin.Signer{}, d)
		require.NoError(t, err)
	}
}

// TestBitcoinSplitLies checks the attack of two requests: each has one amount right and signs that input, and the fee is that of neither. The
// other input is the wallet's as well, and each request hides that in another way.
func TestBitcoinSplitLies(t *testing.T) {
	_, h, b, _ := bitcoinWallet(t, device.Options{})
	for _, typ := range []bitcoin.Type{bitcoin.P2WPKH, bitcoin.P2SHP2WPKH, bitcoin.P2PKH} {
		for name, hide := range map[string]struct {
			hide func(c *coin)
			by   bitcoin.Signer
		}{
			"it is not asked for":     {func(*coin) {}, bitcoin.Signer{Inputs: []int{0}}},
			"its path is left out":    {func(c *coin) { c.noOrigin = true }, bitcoin.Signer{}},
			"it has a signature":      {func(c *coin) { c.more = append(c.more, pair{[]byte{8}, []byte{1, 0}}) }, bitcoin.Signer{}},
			"it is said to be others": {func(c *coin) { c.key = foreignKey(1) }, bitcoin.Signer{}},
		} {
			for _, proven := range []bool{false, true} { // the amount of the input that is signed
				d := simple(t, bitcoin.P2WPKH, bitcoin.P2WPKH)
				other := newCoin(t, typ, pathOf(typ, 0, 0, 30), 10_000_000)
				script := other.out().PkScript
				other.noPrevious, other.noWitness = true, true
				other.more = []pair{{[]byte{1}, outBytes(t, wire.NewTxOut(100_000, script))}}
				hide.hide(other)
				d.coins[0].noPrevious = !proven
				d.coins[1] = other
				_, err := review(t, h, b, hide.by, d)
				require.Equal(t, bitcoin.UnprovenAmount, reasonOf(t, err), "%s, %s, %t", typ, name, proven)
			}
		}
	}
	// Others' outputs of taproot need no proof.
	d := simple(t, bitcoin.P2WPKH, bitcoin.P2TR)
	d.coins[0].noPrevious, d.coins[1].noPrevious, d.coins[1].key = true, true, foreignKey(1)
	d.coins[1].paid(scriptFor(t, bitcoin.P2TR, d.coins[1].key, nil), 100_000)
	s, err := review(t, h, b, bitcoin.Signer{}, d)
	require.NoError(t, err)
	require.Equal(t, []int{1}, s.Unsigned)
	// Only the inputs that are asked for are signed.
	s, err = review(t, h, b, bitcoin.Signer{Inputs: []int{1}}, simple(t, bitcoin.P2WPKH, bitcoin.P2PKH, bitcoin.P2TR))
	require.NoError(t, err)
	require.Equal(t, []int{1}, s.Signed)
}

// TestBitcoinChange checks that only an output of the account's own /1/index is hidden. Every other one is a payment. The extended public key
// alone says the same.
func TestBitcoinChange(t *testing.T) {
	_, h, b, _ := bitcoinWallet(t, device.Options{})
	known := map[string]hdkey.ExtendedKey{}
	path, err := hdpath.Parse("m/84'/0'/0'")
	require.NoError(t, err)
	xpub, err := b.ExtendedKey(h.ctx, path)
	require.NoError(t, err)
	var ok bool
	known[path.String()], ok = hdkey.Parse(xpub.String())
	require.True(t, ok)
	for name, test := range map[string]struct {
		path   string
		hidden bool
		change func(d *draft)
	}{
		"the account's change":      {path: "m/84'/0'/0'/1/3", hidden: true},
		"the last index":            {path: "m/84'/0'/0'/1/9999", hidden: true},
		"an index out of range":     {path: "m/84'/0'/0'/1/10000"},
		"the largest index":         {path: "m/84'/0'/0'/1/2147483647"},
		"a hardened index":          {path: "m/84'/0'/0'/1/0'"},
		"an address for receiving":  {path: "m/84'/0'/0'/0/3"},
		"another branch":            {path: "m/84'/0'/0'/2/3"},
		"another account":           {path: "m/84'/0'/1'/1/3"},
		"another network":           {path: "m/84'/1'/0'/1/3"},
		"another purpose":           {path: "m/86'/0'/0'/1/3"},
		"another coin":              {path: "m/84'/2'/0'/1/3"},
		"deeper":                    {path: "m/84'/0'/0'/1/1/3"},
		"a short path":              {path: "m/84'/0'/0'"},
		"a foreign key at its path": {path: "m/84'/0'/0'/1/3", change: func(d *draft) { d.outs[1].PkScript = scriptFor(t, bitcoin.P2WPKH, foreignKey(3), nil) }},
		"a foreign key, said to be it": {path: "m/84'/0'/0'/1/3", change: func(d *draft) {
			d.outKeys[1] = foreignKey(3)
			d.outs[1].PkScript = scriptFor(t, bitcoin.P2WPKH, foreignKey(3), nil)
		}},
		"another type of its key": {path: "m/84'/0'/0'/1/3", change: func(d *draft) {
			d.outs[1].PkScript = scriptFor(t, bitcoin.P2PKH, bitcoinKey(t, "m/84'/0'/0'/1/3"), nil)
		}},
		"taproot of its key": {path: "m/84'/0'/0'/1/3", change: func(d *draft) { d.outs[1].PkScript = scriptFor(t, bitcoin.P2TR, bitcoinKey(t, "m/84'/0'/0'/1/3"), nil) }},
		"without a path":     {path: "m/84'/0'/0'/1/3", change: func(d *draft) { d.origins = nil }},
	} {
		d := simple(t, bitcoin.P2WPKH)
		d.outKeys = map[int]*btcec.PublicKey{}
		d.origins[1] = test.path
		d.outs[1].PkScript = scriptFor(t, bitcoin.P2WPKH, bitcoinKey(t, test.path), nil)
		if test.change != nil {
			test.change(d)
		}
		s, err := review(t, h, b, bitcoin.Signer{}, d)
		require.NoError(t, err, name)
		require.Len(t, s.Change, map[bool]int{true: 1}[test.hidden], name)
		described, err := bitcoin.Describe(h.ctx, bitcoin.Signer{}, d.parse(t), known)
		require.NoError(t, err, name)
		require.Equal(t, s, described, name)
		require.Len(t, s.Payments, map[bool]int{true: 1, false: 2}[test.hidden], name)
		require.Equal(t, uint64(1500), s.Fee)
	}
	// If all outputs are change, the device shows them.
	d := simple(t, bitcoin.P2WPKH)
	d.outs, d.origins = d.outs[1:], map[int]string{0: "m/84'/0'/0'/1/3"}
	d.outs[0].Value = 99_000
	s, err := review(t, h, b, bitcoin.Signer{}, d)
	require.NoError(t, err)
	require.Len(t, s.Payments, 1)
	require.Empty(t, s.Change)
	// What belongs to accounts that are not known is not signed, with a path and without one.
	d = simple(t, bitcoin.P2WPKH, bitcoin.P2TR, bitcoin.P2SHP2WPKH)
	d.coins[2].noOrigin = true
	s, err = bitcoin.Describe(h.ctx, bitcoin.Signer{}, d.parse(t), known)
	require.NoError(t, err)
	require.Equal(t, []int{0}, s.Signed)
	require.Equal(t, []int{1, 2}, s.Unsigned)
	_, err = bitcoin.Describe(h.ctx, bitcoin.Signer{}, d.parse(t), nil)
	require.Equal(t, bitcoin.NothingToSign, reasonOf(t, err))
}

// TestBitcoinForeignInputs checks that inputs of others stay unsigned, and are named.
func TestBitcoinForeignInputs(t *testing.T) {
	_, h, b, _ := bitcoinWallet(t, device.Options{Approve: device.Yes})
	d := simple(t, bitcoin.P2WPKH, bitcoin.P2TR, bitcoin.P2PKH, bitcoin.P2SHP2WPKH)
	foreign := d.coins[1]
	foreign.key = foreignKey(1) // at a path of the wallet, as the PSBT says
	foreign.paid(scriptFor(t, foreign.typ, foreign.key, nil), 100_000)
	stolen := d.coins[3] // the wallet's path and key, and another script
	stolen.paid(scriptFor(t, stolen.typ, foreignKey(2), nil), 100_000)
	p := d.parse(t)
	before := p.Bytes()
	signed, err := b.SignPSBT(h.ctx, bitcoin.Signer{Finalize: true}, p)
	require.NoError(t, err)
	require.Equal(t, []int{0, 2}, signed.Summary.Signed)
	require.Equal(t, []int{1, 3}, signed.Summary.Unsigned)
	require.Equal(t, uint64(200_000), signed.Summary.Own)
	require.Contains(t, signed.Summary.Notes, bitcoin.NoteForeignInputs)
	require.Nil(t, signed.Transaction)
	require.NotEqual(t, before, p.Bytes())
	// Signing again signs nothing: what is left is not the wallet's.
	_, err = b.SignPSBT(h.ctx, bitcoin.Signer{}, p)
	require.Equal(t, bitcoin.NothingToSign, reasonOf(t, err))
}

// TestBitcoinWithoutPaths finds the keys of inputs whose paths the PSBT does not say, as dApps make them.
func TestBitcoinWithoutPaths(t *testing.T) {
	_, h, b, _ := bitcoinWallet(t, device.Options{Approve: device.Yes})
	d := &draft{outs: []*wire.TxOut{foreignOut(t, bitcoin.P2WPKH, 1, 395_000)}}
	for typ := bitcoin.P2PKH; typ <= bitcoin.P2TR; typ++ {
		c := newCoin(t, typ, pathOf(typ, 0, int(typ)%2, 19), 100_000)
		c.noOrigin = true
		d.coins = append(d.coins, c)
	}
	signed, err := b.SignPSBT(h.ctx, bitcoin.Signer{Finalize: true}, d.parse(t))
	require.NoError(t, err)
	requireScripts(t, signed.Transaction, d.coins)
	// By the paths that the caller says.
	c := newCoin(t, bitcoin.P2WPKH, "m/44'/1'/7'/0/500", 100_000)
	c.noOrigin = true
	d = &draft{coins: []*coin{c}, outs: []*wire.TxOut{foreignOut(t, bitcoin.P2WPKH, 1, 99_000)}}
	_, err = b.SignPSBT(h.ctx, bitcoin.Signer{}, d.parse(t))
	require.Equal(t, bitcoin.NothingToSign, reasonOf(t, err))
	path, err := hdpath.Parse("m/44'/1'/7'/0/500")
	require.NoError(t, err)
	signed, err = b.SignPSBT(h.ctx, bitcoin.Signer{Finalize: true, Paths: []hdpath.Path{path}}, d.parse(t))
	require.NoError(t, err)
	requireScripts(t, signed.Transaction, d.coins)
	require.True(t, strings.HasPrefix(signed.Summary.Payments[0].Address, "tb1q"))
}

// leafCoin returns a coin of a taproot output that one of two scripts spends: the wallet's key, and another one. The
// wallet does not have the internal key.
func leafCoin(t testing.TB, path string, amount int64) (c *coin, own, other txscript.TapLeaf) {
	key := bitcoinKey(t, path)
	script := func(x []byte) []byte {
		b, err := txscript.NewScriptBuilder().AddData(x).AddOp(txscript.OP_CHECKSIG).Script()
		require.NoError(t, err)
		return b
	}
	own = txscript.NewBaseTapLeaf(script(schnorr.SerializePubKey(key)))
	other = txscript.NewBaseTapLeaf(script(schnorr.SerializePubKey(foreignKey(5))))
	tree := txscript.AssembleTaprootScriptTree(own, other)
	internal := foreignKey(7)
	root := tree.RootNode.TapHash()
	proof := tree.LeafMerkleProofs[tree.LeafProofIndex[own.TapHash()]].ToControlBlock(internal)
	control, err := proof.ToBytes()
	require.NoError(t, err)
	c = &coin{typ: bitcoin.P2TR, path: path, key: key, sequence: wire.MaxTxInSequenceNum, noOrigin: true}
	c.paid(scriptFor(t, bitcoin.P2TR, internal, root[:]), amount)
	hash := own.TapHash()
	c.more = []pair{
		{append([]byte{0x15}, control...), append(own.Script, byte(own.LeafVersion))},
		originEntry(t, 0x06, 0x16, c.out().PkScript, key, path, hash[:]),
	}
	return c, own, other
}

// TestBitcoinScripts spends taproot outputs that have scripts: by the key, and by the one script that is known. A swapped script is refused.
func TestBitcoinScripts(t *testing.T) {
	dev, h, b, _ := bitcoinWallet(t, device.Options{Approve: device.Yes})
	sign := func(c *coin) (*draft, *bitcoin.PSBT, *bitcoin.Signed, error) {
		d := &draft{coins: []*coin{c, newCoin(t, bitcoin.P2PKH, "m/44'/0'/0'/0/0", 50_000)}, outs: []*wire.TxOut{foreignOut(t, bitcoin.P2TR, 1, 149_000)}}
		p := d.parse(t)
		signed, err := b.SignPSBT(h.ctx, bitcoin.Signer{Finalize: true}, p)
		return d, p, signed, err
	}
	path := "m/86'/0'/0'/0/4"
	c, _, _ := leafCoin(t, path, 100_000)
	d, _, signed, err := sign(c)
	require.NoError(t, err)
	requireScripts(t, signed.Transaction, d.coins)
	require.Len(t, signed.Transaction.Inputs[0].Witness, 3)

	// By the key, although there are scripts.
	c = newCoin(t, bitcoin.P2TR, path, 100_000)
	leaf := txscript.NewBaseTapLeaf([]byte{txscript.OP_TRUE})
	root := txscript.AssembleTaprootScriptTree(leaf).RootNode.TapHash()
	c.root = root[:]
	c.paid(scriptFor(t, bitcoin.P2TR, c.key, root[:]), 100_000)
	d, _, signed, err = sign(c)
	require.NoError(t, err)
	requireScripts(t, signed.Transaction, d.coins)

	// A script of two keys cannot be finalised with one signature.
	for name, change := range map[string]func(c *coin, own, other txscript.TapLeaf){
		"a swapped script": func(c *coin, own, other txscript.TapLeaf) {
			changed := append([]byte(nil), own.Script...)
			changed = append(append(changed, txscript.OP_DROP, txscript.OP_TRUE), byte(own.LeafVersion))
			c.more[0].value = changed
		},
		"a swapped hash": func(c *coin, own, other txscript.TapLeaf) {
			hash := other.TapHash()
			c.more[1] = originEntry(t, 0x06, 0x16, c.out().PkScript, c.key, c.path, hash[:])
		},
		"another parity": func(c *coin, own, other txscript.TapLeaf) {
			c.more[0].key = append([]byte(nil), c.more[0].key...)
			c.more[0].key[1] ^= 1
		},
		"another branch": func(c *coin, own, other txscript.TapLeaf) {
			c.more[0].key = append([]byte(nil), c.more[0].key...)
			c.more[0].key[40] ^= 1
		},
		"two scripts with the key": func(c *coin, own, other txscript.TapLeaf) {
			second := c.more[0]
			second.key = append(append([]byte(nil), second.key...), make([]byte, 32)...)
			c.more = append(c.more, second)
		},
	} {
		c, own, other := leafCoin(t, path, 100_000)
		change(c, own, other)
		_, _, _, err := sign(c)
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
		require.False(t, dev.Status().Asking)
	}
	// The other key's script: the input is not the wallet's.
	c, _, other := leafCoin(t, path, 100_000)
	c.more[0].value = append(append([]byte(nil), other.Script...), byte(other.LeafVersion))
	_, _, signed, err = sign(c)
	require.NoError(t, err)
	require.Equal(t, []int{0}, signed.Summary.Unsigned)
}

// TestBitcoinScreen compares what the device shows with the transaction.
func TestBitcoinScreen(t *testing.T) {
	d, h, b, _ := bitcoinWallet(t, device.Options{})
	ask := func(request func() error) string {
		t.Helper()
		done := make(chan error, 1)
		go func() { done <- request() }()
		pages, err := simtest.ReadQuestion(h.ctx, d)
		require.NoError(t, err)
		require.NoError(t, d.Press(device.OK))
		require.NoError(t, <-done)
		return strings.Join(pages, "")
	}
	tx := simple(t, bitcoin.P2WPKH, bitcoin.P2TR)
	tx.outs = append(tx.outs, wire.NewTxOut(0, []byte{txscript.OP_RETURN, 2, 0xAB, 0xCD}))
	var s *bitcoin.Summary
	text := ask(func() error {
		signed, err := b.SignPSBT(h.ctx, bitcoin.Signer{}, tx.parse(t))
		s = &signed.Summary
		return err
	})
	require.Contains(t, text, "Pay: 0.001 BTC")
	require.Contains(t, text, "To: "+s.Payments[0].Address)
	require.Contains(t, text, "Data: 02abcd")
	require.Contains(t, text, "Fee: 0.000015 BTC")
	require.NotContains(t, text, s.Change[0].Address)
	require.Contains(t, text, "Not shown: 0.000985 BTC", "the change")
	require.Equal(t, []string{"0.001 BTC to " + s.Payments[0].Address, "data 02abcd"}, []string{s.Payments[0].Text(), s.Payments[1].Text()})

	account := hdpath.Path{84 | hdpath.Hardened, hdpath.Hardened, hdpath.Hardened, 0, 0}
	require.Equal(t, "Addr: bc1q05ec6z8df2vlzkxjxfd2xr3veypzm93wqnazr2", ask(func() error { _, err := b.Account(h.ctx, account, 0, 0, true); return err }))
	hash := bitcoin.HashMessage([]byte("hello"))
	require.Equal(t, "Hash:"+hex.EncodeToString(hash[:]), ask(func() error {
		_, err := b.SignMessage(h.ctx, bitcoin.MessageSigner{Path: account}, []byte("hello"))
		return err
	}))
	var signed *bitcoin.SignedMessage
	text = ask(func() (err error) {
		signed, err = b.SignMessage(h.ctx, bitcoin.MessageSigner{Path: account, Scheme: bitcoin.BIP322}, []byte("hello"))
		return err
	})
	require.Contains(t, text, bitcoin.TxIDText(signed.Hash))
}

// TestBitcoinNotes checks what a summary says.
func TestBitcoinNotes(t *testing.T) {
	_, h, b, _ := bitcoinWallet(t, device.Options{})
	d := simple(t, bitcoin.P2WPKH)
	d.outs[0].Value = 200
	s, err := review(t, h, b, bitcoin.Signer{MaxFee: new(uint64(60_000))}, d)
	require.NoError(t, err)
	require.Equal(t, []string{bitcoin.NoteDust, bitcoin.NoteHighFee}, s.Notes)
	d = simple(t, bitcoin.P2WPKH)
	d.outs[0].PkScript = []byte{txscript.OP_TRUE}
	s, err = review(t, h, b, bitcoin.Signer{}, d)
	require.NoError(t, err)
	require.Equal(t, []string{bitcoin.NoteNoAddress}, s.Notes)
	require.True(t, s.Blind)
	require.Equal(t, "0.0005 BTC to script 51", s.Payments[0].Text())
	// The limits of Bitcoin Core.
	for typ, dust := range map[bitcoin.Type]uint64{bitcoin.P2PKH: 546, bitcoin.P2SHP2WPKH: 540, bitcoin.P2WPKH: 294, bitcoin.P2TR: 330} {
		require.Equal(t, dust, bitcoin.Dust(scriptFor(t, typ, foreignKey(1), nil)), typ)
	}
	require.Equal(t, "20999999.9769 BTC", bitcoin.AmountText(2099999997690000))
	require.Equal(t, "0.00000001 BTC", bitcoin.AmountText(1))
}

// TestBitcoinMessages checks which messages are refused.
func TestBitcoinMessages(t *testing.T) {
	d, h, b, _ := bitcoinWallet(t, device.Options{Approve: device.Yes})
	path := func(typ bitcoin.Type) hdpath.Path { return bitcoin.BIP44(typ, bitcoin.Mainnet, 0) }
	for name, test := range map[string]struct {
		by      bitcoin.MessageSigner
		message string
		at      string
	}{
		"an empty message":          {bitcoin.MessageSigner{Path: path(bitcoin.P2WPKH)}, "", "message"},
		"a message of a megabyte":   {bitcoin.MessageSigner{Path: path(bitcoin.P2WPKH)}, strings.Repeat("a", 1<<20), "message"},
		"BIP-137 for taproot":       {bitcoin.MessageSigner{Path: path(bitcoin.P2TR), Scheme: bitcoin.BIP137}, "a", "scheme"},
		"BIP-322 for P2PKH":         {bitcoin.MessageSigner{Path: path(bitcoin.P2PKH), Scheme: bitcoin.BIP322}, "a", "scheme"},
		"BIP-322 for a nested one":  {bitcoin.MessageSigner{Path: path(bitcoin.P2SHP2WPKH), Scheme: bitcoin.BIP322Full}, "a", "scheme"},
		"another from":              {bitcoin.MessageSigner{Path: path(bitcoin.P2WPKH), From: "bc1q"}, "a", "from"},
		"another from, by BIP-322":  {bitcoin.MessageSigner{Path: path(bitcoin.P2TR), From: "bc1q"}, "a", "from"},
		"a path of another coin":    {bitcoin.MessageSigner{Path: hdpath.BIP44(60, 0, 0, 0)}, "a", "path"},
		"mainnet at a testnet path": {bitcoin.MessageSigner{Path: bitcoin.BIP44(bitcoin.P2TR, bitcoin.Testnet, 0), Network: bitcoin.Mainnet}, "a", "path"},
	} {
		_, err := b.SignMessage(h.ctx, test.by, []byte(test.message))
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
		var e *errcode.Error
		require.True(t, errors.As(err, &e))
		require.Equal(t, test.at, e.Data["at"], name)
		require.False(t, d.Status().Asking)
	}
	_, err := b.Account(h.ctx, bitcoin.BIP44(bitcoin.P2TR, bitcoin.Testnet, 0), 0, bitcoin.Mainnet, false)
	require.Equal(t, bitcoin.OtherNetwork, reasonOf(t, err))
	for typ := bitcoin.P2PKH; typ <= bitcoin.P2TR; typ++ {
		a, err := b.Account(h.ctx, path(typ), 0, 0, false)
		require.NoError(t, err)
		signed, err := b.SignMessage(h.ctx, bitcoin.MessageSigner{Path: path(typ), From: a.Address}, []byte("hi"))
		require.NoError(t, err)
		require.Equal(t, a.Address, signed.Address)
	}
}

// TestBitcoinObstacles checks the error code of each obstacle and of each end of a question. Afterwards the next request succeeds.
func TestBitcoinObstacles(t *testing.T) {
	d, h, b, dev := bitcoinWallet(t, device.Options{})
	sign := func(ctx context.Context) error {
		_, err := b.SignPSBT(ctx, bitcoin.Signer{}, simple(t, bitcoin.P2PKH, bitcoin.P2WPKH).parse(t))
		return err
	}
	reopen := func() {
		_ = dev.Close()
		_, dev = h.connect(d)
		b = bitcoin.New(dev, h)
	}
	succeeds := h.obstacles(d, "bitcoin", sign, reopen, obstacle{
		"version 1.5.00", func() error { return d.Install("bitcoin", "1.5.00") }, func() error { return d.Install("bitcoin", "1.6.11") }, errcode.AppletOutdated,
	})
	require.NoError(t, d.Install("bitcoin", "1.6.10"))
	_, err := b.SignMessage(h.ctx, bitcoin.MessageSigner{Path: bitcoin.BIP44(bitcoin.P2PKH, bitcoin.Mainnet, 0)}, []byte("hi"))
	require.ErrorIs(t, err, errcode.AppletOutdated)
	succeeds("1.6.10")
	require.NoError(t, d.Reset())
	_, err = b.Account(h.ctx, bitcoin.BIP44(bitcoin.P2TR, bitcoin.Mainnet, 3), 0, 0, false)
	require.ErrorIs(t, err, errcode.WalletMissing)
}

// TestBitcoinOnlyTheBoundAppSigns checks that a device that is bound elsewhere gives no signature.
func TestBitcoinOnlyTheBoundAppSigns(t *testing.T) {
	h, dev := boundElsewhere(t)
	_, err := bitcoin.New(dev, h).SignPSBT(h.ctx, bitcoin.Signer{}, simple(t, bitcoin.P2WPKH).parse(t))
	require.ErrorIs(t, err, errcode.BoundElsewhere)
}

// TestAChangedBitcoinPayloadIsRefused changes a preview, a page or an input between the host and the device. No signature comes back, and
// what the user is asked is never changed.
func TestAChangedBitcoinPayloadIsRefused(t *testing.T) {
	d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	middle := &bender{Link: link}
	pair, dev := h.open(middle)
	h.bind(pair, d)
	b := bitcoin.New(dev, h)
	tx := simple(t, bitcoin.P2PKH, bitcoin.P2WPKH)
	_, err = b.SignPSBT(h.ctx, bitcoin.Signer{}, tx.parse(t))
	require.NoError(t, err)
	for _, ins := range []byte{0x4B, 0x4C, 0x50} {
		middle.ins = ins
		for middle.bit = range 12 {
			_, err := b.SignPSBT(h.ctx, bitcoin.Signer{}, tx.parse(t))
			require.Error(t, err, "%X, bit %d", ins, middle.bit)
		}
	}
}
