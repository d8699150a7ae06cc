//go:build js && wasm && !nocoins

package main

import (
	"context"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/base64"
	"imkey-connect/core/cosmos"
	"imkey-connect/core/protobuf"
	"imkey-connect/core/secp256k1"
)

var cosmosMethods = map[string]deviceMethod{
	"cosmos.getAccount": (*openDevice).cosmosAccount,
	"cosmos.signAmino":  (*openDevice).cosmosAmino,
	"cosmos.signDirect": (*openDevice).cosmosDirect,
}

// warnPrefix: the device shows the address with the prefix cosmos, and not with that of the chain.
const warnPrefix = "other-prefix"

// cosmosCall is one call on a device's cosmos object.
type cosmosCall struct {
	*signingCall
	prefix string
}

// newCosmosCall reads the options, with the prefix.
func (d *openDevice) newCosmosCall(options safejs.Value) *cosmosCall {
	c := &cosmosCall{d.newSigningCall(options), cosmos.DefaultPrefix}
	if v := c.options.Value("prefix"); !v.IsUndefined() {
		var ok bool
		if c.prefix, ok = interop.Text(v, 64); !ok {
			c.options.Refuse("prefix", "a string, as cosmos")
		} else if err := cosmos.CheckPrefix(c.prefix); err != nil {
			c.options.Fail("prefix", reasonOf(err))
		}
	}
	if c.prefix != cosmos.DefaultPrefix {
		c.warn(warnPrefix)
	}
	return c
}

// do runs call with the Cosmos applet; see signingCall.do.
func (c *cosmosCall) do(asks interaction, call func(context.Context, *cosmos.Cosmos) error) error {
	return c.signingCall.do(asks, func(ctx context.Context) error {
		return call(ctx, cosmos.New(c.device.device, c))
	})
}

func (d *openDevice) cosmosAccount(args []safejs.Value) (any, error) {
	c := d.newCosmosCall(interop.Argument(args, 0))
	path := c.path(cosmos.BIP44(0))
	show := or(c.options.OptionalBool("verify"), false)
	var key cosmos.Key
	err := c.do(confirms("address"), func(ctx context.Context, applet *cosmos.Cosmos) (err error) {
		key, err = applet.Account(ctx, path, show)
		return err
	})
	if err != nil {
		return nil, err
	}
	compressed := cosmos.Compressed(key.PublicKey)
	return objectOf(
		"address", key.Account.Address(c.prefix), "path", key.Path.String(), "publicKey", hexText(compressed[:]), "warnings", c.warnings,
	), nil
}

// aminoLimits are wider than core's limit of a document.
var aminoLimits = interop.TreeLimits{Depth: 40, Values: 1 << 16, Size: cosmos.MaxDocument}

// readAmino reads a document once.
func readAmino(v safejs.Value) (tree any, d *cosmos.Document, err error) {
	if tree, err = interop.ReadTree(v, "document", aminoLimits); err != nil {
		return nil, nil, err
	}
	d, err = cosmos.ParseAmino(tree)
	return tree, d, err
}

// readDirect reads a SignDoc: its bytes, or an object as cosmjs has it.
func readDirect(v safejs.Value) (*cosmos.Document, error) {
	if b, ok := interop.Bytes(v, cosmos.MaxDocument); ok {
		return cosmos.ParseDirect(b)
	}
	o := interop.ReadObject(v, "document")
	o.Only(" bodyBytes authInfoBytes chainId accountNumber ")
	var doc []byte
	for i, name := range []string{"bodyBytes", "authInfoBytes"} {
		b, ok := interop.Bytes(o.Value(name), cosmos.MaxDocument)
		if !ok {
			o.Refuse(name, "bytes")
		}
		if len(b) > 0 {
			doc = protobuf.Append(doc, protobuf.Field{Number: 1 + i, Bytes: b, IsBytes: true})
		}
	}
	if chain, ok := interop.Text(o.Value("chainId"), 255); !ok {
		o.Refuse("chainId", "a string")
	} else if chain != "" {
		doc = protobuf.Append(doc, protobuf.Field{Number: 3, Bytes: []byte(chain), IsBytes: true})
	}
	number, ok := quantity(o.Value("accountNumber"))
	if !ok || !number.IsUint64() {
		o.Refuse("accountNumber", "a whole number: a bigint or a safe integer")
	} else if number.Sign() > 0 {
		doc = protobuf.Append(doc, protobuf.Field{Number: 4, Value: number.Uint64()})
	}
	if err := o.Err(); err != nil {
		return nil, err
	}
	return cosmos.ParseDirect(doc)
}

