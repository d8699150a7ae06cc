package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/fakeca"
	"imkey-connect/devicesim/trace"
	"imkey-connect/devicesim/usb"
)

type bench struct {
	t       *testing.T
	devices []Simulated
	api     *API
	http    *httptest.Server
}

const phrase = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func newBench(t *testing.T, options ...device.Options) *bench {
	b := &bench{t: t}
	if options == nil {
		options = []device.Options{{Serial: "imKey01191200001"}}
	}
	for _, o := range options {
		log := trace.NewLog(0)
		recorder := trace.NewTracer(log)
		history := &History{}
		o.Screen, o.Shown, o.Tap = recorder.Screen, history.Screen, recorder.Tap
		o.Applets = applets.All()
		d, err := device.New(o)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		b.devices = append(b.devices, Simulated{Device: d, Trace: log, History: history})
	}
	b.api = New(b.devices)
	b.http = httptest.NewServer(b.api)
	t.Cleanup(b.http.Close)
	return b
}

// do makes a request as a program of this machine does.
func (b *bench) do(method, path, body string, header ...string) (int, map[string]any) {
	r, err := http.NewRequest(method, b.http.URL+Prefix+path, strings.NewReader(body))
	require.NoError(b.t, err)
	if method != "GET" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else if header[i+1] == "" {
			r.Header.Del(header[i])
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(b.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	require.Equal(b.t, "application/json", response.Header.Get("Content-Type"), "%s", text)
	require.Equal(b.t, "no-store", response.Header.Get("Cache-Control"))
	require.Equal(b.t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	var value map[string]any
	if strings.HasPrefix(string(text), "{") {
		require.NoError(b.t, json.Unmarshal(text, &value), "%s", text)
	} else {
		var list []any
		require.NoError(b.t, json.Unmarshal(text, &list), "%s", text)
		value = map[string]any{"list": list}
	}
	return response.StatusCode, value
}

func (b *bench) post(path, body string) map[string]any {
	status, value := b.do("POST", path, body)
	require.Equal(b.t, http.StatusOK, status, "%s: %v", path, value)
	return value
}

func (b *bench) refused(method, path, body string, status int, code string, header ...string) string {
	got, value := b.do(method, path, body, header...)
	require.Equal(b.t, status, got, "%s %s %s: %v", method, path, body, value)
	require.Len(b.t, value, 1)
	e := value["error"].(map[string]any)
	require.Equal(b.t, code, e["code"], "%v", e)
	require.NotEmpty(b.t, e["message"])
	if code == "invalid" || code == "conflict" {
		require.NotEmpty(b.t, e["reason"], "what the device itself refuses has a reason: %v", e)
	}
	return e["message"].(string)
}

func TestGetDevice(t *testing.T) {
	b := newBench(t)
	status, got := b.do("GET", "device", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "imKey01191200001", got["serial"])
	require.Len(t, got["seid"], 32)
	require.Len(t, got["ca"], 130)
	require.Len(t, got["screen"], 4)
	require.Equal(t, true, got["plugged"])
	require.Equal(t, false, got["locked"])
	require.Equal(t, false, got["wallet"])
	require.Equal(t, "none", got["binding"])
	require.Equal(t, float64(10), got["codeAttemptsLeft"])
	require.Contains(t, got, "pinAttemptsLeft")
	require.Equal(t, "", got["heldBy"])
}

// TestIdentityHasNoScreen checks that a page that pairs can identify the device, but gets the code only from the user.
func TestIdentityHasNoScreen(t *testing.T) {
	b := newBench(t)
	status, got := b.do("GET", "identity", "")
	require.Equal(t, http.StatusOK, status)
	require.Len(t, got["ca"], 130)
	require.Equal(t, []any{got["ca"]}, got["cas"])
	delete(got, "ca")
	delete(got, "cas")
	require.Equal(t, map[string]any{"serial": "imKey01191200001", "codeAttemptsLeft": float64(10)}, got)
}

// TestIdentityListsTheCAsOfAllDevices checks that a page knows the CA of each device of a simulator.
func TestIdentityListsTheCAsOfAllDevices(t *testing.T) {
	shared, err := fakeca.New(nil)
	require.NoError(t, err)
	b := newBench(t, device.Options{}, device.Options{CA: shared}, device.Options{CA: shared})
	_, first := b.do("GET", "identity", "")
	_, third := b.do("GET", "identity?device=3", "")
	require.NotEqual(t, first["ca"], third["ca"])
	require.Equal(t, []any{first["ca"], third["ca"]}, first["cas"])
	require.Equal(t, first["cas"], third["cas"])
}

func TestActions(t *testing.T) {
	b := newBench(t)
	require.Equal(t, false, b.post("device/unplug", `{}`)["plugged"])
	require.Empty(t, b.devices[0].Device.Status().Screen)
	require.Equal(t, true, b.post("device/plug", "")["plugged"])
	require.Equal(t, false, b.post("device/powercut", ` {} `)["plugged"])
	b.post("device/plug", `{}`)
	require.Equal(t, true, b.post("device/wallet", `{"mnemonic":"`+phrase+`"}`)["wallet"])
	require.Equal(t, float64(42), b.post("device/battery", `{"percent":42}`)["battery"])
	require.Equal(t, true, b.post("device/pin", `{"pin":"123456"}`)["pinSet"])
	require.Equal(t, true, b.post("device/lock", `{}`)["locked"])
	b.refused("POST", "device/unlock", `{"pin":"654321"}`, 409, "conflict")
	require.Equal(t, false, b.post("device/unlock", `{"pin":"123456"}`)["locked"])
	menu := b.post("device/menu", `{}`)["screen"]
	pressed := b.post("device/press", `{"button":"down"}`)["screen"]
	require.NotEqual(t, menu, pressed, "the button did something")
	require.NotEqual(t, menu, b.post("device/home", `{}`)["screen"])
	require.Equal(t, true, b.post("device/confirm", `{"binding":true}`)["confirmBinding"])
	require.Equal(t, true, b.post("device/unbound", `{"allow":true}`)["allowUnbound"])
	require.Equal(t, false, b.post("device/unbound", `{"allow":false}`)["allowUnbound"])
	applets := b.post("device/home", `{}`)["applets"].([]any)
	require.Contains(t, applets, "ethereum")
	others := slices.DeleteFunc(slices.Clone(applets), func(name any) bool { return name == "ethereum" })
	require.Equal(t, others, b.post("device/applet", `{"name":"ethereum","installed":false}`)["applets"])
	require.Equal(t, applets, b.post("device/applet", `{"name":"ethereum","installed":true}`)["applets"])
	require.NotContains(t, b.post("device/applet", `{"name":"bitcoin","installed":false,"version":"1.5.00"}`)["applets"], "bitcoin")
	require.Equal(t, applets, b.post("device/applet", `{"name":"bitcoin","version":"1.5.00"}`)["applets"])
	require.Equal(t, applets, b.post("device/applet", `{"name":"bitcoin","installed":true,"version":"1.6.11"}`)["applets"])
	require.Equal(t, true, b.post("device/bootloader", `{"on":true}`)["bootLoader"])
	require.Equal(t, false, b.post("device/bootloader", `{"on":false}`)["bootLoader"])
	require.Equal(t, map[string]any{"denied": true, "claimed": false}, b.post("device/access", `{"denied":true}`)["access"])
	require.Equal(t, false, b.post("device/reset", `{}`)["wallet"])
	b.post("device/press", `{"button":"ok","hold":true}`)
	b.post("device/wallet", `{"words":12}`)
}

func TestFaults(t *testing.T) {
	b := newBench(t)
	b.post("faults", `[{"on":"in","packet":3,"do":"short","bytes":5}]`)
	require.Equal(t, []usb.Fault{{On: "in", Packet: 3, Do: usb.DoShort, Bytes: 5}}, b.devices[0].Device.Port().Faults())
	_, got := b.do("GET", "faults", "")
	require.Equal(t, []any{map[string]any{"on": "in", "packet": 3.0, "do": "short", "bytes": 5.0}}, got["list"])
	require.Contains(t, b.refused("POST", "faults", `[{"on":"up","packet":1,"do":"stall"}]`, 400, "invalid"), "on")
	require.Len(t, b.devices[0].Device.Port().Faults(), 1, "a refused list changes nothing")
	status, _ := b.do("DELETE", "faults", "")
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, b.devices[0].Device.Port().Faults())
	_, got = b.do("GET", "faults", "")
	require.Equal(t, []any{}, got["list"])
}

func TestBadRequests(t *testing.T) {
	b := newBench(t)
	for _, test := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "device/press", `{"button":"power"}`, 400, "invalid"},
		{"POST", "device/press", `{}`, 400, "invalid"},
		{"POST", "device/press", ``, 400, "invalid"},
		{"POST", "device/press", `{"button":"ok","times":3}`, 400, "bad-request"},
		{"POST", "device/press", `{"button":7}`, 400, "bad-request"},
		{"POST", "device/press", `{"button":"ok"} {}`, 400, "bad-request"},
		{"POST", "device/press", `"ok"`, 400, "bad-request"},
		{"POST", "device/press", `null`, 400, "bad-request"},
		{"POST", "device/press", `{"button":`, 400, "bad-request"},
		{"POST", "device/plug", `{"hard":true}`, 400, "bad-request"},
		{"POST", "device/pin", `{"pin":"12"}`, 400, "invalid"},
		{"POST", "device/pin", `{"pin":123456}`, 400, "bad-request"},
		{"POST", "device/lock", `{}`, 409, "conflict"},
		{"POST", "device/unlock", `{"pin":"123456"}`, 409, "conflict"},
		{"POST", "device/battery", `{}`, 400, "bad-request"},
		{"POST", "device/battery", `{"percent":101}`, 400, "invalid"},
		{"POST", "device/battery", `{"percent":1e99}`, 400, "bad-request"},
		{"POST", "device/wallet", `{}`, 400, "bad-request"},
		{"POST", "device/wallet", `{"words":12,"mnemonic":""}`, 400, "bad-request"},
		{"POST", "device/wallet", `{"words":13}`, 400, "invalid"},
		{"POST", "device/wallet", `{"mnemonic":"abandon ability"}`, 400, "invalid"},
		{"POST", "device/bootloader", `{}`, 400, "bad-request"},
		{"POST", "device/confirm", `{}`, 400, "bad-request"},
		{"POST", "device/unbound", `{}`, 400, "bad-request"},
		{"POST", "device/applet", `{"name":"ethereum"}`, 400, "bad-request"},
		{"POST", "device/applet", `{"name":"ethereum","version":"1.0.00"}`, 400, "invalid"},
		{"POST", "device/applet", `{"name":"bitcoin","version":"new"}`, 400, "invalid"},
		{"POST", "device/applet", `{"name":"","version":"1.5.00"}`, 400, "invalid"},
		{"POST", "device/applet", `{"name":"imk","installed":false}`, 400, "invalid"},
		{"POST", "faults", `{}`, 400, "invalid"},
		{"POST", "faults", ``, 400, "invalid"},
		{"POST", "faults", `[{"on":"in","packet":0,"do":"stall"}]`, 400, "invalid"},
		{"POST", "device/press", strings.Repeat(" ", maxBody+1), 413, "too-large"},
		{"GET", "device/press", ``, 405, "method-not-allowed"},
		{"POST", "device", `{}`, 405, "method-not-allowed"},
		{"DELETE", "trace", ``, 405, "method-not-allowed"},
		{"PUT", "faults", `[]`, 405, "method-not-allowed"},
		{"GET", "devices", ``, 404, "not-found"},
		{"POST", "device/explode", `{}`, 404, "not-found"},
		{"GET", "", ``, 404, "not-found"},
		{"GET", "device?device=0", ``, 404, "not-found"},
		{"GET", "device?device=2", ``, 404, "not-found"},
		{"GET", "device?device=x", ``, 404, "not-found"},
		{"GET", "device?device=", ``, 404, "not-found"},
		{"GET", "device?device=1&device=1", ``, 404, "not-found"},
		{"GET", "trace?since=x", ``, 400, "bad-request"},
		{"GET", "trace/events?since=-1", ``, 400, "bad-request"},
	} {
		b.refused(test.method, test.path, test.body, test.status, test.code)
	}
	b.post("device/unplug", `{}`)
	b.refused("POST", "device/press", `{"button":"ok"}`, 409, "conflict")
}

