package looks

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestLookScriptFindsDefects breaks the style of pages in many ways. look.js reports each defect.
func TestLookScriptFindsDefects(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	for path, broken := range map[string][]struct{ css, found string }{
		"/": {
			{"", ""},
			{".lead { color: rgb(82 96 109 / 70%) !important }", "text 3."},
			{".lead { opacity: 0.6 !important }", "text 2."},
			{".state { background: #999 !important }", "text "},
			{".device-text { fill: #555 !important }", "text.device-text"},
			{".device-screen { fill: #6a8ca4 !important }", "text.device-text"},
			{"input.code-box::selection { background: #fff !important }", "text 1."},
			{".state { background: linear-gradient(red, blue) !important }", "background image"},
			{".state-note { position: fixed; inset: 0; background: rgb(255 255 255 / 10%) }", "covered"},
			{".button-secondary { border-color: #ccc !important }", "a border of 1."},
			{".code input.code-box { border-color: #bbb !important }", "a border of 1."},
			{".switch-box { border-color: #aaa !important }", "a border of 2."},
			{".button-quiet { min-height: 43px !important }", "a target of"},
			{".language { min-height: 30px !important }", "a target of"},
			{".switch { min-height: 30px !important }", "a target of"},
			{".button { margin-bottom: -24px !important }", "targets overlap"},
			{":focus-visible { outline: none !important }", "no focus ring"},
			{":focus-visible { outline-color: #cde !important }", "a focus ring of 1."},
			{".stage { width: 420px !important }", "scrolls sideways"},
			{".stage { position: relative; left: -40px !important }", "sticks out"},
			{".lead { white-space: nowrap !important; overflow: hidden !important }", "cut off"},
			{"@keyframes spin { to { transform: rotate(1turn) } } .lead { animation: spin 1s !important }", "motion of 1000 ms"},
			{".lead { transition: color 1s !important }", "a transition of 1s"},
			{"main { min-height: 7000px !important }", "is higher"},
		},
		"/device": {
			{"", ""},
			{".knob path { stroke: #667 !important }", "an icon of 1."},
			{".cable-plug { fill: #ddd !important } .cable-wire { stroke: #ddd !important }", "an icon of 1."},
			{".screen { color: #444 !important }", "text 1."},
			{".screen-line { width: 2ch !important }", "cut off"},
			{".field select { width: 6rem !important }", "a choice is cut off"},
		},
	} {
		b.Open(path)
		if path == "/device" {
			b.WaitUntil("document.querySelector('[data-fact]') !== null")
			b.Run("document.querySelector('[data-panel=faults]').open = true")
			require.NoError(t, s.Device.Simulated.Create(12))
			b.WaitUntil("document.querySelector('.screen').textContent.includes('Word 1 of 12')")
		}
		b.PrepareLook()
		b.Run("window.broken = new CSSStyleSheet(); document.adoptedStyleSheets.push(broken)")
		for _, c := range broken {
			b.SetScreen(390, "light", false)
			b.Run(fmt.Sprintf("broken.replaceSync(%q); %s", c.css, harness.LookScript))
			if path == "/" {
				showAll(b, "", []fields{
					{"name": "wrong", "source": "screen", "triesLeft": 3}, {"name": "code", "source": "screen"}, {"name": "unverified"}, {"name": "start"},
				}, harness.Screens[:1])
			} else {
				b.Run("looking.add('device', false)")
			}
			found := strings.Join(b.Looked().Findings, "\n")
			if c.css == "" {
				require.Empty(t, found)
			} else {
				assert.Contains(t, found, c.found, c.css)
			}
		}
		// Where less motion is wanted, any motion is a defect.
		b.SetScreen(390, "light", true)
		b.Run("broken.replaceSync('main { transition: color 10ms !important }'); " + harness.LookScript + "; looking.add('less', true)")
		require.Contains(t, strings.Join(b.Looked().Findings, "\n"), "a transition of 0.01s")
		b.CheckConsole()
	}
	b.Run("document.head.append(Object.assign(document.createElement('style'), { textContent: 'a {}' }))")
	require.Contains(t, b.Console(), "Content Security Policy")
}
