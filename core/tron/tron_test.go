package tron

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"
	"github.com/tyler-smith/go-bip39"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/hdkey/hdkeytest"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
	"imkey-connect/core/transport/transporttest"
)

// vector is a vector of one of the kinds: address, addressFromPublicKey, extendedPublicKey, message, transaction.
type vector struct {
	Kind, Name, Path, Address, PublicKey65, ChainCode, Network, Xpub string
	Header, Message, Hash, Signature, RawData, Payment, Receiver     string
	PayloadAfterBindingSignature                                     string
	APDUs                                                            []string `json:"apdusBoundExample"`
	Version                                                          int
	HighS                                                            bool `json:"rfc6979RawSHigh"`
}

// vectors are those of TRON. None was recorded from a device: those with a source are from the vendor's tests.
var vectors = func() (v struct {
	Mnemonic string
	Vectors  []vector
}) {
	var all struct{ Vectors []json.RawMessage }
	b, err := os.ReadFile("../testdata/vectors/coins.json")
	if err == nil {
		err = errors.Join(json.Unmarshal(b, &struct{ Mnemonic *string }{&v.Mnemonic}), json.Unmarshal(b, &all))
	}
	for _, raw := range all.Vectors {
		var of vector
		if bytes.Contains(raw, []byte(`"chain": "TRON"`)) {
			err = errors.Join(err, json.Unmarshal(raw, &of))
			v.Vectors = append(v.Vectors, of)
		}
	}
	if err != nil {
		panic(err)
	}
	return v
}()

// appKey is the app key of the vectors' binding signatures.
const appKey = "f85b222058bbefff888aaf7ad1d08b0c9c5ff719027f7db69859b72a17b28749"

// content returns a message's bytes as the vendor's host reads it, and its format.
func (v *vector) content(t testing.TB) ([]byte, Format) {
	message := []byte(v.Message)
	if digits, ok := strings.CutPrefix(v.Message, "0x"); ok {
		message = unhex(t, digits)
	}
	switch {
	case v.Header != "TRON":
		return message, V1Ethereum
	case v.Version == 2:
		return message, V2Bare
	}
	return message, V1
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// requireInvalid asserts that err has code invalid-argument at this place, and returns its reason.
func requireInvalid(t testing.TB, at string, err error) string {
	t.Helper()
	require.ErrorIs(t, err, errcode.InvalidArgument)
	var e *errcode.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, at, e.Data["at"], err.Error())
	return e.Data["reason"].(string)
}

const selectTRON = "00A4040008695F6B315F74727800"

// imkey is a bound device with the TRON applet and the test wallet. It shows what core must not rely on: the first and the last byte of a
// signature are not those that Ethereum's applet sends.
type imkey struct {
	*transporttest.Table
	*TRON
	t      *testing.T
	wallet hdkeytest.Key
	se     *decred.PrivateKey

	mu     sync.Mutex
	sent   []byte              // the chunks so far
	screen []string            // what was shown
	tamper func([]byte) []byte // changes what the secure element signs, before it does
	forge  func([]byte) []byte // changes the answer afterwards
	refuse apdu.StatusWord
}

func hosted(t *testing.T, test func(t *testing.T, d *imkey)) {
	synctest.Test(t, func(t *testing.T) {
		table := transporttest.NewTable()
		defer table.Unplug()
		table.Answer("00A4040000", "9000")
		table.Answer("80CB800005DFFF028101", "190600000002008600010100000000149000")
		table.Answer("80CA004400", "696D4B657930313139313230303030319000")
		table.Answer(selectTRON, "9000")
		go table.Play(t.Context())
		dev, err := device.Open(t.Context(), table, nil)
		require.NoError(t, err)
		se, err := decred.GeneratePrivateKey()
		require.NoError(t, err)
		d := &imkey{Table: table, t: t, wallet: hdkeytest.Master(bip39.NewSeed(vectors.Mnemonic, "")), se: se}
		app := secp256k1.PrivateKey(unhex(t, appKey))
		d.TRON = New(dev, signing.BinderFunc(func(context.Context, *device.Session) (signing.Keys, error) {
			return signing.Keys{App: app, SE: secp256k1.PublicKey(se.PubKey().SerializeUncompressed())}, nil
		}))
		table.On("80", d.answer)
		test(t, d)
	})
}

