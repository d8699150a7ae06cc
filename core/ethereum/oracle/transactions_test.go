package oracle

import (
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
	"github.com/stretchr/testify/require"

	gethrlp "github.com/ethereum/go-ethereum/rlp"

	"imkey-connect/core/ethereum"
	"imkey-connect/core/ethereum/rlp"
	"imkey-connect/core/keccak"
)

// generate returns a transaction for this package and for go-ethereum, and go-ethereum's signer for it.
func (d dice) transaction() (*ethereum.Transaction, *types.Transaction, types.Signer) {
	t := &ethereum.Transaction{Type: []ethereum.Type{0, 1, 2, 4}[d.IntN(4)], ChainID: d.big(64), Nonce: d.uint(), Gas: d.uint(), Value: d.big(256), Data: d.bytes(d.length())}
	if t.ChainID.Sign() == 0 {
		t.ChainID.SetInt64(1)
	}
	if d.IntN(5) > 0 || t.Type == ethereum.TypeSetCode {
		t.To = new(ethereum.Address(d.bytes(20)))
	}
	for range d.IntN(4) {
		tuple := ethereum.AccessTuple{Address: ethereum.Address(d.bytes(20))}
		for range d.IntN(4) {
			tuple.StorageKeys = append(tuple.StorageKeys, [32]byte(d.bytes(32)))
		}
		t.AccessList = append(t.AccessList, tuple)
	}
	var access types.AccessList
	for _, a := range t.AccessList {
		tuple := types.AccessTuple{Address: common.Address(a.Address)}
		for _, k := range a.StorageKeys {
			tuple.StorageKeys = append(tuple.StorageKeys, common.Hash(k))
		}
		access = append(access, tuple)
	}
	to := (*common.Address)(t.To)
	chain := new(big.Int).Set(t.ChainID)
	signer := types.NewPragueSigner(chain)
	switch t.Type {
	case ethereum.TypeLegacy:
		t.AccessList, t.GasPrice = nil, d.big(256)
		if d.IntN(3) == 0 {
			t.ChainID, signer = nil, types.HomesteadSigner{}
		} else if d.IntN(3) == 0 {
			// Chain ids that do not fit a machine word.
			t.ChainID = d.big(200)
			t.ChainID.SetBit(t.ChainID, 199, 1)
			signer = types.NewEIP155Signer(new(big.Int).Set(t.ChainID))
		}
		return t, types.NewTx(&types.LegacyTx{Nonce: t.Nonce, GasPrice: t.GasPrice, Gas: t.Gas, To: to, Value: t.Value, Data: t.Data}), signer
	case ethereum.TypeAccessList:
		t.GasPrice = d.big(256)
		return t, types.NewTx(&types.AccessListTx{ChainID: chain, Nonce: t.Nonce, GasPrice: t.GasPrice, Gas: t.Gas, To: to, Value: t.Value, Data: t.Data, AccessList: access}), signer
	}
	t.MaxFeePerGas, t.MaxPriorityFeePerGas = d.big(256), d.big(256)
	if t.Type == ethereum.TypeDynamicFee {
		return t, types.NewTx(&types.DynamicFeeTx{ChainID: chain, Nonce: t.Nonce, GasTipCap: t.MaxPriorityFeePerGas, GasFeeCap: t.MaxFeePerGas, Gas: t.Gas, To: to,
			Value: t.Value, Data: t.Data, AccessList: access}), signer
	}
	word := func(n *big.Int) uint256.Int { return *uint256.MustFromBig(n) }
	var authorizations []types.SetCodeAuthorization
	for range 1 + d.IntN(3) {
		a := ethereum.Authorization{ChainID: d.big(256), Address: ethereum.Address(d.bytes(20)), Nonce: d.uint(), YParity: byte(d.IntN(256)), R: d.big(256), S: d.big(256)}
		t.AuthorizationList = append(t.AuthorizationList, a)
		authorizations = append(authorizations, types.SetCodeAuthorization{ChainID: word(a.ChainID), Address: common.Address(a.Address), Nonce: a.Nonce, V: a.YParity,
			R: word(a.R), S: word(a.S)})
	}
	return t, types.NewTx(&types.SetCodeTx{ChainID: uint256.MustFromBig(chain), Nonce: t.Nonce, GasTipCap: uint256.MustFromBig(t.MaxPriorityFeePerGas),
		GasFeeCap: uint256.MustFromBig(t.MaxFeePerGas), Gas: t.Gas, To: *to, Value: uint256.MustFromBig(t.Value), Data: t.Data, AccessList: access,
		AuthList: authorizations}), signer
}

