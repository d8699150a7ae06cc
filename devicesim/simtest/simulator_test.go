package simtest_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web"
)

// quick is a simulator without pages whose waits time out at once.
var quick = simtest.Config{Pages: http.NotFoundHandler(), Timeout: time.Millisecond}

// trial is a test within the test: it keeps its output instead of failing, and runs its cleanups.
type trial struct {
	testing.TB
	failed bool
	said   []string
	ends   []func()
}

func (t *trial) Helper()                   {}
func (t *trial) Cleanup(f func())          { t.ends = append(t.ends, f) }
func (t *trial) Failed() bool              { return t.failed }
func (t *trial) Logf(f string, a ...any)   { t.said = append(t.said, fmt.Sprintf(f, a...)) }
func (t *trial) Errorf(f string, a ...any) { t.failed = true; t.Logf(f, a...) }
func (t *trial) Fatalf(f string, a ...any) { t.Errorf(f, a...); panic(t) }

// try runs a test as go test does and returns its output.
func try(t *testing.T, test func(testing.TB)) (failed bool, said string) {
	inner := &trial{TB: t}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(inner) {
				panic(r)
			}
		}()
		test(inner)
	}()
	for i := len(inner.ends); i > 0; i-- {
		inner.ends[i-1]()
	}
	return inner.failed, strings.Join(inner.said, "\n")
}

// TestFailuresReportTheDevice checks that the output of a failure has the screen and the trace.
func TestFailuresReportTheDevice(t *testing.T) {
	for name, c := range map[string]struct {
		test func(testing.TB, *simtest.Simulator)
		says []string
	}{
		"a code that never comes": {func(_ testing.TB, s *simtest.Simulator) { s.Device.Code() },
			[]string{"the device: waited", "for a binding code on the screen", "The screen:", "| imKey0123456789  |", "The trace is empty."}},
		"a question that never comes": {func(_ testing.TB, s *simtest.Simulator) { s.Device.Approve() }, []string{"for a question on the screen"}},
		"a state that never comes": {func(_ testing.TB, s *simtest.Simulator) {
			s.Device.Wait("the moon", func(device.Status) bool { return false })
		}, []string{"for the moon"}},
		"a text that never comes in the trace": {func(_ testing.TB, s *simtest.Simulator) { s.Device.WaitTrace("IDENTITY_VERIFY") },
			[]string{`for "IDENTITY_VERIFY" in the trace`}},
		"a press without power": {func(_ testing.TB, s *simtest.Simulator) {
			s.Device.Unplug()
			s.Device.Press(device.OK)
		}, []string{"cannot press ok", "is unplugged", "The screen is dark.", "The end of the trace:", "unplugged"}},
		"a wrong PIN": {func(_ testing.TB, s *simtest.Simulator) { s.Device.Unlock("1234") }, []string{"cannot enter the PIN"}},
		"no such fault": {func(_ testing.TB, s *simtest.Simulator) { s.Device.Arm(usb.Fault{On: "in", Packet: 1, Do: "melt"}) },
			[]string{"cannot arm the faults", "do"}},
		"a failure of the test's own": {func(t testing.TB, s *simtest.Simulator) { t.Errorf("the page is blank") },
			[]string{"the page is blank", "the device, as the test ended", "The screen:"}},
	} {
		t.Run(name, func(t *testing.T) {
			failed, said := try(t, func(t testing.TB) { c.test(t, quick.Start(t, device.Options{Serial: "imKey0123456789"})) })
			require.True(t, failed)
			for _, text := range c.says {
				require.Contains(t, said, text)
			}
			require.Equal(t, 1, strings.Count(said, "imKey0123456789 is "), "one report\n%s", said)
		})
	}
	failed, said := try(t, func(t testing.TB) { quick.Start(t) })
	require.False(t, failed)
	require.Empty(t, said, "a test that passes says nothing")
	failed, said = try(t, func(t testing.TB) { quick.Start(t, device.Options{PIN: "1"}) })
	require.True(t, failed)
	require.Contains(t, said, "PIN")
	_, said = try(t, func(t testing.TB) {
		quick.Start(t, device.Options{}, device.Options{}).Devices[1].Code()
	})
	require.Contains(t, said, "simtest: device 2 of 2: waited")
	require.Contains(t, said, "simtest: device 1 of 2, as the test ended")
}

