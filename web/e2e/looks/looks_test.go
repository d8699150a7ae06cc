package looks

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// showing is a script that draws each state and measures it, and also what the user can change in it.
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
			const group = (text) => Object.assign(document.createElement('span'), { textContent: text })
			document.querySelector('.revealed').replaceChildren(group('PVU3'), group('FY64'))
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

// showAll measures states on several screens.
func showAll(b *harness.Browser, language string, states []fields, screens []harness.Screen) {
	b.T.Helper()
	list, err := json.Marshal(states)
	require.NoError(b.T, err)
	for _, s := range screens {
		b.SetScreen(s.Width, s.Scheme, s.Reduced)
		b.Run(fmt.Sprintf("const states = %s, screen = %q, reduced = %v\n%s", list, s.String()+", "+language, s.Reduced, showing))
	}
}

// TestConnectPageLooks measures every state of the connect page on every kind of screen, in both languages.
func TestConnectPageLooks(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	var all harness.Looks
	b.Open("/")
	for _, language := range []string{"en", "zh"} {
		b.OpenInLanguage(language, "/")
		b.PrepareLook()
		showAll(b, language, states(), harness.SampleScreens(language))
		all.Add(b.Looked())
	}
	b.CheckConsole()
	// Without a simulator, and on systems with other advice.
	s.HideSimulator()
	for platform, agent := range map[string]string{
		"Windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"macOS":   "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"Android": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
	} {
		b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent})
			return err
		}))
		for _, language := range []string{"en", "zh"} {
			b.OpenInLanguage(language, "/")
			b.PrepareLook()
			showAll(b, platform+", "+language, []fields{
				{"name": "start"}, {"name": "unsupported", "reason": "no-webusb"}, {"name": "unsupported", "reason": "insecure-context"},
				{"name": "error", "code": "permission-denied"},
			}, harness.Screens[:2])
			all.Add(b.Looked())
		}
	}
	b.CheckConsole("/sim/v1/") // a page looks for a simulator
	all.Report(t)
	require.Positive(t, all.Counts["animations"], "no animation was measured") // the boxes shake after a wrong code
}

// TestDevicePageLooks measures the device page in several situations, in both languages.
func TestDevicePageLooks(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	var all harness.Looks
	b.Open("/device")
	for _, language := range []string{"en", "zh"} {
		b.OpenInLanguage(language, "/device")
		b.WaitUntil("document.querySelector('[data-fact]') !== null")
		b.PrepareLook()
		look := func(what string) {
			for _, screen := range harness.Screens {
				b.SetScreen(screen.Width, screen.Scheme, screen.Reduced)
				b.Run(fmt.Sprintf("looking.add(%q, %v)", fmt.Sprintf("%s, %s: %s", screen, language, what), screen.Reduced))
			}
		}
		fact := func(name, key string) { b.WaitForTextIn("[data-fact="+name+"] dd", key) }

		look("ready")
		// What the diagram would scroll is measured, too.
		b.Run(`for (const d of document.querySelectorAll('details')) d.open = true
			document.querySelector('.trace').style.maxHeight = 'none'`)
		b.WaitUntil("document.querySelector('.trace li') !== null")
		look("unfolded, nothing traced")
		require.NoError(t, s.Device.Simulated.Create(12))
		b.WaitUntil("document.querySelector('.screen').textContent.includes('Word 1 of 12')")
		look("the words of a wallet")
		s.Device.Home()
		require.NoError(t, s.Device.Simulated.SetPIN("123456"))
		s.Device.Lock()
		fact("doing", "device.doingLocked")
		b.Run(`document.querySelector('[data-action=reset]').click(); document.querySelector('[data-control=packets]').click()`)
		look("locked, asked whether to reset")
		b.Run(`document.querySelector('[data-action=unlock]').click()`)
		b.WaitUntil("document.querySelector('.message').textContent !== ''")
		look("an input refused")
		s.Device.Unlock("123456")
		s.Device.Unplug()
		fact("doing", "device.doingUnplugged")
		look("unplugged")
		s.Device.Plug()
		s.Device.Reset()
		fact("wallet", "device.walletNone")
		all.Add(b.Looked())
	}
	b.CheckConsole()
	all.Report(t)
}
