package bitcoin

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

func TestParseAddress(t *testing.T) {
	// BIP-350's and BIP-173's valid ones.
	for text, script := range map[string]string{
		"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4":                                 "0014751e76e8199196d454941c45d1b3a323f1433bd6",
		"bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y": "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
		"BC1SW50QGDZ25J":                       "6002751e",
		"bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs": "5210751e76e8199196d454941c45d1b3a323",
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
		"1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH":                             "76a914751e76e8199196d454941c45d1b3a323f1433bd688ac",
		"3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN":                             "a914bcfeb728b584253d5f3f70bcb780e9ef218a68f487",
	} {
		got, err := Mainnet.ParseAddress(text)
		require.NoError(t, err, text)
		require.Equal(t, script, hex.EncodeToString(got))
		back, ok := Mainnet.AddressOf(got)
		require.True(t, ok)
		require.Equal(t, strings.ToLower(text), strings.ToLower(back))
	}
	for text, want := range map[string]string{
		"":    "not an address of Bitcoin",
		"bc1": "not an address of Bitcoin",
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd": "not an address of Bitcoin", // bech32 for version 1
		"BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL": "not an address of Bitcoin",
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh":                     "not an address of Bitcoin", // bech32m for version 0
		"bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4": "not an address of Bitcoin", // invalid character
		"BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R": "not an address of Bitcoin", // version 17
		"bc1pw5dgrnzv":                               "not an address of Bitcoin", // 1 byte
		"BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P":       "not an address of Bitcoin", // version 0 with 16 bytes
		"1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMJ":         "not an address of Bitcoin",
		"3QJmnh":                                     "not an address of Bitcoin", // no bytes
		"LUEweDxDA4WhvWiNXXSxjM9CYzHPJv4QQF":         "not an address of Bitcoin", // Litecoin
		"TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2":         "not an address of Bitcoin",
		"bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": "an address in bech32 with small and capital letters, of which it may have one kind only",
	} {
		_, err := Mainnet.ParseAddress(text)
		at, _ := reasonOf(t, err)
		require.Equal(t, "address", at)
		require.ErrorContains(t, err, want, text)
	}
	for text, n := range map[string]Network{
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": Testnet, "mkeNU5nVnozJiaACDELLCsVUc8Wxoh1rQN": Mainnet,
		"tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx": Mainnet, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080": Testnet,
	} {
		_, err := n.ParseAddress(text)
		_, reason := reasonOf(t, err)
		require.Equal(t, OtherNetwork, reason, text)
	}
	_, err := Regtest.ParseAddress("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")
	require.NoError(t, err)
	for _, script := range []string{"", "6a", "51", "0013" + strings.Repeat("00", 19), "5129" + strings.Repeat("00", 41), "00", "76a9"} {
		_, ok := Mainnet.AddressOf(unhex(t, script))
		require.False(t, ok, script)
	}
}

func TestNames(t *testing.T) {
	for typ := P2PKH; typ <= P2TR; typ++ {
		got, ok := ParseType(typ.String())
		require.True(t, ok)
		require.Equal(t, typ, got)
	}
	_, ok := ParseType("p2wsh")
	require.False(t, ok)
	require.Equal(t, "other", Type(0).String())
	for _, n := range []Network{Mainnet, Testnet, Regtest} {
		got, ok := ParseNetwork(n.String())
		require.True(t, ok)
		require.Equal(t, n, got)
	}
	n, _ := ParseNetwork("signet")
	require.Equal(t, Testnet, n)
	_, ok = ParseNetwork("litecoin")
	require.False(t, ok)
}

func TestPush(t *testing.T) {
	for n, head := range map[int]string{0: "00", 75: "4b", 76: "4c4c", 255: "4cff", 256: "4d0001"} {
		require.Equal(t, append(unhex(t, head), make([]byte, n)...), push(nil, make([]byte, n)))
	}
}

