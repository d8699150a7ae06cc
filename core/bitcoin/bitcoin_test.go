package bitcoin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	decredecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"
	"github.com/tyler-smith/go-bip39"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey/hdkeytest"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
	"imkey-connect/core/transport/transporttest"
)

// vectors are computed from the sources of public hosts. None was recorded from a device.
var vectors = func() (v struct {
	TestWallet       struct{ Mnemonic string }
	BindingSignature []struct{ PrivateKey string }
	Addresses        []struct{ Address, Chain, Network, Path, PublicKey, ScriptPubKey, Type string }
	Xpubs            []struct{ Answer43, Path, VersionBytes, Xpub string }
	Transactions     []transactionVector
	PSBT             []psbtVector
	Messages         []struct {
		Message, SegWit, SignatureType, Path, Hash, Signature, DeviceAnswer, Sighash, ToSign, ToSpendTxid string
		HostCommands                                                                                      []string
	}
}) {
	b, err := os.ReadFile("../testdata/vectors/bitcoin.json")
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		panic(err)
	}
	return v
}()

type signatureVector struct {
	DeviceAnswer, Path, PublicKey, Sighash, Signature, Type, LeafHash string
	Input                                                             int
}

type transactionVector struct {
	Name, Chain, Network, UnsignedTx, SignedTx, TxID string
	HostCommands                                     []string
	Signatures                                       []signatureVector
	UTXOs                                            []struct {
		Amount                      uint64
		Address, ScriptPubKey, Path string
	}
}

