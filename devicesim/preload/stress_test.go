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
			program := filepath.Join(t.TempDir(), "stress")
			parts, err := filepath.Glob("src/*.c")
			require.NoError(t, err)
			args := append([]string{"-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread",
				"-fsanitize=" + sanitizer, "-fno-sanitize-recover=undefined", "-o", program, "testdata/stress.c"}, parts...)
			out, err := exec.Command("cc", append(args, "-l:libudev.so.1", "-ldl")...).CombinedOutput()
			require.NoError(t, err, "%s", out)

			ports, devices := serve(t, "A", "B")
			ctx, stop := context.WithTimeout(t.Context(), time.Minute) // it takes two seconds
			defer stop()
			command := []string{program, "120"}
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
				for _, port := range ports {
					port.Unplug()
					port.Plug()
				}
			}
			err = cmd.Wait()
			if strings.Contains(complaints.String(), "unexpected memory mapping") {
				t.Skip("address randomisation cannot be turned off here, and the sanitizer is too old for it: sysctl vm.mmap_rnd_bits=28")
			}
			require.NoError(t, err, "%s", complaints.Bytes())
			require.Equal(t, "well", last)
			require.Empty(t, complaints.String())
		})
	}
}
