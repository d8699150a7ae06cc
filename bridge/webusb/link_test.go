//go:build js && wasm

package webusb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/bridge/webusb"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/core/transport/transporttest"
)

func packet(n byte) (p frame.Packet) {
	for i := range p {
		p[i] = n
	}
	return p
}

// briefly returns a context that ends while a read is outstanding.
func briefly(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Millisecond)
	t.Cleanup(stop)
	return ctx
}

func TestConformance(t *testing.T) {
	transporttest.Run(t, func(t *testing.T) (transport.Link, transporttest.Peer) {
		f := bridgetest.NewPage(t)
		return f.Open(), f
	})
}

func TestOpensTheInterfaceOfTheDescriptors(t *testing.T) {
	f := bridgetest.NewPage(t)
	l := f.Open()
	require.Equal(t, "open; selectConfiguration 1; claimInterface; claimed 3; selectAlternateInterface; alternate 3 2", f.Log())
	require.NoError(t, l.Close())
	require.Zero(t, f.Listeners())
	require.ErrorIs(t, l.Err(), errcode.DeviceDisconnected)

	f.Open()
	require.NotContains(t, f.Log()[80:], "selectConfiguration", "a configured device is not configured again")
}

func TestNotADevice(t *testing.T) {
	f := bridgetest.NewPage(t)
	for _, wrong := range []string{`undefined`, `null`, `7`, `"x"`, `10n`, `({})`, `({get open() { throw 1 }})`, `new Proxy({}, {get() { throw 1 }})`} {
		_, err := webusb.Open(t.Context(), bridgetest.Eval(t, wrong), f.Options())
		require.ErrorIs(t, err, errcode.InvalidArgument, wrong)
	}
	for _, wrong := range []string{`undefined`, `({})`, `({addEventListener() { throw 1 }})`} {
		_, err := webusb.Open(t.Context(), f.Device, webusb.Options{USB: bridgetest.Eval(t, wrong)})
		require.ErrorIs(t, err, errcode.InvalidArgument, wrong)
	}
}

func TestDeviceWithoutTheInterface(t *testing.T) {
	for name, change := range map[string]string{
		"no vendor class":     `d => { d.configurations[0].interfaces.pop() }`,
		"no interfaces":       `d => { d.configurations[0].interfaces = [] }`,
		"no configuration":    `d => { d.configurations = [] }`,
		"no in endpoint":      `d => { d.configurations[0].interfaces[1].alternates[1].endpoints.pop() }`,
		"packets too small":   `d => { d.configurations[0].interfaces[1].alternates[1].endpoints[1].packetSize = 32 }`,
		"an endpoint named x": `d => { d.configurations[0].interfaces[1].alternates[1].endpoints[1].endpointNumber = "x" }`,
		"nonsense":            `d => { d.configurations[0].interfaces = 7 }`,
	} {
		t.Run(name, func(t *testing.T) {
			f := bridgetest.NewPage(t)
			bridgetest.Call(t, bridgetest.Eval(t, change), "call", safejs.Null(), f.Device)
			_, err := webusb.Open(bridgetest.Context(t), f.Device, f.Options())
			require.ErrorIs(t, err, errcode.NotIMKey)
			require.Zero(t, f.Listeners())
			require.Contains(t, f.Log(), "close", "the device is closed")
		})
	}
}

func TestCodesOfExceptions(t *testing.T) {
	throw := func(name string) string { return `() => { throw new DOMException("message", "` + name + `") }` }
	for _, c := range []struct {
		call, name string
		want       errcode.Code
	}{
		{"open", "SecurityError", errcode.PermissionDenied},
		{"open", "NetworkError", errcode.PermissionDenied},
		{"open", "NotFoundError", errcode.DeviceDisconnected},
		{"open", "InvalidStateError", errcode.InUseElsewhere},
		{"open", "SomethingElse", errcode.Protocol},
		{"selectConfiguration 1", "NetworkError", errcode.InUseElsewhere},
		{"claimInterface", "SecurityError", errcode.PermissionDenied},
		{"claimInterface", "NetworkError", errcode.InUseElsewhere},
		{"claimInterface", "NotFoundError", errcode.DeviceDisconnected},
	} {
		t.Run(c.call+" "+c.name, func(t *testing.T) {
			f := bridgetest.NewPage(t)
			f.Hook(c.call, throw(c.name))
			if c.call == "claimInterface" && c.want == errcode.InUseElsewhere {
				for range 3 { // it is tried again
					f.Hook(c.call, throw(c.name))
				}
			}
			_, err := webusb.Open(bridgetest.Context(t), f.Device, f.Options())
			require.ErrorIs(t, err, c.want)
			require.Zero(t, f.Listeners())
			f.Open() // once the refusal is over
		})
	}
}

