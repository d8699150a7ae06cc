package simtest_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/bitcoin"
	"imkey-connect/core/hdpath"
	"imkey-connect/devicesim/device"
)

// addressOf returns the address of a type for a key, by btcsuite.
func addressOf(t *testing.T, typ bitcoin.Type, path string, net *chaincfg.Params) string {
	t.Helper()
	key := bitcoinKey(t, path)
	hash := address.Hash160(key.SerializeCompressed())
	var a address.Address
	var err error
	switch typ {
	case bitcoin.P2PKH:
		a, err = address.NewAddressPubKeyHash(hash, net)
	case bitcoin.P2SHP2WPKH:
		a, err = address.NewAddressScriptHash(append([]byte{0, 20}, hash...), net)
	case bitcoin.P2WPKH:
		a, err = address.NewAddressWitnessPubKeyHash(hash, net)
	default:
		a, err = address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootOutputKey(key, nil)), net)
	}
	require.NoError(t, err)
	return a.EncodeAddress()
}

// TestBitcoinSiblings compares addresses of accounts, types and networks that no vector has with btcsuite, at the paths of every type, and
// has btcsuite verify messages of each scheme.
func TestBitcoinSiblings(t *testing.T) {
	_, h, b, _ := bitcoinWallet(t, device.Options{Approve: device.Yes})
	r := rand.New(rand.NewPCG(14, 20))
	accounts := []uint32{1, 2, uint32(3 + r.IntN(17)), 20}
	if os.Getenv("IMKEY_FULL") != "" {
		accounts = nil
		for n := range uint32(20) {
			accounts = append(accounts, n+1)
		}
	}
	nets := map[bitcoin.Network]*chaincfg.Params{bitcoin.Mainnet: &chaincfg.MainNetParams, bitcoin.Testnet: &chaincfg.TestNet3Params, bitcoin.Regtest: &chaincfg.RegressionNetParams}
	count := 0
	for network, net := range nets {
		for _, account := range accounts {
			for at := bitcoin.P2PKH; at <= bitcoin.P2TR; at++ {
				path := bitcoin.BIP44(at, network, uint32(r.IntN(1<<31)))
				path[2], path[3] = account|hdpath.Hardened, uint32(r.IntN(2))
				for typ := bitcoin.P2PKH; typ <= bitcoin.P2TR; typ++ {
					a, err := b.Account(h.ctx, path, typ, network, false)
					require.NoError(t, err)
					require.Equal(t, addressOf(t, typ, path.String(), net), a.Address, "%s at %s", typ, path)
					script, err := network.ParseAddress(a.Address)
					require.NoError(t, err)
					require.Equal(t, scriptFor(t, typ, bitcoinKey(t, path.String()), nil), script)
					count++
				}
			}
		}
	}
	messages := []string{"a", "0x48656c6c6f", "grüße 你好", string(bytes.Repeat([]byte("long "), 200)), "line\nline\x00"}
	for _, scheme := range []bitcoin.Scheme{bitcoin.Standard, bitcoin.BIP137, bitcoin.BIP322, bitcoin.BIP322Full} {
		for typ := bitcoin.P2PKH; typ <= bitcoin.P2TR; typ++ {
			if (scheme >= bitcoin.BIP322) != (typ == bitcoin.P2TR) && (scheme < bitcoin.BIP322 || typ != bitcoin.P2WPKH) {
				continue
			}
			for i, message := range messages {
				path := bitcoin.BIP44(typ, bitcoin.Mainnet, uint32(i))
				path[2] = accounts[i%len(accounts)] | hdpath.Hardened
				signed, err := b.SignMessage(h.ctx, bitcoin.MessageSigner{Path: path, Scheme: scheme}, []byte(message))
				require.NoError(t, err)
				require.Equal(t, addressOf(t, typ, path.String(), &chaincfg.MainNetParams), signed.Address)
				raw, err := base64.StdEncoding.DecodeString(signed.Signature)
				require.NoError(t, err)
				if scheme >= bitcoin.BIP322 {
					requireBIP322(t, scriptFor(t, typ, bitcoinKey(t, path.String()), nil), message, raw, scheme == bitcoin.BIP322Full)
				} else {
					requireBIP137(t, typ, path.String(), message, raw, scheme == bitcoin.Standard)
				}
				count++
			}
		}
	}
	t.Logf("%d addresses and messages", count)
}

// requireBIP137 recovers the key of a signature, as verifiers do.
func requireBIP137(t *testing.T, typ bitcoin.Type, path, message string, raw []byte, standard bool) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, wire.WriteVarString(&b, 0, "Bitcoin Signed Message:\n"))
	require.NoError(t, wire.WriteVarString(&b, 0, message))
	require.Len(t, raw, 65)
	first := byte(31)
	if !standard {
		first += 4 * byte(typ-bitcoin.P2PKH)
	}
	require.Contains(t, []byte{first, first + 1}, raw[0], "%s", typ)
	compact := append([]byte{raw[0] - first + 31}, raw[1:]...)
	key, compressed, err := ecdsa.RecoverCompact(compact, chainhash.DoubleHashB(b.Bytes()))
	require.NoError(t, err)
	require.True(t, compressed)
	require.True(t, key.IsEqual(bitcoinKey(t, path)), "%s %q", typ, message)
}

// requireBIP322 has the script engine run the signature of BIP-322 over the script.
func requireBIP322(t *testing.T, script []byte, message string, raw []byte, full bool) {
	t.Helper()
	hash := chainhash.TaggedHash([]byte("BIP0322-signed-message"), []byte(message))
	toSpend := wire.NewMsgTx(0)
	toSpend.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 0xFFFFFFFF}, SignatureScript: append([]byte{0, 32}, hash[:]...)})
	toSpend.AddTxOut(wire.NewTxOut(0, script))
	toSign := wire.NewMsgTx(0)
	toSign.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: toSpend.TxHash()}})
	toSign.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN}))
	if full {
		given := wire.NewMsgTx(0)
		require.NoError(t, given.Deserialize(bytes.NewReader(raw)))
		require.Equal(t, toSign.TxHash(), given.TxHash(), fmt.Sprintf("%q", message))
		toSign = given
	} else {
		r := bytes.NewReader(raw)
		n, err := wire.ReadVarInt(r, 0)
		require.NoError(t, err)
		for range n {
			item, err := wire.ReadVarBytes(r, 0, 1000, "item")
			require.NoError(t, err)
			toSign.TxIn[0].Witness = append(toSign.TxIn[0].Witness, item)
		}
		require.Zero(t, r.Len())
	}
	fetcher := txscript.NewCannedPrevOutputFetcher(script, 0)
	engine, err := txscript.NewEngine(script, toSign, 0, txscript.StandardVerifyFlags, nil, txscript.NewTxSigHashes(toSign, fetcher), 0, fetcher)
	require.NoError(t, err)
	require.NoError(t, engine.Execute(), "%q", message)
}
