package simtest_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/bitcoin"
	"imkey-connect/core/errcode"
	"imkey-connect/devicesim/device"
)

// TestBitcoinMutants changes PSBTs of all types of inputs in some of their bytes. What core still accepts, it shows truly: each output is a
// payment or change, change is of the wallet's own keys, and inputs, outputs and fee add up.
func TestBitcoinMutants(t *testing.T) {
	count := 200
	if os.Getenv("IMKEY_FULL") != "" {
		count = 5000
	}
	dev, _, b, _ := bitcoinWallet(t, device.Options{})
	r := rand.New(rand.NewPCG(14, 2))
	enough := errors.New("enough")
	maxFee := uint64(bitcoin.MaxMoney)
	accepted, changes := 0, 0
	for n := range count {
		raw := generate(t, r, 1+r.IntN(4)).bytes(t)
		mutant := bytes.Clone(raw)
		for range 1 + r.IntN(2) {
			at := 5 + r.IntN(len(mutant)-5)
			switch r.IntN(4) {
			case 0:
				mutant[at] = byte(r.Uint32())
			case 1:
				mutant = append(mutant[:at:at], mutant[at+1:]...)
			default:
				mutant[at] ^= 1 << r.IntN(8)
			}
		}
		p, err := bitcoin.ParsePSBT(mutant)
		if err != nil {
			require.ErrorIs(t, err, errcode.InvalidArgument, "%d: %x", n, mutant)
			continue
		}
		var s *bitcoin.Summary
		_, err = b.SignPSBT(t.Context(), bitcoin.Signer{MaxFee: &maxFee, Review: func(of *bitcoin.Summary) error { s = of; return enough }}, p)
		require.False(t, dev.Status().Asking)
		if s == nil {
			require.ErrorIs(t, err, errcode.InvalidArgument, "%d: %x", n, mutant)
			continue
		}
		accepted++
		// btcsuite reads what would be signed.
		var tx wire.MsgTx
		require.NoError(t, tx.Deserialize(bytes.NewReader(p.Transaction().Bytes())))
		said, out := map[int]bool{}, uint64(0)
		for _, payment := range s.Payments {
			said[payment.Index] = true
			require.EqualValues(t, tx.TxOut[payment.Index].Value, payment.Amount)
			require.Equal(t, tx.TxOut[payment.Index].PkScript, payment.Script)
		}
		for _, c := range s.Change {
			require.False(t, said[c.Index])
			said[c.Index] = true
			changes++
			path := c.Path.String()
			typ, _, err := bitcoin.TypeOfPath(c.Path)
			require.NoError(t, err)
			require.Equal(t, scriptFor(t, typ, bitcoinKey(t, path), nil), tx.TxOut[c.Index].PkScript, "%d: %x", n, mutant)
			require.EqualValues(t, 1, c.Path[3])
		}
		for _, o := range tx.TxOut {
			out += uint64(o.Value)
		}
		require.Len(t, said, len(tx.TxOut))
		require.Equal(t, s.Spent, out+s.Fee)
		require.Len(t, tx.TxIn, len(s.Signed)+len(s.Unsigned))
		require.NotEmpty(t, s.Signed)
	}
	require.Positive(t, changes)
	t.Logf("%d mutants, %d accepted, with %d outputs of change", count, accepted, changes)
}
