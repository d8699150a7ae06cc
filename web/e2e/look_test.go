package e2e

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/devicesim/device"
)

//go:embed testdata/look.js
var lookScript string

// looks is what was looked at so far, added up over pages.
type looks struct {
	Findings []string
	Counts   map[string]float64
}

func (l *looks) add(other looks) {
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

func (l *looks) report(t *testing.T) {
	c := l.Counts
	t.Logf("%.0f views: %.0f texts, the faintest %.2f:1; %.0f borders and icons; %.0f targets; %.0f focus rings; %.0f animations",
		c["views"], c["texts"], c["lowest"], c["borders"], c["targets"], c["rings"], c["animations"])
	require.Empty(t, l.Findings)
	for _, name := range []string{"views", "texts", "borders", "targets", "rings"} {
		require.Positive(t, c[name], "nothing to judge: %s", name)
	}
}

// screen sets what a page is drawn on. It is higher than any page, so that all of it is in sight.
func (b *browser) screen(width int64, scheme string, reduced bool) {
	b.t.Helper()
	motion := "no-preference"
	if reduced {
		motion = "reduce"
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: 4000, DeviceScaleFactor: 1,
		}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
		}})
		return err
	}))
}

// seen is a kind of screen.
type seen struct {
	width   int64
	scheme  string
	reduced bool
}

var screens = []seen{
	{390, "light", false}, {390, "dark", false}, {1280, "light", false}, {1280, "dark", false},
	{390, "light", true}, {320, "light", true},
}

// sample is every screen where IMKEY_FULL is set, else some of them, so that both languages together have every width, every
// scheme and less motion.
func sample(language string) []seen {
	if os.Getenv("IMKEY_FULL") != "" {
		return screens
	}
	if language == "en" {
		return []seen{screens[0], screens[3]}
	}
	return []seen{screens[1], screens[2], screens[5]}
}

func (s seen) String() string {
	if s.reduced {
		return fmt.Sprintf("%d px, %s, less motion", s.width, s.scheme)
	}
	return fmt.Sprintf("%d px, %s", s.width, s.scheme)
}

// ready prepares a page to be looked at: from the first Tab on, what has the focus shows it.
func (b *browser) ready() {
	b.t.Helper()
	b.run(lookScript)
	b.do(chromedp.KeyEvent("\t"))
}

func (b *browser) looked() looks {
	b.t.Helper()
	l := eval[looks](b, `(({ findings, counts }) => ({ Findings: findings, Counts: counts }))(looking.result())`)
	return l
}

// quietly checks that the page had nothing to complain of: no error, no warning, no violation of its policy. What concerns
// the expected addresses does not count.
func (b *browser) quietly(expected ...string) {
	b.t.Helper()
	for line := range strings.Lines(b.consoleText()) {
		if !slices.ContainsFunc(expected, func(address string) bool { return strings.Contains(line, address) }) {
			require.Fail(b.t, "the page complained", line)
		}
	}
}

// speaks opens a page in a language that was chosen earlier.
func (b *browser) speaks(language, path string) {
	b.t.Helper()
	b.run(fmt.Sprintf("localStorage.setItem('imkey-connect.language', %q)", language))
	b.open(path)
	b.until(fmt.Sprintf("document.documentElement.lang.startsWith(%q)", language))
}

type fields = map[string]any

