package ethereum

import (
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/hdpath"
	"imkey-connect/core/keccak"
)

func decimal(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic(s)
	}
	return n
}

func TestRecordedSessions(t *testing.T) {
	require.Len(t, vectors.Sessions, 3)
	for _, s := range vectors.Sessions {
		t.Run(s.Name, func(t *testing.T) {
			by := Signer{Path: must(hdpath.Parse(s.Path))}
			replay(t, s.Exchanges, func(t *testing.T, e *Ethereum) {
				in := s.Expect.Input
				switch {
				case s.Expect.Address != "":
					a, err := e.Account(t.Context(), by.Path, false)
					require.NoError(t, err)
					require.Equal(t, s.Expect.Address, a.Address.String())
					require.Equal(t, s.Expect.Pubkey, hex.EncodeToString(a.PublicKey[:]))
				case s.Expect.SignedTx != "":
					to := must(ParseAddress(in.To))
					tx := &Transaction{ChainID: decimal(in.ChainID), Nonce: decimal(in.Nonce).Uint64(), Gas: decimal(in.GasLimit).Uint64(),
						GasPrice: decimal(in.GasPrice), To: &to, Value: decimal(in.Value), Data: unhex(t, in.Data)}
					got, err := e.SignTransaction(t.Context(), by, tx, Ether, nil)
					require.NoError(t, err)
					require.Equal(t, s.Expect.SignedTx, "0x"+hex.EncodeToString(got.Raw))
					require.Equal(t, s.Expect.TxHash, "0x"+hex.EncodeToString(got.Hash[:]))
					require.True(t, got.Unbound, "the result has a warning")
				default:
					got, err := e.SignMessage(t.Context(), by, []byte(in.Message))
					require.NoError(t, err)
					require.Equal(t, s.Expect.Signature, "0x"+hex.EncodeToString(got.Signature[:]))
					require.True(t, got.Unbound, "the result has a warning")
				}
			})
		})
	}
}

func TestSignedVectors(t *testing.T) {
	key := testWallet().derive(BIP44(0))
	require.Len(t, vectors.Ethereum, 6)
	for _, v := range vectors.Ethereum {
		if v.Kind == "personal_sign" {
			message := []byte(v.Message)
			if strings.HasPrefix(v.Message, "0x") {
				message = unhex(t, v.Message)
			}
			sig := key.signature(HashMessage(message)).Bytes()
			require.Equal(t, v.Signature, "0x"+hex.EncodeToString(sig[:]))
			continue
		}
		tx, sig, err := ParseTransaction(unhex(t, v.Unsigned))
		require.NoError(t, err)
		require.Nil(t, sig)
		require.Equal(t, v.Type, tx.Type)
		require.Equal(t, v.ChainID, tx.ChainID.Int64())
		digest := must(tx.SignHash())
		raw := must(tx.Signed(key.signature(digest)))
		require.Equal(t, v.Signed, "0x"+hex.EncodeToString(raw))
		hash := keccak.Sum256(raw)
		require.Equal(t, v.Hash, "0x"+hex.EncodeToString(hash[:]))

		again, sig, err := ParseTransaction(raw)
		require.NoError(t, err)
		require.Equal(t, tx, again)
		from, err := sig.Recover(digest)
		require.NoError(t, err)
		require.Equal(t, v.From, from.String())
	}
}

// Commands that were recorded without a session.
func TestRecordedCommands(t *testing.T) {
	recorded := map[string]string{}
	for _, a := range vectors.APDUs {
		recorded[a.Name] = a.APDU
	}
	keyAnswer := vectors.Sessions[0].Exchanges[1].Rsp
	exchange := func(cmd, rsp string) struct{ Cmd, Rsp string } { return struct{ Cmd, Rsp string }{cmd, rsp} }
	prelude := []struct{ Cmd, Rsp string }{
		exchange(recorded["eth select"], "9000"), exchange(recorded["eth xpub m/44'/60'/0'/0/0 verify=0"], keyAnswer),
	}
	with := func(more ...struct{ Cmd, Rsp string }) []struct{ Cmd, Rsp string } {
		return append(append([]struct{ Cmd, Rsp string }{}, prelude...), more...)
	}
	t.Run("show the address", func(t *testing.T) {
		replay(t, with(exchange(recorded["eth register address (ascii)"], "9000")), func(t *testing.T, e *Ethereum) {
			_, err := e.Account(t.Context(), BIP44(0), true)
			require.NoError(t, err)
		})
	})
	// The device's signatures over these requests were not recorded. The test wallet makes them.
	to := must(ParseAddress("0x3535353535353535353535353535353535353535"))
	tx := &Transaction{ChainID: big.NewInt(42), Nonce: 0x0223, GasPrice: decimal("10000000000"), Gas: 21000, To: &to,
		Value: decimal("100000000000000000")}
	rlp := "ee8202238502540be40082520894353535353535353535353535353535353535353588016345785d8a0000802a8080"
	unsigned := must(tx.Unsigned())
	require.Equal(t, rlp, hex.EncodeToString(unsigned))
	answer := "41" + hex.EncodeToString(testWallet().derive(BIP44(0)).sign(keccak.Sum256(unsigned), true)) + "9000"
	t.Run("a transaction", func(t *testing.T) {
		replay(t, with(exchange(recorded["eth prepare 0x51 (preview TLV, unbound)"], "9000"), exchange(recorded["eth sign"], answer)),
			func(t *testing.T, e *Ethereum) {
				got, err := e.SignTransaction(t.Context(), Signer{Path: BIP44(0)}, tx, Ether, nil)
				require.NoError(t, err)
				require.Equal(t, "0x6031564e7b2F5cc33737807b2E58DaFF870B590b", got.From.String())
			})
	})
	t.Run("bytes", func(t *testing.T) {
		replay(t, with(exchange(recorded["eth prepare 0x54 (unbound)"], "9000"), exchange(recorded["eth personal sign"], answer)),
			func(t *testing.T, e *Ethereum) {
				_, err := e.signMessage(t.Context(), Signer{Path: BIP44(0)}, unsigned, true)
				require.NoError(t, err)
			})
	})
}
