package chromium_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
)

// TestWindows opens windows side by side. Their pages cannot see that a program has opened them.
func TestWindows(t *testing.T) {
	server := exec.Command("Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp")
	out, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start(), "make tools installs Xvfb on Debian")
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	number, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	t.Setenv("DISPLAY", ":"+strings.TrimSpace(number))
	t.Setenv("WAYLAND_DISPLAY", "")

	type shown struct {
		Path      string
		Left      int
		Width     int
		Webdriver bool
	}
	told := make(chan shown, 100)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var s shown
		if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&s) == nil {
			told <- s
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<script>
			let told
			const tell = () => {
				const now = JSON.stringify({ path: location.pathname, left: screenX, width: outerWidth, webdriver: navigator.webdriver })
				if (now !== told) fetch('/', { method: 'POST', body: told = now })
				requestAnimationFrame(tell) // a window gets its place some animation frames after its page
			}
			tell()
		</script>`))
	}))
	t.Cleanup(page.Close)

	b, err := chromium.Launch(t.Context(), chromium.Options{
		Headful: true, URL: page.URL + "/first", Args: []string{"--window-position=0,0", "--window-size=640,800"},
		Windows: []chromium.Window{
			{URL: page.URL + "/second", Left: 640, Width: 600, Height: 800}, {URL: page.URL + "/third", Left: 680, Top: 40, Width: 600, Height: 800},
		},
	})
	require.NoError(t, err)
	seen, want := map[string]shown{}, map[string]shown{
		"/first": {"/first", 0, 640, false}, "/second": {"/second", 640, 600, false}, "/third": {"/third", 680, 600, false},
	}
	for limit := time.After(60 * time.Second); !maps.Equal(seen, want); {
		select {
		case s := <-told:
			seen[s.Path] = s
		case <-b.Ended():
			require.FailNow(t, "the browser ended", "%v", b.Wait())
		case <-limit:
			require.Equal(t, want, seen)
		}
	}
	require.NoError(t, b.Close())

	t.Setenv("DISPLAY", "")
	b, err = chromium.Launch(t.Context(), chromium.Options{Headful: true, Windows: []chromium.Window{{URL: page.URL}}})
	require.NoError(t, err)
	require.ErrorContains(t, b.Wait(), "DISPLAY", "it says why it ended")
	require.NoError(t, b.Close())
}
