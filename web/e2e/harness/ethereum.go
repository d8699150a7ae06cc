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

// FirstAddress and SecondAddress are the addresses of the test wallet, [TestPhrase], at m/44'/60'/0'/0/0 and m/44'/60'/0'/0/1.
const FirstAddress, SecondAddress = "0x6031564e7b2F5cc33737807b2E58DaFF870B590b", "0x80427Ae1f55bCf60ee4CD2db7549b8BC69a74303"

// TestPhrase returns the mnemonic phrase of the test wallet, whose addresses and signatures were recorded on real devices.
func TestPhrase(t *testing.T) string {
	b, err := os.ReadFile(RepoPath("core/testdata/vectors/imkey.json"))
	require.NoError(t, err)
	var vectors struct{ TestWallet struct{ Mnemonic string } }
	require.NoError(t, json.Unmarshal(b, &vectors))
	return vectors.TestWallet.Mnemonic
}

// HexBytes are bytes that are 0x and hex digits in JSON.
type HexBytes []byte

// MarshalText implements [encoding.TextMarshaler].
func (b HexBytes) MarshalText() ([]byte, error) { return []byte("0x" + hex.EncodeToString(b)), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (b *HexBytes) UnmarshalText(text []byte) (err error) {
	digits, ok := strings.CutPrefix(string(text), "0x")
	if !ok {
		return fmt.Errorf("%q is not 0x and hex digits", text)
	}
	*b, err = hex.DecodeString(digits)
	return err
}

// Signer returns the lower-case address that signed a digest of 32 bytes. signature is 0x and the hex digits of r, s and v,
// where v is 27 or 28. It uses another library than core.
func Signer(t *testing.T, digest []byte, signature string) string {
	t.Helper()
	var b HexBytes
	require.NoError(t, b.UnmarshalText([]byte(signature)))
	require.Len(t, b, 65)
	key, _, err := ecdsa.RecoverCompact(append([]byte{b[64]}, b[:64]...), digest)
	require.NoError(t, err)
	return "0x" + hex.EncodeToString(Keccak(key.SerializeUncompressed()[1:])[12:])
}

// PersonalDigest returns the digest of a message for personal_sign (EIP-191, version 0x45).
func PersonalDigest(message string) []byte {
	return Keccak(fmt.Appendf(nil, "\x19Ethereum Signed Message:\n%d%s", len(message), message))
}

// DemoPhrase is the mnemonic phrase that many wallets use in their tests, and DemoAddress the address at m/44'/60'/0'/0/0.
const (
	DemoPhrase  = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	DemoAddress = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
)

// Mail is the typed data of the example in EIP-712, as a JavaScript object.
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

// MailDigest is the digest of Mail that EIP-712 gives, in hex.
const MailDigest = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"

// Keccak returns the Keccak-256 digest.
func Keccak(b []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return h.Sum(nil)
}
