package simtest_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/attestation"
	"imkey-connect/core/cosmos"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/signing"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
)

const cosmosAddress = "cosmos1ajz9y0x3wekez7tz2td2j6l2dftn28v26dd992"

var cosmosBy = cosmos.Signer{Path: cosmos.BIP44(0)}

// cosmosWallet returns a device with the test wallet, and the Cosmos applet for a bound host.
func cosmosWallet(t *testing.T, o device.Options) (*device.Device, *host, *cosmos.Cosmos, *coredevice.Device) {
	d, h, _, dev := wallet(t, o)
	return d, h, cosmos.New(dev, h), dev
}

// aminoDocument returns a document of the Cosmos Hub with one message.
func aminoDocument(t *testing.T, memo, kind, value string) *cosmos.Document {
	t.Helper()
	var tree any
	require.NoError(t, json.Unmarshal([]byte(`{"memo":"`+memo+`","chain_id":"cosmoshub-4","account_number":"7","sequence":"1","fee":{"gas":"200000",`+
		`"amount":[{"denom":"uatom","amount":"750"}]},"msgs":[{"type":"`+kind+`","value":`+value+`}]}`), &tree))
	d, err := cosmos.ParseAmino(tree)
	require.NoError(t, err)
	return d
}

func atom(t *testing.T) *cosmos.Document {
	return aminoDocument(t, "", "cosmos-sdk/MsgSend", `{"from_address":"`+cosmosAddress+`","to_address":"cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt","amount":[{"denom":"uatom","amount":"1000"}]}`)
}

// TestCosmosVectors checks that core and the simulator together have the address, the extended key and the signatures of the vectors,
// bound and unbound.
func TestCosmosVectors(t *testing.T) {
	_, h, bound, _ := cosmosWallet(t, device.Options{Approve: device.Yes})
	d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
	_, dev := newHost(t, d).connect(d)
	c, err := attestation.Parse(dev.Info().Certificate)
	require.NoError(t, err)
	signatures := 0
	for name, applet := range map[string]*cosmos.Cosmos{"bound": bound, "unbound": cosmos.New(dev, signing.Unbound(c.PublicKey))} {
		for _, v := range coinVectors(t, "COSMOS") {
			path, _ := hdpath.Parse(v.Path)
			switch v.Kind {
			case "address":
				k, err := applet.Account(h.ctx, path, true)
				require.NoError(t, err)
				require.Equal(t, v.Address, k.Account.Address("cosmos"))
				require.Equal(t, v.PublicKey65, hex.EncodeToString(k.PublicKey[:]))
			case "extendedPublicKey":
				key, err := applet.ExtendedKey(h.ctx, path)
				require.NoError(t, err)
				require.Equal(t, v.Xpub, key.String())
			case "transaction":
				raw := mustHex(v.SignBytes)
				var doc *cosmos.Document
				var err error
				if raw[0] == '{' {
					if !strings.Contains(string(raw), "chain_id") {
						continue // not a document, but a test of long texts for the applet
					}
					var tree any
					require.NoError(t, json.Unmarshal(raw, &tree))
					doc, err = cosmos.ParseAmino(tree)
				} else {
					doc, err = cosmos.ParseDirect(raw)
				}
				require.NoError(t, err)
				by := cosmos.Signer{Path: path}
				signed, err := applet.Sign(h.ctx, by, doc)
				if errcode.Of(err) == errcode.InvalidArgument { // the sender of the vendor's test is another account
					require.ErrorContains(t, err, "account")
					continue
				}
				require.NoError(t, err)
				require.Equal(t, v.Hash, hex.EncodeToString(signed.Hash[:]))
				require.Equal(t, v.SignatureBase64, base64.StdEncoding.EncodeToString(signed.Signature[:]))
				require.Equal(t, name == "unbound", signed.Unbound)
				signatures++
			}
		}
	}
	require.Positive(t, signatures)
}

