//go:build js && wasm

package bridgetest

import (
	"context"
	"testing"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
)

// usbSource is a USBDevice that behaves as Chromium's: it checks its state and throws the same exceptions, reads wait, and close
// cancels them. Its wire is two queues. The test is at the other end.
const usbSource = `(() => {
	const fail = (name, message) => { throw new DOMException(message, name) };
	class Device {
		constructor(usb) {
			Object.assign(this, { usb, serialNumber: "imKey01191200001", opened: false, configuration: null, claimed: new Set(),
				gone: false, changing: false, reads: [], toHost: [], toPeer: [], peers: [], late: [], log: [], hooks: {}, hold: {} });
			const endpoint = (endpointNumber, direction, type = "bulk", packetSize = 64) => ({ endpointNumber, direction, type, packetSize });
			this.configurations = [{ configurationValue: 1, interfaces: [
				{ interfaceNumber: 0, alternates: [{ alternateSetting: 0, interfaceClass: 3, endpoints: [endpoint(1, "in", "interrupt"), endpoint(2, "out", "interrupt")] }] },
				{ interfaceNumber: 3, alternates: [
					{ alternateSetting: 0, interfaceClass: 255, endpoints: [] },
					{ alternateSetting: 2, interfaceClass: 255, endpoints: [endpoint(9, "in", "isochronous"), endpoint(7, "out"), endpoint(6, "in")] } ] },
			] }];
		}
		here() { if (this.gone) fail("NotFoundError", "The device was disconnected.") }
		still() { this.here(); if (this.changing) fail("InvalidStateError", "An operation that changes the device state is in progress.") }
		async change(name, then) {
			this.still();
			this.log.push(name);
			this.changing = true;
			try {
				const hook = this.hooks[name];
				if (hook && hook.length) { const h = hook.shift(); if (h) await h(this) }
				this.here();
				then();
			} finally { this.changing = false }
		}
		open() { return this.change("open", () => { this.opened = true }) }
		async close() {
			if (!this.opened) { this.here(); return }
			await this.change("close", () => { this.opened = false; this.claimed.clear(); this.cancel("AbortError", "The transfer was cancelled.") });
		}
		selectConfiguration(n) { return this.change("selectConfiguration " + n, () => { this.configuration = this.configurations.find(c => c.configurationValue === n) }) }
		claimInterface(n) { return this.change("claimInterface", () => { this.log.push("claimed " + n); this.claimed.add(n) }) }
		releaseInterface(n) { return this.change("releaseInterface", () => { this.claimed.delete(n) }) }
		selectAlternateInterface(n, a) { return this.change("selectAlternateInterface", () => { this.log.push("alternate " + n + " " + a) }) }
		clearHalt(direction, n) { return this.change("clearHalt", () => { this.log.push("cleared " + direction + " " + n) }) }
		cancel(name, message) { for (const r of this.reads.splice(0)) this.keepLate ? this.late.push(r) : r.reject(new DOMException(message, name)) }
		ready() { this.still(); if (!this.opened || !this.claimed.has(3)) fail("InvalidStateError", "The device must be opened first.") }
		async transferIn(n, length) {
			this.ready();
			if (n !== 6 || length !== 64) fail("NotFoundError", "The specified endpoint is not part of a claimed and selected alternate interface.");
			this.log.push("read");
			return new Promise((resolve, reject) => { this.reads.push({ resolve, reject }); this.pump() });
		}
		async transferOut(n, data) {
			this.ready();
			if (n !== 7) fail("NotFoundError", "The specified endpoint is not part of a claimed and selected alternate interface.");
			const hook = (this.hooks.out ?? []).shift();
			if (hook) { const result = await hook(this); if (result) return result }
			this.here();
			const copy = new Uint8Array(data);
			const peer = this.peers.shift();
			if (peer) peer(copy); else this.toPeer.push(copy);
			return { status: "ok", bytesWritten: copy.length };
		}
		pump() { while (this.reads.length && this.toHost.length) {
			const x = this.toHost.shift();
			this.reads.shift().resolve(x instanceof Uint8Array ? { status: "ok", data: new DataView(x.buffer, x.byteOffset, x.byteLength) } : x);
		} }
		// The other end.
		reply(x) { this.toHost.push(x); this.pump() }
		next() { return this.toPeer.length ? Promise.resolve(this.toPeer.shift()) : new Promise(r => this.peers.push(r)) }
		answerLate(x) { for (const r of this.late.splice(0)) r.resolve({ status: "ok", data: new DataView(x.buffer) }) }
		unplug(announce = true) {
			this.gone = true; this.opened = false;
			this.cancel("NotFoundError", "The device was disconnected.");
			for (const peer of this.peers.splice(0)) peer(undefined);
			if (announce) this.usb.dispatchEvent(Object.assign(new Event("disconnect"), { device: this }));
		}
		other() { this.usb.dispatchEvent(Object.assign(new Event("disconnect"), { device: {} })) }
		listened(events = 0) { return this.usb.count }
	}
	class USB extends EventTarget {
		count = 0;
		addEventListener(...a) { this.count++; return super.addEventListener(...a) }
		removeEventListener(...a) { this.count--; return super.removeEventListener(...a) }
	}
	class Locks {
		held = new Map(); waiting = new Map();
		request(name, options, callback) {
			return new Promise((resolve, reject) => {
				const queue = this.waiting.get(name) ?? [];
				this.waiting.set(name, queue);
				const mine = { reject };
				const run = async () => {
					this.held.set(name, mine);
					try { resolve(await callback({ name })) } catch (e) { reject(e) }
					if (this.held.get(name) !== mine) return;
					this.held.delete(name);
					queue.shift()?.();
				};
				if (options.steal) { this.held.get(name)?.reject(new DOMException("The lock was stolen.", "AbortError")); run(); return }
				if (!this.held.has(name)) { run(); return }
				if (options.ifAvailable) { resolve(callback(null)); return }
				queue.push(run);
				options.signal.addEventListener("abort", () => { const i = queue.indexOf(run); if (i >= 0) { queue.splice(i, 1); reject(options.signal.reason) } });
			});
		}
		async query() { return { held: [...this.held.keys()].map(name => ({ name, mode: "exclusive" })), pending: [] } }
	}
	return () => { const usb = new USB(); return { usb, device: new Device(usb), locks: new Locks() } };
})()`

