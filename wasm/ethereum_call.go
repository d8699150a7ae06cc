//go:build js && wasm

package main

import (
	"context"
	"errors"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/binding"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
)

// The warnings on a result.
const (
	// warnUnbound: the device is bound to nobody, and the caller allowed that.
	warnUnbound = "unbound"
	// warnUnverified: no trusted key vouches for the device, and the caller or the page allowed that.
	warnUnverified = "unverified-device"
	// warnBlind: the device's screen could not show all of what was signed.
	warnBlind = "blind"
)

// confirms is an interaction that confirms what an operation is about.
func confirms(operation string) interaction {
	return interaction{"reason": confirm, "operation": operation}
}

// ethereumCall is one call on a device's ethereum object.
type ethereumCall struct {
	device   *openDevice
	options  *interop.Object // what a method has options of its own in
	signal   safejs.Value
	signing  binding.SigningOptions
	by       ethereum.Signer
	warnings []any
}

// newEthereumCall reads the options that every call has.
func (d *openDevice) newEthereumCall(v safejs.Value) *ethereumCall {
	o := interop.ReadOptions(v, "")
	c := &ethereumCall{device: d, options: o, signal: o.Value("signal"), warnings: []any{}}
	c.signing = binding.SigningOptions{
		AcceptUnverified: or(o.OptionalBool("acceptUnverified"), d.options.allowUnverified),
		AllowUnbound:     or(o.OptionalBool("allowUnbound"), false),
	}
	return c
}

// path reads the option of that name, by default the first account's.
func (c *ethereumCall) path() ethereum.Path {
	v := c.options.Value("path")
	if v.IsUndefined() {
		return ethereum.BIP44(0)
	}
	text, ok := interop.Text(v, 255)
	if !ok {
		c.options.Refuse("path", "a path such as m/44'/60'/0'/0/0")
		return nil
	}
	path, err := ethereum.ParsePath(text)
	if err != nil {
		c.options.Fail("path", reasonOf(err))
	}
	return path
}

// signer reads the options of the calls that sign. from is the sender that a transaction names itself, or nil.
func (c *ethereumCall) signer(from *ethereum.Address) {
	c.by.Path = c.path()
	c.by.From = fields{c.options}.address("from", c.options.Value("from"))
	switch {
	case c.by.From == nil:
		c.by.From = from
	case from != nil && *from != *c.by.From:
		c.options.Fail("from", "not the sender that the transaction names")
	}
	progress := c.options.Value("onProgress")
	switch {
	case interop.Is(progress, safejs.TypeFunction):
		c.by.Progress = func(sent, total int) { _, _ = progress.Invoke(sent, total) } // what it throws is the page's own affair
	case !progress.IsUndefined():
		c.options.Refuse("onProgress", "a function")
	}
}

// do waits for the device's turn and runs call with the applet. asks is what the device's person would confirm.
func (c *ethereumCall) do(asks interaction, call func(context.Context, *ethereum.Ethereum) error) error {
	if err := c.options.Err(); err != nil {
		return err
	}
	err := c.device.do(c.signal, asks, func(ctx context.Context) error {
		return call(ctx, ethereum.New(c.device.device, c))
	})
	var e *errcode.Error
	if errors.As(err, &e) && e.Data["reason"] == ethereum.ForeignFrom {
		named := *e
		named.Data = map[string]any{"at": "from", "reason": "foreign-from"}
		return &named
	}
	return err
}

// Keys implements ethereum.Binder by the device's binding.
func (c *ethereumCall) Keys(ctx context.Context, s *device.Session) (ethereum.Keys, error) {
	keys, err := c.device.binding.SigningKeys(ctx, s, c.signing)
	switch {
	case errors.Is(err, errcode.NotBound):
		c.device.heard(binding.Unbound)
	case errors.Is(err, errcode.BoundElsewhere):
		c.device.heard(binding.BoundElsewhere)
	}
	if err != nil {
		return ethereum.Keys{}, err
	}
	defer keys.Wipe()
	if keys.Unbound {
		c.warn(warnUnbound)
	}
	if keys.Trust != binding.Verified {
		c.warn(warnUnverified)
	}
	if keys.Unbound {
		return ethereum.Unbound(keys.SE).Keys(ctx, s)
	}
	return ethereum.Keys{App: keys.App, SE: keys.SE}, nil
}

func (c *ethereumCall) warn(warning string) { c.warnings = append(c.warnings, warning) }
