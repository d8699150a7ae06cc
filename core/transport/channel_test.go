package transport_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/core/transport/transporttest"
)

func TestPipeIsALink(t *testing.T) {
	transporttest.Run(t, func(t *testing.T) (transport.Link, transporttest.Peer) {
		p := transporttest.NewPipe()
		t.Cleanup(p.Unplug)
		return p, p
	})
}

// player plays the device, packet by packet.
type player struct {
	ctx  context.Context
	pipe *transporttest.Pipe
}

// opened returns an open channel and the device at its other end.
func opened(t *testing.T) (*transport.Channel, *player) {
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(stop)
	pipe := transporttest.NewPipe()
	t.Cleanup(pipe.Unplug)
	p := &player{ctx, pipe}
	go p.expectCancel(frame.InvalidCommand)
	c, err := transport.Open(ctx, pipe)
	require.NoError(t, err)
	return c, p
}

func (p *player) expectCancel(answer frame.ErrorCode) {
	got, err := p.pipe.Next(p.ctx)
	if err == nil && got == frame.Cancel() {
		p.pipe.Reply(frame.Error(answer))
	}
}

// expectMessage receives a message of one packet. If the link is gone, the exchange under test fails.
func (p *player) expectMessage() { _, _ = p.pipe.Next(p.ctx) }

func split(t *testing.T, msg []byte) []frame.Packet {
	packets, err := frame.Split(msg)
	require.NoError(t, err)
	return packets
}

var (
	msg   = []byte{0x80, 0x71, 0x00, 0x00}
	short = []byte{0x55, 0x90, 0x00}
	long  = make([]byte, 150)
)

func TestExchangeAfterKeepAlives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := opened(t)
		go func() {
			p.expectMessage()
			p.pipe.Reply(frame.KeepAlive(2), frame.KeepAlive(2))
			p.pipe.Reply(split(t, short)...)
		}()
		waits := 0
		answer, err := c.Exchange(p.ctx, msg, 0, func() { waits++ })
		require.NoError(t, err)
		require.Equal(t, short, answer)
		require.Equal(t, 1, waits, "waiting is called once")
	})
}

func TestErrorPackets(t *testing.T) {
	for code, want := range map[frame.ErrorCode]errcode.Code{
		frame.InvalidCommand: errcode.Protocol, frame.InvalidParameter: errcode.Protocol,
		frame.InvalidLength: errcode.Protocol, frame.InvalidSequence: errcode.Protocol,
		frame.Other: errcode.Protocol, frame.Cancelled: errcode.UserRejected, frame.Busy: errcode.DeviceBusy,
	} {
		t.Run(fmt.Sprintf("ERROR %02X", byte(code)), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := opened(t)
				go func() {
					p.expectMessage()
					p.pipe.Reply(frame.Error(code))
					if code == frame.Busy {
						p.expectCancel(frame.Cancelled)
					}
					transporttest.Serve(p.ctx, p.pipe, transporttest.Echo)
				}()
				_, err := c.Exchange(p.ctx, msg, 0, nil)
				require.ErrorIs(t, err, want)
				require.NotContains(t, errcode.Detail(err), want)
				answer, err := c.Exchange(p.ctx, msg, 0, nil)
				require.NoError(t, err, "the next exchange")
				require.Equal(t, append(msg[:4:4], 0x90, 0x00), answer)
			})
		})
	}
}

// Packets that a public host took for answers. None is an answer here, and the next exchange works.
func TestAbnormalAnswersAreNeverASuccess(t *testing.T) {
	packets := func(ps ...frame.Packet) []frame.Packet { return ps }
	alter := func(p frame.Packet, at int, v byte) frame.Packet { p[at] = v; return p }
	l := split(t, long)
	require.Len(t, l, 3)
	for name, answer := range map[string][]frame.Packet{
		"a keep-alive inside a message":   packets(l[0], frame.KeepAlive(2), l[1], l[2]),
		"an unknown error code":           packets(frame.Error(0x42)),
		"an error without its byte":       packets(alter(frame.Error(frame.Other), 6, 0)),
		"a stray continuation":            packets(l[1]),
		"swapped continuations":           packets(l[0], l[2], l[1]),
		"a repeated continuation":         packets(l[0], l[1], l[1], l[2]),
		"another channel":                 packets(alter(l[0], 0, 1), l[1], l[2]),
		"another channel in continuation": packets(l[0], alter(l[1], 3, 1), l[2]),
		"a message of no bytes":           packets(alter(split(t, short)[0], 6, 0)),
		"a message over 7609 bytes":       packets(alter(l[0], 5, 0xFF)),
		"an unknown command":              packets(alter(split(t, short)[0], 4, 0x90)),
		"a message inside a message":      packets(l[0], split(t, short)[0], l[1], l[2]),
		"an error inside a message":       packets(l[0], frame.Error(frame.Other)),
		"the device cancels":              packets(frame.Cancel()),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := opened(t)
				go func() {
					p.expectMessage()
					p.pipe.Reply(answer...)
					transporttest.Serve(p.ctx, p.pipe, transporttest.Echo)
				}()
				_, err := c.Exchange(p.ctx, msg, 0, nil)
				require.ErrorIs(t, err, errcode.Protocol)
				got, err := c.Exchange(p.ctx, msg, 0, nil)
				require.NoError(t, err)
				require.Equal(t, append(msg[:4:4], 0x90, 0x00), got)
			})
		})
	}
}

func TestCancelWhileTheUserDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := opened(t)
		ctx, cancel := context.WithCancel(p.ctx)
		go func() {
			p.expectMessage()
			p.pipe.Reply(frame.KeepAlive(2))
			p.expectCancel(frame.Cancelled)
			transporttest.Serve(p.ctx, p.pipe, transporttest.Echo)
		}()
		_, err := c.Exchange(ctx, msg, 0, cancel)
		require.ErrorIs(t, err, errcode.Aborted)
		_, err = c.Exchange(p.ctx, msg, 0, nil)
		require.NoError(t, err)
		require.Zero(t, p.pipe.Resets(), "a cancellation does not reset the link")
	})
}

func TestAnswerBeforeItsCancellationCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := opened(t)
		ctx, cancel := context.WithCancel(p.ctx)
		go func() {
			p.expectMessage()
			p.pipe.Reply(frame.KeepAlive(2))
			got, err := p.pipe.Next(p.ctx)
			if err == nil && got == frame.Cancel() {
				p.pipe.Reply(split(t, long)...)
				p.pipe.Reply(frame.Error(frame.InvalidCommand))
			}
		}()
		answer, err := c.Exchange(ctx, msg, 0, cancel)
		require.NoError(t, err)
		require.Equal(t, long, answer)
	})
}

// A firmware may refuse a CANCEL that it does not know, and then finish its operation.
func TestAnswerAfterARefusedCancellationIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := opened(t)
		ctx, cancel := context.WithCancel(p.ctx)
		go func() {
			p.expectMessage()
			p.pipe.Reply(frame.KeepAlive(2))
			p.expectCancel(frame.InvalidCommand)
			<-time.After(10 * time.Millisecond) // of fake time, in which it reads nothing
			p.pipe.Reply(split(t, short)...)
			transporttest.Serve(p.ctx, p.pipe, transporttest.Echo)
		}()
		_, err := c.Exchange(ctx, msg, 0, cancel)
		require.ErrorIs(t, err, errcode.Aborted)
		answer, err := c.Exchange(p.ctx, msg, 0, nil)
		require.NoError(t, err)
		require.Equal(t, append(msg[:4:4], 0x90, 0x00), answer)
	})
}

func TestSilentDeviceTimesOutAndIsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := opened(t)
		go func() {
			for { // mute until the reset
				_, err := p.pipe.Next(p.ctx)
				if err != nil {
					return
				}
				if p.pipe.Resets() > 0 {
					break
				}
			}
			p.pipe.Reply(frame.Error(frame.InvalidCommand)) // to the CANCEL after the reset
			transporttest.Serve(p.ctx, p.pipe, transporttest.Echo)
		}()
		_, err := c.Exchange(p.ctx, msg, time.Second, nil)
		require.ErrorIs(t, err, errcode.Timeout)
		require.Equal(t, 1, p.pipe.Resets())
		_, err = c.Exchange(p.ctx, msg, 0, nil)
		require.NoError(t, err)
	})
}

// A user may need minutes: the timeout bounds the time between keep-alives, not the whole wait.
func TestKeepAlivesRestartTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := opened(t)
		go func() {
			p.expectMessage()
			tick := time.NewTicker(500 * time.Millisecond)
			defer tick.Stop()
			for range 40 {
				<-tick.C
				p.pipe.Reply(frame.KeepAlive(2))
			}
			p.pipe.Reply(split(t, short)...)
		}()
		start := time.Now()
		answer, err := c.Exchange(p.ctx, msg, time.Second, nil)
		require.NoError(t, err)
		require.Equal(t, short, answer)
		require.Equal(t, 20*time.Second, time.Since(start))
	})
}

func TestOpenOnASilentDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := transporttest.NewPipe()
		start := time.Now()
		_, err := transport.Open(t.Context(), pipe)
		require.Equal(t, errcode.Timeout, errcode.Of(err))
		require.Less(t, time.Since(start), transport.AnswerTimeout)
		require.Equal(t, 1, pipe.Resets())
	})
}

func TestOpenEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		pipe := transporttest.NewPipe()
		_, err := transport.Open(ctx, pipe)
		require.Equal(t, errcode.Aborted, errcode.Of(err))
		require.Zero(t, pipe.Resets())
	})
}

// broken is a link that always fails with the same error, like one whose permission was revoked.
type broken struct {
	transport.Link
	err error
}

func (b broken) Send(context.Context, *frame.Packet) error           { return b.err }
func (b broken) Receive(context.Context) (p frame.Packet, err error) { return p, b.err }
func (b broken) Reset(context.Context) error                         { return b.err }

