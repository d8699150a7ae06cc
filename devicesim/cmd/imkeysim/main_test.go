package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/version"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/serve"
	"imkey-connect/web"
)

// TestMain runs the command if a test has started the test binary as the command.
func TestMain(m *testing.M) {
	if os.Getenv("IMKEYSIM_AS_COMMAND") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

const deadline = 60 * time.Second

// command is imkeysim in another process.
type command struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	log   string // the file with its standard error
}

// stderr returns its standard error so far.
func (c *command) stderr() string {
	text, err := os.ReadFile(c.log)
	require.NoError(c.t, err)
	return string(text)
}

func startCommand(t *testing.T, args ...string) *command {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	c := &command{t: t, cmd: exec.CommandContext(ctx, os.Args[0], args...)}
	c.cmd.Env = append(os.Environ(), "IMKEYSIM_AS_COMMAND=1")
	log, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer log.Close()
	c.cmd.Stderr, c.log = log, log.Name()
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.lines = bufio.NewScanner(out)
	require.NoError(t, c.cmd.Start())
	return c
}

func (c *command) line() string {
	if !c.lines.Scan() {
		require.FailNow(c.t, "no more lines", c.stderr())
	}
	return c.lines.Text()
}

// stop sends a signal, waits until the process has ended by itself, and returns the rest of its output.
func (c *command) stop(signal os.Signal) []string {
	require.NoError(c.t, c.cmd.Process.Signal(signal))
	var rest []string
	for c.lines.Scan() {
		rest = append(rest, c.lines.Text())
	}
	require.NoError(c.t, c.cmd.Wait(), "%s", c.stderr())
	return rest
}

func get(t *testing.T, url string) map[string]any {
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	var value map[string]any
	require.NoError(t, json.NewDecoder(response.Body).Decode(&value))
	return value
}

func post(t *testing.T, url, body string) {
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", text)
}

func TestLinesAndStop(t *testing.T) {
	for name, signal := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			c := startCommand(t, "-addr", "127.0.0.1:0", "-usbip", "127.0.0.1:0", "-devices", "2", "-serial", "imKey01191200009")
			origin := c.line()
			require.Regexp(t, `^http://127\.0\.0\.1:[1-9][0-9]*$`, origin)
			first := c.line()
			require.Regexp(t, `^usbip 127\.0\.0\.1:[1-9][0-9]* 1-1$`, first)
			require.Equal(t, strings.TrimSuffix(first, "1")+"2", c.line())

			// The device is new, plugged in, unlocked and without a PIN. All listeners are open.
			device := get(t, origin+"/sim/v1/device?device=2")
			require.Equal(t, "imKey01191200010", device["serial"])
			require.Equal(t, true, device["plugged"])
			require.Equal(t, false, device["locked"])
			require.Equal(t, false, device["wallet"])
			usbip, err := net.Dial("tcp", strings.Fields(first)[1])
			require.NoError(t, err)
			defer usbip.Close()

			// A client of a stream does not prevent the stop.
			events, err := http.Get(origin + "/sim/v1/events")
			require.NoError(t, err)
			defer events.Body.Close()
			require.Empty(t, c.stop(signal), "nothing else is printed")
			if web.Dist == nil {
				require.Equal(t, web.NotBuilt, c.stderr())
			} else {
				require.Empty(t, c.stderr())
			}
			_, err = net.Dial("tcp", strings.TrimPrefix(origin, "http://"))
			require.Error(t, err, "the listeners are closed")
		})
	}
}

