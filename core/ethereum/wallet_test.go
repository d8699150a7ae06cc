package ethereum

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
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
	"imkey-connect/core/secp256k1"
)

// vectors is what was recorded from real devices, and computed from public sources.
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

// requireInvalid asserts that err is invalid-argument and says where.
func requireInvalid(t testing.TB, at string, err error) {
	t.Helper()
	require.ErrorIs(t, err, errcode.InvalidArgument)
	e, ok := err.(*errcode.Error)
	require.True(t, ok)
	require.Equal(t, at, e.Data["at"], err.Error())
	require.NotEmpty(t, e.Data["reason"])
}

// node is a private BIP-32 key, on the other curve library, so that core's derivation has a judge.
type node struct {
	key   decred.ModNScalar
	chain [32]byte
}

func split(mac []byte) (n node) {
	n.key.SetByteSlice(mac[:32])
	n.chain = [32]byte(mac[32:])
	return n
}

func hmac512(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha512.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func master(seed []byte) node { return split(hmac512([]byte("Bitcoin seed"), seed)) }

// testWallet is the wallet of the recorded devices.
func testWallet() node { return master(bip39.NewSeed(vectors.TestWallet.Mnemonic, "")) }

func (n node) private() *decred.PrivateKey { return decred.NewPrivateKey(&n.key) }

func (n node) public() secp256k1.PublicKey {
	return secp256k1.PublicKey(n.private().PubKey().SerializeUncompressed())
}

func (n node) derive(p Path) node {
	for _, c := range p {
		data := n.private().PubKey().SerializeCompressed()
		if c&Hardened != 0 {
			data = append([]byte{0}, n.private().Serialize()...)
		}
		child := split(hmac512(n.chain[:], data, binary.BigEndian.AppendUint32(nil, c)))
		child.key.Add(&n.key)
		n = child
	}
	return n
}

// sign signs as secure elements do: with RFC 6979 nonces and, half of the time, with s in the upper half. The answer is
// r ‖ s ‖ recovery id.
func (n node) sign(digest [32]byte, high bool) []byte {
	compact := ecdsa.SignCompact(n.private(), digest[:], false)
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

// signature is what core makes of sign's answer.
func (n node) signature(digest [32]byte) Signature {
	b := n.sign(digest, false)
	return Signature{[32]byte(b[:32]), [32]byte(b[32:64]), b[64]}
}