// states are all that the connect page can show, in words of web/src/pairing/state.ts.
func states() []fields {
	facts := fields{
		"serial": "imKey01191200001", "firmware": "1.6.00", "bootloader": "1.0.03", "battery": 100, "charging": false,
		"bleName": "imKey0119120", "bleVersion": "1.2.00", "lifeCycle": "ready", "certificate": "verified",
		"key": fields{"of": "simulator", "fingerprint": "1a2b 3c4d 5e6f 7081"}, "called": nil, "boundAt": nil,
	}
	with := func(m fields, more ...any) fields {
		m = maps.Clone(m)
		for i := 0; i < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	unverified := with(facts, "certificate", "unverified", "key", nil, "charging", true, "battery", nil)
	unknown := with(facts, "firmware", nil, "battery", nil, "bootloader", nil, "bleName", nil, "bleVersion", nil, "lifeCycle", nil, "key", nil)
	before := with(facts, "called", "Savings", "boundAt", "2026-01-02T03:04:05Z")
	all := []fields{
		{"name": "unsupported", "reason": "no-webusb"},
		{"name": "unsupported", "reason": "insecure-context"},
		{"name": "start"},
		{"name": "start", "forgotten": true},
		{"name": "choosing"},
		{"name": "opening"},
		{"name": "waiting", "reason": "locked"},
		{"name": "waiting", "reason": "in-menu"},
		{"name": "recognised", "device": facts},
		{"name": "recognised", "device": unverified},
		{"name": "recognised", "device": unknown},
		{"name": "unverified", "device": unverified},
		{"name": "elsewhere", "device": facts},
		{"name": "reset", "device": before},
		{"name": "rebound", "device": before},
		{"name": "rebound", "device": unverified},
		{"name": "in-use", "mute": false},
		{"name": "in-use", "mute": true},
		{"name": "taken-over"},
		{"name": "several", "choices": []fields{
			{"serial": "imKey01191200001", "called": "Savings", "known": true},
			{"serial": "imKey01191200002", "called": nil, "known": false},
			{"serial": nil, "called": nil, "known": false},
		}},
	}
	for _, source := range []string{"screen", "paper"} {
		code := fields{"name": "code", "source": source}
		all = append(all, code, with(code, "notice", "shown-again"), with(code, "notice", "aborted"), with(code, "notice", "code-format"))
		for _, attention := range []bool{false, true} {
			all = append(all, fields{"name": "checking", "source": source, "attention": attention})
		}
		all = append(all, fields{"name": "stopping", "source": source})
		for _, left := range []any{nil, 0, 1, 9} {
			all = append(all, fields{"name": "wrong", "source": source, "triesLeft": left})
		}
	}
	bound := fields{"name": "bound", "device": before, "fresh": true, "kept": true, "persisted": true, "plugged": true}
	all = append(all, bound,
		with(bound, "kept", false, "persisted", false, "device", unverified),
		with(bound, "fresh", false, "persisted", nil, "plugged", false),
		with(bound, "fresh", false, "persisted", false, "device", unknown),
	)
	for _, manage := range []string{"asking", "revealed", "hidden", "not-remembered", "on-screen"} {
		all = append(all, with(bound, "manage", manage), with(bound, "manage", manage, "fresh", false))
	}
	forget := fields{"name": "forget", "serial": "imKey01191200001"}
	all = append(all, forget, with(forget, "damage", "record-corrupt"), with(forget, "damage", "device-mismatch"), with(forget, "former", true), with(forget, "going", true))
	for _, code := range errcode.All() {
		all = append(all, fields{"name": "error", "code": string(code)})
	}
	return append(all, managedStates()...)
}

// managedStates are those of the management of devices, in words of web/src/manage/state.ts.
func managedStates() []fields {
	key := fields{"of": "simulator", "fingerprint": "1a2b 3c4d 5e6f 7081"}
	of := func(m fields) fields {
		known := fields{
			"seid": "18000000000000000102030405060708", "serial": "imKey01191200001", "called": nil, "plugged": false, "record": "bound",
			"boundAt": "2026-01-02T03:04:05Z", "certificate": "verified", "key": key, "codeKept": true,
		}
		maps.Copy(known, m)
		return known
	}
	another := fields{"of": "another", "fingerprint": "1a2b 3c4d 5e6f 7081"}
	savings := of(fields{"called": "Savings", "plugged": true})
	long := of(fields{"called": strings.Repeat("WM", 16), "serial": "imKey01191200002", "certificate": "unverified", "key": nil, "codeKept": false})
	devices := []fields{
		savings, long,
		of(fields{"seid": "2", "serial": "imKey01191200003", "record": "unfinished", "boundAt": nil, "certificate": nil, "key": nil, "codeKept": false}),
		of(fields{"seid": "3", "serial": "imKey01191200004", "record": "imported", "key": another}),
		of(fields{"seid": "4", "serial": "imKey01191200005", "record": "former", "plugged": true, "codeKept": false}),
		of(fields{"seid": "5", "serial": "", "record": "unreadable", "boundAt": nil, "certificate": nil, "key": nil, "codeKept": false}),
	}
	all := []fields{{"name": "start", "devices": devices}, {"name": "start", "devices": devices[:1], "forgotten": true}}
	for _, known := range devices {
		all = append(all, fields{"name": "known", "known": known})
	}
	for _, said := range []string{"renamed", "unnamed", "imported"} {
		all = append(all, fields{"name": "known", "known": savings, "said": said})
	}
	const file = "imkey-01191200001-binding.age"
	all = append(all,
		fields{"name": "rename", "known": savings},
		fields{"name": "forget-known", "known": long},
		fields{"name": "forget-known", "known": devices[5]},
		fields{"name": "forget-known", "known": savings, "going": true},
		fields{"name": "export", "known": savings},
		fields{"name": "export", "known": savings, "going": true},
		fields{"name": "exported", "known": savings, "file": file},
		fields{"name": "import"},
		fields{"name": "import-passphrase", "file": file},
		fields{"name": "import-passphrase", "file": file, "problem": "wrong-passphrase"},
		fields{"name": "import-passphrase", "file": file, "going": true},
		fields{"name": "import-exists", "file": file, "known": savings},
		fields{"name": "import-exists", "file": file, "known": devices[5]},
		fields{"name": "import-exists", "file": file, "known": nil},
		fields{"name": "trouble", "code": "storage-full"},
	)
	for _, problem := range []string{"not-a-binding", "damaged", "version", "another-device", "another-element"} {
		all = append(all, fields{"name": "import", "problem": problem})
	}
	for _, step := range []string{"first", "why", "at-hand", "count", "keep", "how"} {
		all = append(all, fields{"name": "lost", "step": step, "serial": "imKey01191200001", "known": savings})
	}
	return append(all,
		fields{"name": "lost", "step": "first", "serial": "imKey01191200002", "known": long},
		fields{"name": "lost", "step": "first", "serial": "imKey01191200003", "known": devices[2]},
		fields{"name": "lost", "step": "why", "serial": "imKey01191200009", "known": nil},
	)
}

// Every name that the type of the states knows occurs in a state that is looked at.
func TestStatesAreAllThereAre(t *testing.T) {
	t.Parallel()
	all, err := json.Marshal(states())
	require.NoError(t, err)
	for file, part := range map[string]struct{ from, to string }{
		"../src/pairing/state.ts": {"export interface", "export type StateName"},
		"../src/manage/state.ts":  {"export type FileProblem", "export type ManageName"},
	} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		types, _, found := strings.Cut(string(source), part.to)
		require.True(t, found)
		names := regexp.MustCompile(`(?m)'([a-z-]+)'`).FindAllStringSubmatch(types[strings.Index(types, part.from):], -1)
		require.Greater(t, len(names), 20)
		for _, name := range names {
			require.Contains(t, string(all), `"`+name[1]+`"`)
		}
	}
}

