package devtools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Blank is the address of the empty page.
const Blank = "about:blank"

// Page is one tab. Only one goroutine at a time may call its methods.
type Page struct {
	client  *Client
	session string
}

// Thrown is an exception of the page's JavaScript.
type Thrown struct{ Text string }

func (e *Thrown) Error() string { return "devtools: the page threw " + e.Text }

// NetError is the browser's reason why it did not load a page, as net::ERR_CONNECTION_REFUSED.
type NetError string

func (e NetError) Error() string { return string(e) }

// FirstPage waits for a tab that shows [Blank], such as the first tab of a new browser, and returns it.
func (c *Client) FirstPage(ctx context.Context) (*Page, error) {
	if err := c.Call(ctx, "", "Target.setDiscoverTargets", map[string]any{"discover": true}, nil); err != nil {
		return nil, err
	}
	for {
		c.mu.Lock()
		changed, found := c.changed, ""
		for id, t := range c.targets {
			if t.Type == "page" && t.URL == Blank {
				found = id
			}
		}
		c.mu.Unlock()
		if found != "" {
			return c.attach(ctx, found)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-c.ended:
			c.mu.Lock()
			defer c.mu.Unlock()
			return nil, c.err
		}
	}
}

// NewPage opens a tab that shows [Blank].
func (c *Client) NewPage(ctx context.Context) (*Page, error) {
	var made struct {
		ID string `json:"targetId"`
	}
	if err := c.Call(ctx, "", "Target.createTarget", map[string]any{"url": Blank}, &made); err != nil {
		return nil, err
	}
	return c.attach(ctx, made.ID)
}

func (c *Client) attach(ctx context.Context, id string) (*Page, error) {
	var attached struct {
		Session string `json:"sessionId"`
	}
	if err := c.Call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": id, "flatten": true}, &attached); err != nil {
		return nil, err
	}
	return &Page{c, attached.Session}, nil
}

// Open goes to a URL and waits until the page has loaded. It returns a NetError for a site that cannot be reached; the browser
// then shows its own page about that.
func (p *Page) Open(ctx context.Context, url string) error {
	var answer struct {
		ErrorText string `json:"errorText"`
	}
	if err := p.client.Call(ctx, p.session, "Page.navigate", map[string]any{"url": url}, &answer); err != nil {
		return err
	}
	// The call answers when the new page has replaced the old one.
	const loaded = `new Promise((resolve) => document.readyState === 'complete' ? resolve(true) : addEventListener('load', () => resolve(true)))`
	if _, err := p.Eval(ctx, loaded); err != nil {
		return err
	}
	if answer.ErrorText != "" {
		return NetError(answer.ErrorText)
	}
	return nil
}

// Eval runs JavaScript as in a click of the user, awaits the result, and returns it as JSON. If another page replaces the page
// meanwhile, it runs the JavaScript again there. Errors are *Thrown, *Error, and ctx's own.
func (p *Page) Eval(ctx context.Context, expression string) (json.RawMessage, error) {
	for {
		var answer struct {
			Result struct {
				Value json.RawMessage `json:"value"`
			} `json:"result"`
			Exception *struct {
				Text  string `json:"text"`
				Value struct {
					Description string          `json:"description"`
					Value       json.RawMessage `json:"value"`
				} `json:"exception"`
			} `json:"exceptionDetails"`
		}
		err := p.client.Call(ctx, p.session, "Runtime.evaluate", map[string]any{
			"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
		}, &answer)
		var refused *Error
		switch {
		case errors.As(err, &refused) && Gone(refused.Message):
			continue
		case err != nil:
			return nil, err
		case answer.Exception != nil && answer.Exception.Value.Description != "":
			return nil, &Thrown{answer.Exception.Value.Description}
		case answer.Exception != nil:
			return nil, &Thrown{fmt.Sprintf("%s %s", answer.Exception.Text, answer.Exception.Value.Value)}
		}
		return answer.Result.Value, nil
	}
}

// Gone reports whether an Error with a message means that another page has replaced the page.
func Gone(message string) bool {
	for _, text := range []string{"Inspected target navigated or closed", "Execution context was destroyed", "Cannot find context", "Promise was collected"} {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

// Press presses and releases a key: "Enter" or one character.
func (p *Page) Press(ctx context.Context, key string) error {
	event := map[string]any{"type": "keyDown", "key": key, "text": key, "unmodifiedText": key}
	if key == "Enter" {
		event["text"], event["unmodifiedText"], event["code"], event["windowsVirtualKeyCode"] = "\r", "\r", "Enter", 13
	}
	if err := p.client.Call(ctx, p.session, "Input.dispatchKeyEvent", event, nil); err != nil {
		return err
	}
	delete(event, "text")
	delete(event, "unmodifiedText")
	event["type"] = "keyUp"
	return p.client.Call(ctx, p.session, "Input.dispatchKeyEvent", event, nil)
}
