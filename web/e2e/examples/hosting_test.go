package examples

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/web"
	"imkey-connect/web/e2e/harness"
)

// TestHosting serves web/dist with the configuration files of examples/hosting, on a real nginx and a real Caddy, and compares each answer
// with that of the project's own server: status, type, body and every header that protects the pages.
func TestHosting(t *testing.T) {
	t.Parallel()
	folder := harness.RepoPath("examples/hosting")
	dist := harness.RepoPath("web/dist")
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		return string(text)
	}
	for name, start := range map[string]func(t *testing.T, program, address, dir string) []string{
		"nginx": func(t *testing.T, program, address, dir string) []string {
			site := once(t, read("nginx.conf"), "listen 443 ssl;", "listen "+address+";")
			site = once(t, site, "root /srv/imkey-connect;", "root "+dist+";")
			site = regexp.MustCompile(`(?m)^\s*ssl_.*\n`).ReplaceAllString(site, "")
			types := filepath.Join(filepath.Dir(program), "../../etc/nginx/mime.types") // beside a program that was only unpacked
			if _, err := os.Stat(types); err != nil {
				types = "/etc/nginx/mime.types"
			}
			main := "daemon off;\nmaster_process off;\nerror_log stderr;\npid " + dir + "/pid;\nevents {}\nhttp {\naccess_log off;\ninclude " + types + ";\n"
			for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
				main += kind + "_temp_path " + dir + ";\n"
			}
			file := filepath.Join(dir, "nginx.conf")
			require.NoError(t, os.WriteFile(file, []byte(main+site+"}\n"), 0o600))
			return []string{"-c", file, "-e", "stderr"}
		},
		"caddy": func(t *testing.T, _, address, dir string) []string {
			site := once(t, read("Caddyfile"), "\nconnect.example.org {", "\nhttp://"+address+" {")
			site = once(t, site, "root * /srv/imkey-connect", "root * "+dist)
			file := filepath.Join(dir, "Caddyfile")
			require.NoError(t, os.WriteFile(file, []byte("{\n\tadmin off\n}\n"+site), 0o600))
			return []string{"run", "--adapter", "caddyfile", "--config", file}
		},
	} {
		t.Run(name, func(t *testing.T) {
			program := findServer(name)
			if program == "" {
				t.Skipf("there is no %s here: on Debian, make tools unpacks it into build/servers; elsewhere install it", name)
			}
			dir := t.TempDir()
			address := freeAddress(t)
			command := exec.CommandContext(t.Context(), program, start(t, program, address, dir)...)
			command.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
			var said strings.Builder
			command.Stdout, command.Stderr = &said, &said
			require.NoError(t, command.Start())
			defer func() {
				_ = command.Process.Kill()
				_ = command.Wait()
			}()
			require.Eventually(t, func() bool {
				connection, err := net.Dial("tcp", address)
				if err == nil {
					connection.Close()
				}
				return err == nil
			}, 20*time.Second, 20*time.Millisecond, "%s does not listen", name)
			compared := compareSites(t, "http://"+address)
			t.Logf("%s: %d addresses answer as the project's own server does", name, compared)
		})
	}

	t.Run("_headers", func(t *testing.T) {
		rules := headerRules(t, read("_headers"))
		for _, address := range addresses(t) {
			if strings.Contains(address, "?") {
				continue // such a host reads paths alone
			}
			matched := 0
			for pattern, headers := range rules {
				prefix, open := strings.CutSuffix(pattern, "*")
				if pattern != address && !(open && strings.HasPrefix(address, prefix)) {
					continue
				}
				matched++
				requireProtected(t, address, headers, own(t, address).Header)
			}
			require.Equal(t, 1, matched, "%s has one rule, because hosts join the values of several", address)
		}
	})
}

// once replaces a text that is there exactly once.
func once(t *testing.T, text, old, new string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(text, old), old)
	return strings.Replace(text, old, new, 1)
}

// findServer returns a server's program, from the PATH or as web/e2e/install.sh unpacked it, or "".
func findServer(name string) string {
	for _, folder := range []string{"usr/sbin", "usr/bin"} {
		program := filepath.Join(harness.RepoPath("build/servers"), folder, name)
		if _, err := os.Stat(program); err == nil {
			return program
		}
	}
	program, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return program
}