// showing draws each state, and what a person can make of it without leaving it, and looks.
const showing = `
	const { show } = await import(document.querySelector('script[type=module]').src)
	const boxes = (chars) => [...document.querySelectorAll('.code-box')].forEach((box, i) => {
		box.value = chars[i] ?? ''
		box.dispatchEvent(new InputEvent('input', { bubbles: true }))
	})
	for (const state of states) {
		const where = ` + "`${screen}: ${JSON.stringify(state)}`" + `
		await show(state)
		if (state.manage === 'revealed') {
			document.querySelector('.revealed').innerHTML = '<span>PVU3</span><span>FY64</span>'
		}
		looking.add(where, reduced)
		const folded = [...document.querySelectorAll('details')]
		if (folded.length > 0) {
			for (const d of folded) d.open = true
			looking.add(where + ' unfolded', reduced)
		}
		if (state.name === 'code') {
			boxes('PVU3FY6')
			document.querySelector('[data-action=bind]').click()
			looking.add(where + ' incomplete', reduced)
			document.querySelector('[data-control=keep]').click()
			looking.add(where + ' not kept', reduced)
			boxes('ABO0DEFG')
			if (document.querySelectorAll('[aria-invalid=true]').length !== 2) throw new Error('nothing is flagged')
			looking.add(where + ' flagged', reduced)
		}
		if (state.name === 'unverified') {
			document.querySelector('[data-action=go-on]').click()
			looking.add(where + ' with its hint', reduced)
			document.querySelector('[data-control=accept]').click()
			looking.add(where + ' accepted', reduced)
		}
		const type = (name, text) => {
			const field = document.querySelector('[data-control=' + name + ']')
			field.value = text
			field.dispatchEvent(new InputEvent('input', { bubbles: true }))
		}
		if (state.name === 'rename') {
			type('name', 'W'.repeat(33))
			looking.add(where + ' too long', reduced)
		}
		if (state.name === 'export' && !state.going) {
			for (const passphrase of ['short', 'abcdefgh', 'correct horse battery', 'correct horse battery staple wagon']) {
				type('passphrase', passphrase)
				looking.add(where + ' ' + passphrase, reduced)
			}
			document.querySelector('[data-control=show-passphrase]').click()
			document.querySelector('[data-action=export-now]').click()
			looking.add(where + ' not the same', reduced)
		}
		if (state.name === 'import-passphrase' && !state.going) {
			document.querySelector('[data-action=import-now]').click()
			looking.add(where + ' without one', reduced)
		}
		if (state.name === 'lost' && (state.step === 'at-hand' || state.step === 'count')) {
			document.querySelector('[data-action=lost-go-on]').click()
			looking.add(where + ' unanswered', reduced)
			document.querySelector('[data-control=at-hand], [data-control=count-12]').click()
			looking.add(where + ' answered', reduced)
		}
		if (state.name === 'error' && state.code === 'protocol') {
			document.querySelector('[data-action=copy-report]').click()
			while (document.querySelector('.state-note').childElementCount === 0) await new Promise(requestAnimationFrame)
			looking.add(where + ' with its report', reduced)
		}
	}`

