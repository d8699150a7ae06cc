package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
)

// startedBrowser is imkeysim browser with the processes around it. The shell starts the tool, and the tool starts the browser.
type startedBrowser struct {
	t       *testing.T
	temp    string // its TMPDIR
	profile string
	shell   *exec.Cmd
	pids    map[string]int
	said    announcement
	folder  string // the folder that imkeysim made
	log     string
}

// startBrowser starts imkeysim browser, by another command if there is one. It waits for nothing.
func startBrowser(t *testing.T, temp, profile string, within ...string) *startedBrowser {
	t.Helper()
	b := &startedBrowser{t: t, temp: temp, profile: filepath.Join(temp, profile), pids: map[string]int{}, log: filepath.Join(temp, "log")}
	executable, err := os.Executable()
	require.NoError(t, err)
	log, err := os.Create(b.log)
	require.NoError(t, err)
	defer log.Close()
	const tool = `"$@" >&2 & echo $!; wait`
	command := append(within, executable, "browser", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0", "--user-data-dir="+b.profile, "about:blank")
	b.shell = exec.Command("sh", append([]string{"-c", `sh -c '` + tool + `' sh "$@" & echo $!; wait`, "sh"}, command...)...)
	b.shell.Env = append(os.Environ(), "IMKEYSIM_AS_COMMAND=1", "TMPDIR="+temp, "IMKEYSIM_TEMPORARY=true")
	b.shell.Stderr = log
	b.shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as a terminal does
	out, err := b.shell.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, b.shell.Start())
	lines := bufio.NewScanner(out)
	for _, name := range []string{"tool", "browser"} {
		require.True(t, lines.Scan())
		b.pids[name], err = strconv.Atoi(lines.Text())
		require.NoError(t, err)
	}
	b.pids["shell"] = b.shell.Process.Pid
	return b
}

// ready waits until DevTools is open, and finds the helpers.
func (b *startedBrowser) ready() {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		_, err := os.Stat(filepath.Join(b.profile, "DevToolsActivePort"))
		return err == nil
	}, deadline, 5*time.Millisecond, "%s", b.output())
	text, err := os.ReadFile(filepath.Join(b.profile, announcementName))
	require.NoError(b.t, err)
	require.NoError(b.t, json.Unmarshal(text, &b.said))
	folders, err := filepath.Glob(filepath.Join(b.temp, "imkeysim-browser-*"))
	require.NoError(b.t, err)
	require.Len(b.t, folders, 1)
	b.folder = folders[0]
	b.pids["simulator"] = b.said.Keeper
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", b.said.Keeper))
	if err != nil || len(children) == 0 {
		children, err = exec.Command("pgrep", "-P", strconv.Itoa(b.said.Keeper)).Output()
	}
	require.NoError(b.t, err)
	b.pids["guard"], err = strconv.Atoi(strings.Fields(string(children))[0])
	require.NoError(b.t, err)
}

func (b *startedBrowser) output() string {
	text, _ := os.ReadFile(b.log)
	return string(text)
}

// kill sends a signal to a process, which may have ended. The terminal sends it to all processes of its session that are in the
// foreground. The zygote and the GPU's process are the browser's own.
func (b *startedBrowser) kill(victim string, signal syscall.Signal) {
	b.t.Helper()
	switch victim {
	case "terminal":
		_ = syscall.Kill(-b.pids["shell"], signal)
	case "zygote", "gpu-process":
		require.Eventually(b.t, func() (found bool) { // Chromium starts it again
			for _, process := range processesIn(b.temp) {
				pid, line, _ := strings.Cut(process, " ")
				if strings.Contains(line, "--type="+victim+" ") {
					n, err := strconv.Atoi(pid)
					found = err == nil && syscall.Kill(n, signal) == nil
				}
			}
			return found
		}, deadline, 10*time.Millisecond, "there is no %s", victim)
	default:
		_ = syscall.Kill(b.pids[victim], signal)
	}
}

