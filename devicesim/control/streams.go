package control

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"imkey-connect/devicesim/trace"
)

// events sends the state at once and after every change, until the client or the server ends the stream.
func events(w http.ResponseWriter, r *http.Request, s Simulated) {
	device, stopDevice := s.Device.Watch()
	defer stopDevice()
	port, stopPort := s.Device.Port().Watch()
	defer stopPort()
	out := newStream(w)
	var last []byte
	for r.Method != http.MethodHead {
		text, err := json.Marshal(s.state())
		if err != nil {
			return
		}
		if !bytes.Equal(text, last) { // both watches may report the same change
			if !out.send(text) {
				return
			}
			last = text
		}
		select {
		case <-r.Context().Done():
			return
		case <-device:
		case <-port:
		}
	}
}

func traceLines(w http.ResponseWriter, r *http.Request, s Simulated) {
	since, bad := sinceOf(r)
	if bad != nil {
		fail(w, bad)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for _, e := range s.Trace.Events(since) {
		if lines.Encode(e) != nil {
			return
		}
	}
}

func historyLines(w http.ResponseWriter, r *http.Request, s Simulated) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for _, m := range s.History.Moments() {
		if lines.Encode(m) != nil {
			return
		}
	}
}

func traceEvents(w http.ResponseWriter, r *http.Request, s Simulated) {
	since, bad := sinceOf(r)
	if bad != nil {
		fail(w, bad)
		return
	}
	added, stop := s.Trace.Watch()
	defer stop()
	out := newStream(w)
	for r.Method != http.MethodHead {
		for _, e := range s.Trace.Events(since) {
			if !out.sendEvent(e) {
				return
			}
			since = e.N
		}
		select {
		case <-r.Context().Done():
			return
		case <-added:
		}
	}
}

func sinceOf(r *http.Request) (uint64, *problem) {
	text := r.URL.Query().Get("since")
	if text == "" {
		return 0, nil
	}
	since, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, &problem{http.StatusBadRequest, "bad-request", "since must be a number"}
	}
	return since, nil
}

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) stream {
	w.Header().Set("Content-Type", "text/event-stream")
	s := stream{w: w, control: http.NewResponseController(w)}
	// The header is sent at once, so that the client knows that it is connected.
	w.WriteHeader(http.StatusOK)
	_ = s.control.Flush()
	return s
}

// send writes one event of one line, and reports false if the client is gone.
func (s stream) send(text []byte) bool {
	// The writer of a test has no deadlines, but its writes do not block.
	_ = s.control.SetWriteDeadline(time.Now().Add(writeWithin))
	message := append(append([]byte("data: "), text...), '\n', '\n')
	if _, err := s.w.Write(message); err != nil {
		return false
	}
	return s.control.Flush() == nil
}

func (s stream) sendEvent(e trace.Event) bool {
	text, err := json.Marshal(e)
	return err == nil && s.send(text)
}