// TestForeignRequests tries what a page of another origin can make a browser send.
func TestForeignRequests(t *testing.T) {
	b := newBench(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(b.http.URL, "http://"), ":")
	before := b.devices[0].Device.Status()
	for name, header := range map[string][]string{
		"DNS rebinding":                  {"Host", "evil.example:" + port, "Origin", "http://evil.example:" + port, "Sec-Fetch-Site", "same-origin"},
		"DNS rebinding without headers":  {"Host", "evil.example"},
		"DNS rebinding by a wildcard":    {"Host", "127.0.0.1.nip.example:" + port},
		"cross-site":                     {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		"cross-site by an image or link": {"Sec-Fetch-Site", "cross-site"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"device", "identity", "events", "trace", "trace/events", "faults", "nowhere"} {
				b.refused("GET", path, "", 403, "forbidden", header...)
			}
			b.refused("POST", "device/unplug", "{}", 403, "forbidden", header...)
			b.refused("DELETE", "faults", "", 403, "forbidden", header...)
		})
	}
	for name, header := range map[string][]string{
		"foreign origin":        {"Origin", "https://evil.example"},
		"opaque origin":         {"Origin", "null"},
		"another port":          {"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"},
		"another loopback name": {"Origin", "http://localhost:" + port},
		"a longer name":         {"Origin", "http://127.0.0.1:" + port + ".evil.example"},
		"another scheme":        {"Origin", "https://127.0.0.1:" + port},
		"extension":             {"Origin", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"},
	} {
		t.Run(name, func(t *testing.T) {
			b.refused("POST", "device/unplug", "{}", 403, "forbidden", header...)
			b.refused("DELETE", "faults", "", 403, "forbidden", header...)
		})
	}
	// The requests of HTML forms, which need no preflight, are refused even without an origin.
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json2", "text/json"} {
		b.refused("POST", "device/unplug", "{}", 415, "media-type", "Content-Type", kind)
		b.refused("DELETE", "faults", "", 415, "media-type", "Content-Type", kind)
	}
	require.Equal(t, before, b.devices[0].Device.Status(), "no request has changed the device")

	// The simulator's own pages and programs are allowed.
	for _, header := range [][]string{
		{"Origin", "http://127.0.0.1:" + port, "Sec-Fetch-Site", "same-origin"},
		{"Host", "localhost:" + port, "Origin", "http://localhost:" + port, "Content-Type", "application/json; charset=utf-8"},
		{"Host", "[::1]:" + port},
		{"Sec-Fetch-Site", "none"},
	} {
		status, _ := b.do("POST", "device/home", "{}", header...)
		require.Equal(t, http.StatusOK, status, "%v", header)
	}
}