// USB is a fake USBDevice with a USB and a LockManager. The test plays the device behind it, as a transporttest.Peer. One goroutine
// at a time may use it.
type USB struct {
	t                  testing.TB
	USB, Device, Locks safejs.Value
	next               *interop.Pending
}

// NewUSB returns a fake. The test fails if it ends with Go functions that JavaScript still holds.
func NewUSB(t testing.TB) *USB {
	t.Helper()
	NoLeak(t)
	made, err := Eval(t, usbSource).Invoke()
	require.NoError(t, err)
	f := &USB{t: t, USB: Get(t, made, "usb"), Device: Get(t, made, "device"), Locks: Get(t, made, "locks")}
	t.Cleanup(func() {
		// A Next that waits at the end must release its callbacks.
		if f.next != nil {
			Call(t, f.Device, "unplug", false)
			<-f.next.Done()
		}
	})
	return f
}

// Hook sets functions for the next calls of this kind, one for each call. A function gets the device; null lets a call pass.
func (f *USB) Hook(call string, functions ...string) {
	f.t.Helper()
	for _, fn := range functions {
		Call(f.t, Eval(f.t, `(d, call, fn) => { (d.hooks[call] ??= []).push(fn) }`), "call", safejs.Null(), f.Device, call, Eval(f.t, fn))
	}
}

// Log returns the calls of the device so far, separated by semicolons.
func (f *USB) Log() string {
	f.t.Helper()
	s, ok := interop.String(Call(f.t, Get(f.t, f.Device, "log"), "join", "; "))
	require.True(f.t, ok)
	return s
}

// Listeners returns the number of listeners of the USB object.
func (f *USB) Listeners() int { return Number(f.t, f.USB, "count") }

// WaitFor lets the event loop run until the condition, a function of the device, is true.
func (f *USB) WaitFor(condition string) {
	f.t.Helper()
	Await(f.t, Eval(f.t, `({ wait: async (d, ready) => { do { await new Promise(r => setImmediate(r)) } while (!ready(d)) } })`), "wait",
		f.Device, Eval(f.t, condition))
}

// Next implements transporttest.Peer.
func (f *USB) Next(ctx context.Context) (p frame.Packet, err error) {
	if f.next == nil {
		if f.next, err = interop.CallAsync(f.Device, "next"); err != nil {
			return p, err
		}
	}
	v, err := f.next.Wait(ctx)
	if err != nil {
		return p, err
	}
	f.next = nil
	b, ok := interop.Bytes(v, frame.PacketSize)
	if !ok || len(b) != frame.PacketSize {
		return p, errcode.New(errcode.DeviceDisconnected, "unplugged")
	}
	return frame.Packet(b), nil
}

// Reply implements transporttest.Peer.
func (f *USB) Reply(packets ...frame.Packet) {
	for _, p := range packets {
		b, err := interop.Uint8Array(p[:])
		require.NoError(f.t, err)
		Call(f.t, f.Device, "reply", b)
	}
}

// Unplug implements transporttest.Peer.
func (f *USB) Unplug() { Call(f.t, f.Device, "unplug") }
