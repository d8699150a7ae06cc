package provider

import (
	"encoding/hex"
	"fmt"
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

// TestSignInIsForThisSite signs in to the page's own site, and to no other (EIP-4361).
func TestSignInIsForThisSite(t *testing.T) {
	t.Parallel()
	_, _, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.Accounts()
	message := func(domain string) string {
		return `[` + domain + ` + ' wants you to sign in with your Ethereum account:\n` + harness.FirstAddress + `\n\n\nURI: ' + location.href +
			'\nVersion: 1\nChain ID: ` + fmt.Sprint(harness.FakeChain) + `\nNonce: 12345678\nIssued At: 2026-09-30T16:25:24Z', '` + harness.FirstAddress + `']`
	}
	d.Request("personal_sign", message(`location.host`)).Text(t)
	d.Request("personal_sign", message(`location.origin`)).Text(t)
	for _, other := range []string{`'evil.example'`, `'sub.' + location.host`, `location.hostname`, `location.host + '@evil.example'`, `' https://' + location.host`} {
		d.Request("personal_sign", message(other)).RequireError(t, 4100, "invalid-argument")
	}
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

// TestButtonsOfMetaMasksTestDapp makes the calls of four buttons of @metamask/test-dapp 9.9.0, each of which failed once or signed what no one
// asked for.
func TestButtonsOfMetaMasksTestDapp(t *testing.T) {
	t.Parallel()
	_, n, d := wallet(t, device.Options{}, "")
	account := d.Accounts()[0]
	// No button of the device is pressed, so a request that asks the user does not end.
	refused := func(method, params, why string) {
		t.Helper()
		o := d.Request(method, params)
		require.NotZero(t, o.Code, "%+v", o)
		require.Contains(t, o.Message, why)
	}

	// personalSign, then personalSignVerify, which compares the address with that of eth_accounts.
	message := "0x" + hex.EncodeToString([]byte("Example `personal_sign` message"))
	signature := d.Confirm("personal_sign", `['`+message+`', '`+account+`', 'Example password']`).Text(t)
	require.Equal(t, strings.ToLower(account), harness.Signer(t, harness.PersonalDigest("Example `personal_sign` message"), signature))
	require.Equal(t, account, d.Request("personal_ecRecover", `['`+message+`', '`+signature+`']`).Text(t))

	// sign721Permit: its types have no EIP712Domain, so MetaMask signs another digest than viem and ethers compute.
	refused("eth_signTypedData_v4", fmt.Sprintf(`['%s', JSON.stringify({
		domain: { name: 'My NFT', version: '1', chainId: %d, verifyingContract: '0x581c3C1A2A4EBDE2A0Df29B5cf4c116E42945947' },
		types: { Permit: [{ name: 'spender', type: 'address' }, { name: 'tokenId', type: 'uint256' }, { name: 'nonce', type: 'uint256' }, { name: 'deadline', type: 'uint256' }] },
		primaryType: 'Permit',
		message: { spender: '0x0521797E19b8E274E4ED3bFe5254FAf6fac96F08', tokenId: '3606393', nonce: '0', deadline: '1734995006' },
	})]`, account, harness.FakeChain), "EIP712Domain is missing")

	// sendHeavyHexDataButton.
	refused("eth_sendTransaction", `[{ from: '`+account+`', to: '0x0000000000000000000000000000000000000000', data: '0x' + '5b'.repeat(96164) }]`,
		"data is longer than 65535 bytes")
	require.Empty(t, n.TakeSent())

	// siweBadDomain.
	lines := []string{
		"metamask.badactor.io wants you to sign in with your Ethereum account:", account, "",
		"I accept the MetaMask Terms of Service: https://community.metamask.io/tos", "",
		"URI: https://metamask.badactor.io", "Version: 1", "Chain ID: 1", "Nonce: 32891757", "Issued At: 2021-09-30T16:25:24.000Z",
	}
	refused("personal_sign", `['0x`+hex.EncodeToString([]byte(strings.Join(lines, "\n")))+`', '`+account+`']`, "metamask.badactor.io")
}
