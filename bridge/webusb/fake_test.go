//go:build js && wasm

package webusb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/webusb"
)

type fake struct {
	*bridgetest.USB
	t *testing.T
}

func newFake(t *testing.T) *fake {
	t.Helper()
	return &fake{bridgetest.NewUSB(t), t}
}

func (f *fake) options() webusb.Options { return webusb.Options{USB: f.USB.USB, Locks: f.Locks} }

func (f *fake) open() *webusb.Link {
	f.t.Helper()
	l, err := webusb.Open(bridgetest.Context(f.t), f.Device, f.options())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { require.NoError(f.t, l.Close()) })
	return l
}
