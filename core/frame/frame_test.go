package frame_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
)

func message(n int) []byte {
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(i*7 + n)
	}
	return m
}

func split(t testing.TB, m []byte) []frame.Packet {
	packets, err := frame.Split(m)
	require.NoError(t, err)
	return packets
}

func TestMessagesOfEveryLength(t *testing.T) {
	var a frame.Assembler
	for n := 1; n <= frame.MaxMessage; n++ {
		m := message(n)
		packets, err := frame.Split(m)
		if err != nil || len(packets) != 1+max(0, n-57+58)/59 {
			t.Fatalf("%d bytes: %d packets, %v", n, len(packets), err)
		}
		if cap(packets) != len(packets) {
			t.Fatalf("%d bytes: memory for %d packets, of which %d are used", n, cap(packets), len(packets))
		}
		for i := range packets {
			ev, err := a.Add(packets[i][:])
			last := i == len(packets)-1
			switch {
			case err != nil:
				t.Fatalf("%d bytes, packet %d: %v", n, i, err)
			case !last && (ev.Kind != frame.None || !a.Pending()):
				t.Fatalf("%d bytes, packet %d: %v is early", n, i, ev.Kind)
			case last && (ev.Kind != frame.Message || !bytes.Equal(ev.Data, m) || a.Pending()):
				t.Fatalf("%d bytes came back otherwise", n)
			}
		}
	}
}

// The bytes of the packets at the boundaries: 57 in the first packet, 59 in each other.
func TestBoundaries(t *testing.T) {
	for n, count := range map[int]int{1: 1, 56: 1, 57: 1, 58: 2, 116: 2, 117: 3, 175: 3, 176: 4, 7550: 128, 7551: 129, 7609: 129} {
		m := message(n)
		packets := split(t, m)
		require.Len(t, packets, count, "%d bytes", n)
		first := packets[0]
		require.Equal(t, []byte{0, 0, 0, 0, 0xC3, byte(n >> 8), byte(n)}, first[:7])
		flat := append([]byte(nil), first[7:]...)
		for i, p := range packets[1:] {
			require.Equal(t, []byte{0, 0, 0, 0, byte(i)}, p[:5])
			flat = append(flat, p[5:]...)
		}
		require.Equal(t, m, flat[:n])
		require.Zero(t, bytes.Trim(flat[n:], "\x00"), "padding is zeros")
	}
	require.Equal(t, 7609, frame.MaxMessage)
	for _, n := range []int{0, 7610, 65536} {
		_, err := frame.Split(make([]byte, n))
		require.ErrorIs(t, err, errcode.Internal)
	}
}

func TestControlPackets(t *testing.T) {
	longest := frame.KeepAlive(2)
	longest[6] = 57
	for name, c := range map[string]struct {
		packet frame.Packet
		header []byte
		event  frame.Event
	}{
		"cancel":     {frame.Cancel(), []byte{0, 0, 0, 0, 0xD1, 0, 0, 0}, frame.Event{Kind: frame.WasCancel}},
		"keep-alive": {frame.KeepAlive(2), []byte{0, 0, 0, 0, 0xFB, 0, 1, 2}, frame.Event{Kind: frame.WasKeepAlive}},
		"longest":    {longest, []byte{0, 0, 0, 0, 0xFB, 0, 57, 2}, frame.Event{Kind: frame.WasKeepAlive}},
		"error":      {frame.Error(frame.Busy), []byte{0, 0, 0, 0, 0xFF, 0, 1, 6}, frame.Event{Kind: frame.WasError, Code: 6}},
	} {
		require.Equal(t, c.header, c.packet[:8], name)
		require.Zero(t, bytes.Trim(c.packet[8:], "\x00"), name)
		var a frame.Assembler
		ev, err := a.Add(c.packet[:])
		require.NoError(t, err, name)
		require.Equal(t, c.event, ev, name)
	}
}

func TestErrorCodes(t *testing.T) {
	known := map[byte]bool{1: true, 2: true, 3: true, 4: true, 6: true, 7: true, 0xFE: true}
	for b := range 256 {
		var a frame.Assembler
		p := frame.Error(frame.ErrorCode(b))
		ev, err := a.Add(p[:])
		require.Equal(t, known[byte(b)], frame.ErrorCode(b).Known())
		if known[byte(b)] {
			require.NoError(t, err)
			require.Equal(t, frame.Event{Kind: frame.WasError, Code: frame.ErrorCode(b)}, ev)
		} else {
			require.ErrorIs(t, err, errcode.Protocol, "ERROR %02X", b)
		}
	}
}

