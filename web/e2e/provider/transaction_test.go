package provider

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/hd"
	"imkey-connect/devicesim/rlp"
	"imkey-connect/web/e2e/harness"
)

// TestTransactionKeepsItsType checks the type of the transaction that is signed, for every kind of fee.
func TestTransactionKeepsItsType(t *testing.T) {
	t.Parallel()
	_, n, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.Accounts()
	for params, wanted := range map[string]byte{
		`{ to: '` + harness.SecondAddress + `', value: '0x1' }`:                                                     2,
		`{ to: '` + harness.SecondAddress + `', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1' }`:          2,
		`{ to: '` + harness.SecondAddress + `', type: '0x2', value: '0x10' }`:                                       2,
		`{ to: '` + harness.SecondAddress + `', gasPrice: '0x77359400', accessList: [] }`:                           0,
		`{ to: '` + harness.SecondAddress + `', gasPrice: '0x77359400', type: '0x1', accessList: [] }`:              1,
		`{ to: '` + harness.SecondAddress + `', gasPrice: '0x77359400' }`:                                           0,
		`{ data: '0x6000', value: '0x0', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1', gas: '0x186a0' }`: 2,
	} {
		hash := d.Request("eth_sendTransaction", "["+params+"]").Text(t)
		raw := n.TakeSent()
		require.Len(t, raw, 1, params)
		require.Equal(t, "0x"+hex.EncodeToString(harness.Keccak(raw[0])), hash, "the hash is that of the transaction")
		kind, _ := parts(t, raw[0])
		require.Equal(t, wanted, kind, params)
		require.Equal(t, strings.ToLower(harness.FirstAddress), sender(t, raw[0]), params)
	}
}

// TestSignatureHasNoLeadingZeros signs transactions whose r or s begins with a zero byte, which nodes accept only without that
// byte. The nonces that lead to such a signature are found with the wallet's own key, and anvil mines the transactions.
func TestSignatureHasNoLeadingZeros(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t), Approve: device.Yes})
	s.ServeDapp()
	n := harness.StartAnvil(t, harness.FirstAddress)
	d := s.OpenDapp(harness.BrowserOptions{}, n.URL, "chains: [{ chainId: "+n.ChainID()+", rpcUrls: [rpc] }]")
	d.Pair()
	d.Accounts()
	chain, ok := new(big.Int).SetString(n.ChainID(), 10)
	require.True(t, ok)
	key := walletKey(t, "m/44'/60'/0'/0/0")
	for name, short := range map[string]func(r, s []byte) bool{
		"r": func(r, _ []byte) bool { return r[0] == 0 },
		"s": func(_, s []byte) bool { return s[0] == 0 },
	} {
		nonce := uint64(0)
		for ; ; nonce++ {
			b := ecdsa.SignCompact(key, harness.Keccak(unsigned(chain, nonce)), false)
			if short(b[1:33], b[33:]) {
				break
			}
		}
		n.Call(nil, "anvil_setNonce", harness.FirstAddress, fmt.Sprintf("0x%x", nonce))
		params := fmt.Sprintf(`[{ from: %q, to: %q, value: '0x1', nonce: '0x%x', gas: '0x5208', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1' }]`,
			harness.FirstAddress, harness.SecondAddress, nonce)
		raw := d.Request("eth_signTransaction", params).Text(t)
		var b harness.HexBytes
		require.NoError(t, b.UnmarshalText([]byte(raw)))
		_, f := parts(t, b)
		require.Equal(t, unsigned(chain, nonce), append([]byte{2}, list(f[:9]...)...), "the transaction is the requested one")
		item := map[string]rlp.Item{"r": f[10], "s": f[11]}[name]
		require.Less(t, len(item.Bytes), 32, "%s at nonce %d", name, nonce)
		require.True(t, item.Integer(32), "%s has no leading zero", name)

		hash := d.Request("eth_sendTransaction", params).Text(t)
		receipt := n.Receipt(hash)
		require.Equal(t, "0x1", receipt.Status)
		require.True(t, strings.EqualFold(harness.FirstAddress, receipt.From))
		t.Logf("%s is short at nonce %d", name, nonce)
	}
}