type psbtVector struct {
	Name, Network, PSBT, PSBTOut, UnsignedTx string
	HostCommands                             []string
	Signatures                               []signatureVector
	Inputs                                   []struct {
		Address, Path string
		Amount        uint64
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func parsePath(t testing.TB, s string) hdpath.Path {
	t.Helper()
	p, err := hdpath.Parse(s)
	require.NoError(t, err)
	return p
}

// reasonOf asserts that err has code invalid-argument, and returns its place and its reason.
func reasonOf(t testing.TB, err error) (at, reason string) {
	t.Helper()
	require.ErrorIs(t, err, errcode.InvalidArgument)
	var e *errcode.Error
	require.True(t, errors.As(err, &e))
	return e.Data["at"].(string), e.Data["reason"].(string)
}

const selectBitcoin = "00A4040005695F62746300"

// imkey is a bound device with the Bitcoin applet and the test wallet. It checks nothing, and signs the digests that a test gives.
type imkey struct {
	*transporttest.Table
	*Bitcoin
	t      *testing.T
	wallet hdkeytest.Key
	se     *decred.PrivateKey

	mu      sync.Mutex
	version string
	digests [][32]byte          // what the next commands sign
	leaf    bool                // the next Schnorr signature is by the key without a tweak
	pages   [][]byte            // what the next pages are answered
	sent    []string            // the commands but SELECT and that for a key, in hex
	forge   func([]byte) []byte // changes the answer to a command that signs
}

func hosted(t *testing.T, test func(t *testing.T, d *imkey)) {
	synctest.Test(t, func(t *testing.T) {
		table := transporttest.NewTable()
		defer table.Unplug()
		table.Answer("00A4040000", "9000")
		table.Answer("80CB800005DFFF028101", "190600000002008600010100000000149000")
		table.Answer("80CA004400", "696D4B657930313139313230303030319000")
		go table.Play(t.Context())
		dev, err := device.Open(t.Context(), table, nil)
		require.NoError(t, err)
		se, err := decred.GeneratePrivateKey()
		require.NoError(t, err)
		d := &imkey{Table: table, t: t, wallet: hdkeytest.Master(bip39.NewSeed(vectors.TestWallet.Mnemonic, "")), se: se, version: "1.6.11"}
		app := secp256k1.PrivateKey(unhex(t, vectors.BindingSignature[0].PrivateKey))
		d.Bitcoin = New(dev, signing.BinderFunc(func(context.Context, *device.Session) (signing.Keys, error) {
			return signing.Keys{App: app, SE: secp256k1.PublicKey(se.PubKey().SerializeUncompressed())}, nil
		}))
		table.On(selectBitcoin, func([]byte) []byte { return apdu.Response{Data: []byte(d.version), SW: apdu.OK}.Bytes() })
		table.On("80", d.answer)
		test(t, d)
	})
}

func (d *imkey) key(path string) hdkeytest.Key {
	return d.wallet.Derive(parsePath(d.t, path))
}

func (d *imkey) answer(b []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	cmd, err := apdu.Parse(b)
	require.NoError(d.t, err)
	if cmd.INS == insPublicKey {
		key := d.key(string(cmd.Data))
		answer := append(key.Public(), key.ChainCode[:]...)
		digest := sha256.Sum256(answer)
		return apdu.Response{Data: append(answer, decredecdsa.Sign(d.se, digest[:]).Serialize()...), SW: apdu.OK}.Bytes()
	}
	d.sent = append(d.sent, strings.ToUpper(hex.EncodeToString(b)))
	var answer []byte
	switch {
	case cmd.INS == insPage && len(d.pages) > 0:
		answer, d.pages = d.pages[0], d.pages[1:]
	case cmd.INS == insSignWitness || cmd.INS == insSignLegacy || cmd.INS == insSignTaproot || cmd.INS == insSignMessage && cmd.P2 == 0x80:
		answer = d.sign(cmd)
		if d.forge != nil {
			answer = d.forge(answer)
		}
	}
	return apdu.Response{Data: answer, SW: apdu.OK}.Bytes()
}

// sign signs the next digest with the key at the path that the command has.
func (d *imkey) sign(cmd apdu.Command) []byte {
	require.NotEmpty(d.t, d.digests)
	digest := d.digests[0]
	d.digests = d.digests[1:]
	data := string(cmd.Data)
	from := strings.LastIndex(data, "m/")
	path := data[from:]
	if cmd.INS == insSignTaproot {
		path = data[from : from+int(data[from-1])]
		private, _ := btcec.PrivKeyFromBytes(d.key(path).Private.Serialize())
		if !d.leaf {
			private = txscript.TweakTaprootPrivKey(*private, nil)
		}
		signature, err := schnorr.Sign(private, digest[:])
		require.NoError(d.t, err)
		return append([]byte{0x40}, signature.Serialize()...)
	}
	compact := decredecdsa.SignCompact(d.key(path).Private, digest[:], false)
	// Real hosts read neither the first byte nor, but for messages, the last.
	return append(append([]byte{0x99}, compact[1:]...), 0x77)
}

// only returns the commands with these instructions.
func only(commands []string, instructions ...string) (kept []string) {
	for _, c := range commands {
		if slices.Contains(instructions, c[2:4]) {
			kept = append(kept, strings.ToUpper(c))
		}
	}
	return kept
}

// spendOf returns an input of a plan, as a vector has it. Whether the wallet owns the script is not asked: two of the vendor's tests
// have inputs of other wallets signed.
func (d *imkey) spendOf(path, script string, amount uint64, typ string) spend {
	t, ok := ParseType(strings.ToLower(typ))
	require.True(d.t, ok, typ)
	return spend{
		Output: Output{amount, unhex(d.t, script)}, typ: t, path: parsePath(d.t, path), key: secp256k1.PublicKey(d.key(path).Public()),
	}
}

// signPlan signs as [Bitcoin.SignPSBT] does, below its checks.
func (d *imkey) signPlan(t *testing.T, pl *plan, signatures []signatureVector) [][]byte {
	d.sent = nil
	for _, s := range signatures {
		d.digests = append(d.digests, [32]byte(unhex(t, s.Sighash)))
		d.leaf = s.LeafHash != ""
	}
	var got [][]byte
	require.NoError(t, d.applet.Do(t.Context(), func(s *signing.Session) (err error) {
		got, err = pl.sign(t.Context(), s, nil)
		return err
	}))
	for i, s := range signatures {
		if s.DeviceAnswer != "" {
			answer := unhex(t, s.DeviceAnswer)
			low := [32]byte(answer[33:65])
			low, _ = secp256k1.LowS(low)
			require.Equal(t, hex.EncodeToString(append(secp256k1.EncodeDER([32]byte(answer[1:33]), low), 1)), hex.EncodeToString(got[s.Input]), i)
		}
		if s.Signature != "" {
			require.Equal(t, s.Signature, hex.EncodeToString(got[s.Input]))
		}
	}
	require.Empty(t, d.digests)
	return got
}

func networkNamed(t *testing.T, name string) Network {
	n, ok := ParseNetwork(strings.ToLower(name))
	require.True(t, ok)
	return n
}

// TestVectorsTransactions signs the transactions of the vectors, below the check of amounts: the transactions that they spend are not known.
func TestVectorsTransactions(t *testing.T) {
	signed := 0
	for _, v := range vectors.Transactions {
		if v.Chain != "BITCOIN" {
			continue // Dogecoin is left out
		}
		t.Run(v.Name, func(t *testing.T) {
			hosted(t, func(t *testing.T, d *imkey) {
				tx, err := ParseTransaction("tx", unhex(t, v.UnsignedTx))
				require.NoError(t, err)
				require.Equal(t, v.UnsignedTx, hex.EncodeToString(tx.Bytes()))
				pl := &plan{tx: tx, network: networkNamed(t, v.Network)}
				p := &PSBT{tx: tx, inputs: make([]inputMap, len(tx.Inputs)), outputs: make([]outputMap, len(tx.Outputs))}
				for i, u := range v.UTXOs {
					script, err := pl.network.ParseAddress(u.Address)
					require.NoError(t, err)
					pl.spends = append(pl.spends, d.spendOf(u.Path, hex.EncodeToString(script), u.Amount, v.Signatures[i].Type))
					require.Equal(t, v.Signatures[i].PublicKey, hex.EncodeToString(compressed(pl.spends[i].key)))
				}
				for i := range tx.Outputs {
					pl.shown = append(pl.shown, i)
				}
				signatures := d.signPlan(t, pl, v.Signatures)
				signed += len(signatures)
				want := only(v.HostCommands, "32", "40", "45")
				if tx.Version == 2 { // the others have no lists
					want = append(only(v.HostCommands, "31"), want...)
				}
				for i, c := range want {
					if c[2:4] == "31" {
						require.Contains(t, d.sent, c, i)
					}
				}
				require.Equal(t, only(want, "32", "40", "45"), only(d.sent, "32", "40", "45"))
				p.add(pl, signatures, true)
				final := p.final()
				require.Equal(t, v.TxID, TxIDText(final.TxID()))
				if v.SignedTx != "" {
					require.Equal(t, v.SignedTx, hex.EncodeToString(final.Bytes()))
					again, err := ParseTransaction("tx", final.Bytes())
					require.NoError(t, err)
					require.Equal(t, final.Bytes(), again.Bytes())
				}
			})
		})
	}
	require.Positive(t, signed)
}

func compressed(key secp256k1.PublicKey) []byte { c := key.Compressed(); return c[:] }

// TestVectorsPSBT sends the very commands of the vectors, below the check of who owns the inputs: the vendor's tests have inputs of other
// wallets signed.
func TestVectorsPSBT(t *testing.T) {
	for _, v := range vectors.PSBT {
		t.Run(v.Name, func(t *testing.T) {
			hosted(t, func(t *testing.T, d *imkey) {
				pl := &plan{network: networkNamed(t, v.Network)}
				p := &PSBT{}
				if v.PSBT != "" {
					var err error
					p, err = ParsePSBT(unhex(t, v.PSBT))
					require.NoError(t, err)
					require.Equal(t, v.PSBT, hex.EncodeToString(p.Bytes()))
					pl.tx = p.tx
					s := v.Signatures[0]
					pl.spends = []spend{d.spendOf(s.Path, hex.EncodeToString(p.inputs[0].witness.Script), p.inputs[0].witness.Amount, s.Type)}
					if s.LeafHash != "" {
						leaf := &p.inputs[0].leaves[0]
						require.True(t, leaf.provenBy(pl.spends[0].Script))
						require.Equal(t, s.LeafHash, hex.EncodeToString(leaf.hash()))
						pl.spends[0].leaf, pl.spends[0].leafHash = leaf, leaf.hash()
					}
				} else {
					var err error
					pl.tx, err = ParseTransaction("tx", unhex(t, v.UnsignedTx))
					require.NoError(t, err)
					p = &PSBT{tx: pl.tx, inputs: make([]inputMap, len(pl.tx.Inputs)), outputs: make([]outputMap, len(pl.tx.Outputs))}
					for i, in := range v.Inputs {
						script, err := pl.network.ParseAddress(in.Address)
						require.NoError(t, err)
						pl.spends = append(pl.spends, d.spendOf(in.Path, hex.EncodeToString(script), in.Amount, v.Signatures[i].Type))
					}
				}
				for i := range pl.tx.Outputs {
					pl.shown = append(pl.shown, i)
				}
				require.NoError(t, pl.balance())
				signatures := d.signPlan(t, pl, v.Signatures)
				require.Equal(t, v.HostCommands, d.sent)
				p.add(pl, signatures, true)
				if v.PSBTOut != "" {
					require.Equal(t, v.PSBTOut, hex.EncodeToString(p.Bytes()))
				}
			})
		})
	}
}

// TestVectorsMessages signs the messages of the vectors, with the commands that they have.
func TestVectorsMessages(t *testing.T) {
	types := map[string]Type{"NONE": P2PKH, "P2WPKH": P2SHP2WPKH, "VERSION_0": P2WPKH, "VERSION_1": P2TR}
	for _, v := range vectors.Messages {
		hosted(t, func(t *testing.T, d *imkey) {
			by := MessageSigner{Path: parsePath(t, v.Path), Type: types[v.SegWit], Scheme: map[string]Scheme{"STANDARD": Standard, "BIP137": BIP137, "BIP322": BIP322}[v.SignatureType]}
			if v.SegWit == "VERSION_1" {
				by.Scheme = BIP322Full
			}
			digest := v.Hash
			if digest == "" {
				digest = v.Sighash
			}
			d.digests = [][32]byte{[32]byte(unhex(t, digest))}
			signed, err := d.SignMessage(t.Context(), by, []byte(v.Message))
			require.NoError(t, err)
			require.Equal(t, v.HostCommands, d.sent)
			switch {
			case v.Signature != "":
				require.Equal(t, v.Signature, signed.Signature)
			default: // the nonce is random
				raw, err := base64.StdEncoding.DecodeString(signed.Signature)
				require.NoError(t, err)
				tx, err := ParseTransaction("tx", raw)
				require.NoError(t, err)
				require.Len(t, tx.Inputs[0].Witness[0], 64)
				require.Equal(t, v.ToSign, hex.EncodeToString(tx.encode(false)))
			}
			if v.Hash != "" {
				require.Equal(t, v.Hash, hex.EncodeToString(signed.Hash[:]))
			} else {
				require.Equal(t, v.ToSpendTxid, TxIDText(signed.Hash))
			}
		})
	}
}

// TestVectorsKeys has the addresses and extended keys of the vectors, as far as they are of Bitcoin.
func TestVectorsKeys(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		for _, v := range vectors.Addresses {
			if v.Chain != "BITCOIN" {
				continue
			}
			typ, ok := ParseType(strings.ToLower(v.Type))
			require.True(t, ok)
			n := networkNamed(t, v.Network)
			d.sent = nil
			a, err := d.Account(t.Context(), parsePath(t, v.Path), typ, n, true)
			require.NoError(t, err)
			require.Equal(t, v.Address, a.Address)
			require.Equal(t, v.PublicKey, hex.EncodeToString(compressed(a.PublicKey)))
			require.Len(t, d.sent, 1)
			require.Contains(t, d.sent[0], strings.ToUpper(hex.EncodeToString([]byte(v.Address))))
			if v.ScriptPubKey != "" {
				require.Equal(t, v.ScriptPubKey, hex.EncodeToString(a.Script))
			}
			script, err := n.ParseAddress(v.Address)
			require.NoError(t, err)
			require.Equal(t, a.Script, script)
			back, ok := n.AddressOf(script)
			require.True(t, ok)
			require.Equal(t, v.Address, back)
			if strings.HasPrefix(v.Address, "bc1") || strings.HasPrefix(v.Address, "tb1") {
				script, err = n.ParseAddress(strings.ToUpper(v.Address))
				require.NoError(t, err)
				require.Equal(t, a.Script, script, "capital letters, as QR codes have them")
			}
		}
		for _, v := range vectors.Xpubs {
			key, err := d.ExtendedKey(t.Context(), parsePath(t, v.Path))
			if strings.Contains(v.Path, "/145'") || strings.Contains(v.Path, "/2'") || strings.Contains(v.Path, "/3'") {
				require.ErrorIs(t, err, errcode.InvalidArgument, "a path of another coin")
				continue
			}
			require.NoError(t, err)
			text := key.String()
			if v.VersionBytes == "043587cf" {
				text = key.Testnet()
			}
			require.Equal(t, v.Xpub, text)
		}
	})
}