// TestVersionOfAScript compares the address version with the first character of the address.
func TestVersionOfAScript(t *testing.T) {
	script := func(s string) []byte { return unhex(t, s) }
	hash := strings.Repeat("22", 20)
	for s, want := range map[string][2]byte{
		"76a914" + hash + "88ac": {0x00, 0x6F}, "a914" + hash + "87": {0x05, 0xC4}, "0014" + hash: {'b', 't'}, "0020" + strings.Repeat("22", 32): {'b', 't'},
		"5120" + strings.Repeat("22", 32): {'b', 't'}, "6a00": {0x00, 0x6F},
	} {
		require.Equal(t, want, [2]byte{Mainnet.version(script(s)), Testnet.version(script(s))}, s)
	}
}

// TestSignedBy looks for keys in tapscripts.
func TestSignedBy(t *testing.T) {
	x := [32]byte(bytes.Repeat([]byte{7}, 32))
	key := append([]byte{32}, x[:]...)
	for name, test := range map[string]struct {
		script []byte
		want   bool
	}{
		"a single key":       {append(slices.Clone(key), opCheckSig), true},
		"verify":             {append(slices.Clone(key), opCheckSig+1), true},
		"one of several":     {slices.Concat([]byte{32}, make([]byte, 32), []byte{opCheckSig}, key, []byte{opCheckSigAdd, 0x52, 0x9C}), true},
		"a long push before": {slices.Concat([]byte{opPushData1, 80}, make([]byte, 80), key, []byte{opCheckSig}), true},
		"a longer push":      {slices.Concat([]byte{opPushData2, 0, 1}, make([]byte, 256), key, []byte{opCheckSig}), true},
		"pushed by length":   {slices.Concat([]byte{opPushData1}, key, []byte{opCheckSig}), true},
		"inside of a push":   {slices.Concat([]byte{34}, key, []byte{opCheckSig}), false},
		"dropped":            {append(slices.Clone(key), 0x75), false},
		"no opcode":          {key, false},
		"another key":        {append(append([]byte{32}, make([]byte, 32)...), opCheckSig), false},
		"truncated":          {key[:20], false},
		"truncated length":   {[]byte{opPushData2, 1}, false},
		"truncated length 1": {[]byte{opPushData1}, false},
		"a push of 4 bytes":  {slices.Concat([]byte{opPushData2 + 1, 0, 0, 0, 0}, key, []byte{opCheckSig}), false},
		"empty":              {nil, false},
	} {
		require.Equal(t, test.want, signedBy(test.script, x), name)
	}
}

// minimal is a transaction with one input and one output.
func minimal() *Transaction {
	return &Transaction{Version: 2, Inputs: []Input{{OutPoint: OutPoint{TxID: [32]byte{1}, Index: 2}, Sequence: 0xFFFFFFFD}}, Outputs: []Output{{546, []byte{0x51}}}}
}

