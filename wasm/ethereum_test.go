//go:build js && wasm

package main

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/interop"
	"imkey-connect/core/attestation/attestationtest"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/keccak"
	"imkey-connect/core/secp256k1"
)

// What the tests sign, in JavaScript.
const (
	receiver = `"0x3535353535353535353535353535353535353535"`
	transfer = `({type: 2, chainId: 1, nonce: 0, gas: 21000, maxFeePerGas: 10n ** 9n, maxPriorityFeePerGas: "0x1", to: ` + receiver + `, value: "0xde0b6b3a7640000"})`
	mail     = `({
		types: { EIP712Domain: [{name: "name", type: "string"}, {name: "version", type: "string"}, {name: "chainId", type: "uint256"}, {name: "verifyingContract", type: "address"}],
			Person: [{name: "name", type: "string"}, {name: "wallet", type: "address"}],
			Mail: [{name: "from", type: "Person"}, {name: "to", type: "Person"}, {name: "contents", type: "string"}] },
		primaryType: "Mail",
		domain: { name: "Ether Mail", version: "1", chainId: 1n, verifyingContract: "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC" },
		message: { from: { name: "Cow", wallet: "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826" }, to: { name: "Bob", wallet: "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" }, contents: "Hello, Bob!" } })`
)

func accountAddress() string {
	return ethereum.AddressOf(secp256k1.PublicKey(account.Public())).String()
}

// The recorded sessions of real, unbound devices, through all of the Go code.
func TestEthereumAsRecorded(t *testing.T) {
	sessions, point := readRecordings(t)
	calls := []string{
		`getAccount({allowUnbound: true})`,
		`signTransaction({type: "0x0", chainId: 28n, nonce: 8, gasPrice: "0x165a0bc00", gasLimit: 21000, to: ` + receiver + `, value: 10n ** 18n}, {allowUnbound: true, from: "0x6031564e7b2f5cc33737807b2e58daff870b590b"})`,
		`signMessage("Hello imKey", {allowUnbound: true, path: "m/44'/60'/0'/0/0"})`,
	}
	for i, s := range sessions {
		t.Run(s.Name, func(t *testing.T) {
			p := newEthereumPage(t, point)
			p.ethereum.recording = s.Exchanges
			got := p.signs(calls[i])
			require.Len(t, p.ethereum.recording, 1)
			require.Equal(t, "all was played", p.ethereum.recording[0].Cmd)
			require.Equal(t, "unbound", p.warnings(got), "the result has a warning")
			switch i {
			case 0:
				require.Equal(t, s.Expect.Address, bridgetest.Text(t, got, "address"))
				require.Equal(t, "0x"+s.Expect.Pubkey, bridgetest.Text(t, got, "publicKey"))
				require.Equal(t, "m/44'/60'/0'/0/0", bridgetest.Text(t, got, "path"))
			case 1:
				require.Equal(t, s.Expect.SignedTx, bridgetest.Text(t, got, "raw"))
				require.Equal(t, s.Expect.TxHash, bridgetest.Text(t, got, "hash"))
				require.Equal(t, sessions[0].Expect.Address, bridgetest.Text(t, got, "from"))
				require.Equal(t, 0, bridgetest.Number(t, got, "yParity"))
				require.Equal(t, "0x5b", bridgetest.Text(t, got, "v"))
				require.Contains(t, s.Expect.SignedTx, "5ba0"+bridgetest.Text(t, got, "r")[2:])
				require.Contains(t, s.Expect.SignedTx, bridgetest.Text(t, got, "s")[2:])
				require.Equal(t, "false", p.text(got, `r => String(r.blind)`))
			case 2:
				require.Equal(t, s.Expect.Signature, bridgetest.Text(t, got, "signature"))
				require.Equal(t, sessions[0].Expect.Address, bridgetest.Text(t, got, "address"))
			}
		})
	}
	// An account's key that another secure element signed is refused.
	p := newEthereumPage(t, element.Public())
	p.ethereum.recording = sessions[2].Exchanges
	p.refuses("protocol", calls[2])
	require.Len(t, p.ethereum.recording, 2, "no request to sign is sent")
}

