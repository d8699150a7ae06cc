//go:build js && wasm

package main

import (
	"context"
	"encoding/hex"
	"math/big"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/hdpath"
)

// ethereumMethods are the methods of a device's ethereum object.
var ethereumMethods = map[string]deviceMethod{
	"ethereum.getAccount":      (*openDevice).getAccount,
	"ethereum.signTransaction": (*openDevice).signTransaction,
	"ethereum.signMessage":     (*openDevice).signMessage,
	"ethereum.signTypedData":   (*openDevice).signTypedData,
}

// ethereumCall is one call on a device's ethereum object.
type ethereumCall struct {
	*signingCall
	by ethereum.Signer
}

func (d *openDevice) newEthereumCall(options safejs.Value) *ethereumCall {
	return &ethereumCall{signingCall: d.newSigningCall(options)}
}

// path reads the option path. Its default is the first account.
func (c *ethereumCall) path() hdpath.Path { return c.signingCall.path(ethereum.BIP44(0)) }

// signer reads the options of the methods that sign. from is the sender that a transaction names itself, or nil.
func (c *ethereumCall) signer(from *ethereum.Address) {
	c.by.Path = c.path()
	c.by.From = fields{c.options}.address("from", c.options.Value("from"))
	switch {
	case c.by.From == nil:
		c.by.From = from
	case from != nil && *from != *c.by.From:
		c.options.Fail("from", "not the sender that the transaction names")
	}
	c.by.Progress = c.progress()
}

// do runs call with the Ethereum applet; see signingCall.do.
func (c *ethereumCall) do(asks interaction, call func(context.Context, *ethereum.Ethereum) error) error {
	return c.signingCall.do(asks, func(ctx context.Context) error {
		return call(ctx, ethereum.New(c.device.device, c))
	})
}

