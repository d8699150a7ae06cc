//go:build js && wasm && !nocoins

package main

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/bech32"
	"imkey-connect/core/errcode"
	"imkey-connect/core/protobuf"
	"imkey-connect/core/tron"
)

// otherCoins are the methods of the coins besides Ethereum. They are left out of imkey.wasm, which a first pairing downloads, and are in
// imkey-coins.wasm.
var otherCoins = merge(tronMethods, cosmosMethods, bitcoinMethods)

var tronMethods = map[string]deviceMethod{
	"tron.getAccount":      (*openDevice).tronAccount,
	"tron.signTransaction": (*openDevice).tronTransaction,
	"tron.signMessage":     (*openDevice).tronMessage,
	"tron.signTypedData":   (*openDevice).tronTypedData,
}

// tronCall is one call on a device's tron object.
type tronCall struct {
	*signingCall
	by tron.Signer
}

// newTronCall reads the options of the methods that sign.
func (d *openDevice) newTronCall(options safejs.Value) *tronCall {
	c := &tronCall{signingCall: d.newSigningCall(options)}
	c.by = tron.Signer{Path: c.path(tron.BIP44(0)), From: tronAddress(c.options, "from"), Progress: c.progress()}
	return c
}

// do runs call with the TRON applet; see signingCall.do.
func (c *tronCall) do(asks interaction, call func(context.Context, *tron.TRON) error) error {
	return c.signingCall.do(asks, func(ctx context.Context) error {
		return call(ctx, tron.New(c.device.device, c))
	})
}

// tronAddress reads an address. It returns nil for undefined.
func tronAddress(o *interop.Object, name string) *tron.Address {
	v := o.Value(name)
	if v.IsUndefined() {
		return nil
	}
	text, ok := interop.Text(v, 64)
	if !ok {
		o.Refuse(name, "an address of TRON, of 34 characters")
		return nil
	}
	a, err := tron.ParseAddress(text)
	if err != nil {
		o.Fail(name, reasonOf(err))
		return nil
	}
	return &a
}

func (d *openDevice) tronAccount(args []safejs.Value) (any, error) {
	c := &tronCall{signingCall: d.newSigningCall(interop.Argument(args, 0))}
	path := c.path(tron.BIP44(0))
	show := or(c.options.OptionalBool("verify"), false)
	var account tron.Account
	err := c.do(confirms("address"), func(ctx context.Context, t *tron.TRON) (err error) {
		account, err = t.Account(ctx, path, show)
		return err
	})
	if err != nil {
		return nil, err
	}
	return objectOf(
		"address", account.Address.String(), "path", account.Path.String(), "publicKey", hexText(account.PublicKey[:]), "warnings", c.warnings,
	), nil
}

// readTronTransaction reads rawData, and what the page says that it does: that must be what it does.
func readTronTransaction(v safejs.Value) (*tron.Transaction, error) {
	o := interop.ReadObject(v, "")
	o.Only(" rawData txID to amount payment receiver ")
	raw, ok := readTronHex(o.Value("rawData"), tron.MaxRawData)
	if !ok {
		o.Refuse("rawData", "an even number of hex digits, or bytes, of at most 512000 bytes")
	}
	amount := fields{o}.quantity("amount")
	texts := map[string]string{}
	for _, name := range []string{"txID", "to", "payment", "receiver"} {
		if v := o.Value(name); !v.IsUndefined() {
			if texts[name], ok = interop.Text(v, 255); !ok {
				o.Refuse(name, "a string")
			}
		}
	}
	if err := o.Err(); err != nil {
		return nil, err
	}
	t, err := tron.ParseTransaction(raw)
	if err != nil {
		return nil, err
	}
	s, id := t.Summary(), t.Hash()
	for name, is := range map[string]string{
		"txID": hex.EncodeToString(id[:]), "to": s.Receiver, "payment": s.Payment, "receiver": s.Receiver,
	} {
		said, given := texts[name]
		if name == "txID" {
			said, _ = bech32.Fold(strings.TrimPrefix(said, "0x"))
		}
		if given && said != is {
			return nil, errcode.Invalid(name, "not what rawData says")
		}
	}
	if amount != nil && (s.Amount == nil || s.Amount.Cmp(amount) != 0) {
		return nil, errcode.Invalid("amount", "not what rawData says")
	}
	return t, nil
}

// readTronHex reads bytes, or hex digits with or without 0x: TRON's nodes write none.
func readTronHex(v safejs.Value, max int) ([]byte, bool) {
	if b, ok := interop.Bytes(v, max); ok {
		return b, true
	}
	text, ok := interop.Text(v, len("0x")+2*max)
	if !ok {
		return nil, false
	}
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	return b, err == nil
}