func TestSigningOnABoundDevice(t *testing.T) {
	p := newEthereumPage(t, element.Public())
	p.refuses("not-bound", `signMessage("x")`)
	p.refuses("not-bound", `getAccount()`)
	require.Empty(t, p.ethereum.asked, "the applet is not even selected")
	p.bound()
	p.ethereum.waits = true

	got := p.signs(`getAccount({path: "m/44h/60h/0h/0/0", verify: true})`)
	require.Equal(t, accountAddress(), bridgetest.Text(t, got, "address"))
	require.Equal(t, "m/44'/60'/0'/0/0", bridgetest.Text(t, got, "path"))
	require.Equal(t, "0x"+hex.EncodeToString(account.Public()), bridgetest.Text(t, got, "publicKey"))
	require.Empty(t, p.warnings(got))
	waits := func(detail string) string {
		before, after, ok := strings.Cut(detail, `,"summary"`) // names come in alphabetical order
		if ok {
			after = `,"summary"` + after
		}
		return `interaction {` + before + `,"state":"waiting"` + after + `}; interaction {` + before + `,"state":"done"` + after + `}`
	}
	require.Equal(t, waits(`"operation":"address","reason":"confirm"`), p.told())

	// allowUnbound has no effect for a bound device.
	// The caller's symbol is for a chain that is not known, and marked there.
	got = p.signs(`signTransaction(` + transfer + `, {allowUnbound: true, nativeCurrency: {symbol: "XYZ", decimals: 18}})`)
	require.False(t, p.ethereum.unbound, "the binding signature was sent")
	require.Empty(t, p.warnings(got))
	require.Equal(t, []string{"1.0 ETH", "0x3535353535353535353535353535353535353535", "0.000021 ETH"}, p.ethereum.screen)
	require.Equal(t, waits(`"blind":false,"operation":"transaction","reason":"confirm","screen":{"fee":"0.000021 ETH",`+
		`"payment":"1.0 ETH","receiver":"0x3535353535353535353535353535353535353535"},"summary":{"fee":"0.000021 ETH",`+
		`"kind":"transfer","payment":"1.0 ETH","receiver":"0x3535353535353535353535353535353535353535","unlimited":false}`), p.told())
	require.Equal(t, "transfer 1.0 ETH", p.text(got, `r => r.summary.kind + " " + r.summary.payment`))
	require.Equal(t, "undefined", p.text(got, `r => typeof r.v`), "typed transactions have none")
	raw, err := hex.DecodeString(bridgetest.Text(t, got, "raw")[2:])
	require.NoError(t, err)
	tx, signature, err := ethereum.ParseTransaction(raw)
	require.NoError(t, err)
	digest, err := tx.SignHash()
	require.NoError(t, err)
	from, err := signature.Recover(digest)
	require.NoError(t, err)
	require.Equal(t, accountAddress(), from.String())
	require.Equal(t, int64(1_000_000_000), tx.MaxFeePerGas.Int64())
	require.Equal(t, "1000000000000000000", tx.Value.String())

	got = p.signs(`signTransaction({...` + transfer + `, chainId: 987654321}, {nativeCurrency: {symbol: "XYZ", decimals: 18}})`)
	require.Equal(t, []string{"1.0 XYZ (the site's word)", "0x3535353535353535353535353535353535353535", "0.000021 XYZ (the site's word)"}, p.ethereum.screen)
	require.Equal(t, `["callers-symbol"]`, p.text(got, `r => JSON.stringify(r.summary.notes)`))
	got = p.signs(`signTransaction({...` + transfer + `, chainId: 10})`)
	require.Equal(t, "0.000021 ETH + data fee", p.ethereum.screen[2])
	require.Equal(t, `["data-fee"]`, p.text(got, `r => JSON.stringify(r.summary.notes)`))
	got = p.signs(`signTransaction({type: 0, nonce: 0, gas: 21000, gasPrice: 10n ** 9n, value: 1, to: ` + receiver + `})`)
	require.Equal(t, "0.000021 ETH, valid on EVERY chain", p.ethereum.screen[2])
	require.Equal(t, "every-chain", p.warnings(got))
	require.Equal(t, `["every-chain"]`, p.text(got, `r => JSON.stringify(r.summary.notes)`))
	p.told()

	got = p.signs(`signMessage(new Uint8Array([0, 255, 1]), {from: "` + accountAddress() + `"})`)
	require.Equal(t, "\x19Ethereum Signed Message:\n3\x00\xff\x01", string(p.ethereum.signed))
	require.Equal(t, "blind", p.warnings(got), "the screen cannot show the text")
	require.Equal(t, "true", p.text(got, `r => String(r.blind)`))
	require.Equal(t, waits(`"blind":true,"operation":"message","reason":"confirm"`), p.told())
	got = p.signs(`signMessage("ζ😀\ufffd")`)
	require.Equal(t, "\x19Ethereum Signed Message:\n9ζ😀\ufffd", string(p.ethereum.signed))
	require.Equal(t, "blind", p.warnings(got))
	require.Equal(t, waits(`"blind":true,"operation":"message","reason":"confirm"`), p.told())
	got = p.signs(`signMessage("Hello,\nimKey ~")`)
	require.Empty(t, p.warnings(got))
	require.Equal(t, "false", p.text(got, `r => String(r.blind)`))
	require.Equal(t, waits(`"blind":false,"operation":"message","reason":"confirm"`), p.told())

	got = p.signs(`signTypedData(` + mail + `)`)
	sum := keccak.Sum256(p.ethereum.signed)
	require.Equal(t, "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2", hex.EncodeToString(sum[:]), "EIP-712's example")
	require.Equal(t, "blind", p.warnings(got))
	require.Equal(t, waits(`"blind":true,"operation":"typed-data","reason":"confirm"`), p.told())
	p.signs(`signTypedData(` + mail + `, {version: "V3"})`)
	sum3 := keccak.Sum256(p.ethereum.signed)
	require.Equal(t, sum, sum3, "both versions have the same hash")
	p.told()

	// A result says that the screen could not show everything: for an unknown call, and for what goes to the device as bytes.
	got = p.signs(`signTransaction({...` + transfer + `, data: "0x12345678"})`)
	require.Equal(t, "blind", p.warnings(got))
	require.Contains(t, p.told(), `"payment":"1.0 ETH + unknown call 12345678"`)
	got = p.signs(`signTransaction({type: 1, chainId: 1, nonce: 0, gas: 21000, gasPrice: 1, to: ` + receiver + `, accessList: []})`)
	require.Equal(t, "blind", p.warnings(got))
	require.Equal(t, "true", p.text(got, `r => String(r.blind)`))
	require.Equal(t, waits(`"blind":true,"operation":"transaction","reason":"confirm","summary":{"fee":"0.000000001 ETH","kind":"transfer",`+
		`"payment":"0.0 ETH","receiver":"0x3535353535353535353535353535353535353535","unlimited":false}`), p.told(), "the device shows none of our strings")
	approval := `data: "0x095ea7b3" + "35".repeat(20).padStart(64, "0") + "f".repeat(64)`
	got = p.signs(`signTransaction({type: 4, chainId: 1, nonce: 0, gas: 21000, maxFeePerGas: 10n ** 9n, maxPriorityFeePerGas: 1, to: ` + receiver + `, ` + approval + `,
		authorizationList: [{chainId: 0, address: ` + receiver + `, nonce: 9, yParity: 1, r: 5, s: 6}]})`)
	const contract = "0x3535353535353535353535353535353535353535"
	payment := "Allow UNLIMITED units of token " + contract + " + FULL CONTROL of an account by the code at " + contract + " on EVERY chain"
	require.Contains(t, p.told(), `"payment":"`+payment+`"`)
	summary := `{"notes":["delegation"],"fee":"0.000021 ETH","kind":"token-approval",` +
		`"payment":"` + payment + `","receiver":"` + contract + `","unlimited":true}`
	require.JSONEq(t, summary, p.text(got, `r => JSON.stringify(r.summary)`))
}