func TestPages(t *testing.T) {
	c := startCommand(t, "-addr", "localhost:0", "-pages", "-devices", "2")
	origin := c.line()
	require.Regexp(t, `^http://localhost:[1-9][0-9]*$`, origin, "one host on all lines")
	pages := append([]string{c.line()}, c.stop(os.Interrupt)...)
	port := origin[strings.LastIndex(origin, ":"):]
	require.Equal(t, "http://localhost"+port+"/", pages[0])
	for _, page := range pages[1:] {
		require.Regexp(t, `^http://localhost`+port+`/([a-z]+|device\?device=2)$`, page)
	}
	device := "http://localhost" + port + "/device"
	require.Equal(t, slices.Contains(pages, device), slices.Contains(pages, device+"?device=2"), "a page for each device")

	// Without -pages, line 1 has the IP address, even if -addr has a name.
	c = startCommand(t, "-addr", "localhost:0")
	require.Regexp(t, `^http://(127\.0\.0\.1|\[::1\]):[1-9][0-9]*$`, c.line())
	require.Empty(t, c.stop(os.Interrupt))
	c = startCommand(t, "-addr", "127.0.0.1:0", "-pages")
	require.Regexp(t, `^http://127\.0\.0\.1:`, c.line())
	for _, page := range c.stop(os.Interrupt) {
		require.Regexp(t, `^http://127\.0\.0\.1:`, page)
	}

	require.Equal(t, []string{"/"}, pagesOf())
	require.Equal(t, []string{"/", "/dapp", "/device"}, pagesOf("index.html", "device.html", "device.html.br", "dapp.html", "imkey.js"))
}

func pagesOf(names ...string) []string {
	if names == nil {
		return pages(nil)
	}
	dist := fstest.MapFS{}
	for _, name := range names {
		dist[name] = &fstest.MapFile{}
	}
	return pages(dist)
}

// TestStateSurvives checks that each of several devices keeps its state in its own file.
func TestStateSurvives(t *testing.T) {
	const phrase = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	state := filepath.Join(t.TempDir(), "device.json")
	args := []string{"-addr", "127.0.0.1:0", "-state", state, "-devices", "3"}
	all := func(origin string) (devices []map[string]any) {
		for n := range 3 {
			devices = append(devices, get(t, fmt.Sprintf("%s/sim/v1/device?device=%d", origin, n+1)))
		}
		return devices
	}
	c := startCommand(t, args...)
	origin := c.line()
	post(t, origin+"/sim/v1/device/battery?device=1", `{"percent":33}`)
	post(t, origin+"/sim/v1/device/pin?device=2", `{"pin":"123456"}`)
	post(t, origin+"/sim/v1/device/wallet?device=3", `{"mnemonic":"`+phrase+`"}`)
	before := all(origin)
	c.stop(syscall.SIGTERM)

	c = startCommand(t, args...)
	after := all(c.line())
	c.stop(os.Interrupt)
	for n, want := range []struct {
		battery        float64
		locked, wallet bool
	}{{33, false, false}, {100, true, false}, {100, false, true}} {
		require.Equal(t, want.battery, after[n]["battery"])
		require.Equal(t, want.locked, after[n]["locked"])
		require.Equal(t, want.wallet, after[n]["wallet"])
		for _, own := range []string{"serial", "seid", "ca"} {
			require.Equal(t, before[n][own], after[n][own])
			require.NotEqual(t, after[n][own], after[(n+1)%3][own])
		}
	}
	for _, file := range []string{state, state + ".2", state + ".3"} {
		require.FileExists(t, file)
	}

	// With the file of the second device in the place of the first, the first device is the second one.
	require.NoError(t, os.Rename(state+".2", state))
	c = startCommand(t, "-addr", "127.0.0.1:0", "-state", state)
	require.Equal(t, after[1]["serial"], get(t, c.line()+"/sim/v1/device")["serial"])
	c.stop(os.Interrupt)
}

func TestSeed(t *testing.T) {
	keys := func(seed string) []any {
		c := startCommand(t, "-addr", "127.0.0.1:0", "-seed", seed, "-devices", "2")
		origin := c.line()
		first, second := get(t, origin+"/sim/v1/device"), get(t, origin+"/sim/v1/device?device=2")
		c.stop(os.Interrupt)
		require.Contains(t, c.stderr(), "WARNING")
		require.Contains(t, c.stderr(), "predictable")
		require.NotEqual(t, first["seid"], second["seid"])
		return []any{first["serial"], first["seid"], first["ca"], second["ca"]}
	}
	once := keys("7")
	require.Equal(t, once, keys("7"))
	require.NotEqual(t, once, keys("8"))
}

func TestWalletPINAndFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.json")
	require.NoError(t, os.WriteFile(file, []byte(`[{"on":"out","packet":2,"do":"drop"}]`), 0o600))
	for _, fault := range []string{file, `[{"on":"out","packet":2,"do":"drop"}]`} {
		c := startCommand(t, "-addr", "127.0.0.1:0", "-pin", "123456", "-unbound", "-confirm-binding", "-fault", fault, "-seid", "18000000000000000000000000000001", "-mnemonic",
			"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
		origin := c.line()
		device := get(t, origin+"/sim/v1/device")
		require.Equal(t, true, device["locked"])
		require.Equal(t, true, device["wallet"])
		require.Equal(t, "18000000000000000000000000000001", device["seid"])
		require.Equal(t, []any{true, true}, []any{device["allowUnbound"], device["confirmBinding"]})
		response, err := http.Get(origin + "/sim/v1/faults")
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.JSONEq(t, `[{"on":"out","packet":2,"do":"drop"}]`, string(text))
		c.stop(os.Interrupt)
	}
}

func TestWrongUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, test := range []struct {
		code int
		says string
		args []string
	}{
		{2, "imkeysim: flag provided but not defined: -frob (imkeysim -h lists the flags)\n", []string{"-frob"}},
		{2, "imkeysim chromium: flag provided but not defined: -frob (imkeysim chromium -h lists the flags)\n", []string{"chromium", "-frob"}},
		{2, "devices", []string{"-devices", "0"}},
		{2, "devices", []string{"-devices", "10001"}},
		{2, "approve", []string{"-approve", "maybe"}},
		{2, `-addr must be host:port, such as localhost:7381, not "18391"`, []string{"-addr", "18391"}},
		{2, "-usbip", []string{"-usbip", "everywhere"}},
		{2, "seed", []string{"-seed", "x"}},
		{2, "-fault", []string{"-fault", "/does/not/exist.json"}},
		{2, "do", []string{"-fault", `[{"on":"in","packet":1,"do":"melt"}]`}},
		{2, "-serial", []string{"-devices", "2", "-serial", "imKey"}},
		{2, "-serial", []string{"-devices", "11", "-serial", "imKeyA0"}},
		{2, "-seid", []string{"-devices", "2", "-seid", strings.Repeat("F", 32)}},
		{2, "unexpected argument", []string{"serve"}},
		{2, "imkeysim chromium [flags] http://localhost:5173 ", []string{"http://localhost:5173"}},
		{2, "chromium goes before the flags", []string{"-devices", "2", "chromium"}},
		{2, "flags go before the URL, and so does -headless", []string{"chromium", "http://localhost/", "-headless"}},
		{2, "not the URL", []string{"chromium", "-headless", "about:blank"}},
		{2, "one URL", []string{"chromium", "-headless", "http://localhost/", "http://localhost/"}},
		{2, "imkeysim: -mnemonic: a mnemonic has 12 or 24 words (", []string{"-addr", "127.0.0.1:0", "-mnemonic", "abandon able"}},
		{2, "-mnemonic: not a valid mnemonic", []string{"-addr", "127.0.0.1:0", "-mnemonic", strings.Repeat("abandon ", 12)}},
		{2, "imkeysim: -mnemonic needs quotes around all its words (", []string{"-mnemonic", "abandon", "able"}},
		{2, "-mnemonic needs quotes around all its words", []string{"chromium", "-headless", "-mnemonic", "abandon", "able"}},
		{2, "imkeysim: -pin: a PIN has 4 to 12 digits (", []string{"-addr", "127.0.0.1:0", "-pin", "12"}},
		{2, "imkeysim: -seid: 32 hex digits are needed (", []string{"-addr", "127.0.0.1:0", "-seid", "19"}},
		{1, "imkeysim: -state: /does/not/exist/state.json: cannot be written: ", []string{"-addr", "127.0.0.1:0", "-state", "/does/not/exist/state.json"}},
		{1, "-addr and -usbip choose another", []string{"-addr", taken.Addr().String()}},
		{1, "; with make it is make run ADDR=localhost:7381\n", []string{"-addr", taken.Addr().String(), "-pages"}},
		{1, "in use", []string{"-addr", "127.0.0.1:0", "-usbip", taken.Addr().String()}},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, test.code, run(t.Context(), test.args, &stdout, &stderr), "%q: %s", test.args, &stderr)
		require.Empty(t, stdout.String(), "%q", test.args)
		require.Contains(t, stderr.String(), test.says, "%q", test.args)
		require.NotContains(t, stderr.String(), "able", "%q: a word of the mnemonic", test.args)
		require.NotContains(t, stderr.String(), "devicesim", "%q: a package name", test.args)
		require.NotContains(t, stderr.String(), "device: ", "%q: a package name", test.args)
		if test.code == exitUsage {
			require.Equal(t, 1, strings.Count(stderr.String(), "\n"), "%q: one line: %s", test.args, &stderr)
		}
	}
}

