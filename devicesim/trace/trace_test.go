package trace

import (
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// packet builds a 64-byte packet from the hex of its first bytes.
func packet(t testing.TB, head string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(head, " ", ""))
	require.NoError(t, err)
	require.LessOrEqual(t, len(b), packetSize)
	return append(b, make([]byte, packetSize-len(b))...)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestPacketText(t *testing.T) {
	for _, test := range []struct{ head, want string }{
		{"00000000 C3 004C", "MSG of 76 bytes"},
		{"00000000 C3 1DB9", "MSG of 7609 bytes"},
		{"00000000 C3 1DBA", "malformed: MSG of 7610 bytes, more than 7609"},
		{"00000000 00", "continuation 0"},
		{"00000000 7F", "continuation 127"},
		{"00000000 D1", "CANCEL"},
		{"00000000 FB 0001 02", "KEEPALIVE"},
		{"00000000 FF 0001 06", "ERROR busy"},
		{"00000000 FF 0001 FE", "ERROR cancelled"},
		{"00000000 FF 0001 42", "ERROR with unknown code 42"},
		{"00000000 86", "malformed: command 86"},
		{"00000001 C3 0005", "malformed: channel 00000001"},
	} {
		require.Equal(t, test.want, PacketText(packet(t, test.head)))
	}
	require.Equal(t, "malformed: 3 bytes instead of 64", PacketText([]byte{1, 2, 3}))
	require.Equal(t, "malformed: 0 bytes instead of 64", PacketText(nil))
}

func TestExchangeText(t *testing.T) {
	for _, test := range []struct{ command, response, want string }{
		{"00A4040000", "9000", "SELECT card manager → ok"},
		{"00A40400", "9000", "SELECT card manager → ok"},
		{"00A4040005 695F696D6B 00", "9000", "SELECT IMK → ok"},
		{"00A4040005 695F657468 00", "312E302E30 9000", "SELECT Ethereum → ok, 5 bytes"},
		{"00A4040002 ABCD 00", "6A82", "SELECT unknown applet abcd → no such applet"},
		{"00A4040009 AB", "6700", "SELECT with a wrong length → wrong length"},
		{"80CB800005DFFF028101", "000102030405060708090A0B0C0D0E0F 9000", "read SEID → ok, 16 bytes"},
		{"80CABF2106A6048302151800", "6F01", "read certificate → Bluetooth channel error"},
		{"80710000 41 04", "00 BF21 9000", "BIND_CHECK → unbound"},
		{"80710000 41 04", "55 9000", "BIND_CHECK → bound to this app"},
		{"80710000 41 04", "AA 9000", "BIND_CHECK → bound elsewhere"},
		{"80710000 41 04", "17 9000", "BIND_CHECK → unknown result 17"},
		{"8072000000", "6985", "show binding code → conditions of use not satisfied"},
		{"80738000 71 04", "5A 9000", "IDENTITY_VERIFY → bound"},
		{"80738000 71 04", "A5 9000", "IDENTITY_VERIFY → wrong code"},
		{"80738000 71 04", "F081", "IDENTITY_VERIFY → PIN not entered"},
		{"80510080 05", "6940", "prepare transaction → rejected on the device"},
		{"80510000 F5", "9000", "prepare transaction, first part → ok"},
		{"80548000 F5", "9000", "prepare message, next part → ok"},
		{"80548080 05", "9000", "prepare message, last part → ok"},
		{"80520000 05", "1234", "sign transaction → unknown status 1234"},
		{"80510080 05", "6942", "prepare transaction → signature verification failed"},
		{"80530000 04 6D2F3427 00", "04" + strings.Repeat("11", 96) + "3006 9000", "read public key m/4' → public key"},
		{"80530000 04 6D2F3427 00", "04 9000", "read public key m/4' → ok, 1 byte"},
		{"80520000 03 6D2F34 00", "41" + strings.Repeat("11", 65) + "9000", "sign transaction m/4 → signed"},
		{"80550000 03 6D2F34 00", "6985", "sign message m/4 → conditions of use not satisfied"},
		{"80550000 02 0A1B 00", "F000", "sign message → no wallet"},
		{"80560000 04 30783630 00", "9000", "show address 0x60 → ok"},
		{"80560000 FF 30783630 00", "6700", "show address → wrong length"},
		{"FFDA4654 03 414243 00", "9000", "write BLE name → ok"},
		{"12345678", "6E00", "unknown command 12 34 56 78 → class not supported"},
		{"80", "6700", "malformed command of 1 bytes → wrong length"},
		{"00A4040000", "90", "SELECT card manager → malformed response of 1 bytes"},
		{"", "9000", "answer → ok"},
	} {
		require.Equal(t, test.want, ResponseText(unhex(t, test.command), unhex(t, test.response)))
	}
}

// TestTextsFollowSELECT checks that an instruction has the name that it has in the applet that was selected.
func TestTextsFollowSELECT(t *testing.T) {
	var texts Texts
	for _, test := range []struct{ command, response, want string }{
		{"80730100 04 6D2F3427 00", "6985", "IDENTITY_VERIFY → conditions of use not satisfied"},
		{"00A4040008 695F636F736D6F73 00", "9000", "SELECT Cosmos → ok"},
		{"80710080 01 00 00", "6940", "prepare transaction → rejected on the device"},
		{"80720000 03 6D2F34 00", "41" + strings.Repeat("11", 65) + "9000", "sign transaction m/4 → signed"},
		{"80730100 04 6D2F3427 00", "04" + strings.Repeat("11", 96) + "3006 9000", "read public key m/4' → public key"},
		{"80760000 03 636F73 00", "9000", "show address cos → ok"},
		{"80530000 04 6D2F3427 00", "6D00", "unknown command 80 53 00 00 → instruction not supported"},
		{"00A4040008 695F6B315F747278 00", "6A82", "SELECT TRON → no such applet"},
		{"80720000 03 6D2F34 00", "6985", "sign transaction m/4 → conditions of use not satisfied"}, // still Cosmos
		{"00A4040008 695F6B315F747278 00", "9000", "SELECT TRON → ok"},
		{"80820000 02 0000 00", "6A80", "read public key → wrong data"},
		{"80810000 02 0000 00", "9000", "sign, first part → ok"},
		{"80818080 02 0000 00", "41" + strings.Repeat("11", 65) + "3006 9000", "sign, last part → signed"},
		{"00A4040005 695F627463 00", "312E362E3131 9000", "SELECT Bitcoin → ok, 6 bytes"},
		{"80314000 02 0000", "9000", "outpoints, part → ok"},
		{"80312180 02 0000", "9000", "scripts → ok"},
		{"80313380 02 0000", "6A86", "list → wrong P1 or P2"},
		{"80410080 02 0000", "6941", "prepare transaction → too many UTXOs"},
		{"804C0000 02 0000 00", "0001 9000", "show outputs → next page 0001"},
		{"80468000 02 0000", "9000", "legacy inputs, next part → ok"},
		{"80450201 03 6D2F34 00", "41" + strings.Repeat("11", 65) + "9000", "sign input m/4 → signed"},
		{"80408000 02 0000 00", "40" + strings.Repeat("11", 64) + "9000", "sign by BIP-341 → signed"},
		{"00A4040005 695F657468 00", "9000", "SELECT Ethereum → ok"},
		{"80530000 04 6D2F3427 00", "F081", "read public key m/4' → PIN not entered"},
		{"00A4040000", "9000", "SELECT card manager → ok"},
		{"80710000 41 04", "00 9000", "BIND_CHECK → unbound"},
	} {
		require.Equal(t, test.want, texts.Response(unhex(t, test.command), unhex(t, test.response)))
	}
}

func TestControlText(t *testing.T) {
	for _, test := range []struct{ setup, want string }{
		{"8006000100001200", "GET_DESCRIPTOR device"},
		{"800603030904FF00", "GET_DESCRIPTOR string 3"},
		{"8006000F00000500", "GET_DESCRIPTOR BOS"},
		{"0009010000000000", "SET_CONFIGURATION 1"},
		{"C021010002004000", "vendor request 21, value 0001, index 0002, 64 bytes"},
	} {
		var setup [8]byte
		copy(setup[:], unhex(t, test.setup))
		require.Equal(t, test.want, ControlText(setup))
	}
}

func texts(events []Event, kind string) []string {
	var all []string
	for _, e := range events {
		if kind == "" || e.Kind == kind {
			all = append(all, e.Text)
		}
	}
	return all
}

func TestTracerAssembles(t *testing.T) {
	log := NewLog(0)
	r := NewTracer(log)
	// BIND_CHECK has 4+1+65+1 bytes: 57 in the first packet and 14 in a continuation.
	r.Packet(Out, packet(t, "00000000 C3 0047 80710000 41 04"))
	r.Packet(Out, packet(t, "00000000 00"))
	r.Packet(In, packet(t, "00000000 FB 0001 02")) // between command and response: allowed
	r.Packet(In, packet(t, "00000000 C3 0003 AA 9000"))
	require.Equal(t, []string{"BIND_CHECK", "BIND_CHECK → bound elsewhere"}, texts(log.Events(0), KindAPDU))
	require.Equal(t, []string{"MSG of 71 bytes", "continuation 0", "KEEPALIVE", "MSG of 3 bytes"}, texts(log.Events(0), KindPacket))
	apdus := log.Events(0)[2]
	require.Equal(t, Out, apdus.Dir)
	require.Len(t, apdus.Hex, 2*71)

	// A response without a command has a text of its own, and not one from the exchange before it.
	r.Packet(In, packet(t, "00000000 C3 0003 AA 9000"))
	require.Equal(t, "answer → ok, 1 byte", log.Events(0)[7].Text)
}

func TestTracerDropsBrokenMessages(t *testing.T) {
	for name, second := range map[string][]byte{
		"continuation out of order": packet(t, "00000000 01"),
		"other channel":             packet(t, "00000007 00"),
		"error inside":              packet(t, "00000000 FF 0001 07"),
		"short packet":              {0, 0, 0, 0, 0},
		"empty packet":              {},
	} {
		t.Run(name, func(t *testing.T) {
			log := NewLog(0)
			r := NewTracer(log)
			r.Packet(In, packet(t, "00000000 C3 0047"))
			r.Packet(In, second)
			r.Packet(In, packet(t, "00000000 00"))
			require.Empty(t, texts(log.Events(0), KindAPDU))
		})
	}
	t.Run("bus reset", func(t *testing.T) {
		log := NewLog(0)
		r := NewTracer(log)
		r.Packet(Out, packet(t, "00000000 C3 0047 80710000"))
		r.Plug("bus reset")
		r.Packet(Out, packet(t, "00000000 00"))
		require.Empty(t, texts(log.Events(0), KindAPDU))
		require.Equal(t, []string{"bus reset"}, texts(log.Events(0), KindPlug))
	})
}

func TestTracerControlAndScreen(t *testing.T) {
	log := NewLog(0)
	r := NewTracer(log)
	r.Control([8]byte{0x80, 6, 0, 15}, nil, "stalled")
	r.Control([8]byte{0, 9, 1}, nil, "")
	r.Screen("binding code shown")
	events := log.Events(0)
	require.Equal(t, []string{"GET_DESCRIPTOR BOS → stalled", "SET_CONFIGURATION 1", "binding code shown"}, texts(events, ""))
	require.Equal(t, []string{In, Out, ""}, []string{events[0].Dir, events[1].Dir, events[2].Dir})
}

func TestLogKeepsTheLast(t *testing.T) {
	log := NewLog(3)
	require.Empty(t, log.Events(0))
	for _, text := range []string{"a", "b", "c", "d", "e"} {
		log.Add(Event{Text: text})
	}
	require.Equal(t, []string{"c", "d", "e"}, texts(log.Events(0), ""))
	require.Equal(t, []string{"e"}, texts(log.Events(4), ""))
	require.Empty(t, log.Events(5))
	require.Empty(t, log.Events(99))
	require.Equal(t, uint64(3), log.Events(0)[0].N)
	require.False(t, log.Events(0)[0].Time.IsZero())
}

func TestLogWatch(t *testing.T) {
	log := NewLog(0)
	changed, stop := log.Watch()
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 100 {
				log.Add(Event{Text: "x"})
			}
		})
	}
	seen := uint64(0)
	for seen < 800 {
		<-changed
		for _, e := range log.Events(seen) {
			require.Equal(t, seen+1, e.N)
			seen = e.N
		}
	}
	writers.Wait()
	stop()
	select {
	case <-changed: // the last value may still be there
	default:
	}
	log.Add(Event{Text: "y"})
	require.Empty(t, changed)
}

// FuzzTracer traces packets in both directions. Each packet is logged, and each APDU of the log was complete.
func FuzzTracer(f *testing.F) {
	f.Add(packet(f, "00000000 C3 0005 00A4040000"))
	f.Add(append(packet(f, "00000000 C3 0047 80710000 41 04"), packet(f, "00000000 00")...))
	f.Add([]byte{0, 0, 0, 0, 0xC3})
	f.Fuzz(func(t *testing.T, data []byte) {
		log := NewLog(4096)
		r := NewTracer(log)
		packets := 0
		for i := 0; len(data) > 0 && packets < 1000; i++ {
			n := min(len(data), packetSize)
			r.Packet([]string{Out, In}[i%2], data[:n])
			data = data[n:]
			packets++
		}
		require.Len(t, texts(log.Events(0), KindPacket), packets)
		for _, e := range log.Events(0) {
			require.NotEmpty(t, e.Text)
			if e.Kind == KindAPDU {
				require.LessOrEqual(t, len(e.Hex), 2*maxMessage)
				require.NotEmpty(t, e.Hex)
			}
		}
	})
}