func TestMalformedPackets(t *testing.T) {
	alter := func(p frame.Packet, at int, v byte) frame.Packet { p[at] = v; return p }
	long := split(t, message(200))
	short := split(t, message(3))[0]
	for name, c := range map[string]struct {
		code    frame.ErrorCode
		packets []frame.Packet
	}{
		"a first packet on another channel": {frame.InvalidParameter, []frame.Packet{alter(short, 0, 1)}},
		"HID's channel":                     {frame.InvalidParameter, []frame.Packet{alter(short, 3, 1)}},
		"a continuation elsewhere":          {frame.InvalidParameter, []frame.Packet{long[0], alter(long[1], 2, 9)}},
		"a message of no bytes":             {frame.InvalidLength, []frame.Packet{alter(short, 6, 0)}},
		"a message of 7610 bytes":           {frame.InvalidLength, []frame.Packet{alter(alter(short, 5, 0x1D), 6, 0xBA)}},
		"a message of 65535 bytes":          {frame.InvalidLength, []frame.Packet{alter(alter(short, 5, 0xFF), 6, 0xFF)}},
		"a stray continuation":              {frame.InvalidSequence, []frame.Packet{long[1]}},
		"a skipped continuation":            {frame.InvalidSequence, []frame.Packet{long[0], long[2]}},
		"swapped continuations":             {frame.InvalidSequence, []frame.Packet{long[0], long[2], long[1]}},
		"a repeated continuation":           {frame.InvalidSequence, []frame.Packet{long[0], long[1], long[1]}},
		"a continuation too many":           {frame.InvalidSequence, []frame.Packet{short, long[1]}},
		"a message inside a message":        {frame.InvalidSequence, []frame.Packet{long[0], short}},
		"the same beginning twice":          {frame.InvalidSequence, []frame.Packet{long[0], long[0]}},
		"a keep-alive inside a message":     {frame.InvalidSequence, []frame.Packet{long[0], frame.KeepAlive(2)}},
		"an unknown command inside it":      {frame.InvalidSequence, []frame.Packet{long[0], alter(short, 4, 0x90)}},
		"an unknown command":                {frame.InvalidCommand, []frame.Packet{alter(short, 4, 0x90)}},
		"HID's MSG":                         {frame.InvalidCommand, []frame.Packet{alter(short, 4, 0x83)}},
		"HID's INIT":                        {frame.InvalidCommand, []frame.Packet{alter(short, 4, 0x86)}},
		"a CANCEL with data":                {frame.InvalidLength, []frame.Packet{alter(frame.Cancel(), 6, 1)}},
		"a keep-alive of two packets":       {frame.InvalidLength, []frame.Packet{alter(frame.KeepAlive(2), 6, 58)}},
		"an ERROR without its byte":         {frame.InvalidLength, []frame.Packet{alter(frame.Error(7), 6, 0)}},
		"an ERROR of two bytes":             {frame.InvalidLength, []frame.Packet{alter(frame.Error(7), 6, 2)}},
		"an unknown ERROR":                  {frame.InvalidParameter, []frame.Packet{frame.Error(5)}},
	} {
		t.Run(name, func(t *testing.T) {
			var a frame.Assembler
			for i, p := range c.packets {
				ev, err := a.Add(p[:])
				if i < len(c.packets)-1 && err == nil {
					continue
				}
				require.ErrorIs(t, err, errcode.Protocol)
				var f *frame.FormatError
				require.ErrorAs(t, err, &f)
				require.Equal(t, c.code, f.Code, f.Reason)
				require.Zero(t, ev)
				break
			}
			require.False(t, a.Pending(), "the message under way is dropped")
			ev, err := a.Add(short[:])
			require.NoError(t, err)
			require.Equal(t, message(3), ev.Data)
		})
	}
}

func TestPacketsOfOtherLengths(t *testing.T) {
	p := split(t, message(3))[0]
	for n := range 130 {
		var a frame.Assembler
		b := append(p[:], make([]byte, 66)...)[:n]
		if n == frame.PacketSize {
			continue
		}
		_, err := a.Add(b)
		require.ErrorIs(t, err, errcode.Protocol, "%d bytes", n)
	}
}

func TestCancelAndErrorEndAMessage(t *testing.T) {
	long := split(t, message(200))
	for _, end := range []frame.Packet{frame.Cancel(), frame.Error(frame.Other)} {
		var a frame.Assembler
		_, err := a.Add(long[0][:])
		require.NoError(t, err)
		ev, err := a.Add(end[:])
		require.NoError(t, err)
		require.NotEqual(t, frame.Message, ev.Kind)
		_, err = a.Add(long[1][:])
		require.ErrorIs(t, err, errcode.Protocol, "nothing of the message is left")
	}
}

// FuzzAssembler adds a stream of packets. Split of an assembled message returns packets with the same headers and data. After an
// error nothing of the earlier packets is left.
func FuzzAssembler(f *testing.F) {
	stream := func(packets ...frame.Packet) (b []byte) {
		for _, p := range packets {
			b = append(b, p[:]...)
		}
		return b
	}
	long := split(f, message(200))
	f.Add(stream(split(f, message(3))...))
	f.Add(stream(long...))
	f.Add(stream(long[0], frame.Cancel(), long[1]))
	f.Add(stream(long[0], frame.KeepAlive(2), frame.Error(frame.Cancelled)))
	f.Add(stream(long[0], long[2])[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		var a frame.Assembler
		var since []byte // the packets of the message under way
		for len(b) > 0 {
			p := b[:min(len(b), frame.PacketSize)]
			b = b[len(p):]
			ev, err := a.Add(p)
			since = append(since, p...)
			switch {
			case err != nil:
				require.ErrorIs(t, err, errcode.Protocol)
				require.Zero(t, ev)
				require.False(t, a.Pending())
				since = nil
			case ev.Kind == frame.None:
				require.True(t, a.Pending())
			case ev.Kind == frame.Message:
				packets := split(t, ev.Data)
				require.Len(t, since, len(packets)*frame.PacketSize)
				for i, want := range packets {
					got := since[i*frame.PacketSize:][:frame.PacketSize]
					// Compare without the padding, which is ignored.
					n := frame.PacketSize
					if i == len(packets)-1 {
						if n = 7 + len(ev.Data); i > 0 {
							n = 5 + (len(ev.Data)-57)%59
							if n == 5 {
								n = frame.PacketSize
							}
						}
					}
					require.Equal(t, want[:n], got[:n])
				}
				since = nil
			default:
				require.False(t, a.Pending())
				since = nil
			}
		}
	})
}