// TestNoCORS checks that no answer lets another origin read an answer or send a request.
func TestNoCORS(t *testing.T) {
	b := newBench(t)
	r := httptest.NewRequest("OPTIONS", "http://127.0.0.1:7380/sim/v1/device/press", nil)
	r.Header.Set("Origin", "http://evil.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, r)
	require.Equal(t, http.StatusForbidden, w.Code)
	for name := range w.Header() {
		require.NotContains(t, name, "Access-Control")
	}
}

// TestOnlyIdentityIsShared checks that a page on another port of this computer can read the identity and nothing else, and that
// a page of another site cannot read it.
func TestOnlyIdentityIsShared(t *testing.T) {
	b := newBench(t)
	ask := func(method, path, origin string, more ...string) *httptest.ResponseRecorder {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // ends the streams after their headers
		r := httptest.NewRequest(method, "http://127.0.0.1:7380"+Prefix+path, nil).WithContext(ctx)
		r.Header.Set("Origin", origin)
		for i := 0; i < len(more); i += 2 {
			r.Header.Set(more[i], more[i+1])
		}
		w := httptest.NewRecorder()
		b.api.ServeHTTP(w, r)
		return w
	}
	const local = "http://127.0.0.1:5173"
	asked := 0
	for _, call := range append(b.api.calls, "GET nowhere") {
		method, path, _ := strings.Cut(call, " ")
		for _, method := range []string{method, "OPTIONS"} {
			want := ""
			if method+" "+path == "GET identity" {
				want = local
			}
			answer := ask(method, path, local, "Access-Control-Request-Method", "POST", "Content-Type", "application/json").Header()
			require.Equal(t, want, answer.Get("Access-Control-Allow-Origin"), "%s %s", method, path)
			require.Empty(t, answer.Get("Access-Control-Allow-Methods"), "%s %s", method, path)
			require.Empty(t, answer.Get("Access-Control-Allow-Headers"), "%s %s", method, path)
			require.Empty(t, answer.Get("Access-Control-Allow-Credentials"), "%s %s", method, path)
			asked++
		}
	}
	require.Greater(t, asked, 40)
	require.Equal(t, []string{"Origin"}, ask("GET", "identity", local).Header().Values("Vary"))
	for _, origin := range []string{"https://evil.example", "http://127.0.0.1.evil.example", "null", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"} {
		require.Empty(t, ask("GET", "identity", origin).Header().Get("Access-Control-Allow-Origin"), origin)
	}
	crossSite := ask("GET", "identity", "http://localhost:5173", "Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, crossSite.Code)
	require.Empty(t, crossSite.Header().Get("Access-Control-Allow-Origin"))
}

func TestSeveralDevices(t *testing.T) {
	b := newBench(t, device.Options{Serial: "imKey01191200001"}, device.Options{Serial: "imKey01191200002"})
	_, second := b.do("GET", "device?device=2", "")
	require.Equal(t, "imKey01191200002", second["serial"])
	require.Equal(t, false, b.post("device/unplug?device=2", `{}`)["plugged"])
	_, first := b.do("GET", "device", "")
	require.Equal(t, true, first["plugged"])
}

// stream reads server-sent events.
func (b *bench) stream(path string) func() map[string]any {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", b.http.URL+Prefix+path, nil)
	require.NoError(b.t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { response.Body.Close() })
	require.Equal(b.t, "text/event-stream", response.Header.Get("Content-Type"))
	lines := bufio.NewScanner(response.Body)
	return func() map[string]any {
		require.True(b.t, lines.Scan(), "%v", lines.Err())
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		require.True(b.t, ok, "%q", lines.Text())
		require.True(b.t, lines.Scan())
		require.Empty(b.t, lines.Text())
		var value map[string]any
		require.NoError(b.t, json.Unmarshal([]byte(text), &value))
		return value
	}
}

func TestEvents(t *testing.T) {
	b := newBench(t)
	next := b.stream("events")
	_, now := b.do("GET", "device", "")
	require.Equal(t, now, next(), "one at once, the same object")
	until := func(what string, ok func(map[string]any) bool) {
		for {
			if ok(next()) {
				return
			}
		}
	}
	b.post("device/battery", `{"percent":7}`)
	until("battery", func(s map[string]any) bool { return s["battery"] == 7.0 })
	b.post("device/unplug", `{}`)
	until("unplugged", func(s map[string]any) bool { return s["plugged"] == false && len(s["screen"].([]any)) == 0 })
	b.post("device/plug", `{}`)
	until("plugged", func(s map[string]any) bool { return s["plugged"] == true && len(s["screen"].([]any)) == 4 })
	host, err := b.devices[0].Device.Port().Attach("a test")
	require.NoError(t, err)
	until("held", func(s map[string]any) bool { return s["heldBy"] == "a test" })
	require.NoError(t, host.Close())
	until("released", func(s map[string]any) bool { return s["heldBy"] == "" })
}

func TestTrace(t *testing.T) {
	b := newBench(t)
	log := b.devices[0].Trace
	live := b.stream("trace/events?since=1")
	log.Add(trace.Event{Kind: trace.KindPlug, Text: "first"})
	log.Add(trace.Event{Kind: trace.KindAPDU, Dir: trace.In, Hex: "aa9000", Text: "BIND_CHECK → bound elsewhere"})
	event := live()
	require.Equal(t, "BIND_CHECK → bound elsewhere", event["text"])
	require.Equal(t, 2.0, event["n"])

	response, err := http.Get(b.http.URL + Prefix + "trace")
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, "application/x-ndjson", response.Header.Get("Content-Type"))
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	require.Len(t, lines, 2)
	var e trace.Event
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &e))
	require.Equal(t, trace.Event{N: 2, Time: e.Time, Kind: "apdu", Dir: "in", Hex: "aa9000", Text: "BIND_CHECK → bound elsewhere"}, e)
	require.NotEmpty(t, e.Time)
}

