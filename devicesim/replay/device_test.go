package replay_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/control"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/replay"
)

var _ control.Device = (*replay.Device)(nil)

// host is a host of the device.
type host struct {
	t       *testing.T
	ctx     context.Context
	channel *transport.Channel
}

func attach(t *testing.T, d *replay.Device) host {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(stop)
	link, err := d.Link(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { link.Close() })
	c, err := transport.Open(ctx, link)
	require.NoError(t, err)
	return host{t, ctx, c}
}

func (h host) asks(command, want string) {
	h.t.Helper()
	got, err := h.channel.Exchange(h.ctx, []byte(command), 0, nil)
	require.NoError(h.t, err)
	require.Equal(h.t, want, string(got))
}

func TestAFileOfAnotherProjectIsPlayed(t *testing.T) {
	text, err := os.ReadFile("testdata/other-project.apdus")
	require.NoError(t, err)
	d := replay.New(parse(t, string(text)), replay.Options{})
	h := attach(t, d)
	h.asks("\xE0\x16\x00\x00\x00", "\x00\x00\x00\x05\x01\x07Bitcoin\x03BTC\x90\x00")
	h.asks("\xE0\xC4\x00\x00\x00", "\x01\x02\x90\x00")
	require.EqualError(t, d.Done(), "replay: 2 of 4 commands were sent; line 11 is next: unknown command e0 06 00 00")
	h.asks("\xE0\x06\x00\x00\x00", "\x6D\x00")

	// The last command has no answer: the host waits until it gives up.
	ctx, cancel := context.WithCancel(h.ctx)
	sent, stop := d.Watch()
	defer stop()
	go func() {
		for range sent {
			if d.Progress().Played == 4 {
				cancel()
				return
			}
		}
	}()
	_, err = h.channel.Exchange(ctx, []byte("\xE0\x02\x00\x00\x0D\x03\x80\x00\x00\x2C\x80\x00\x00\x3C\x80\x00\x00\x00"), time.Minute, nil)
	require.ErrorIs(t, err, errcode.Aborted)
	require.NoError(t, d.Done())
	require.Equal(t, replay.Progress{Played: 4, Of: 4}, d.Progress())
}

func TestAnUnexpectedCommandIsRefusedAndExplained(t *testing.T) {
	d := replay.New(parse(t, "# title\n=> 00a4040005695f696d6b\n<= 9000\n\n=> 8072000000\n<= 9000"), replay.Options{})
	h := attach(t, d)
	h.asks("\x00\xA4\x04\x00\x05i_imk", "\x90\x00")
	_, err := h.channel.Exchange(h.ctx, []byte("\x80\x72\x00\x01\x00"), 0, nil)
	require.Error(t, err)
	require.EqualError(t, d.Err(), "replay: line 5 has show binding code, and the host sent show binding code: "+
		"8072000100 instead of 8072000000, different from byte 4 on")
	var mismatch *replay.MismatchError
	require.ErrorAs(t, d.Done(), &mismatch)
	require.Equal(t, 5, mismatch.Line)
	require.Equal(t, []string{"A recording", "1 of 2", "Unexpected:", "see line 5"}, d.Status().Screen)
	require.Equal(t, d.Err().Error(), d.Progress().Error)

	h.asks("\x80\x72\x00\x00\x00", "\x90\x00") // the place in the script and the reason have not changed
	require.Error(t, d.Done())
	require.NoError(t, d.Reset())
	require.NoError(t, d.Err())
	h.asks("\x00\xA4\x04\x00\x05i_imk", "\x90\x00")
	h.asks("\x80\x72\x00\x00\x00", "\x90\x00")
	require.NoError(t, d.Done())
	_, err = h.channel.Exchange(h.ctx, []byte("\x80\x72\x00\x00\x00"), 0, nil)
	require.Error(t, err)
	require.EqualError(t, d.Done(), "replay: the host sent show binding code after the last line of the script: 8072000000")
	require.Equal(t, "after the end", d.Status().Screen[3])
}

func TestAHostAfterTheEndStartsAgain(t *testing.T) {
	d := replay.New(parse(t, "=> 8072000000\n<= 9000"), replay.Options{})
	for range 3 {
		h := attach(t, d)
		h.asks("\x80\x72\x00\x00\x00", "\x90\x00")
		require.NoError(t, h.channel.Close())
		require.NoError(t, d.Done())
	}
}

