package chromium

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// tailSize is how many bytes of the browser's output are kept for an error.
const tailSize = 2000

// devToolsLine is the beginning of the line with the address of DevTools.
const devToolsLine = "DevTools listening on "

// output forwards what a browser writes, keeps the end of it, and finds the DevTools URL in it.
type output struct {
	to       io.Writer   // or nil
	devTools chan string // receives the URL

	mu   sync.Mutex
	last []byte
	line []byte // the incomplete line, until the URL was found
	done bool   // the URL was found
}

func newOutput(to io.Writer) *output { return &output{to: to, devTools: make(chan string, 1)} }

// Write is called by one goroutine, because the process has one pipe for both outputs.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	o.last = append(o.last, p...)
	o.last = o.last[max(0, len(o.last)-tailSize):]
	if !o.done {
		o.look(p)
	}
	o.mu.Unlock()
	if o.to != nil {
		_, _ = o.to.Write(p) // an error must not end the browser
	}
	return len(p), nil
}

func (o *output) look(p []byte) {
	o.line = append(o.line, p...)
	for {
		line, rest, whole := bytes.Cut(o.line, []byte("\n"))
		if !whole {
			o.line = o.line[max(0, len(o.line)-tailSize):]
			return
		}
		if url, ok := strings.CutPrefix(string(line), devToolsLine); ok {
			o.devTools <- strings.TrimSpace(url)
			o.line, o.done = nil, true
			return
		}
		o.line = rest
	}
}

// tail returns the end of the output, in whole lines.
func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := string(o.last)
	if len(o.last) == tailSize {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimSpace(text)
}
