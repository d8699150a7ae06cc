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

	"imkey-connect/bridge/internal/jstest"
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

// briefly is a context that ends while a read is outstanding.
func briefly(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Millisecond)
	t.Cleanup(stop)
	return ctx
}

func TestKeepsTheTransportsPromises(t *testing.T) {
	transporttest.Run(t, func(t *testing.T) (transport.Link, transporttest.Peer) {
		f := newFake(t)
		// A peer that waits at the end must not keep its callbacks.
		t.Cleanup(func() {
			f.Unplug()
			if f.next != nil {
				<-f.next.Done()
			}
		})
		return f.open(), f
	})
}

func TestOpensWhatTheDescriptorsName(t *testing.T) {
	f := newFake(t)
	l := f.open()
	require.Equal(t, "open; selectConfiguration 1; claimInterface; claimed 3; selectAlternateInterface; alternate 3 2", f.log())
	require.NoError(t, l.Close())
	require.Zero(t, f.listeners())
	require.ErrorIs(t, l.Err(), errcode.DeviceDisconnected)

	f.open()
	require.NotContains(t, f.log()[80:], "selectConfiguration", "a configured device is left as it is")
}

func TestWhatIsNoDevice(t *testing.T) {
	f := newFake(t)
	for _, wrong := range []string{`undefined`, `null`, `7`, `"x"`, `10n`, `({})`, `({get open() { throw 1 }})`, `new Proxy({}, {get() { throw 1 }})`} {
		_, err := webusb.Open(t.Context(), jstest.Eval(t, wrong), f.options())
		require.ErrorIs(t, err, errcode.InvalidArgument, wrong)
	}
	for _, wrong := range []string{`undefined`, `({})`, `({addEventListener() { throw 1 }})`} {
		_, err := webusb.Open(t.Context(), f.device, webusb.Options{USB: jstest.Eval(t, wrong)})
		require.ErrorIs(t, err, errcode.InvalidArgument, wrong)
	}
}

func TestADeviceWithoutOurInterface(t *testing.T) {
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
			f := newFake(t)
			jstest.Call(t, jstest.Eval(t, change), "call", safejs.Null(), f.device)
			_, err := webusb.Open(jstest.Context(t), f.device, f.options())
			require.ErrorIs(t, err, errcode.NotIMKey)
			require.Zero(t, f.listeners())
			require.Contains(t, f.log(), "close", "it is not left open")
		})
	}
}

func TestWhatABrowsersRefusalMeans(t *testing.T) {
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
			f := newFake(t)
			f.hook(c.call, throw(c.name))
			if c.call == "claimInterface" && c.want == errcode.InUseElsewhere {
				f.hook(c.call, throw(c.name)) // it is tried a second time
			}
			_, err := webusb.Open(jstest.Context(t), f.device, f.options())
			require.ErrorIs(t, err, c.want)
			require.Zero(t, f.listeners())
			f.open() // once the refusal is over
		})
	}
}

func TestAClaimIsTriedOnceMore(t *testing.T) {
	f := newFake(t)
	f.hook("claimInterface", `() => { throw new DOMException("Unable to claim interface.", "NetworkError") }`)
	f.open()
}

func TestOneLinkAtATimeInAnOrigin(t *testing.T) {
	f := newFake(t)
	first := f.open()
	_, err := webusb.Open(jstest.Context(t), f.device, f.options())
	require.ErrorIs(t, err, errcode.InUseElsewhere)
	require.Equal(t, 1, f.listeners(), "the first one keeps its listener")
	p := packet(1)
	require.NoError(t, first.Send(jstest.Context(t), &p), "and goes on working")

	// A page that is on its way out gives the lock back while the new one waits.
	opened := make(chan error, 1)
	go func() {
		l, err := webusb.Open(jstest.Context(t), f.device, f.options())
		if err == nil {
			err = l.Close()
		}
		opened <- err
	}()
	require.NoError(t, first.Close())
	require.NoError(t, <-opened)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	second := f.open()
	_, err = webusb.Open(ctx, f.device, f.options())
	require.ErrorIs(t, err, errcode.Aborted)
	require.NoError(t, second.Close())
	f.open()
}

