package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/serve"
)

// runChromium serves, and shows the pages in a Chromium with the devices plugged in, until the browser or ctx ends.
func runChromium(ctx context.Context, o options, rest []string, stdout, stderr io.Writer) error {
	for _, arg := range rest[min(1, len(rest)):] {
		if strings.HasPrefix(arg, "-") {
			return usageError{fmt.Errorf("flags go before the URL, and so does %s: imkeysim chromium [flags] URL", arg)}
		}
	}
	if len(rest) > 1 {
		return usageError{fmt.Errorf("one URL, not %d", len(rest))}
	}
	if len(rest) == 1 {
		if u, err := url.Parse(rest[0]); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return usageError{fmt.Errorf("%q is not the URL of a page", rest[0])}
		}
	}
	if !o.headless && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return usageError{errors.New("there is no display for a browser; use -headless")}
	}
	if o.usbip == "" {
		o.usbip = "127.0.0.1:0"
	}
	// Nothing is announced before the browser and the library are found.
	path, err := chromium.Find()
	if err != nil {
		return err
	}
	library, err := preload.Locate(ctx)
	if err != nil && ctx.Err() != nil {
		return nil // stopped during the build
	}
	if err != nil {
		return err
	}
	s, err := start(o, stderr)
	if err != nil {
		return err
	}
	err = announce(s, o, nil, stdout)
	if err == nil {
		err = browse(ctx, s, o, chromium.Options{Path: path, Library: library}, rest, stdout, stderr)
	}
	return errors.Join(err, s.Close())
}

// browse runs the browser with more settings. It returns nil when the user has closed the browser, or when ctx has ended.
func browse(ctx context.Context, s *serve.Simulator, o options, settings chromium.Options, rest []string, stdout, stderr io.Writer) error {
	origins := []string{s.Origin("localhost"), s.URL()}
	first := origins[0] + "/"
	if len(rest) == 1 {
		first = rest[0]
		u, err := url.Parse(first)
		if err != nil {
			return err
		}
		origins = append(origins, u.Scheme+"://"+u.Host)
	}
	settings.Profile, settings.Headful, settings.DevTools, settings.URL = o.profile, !o.headless, o.devtools || o.headless, first
	for n := 1; n <= o.devices; n++ {
		settings.Devices = append(settings.Devices, preload.Device{Addr: s.USBIP(), BusID: fmt.Sprintf("1-%d", n)})
		for _, origin := range origins {
			settings.Permissions = append(settings.Permissions, chromium.Permission{Origin: origin, Serial: s.Status(n).Serial})
		}
	}
	if !o.headless {
		// The page is on the left, and the first four devices are beside it.
		settings.Args = []string{"--window-position=0,0", "--window-size=780,900"}
		for n := 1; n <= min(o.devices, 4); n++ {
			settings.Windows = append(settings.Windows, chromium.Window{
				URL: fmt.Sprintf("%s/device?device=%d", s.Origin("localhost"), n), Left: 780 + 40*(n-1), Top: 40 * (n - 1), Width: 500, Height: 900,
			})
		}
	}
	if o.verbose {
		settings.Output = stderr
	}
	browser, err := chromium.Launch(ctx, settings)
	if ctx.Err() != nil && browser == nil {
		return nil // stopped during the start
	}
	if err != nil {
		return err
	}
	if browser.LoadErr != nil && ctx.Err() == nil { // the site may be started later
		fmt.Fprintf(stderr, "%s: %s; the browser is ready nevertheless\n", chromiumName, said(browser.LoadErr))
	}
	if browser.DevToolsURL != "" {
		if _, err := fmt.Fprintln(stdout, "devtools", browser.DevToolsURL); err != nil {
			return errors.Join(err, browser.Close())
		}
	}
	select {
	case <-ctx.Done():
		return browser.Close()
	case err := <-s.Failed():
		return errors.Join(err, browser.Close())
	case <-browser.Ended():
		if err := browser.Wait(); err != nil && ctx.Err() == nil {
			return err
		}
		return nil
	}
}