// parts returns the type and the fields of a signed transaction. The decoder is the simulator's.
func parts(t *testing.T, raw []byte) (kind byte, f []rlp.Item) {
	t.Helper()
	require.NotEmpty(t, raw)
	body := raw
	if raw[0] < 0x80 {
		kind, body = raw[0], raw[1:]
	}
	item, err := rlp.Decode(body)
	require.NoError(t, err, "%x", raw)
	require.True(t, item.List)
	return kind, item.Items
}

// sender returns the address that signed a transaction of type 0 (with EIP-155), 1 or 2.
func sender(t *testing.T, raw []byte) string {
	t.Helper()
	kind, f := parts(t, raw)
	signed, signature := f[:len(f)-3], f[len(f)-3:]
	v := new(big.Int).SetBytes(signature[0].Bytes)
	var digest []byte
	if kind == 0 {
		v.Sub(v, big.NewInt(35))
		chain := new(big.Int).Rsh(v, 1)
		require.EqualValues(t, harness.FakeChain, chain.Int64())
		v.And(v, big.NewInt(1))
		digest = harness.Keccak(list(append(signed[:6:6], rlp.Item{Bytes: chain.Bytes()}, rlp.Item{}, rlp.Item{})...))
	} else {
		digest = harness.Keccak(append([]byte{kind}, list(signed...)...))
	}
	require.True(t, signature[1].Integer(32) && signature[2].Integer(32), "no leading zeros")
	compact := make([]byte, 65)
	compact[64] = byte(27 + v.Uint64())
	copy(compact[32-len(signature[1].Bytes):], signature[1].Bytes)
	copy(compact[64-len(signature[2].Bytes):64], signature[2].Bytes)
	require.LessOrEqual(t, new(big.Int).SetBytes(compact[32:64]).Cmp(new(big.Int).Rsh(secp256k1.Params().N, 1)), 0, "s is in the lower half of the group order")
	return harness.Signer(t, digest, "0x"+hex.EncodeToString(compact))
}

// list encodes items as an RLP list.
func list(items ...rlp.Item) []byte {
	var body []byte
	for _, item := range items {
		switch {
		case item.List:
			body = append(body, list(item.Items...)...)
		case len(item.Bytes) == 1 && item.Bytes[0] < 0x80:
			body = append(body, item.Bytes[0])
		default:
			body = append(append(body, prefix(0x80, len(item.Bytes))...), item.Bytes...)
		}
	}
	return append(prefix(0xC0, len(body)), body...)
}

// prefix encodes the length of a string (offset 0x80) or of a list (offset 0xC0).
func prefix(offset byte, n int) []byte {
	if n < 56 {
		return []byte{offset + byte(n)}
	}
	size := big.NewInt(int64(n)).Bytes()
	return append([]byte{offset + 55 + byte(len(size))}, size...)
}

// unsigned returns the transaction of TestSignatureHasNoLeadingZeros without its signature.
func unsigned(chain *big.Int, nonce uint64) []byte {
	number := func(n int64) rlp.Item { return rlp.Item{Bytes: big.NewInt(n).Bytes()} }
	to, _ := hex.DecodeString(harness.SecondAddress[2:])
	return append([]byte{2}, list(rlp.Item{Bytes: chain.Bytes()}, rlp.Item{Bytes: new(big.Int).SetUint64(nonce).Bytes()},
		number(1), number(0x77359400), number(21000), rlp.Item{Bytes: to}, number(1), rlp.Item{}, rlp.Item{List: true})...)
}

// walletKey returns the test wallet's private key at a path.
func walletKey(t *testing.T, path string) *secp256k1.PrivateKey {
	master, err := hd.FromMnemonic(harness.TestPhrase(t))
	require.NoError(t, err)
	indexes, err := hd.ParsePath(path)
	require.NoError(t, err)
	key, err := master.Derive(indexes)
	require.NoError(t, err)
	return key.Private()
}
