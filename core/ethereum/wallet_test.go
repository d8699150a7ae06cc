package ethereum

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"
	"github.com/tyler-smith/go-bip39"

	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey/hdkeytest"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
)

// vectors are values that were recorded from real devices or computed from public sources.
var vectors = func() (v struct {
	TestWallet struct{ Mnemonic string }
	Sessions   []struct {
		Name, Path string
		Exchanges  []struct{ Cmd, Rsp string }
		Expect     struct {
			Address, Pubkey, SignedTx, TxHash, Signature string
			Input                                        struct {
				To, Value, Data, GasLimit, GasPrice, Nonce, ChainID, Message string
			}
		}
	} `json:"recordedSessions"`
	SE struct {
		Key string `json:"recoveredSEPublicKey"`
	} `json:"seSignedXpub"`
	Ethereum []struct {
		Kind, Unsigned, Signed, Hash, From, Message, Signature string
		Type                                                   Type
		ChainID                                                int64
	}
	APDUs []struct{ Name, APDU, Data string }
}) {
	b, err := os.ReadFile("../testdata/vectors/imkey.json")
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		panic(err)
	}
	return v
}()

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	require.NoError(t, err)
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// requireInvalid asserts that err has code invalid-argument at this place.
func requireInvalid(t testing.TB, at string, err error) {
	t.Helper()
	require.ErrorIs(t, err, errcode.InvalidArgument)
	e, ok := err.(*errcode.Error)
	require.True(t, ok)
	require.Equal(t, at, e.Data["at"], err.Error())
	require.NotEmpty(t, e.Data["reason"])
}

// testWallet is the wallet of the recorded devices.
func testWallet() node { return node{hdkeytest.Master(bip39.NewSeed(vectors.TestWallet.Mnemonic, ""))} }

// node is a private key that signs as secure elements do.
type node struct{ hdkeytest.Key }

func (n node) derive(p hdpath.Path) node { return node{n.Derive(p)} }

func (n node) public() secp256k1.PublicKey { return secp256k1.PublicKey(n.Public()) }

// sign signs with RFC 6979 nonces and, if high is set, with s in the upper half. The answer is r ‖ s ‖ recovery id.
func (n node) sign(digest [32]byte, high bool) []byte {
	compact := ecdsa.SignCompact(n.Private, digest[:], false)
	b := append(compact[1:len(compact):len(compact)], compact[0]-27)
	if high {
		var s decred.ModNScalar
		s.SetByteSlice(b[32:64])
		raw := s.Negate().Bytes()
		copy(b[32:64], raw[:])
		b[64] ^= 1
	}
	return b
}

// signature returns the signature that core makes of sign's answer.
func (n node) signature(digest [32]byte) Signature {
	b := n.sign(digest, false)
	return Signature{[32]byte(b[:32]), [32]byte(b[32:64]), b[64]}
}
