//go:build js && wasm

package bridgetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/webusb"
)

// Page is a page with a fake device, for tests of links.
type Page struct{ *USB }

// NewPage returns a page with a new fake device.
func NewPage(t testing.TB) *Page {
	t.Helper()
	return &Page{NewUSB(t)}
}

// Options returns the options with which the page opens its device.
func (p *Page) Options() webusb.Options { return webusb.Options{USB: p.USB.USB, Locks: p.Locks} }

// Open opens the device. The link is closed at the end of the test.
func (p *Page) Open() *webusb.Link {
	p.t.Helper()
	return p.opened(webusb.Open(Context(p.t), p.Device, p.Options()))
}

// Take opens the device, and takes it over if another page has it.
func (p *Page) Take(ctx context.Context) (*webusb.Link, error) {
	o := p.Options()
	o.TakeOver = true
	return webusb.Open(ctx, p.Device, o)
}

// MustTake is Take for a test in which it must succeed. The link is closed at the end of the test.
func (p *Page) MustTake() *webusb.Link {
	p.t.Helper()
	return p.opened(p.Take(Context(p.t)))
}

func (p *Page) opened(l *webusb.Link, err error) *webusb.Link {
	p.t.Helper()
	require.NoError(p.t, err)
	p.t.Cleanup(func() { require.NoError(p.t, l.Close()) })
	return l
}