func (d *openDevice) cosmosAmino(args []safejs.Value) (any, error) {
	tree, document, err := readAmino(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	result, err := d.newCosmosCall(interop.Argument(args, 1)).sign(document)
	if err == nil {
		result["signed"] = tree
	}
	return result, err
}

func (d *openDevice) cosmosDirect(args []safejs.Value) (any, error) {
	document, err := readDirect(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	result, err := d.newCosmosCall(interop.Argument(args, 1)).sign(document)
	if err != nil {
		return nil, err
	}
	result["signBytes"], err = interop.Uint8Array(document.SignBytes())
	return result, err
}

// sign has the device sign a document and makes the result.
func (c *cosmosCall) sign(d *cosmos.Document) (map[string]any, error) {
	by := cosmos.Signer{Path: c.path(cosmos.BIP44(0)), From: cosmosFrom(c.options), Progress: c.progress()}
	asks := confirms("transaction")
	cosmosFacts(asks, "cosmos", d)
	var signed *cosmos.Signed
	err := c.do(asks, func(ctx context.Context, applet *cosmos.Cosmos) (err error) {
		signed, err = applet.Sign(ctx, by, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	if d.Summary().Blind {
		c.warn(warnBlind)
	}
	result := objectOf(
		"signature", objectOf("pub_key", publicKeyObject(signed.PublicKey), "signature", base64.Encode(signed.Signature[:])),
		"address", cosmos.AccountOf(signed.PublicKey).Address(c.prefix), "warnings", c.warnings,
	)
	cosmosFacts(result, "summary", d)
	return result, nil
}

// cosmosFrom reads the option from. It is nil if it is absent.
func cosmosFrom(options *interop.Object) *cosmos.Account {
	v := options.Value("from")
	if v.IsUndefined() {
		return nil
	}
	text, _ := interop.Text(v, 90)
	_, account, ok := cosmos.ParseAddress(text)
	if !ok {
		options.Refuse("from", "an address in bech32, of 20 bytes and in small letters")
	}
	return &account
}

// publicKeyObject is a public key as cosmjs has it.
func publicKeyObject(key secp256k1.PublicKey) map[string]any {
	compressed := cosmos.Compressed(key)
	return objectOf("type", "tendermint/PubKeySecp256k1", "value", base64.Encode(compressed[:]))
}

// cosmosFacts adds what a page may show of a document, the summary by this name.
func cosmosFacts(o map[string]any, name string, d *cosmos.Document) {
	s := d.Summary()
	types := make([]any, len(s.Types))
	for i, t := range s.Types {
		types[i] = t
	}
	o["blind"] = s.Blind
	o[name] = objectOf(
		"kind", string(s.Kind), "payment", s.Payment, "receiver", s.Receiver, "fee", s.Fee, "types", types, "chainId", d.ChainID, "memo", d.Memo,
	)
	if s.Payment != "" {
		o["screen"] = objectOf("payment", s.Payment, "receiver", s.Receiver, "fee", s.Fee)
	}
}

// describeCosmos is describeOther for Cosmos.
func describeCosmos(operation string, v safejs.Value, options *interop.Object) (map[string]any, error) {
	var d *cosmos.Document
	var err error
	switch operation {
	case "cosmos-amino":
		_, d, err = readAmino(v)
	case "cosmos-direct":
		d, err = readDirect(v)
	default:
		return describeBitcoin(operation, v, options)
	}
	from := cosmosFrom(options)
	if err == nil {
		err = options.Err()
	}
	if err == nil && from != nil {
		err = d.Check(*from)
	}
	if err != nil {
		return nil, err
	}
	o := objectOf()
	cosmosFacts(o, "summary", d)
	digest := d.Hash()
	o["digest"] = hexText(digest[:])
	return o, nil
}
