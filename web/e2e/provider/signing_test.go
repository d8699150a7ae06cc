package provider

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestFromSelectsTheAccount checks that the from address selects the account that signs, and that other addresses are refused.
func TestFromSelectsTheAccount(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{Approve: device.Yes}, "accounts: 2")
	require.Equal(t, []string{harness.FirstAddress, harness.SecondAddress}, d.Accounts())
	for _, address := range []string{harness.FirstAddress, harness.SecondAddress} {
		signature := d.Request("personal_sign", `['hello', '`+strings.ToLower(address)+`']`).Text(t)
		require.Equal(t, strings.ToLower(address), harness.Signer(t, harness.PersonalDigest("hello"), signature))
		d.Request("eth_sendTransaction", `[{ from: '`+address+`', to: '`+harness.FirstAddress+`', value: '0x1' }]`).Text(t)
		raw := n.TakeSent()
		require.Len(t, raw, 1)
		require.Equal(t, strings.ToLower(address), sender(t, raw[0]))
	}
	before := s.BytesOnBus()
	const foreign = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
	d.Request("personal_sign", `['hello', '`+foreign+`']`).RequireError(t, 4100, "invalid-argument")
	d.Request("eth_signTypedData_v4", `['`+foreign+`', `+harness.Mail+`]`).RequireError(t, 4100, "invalid-argument")
	d.Request("eth_sendTransaction", `[{ from: '`+foreign+`', to: '`+harness.FirstAddress+`' }]`).RequireError(t, 4100, "invalid-argument")
	require.Equal(t, before, s.BytesOnBus(), "the device is not asked")
	require.Empty(t, n.TakeSent())
}

// TestTypedDataFollowsEIP712 checks signatures of typed data against the digest that EIP-712 gives.
func TestTypedDataFollowsEIP712(t *testing.T) {
	t.Parallel()
	_, n, d := wallet(t, device.Options{Approve: device.Yes}, "")
	n.Answer("eth_chainId", "0x1")
	d.Run(`await provider.request({ method: 'wallet_addEthereumChain', params: [{ chainId: '0x1', chainName: 'One', rpcUrls: [rpc],
		nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 } }] })`)
	d.Accounts()
	digest, err := hex.DecodeString(harness.MailDigest)
	require.NoError(t, err)
	for _, method := range []string{"eth_signTypedData", "eth_signTypedData_v3", "eth_signTypedData_v4"} {
		for _, document := range []string{harness.Mail, "JSON.stringify(" + harness.Mail + ")"} {
			signature := d.Request(method, `['`+harness.FirstAddress+`', `+document+`]`).Text(t)
			require.Equal(t, strings.ToLower(harness.FirstAddress), harness.Signer(t, digest, signature), method)
		}
	}
	d.Request("eth_signTypedData_v1", `[[{ type: 'string', name: 'm', value: 'hi' }], '`+harness.FirstAddress+`']`).RequireError(t, 4200, "unsupported-method")
}

// TestEthAccountsDoesNotPrompt checks that eth_accounts opens no chooser and no device and loads no WebAssembly.
func TestEthAccountsDoesNotPrompt(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t), Approve: device.Yes})
	s.ServeDapp()
	n := harness.NewFakeNode(t)
	d := s.OpenDapp(harness.BrowserOptions{}, n.URL, "")
	d.Run(`
		globalThis.usb = []
		for (const name of ['requestDevice', 'getDevices']) {
			const own = navigator.usb[name]
			navigator.usb[name] = (...given) => { usb.push(name); return own.apply(navigator.usb, given) }
		}`)
	before := s.BytesOnBus()
	require.JSONEq(t, "[]", string(d.Request("eth_accounts", "[]").Value))
	require.JSONEq(t, "null", string(d.Request("eth_coinbase", "[]").Value))
	require.Empty(t, harness.Eval[[]string](d.Browser, "usb"))
	require.Zero(t, d.Events())
	require.Equal(t, before, s.BytesOnBus())
	require.NotContains(t, string(d.Recorded()), "/imkey.wasm", "no WebAssembly is loaded")

	d.Pair()
	d.Accounts()
	d.Run("usb.length = 0")
	before, events := s.BytesOnBus(), d.Events()
	require.JSONEq(t, `["`+harness.FirstAddress+`"]`, string(d.Request("eth_accounts", "[]").Value))
	require.Empty(t, harness.Eval[[]string](d.Browser, "usb"))
	require.Equal(t, before, s.BytesOnBus())
	require.Equal(t, events, d.Events())
}
