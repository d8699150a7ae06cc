//go:build js && wasm && !nocoins

package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"strings"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/base64"
	"imkey-connect/core/bitcoin"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
)

var bitcoinMethods = map[string]deviceMethod{
	"bitcoin.getAddress":           (*openDevice).bitcoinAddress,
	"bitcoin.getExtendedPublicKey": (*openDevice).bitcoinExtendedKey,
	"bitcoin.signPsbt":             (*openDevice).bitcoinPSBT,
	"bitcoin.signMessage":          (*openDevice).bitcoinMessage,
}

// bitcoinCall is one call on a device's bitcoin object.
type bitcoinCall struct {
	*signingCall
	typ     bitcoin.Type
	network bitcoin.Network
}

// newBitcoinCall reads the options that the methods share. Type and network are 0 where they are absent.
func (d *openDevice) newBitcoinCall(options safejs.Value) *bitcoinCall {
	c := &bitcoinCall{signingCall: d.newSigningCall(options)}
	named := func(name, expected string, read func(string) bool) {
		v := c.options.Value(name)
		if text, _ := interop.Text(v, 16); !v.IsUndefined() && !read(text) {
			c.options.Refuse(name, expected)
		}
	}
	named("type", `"p2pkh", "p2sh-p2wpkh", "p2wpkh" or "p2tr"`, func(s string) (ok bool) { c.typ, ok = bitcoin.ParseType(s); return ok })
	named("network", `"mainnet", "testnet", "signet" or "regtest"`, func(s string) (ok bool) { c.network, ok = bitcoin.ParseNetwork(s); return ok })
	return c
}

// addressPath reads the path of an address. By default it is the first one of the type and the network.
func (c *bitcoinCall) addressPath() hdpath.Path {
	return c.path(bitcoin.BIP44(cmp.Or(c.typ, bitcoin.P2WPKH), cmp.Or(c.network, bitcoin.Mainnet), 0))
}

// do runs call with the Bitcoin applet; see signingCall.do.
func (c *bitcoinCall) do(asks interaction, call func(context.Context, *bitcoin.Bitcoin) error) error {
	return c.signingCall.do(asks, func(ctx context.Context) error {
		return call(ctx, bitcoin.New(c.device.device, c))
	})
}

func (d *openDevice) bitcoinAddress(args []safejs.Value) (any, error) {
	c := d.newBitcoinCall(interop.Argument(args, 0))
	path := c.addressPath()
	show := or(c.options.OptionalBool("verify"), false)
	var a bitcoin.Account
	err := c.do(confirms("address"), func(ctx context.Context, b *bitcoin.Bitcoin) (err error) {
		a, err = b.Account(ctx, path, c.typ, c.network, show)
		return err
	})
	if err != nil {
		return nil, err
	}
	compressed := a.PublicKey.Compressed()
	return objectOf(
		"address", a.Address, "path", a.Path.String(), "type", a.Type.String(), "publicKey", hexText(compressed[:]), "script", hexText(a.Script),
		"warnings", c.warnings,
	), nil
}

func (d *openDevice) bitcoinExtendedKey(args []safejs.Value) (any, error) {
	c := d.newBitcoinCall(interop.Argument(args, 0))
	path := c.path(bitcoin.BIP44(cmp.Or(c.typ, bitcoin.P2WPKH), cmp.Or(c.network, bitcoin.Mainnet), 0)[:3])
	var key hdkey.ExtendedKey
	err := c.do(confirms("address"), func(ctx context.Context, b *bitcoin.Bitcoin) (err error) {
		key, err = b.ExtendedKey(ctx, path)
		return err
	})
	if err != nil {
		return nil, err
	}
	network := c.network
	if network == 0 {
		_, network, _ = bitcoin.TypeOfPath(path)
	}
	text := key.String()
	if network != bitcoin.Mainnet {
		text = key.Testnet()
	}
	return objectOf("xpub", text, "path", path.String(), "warnings", c.warnings), nil
}

