package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestObstaclesToSigning checks the error of each obstacle to a signature: its code, its sentence, and that the device is idle.
// Once the obstacle is gone, the same page signs.
func TestObstaclesToSigning(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{Approve: device.Yes}, "")
	d.Accounts()
	device := s.Device.Simulated
	for _, test := range []struct {
		name       string
		put, clear func() error
		code       int
		reason     string
		retryable  bool // the same page can try again once the user has removed the obstacle
		statusWord int
	}{
		{"locked", func() error { _ = device.SetPIN("1234"); return device.Lock() }, func() error { return device.Unlock("1234") }, -32603, "locked", true, 0xF081},
		{"in its menu", device.Menu, device.Home, -32603, "in-menu", true, 0xF080},
		{"without the applet", func() error { return device.SetInstalled("ethereum", false) }, func() error { return device.SetInstalled("ethereum", true) }, -32603, "applet-missing", false, 0x6A82},
		{"in its boot loader", func() error { return device.SetBootLoader(true) }, func() error { return device.SetBootLoader(false) }, -32603, "boot-loader", true, 0},
		{"unplugged", device.Unplug, func() error { return errors.Join(device.Plug(), device.Unlock("1234")) }, 4900, "device-disconnected", true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := d.Events()
			require.NoError(t, test.put())
			t.Cleanup(func() { _ = test.clear() })
			if test.name == "unplugged" {
				d.WaitForEvent("disconnect", before)
			}
			for method, params := range signing {
				o := d.Request(method, params)
				o.RequireError(t, test.code, test.reason)
				require.Equal(t, test.retryable, o.Retryable, "%s: %+v", method, o)
				if test.statusWord != 0 {
					require.Equal(t, test.statusWord, o.StatusWord, method)
				}
				require.False(t, device.Status().Asking, method)
			}
			require.Empty(t, n.TakeSent())
			before = d.Events()
			require.NoError(t, test.clear())
			if test.name == "unplugged" {
				d.WaitForEvent("connect", before)
			}
			for method, params := range signing {
				d.Request(method, params).Text(t)
			}
			n.TakeSent()
		})
	}

	var code string
	t.Run("without a wallet", func(t *testing.T) {
		s.Device.Reset() // which also removes the PIN
		d.Load(n.URL, "")
		code = d.Pair()
		d.Request("eth_requestAccounts", "[]").RequireError(t, -32603, "wallet-missing")
		s.Device.Restore(harness.TestPhrase(t))
		require.Equal(t, []string{harness.FirstAddress}, d.Accounts())
	})
	t.Run("bound elsewhere", func(t *testing.T) {
		// Binds the device to another app, which has a record of its own.
		d.Run(fmt.Sprintf(`
			const [device] = await (await sdk.loadImKey({ trustedCAs, store: 'memory' })).getDevices()
			await device.open()
			await device.bind(%q)
			await device.close()`, code))
		for method, params := range signing {
			d.Request(method, params).RequireError(t, 4100, "bound-elsewhere")
			require.False(t, device.Status().Asking)
		}
		d.Load(n.URL, "")
		d.Request("eth_requestAccounts", "[]").RequireError(t, 4100, "bound-elsewhere")
		require.Empty(t, n.TakeSent())
		d.Bind(code)
		d.Accounts()
		d.Request("personal_sign", personalSign).Text(t)
	})
}

// TestMalformedRequests checks that malformed requests are refused with the right code before the device asks its user.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.Accounts()
	tx := func(fields string) string {
		return `[{ from: '` + harness.FirstAddress + `', to: '` + harness.SecondAddress + `', ` + fields + ` }]`
	}
	document := func(change string) string {
		return `['` + harness.FirstAddress + `', (() => { const d = ` + harness.Mail + `; d.domain.chainId = ` + fmt.Sprint(harness.FakeChain) + `; ` + change + `; return d })()]`
	}
	const bad, internal, chain = -32602, "invalid-argument", 4901
	for _, test := range []struct {
		name, method, params string
		code                 int
	}{
		{"no address", "personal_sign", `['hello']`, bad},
		{"a short address", "personal_sign", `['hello', '0x1234']`, bad},
		{"an address with a wrong checksum", "eth_sendTransaction", `[{ from: '` + harness.FirstAddress + `', to: '0x80427aE1f55bCf60ee4CD2db7549b8BC69a74303' }]`, bad},
		{"a chain id that is no number", "wallet_switchEthereumChain", `[{ chainId: 'one' }]`, bad},
		{"a chain id with leading zeros", "wallet_switchEthereumChain", `[{ chainId: '0x01' }]`, bad},
		{"an unknown chain", "wallet_switchEthereumChain", `[{ chainId: '0x2' }]`, 4902},
		{"another chain's transaction", "eth_sendTransaction", tx(`chainId: '0x1'`), chain},
		{"a value of 33 bytes", "eth_sendTransaction", tx(`value: '0x1' + '00'.repeat(32)`), bad},
		{"a negative value", "eth_sendTransaction", tx(`value: -1`), bad},
		{"a value that is no number", "eth_sendTransaction", tx(`value: 'much'`), bad},
		{"half a byte of data", "eth_sendTransaction", tx(`data: '0xabc'`), bad},
		{"both kinds of fee", "eth_sendTransaction", tx(`gasPrice: '0x1', maxFeePerGas: '0x1'`), bad},
		{"a tip above the fee", "eth_sendTransaction", tx(`maxFeePerGas: '0x1', maxPriorityFeePerGas: '0x2'`), bad},
		{"a type that does not exist", "eth_sendTransaction", tx(`type: '0x9'`), bad},
		{"blobs", "eth_sendTransaction", tx(`type: '0x3', blobVersionedHashes: []`), bad},
		{"more data than a device takes", "eth_sendTransaction", tx(`gas: '0x5208', data: '0x' + '00'.repeat(1 << 20)`), bad},
		{"no typed data", "eth_signTypedData_v4", `['` + harness.FirstAddress + `', 'hello']`, bad},
		{"typed data without its type", "eth_signTypedData_v4", document(`delete d.types.Person`), bad},
		{"typed data without its domain's type", "eth_signTypedData_v4", document(`d.primaryType = 'Nothing'`), bad},
		{"typed data with a missing field", "eth_signTypedData_v4", document(`delete d.message.contents`), bad},
		{"typed data with an integer out of range", "eth_signTypedData_v4", document(`d.types.Mail[2].type = 'uint8'; d.message.contents = 256`), bad},
		{"typed data that contains itself", "eth_signTypedData_v4", document(`d.message.from = d.message`), bad},
		{"typed data of recursive types, deeply nested", "eth_signTypedData_v4", document(`d.types.Mail.push({ name: 'next', type: 'Mail[]' });
			let m = d.message; for (let i = 0; i < 2000; i++) { const next = { ...d.message, next: [] }; m.next = [next]; m = next }`), bad},
		{"more than a megabyte of typed data", "eth_signTypedData_v4", document(`d.message.contents = 'x'.repeat((1 << 20) + 1)`), bad},
		{"typed data of another chain", "eth_signTypedData_v4", `['` + harness.FirstAddress + `', ` + harness.Mail + `]`, chain},
		{"params that are no list", "personal_sign", `{ message: 'hello' }`, bad},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.Request(test.method, test.params).RequireError(t, test.code, internal)
			require.False(t, s.Device.Status().Asking)
		})
	}
	for _, method := range []string{"eth_decrypt", "wallet_nothing", "personal_unlockAccount"} {
		d.Request(method, "[]").RequireError(t, 4200, "unsupported-method")
	}
	require.Empty(t, n.TakeSent())
	d.Confirm("personal_sign", personalSign)
}