// gone checks that nothing of the browser is left, except the tool and the shell, which are no part of it.
func (b *startedBrowser) gone() {
	b.t.Helper()
	var left []string
	if !assert.Eventually(b.t, func() bool {
		left = processesIn(b.temp)
		return len(left) == 0
	}, deadline, 10*time.Millisecond) {
		require.Fail(b.t, "processes are left", "%v\n%s\n%s", left, b.output(), stacks(left))
	}
	for _, address := range []string{strings.TrimPrefix(b.said.URL, "http://"), b.said.USBIP} {
		if c, err := net.Dial("tcp", address); address != "" && err == nil {
			c.Close()
			b.t.Errorf("%s still listens", address)
		}
	}
	require.Eventually(b.t, func() bool {
		left, _ = filepath.Glob(filepath.Join(b.temp, "*"))
		return slices.Equal(left, []string{b.log})
	}, 5*time.Second, 10*time.Millisecond, "files are left: %v", &left)
}

// stacks ends the helpers among processes, and returns what they did.
func stacks(processes []string) (text string) {
	for _, line := range processes {
		name, _, _ := strings.Cut(line, " ")
		log, err := os.Open(filepath.Join("/proc", name, "fd/2"))
		pid, _ := strconv.Atoi(name)
		if err != nil || !strings.Contains(line, "-browser") || syscall.Kill(pid, syscall.SIGQUIT) != nil {
			continue
		}
		time.Sleep(time.Second)
		said, _ := io.ReadAll(log)
		text += string(said)
		log.Close()
	}
	return text
}

// processesIn returns the processes that work for a browser whose TMPDIR is the folder: they have a library or a file there, or the
// folder in their environment.
func processesIn(folder string) (found []string) {
	own := strconv.Itoa(os.Getpid())
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if filepath.Base(dir) == own {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		line := strings.ReplaceAll(string(command), "\x00", " ")
		if line == "" || strings.HasPrefix(line, "sh ") {
			continue // it has ended, or is the tool
		}
		for _, file := range []string{"environ", "maps"} {
			text, _ := os.ReadFile(filepath.Join(dir, file))
			if bytes.Contains(text, []byte(folder+"/")) || bytes.Contains(text, []byte("TMPDIR="+folder+"\x00")) {
				found = append(found, filepath.Base(dir)+" "+line)
				break
			}
		}
	}
	return found
}

// sharedMemory returns the shared memory of Chromium that has a name.
func sharedMemory() []string {
	files, _ := filepath.Glob("/dev/shm/.org.chromium.*")
	return files
}

// ending is a way in which a browser ends.
type ending struct {
	victims []string // killed in this order
	signal  syscall.Signal
	early   time.Duration // if not 0: so long after the start, when perhaps not all processes are there
	pause   time.Duration // between two kills
	stopped string        // is stopped before, and goes on afterwards, as a machine that was suspended
	memory  string        // if not empty: the size of /dev/shm
}

func (e ending) String() string {
	moment := "when ready"
	if e.early > 0 {
		moment = "after " + e.early.String()
	}
	if e.stopped != "" {
		moment += " while the " + e.stopped + " is stopped"
	}
	if e.memory != "" {
		moment += " with " + e.memory + " of shared memory"
	}
	return fmt.Sprintf("%s %v %s", strings.Join(e.victims, ", "), e.signal, moment)
}

// endings returns the 100 ways of kills, and those of rare.
func endings(r *rand.Rand) []ending { return append(kills(r), rare()...) }

// rare are ways beside the kills: what a terminal sends when it closes or by Ctrl-C, processes that do not run for a while, the browser's own
// processes killed as by a lack of memory, and shared memory that is full.
func rare() (all []ending) {
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGKILL} {
		all = append(all, ending{victims: []string{"terminal"}, signal: signal})
	}
	all = append(all, ending{victims: []string{"terminal"}, signal: syscall.SIGHUP, early: 150 * time.Millisecond})
	all = append(all, ending{victims: []string{"browser"}, signal: syscall.SIGHUP}, ending{victims: []string{"simulator"}, signal: syscall.SIGHUP})
	for _, stopped := range []string{"simulator", "guard", "browser"} {
		for _, victim := range []string{"browser", "tool", "simulator"} {
			all = append(all, ending{victims: []string{victim}, signal: syscall.SIGKILL, stopped: stopped, pause: 100 * time.Millisecond})
		}
	}
	for _, own := range []string{"zygote", "gpu-process"} {
		for _, victim := range []string{"browser", "tool", "simulator"} {
			all = append(all, ending{victims: []string{own, victim}, signal: syscall.SIGKILL, pause: 100 * time.Millisecond})
		}
	}
	all = append(all, ending{victims: []string{"gpu-process", "gpu-process", "tool"}, signal: syscall.SIGKILL, pause: 500 * time.Millisecond})
	for _, victim := range []string{"browser", "tool"} {
		all = append(all, ending{victims: []string{victim}, signal: syscall.SIGKILL, memory: "16k"})
	}
	return all
}

