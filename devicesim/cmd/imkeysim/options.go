package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/replay"
	"imkey-connect/devicesim/serve"
	"imkey-connect/devicesim/usb"
)

// options are the command line.
type options struct {
	addr, usbip, state, mnemonic, pin, serial, seid, approve, fault, record, replay string
	devices, dapps                                                                  int
	seed                                                                            *uint64
	pages, unbound, confirmBinding, version, untilStdin                             bool

	// For the command chromium only.
	profile           string
	headless, verbose bool
	devtools          bool

	// For the command browser only.
	allow          []string
	file, chromium string
	temporary      bool
}

const (
	serveName    = "imkeysim"
	chromiumName = "imkeysim chromium"
	browserName  = "imkeysim browser"
	maxDevices   = 10_000
)

const recordHelp = `A recording is text in the format that hardware wallet projects share: a command in hex after =>, its answer with the
status word on the next line after <=, and comments after #. It contains all that was sent over USB: the serial number, the
certificate, addresses, what was signed and the signatures, the app's public key and the encrypted proof of its binding. It does
not contain the code, the PIN or the words. With -replay the n-th command gets the n-th answer. The host may differ from the
recorded one in its key, its proof and its binding signatures, so any well-formed code is accepted. What it signs must be the same:
if that names the origin of a page, record and replay with the same -addr. GET /sim/v1/replay reports how far the recording was
played, and the first command that did not match.
`

// parse parses the flags. If it returns flag.ErrHelp, it has printed the help.
func parse(name string, args []string, stderr io.Writer) (options, []string, error) {
	var o options
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard) // run prints the error
	o.define(f, name)
	f.Usage = func() {}
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			if name == browserName {
				browserHelp(f, stderr)
			} else {
				help(f, stderr)
			}
		}
		return o, nil, err
	}
	if f.NArg() > 0 && o.mnemonic != "" && !strings.Contains(o.mnemonic, " ") {
		return o, nil, errors.New("-mnemonic needs quotes around all its words") // other errors would repeat a word
	}
	return o, f.Args(), o.check()
}

// define defines the flags of a command.
func (o *options) define(f *flag.FlagSet, name string) {
	addr := "127.0.0.1:7380"
	if name == chromiumName {
		addr = "127.0.0.1:0" // another simulator may be running
		f.StringVar(&o.profile, "profile", "", "`directory` of the browser's profile, which is kept; the default is a temporary one")
		f.BoolVar(&o.headless, "headless", false, "start the browser without a window, for a program that controls it; implies -devtools")
		f.BoolVar(&o.devtools, "devtools", false, "let programs of this computer control the browser, and print the address")
		f.BoolVar(&o.verbose, "verbose", false, "show the browser's output")
	}
	if name == browserName {
		addr = "127.0.0.1:0"
		o.browserFlags(f)
	}
	f.StringVar(&o.addr, "addr", addr, "`host:port` to listen on for HTTP; port 0 picks a free one")
	f.StringVar(&o.usbip, "usbip", "", "`host:port` to listen on for USB/IP, which has no access control")
	f.StringVar(&o.state, "state", "", "`file` that keeps the device across restarts; of several devices, device n has FILE.n")
	f.StringVar(&o.mnemonic, "mnemonic", "", "`words` of the wallet to start with: 12 or 24. Never use those of a real wallet")
	f.StringVar(&o.pin, "pin", "", "`digits` of the PIN to start with; the device starts locked")
	f.StringVar(&o.serial, "serial", "", "serial `number`, such as imKey01191200001; several devices count up from it")
	f.StringVar(&o.seid, "seid", "", "`id` of the secure element, 32 hex digits; several devices count up from it")
	f.StringVar(&o.approve, "approve", "ask", "how questions are answered: `ask|yes|no`; ask waits for the buttons")
	f.BoolVar(&o.confirmBinding, "confirm-binding", false, "also ask for OK before binding")
	f.BoolVar(&o.unbound, "unbound", false, "let a bound device sign without a binding signature, which it otherwise refuses")
	f.IntVar(&o.devices, "devices", 1, "`number` of devices")
	f.Func("seed", "`number` that makes all randomness reproducible, keys included; for tests only", func(s string) error {
		seed, err := strconv.ParseUint(s, 0, 64)
		o.seed = &seed
		return err
	})
	f.StringVar(&o.fault, "fault", "", "`file|JSON` with the faults to arm on every device, see below")
	f.StringVar(&o.record, "record", "", "`file` to record commands and answers in, see below; of several devices, device n has FILE.n")
	f.StringVar(&o.replay, "replay", "", "`file` with a recording to play instead of simulating a device, see below; of several devices, device n has FILE.n")
	if name != browserName {
		f.BoolVar(&o.pages, "pages", false, "also print the address of each page")
	}
	if name == serveName {
		f.BoolVar(&o.untilStdin, "until-stdin-ends", false, "end when standard input ends, and so with the program that started this one")
		f.IntVar(&o.dapps, "dapps", 0, "`number` of demonstration dApps to serve on the ports behind that of -addr. Each is a site of its own, and uses the connector at -addr; with -pages their addresses are printed last")
	}
	if name != browserName {
		f.BoolVar(&o.version, "version", false, "print the version and exit")
	}
}

