//go:build js && wasm

package main

import (
	"context"
	"errors"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/records"
	"imkey-connect/core/binding"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/signing"
)

// The warnings on a result.
const (
	// warnUnbound: the device is not bound, and the caller allowed that.
	warnUnbound = "unbound"
	// warnUnverified: no trusted CA signed the device's certificate, and the caller or the page allowed that.
	warnUnverified = "unverified-device"
	// warnBlind: the device's screen could not show all of what was signed.
	warnBlind = "blind"
)

// confirms is an interaction in which the user confirms an operation.
func confirms(operation string) interaction {
	return interaction{"reason": confirm, "operation": operation}
}

// signingCall is one call of a coin's method that needs the wallet: an account or a signature. It reads the options that
// the coins share and gives the coin the binding's keys.
type signingCall struct {
	device   *openDevice
	options  *interop.Object // a coin reads its own options here
	signal   safejs.Value
	choices  binding.SigningOptions
	warnings []any
}

// newSigningCall reads signal, shown, acceptUnverified and allowUnbound.
func (d *openDevice) newSigningCall(v safejs.Value) *signingCall {
	o := interop.ReadOptions(v, "")
	return &signingCall{
		device: d, options: o, signal: o.Value("signal"), warnings: []any{},
		choices: binding.SigningOptions{
			Consent:      d.consent(callOptions{shown: records.ReadShown(o), acceptUnverified: o.OptionalBool("acceptUnverified")}),
			AllowUnbound: or(o.OptionalBool("allowUnbound"), false),
		},
	}
}

// path reads the option path, which may be absent.
func (c *signingCall) path(otherwise hdpath.Path) hdpath.Path {
	v := c.options.Value("path")
	if v.IsUndefined() {
		return otherwise
	}
	text, ok := interop.Text(v, 255)
	if !ok {
		c.options.Refuse("path", "a path such as m/44'/60'/0'/0/0")
		return nil
	}
	path, err := hdpath.Parse(text)
	if err != nil {
		c.options.Fail("path", reasonOf(err))
	}
	return path
}

// progress reads the option onProgress. The function is nil where the option is absent.
func (c *signingCall) progress() func(sent, total int) {
	listener := c.options.Value("onProgress")
	switch {
	case interop.Is(listener, safejs.TypeFunction):
		return func(sent, total int) { _, _ = listener.Invoke(sent, total) } // an exception is the page's own affair
	case !listener.IsUndefined():
		c.options.Refuse("onProgress", "a function")
	}
	return nil
}

// do waits for the device's turn and runs call. asks is what the user would confirm on the device. It reports what is wrong
// with the options before anything is sent.
func (c *signingCall) do(asks interaction, call func(context.Context) error) error {
	if err := c.options.Err(); err != nil {
		return err
	}
	return c.device.do(c.signal, asks, call)
}

// Recall implements signing.Recaller by the device's record.
func (c *signingCall) Recall(ctx context.Context, _ *device.Session) (signing.Keys, bool, error) {
	keys, ok, err := c.device.binding.Recall(ctx, c.choices)
	if !ok {
		return signing.Keys{}, false, err
	}
	defer keys.Wipe()
	if keys.Trust != binding.Verified {
		c.warn(warnUnverified)
	}
	return signing.Keys{App: keys.App, SE: keys.SE}, true, nil
}

// Keys implements signing.Binder by the device's binding.
func (c *signingCall) Keys(ctx context.Context, s *device.Session) (signing.Keys, error) {
	c.warnings = []any{} // those of Recall
	keys, err := c.device.binding.SigningKeys(ctx, s, c.choices)
	switch {
	case errors.Is(err, errcode.NotBound):
		c.device.heard(binding.Unbound)
	case errors.Is(err, errcode.BoundElsewhere):
		c.device.heard(binding.BoundElsewhere)
	}
	if err != nil {
		return signing.Keys{}, err
	}
	defer keys.Wipe()
	if keys.Unbound {
		c.warn(warnUnbound)
	}
	if keys.Trust != binding.Verified {
		c.warn(warnUnverified)
	}
	if keys.Unbound {
		return signing.Unbound(keys.SE).Keys(ctx, s)
	}
	return signing.Keys{App: keys.App, SE: keys.SE}, nil
}

func (c *signingCall) warn(warning string) { c.warnings = append(c.warnings, warning) }
