package preload_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/usb"
	"imkey-connect/devicesim/usb/usbtest"
	"imkey-connect/devicesim/usbip"
)

// built compiles the library and the probe once.
var built = sync.OnceValues(func() (files [2]string, err error) {
	dir, err := os.MkdirTemp("", "preload-test-")
	if err != nil {
		return files, err
	}
	buildDir = dir
	if files[0], err = preload.Build(context.Background(), dir); err != nil {
		return files, err
	}
	files[1] = filepath.Join(dir, "probe")
	out, err := exec.Command("cc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror",
		"-pthread", "-o", files[1], "testdata/probe.c", "-l:libudev.so.1").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return files, err
})

var buildDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	os.Exit(code)
}

// probe is a process with the library preloaded.
type probe struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

func newProbe(t *testing.T, devices ...preload.Device) *probe {
	t.Helper()
	return newProbeAs(t, nil, devices...)
}

// newProbeAs is newProbe with arguments, as a browser has them.
func newProbeAs(t *testing.T, args []string, devices ...preload.Device) *probe {
	t.Helper()
	files, err := built()
	require.NoError(t, err)
	cmd := exec.Command(files[1], args...)
	cmd.Env = append(os.Environ(), preload.Env(files[0], devices...)...)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		require.NoError(t, cmd.Wait(), "the process with the library in it must not crash")
	})
	return &probe{t: t, in: in, out: bufio.NewScanner(out)}
}

func (p *probe) say(format string, args ...any) string {
	p.t.Helper()
	_, err := fmt.Fprintf(p.in, format+"\n", args...)
	require.NoError(p.t, err)
	require.True(p.t, p.out.Scan(), "no answer to "+format)
	return strings.TrimSpace(p.out.Text())
}

func serve(t *testing.T, serials ...string) ([]*usb.Port, []preload.Device) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var ports []*usb.Port
	var devices []preload.Device
	for i, serial := range serials {
		ports = append(ports, usb.NewPort(usb.Identity{Serial: serial, LandingURL: "https://wallet.example/"}, &usbtest.Echo{}, nil))
		devices = append(devices, preload.Device{Addr: l.Addr().String(), BusID: usbip.BusID(i + 1)})
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- (&usbip.Server{Ports: ports}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return ports, devices
}
