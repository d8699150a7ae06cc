package provider

import (
	"testing"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// The parameters of requests, as JavaScript.
const (
	personalSign = `['hello', '` + harness.FirstAddress + `']`
	transfer     = `[{ from: '` + harness.FirstAddress + `', to: '` + harness.SecondAddress + `', value: '0x1' }]`
	typed        = `['` + harness.FirstAddress + `', { ...(` + harness.Mail + `), domain: { name: 'Ether Mail' },
		types: { ...(` + harness.Mail + `).types, EIP712Domain: [{ name: 'name', type: 'string' }] } }]`
)

var signing = map[string]string{"personal_sign": personalSign, "eth_signTypedData_v4": typed, "eth_sendTransaction": transfer}

// wallet starts a simulator with the test wallet, a fake node, and a dApp that the device is bound to.
func wallet(t *testing.T, o device.Options, options string) (*harness.Sim, *harness.FakeNode, *harness.Dapp) {
	o.Mnemonic = harness.TestPhrase(t)
	s := harness.NewSim(t, o)
	s.ServeDapp()
	n := harness.NewFakeNode(t)
	d := s.OpenDapp(harness.BrowserOptions{}, n.URL, options)
	d.Pair()
	return s, n, d
}
