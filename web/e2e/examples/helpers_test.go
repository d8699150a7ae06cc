package examples

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/sha3"

	"imkey-connect/devicesim/simtest"
)

// The words that wallets' tests use, and their first address.
const (
	mnemonic = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	address  = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
)

// limit bounds a command, which may download and compile.
var limit = 4 * time.Minute

// The full tests install test runners of hundreds of packages.
func init() {
	if os.Getenv("IMKEY_FULL") != "" {
		limit = 15 * time.Minute
	}
}

// example is a copy of an example.
type example struct {
	t        *testing.T
	checkout string // the folder of this repository
	readme   string
	dir      string // the copy
}

// copied copies an example into an empty folder, without what a build may have left in it.
func copied(t *testing.T, name string) *example {
	t.Helper()
	checkout, err := filepath.Abs("../../..")
	require.NoError(t, err)
	e := &example{t: t, checkout: checkout, dir: filepath.Join(emptyFolder(t), "my-"+name)}
	source := filepath.Join(checkout, "examples", name)
	readme, err := os.ReadFile(filepath.Join(source, "README.md"))
	require.NoError(t, err)
	e.readme = string(readme)
	require.NoError(t, os.CopyFS(e.dir, os.DirFS(source)))
	for _, built := range []string{"node_modules", "dist", ".next", "next-env.d.ts", "test-results", "imkeysim"} {
		require.NoError(t, os.RemoveAll(filepath.Join(e.dir, built)))
	}
	return e
}

// emptyFolder makes a folder that is removed after the test. It is in memory where there is room: npm writes more than ten
// thousand files, which takes half of its CPU time on a disk.
func emptyFolder(t *testing.T) string {
	t.Helper()
	const memory, enough = "/dev/shm", 4 << 30
	var s syscall.Statfs_t
	if err := syscall.Statfs(memory, &s); err != nil || s.Bavail*uint64(s.Bsize) < enough {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "imkey-examples-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// needsFull skips a test unless all are wanted.
func needsFull(t *testing.T) {
	t.Helper()
	if os.Getenv("IMKEY_FULL") == "" {
		t.Skip("set IMKEY_FULL=1, as make test-all does, to run it")
	}
}

func needsChromedriver(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("chromedriver"); err != nil {
		t.Skip("there is no chromedriver; Debian has it in the package chromium-driver")
	}
}

// command prepares a command of the README, perhaps with more arguments.
func (e *example) command(ctx context.Context, command string, args ...string) *exec.Cmd {
	e.t.Helper()
	require.Regexp(e.t, "(?m)^"+regexp.QuoteMeta(command)+"$|`"+regexp.QuoteMeta(command)+"`", e.readme, "the README names the command")
	return e.prepare(ctx, command, args...)
}

// prepare prepares a command that runs in the copy.
func (e *example) prepare(ctx context.Context, command string, args ...string) *exec.Cmd {
	command = strings.ReplaceAll(command, "path/to/imkey-connect", e.checkout)
	shell := exec.CommandContext(ctx, "sh", append([]string{"-e", "-c", command + ` "$@"`, "sh"}, args...)...)
	shell.Dir = e.dir
	shell.Env = append(os.Environ(), "NO_COLOR=1", "NEXT_TELEMETRY_DISABLED=1", "npm_config_ignore_scripts=true",
		"npm_config_prefer_offline=true", "npm_config_audit=false", "npm_config_fund=false")
	shell.WaitDelay = 10 * time.Second
	return shell
}

// run runs a command of the README and returns what it prints.
func (e *example) run(command string, args ...string) string {
	e.t.Helper()
	ctx, stop := context.WithTimeout(e.t.Context(), limit)
	defer stop()
	return e.output(e.command(ctx, command, args...))
}

// shell runs a command that the README does not name.
func (e *example) shell(command string) string {
	e.t.Helper()
	ctx, stop := context.WithTimeout(e.t.Context(), limit)
	defer stop()
	return e.output(e.prepare(ctx, command))
}

func (e *example) output(command *exec.Cmd) string {
	e.t.Helper()
	out, err := command.CombinedOutput()
	require.NoError(e.t, err, "%q\n%s", command.Args, out)
	return string(out)
}

// checkTypes compiles files of the copy, and with them what they import.
func (e *example) checkTypes(files ...string) {
	e.t.Helper()
	e.output(e.compile(files...))
}

// compile prepares the compiler of TypeScript, which writes nothing.
func (e *example) compile(files ...string) *exec.Cmd {
	args := []string{"--ignoreConfig", "--noEmit", "--checkJs", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "preserve", "--moduleResolution", "bundler", "--types", ""}
	compiler := exec.CommandContext(e.t.Context(), filepath.Join(e.checkout, "web/node_modules/.bin/tsc"), append(args, files...)...)
	compiler.Dir = e.dir
	return compiler
}

// served serves a folder of the copy, and returns the origin.
func (e *example) served(folder string) string {
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(e.dir, folder))))
	e.t.Cleanup(server.Close)
	return server.URL
}