// kills returns 100 ways: one process alone, by each signal, except the guard, which the simulator starts again; all five, three times in
// each order of the four without the guard, which comes anywhere among them; and those that are there from the start, killed while
// the others start.
func kills(r *rand.Rand) (all []ending) {
	four := []string{"shell", "tool", "browser", "simulator"}
	pause := func() time.Duration { return time.Duration(r.IntN(40)) * time.Millisecond }
	for _, victim := range four[1:] {
		for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
			if victim == "tool" && signal != syscall.SIGKILL {
				continue // a shell forwards or ignores it
			}
			all = append(all, ending{victims: []string{victim}, signal: signal})
		}
	}
	for _, order := range orders(four) {
		for range 3 {
			all = append(all, ending{victims: slices.Insert(slices.Clone(order), r.IntN(len(order)+1), "guard"), signal: syscall.SIGKILL, pause: pause()})
		}
	}
	for early := orders(four[:3]); len(all) < 100; {
		all = append(all, ending{victims: early[len(all)%len(early)], signal: syscall.SIGKILL, early: time.Duration(1+r.IntN(600)) * time.Millisecond, pause: pause()})
	}
	return all
}

// within returns the command that starts the browser with another /dev/shm, if the way needs it.
func (e ending) within() []string {
	if e.memory == "" {
		return nil
	}
	return []string{"unshare", "--mount", "sh", "-c", `mount -t tmpfs -o size=` + e.memory + ` none /dev/shm && exec "$@"`, "sh"}
}

// orders returns the permutations of a list.
func orders(list []string) (all [][]string) {
	if len(list) == 0 {
		return [][]string{nil}
	}
	for i, first := range list {
		for _, rest := range orders(slices.Delete(slices.Clone(list), i, i+1)) {
			all = append(all, append([]string{first}, rest...))
		}
	}
	return all
}