func (o options) check() error {
	switch {
	case o.devices < 1 || o.devices > maxDevices:
		return fmt.Errorf("-devices must be 1 to %d", maxDevices)
	case o.dapps < 0 || o.dapps > maxDapps:
		return fmt.Errorf("-dapps must be 0 to %d", maxDapps)
	case o.approve != "ask" && o.approve != "yes" && o.approve != "no":
		return errors.New("-approve must be ask, yes or no")
	}
	if o.replay != "" {
		for flag, given := range map[string]bool{
			"-state": o.state != "", "-mnemonic": o.mnemonic != "", "-pin": o.pin != "", "-serial": o.serial != "", "-seid": o.seid != "", "-seed": o.seed != nil,
			"-unbound": o.unbound, "-confirm-binding": o.confirmBinding,
		} {
			if given {
				return fmt.Errorf("%s is for a simulated device and cannot be used with -replay", flag)
			}
		}
	}
	for _, a := range []struct{ flag, address, example string }{{"-addr", o.addr, "localhost:7381"}, {"-usbip", o.usbip, "127.0.0.1:3240"}} {
		if _, _, err := net.SplitHostPort(a.address); err != nil && a.address != "" {
			return fmt.Errorf("%s must be host:port, such as %s, not %q", a.flag, a.example, a.address)
		}
	}
	return o.checkFiles()
}

// checkFiles returns an error if two flags name the same file, which would destroy it. It compares existing files themselves,
// since a file can have two names, and other files by their paths.
func (o options) checkFiles() error {
	type use struct {
		flag, file string
		info       os.FileInfo // nil if the file does not exist
	}
	var uses []use
	add := func(flag, file string, several bool) {
		if file == "" {
			return
		}
		devices := 1
		if several {
			devices = o.devices
		}
		for n := 1; n <= devices; n++ {
			u := use{flag: flag, file: resolved(numbered(file, n))}
			if info, err := os.Stat(u.file); err == nil && info.Mode().IsRegular() {
				u.info = info
			}
			uses = append(uses, u)
		}
	}
	add("-record", o.record, true)
	add("-replay", o.replay, true)
	add("-state", o.state, true)
	if !isList(o.fault) {
		add("-fault", o.fault, false)
	}
	byName, alike := map[string]use{}, map[string][]use{}
	for _, u := range uses {
		if other, ok := byName[u.file]; ok && u.flag != other.flag && u.file != os.DevNull {
			return fmt.Errorf("%s and %s are the same file, %s", other.flag, u.flag, u.file)
		}
		byName[u.file] = u
		if u.info == nil {
			continue
		}
		key := fmt.Sprint(u.info.Size(), u.info.ModTime().UnixNano()) // only files with the same size and time are compared
		for _, other := range alike[key] {
			if u.flag != other.flag && os.SameFile(u.info, other.info) {
				return fmt.Errorf("%s and %s are the same file, %s and %s", other.flag, u.flag, other.file, u.file)
			}
		}
		alike[key] = append(alike[key], u)
	}
	return nil
}