// The device gets the fields of every type.
func TestTransactionFields(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	to := ethereum.Address(make([]byte, 20))
	for i := range to {
		to[i] = 0x35
	}
	wei := func(n int64) *big.Int { return big.NewInt(n) }
	key := [32]byte{31: 7}
	list := []ethereum.AccessTuple{{Address: to, StorageKeys: [][32]byte{key}}, {Address: to}}
	jsList := `accessList: [{address: ` + receiver + `, storageKeys: ["0x` + hex.EncodeToString(key[:]) + `"]}, {address: ` + receiver + `, storageKeys: []}]`
	huge := new(big.Int).Sub(new(big.Int).Lsh(wei(1), 256), wei(1))
	for js, want := range map[string]ethereum.Transaction{
		`{type: 0, nonce: 0n, gas: 0, gasPrice: 0, to: ` + receiver + `}`: {GasPrice: wei(0), To: &to},
		`{chainId: 5, nonce: "0x00ff", gasLimit: "0x5208", gas: 21000n, gasPrice: "0xA", to: ` + receiver + `, data: "0xAb", input: "0xab"}`: {
			ChainID: wei(5), Nonce: 255, Gas: 21000, GasPrice: wei(10), To: &to, Data: []byte{0xab}},
		`{chainId: 5, nonce: 1, gas: 2, gasPrice: 3, to: null, input: "0x6000", value: 2n ** 256n - 1n}`: {
			ChainID: wei(5), Nonce: 1, Gas: 2, GasPrice: wei(3), Value: huge, Data: []byte{0x60, 0}},
		`{chainId: 5, nonce: 1, gas: 2, gasPrice: 3, to: "0x", data: "0x6000", accessList: []}`: {
			ChainID: wei(5), Nonce: 1, Gas: 2, GasPrice: wei(3), Data: []byte{0x60, 0}},
		`{type: 0, chainId: 5, nonce: 1, gas: 2, gasPrice: 3, to: "", data: "0x6000", accessList: [], feeCurrency: undefined, blobs: null}`: {
			ChainID: wei(5), Nonce: 1, Gas: 2, GasPrice: wei(3), Data: []byte{0x60, 0}},
		`{chainId: 5, nonce: 1, gas: 2, gasPrice: 3, to: ` + receiver + `, ` + jsList + `}`: {
			Type: 1, ChainID: wei(5), Nonce: 1, Gas: 2, GasPrice: wei(3), To: &to, AccessList: list},
		`{chainId: 2n ** 200n, nonce: 2 ** 53 - 1, gas: 2n ** 64n - 1n, maxFeePerGas: 3, maxPriorityFeePerGas: 2, to: ` + receiver + `, ` + jsList + `}`: {
			Type: 2, ChainID: new(big.Int).Lsh(wei(1), 200), Nonce: 1<<53 - 1, Gas: 1<<64 - 1, MaxFeePerGas: wei(3), MaxPriorityFeePerGas: wei(2),
			To: &to, AccessList: list},
		`{chainId: 1, nonce: 1, gas: 2, maxFeePerGas: 3, maxPriorityFeePerGas: 2, to: ` + receiver + `, authorizationList: [
			{chainId: 0, address: ` + receiver + `, nonce: 9, yParity: "0x1", r: "0x` + strings.Repeat("0", 63) + `5", s: 6n}]}`: {
			Type: 4, ChainID: wei(1), Nonce: 1, Gas: 2, MaxFeePerGas: wei(3), MaxPriorityFeePerGas: wei(2), To: &to,
			AuthorizationList: []ethereum.Authorization{{ChainID: wei(0), Address: to, Nonce: 9, YParity: 1, R: wei(5), S: wei(6)}}},
	} {
		got := p.signs(`signTransaction(` + js + `)`)
		unsigned, err := want.Unsigned()
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(unsigned), hex.EncodeToString(p.ethereum.signed), js)
		hasV := p.text(got, `r => typeof r.v`) == "string"
		require.Equal(t, want.Type == ethereum.TypeLegacy, hasV, js)
	}
	got := p.signs(`signTransaction({type: 0, nonce: 0n, gas: 0, gasPrice: 0, to: ` + receiver + `})`)
	require.Contains(t, []string{"0x1b", "0x1c"}, bridgetest.Text(t, got, "v"), "before EIP-155")
}

