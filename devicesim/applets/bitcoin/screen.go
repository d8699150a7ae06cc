package bitcoin

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// network is how the addresses of a chain and its amounts are written.
type network struct {
	symbol string
	params *chaincfg.Params
}

var networks = []network{
	{"BTC", &chaincfg.MainNetParams},
	{"BTC", &chaincfg.TestNet3Params},
	{"DOGE", &chaincfg.Params{PubKeyHashAddrID: 0x1E, ScriptHashAddrID: 0x16}},
	{"DOGE", &chaincfg.Params{PubKeyHashAddrID: 0x71, ScriptHashAddrID: 0xC4}},
}

// networkOf returns the network of a coin that writes a script as an address with a version: the first byte in base 58, or the
// first letter of bech32. A script that is no address may have any version of the network.
func networkOf(symbol string, version byte, script []byte) (n network, ok bool) {
	class := txscript.GetScriptClass(script)
	for _, n := range networks {
		if n.symbol != symbol {
			continue
		}
		var is bool
		switch class {
		case txscript.PubKeyHashTy:
			is = version == n.params.PubKeyHashAddrID
		case txscript.ScriptHashTy:
			is = version == n.params.ScriptHashAddrID
		case txscript.WitnessV0PubKeyHashTy, txscript.WitnessV0ScriptHashTy, txscript.WitnessV1TaprootTy:
			is = n.isLetter(version)
		default:
			is = version == n.params.PubKeyHashAddrID || version == n.params.ScriptHashAddrID || n.isLetter(version)
		}
		if is {
			return n, true
		}
	}
	return network{}, false
}

// isLetter reports whether a version is the first letter of the network's addresses in bech32. Dogecoin has none.
func (n network) isLetter(version byte) bool {
	return n.params.Bech32HRPSegwit != "" && version == n.params.Bech32HRPSegwit[0]
}

// texts returns what the user reads of an output.
func (n network) texts(out *wire.TxOut) []string {
	pay := "Pay: " + n.amount(uint64(out.Value))
	class, addresses, _, err := txscript.ExtractPkScriptAddrs(out.PkScript, n.params)
	switch {
	case err == nil && len(addresses) == 1 && class != txscript.PubKeyTy && class != txscript.MultiSigTy &&
		(n.params.Bech32HRPSegwit != "" || !txscript.IsWitnessProgram(out.PkScript)):
		return []string{pay, "To: " + addresses[0].EncodeAddress()}
	case len(out.PkScript) > 0 && out.PkScript[0] == txscript.OP_RETURN:
		data := "Data: " + hex.EncodeToString(out.PkScript[1:])
		if out.Value == 0 {
			return []string{data}
		}
		return []string{pay, data}
	}
	return []string{pay, "Script: " + hex.EncodeToString(out.PkScript)}
}

// amount writes an amount exactly, with at least one decimal place and no trailing zeros after that: 1.0 BTC.
func (n network) amount(v uint64) string {
	fraction := strings.TrimRight(strconv.FormatUint(100_000_000+v%100_000_000, 10)[1:], "0")
	if fraction == "" {
		fraction = "0"
	}
	return strconv.FormatUint(v/100_000_000, 10) + "." + fraction + " " + n.symbol
}

// scriptsOf returns the scripts of the four kinds of address of an uncompressed public key.
func scriptsOf(point []byte) ([][]byte, error) {
	key, err := secp256k1.ParsePubKey(point)
	if err != nil {
		return nil, err
	}
	hash := address.Hash160(key.SerializeCompressed())
	witness := slices.Concat([]byte{txscript.OP_0, 20}, hash)
	taproot, err := txscript.PayToTaprootScript(txscript.ComputeTaprootKeyNoScript(key))
	return [][]byte{keyHashScript(hash), scriptHashScript(witness), witness, taproot}, err
}

func keyHashScript(hash []byte) []byte {
	return slices.Concat([]byte{txscript.OP_DUP, txscript.OP_HASH160, 20}, hash, []byte{txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG})
}

func scriptHashScript(redeem []byte) []byte {
	return slices.Concat([]byte{txscript.OP_HASH160, 20}, address.Hash160(redeem), []byte{txscript.OP_EQUAL})
}

// texts returns what the user reads before a transaction: the recipient, every other output but the wallet's own, and the fee.
// The fee of a transaction without amounts is the host's.
func (t *transaction) texts(own map[string]bool) (texts []string) {
	for i, out := range t.shown {
		if i == 0 || t.psbt || !own[string(out.PkScript)] {
			texts = append(texts, t.network.texts(out)...)
		}
	}
	if t.psbt {
		if len(t.shown) == 0 && t.paid == 0 && t.fee == 0 && t.spent() == 0 {
			// BIP-322: the message is in the transaction that the only input spends.
			return []string{"Sign message:\n" + t.inputs[0].PreviousOutPoint.Hash.String()}
		}
		if rest := t.spent() - t.paid - t.fee; rest > 0 {
			texts = append(texts, "Not shown: "+t.network.amount(rest))
		}
	}
	return append(texts, "Fee: "+t.network.amount(t.fee))
}
