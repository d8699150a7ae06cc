package published

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/replay"
	"imkey-connect/devicesim/serve"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usbip"
	"imkey-connect/web"
	"imkey-connect/web/e2e/harness"
)

// TestRecordingAnswersAPage records a pairing and a signature, and plays them to the pages in another browser, which has other
// keys. It binds with any well-formed code, and gets the recorded signature for the same message.
func TestRecordingAnswersAPage(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), harness.Timeout)
	defer stop()
	// session runs code with a browser on a simulator that has ended when it returns.
	session := func(o serve.Options, code func(*serve.Simulator, *harness.Browser)) (address string) {
		o.USBIP, o.Pages = "127.0.0.1:0", web.Handler(web.Dist)
		s, err := serve.Start(o)
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		running, err := chromium.Launch(ctx, chromium.Options{
			DevTools:    true,
			Devices:     []preload.Device{{Addr: s.USBIP(), BusID: usbip.BusID(1)}},
			Permissions: []chromium.Permission{{Origin: s.URL(), Serial: s.Status(1).Serial}},
			Args:        []string{"--lang=en-US", "--disable-dev-shm-usage"},
		})
		require.NoError(t, err)
		b := harness.ControlBrowser(ctx, t, running, s.URL())
		defer b.Close()
		code(s, b)
		return strings.TrimPrefix(s.URL(), "http://")
	}
	bind := func(b *harness.Browser, code func() string) {
		b.Open("/")
		b.GoToCode()
		b.EnterCode(code())
		b.WaitForState("bound")
	}
	sign := func(b *harness.Browser, approve func()) string {
		b.Open("/dapp")
		b.Press("connect")
		b.WaitFor("[data-outcome=good]") // the page takes one request at a time, and shows the account before the first one has ended
		b.Press("sign-message")
		approve()
		b.WaitUntil(`document.querySelector('[data-answer]')?.textContent.startsWith('"0x')`) // not the accounts any more
		return harness.Eval[string](b, `document.querySelector('[data-answer]').textContent`)
	}

	var recording recorder
	var code, signature string
	address := session(serve.Options{
		Devices:   []device.Options{{Mnemonic: "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"}},
		Recording: func(int) (io.WriteCloser, error) { return &recording, nil },
	}, func(s *serve.Simulator, b *harness.Browser) {
		bind(b, func() string {
			var err error
			code, err = simtest.ReadCode(ctx, s.Device(1))
			require.NoError(t, err)
			return code
		})
		signature = sign(b, func() {
			_, err := simtest.ReadQuestion(ctx, s.Device(1))
			require.NoError(t, err)
			require.NoError(t, s.Device(1).Press(device.OK))
		})
	})
	require.Regexp(t, `^"0x[0-9a-f]{130}"$`, signature)
	require.NotContains(t, strings.ToUpper(recording.String()), code)
	script, err := replay.Parse(recording.Bytes())
	require.NoError(t, err)

	// The message names the page's origin, so it is the same address.
	session(serve.Options{Addr: address, Replay: []replay.Script{script}}, func(s *serve.Simulator, b *harness.Browser) {
		progress := func() (p replay.Progress) {
			response, err := http.Get(s.URL() + "/sim/v1/replay")
			require.NoError(t, err)
			defer response.Body.Close()
			require.NoError(t, json.NewDecoder(response.Body).Decode(&p))
			return p
		}
		bind(b, func() string {
			return regexp.MustCompile(`.$`).ReplaceAllString(code, map[bool]string{true: "B", false: "A"}[code[7] == 'A'])
		})
		require.Equal(t, signature, sign(b, func() {}))
		require.Empty(t, progress().Error)
		require.Equal(t, len(script.Exchanges), progress().Of)
	})
}

// recorder keeps a recording in memory.
type recorder struct{ bytes.Buffer }

func (*recorder) Close() error { return nil }
