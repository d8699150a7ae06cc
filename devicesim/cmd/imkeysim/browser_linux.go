package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/serve"
	"imkey-connect/devicesim/tether"
)

// The commands that imkeysim browser starts itself with.
const (
	keeperCommand = "keep-browser"
	guardCommand  = "guard-browser"
)

// answer is what the keeper says when it serves, or why it does not.
type answer struct {
	announcement
	Warnings string `json:"warnings"`
	Error    string `json:"error"`
}

// runBrowser becomes Chromium. It returns only if that fails.
func runBrowser(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags, own, err := browserArgs(args, os.Environ())
	if err != nil {
		return usageError{err}
	}
	o, rest, err := parse(browserName, flags, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return usageError{err}
	case len(rest) > 0:
		return usageError{fmt.Errorf("unexpected %q", rest[0])}
	}
	if o.usbip == "" {
		o.usbip, flags = "127.0.0.1:0", append(flags, "-usbip=127.0.0.1:0")
	}
	if o.chromium != "" {
		if err := os.Setenv("CHROMIUM", o.chromium); err != nil {
			return err
		}
	}
	path, err := chromium.Find()
	if err != nil {
		return err
	}
	if path, err = programPath(path); err != nil {
		return err
	}
	if printsOnly(own) {
		return syscall.Exec(path, append([]string{path}, own...), os.Environ())
	}
	if err := checkBrowser(o, own); err != nil {
		return err
	}
	library, err := preload.Locate(ctx)
	if errors.Is(err, preload.ErrNoCompiler) {
		return fmt.Errorf("there is no library to preload and no C compiler to build it: %w", errNoLibrary)
	}
	if err != nil {
		return err
	}
	return become(ctx, o, flags, own, path, library, stderr)
}

// become starts the keeper, prepares the profile, and becomes the browser at path.
func become(ctx context.Context, o options, flags, own []string, path, library string, stderr io.Writer) error {
	profile, _ := switchValue(own, "user-data-dir")
	made := false // the profile's folder
	if profile != "" {
		var err error
		if profile, err = filepath.Abs(profile); err != nil {
			return err
		}
		_, err = os.Lstat(profile)
		made = errors.Is(err, fs.ErrNotExist)
		if err := usableProfile(profile); err != nil {
			return err
		}
		announced := filepath.Join(profile, announcementName)
		if err := replaceable(announced); err != nil {
			return fmt.Errorf("%w folder as --user-data-dir", err)
		}
		if o.temporary {
			if err := onlyProfile(profile); err != nil {
				return err
			}
		}
		if err := os.Remove(announced); err != nil && !errors.Is(err, fs.ErrNotExist) { // that of an earlier browser
			return err
		}
	}
	if o.file != "" {
		file, err := filepath.Abs(o.file)
		if err != nil {
			return err
		}
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a folder: name a file in it as %sfile", file, switchPrefix)
		}
		if err := replaceable(file); err != nil {
			return err
		}
		o.file = file
	}
	folder, done, err := tether.NewFolder()
	if err != nil {
		return fmt.Errorf("there is no folder for temporary files: %w: name one with TMPDIR", err)
	}
	defer done()
	leash := tether.Leash{Program: path, Folder: folder}
	fail := func(err error) error { return errors.Join(err, os.RemoveAll(folder)) }

	if made && o.temporary {
		if err := tether.AlsoRemove(folder, profile+"/"); err != nil {
			return fail(err)
		}
	}

	// The browser's processes are known by the path of their library, since they overwrite their environment.
	own, variables, err := outfit(folder, &profile, own, library)
	if err != nil {
		return fail(err)
	}
	if err := preload.Probe(ctx, filepath.Join(folder, preload.Name), path, "--version"); err != nil {
		var refused *preload.RefusedError
		if errors.As(err, &refused) {
			err = fmt.Errorf("a sandbox or the system forbids the library in %s: %s. Let programs run in %s, or name another folder with TMPDIR",
				path, strings.TrimPrefix(err.Error(), "preload: "), filepath.Dir(folder))
		}
		return fail(err)
	}
	t, err := tether.Start(leash, []string{keeperCommand}, flags)
	if err != nil {
		return fail(err)
	}
	var a answer
	if err = json.Unmarshal(t.Answer, &a); err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	fmt.Fprint(stderr, a.Warnings)
	if err == nil {
		err = prepare(a.announcement, o, folder, profile, variables)
	}
	if err == nil {
		err = t.Become(path, own, preload.Lifeline)
	}
	t.Close() // the keeper removes the folder
	return err
}

// maxAnnouncement is more than the bytes of any announcement.
const maxAnnouncement = 1 << 20

// replaceable checks that a file may be replaced and removed: it is absent, or empty, or the announcement of an earlier browser.
func replaceable(file string) error {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().IsRegular() && info.Size() == 0:
		return nil
	case info.Mode().IsRegular() && info.Size() < maxAnnouncement:
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var a announcement
		if json.Unmarshal(text, &a) == nil && a.URL != "" && a.Keeper > 0 {
			return nil
		}
	}
	return fmt.Errorf("%s is there and is not one of ours: name another", file)
}

