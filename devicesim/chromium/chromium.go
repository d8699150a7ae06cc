// Package chromium starts an unmodified Chromium into which simulated devices are
// plugged (package preload), with the permission to use them already given, as
// after a click in the chooser.
//
// [Launch] starts it:
//
//	b, err := chromium.Launch(ctx, chromium.Options{
//		Devices:     []preload.Device{{Addr: "127.0.0.1:3240", BusID: "1-1"}},
//		Permissions: []chromium.Permission{{Origin: "http://localhost:7380", Serial: serial}},
//		Headful:     true,
//		URL:         "http://localhost:7380/",
//	})
//
// With Options.DevTools another program drives it: Browser.DevToolsURL is what chromedp's
// remote allocator, puppeteer.connect and playwright's connectOverCDP take.
//
// [Prepare] only makes things ready for somebody else who starts the browser: with the
// path, the environment and the switches that it returns.
//
// Two browsers with profiles of their own take turns on one device: the second
// sees it plugged in when the first has ended.
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

// ErrUnsupported reports a system other than Linux, where no library can be preloaded.
var ErrUnsupported = errors.New("chromium: simulated devices can be plugged into a browser on Linux only")

// Options say what to start. The zero value is a headless browser without devices.
type Options struct {
	Path        string           // the browser's binary; "" means Find
	Library     string           // from preload.Build; "" builds it
	Devices     []preload.Device // plugged in as long as their servers give them out
	Permissions []Permission
	Profile     string          // directory, kept; "" means a temporary one
	Headful     bool            // with a window
	DevTools    bool            // open to programs of this machine that speak the DevTools protocol: see Browser.DevToolsURL
	URL         string          // what to show; "" means about:blank
	Windows     []Window        // further ones; with Headful only
	Args        []string        // more switches, "--name=value"; they win over this package's
	Command     func(*exec.Cmd) // changes how Launch starts the browser, such as the user whom it runs as; nil changes nothing
	Output      io.Writer       // what the browser writes on its standard output and error; nil drops it
}

// Instance is a browser ready to be started.
type Instance struct {
	Path    string
	Args    []string // switches, the URL last
	Env     []string // in addition to the environment of this process
	Profile string

	flags     map[string]string
	temporary bool
}

// Flags returns the switches by name without dashes: a string, or true for one without a value.
func (in *Instance) Flags() map[string]any {
	flags := make(map[string]any, len(in.flags))
	for name, value := range in.flags {
		flags[name] = any(value)
		if value == "" {
			flags[name] = true
		}
	}
	return flags
}

// Close removes the profile if it is a temporary one. The browser must have ended.
func (in *Instance) Close() error {
	if !in.temporary {
		return nil
	}
	// A process that is being killed may write one file more while the rest is removed.
	err := os.RemoveAll(in.Profile)
	for tries := 0; tries < 50 && errors.Is(err, fs.ErrExist); tries++ {
		time.Sleep(20 * time.Millisecond)
		err = os.RemoveAll(in.Profile)
	}
	return err
}

// Prepare finds the browser, builds the library and makes the profile. Errors:
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
			if o.Library, err = preload.Build(ctx, ""); err != nil {
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
	if err := seedProfile(in.Profile, o.Permissions); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	in.setFlags(o)
	return in, nil
}

// disabledFeatures are features of the browser's own window that no test needs. The omnibox pop-ups are web pages that the
// browser renders ahead of time, in a process of their own: they took a third of the CPU time of a short test.
const disabledFeatures = "MediaRouter,OptimizationHints,Translate,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,WebUIOmniboxPopup"

// defaultFlags keep the browser quiet and offline: it asks nobody anything that the page does not ask.
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

func (in *Instance) setFlags(o Options) {
	in.flags = maps.Clone(defaultFlags)
	in.flags["user-data-dir"] = in.Profile
	if !o.Headful {
		in.flags["headless"] = ""
		in.flags["mute-audio"] = ""
	}
	if o.DevTools {
		in.flags["remote-debugging-port"] = "0" // any free one, on loopback
	}
	if os.Geteuid() == 0 {
		in.flags["no-sandbox"] = "" // Chromium's sandbox refuses to run as root
	}
	for _, arg := range o.Args {
		name, value := splitFlag(arg)
		in.flags[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(in.flags)) {
		if value := in.flags[name]; value != "" {
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
