package examples

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gridSession is what testdata/grid.js prints about a session.
type gridSession struct {
	N           int
	Serial, Own string
	Seen        []string
	Bound, URL  string
	Asked       string
	Seconds     float64
	Megabytes   int
	CPU         float64
	Lost        string
	PID         int
}

// TestGrid runs a Selenium Grid on this machine: a hub, and two nodes with four sessions each.
func TestGrid(t *testing.T) {
	needsFull(t)
	needsChromedriver(t)
	java, err := exec.LookPath("java")
	if err != nil {
		t.Skip("SKIP: there is no Java runtime for Selenium Grid; Debian has it in the package default-jre-headless")
	}
	e := copied(t, "grid")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
	e.run(`node -e "import('imkey-connect-testing/webdriver').then((w) => console.log(w.gridNode({ sessions: 4 })))" >node.toml`)
	e.add("grid.js")
	jar, err := filepath.Glob(filepath.Join(e.dir, "node_modules/@nightwatch/selenium-server/lib/selenium-server-*.jar"))
	require.NoError(t, err)
	require.Len(t, jar, 1)
	require.Contains(t, e.readme, "java -jar "+strings.TrimPrefix(jar[0], e.dir+"/")+" node --config node.toml")

	temp, err := os.MkdirTemp("/tmp", "imkey-grid-") // chromedriver puts profiles there
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(temp)) })
	bus := []string{"--host", "127.0.0.1", "--publish-events", "tcp://" + freeAddress(t), "--subscribe-events", "tcp://" + freeAddress(t)}
	start := func(name string, args ...string) (program *exec.Cmd, url string) {
		_, port, err := net.SplitHostPort(freeAddress(t))
		require.NoError(t, err)
		program = exec.Command(java, append(append([]string{"-jar", jar[0], name, "--port", port}, bus...), args...)...)
		program.Dir, program.Env = e.dir, append(os.Environ(), "TMPDIR="+temp)
		program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		log, err := os.Create(filepath.Join(e.dir, name+port+".log"))
		require.NoError(t, err)
		program.Stdout, program.Stderr = log, log
		require.NoError(t, program.Start())
		t.Cleanup(func() {
			_ = syscall.Kill(-program.Process.Pid, syscall.SIGKILL) // it may have ended
			_ = program.Wait()
			text, _ := os.ReadFile(log.Name())
			log.Close()
			if t.Failed() {
				t.Logf("%s:\n%s", log.Name(), text[max(0, len(text)-8000):])
			}
		})
		return program, "http://127.0.0.1:" + port
	}
	_, hub := start("hub")
	nodes := map[string]*exec.Cmd{}
	for range 2 {
		node, url := start("node", "--config", "node.toml")
		nodes[url] = node
	}
	require.Eventually(t, func() bool { return len(gridNodes(hub)) == 2 }, 5*time.Minute, 200*time.Millisecond, "the nodes join the hub")
	script := func(args ...string) *exec.Cmd {
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Minute)
		t.Cleanup(stop)
		command := exec.CommandContext(ctx, "node", append([]string{"grid.js"}, args...)...)
		command.Dir, command.Env, command.Stderr = e.dir, append(os.Environ(), "GRID="+hub), os.Stderr
		return command
	}

	const many, atOnce = 40, 8
	t.Run("sessions", func(t *testing.T) {
		began := time.Now()
		out, err := script(strconv.Itoa(many), strconv.Itoa(atOnce)).Output()
		require.NoError(t, err, "%s", out)
		sessions := sessionsOf(t, out)
		require.Len(t, sessions, many)
		serials := map[string]bool{}
		var seconds, cpu float64
		megabytes := 0
		for _, s := range sessions {
			s.saw(t)
			serials[s.Own] = true
			seconds, cpu, megabytes = seconds+s.Seconds, cpu+s.CPU, megabytes+s.Megabytes
		}
		require.Len(t, serials, many, "each session has another device")
		t.Logf("%d sessions, %d at once, in %.0f s: each %.1f s and %.1f s of CPU time; %d MB of memory; %.0f sessions a minute on one core",
			many, atOnce, time.Since(began).Seconds(), seconds/many, cpu/many, megabytes/many, 60/(cpu/many))
	})

	t.Run("from another machine", func(t *testing.T) {
		out, err := script("2", "2", "remote").Output()
		require.NoError(t, err, "%s", out)
		for _, s := range sessionsOf(t, out) {
			s.saw(t)
		}
	})

	t.Run("a node ends", func(t *testing.T) {
		command := script("held", strconv.Itoa(atOnce))
		input, err := command.StdinPipe()
		require.NoError(t, err)
		output, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		lines := bufio.NewReader(output)
		ready, err := lines.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, ready, "ready")
		before := gridNodes(hub)
		var killed string
		for url, used := range before {
			require.Equal(t, atOnce/2, used, "sessions on %s", url)
			killed = url
		}
		var there, here []string
		for _, pid := range strings.Fields(ready)[1:] {
			if descends(pid, nodes[killed].Process.Pid) {
				there = append(there, pid)
			} else {
				here = append(here, pid)
			}
		}
		require.Len(t, there, atOnce/2)
		require.NoError(t, syscall.Kill(-nodes[killed].Process.Pid, syscall.SIGKILL))
		_, err = input.Write([]byte("\n"))
		require.NoError(t, err)
		rest, err := io.ReadAll(lines)
		require.NoError(t, err)
		require.NoError(t, command.Wait())
		sessions := sessionsOf(t, rest)
		require.Len(t, sessions, atOnce)
		lost := 0
		for _, s := range sessions {
			if s.Lost != "" {
				lost++
				assert.Contains(t, there, strconv.Itoa(s.PID), "a session of the other node is lost: %s", s.Lost)
				continue
			}
			s.saw(t)
		}
		require.Equal(t, atOnce/2, lost)
		require.Eventually(t, func() bool {
			for _, pid := range append(there, here...) {
				if _, err := os.Stat("/proc/" + pid); err == nil {
					return false
				}
			}
			return true
		}, time.Minute, 100*time.Millisecond, "no browser is left, on the killed node neither")
	})
}