func (d *imkey) answer(b []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	cmd, err := apdu.Parse(b)
	require.NoError(d.t, err)
	if d.refuse != 0 {
		return apdu.Response{SW: d.refuse}.Bytes()
	}
	answer, attested := d.execute(cmd)
	if attested {
		if d.tamper != nil {
			answer = d.tamper(answer)
		}
		digest := sha256.Sum256(answer)
		answer = append(answer, ecdsa.Sign(d.se, digest[:]).Serialize()...)
		if d.forge != nil {
			answer = d.forge(answer)
		}
	}
	return apdu.Response{Data: answer, SW: apdu.OK}.Bytes()
}

func (d *imkey) execute(cmd apdu.Command) (answer []byte, attested bool) {
	switch cmd.INS {
	case insPublicKey:
		fields := d.fields(cmd.Data)
		require.Equal(d.t, []byte{0, 1}, fields.tags)
		key := d.wallet.Derive(must(hdpath.Parse(string(fields.values[1]))))
		public := key.Public()
		return append(public[:], key.ChainCode[:]...), true
	case insShowAddress:
		n := int(cmd.Data[0])
		d.screen = []string{string(cmd.Data[1 : 1+n]), string(cmd.Data[2+n:])}
		return nil, false
	case insSign:
		if cmd.P1 == 0 {
			d.sent = nil
		}
		d.sent = append(d.sent, cmd.Data...)
		if cmd.P2 == 0 {
			return nil, false
		}
		fields := d.fields(d.sent)
		require.Equal(d.t, []byte{0, 1, 2, 7, 8}[:len(fields.tags)], fields.tags)
		d.screen = nil
		for _, text := range fields.values[3:] {
			d.screen = append(d.screen, string(text))
		}
		key := d.wallet.Derive(must(hdpath.Parse(string(fields.values[2]))))
		compact := ecdsa.SignCompact(key.Private, fields.values[1], false)
		return append(append([]byte{0x99}, compact[1:]...), 0x77), true
	}
	require.FailNow(d.t, "an instruction that the applet does not have")
	return nil, false
}

type fields struct {
	tags   []byte
	values [][]byte
}

func (d *imkey) fields(b []byte) (f fields) {
	for len(b) > 0 {
		n := int(b[1])
		f.tags, f.values = append(f.tags, b[0]), append(f.values, b[2:2+n])
		b = b[2+n:]
	}
	return f
}

// commands returns the commands of the applet, without the identification.
func (d *imkey) commands() (list []string) {
	for _, cmd := range d.Sent() {
		if cmd == selectTRON || strings.HasPrefix(cmd, "808") {
			list = append(list, strings.ToLower(cmd))
		}
	}
	return list
}

var by = Signer{Path: BIP44(0)}

// TestVectors runs every vector, with the commands that it has.
func TestVectors(t *testing.T) {
	ran := 0
	for _, v := range vectors.Vectors {
		t.Run(v.Kind+" "+v.Name, func(t *testing.T) {
			ran++
			hosted(t, func(t *testing.T, d *imkey) {
				path, _ := hdpath.Parse(v.Path)
				switch v.Kind {
				case "address":
					a, err := d.Account(t.Context(), path, true)
					require.NoError(t, err)
					require.Equal(t, v.Address, a.Address.String())
					require.Equal(t, v.PublicKey65, hex.EncodeToString(a.PublicKey[:]))
					require.Equal(t, []string{v.Address, "TRX"}, d.screen)
					key, err := d.ExtendedKey(t.Context(), path)
					require.NoError(t, err)
					require.Equal(t, v.ChainCode, hex.EncodeToString(key.ChainCode[:]))
				case "addressFromPublicKey":
					key, err := secp256k1.ParsePublicKey(unhex(t, v.PublicKey65))
					require.NoError(t, err)
					require.Equal(t, v.Address, AddressOf(key).String())
				case "extendedPublicKey":
					key, err := d.ExtendedKey(t.Context(), path)
					require.NoError(t, err)
					text := key.String()
					if v.Network == "TESTNET" {
						text = key.Testnet()
					}
					require.Equal(t, v.Xpub, text)
				case "message":
					var got *Signed
					var err error
					if message, format := v.content(t); v.Version == 3 {
						got, err = d.SignTypedData(t.Context(), by, &ethereum.TypedData{DomainSeparator: [32]byte(message[:32]), StructHash: [32]byte(message[32:])})
					} else {
						got, err = d.SignMessage(t.Context(), by, message, format)
					}
					v.check(t, d, got, err)
					require.Empty(t, d.screen)
				case "transaction":
					tx, err := ParseTransaction(unhex(t, v.RawData))
					require.NoError(t, err)
					require.Equal(t, v.Payment, tx.Summary().Payment)
					require.Equal(t, v.Receiver, tx.Summary().Receiver)
					require.False(t, tx.Summary().Blind)
					got, err := d.SignTransaction(t.Context(), by, tx)
					v.check(t, d, got, err)
					require.Equal(t, []string{v.Payment, v.Receiver}, d.screen)
				default:
					require.Fail(t, "unknown kind")
				}
			})
		})
	}
	require.Equal(t, 12, ran)
}

