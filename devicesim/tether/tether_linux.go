package tether

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The descriptors of the keeper and the guard.
const (
	lifelineFD = 3 + iota // their end of the lifeline
	browserFD             // the browser's process
	toolFD                // the tool's process
)

// grace is how long a browser that was asked to end, and processes that it left, may take.
const grace = 3 * time.Second

// runsPrograms reports whether a folder is there and programs in it can run, as its mount says.
func runsPrograms(folder string) bool {
	var s unix.Statfs_t
	return unix.Statfs(folder, &s) == nil && s.Flags&unix.ST_NOEXEC == 0
}

func mine(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// hold marks a folder as used until the process ends or the function is called.
func hold(folder string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(folder, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}

func held(folder string) bool {
	f, err := os.Open(filepath.Join(folder, lockName))
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil
}

// Tether joins this process, which is about to become a browser, with its keeper.
type Tether struct {
	lifeline int    // this process's end
	Answer   []byte // the line that the keeper wrote when it was ready
}

// Start starts the keeper: this program with args. It gets the settings and the leash as JSON. Start returns when the keeper has
// written its answer, or an error that has what the keeper wrote to standard error.
func Start(leash Leash, args []string, settings any) (*Tether, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	// A high number, so that the tool's descriptors 3 and 4 stay free for Chromium's pipe.
	own, err := unix.FcntlInt(uintptr(pair[0]), unix.F_DUPFD_CLOEXEC, 100)
	unix.Close(pair[0])
	other := os.NewFile(uintptr(pair[1]), "lifeline")
	defer other.Close()
	if err != nil {
		return nil, err
	}
	t := &Tether{lifeline: own}
	if err := t.start(leash, args, settings, other); err != nil {
		unix.Close(own)
		return nil, err
	}
	return t, nil
}

func (t *Tether) start(leash Leash, args []string, settings any, other *os.File) error {
	browser, err := process(os.Getpid())
	if err != nil {
		return err
	}
	defer browser.Close()
	tool := browser // without a tool, the browser's own end counts
	if parent := os.Getppid(); parent > 1 {
		if tool, err = process(parent); err != nil {
			return fmt.Errorf("the program that started this one has ended: %w", err)
		}
		defer tool.Close()
	}
	input, err := json.Marshal(message{leash, settings})
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(leash.Folder, "log"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	answers, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer answers.Close()
	keeper := exec.Command(program, args...)
	keeper.Stdin, keeper.Stdout, keeper.Stderr = bytes.NewReader(append(input, '\n')), write, log
	keeper.ExtraFiles = []*os.File{lifelineFD - 3: other, browserFD - 3: browser, toolFD - 3: tool}
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	restore, err := shield()
	if err != nil {
		return errors.Join(err, write.Close())
	}
	err = keeper.Start()
	restore()
	write.Close()
	if err != nil {
		return err
	}
	t.Answer, err = bufio.NewReader(answers).ReadBytes('\n')
	if err != nil {
		_ = keeper.Wait() // its log says more
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("the simulator ended: %s", bytes.TrimSpace(text))
	}
	return nil
}

// message is what a helper reads from standard input.
type message struct {
	Leash    Leash `json:"leash"`
	Settings any   `json:"settings,omitempty"`
}

// process returns a descriptor of a process.
func process(pid int) (*os.File, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open: %w", err)
	}
	return os.NewFile(uintptr(fd), "process"), nil
}

// shield keeps the descriptors that this process inherited from the next child, and returns a function that undoes it.
func shield() (restore func(), err error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	var open []int
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd < 3 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			unix.CloseOnExec(fd)
			open = append(open, fd)
		}
	}
	return func() {
		for _, fd := range open {
			_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0) // it was open a moment ago
		}
	}, nil
}

// Become replaces this process by the browser, with the environment of this process and the lifeline. It returns only if that
// fails. variable returns the environment variable that names the lifeline.
func (t *Tether) Become(program string, args []string, variable func(fd, process int) string) error {
	name, value, _ := strings.Cut(variable(t.lifeline, os.Getpid()), "=")
	if err := os.Setenv(name, value); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(t.lifeline), unix.F_SETFD, 0); err != nil {
		return err
	}
	return syscall.Exec(program, append([]string{program}, args...), os.Environ())
}

// Close gives up: the keeper ends.
func (t *Tether) Close() { unix.Close(t.lifeline) }

// Keeper is the keeper's or the guard's view of the browser.
type Keeper struct {
	leash    Leash
	lifeline *os.File
	browser  *os.File
	tool     *os.File
	guard    io.Closer // the guard's standard input, which it sees closed when the keeper ends
	release  func()    // gives up the folder
}

// Keep is called in the keeper. It reads the settings, and starts the guard: this program with args.
func Keep(args []string, settings any) (*Keeper, error) {
	k, err := newKeeper(settings)
	if err != nil {
		return nil, err
	}
	k.leash.Since = startOf("self")
	guard, err := k.startGuard(args)
	if err != nil {
		return nil, err
	}
	go func() {
		for err == nil {
			var killed *exec.ExitError
			if err = guard.Wait(); errors.As(err, &killed) && !killed.Exited() {
				guard, err = k.startGuard(args)
			}
		}
	}()
	return k, nil
}