// The system denies access to an unplugged device before the browser reports that it was unplugged.
func TestOpeningAnUnpluggedDevice(t *testing.T) {
	f := bridgetest.NewPage(t)
	f.Hook("open", `device => { setTimeout(() => device.unplug(), 5); throw new DOMException("Access denied.", "SecurityError") }`)
	_, err := webusb.Open(bridgetest.Context(t), f.Device, f.Options())
	require.ErrorIs(t, err, errcode.DeviceDisconnected)
	require.NotErrorIs(t, err, errcode.PermissionDenied)
	require.Zero(t, f.Listeners())
}

func TestClaimIsTriedAgain(t *testing.T) {
	f := bridgetest.NewPage(t)
	for range 3 {
		f.Hook("claimInterface", `() => { throw new DOMException("Unable to claim interface.", "NetworkError") }`)
	}
	f.Open()
}

func TestOneLinkAtATimeInAnOrigin(t *testing.T) {
	f := bridgetest.NewPage(t)
	first := f.Open()
	_, err := webusb.Open(bridgetest.Context(t), f.Device, f.Options())
	require.ErrorIs(t, err, errcode.InUseElsewhere)
	require.Equal(t, 1, f.Listeners(), "the first one keeps its listener")
	p := packet(1)
	require.NoError(t, first.Send(bridgetest.Context(t), &p), "and works")

	// A page that closes releases the lock while the new page waits.
	opened := make(chan error, 1)
	go func() {
		l, err := webusb.Open(bridgetest.Context(t), f.Device, f.Options())
		if err == nil {
			err = l.Close()
		}
		opened <- err
	}()
	require.NoError(t, first.Close())
	require.NoError(t, <-opened)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	second := f.Open()
	_, err = webusb.Open(ctx, f.Device, f.Options())
	require.ErrorIs(t, err, errcode.Aborted)
	require.NoError(t, second.Close())
	f.Open()
}

// A device has one link at a time in a page, even while it is opened or reset, and without Web Locks.
func TestOneLinkAtATimeInAPage(t *testing.T) {
	f := bridgetest.NewPage(t)
	o := f.Options()
	o.Locks = safejs.Undefined()
	refused := func() {
		t.Helper()
		_, err := webusb.Open(bridgetest.Context(t), f.Device, o)
		require.ErrorIs(t, err, errcode.InUseElsewhere)
	}
	// begins blocks the next opening, after the browser has begun it, until goOn is called.
	begins := func() (begun, goOn func()) {
		gate := bridgetest.Eval(t, `(() => {
			const gate = {}
			gate.begun = new Promise(ok => { globalThis.begin = ok })
			gate.open = new Promise(ok => { gate.goOn = ok })
			globalThis.gate = gate.open
			return gate
		})()`)
		f.Hook("open", `async () => { begin(); await gate }`)
		begun = func() {
			_, err := bridgetest.Settle(t, bridgetest.Get(t, gate, "begun"))
			require.NoError(t, err)
		}
		return begun, func() { bridgetest.Call(t, gate, "goOn") }
	}

	begun, goOn := begins()
	opened := make(chan *webusb.Link, 1)
	go func() {
		l, _ := webusb.Open(bridgetest.Context(t), f.Device, o)
		opened <- l
	}()
	begun()
	refused()
	goOn()
	l := <-opened
	require.NotNil(t, l)

	begun, goOn = begins()
	reset := make(chan error, 1)
	go func() { reset <- l.Reset(bridgetest.Context(t)) }()
	begun()
	refused()
	goOn()
	require.NoError(t, <-reset)

	p := packet(1)
	require.NoError(t, l.Send(bridgetest.Context(t), &p), "the refused links did not change the device")
	require.NoError(t, l.Close())
	again, err := webusb.Open(bridgetest.Context(t), f.Device, o)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestFaultyTransfers(t *testing.T) {
	ok := packet(5)
	for name, reply := range map[string]string{
		"stall": `({status: "stall"})`, "babble": `({status: "babble", data: new DataView(new ArrayBuffer(64))})`,
		"short": `new Uint8Array(63)`, "empty": `new Uint8Array(0)`, "long": `new Uint8Array(65)`, "no data": `({status: "ok"})`,
		"null data": `({status: "ok", data: null})`, "no status": `({})`, "nothing": `undefined`, "an odd status": `({status: "fine"})`,
	} {
		t.Run("in "+name, func(t *testing.T) {
			f := bridgetest.NewPage(t)
			l := f.Open()
			bridgetest.Call(t, f.Device, "reply", bridgetest.Eval(t, reply))
			_, err := l.Receive(bridgetest.Context(t))
			require.ErrorIs(t, err, errcode.Protocol)
			f.Reply(ok)
			got, err := l.Receive(bridgetest.Context(t))
			require.NoError(t, err, "the link goes on")
			require.Equal(t, ok, got)
			if name == "stall" {
				require.Contains(t, f.Log(), "cleared in 6", "a halted endpoint is cleared first")
			} else {
				require.NotContains(t, f.Log(), "cleared")
			}
		})
	}
	for name, result := range map[string]string{
		"stall": `() => ({status: "stall"})`, "babble": `() => ({status: "babble"})`, "short": `() => ({status: "ok", bytesWritten: 63})`,
		"no count": `() => ({status: "ok"})`, "transfer error": `() => { throw new DOMException("A transfer error has occurred.", "NetworkError") }`,
	} {
		t.Run("out "+name, func(t *testing.T) {
			f := bridgetest.NewPage(t)
			l := f.Open()
			f.Hook("out", result)
			require.ErrorIs(t, l.Send(bridgetest.Context(t), &ok), errcode.Protocol)
			require.NoError(t, l.Send(bridgetest.Context(t), &ok))
			if name == "stall" {
				require.Contains(t, f.Log(), "cleared out 7")
			}
		})
	}
	t.Run("not allowed", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		l := f.Open()
		f.Hook("out", `() => { throw new DOMException("The transfer was not allowed.", "SecurityError") }`)
		require.ErrorIs(t, l.Send(bridgetest.Context(t), &ok), errcode.PermissionDenied)
	})
}