func (v *vector) check(t *testing.T, d *imkey, got *Signed, err error) {
	require.NoError(t, err)
	require.Equal(t, v.Hash, hex.EncodeToString(got.Hash[:]))
	require.Equal(t, v.Signature, hex.EncodeToString(got.Signature[:]))
	require.Equal(t, "TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2", got.From.String())
	require.Equal(t, v.APDUs, d.commands())
}

// TestLengthOfTIP191 checks that the version 2 has the length that the vendor's host leaves out.
func TestLengthOfTIP191(t *testing.T) {
	bare, err := HashMessage([]byte("11hello world"), V2Bare)
	require.NoError(t, err)
	hash, err := HashMessage([]byte("hello world"), V2)
	require.NoError(t, err)
	require.Equal(t, bare, hash)
	require.Equal(t, "empty", requireInvalid(t, "message", second(HashMessage(nil, V2))))
	requireInvalid(t, "message", second(HashMessage(make([]byte, MaxMessage+1), V2)))
	requireInvalid(t, "version", second(HashMessage([]byte("x"), 0)))
}

func second[T any](_ T, err error) error { return err }

// transferTo is a transfer of the account of the test wallet.
func transferTo(t testing.TB, sun int64) *Transaction {
	to := must(ParseAddress("THfuSDVRvSsjNDPFdGjMU19Ha4Kf7acotq"))
	tx, err := ParseTransaction(rawOf("TransferContract", f(1, owner), f(2, to), f(3, sun)))
	require.NoError(t, err)
	return tx
}

// TestLies has answers that are not the account's signature, or that the secure element did not sign.
func TestLies(t *testing.T) {
	sign := func(d *imkey) error { return second(d.SignMessage(d.t.Context(), by, []byte("hello"), V2)) }
	account := func(d *imkey) error { return second(d.Account(d.t.Context(), by.Path, false)) }
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[min(at, len(b)-1)] ^= 1; return b }
	}
	for name, c := range map[string]struct {
		tamper, forge func([]byte) []byte
		call          func(*imkey) error
	}{
		"another r":                     {flip(1), nil, sign},
		"another s":                     {flip(64), nil, sign},
		"another r, not attested":       {nil, flip(1), sign},
		"a byte with unknown meaning":   {nil, flip(0), sign},
		"the other one":                 {nil, flip(65), sign},
		"a truncated signature":         {nil, func(b []byte) []byte { return b[:65] }, sign},
		"no attestation":                {nil, func(b []byte) []byte { return b[:66] }, sign},
		"a byte behind the attestation": {nil, func(b []byte) []byte { return append(b, 0) }, sign},
		"nothing":                       {nil, func(b []byte) []byte { return nil }, sign},
		"a key that is no point":        {flip(64), nil, account},
		"a key that is not attested":    {nil, flip(97), account},
		"a truncated key":               {nil, func(b []byte) []byte { return b[:90] }, account},
	} {
		t.Run(name, func(t *testing.T) {
			hosted(t, func(t *testing.T, d *imkey) {
				require.NoError(t, account(d))
				d.tamper, d.forge = c.tamper, c.forge
				require.ErrorIs(t, c.call(d), errcode.Protocol)
			})
		})
	}
	t.Run("another key signs", func(t *testing.T) {
		hosted(t, func(t *testing.T, d *imkey) {
			d.tamper = func(b []byte) []byte {
				if len(b) == 66 {
					other := d.wallet.Derive(BIP44(1))
					hash := must(HashMessage([]byte("hello"), V2))
					copy(b[1:], ecdsa.SignCompact(other.Private, hash[:], false)[1:])
				}
				return b
			}
			require.ErrorIs(t, sign(d), errcode.Protocol)
		})
	})
}

