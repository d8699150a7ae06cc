package chromium

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"imkey-connect/devicesim/usb"
)

// Permission gives the pages of one origin permission for one device, as a choice in
// the browser's chooser does.
type Permission struct {
	Origin string // "http://localhost:7380", or "chrome-extension://" and an extension's id
	Serial string // the device's serial number
	Name   string // the name in the browser's settings; the default is "imKey"
	// The defaults are the ids of an imKey.
	VendorID, ProductID uint16
}

// PermissionError is a permission whose Origin is not an origin.
type PermissionError struct {
	Origin string
	Reason string
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("chromium: permission for %q: %s", e.Origin, e.Reason)
}

// key is the origin's key in the profile: with its port, and with the pattern for any embedding page.
func (p Permission) key() (string, error) {
	u, err := url.Parse(p.Origin)
	if err != nil {
		return "", &PermissionError{p.Origin, err.Error()}
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	switch {
	case u.Scheme == "chrome-extension" && u.Host != "":
		return "chrome-extension://" + u.Host + "/,*", nil
	case port == "" || u.Hostname() == "":
		return "", &PermissionError{p.Origin, "is not an http, https or chrome-extension origin"}
	case u.Port() != "":
		return u.Scheme + "://" + u.Host + ",*", nil
	}
	return u.Scheme + "://" + u.Host + ":" + port + ",*", nil
}

func (p Permission) chosenObject() map[string]any {
	o := map[string]any{"name": p.Name, "serial-number": p.Serial, "vendor-id": p.VendorID, "product-id": p.ProductID}
	if p.Name == "" {
		o["name"] = "imKey"
	}
	if p.VendorID == 0 && p.ProductID == 0 {
		o["vendor-id"], o["product-id"] = usb.VendorID, usb.ProductID
	}
	return o
}

// InUseError is a profile that a running browser has.
type InUseError struct {
	Profile string
	PID     int
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("chromium: the profile %s is in use by process %d: close that browser, or name another folder with --user-data-dir", e.Profile, e.PID)
}

// InUse returns an *InUseError if a browser of this machine has the profile. Chromium would give that browser its command line,
// and end. A lock that a killed browser left does not count, not even if another program has the number of its process now.
func InUse(profile string) error {
	target, err := os.Readlink(filepath.Join(profile, "SingletonLock")) // "host-pid"
	if err != nil {
		return nil // no lock
	}
	dash := strings.LastIndexByte(target, '-')
	pid, err := strconv.Atoi(target[dash+1:])
	if host, hostErr := os.Hostname(); err != nil || hostErr != nil || dash < 0 || target[:dash] != host {
		return nil // Chromium decides
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil {
		return nil
	}
	program, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)) // only of this user's processes
	if !strings.Contains(filepath.Base(program), "chrom") && !answers(filepath.Join(profile, "SingletonSocket")) {
		return nil
	}
	return &InUseError{profile, pid}
}

// answers reports whether a process listens on a socket, which may be a link.
func answers(socket string) bool {
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}

// Seed writes the permissions into a profile's preferences and changes nothing else in them. No browser must be running with
// the profile. Errors are *PermissionError and those of the profile's files.
func Seed(profile string, permissions []Permission) error {
	dir := filepath.Join(profile, "Default")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "Preferences")
	preferences := map[string]any{}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber() // keeps 64-bit numbers exact
		if err := d.Decode(&preferences); err != nil {
			return fmt.Errorf("chromium: %s: %w", path, err)
		}
	}
	exceptions := descend(preferences, "profile", "content_settings", "exceptions", "usb_chooser_data")
	for _, p := range permissions {
		key, err := p.key()
		if err != nil {
			return err
		}
		entry := descend(exceptions, key)
		entry["last_modified"] = "13370000000000000" // microseconds since 1601: any time in the past
		setting := descend(entry, "setting")
		chosen, _ := setting["chosen-objects"].([]any)
		setting["chosen-objects"] = addObject(chosen, p.chosenObject())
	}
	if data, err = json.Marshal(preferences); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// descend returns a nested object, and makes the objects that are missing.
func descend(m map[string]any, names ...string) map[string]any {
	for _, name := range names {
		next, ok := m[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[name] = next
		}
		m = next
	}
	return m
}

func addObject(list []any, object map[string]any) []any {
	for _, old := range list {
		o, ok := old.(map[string]any)
		same := ok
		for _, field := range []string{"serial-number", "vendor-id", "product-id"} {
			same = same && fmt.Sprint(o[field]) == fmt.Sprint(object[field])
		}
		if same {
			return list
		}
	}
	return append(list, object)
}