func TestParseTransaction(t *testing.T) {
	withWitness := minimal()
	withWitness.Inputs[0].Witness = [][]byte{{1, 2}, {}}
	many := minimal()
	many.Outputs = nil
	for i := range 300 {
		many.Outputs = append(many.Outputs, Output{uint64(i), bytes.Repeat([]byte{0x51}, i)})
	}
	many.Outputs = append(many.Outputs, Output{1, make([]byte, 70_000)})
	for _, tx := range []*Transaction{minimal(), withWitness, many} {
		got, err := ParseTransaction("tx", tx.Bytes())
		require.NoError(t, err)
		require.Equal(t, tx.Bytes(), got.Bytes())
	}
	plain := minimal().Bytes()
	bad := map[string][]byte{
		"bytes after it":              append(slices.Clone(plain), 0),
		"no input":                    {2, 0, 0, 0, 0, 1},
		"no output":                   append(append(slices.Clone(plain[:46]), 0), plain[len(plain)-4:]...),
		"a long form of a length":     append(append(slices.Clone(plain[:4]), 0xFD, 1, 0), plain[5:]...),
		"a longer form of a length":   append(append(slices.Clone(plain[:4]), 0xFE, 1, 0, 0, 0), plain[5:]...),
		"the longest form of a lengt": append(append(slices.Clone(plain[:4]), 0xFF, 1, 0, 0, 0, 0, 0, 0, 0), plain[5:]...),
		"2^63 inputs":                 append(append(slices.Clone(plain[:4]), 0xFF, 0, 0, 0, 0, 0, 0, 0, 0x80), plain[5:]...),
		"witnesses that are empty":    slices.Concat(plain[:4], []byte{0, 1}, plain[4:len(plain)-4], []byte{0}, plain[len(plain)-4:]),
	}
	more := minimal()
	more.Outputs[0].Amount = MaxMoney + 1
	bad["more than all bitcoins"] = more.Bytes()
	more.Outputs = []Output{{MaxMoney, nil}, {1, nil}}
	bad["more than all bitcoins in all"] = more.Bytes()
	twice := minimal()
	twice.Inputs = append(twice.Inputs, twice.Inputs[0])
	bad["an output spent twice"] = twice.Bytes()
	for i := range plain {
		bad["truncated"+string(rune('a'+i%26))] = plain[:i]
	}
	for name, b := range bad {
		_, err := ParseTransaction("tx", b)
		at, _ := reasonOf(t, err)
		require.Equal(t, "tx", at, name)
	}
}

func FuzzParseTransaction(f *testing.F) {
	f.Add(minimal().Bytes())
	for _, v := range vectors.Transactions {
		f.Add(unhex(f, v.SignedTx))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := ParseTransaction("tx", b)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			return
		}
		require.Equal(t, b, tx.Bytes())
		var other wire.MsgTx
		if err := other.Deserialize(bytes.NewReader(b)); err == nil { // btcsuite has limits of its own
			require.Equal(t, [32]byte(other.TxHash()), tx.TxID())
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, v := range vectors.Addresses {
		f.Add(v.Address)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, n := range []Network{Mainnet, Testnet, Regtest} {
			script, err := n.ParseAddress(text)
			if err != nil {
				require.ErrorIs(t, err, errcode.InvalidArgument)
				continue
			}
			back, ok := n.AddressOf(script)
			require.True(t, ok)
			if n.prefixes().bech32 == strings.ToLower(text)[:min(len(n.prefixes().bech32), len(text))] {
				text = strings.ToLower(text)
			}
			require.Equal(t, text, back)
		}
	})
}

// written writes maps of entries.
func written(maps ...entries) []byte {
	b := []byte(magic)
	for _, m := range maps {
		b = m.append(b)
	}
	return b
}

