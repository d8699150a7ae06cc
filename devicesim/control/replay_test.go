package control

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/replay"
	"imkey-connect/devicesim/trace"
)

func TestAnUnknownCallIsAnsweredWithTheKnownOnes(t *testing.T) {
	b := newBench(t)
	message := b.refused("GET", "devices", "", http.StatusNotFound, "not-found")
	for _, call := range []string{"GET device,", "GET events", "POST device/press", "POST device/unbound", "DELETE faults", "GET faults", "POST faults", "GET trace/events"} {
		require.Contains(t, message, call)
	}
}

func TestProgressOfARecording(t *testing.T) {
	b := newBench(t)
	require.Contains(t, b.refused("GET", "replay", "", http.StatusNotFound, "not-found"), "plays no recording")

	script, err := replay.Parse([]byte("=> 8072000000\n<= 9000\n\n=> 8072000000\n<= 6985"))
	require.NoError(t, err)
	player := replay.New(script, replay.Options{})
	b.http.Close()
	b.http = httptest.NewServer(New([]Simulated{{Device: player, Trace: trace.NewLog(0)}}))
	t.Cleanup(b.http.Close)
	link, err := player.Link(t.Context())
	require.NoError(t, err)
	defer link.Close()
	for _, command := range []string{"\x80\x72\x00\x00\x00", "\x80\x71\x00\x00\x00"} {
		packet := [64]byte{4: 0xC3, 6: 5}
		copy(packet[7:], command)
		require.NoError(t, link.Send(t.Context(), (*frame.Packet)(&packet)))
		_, err = link.Receive(t.Context())
		require.NoError(t, err)
	}
	_, got := b.do("GET", "replay", "")
	require.Equal(t, map[string]any{"played": 1.0, "of": 2.0, "line": 4.0, "error": "replay: line 4 has show binding code, " +
		"and the host sent BIND_CHECK: 8071000000 instead of 8072000000, different from byte 2 on"}, got)
	require.Contains(t, b.refused("POST", "device/wallet", `{"words":12}`, http.StatusConflict, "conflict"), "plays a recording")
	for call, body := range map[string]string{"device/unbound": `{"allow":true}`, "device/confirm": `{"binding":true}`} {
		require.Contains(t, b.refused("POST", call, body, http.StatusConflict, "conflict"), "plays a recording")
	}
	b.refused("POST", "faults", "null", http.StatusBadRequest, "invalid")
	b.post("device/reset", "{}")
	_, got = b.do("GET", "replay", "")
	require.Equal(t, map[string]any{"played": 0.0, "of": 2.0, "line": 1.0, "error": ""}, got)
}
