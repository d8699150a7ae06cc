package e2e

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/hd"
	"imkey-connect/devicesim/rlp"
)

// soon is how long the request after a cancelled one may take, the person's OK included.
const soon = 2 * time.Second

// The requests of the tests below, as JavaScript.
const (
	personalSign = `['hello', '` + firstAddress + `']`
	transfer     = `[{ from: '` + firstAddress + `', to: '` + secondAddress + `', value: '0x1' }]`
	mail         = `{
		types: {
			EIP712Domain: [{ name: 'name', type: 'string' }, { name: 'version', type: 'string' }, { name: 'chainId', type: 'uint256' }, { name: 'verifyingContract', type: 'address' }],
			Person: [{ name: 'name', type: 'string' }, { name: 'wallet', type: 'address' }],
			Mail: [{ name: 'from', type: 'Person' }, { name: 'to', type: 'Person' }, { name: 'contents', type: 'string' }],
		},
		primaryType: 'Mail',
		domain: { name: 'Ether Mail', version: '1', chainId: 1, verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC' },
		message: {
			from: { name: 'Cow', wallet: '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826' },
			to: { name: 'Bob', wallet: '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB' },
			contents: 'Hello, Bob!',
		},
	}`
	// mailDigest is what EIP-712 itself says of it.
	mailDigest = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
	typed      = `['` + firstAddress + `', { ...(` + mail + `), domain: { name: 'Ether Mail' },
		types: { ...(` + mail + `).types, EIP712Domain: [{ name: 'name', type: 'string' }] } }]`
)

var signing = map[string]string{"personal_sign": personalSign, "eth_signTypedData_v4": typed, "eth_sendTransaction": transfer}

// wallet is a simulator with the test wallet on its device, and a dApp of chain 1337 to which the device is bound.
func wallet(t *testing.T, o device.Options, options string) (*sim, *fakeNode, *dapp) {
	o.Mnemonic = testPhrase(t)
	s := newSim(t, o)
	s.site()
	n := newFakeNode(t)
	d := s.dapp(browserOptions{}, n.url, options)
	d.pair()
	return s, n, d
}

// works makes a request that the person confirms, and says how long it took in all.
func (d *dapp) works(method, params string) (outcome, time.Duration) {
	d.t.Helper()
	began := time.Now()
	r := d.start(method, params)
	r.asking()
	require.NoError(d.t, d.sim.device.Press(device.OK))
	o := r.end()
	require.Zero(d.t, o.Code, "%s: %+v", method, o)
	return o, time.Since(began)
}

// is checks an error: its integer, its reason, that it is a real one with a sentence.
func (o outcome) is(t *testing.T, code int, reason string) {
	t.Helper()
	require.Equal(t, code, o.Code, "%+v", o)
	require.Equal(t, reason, o.Reason, "%+v", o)
	require.True(t, o.Real, "%+v", o)
	require.Equal(t, "ProviderRpcError", o.Name)
	require.Regexp(t, `^[A-Z].+\.( \(.+\))?$`, o.Message, "a sentence, and perhaps details")
	require.NotContains(t, o.Message, reason+": ", "the code is in the data")
}

// TestEndsOfARequest: whoever ends a request while the device waits for its person, it settles, the device is idle, and
// the next request succeeds on the same page within two seconds.
func TestEndsOfARequest(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.accounts()
	for method, params := range signing {
		for _, test := range []struct {
			name   string
			end    func(r request)
			code   int
			reason string
		}{
			{"by the page", func(r request) { r.abort() }, -32603, "aborted"},
			{"on the device", func(request) { require.NoError(t, s.device.Press(device.Cancel)) }, 4001, "user-rejected"},
			{"by the home button", func(request) { require.NoError(t, s.device.Home()) }, 4001, "user-rejected"},
			{"by unplugging", func(request) { require.NoError(t, s.device.Unplug()) }, 4900, "device-disconnected"},
		} {
			t.Run(method+" ended "+test.name, func(t *testing.T) {
				t.Cleanup(func() {
					_ = s.device.Plug()
					_ = s.device.Home()
				})
				took := soon
				for try := 0; try < 3 && took >= soon; try++ { // a machine that is busy with other tests holds one of them up, and not all
					before := d.events()
					r := d.start(method, params)
					r.asking()
					if method == "personal_sign" { // the device's word that it waits takes a while to come
						r.told("interaction", before)
					}
					test.end(r)
					r.end().is(t, test.code, test.reason)
					s.idle()
					began := time.Now()
					if !s.device.Status().Plugged {
						d.told("disconnect", before)
						after := d.events()
						require.NoError(t, s.device.Plug())
						d.told("connect", after)
					}
					d.works(method, params)
					took = time.Since(began)
					t.Logf("the next one took %d ms", took.Milliseconds())
					sent := 0
					if method == "eth_sendTransaction" {
						sent = 1
					}
					require.Len(t, n.raw(), sent, "what was given up was not sent")
				}
				require.Less(t, took, soon)
			})
		}
	}
}