// startGuard starts the guard. It ends when this process has ended.
func (k *Keeper) startGuard(args []string) (*exec.Cmd, error) {
	input, err := json.Marshal(message{Leash: k.leash})
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	guard := exec.Command(program, args...)
	guard.ExtraFiles = []*os.File{lifelineFD - 3: k.lifeline, browserFD - 3: k.browser, toolFD - 3: k.tool}
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := guard.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := guard.Start(); err != nil {
		return nil, err
	}
	k.guard = stdin
	_, err = stdin.Write(append(input, '\n'))
	return guard, err
}

// newKeeper reads the message on standard input.
func newKeeper(settings any) (*Keeper, error) {
	k := &Keeper{lifeline: os.NewFile(lifelineFD, "lifeline"), browser: os.NewFile(browserFD, "browser"), tool: os.NewFile(toolFD, "tool")}
	for _, f := range []*os.File{k.lifeline, k.browser, k.tool} {
		unix.CloseOnExec(int(f.Fd()))
	}
	line, err := bufio.NewReader(os.Stdin).ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(line, &message{Settings: settings}); err != nil {
		return nil, err
	}
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, err
	}
	k.leash = m.Leash
	k.release, err = hold(k.leash.Folder)
	return k, err
}

// Wait waits until the browser has ended, or ends it when the tool has ended or ctx ends.
func (k *Keeper) Wait(ctx context.Context) error {
	stop, stopped, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stop.Close()
	unwatch := context.AfterFunc(ctx, func() { stopped.Close() })
	defer unwatch()
	gone := await(k.lifeline, k.tool, stop)
	if gone != k.lifeline {
		k.end()
	}
	return nil
}

// Guard is called in the guard. It waits until the keeper has ended, ends the browser if that still runs, and cleans up.
func Guard() error {
	k, err := newKeeper(nil)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the keeper has ended
	k.end()
	return k.Clean()
}

// end asks the browser to end, and kills it if it does not.
func (k *Keeper) end() {
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		_ = unix.PidfdSendSignal(int(k.browser.Fd()), signal, nil, 0) // it may have ended
		if awaitFor(grace, k.browser) {
			return
		}
	}
}

// Clean ends what is left of a browser that has ended, and removes its folder and what AlsoRemove named. A tool that sees
// imkeysim.json vanish knows that all is done.
func (k *Keeper) Clean() error {
	deadline := time.Now().Add(grace)
	for {
		left := remains(k.leash)
		if len(left) == 0 {
			break
		}
		for _, f := range left {
			if !awaitFor(time.Until(deadline), f) {
				_ = unix.PidfdSendSignal(int(f.Fd()), unix.SIGKILL, nil, 0)
				awaitFor(grace, f)
			}
			f.Close()
		}
	}
	err := removeAll(k.leash.Folder)
	k.release()
	return err
}

// remains returns the processes that have a library of the folder loaded: those of the browser.
func remains(leash Leash) (left []*os.File) {
	links, _ := filepath.Glob("/proc/[0-9]*/exe") // fails only for a bad pattern
	for _, link := range links {
		name := filepath.Base(filepath.Dir(link))
		if program, err := os.Readlink(link); err != nil || program != leash.Program || startOf(name) < leash.Since {
			continue // it has ended, or is another program, or another browser's
		}
		pid, _ := strconv.Atoi(name)
		f, err := process(pid)
		if err != nil {
			continue
		}
		maps, err := os.ReadFile(filepath.Join(filepath.Dir(link), "maps"))
		if err == nil && bytes.Contains(maps, []byte(leash.Folder+"/")) {
			left = append(left, f)
		} else {
			f.Close()
		}
	}
	return left
}

// startOf returns when a process started, in the kernel's ticks since the start of the machine; 0 if it has ended.
func startOf(pid string) (ticks uint64) {
	stat, _ := os.ReadFile(filepath.Join("/proc", pid, "stat")) // without the file, the process has ended
	_, rest, _ := strings.Cut(string(stat), ") ")               // behind the name, which may have spaces
	const field = 22 - 3                                        // proc(5) counts from 1, and rest begins with field 3
	if fields := strings.Fields(rest); len(fields) > field {
		ticks, _ = strconv.ParseUint(fields[field], 10, 64)
	}
	return ticks
}

// await waits until one of the files has ended: a process, or the other end of a socket or pipe.
func await(files ...*os.File) *os.File { return poll(nil, files...) }

// awaitFor reports whether a file ends within a time.
func awaitFor(limit time.Duration, f *os.File) bool {
	deadline := time.Now().Add(limit)
	return poll(&deadline, f) != nil
}

func poll(deadline *time.Time, files ...*os.File) *os.File {
	fds := make([]unix.PollFd, len(files))
	for i, f := range files {
		fds[i] = unix.PollFd{Fd: int32(f.Fd()), Events: unix.POLLIN}
	}
	for {
		milliseconds := -1
		if deadline != nil {
			milliseconds = int(max(0, time.Until(*deadline).Milliseconds()))
		}
		_, err := unix.Poll(fds, milliseconds)
		if i := slices.IndexFunc(fds, func(fd unix.PollFd) bool { return fd.Revents != 0 }); i >= 0 {
			return files[i]
		}
		if err == nil && deadline != nil {
			return nil
		}
	}
}