func TestBindingsThatDoNotHold(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	p.status = 0xAA
	p.refuses("bound-elsewhere", `signMessage("x", {allowUnbound: true})`)
	require.Equal(t, `bindingchange {"status":"bound-elsewhere"}`, p.told())
	p.status = 0x00
	p.refuses("not-bound", `signMessage("x")`)
	require.Equal(t, `bindingchange {"status":"unbound"}`, p.told())
	require.NotContains(t, p.ethereum.asked, "55", "nothing is signed")
	require.Equal(t, "unbound", p.warnings(p.signs(`signMessage("x", {allowUnbound: true})`)))
	require.True(t, p.ethereum.unbound)

	// Any refusal of the device makes the host look at the device again.
	p.status = 0x55
	p.ethereum.refusal = []byte("\x69\x42")
	p.certificate = attestationtest.New(seid, element.Public()).Sign(attestationtest.NewKey("another CA"))
	p.refuses("untrusted-device", `signMessage("x")`)
	p.refuses("device-changed", `signMessage("x", {acceptUnverified: true})`)
	p.refuses("device-changed", `signMessage("x", {acceptUnverified: true, allowUnbound: true, shown: page.device.info})`)
	p.ethereum.refusal = nil
	p.works("call", "close")
	p.reopen()
	require.Equal(t, "unverified-device", p.warnings(p.signs(`signMessage("x", {acceptUnverified: true})`)))
	require.Equal(t, "unverified-device", p.warnings(p.signs(`getAccount({acceptUnverified: true})`)))
	p.certificate = attestationtest.New(seid, account.Public()).Sign(ca)
	p.ethereum.refusal = []byte("\x69\x42")
	p.refuses("device-mismatch", `signMessage("x", {acceptUnverified: true, allowUnbound: true})`)

	// The applet's own refusals.
	p.certificate = attestationtest.New(seid, element.Public()).Sign(ca)
	p.works("call", "close")
	p.reopen()
	p.ethereum.refusal = nil
	for sw, code := range map[string]string{"\x69\x42": "bound-elsewhere", "\x69\x40": "user-rejected", "\xF0\x81": "locked", "\xF0\x00": "wallet-missing",
		"\xF0\x80": "in-menu", "\x6D\x00": "unsupported-method", "\x6A\x80": "internal"} {
		p.ethereum.refusal = []byte(sw)
		p.refuses(code, `signMessage("x")`)
	}
	p.ethereum.refusal = nil
	p.signs(`signMessage("x")`)
}

func TestSignatureByAnotherKeyIsNotReturned(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	p.ethereum.signer = attestationtest.NewKey("another account")
	p.refuses("protocol", `signMessage("x")`)
	p.refuses("protocol", `signTransaction(`+transfer+`)`)
	p.refuses("protocol", `signTypedData(`+mail+`)`)
	p.ethereum.signer = account
	p.signs(`signMessage("x")`)
}

func TestForeignSender(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	for _, call := range []string{
		`signMessage("x", {from: ` + receiver + `})`, `signTypedData(` + mail + `, {from: ` + receiver + `})`,
		`signTransaction(` + transfer + `, {from: ` + receiver + `})`, `signTransaction({...` + transfer + `, from: ` + receiver + `})`,
	} {
		data := p.refuses("invalid-argument", call)
		require.Equal(t, "from", bridgetest.Text(t, data, "at"))
		require.Equal(t, "foreign-from", bridgetest.Text(t, data, "reason"))
	}
	require.NotContains(t, strings.Join(p.ethereum.asked, " "), "54")
	require.NotContains(t, strings.Join(p.ethereum.asked, " "), "51")
	p.signs(`signTransaction({...` + transfer + `, from: "` + strings.ToLower(accountAddress()) + `"}, {from: "` + accountAddress() + `"})`)
}

