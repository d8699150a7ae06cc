package wire

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
)

// idle is an idle imKey: it answers each CANCEL with ERROR 01 (core/PROTOCOL.md section 2).
type idle struct {
	mu   sync.Mutex
	send func([]byte)
}

func (f *idle) Attach(send func([]byte)) { f.mu.Lock(); f.send = send; f.mu.Unlock() }
func (f *idle) Detach()                  {}
func (f *idle) Packet(p []byte) {
	f.mu.Lock()
	send := f.send
	f.mu.Unlock()
	if len(p) == 64 && p[4] == 0xD1 {
		answer := make([]byte, 64)
		copy(answer, []byte{0, 0, 0, 0, 0xFF, 0, 1, 1})
		send(answer)
	}
}

type bench struct {
	t      *testing.T
	port   *usb.Port
	server atomic.Pointer[Server] // nil while it is stopped
	http   *httptest.Server
}

// newBench serves a port, and the calls of the control API that edge.js needs.
func newBench(t *testing.T) *bench {
	port := usb.NewPort(usb.Identity{
		Serial: "imKey01191200001", Manufacturer: "imKey", Product: "imKey (simulated)", LandingURL: "http://localhost:7380/",
	}, &idle{}, nil)
	b := &bench{t: t, port: port}
	b.server.Store(New(port))
	mux := http.NewServeMux()
	mux.HandleFunc("/sim/usb", func(w http.ResponseWriter, r *http.Request) {
		if s := b.server.Load(); s != nil {
			s.ServeHTTP(w, r)
			return
		}
		http.Error(w, "stopped", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("POST /sim/v1/stop", func(http.ResponseWriter, *http.Request) { _ = b.server.Swap(nil).Close() })
	mux.HandleFunc("POST /sim/v1/start", func(http.ResponseWriter, *http.Request) { b.server.Store(New(port)) })
	mux.Handle("/sim/webusb.js", Module())
	mux.HandleFunc("POST /sim/v1/faults", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		faults, err := usb.ParseFaults(body)
		if err == nil {
			err = port.SetFaults(faults)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /sim/v1/device/unplug", func(http.ResponseWriter, *http.Request) { port.Unplug() })
	mux.HandleFunc("POST /sim/v1/device/plug", func(http.ResponseWriter, *http.Request) { port.Plug() })
	b.http = httptest.NewServer(mux)
	t.Cleanup(func() {
		require.NoError(t, b.server.Load().Close())
		b.http.Close()
		require.Empty(t, port.HeldBy())
	})
	return b
}

// page is the WebSocket of a page, as webusb.js opens it.
type page struct {
	t      *testing.T
	socket *websocket.Conn
	ctx    context.Context
	device uint64
}

func (b *bench) dial() *page {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	b.t.Cleanup(cancel)
	socket, _, err := websocket.Dial(ctx, b.http.URL+"/sim/usb", nil)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = socket.CloseNow() })
	p := &page{t: b.t, socket: socket, ctx: ctx}
	p.event()
	return p
}

func (p *page) read() map[string]any {
	kind, text, err := p.socket.Read(p.ctx)
	require.NoError(p.t, err)
	require.Equal(p.t, websocket.MessageText, kind)
	var m map[string]any
	require.NoError(p.t, json.Unmarshal(text, &m))
	return m
}

// event reads the next message, which must be an event.
func (p *page) event() string {
	m := p.read()
	require.Contains(p.t, m, "event", "%v", m)
	if d, ok := m["device"].(map[string]any); ok {
		p.device = uint64(d["device"].(float64))
	}
	return m["event"].(string)
}

func (p *page) write(message string) {
	require.NoError(p.t, p.socket.Write(p.ctx, websocket.MessageText, []byte(message)))
}

// ask sends one request, without its id and device, and returns the next message.
func (p *page) ask(id uint32, rest string) map[string]any {
	p.post(id, rest)
	return p.read()
}

func (p *page) post(id uint32, rest string) {
	head, _ := json.Marshal(map[string]any{"id": id, "device": p.device})
	p.write(strings.TrimSuffix(string(head), "}") + "," + rest + "}")
}

func ok(id int) map[string]any { return map[string]any{"id": float64(id)} }

func failed(id int, reason string) map[string]any {
	return map[string]any{"id": float64(id), "error": reason}
}

func (p *page) open(ids ...uint32) {
	require.Equal(p.t, ok(1), p.ask(1, `"op":"open"`))
	require.Equal(p.t, ok(2), p.ask(2, `"op":"claim","interface":0`))
}

func TestOneClaimAtATime(t *testing.T) {
	b := newBench(t)
	first, second := b.dial(), b.dial()
	require.Empty(t, b.port.HeldBy(), "no page has opened it")
	first.open()
	require.Equal(t, "WebSocket", b.port.HeldBy())
	require.Equal(t, ok(1), second.ask(1, `"op":"open"`))
	require.Equal(t, failed(2, "claim"), second.ask(2, `"op":"claim","interface":0`))
	require.Equal(t, failed(3, "transfer"), second.ask(3, `"op":"in","endpoint":133,"length":64`), "a transfer needs a claim")
	require.Equal(t, ok(3), first.ask(3, `"op":"close"`))
	require.Equal(t, ok(4), second.ask(4, `"op":"claim","interface":0`))
	require.Equal(t, "WebSocket", b.port.HeldBy(), "closing has no effect on the wire")
	// A page that is closed releases its claim too.
	require.NoError(t, second.socket.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool {
		require.Equal(t, ok(5), first.ask(5, `"op":"open"`))
		return first.ask(6, `"op":"claim","interface":0`)["error"] == nil
	}, 10*time.Second, time.Millisecond)
}

func TestLastPageReleasesTheDevice(t *testing.T) {
	b := newBench(t)
	changed, stop := b.port.Watch()
	defer stop()
	p := b.dial()
	p.open()
	require.NoError(t, p.socket.Close(websocket.StatusNormalClosure, ""))
	for b.port.HeldBy() != "" {
		<-changed
	}
}

func TestHeldElsewhere(t *testing.T) {
	b := newBench(t)
	other, err := b.port.Attach("USB/IP")
	require.NoError(t, err)
	p := b.dial()
	require.Equal(t, ok(1), p.ask(1, `"op":"open"`))
	require.Equal(t, failed(2, "claim"), p.ask(2, `"op":"claim","interface":0`))
	require.Equal(t, failed(3, "transfer"), p.ask(3, `"op":"control","setup":"8006000100001200"`))
	require.NoError(t, other.Close())
	require.Equal(t, ok(4), p.ask(4, `"op":"claim","interface":0`))
}

func TestAccess(t *testing.T) {
	b := newBench(t)
	p := b.dial()
	b.port.SetAccess(usb.Access{Denied: true})
	require.Equal(t, failed(1, "access"), p.ask(1, `"op":"open"`))
	b.port.SetAccess(usb.Access{Claimed: true})
	require.Equal(t, ok(1), p.ask(1, `"op":"open"`))
	require.Equal(t, failed(2, "claim"), p.ask(2, `"op":"claim","interface":0`))
	require.Equal(t, failed(3, "protected"), p.ask(3, `"op":"claim","interface":1`))
	b.port.SetAccess(usb.Access{})
	require.Equal(t, ok(4), p.ask(4, `"op":"claim","interface":0`))
}

func TestUnplug(t *testing.T) {
	b := newBench(t)
	p := b.dial()
	p.open()
	old := p.device
	p.post(3, `"op":"in","endpoint":133,"length":64`)
	require.Equal(t, "00", p.ask(4, `"op":"control","setup":"8000000000000100"`)["data"]) // the read has begun
	b.port.Unplug()
	require.Equal(t, failed(3, "cancelled"), p.read())
	require.Equal(t, "unplugged", p.event())
	require.Equal(t, failed(5, "disconnected"), p.ask(5, `"op":"open"`))
	b.port.Plug()
	require.Equal(t, "plugged", p.event())
	require.NotEqual(t, old, p.device)
	p.open()
	// A page may send a request for the old device before it gets the event. The request fails.
	p.device = old
	require.Equal(t, failed(6, "disconnected"), p.ask(6, `"op":"open"`))
}

func TestAReplugIsNoticed(t *testing.T) {
	b := newBench(t)
	p := b.dial()
	p.open()
	old := p.device
	b.port.Unplug()
	b.port.Plug()
	require.Equal(t, "unplugged", p.event())
	require.Equal(t, "plugged", p.event())
	require.NotEqual(t, old, p.device)
}

func TestTransfersEndInOrder(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.port.SetFaults([]usb.Fault{{On: "out", Packet: 1, Do: usb.DoDelay, MS: 20}}))
	p := b.dial()
	p.open()
	cancel := "00000000d1" + strings.Repeat("00", 59)
	for id := uint32(10); id < 13; id++ {
		p.post(id, `"op":"in","endpoint":133,"length":64`)
	}
	for id := uint32(20); id < 23; id++ {
		p.post(id, `"op":"out","endpoint":4,"data":"`+cancel+`"`)
	}
	var ins, outs []float64
	for range 6 {
		m := p.read()
		require.Equal(t, "ok", m["status"])
		if id := m["id"].(float64); id < 20 {
			ins = append(ins, id)
		} else {
			outs = append(outs, id)
		}
	}
	require.Equal(t, []float64{10, 11, 12}, ins)
	require.Equal(t, []float64{20, 21, 22}, outs)
}

func TestCloseCancelsADelayedOut(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.port.SetFaults([]usb.Fault{{On: "out", Packet: 1, Do: usb.DoDelay, MS: 600_000}}))
	p := b.dial()
	p.open()
	p.post(3, `"op":"out","endpoint":4,"data":"00"`)
	require.Equal(t, failed(3, "cancelled"), p.ask(4, `"op":"close"`))
	require.Equal(t, ok(4), p.read())
}

func TestMalformedEndsTheConnection(t *testing.T) {
	for name, message := range map[string]string{
		"no JSON":               `open`,
		"no object":             `[]`,
		"two values":            `{"id":1} {"id":2}`,
		"unknown field":         `{"id":1,"device":1,"op":"open","as":"root"}`,
		"unknown operation":     `{"id":9,"device":DEVICE,"op":"boot"}`,
		"negative length":       `{"id":9,"device":DEVICE,"op":"in","endpoint":133,"length":-1}`,
		"half a byte":           `{"id":9,"device":DEVICE,"op":"out","endpoint":4,"data":"0"}`,
		"too much data":         `{"id":9,"device":DEVICE,"op":"out","endpoint":4,"data":"` + strings.Repeat("00", maxTransfer+1) + `"}`,
		"endless message":       strings.Repeat(" ", maxRequest+1),
		"control without setup": `{"id":9,"device":DEVICE,"op":"control"}`,
		"short setup":           `{"id":9,"device":DEVICE,"op":"control","setup":"80"}`,
		"setup and other data":  `{"id":9,"device":DEVICE,"op":"control","setup":"0009010000000100"}`,
		"interface 300":         `{"id":9,"device":DEVICE,"op":"claim","interface":300}`,
		"no such interface":     `{"id":9,"device":DEVICE,"op":"claim","interface":7}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			p := b.dial()
			p.open()
			number, _ := json.Marshal(p.device)
			p.write(strings.ReplaceAll(message, "DEVICE", string(number)))
			_, _, err := p.socket.Read(p.ctx)
			require.Error(t, err)
			require.NoError(t, p.ctx.Err(), "the server must end it")
		})
	}
	t.Run("binary", func(t *testing.T) {
		p := newBench(t).dial()
		require.NoError(t, p.socket.Write(p.ctx, websocket.MessageBinary, []byte(`{}`)))
		_, _, err := p.socket.Read(p.ctx)
		require.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err))
	})
	t.Run("before open", func(t *testing.T) {
		p := newBench(t).dial()
		p.post(1, `"op":"claim","interface":0`)
		_, _, err := p.socket.Read(p.ctx)
		require.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err))
	})
	t.Run("too many reads", func(t *testing.T) {
		p := newBench(t).dial()
		p.open()
		for id := range uint32(maxPending + 1) {
			p.post(id, `"op":"in","endpoint":133,"length":64`)
		}
		var err error
		for err == nil { // the reads that were accepted end as cancelled first
			_, _, err = p.socket.Read(p.ctx)
		}
		require.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err))
	})
}

func TestForeignPagesAreRefused(t *testing.T) {
	b := newBench(t)
	address, err := url.Parse(b.http.URL)
	require.NoError(t, err)
	for _, test := range []struct {
		host, origin string
		want         int
	}{
		{"evil.example", "http://evil.example", http.StatusForbidden}, // DNS rebinding
		{"evil.example:" + address.Port(), "", http.StatusForbidden},
		{"", "https://evil.example", http.StatusForbidden},
		{"", "null", http.StatusForbidden},
		{"", "http://localhost.evil.example", http.StatusForbidden},
		{"", "http://localhost:3000", http.StatusSwitchingProtocols},
		{"localhost:" + address.Port(), "http://localhost:" + address.Port(), http.StatusSwitchingProtocols},
		{"", "", http.StatusSwitchingProtocols},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		header := http.Header{}
		if test.origin != "" {
			header.Set("Origin", test.origin)
		}
		socket, response, err := websocket.Dial(ctx, b.http.URL+"/sim/usb", &websocket.DialOptions{HTTPHeader: header, Host: test.host})
		require.NotNil(t, response, "%v", err)
		require.Equal(t, test.want, response.StatusCode, "%+v", test)
		if socket != nil {
			_ = socket.CloseNow()
		}
		cancel()
	}
}

func TestModule(t *testing.T) {
	get := func(host, origin string) *http.Response {
		r := httptest.NewRequest("GET", "http://"+host+"/sim/webusb.js", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		Module().ServeHTTP(w, r)
		return w.Result()
	}
	r := get("localhost:7380", "http://localhost:3000")
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Equal(t, "text/javascript; charset=utf-8", r.Header.Get("Content-Type"))
	require.Equal(t, "http://localhost:3000", r.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, http.StatusOK, get("127.0.0.1:7380", "").StatusCode)
	require.Equal(t, http.StatusForbidden, get("localhost:7380", "http://evil.example").StatusCode)
	require.Equal(t, http.StatusForbidden, get("evil.example", "").StatusCode)

	w := httptest.NewRecorder()
	Types().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost:7380/sim/webusb.d.ts", nil))
	require.Equal(t, "application/typescript; charset=utf-8", w.Header().Get("Content-Type"))
	exports := func(kind, text string) (names []string) {
		for _, found := range regexp.MustCompile(`(?m)^export `+kind+` (\w+)\(`).FindAllStringSubmatch(text, -1) {
			names = append(names, found[1])
		}
		return names
	}
	require.Equal(t, []string{"simulatedUSB", "simulatedCAs"}, exports("(?:async )?function", string(module)))
	require.Equal(t, 2, strings.Count(string(module), "\nexport "))
	require.Equal(t, exports("(?:async )?function", string(module)), exports("function", w.Body.String()), "webusb.d.ts has all exports")
}

// FuzzRequests sends messages to a tab. None may panic or hang, and the tab leaves nothing behind.
func FuzzRequests(f *testing.F) {
	f.Add(`{"id":1,"device":1,"op":"open"}` + "\n" + `{"id":2,"device":1,"op":"claim","interface":0}` + "\n" +
		`{"id":3,"device":1,"op":"in","endpoint":133,"length":64}` + "\n" + `{"id":4,"device":1,"op":"out","endpoint":4,"data":"00000000d1"}`)
	f.Add(`{"id":1,"device":1,"op":"open"}` + "\n" + `{"id":2,"device":1,"op":"control","setup":"8006000100001200"}` + "\n" +
		`{"id":3,"device":1,"op":"reset"}` + "\n" + `{"id":4,"device":1,"op":"halt","endpoint":133}` + "\n" + `{"id":5,"device":1,"op":"close"}`)
	f.Fuzz(func(t *testing.T, messages string) {
		port := usb.NewPort(usb.Identity{}, &idle{}, nil)
		s := New(port)
		tab, joined := s.join(func() {})
		require.True(t, joined)
		for _, m := range strings.Split(messages, "\n") {
			if err := tab.handle([]byte(m)); err != nil {
				require.ErrorIs(t, err, errMalformed)
				break
			}
		}
		s.leave(tab)
		s.running.Done()
		require.Zero(t, tab.count)
		require.Empty(t, tab.pending)
		require.Empty(t, s.claims)
		require.Empty(t, port.HeldBy())
	})
}