// The page chooses its words by the code, so Open must not change the link's code.
func TestOpenKeepsTheLinksCode(t *testing.T) {
	for _, code := range []errcode.Code{errcode.PermissionDenied, errcode.InUseElsewhere, errcode.DeviceDisconnected,
		errcode.Protocol} {
		_, err := transport.Open(t.Context(), broken{err: errcode.New(code, "link")})
		require.Equal(t, code, errcode.Of(err))
	}
}

func TestOpenCancelsTheOperationOfAClosedPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		pipe := transporttest.NewPipe()
		defer pipe.Unplug()
		p := &player{ctx, pipe}
		go func() {
			p.expectCancel(frame.Busy)
			p.expectCancel(frame.Cancelled)
			transporttest.Serve(ctx, pipe, transporttest.Echo)
		}()
		c, err := transport.Open(ctx, pipe)
		require.NoError(t, err)
		_, err = c.Exchange(ctx, msg, 0, nil)
		require.NoError(t, err)
	})
}

func TestOpenGivesUpOnADeviceThatStaysBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		pipe := transporttest.NewPipe()
		cancels := 0
		served := make(chan struct{})
		go func() {
			defer close(served)
			for {
				if _, err := pipe.Next(ctx); err != nil {
					return
				}
				cancels++
				pipe.Reply(frame.Error(frame.Busy))
			}
		}()
		_, err := transport.Open(ctx, pipe)
		require.ErrorIs(t, err, errcode.DeviceBusy)
		pipe.Unplug()
		<-served
		require.LessOrEqual(t, cancels, 10)
	})
}

func TestUnplugEndsTheChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := opened(t)
		go func() {
			p.expectMessage()
			p.pipe.Unplug()
		}()
		for range 2 {
			_, err := c.Exchange(p.ctx, msg, 0, nil)
			require.ErrorIs(t, err, errcode.DeviceDisconnected)
		}
	})
}

// A failed transfer is the first sign that the device was unplugged. The browser reports it later.
func TestFailedTransferBeforeUnplugging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := opened(t)
		go func() {
			p.expectMessage()
			p.pipe.Reply(frame.Error(0x42)) // protocol, for now
			_, _ = p.pipe.Next(p.ctx)       // the CANCEL of the recovery
			p.pipe.Unplug()
		}()
		_, err := c.Exchange(p.ctx, msg, 0, nil)
		require.Equal(t, errcode.DeviceDisconnected, errcode.Of(err))
	})
}

func TestMessagesOfWrongLengthsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := opened(t)
		for _, m := range [][]byte{nil, make([]byte, frame.MaxMessage+1)} {
			_, err := c.Exchange(p.ctx, m, 0, nil)
			require.ErrorIs(t, err, errcode.Internal)
		}
	})
}

// heldUp is a link of a page that is held up once: a wait that ends without a packet ends late, and a packet that arrived meanwhile is
// not seen by then, as in a browser whose timers run before its events.
type heldUp struct {
	transport.Link
	by    time.Duration
	then  func()
	ended int
}

func (h *heldUp) Receive(ctx context.Context) (frame.Packet, error) {
	p, err := h.Link.Receive(ctx)
	if errcode.Of(err) == errcode.Timeout {
		if h.ended++; h.ended == 1 {
			time.Sleep(h.by)
			h.then()
		}
	}
	return p, err
}

func TestOpenOfAPageThatIsHeldUp(t *testing.T) {
	for _, by := range []time.Duration{100 * time.Millisecond, 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			pipe := transporttest.NewPipe()
			defer pipe.Unplug()
			ctx, stop := context.WithTimeout(t.Context(), time.Hour)
			defer stop()
			// The answer to a CANCEL that an earlier page did not read, and, late, that to this page's CANCEL.
			pipe.Reply(frame.Error(frame.InvalidCommand))
			link := &heldUp{Link: pipe, by: by, then: func() {
				_, err := pipe.Next(ctx)
				require.NoError(t, err)
				pipe.Reply(frame.Error(frame.InvalidCommand))
				go transporttest.Serve(ctx, pipe, transporttest.Echo)
			}}
			c, err := transport.Open(ctx, link)
			require.NoError(t, err)
			answer, err := c.Exchange(ctx, msg, 0, nil)
			require.NoError(t, err)
			require.Equal(t, append(append([]byte(nil), msg...), 0x90, 0x00), answer)
		})
	}
}

// TestOpenOfAPageThatIsAlwaysHeldUp opens a device from a hidden tab, whose timers a browser runs once a second.
func TestOpenOfAPageThatIsAlwaysHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := transporttest.NewPipe()
		defer pipe.Unplug()
		go transporttest.Serve(t.Context(), pipe, transporttest.Echo)
		link := &throttled{pipe}
		start := time.Now()
		_, err := transport.Open(t.Context(), link)
		require.NoError(t, err)
		require.Equal(t, 2*time.Second, time.Since(start))
	})
}

// throttled is a link whose waits end at full seconds.
type throttled struct{ transport.Link }

func (l throttled) Receive(ctx context.Context) (frame.Packet, error) {
	p, err := l.Link.Receive(ctx)
	if errcode.Of(err) == errcode.Timeout {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	}
	return p, err
}