// times matches what may have any digits.
var times = regexp.MustCompile(`"time":"[^"]*"`)

// TestHistory: a history has each screen once, and each action of the user before the screens that it shows, without a PIN or words.
func TestHistory(t *testing.T) {
	b := newBench(t)
	get := func() (moments []Moment, text string) {
		response, err := http.Get(b.http.URL + Prefix + "history")
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, "application/x-ndjson", response.Header.Get("Content-Type"))
		all, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		for line := range strings.Lines(string(all)) {
			var m Moment
			require.NoError(t, json.Unmarshal([]byte(line), &m), line)
			require.NotEmpty(t, m.Time)
			moments = append(moments, m)
		}
		return moments, string(all)
	}
	moments, _ := get()
	require.Empty(t, moments)

	b.post("device/wallet", `{"mnemonic":"`+phrase+`"}`)
	b.post("device/pin", `{"pin":"9753"}`)
	b.post("device/press", `{"button":"down"}`)
	b.post("device/press", `{"button":"cancel","hold":true}`)
	b.post("faults", `[{"on":"in","packet":3,"do":"stall"}]`)
	b.do("POST", "device/press", `{"button":"none"}`) // refused
	b.do("DELETE", "faults", "")
	b.post("device/unplug", `{}`)
	moments, text := get()
	var got []string
	for i, m := range moments {
		if i > 0 {
			require.False(t, m.Time.Before(moments[i-1].Time))
		}
		switch m.Kind {
		case MomentScreen:
			got = append(got, strings.TrimRight("screen "+strings.Join(m.Screen, "|"), "| "))
		case MomentUser:
			got = append(got, strings.TrimRight("user "+m.Action+" "+string(m.Button), " "))
			require.Equal(t, m.Button == device.Cancel, m.Hold)
		case MomentFaults:
			got = append(got, fmt.Sprint("faults ", len(m.Faults)))
		}
	}
	require.Equal(t, []string{"user wallet", "screen imKey|imKey01191200001|Ready|Battery 100%", "user pin", "user press down"}, got[:4])
	require.Regexp(t, "^screen (Menu|>)", got[4])
	require.Equal(t, []string{"faults 1", "faults 0", "user unplug", "screen"}, got[len(got)-4:])
	require.NotContains(t, text, "abandon")
	require.NotContains(t, times.ReplaceAllString(text, ""), "9753") // the PIN
	require.NotContains(t, text, "none")

	for range 3 * maxMoments {
		b.devices[0].History.Faults(time.Now(), nil)
	}
	require.LessOrEqual(t, len(b.devices[0].History.Moments()), maxMoments)
}