// TestChromiumBrowserLeavesNothing kills the browser, its simulator and those who started it in every order. IMKEY_FULL=1 tries 100 ways, else
// one for each process.
func TestChromiumBrowserLeavesNothing(t *testing.T) {
	seed := uint64(1)
	if text := os.Getenv("IMKEY_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 0, 64)
	}
	all := endings(rand.New(rand.NewPCG(seed, 0)))
	if os.Getenv("IMKEY_FULL") == "" {
		all = []ending{
			{victims: []string{"browser"}, signal: syscall.SIGKILL},
			{victims: []string{"guard", "tool"}, signal: syscall.SIGKILL},
			{victims: []string{"simulator"}, signal: syscall.SIGKILL},
		}
	}
	before := sharedMemory()
	counts := map[string]int{}
	for _, e := range all {
		t.Run(e.String(), func(t *testing.T) {
			if e.memory != "" && os.Geteuid() != 0 {
				t.Skip("only root can mount another /dev/shm")
			}
			temp, err := os.MkdirTemp("/tmp", "imkey-ends-")
			require.NoError(t, err)
			b := startBrowser(t, temp, "profile", e.within()...)
			t.Cleanup(func() {
				for _, pid := range b.pids {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				_ = b.shell.Wait()
				require.NoError(t, os.RemoveAll(temp))
			})
			if e.early > 0 {
				time.Sleep(e.early)
			} else {
				b.ready()
			}
			if e.stopped != "" {
				b.kill(e.stopped, syscall.SIGSTOP)
			}
			for _, victim := range e.victims {
				b.kill(victim, e.signal)
				time.Sleep(e.pause)
			}
			if e.stopped != "" {
				b.kill(e.stopped, syscall.SIGCONT)
			}
			both := slices.Contains(e.victims, "simulator") && slices.Contains(e.victims, "guard")
			if both || e.early > 0 { // all were killed at once: the next start removes the folder
				require.Eventually(t, func() bool { return len(processesIn(temp)) == 0 }, deadline, 10*time.Millisecond)
				next := startBrowser(t, temp, "next")
				b.pids = maps.Clone(next.pids)
				next.ready()
				next.kill("browser", syscall.SIGTERM)
				next.gone()
				_ = next.shell.Wait()
			} else {
				b.gone()
			}
			counts[e.victims[0]]++
		})
	}
	require.Eventually(t, func() bool {
		return !slices.ContainsFunc(sharedMemory(), func(file string) bool { return !slices.Contains(before, file) })
	}, 10*time.Second, 100*time.Millisecond, "shared memory is left")
	t.Logf("%d ways, by what was killed first: %v", len(all), counts)
}

// TestChromiumBrowserPassesThrough: the DevTools pipe, the arguments, the id of the process and the exit code are Chromium's.
func TestChromiumBrowserPassesThrough(t *testing.T) {
	executable, err := os.Executable()
	require.NoError(t, err)
	t.Setenv("IMKEYSIM_AS_COMMAND", "1")
	config := filepath.Join(t.TempDir(), "options.json")
	require.NoError(t, os.WriteFile(config, []byte(`{"serial":"imKey01191200001","devices":2,"allow":["https://wallet.example","abcdefghijklmnopabcdefghijklmnop"]}`), 0o600))
	t.Setenv("IMKEYSIM_CONFIG", config)
	t.Setenv("IMKEYSIM_ALLOW", "http://localhost:5173")
	t.Setenv("IMKEYSIM_SERIAL", "imKey01191200007")
	profile := t.TempDir()
	file := filepath.Join(t.TempDir(), "where.json")
	link := filepath.Join(t.TempDir(), "imkeysim-browser")
	require.NoError(t, os.Symlink(executable, link))

	ask, write, err := os.Pipe()
	require.NoError(t, err)
	read, answers, err := os.Pipe()
	require.NoError(t, err)
	cmd := exec.Command(link, "--headless", "--no-sandbox", "--remote-debugging-pipe", "--user-data-dir="+profile, "--imkey-allow", "--imkey-file="+file, "about:blank")
	cmd.ExtraFiles = []*os.File{ask, answers}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	require.NoError(t, ask.Close())
	require.NoError(t, answers.Close())
	pipe := bufio.NewReader(read)
	call := func(method string) string {
		_, err := fmt.Fprintf(write, `{"id":1,"method":%q}`+"\x00", method)
		require.NoError(t, err)
		for {
			text, err := pipe.ReadString(0)
			require.NoError(t, err)
			if strings.Contains(text, `"id":1`) {
				return text
			}
		}
	}
	require.Contains(t, call("Browser.getVersion"), "Chrome/")
	require.Regexp(t, `"type":"browser","id":`+strconv.Itoa(cmd.Process.Pid)+`\b|"id":`+strconv.Itoa(cmd.Process.Pid)+`,"type":"browser"|"id":`+strconv.Itoa(cmd.Process.Pid)+`\b`,
		call("SystemInfo.getProcessInfo"), "the tool's process is the browser")

	for _, name := range []string{filepath.Join(profile, announcementName), file} {
		var said announcement
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &said))
		require.Equal(t, "imKey01191200007", said.Devices[0].Serial, "a variable is stronger than the file")
		require.Len(t, said.Devices, 2)
		require.Equal(t, said.Devices[1].Serial, get(t, said.URL+"/sim/v1/device?device=2")["serial"])
	}
	text, err := os.ReadFile(filepath.Join(profile, "Default", "Preferences"))
	require.NoError(t, err)
	for _, origin := range []string{"https://wallet.example:443", "chrome-extension://abcdefghijklmnopabcdefghijklmnop/", "http://localhost:5173", "http://127.0.0.1:"} {
		require.Contains(t, string(text), origin)
	}

	require.NoError(t, write.Close()) // the tool has gone: Chromium ends by itself
	require.NoError(t, cmd.Wait(), "the exit code")
	rest, err := pipe.ReadString(1) // the pipe ends with the browser, since no helper has it
	require.Error(t, err, rest)
	require.Eventually(t, func() bool { _, err := os.Stat(file); return os.IsNotExist(err) }, 10*time.Second, 10*time.Millisecond)
	require.NoFileExists(t, filepath.Join(profile, announcementName))
	require.DirExists(t, profile, "the tool's own")

	out, err := exec.Command(link, "--version").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "Chromium ", "a tool asks for the version")
}