// TestATabIsClosed: the device waits for the person of a tab that is gone, until another tab asks something of it.
func TestATabIsClosed(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.accounts()
	quickest := time.Hour // a machine that is busy with other tests holds one of them up, and not all
	for method, params := range signing {
		tab := &dapp{browser: d.tab()}
		tab.load(n.url, "")
		tab.accounts()
		tab.start(method, params).asking()
		require.NoError(t, chromedp.Cancel(tab.ctx))
		began := time.Now()
		before := d.events()
		r := d.start("personal_sign", personalSign) // the very next one, while the browser still takes the tab apart
		r.told("interaction", before)               // the device asks for this one, and no more for the closed tab's
		require.Contains(t, s.confirm(), "hello")
		require.Zero(t, r.end().Code)
		took := time.Since(began)
		quickest = min(quickest, took)
		t.Logf("%s: the other tab's request took %d ms", method, took.Milliseconds())
	}
	require.Less(t, quickest, soon)
	require.Empty(t, n.raw())
}

// The faults of the vendor's provider, one by one.

func TestFromIsHonoured(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{Approve: device.Yes}, "accounts: 2")
	require.Equal(t, []string{firstAddress, secondAddress}, d.accounts())
	for _, address := range []string{firstAddress, secondAddress} {
		signature := d.request("personal_sign", `['hello', '`+strings.ToLower(address)+`']`).text(t)
		require.Equal(t, strings.ToLower(address), signer(t, personal("hello"), signature))
		d.request("eth_sendTransaction", `[{ from: '`+address+`', to: '`+firstAddress+`', value: '0x1' }]`).text(t)
		raw := n.raw()
		require.Len(t, raw, 1)
		require.Equal(t, strings.ToLower(address), sender(t, raw[0]))
	}
	before := s.packets()
	const foreign = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
	d.request("personal_sign", `['hello', '`+foreign+`']`).is(t, 4100, "invalid-argument")
	d.request("eth_signTypedData_v4", `['`+foreign+`', `+mail+`]`).is(t, 4100, "invalid-argument")
	d.request("eth_sendTransaction", `[{ from: '`+foreign+`', to: '`+firstAddress+`' }]`).is(t, 4100, "invalid-argument")
	require.Equal(t, before, s.packets(), "the device heard of it")
	require.Empty(t, n.raw())
}

func TestTypedDataIsSignedAsItsSpecificationSays(t *testing.T) {
	t.Parallel()
	_, n, d := wallet(t, device.Options{Approve: device.Yes}, "")
	n.says("eth_chainId", "0x1")
	d.run(`await provider.request({ method: 'wallet_addEthereumChain', params: [{ chainId: '0x1', chainName: 'One', rpcUrls: [rpc],
		nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 } }] })`)
	d.accounts()
	digest, err := hex.DecodeString(mailDigest)
	require.NoError(t, err)
	for _, method := range []string{"eth_signTypedData", "eth_signTypedData_v3", "eth_signTypedData_v4"} {
		for _, document := range []string{mail, "JSON.stringify(" + mail + ")"} {
			signature := d.request(method, `['`+firstAddress+`', `+document+`]`).text(t)
			require.Equal(t, strings.ToLower(firstAddress), signer(t, digest, signature), method)
		}
	}
	d.request("eth_signTypedData_v1", `[[{ type: 'string', name: 'm', value: 'hi' }], '`+firstAddress+`']`).is(t, 4200, "unsupported-method")
}

