//go:build js && wasm

package main

import (
	"encoding/hex"
	"errors"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/records"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// builtInCAs are the trusted CAs if a page names none. There are none, since the vendor has not published its key.
var builtInCAs []secp256k1.PublicKey

// maxCAs bounds the trusted CAs of a page.
const maxCAs = 64

// openOptions are the CoreOptions of core.ts.
type openOptions struct {
	usb             safejs.Value
	store           storeChoice
	trustedCAs      []secp256k1.PublicKey
	allowUnverified bool
	rememberCode    bool
	takeOver        bool
	resume          bool
	shown           *binding.Identity // the only device to open, or nil
	signal          safejs.Value      // an AbortSignal that ends the opening, or undefined
	onEvent         safejs.Value
}

func readOpenOptions(v safejs.Value) (openOptions, error) {
	o := interop.ReadObject(v, "options")
	options := openOptions{
		usb:             o.Object("usb"),
		allowUnverified: o.Bool("allowUnverified"),
		rememberCode:    o.Bool("rememberCode"),
		takeOver:        or(o.OptionalBool("takeOver"), false),
		resume:          or(o.OptionalBool("resume"), false),
		shown:           records.ReadShown(o),
		signal:          o.Value("signal"),
		onEvent:         o.Func("onEvent"),
	}
	options.store = readStore(o)
	trustedCAs := o.Value("trustedCAs")
	if o.Err() != nil {
		return options, o.Err()
	}
	var err error
	options.trustedCAs, err = readTrustedCAs(trustedCAs)
	return options, err
}

// readTrustedCAs reads the trusted CAs: undefined means the built-in ones, an empty list means none.
func readTrustedCAs(v safejs.Value) ([]secp256k1.PublicKey, error) {
	if v.IsUndefined() {
		return builtInCAs, nil
	}
	refused := errcode.Invalid("options.trustedCAs", "not a list of public keys: uncompressed secp256k1 points in hex")
	list, ok := interop.List(v, maxCAs)
	if !ok {
		return nil, refused
	}
	trustedCAs := make([]secp256k1.PublicKey, 0, len(list))
	for _, item := range list {
		text, ok := interop.String(item)
		if !ok || len(text) > 2*len(secp256k1.PublicKey{}) {
			return nil, refused
		}
		b, err := hex.DecodeString(text)
		if err != nil {
			return nil, refused
		}
		key, err := secp256k1.ParsePublicKey(b)
		if err != nil {
			return nil, refused
		}
		trustedCAs = append(trustedCAs, key)
	}
	return trustedCAs, nil
}

// callOptions are the options of one call of a device's own method. All are optional.
type callOptions struct {
	signal           safejs.Value
	shown            *binding.Identity
	acceptUnverified *bool
	rememberCode     *bool
	newKey           *bool
}

func readCallOptions(v safejs.Value) (callOptions, error) {
	options := callOptions{signal: safejs.Undefined()}
	if v.IsUndefined() {
		return options, nil
	}
	o := interop.ReadObject(v, "options")
	options.signal = o.Value("signal")
	options.shown = records.ReadShown(o)
	options.acceptUnverified = o.OptionalBool("acceptUnverified")
	options.rememberCode = o.OptionalBool("rememberCode")
	options.newKey = o.OptionalBool("newKey")
	return options, o.Err()
}

func or(choice *bool, otherwise bool) bool {
	if choice != nil {
		return *choice
	}
	return otherwise
}

// reasonOf returns the reason of an invalid-argument error of core, for an error with the name that the argument has here.
func reasonOf(err error) string {
	var e *errcode.Error
	if errors.As(err, &e) {
		if reason, ok := e.Data["reason"].(string); ok {
			return reason
		}
	}
	return "malformed"
}

// objectOf makes an object of names and values, one after another. A literal of a map has several times the code.
func objectOf(pairs ...any) map[string]any {
	o := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		o[pairs[i].(string)] = pairs[i+1]
	}
	return o
}
