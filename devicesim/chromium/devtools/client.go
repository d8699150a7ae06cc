// Package devtools is a client for the small part of the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)
// that opens a page in a Chromium and acts in it. For more use chromedp, Playwright or Puppeteer.
package devtools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/coder/websocket"
)

// maxMessage is the maximum length of a message of the browser in bytes.
const maxMessage = 16 << 20

// Error is the browser's answer to a call that has failed.
type Error struct {
	Method  string
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string {
	return fmt.Sprintf("devtools: %s: %s (%d)", e.Method, e.Message, e.Code)
}

// Client is a connection to a browser. It is safe for concurrent use.
type Client struct {
	socket *websocket.Conn
	ended  chan struct{} // closed when the connection has ended
	stop   context.CancelFunc

	mu      sync.Mutex
	err     error // why the connection has ended
	last    int
	calls   map[int]chan message
	targets map[string]target
	changed chan struct{} // closed and replaced after each change of targets
}

type message struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

type target struct {
	ID   string `json:"targetId"`
	Type string `json:"type"`
	URL  string `json:"url"`
}

// Dial connects to the browser at a URL ws://127.0.0.1:PORT/devtools/browser/ID.
func Dial(ctx context.Context, url string) (*Client, error) {
	socket, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, fmt.Errorf("devtools: %w", err)
	}
	socket.SetReadLimit(maxMessage)
	reading, stop := context.WithCancel(context.Background())
	c := &Client{
		socket: socket, stop: stop, ended: make(chan struct{}), calls: map[int]chan message{}, targets: map[string]target{}, changed: make(chan struct{}),
	}
	go c.read(reading)
	return c, nil
}

// Close ends the connection. The browser continues to run. Close may be called twice.
func (c *Client) Close() {
	c.stop()
	_ = c.socket.CloseNow()
	<-c.ended
}

func (c *Client) read(ctx context.Context) {
	defer close(c.ended)
	for {
		_, text, err := c.socket.Read(ctx)
		var m message
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		c.mu.Lock()
		if err != nil {
			c.err = fmt.Errorf("devtools: the connection to the browser has ended: %w", err)
			c.mu.Unlock()
			return
		}
		if answer, ok := c.calls[m.ID]; ok && m.Method == "" {
			delete(c.calls, m.ID)
			answer <- m // never blocks: it has room for one message
		}
		c.event(m)
		c.mu.Unlock()
	}
}

// event updates the list of targets. mu is held.
func (c *Client) event(m message) {
	var e struct {
		Info target `json:"targetInfo"`
		ID   string `json:"targetId"`
	}
	switch m.Method {
	case "Target.targetCreated", "Target.targetInfoChanged":
		if json.Unmarshal(m.Params, &e) == nil {
			c.targets[e.Info.ID] = e.Info
		}
	case "Target.targetDestroyed":
		if json.Unmarshal(m.Params, &e) == nil {
			delete(c.targets, e.ID)
		}
	default:
		return
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// Call makes one call, in the session of a page or in none (""), and decodes its result unless result is nil. Errors are *Error,
// ctx's own, and that of a connection that has ended.
func (c *Client) Call(ctx context.Context, session, method string, params, result any) error {
	answer := make(chan message, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.calls[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.calls, id)
		c.mu.Unlock()
	}()
	text, err := json.Marshal(struct {
		ID      int    `json:"id"`
		Session string `json:"sessionId,omitempty"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitempty"`
	}{id, session, method, params})
	if err != nil {
		return fmt.Errorf("devtools: %s: %w", method, err)
	}
	if err := c.socket.Write(ctx, websocket.MessageText, text); err != nil {
		return errors.Join(context.Cause(ctx), fmt.Errorf("devtools: %s: %w", method, err))
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			m.Error.Method = method
			return m.Error
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ended:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.err
	}
}