func TestAnEIP1559TransactionStaysOne(t *testing.T) {
	t.Parallel()
	_, n, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.accounts()
	for params, wanted := range map[string]byte{
		`{ to: '` + secondAddress + `', value: '0x1' }`:                                                             2,
		`{ to: '` + secondAddress + `', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1' }`:                  2,
		`{ to: '` + secondAddress + `', type: '0x2', value: '0x10' }`:                                               2,
		`{ to: '` + secondAddress + `', gasPrice: '0x77359400', accessList: [] }`:                                   1,
		`{ to: '` + secondAddress + `', gasPrice: '0x77359400' }`:                                                   0,
		`{ data: '0x6000', value: '0x0', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1', gas: '0x186a0' }`: 2,
	} {
		hash := d.request("eth_sendTransaction", "["+params+"]").text(t)
		raw := n.raw()
		require.Len(t, raw, 1, params)
		require.Equal(t, "0x"+hex.EncodeToString(keccak(raw[0])), hash, "the hash is the transaction's")
		kind, _ := parts(t, raw[0])
		require.Equal(t, wanted, kind, params)
		require.Equal(t, strings.ToLower(firstAddress), sender(t, raw[0]), params)
	}
}

// TestNoLeadingZeros: a node takes no r or s that begins with a zero byte. The nonces that lead to such a signature are
// found with the wallet's own key, and anvil mines what the device signs with them.
func TestNoLeadingZeros(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{Mnemonic: testPhrase(t), Approve: device.Yes})
	s.site()
	n := anvil(t, firstAddress)
	d := s.dapp(browserOptions{}, n.url, "chains: [{ chainId: "+n.chainID()+", rpcUrls: [rpc] }]")
	d.pair()
	d.accounts()
	chain, ok := new(big.Int).SetString(n.chainID(), 10)
	require.True(t, ok)
	key := walletKey(t, "m/44'/60'/0'/0/0")
	for name, short := range map[string]func(r, s []byte) bool{
		"r": func(r, _ []byte) bool { return r[0] == 0 },
		"s": func(_, s []byte) bool { return s[0] == 0 },
	} {
		nonce := uint64(0)
		for ; ; nonce++ {
			b := ecdsa.SignCompact(key, keccak(unsigned(chain, nonce)), false)
			if short(b[1:33], b[33:]) {
				break
			}
		}
		n.call(nil, "anvil_setNonce", firstAddress, fmt.Sprintf("0x%x", nonce))
		params := fmt.Sprintf(`[{ from: %q, to: %q, value: '0x1', nonce: '0x%x', gas: '0x5208', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1' }]`,
			firstAddress, secondAddress, nonce)
		raw := d.request("eth_signTransaction", params).text(t)
		var b hexBytes
		require.NoError(t, b.UnmarshalText([]byte(raw)))
		_, f := parts(t, b)
		require.Equal(t, unsigned(chain, nonce), append([]byte{2}, list(f[:9]...)...), "the transaction is the one that was asked for")
		item := map[string]rlp.Item{"r": f[10], "s": f[11]}[name]
		require.Less(t, len(item.Bytes), 32, "%s at nonce %d", name, nonce)
		require.True(t, item.Integer(32), "%s has no leading zero", name)

		hash := d.request("eth_sendTransaction", params).text(t)
		receipt := n.receipt(hash)
		require.Equal(t, "0x1", receipt.Status)
		require.True(t, strings.EqualFold(firstAddress, receipt.From))
		t.Logf("%s is short at nonce %d", name, nonce)
	}
}

func TestEthAccountsAsksNobody(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{Mnemonic: testPhrase(t), Approve: device.Yes})
	s.site()
	n := newFakeNode(t)
	d := s.dapp(browserOptions{}, n.url, "")
	d.run(`
		globalThis.usb = []
		for (const name of ['requestDevice', 'getDevices']) {
			const own = navigator.usb[name]
			navigator.usb[name] = (...given) => { usb.push(name); return own.apply(navigator.usb, given) }
		}`)
	before := s.packets()
	require.JSONEq(t, "[]", string(d.request("eth_accounts", "[]").Value))
	require.JSONEq(t, "null", string(d.request("eth_coinbase", "[]").Value))
	require.Empty(t, eval[[]string](d.browser, "usb"))
	require.Zero(t, d.events())
	require.Equal(t, before, s.packets())
	require.NotContains(t, string(d.heard()), "/imkey.wasm", "nor is anything large loaded for it")

	d.pair()
	d.accounts()
	d.run("usb.length = 0")
	before, events := s.packets(), d.events()
	require.JSONEq(t, `["`+firstAddress+`"]`, string(d.request("eth_accounts", "[]").Value))
	require.Empty(t, eval[[]string](d.browser, "usb"))
	require.Equal(t, before, s.packets())
	require.Equal(t, events, d.events())
}

