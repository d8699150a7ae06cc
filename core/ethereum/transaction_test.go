package ethereum

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/big"
	"strings"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey/hdkeytest"
)

var someone = must(ParseAddress("0x3535353535353535353535353535353535353535"))

func pow2(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }

// The example of EIP-155, with its signature.
func TestEIP155Example(t *testing.T) {
	tx := &Transaction{ChainID: big.NewInt(1), Nonce: 9, GasPrice: decimal("20000000000"), Gas: 21000, To: &someone, Value: decimal("1000000000000000000")}
	require.Equal(t, "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080", hex.EncodeToString(must(tx.Unsigned())))
	digest := must(tx.SignHash())
	require.Equal(t, "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53", hex.EncodeToString(digest[:]))
	key := node{hdkeytest.Key{Private: decred.PrivKeyFromBytes(bytes.Repeat([]byte{0x46}, 32))}}
	require.Equal(t, "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83",
		hex.EncodeToString(must(tx.Signed(key.signature(digest)))))
}

// everything has a field of each kind set.
func everything(typ Type) *Transaction {
	t := &Transaction{Type: typ, ChainID: big.NewInt(5), Nonce: 7, Gas: 21000, To: &someone, Value: big.NewInt(1000), Data: []byte{1, 2, 3}}
	if typ == TypeLegacy || typ == TypeAccessList {
		t.GasPrice = big.NewInt(100)
	} else {
		t.MaxPriorityFeePerGas, t.MaxFeePerGas = big.NewInt(2), big.NewInt(100)
	}
	if typ != TypeLegacy {
		t.AccessList = []AccessTuple{{Address: someone, StorageKeys: [][32]byte{{1}, {2}}}, {Address: Address{}}}
	}
	if typ == TypeSetCode {
		t.AuthorizationList = []Authorization{
			{ChainID: new(big.Int), Address: someone, Nonce: 1, YParity: 1, R: big.NewInt(1), S: new(big.Int).Sub(pow2(256), big.NewInt(1))},
			{ChainID: big.NewInt(5), Address: someone, Nonce: math.MaxUint64, R: big.NewInt(2), S: big.NewInt(3)},
		}
	}
	return t
}

func TestTransactionsRoundTrip(t *testing.T) {
	sigs := []Signature{
		{R: [32]byte{1}, S: [32]byte{2}, YParity: 1},
		// Leading zeros are removed, since nodes refuse them.
		{R: [32]byte{31: 1}, S: [32]byte{30: 1}},
		{R: [32]byte{1: 0xFF}, S: [32]byte{2: 0xFF}, YParity: 1},
	}
	for _, typ := range []Type{TypeLegacy, TypeAccessList, TypeDynamicFee, TypeSetCode} {
		for _, change := range []func(*Transaction){
			func(*Transaction) {},
			func(t *Transaction) { t.Data, t.Value, t.Nonce, t.Gas = nil, new(big.Int), 0, 0 },
			func(t *Transaction) { t.Nonce, t.Gas = math.MaxUint64, math.MaxUint64 },
			func(t *Transaction) { t.Value = new(big.Int).Sub(pow2(256), big.NewInt(1)) },
			func(t *Transaction) { t.ChainID = pow2(32) },
			func(t *Transaction) { t.ChainID = new(big.Int).Sub(pow2(254), big.NewInt(1)) },
			func(t *Transaction) { t.Data = make([]byte, 70000) },
			func(t *Transaction) {
				if t.Type != TypeSetCode {
					t.To = nil
				}
			},
			func(t *Transaction) {
				if t.Type == TypeLegacy {
					t.ChainID = nil
				}
			},
		} {
			tx := everything(typ)
			change(tx)
			unsigned := must(tx.Unsigned())
			got, sig, err := ParseTransaction(unsigned)
			require.NoError(t, err)
			require.Nil(t, sig)
			require.Equal(t, tx, normal(got))
			for _, sig := range sigs {
				raw := must(tx.Signed(sig))
				got, gotSig, err := ParseTransaction(raw)
				require.NoError(t, err)
				require.Equal(t, tx, normal(got))
				require.Equal(t, &sig, gotSig)
				require.Equal(t, raw, must(got.Signed(*gotSig)))
			}
		}
	}
}

