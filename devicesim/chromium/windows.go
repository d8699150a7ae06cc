package chromium

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
)

// Window is one more window of a headful browser. Left to Height are in pixels of the screen. On a system that places windows
// itself, as Wayland does, Left and Top have no effect.
type Window struct {
	URL                      string
	Left, Top, Width, Height int
}

// pipeSwitches open the pipe, without setting navigator.webdriver: a program opens the windows, but the user controls the
// browser.
var pipeSwitches = []string{"--remote-debugging-pipe", "--disable-blink-features=AutomationControlled"}

// windowPipe is the browser's DevTools pipe, which no other program can reach. The browser reads commands at its descriptor 3 and
// writes answers at 4. It ends when the pipe is closed.
type windowPipe struct {
	ask, answers      *os.File
	itsRead, itsWrite *os.File
}

func newWindowPipe(cmd *exec.Cmd) (*windowPipe, error) {
	read, ask, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answers, write, err := os.Pipe()
	if err != nil {
		read.Close()
		ask.Close()
		return nil, err
	}
	cmd.ExtraFiles = []*os.File{read, write}
	return &windowPipe{ask, answers, read, write}, nil
}

// started closes the browser's ends of the pipe, which the browser has by now, and opens the windows.
func (p *windowPipe) started(windows []Window) {
	p.itsRead.Close()
	p.itsWrite.Close()
	go func() { _, _ = io.Copy(io.Discard, p.answers) }() // ends with the browser
	for i, w := range windows {
		message, err := json.Marshal(map[string]any{"id": i + 1, "method": "Target.createTarget", "params": map[string]any{
			"url": w.URL, "newWindow": true, "background": true, "left": w.Left, "top": w.Top, "width": w.Width, "height": w.Height,
		}})
		if err == nil {
			_, err = p.ask.Write(append(message, 0))
		}
		if err != nil {
			return // the browser has ended
		}
	}
}

func (p *windowPipe) close() {
	for _, f := range []*os.File{p.ask, p.answers, p.itsRead, p.itsWrite} {
		f.Close() // some may be closed already
	}
}
