package simtest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/serve"
	"imkey-connect/devicesim/usb"
)

// TestBadInputOnEveryPort sends random messages to all ports at once: right ones, mutated ones and noise. The simulator does not
// panic, hang or grow, and its devices can be paired afterwards.
//
// IMKEY_MESSAGES is the number of messages (10,000). IMKEY_SEED repeats a run with the same messages; the scheduler decides their
// order across ports.
func TestBadInputOnEveryPort(t *testing.T) {
	messages, seed := setting(t, "IMKEY_MESSAGES", 10_000), setting(t, "IMKEY_SEED", rand.Uint64())
	t.Logf("IMKEY_SEED=%d", seed)
	ports := []string{"USB/IP", "WebSocket", "control API"}
	options := serve.Options{USBIP: "127.0.0.1:0", Trace: 100}
	for range ports {
		options.Devices = append(options.Devices, device.Options{})
	}
	s, err := serve.Start(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	run := func(messages, seed uint64) {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute+time.Duration(messages)*time.Millisecond)
		defer stop()
		var running sync.WaitGroup
		for i, port := range ports {
			v := &vandal{t: t, ctx: ctx, sim: s, random: rand.New(rand.NewPCG(seed, uint64(i))), left: int(messages) / len(ports)}
			running.Go(func() {
				for v.left > 0 && ctx.Err() == nil {
					[]func(*vandal){(*vandal).usbip, (*vandal).websocket, (*vandal).control}[i](v)
				}
				if v.left > 0 {
					t.Errorf("%s hangs with %d messages to go", port, v.left)
				}
				if v.heard <= int(messages)/len(ports)/50-20 { // not for the short first run
					t.Errorf("%s: only %d of %d messages got somewhere", port, v.heard, int(messages)/len(ports))
				}
				t.Logf("%s: %d messages, %d of them answered as right ones are", port, int(messages)/len(ports), v.heard)
			})
		}
		running.Wait()
		http.DefaultClient.CloseIdleConnections()
	}
	run(min(1000, messages/4+1), seed) // allocates what is kept: tables, pools, full rings
	before := measure(t)
	began := time.Now()
	run(messages, seed+1)
	took := time.Since(began)
	after := measure(t)
	require.Eventually(t, func() bool { // goroutines end a moment after their connection
		after = measure(t)
		return after.goroutines <= before.goroutines+1 /* this one */ && after.files <= before.files
	}, 30*time.Second, 50*time.Millisecond, "left behind: %+v before, %+v after", &before, &after)
	require.Less(t, after.heap-before.heap, int64(2<<20), "%+v before, %+v after", before, after)
	t.Logf("%d messages in %v; before %+v, after %+v", messages, took.Round(time.Millisecond), before, after)
	for n := range ports {
		d := s.Device(n + 1)
		cleanUp(t, d)
		h := newHost(t, d)
		b, dev := h.connect(d)
		h.status(b)
		h.bind(b, d)
		require.NoError(t, dev.Close())
	}
}

func setting(t *testing.T, name string, usual uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// use is what the process uses.
type use struct {
	heap              int64
	goroutines, files int
}

func measure(t *testing.T) use {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Log("open files are not counted here:", err)
	}
	return use{heap(), runtime.NumGoroutine(), len(files)}
}

// cleanUp brings a device back into its first state.
func cleanUp(t *testing.T, d *device.Device) {
	d.Port().ClearFaults()
	d.Port().SetAccess(usb.Access{})
	d.SetConfirmBinding(false)
	require.NoError(t, d.Plug())
	require.NoError(t, d.SetBootLoader(false))
	for d.Status().Asking {
		require.NoError(t, d.Press(device.Cancel))
	}
	require.NoError(t, d.Reset())
}

// vandal is a client that sends bad input.
type vandal struct {
	t      *testing.T
	ctx    context.Context
	sim    *serve.Simulator
	random *rand.Rand
	left   int // messages
	heard  int // answers to right messages
}

func (v *vandal) one(of int) bool { return v.random.IntN(of) == 0 }

func pick[T any](v *vandal, of ...T) T { return of[v.random.IntN(len(of))] }

func (v *vandal) noise(most int) []byte {
	b := make([]byte, v.random.IntN(most+1))
	for i := range b {
		b[i] = byte(v.random.Uint32())
	}
	return b
}