// saw checks that a session saw its own device alone.
func (s gridSession) saw(t *testing.T) {
	t.Helper()
	require.Empty(t, s.Lost)
	require.Equal(t, s.Serial, s.Own)
	require.Equal(t, []string{s.Own}, s.Seen, "the page's devices")
	require.Equal(t, "bound", s.Bound)
	require.Contains(t, s.Asked, strings.TrimPrefix(s.URL, "http://"), "the device asked for its own page's message")
}

func sessionsOf(t *testing.T, out []byte) (sessions []gridSession) {
	t.Helper()
	for line := range strings.Lines(string(out)) {
		var s gridSession
		require.NoError(t, json.Unmarshal([]byte(line), &s), line)
		sessions = append(sessions, s)
	}
	return sessions
}

// gridNodes returns the URLs of the nodes that are up, and how many sessions each has.
func gridNodes(hub string) map[string]int {
	response, err := http.Get(hub + "/status")
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	var status struct {
		Value struct {
			Nodes []struct {
				URI, Availability string
				Slots             []struct{ Session any }
			}
		}
	}
	if json.NewDecoder(response.Body).Decode(&status) != nil {
		return nil
	}
	nodes := map[string]int{}
	for _, node := range status.Value.Nodes {
		if node.Availability != "UP" {
			continue
		}
		nodes[node.URI] = 0
		for _, slot := range node.Slots {
			if slot.Session != nil {
				nodes[node.URI]++
			}
		}
	}
	return nodes
}

// descends reports whether a process was started by another one or by one that it started.
func descends(pid string, from int) bool {
	for pid != "" && pid != "0" && pid != "1" {
		if pid == strconv.Itoa(from) {
			return true
		}
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%s/stat", pid)) // without the file, it has ended
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			return false
		}
		pid = fields[1]
	}
	return false
}