func TestTheIdentityIsTheRecordedOne(t *testing.T) {
	d := replay.New(parse(t, "=> 80ca004400\n<= 696d4b65793031313931323030303031 9000\n=> 80cb800005dfff028101\n<= 19060000000200860001010000000014 9000"), replay.Options{})
	require.Equal(t, "imKey01191200001", d.Status().Serial)
	require.Equal(t, "19060000000200860001010000000014", d.Status().SEID)
	require.Equal(t, "imKey01191200001", d.Port().Identity().Serial)
	require.Equal(t, "other", replay.New(replay.Script{}, replay.Options{Serial: "other"}).Status().Serial)
	require.ErrorIs(t, d.Press(device.OK), device.ErrRecording)
	require.NoError(t, d.Unplug())
	require.Empty(t, d.Status().Screen)
}

// payload returns the commands of a payload with a binding signature of a given length, cut as a host cuts it.
func payload(signature int, rest string) (commands [][]byte) {
	all := append(append([]byte{0, byte(signature)}, make([]byte, signature)...), rest...)
	for first := true; len(all) > 0; first = false {
		n := min(len(all), 245)
		p1, p2 := byte(0x80), byte(0)
		if first {
			p1 = 0
		}
		if n == len(all) {
			p2 = 0x80
		}
		commands = append(commands, append([]byte{0x80, 0x51, p1, p2, byte(n)}, all[:n]...))
		all = all[n:]
	}
	return commands
}

// TestAnyHost plays payloads with binding signatures of other lengths, which hosts cut at other places and even into another
// number of chunks. What is signed must be the same.
func TestAnyHost(t *testing.T) {
	const rest = 245 - 2 - 71
	text := make([]byte, rest+245)
	for i := range text {
		text[i] = byte(i)
	}
	for name, c := range map[string]struct {
		recorded, sent int
		change         bool
	}{
		"as recorded": {71, 71, false}, "shorter": {71, 70, false}, "one piece more": {71, 72, false}, "another payload": {71, 70, true},
		"another payload, cut alike": {71, 71, true},
	} {
		t.Run(name, func(t *testing.T) {
			var s replay.Script
			for i, command := range payload(c.recorded, string(text)) {
				s.Exchanges = append(s.Exchanges, replay.Exchange{Line: i + 1, Command: command, Answer: []byte{0x90, 0}})
			}
			s.Exchanges = append(s.Exchanges, replay.Exchange{Line: 99, Command: []byte("\x80\x52\x00\x00\x00"), Answer: []byte{0x90, 0}})
			sent := append([]byte(nil), text...)
			if c.change {
				sent[len(sent)-1] ^= 1
			}
			d := replay.New(s, replay.Options{AnyHost: true})
			h := attach(t, d)
			commands := payload(c.sent, string(sent))
			for i, command := range commands {
				if c.change && i == len(commands)-1 {
					_, err := h.channel.Exchange(h.ctx, command, 0, nil)
					require.Error(t, err)
					require.ErrorAs(t, d.Done(), new(*replay.MismatchError))
					// The error names the byte of the payload that differs, which is the last one.
					tail := text[len(text)-9 : len(text)-1]
					require.Contains(t, d.Err().Error(), fmt.Sprintf(
						": the payload without its signature is …%x%02x (%d bytes) instead of …%x%02x (%[3]d bytes), different from byte %[3]d on",
						tail, text[len(text)-1]^1, len(text), tail, text[len(text)-1]))
					return
				}
				h.asks(string(command), "\x90\x00")
			}
			h.asks("\x80\x52\x00\x00\x00", "\x90\x00")
			require.NoError(t, d.Done())
		})
	}
	t.Run("a piece that looks like a signature", func(t *testing.T) {
		// The first chunk is the recorded one. The second one differs, and begins like a payload with 00 and a length.
		first, second := payload(71, string(text))[0], []byte("\x80\x51\x80\x80\x04\x00\x02ab")
		d := replay.New(replay.Script{Exchanges: []replay.Exchange{
			{Line: 1, Command: first, Answer: []byte{0x90, 0}}, {Line: 2, Command: second, Answer: []byte{0x90, 0}},
		}}, replay.Options{AnyHost: true})
		h := attach(t, d)
		h.asks(string(first), "\x90\x00")
		_, err := h.channel.Exchange(h.ctx, []byte("\x80\x51\x80\x80\x04\x00\x02xy"), 0, nil)
		require.Error(t, err)
	})
	t.Run("an applet with other commands", func(t *testing.T) {
		// Instruction 71 of Cosmos has what is signed, and not an app key.
		d := replay.New(parse(t, "=> 00a4040008695f636f736d6f7300\n<= 9000\n=> 807100800200aa00\n<= 9000"), replay.Options{AnyHost: true})
		h := attach(t, d)
		h.asks("\x00\xa4\x04\x00\x08i_cosmos\x00", "\x90\x00")
		_, err := h.channel.Exchange(h.ctx, []byte("\x80\x71\x00\x80\x02\x00\xbb\x00"), 0, nil)
		require.Error(t, err)
	})
	t.Run("each byte counts without it", func(t *testing.T) {
		d := replay.New(replay.Script{Exchanges: []replay.Exchange{{Line: 1, Command: payload(71, "x")[0], Answer: []byte{0x90, 0}}}}, replay.Options{})
		h := attach(t, d)
		_, err := h.channel.Exchange(h.ctx, payload(70, "x")[0], 0, nil)
		require.Error(t, err)
	})
}