func TestAbortWhileTheDeviceWaits(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	p.ethereum.stuck = true
	for _, call := range []string{`signMessage("x", {signal: c.signal})`, `signTransaction(` + transfer + `, {signal: c.signal})`,
		`signTypedData(` + mail + `, {signal: c.signal})`} {
		// The call is aborted as soon as the device reports that it waits. The log is that of the fake device.
		p.fails("aborted", "raw", object(t, `async (core, page) => {
			const c = new AbortController();
			page.listener = (name, detail) => { if (detail.state === "waiting") c.abort() };
			try { await page.device.ethereum.`+call+` } finally { page.listener = undefined }
		}`))
		require.Contains(t, p.told(), `"state":"done"`)
		require.Equal(t, "a4", p.ethereum.asked[len(p.ethereum.asked)-1], "the prepared request is dropped")
	}
	p.ethereum.stuck = false
	p.signs(`signMessage("x")`)
	p.fails("aborted", "raw", object(t, `(core, page) => page.device.ethereum.signMessage("x", {signal: AbortSignal.abort()})`))
	p.signs(`signMessage("x")`)
}

// It is not known whether real devices send keep-alives. The page gets the event to show to the user in any case.
func TestSilentDeviceCountsAsWaiting(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	p.ethereum.stuck, p.ethereum.silent = true, true
	approval := `{...` + transfer + `, value: 0, data: "0x095ea7b3" + "35".repeat(20).padStart(64, "0") + "f".repeat(64)}`
	for call, detail := range map[string][]string{
		`signMessage("ζ", {signal: c.signal})`:                  {`"blind":true`, `"operation":"message"`},
		`signTypedData(` + mail + `, {signal: c.signal})`:       {`"blind":true`, `"operation":"typed-data"`},
		`signTransaction(` + approval + `, {signal: c.signal})`: {`"blind":false`, `"screen":{"fee":"0.000021 ETH","payment":"Allow UNLIMITED`, `"unlimited":true`},
	} {
		p.fails("aborted", "raw", object(t, `async (core, page) => {
			const c = new AbortController();
			page.listener = (name, detail) => { if (detail.state === "waiting") c.abort() };
			try { await page.device.ethereum.`+call+` } finally { page.listener = undefined }
		}`))
		told := p.told()
		require.Equal(t, 1, strings.Count(told, `"state":"waiting"`), told)
		require.Equal(t, 1, strings.Count(told, `"state":"done"`), told)
		for _, part := range detail {
			require.Equal(t, 2, strings.Count(told, part), "%s: %s", part, told)
		}
	}
	p.ethereum.stuck = false
	p.signs(`signMessage("x")`)
	require.Empty(t, p.told(), "a device that answers at once does not wait for the user")
}

func TestProgress(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	heard := p.text(p.signs(`signMessage("x".repeat(600), {onProgress: (sent, total) => (globalThis.testHeard ??= []).push(sent + "/" + total)}).then(() => ({}))`),
		`() => { const h = globalThis.testHeard; delete globalThis.testHeard; return h.join(" ") }`)
	steps := strings.Fields(heard)
	require.GreaterOrEqual(t, len(steps), 4)
	_, total, _ := strings.Cut(steps[0], "/")
	require.Equal(t, "0/"+total, steps[0])
	require.Equal(t, total+"/"+total, steps[len(steps)-1])
	p.signs(`signMessage("x", {onProgress() { throw new Error("the page's own affair") }})`)
}

