// Command imkeysim simulates imKey hardware wallets and serves the pages that connect to them. imkeysim -h describes it; package
// control documents the HTTP API under /sim/v1/.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"imkey-connect/core/version"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/loopback"
	"imkey-connect/devicesim/serve"
	"imkey-connect/web"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	args := os.Args[1:]
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") == "imkeysim-browser" { // a link to this program
		args = append([]string{"browser"}, args...)
	}
	os.Exit(run(ctx, args, os.Stdout, os.Stderr))
}

// run runs the command until ctx ends, and returns the exit code when everything has stopped.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command := runServe
	name := serveName
	if len(args) > 0 {
		switch args[0] {
		case "chromium":
			command, name, args = runChromium, chromiumName, args[1:]
		case "browser":
			return result(runBrowser(ctx, args[1:], stdout, stderr), browserName, switchPrefix+"help lists the options", stderr)
		case keeperCommand:
			return result(runKeeper(ctx, stdout), keeperCommand, "", stderr)
		case guardCommand:
			return result(runGuard(), guardCommand, "", stderr)
		}
	}
	o, rest, err := parse(name, args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err == nil && o.version {
		fmt.Fprintln(stdout, "imkeysim", version.Version)
		return exitOK
	}
	if err == nil {
		err = command(ctx, o, rest, stdout, stderr)
	} else if !errors.As(err, new(usageError)) {
		err = usageError{err}
	}
	return result(err, name, name+" -h lists the flags", stderr)
}

// result prints the error of a command, and returns the exit code.
func result(err error, name, advice string, stderr io.Writer) int {
	var wrongUse usageError
	switch {
	case errors.As(err, &wrongUse):
		fmt.Fprintf(stderr, "%s: %s (%s)\n", name, said(err), advice)
		return exitUsage
	case err != nil:
		fmt.Fprintf(stderr, "%s: %s\n", name, said(err))
		return exitError
	}
	return exitOK
}

// said returns the text of an error to print after the command's name.
func said(err error) string { return strings.TrimPrefix(err.Error(), "chromium: ") }

// usageError is an error in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// runServe serves until ctx ends.
func runServe(ctx context.Context, o options, rest []string, stdout, stderr io.Writer) error {
	if len(rest) > 0 {
		return usageError{stray(rest[0])}
	}
	s, err := start(o, stderr)
	if err != nil {
		return err
	}
	sites, err := startDapps(o.dapps, s, o)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	if err := announce(s, o, sites.urls, stdout); err != nil {
		return errors.Join(err, sites.Close(), s.Close())
	}
	ended := make(chan struct{})
	if o.untilStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // an error ends it, too
			close(ended)
		}()
	}
	select {
	case <-ctx.Done():
	case <-ended:
	case err = <-s.Failed():
	}
	return errors.Join(err, sites.Close(), s.Close())
}

// stray returns the error for an argument that is not a flag.
func stray(arg string) error {
	switch {
	case arg == "chromium":
		return errors.New("chromium goes before the flags: imkeysim chromium [flags] [URL]")
	case strings.Contains(arg, "://"):
		return fmt.Errorf("a URL needs chromium before it: imkeysim chromium [flags] %s", arg)
	}
	return fmt.Errorf("unexpected argument %q", arg)
}

// start starts a simulator with the options of the command line.
func start(o options, stderr io.Writer) (*serve.Simulator, error) {
	options, err := o.simulator()
	if err != nil {
		return nil, usageError{err}
	}
	if o.seed != nil {
		fmt.Fprintf(stderr, "\nWARNING: -seed %d: every key, code and phrase of this simulator is predictable.\n"+
			"WARNING: this is for tests only. Anyone who knows the seed knows all of them.\n\n", *o.seed)
	}
	for _, address := range []string{o.addr, o.usbip} {
		if address != "" && !loopback.Host(address) {
			fmt.Fprintf(stderr, "WARNING: %s is open to the network.\n"+
				"WARNING: anyone on the network can use the device.\n", address)
		}
	}
	if web.Dist == nil {
		fmt.Fprint(stderr, web.NotBuilt)
	}
	options.Pages = web.Handler(web.Dist)
	s, err := serve.Start(options)
	var option *device.OptionError
	var state *device.StateError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		err = fmt.Errorf("%w\nAnother imkeysim may be running there. -addr and -usbip choose another address, and port 0 a free one", err)
		if o.pages { // as with make run
			err = fmt.Errorf("%w; with make it is make run ADDR=localhost:7381", err)
		}
	case errors.As(err, &option) && flagOf[option.Option] != "":
		err = usageError{fmt.Errorf("%s: %s", flagOf[option.Option], strings.TrimPrefix(option.Err.Error(), "device: "))}
	case errors.As(err, &state):
		err = fmt.Errorf("-state: %s", strings.TrimPrefix(state.Error(), "device: state file "))
	}
	return s, err
}

// flagOf has the flag for each option of a device.
var flagOf = map[string]string{"Mnemonic": "-mnemonic", "PIN": "-pin", "Serial": "-serial", "SEID": "-seid"}

// originOf returns the origin of the pages. localhost and 127.0.0.1 are two origins to a browser and two apps to a device, so all pages
// have the host of -addr.
func originOf(s *serve.Simulator, o options) string {
	if host, _, _ := net.SplitHostPort(o.addr); o.pages && host == "localhost" {
		return s.Origin(host)
	}
	return s.URL()
}

// announce prints all addresses in one write, so that a program that has read line 1 finds the others too. dapps are those of the
// demonstration dApps.
func announce(s *serve.Simulator, o options, dapps []string, stdout io.Writer) error {
	origin := originOf(s, o)
	var b strings.Builder
	fmt.Fprintln(&b, origin)
	if address := s.USBIP(); address != "" {
		for n := 1; n <= o.devices; n++ {
			fmt.Fprintf(&b, "usbip %s 1-%d\n", address, n)
		}
	}
	if o.pages {
		for _, page := range pages(web.Dist) {
			fmt.Fprintln(&b, origin+page)
			for n := 2; page == "/device" && n <= o.devices; n++ {
				fmt.Fprintf(&b, "%s%s?device=%d\n", origin, page, n)
			}
		}
		for _, dapp := range dapps {
			fmt.Fprintln(&b, dapp)
		}
	}
	_, err := io.WriteString(stdout, b.String())
	return err
}

// pages returns the paths of the pages in dist, / first. Without a dist, / says how to build it.
func pages(dist fs.FS) []string {
	list := []string{"/"}
	if dist == nil {
		return list
	}
	names, _ := fs.Glob(dist, "*.html") // fails only for a bad pattern
	for _, name := range names {
		if name != "index.html" {
			list = append(list, "/"+strings.TrimSuffix(name, ".html"))
		}
	}
	return list
}