// readPSBT reads bytes, base 64 or hex.
func readPSBT(v safejs.Value) (*bitcoin.PSBT, error) {
	b, ok := interop.Bytes(v, 4*bitcoin.MaxPSBT)
	if text, isText := interop.Text(v, 4*bitcoin.MaxPSBT); isText {
		if strings.HasPrefix(text, "70736274ff") || strings.HasPrefix(text, "70736274FF") {
			var err error
			b, err = hex.DecodeString(text)
			ok = err == nil
		} else {
			b, ok = base64.Decode(text)
		}
	}
	if !ok {
		return nil, errcode.Invalid("psbt", "neither bytes nor text in base 64 or hex, or far too long")
	}
	return bitcoin.ParsePSBT(b)
}

// maxPaths is the largest number of paths of an option.
const maxPaths = 20

func (d *openDevice) bitcoinPSBT(args []safejs.Value) (any, error) {
	p, err := readPSBT(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	c := d.newBitcoinCall(interop.Argument(args, 1))
	asks := confirms("transaction")
	by := bitcoin.Signer{
		Network: c.network, Finalize: or(c.options.OptionalBool("finalize"), true), Progress: c.progress(),
		Review: func(s *bitcoin.Summary) error {
			asks["bitcoin"], asks["blind"] = bitcoinSummary(s), s.Blind
			return nil
		},
	}
	if path := c.path(nil); path != nil {
		by.Paths = append(by.Paths, path)
	}
	readPSBTOptions(c.options, &by)
	var signed *bitcoin.Signed
	err = c.do(asks, func(ctx context.Context, b *bitcoin.Bitcoin) (err error) {
		signed, err = b.SignPSBT(ctx, by, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	if signed.Summary.Blind {
		c.warn(warnBlind)
	}
	result := objectOf(
		"psbt", base64.Encode(p.Bytes()), "summary", bitcoinSummary(&signed.Summary), "blind", signed.Summary.Blind,
		"warnings", c.warnings,
	)
	if signed.Transaction != nil {
		result["transaction"], result["txid"] = hex.EncodeToString(signed.Transaction.Bytes()), bitcoin.TxIDText(signed.Transaction.TxID())
	}
	return result, nil
}

// readPSBTOptions reads what to sign and what the caller agrees to.
func readPSBTOptions(options *interop.Object, by *bitcoin.Signer) {
	if v := options.Value("paths"); !v.IsUndefined() {
		list, ok := interop.List(v, maxPaths)
		for _, v := range list {
			text, _ := interop.Text(v, 255)
			path, err := hdpath.Parse(text)
			ok = ok && err == nil
			by.Paths = append(by.Paths, path)
		}
		if !ok {
			options.Refuse("paths", "a list of at most 20 paths such as m/84'/0'/0'")
		}
	}
	if v := options.Value("inputs"); !v.IsUndefined() {
		list, ok := interop.List(v, bitcoin.MaxInputs)
		by.Inputs = []int{}
		for _, v := range list {
			index, isIndex := interop.Int(v, bitcoin.MaxInputs)
			ok = ok && isIndex
			by.Inputs = append(by.Inputs, index)
		}
		if !ok {
			options.Refuse("inputs", "a list of at most 252 indices")
		}
	}
	if fee := (fields{options}).quantity("maxFee"); fee != nil {
		if !fee.IsUint64() {
			options.Fail("maxFee", "out of range")
		}
		by.MaxFee = new(fee.Uint64())
	}
}

// bitcoinSummary is a summary as a page reads it. Amounts are in satoshi, which a number holds exactly.
func bitcoinSummary(s *bitcoin.Summary) map[string]any {
	payments, change, notes := []any{}, []any{}, []any{}
	for i := range s.Payments {
		p := &s.Payments[i]
		o := objectOf("index", p.Index, "amount", float64(p.Amount), "script", hexText(p.Script), "text", p.Text())
		if p.Address != "" {
			o["address"] = p.Address
		}
		payments = append(payments, o)
	}
	for _, c := range s.Change {
		change = append(change, objectOf("index", c.Index, "amount", float64(c.Amount), "address", c.Address, "path", c.Path.String()))
	}
	for _, note := range s.Notes {
		notes = append(notes, note)
	}
	indices := func(list []int) []any {
		all := make([]any, len(list))
		for i, n := range list {
			all[i] = n
		}
		return all
	}
	return objectOf(
		"payments", payments, "change", change, "fee", float64(s.Fee), "spent", float64(s.Spent), "own", float64(s.Own),
		"signed", indices(s.Signed), "unsigned", indices(s.Unsigned), "notes", notes,
	)
}

// describeBitcoin is describeOther for Bitcoin.
func describeBitcoin(operation string, v safejs.Value, options *interop.Object) (map[string]any, error) {
	if operation != "bitcoin-address" && operation != "bitcoin-psbt" {
		return nil, nil
	}
	network := bitcoin.Mainnet
	if v := options.Value("network"); !v.IsUndefined() {
		text, _ := interop.Text(v, 16)
		var ok bool
		if network, ok = bitcoin.ParseNetwork(text); !ok {
			options.Refuse("network", `"mainnet", "testnet", "signet" or "regtest"`)
		}
	}
	if operation == "bitcoin-psbt" {
		return describePSBT(v, network, options)
	}
	if err := options.Err(); err != nil {
		return nil, err
	}
	text, _ := interop.Text(v, 128)
	script, err := network.ParseAddress(text)
	if err != nil {
		return nil, err
	}
	return objectOf("script", hexText(script), "dust", float64(bitcoin.Dust(script))), nil
}

// describePSBT says what a device with these extended public keys would sign. A high fee is no error.
func describePSBT(v safejs.Value, network bitcoin.Network, options *interop.Object) (map[string]any, error) {
	by := bitcoin.Signer{Network: network}
	readPSBTOptions(options, &by)
	if by.MaxFee == nil {
		by.MaxFee = new(uint64(bitcoin.MaxMoney))
	}
	keys := map[string]hdkey.ExtendedKey{}
	list, ok := interop.List(options.Value("keys"), maxPaths)
	for _, v := range list {
		o := interop.ReadObject(v, "keys")
		at, _ := interop.Text(o.Value("path"), 255)
		text, _ := interop.Text(o.Value("xpub"), 128)
		path, err := hdpath.Parse(at)
		key, isKey := hdkey.Parse(text)
		ok = ok && err == nil && isKey && o.Err() == nil && len(path) == int(key.Depth)
		if ok {
			keys[path.String()] = key
		}
	}
	if !ok {
		options.Refuse("keys", "a list of { path, xpub }")
	}
	if err := options.Err(); err != nil {
		return nil, err
	}
	p, err := readPSBT(v)
	if err != nil {
		return nil, err
	}
	s, err := bitcoin.Describe(context.Background(), by, p, keys)
	if err != nil {
		return nil, err
	}
	return objectOf("summary", bitcoinSummary(s), "blind", s.Blind), nil
}

// bitcoinSchemes are the names of the schemes.
var bitcoinSchemes = map[string]bitcoin.Scheme{
	"bip137": bitcoin.BIP137, "standard": bitcoin.Standard, "bip322": bitcoin.BIP322, "bip322-full": bitcoin.BIP322Full,
}

func (d *openDevice) bitcoinMessage(args []safejs.Value) (any, error) {
	message, ok := interop.Bytes(interop.Argument(args, 0), bitcoin.MaxMessage)
	if text, isText := interop.Text(interop.Argument(args, 0), 2*bitcoin.MaxMessage); isText {
		message, ok = []byte(text), true
	}
	if !ok {
		return nil, errcode.Invalid("message", "neither text without lone surrogates nor bytes, or too long")
	}
	c := d.newBitcoinCall(interop.Argument(args, 1))
	by := bitcoin.MessageSigner{Path: c.addressPath(), Type: c.typ, Network: c.network, Progress: c.progress()}
	if v := c.options.Value("scheme"); !v.IsUndefined() {
		text, _ := interop.Text(v, 16)
		if by.Scheme, ok = bitcoinSchemes[text]; !ok {
			c.options.Refuse("scheme", `"bip137", "standard", "bip322" or "bip322-full"`)
		}
	}
	if v := c.options.Value("from"); !v.IsUndefined() {
		if by.From, ok = interop.Text(v, 128); !ok || by.From == "" {
			c.options.Refuse("from", "an address")
		}
	}
	asks := confirms("message")
	asks["blind"] = true
	var signed *bitcoin.SignedMessage
	err := c.do(asks, func(ctx context.Context, b *bitcoin.Bitcoin) (err error) {
		signed, err = b.SignMessage(ctx, by, message)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.warn(warnBlind)
	return objectOf(
		"signature", signed.Signature, "address", signed.Address, "hash", hexText(signed.Hash[:]), "blind", true, "warnings", c.warnings,
	), nil
}
