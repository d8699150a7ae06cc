package preload_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/preload"
)

// TestManyThreads runs the library with a sanitizer, in many threads, while devices are plugged in and unplugged.
func TestManyThreads(t *testing.T) {
	for _, sanitizer := range []string{"address,undefined", "thread"} {
		t.Run(sanitizer, func(t *testing.T) {
			t.Parallel()
			program := buildStress(t, sanitizer)
			ports, devices := serve(t, "A", "B")

			// A report of a fault must arrive. Without testdata/stress.map the sanitizer waits for the library here.
			_, complaints, err := stress(t, program, devices, "fault", nil)
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.True(t, exit.Exited(), "%v\n%s", err, complaints)
			require.Regexp(t, `SUMMARY: \w+Sanitizer: heap-use-after-free`, complaints)

			_, complaints, err = stress(t, program, devices, "claim", nil)
			require.NoError(t, err, "%s", complaints)
			require.Empty(t, complaints)

			last, complaints, err := stress(t, program, devices, "120", func() {
				for _, port := range ports {
					port.Unplug()
					port.Plug()
				}
			})
			require.NoError(t, err, "%s", complaints)
			require.Equal(t, "well", last)
			require.Empty(t, complaints)
		})
	}
}

// buildStress compiles testdata/stress.c together with the library and a sanitizer, and returns the program.
func buildStress(t *testing.T, sanitizer string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "stress")
	parts, err := filepath.Glob("src/*.c")
	require.NoError(t, err)
	args := append([]string{"-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-fsanitize=" + sanitizer,
		"-fno-sanitize-recover=undefined", "-Wl,--version-script=testdata/stress.map,--wrap=dlsym,--wrap=pthread_mutex_unlock", "-o", program, "testdata/stress.c"}, parts...)
	out, err := exec.Command("cc", append(args, "-l:libudev.so.1", "-ldl")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// stress runs the program with devices. It calls again for each line of its output, and returns the last line, the
// output of the sanitizer, and the error of the program.
func stress(t *testing.T, program string, devices []preload.Device, argument string, again func()) (string, string, error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute) // it takes two seconds
	defer stop()
	command := []string{program, argument}
	if exec.Command("setarch", "-R", "true").Run() == nil {
		command = append([]string{"setarch", "-R"}, command...) // older sanitizers do not work with high-entropy address randomisation
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), preload.Env("", devices...)[1:]...) // the library is linked into the program
	// Memory that devices still use at the end is not a leak. Every thread may fork.
	cmd.Env = append(cmd.Env, "ASAN_OPTIONS=detect_leaks=0", "TSAN_OPTIONS=die_after_fork=0")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var last string
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		last = lines.Text()
		again()
	}
	err = cmd.Wait()
	if strings.Contains(complaints.String(), "unexpected memory mapping") {
		t.Skip("address randomisation cannot be turned off here, and the sanitizer is too old for it: sysctl vm.mmap_rnd_bits=28")
	}
	return last, complaints.String(), err
}
