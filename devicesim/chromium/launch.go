package chromium

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"imkey-connect/devicesim/chromium/devtools"
)

// Browser is a running browser.
type Browser struct {
	Instance *Instance
	// DevToolsURL is the address of DevTools, ws://127.0.0.1:PORT/devtools/browser/ID. It is empty without Options.DevTools.
	DevToolsURL string
	// LoadErr is a *LoadError if DevTools was opened but the page at Options.URL did not load, else nil.
	LoadErr error

	cmd   *exec.Cmd
	said  *output
	ended chan struct{} // closed when the browser has ended, err is set and a temporary profile is removed
	err   error
	stop  sync.Once
}

// stopTimeout is how long a browser may take to end after it was asked to.
const stopTimeout = 10 * time.Second

// EndedError is a browser that ended by itself with an error.
type EndedError struct {
	Output string // the end of its output, which usually says why
	Err    error  // how the process ended; nil if it ended without an error but before DevTools was open
}

func (e *EndedError) Error() string {
	s := "chromium: the browser ended"
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Output != "" {
		s += "\n" + e.Output
	}
	return s
}

func (e *EndedError) Unwrap() error { return e.Err }

// LoadError is a page that the browser did not load. The browser shows its own page about it.
type LoadError struct {
	URL string
	Err error
}

func (e *LoadError) Error() string {
	return "chromium: " + e.URL + " could not be loaded: " + e.Err.Error()
}

func (e *LoadError) Unwrap() error { return e.Err }

// Launch starts a browser. It runs until the user or Close closes it, or ctx ends.
// With Options.DevTools, Launch returns when DevTools is open and the page at
// Options.URL has loaded. If the page does not load within half a minute, it sets
// Browser.LoadErr. Errors are those of Prepare, those of starting a process,
// *EndedError, and the cause of ctx's end.
func Launch(ctx context.Context, o Options) (*Browser, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	first := ""
	if o.DevTools {
		first, o.URL = o.URL, "" // see show
	}
	in, err := Prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	b := &Browser{Instance: in, cmd: exec.Command(in.Path, in.Args...), said: newOutput(o.Output), ended: make(chan struct{})}
	b.cmd.Env = append(os.Environ(), in.Env...)
	b.cmd.Stdout, b.cmd.Stderr = b.said, b.said
	// A grandchild may keep the output open. Wait must end nevertheless.
	b.cmd.WaitDelay = stopTimeout
	ownGroup(b.cmd)
	if o.Command != nil {
		o.Command(b.cmd)
	}
	var pipe *windowPipe
	if o.Headful && len(o.Windows) > 0 {
		if pipe, err = newWindowPipe(b.cmd); err != nil {
			return nil, errors.Join(err, in.Close())
		}
		b.cmd.Args = slices.Insert(b.cmd.Args, 1, pipeSwitches...)
	}
	if err := b.cmd.Start(); err != nil {
		if pipe != nil {
			pipe.close()
		}
		return nil, errors.Join(err, in.Close())
	}
	if pipe != nil {
		pipe.started(o.Windows)
	}
	unwatch := context.AfterFunc(ctx, func() { _ = b.Close() })
	go func() {
		defer close(b.ended)
		defer unwatch()
		err := b.cmd.Wait()
		if pipe != nil {
			pipe.close()
		}
		killGroup(b.cmd) // no child may write into the profile any more
		if err != nil {
			err = &EndedError{b.said.tail(), err}
		}
		b.err = errors.Join(err, in.Close())
	}()
	if !o.DevTools {
		return b, nil
	}
	select {
	case b.DevToolsURL = <-b.said.devTools:
		if err := b.show(ctx, first); err != nil {
			b.LoadErr = &LoadError{first, err}
		}
		return b, nil
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), b.Close())
	case <-b.ended:
		if err := context.Cause(ctx); err != nil {
			return nil, errors.Join(err, b.Close()) // it ended because of that
		}
		if b.err != nil {
			return nil, b.err
		}
		return nil, &EndedError{Output: b.said.tail()}
	}
}

// loadTimeout is how long Launch waits for the first page of a browser with DevTools.
const loadTimeout = 30 * time.Second

// show opens a page and waits until it has loaded. A program that attaches while a tab changes from its first page to another
// may get no events of that tab any more (playwright's connectOverCDP then waits forever). So the tab changes before Launch
// returns the address of DevTools.
func (b *Browser) show(ctx context.Context, url string) error {
	if url == "" || url == devtools.Blank {
		return nil
	}
	ctx, stop := context.WithTimeoutCause(ctx, loadTimeout, fmt.Errorf("no answer within %v", loadTimeout))
	defer stop()
	client, err := devtools.Dial(ctx, b.DevToolsURL)
	if err != nil {
		return err
	}
	defer client.Close()
	page, err := client.FirstPage(ctx)
	if err != nil {
		return err
	}
	return page.Open(ctx, url)
}

// PID is the id of the browser's process and of its process group.
func (b *Browser) PID() int { return b.cmd.Process.Pid }

// Ended returns a channel that is closed when the browser has ended.
func (b *Browser) Ended() <-chan struct{} { return b.ended }

// Wait waits until the browser has ended, and returns how it ended.
func (b *Browser) Wait() error {
	<-b.ended
	return b.err
}

// Close ends the browser with all its processes, and removes a temporary profile. It
// may be called twice, and after the browser has ended.
func (b *Browser) Close() error {
	b.stop.Do(func() {
		ask(b.cmd)
		select {
		case <-b.ended:
		case <-time.After(stopTimeout):
			killGroup(b.cmd)
		}
	})
	<-b.ended
	var exit *exec.ExitError
	if errors.As(b.err, &exit) {
		return nil // Close has ended it
	}
	return b.err
}

func splitFlag(arg string) (name, value string) {
	name, value, _ = strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return name, value
}