func TestAnotherTabsRequestGoesOn(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.accounts()
	r := d.start("personal_sign", personalSign)
	s.asking()
	other := &dapp{browser: d.tab()}
	other.load(n.url, "")
	other.request("eth_requestAccounts", "[]").is(t, -32002, "in-use-elsewhere")
	require.True(t, s.device.Status().Asking, "the first tab's question is still there")
	require.NoError(t, s.device.Press(device.OK))
	require.Equal(t, strings.ToLower(firstAddress), signer(t, personal("hello"), r.end().text(t)))
	require.Equal(t, []string{firstAddress}, other.accounts(), "and then it is the other one's turn")
}

func TestAReplugNeedsNoReload(t *testing.T) {
	t.Parallel()
	s, _, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.accounts()
	for range 3 {
		before := d.events()
		require.NoError(t, s.device.Unplug())
		d.told("disconnect", before)
		require.False(t, eval[bool](d.browser, "provider.isConnected()"))
		require.JSONEq(t, `["`+firstAddress+`"]`, string(d.request("eth_accounts", "[]").Value))
		d.request("personal_sign", personalSign).is(t, 4900, "device-disconnected")
		after := d.events()
		require.NoError(t, s.device.Plug())
		d.told("connect", after)
		require.Equal(t, strings.ToLower(firstAddress), signer(t, personal("hello"), d.request("personal_sign", personalSign).text(t)))
	}
}

// TestARequestRightAfterTheUnplugging: before the browser has said that the device is gone. No permission is missing.
func TestARequestRightAfterTheUnplugging(t *testing.T) {
	t.Parallel()
	s, _, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.accounts()
	for method, params := range signing {
		before := d.events()
		require.NoError(t, s.device.Unplug())
		d.request(method, params).is(t, 4900, "device-disconnected")
		d.told("disconnect", before)
		after := d.events()
		require.NoError(t, s.device.Plug())
		d.told("connect", after)
		d.request(method, params).text(t)
	}
}

// TestWhatIsInTheWayOfASignature: each obstacle has its code and its sentence, ends in bounded time, leaves the device
// idle, and once it is gone the same page goes on.
func TestWhatIsInTheWayOfASignature(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.accounts()
	simulated := s.device
	for _, test := range []struct {
		name       string
		put, clear func() error
		code       int
		reason     string
		retryable  bool // by the same page, when the person has done something about it
		statusWord int
	}{
		{"locked", func() error { _ = simulated.SetPIN("1234"); return simulated.Lock() }, func() error { return simulated.Unlock("1234") }, -32603, "locked", true, 0xF081},
		{"in its menu", simulated.Menu, simulated.Home, -32603, "in-menu", true, 0xF080},
		{"without the applet", func() error { return simulated.SetInstalled("ethereum", false) }, func() error { return simulated.SetInstalled("ethereum", true) }, -32603, "applet-missing", false, 0x6A82},
		{"in its boot loader", func() error { return simulated.SetBootLoader(true) }, func() error { return simulated.SetBootLoader(false) }, -32603, "boot-loader", true, 0},
		{"unplugged", simulated.Unplug, func() error { return errors.Join(simulated.Plug(), simulated.Unlock("1234")) }, 4900, "device-disconnected", true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := d.events()
			require.NoError(t, test.put())
			t.Cleanup(func() { _ = test.clear() })
			if test.name == "unplugged" {
				d.told("disconnect", before)
			}
			for method, params := range signing {
				o := d.request(method, params)
				o.is(t, test.code, test.reason)
				require.Equal(t, test.retryable, o.Retryable, "%s: %+v", method, o)
				if test.statusWord != 0 {
					require.Equal(t, test.statusWord, o.StatusWord, method)
				}
				require.False(t, simulated.Status().Asking, method)
			}
			require.Empty(t, n.raw())
			before = d.events()
			require.NoError(t, test.clear())
			if test.name == "unplugged" {
				d.told("connect", before)
			}
			for method, params := range signing {
				d.request(method, params).text(t)
			}
			n.raw()
		})
	}

	var code string
	t.Run("without a wallet", func(t *testing.T) {
		require.NoError(t, simulated.Reset()) // and the PIN is gone, too
		d.load(n.url, "")
		code = d.pair()
		d.request("eth_requestAccounts", "[]").is(t, -32603, "wallet-missing")
		require.NoError(t, simulated.Restore(testPhrase(t)))
		require.Equal(t, []string{firstAddress}, d.accounts())
	})
	t.Run("bound elsewhere", func(t *testing.T) {
		// Another app, with a record of its own.
		d.run(fmt.Sprintf(`
			const [device] = await (await sdk.loadImKey({ trustedCAs, store: 'memory' })).getDevices()
			await device.open()
			await device.bind(%q)
			await device.close()`, code))
		for method, params := range signing {
			d.request(method, params).is(t, 4100, "bound-elsewhere")
			require.False(t, simulated.Status().Asking)
		}
		d.load(n.url, "")
		d.request("eth_requestAccounts", "[]").is(t, 4100, "bound-elsewhere")
		require.Empty(t, n.raw())
		d.bind(code)
		d.accounts()
		d.request("personal_sign", personalSign).text(t)
	})
}