// TestCosmosScreenSaysWhatIsSigned checks that the device shows the texts that core has computed from the document, and the hash of a
// message of ADR-36.
func TestCosmosScreenSaysWhatIsSigned(t *testing.T) {
	d, h, c, _ := cosmosWallet(t, device.Options{})
	ask := func(request func() error) string {
		t.Helper()
		done := make(chan error, 1)
		go func() { done <- request() }()
		pages, err := simtest.ReadQuestion(h.ctx, d)
		require.NoError(t, err)
		require.NoError(t, d.Press(device.OK))
		require.NoError(t, <-done)
		return strings.Join(pages, "")
	}
	for _, doc := range []*cosmos.Document{
		atom(t),
		aminoDocument(t, "42", "cosmos-sdk/MsgVote", `{"proposal_id":"7","voter":"`+cosmosAddress+`","option":3}`),
		aminoDocument(t, "\u202e", "cosmos-sdk/MsgVote", `{"proposal_id":"7","voter":"`+cosmosAddress+`","option":3}`),
		aminoDocument(t, "", "wasm/MsgExecuteContract", `{}`),
	} {
		s := doc.Summary()
		require.Equal(t, "Pay: "+s.Payment+"To: "+s.Receiver+"Fee: "+s.Fee, ask(func() error { _, err := c.Sign(h.ctx, cosmosBy, doc); return err }))
	}
	var tree any
	require.NoError(t, json.Unmarshal([]byte(`{"chain_id":"","account_number":"0","sequence":"0","fee":{"gas":"0","amount":[]},"memo":"","msgs":[{"type":"sign/MsgSignData",`+
		`"value":{"signer":"`+cosmosAddress+`","data":"aGk="}}]}`), &tree))
	adr36, err := cosmos.ParseAmino(tree)
	require.NoError(t, err)
	hash := adr36.Hash()
	require.Equal(t, "Hash:"+hex.EncodeToString(hash[:]), ask(func() error { _, err := c.Sign(h.ctx, cosmosBy, adr36); return err }))
	require.Equal(t, "Addr: "+cosmosAddress, ask(func() error { _, err := c.Account(h.ctx, cosmosBy.Path, true); return err }))
}

// TestCosmosLies checks that what contradicts the account is refused before the device asks the user.
func TestCosmosLies(t *testing.T) {
	d, h, c, dev := cosmosWallet(t, device.Options{})
	theirs := aminoDocument(t, "", "cosmos-sdk/MsgVote", `{"proposal_id":"7","voter":"cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt","option":3}`)
	for name, request := range map[string]func() error{
		"a foreign sender": func() error { _, err := c.Sign(h.ctx, cosmosBy, theirs); return err },
		"another account":  func() error { _, err := c.Sign(h.ctx, cosmos.Signer{Path: cosmos.BIP44(1)}, atom(t)); return err },
		"another from": func() error {
			_, err := c.Sign(h.ctx, cosmos.Signer{Path: cosmos.BIP44(0), From: &cosmos.Account{1}}, atom(t))
			return err
		},
		"a path of another coin": func() error {
			_, err := c.Sign(h.ctx, cosmos.Signer{Path: hdpath.BIP44(60, 0, 0, 0)}, atom(t))
			return err
		},
		"no document":       func() error { _, err := c.Sign(h.ctx, cosmosBy, nil); return err },
		"no path":           func() error { _, err := c.Account(h.ctx, nil, false); return err },
		"no path for a key": func() error { _, err := c.ExtendedKey(h.ctx, hdpath.Path{1}); return err },
	} {
		require.ErrorIs(t, request(), errcode.InvalidArgument, name)
		require.False(t, d.Status().Asking, name)
	}
	require.NoError(t, d.Reset())
	require.NoError(t, d.Restore(otherPhrase))
	_, err := cosmos.New(dev, h).Sign(h.ctx, cosmosBy, atom(t))
	require.Error(t, err, "another wallet")
	require.False(t, d.Status().Asking)
}

// TestCosmosObstacles checks the error code of each obstacle and of each end of a question. Afterwards the next request succeeds.
func TestCosmosObstacles(t *testing.T) {
	d, h, c, dev := cosmosWallet(t, device.Options{})
	sign := func(ctx context.Context) error {
		_, err := c.Sign(ctx, cosmosBy, atom(t))
		return err
	}
	h.obstacles(d, "cosmos", sign, func() {
		_ = dev.Close()
		_, dev = h.connect(d)
		c = cosmos.New(dev, h)
	})
	require.NoError(t, d.Reset())
	_, err := c.Account(h.ctx, cosmos.BIP44(3), false)
	require.ErrorIs(t, err, errcode.WalletMissing)
}

// TestCosmosOnlyTheBoundAppSigns checks that a device that is bound elsewhere gives no signature.
func TestCosmosOnlyTheBoundAppSigns(t *testing.T) {
	h, dev := boundElsewhere(t)
	_, err := cosmos.New(dev, h).Sign(h.ctx, cosmosBy, atom(t))
	require.ErrorIs(t, err, errcode.BoundElsewhere)
}

// TestAChangedCosmosPayloadIsRefused changes a payload between the host and the device. The device refuses it without asking the user.
func TestAChangedCosmosPayloadIsRefused(t *testing.T) {
	d := newDevice(t, device.Options{Mnemonic: testPhrase})
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	require.NoError(t, err)
	middle := &bender{Link: link}
	b, dev := h.open(middle)
	h.bind(b, d)
	doc := atom(t)
	c := cosmos.New(dev, h)
	_, err = c.Account(h.ctx, cosmosBy.Path, false) // selects the applet: before, instruction 71 is BIND_CHECK
	require.NoError(t, err)
	middle.ins = 0x71
	for middle.bit = range 16 {
		_, err := c.Sign(h.ctx, cosmosBy, doc)
		require.Error(t, err)
		require.False(t, d.Status().Asking)
	}
}