// Nothing malformed is sent to the device, and the error says where it is.
func TestHostileEthereumArguments(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	before := p.usb.Log()
	refused := func(at, call string) {
		t.Helper()
		data := p.refuses("invalid-argument", call)
		require.Equal(t, at, bridgetest.Text(t, data, "at"), call)
		require.NotEmpty(t, bridgetest.Text(t, data, "reason"), call)
	}
	throws := `get() { throw 1 }`

	for _, v := range []string{`undefined`, `null`} {
		refused("transaction", `signTransaction(`+v+`)`)
	}
	for _, v := range []string{`7`, `"x"`, `10n`, `Symbol()`} {
		refused("the argument", `signTransaction(`+v+`)`)
	}
	refused("nonce", `signTransaction({})`)
	refused("nonce", `signTransaction([])`)
	refused("chainId", `signTransaction(new Proxy({}, {`+throws+`}))`)
	refused("chainId", `signTransaction(new Proxy({}, {get() { return Symbol() }}))`)
	numbers := []string{`null`, `-1`, `1.5`, `NaN`, `Infinity`, `2 ** 53`, `-1n`, `2n ** 256n`, `2n ** 1000000n`, `""`, `"0x"`, `"1"`, `"0xg"`, `"0x-1"`, `"0x1_0"`, `" 0x1"`, `"0X1"`,
		`"0x1" + "0".repeat(64)`, `{}`, `[]`, `true`, `Symbol()`, `() => 1`, `Object(1n)`, `new Number(1)`, `({valueOf() { return 1 }})`}
	for _, name := range []string{"chainId", "nonce", "gas", "gasLimit", "maxFeePerGas", "maxPriorityFeePerGas", "value", "type"} {
		for _, n := range numbers {
			refused(name, `signTransaction({...`+transfer+`, gas: undefined, gasLimit: 21000, `+name+`: `+n+`})`)
		}
	}
	for _, c := range []struct{ at, change string }{
		{"nonce", `nonce: undefined`}, {"nonce", `nonce: 2n ** 64n`}, {"nonce", `nonce: 2n ** 64n - 1n`}, {"gas", `gas: undefined`}, {"gas", `gas: 2n ** 64n`},
		{"gasLimit", `gasLimit: 21001`}, {"chainId", `chainId: undefined`}, {"chainId", `chainId: undefined, type: undefined, maxFeePerGas: undefined, maxPriorityFeePerGas: undefined, gasPrice: 1`},
		{"chainId", `chainId: 0`}, {"type", `type: 3`}, {"type", `type: 5`}, {"type", `type: 255`}, {"type", `type: 258`},
		{"gasPrice", `gasPrice: 1`}, {"gasPrice", `type: 0`}, {"maxFeePerGas", `maxFeePerGas: undefined`}, {"maxPriorityFeePerGas", `maxPriorityFeePerGas: undefined`},
		{"maxPriorityFeePerGas", `maxPriorityFeePerGas: 10n ** 10n`}, {"maxFeePerGas", `type: undefined, maxFeePerGas: undefined, maxPriorityFeePerGas: undefined`},
		{"to", `to: ""`}, {"to", `to: "0x"`}, {"to", `to: 7`}, {"to", `to: {}`}, {"to", `to: "` + strings.Repeat("x", 42) + `"`}, {"to", `to: ` + receiver + ` + "35"`},
		{"to", `to: "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD827"`}, {"to", `to: null`}, {"to", `to: undefined`},
		{"from", `from: "me"`}, {"from", `from: null`},
		{"data", `data: "0x1"`}, {"data", `data: "12"`}, {"data", `data: "0xgg"`}, {"data", `data: null`}, {"data", `data: new Uint8Array(2)`}, {"data", `data: "0x" + "00".repeat(65536)`},
		{"input", `data: "0x12", input: "0x13"`}, {"input", `data: "0x", input: 3`}, {"data", `data: "0x" + "00".repeat(65535)`},
		{"feeCurrency", `feeCurrency: ` + receiver}, {"paymaster", `paymaster: ` + receiver}, {"factoryDeps", `factoryDeps: []`}, {"customData", `customData: {}`}, {"GasPrice", `GasPrice: 0`},
		{"maxFeePerBlobGas", `maxFeePerBlobGas: 1`}, {"blobVersionedHashes", `blobVersionedHashes: []`},
		{"accessList", `accessList: null`}, {"accessList", `accessList: {}`}, {"accessList", `accessList: new Array(5000)`}, {"accessList[0]", `accessList: [1]`},
		{"accessList[0].address", `accessList: [{storageKeys: []}]`}, {"accessList[0].storageKeys", `accessList: [{address: ` + receiver + `}]`},
		{"accessList[1].storageKeys[1]", `accessList: [{address: ` + receiver + `, storageKeys: []}, {address: ` + receiver + `, storageKeys: ["0x" + "00".repeat(32), "0x00"]}]`},
		{"accessList[1].storageKeys", `accessList: [{address: ` + receiver + `, storageKeys: new Array(4000).fill("0x" + "00".repeat(32))}, {address: ` + receiver + `, storageKeys: new Array(100)}]`},
		{"authorizationList", `authorizationList: []` + `, type: 4`}, {"authorizationList", `authorizationList: [{chainId: 1, address: ` + receiver + `, nonce: 1, yParity: 1, r: 1, s: 1}]`},
		{"authorizationList[0].yParity", `type: 4, authorizationList: [{chainId: 1, address: ` + receiver + `, nonce: 1, yParity: 27, r: 1, s: 1}]`},
		{"authorizationList[0].r", `type: 4, authorizationList: [{chainId: 1, address: ` + receiver + `, nonce: 1, yParity: 1, s: 1}]`},
		{"authorizationList[0].address", `type: 4, authorizationList: [{chainId: 1, nonce: 1, yParity: 1, r: 1, s: 1}]`},
	} {
		refused(c.at, `signTransaction({...`+transfer+`, `+c.change+`})`)
	}
	for _, name := range []string{"chainId", "nonce", "data", "to", "accessList", "authorizationList", "from", "type"} {
		refused(name, `signTransaction(Object.defineProperty(`+transfer+`, "`+name+`", {`+throws+`}))`)
	}

	for _, m := range []string{`undefined`, `null`, `7`, `10n`, `[]`, `{}`, `["x"]`, `"\ud800"`, `"x\udc00y"`, `"x".repeat(65536)`, `new Uint8Array(65536)`, `new ArrayBuffer(2)`} {
		refused("message", `signMessage(`+m+`)`)
	}
	refused("data", `signMessage("x".repeat(65535))`)

	for _, c := range []struct{ at, options string }{
		{"the argument", `null`}, {"the argument", `7`}, {"the argument", `"x"`}, {"path", `{path: null}`}, {"path", `{path: ""}`}, {"path", `{path: "m"}`}, {"path", `{path: "m/2147483648"}`},
		{"path", `{path: "m/" + "1/".repeat(300)}`}, {"path", `{path: [44, 60]}`}, {"from", `{from: null}`}, {"from", `{from: "0x12"}`}, {"allowUnbound", `{allowUnbound: 1}`},
		{"allowUnbound", `{allowUnbound: null}`}, {"acceptUnverified", `{acceptUnverified: "yes"}`}, {"onProgress", `{onProgress: {}}`}, {"onProgress", `{onProgress: null}`},
		{"signal", `{signal: null}`}, {"signal.aborted", `{signal: {}}`}, {"signal", `{get signal() { throw 1 }}`}, {"allowUnbound", `{get allowUnbound() { throw 1 }}`},
		{"path", `{get path() { throw 1 }}`}, {"signal", `new Proxy({}, {` + throws + `})`},
	} {
		refused(c.at, `signMessage("x", `+c.options+`)`)
		refused(c.at, `signTransaction(`+transfer+`, `+c.options+`)`)
		refused(c.at, `signTypedData(`+mail+`, `+c.options+`)`)
	}
	refused("verify", `getAccount({verify: 1})`)
	refused("path", `getAccount({path: 7})`)
	refused("from", `signTransaction({...`+transfer+`, from: `+receiver+`}, {from: "`+accountAddress()+`"})`)
	refused("version", `signTypedData(`+mail+`, {version: "V1"})`)
	refused("version", `signTypedData(`+mail+`, {version: 4})`)
	refused("nativeCurrency", `signTransaction(`+transfer+`, {nativeCurrency: null})`)
	refused("nativeCurrency.symbol", `signTransaction(`+transfer+`, {nativeCurrency: {decimals: 18}})`)
	refused("nativeCurrency.decimals", `signTransaction(`+transfer+`, {nativeCurrency: {symbol: "ETH", decimals: 18n}})`)
	refused("symbol", `signTransaction(`+transfer+`, {nativeCurrency: {symbol: "E T H", decimals: 18}})`)
	for _, decimals := range []string{"0", "6", "17", "19", "37"} {
		refused("decimals", `signTransaction(`+transfer+`, {nativeCurrency: {symbol: "ETH", decimals: `+decimals+`}})`)
	}

	for at, document := range map[string]string{
		"typed data":        `undefined`,
		"primaryType":       `{}`,
		"domain":            `{primaryType: "Mail", domain: null}`,
		"types":             `{...` + mail + `, types: []}`,
		"message":           `{...` + mail + `, message: 10n}`,
		"message.from":      `(() => { const m = ` + mail + `; Object.defineProperty(m.message, "from", {enumerable: true, get() { throw 1 }}); return m })()`,
		"message.to.name":   `(() => { const m = ` + mail + `; m.message.to.name = () => 1; return m })()`,
		"message.contents":  `(() => { const m = ` + mail + `; m.message.contents = "\ud800"; return m })()`,
		"message.to.wallet": `(() => { const m = ` + mail + `; m.message.to.wallet = new Uint8Array(20); return m })()`,
		"domain.chainId":    `(() => { const m = ` + mail + `; m.domain.chainId = 2n ** 256n; return m })()`,
		"message.x[1]":      `(() => { const m = ` + mail + `; m.message.x = [0, , 2]; return m })()`,
		"message.x":         `(() => { const m = ` + mail + `; m.message.x = new Array(1e6); return m })()`,
		"message.big":       `(() => { const m = ` + mail + `; m.message.big = "x".repeat(4e6); return m })()`,
		"message.raw":       `(() => { const m = ` + mail + `; m.message.raw = new Uint8Array(4e6); return m })()`,
	} {
		refused(at, `signTypedData(`+document+`)`)
	}
	for _, document := range []string{`new Proxy({}, {` + throws + `, ownKeys() { return ["a"] }, getOwnPropertyDescriptor() { return {enumerable: true, configurable: true} }})`,
		`new Proxy({}, {ownKeys() { throw 1 }})`, `(() => { const r = Proxy.revocable({}, {}); r.revoke(); return r.proxy })()`,
		`(() => { const m = ` + mail + `; m.message.self = m.message; return m })()`, // cycles
		`(() => { const m = ` + mail + `; m.message.a = m.message.b = m.message.c = m; return m })()`,
		`(() => { const l = []; l.push(l, l); return {...` + mail + `, message: l} })()`,
		`(() => { let deep = []; for (let i = 0; i < 1e5; i++) deep = [deep]; return {...` + mail + `, deep} })()`,
		`null`, `7`, `"x"`, `10n`, `Symbol()`, `() => 1`, `[]`,
	} {
		p.refuses("invalid-argument", `signTypedData(`+document+`)`)
	}

	require.Equal(t, before, p.usb.Log(), "no call reached the device")
	p.signs(`signMessage("x")`)
}