// mutate changes a message at one to three places.
func (v *vandal) mutate(b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + v.random.IntN(3) {
		at := v.random.IntN(len(b) + 1)
		end := min(len(b), at+v.random.IntN(9))
		switch v.random.IntN(6) {
		case 0:
			if at < len(b) {
				b[at] ^= 1 << v.random.IntN(8)
			}
		case 1:
			if at < len(b) {
				b[at] = pick(v, byte(0), 0xFF, 0x80, 0x7F, '"', '{')
			}
		case 2:
			b = append(b[:at:at], b[end:]...)
		case 3:
			b = append(b[:end:end], b[at:]...)
		case 4:
			b = append(append(b[:at:at], v.noise(16)...), b[at:]...)
		case 5:
			b = b[:at]
		}
	}
	return b
}

// packet returns a packet for the OUT endpoint of the vendor interface.
func (v *vandal) packet() []byte {
	command := pick(v, "8071000041"+strings.Repeat("04", 65)+"00", "00a4040005695f696d6b", "80cb800005dfff028101", "8072000000",
		"00a4040005695f657468", "8053000010"+hex.EncodeToString([]byte("m/44'/60'/0'/0/0"))+"00", "805400800400000101", "ffffffff",
		"00a4040008695f6b315f74727800", "8081008036"+"0000"+"0120"+strings.Repeat("a5", 32)+"0210"+hex.EncodeToString([]byte("m/44'/60'/0'/0/0"))+"00",
		"00a4040008695f636f736d6f7300", "807100802b"+"0000"+"0120"+strings.Repeat("a5", 32)+"07000801310900"+"00",
		"00a4040005695f62746300", "8031408024"+strings.Repeat("a5", 36), "8031808004ffffffff", "80312080080010000000000000", "8031218001"+"00",
		"804b008045"+"0000"+"013f"+"0200000001"+"0000000001000000"+strings.Repeat("00", 16)+strings.Repeat("a5", 32)+"0000")
	message, _ := hex.DecodeString(command)
	if v.one(3) {
		message = v.mutate(message)
	}
	packets, err := frame.Split(message)
	switch {
	case err != nil || v.one(8):
		c := frame.Cancel()
		return c[:]
	case v.one(8):
		return v.noise(130)
	}
	p := pick(v, packets...)
	if v.one(4) {
		return v.mutate(p[:])
	}
	return p[:]
}

// dial connects. The connection ends at once when it is closed, so that it does not occupy a port of this machine.
func (v *vandal) dial(address string) net.Conn {
	c, err := (&net.Dialer{}).DialContext(v.ctx, "tcp", address)
	if err != nil {
		v.t.Error(err)
		v.left = 0
		return nil
	}
	_ = c.(*net.TCPConn).SetLinger(0)
	deadline, _ := v.ctx.Deadline()
	_ = c.SetDeadline(deadline)
	return c
}

// mend plugs a device in again every second time, because the vandal of the control API does not.
func (v *vandal) mend(device int) {
	if d := v.sim.Device(device); v.one(2) {
		d.Port().ClearFaults()
		d.Port().SetAccess(usb.Access{})
		_ = d.Plug() // fails only for a closed device
	}
}

// usbip is one connection to the USB/IP server.
func (v *vandal) usbip() {
	v.mend(1)
	c := v.dial(v.sim.USBIP())
	if c == nil {
		return
	}
	defer c.Close()
	hello := binary.BigEndian.AppendUint64(nil, pick[uint64](v, 0x0111800500000000, 0x0111800300000000))
	if hello[3] == 3 {
		hello = append(hello, make([]byte, 32)...)
		copy(hello[8:], pick(v, "1-1", "1-1", "1-1", "1-2", "1-9", "..", ""))
	}
	wrong := v.one(8)
	if wrong {
		hello = v.mutate(hello)
	}
	v.left--
	if _, err := c.Write(hello); err != nil {
		return
	}
	if !wrong && v.one(4) {
		_, _ = io.ReadFull(c, make([]byte, 8)) // reads an answer or the end of the connection
	}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		answers, _ := io.Copy(io.Discard, c)
		v.heard += int(answers) / 48
	}()
	for n := v.random.IntN(60); n > 0 && v.left > 0; n-- {
		v.left--
		command := v.usbipCommand(uint32(n))
		wrong := v.one(20)
		if wrong {
			command = v.mutate(command)
		}
		if _, err := c.Write(command); err != nil || wrong {
			break
		}
	}
	if v.one(2) {
		_ = c.(*net.TCPConn).CloseWrite() // and reads the rest
	} else {
		c.Close()
	}
	<-heard
}

