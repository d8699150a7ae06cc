package chromium_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/preload"
)

func TestFind(t *testing.T) {
	path, err := chromium.Find()
	require.NoError(t, err)

	t.Setenv("CHROMIUM", path)
	again, err := chromium.Find()
	require.NoError(t, err)
	require.Equal(t, path, again)

	script := filepath.Join(t.TempDir(), "chromium")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755))
	// As snapd does it: each program is a link to snap.
	snap := filepath.Join(t.TempDir(), "snap")
	require.NoError(t, os.WriteFile(snap, []byte("\x7fELF…"), 0o755))
	snapped := filepath.Join(t.TempDir(), "chromium")
	require.NoError(t, os.Symlink(snap, snapped))
	for bad, why := range map[string]string{
		script: "is a script", script + "-absent": "is not there", t.TempDir(): "is not a program", snapped: "is a snap",
	} {
		t.Setenv("CHROMIUM", bad)
		_, err := chromium.Find()
		var nf *chromium.NotFoundError
		require.ErrorAs(t, err, &nf)
		require.Equal(t, bad, nf.Path)
		require.Contains(t, nf.Error(), "CHROMIUM="+bad+" "+why)
	}
	_, err = chromium.Prepare(t.Context(), chromium.Options{})
	var nf *chromium.NotFoundError
	require.ErrorAs(t, err, &nf)
}

// chosen returns the permissions of a profile, by origin.
func chosen(t *testing.T, profile string) (preferences map[string]any, origins map[string]any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(profile, "Default", "Preferences"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &preferences))
	origins = preferences["profile"].(map[string]any)["content_settings"].(map[string]any)["exceptions"].(map[string]any)["usb_chooser_data"].(map[string]any)
	return preferences, origins
}

func objects(origins map[string]any, key string) []any {
	return origins[key].(map[string]any)["setting"].(map[string]any)["chosen-objects"].([]any)
}

func TestProfileKeepsWhatItHolds(t *testing.T) {
	profile := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(profile, "Default"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(profile, "Default", "Preferences"),
		[]byte(`{"big":9007199254740993,"profile":{"name":"mine"}}`), 0o600))
	options := chromium.Options{Profile: profile, Permissions: []chromium.Permission{
		{Origin: "http://localhost:7380", Serial: "A"},
		{Origin: "http://localhost:7380", Serial: "B", VendorID: 1, ProductID: 2, Name: "other"},
		{Origin: "https://wallet.example", Serial: "A"},
		{Origin: "chrome-extension://abcdefghijklmnopabcdefghijklmnop", Serial: "A"},
	}}
	for range 2 { // the second time adds nothing
		in, err := chromium.Prepare(t.Context(), options)
		require.NoError(t, err)
		require.Equal(t, profile, in.Profile)
		require.NoError(t, in.Close())
	}
	preferences, origins := chosen(t, profile)
	require.Equal(t, "mine", preferences["profile"].(map[string]any)["name"])
	raw, err := os.ReadFile(filepath.Join(profile, "Default", "Preferences"))
	require.NoError(t, err)
	require.Contains(t, string(raw), "9007199254740993")
	require.Equal(t, []any{
		map[string]any{"name": "imKey", "serial-number": "A", "vendor-id": float64(0x096E), "product-id": float64(0x0891)},
		map[string]any{"name": "other", "serial-number": "B", "vendor-id": float64(1), "product-id": float64(2)},
	}, objects(origins, "http://localhost:7380,*"))
	require.Len(t, objects(origins, "https://wallet.example:443,*"), 1)
	require.Len(t, objects(origins, "chrome-extension://abcdefghijklmnopabcdefghijklmnop/,*"), 1)

	for _, bad := range []string{"", "localhost:7380", "ftp://x", "http://", "http://a b", "chrome-extension://"} {
		_, err := chromium.Prepare(t.Context(), chromium.Options{Permissions: []chromium.Permission{{Origin: bad}}})
		var pe *chromium.PermissionError
		require.ErrorAs(t, err, &pe, bad)
	}
	require.NoError(t, os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(`{`), 0o600))
	_, err = chromium.Prepare(t.Context(), options)
	require.Error(t, err, "a profile that cannot be read is not overwritten")
}