// TestDescribe compares what describe says of a request with what the device gets, and what the page hears, when the same is signed.
func TestDescribe(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	p.ethereum.waits = true
	said := func(operation, arguments string) string {
		t.Helper()
		return p.says(`core.describe("` + operation + `", ` + arguments + `)`)
	}
	approval := `data: "0x095ea7b3" + "35".repeat(20).padStart(64, "0") + "f".repeat(64)`
	for _, c := range []struct{ operation, method, arguments string }{
		{"transaction", "signTransaction", transfer},
		{"transaction", "signTransaction", `{...` + transfer + `, chainId: 5000, value: 1, ` + approval + `}`},
		{"transaction", "signTransaction", `{...` + transfer + `, chainId: 987654321}, {nativeCurrency: {symbol: "DOGE", decimals: 18}}`},
		{"transaction", "signTransaction", `{type: 0, nonce: 0, gas: 21000, gasPrice: 10n ** 9n, value: 1, to: ` + receiver + `}`},
		{"transaction", "signTransaction", `{type: 1, chainId: 1, nonce: 0, gas: 21000, gasPrice: 1, to: ` + receiver + `, accessList: []}`},
		{"transaction", "signTransaction", `{...` + transfer + `, type: 4, ` + approval + `, authorizationList: [{chainId: 0, address: ` + receiver + `, nonce: 9, yParity: 1, r: 5, s: 6}]}`},
		{"message", "signMessage", `"Hello"`}, {"message", "signMessage", `"ζ😀"`}, {"message", "signMessage", `new Uint8Array([0, 255])`},
		{"typed-data", "signTypedData", mail}, {"typed-data", "signTypedData", mail + `, {version: "V3"}`},
	} {
		described := said(c.operation, c.arguments)
		p.told()
		p.signs(c.method + `(` + c.arguments + `)`)
		sum := keccak.Sum256(p.ethereum.signed)
		var asked, facts map[string]any
		event, _, _ := strings.Cut(strings.TrimPrefix(p.told(), "interaction "), "; interaction ") // the first of waiting and done
		require.NoError(t, json.Unmarshal([]byte(event), &asked), event)
		require.NoError(t, json.Unmarshal([]byte(described), &facts), described)
		require.Equal(t, hexText(sum[:]), facts["digest"], c.arguments)
		for _, name := range []string{"blind", "summary", "screen"} {
			require.Equal(t, asked[name], facts[name], "%s of %s", name, c.arguments)
		}
	}
	before := p.usb.Log()
	for _, c := range []struct{ at, operation, arguments string }{
		{"transaction", "transaction", `undefined`}, {"nonce", "transaction", `{}`}, {"gas", "transaction", `{...` + transfer + `, gas: -1}`},
		{"data", "transaction", `{...` + transfer + `, data: "0x" + "00".repeat(65535)}`}, {"symbol", "transaction", transfer + `, {nativeCurrency: {symbol: "E T H", decimals: 18}}`},
		{"nativeCurrency", "transaction", transfer + `, {nativeCurrency: null}`}, {"feeCurrency", "transaction", `{...` + transfer + `, feeCurrency: ` + receiver + `}`},
		{"message", "message", `7`}, {"message", "message", `"\ud800"`}, {"data", "message", `"x".repeat(65535)`},
		{"version", "typed-data", mail + `, {version: "V1"}`}, {"primaryType", "typed-data", `{}`}, {"the argument", "message", `"x", 7`},
		{"operation", "toString", `"x"`}, {"operation", "", `"x"`},
	} {
		data := bridgetest.Get(t, p.fails("invalid-argument", "raw", object(t, `core => core.describe("`+c.operation+`", `+c.arguments+`)`)), "data")
		require.Equal(t, c.at, bridgetest.Text(t, data, "at"), c.arguments)
	}
	require.Equal(t, before, p.usb.Log(), "describe uses no device")
	p.works("call", "close")
	require.Contains(t, said("message", `"x"`), `"blind":false`)
}