// resolved returns the path of a file without symbolic links, as far as its folders exist.
func resolved(file string) string {
	path, err := filepath.Abs(file)
	if err != nil {
		path = filepath.Clean(file)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	if target, err := os.Readlink(path); err == nil { // a link to a file that does not exist yet
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(folder, filepath.Base(path))
	}
	return path
}

// isList reports whether -fault is a list of faults, and not a file.
func isList(fault string) bool { return strings.HasPrefix(strings.TrimSpace(fault), "[") }

// simulator returns the options of the simulator.
func (o options) simulator() (serve.Options, error) {
	s := serve.Options{Addr: o.addr, USBIP: o.usbip}
	if o.fault != "" {
		text := []byte(o.fault)
		if !isList(o.fault) {
			var err error
			if text, err = os.ReadFile(o.fault); err != nil {
				return s, fmt.Errorf("-fault: %w", err)
			}
		}
		var err error
		if s.Faults, err = usb.ParseFaults(text); err != nil {
			return s, fmt.Errorf("-fault: %w", err)
		}
	}
	if o.record != "" {
		s.Recording = func(n int) (io.WriteCloser, error) {
			file, err := os.OpenFile(numbered(o.record, n), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			if err != nil {
				return nil, fmt.Errorf("-record: %w", err)
			}
			return file, nil
		}
	}
	if o.replay != "" {
		for n := 1; n <= o.devices; n++ {
			script, err := readScript(numbered(o.replay, n))
			if err != nil {
				return s, fmt.Errorf("-replay: %w", err)
			}
			s.Replay = append(s.Replay, script)
		}
		return s, nil
	}
	for i := range o.devices {
		d := device.Options{
			PIN: o.pin, Mnemonic: o.mnemonic,
			Approve:      map[string]device.Approve{"ask": device.Ask, "yes": device.Yes, "no": device.No}[o.approve],
			AllowUnbound: o.unbound, ConfirmBinding: o.confirmBinding,
		}
		var ok bool
		if d.Serial, ok = countUp(o.serial, i, 10, isDecimal); !ok {
			return s, errors.New("-serial needs enough digits at its end to count the devices")
		}
		if d.SEID, ok = countUp(o.seid, i, 16, isHex); !ok {
			return s, errors.New("-seid is too high to count the devices")
		}
		if o.state != "" {
			d.StateFile = numbered(o.state, i+1)
		}
		if o.seed != nil {
			d.Rand = seeded(*o.seed, uint64(i))
		}
		s.Devices = append(s.Devices, d)
	}
	return s, nil
}

// numbered returns the file of device n. The file of the first device has no number.
func numbered(file string, n int) string {
	if n == 1 {
		return file
	}
	return fmt.Sprintf("%s.%d", file, n)
}

func readScript(file string) (replay.Script, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return replay.Script{}, err
	}
	script, err := replay.Parse(text)
	if err != nil {
		return script, fmt.Errorf("%s: %w", file, err)
	}
	if len(script.Exchanges) == 0 {
		return script, fmt.Errorf("%s has no command", file)
	}
	return script, nil
}

// seeded returns a reproducible stream of bytes, which differs between devices.
func seeded(seed, device uint64) io.Reader {
	key := [32]byte{0: 'n', 1: 'o', 2: 't', 3: ' ', 4: 'r', 5: 'a', 6: 'n', 7: 'd', 8: 'o', 9: 'm'}
	binary.BigEndian.PutUint64(key[16:], seed)
	binary.BigEndian.PutUint64(key[24:], device)
	return rand.NewChaCha8(key)
}

func isDecimal(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDecimal(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

// countUp adds n to the digits at the end of s and keeps the length of s. An empty s stays empty. It reports false if s has too
// few digits.
func countUp(s string, n, base int, digit func(byte) bool) (string, bool) {
	if s == "" || n == 0 {
		return s, true
	}
	start := len(s)
	for start > 0 && digit(s[start-1]) {
		start--
	}
	value, ok := new(big.Int).SetString(s[start:], base)
	if !ok {
		return "", false
	}
	text := value.Add(value, big.NewInt(int64(n))).Text(base)
	if base == 16 {
		text = strings.ToUpper(text)
	}
	width := len(s) - start
	if len(text) > width {
		return "", false
	}
	return s[:start] + strings.Repeat("0", width-len(text)) + text, true
}