// TestAnswersAreChecked: nothing is signed if the device's answer is not the signature that was asked for.
func TestAnswersAreChecked(t *testing.T) {
	v := vectors.Transactions[17]
	for name, forge := range map[string]func([]byte) []byte{
		"too short":       func(b []byte) []byte { return b[:len(b)-1] },
		"too long":        func(b []byte) []byte { return append(b, 0) },
		"empty":           func([]byte) []byte { return nil },
		"another r":       func(b []byte) []byte { b[5] ^= 1; return b },
		"another s":       func(b []byte) []byte { b[40] ^= 1; return b },
		"zeros":           func(b []byte) []byte { return make([]byte, len(b)) },
		"an order of 2^n": func(b []byte) []byte { return append(b[:1], slices.Repeat([]byte{0xFF}, len(b)-1)...) },
	} {
		for i := range v.UTXOs {
			hosted(t, func(t *testing.T, d *imkey) {
				script, err := Testnet.ParseAddress(v.UTXOs[i].Address)
				require.NoError(t, err)
				pl := &plan{tx: toSign([32]byte{1}), network: Testnet, shown: []int{0}}
				pl.spends = []spend{d.spendOf(v.UTXOs[i].Path, hex.EncodeToString(script), 1000, v.Signatures[i].Type)}
				spent := []Output{pl.spends[0].Output}
				_, digest := pl.command(newHashes(pl.tx, spent), 0)
				d.digests, d.forge = [][32]byte{digest}, forge
				err = d.applet.Do(t.Context(), func(s *signing.Session) error {
					_, err := pl.sign(t.Context(), s, nil)
					return err
				})
				require.ErrorIs(t, err, errcode.Protocol, name)
				require.Equal(t, selectBitcoin, d.Sent()[len(d.Sent())-1], "the applet forgets the transaction")
			})
		}
		hosted(t, func(t *testing.T, d *imkey) {
			d.digests, d.forge = [][32]byte{HashMessage([]byte("hi"))}, forge
			_, err := d.SignMessage(t.Context(), MessageSigner{Path: BIP44(P2WPKH, Mainnet, 0)}, []byte("hi"))
			require.ErrorIs(t, err, errcode.Protocol, name)
		})
	}
}