// TestMalformedRequests: refused with the code for it, before anything is asked of the person.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.accounts()
	tx := func(fields string) string {
		return `[{ from: '` + firstAddress + `', to: '` + secondAddress + `', ` + fields + ` }]`
	}
	document := func(change string) string {
		return `['` + firstAddress + `', (() => { const d = ` + mail + `; d.domain.chainId = ` + fmt.Sprint(fakeChain) + `; ` + change + `; return d })()]`
	}
	const bad, internal, chain = -32602, "invalid-argument", 4901
	for _, test := range []struct {
		name, method, params string
		code                 int
	}{
		{"no address", "personal_sign", `['hello']`, bad},
		{"a short address", "personal_sign", `['hello', '0x1234']`, bad},
		{"an address with a wrong checksum", "eth_sendTransaction", `[{ from: '` + firstAddress + `', to: '0x80427aE1f55bCf60ee4CD2db7549b8BC69a74303' }]`, bad},
		{"half a byte of hex", "personal_sign", `['0xabc', '` + firstAddress + `']`, bad},
		{"no hex", "personal_sign", `['0xzz', '` + firstAddress + `']`, bad},
		{"an unknown chain's id in words", "wallet_switchEthereumChain", `[{ chainId: 'one' }]`, bad},
		{"a chain's id with leading zeros", "wallet_switchEthereumChain", `[{ chainId: '0x01' }]`, bad},
		{"an unknown chain", "wallet_switchEthereumChain", `[{ chainId: '0x2' }]`, 4902},
		{"another chain's transaction", "eth_sendTransaction", tx(`chainId: '0x1'`), chain},
		{"a value of 33 bytes", "eth_sendTransaction", tx(`value: '0x1' + '00'.repeat(32)`), bad},
		{"a negative value", "eth_sendTransaction", tx(`value: -1`), bad},
		{"a value in words", "eth_sendTransaction", tx(`value: 'much'`), bad},
		{"half a byte of data", "eth_sendTransaction", tx(`data: '0xabc'`), bad},
		{"both kinds of fee", "eth_sendTransaction", tx(`gasPrice: '0x1', maxFeePerGas: '0x1'`), bad},
		{"a tip above the fee", "eth_sendTransaction", tx(`maxFeePerGas: '0x1', maxPriorityFeePerGas: '0x2'`), bad},
		{"a type that does not exist", "eth_sendTransaction", tx(`type: '0x9'`), bad},
		{"blobs", "eth_sendTransaction", tx(`type: '0x3', blobVersionedHashes: []`), bad},
		{"more data than a device takes", "eth_sendTransaction", tx(`gas: '0x5208', data: '0x' + '00'.repeat(1 << 20)`), bad},
		{"no typed data", "eth_signTypedData_v4", `['` + firstAddress + `', 'hello']`, bad},
		{"typed data without its type", "eth_signTypedData_v4", document(`delete d.types.Person`), bad},
		{"typed data without its domain's type", "eth_signTypedData_v4", document(`d.primaryType = 'Nothing'`), bad},
		{"typed data with a missing field", "eth_signTypedData_v4", document(`delete d.message.contents`), bad},
		{"typed data with an integer out of range", "eth_signTypedData_v4", document(`d.types.Mail[2].type = 'uint8'; d.message.contents = 256`), bad},
		{"typed data that contains itself", "eth_signTypedData_v4", document(`d.message.from = d.message`), bad},
		{"typed data of types in a circle, nested deep", "eth_signTypedData_v4", document(`d.types.Mail.push({ name: 'next', type: 'Mail[]' });
			let m = d.message; for (let i = 0; i < 2000; i++) { const next = { ...d.message, next: [] }; m.next = [next]; m = next }`), bad},
		{"more than a megabyte of typed data", "eth_signTypedData_v4", document(`d.message.contents = 'x'.repeat((1 << 20) + 1)`), bad},
		{"typed data of another chain", "eth_signTypedData_v4", `['` + firstAddress + `', ` + mail + `]`, chain},
		{"params that are no list", "personal_sign", `{ message: 'hello' }`, bad},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.request(test.method, test.params).is(t, test.code, internal)
			require.False(t, s.device.Status().Asking)
		})
	}
	for _, method := range []string{"eth_decrypt", "wallet_nothing", "personal_unlockAccount"} {
		d.request(method, "[]").is(t, 4200, "unsupported-method")
	}
	require.Empty(t, n.raw())
	d.works("personal_sign", personalSign)
}