// normal returns a parsed transaction in the form that these tests use.
func normal(t *Transaction) *Transaction {
	if len(t.Data) == 0 {
		t.Data = nil
	}
	return t
}

// v is chainId·2 + 35 or 36, even if that does not fit a machine word.
func TestLargeChainIDs(t *testing.T) {
	for _, id := range []*big.Int{big.NewInt(1), pow2(31), pow2(32), pow2(53), pow2(63), pow2(64), pow2(128)} {
		for parity := range byte(2) {
			tx := everything(TypeLegacy)
			tx.ChainID = id
			want := new(big.Int).Mul(id, big.NewInt(2))
			want.Add(want, big.NewInt(35+int64(parity)))
			require.Equal(t, want, tx.v(parity))
		}
	}
}

func TestTransactionsRefused(t *testing.T) {
	negative, huge := big.NewInt(-1), pow2(256)
	for _, c := range []struct {
		typ    Type
		at     string
		change func(*Transaction)
	}{
		{TypeLegacy, "type", func(t *Transaction) { t.Type = 3 }},
		{TypeLegacy, "type", func(t *Transaction) { t.Type = 5 }},
		{TypeLegacy, "value", func(t *Transaction) { t.Value = negative }},
		{TypeDynamicFee, "value", func(t *Transaction) { t.Value = huge }},
		{TypeLegacy, "gasPrice", func(t *Transaction) { t.GasPrice = huge }},
		{TypeAccessList, "gasPrice", func(t *Transaction) { t.GasPrice = negative }},
		{TypeDynamicFee, "gasPrice", func(t *Transaction) { t.GasPrice = new(big.Int) }},
		{TypeLegacy, "maxFeePerGas", func(t *Transaction) { t.MaxFeePerGas = new(big.Int) }},
		{TypeAccessList, "maxPriorityFeePerGas", func(t *Transaction) { t.MaxPriorityFeePerGas = new(big.Int) }},
		{TypeDynamicFee, "maxFeePerGas", func(t *Transaction) { t.MaxFeePerGas = huge }},
		{TypeSetCode, "maxPriorityFeePerGas", func(t *Transaction) { t.MaxPriorityFeePerGas = negative }},
		{TypeLegacy, "chainId", func(t *Transaction) { t.ChainID = negative }},
		{TypeLegacy, "chainId", func(t *Transaction) { t.ChainID = pow2(254) }},
		{TypeDynamicFee, "chainId", func(t *Transaction) { t.ChainID = huge }},
		{TypeLegacy, "accessList", func(t *Transaction) { t.AccessList = []AccessTuple{{}} }},
		{TypeDynamicFee, "authorizationList", func(t *Transaction) { t.AuthorizationList = []Authorization{{}} }},
		{TypeSetCode, "to", func(t *Transaction) { t.To = nil }},
		{TypeSetCode, "authorizationList[1].chainId", func(t *Transaction) { t.AuthorizationList[1].ChainID = huge }},
		{TypeSetCode, "authorizationList[0].r", func(t *Transaction) { t.AuthorizationList[0].R = negative }},
		{TypeSetCode, "authorizationList[0].s", func(t *Transaction) { t.AuthorizationList[0].S = huge }},
	} {
		tx := everything(c.typ)
		require.NoError(t, tx.Validate())
		c.change(tx)
		requireInvalid(t, c.at, tx.Validate())
		_, err := tx.Unsigned()
		requireInvalid(t, c.at, err)
		_, err = tx.SignHash()
		requireInvalid(t, c.at, err)
		_, err = tx.Signed(Signature{})
		requireInvalid(t, c.at, err)
		_, err = tx.Summarize(Ether)
		requireInvalid(t, c.at, err)
	}
	// Transactions that have an encoding, and that no node accepts.
	for _, c := range []struct {
		typ    Type
		at     string
		change func(*Transaction)
	}{
		{TypeDynamicFee, "chainId", func(t *Transaction) { t.ChainID = nil }},
		{TypeLegacy, "chainId", func(t *Transaction) { t.ChainID = new(big.Int) }},
		{TypeAccessList, "chainId", func(t *Transaction) { t.ChainID = new(big.Int) }},
		{TypeLegacy, "nonce", func(t *Transaction) { t.Nonce = math.MaxUint64 }},
		{TypeDynamicFee, "maxPriorityFeePerGas", func(t *Transaction) { t.MaxPriorityFeePerGas = big.NewInt(101) }},
		{TypeSetCode, "maxPriorityFeePerGas", func(t *Transaction) { t.MaxFeePerGas = nil }},
		{TypeSetCode, "authorizationList", func(t *Transaction) { t.AuthorizationList = nil }},
		{TypeSetCode, "authorizationList[1].yParity", func(t *Transaction) { t.AuthorizationList[1].YParity = 2 }},
	} {
		tx := everything(c.typ)
		c.change(tx)
		requireInvalid(t, c.at, tx.Validate())
		_, err := tx.Unsigned()
		require.NoError(t, err)
	}
	tx := everything(TypeLegacy)
	tx.ChainID = nil
	require.NoError(t, tx.Validate(), "a signature for every chain needs a nil chain id")
}