func (d *openDevice) tronTransaction(args []safejs.Value) (any, error) {
	t, err := readTronTransaction(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	c := d.newTronCall(interop.Argument(args, 1))
	asks := confirms("transaction")
	tronFacts(asks, "tron", t)
	var signed *tron.Signed
	err = c.do(asks, func(ctx context.Context, applet *tron.TRON) (err error) {
		signed, err = applet.SignTransaction(ctx, c.by, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	if t.Summary().Blind {
		c.warn(warnBlind)
	}
	raw := protobuf.Append(nil, protobuf.Field{Number: 1, Bytes: t.Raw(), IsBytes: true})
	raw = protobuf.Append(raw, protobuf.Field{Number: 2, Bytes: signed.Signature[:], IsBytes: true})
	result := objectOf(
		"txID", hex.EncodeToString(signed.Hash[:]), "signature", hex.EncodeToString(signed.Signature[:]),
		"raw", hex.EncodeToString(raw), "from", signed.From.String(), "warnings", c.warnings,
	)
	tronFacts(result, "summary", t)
	return result, nil
}

// tronFacts adds what a page may show of a transaction, the summary by this name.
func tronFacts(o map[string]any, name string, t *tron.Transaction) {
	s := t.Summary()
	summary := summaryObject(s)
	summary["contract"] = t.Contract
	if s.Amount != nil {
		summary["amount"] = s.Amount.String()
	}
	if s.Token != nil {
		summary["token"] = tron.Address(*s.Token).String()
	}
	o["blind"], o[name] = s.Blind, summary
	o["screen"] = objectOf("payment", s.Payment, "receiver", s.Receiver, "fee", "")
}

// readTronMessage reads text or bytes, and the options version and header.
func readTronMessage(v safejs.Value, options *interop.Object) ([]byte, tron.Format, error) {
	format := tron.V2
	version := options.Value("version")
	if n, ok := interop.Int(version, 2); ok && n > 0 {
		format = tron.Format(n)
	} else if !version.IsUndefined() {
		options.Refuse("version", "1 or 2; for version 3 there is signTypedData")
	}
	header := options.Value("header")
	switch text, _ := interop.Text(header, 4); {
	case header.IsUndefined() || text == "TRON":
	case text == "ETH" && format == tron.V1:
		format = tron.V1Ethereum
	default:
		options.Refuse("header", `"TRON", or "ETH" with the version 1`)
	}
	message, ok := interop.Bytes(v, tron.MaxMessage)
	if text, isText := interop.Text(v, 2*tron.MaxMessage); isText {
		// As tronweb does, and the vendor's host.
		message, ok = []byte(text), true
		if digits, prefixed := strings.CutPrefix(text, "0x"); prefixed && format != tron.V2 {
			var err error
			message, err = hex.DecodeString(digits)
			ok = err == nil
		}
	}
	if !ok {
		return nil, 0, errcode.Invalid("message", "neither text without lone surrogates nor bytes, or too long; in version 1, text with 0x is hex")
	}
	return message, format, nil
}

func (d *openDevice) tronMessage(args []safejs.Value) (any, error) {
	c := d.newTronCall(interop.Argument(args, 1))
	message, format, err := readTronMessage(interop.Argument(args, 0), c.options)
	if err != nil {
		return nil, err
	}
	return c.signed("message", func(ctx context.Context, t *tron.TRON) (*tron.Signed, error) {
		return t.SignMessage(ctx, c.by, message, format)
	})
}

func (d *openDevice) tronTypedData(args []safejs.Value) (any, error) {
	c := d.newTronCall(interop.Argument(args, 1))
	document, err := interop.ReadTree(interop.Argument(args, 0), "typed data", typedDataLimits)
	if err != nil {
		return nil, err
	}
	hashed, err := tron.HashTypedData(document)
	if err != nil {
		return nil, err
	}
	return c.signed("typed-data", func(ctx context.Context, t *tron.TRON) (*tron.Signed, error) {
		return t.SignTypedData(ctx, c.by, hashed)
	})
}

// signed runs a call that signs a message or typed data, of which the device shows the hash, and makes its result.
func (c *tronCall) signed(operation string, sign func(context.Context, *tron.TRON) (*tron.Signed, error)) (any, error) {
	asks := confirms(operation)
	asks["blind"] = true
	var signed *tron.Signed
	err := c.do(asks, func(ctx context.Context, t *tron.TRON) (err error) {
		signed, err = sign(ctx, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.warn(warnBlind)
	return objectOf(
		"signature", hexText(signed.Signature[:]), "address", signed.From.String(), "blind", true, "warnings", c.warnings,
	), nil
}

// describeOther is describeRequest for the operations of the other coins. The result is nil for an operation that is none.
func describeOther(operation string, v safejs.Value, options *interop.Object) (map[string]any, error) {
	o := objectOf("blind", true)
	var digest [32]byte
	switch operation {
	case "tron-transaction":
		t, err := readTronTransaction(v)
		if err != nil {
			return nil, err
		}
		digest = t.Hash()
		o["owner"] = t.Owner.String()
		tronFacts(o, "summary", t)
	case "tron-message":
		message, format, err := readTronMessage(v, options)
		if err != nil {
			return nil, err
		}
		if digest, err = tron.HashMessage(message, format); err != nil {
			return nil, err
		}
	case "tron-typed-data":
		document, err := interop.ReadTree(v, "typed data", typedDataLimits)
		if err != nil {
			return nil, err
		}
		hashed, err := tron.HashTypedData(document)
		if err != nil {
			return nil, err
		}
		digest = hashed.Digest()
	default:
		return describeCosmos(operation, v, options)
	}
	o["digest"] = hexText(digest[:])
	return o, options.Err()
}