// TestPages has the device ask for pages forth and back, and for some that do not exist.
func TestPages(t *testing.T) {
	page := func(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
	for name, test := range map[string]struct {
		answers [][]byte
		want    []string // the first index of each page
	}{
		"forth":                 {[][]byte{page(1), page(2), nil}, []string{"0000", "0003", "0006"}},
		"forth and back":        {[][]byte{page(1), page(0), page(1), page(2), nil}, []string{"0000", "0003", "0000", "0003", "0006"}},
		"a number of one byte":  {[][]byte{{2}, nil}, []string{"0000", "0006"}},
		"behind the last":       {[][]byte{page(3)}, nil},
		"the largest":           {[][]byte{page(0xFFFF)}, nil},
		"a number of 3 bytes":   {[][]byte{{0, 0, 1}}, nil},
		"a number of 200 bytes": {[][]byte{make([]byte, 200)}, nil},
	} {
		hosted(t, func(t *testing.T, d *imkey) {
			d.pages = test.answers
			pl := &plan{tx: toSign([32]byte{1}), network: Mainnet, spends: []spend{d.spendOf("m/84'/0'/0'/0/0", "0014"+strings.Repeat("11", 20), 9000, "P2WPKH")}}
			pl.tx.Outputs = nil
			for i := range 8 {
				pl.tx.Outputs = append(pl.tx.Outputs, Output{uint64(1000 + i), P2WPKH.Script(pl.spends[0].key)})
				pl.shown = append(pl.shown, i)
			}
			_, digest := pl.command(newHashes(pl.tx, []Output{pl.spends[0].Output}), 0)
			d.digests = [][32]byte{digest}
			err := d.applet.Do(t.Context(), func(s *signing.Session) error {
				_, err := pl.sign(t.Context(), s, func(sent, total int) { require.LessOrEqual(t, sent, total) })
				return err
			})
			if test.want == nil {
				require.ErrorIs(t, err, errcode.Protocol, name)
				require.Empty(t, only(d.sent, "32"))
				return
			}
			require.NoError(t, err)
			for i, c := range only(d.sent, "4C") {
				signature := int(unhex(t, c[12:14])[0])
				body := c[14+2*signature:]
				require.Equal(t, test.want[i], body[4:8], name)
			}
			require.Len(t, only(d.sent, "4C"), len(test.want))
		})
	}
}

// TestVersions checks which versions of the applet do what.
func TestVersions(t *testing.T) {
	for version, want := range map[string]struct{ psbt, message errcode.Code }{
		"1.5.00": {errcode.AppletOutdated, errcode.AppletOutdated}, "1.5.99": {errcode.AppletOutdated, errcode.AppletOutdated},
		"1.6.00": {"", errcode.AppletOutdated}, "1.6.10": {"", errcode.AppletOutdated}, "1.6.9": {"", errcode.AppletOutdated},
		"1.6.11": {}, "1.10.0": {}, "2.0.00": {}, "0.9.99": {errcode.AppletOutdated, errcode.AppletOutdated},
		"": {errcode.Protocol, errcode.Protocol}, "1.6": {errcode.Protocol, errcode.Protocol}, "1.6.x": {errcode.Protocol, errcode.Protocol},
		"1.6.-1": {errcode.Protocol, errcode.Protocol}, "1.6.11.0": {errcode.Protocol, errcode.Protocol},
	} {
		hosted(t, func(t *testing.T, d *imkey) {
			d.version = version
			check := func(first [3]int) errcode.Code {
				return errcode.Of(d.applet.Do(t.Context(), func(s *signing.Session) error { return checkVersion(t.Context(), s, first) }))
			}
			require.Equal(t, want.psbt, check(firstPSBT), version)
			require.Equal(t, want.message, check(firstMessage), version)
			d.digests = [][32]byte{HashMessage([]byte("hi"))}
			_, err := d.SignMessage(t.Context(), MessageSigner{Path: BIP44(P2WPKH, Mainnet, 0)}, []byte("hi"))
			require.Equal(t, want.message, errcode.Of(err), version)
		})
	}
	err := errcode.New(errcode.AppletOutdated, "")
	require.Equal(t, "1.6.00", versionText(firstPSBT))
	require.Equal(t, "1.6.11", versionText(firstMessage))
	require.ErrorIs(t, err, errcode.AppletOutdated)
}