// full are the maps of a PSBT of version 0 and 2 that has every entry.
func full(version int) (global, in, out entries) {
	spent := minimal()
	spent.Outputs = append(spent.Outputs, Output{1000, P2TR.Script(generator)}, Output{5, []byte{0x51}})
	tx := minimal()
	tx.Inputs[0].OutPoint = OutPoint{spent.TxID(), 2}
	id := spent.TxID()
	x := generator.X()
	origin := append([]byte{1, 2, 3, 4}, le32(le32(nil, 86|1<<31), 0|1<<31)...)
	in = entries{
		{[]byte{inPrevious}, spent.Bytes()},
		{[]byte{inWitnessUTXO}, appendOutputs(nil, spent.Outputs[2:3])},
		{append([]byte{inPartialSig}, compressed(generator)...), []byte{0x30, 1}},
		{[]byte{inSighash}, []byte{1, 0, 0, 0}},
		{[]byte{inRedeemScript}, []byte{1}},
		{[]byte{inWitnessScript}, []byte{2}},
		{append([]byte{inOrigin}, compressed(generator)...), origin},
		{[]byte{inFinalScript}, []byte{}},
		{[]byte{inFinalWitness}, []byte{1, 0}},
		{[]byte{inTaprootSig}, make([]byte, 64)},
		{append([]byte{inTaprootLeafSig}, make([]byte, 64)...), make([]byte, 64)},
		{append([]byte{inLeaf, tapscript}, make([]byte, 64)...), []byte{0x51, tapscript}},
		{append([]byte{inTaprootOrigin}, x[:]...), append(append([]byte{1}, make([]byte, 32)...), origin...)},
		{[]byte{inTaprootKey}, x[:]},
		{[]byte{inTaprootRoot}, make([]byte, 32)},
		{[]byte{0xFC, 1, 2}, []byte("unknown")},
	}
	out = entries{
		{[]byte{outRedeemScript}, []byte{1}},
		{[]byte{outWitnessScript}, []byte{2}},
		{append([]byte{outOrigin}, compressed(generator)...), origin},
		{[]byte{outTaprootKey}, x[:]},
		{[]byte{outTaprootTree}, []byte{0, tapscript, 1, 0x51}},
		{append([]byte{outTaprootOrigin}, x[:]...), append([]byte{0}, origin...)},
		{[]byte{0xFC, 9}, nil},
	}
	if version == 0 {
		return entries{{[]byte{globalTx}, tx.Bytes()}, {[]byte{0x01, 5}, []byte("an extended key")}, {[]byte{0xFC, 1}, []byte{1}}}, in, out
	}
	in = append(in, entry{[]byte{inTxID}, id[:]}, entry{[]byte{inIndex}, []byte{2, 0, 0, 0}}, entry{[]byte{inSequence}, []byte{0xFD, 0xFF, 0xFF, 0xFF}})
	out = append(out, entry{[]byte{outAmount}, []byte{0x22, 2, 0, 0, 0, 0, 0, 0}}, entry{[]byte{outScript}, []byte{0x51}})
	return entries{{[]byte{globalTxVersion}, []byte{2, 0, 0, 0}}, {[]byte{globalLockTime}, []byte{0, 0, 0, 0}}, {[]byte{globalInputs}, []byte{1}},
		{[]byte{globalOutputs}, []byte{1}}, {[]byte{globalModify}, []byte{0}}, {[]byte{globalVersion}, []byte{2, 0, 0, 0}}}, in, out
}

// generator is the generator of the curve, the public key of the private key 1.
var generator = func() secp256k1.PublicKey {
	one := secp256k1.PrivateKey{31: 1}
	return one.Public()
}()