// TestHistoryHidesPIN: while a PIN is typed with the buttons, to set it, to change it or to unlock, a history has the title of the screen alone,
// and no press.
func TestHistoryHidesPIN(t *testing.T) {
	b := newBench(t)
	d := b.devices[0].Device
	moments := func() []Moment { return b.devices[0].History.Moments() }
	press := func(button device.Button, hold bool) {
		b.post("device/press", fmt.Sprintf(`{"button":%q,"hold":%t}`, button, hold))
	}
	open := func(item string) {
		b.post("device/menu", `{}`)
		for range 20 {
			if slices.Contains(d.Status().Screen, "> "+item) {
				press(device.OK, false)
				return
			}
			press(device.Down, false)
		}
		require.Fail(t, "no such item", "%s: %q", item, d.Status().Screen)
	}
	enter := func(pin string) {
		for _, digit := range pin {
			for range digit - '0' {
				press(device.Up, false)
			}
			press(device.OK, false)
		}
		press(device.Cancel, false)
		press(device.Up, false)
		press(device.OK, false)
		press(device.OK, true)
	}
	b.post("device/wallet", `{"mnemonic":"`+phrase+`"}`)
	steps := []struct {
		titles []string
		begin  func()
	}{
		{[]string{"New PIN", "Again"}, func() { open("Set a PIN") }},
		{[]string{"Enter PIN"}, func() { b.post("device/lock", `{}`) }},
		{[]string{"New PIN", "Again"}, func() { open("Change PIN") }},
	}
	shown := 0
	for _, step := range steps {
		step.begin()
		require.Equal(t, device.ShowsPIN, d.Status().Showing)
		before := len(moments())
		for range step.titles {
			enter("9753")
		}
		require.NotEqual(t, device.ShowsPIN, d.Status().Showing, "%q", d.Status().Screen)
		require.False(t, d.Status().Locked)
		require.Equal(t, []string{step.titles[0]}, moments()[before-1].Screen)
		var titles []string
		for _, m := range moments()[before-1:] {
			require.Equal(t, MomentScreen, m.Kind, "%+v", m)
			if len(m.Screen) == 1 {
				titles = append(titles, m.Screen[0])
			}
		}
		require.Equal(t, step.titles, titles)
		var captions int
		for _, e := range b.devices[0].Trace.Events(0) {
			if e.Kind == trace.KindScreen && e.Text == "PIN entry" {
				captions++
			}
		}
		shown += len(step.titles)
		require.Equal(t, shown, captions, "the trace has a caption for each entry, and not for each press")
		b.post("device/home", `{}`)
	}
	text, err := json.Marshal(moments())
	require.NoError(t, err)
	require.NotContains(t, string(text), "*")
	require.NotRegexp(t, `< \d >|\\u003c`, string(text))

	press(device.Down, false)
	require.True(t, slices.ContainsFunc(moments()[len(moments())-2:], func(m Moment) bool { return m.Button == device.Down }), "a press elsewhere")
}

