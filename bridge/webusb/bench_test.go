//go:build js && wasm

package webusb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/core/frame"
)

// BenchmarkPacket measures what a packet costs, with a device whose transfers are over at once. Half of the packets are written, half read.
func BenchmarkPacket(b *testing.B) {
	page := bridgetest.NewPage(b)
	bridgetest.Eval(b, `(device) => Object.assign(device, {
		transferOut: async () => ({ status: 'ok', bytesWritten: 64 }),
		transferIn: async () => ({ status: 'ok', data: new DataView(new ArrayBuffer(64)) }),
	})`).Invoke(page.Device)
	link, ctx := page.Open(), b.Context()
	var p frame.Packet
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		var err error
		if n%2 == 0 {
			err = link.Send(ctx, &p)
		} else {
			_, err = link.Receive(ctx)
		}
		require.NoError(b, err)
	}
}