// TestANodeThatCannotBeReliedOn: what it says is checked, what it refuses is passed on, and the device waits for nobody.
func TestANodeThatCannotBeReliedOn(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "rpcTimeout: 300")
	d.accounts()
	html := func(w http.ResponseWriter, _ json.RawMessage) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><h1>502 Bad Gateway</h1>")
	}
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	silence := func(http.ResponseWriter, json.RawMessage) { <-release }
	says := func(result any) func(http.ResponseWriter, json.RawMessage) {
		return func(w http.ResponseWriter, id json.RawMessage) {
			_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": id, "result": result})
		}
	}
	for _, test := range []struct {
		name, method string
		answer       func(http.ResponseWriter, json.RawMessage)
		code         int
		reason       string
	}{
		{"is on another chain", "eth_chainId", says("0x1"), 4901, "invalid-argument"},
		{"says no number for its chain", "eth_chainId", says("one"), -32603, "protocol"},
		{"says a nonce of 33 bytes", "eth_getTransactionCount", says("0x1" + strings.Repeat("00", 32)), -32603, "protocol"},
		{"says nothing for a nonce", "eth_getTransactionCount", says(nil), -32603, "protocol"},
		{"says a gas of nothing", "eth_estimateGas", says("0x0"), -32603, "protocol"},
		{"says a base fee in words", "eth_feeHistory", says(map[string]any{"baseFeePerGas": []string{"cheap"}}), -32603, "protocol"},
		{"answers HTML", "eth_getTransactionCount", html, -32603, "protocol"},
		{"does not answer", "eth_estimateGas", silence, -32603, "timeout"},
		{"answers another question", "eth_estimateGas", func(w http.ResponseWriter, _ json.RawMessage) {
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":"other","result":"0x5208"}`)
		}, -32603, "protocol"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.mu.Lock()
			honest := n.answers[test.method]
			n.mu.Unlock()
			n.does(test.method, test.answer)
			defer n.does(test.method, honest)
			d.request("eth_sendTransaction", transfer).is(t, test.code, test.reason)
			require.False(t, s.device.Status().Asking, "nothing was asked of the person")
		})
	}
	t.Run("refuses", func(t *testing.T) {
		n.does("eth_call", func(w http.ResponseWriter, id json.RawMessage) {
			_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": id,
				"error": map[string]any{"code": 3, "message": "execution reverted: no", "data": "0x08c379a0"}})
		})
		o := d.request("eth_call", `[{ to: '`+secondAddress+`' }, 'latest']`)
		require.Equal(t, 3, o.Code)
		require.Equal(t, "execution reverted: no", o.Message)
		require.Equal(t, "0x08c379a0", o.Data)
		require.True(t, o.Real)
	})
	t.Run("lies about the hash", func(t *testing.T) {
		n.says("eth_sendRawTransaction", "0x"+strings.Repeat("11", 32))
		r := d.start("eth_sendTransaction", transfer)
		s.confirm()
		o := r.end()
		o.is(t, -32603, "protocol")
		require.Regexp(t, "0x[0-9a-f]{64}", o.Message, "which transaction it was")
		require.NotContains(t, o.Message, strings.Repeat("11", 32))
	})
	d.works("personal_sign", personalSign)
}