// TestNoBrowser checks that without a browser or a compiler the command announces nothing and reports it once.
func TestNoBrowser(t *testing.T) {
	t.Setenv("CHROMIUM", "/nonexistent")
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitError, run(t.Context(), []string{"chromium", "-headless"}, &stdout, &stderr))
	require.Empty(t, stdout.String())
	require.Regexp(t, `^imkeysim chromium: CHROMIUM=/nonexistent is not there; .*\n$`, stderr.String())

	t.Setenv("CHROMIUM", "")
	t.Setenv("CC", "no-such-compiler")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	stderr.Reset()
	require.Equal(t, exitError, run(t.Context(), []string{"chromium", "-headless"}, &stdout, &stderr))
	require.Empty(t, stdout.String())
	require.Contains(t, stderr.String(), "no C compiler found")
}

// TestNotBuilt checks that without built pages the command says how to build them, and serves nevertheless.
func TestNotBuilt(t *testing.T) { checkNotBuilt(t, "-addr", "127.0.0.1:0") }

// TestChromiumNotBuilt checks the same of the command that starts a browser.
func TestChromiumNotBuilt(t *testing.T) {
	_, err := preload.Build(t.Context(), "") // later calls have a context that has ended, and only find the library
	require.NoError(t, err)
	checkNotBuilt(t, "chromium", "-headless")
}

func checkNotBuilt(t *testing.T, command ...string) {
	dist := web.Dist
	t.Cleanup(func() { web.Dist = dist })
	ended, end := context.WithCancel(t.Context())
	end()
	for _, built := range []fs.FS{nil, fstest.MapFS{"index.html": &fstest.MapFile{}}} {
		web.Dist = built
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitOK, run(ended, command, &stdout, &stderr), "%s", &stderr)
		require.Regexp(t, `^http://127\.0\.0\.1:`, stdout.String())
		want := ""
		if built == nil {
			want = web.NotBuilt
		}
		require.Equal(t, want, stderr.String())
	}
}

// TestChromiumWithoutItsSite checks that a page that cannot be loaded is reported before the address of DevTools is printed.
func TestChromiumWithoutItsSite(t *testing.T) {
	site := httptest.NewServer(http.NotFoundHandler())
	site.Close()
	c := startCommand(t, "chromium", "-headless", site.URL)
	for !strings.HasPrefix(c.line(), "devtools ws://") {
	}
	require.Contains(t, c.stderr(), "imkeysim chromium: "+site.URL+" could not be loaded: net::ERR_CONNECTION_REFUSED; the browser is ready nevertheless\n")
	require.Empty(t, c.stop(os.Interrupt))
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"chromium", "-h"}} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitOK, run(t.Context(), args, &stdout, &stderr))
		require.Empty(t, stdout.String())
		for _, flag := range []string{"addr", "usbip", "state", "mnemonic", "pin", "serial", "seid", "approve", "devices", "seed", "fault", "pages", "unbound", "confirm-binding", "version"} {
			require.Regexp(t, regexp.MustCompile(`(?m)^  -`+flag+`\b`), stderr.String())
		}
		require.Equal(t, args[0] == "chromium", strings.Contains(stderr.String(), "\n  CHROMIUM file\n"))
		for line := range strings.Lines(stderr.String()) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), helpWidth, line)
		}
		for _, action := range []string{"stall", "short", "babble", "drop", "delay", "unplug", "powercut", "corrupt", "zero"} {
			require.Contains(t, stderr.String(), action)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"-version"}, {"chromium", "-version"}} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitOK, run(t.Context(), args, &stdout, &stderr))
		require.Equal(t, "imkeysim "+version.Version+"\n", stdout.String())
		require.Empty(t, stderr.String())
	}
}