// started runs a server until the test ends, and returns the origin that it prints.
func (e *example) started(t *testing.T, command string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), limit)
	server := e.command(ctx, command, args...)
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // npm starts the server as a child
	server.Cancel = func() error { return syscall.Kill(-server.Process.Pid, syscall.SIGKILL) }
	out, err := server.StdoutPipe()
	require.NoError(t, err)
	server.Stderr = server.Stdout
	require.NoError(t, server.Start())
	origin, ended := make(chan string, 1), make(chan struct{})
	var lines []string
	go func() {
		defer close(ended) // the last process of the group closed the pipe
		for printed := bufio.NewScanner(out); printed.Scan(); {
			lines = append(lines, printed.Text())
			if found := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(printed.Text()); found != "" {
				select {
				case origin <- found:
				default:
				}
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		_ = server.Wait() // it was killed
	})
	select {
	case found := <-origin:
		return found
	case <-ended:
		require.Fail(t, "the server ended", "%q", lines)
		return ""
	}
}

// shows waits until the page shows a text that matches a regular expression, and returns the match.
func shows(p *simtest.Page, pattern string) string {
	quoted, _ := json.Marshal(pattern)
	return p.Eval(fmt.Sprintf(`new Promise((resolve) => {
		const observer = new MutationObserver(() => look())
		const look = () => {
			const match = document.body.innerText.match(new RegExp(%s))
			if (!match) return
			observer.disconnect()
			resolve(match[0])
		}
		observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
		look()
	})`, quoted)).(string)
}

// watchDialog lets the test look into the provider's dialog, which is closed to the page. It must come before the dialog.
func watchDialog(p *simtest.Page) {
	p.Eval(`void (() => {
		const attach = Element.prototype.attachShadow
		Element.prototype.attachShadow = function (options) {
			const root = attach.call(this, options)
			if (this.localName === 'imkey-pairing') globalThis.dialog = root
			return root
		}
	})()`)
}

// inDialog waits until a selector matches something in the dialog, and clicks it.
func inDialog(p *simtest.Page, selector string) {
	quoted, _ := json.Marshal(selector)
	p.Eval(fmt.Sprintf(`(async () => {
		for (;;) {
			const element = globalThis.dialog?.querySelector(%s)
			if (element) return element.click()
			await new Promise(requestAnimationFrame)
		}
	})()`, quoted))
}

// bindInDialog binds a device that the browser cannot verify.
func bindInDialog(p *simtest.Page, d *simtest.Device) {
	inDialog(p, "[data-state=recognised] [data-action=go-on]")
	inDialog(p, "[data-state=unverified] #accept")
	inDialog(p, "[data-state=unverified] [data-action=go-on]")
	inDialog(p, "[data-state=code] .code-box")
	p.Type("imkey-pairing", d.Code()+"\n")
	inDialog(p, "[data-state=bound] [data-action=done]")
}

// requireSigned fails the test unless the signature of the message, by EIP-191, is made by the address.
func requireSigned(t *testing.T, message, signature string) {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(signature, "0x"))
	require.NoError(t, err)
	require.Len(t, b, 65)
	key, _, err := ecdsa.RecoverCompact(append([]byte{b[64]}, b[:64]...), keccak(fmt.Appendf(nil, "\x19Ethereum Signed Message:\n%d%s", len(message), message)))
	require.NoError(t, err)
	require.True(t, strings.EqualFold(address, "0x"+hex.EncodeToString(keccak(key.SerializeUncompressed()[1:])[12:])))
}

func keccak(data []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(data)
	return h.Sum(nil)
}