// TestForeignOwner checks that a transaction of another account is refused before the device is asked to sign.
func TestForeignOwner(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		stranger := must(ParseAddress("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"))
		tx, err := ParseTransaction(rawOf("TransferContract", f(1, stranger), f(2, owner), f(3, 1)))
		require.NoError(t, err)
		require.Equal(t, ethereum.ForeignFrom, requireInvalid(t, "rawData", second(d.SignTransaction(t.Context(), by, tx))))
		tx = transferTo(t, 1)
		require.Equal(t, ethereum.ForeignFrom, requireInvalid(t, "rawData", second(d.SignTransaction(t.Context(), Signer{Path: BIP44(1)}, tx))))
		require.Equal(t, ethereum.ForeignFrom, requireInvalid(t, "from", second(d.SignTransaction(t.Context(), Signer{Path: by.Path, From: &stranger}, tx))))
		require.Equal(t, ethereum.ForeignFrom, requireInvalid(t, "from", second(d.SignMessage(t.Context(), Signer{Path: by.Path, From: &stranger}, []byte("x"), V2))))
		requireInvalid(t, "rawData", second(d.SignTransaction(t.Context(), by, nil)))
		requireInvalid(t, "typed data", second(d.SignTypedData(t.Context(), by, nil)))
		for _, cmd := range d.commands() {
			require.False(t, strings.HasPrefix(cmd, "8081"), "the device was asked to sign")
		}
		require.NoError(t, second(d.SignTransaction(t.Context(), Signer{Path: by.Path, From: &owner}, tx)))
	})
}

// TestPaths checks that no key of another coin is used.
func TestPaths(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		for _, p := range []hdpath.Path{nil, {44 | hdpath.Hardened}, ethereum.BIP44(0), {44 | hdpath.Hardened, 195}, make(hdpath.Path, 11)} {
			requireInvalid(t, "path", second(d.Account(t.Context(), p, false)))
			requireInvalid(t, "path", second(d.ExtendedKey(t.Context(), p)))
			requireInvalid(t, "path", second(d.SignMessage(t.Context(), Signer{Path: p}, []byte("x"), V2)))
		}
		require.Empty(t, d.commands())
	})
}

func TestStatusWords(t *testing.T) {
	for sw, code := range map[apdu.StatusWord]errcode.Code{
		apdu.Rejected: errcode.UserRejected, apdu.PINNotVerified: errcode.Locked, apdu.NoWallet: errcode.WalletMissing,
		apdu.SignatureFailed: errcode.BoundElsewhere, apdu.InstructionNotSupported: errcode.UnsupportedMethod, apdu.InMenu: errcode.InMenu,
	} {
		hosted(t, func(t *testing.T, d *imkey) {
			_, err := d.Account(t.Context(), by.Path, false)
			require.NoError(t, err)
			d.refuse = sw
			_, err = d.SignTransaction(t.Context(), by, transferTo(t, 5))
			require.ErrorIs(t, err, code)
			require.ErrorIs(t, second(d.Account(t.Context(), by.Path, true)), code)
			require.ErrorIs(t, second(d.ExtendedKey(t.Context(), by.Path)), code)
		})
	}
}