// Transactions, read with the simulator's own decoder.

// parts gives a signed transaction's type and fields.
func parts(t *testing.T, raw []byte) (kind byte, f []rlp.Item) {
	t.Helper()
	require.NotEmpty(t, raw)
	body := raw
	if raw[0] < 0x80 {
		kind, body = raw[0], raw[1:]
	}
	item, err := rlp.Decode(body)
	require.NoError(t, err, "%x", raw)
	require.True(t, item.List)
	return kind, item.Items
}

// sender recovers who signed a transaction of types 0 (with EIP-155), 1 or 2.
func sender(t *testing.T, raw []byte) string {
	t.Helper()
	kind, f := parts(t, raw)
	signed, signature := f[:len(f)-3], f[len(f)-3:]
	v := new(big.Int).SetBytes(signature[0].Bytes)
	var digest []byte
	if kind == 0 {
		v.Sub(v, big.NewInt(35))
		chain := new(big.Int).Rsh(v, 1)
		require.EqualValues(t, fakeChain, chain.Int64())
		v.And(v, big.NewInt(1))
		digest = keccak(list(append(signed[:6:6], rlp.Item{Bytes: chain.Bytes()}, rlp.Item{}, rlp.Item{})...))
	} else {
		digest = keccak(append([]byte{kind}, list(signed...)...))
	}
	require.True(t, signature[1].Integer(32) && signature[2].Integer(32), "no leading zeros")
	compact := make([]byte, 65)
	compact[64] = byte(27 + v.Uint64())
	copy(compact[32-len(signature[1].Bytes):], signature[1].Bytes)
	copy(compact[64-len(signature[2].Bytes):64], signature[2].Bytes)
	require.LessOrEqual(t, new(big.Int).SetBytes(compact[32:64]).Cmp(new(big.Int).Rsh(secp256k1.Params().N, 1)), 0, "s is the low one")
	return signer(t, digest, "0x"+hex.EncodeToString(compact))
}

// list encodes a list of items.
func list(items ...rlp.Item) []byte {
	var body []byte
	for _, item := range items {
		switch {
		case item.List:
			body = append(body, list(item.Items...)...)
		case len(item.Bytes) == 1 && item.Bytes[0] < 0x80:
			body = append(body, item.Bytes[0])
		default:
			body = append(append(body, prefix(0x80, len(item.Bytes))...), item.Bytes...)
		}
	}
	return append(prefix(0xC0, len(body)), body...)
}

func prefix(offset byte, n int) []byte {
	if n < 56 {
		return []byte{offset + byte(n)}
	}
	size := big.NewInt(int64(n)).Bytes()
	return append([]byte{offset + 55 + byte(len(size))}, size...)
}

// unsigned is the transaction of TestNoLeadingZeros, without its signature.
func unsigned(chain *big.Int, nonce uint64) []byte {
	number := func(n int64) rlp.Item { return rlp.Item{Bytes: big.NewInt(n).Bytes()} }
	to, _ := hex.DecodeString(secondAddress[2:])
	return append([]byte{2}, list(rlp.Item{Bytes: chain.Bytes()}, rlp.Item{Bytes: new(big.Int).SetUint64(nonce).Bytes()},
		number(1), number(0x77359400), number(21000), rlp.Item{Bytes: to}, number(1), rlp.Item{}, rlp.Item{List: true})...)
}

// walletKey is the test wallet's private key at a path.
func walletKey(t *testing.T, path string) *secp256k1.PrivateKey {
	master, err := hd.FromMnemonic(testPhrase(t))
	require.NoError(t, err)
	indexes, err := hd.ParsePath(path)
	require.NoError(t, err)
	key, err := master.Derive(indexes)
	require.NoError(t, err)
	return key.Private()
}