func (b *browser) showAll(language string, states []fields, screens []seen) {
	b.t.Helper()
	list, err := json.Marshal(states)
	require.NoError(b.t, err)
	for _, s := range screens {
		b.screen(s.width, s.scheme, s.reduced)
		b.run(fmt.Sprintf("const states = %s, screen = %q, reduced = %v\n%s", list, s.String()+", "+language, s.reduced, showing))
	}
}

func TestTheConnectPageLooksRight(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{unplugged: true})
	var all looks
	b.open("/")
	for _, language := range []string{"en", "zh"} {
		b.speaks(language, "/")
		b.ready()
		b.showAll(language, states(), sample(language))
		all.add(b.looked())
	}
	b.quietly()
	// Off the simulator, and where the advice is another.
	s.withoutSimulator()
	for platform, agent := range map[string]string{
		"Windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"macOS":   "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"Android": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
	} {
		b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent})
			return err
		}))
		for _, language := range []string{"en", "zh"} {
			b.speaks(language, "/")
			b.ready()
			b.showAll(platform+", "+language, []fields{
				{"name": "start"}, {"name": "unsupported", "reason": "no-webusb"}, {"name": "unsupported", "reason": "insecure-context"},
				{"name": "error", "code": "permission-denied"},
			}, screens[:2])
			all.add(b.looked())
		}
	}
	b.quietly("/sim/v1/") // a page asks whether it comes from a simulator
	all.report(t)
	require.Positive(t, all.Counts["animations"], "nothing to judge: animations") // the boxes shake; elsewhere it is chance to see one
}

