// Package chromium starts an unmodified Chromium with simulated devices plugged in
// (package preload). Its pages have permission for the devices, as after a choice in
// the browser's chooser.
//
// [Launch] starts the browser:
//
//	b, err := chromium.Launch(ctx, chromium.Options{
//		Devices:     []preload.Device{{Addr: "127.0.0.1:3240", BusID: "1-1"}},
//		Permissions: []chromium.Permission{{Origin: "http://localhost:7380", Serial: serial}},
//		Headful:     true,
//		URL:         "http://localhost:7380/",
//	})
//
// With Options.DevTools another program can control it: Browser.DevToolsURL is for
// chromedp's remote allocator, puppeteer.connect and playwright's connectOverCDP.
//
// [Prepare] is for a program that starts the browser itself: it returns the path, the
// environment and the switches.
//
// Two browsers with different profiles can use one device in turn: the second one sees
// it plugged in when the first one has ended.
package chromium

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"imkey-connect/devicesim/preload"
)

// ErrUnsupported means that the system is not Linux. Only there can a library be preloaded.
var ErrUnsupported = errors.New("chromium: simulated devices can be plugged into a browser on Linux only")

// Options describe the browser to start. The zero value is a headless browser without devices.
type Options struct {
	Path        string           // the browser's binary; the default is that of Find
	Library     string           // from preload.Build; the default is to build it
	Devices     []preload.Device // plugged in while their servers serve them
	Permissions []Permission
	Profile     string          // the directory of the profile, which is kept; the default is a temporary one
	Headful     bool            // whether the browser has a window
	DevTools    bool            // whether programs of this machine can control the browser: see Browser.DevToolsURL
	URL         string          // the page to show; the default is about:blank
	Windows     []Window        // more windows, with Headful only
	Args        []string        // more switches, as "--name=value"; they override those of this package
	Command     func(*exec.Cmd) // may change the command that starts the browser, as its user; may be nil
	Output      io.Writer       // gets the browser's standard output and error; may be nil
}

// Instance is a browser that is ready to be started.
type Instance struct {
	Path    string
	Args    []string // switches, the URL last
	Env     []string // variables in addition to the environment of this process
	Profile string

	temporary bool
}

// Close removes the profile if it is a temporary one. The browser must have ended.
func (in *Instance) Close() error {
	if !in.temporary {
		return nil
	}
	// A process that is being killed may still write a file.
	err := os.RemoveAll(in.Profile)
	for tries := 0; tries < 50 && errors.Is(err, fs.ErrExist); tries++ {
		time.Sleep(20 * time.Millisecond)
		err = os.RemoveAll(in.Profile)
	}
	return err
}

// Prepare finds the browser, builds the library and makes the profile. Errors are
// ErrUnsupported, *NotFoundError, *preload.BuildError, *PermissionError, and those
// of the profile's files.
func Prepare(ctx context.Context, o Options) (*Instance, error) {
	if runtime.GOOS != "linux" {
		return nil, ErrUnsupported
	}
	in := &Instance{Path: o.Path, Profile: o.Profile}
	var err error
	if in.Path == "" {
		if in.Path, err = Find(); err != nil {
			return nil, err
		}
	}
	if len(o.Devices) > 0 {
		if o.Library == "" {
			if o.Library, err = preload.Locate(ctx); err != nil {
				return nil, err
			}
		}
		in.Env = preload.Env(o.Library, o.Devices...)
	}
	if in.Profile == "" {
		in.temporary = true
		if in.Profile, err = os.MkdirTemp("", "imkeysim-profile-"); err != nil {
			return nil, err
		}
	}
	if err := Seed(in.Profile, o.Permissions); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	in.setArgs(o)
	return in, nil
}

// disabledFeatures are features of the browser's window that no test needs. The omnibox pop-ups are web pages that the browser
// renders ahead of time in another process, which took a third of the CPU time of a short test.
const disabledFeatures = "MediaRouter,OptimizationHints,Translate,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,WebUIOmniboxPopup"

// defaultFlags keep the browser quiet and offline: it sends no requests but those of its pages.
var defaultFlags = map[string]string{
	"disable-background-networking":       "",
	"disable-breakpad":                    "",
	"disable-component-update":            "",
	"disable-default-apps":                "",
	"disable-domain-reliability":          "",
	"disable-features":                    disabledFeatures,
	"disable-gpu":                         "",
	"disable-quic":                        "",
	"disable-search-engine-choice-screen": "",
	"disable-sync":                        "",
	"metrics-recording-only":              "",
	"no-default-browser-check":            "",
	"no-first-run":                        "",
	"no-pings":                            "",
	"password-store":                      "basic",
}

func (in *Instance) setArgs(o Options) {
	flags := maps.Clone(defaultFlags)
	flags["user-data-dir"] = in.Profile
	if !o.Headful {
		flags["headless"] = ""
		flags["mute-audio"] = ""
	}
	if o.DevTools {
		flags["remote-debugging-port"] = "0" // any free one, on loopback
	}
	if os.Geteuid() == 0 {
		flags["no-sandbox"] = "" // Chromium's sandbox refuses to run as root
	}
	for _, arg := range o.Args {
		name, value := splitFlag(arg)
		flags[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if value := flags[name]; value != "" {
			in.Args = append(in.Args, fmt.Sprintf("--%s=%s", name, value))
		} else {
			in.Args = append(in.Args, "--"+name)
		}
	}
	url := o.URL
	if url == "" {
		url = "about:blank"
	}
	in.Args = append(in.Args, url)
}