// Arguments are read once, and later changes by the page have no effect.
func TestArgumentsAreReadOnceAndAtOnce(t *testing.T) {
	p := newEthereumPage(t, element.Public()).bound()
	p.signs(`signTransaction((() => { let n = 0; return {...` + transfer + `, get value() { return ++n > 1 ? 7n : 5n } } })())`)
	tx, _, err := ethereum.ParseTransaction(p.ethereum.signed)
	require.NoError(t, err)
	require.Equal(t, int64(5), tx.Value.Int64())
	p.works("raw", object(t, `async (core, page) => {
		const bytes = new Uint8Array([1, 2]), first = page.device.bindingStatus(), done = page.device.ethereum.signMessage(bytes);
		bytes[0] = 9; await first; await done }`))
	require.True(t, strings.HasSuffix(string(p.ethereum.signed), "\x01\x02"))
}

func TestEthereumOfAClosedDevice(t *testing.T) {
	p := newEthereumPage(t, element.Public())
	p.works("call", "close")
	for _, method := range []string{"getAccount", "signTransaction", "signMessage", "signTypedData"} {
		p.fails("device-disconnected", "eth", method)
	}
	keys, _ := interop.String(p.works("raw", object(t, `(core, page) => Object.keys(page.device.ethereum).sort().join(" ")`)))
	require.Equal(t, "getAccount signMessage signTransaction signTypedData", keys)
}