func TestTransactionsAgainstGoEthereum(t *testing.T) {
	d := newDice(t)
	n := count(1000, 10000)
	kinds, damaged := map[ethereum.Type]int{}, 0
	for range n {
		ours, theirs, signer := d.transaction()
		kinds[ours.Type]++
		digest, err := ours.SignHash()
		require.NoError(t, err)
		require.Equal(t, signer.Hash(theirs), common.Hash(digest))

		key, err := crypto.GenerateKey()
		require.NoError(t, err)
		raw, err := crypto.Sign(digest[:], key)
		require.NoError(t, err)
		sig := ethereum.Signature{R: [32]byte(raw[:32]), S: [32]byte(raw[32:64]), YParity: raw[64]}
		signed, err := ours.Signed(sig)
		require.NoError(t, err)
		theirs, err = theirs.WithSignature(signer, raw)
		require.NoError(t, err)
		want, err := theirs.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(signed))
		require.Equal(t, theirs.Hash(), common.Hash(keccak.Sum256(signed)))

		from, err := sig.Recover(digest)
		require.NoError(t, err)
		require.Equal(t, crypto.PubkeyToAddress(key.PublicKey), common.Address(from))
		back, backSig, err := ethereum.ParseTransaction(signed)
		require.NoError(t, err)
		require.Equal(t, sig, *backSig)
		again, err := back.Signed(*backSig)
		require.NoError(t, err)
		require.Equal(t, signed, again)

		// Both implementations accept a damaged transaction, or neither does.
		for range 5 {
			broken := append([]byte{}, signed...)
			broken[d.IntN(min(len(broken), 60))] = byte(d.Uint32())
			_, brokenSig, ours := ethereum.ParseTransaction(broken)
			var tx types.Transaction
			theirs := tx.UnmarshalBinary(broken)
			if ours != nil && theirs == nil && lenient(&tx) {
				continue
			}
			if ours == nil && brokenSig == nil {
				continue // an unsigned one, which go-ethereum does not read
			}
			require.Equal(t, theirs == nil, ours == nil, "%x: %v, %v", broken, ours, theirs)
			damaged++
		}
	}
	t.Logf("%d transactions: %d of type 0, %d of type 1, %d of type 2, %d of type 4, and %d damaged ones", n, kinds[0], kinds[1], kinds[2], kinds[4], damaged)
}

// lenient reports whether go-ethereum accepts a transaction that this package refuses: a blob transaction, or one with an
// impossible v or an integer of more than 256 bits, which go-ethereum checks later.
func lenient(tx *types.Transaction) bool {
	v, r, s := tx.RawSignatureValues()
	for _, n := range []*big.Int{tx.Value(), tx.GasPrice(), tx.GasFeeCap(), tx.GasTipCap(), tx.ChainId(), r, s} {
		if n.BitLen() > 256 {
			return true
		}
	}
	switch tx.Type() {
	case types.BlobTxType:
		return true
	case types.LegacyTxType:
		return v.Cmp(big.NewInt(37)) < 0 && v.Cmp(big.NewInt(27)) != 0 && v.Cmp(big.NewInt(28)) != 0
	}
	return v.BitLen() > 1
}

func TestRLPAgainstGoEthereum(t *testing.T) {
	d := newDice(t)
	n := count(20000, 500000)
	accepted := 0
	for range n {
		b := d.encoding(0)
		if d.IntN(2) == 0 && len(b) > 0 {
			b[d.IntN(len(b))] = byte(d.Uint32())
		}
		_, ours := rlp.Decode(b)
		theirs := decodeAll(b)
		require.Equal(t, theirs == nil, ours == nil, "%x: %v, %v", b, ours, theirs)
		if ours == nil {
			accepted++
		}
	}
	t.Logf("%d byte strings, %d of them RLP", n, accepted)
}

// encoding generates the encoding of an item.
func (d dice) encoding(depth int) []byte {
	if depth > 4 || d.IntN(2) == 0 {
		return rlp.String(d.bytes(d.IntN(70))).Encode()
	}
	list := rlp.List()
	for range d.IntN(4) {
		inner, err := rlp.Decode(d.encoding(depth + 1))
		if err != nil {
			panic(err)
		}
		list.List = append(list.List, inner)
	}
	return list.Encode()
}

// decodeAll decodes an item with go-ethereum, with all items in it.
func decodeAll(b []byte) error {
	var v any
	return gethrlp.DecodeBytes(b, &v)
}