func (d *openDevice) getAccount(args []safejs.Value) (any, error) {
	c := d.newEthereumCall(interop.Argument(args, 0))
	path := c.path()
	show := or(c.options.OptionalBool("verify"), false)
	var account ethereum.Account
	err := c.do(confirms("address"), func(ctx context.Context, e *ethereum.Ethereum) (err error) {
		account, err = e.Account(ctx, path, show)
		return err
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"address": account.Address.String(), "path": account.Path.String(), "publicKey": hexText(account.PublicKey[:]), "warnings": c.warnings,
	}, nil
}

func (d *openDevice) signTransaction(args []safejs.Value) (any, error) {
	transaction, from, err := readTransaction(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	c := d.newEthereumCall(interop.Argument(args, 1))
	c.signer(from)
	native := nativeCurrency(c.options)
	// The page can show what is to be signed, and the strings that the device gets for its screen.
	announce := func(s ethereum.Summary) {
		asks := confirms("transaction")
		transactionFacts(asks, transaction, s)
		d.asks = asks
	}
	var signed *ethereum.SignedTransaction
	err = c.do(confirms("transaction"), func(ctx context.Context, e *ethereum.Ethereum) (err error) {
		signed, err = e.SignTransaction(ctx, c.by, transaction, native, announce)
		return err
	})
	if err != nil {
		return nil, err
	}
	if signed.Summary.Blind {
		c.warn(warnBlind)
	}
	if transaction.ChainID == nil {
		c.warn(ethereum.NoteEveryChain)
	}
	result := map[string]any{
		"raw": hexText(signed.Raw), "hash": hexText(signed.Hash[:]), "from": signed.From.String(),
		"r": hexText(signed.Signature.R[:]), "s": hexText(signed.Signature.S[:]), "yParity": int(signed.Signature.YParity),
		"summary": summaryObject(signed.Summary), "blind": signed.Summary.Blind, "warnings": c.warnings,
	}
	if transaction.Type == ethereum.TypeLegacy {
		result["v"] = "0x" + legacyV(transaction.ChainID, signed.Signature.YParity).Text(16)
	}
	return result, nil
}

// transactionFacts adds what a page may show of a transaction before it is signed.
func transactionFacts(o map[string]any, t *ethereum.Transaction, s ethereum.Summary) {
	o["blind"] = s.Blind
	o["summary"] = summaryObject(s)
	if t.HasScreen() {
		o["screen"] = map[string]any{"payment": s.Payment, "receiver": s.Receiver, "fee": s.Fee}
	}
}

// describeRequest says what the device would show of a request and the digest that it would sign. It uses no device. The arguments are the
// operation of an interaction, what is to be signed, and the options of the call that signs it.
func describeRequest(args []safejs.Value) (any, error) {
	operation, _ := interop.Text(interop.Argument(args, 0), 16)
	v, options := interop.Argument(args, 1), interop.ReadOptions(interop.Argument(args, 2), "")
	o := map[string]any{"blind": true}
	var digest [32]byte
	switch operation {
	case "transaction":
		t, _, err := readTransaction(v)
		if err != nil {
			return nil, err
		}
		native := nativeCurrency(options)
		if err := options.Err(); err != nil {
			return nil, err
		}
		var s ethereum.Summary
		if s, digest, err = t.Describe(native); err != nil {
			return nil, err
		}
		transactionFacts(o, t, s)
	case "message":
		message, err := readMessage(v)
		if err != nil {
			return nil, err
		}
		if digest, err = ethereum.DescribeMessage(message); err != nil {
			return nil, err
		}
		o["blind"] = ethereum.BlindMessage(message)
	case "typed-data":
		document, err := readTypedData(v, options)
		if err != nil {
			return nil, err
		}
		digest = document.Digest()
	default:
		o, err := describeOther(operation, v, options)
		if o == nil && err == nil {
			err = errcode.Invalid("operation", "none of the operations that sign")
		}
		return o, err
	}
	if err := options.Err(); err != nil {
		return nil, err
	}
	o["digest"] = hexText(digest[:])
	return o, nil
}

// summaryObject returns the summary of a transaction for the page. Unlike the strings for the screen, every type has one.
func summaryObject(s ethereum.Summary) map[string]any {
	o := map[string]any{"kind": string(s.Kind), "payment": s.Payment, "receiver": s.Receiver, "fee": s.Fee, "unlimited": s.Unlimited}
	if len(s.Notes) > 0 {
		notes := make([]any, len(s.Notes))
		for i, note := range s.Notes {
			notes[i] = note
		}
		o["notes"] = notes
	}
	return o
}

// legacyV returns v of type 0 for a recovery id: 27 + id, or with EIP-155 35 + id + twice the chain id.
func legacyV(chainID *big.Int, parity byte) *big.Int {
	v := big.NewInt(int64(parity))
	if chainID == nil {
		return v.Add(v, big.NewInt(27))
	}
	v.Add(v, big.NewInt(35))
	return v.Add(v, new(big.Int).Lsh(chainID, 1))
}

// nativeCurrency reads how the caller names the chain's currency. Core checks it, and uses it for a chain that it does not know.
func nativeCurrency(options *interop.Object) ethereum.Native {
	v := options.Value("nativeCurrency")
	if v.IsUndefined() {
		return ethereum.Ether
	}
	o := interop.ReadObject(v, options.At("nativeCurrency"))
	symbol, ok := interop.Text(o.Value("symbol"), 255)
	if !ok {
		o.Refuse("symbol", "a string")
	}
	n := ethereum.Native{Symbol: symbol, Decimals: uint8(o.Int("decimals", 255))}
	if o.Err() != nil {
		options.Adopt(o.Err())
	}
	return n
}

func (d *openDevice) signMessage(args []safejs.Value) (any, error) {
	message, err := readMessage(interop.Argument(args, 0))
	if err != nil {
		return nil, err
	}
	c := d.newEthereumCall(interop.Argument(args, 1))
	return c.signed("message", ethereum.BlindMessage(message), func(ctx context.Context, e *ethereum.Ethereum) (*ethereum.SignedMessage, error) {
		return e.SignMessage(ctx, c.by, message)
	})
}

// readMessage reads a text, which is signed as UTF-8, or bytes.
func readMessage(v safejs.Value) ([]byte, error) {
	if text, ok := interop.Text(v, maxData); ok {
		return []byte(text), nil
	}
	if b, ok := interop.Bytes(v, maxData); ok {
		return b, nil
	}
	return nil, errcode.Invalid("message", "neither text without lone surrogates nor bytes, or longer than 65535")
}

func (d *openDevice) signTypedData(args []safejs.Value) (any, error) {
	c := d.newEthereumCall(interop.Argument(args, 1))
	hashed, err := readTypedData(interop.Argument(args, 0), c.options)
	if err != nil {
		return nil, err
	}
	return c.signed("typed-data", true, func(ctx context.Context, e *ethereum.Ethereum) (*ethereum.SignedMessage, error) {
		return e.SignTypedData(ctx, c.by, hashed)
	})
}

// readTypedData reads a document and the option version, and hashes the document.
func readTypedData(v safejs.Value, options *interop.Object) (*ethereum.TypedData, error) {
	document, err := interop.ReadTree(v, "typed data", typedDataLimits)
	if err != nil {
		return nil, err
	}
	version := version(options)
	if err := options.Err(); err != nil {
		return nil, err
	}
	return ethereum.HashTypedData(document, version)
}

// typedDataLimits are wider than core's limits: a megabyte of encoding, which is twice as long in hex, with a value and a name
// for every word of it.
var typedDataLimits = interop.TreeLimits{
	Depth: ethereum.MaxTypedDataDepth + 2, Values: ethereum.MaxTypedDataSize / 16, Size: 3 * ethereum.MaxTypedDataSize,
}

func version(options *interop.Object) ethereum.Version {
	v := options.Value("version")
	text, _ := interop.Text(v, 2)
	switch {
	case v.IsUndefined() || text == "V4":
		return ethereum.V4
	case text == "V3":
		return ethereum.V3
	}
	options.Refuse("version", `"V3" or "V4"`)
	return 0
}

// signed runs a call that signs a message or typed data, and makes its result.
func (c *ethereumCall) signed(operation string, blind bool, sign func(context.Context, *ethereum.Ethereum) (*ethereum.SignedMessage, error)) (any, error) {
	c.signer(nil)
	asks := confirms(operation)
	asks["blind"] = blind
	var signed *ethereum.SignedMessage
	err := c.do(asks, func(ctx context.Context, e *ethereum.Ethereum) (err error) {
		signed, err = sign(ctx, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	if signed.Blind {
		c.warn(warnBlind)
	}
	return map[string]any{
		"signature": hexText(signed.Signature[:]), "address": signed.From.String(), "blind": signed.Blind, "warnings": c.warnings,
	}, nil
}

func hexText(b []byte) string { return "0x" + hex.EncodeToString(b) }