func TestCountUp(t *testing.T) {
	for _, test := range []struct {
		s    string
		n    int
		want string
		ok   bool
	}{
		{"imKey01191200001", 0, "imKey01191200001", true}, {"imKey01191200001", 1, "imKey01191200002", true},
		{"imKey01191200099", 1, "imKey01191200100", true}, {"9", 1, "", false}, {"", 5, "", true}, {"A", 1, "", false},
	} {
		got, ok := countUp(test.s, test.n, 10, isDecimal)
		require.Equal(t, test.ok, ok, "%+v", test)
		require.Equal(t, test.want, got)
	}
	got, ok := countUp("000000000000000000000000000000fF", 1, 16, isHex)
	require.True(t, ok)
	require.Equal(t, "00000000000000000000000000000100", got)
}

// TestTheSameFileTwice checks that two flags cannot name the same file, even by different names.
func TestTheSameFileTwice(t *testing.T) {
	t.Chdir(t.TempDir())
	const recording = "=> 8072000000\n<= 9000\n"
	for _, name := range []string{"f", "f.2", "f.3", "state"} {
		require.NoError(t, os.WriteFile(name, []byte(recording), 0o600))
	}
	require.NoError(t, os.Symlink("f", "link"))
	require.NoError(t, os.Link("f", "hard"))
	require.NoError(t, os.Symlink("nothing", "dangling"))
	require.NoError(t, os.Symlink(".", "here"))
	for _, flags := range []string{
		"-replay f -record f", "-replay f -record ./f", "-replay f -record here/f", "-replay f -record link", "-replay link -record f", "-replay f -record hard",
		"-replay f -record f.2 -devices 2", "-replay f.2 -record f -devices 2", "-replay f -record f.3 -devices 3",
		"-state f -record f", "-state nothing -record nothing", "-state nothing -record here/nothing", "-state nothing -record dangling",
		"-state new -record new.2 -devices 2", "-fault f -record f", "-fault f -state f",
	} {
		var out, log bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), append([]string{"-addr", "127.0.0.1:0"}, strings.Fields(flags)...), &out, &log), flags)
		require.Contains(t, log.String(), "are the same file", flags)
	}
	for _, name := range []string{"f", "f.2", "f.3"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, recording, string(text), name)
	}
	require.NoFileExists(t, "nothing")
	for _, flags := range []string{"-replay f -record other", "-replay f -record f.2", "-replay f -record f.4 -devices 3", "-record /dev/null -replay /dev/null", "-state a -record b -fault f"} {
		_, _, err := parse(serveName, strings.Fields(flags), io.Discard)
		require.NoError(t, err, flags)
	}
}

// TestChromium starts a real Chromium on a page with the command. The page finds all devices with its own navigator.usb, with
// permission and without a click.
func TestChromium(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp) // where the profile goes
	found := make(chan string, 1)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			text, _ := io.ReadAll(r.Body)
			found <- string(text)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<script type="module">
			const devices = new Map();
			const add = (device) => {
				devices.set(device.serialNumber, device.productName + ' ' + device.serialNumber);
				if (devices.size === 2) fetch('/', { method: 'POST', body: [...devices.values()].sort().join() });
			};
			navigator.usb.onconnect = (e) => add(e.device);
			for (const device of await navigator.usb.getDevices()) add(device);
		</script>`)
	}))
	defer page.Close()
	c := startCommand(t, "chromium", "-headless", "-devices", "2", "-serial", "imKey01191200001", page.URL)
	require.Regexp(t, `^http://127\.0\.0\.1:`, c.line())
	require.Regexp(t, `^usbip .* 1-1$`, c.line())
	require.Regexp(t, `^usbip .* 1-2$`, c.line())
	select {
	case device := <-found:
		require.Equal(t, "imKey (simulated) imKey01191200001,imKey (simulated) imKey01191200002", device)
	case <-time.After(deadline):
		require.FailNow(t, "the page never saw the device", c.stderr())
	}
	devTools := c.line() // the last line
	require.NotContains(t, c.stderr(), "could not be loaded")
	require.Regexp(t, `^devtools ws://127\.0\.0\.1:\d+/devtools/browser/`, devTools)
	socket, err := net.Dial("tcp", strings.Split(devTools, "/")[2])
	require.NoError(t, err)
	require.NoError(t, socket.Close())
	require.Empty(t, c.stop(os.Interrupt))
	left, err := filepath.Glob(filepath.Join(temp, "imkeysim-profile-*"))
	require.NoError(t, err)
	require.Empty(t, left, "its profile is removed")
}