func TestStreamsEndWithTheServer(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"events", "trace/events"} {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		r := httptest.NewRequest("GET", "http://localhost"+Prefix+path, nil).WithContext(ctx)
		go func() {
			b.api.ServeHTTP(httptest.NewRecorder(), r)
			close(done)
		}()
		cancel()
		<-done
	}
}

func FuzzBodies(f *testing.F) {
	f.Add("device/press", `{"button":"ok"}`)
	f.Add("device/wallet", `{"words":12}`)
	f.Add("device/pin", `{"pin":"123456"}`)
	f.Add("faults", `[{"on":"in","packet":3,"do":"corrupt","bytes":5,"hex":"00ff"}]`)
	f.Add("device/unlock?device=1", `{"pin":""}`)
	d, err := device.New(device.Options{Applets: applets.All()})
	require.NoError(f, err)
	api := New([]Simulated{{Device: d, Trace: trace.NewLog(0)}})
	f.Fuzz(func(t *testing.T, path, body string) {
		if strings.ContainsAny(path, " \x00\r\n#%") || strings.HasPrefix(path, "/") {
			return
		}
		r, err := http.NewRequest("POST", "http://localhost"+Prefix+path, strings.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code == http.StatusTemporaryRedirect || w.Code == http.StatusMovedPermanently {
			return // the server redirects to the clean path
		}
		require.Less(t, w.Code, 500, "%s", w.Body)
		require.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
	})
}