func TestAddresses(t *testing.T) {
	const text = "TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2"
	a, err := ParseAddress(text)
	require.NoError(t, err)
	require.Equal(t, text, a.String())
	for name, s := range map[string]string{
		"empty": "", "another character": "TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R3", "too short": text[:33], "in lower case": strings.ToLower(text),
		"of Bitcoin": "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM", "of Ethereum": "0x6031564e7b2F5cc33737807b2E58DaFF870B590b",
		"in hex": "41f2061f0d467c6b3341713a7362cb39f5a88cefc8", "in hex after 0x": "0x41f2061f0d467c6b3341713a7362cb39f5a88cefc8",
	} {
		reason := requireInvalid(t, "address", second(ParseAddress(s)))
		require.Equal(t, strings.HasPrefix(name, "in hex") || name == "of Ethereum", strings.Contains(reason, "in hex"), name)
	}
	for _, s := range []string{"f2061f0d467c6b3341713a7362cb39f5a88cefc8", "0x42f2061f0d467c6b3341713a7362cb39f5a88cefc8", "0x41f2061f0d467c6b3341713a7362cb39f5a88cefzz"} {
		_, ok := parseHex(s)
		require.False(t, ok)
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2")
	f.Add("41f2061f0d467c6b3341713a7362cb39f5a88cefc8")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err == nil {
			require.Equal(t, s, a.String())
		} else {
			requireInvalid(t, "address", err)
		}
		if a, ok := parseHex(s); ok {
			require.Contains(t, strings.ToLower(s), hex.EncodeToString(a[:]))
		}
	})
}

// TestTypedData has what TIP-712 has besides EIP-712, with digests that tronweb 6.5.1 computed.
func TestTypedData(t *testing.T) {
	document := func() map[string]any {
		return map[string]any{
			"primaryType": "Order",
			"domain":      map[string]any{"name": "Shop", "version": "1", "chainId": "0x2b6653dc", "verifyingContract": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"},
			"types": map[string]any{"Order": []any{
				map[string]any{"name": "to", "type": "address"}, map[string]any{"name": "token", "type": "trcToken"}, map[string]any{"name": "rest", "type": "trcToken[]"},
			}},
			"message": map[string]any{"to": "TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2", "token": "1002000", "rest": []any{big.NewInt(7), 8.0}},
		}
	}
	d, err := HashTypedData(document())
	require.NoError(t, err)
	digest := d.Digest()
	require.Equal(t, "6308e102db354b61c6798c41694324dcd55c80e32187de4c91da203d6f707b0b", hex.EncodeToString(digest[:]))
	require.EqualValues(t, 728126428, d.ChainID.Int64())
	for _, to := range []string{"41f2061f0d467c6b3341713a7362cb39f5a88cefc8", "0x41F2061f0d467c6b3341713a7362cb39f5a88cefc8", "0xf2061f0d467c6b3341713a7362cb39f5a88cefc8"} {
		c := document()
		c["message"].(map[string]any)["to"] = to
		same, err := HashTypedData(c)
		require.NoError(t, err)
		require.Equal(t, d, same)
	}
	for name, change := range map[string]func(map[string]any){
		"an address with a typing mistake": func(c map[string]any) { c["message"].(map[string]any)["to"] = "TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R3" },
		"a negative token":                 func(c map[string]any) { c["message"].(map[string]any)["token"] = -1.0 },
		"a type named trcToken":            func(c map[string]any) { c["types"].(map[string]any)["trcToken"] = []any{} },
		"a field of its own in the domain": func(c map[string]any) { c["domain"].(map[string]any)["other"] = "x" },
		"another EIP712Domain": func(c map[string]any) {
			c["types"].(map[string]any)["EIP712Domain"] = []any{map[string]any{"name": "name", "type": "string"}}
		},
		"null for a struct": func(c map[string]any) {
			c["types"].(map[string]any)["Order"] = append(c["types"].(map[string]any)["Order"].([]any), map[string]any{"name": "s", "type": "S"})
			c["types"].(map[string]any)["S"] = []any{map[string]any{"name": "x", "type": "bool"}}
			c["message"].(map[string]any)["s"] = nil
		},
		"bytes as text": func(c map[string]any) {
			c["types"].(map[string]any)["Order"] = append(c["types"].(map[string]any)["Order"].([]any), map[string]any{"name": "b", "type": "bytes"})
			c["message"].(map[string]any)["b"] = "text"
		},
	} {
		c := document()
		change(c)
		_, err := HashTypedData(c)
		require.ErrorIs(t, err, errcode.InvalidArgument, name)
	}
	// Ethereum's typed data does not have any of it.
	_, err = ethereum.HashTypedData(document(), ethereum.V4)
	require.ErrorIs(t, err, errcode.InvalidArgument)
}