// TestBrowserBadInput: one sentence each, before a browser opens.
func TestBrowserBadInput(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
		return path
	}
	link := func(target, name string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.Symlink(target, path))
		return path
	}
	program, err := os.ReadFile("/bin/sh")
	require.NoError(t, err)
	other := bytes.Clone(program)
	other[18], other[19] = 40, 0 // EM_ARM
	musl := regexp.MustCompile(`/ld-linux[^\x00]*`).ReplaceAllFunc(program, func(name []byte) []byte {
		return append([]byte("/ld-musl"), make([]byte, len(name)-len("/ld-musl"))...)
	})
	// A program that runs as another user ignores the library.
	deaf := filepath.Join(dir, "deaf")
	source := file("deaf.c", "int main(void) { return 0; }\n")
	out, err := exec.Command("cc", "-o", deaf, source, "-Wl,--no-as-needed", "-l:libudev.so.1").CombinedOutput()
	require.NoError(t, err, "%s", out)
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chmod(dir, 0o755))
		require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
		require.NoError(t, os.Chown(deaf, 65534, 65534))
		require.NoError(t, os.Chmod(deaf, 0o755|os.ModeSetuid))
	}
	host, err := os.Hostname()
	require.NoError(t, err)
	used := filepath.Join(dir, "used")
	require.NoError(t, os.Mkdir(used, 0o700))
	require.NoError(t, os.Symlink(fmt.Sprintf("%s-%d", host, os.Getpid()), filepath.Join(used, "SingletonLock")))
	require.NoError(t, chromium.InUse(used), "a number that another program has now")
	singleton, err := net.Listen("unix", filepath.Join(used, "SingletonSocket"))
	require.NoError(t, err)
	defer singleton.Close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	brokenProfile := filepath.Dir(filepath.Dir(file("broken/Default/Preferences", "{")))

	fifo := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	contents := map[string]string{
		"package.json":          `{"name":"wallet","version":"1.0.0"}`,
		"where.json":            `{"url":"http://127.0.0.1:1"}`,
		"empty.json":            "",
		"left.json":             `{"url":"http://127.0.0.1:1","usbip":"127.0.0.1:2","keeper":3,"devices":[]}`,
		"profile/imkeysim.json": `["the user's"]`,

		"site/package.json":          "{}",
		"site/Default/index.html":    "<p>",
		"chromium/Local State":       "{}",
		"chromium/Default/History":   "visits",
		"left/imkeysim.json":         `{"url":"http://127.0.0.1:1","usbip":"127.0.0.1:2","keeper":3,"devices":[]}`,
		"left/Default/History":       "visits",
		"deep/Local State/notes.txt": "notes",
		"driver/Default/Preferences": "{}",
		"driver/Local State":         "{}",
		"driver/First Run":           "",
		"marked/.imkeysim-temporary": "",
		"marked/Default/History":     "visits",
	}
	emptyProfile := filepath.Join(dir, "emptied")
	require.NoError(t, os.Mkdir(emptyProfile, 0o700))
	kept := map[string]string{}
	for name, text := range contents {
		kept[name] = file(name, text)
	}

	for _, c := range []struct {
		name string
		args []string
		env  map[string]string
		want string
	}{
		{"no Chromium", nil, map[string]string{"CHROMIUM": filepath.Join(dir, "none")}, "is not there; name the binary of a Chromium, as Debian's /usr/lib/chromium/chromium"},
		{"no Chromium, by option", []string{"--imkey-chromium=" + filepath.Join(dir, "none")}, nil, "is not there; name the binary"},
		{"a folder", []string{"--imkey-chromium=" + dir}, nil, "is not a program; name the binary"},
		{"a wrapper", []string{"--imkey-chromium=" + file("wrapper", "#!/bin/sh\nexec chrome\n")}, nil, "is a script that starts a browser, and not the browser's binary; name"},
		{"a snap", []string{"--imkey-chromium=" + link(file("snap", "\x7fELF"), "bin/chromium")}, nil, "is a snap, into which the library cannot be preloaded; name"},
		{"Ubuntu's script for its snap", []string{"--imkey-chromium=" + file("chromium-browser", "#!/bin/sh\nexec /snap/bin/chromium\n")}, nil, "is a script that starts a snap, and not"},
		{"a flatpak", []string{"--imkey-chromium=" + file("flatpak/exports/bin/org.chromium.Chromium", "#!/bin/sh\nexec flatpak run org.chromium.Chromium\n")}, nil, "is a flatpak, into which"},
		{"a script for a flatpak", []string{"--imkey-chromium=" + file("org.chromium", "#!/bin/sh\nexec /usr/bin/flatpak run org.chromium.Chromium\n")}, nil, "is a script that starts a flatpak, and not"},
		{"Google Chrome", []string{"--imkey-chromium=" + file("opt/google/chrome/chrome", "\x7fELF")}, nil, "is Google Chrome, which takes neither the library nor unpacked extensions; name"},
		{"Google Chrome's script", []string{"--imkey-chromium=" + file("google-chrome-stable", "#!/bin/bash\n")}, nil, "is Google Chrome, which"},
		{"a branded build", []string{"--imkey-chromium=/bin/sh"}, nil, "does not link libudev, so that the library cannot answer it; Chrome-branded builds do not; name"},
		{"musl", []string{"--imkey-chromium=" + file("musl", string(musl))}, nil, "is built for musl, and the library needs glibc"},
		{"another architecture", []string{"--imkey-chromium=" + file("arm", string(other))}, nil, "is for another machine, ARM instead of"},
		{"a profile in use", []string{"--user-data-dir=" + used}, nil, fmt.Sprintf("the profile %s is in use by process %d: close that browser, or name another folder", used, os.Getpid())},
		{"a broken profile", []string{"--user-data-dir=" + brokenProfile}, nil, "broken/Default/Preferences: "},
		{"a file as the profile", []string{"--user-data-dir=" + file("plain", "")}, nil, "plain cannot be written: mkdir " + dir + "/plain: not a directory: name another folder as --user-data-dir"},
		{"a profile below a file", []string{"--user-data-dir=" + file("plain2", "") + "/profile"}, nil, "plain2/profile cannot be written: mkdir " + dir + "/plain2: not a directory: name"},
		{"a profile of the system", []string{"--user-data-dir=/proc/imkey"}, nil, "the profile /proc/imkey cannot be written: mkdir /proc/imkey: no such file or directory: name"},
		{"a file in no folder", []string{"--imkey-file=" + dir + "/none/where.json"}, nil, "the file " + dir + "/none/where.json cannot be written: open "},
		{"a folder as the file", []string{"--imkey-file=" + dir}, nil, dir + " is a folder: name a file in it as --imkey-file"},
		{"the user's file as the file", []string{"--imkey-file=" + kept["package.json"]}, nil, dir + "/package.json is there and is not one of ours: name another"},
		{"the user's file and a taken port", []string{"--imkey-file=" + kept["package.json"], "--remote-debugging-port=" + port}, nil, "is taken or cannot be used: choose"},
		{"JSON as the file", []string{"--imkey-file=" + kept["where.json"]}, nil, "/where.json is there and is not one of ours: name another"},
		{"the user's link as the file", []string{"--imkey-file=" + link(kept["empty.json"], "linked.json")}, nil, "/linked.json is there and is not one of ours: name another"},
		{"a pipe as the file", []string{"--imkey-file=" + fifo}, nil, "/pipe is there and is not one of ours: name another"},
		{"an empty file and a failed start", []string{"--imkey-file=" + kept["empty.json"], "--imkey-mnemonic=abandon"}, nil, "-mnemonic: "},
		{"a leftover and a failed start", []string{"--imkey-file=" + kept["left.json"], "--imkey-mnemonic=abandon"}, nil, "-mnemonic: "},
		{"the user's file in the profile", []string{"--user-data-dir=" + filepath.Dir(kept["profile/imkeysim.json"])}, nil, "profile/imkeysim.json is there and is not one of ours: name another folder as --user-data-dir"},
		{"a project as the temporary profile", []string{"--user-data-dir=" + filepath.Dir(file("project/package.json", "{}")), "--imkey-temporary"}, nil, "--imkey-temporary would remove " + dir + "/project, which has other files than a temporary profile: name an empty folder"},
		{"a project with a profile's name", []string{"--user-data-dir=" + filepath.Dir(kept["site/package.json"]), "--imkey-temporary", "--imkey-mnemonic=abandon"}, nil, "--imkey-temporary would remove " + dir + "/site, which"},
		{"the user's own profile", []string{"--user-data-dir=" + dir + "/chromium", "--imkey-temporary", "--imkey-mnemonic=abandon"}, nil, "--imkey-temporary would remove " + dir + "/chromium, which"},
		{"a leftover in a profile of the user", []string{"--user-data-dir=" + dir + "/left", "--imkey-temporary", "--imkey-mnemonic=abandon"}, nil, "--imkey-temporary would remove " + dir + "/left, which"},
		{"a folder with a profile's name", []string{"--user-data-dir=" + dir + "/deep", "--imkey-temporary", "--imkey-mnemonic=abandon"}, nil, "--imkey-temporary would remove " + dir + "/deep, which"},
		{"an empty folder and a failed start", []string{"--user-data-dir=" + emptyProfile, "--imkey-temporary", "--imkey-mnemonic=abandon"}, nil, "-mnemonic: "},
		{"a driver's profile and a failed start", []string{"--user-data-dir=" + dir + "/driver", "--imkey-temporary", "--imkey-mnemonic=abandon"}, nil, "-mnemonic: "},
		{"a temporary profile and a failed start", []string{"--user-data-dir=" + dir + "/marked", "--imkey-temporary", "--imkey-mnemonic=abandon"}, nil, "-mnemonic: "},
		{"a new profile and a failed start", []string{"--user-data-dir=" + dir + "/new", "--imkey-temporary", "--imkey-mnemonic=abandon"}, nil, "-mnemonic: "},
		{"DevTools port taken", []string{"--remote-debugging-port=" + port}, nil, "the address 127.0.0.1:" + port + " is taken or cannot be used: choose another port, or port 0"},
		{"the simulator's port taken", nil, map[string]string{"IMKEYSIM_ADDR": "127.0.0.1:" + port}, "is taken or cannot be used: choose"},
		{"no origin", []string{"--imkey-allow=http://localhost:5173,localhost"}, nil, `"localhost" is no origin: name a site as http://localhost:5173, without a path, or an extension by its id`},
		{"a page", nil, map[string]string{"IMKEYSIM_ALLOW": "https://wallet.example/connect"}, "is no origin: name a site"},
		{"a wrong id", []string{"--imkey-allow=abcdefghijklmnopabcdefghijklmnoq"}, nil, "is no origin: name a site"},
		{"another scheme", []string{"--imkey-allow=ftp://localhost"}, nil, "is no origin: name a site"},
		{"an unknown option", []string{"--imkey-allowed=x"}, nil, "flag provided but not defined: -allowed (--imkey-help lists the options)"},
		{"a wrong value", []string{"--imkey-devices=0"}, nil, "-devices must be 1 to"},
		{"no file of options", []string{"--imkey-config=" + dir + "/absent.json"}, nil, "the file of options: open "},
		{"a broken file of options", []string{"--imkey-config=" + file("a.json", "[]")}, nil, `must be a JSON object with options, as {"allow":["http://localhost:5173"]}`},
		{"an unknown field", []string{"--imkey-config=" + file("b.json", `{"origins":["x"]}`)}, nil, "not defined: -origins"},
		{"wrong words", []string{"--imkey-mnemonic=abandon"}, nil, "-mnemonic: "},
		{"no compiler", nil, map[string]string{"CC": "no-such-compiler", "XDG_CACHE_HOME": dir}, "there is no library to preload and no C compiler to build it: install gcc and libc6-dev, or take imkeysim from the npm package"},
		{"a sandbox", []string{"--imkey-chromium=" + deaf}, nil, "a sandbox or the system forbids the library in " + deaf},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "a sandbox" && os.Geteuid() != 0 {
				t.Skip("only root can make a program that runs as another user")
			}
			temp := t.TempDir()
			t.Setenv("TMPDIR", temp)
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			t.Setenv("CHROMIUM", os.Getenv("CHROMIUM")) // an option sets it
			var out, log bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), deadline) // a browser that opens does not end
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"browser", "--headless", "--no-sandbox"}, c.args...)...)
			cmd.Env = append(os.Environ(), "IMKEYSIM_AS_COMMAND=1")
			cmd.Stdout, cmd.Stderr = &out, &log
			require.Error(t, cmd.Run())
			require.Regexp(t, `^imkeysim browser: `, log.String())
			require.Contains(t, log.String(), c.want)
			require.Equal(t, 1, strings.Count(log.String(), "\n"), "one sentence: %s", log.String())
			require.Empty(t, out.String())
			require.Eventually(t, func() bool {
				left, err := filepath.Glob(filepath.Join(temp, "*"))
				return err == nil && len(left) == 0
			}, 5*time.Second, 10*time.Millisecond, "files are left")
			for name, text := range contents {
				there, err := os.ReadFile(kept[name])
				require.NoError(t, err)
				require.Equal(t, text, string(there), name)
			}
		})
	}
	require.FileExists(t, filepath.Join(dir, "project", "package.json"))
	require.DirExists(t, emptyProfile)
	require.NoDirExists(t, filepath.Join(dir, "new"))
}
