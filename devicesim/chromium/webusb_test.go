package chromium_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
)

// TestNavigatorUSB uses navigator.usb of a real Chromium with echo devices over
// USB/IP. It fails without a Chromium or a C compiler.
func TestNavigatorUSB(t *testing.T) {
	b := newBench(t, 2)
	p := newPage(t)
	p.opened(t, b)

	require.Equal(t, []any{"imKey Pro – 测试 " + serial(1), "imKey Pro – 测试 " + serial(2)},
		p.run(t, `return (await navigator.usb.getDevices()).map(d => d.productName + ' ' + d.serialNumber).sort()`))

	require.Equal(t, "0:255:out4bulk64,in5bulk64 1:3:in1interrupt64,out1interrupt64", p.run(t, `
		window.d = await find(1)
		await d.open()
		return d.configuration.interfaces.map(i => i.interfaceNumber + ':' + i.alternate.interfaceClass + ':' +
			i.alternate.endpoints.map(e => e.direction + e.endpointNumber + e.type + e.packetSize)).join(' ')`))

	equal := func(t *testing.T, want, js string) {
		t.Helper()
		require.Equal(t, want, p.run(t, js))
	}

	// Calls that the browser or the operating system refuses.
	equal(t, "NotFoundError", `return (await outcome(d.transferIn(5, 64))).split(':')[0]`)
	equal(t, "SecurityError", `return (await outcome(d.claimInterface(1))).split(':')[0]`)
	equal(t, "ok", `return outcome(d.selectConfiguration(1))`) // it is the only one, so nothing is sent
	equal(t, "ok ok", `return await outcome(d.claimInterface(0)) + ' ' + await outcome(d.claimInterface(0))`)
	equal(t, "NotFoundError", `return (await outcome(d.transferIn(6, 64))).split(':')[0]`)
	equal(t, "ok", `return outcome(d.selectAlternateInterface(0, 0))`)

	// Control transfers: those of WebUSB, and one that the device stalls.
	equal(t, "ok 18", `return outcome(d.controlTransferIn({requestType: 'vendor', recipient: 'device', request: 0x21, value: 1, index: 2}, 64))`)
	equal(t, "stall 0", `return outcome(d.controlTransferIn({requestType: 'vendor', recipient: 'device', request: 0x77, value: 0, index: 0}, 8))`)

	// Transfers: a whole packet, zero-length, short, long, longer than the buffer.
	equal(t, "ok 64 ok 64 42", `
		const sent = await outcome(d.transferOut(4, new Uint8Array(64).fill(42)))
		const r = await d.transferIn(5, 64)
		return sent + ' ' + r.status + ' ' + r.data.byteLength + ' ' + r.data.getUint8(63)`)
	equal(t, "ok 0 ok 0", `return await outcome(d.transferOut(4, bytes())) + ' ' + await outcome(d.transferIn(5, 64))`)
	equal(t, "ok 3", `await d.transferOut(4, bytes(1, 2, 3)); return outcome(d.transferIn(5, 64))`)
	equal(t, "ok 200 ok 200", `return await outcome(d.transferOut(4, new Uint8Array(200))) + ' ' + await outcome(d.transferIn(5, 512))`)
	equal(t, "babble 10", `await d.transferOut(4, new Uint8Array(64)); return outcome(d.transferIn(5, 10))`)
	equal(t, "1,2,3", `
		const reads = [1, 2, 3].map(() => d.transferIn(5, 64))
		for (const i of [1, 2, 3]) await d.transferOut(4, bytes(i))
		return (await Promise.all(reads)).map(r => r.data.getUint8(0)).join()`)

	t.Run("stall and clearHalt", func(t *testing.T) {
		require.NoError(t, b.ports[0].SetFaults([]usb.Fault{
			{On: "in", Packet: 1, Do: usb.DoStall}, {On: "in", Packet: 2, Do: usb.DoBabble}, {On: "out", Packet: 3, Do: usb.DoStall}}))
		equal(t, "stall 0, stall 0, ok, ok 1", `
			await d.transferOut(4, bytes(7))
			return [await outcome(d.transferIn(5, 64)), await outcome(d.transferIn(5, 64)),
				await outcome(d.clearHalt('in', 5)), await outcome(d.transferIn(5, 64))].join(', ')`)
		equal(t, "babble 64", `await d.transferOut(4, bytes(8)); return outcome(d.transferIn(5, 64))`)
		// (for a transferOut that stalls, Chromium returns the requested length)
		equal(t, "stall 1, stall 1, ok, ok 1, ok 1", `
			return [await outcome(d.transferOut(4, bytes(1))), await outcome(d.transferOut(4, bytes(1))),
				await outcome(d.clearHalt('out', 4)), await outcome(d.transferOut(4, bytes(1))), await outcome(d.transferIn(5, 64))].join(', ')`)
	})

	t.Run("reset reaches the device", func(t *testing.T) {
		before := b.resetCount()
		equal(t, "ok", `await d.transferOut(4, bytes(1)); return outcome(d.reset())`)
		require.Equal(t, before+1, b.resetCount())
		equal(t, "9", `await d.transferOut(4, bytes(9)); return String((await d.transferIn(5, 64)).data.getUint8(0))`)
		equal(t, "NetworkError", `
			const read = outcome(d.transferIn(5, 64))
			await d.reset()
			return (await read).split(':')[0]`)
	})

	t.Run("closing with many reads pending", func(t *testing.T) {
		equal(t, "ok AbortError", `
			const reads = Array.from({length: 200}, () => outcome(d.transferIn(5, 64)))
			const closed = await outcome(d.close())
			return closed + ' ' + [...new Set((await Promise.all(reads)).map(r => r.split(':')[0]))]`)
		equal(t, "5", `
			await d.open(); await claim(d)
			await d.transferOut(4, bytes(5))
			return String((await d.transferIn(5, 64)).data.getUint8(0))`)
	})

	t.Run("claimed by another user", func(t *testing.T) {
		equal(t, "NetworkError: Failed to execute 'claimInterface' on 'USBDevice': Unable to claim interface.", `
			window.o = await other.find(1)
			await o.open()
			return other.outcome(o.claimInterface(0))`)
		equal(t, "ok", `await d.releaseInterface(0); return other.outcome(o.claimInterface(0))`)
		equal(t, "NetworkError", `return (await outcome(d.claimInterface(0))).split(':')[0]`)
		equal(t, "ok", `await o.releaseInterface(0); await o.close(); return outcome(d.claimInterface(0))`)
		b.ports[0].SetAccess(usb.Access{Claimed: true})
		equal(t, "NetworkError", `await d.releaseInterface(0); return (await outcome(d.claimInterface(0))).split(':')[0]`)
		b.ports[0].SetAccess(usb.Access{})
		equal(t, "ok", `return outcome(d.claimInterface(0))`)
	})

	t.Run("access denied", func(t *testing.T) {
		b.ports[0].SetAccess(usb.Access{Denied: true})
		equal(t, "SecurityError: Failed to execute 'open' on 'USBDevice': Access denied.", `await d.close(); return outcome(d.open())`)
		b.ports[0].SetAccess(usb.Access{})
		equal(t, "ok ok", `return await outcome(d.open()) + ' ' + await outcome(claim(d))`)
	})

	t.Run("unplug and plug", func(t *testing.T) {
		p.run(t, `events.length = 0; window.pending = outcome(d.transferIn(5, 64))`)
		b.ports[0].Unplug()
		equal(t, "disconnect "+serial(1), `await until('disconnect `+serial(1)+`'); return events.join()`)
		// It depends on whether the browser gets the end of the transfer or of the device first.
		require.Contains(t, []any{"NetworkError", "NotFoundError", "AbortError"}, p.run(t, `return (await pending).split(':')[0]`))
		require.Equal(t, []any{serial(2)}, p.run(t, `return (await navigator.usb.getDevices()).map(d => d.serialNumber)`))
		equal(t, "NotFoundError", `return (await outcome(d.transferOut(4, bytes(1)))).split(':')[0]`)
		b.ports[0].Plug()
		equal(t, "6", `
			await until('connect `+serial(1)+`')
			window.d = await find(1)
			await d.open(); await d.claimInterface(0)
			await d.transferOut(4, bytes(6))
			return String((await d.transferIn(5, 64)).data.getUint8(0))`)
	})

	t.Run("plugged in where the system denies access", func(t *testing.T) {
		p.run(t, `events.length = 0`)
		b.ports[1].Unplug()
		p.run(t, `await until('disconnect `+serial(2)+`')`)
		b.ports[1].SetAccess(usb.Access{Denied: true})
		b.ports[1].Plug()
		equal(t, "SecurityError", `
			await until('connect `+serial(2)+`')
			return (await outcome((await find(2)).open())).split(':')[0]`)
	})

	// Many transfers.
	equal(t, "500", `
		let n = 0
		for (; n < 500; n++) {
			await d.transferOut(4, bytes(n & 255, n >> 8))
			const r = await d.transferIn(5, 64)
			if (r.data.getUint16(0, true) !== n) return 'echo ' + n
		}
		return String(n)`)
}

// TestTakingTurns uses one device in two browsers with different profiles.
func TestTakingTurns(t *testing.T) {
	b := newBench(t, 1)
	first, second := newPage(t), newPage(t)
	one := first.opened(t, b)
	require.Equal(t, float64(1), first.run(t, `return (await navigator.usb.getDevices()).length`))
	second.opened(t, b)
	require.Equal(t, float64(0), second.run(t, `return (await navigator.usb.getDevices()).length`), "held by the first")
	require.NoError(t, one.Close())
	require.Equal(t, "4", second.run(t, `
		await until('connect `+serial(1)+`')
		const d = await find(1)
		await d.open(); await d.claimInterface(0)
		await d.transferOut(4, bytes(4))
		return String((await d.transferIn(5, 64)).data.getUint8(0))`))
}
