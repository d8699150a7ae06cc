package oracle

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/ethereum"
	"imkey-connect/core/ethereum/rlp"
	"imkey-connect/core/keccak"
	"imkey-connect/core/secp256k1"
)

// testcases returns the folder of the files of the npm package @ethersproject/testcases: the one that IMKEY_ETHERS_TESTCASES names,
// or that in which `npm ci` installs the package.
func testcases(t *testing.T) string {
	if dir := os.Getenv("IMKEY_ETHERS_TESTCASES"); dir != "" {
		return dir
	}
	var found []string
	for _, pattern := range []string{"../../../web/node_modules", "../../../web/*/node_modules", "node_modules"} {
		more, err := filepath.Glob(pattern + "/@ethersproject/testcases/testcases")
		require.NoError(t, err)
		found = append(found, more...)
	}
	require.NotEmpty(t, found, "run `npm ci` in web, or set IMKEY_ETHERS_TESTCASES to the testcases folder of the npm package @ethersproject/testcases")
	return found[0]
}

// read reads one file of the package.
func read(t *testing.T, name string, into any) {
	f, err := os.Open(filepath.Join(testcases(t), name+".json.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(z).Decode(into))
}

// skipped has the names of the cases that do not apply, by reason.
type skipped map[string][]string

// report logs how many cases ran and which did not.
func (s skipped) report(t *testing.T, what string, n int) {
	t.Logf("%d %s", n, what)
	for reason, names := range s {
		t.Logf("skipped %d cases: %s: %s", len(names), reason, strings.Join(names, " "))
	}
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	require.NoError(t, err)
	return b
}

// number reads a quantity of the package: hex, possibly with leading zeros or empty.
func number(t *testing.T, s string) *big.Int {
	n := new(big.Int)
	if s = strings.TrimPrefix(s, "0x"); s != "" {
		_, ok := n.SetString(s, 16)
		require.True(t, ok, s)
	}
	return n
}

// sign signs with a private key as the package does: RFC 6979, low s.
func sign(t *testing.T, private string, digest [32]byte) ethereum.Signature {
	key, err := crypto.ToECDSA(unhex(t, private))
	require.NoError(t, err)
	raw, err := crypto.Sign(digest[:], key)
	require.NoError(t, err)
	return ethereum.Signature{R: [32]byte(raw[:32]), S: [32]byte(raw[32:64]), YParity: raw[64]}
}

func TestEthersAccounts(t *testing.T) {
	var cases []struct{ Name, Address, ChecksumAddress, IcapAddress, PrivateKey string }
	read(t, "accounts", &cases)
	for _, c := range cases {
		for _, text := range []string{c.Address, c.ChecksumAddress} {
			a, err := ethereum.ParseAddress(text)
			require.NoError(t, err, c.Name)
			require.Equal(t, c.ChecksumAddress, a.String(), c.Name)
		}
		if c.PrivateKey == "" {
			continue
		}
		key, err := secp256k1.ParsePrivateKey(unhex(t, c.PrivateKey))
		require.NoError(t, err, c.Name)
		require.Equal(t, c.ChecksumAddress, ethereum.AddressOf(key.Public()).String(), c.Name)
	}
	skipped{}.report(t, "accounts; their ICAP form, which is obsolete, is not compared", len(cases))
}

func TestEthersRLP(t *testing.T) {
	var cases []struct {
		Name, Encoded string
		Decoded       any
	}
	read(t, "rlp-coder", &cases)
	var item func(v any) rlp.Item
	item = func(v any) rlp.Item {
		list, ok := v.([]any)
		if !ok {
			return rlp.String(unhex(t, v.(string)))
		}
		i := rlp.List()
		for _, e := range list {
			i.List = append(i.List, item(e))
		}
		return i
	}
	for _, c := range cases {
		want := unhex(t, c.Encoded)
		require.Equal(t, want, item(c.Decoded).Encode(), c.Name)
		got, err := rlp.Decode(want)
		require.NoError(t, err, c.Name)
		require.Equal(t, want, got.Encode(), c.Name)
	}
	skipped{}.report(t, "RLP items", len(cases))
}

func TestEthersTransactions(t *testing.T) {
	var cases []struct {
		Name, AccountAddress, PrivateKey, To, Data, GasLimit, GasPrice, Value, Nonce                   string
		UnsignedTransaction, UnsignedTransactionChainID5, SignedTransaction, SignedTransactionChainID5 string
	}
	read(t, "transactions", &cases)
	skip, n := skipped{}, 0
	for _, c := range cases {
		if !number(t, c.GasLimit).IsUint64() {
			const reason = "a gas limit of 2^64 or more, which no chain knows"
			skip[reason] = append(skip[reason], c.Name)
			continue
		}
		tx := &ethereum.Transaction{Nonce: number(t, c.Nonce).Uint64(), GasPrice: number(t, c.GasPrice), Gas: number(t, c.GasLimit).Uint64(), Value: number(t, c.Value), Data: unhex(t, c.Data)}
		if c.To != "" && c.To != "0x" {
			to, err := ethereum.ParseAddress(c.To)
			require.NoError(t, err, c.Name)
			tx.To = &to
		}
		for _, form := range []struct {
			chain            *big.Int
			unsigned, signed string
		}{{nil, c.UnsignedTransaction, c.SignedTransaction}, {big.NewInt(5), c.UnsignedTransactionChainID5, c.SignedTransactionChainID5}} {
			tx.ChainID = form.chain
			requireTransaction(t, c.Name, tx, c.PrivateKey, form.unsigned, form.signed, c.AccountAddress)
			n++
		}
	}
	skip.report(t, "transactions of type 0, with and without EIP-155", n)
}

// requireTransaction compares a transaction with its two encodings and its sender.
func requireTransaction(t *testing.T, name string, tx *ethereum.Transaction, private, unsigned, signed, from string) {
	t.Helper()
	got, err := tx.Unsigned()
	require.NoError(t, err, name)
	require.Equal(t, unsigned, "0x"+hex.EncodeToString(got), name)
	digest := keccak.Sum256(got)
	sig := sign(t, private, digest)
	got, err = tx.Signed(sig)
	require.NoError(t, err, name)
	require.Equal(t, signed, "0x"+hex.EncodeToString(got), name)
	back, backSig, err := ethereum.ParseTransaction(got)
	require.NoError(t, err, name)
	again, err := back.Signed(*backSig)
	require.NoError(t, err, name)
	require.Equal(t, got, again, name)
	backDigest, err := back.SignHash()
	require.NoError(t, err, name)
	sender, err := backSig.Recover(backDigest)
	require.NoError(t, err, name)
	require.Equal(t, strings.ToLower(from), strings.ToLower(sender.String()), name)
}

func TestEthersTypedTransactions(t *testing.T) {
	var cases []struct {
		Name, Address, Key, Signed, Unsigned string
		Tx                                   struct {
			Type                                                                    ethereum.Type
			Data, GasLimit, GasPrice, MaxPriorityFeePerGas, MaxFeePerGas, To, Value string
			Nonce                                                                   uint64
			ChainID                                                                 int64
			AccessList                                                              []struct {
				Address     string
				StorageKeys []string
			}
		}
	}
	read(t, "typed-transactions", &cases)
	for _, c := range cases {
		tx := &ethereum.Transaction{Type: c.Tx.Type, ChainID: big.NewInt(c.Tx.ChainID), Nonce: c.Tx.Nonce, Gas: number(t, c.Tx.GasLimit).Uint64(), Value: number(t, c.Tx.Value), Data: unhex(t, c.Tx.Data)}
		if tx.Type == ethereum.TypeAccessList {
			tx.GasPrice = number(t, c.Tx.GasPrice)
		} else {
			tx.MaxPriorityFeePerGas, tx.MaxFeePerGas = number(t, c.Tx.MaxPriorityFeePerGas), number(t, c.Tx.MaxFeePerGas)
		}
		if c.Tx.To != "" {
			to, err := ethereum.ParseAddress(c.Tx.To)
			require.NoError(t, err, c.Name)
			tx.To = &to
		}
		for _, a := range c.Tx.AccessList {
			address, err := ethereum.ParseAddress(a.Address)
			require.NoError(t, err, c.Name)
			tuple := ethereum.AccessTuple{Address: address}
			for _, k := range a.StorageKeys {
				tuple.StorageKeys = append(tuple.StorageKeys, [32]byte(unhex(t, k)))
			}
			tx.AccessList = append(tx.AccessList, tuple)
		}
		requireTransaction(t, c.Name, tx, c.Key, c.Unsigned, c.Signed, c.Address)
	}
	skipped{}.report(t, "transactions of types 1 and 2", len(cases))
}

func TestEthersTypedData(t *testing.T) {
	var cases []struct {
		Name, PrimaryType, Encoded, Digest, PrivateKey, Signature string
		Domain, Types, Data                                       map[string]any
	}
	read(t, "eip712", &cases)
	for _, c := range cases {
		c.Types["EIP712Domain"] = domainType(c.Domain) // ethers adds it before a wallet gets the document
		d, err := ethereum.HashTypedData(map[string]any{"types": c.Types, "primaryType": c.PrimaryType, "domain": c.Domain, "message": c.Data}, ethereum.V4)
		require.NoError(t, err, c.Name)
		digest := d.Digest()
		require.Equal(t, c.Digest, "0x"+hex.EncodeToString(digest[:]), c.Name)
		require.Equal(t, keccak.Sum256(unhex(t, c.Encoded)), d.StructHash, c.Name)
		if c.PrivateKey != "" {
			sig := sign(t, c.PrivateKey, digest).Bytes()
			require.Equal(t, c.Signature, "0x"+hex.EncodeToString(sig[:]), c.Name)
		}
	}
	skipped{}.report(t, "typed-data structures", len(cases))
}

// domainType returns the type of a domain: the fields that it has, in the order of EIP-712.
func domainType(domain map[string]any) []any {
	fields := []any{}
	for _, f := range [][2]string{{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}, {"verifyingContract", "address"}, {"salt", "bytes32"}} {
		if domain[f[0]] != nil {
			fields = append(fields, map[string]any{"name": f[0], "type": f[1]})
		}
	}
	return fields
}
