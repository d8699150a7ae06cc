package harness

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// LookScript defines looking, which measures how a page looks.
//
//go:embed look.js
var LookScript string

// Looks sums up what was measured in several views, and what is wrong there.
type Looks struct {
	Findings []string           // what is wrong
	Counts   map[string]float64 // how much was measured, by kind; lowest is the lowest contrast of a text
}

// Add adds the measurements of other views.
func (l *Looks) Add(other Looks) {
	l.Findings = append(l.Findings, other.Findings...)
	if l.Counts == nil {
		l.Counts = map[string]float64{"lowest": other.Counts["lowest"]}
	}
	for name, n := range other.Counts {
		if name == "lowest" {
			l.Counts[name] = min(l.Counts[name], n)
		} else {
			l.Counts[name] += n
		}
	}
}

// Report logs what was measured. It fails the test where something is wrong, or where nothing was measured.
func (l *Looks) Report(t *testing.T) {
	c := l.Counts
	t.Logf("%.0f views: %.0f texts, the lowest contrast %.2f:1; %.0f borders and icons; %.0f targets; %.0f focus rings; %.0f animations",
		c["views"], c["texts"], c["lowest"], c["borders"], c["targets"], c["rings"], c["animations"])
	require.Empty(t, l.Findings)
	for _, name := range []string{"views", "texts", "borders", "targets", "rings"} {
		require.Positive(t, c[name], "nothing was measured: %s", name)
	}
}

// SetScreen sets the width of the screen in CSS pixels, the colour scheme (light or dark), and whether less motion is wanted. The
// screen is higher than any page, so that all of a page can be measured.
func (b *Browser) SetScreen(width int64, scheme string, reduced bool) {
	b.T.Helper()
	motion := "no-preference"
	if reduced {
		motion = "reduce"
	}
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: 6000, DeviceScaleFactor: 1,
		}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
		}})
		return err
	}))
}

// Screen describes a screen: see [Browser.SetScreen].
type Screen struct {
	Width   int64
	Scheme  string
	Reduced bool
}

// Screens are the screens on which pages are measured.
var Screens = []Screen{
	{390, "light", false}, {390, "dark", false}, {1280, "light", false}, {1280, "dark", false},
	{390, "light", true}, {320, "light", true},
}

// SampleScreens returns [Screens] where IMKEY_FULL is set, and otherwise some of them. Both languages together have every width,
// every scheme and less motion.
func SampleScreens(language string) []Screen {
	if os.Getenv("IMKEY_FULL") != "" {
		return Screens
	}
	if language == "en" {
		return []Screen{Screens[0], Screens[3]}
	}
	return []Screen{Screens[1], Screens[2], Screens[5]}
}

// String describes the screen.
func (s Screen) String() string {
	if s.Reduced {
		return fmt.Sprintf("%d px, %s, less motion", s.Width, s.Scheme)
	}
	return fmt.Sprintf("%d px, %s", s.Width, s.Scheme)
}

// PrepareLook prepares a page to be measured. After the first Tab, the element with the focus shows its focus ring.
func (b *Browser) PrepareLook() {
	b.T.Helper()
	b.Run(LookScript)
	b.Do(chromedp.KeyEvent("\t"))
}

// Looked returns what was measured in the page so far.
func (b *Browser) Looked() Looks {
	b.T.Helper()
	return Eval[Looks](b, `(({ findings, counts }) => ({ Findings: findings, Counts: counts }))(looking.result())`)
}

// CheckConsole checks that the browser reported nothing of the page: no error, no warning, no violation of its policy. Messages
// about the expected addresses do not count.
func (b *Browser) CheckConsole(expected ...string) {
	b.T.Helper()
	for line := range strings.Lines(b.Console()) {
		if !slices.ContainsFunc(expected, func(address string) bool { return strings.Contains(line, address) }) {
			require.Fail(b.T, "the console has a message", line)
		}
	}
}

// ForgetConsole drops the messages of the console so far, for messages that the test expects.
func (b *Browser) ForgetConsole() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.console = nil
}

// OpenInLanguage chooses a language, en or zh, and opens a page.
func (b *Browser) OpenInLanguage(language, path string) {
	b.T.Helper()
	b.Run(fmt.Sprintf("localStorage.setItem('imkey-connect.language', %q)", language))
	b.Open(path)
	b.WaitUntil(fmt.Sprintf("document.documentElement.lang.startsWith(%q)", language))
	b.language = language
}