// TestADifferenceBetweenHostsIsNotReported checks the error for a command that has another key and another P1.
func TestADifferenceBetweenHostsIsNotReported(t *testing.T) {
	d := replay.New(parse(t, "=> 8071000004aabbccdd00\n<= 009000"), replay.Options{AnyHost: true})
	h := attach(t, d)
	_, err := h.channel.Exchange(h.ctx, []byte("\x80\x71\x00\x01\x04\x11\x22\x33\x44\x00"), 0, nil)
	require.Error(t, err)
	require.Contains(t, d.Err().Error(), ": without the app key and proof it is 807100010004 instead of 807100000004, different from byte 4 on")
	h.asks("\x80\x71\x00\x00\x04\x11\x22\x33\x44\x00", "\x00\x90\x00")
}

// TestACancelledCommandIsFollowedByTheNext checks that a host can continue after it has cancelled a command without an answer.
func TestACancelledCommandIsFollowedByTheNext(t *testing.T) {
	d := replay.New(parse(t, "=> 8072000000\n\n=> 00a4040005695f696d6b\n<= 9000"), replay.Options{})
	h := attach(t, d)
	ctx, cancel := context.WithCancel(h.ctx)
	sent, stop := d.Watch()
	defer stop()
	go func() {
		for range sent {
			if d.Progress().Played == 1 {
				cancel()
				return
			}
		}
	}()
	_, err := h.channel.Exchange(ctx, []byte("\x80\x72\x00\x00\x00"), time.Minute, nil)
	require.ErrorIs(t, err, errcode.Aborted)
	h.asks("\x00\xA4\x04\x00\x05i_imk", "\x90\x00")
	require.NoError(t, d.Done())
}

// FuzzDevice sends packets to a device that plays a script. The device does not panic or hang.
func FuzzDevice(f *testing.F) {
	f.Add([]byte("=> 8051000003000078\n<= 9000\n=> e0\n"), []byte("\x80\x51\x00\x80\x03\x00\x00x"), true)
	f.Fuzz(func(t *testing.T, text, message []byte, any bool) {
		s, err := replay.Parse(text)
		if err != nil {
			return
		}
		d := replay.New(s, replay.Options{AnyHost: any})
		answers := 0
		d.Attach(func(p []byte) {
			require.Len(t, p, frame.PacketSize)
			answers++
		})
		d.Packet(message)
		if packets, err := frame.Split(message); err == nil {
			for i := range packets {
				d.Packet(packets[i][:])
			}
		}
		cancel := frame.Cancel()
		before := answers
		d.Packet(cancel[:])
		require.Greater(t, answers, before, "a CANCEL is always answered")
		_, _ = d.Done(), d.Status()
		d.Detach()
	})
}