// TestUnreliableNode checks that the answers of a node are checked, that its errors are passed on, and that the device does not
// ask its user meanwhile.
func TestUnreliableNode(t *testing.T) {
	t.Parallel()
	s, n, d := wallet(t, device.Options{}, "")
	d.Accounts()
	html := func(w http.ResponseWriter, _ json.RawMessage) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><h1>502 Bad Gateway</h1>")
	}
	gives := func(result any) func(http.ResponseWriter, json.RawMessage) {
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
		{"is on another chain", "eth_chainId", gives("0x1"), 4901, "invalid-argument"},
		{"gives no number for its chain", "eth_chainId", gives("one"), -32603, "protocol"},
		{"gives a nonce of 33 bytes", "eth_getTransactionCount", gives("0x1" + strings.Repeat("00", 32)), -32603, "protocol"},
		{"gives no nonce", "eth_getTransactionCount", gives(nil), -32603, "protocol"},
		{"estimates no gas", "eth_estimateGas", gives("0x0"), -32603, "protocol"},
		{"gives a base fee that is no number", "eth_feeHistory", gives(map[string]any{"baseFeePerGas": []string{"cheap"}}), -32603, "protocol"},
		{"answers HTML", "eth_getTransactionCount", html, -32603, "protocol"},
		{"answers another question", "eth_estimateGas", func(w http.ResponseWriter, _ json.RawMessage) {
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":"other","result":"0x5208"}`)
		}, -32603, "protocol"},
	} {
		t.Run(test.name, func(t *testing.T) {
			honest := n.Handle(test.method, test.answer)
			t.Cleanup(func() { n.Handle(test.method, honest) })
			d.Request("eth_sendTransaction", transfer).RequireError(t, test.code, test.reason)
			require.False(t, s.Device.Status().Asking, "the device asks its user")
		})
	}
	t.Run("refuses", func(t *testing.T) {
		n.Handle("eth_call", func(w http.ResponseWriter, id json.RawMessage) {
			_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": id,
				"error": map[string]any{"code": 3, "message": "execution reverted: no", "data": "0x08c379a0"}})
		})
		o := d.Request("eth_call", `[{ to: '`+harness.SecondAddress+`' }, 'latest']`)
		require.Equal(t, 3, o.Code)
		require.Equal(t, "execution reverted: no", o.Message)
		require.Equal(t, "0x08c379a0", o.Data)
		require.True(t, o.Real)
	})
	t.Run("does not answer", func(t *testing.T) {
		release := make(chan struct{})
		honest := n.Handle("eth_estimateGas", func(http.ResponseWriter, json.RawMessage) { <-release })
		t.Cleanup(func() {
			close(release)
			n.Handle("eth_estimateGas", honest)
			d.Load(n.URL, "")
			d.Accounts()
		})
		d.Load(n.URL, "rpcTimeout: 300")
		d.Accounts()
		d.Request("eth_sendTransaction", transfer).RequireError(t, -32603, "timeout")
		require.False(t, s.Device.Status().Asking, "the device asks its user")
	})
	t.Run("lies about the hash", func(t *testing.T) {
		n.Answer("eth_sendRawTransaction", "0x"+strings.Repeat("11", 32))
		r := d.Start("eth_sendTransaction", transfer)
		s.Device.Approve()
		o := r.Wait()
		o.RequireError(t, -32603, "protocol")
		require.Regexp(t, "0x[0-9a-f]{64}", o.Message, "the message names the transaction")
		require.NotContains(t, o.Message, strings.Repeat("11", 32))
	})
	d.Confirm("personal_sign", personalSign)
}