func TestWarningForANetworkAddress(t *testing.T) {
	c := startCommand(t, "-addr", "0.0.0.0:0")
	require.Regexp(t, `^http://127\.0\.0\.1:`, c.line())
	c.stop(os.Interrupt)
	require.Contains(t, c.stderr(), "open to the network")
}

// TestServerRoutes checks that the pages get no request for a path below /sim/.
func TestServerRoutes(t *testing.T) {
	o, _, err := parse(serveName, []string{"-addr", "127.0.0.1:0"}, io.Discard)
	require.NoError(t, err)
	options, err := o.simulator()
	require.NoError(t, err)
	options.Pages = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	s, err := serve.Start(options)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for path, want := range map[string]int{
		"/": 200, "/device": 200, "/sim/webusb.js": 200, "/sim/v1/device": 200, "/sim/v1/trace": 200, "/sim/nothing": 404, "/sim/": 404,
		"/sim/v1/": 404, "/sim/usb?device=2": 404, "/sim/usb?device=x": 404, "/sim/usb": 426,
	} {
		response, err := http.Get(s.URL() + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, want, response.StatusCode, path)
	}
}

func TestRecordAndReplay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session.apdus")
	c := startCommand(t, "-addr", "127.0.0.1:0", "-devices", "2", "-record", file)
	c.line()
	c.stop(os.Interrupt)
	for _, name := range []string{file, file + ".2"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Regexp(t, `^# imKey imKey01\d{9}, recorded by imkeysim\n# ca 04[0-9a-f]{128}\n`, string(text))
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "only the owner can read the recording")
	}

	text := "# ca 04" + strings.Repeat("ab", 64) + "\n=> 80ca004400\n<= 696d4b657930313139313230303030319000\n=> 8072000000\n<= 9000\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	c = startCommand(t, "-addr", "127.0.0.1:0", "-replay", file)
	origin := c.line()
	require.Equal(t, "imKey01191200001", get(t, origin+"/sim/v1/device")["serial"])
	require.Equal(t, "04"+strings.Repeat("ab", 64), get(t, origin+"/sim/v1/identity")["ca"])
	require.Equal(t, map[string]any{"played": 0.0, "of": 2.0, "line": 2.0, "error": ""}, get(t, origin+"/sim/v1/replay"))
	post(t, origin+"/sim/v1/device/reset", "{}")
	response, err := http.Post(origin+"/sim/v1/device/press", "application/json", strings.NewReader(`{"button":"ok"}`))
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusConflict, response.StatusCode)
	c.stop(os.Interrupt)

	for flags, want := range map[string]string{
		"-replay " + file + " -pin 123456": "-pin is for a simulated device",
		"-replay " + file + ".9":           "no such file",
		"-replay " + file + " -devices 2":  "session.apdus.2 has no command",
		"-replay /dev/null":                "/dev/null has no command",
		"-record /no/such/folder/file":     "-record: ",
	} {
		var out, log bytes.Buffer
		require.NotZero(t, run(t.Context(), append([]string{"-addr", "127.0.0.1:0"}, strings.Fields(flags)...), &out, &log), flags)
		require.Contains(t, log.String(), want)
		require.Empty(t, out.String())
	}
	require.NoError(t, os.WriteFile(file, []byte("=> e0\nhello"), 0o600))
	var log bytes.Buffer
	require.Equal(t, exitUsage, run(t.Context(), []string{"-replay", file}, io.Discard, &log))
	require.Contains(t, log.String(), "session.apdus: replay: line 2: neither a command")
}
