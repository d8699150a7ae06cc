package transporttest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
)

// limit bounds every test. A link that works needs much less.
const limit = 20 * time.Second

// Run tests what transport.Link promises. connect returns the two ends of a new link for each test, and cleans up with
// t.Cleanup.
func Run(t *testing.T, connect func(t *testing.T) (transport.Link, Peer)) {
	for name, test := range map[string]func(*testing.T, context.Context, transport.Link, Peer){
		"packets arrive whole and in order":                  inOrder,
		"a cancelled receive loses no packet":                cancelledReceive,
		"cancellation and timeout have different codes":      cancelOrTimeout,
		"reset drops what was outstanding":                   reset,
		"unplugging ends a receive and later calls":          unplug,
		"closing ends a receive, and may be done twice":      closing,
		"a channel exchanges messages of every length":       messages,
		"a channel never takes a stale answer for a new one": stale,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), limit)
			t.Cleanup(stop)
			link, peer := connect(t)
			test(t, ctx, link, peer)
		})
	}
}

func numbered(n int) (p frame.Packet) {
	for i := range p {
		p[i] = byte(n + i)
	}
	return p
}

func inOrder(t *testing.T, ctx context.Context, link transport.Link, peer Peer) {
	for n := range 5 {
		p := numbered(n)
		require.NoError(t, link.Send(ctx, &p))
		got, err := peer.Next(ctx)
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	for n := range 5 {
		peer.Reply(numbered(100 + n))
	}
	for n := range 5 {
		got, err := link.Receive(ctx)
		require.NoError(t, err)
		require.Equal(t, numbered(100+n), got)
	}
}

func cancelledReceive(t *testing.T, ctx context.Context, link transport.Link, peer Peer) {
	for n := range 3 {
		short, stop := context.WithTimeout(ctx, time.Millisecond)
		_, err := link.Receive(short)
		stop()
		require.ErrorIs(t, err, errcode.Timeout)
		peer.Reply(numbered(n))
		got, err := link.Receive(ctx)
		require.NoError(t, err)
		require.Equal(t, numbered(n), got)
	}
}

func cancelOrTimeout(t *testing.T, ctx context.Context, link transport.Link, peer Peer) {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err := link.Receive(cancelled)
	require.ErrorIs(t, err, errcode.Aborted)
	late, stop := context.WithDeadline(ctx, time.Now())
	defer stop()
	_, err = link.Receive(late)
	require.ErrorIs(t, err, errcode.Timeout)
}

func reset(t *testing.T, ctx context.Context, link transport.Link, peer Peer) {
	short, stop := context.WithTimeout(ctx, time.Millisecond)
	defer stop()
	_, err := link.Receive(short)
	require.ErrorIs(t, err, errcode.Timeout)
	require.NoError(t, link.Reset(ctx))
	peer.Reply(numbered(7))
	got, err := link.Receive(ctx)
	require.NoError(t, err)
	require.Equal(t, numbered(7), got)
}

func unplug(t *testing.T, ctx context.Context, link transport.Link, peer Peer) {
	failed := make(chan error, 1)
	go func() {
		_, err := link.Receive(ctx)
		failed <- err
	}()
	peer.Unplug()
	require.ErrorIs(t, <-failed, errcode.DeviceDisconnected)
	p := numbered(1)
	require.ErrorIs(t, link.Send(ctx, &p), errcode.DeviceDisconnected)
	_, err := link.Receive(ctx)
	require.ErrorIs(t, err, errcode.DeviceDisconnected)
	require.NoError(t, link.Close())
}

func closing(t *testing.T, ctx context.Context, link transport.Link, peer Peer) {
	failed := make(chan error, 1)
	go func() {
		_, err := link.Receive(ctx)
		failed <- err
	}()
	require.NoError(t, link.Close())
	require.ErrorIs(t, <-failed, errcode.DeviceDisconnected)
	require.NoError(t, link.Close())
	p := numbered(1)
	require.ErrorIs(t, link.Send(ctx, &p), errcode.DeviceDisconnected)
}

// Serve plays an idle device. It answers a CANCEL with ERROR 01 and a message with what respond returns. It returns when the
// link is closed or unplugged.
func Serve(ctx context.Context, peer Peer, respond func(msg []byte) []frame.Packet) {
	var a frame.Assembler
	for {
		p, err := peer.Next(ctx)
		if err != nil {
			return
		}
		ev, err := a.Add(p[:])
		switch {
		case err != nil:
			peer.Reply(frame.Error(frame.InvalidSequence))
		case ev.Kind == frame.WasCancel:
			peer.Reply(frame.Error(frame.InvalidCommand))
		case ev.Kind == frame.Message:
			peer.Reply(respond(ev.Data)...)
		}
	}
}

// Echo answers a message with itself and 9000.
func Echo(msg []byte) []frame.Packet {
	answer := append(append([]byte(nil), msg...), 0x90, 0x00)
	packets, err := frame.Split(answer[max(0, len(answer)-frame.MaxMessage):])
	if err != nil {
		panic(err)
	}
	return packets
}

func messages(t *testing.T, ctx context.Context, link transport.Link, peer Peer) {
	go Serve(ctx, peer, Echo)
	c, err := transport.Open(ctx, link)
	require.NoError(t, err)
	for _, n := range []int{1, 4, 56, 57, 58, 115, 116, 117, 261, 1000, frame.MaxMessage - 2} {
		msg := make([]byte, n)
		for i := range msg {
			msg[i] = byte(i * n)
		}
		answer, err := c.Exchange(ctx, msg, 0, nil)
		require.NoError(t, err, "%d bytes", n)
		require.Equal(t, append(msg, 0x90, 0x00), answer, "%d bytes", n)
	}
}

func stale(t *testing.T, ctx context.Context, link transport.Link, peer Peer) {
	// A page that closed did not read an answer and the answer to its CANCEL.
	old, err := frame.Split(make([]byte, 200))
	require.NoError(t, err)
	peer.Reply(frame.Error(frame.InvalidCommand))
	peer.Reply(old...)
	go Serve(ctx, peer, Echo)
	c, err := transport.Open(ctx, link)
	require.NoError(t, err)
	answer, err := c.Exchange(ctx, []byte{1, 2, 3}, 0, nil)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2, 3, 0x90, 0x00}, answer)
}