// TestUserActions calls each action of the user, and the same actions of the control API.
func TestUserActions(t *testing.T) {
	s := simtest.Config{Pages: http.NotFoundHandler()}.Start(t, device.Options{PIN: "123456"}, device.Options{})
	d := s.Device
	require.True(t, d.Status().Locked)
	d.Unlock("123456")
	require.False(t, d.Status().Locked)
	d.Menu()
	d.Home()
	d.Restore("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
	require.True(t, d.Status().Wallet)
	d.Lock()
	require.True(t, d.Status().Locked)
	d.PowerCut()
	d.Unplug()
	require.Empty(t, d.Screen())
	d.WaitTrace("unplugged")
	d.Plug()
	require.Len(t, d.Screen(), 4)
	d.Arm(usb.Fault{On: "in", Packet: 3, Do: usb.DoStall})
	require.Len(t, d.Simulated.Port().Faults(), 1)
	d.Arm()
	require.Empty(t, d.Simulated.Port().Faults())
	require.NotEqual(t, d.Serial(), s.Devices[1].Serial())
	require.Len(t, d.CA(), 130)

	posted := make(chan device.Status)
	go func() {
		response, err := http.Post(s.Localhost()+"/sim/v1/device/pin?device=2", "application/json", strings.NewReader(`{"pin":"654321"}`))
		if err == nil {
			response.Body.Close()
		}
		close(posted)
	}()
	require.True(t, s.Devices[1].Wait("a PIN", func(s device.Status) bool { return s.PINSet }).PINSet)
	<-posted
	require.False(t, s.Devices[1].Status().Wallet, "the other device has not changed")
}

// TestOwnPages serves the test's own pages with the simulator, with a wrapper that logs requests.
func TestOwnPages(t *testing.T) {
	var asked []string
	s := simtest.Config{
		Pages: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "mine") }),
		Wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path)
				h.ServeHTTP(w, r)
			})
		},
	}.Start(t)
	for path, want := range map[string]string{"/": "mine", "/sim/v1/identity": s.Device.Serial()} {
		response, err := http.Get(s.URL + path)
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Contains(t, string(text), want)
	}
	require.ElementsMatch(t, []string{"/", "/sim/v1/identity"}, asked)
}

// TestChromium starts a browser with the devices plugged in. It has an address of DevTools and leaves nothing behind.
func TestChromium(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := simtest.Config{Pages: http.NotFoundHandler()}.Start(t, device.Options{}, device.Options{})
	b := s.Chromium("http://localhost:5173/")
	require.Regexp(t, `^ws://127\.0\.0\.1:\d+/devtools/browser/`, b.DevToolsURL)
	version, err := http.Get(strings.Replace(b.DevToolsURL[:strings.Index(b.DevToolsURL, "/devtools")], "ws", "http", 1) + "/json/version")
	require.NoError(t, err)
	require.NoError(t, version.Body.Close())
	for _, d := range s.Devices { // the browser enumerates the devices
		d.WaitTrace("attached by")
	}
	preferences, err := os.ReadFile(filepath.Join(b.Instance.Profile, "Default", "Preferences"))
	require.NoError(t, err)
	for _, origin := range []string{s.URL, s.Localhost(), "http://localhost:5173"} {
		require.Contains(t, string(preferences), `"`+origin+`,*"`)
	}
	require.NoError(t, b.Close())
	require.NoDirExists(t, b.Instance.Profile)

	t.Setenv("CHROMIUM", "/does/not/exist")
	failed, said := try(t, func(t testing.TB) { simtest.Config{Pages: http.NotFoundHandler()}.Start(t).Chromium() })
	require.True(t, failed)
	require.Contains(t, said, "CHROMIUM=/does/not/exist")
}

// TestQuestionsAndTrace reads questions of several pages and answers them with each button, and waits for events of the trace.
func TestQuestionsAndTrace(t *testing.T) {
	s := simtest.Config{Pages: http.NotFoundHandler()}.Start(t, device.Options{Mnemonic: testPhrase})
	d := s.Device
	h := newHost(t, d.Simulated)
	b, dev := h.connect(d.Simulated)
	require.Equal(t, binding.Unbound, h.status(b))
	require.NoError(t, b.Bind(h.ctx, d.Code(), binding.BindOptions{}))
	d.Bound()
	d.WaitTrace("IDENTITY_VERIFY")

	message := "A sentence that is too long for one page of four lines: " + strings.Repeat("and on it goes, ", 10)
	signed := make(chan error)
	sign := func() {
		_, err := ethereum.New(dev, h).SignMessage(h.ctx, by, []byte(message))
		signed <- err
	}
	go sign()
	require.Equal(t, "Sign message:"+message, strings.ReplaceAll(d.Approve(), "\n", ""))
	require.NoError(t, <-signed)
	first := d.WaitTrace("asks: message")
	go sign()
	require.Contains(t, d.Reject(), "Sign message:")
	require.ErrorIs(t, <-signed, errcode.UserRejected)
	require.Greater(t, d.WaitTrace("asks: message").N, first.N)
}

// TestWithoutPagesItSaysHowToBuildThem checks that the message names the folder of the checkout.
func TestWithoutPagesItSaysHowToBuildThem(t *testing.T) {
	built := web.Dist
	web.Dist = nil
	defer func() { web.Dist = built }()
	failed, said := try(t, func(t testing.TB) { simtest.Start(t) })
	require.True(t, failed)
	checkout, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.Contains(t, said, "run make build in "+checkout)
}