func TestParsePSBT(t *testing.T) {
	for _, version := range []int{0, 2} {
		global, in, out := full(version)
		b := written(global, in, out)
		p, err := ParsePSBT(b)
		require.NoError(t, err)
		require.Equal(t, b, p.Bytes())
		require.Equal(t, version, p.Version)
		require.Equal(t, minimal().Outputs, p.Transaction().Outputs)
		require.Equal(t, uint32(2), p.Transaction().Inputs[0].Index)
		require.Equal(t, []string{"m/86'/0'"}, []string{p.inputs[0].origins[0].path.String()})
		require.Len(t, p.inputs[0].origins[1].leaves, 1)

		for i := range b {
			_, err := ParsePSBT(b[:i])
			require.ErrorIs(t, err, errcode.InvalidArgument, "truncated at %d", i)
		}
		_, err = ParsePSBT(append(slices.Clone(b), 0))
		require.ErrorIs(t, err, errcode.InvalidArgument, "bytes after it")
		maps := []entries{global, in, out}
		for which, m := range maps {
			for i, e := range m {
				if e.key[0] == 0xFC || e.key[0] == 0x01 && which == 0 {
					continue // unknown entries have any form
				}
				change := func(name string, changed ...entry) {
					t.Helper()
					all := slices.Clone(maps)
					all[which] = slices.Concat(m[:i], entries(changed), m[i+1:])
					_, err := ParsePSBT(written(all...))
					require.ErrorIs(t, err, errcode.InvalidArgument, "map %d, entry %X: %s", which, e.key, name)
				}
				change("twice", e, e)
				change("a longer key", entry{append(slices.Clone(e.key), 1), e.value})
				if free := which == 1 && (e.key[0] == inPartialSig || e.key[0] == inRedeemScript || e.key[0] == inWitnessScript || e.key[0] == inFinalScript ||
					e.key[0] == inFinalWitness || e.key[0] == inTaprootSig || e.key[0] == inTaprootLeafSig || e.key[0] == inLeaf) || which == 2 && e.key[0] < outOrigin ||
					which == 2 && (e.key[0] == outTaprootKey || e.key[0] == outTaprootTree || e.key[0] == outScript) || which == 0 && e.key[0] == globalModify; !free {
					change("a longer value", entry{e.key, append(slices.Clone(e.value), 1)})
					if len(e.value) > 0 {
						change("a shorter value", entry{e.key, e.value[:len(e.value)-1]})
					}
				}
				if which == 0 && e.key[0] != globalLockTime && e.key[0] != globalModify {
					change("missing")
				}
			}
		}
		// What the other version has.
		_, otherIn, otherOut := full(2 - version)
		_, err = ParsePSBT(written(global, otherIn, out))
		require.ErrorIs(t, err, errcode.InvalidArgument)
		_, err = ParsePSBT(written(global, in, otherOut))
		require.ErrorIs(t, err, errcode.InvalidArgument)
	}
	global, in, out := full(0)
	for name, b := range map[string][]byte{
		"empty":                   nil,
		"another magic":           append([]byte("psbu\xff"), written(global, in, out)[5:]...),
		"base 64":                 []byte("cHNidP8BAHMCAAAAAf4h8nSezFQqf7jW"),
		"version 1":               written(append(slices.Clone(global), entry{[]byte{globalVersion}, []byte{1, 0, 0, 0}}), in, out),
		"a tx version":            written(append(slices.Clone(global), entry{[]byte{globalTxVersion}, []byte{1, 0, 0, 0}}), in, out),
		"a signature of 63 bytes": written(global, entries{in[0], {[]byte{inTaprootSig}, make([]byte, 63)}}, out),
		"an empty leaf":           written(global, append(slices.Clone(in), entry{append([]byte{inLeaf, 0xC1}, make([]byte, 32)...), nil}), out),
		"a control of 34":         written(global, append(slices.Clone(in), entry{append([]byte{inLeaf, 0xC1}, make([]byte, 33)...), []byte{tapscript}}), out),
	} {
		_, err := ParsePSBT(b)
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
	}
	signedTx := minimal()
	signedTx.Inputs[0].Script = []byte{1}
	_, err := ParsePSBT(written(entries{{[]byte{globalTx}, signedTx.Bytes()}}, nil, nil))
	require.ErrorContains(t, err, "has a signature")
	_, err = ParsePSBT(written(append(slices.Clone(global), entry{[]byte{globalVersion}, []byte{0, 0, 0, 0}}), in, out))
	require.NoError(t, err, "version 0 in words")
}