func TestCancelledReceiveIsContinued(t *testing.T) {
	f := bridgetest.NewPage(t)
	l := f.Open()
	for range 3 {
		_, err := l.Receive(briefly(t))
		require.ErrorIs(t, err, errcode.Timeout)
	}
	f.Reply(packet(1))
	got, err := l.Receive(bridgetest.Context(t))
	require.NoError(t, err)
	require.Equal(t, packet(1), got)
	require.Equal(t, 1, strings.Count(f.Log(), "read"), "all calls used one read")
}

func TestNoOldPacketAfterReset(t *testing.T) {
	f := bridgetest.NewPage(t)
	l := f.Open()
	require.NoError(t, f.Device.Set("keepLate", true))
	_, err := l.Receive(briefly(t))
	require.ErrorIs(t, err, errcode.Timeout)
	require.NoError(t, l.Reset(bridgetest.Context(t)))

	received := make(chan frame.Packet, 1)
	go func() {
		p, err := l.Receive(bridgetest.Context(t))
		require.NoError(t, err)
		received <- p
	}()
	old := packet(0xAA)
	// The stale answer comes while the new read waits.
	bridgetest.Call(t, f.Device, "answerLate", bridgetest.Eval(t, `new Uint8Array(64).fill(0xAA)`))
	f.Reply(packet(2))
	got := <-received
	require.NotEqual(t, old, got)
	require.Equal(t, packet(2), got)
	require.Contains(t, f.Log(), "releaseInterface; close; open; claimInterface")
}

func TestFailedResetEndsTheLink(t *testing.T) {
	f := bridgetest.NewPage(t)
	l := f.Open()
	f.Hook("open", `() => { throw new DOMException("Access denied.", "SecurityError") }`)
	require.ErrorIs(t, l.Reset(bridgetest.Context(t)), errcode.PermissionDenied)
	<-l.Gone()
	_, err := l.Receive(bridgetest.Context(t))
	require.ErrorIs(t, err, errcode.PermissionDenied)
	require.NoError(t, l.Close())
}

func TestResetIsCarriedThrough(t *testing.T) {
	f := bridgetest.NewPage(t)
	l := f.Open()
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, f.Device.Set("go", safejs.Undefined()))
	f.Hook("close", `d => new Promise(r => { d.go = r })`)
	done := make(chan error, 1)
	go func() { done <- l.Reset(ctx) }()
	f.WaitFor(`d => !!d.go`)
	cancel()
	bridgetest.Call(t, f.Device, "go")
	require.NoError(t, <-done)
	p := packet(3)
	require.NoError(t, l.Send(bridgetest.Context(t), &p))
}