// freeAddress returns an address on which nothing listens.
func freeAddress(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// protecting are the headers that a host of the connector has to send.
var protecting = []string{
	"Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Cross-Origin-Embedder-Policy", "Permissions-Policy",
	"Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options", "Cache-Control",
}

// addresses are those of the connector's files: all but the pages for the simulator.
func addresses(t *testing.T) []string {
	require.NotNil(t, web.Dist, "run make build first")
	var list []string
	require.NoError(t, fs.WalkDir(web.Dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch path.Ext(name) {
		case ".br", ".gz", ".ts", ".json":
			return nil
		case ".html":
			if name != "index.html" && name != "connect.html" {
				return nil
			}
			name = strings.TrimSuffix(strings.TrimSuffix(name, ".html"), "index")
		}
		list = append(list, "/"+name)
		if path.Ext(name) == ".wasm" { // as imkey.js asks for it
			module, err := fs.ReadFile(web.Dist, name)
			if err != nil {
				return err
			}
			list = append(list, fmt.Sprintf("/%s?v=%x", name, sha256.Sum256(module))[:len(name)+12])
		}
		return nil
	}))
	require.Contains(t, list, "/connect")
	require.Contains(t, list, "/")
	return list
}

// own is the answer of the project's own server.
func own(t *testing.T, address string) *http.Response {
	w := httptest.NewRecorder()
	web.Handler(web.Dist).ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
	require.Equal(t, http.StatusOK, w.Code, address)
	return w.Result()
}

// requireProtected compares the headers of a host with those of the project's own server. Two things differ on purpose: the own server names
// its WebSocket, and it names the Trusted Types policy only for the pages that have one.
func requireProtected(t *testing.T, address string, have, want http.Header) {
	t.Helper()
	for _, name := range protecting {
		expected := want.Get(name)
		if name == "Content-Security-Policy" {
			expected = strings.Replace(expected, " ws://example.com", "", 1)
			expected = strings.Replace(expected, "trusted-types 'none'", "trusted-types default", 1)
		}
		require.Equal(t, expected, have.Get(name), "%s of %s", name, address)
		require.Len(t, have.Values(name), 1, "%s of %s", name, address)
	}
}

// compareSites compares a host with the project's own server, and returns the number of addresses.
func compareSites(t *testing.T, site string) int {
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	list := addresses(t)
	for _, address := range list {
		for _, coding := range []string{"", "gzip"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site+address, nil)
			require.NoError(t, err)
			if coding != "" {
				request.Header.Set("Accept-Encoding", coding)
			}
			have, err := client.Do(request)
			require.NoError(t, err)
			body, err := io.ReadAll(have.Body)
			have.Body.Close()
			require.NoError(t, err)
			want := own(t, address)
			require.Equal(t, http.StatusOK, have.StatusCode, address)
			requireProtected(t, address, have.Header, want.Header)
			kind := func(h http.Header) string {
				mime, _, _ := strings.Cut(h.Get("Content-Type"), ";")
				return strings.Replace(mime, "application/javascript", "text/javascript", 1)
			}
			require.Equal(t, kind(want.Header), kind(have.Header), address)
			if coding == "" {
				plain, err := io.ReadAll(want.Body)
				require.NoError(t, err)
				require.Equal(t, string(plain), string(body), address)
			} else {
				require.Equal(t, "gzip", have.Header.Get("Content-Encoding"), address)
			}
		}
	}
	for _, address := range []string{"/none", "/assets/none.js", "/connect/none"} {
		answer, err := client.Get(site + address)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, http.StatusNotFound, answer.StatusCode, address)
	}
	return len(list)
}

// headerRules reads a file _headers: a path on a line, and below it the headers, indented.
func headerRules(t *testing.T, text string) map[string]http.Header {
	rules := map[string]http.Header{}
	at := ""
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case !strings.HasPrefix(line, " "):
			at = line
			require.NotContains(t, rules, at)
			rules[at] = http.Header{}
		default:
			name, value, found := strings.Cut(strings.TrimSpace(line), ": ")
			require.True(t, found, line)
			rules[at].Add(name, value)
		}
	}
	require.NotEmpty(t, rules, fmt.Sprint(text))
	return rules
}