func TestPSBTLimits(t *testing.T) {
	many := func(inputs, outputs int) []byte {
		tx := &Transaction{Version: 2}
		for i := range inputs {
			tx.Inputs = append(tx.Inputs, Input{OutPoint: OutPoint{Index: uint32(i)}})
		}
		for range outputs {
			tx.Outputs = append(tx.Outputs, Output{1, []byte{0x51}})
		}
		return written(append([]entries{{{[]byte{globalTx}, tx.Bytes()}}}, make([]entries, inputs+outputs)...)...)
	}
	for _, test := range []struct {
		b  []byte
		ok bool
	}{
		{many(MaxInputs, 1), true}, {many(MaxInputs+1, 1), false}, {many(1, MaxOutputs), true}, {many(1, MaxOutputs+1), false}, {many(1, 10_000), false},
		{append([]byte(magic), make([]byte, 2_000_000)...), false},
	} {
		_, err := ParsePSBT(test.b)
		if test.ok {
			require.NoError(t, err)
			continue
		}
		at, reason := reasonOf(t, err)
		require.Equal(t, []string{"psbt", TooLarge}, []string{at, reason})
	}
	for name, count := range map[string][]byte{
		"inputs": {253, 253, 0}, "as many as fit": {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, "zero": {0}, "65536": {0xFE, 0, 0, 1, 0},
	} {
		global, in, out := full(2)
		global[2].value = count
		_, err := ParsePSBT(written(global, in, out))
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
	}
}

// TestLockTimes has the lock time of BIP-370.
func TestLockTimes(t *testing.T) {
	const none = -1
	for _, test := range []struct {
		fallback       uint32
		heights, times [2]int64
		want           int64
	}{
		{7, [2]int64{none, none}, [2]int64{none, none}, 7},
		{7, [2]int64{10, none}, [2]int64{none, none}, 10},
		{7, [2]int64{10, 20}, [2]int64{none, none}, 20},
		{7, [2]int64{none, none}, [2]int64{timeLock, timeLock + 5}, timeLock + 5},
		{7, [2]int64{10, 20}, [2]int64{timeLock, none}, 20},
		{7, [2]int64{10, none}, [2]int64{timeLock, timeLock + 9}, timeLock + 9},
		{7, [2]int64{10, none}, [2]int64{none, timeLock}, none},
		{7, [2]int64{0, none}, [2]int64{none, none}, none},
		{7, [2]int64{timeLock, none}, [2]int64{none, none}, none},
		{7, [2]int64{none, none}, [2]int64{timeLock - 1, none}, none},
	} {
		global, in, out := full(2)
		global[1].value = le32(nil, test.fallback)
		global[2].value = []byte{2}
		var maps []entries
		for i := range 2 {
			m := slices.Clone(in)
			for j := range m {
				if m[j].key[0] == inIndex {
					m[j].value = []byte{byte(i), 0, 0, 0}
				}
			}
			if test.heights[i] != none {
				m = append(m, entry{[]byte{inHeightLock}, le32(nil, uint32(test.heights[i]))})
			}
			if test.times[i] != none {
				m = append(m, entry{[]byte{inTimeLock}, le32(nil, uint32(test.times[i]))})
			}
			maps = append(maps, m)
		}
		p, err := ParsePSBT(written(global, maps[0], maps[1], out))
		if test.want == none {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, uint32(test.want), p.Transaction().LockTime)
	}
}

// FuzzParsePSBT checks that what is read is written as the same bytes, and that whatever it says is used without a panic.
func FuzzParsePSBT(f *testing.F) {
	for _, version := range []int{0, 2} {
		f.Add(written(full3(version)...))
	}
	for _, v := range vectors.PSBT {
		f.Add(unhex(f, v.PSBT))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePSBT(b)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			return
		}
		require.Equal(t, b, p.Bytes())
		pl := &plan{tx: p.tx, spends: make([]spend, len(p.inputs))}
		for i := range p.inputs {
			if pl.spends[i].read(&p.inputs[i], &p.tx.Inputs[i], i) != nil {
				return
			}
			for j := range p.inputs[i].leaves {
				p.inputs[i].leaves[j].provenBy(pl.spends[i].Script)
			}
		}
		if pl.balance() != nil {
			return
		}
		pl.network = Mainnet
		pl.summarise()
		_ = pl.checkFee(&Signer{})
		_ = pl.checkOwn(p, &Signer{})
		p.final()
	})
}

func full3(version int) []entries {
	global, in, out := full(version)
	return []entries{global, in, out}
}