// usableProfile makes the folder of the profile, if it is not there, and checks that it can be written.
func usableProfile(profile string) error {
	err := os.MkdirAll(profile, 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(profile, ".imkeysim-*"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("the profile %s cannot be written: %w: name another folder as --user-data-dir", profile, err)
	}
	return nil
}

// temporaryName is a file in a profile that imkeysim began as a temporary one. It is written when the browser starts.
const temporaryName = ".imkeysim-temporary"

// onlyProfile checks that a folder may be removed at the end with all that is in it: it is empty, or was such a profile before, or has
// only the files that chromedriver writes before it starts a browser. A folder with other files may be a profile in daily use, or a project.
func onlyProfile(folder string) error {
	if info, err := os.Lstat(filepath.Join(folder, temporaryName)); err == nil && info.Mode().IsRegular() {
		return nil
	}
	return filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		switch name {
		case ".":
			return nil
		case "Default":
			if e.IsDir() {
				return nil
			}
		case filepath.Join("Default", "Preferences"), "Local State", "First Run":
			if e.Type().IsRegular() {
				return nil
			}
		}
		return fmt.Errorf("%stemporary would remove %s, which has other files than a temporary profile: name an empty folder as --user-data-dir", switchPrefix, folder)
	})
}

// outfit fills the browser's own folder: a copy of the library, a folder for temporary files and, if the command line names none, a
// profile. It returns the command line and the variables that lead there.
func outfit(folder string, profile *string, own []string, library string) (args []string, variables map[string]string, err error) {
	temp := filepath.Join(folder, "t")
	if err := os.Mkdir(temp, 0o700); err != nil {
		return nil, nil, err
	}
	code, err := os.ReadFile(library)
	if err != nil {
		return nil, nil, err
	}
	copied := filepath.Join(folder, preload.Name)
	if err := os.WriteFile(copied, code, 0o700); err != nil {
		return nil, nil, err
	}
	if *profile == "" {
		*profile = filepath.Join(folder, "profile")
		own = append([]string{"--user-data-dir=" + *profile}, own...)
	}
	if err := os.MkdirAll(*profile, 0o700); err != nil {
		return nil, nil, err
	}
	return own, map[string]string{"TMPDIR": temp, "LD_PRELOAD": copied}, nil
}

// prepare writes the permissions and the file beside DevToolsActivePort into the profile, and sets the variables. What it writes is removed
// with the folder.
func prepare(a announcement, o options, folder, profile string, variables map[string]string) error {
	var permissions []chromium.Permission
	var devices []preload.Device
	origins := append([]string{a.URL, strings.Replace(a.URL, "127.0.0.1", "localhost", 1)}, o.allow...)
	for i, d := range a.Devices {
		devices = append(devices, preload.Device{Addr: a.USBIP, BusID: fmt.Sprintf("1-%d", i+1)})
		for _, origin := range origins {
			permissions = append(permissions, chromium.Permission{Origin: origin, Serial: d.Serial})
		}
	}
	if err := chromium.Seed(profile, permissions); err != nil {
		return err
	}
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	write := func(file string) error {
		return writeWhole(file, append(text, '\n'), func() error { return tether.AlsoRemove(folder, file) })
	}
	if err := write(filepath.Join(profile, announcementName)); err != nil {
		return err
	}
	if o.temporary {
		if err := os.WriteFile(filepath.Join(profile, temporaryName), nil, 0o600); err != nil {
			return err
		}
		if err := tether.AlsoRemove(folder, profile+"/"); err != nil {
			return err
		}
	}
	if o.file != "" { // removed last: a program that sees it vanish knows that the profile has gone
		if err := write(o.file); err != nil {
			return err
		}
	}
	for _, v := range preload.Env(variables["LD_PRELOAD"], devices...) {
		name, value, _ := strings.Cut(v, "=")
		if earlier := os.Getenv(name); name == "LD_PRELOAD" && earlier != "" {
			value += ":" + earlier
		}
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return os.Setenv("TMPDIR", variables["TMPDIR"])
}

// writeWhole writes a file so that a program which waits for it never reads a part. It calls ready before the file is there.
func writeWhole(file string, data []byte, ready func() error) error {
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return fmt.Errorf("the file %s cannot be written: %w", file, err)
	}
	_, err = part.Write(data)
	if err = errors.Join(err, part.Close()); err == nil {
		err = ready()
	}
	if err == nil {
		err = os.Rename(part.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("the file %s cannot be written: %w", file, errors.Join(err, os.Remove(part.Name())))
	}
	return nil
}

// runKeeper serves the simulator of a browser until that has ended.
func runKeeper(ctx context.Context, stdout io.Writer) error {
	var flags []string
	keeper, err := tether.Keep([]string{guardCommand}, &flags)
	if err != nil {
		return err
	}
	s, a := keep(flags)
	text, err := json.Marshal(a)
	if err == nil {
		_, err = stdout.Write(append(text, '\n'))
	}
	if s == nil || err != nil {
		return errors.Join(err, keeper.Wait(ctx), keeper.Clean())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-s.Failed():
			stop()
		case <-ctx.Done():
		}
	}()
	return errors.Join(keeper.Wait(ctx), s.Close(), keeper.Clean()) // in this order: the files are complete when the profile's is gone
}

// runGuard ends the browser if the keeper ends first.
func runGuard() error { return tether.Guard() }

// keep starts the simulator.
func keep(flags []string) (*serve.Simulator, answer) {
	var warnings strings.Builder
	var a answer
	o, _, err := parse(browserName, flags, io.Discard)
	var s *serve.Simulator
	if err == nil {
		s, err = start(o, &warnings)
	}
	if err != nil {
		a.Error = said(err)
		return nil, a
	}
	a.Warnings, a.URL, a.USBIP, a.Keeper = warnings.String(), s.URL(), s.USBIP(), os.Getpid()
	for n := 1; n <= o.devices; n++ {
		status := s.Status(n)
		a.Devices = append(a.Devices, announcedDevice{status.Serial, status.CA})
	}
	return s, a
}