func TestFaultyTransfers(t *testing.T) {
	ok := packet(5)
	for name, reply := range map[string]string{
		"stall": `({status: "stall"})`, "babble": `({status: "babble", data: new DataView(new ArrayBuffer(64))})`,
		"short": `new Uint8Array(63)`, "empty": `new Uint8Array(0)`, "long": `new Uint8Array(65)`, "no data": `({status: "ok"})`,
		"null data": `({status: "ok", data: null})`, "no status": `({})`, "nothing": `undefined`, "an odd status": `({status: "fine"})`,
	} {
		t.Run("in "+name, func(t *testing.T) {
			f := newFake(t)
			l := f.open()
			jstest.Call(t, f.device, "reply", jstest.Eval(t, reply))
			_, err := l.Receive(jstest.Context(t))
			require.ErrorIs(t, err, errcode.Protocol)
			f.Reply(ok)
			got, err := l.Receive(jstest.Context(t))
			require.NoError(t, err, "the link goes on")
			require.Equal(t, ok, got)
			if name == "stall" {
				require.Contains(t, f.log(), "cleared in 6", "a halted endpoint is cleared first")
			} else {
				require.NotContains(t, f.log(), "cleared")
			}
		})
	}
	for name, result := range map[string]string{
		"stall": `() => ({status: "stall"})`, "babble": `() => ({status: "babble"})`, "short": `() => ({status: "ok", bytesWritten: 63})`,
		"no count": `() => ({status: "ok"})`, "transfer error": `() => { throw new DOMException("A transfer error has occurred.", "NetworkError") }`,
	} {
		t.Run("out "+name, func(t *testing.T) {
			f := newFake(t)
			l := f.open()
			f.hook("out", result)
			require.ErrorIs(t, l.Send(jstest.Context(t), &ok), errcode.Protocol)
			require.NoError(t, l.Send(jstest.Context(t), &ok))
			if name == "stall" {
				require.Contains(t, f.log(), "cleared out 7")
			}
		})
	}
	t.Run("not allowed", func(t *testing.T) {
		f := newFake(t)
		l := f.open()
		f.hook("out", `() => { throw new DOMException("The transfer was not allowed.", "SecurityError") }`)
		require.ErrorIs(t, l.Send(jstest.Context(t), &ok), errcode.PermissionDenied)
	})
}

func TestACancelledReceiveIsContinued(t *testing.T) {
	f := newFake(t)
	l := f.open()
	for range 3 {
		_, err := l.Receive(briefly(t))
		require.ErrorIs(t, err, errcode.Timeout)
	}
	f.Reply(packet(1))
	got, err := l.Receive(jstest.Context(t))
	require.NoError(t, err)
	require.Equal(t, packet(1), got)
	require.Equal(t, 1, strings.Count(f.log(), "read"), "one read served all of them")
}

func TestAfterAResetNothingFromBeforeArrives(t *testing.T) {
	f := newFake(t)
	l := f.open()
	require.NoError(t, f.device.Set("keepLate", true))
	_, err := l.Receive(briefly(t))
	require.ErrorIs(t, err, errcode.Timeout)
	require.NoError(t, l.Reset(jstest.Context(t)))

	received := make(chan frame.Packet, 1)
	go func() {
		p, err := l.Receive(jstest.Context(t))
		require.NoError(t, err)
		received <- p
	}()
	old := packet(0xAA)
	// The stale answer comes while the new read waits.
	jstest.Call(t, f.device, "answerLate", jstest.Eval(t, `new Uint8Array(64).fill(0xAA)`))
	f.Reply(packet(2))
	got := <-received
	require.NotEqual(t, old, got)
	require.Equal(t, packet(2), got)
	require.Contains(t, f.log(), "releaseInterface; close; open; claimInterface")
}

func TestAResetThatFailsEndsTheLink(t *testing.T) {
	f := newFake(t)
	l := f.open()
	f.hook("open", `() => { throw new DOMException("Access denied.", "SecurityError") }`)
	require.ErrorIs(t, l.Reset(jstest.Context(t)), errcode.PermissionDenied)
	<-l.Gone()
	_, err := l.Receive(jstest.Context(t))
	require.ErrorIs(t, err, errcode.PermissionDenied)
	require.NoError(t, l.Close())
}

func TestAResetIsCarriedThrough(t *testing.T) {
	f := newFake(t)
	l := f.open()
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, f.device.Set("go", safejs.Undefined()))
	f.hook("close", `d => new Promise(r => { d.go = r })`)
	done := make(chan error, 1)
	go func() { done <- l.Reset(ctx) }()
	waitFor(t, f, `d => !!d.go`)
	cancel()
	jstest.Call(t, f.device, "go")
	require.NoError(t, <-done)
	p := packet(3)
	require.NoError(t, l.Send(jstest.Context(t), &p))
}

// waitFor gives the fake's promises their turns until the condition holds.
func waitFor(t *testing.T, f *fake, condition string) {
	t.Helper()
	jstest.Await(t, jstest.Eval(t, `({wait: async (d, ready) => { do { await new Promise(r => setImmediate(r)) } while (!ready(d)) }})`), "wait",
		f.device, jstest.Eval(t, condition))
}