func TestArgs(t *testing.T) {
	in, err := chromium.Prepare(t.Context(), chromium.Options{
		Library: "/x.so", Devices: []preload.Device{{Addr: "127.0.0.1:1", BusID: "1-1"}},
		Args: []string{"--window-size=390,844", "--password-store=gnome"}, URL: "http://localhost:1/",
	})
	require.NoError(t, err)
	require.Equal(t, []string{"LD_PRELOAD=/x.so", "USBIP_PRELOAD=127.0.0.1:1/1-1"}, in.Env)
	for _, name := range []string{"headless", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"} {
		require.Contains(t, in.Args, "--"+name)
	}
	require.Equal(t, os.Geteuid() == 0, slices.Contains(in.Args, "--no-sandbox"))
	require.Contains(t, in.Args, "--user-data-dir="+in.Profile)
	require.Contains(t, in.Args, "--password-store=gnome", "the caller's switch overrides the default")
	require.NotContains(t, in.Args, "--password-store=basic")
	require.Contains(t, in.Args, "--window-size=390,844")
	require.Equal(t, "http://localhost:1/", in.Args[len(in.Args)-1])
	require.NoError(t, in.Close())
	require.NoDirExists(t, in.Profile)

	in, err = chromium.Prepare(t.Context(), chromium.Options{Headful: true})
	require.NoError(t, err)
	require.NotContains(t, strings.Join(in.Args, " "), "--headless")
	require.NoError(t, in.Close())
}

// running returns how many processes of a group have not ended. (An ended process may
// stay as a zombie if no process collects orphans, as in a container.)
func running(t *testing.T, group int) (n int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // the process has just ended
		}
		_, rest, _ := strings.Cut(string(data), ") ") // after the name: state, parent, group
		fields := strings.Fields(rest)
		if len(fields) > 2 && fields[0] != "Z" && fields[0] != "X" && fields[2] == strconv.Itoa(group) {
			n++
		}
	}
	return n
}

// TestClose checks that nothing of a browser stays, however it ends.
func TestClose(t *testing.T) {
	for name, end := range map[string]func(*chromium.Browser, context.CancelFunc){
		"Close":   func(b *chromium.Browser, _ context.CancelFunc) { require.NoError(t, b.Close()) },
		"context": func(_ *chromium.Browser, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			p := newPage(t)
			b, err := chromium.Launch(ctx, chromium.Options{URL: p.origin() + "/"})
			require.NoError(t, err)
			require.Equal(t, float64(1), p.run(t, `return 1`))
			require.DirExists(t, b.Instance.Profile)
			require.Positive(t, running(t, b.PID()))
			end(b, cancel)
			<-b.Ended()
			require.NoError(t, b.Close())
			require.NoDirExists(t, b.Instance.Profile)
			require.Eventually(t, func() bool { return running(t, b.PID()) == 0 }, 10*time.Second, 10*time.Millisecond,
				"processes of its group are left")
		})
	}
}

func TestLaunchErrors(t *testing.T) {
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "imkeysim-profile-*"))
	require.NoError(t, err)
	_, err = chromium.Launch(t.Context(), chromium.Options{Path: filepath.Join(t.TempDir(), "none")})
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, program := range []string{"true", "false"} { // neither opens DevTools
		path, err := exec.LookPath(program)
		require.NoError(t, err)
		_, err = chromium.Launch(t.Context(), chromium.Options{Path: path, DevTools: true})
		var ended *chromium.EndedError
		require.ErrorAs(t, err, &ended)
		require.Equal(t, program == "true", ended.Err == nil)
	}
	late := errors.New("too late")
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(late)
	_, err = chromium.Launch(cancelled, chromium.Options{})
	require.ErrorIs(t, err, late)
	t.Setenv("CC", "no-such-compiler")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err = chromium.Launch(t.Context(), chromium.Options{Devices: []preload.Device{{Addr: "127.0.0.1:1", BusID: "1-1"}}})
	require.ErrorIs(t, err, preload.ErrNoCompiler)
	after, err := filepath.Glob(filepath.Join(os.TempDir(), "imkeysim-profile-*"))
	require.NoError(t, err)
	require.Equal(t, before, after, "no profile is left behind")
}