func TestTheDevicePageLooksRight(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{unplugged: true})
	var all looks
	b.open("/device")
	for _, language := range []string{"en", "zh"} {
		b.speaks(language, "/device")
		b.until("document.querySelector('[data-fact]') !== null")
		b.ready()
		look := func(what string) {
			for _, screen := range screens {
				b.screen(screen.width, screen.scheme, screen.reduced)
				b.run(fmt.Sprintf("looking.add(%q, %v)", fmt.Sprintf("%s, %s: %s", screen, language, what), screen.reduced))
			}
		}
		fact := func(name, value string) {
			b.until(fmt.Sprintf("document.querySelector('[data-fact=%q] dd').textContent.includes(%q)", name, value))
		}
		word := func(en, zh string) string {
			if language == "zh" {
				return zh
			}
			return en
		}

		look("ready")
		b.run(`for (const d of document.querySelectorAll('details')) d.open = true`)
		b.until("document.querySelector('.trace li') !== null")
		look("unfolded, nothing traced")
		require.NoError(t, s.device.Create(12))
		b.until("document.querySelector('.screen').textContent.includes('Word 1 of 12')")
		look("the words of a wallet")
		require.NoError(t, s.device.Home())
		require.NoError(t, s.device.SetPIN("123456"))
		require.NoError(t, s.device.Lock())
		fact("doing", word("PIN", "PIN"))
		b.run(`document.querySelector('[data-action=reset]').click(); document.querySelector('[data-control=packets]').click()`)
		look("locked, asked whether to reset")
		b.run(`document.querySelector('[data-action=unlock]').click()`)
		b.until("document.querySelector('.message').textContent !== ''")
		look("an input refused")
		require.NoError(t, s.device.Unlock("123456"))
		require.NoError(t, s.device.Unplug())
		fact("doing", word("Unplugged", "未插线"))
		look("unplugged")
		require.NoError(t, s.device.Plug())
		require.NoError(t, s.device.Reset())
		fact("wallet", word("None", "无"))
		all.add(b.looked())
	}
	b.quietly()
	all.report(t)
}

// Each thing that is looked for is found when it is there.
func TestLookingFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{unplugged: true})
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
			{"main { min-height: 5000px !important }", "is higher"},
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
		b.open(path)
		if path == "/device" {
			b.until("document.querySelector('[data-fact]') !== null")
			b.run("document.querySelector('[data-panel=faults]').open = true")
			require.NoError(t, s.device.Create(12))
			b.until("document.querySelector('.screen').textContent.includes('Word 1 of 12')")
		}
		b.ready()
		b.run("window.broken = new CSSStyleSheet(); document.adoptedStyleSheets.push(broken)")
		for _, c := range broken {
			b.screen(390, "light", false)
			b.run(fmt.Sprintf("broken.replaceSync(%q); %s", c.css, lookScript))
			if path == "/" {
				b.showAll("", []fields{
					{"name": "wrong", "source": "screen", "triesLeft": 3}, {"name": "code", "source": "screen"}, {"name": "unverified"}, {"name": "start"},
				}, screens[:1])
			} else {
				b.run("looking.add('device', false)")
			}
			found := strings.Join(b.looked().Findings, "\n")
			if c.css == "" {
				require.Empty(t, found)
			} else {
				assert.Contains(t, found, c.found, c.css)
			}
		}
		// Where less motion is wanted, the shortest is too much.
		b.screen(390, "light", true)
		b.run("broken.replaceSync('main { transition: color 10ms !important }'); " + lookScript + "; looking.add('less', true)")
		require.Contains(t, strings.Join(b.looked().Findings, "\n"), "a transition of 0.01s")
		b.quietly()
	}
	b.run("document.head.append(Object.assign(document.createElement('script'), { textContent: '1' }))")
	require.Contains(t, b.consoleText(), "Content Security Policy")
}
