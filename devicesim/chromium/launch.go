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

// Browser is a browser that runs.
type Browser struct {
	Instance *Instance
	// DevToolsURL is where Options.DevTools opened it: ws://127.0.0.1:PORT/devtools/browser/ID. Empty without.
	DevToolsURL string
	// LoadErr is why DevTools was opened without the page at Options.URL: a *LoadError, or nil.
	LoadErr error

	cmd   *exec.Cmd
	said  *output
	ended chan struct{} // closed when it has, err and the profile's removal included
	err   error
	stop  sync.Once
}

// stopTimeout is how long a browser may take to end by itself when asked to.
const stopTimeout = 10 * time.Second

// EndedError is a browser that ended by itself and not well.
type EndedError struct {
	Output string // the end of what it wrote, which mostly says why
	Err    error  // how the process ended; nil if it ended before DevTools was open, as if all were well
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

// LoadError is a page that the browser did not load. What it shows in place of it says the same.
type LoadError struct {
	URL string
	Err error
}

func (e *LoadError) Error() string {
	return "chromium: " + e.URL + " could not be loaded: " + e.Err.Error()
}

func (e *LoadError) Unwrap() error { return e.Err }

// Launch starts a browser, which runs until it is closed, by its person or by
// Close, or until ctx ends. With Options.DevTools it returns when DevTools is open and
// the page at Options.URL has loaded, or could not be within half a minute (Browser.LoadErr).
// Errors: those of Prepare, of starting a process, *EndedError, and ctx's own.
func Launch(ctx context.Context, o Options) (*Browser, error) {
	if err := ctx.Err(); err != nil {
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
	// Should a grandchild keep the output open, waiting for it must end all the same.
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
		killGroup(b.cmd) // children that outlived it, so that none writes into the profile
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
		if b.err != nil {
			return nil, b.err
		}
		return nil, &EndedError{Output: b.said.tail()}
	}
}

// loadTimeout is how long the first page of a browser that is driven may take before whoever drives it gets the browser
// anyway.
const loadTimeout = 30 * time.Second

// show opens url and waits until it is loaded. A driver that attaches while a tab changes from its first page to the next
// may never hear of that tab again (playwright's connectOverCDP then waits for ever), so the change is over before anybody
// learns where DevTools is.
func (b *Browser) show(ctx context.Context, url string) error {
	if url == "" || url == devtools.Blank {
		return nil
	}
	ctx, stop := context.WithTimeoutCause(ctx, loadTimeout, fmt.Errorf("it takes longer than %v", loadTimeout))
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

// PID is the browser's process id, and its process group's.
func (b *Browser) PID() int { return b.cmd.Process.Pid }

// Ended is closed when the browser has ended.
func (b *Browser) Ended() <-chan struct{} { return b.ended }

// Wait waits for the browser's end and says how it ended.
func (b *Browser) Wait() error {
	<-b.ended
	return b.err
}

// Close ends the browser, with all its processes, and removes a temporary profile.
// Closing one that has ended, or closing twice, is harmless.
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
		return nil // it was told to
	}
	return b.err
}

func splitFlag(arg string) (name, value string) {
	name, value, _ = strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return name, value
}