func TestUnplugging(t *testing.T) {
	t.Run("during a read", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		l := f.Open()
		failed := make(chan error, 1)
		go func() {
			_, err := l.Receive(bridgetest.Context(t))
			failed <- err
		}()
		f.WaitFor(`d => d.reads.length === 1`)
		bridgetest.Call(t, f.Device, "other")
		require.NoError(t, l.Err(), "an event of another device is ignored")
		f.Unplug()
		require.ErrorIs(t, <-failed, errcode.DeviceDisconnected)
		<-l.Gone()
		require.ErrorIs(t, l.Reset(bridgetest.Context(t)), errcode.DeviceDisconnected)
		require.NoError(t, l.Close())
		require.Zero(t, f.Listeners())
	})
	t.Run("during a write", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		l := f.Open()
		f.Hook("out", `d => new Promise(r => { d.finish = r })`)
		failed := make(chan error, 1)
		go func() {
			p := packet(1)
			failed <- l.Send(bridgetest.Context(t), &p)
		}()
		f.WaitFor(`d => !!d.finish`)
		f.Unplug()
		require.ErrorIs(t, <-failed, errcode.DeviceDisconnected)
		bridgetest.Call(t, f.Device, "finish")
	})
	t.Run("while opening", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		f.Hook("claimInterface", `d => { d.unplug() }`)
		_, err := webusb.Open(bridgetest.Context(t), f.Device, f.Options())
		require.ErrorIs(t, err, errcode.DeviceDisconnected)
		require.Zero(t, f.Listeners())
	})
	t.Run("before its event", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		l := f.Open()
		bridgetest.Call(t, f.Device, "unplug", false)
		failed := make(chan error, 1)
		go func() {
			_, err := l.Receive(bridgetest.Context(t))
			failed <- err
		}()
		f.WaitFor(`d => true`)
		f.Unplug()
		require.ErrorIs(t, <-failed, errcode.DeviceDisconnected)
	})
	t.Run("never announced: the permission was revoked", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		l := f.Open()
		bridgetest.Call(t, f.Device, "unplug", false)
		_, err := l.Receive(bridgetest.Context(t))
		require.ErrorIs(t, err, errcode.PermissionDenied)
		var coded *errcode.Error
		require.ErrorAs(t, err, &coded)
		require.Equal(t, map[string]any{"reason": "revoked"}, coded.Data)
		<-l.Gone()
	})
}

func TestClosing(t *testing.T) {
	t.Run("while a write hangs", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		l := f.Open()
		f.Hook("out", `d => new Promise(r => { d.finish = r })`)
		p := packet(1)
		require.ErrorIs(t, l.Send(briefly(t), &p), errcode.Timeout)
		require.ErrorIs(t, l.Send(briefly(t), &p), errcode.Timeout, "a packet does not overtake the one before")
		require.NoError(t, l.Close())
		require.Contains(t, f.Log(), "releaseInterface; close")
		bridgetest.Call(t, f.Device, "finish")
		f.WaitFor(`d => true`)
	})
	t.Run("by many", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		l := f.Open()
		done := make(chan error)
		for range 4 {
			go func() { done <- l.Close() }()
		}
		for range 4 {
			require.NoError(t, <-done)
		}
		require.Equal(t, 1, strings.Count(f.Log(), "close"))
	})
	t.Run("after an open that was given up", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		f.Hook("open", `d => new Promise(r => { d.go = r })`)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := webusb.Open(ctx, f.Device, f.Options())
			failed <- err
		}()
		f.WaitFor(`d => !!d.go`)
		cancel()
		bridgetest.Call(t, f.Device, "go")
		require.ErrorIs(t, <-failed, errcode.Aborted)
		f.WaitFor(`d => !d.opened && d.log.includes("close")`)
	})
	t.Run("after an open that the browser does not end", func(t *testing.T) {
		f := bridgetest.NewPage(t)
		f.Hook("open", `d => new Promise(r => { d.go = r })`)
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer stop()
		_, err := webusb.Open(ctx, f.Device, f.Options())
		require.ErrorIs(t, err, errcode.Timeout)
		// The locks are free within a bound. The device is closed when the browser has opened it at last.
		require.Eventually(t, func() bool { return bridgetest.Number(t, bridgetest.Get(t, f.Locks, "held"), "size") == 0 }, 10*time.Second, 20*time.Millisecond)
		require.NotContains(t, f.Log(), "close")
		bridgetest.Call(t, f.Device, "go")
		f.WaitFor(`d => d.log.includes("close") && !d.opened`)
		require.Zero(t, f.Listeners())
		require.NoError(t, f.Open().Close(), "the next open")
	})
}

func TestSendWaitsForACancelledWrite(t *testing.T) {
	f := bridgetest.NewPage(t)
	l := f.Open()
	f.Hook("out", `d => new Promise(r => { d.finish = r })`)
	first, second := packet(1), packet(2)
	require.ErrorIs(t, l.Send(briefly(t), &first), errcode.Timeout)
	sent := make(chan error, 1)
	go func() { sent <- l.Send(bridgetest.Context(t), &second) }()
	bridgetest.Call(t, f.Device, "finish")
	require.NoError(t, <-sent)
	for _, want := range []frame.Packet{first, second} {
		got, err := f.Next(bridgetest.Context(t))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	f := bridgetest.NewPage(t)
	f.Hook("open", `() => { throw new DOMException("Access denied.", "SecurityError") }`)
	_, err := webusb.Open(bridgetest.Context(t), f.Device, f.Options())
	require.Contains(t, err.Error(), "Access denied.")
	var e *errcode.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, "open the device", e.Op)
}