func (v *vandal) usbipCommand(seq uint32) []byte {
	b := make([]byte, 48)
	word := func(at int, value uint32) { binary.BigEndian.PutUint32(b[at:], value) }
	word(4, seq)
	word(8, 1<<16|2)
	if v.one(4) {
		word(0, 2)
		word(20, seq+uint32(v.random.IntN(4)))
	} else {
		word(0, 1)
		in := v.random.IntN(2)
		word(12, uint32(in))
		word(16, pick[uint32](v, 0, 4, 5, 5, 1, 2, 15))
		word(20, pick[uint32](v, 0, 0, 1, 0x40, 0x200))
		binary.LittleEndian.PutUint64(b[40:], pick[uint64](v, 0x0012000001000680, 0x00FF000003000680, 0x0000000000010900, 0x0000000000000B01,
			0x0000000500000102, 0x0000000000030323, 0x00010000000069C3, v.random.Uint64()))
		if in == 1 {
			word(24, pick[uint32](v, 64, 0, 1, 4096, 1<<20))
		} else {
			data := v.packet()
			word(24, uint32(len(data)))
			b = append(b, data...)
		}
	}
	return b
}

// websocket is one connection to the WebSocket.
func (v *vandal) websocket() {
	if v.one(20) { // not the handshake of a WebSocket
		v.raw("GET /sim/usb?device=2 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85\x00\x00\x00\x00hello")
		return
	}
	v.mend(2)
	c, _, err := websocket.Dial(v.ctx, v.sim.URL()+"/sim/usb?device=2", &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		v.t.Error(err)
		v.left = 0
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	var first struct{ Device struct{ Device uint64 } }
	if _, text, err := c.Read(v.ctx); err == nil {
		_ = json.Unmarshal(text, &first)
	}
	const lastID = 4294967295
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for {
			_, text, err := c.Read(v.ctx)
			if err != nil {
				return
			}
			if !bytes.Contains(text, []byte(`"error"`)) {
				v.heard++
			}
			if bytes.HasPrefix(text, fmt.Appendf(nil, `{"id":%d`, lastID)) {
				return
			}
		}
	}()
	steps := pick(v, []string{"open", "claim"}, []string{"open", "claim"}, []string{"open"}, nil)
	for n := v.random.IntN(60); n > 0 && v.left > 0; n-- {
		v.left--
		op := pick(v, "in", "in", "out", "out", "control", "halt", "release", "claim", "open", "alternate", "reset", "close")
		if len(steps) > 0 {
			op, steps = steps[0], steps[1:]
		}
		message, kind := v.request(n, first.Device.Device, op), websocket.MessageText
		wrong := v.one(20) // a wrong message is the last one, because the server reads no more
		if wrong {
			message = pick(v, v.mutate(message), v.mutate(message), v.noise(200))
			kind = pick(v, kind, kind, websocket.MessageBinary)
		}
		if err := c.Write(v.ctx, kind, message); err != nil || wrong {
			break
		}
	}
	if v.one(2) { // reads until the answer to a right message or the end of the connection
		_ = c.Write(v.ctx, websocket.MessageText, fmt.Appendf(nil, `{"id":%d,"device":%d,"op":"open"}`, lastID, first.Device.Device))
		<-heard
	}
	c.CloseNow()
	<-heard
}

func (v *vandal) request(id int, device uint64, op string) []byte {
	r := map[string]any{"id": id, "device": device, "op": op}
	switch op {
	case "in":
		r["endpoint"], r["length"] = pick(v, 0x85, 0x85, 0x81, 5, 0), pick(v, 64, 64, 0, 1, 1<<16, 1<<30)
	case "out":
		r["endpoint"], r["data"] = pick(v, 4, 4, 1, 0x84), hex.EncodeToString(v.packet())
	case "control":
		var setup [8]byte
		binary.LittleEndian.PutUint64(setup[:], pick(v, 0x0012000001000680, 0x00FF000003000680, 0x0000000000010900, v.random.Uint64()|0x80))
		r["setup"] = hex.EncodeToString(setup[:])
	case "halt":
		r["endpoint"] = pick(v, 4, 0x85, 0, 200)
	}
	if v.one(40) {
		r[pick(v, "id", "device", "op", "endpoint", "length", "data", "setup", "more")] = pick[any](v, nil, -1, 1e300, "x", []int{}, true)
	}
	text, _ := json.Marshal(r)
	return text
}

