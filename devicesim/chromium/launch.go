package chromium

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Browser is a browser that runs.
type Browser struct {
	Instance *Instance

	cmd   *exec.Cmd
	ended chan struct{} // closed when it has, err and the profile's removal included
	err   error
	stop  sync.Once
}

// stopTimeout is how long a browser may take to end by itself when asked to.
const stopTimeout = 3 * time.Second

// Launch starts a browser, which runs until it is closed, by its person or by
// Close, or until ctx ends. Errors: those of Prepare, of starting a process,
// and ctx's own if it has ended already.
func Launch(ctx context.Context, o Options) (*Browser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in, err := Prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	b := &Browser{Instance: in, cmd: exec.Command(in.Path, in.Args...), ended: make(chan struct{})}
	b.cmd.Env = append(os.Environ(), in.Env...)
	b.cmd.Stdout, b.cmd.Stderr = o.Output, o.Output
	// Should a grandchild keep the output open, waiting for it must end all the same.
	b.cmd.WaitDelay = stopTimeout
	ownGroup(b.cmd)
	if err := b.cmd.Start(); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	unwatch := context.AfterFunc(ctx, func() { _ = b.Close() })
	go func() {
		defer close(b.ended)
		defer unwatch()
		err := b.cmd.Wait()
		killGroup(b.cmd) // children that outlived it, so that none writes into the profile
		b.err = errors.Join(err, in.Close())
	}()
	return b, nil
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
		askGroup(b.cmd)
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
