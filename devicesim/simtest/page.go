package simtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"imkey-connect/devicesim/chromium/devtools"
)

// Page is a tab of a Chromium with the devices plugged in, and the user's mouse and keyboard. It can do what a test of a pairing
// needs; for more, any driver can use the DevToolsURL of [Simulator.Chromium]. Each call waits until it can act, for at most
// [Config].Timeout. If it times out, the test fails, with the text of the page and the screens of the devices in its output.
type Page struct {
	s    *Simulator
	page *devtools.Page
}

// Page opens a tab at an address, such as s.URL, in the Chromium that was started last. If there is none, it starts one in which
// the simulator's pages and those of the address's origin have permission for the devices.
func (s *Simulator) Page(address string) *Page {
	s.t.Helper()
	if s.browser != nil {
		select {
		case <-s.browser.Ended():
			s.browser = nil
		default:
		}
	}
	if s.browser == nil {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			s.t.Fatalf("simtest: %q is not the address of a page", address)
		}
		s.Chromium(u.Scheme + "://" + u.Host)
	}
	ctx, stop := context.WithTimeout(s.t.Context(), s.timeout())
	defer stop()
	client, err := devtools.Dial(ctx, s.browser.DevToolsURL)
	if err != nil {
		s.t.Fatalf("simtest: %v", err)
	}
	s.t.Cleanup(client.Close)
	page, err := client.NewPage(ctx)
	if err != nil {
		s.t.Fatalf("simtest: %v", err)
	}
	p := &Page{s, page}
	p.Open(address)
	return p
}

// Open goes to an address and waits until the page has loaded.
func (p *Page) Open(address string) {
	p.s.t.Helper()
	p.do("open "+address, func(ctx context.Context) error { return p.page.Open(ctx, address) })
}

// Click waits until the first element of a CSS selector is enabled and can be clicked with a mouse, and clicks it.
func (p *Page) Click(selector string) {
	p.s.t.Helper()
	p.on(selector, "click", `
		if (element.matches(':disabled')) return
		element.scrollIntoView({ block: 'center', behavior: 'instant' })
		const { x, y, width, height } = element.getBoundingClientRect()
		if (!element.contains(document.elementFromPoint(x + width / 2, y + height / 2))) return
		element.focus({ preventScroll: true })
		element.click()
		return true`)
}

// Type puts the cursor into an element and types a text key by key. \n is the Enter key.
func (p *Page) Type(selector, text string) {
	p.s.t.Helper()
	p.on(selector, "type into", `
		if (element.matches(':disabled')) return
		element.focus()
		return element.contains(document.activeElement) || undefined`)
	p.do("type", func(ctx context.Context) error {
		for _, key := range text {
			if err := p.page.Press(ctx, strings.ReplaceAll(string(key), "\n", "Enter")); err != nil {
				return err
			}
		}
		return nil
	})
}

// Text waits until an element has a visible text, and returns it.
func (p *Page) Text(selector string) string {
	p.s.t.Helper()
	var text string
	_ = json.Unmarshal(p.on(selector, "read", `return element.innerText.trim() || undefined`), &text) // it is a string
	return text
}

// Wait waits until the page has an element.
func (p *Page) Wait(selector string) {
	p.s.t.Helper()
	p.on(selector, "find", `return true`)
}

// Eval runs JavaScript as in a click of the user, awaits the result, and returns it as encoding/json decodes it. An exception
// fails the test.
func (p *Page) Eval(expression string) (value any) {
	p.s.t.Helper()
	p.do("run "+expression, func(ctx context.Context) error {
		text, err := p.page.Eval(ctx, expression)
		if err == nil && len(text) > 0 { // the text is empty for undefined
			err = json.Unmarshal(text, &value)
		}
		return err
	})
	return value
}

// on runs the body of a JavaScript function with the parameter element. It runs the body again after each change of the page
// until the element exists and the body returns a value.
func (p *Page) on(selector, what, body string) (value json.RawMessage) {
	p.s.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		p.s.t.Fatalf("simtest: %v", err)
	}
	// The interval is for elements that move without a change of the document, as in an animation.
	expression := fmt.Sprintf(`new Promise((resolve, reject) => {
		const act = (element) => { %s }
		const look = () => {
			try {
				const element = document.querySelector(%s)
				const value = element ? act(element) : undefined
				if (value !== undefined) done(resolve, value)
			} catch (error) {
				done(reject, error)
			}
		}
		const observer = new MutationObserver(look)
		const interval = setInterval(look, 100)
		const done = (end, value) => { observer.disconnect(); clearInterval(interval); end(value) }
		observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
		look()
	})`, body, quoted)
	p.do(what+" "+selector, func(ctx context.Context) (err error) {
		value, err = p.page.Eval(ctx, expression)
		return err
	})
	return value
}

func (p *Page) do(what string, act func(context.Context) error) {
	p.s.t.Helper()
	ctx, stop := context.WithTimeout(p.s.t.Context(), p.s.timeout())
	defer stop()
	began := time.Now()
	err := act(ctx)
	if err == nil {
		return
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("waited %v", time.Since(began).Round(time.Second/10))
	}
	p.s.t.Fatalf("simtest: the page: cannot %s: %v\n%s", what, err, p.shows())
}

// shows returns the address and the visible text of the page.
func (p *Page) shows() string {
	const limit = 5 * time.Second
	ctx, stop := context.WithTimeout(context.Background(), limit)
	defer stop()
	text, err := p.page.Eval(ctx, "`${location.href}\\n${document.body?.innerText ?? ''}`")
	var shown string
	if err != nil || json.Unmarshal(text, &shown) != nil {
		return "Its text cannot be read."
	}
	return "It shows " + shown
}