func TestRawTransactionsRefused(t *testing.T) {
	for _, s := range []string{
		"", "00", "03c0", "05c0", "01", "02", "c0", "80", "820102", "01c0", "0180", "c10102",
		"c6808080808080 00", "c50101010101", "c701010101010101", // trailing bytes, too few, too many
		"c6c08080808080", "c680808080c080", "c680808080 8080 80",
		"c6808080018080",                                     // an address of one byte
		"c7 8200018080808080",                                // a leading zero
		"c9808080808080808080",                               // signed for no chain
		"c9808080808080 1a 01 01", "c9808080808080 23 01 01", // impossible v
		"02cf0505028064825208808080c0 02 01 01",
		"01cd05070a825208808080c0 02 01 01",
		"01e205070a825208808080 d8d794" + strings.Repeat("11", 20) + "c101", // a storage key of one byte
		"01e205070a825208808080 d8d794" + strings.Repeat("11", 20) + "c1c0", // a list in its place
		"01cb05070a8252088080 80 c1 80", "01cb05070a82520880 80 80 c1 c0",
	} {
		_, _, err := ParseTransaction(unhexLoose(t, s))
		require.ErrorIs(t, err, errcode.InvalidArgument, s)
	}
	for _, typ := range []Type{TypeLegacy, TypeAccessList, TypeDynamicFee, TypeSetCode} {
		raw := must(everything(typ).Signed(Signature{R: [32]byte{1}, S: [32]byte{2}}))
		for n := range len(raw) {
			_, _, err := ParseTransaction(raw[:n])
			require.ErrorIs(t, err, errcode.InvalidArgument)
		}
	}
}

func unhexLoose(t testing.TB, s string) []byte {
	b := []byte{}
	for i := range len(s) {
		if s[i] != ' ' {
			b = append(b, s[i])
		}
	}
	return unhex(t, string(b))
}

// FuzzTransaction checks that a parsed transaction encodes to the same bytes and has a summary.
func FuzzTransaction(f *testing.F) {
	for _, typ := range []Type{TypeLegacy, TypeAccessList, TypeDynamicFee, TypeSetCode} {
		f.Add(must(everything(typ).Unsigned()))
		f.Add(must(everything(typ).Signed(Signature{R: [32]byte{1}, S: [32]byte{2}, YParity: 1})))
	}
	for _, v := range vectors.Ethereum {
		if v.Unsigned != "" {
			f.Add(unhex(f, v.Unsigned))
			f.Add(unhex(f, v.Signed))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, sig, err := ParseTransaction(b)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument)
			return
		}
		var again []byte
		if sig == nil {
			again, err = tx.Unsigned()
		} else {
			again, err = tx.Signed(*sig)
		}
		require.NoError(t, err)
		require.Equal(t, b, again)
		s, err := tx.Summarize(Ether)
		require.NoError(t, err)
		require.NotEmpty(t, s.Receiver)
		for _, text := range []string{s.Payment, s.Receiver, s.Fee} {
			if tx.Type == TypeSetCode {
				break // the device gets no strings with it, and the page may have longer ones
			}
			require.Less(t, len(text), 256, "no string for the screen is cut")
		}
	})
}
