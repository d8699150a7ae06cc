package harness

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/sha3"
)

// The addresses of the test wallet at m/44'/60'/0'/0/0 and /1.
const FirstAddress, SecondAddress = "0x6031564e7b2F5cc33737807b2E58DaFF870B590b", "0x80427Ae1f55bCf60ee4CD2db7549b8BC69a74303"

// TestPhrase is the wallet whose addresses and signatures were recorded on real devices.
func TestPhrase(t *testing.T) string {
	b, err := os.ReadFile(RepoPath("core/testdata/vectors/imkey.json"))
	require.NoError(t, err)
	var vectors struct{ TestWallet struct{ Mnemonic string } }
	require.NoError(t, json.Unmarshal(b, &vectors))
	return vectors.TestWallet.Mnemonic
}

// HexBytes is bytes that are 0x and hex digits in JSON.
type HexBytes []byte

func (b HexBytes) MarshalText() ([]byte, error) { return []byte("0x" + hex.EncodeToString(b)), nil }

func (b *HexBytes) UnmarshalText(text []byte) (err error) {
	digits, ok := strings.CutPrefix(string(text), "0x")
	if !ok {
		return fmt.Errorf("%q is not 0x and hex digits", text)
	}
	*b, err = hex.DecodeString(digits)
	return err
}

// Signer recovers the address that signed a digest; signature is r, s and v as 27 or 28. The library is not core's.
func Signer(t *testing.T, digest []byte, signature string) string {
	t.Helper()
	var b HexBytes
	require.NoError(t, b.UnmarshalText([]byte(signature)))
	require.Len(t, b, 65)
	key, _, err := ecdsa.RecoverCompact(append([]byte{b[64]}, b[:64]...), digest)
	require.NoError(t, err)
	return "0x" + hex.EncodeToString(Keccak(key.SerializeUncompressed()[1:])[12:])
}

// PersonalDigest is the digest of a message by EIP-191.
func PersonalDigest(message string) []byte {
	return Keccak(fmt.Appendf(nil, "\x19Ethereum Signed Message:\n%d%s", len(message), message))
}

// The words that every wallet's tests know, and their first address.
const (
	DemoPhrase  = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	DemoAddress = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
)

// Mail is the typed data of the specification's example.
const Mail = `{
	types: {
		EIP712Domain: [{ name: 'name', type: 'string' }, { name: 'version', type: 'string' }, { name: 'chainId', type: 'uint256' }, { name: 'verifyingContract', type: 'address' }],
		Person: [{ name: 'name', type: 'string' }, { name: 'wallet', type: 'address' }],
		Mail: [{ name: 'from', type: 'Person' }, { name: 'to', type: 'Person' }, { name: 'contents', type: 'string' }],
	},
	primaryType: 'Mail',
	domain: { name: 'Ether Mail', version: '1', chainId: 1, verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC' },
	message: {
		from: { name: 'Cow', wallet: '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826' },
		to: { name: 'Bob', wallet: '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB' },
		contents: 'Hello, Bob!',
	},
}`

// MailDigest is what EIP-712 itself says of it.
const MailDigest = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"

func Keccak(b []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return h.Sum(nil)
}