func TestUnplugging(t *testing.T) {
	t.Run("during a read", func(t *testing.T) {
		f := newFake(t)
		l := f.open()
		failed := make(chan error, 1)
		go func() {
			_, err := l.Receive(jstest.Context(t))
			failed <- err
		}()
		waitFor(t, f, `d => d.reads.length === 1`)
		jstest.Call(t, f.device, "other")
		require.NoError(t, l.Err(), "another device's event means nothing")
		f.Unplug()
		require.ErrorIs(t, <-failed, errcode.DeviceDisconnected)
		<-l.Gone()
		require.ErrorIs(t, l.Reset(jstest.Context(t)), errcode.DeviceDisconnected)
		require.NoError(t, l.Close())
		require.Zero(t, f.listeners())
	})
	t.Run("during a write", func(t *testing.T) {
		f := newFake(t)
		l := f.open()
		f.hook("out", `d => new Promise(r => { d.finish = r })`)
		failed := make(chan error, 1)
		go func() {
			p := packet(1)
			failed <- l.Send(jstest.Context(t), &p)
		}()
		waitFor(t, f, `d => !!d.finish`)
		f.Unplug()
		require.ErrorIs(t, <-failed, errcode.DeviceDisconnected)
		jstest.Call(t, f.device, "finish")
	})
	t.Run("while opening", func(t *testing.T) {
		f := newFake(t)
		f.hook("claimInterface", `d => { d.unplug() }`)
		_, err := webusb.Open(jstest.Context(t), f.device, f.options())
		require.ErrorIs(t, err, errcode.DeviceDisconnected)
		require.Zero(t, f.listeners())
	})
	t.Run("before its event", func(t *testing.T) {
		f := newFake(t)
		l := f.open()
		jstest.Call(t, f.device, "unplug", false)
		failed := make(chan error, 1)
		go func() {
			_, err := l.Receive(jstest.Context(t))
			failed <- err
		}()
		waitFor(t, f, `d => true`)
		f.Unplug()
		require.ErrorIs(t, <-failed, errcode.DeviceDisconnected)
	})
	t.Run("never announced: the permission was revoked", func(t *testing.T) {
		f := newFake(t)
		l := f.open()
		jstest.Call(t, f.device, "unplug", false)
		_, err := l.Receive(jstest.Context(t))
		require.ErrorIs(t, err, errcode.PermissionDenied)
		<-l.Gone()
	})
}

func TestClosing(t *testing.T) {
	t.Run("while a write hangs", func(t *testing.T) {
		f := newFake(t)
		l := f.open()
		f.hook("out", `d => new Promise(r => { d.finish = r })`)
		p := packet(1)
		require.ErrorIs(t, l.Send(briefly(t), &p), errcode.Timeout)
		require.ErrorIs(t, l.Send(briefly(t), &p), errcode.Timeout, "a packet does not overtake the one before")
		require.NoError(t, l.Close())
		require.Contains(t, f.log(), "releaseInterface; close")
		jstest.Call(t, f.device, "finish")
		waitFor(t, f, `d => true`)
	})
	t.Run("by many", func(t *testing.T) {
		f := newFake(t)
		l := f.open()
		done := make(chan error)
		for range 4 {
			go func() { done <- l.Close() }()
		}
		for range 4 {
			require.NoError(t, <-done)
		}
		require.Equal(t, 1, strings.Count(f.log(), "close"))
	})
	t.Run("after an open that was given up", func(t *testing.T) {
		f := newFake(t)
		f.hook("open", `d => new Promise(r => { d.go = r })`)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := webusb.Open(ctx, f.device, f.options())
			failed <- err
		}()
		waitFor(t, f, `d => !!d.go`)
		cancel()
		jstest.Call(t, f.device, "go")
		require.ErrorIs(t, <-failed, errcode.Aborted)
		waitFor(t, f, `d => !d.opened && d.log.includes("close")`)
	})
}

func TestAWriteGivenUpIsWaitedFor(t *testing.T) {
	f := newFake(t)
	l := f.open()
	f.hook("out", `d => new Promise(r => { d.finish = r })`)
	first, second := packet(1), packet(2)
	require.ErrorIs(t, l.Send(briefly(t), &first), errcode.Timeout)
	sent := make(chan error, 1)
	go func() { sent <- l.Send(jstest.Context(t), &second) }()
	jstest.Call(t, f.device, "finish")
	require.NoError(t, <-sent)
	for _, want := range []frame.Packet{first, second} {
		got, err := f.Next(jstest.Context(t))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	f := newFake(t)
	f.hook("open", `() => { throw new DOMException("Access denied.", "SecurityError") }`)
	_, err := webusb.Open(jstest.Context(t), f.device, f.options())
	require.Contains(t, err.Error(), "Access denied.")
	var e *errcode.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, "open the device", e.Op)
}