// raw sends one mutated request on a new connection and reads the answer.
func (v *vandal) raw(request string) {
	v.left--
	address := strings.TrimPrefix(v.sim.URL(), "http://")
	c := v.dial(address)
	if c == nil {
		return
	}
	defer c.Close()
	if _, err := c.Write(v.mutate([]byte(request))); err != nil {
		return
	}
	_ = c.(*net.TCPConn).CloseWrite()
	reader := bufio.NewReader(c)
	if response, err := http.ReadResponse(reader, nil); err == nil {
		_ = response.Body.Close()
	}
}

// rightCalls are valid calls: method, path, body.
var rightCalls = [][3]string{
	{"GET", "device"}, {"GET", "identity"}, {"GET", "faults"}, {"GET", "trace"}, {"GET", "events"}, {"GET", "trace/events"}, {"GET", "replay"},
	{"POST", "device/press", `{"button":"ok"}`}, {"POST", "device/press", `{"button":"cancel","hold":true}`}, {"POST", "device/plug"},
	{"POST", "device/plug", "{}"}, {"POST", "device/unplug"}, {"POST", "device/powercut"}, {"POST", "device/reset"}, {"POST", "device/menu"},
	{"POST", "device/home"}, {"POST", "device/lock"}, {"POST", "device/pin", `{"pin":"123456"}`}, {"POST", "device/unlock", `{"pin":"123456"}`},
	{"POST", "device/battery", `{"percent":80}`}, {"POST", "device/wallet", `{"words":12}`}, {"POST", "device/wallet", `{"mnemonic":"` + testPhrase + `"}`},
	{"POST", "device/bootloader", `{"on":true}`}, {"POST", "device/bootloader", `{"on":false}`}, {"POST", "device/confirm", `{"binding":true}`},
	{"POST", "device/unbound", `{"allow":true}`}, {"POST", "device/applet", `{"name":"ethereum","installed":false}`},
	{"POST", "device/access", `{"denied":false,"claimed":true}`}, {"DELETE", "faults"},
	{"POST", "faults", `[{"on":"in","packet":1,"do":"delay","ms":600000,"count":1000000000}]`}, {"POST", "faults", `[{"on":"out","packet":3,"do":"powercut"}]`},
	{"POST", "faults", `[{"on":"in","packet":2,"do":"babble"},{"on":"out","packet":1,"do":"stall"}]`},
}

// control is one request to the control API.
func (v *vandal) control() {
	right := pick(v, rightCalls...)
	method, path, body := right[0], right[1], right[2]
	if v.one(2) { // mixes parts of different calls
		method = pick(v, "GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD")
		path = pick(v, path, pick(v, rightCalls...)[1], "nothing", "../../", "device//press")
		body = pick(v, pick(v, rightCalls...)[2], "null", "[]", strings.Repeat("[", 5000), `{"percent":1e999}`, strings.Repeat(" ", 70_000))
	}
	query := pick(v, "?device=3", "?device=3", "?device=3", "?device=3", "?device=3", "?device=3", "", "?device=2", "?device=4", "?device=-1",
		"?device=99999999999999999999", "?since=18446744073709551615", "?since=x")
	if v.one(5) {
		body = string(v.mutate([]byte(body)))
	}
	kind := "application/json"
	if v.one(5) {
		kind = pick(v, "text/plain", "", "application/x-www-form-urlencoded")
	}
	if v.one(10) {
		v.raw(fmt.Sprintf("%s /sim/v1/%s%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", method, path, query, kind, len(body), body))
		return
	}
	v.left--
	r, err := http.NewRequestWithContext(v.ctx, method, v.sim.URL()+"/sim/v1/"+path+query, strings.NewReader(body))
	if err != nil {
		v.t.Error(err)
		return
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Error(err)
		v.left = 0
		return
	}
	defer response.Body.Close()
	if response.StatusCode >= 500 {
		text, _ := io.ReadAll(response.Body)
		v.t.Errorf("%s %s%s %s: %d %s", method, path, query, body, response.StatusCode, text)
	}
	if response.StatusCode == http.StatusOK {
		v.heard++
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		_, _ = io.Copy(io.Discard, response.Body)
	}
}
