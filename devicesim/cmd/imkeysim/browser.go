package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"imkey-connect/devicesim/chromium"
)

// The options of imkeysim browser, which leave Chromium's own command line alone.
const (
	switchPrefix   = "--imkey-"
	variablePrefix = "IMKEYSIM_"
)

const browserUsage = `imkeysim browser [CHROMIUM'S OWN ARGUMENTS]
    becomes Chromium, with a private simulated device plugged in

A program that starts browsers takes it as its browser: as this command, or
as a link to imkeysim with the name imkeysim-browser. Standard input, output
and error, the DevTools pipe, signals and the exit code are Chromium's. The
browser ends with the simulator, and when the program that started it ends.
No process, socket or temporary profile stays, even if they are killed.

The file imkeysim.json in the profile, beside DevToolsActivePort, says where
the control API listens: {"url":"http://127.0.0.1:PORT","devices":[…]}.

An option is a switch, as --imkey-mnemonic=WORDS, or a variable, as
IMKEYSIM_MNEMONIC, or a field of the file that --imkey-config or
IMKEYSIM_CONFIG names, as {"mnemonic":"WORDS","allow":["http://localhost:5173"]}.
A switch is stronger than a variable, and that is stronger than the file.
allow adds them up.

Options:
`

// browserFlags adds the flags of imkeysim browser alone.
func (o *options) browserFlags(f *flag.FlagSet) {
	f.Func("allow", "`origins` that may use the devices without a question, separated by commas: sites, as http://localhost:5173, and ids of extensions. The simulator's own pages may always", func(list string) error {
		for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
			origin, err := originNamed(text)
			if err != nil {
				return err
			}
			o.allow = append(o.allow, origin)
		}
		return nil
	})
	f.StringVar(&o.file, "file", "", "`file` to write what imkeysim.json in the profile says, too. It is removed at the end")
	f.BoolVar(&o.temporary, "temporary", false, "remove the profile at the end; without --user-data-dir it is always a temporary one")
	f.StringVar(&o.chromium, "chromium", "", "`file` of the browser's binary, if it is not Debian's or in PATH")
}

var extensionID = regexp.MustCompile(`^[a-p]{32}$`)

// originNamed returns the origin that a text names: itself, or that of an extension by its id.
func originNamed(text string) (string, error) {
	if extensionID.MatchString(text) {
		return "chrome-extension://" + text, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.Hostname() == "":
	case u.Scheme == "chrome-extension" && extensionID.MatchString(u.Host) && strings.Trim(u.Path, "/") == "":
		return u.Scheme + "://" + u.Host, nil
	case (u.Scheme == "http" || u.Scheme == "https") && strings.Trim(u.Path, "/") == "" && u.User == nil && u.RawQuery == "" && u.Fragment == "":
		return u.Scheme + "://" + u.Host, nil
	}
	return "", fmt.Errorf("%q is no origin: name a site as http://localhost:5173, without a path, or an extension by its id of 32 letters", text)
}

// browserArgs separates the command line: the simulator's flags, in the order in which later ones override, and Chromium's own
// arguments unchanged.
func browserArgs(args, environment []string) (flags, own []string, err error) {
	known := flag.NewFlagSet("", flag.ContinueOnError)
	var o options
	o.define(known, browserName)
	switches, config := []string{}, ""
	variables := map[string]string{}
	for _, v := range environment {
		if name, value, ok := strings.Cut(v, "="); ok && strings.HasPrefix(name, variablePrefix) && value != "" {
			variables[strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, variablePrefix), "_", "-"))] = value
		}
	}
	config = variables["config"]
	for _, arg := range args {
		if arg == switchPrefix+"help" || arg == "--help" || arg == "-h" {
			return []string{"-h"}, nil, nil
		}
		text, ours := strings.CutPrefix(arg, switchPrefix)
		if !ours {
			own = append(own, arg)
			continue
		}
		if file, ok := strings.CutPrefix(text, "config="); ok {
			config = file
			continue
		}
		// A switch takes no value from the next argument. chromedriver writes an empty value without the sign.
		if f := known.Lookup(text); f != nil && !isBool(f) {
			text += "="
		}
		switches = append(switches, "-"+text)
	}
	if config != "" {
		if flags, err = configFlags(config); err != nil {
			return nil, nil, err
		}
	}
	known.VisitAll(func(f *flag.Flag) {
		if value, ok := variables[f.Name]; ok {
			flags = append(flags, "-"+f.Name+"="+value)
		}
	})
	return append(flags, switches...), own, nil
}

func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// configFlags returns the flags that a JSON file stands for.
func configFlags(file string) (flags []string, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the file of options: %w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("%s must be a JSON object with options, as {\"allow\":[\"http://localhost:5173\"]}: %w", file, err)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := string(fields[name])
		var text string
		var list []string
		switch {
		case json.Unmarshal(fields[name], &text) == nil:
			value = text
		case json.Unmarshal(fields[name], &list) == nil:
			value = strings.Join(list, ",")
		}
		flags = append(flags, "-"+name+"="+value)
	}
	return flags, nil
}

// switchValue returns the value of one of Chromium's switches. The last one counts, as for Chromium.
func switchValue(args []string, name string) (value string, given bool) {
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if arg == "--"+name || arg == "-"+name {
			value, given = "", true
		}
		for _, dashes := range []string{"--", "-"} {
			if v, ok := strings.CutPrefix(arg, dashes+name+"="); ok {
				value, given = v, true
			}
		}
	}
	return value, given
}

// announcement is the content of imkeysim.json.
type announcement struct {
	URL     string            `json:"url"`    // of the control API and the pages
	USBIP   string            `json:"usbip"`  // device n has the bus id 1-n
	Keeper  int               `json:"keeper"` // the process of the simulator
	Devices []announcedDevice `json:"devices"`
}

type announcedDevice struct {
	Serial string `json:"serial"`
	CA     string `json:"ca"`
}

// announcementName is the file in the profile.
const announcementName = "imkeysim.json"

// checkBrowser returns an error for what would make the browser fail after its start, or do another thing than asked.
func checkBrowser(o options, own []string) error {
	if profile, _ := switchValue(own, "user-data-dir"); profile != "" {
		if err := chromium.InUse(profile); err != nil {
			return err
		}
	}
	port, _ := switchValue(own, "remote-debugging-port")
	for _, address := range []string{o.addr, o.usbip, net.JoinHostPort("127.0.0.1", port)} {
		if address == "" || strings.HasSuffix(address, ":") || strings.HasSuffix(address, ":0") {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("the address %s is taken or cannot be used: choose another port, or port 0 for a free one", address)
		}
		l.Close()
	}
	return nil
}

// browserHelp prints the help of imkeysim browser.
func browserHelp(f *flag.FlagSet, to io.Writer) {
	fmt.Fprint(to, browserUsage)
	f.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" {
			text += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		if value != "" {
			value = "=" + strings.ToUpper(value)
		}
		fmt.Fprintf(to, "  %s%s%s\n%s", switchPrefix, f.Name, value, wrap(text, "      "))
	})
	fmt.Fprintf(to, "  %sconfig=FILE\n      file with options, as JSON\n", switchPrefix)
}

// printsOnly reports whether Chromium only prints something about itself, so that it needs no device.
func printsOnly(own []string) bool {
	return slices.ContainsFunc(own, func(arg string) bool {
		return arg == "--version" || arg == "--product-version"
	})
}

// programPath returns the path of a program without links, as /proc shows it.
func programPath(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(target)
}

var errNoLibrary = errors.New("install gcc and libc6-dev, or take imkeysim from the npm package imkey-connect-testing, which has the library")
