package web_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"imkey-connect/web"
)

func dist() fstest.MapFS {
	files := fstest.MapFS{}
	for _, name := range []string{
		"index.html", "device.html", "dapp.html", "imkey.js", "imkey.d.ts", "imkey.wasm", "manifest.json", "assets/connect-ABCDEFGH.css",
		"assets/icon-ABCDEFGH.svg",
	} {
		files[name] = &fstest.MapFile{Data: []byte(name)}
		files[name+".br"] = &fstest.MapFile{Data: []byte("br of " + name)}
		files[name+".gz"] = &fstest.MapFile{Data: []byte("gz of " + name)}
	}
	files["assets/alone-ABCDEFGH.png"] = &fstest.MapFile{Data: []byte("alone")}
	return files
}

func ask(t *testing.T, h http.Handler, method, target string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost:7380/", nil)
	r.URL.Path = target // set directly, because NewRequest rejects what an attacker may send
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(b)
}

func TestFilesHaveTheirTypes(t *testing.T) {
	h := web.Handler(dist())
	const hashed, changing = "public, max-age=31536000, immutable", "no-cache"
	for target, want := range map[string][3]string{
		"/":                            {"index.html", "text/html; charset=utf-8", changing},
		"/device":                      {"device.html", "text/html; charset=utf-8", changing},
		"/imkey.js":                    {"imkey.js", "text/javascript; charset=utf-8", changing},
		"/imkey.d.ts":                  {"imkey.d.ts", "text/plain; charset=utf-8", changing},
		"/imkey.wasm":                  {"imkey.wasm", "application/wasm", changing},
		"/manifest.json":               {"manifest.json", "application/json", changing},
		"/assets/connect-ABCDEFGH.css": {"assets/connect-ABCDEFGH.css", "text/css; charset=utf-8", hashed},
		"/assets/icon-ABCDEFGH.svg":    {"assets/icon-ABCDEFGH.svg", "image/svg+xml", hashed},
		"/assets/alone-ABCDEFGH.png":   {"alone", "image/png", hashed},
	} {
		r := ask(t, h, http.MethodGet, target)
		require.Equal(t, http.StatusOK, r.StatusCode, target)
		require.Equal(t, want, [3]string{body(t, r), r.Header.Get("Content-Type"), r.Header.Get("Cache-Control")}, target)
		require.Empty(t, r.Header.Get("Content-Encoding"), target)
	}
}

// A file that is asked for with its version is cached for ever, in every encoding. With another one it may be a newer file.
func TestVersionsAreCached(t *testing.T) {
	h := web.Handler(dist())
	sum := sha256.Sum256([]byte("imkey.wasm"))
	version := "v=" + hex.EncodeToString(sum[:])[:8]
	for query, want := range map[string]string{
		version: "public, max-age=31536000, immutable", "": "no-cache", "v=": "no-cache", "v=00000000": "no-cache", version + "&": "no-cache", "x=1&" + version: "no-cache",
	} {
		for _, coding := range []string{"br", "gzip", "identity"} {
			r := httptest.NewRequest(http.MethodGet, "http://localhost:7380/imkey.wasm?"+query, nil)
			r.Header.Set("Accept-Encoding", coding)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, want, w.Header().Get("Cache-Control"), query)
		}
	}
}

func TestEncodingIsNegotiated(t *testing.T) {
	h := web.Handler(dist())
	const br, gz, plain = "br of imkey.wasm", "gz of imkey.wasm", "imkey.wasm"
	for accept, want := range map[string]string{
		"gzip, deflate, br, zstd":     br,
		"gzip, deflate":               gz,
		"x-gzip":                      gz,
		"GZIP;q=1.0, Br; q=0.5":       gz,
		"br;q=0, gzip;q=0.1":          gz,
		"br;q=0.2, identity;q=0.8":    plain,
		"gzip;q=0.5, *":               br,
		"*;q=0, gzip":                 gz,
		"*":                           br,
		"*;q=0":                       plain, // better than no answer
		"identity;q=0":                plain,
		"identity":                    plain,
		"zstd":                        plain,
		"":                            plain,
		"br;q=2":                      plain, // no valid weight, so it is not accepted
		"br;q=NaN, gzip;q=-1":         plain,
		"gzip;q=0.000, br;level=4":    br,
		",,;q=1, ,gzip;q=0.001,":      gz,
		"br;q=0.001, gzip;q=0.002":    gz,
		"identity;q=0.5, gzip;q=0.50": gz,
	} {
		var headers []string
		if accept != "" {
			headers = []string{"Accept-Encoding", accept}
		}
		r := ask(t, h, http.MethodGet, "/imkey.wasm", headers...)
		require.Equal(t, want, body(t, r), accept)
		require.Equal(t, map[string]string{br: "br", gz: "gzip", plain: ""}[want], r.Header.Get("Content-Encoding"), accept)
		require.Equal(t, int64(len(want)), r.ContentLength, accept)
		require.Equal(t, "Accept-Encoding", r.Header.Get("Vary"), accept)
		require.Equal(t, "application/wasm", r.Header.Get("Content-Type"), accept)
	}
	several := ask(t, h, http.MethodGet, "/imkey.wasm", "Accept-Encoding", "deflate", "Accept-Encoding", "gzip")
	require.Equal(t, gz, body(t, several))
	require.Empty(t, ask(t, h, http.MethodGet, "/assets/alone-ABCDEFGH.png", "Accept-Encoding", "br").Header.Get("Vary"))
}

func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	h := web.Handler(dist())
	seen := map[string]bool{}
	for _, coding := range []string{"br", "gzip", "identity"} {
		first := ask(t, h, http.MethodGet, "/imkey.js", "Accept-Encoding", coding)
		tag := first.Header.Get("ETag")
		require.Regexp(t, `^"[\w-]{24}"$`, tag)
		require.False(t, seen[tag], "each encoding has a tag of its own")
		seen[tag] = true

		again := ask(t, h, http.MethodGet, "/imkey.js", "Accept-Encoding", coding, "If-None-Match", `"other", W/`+tag)
		require.Equal(t, http.StatusNotModified, again.StatusCode)
		require.Empty(t, body(t, again))
		require.Equal(t, tag, again.Header.Get("ETag"))
		require.Equal(t, "Accept-Encoding", again.Header.Get("Vary"))
		require.Equal(t, "no-cache", again.Header.Get("Cache-Control"))

		other := ask(t, h, http.MethodGet, "/imkey.js", "Accept-Encoding", coding, "If-None-Match", `"other"`)
		require.Equal(t, http.StatusOK, other.StatusCode)
	}
	changed := dist()
	changed["imkey.js"].Data = []byte("imkey.js of the next version")
	r := ask(t, web.Handler(changed), http.MethodGet, "/imkey.js")
	require.False(t, seen[r.Header.Get("ETag")])

	part := ask(t, h, http.MethodGet, "/imkey.js", "Range", "bytes=2-4", "Accept-Encoding", "br")
	require.Equal(t, http.StatusPartialContent, part.StatusCode)
	require.Equal(t, " of", body(t, part))
	require.Equal(t, int64(3), part.ContentLength)
}

func TestMethods(t *testing.T) {
	h := web.Handler(dist())
	r := ask(t, h, http.MethodHead, "/imkey.wasm", "Accept-Encoding", "br")
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Equal(t, int64(len("br of imkey.wasm")), r.ContentLength)
	require.Equal(t, "br", r.Header.Get("Content-Encoding"))
	require.Empty(t, body(t, r))
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "BREW"} {
		r := ask(t, h, method, "/")
		require.Equal(t, http.StatusMethodNotAllowed, r.StatusCode, method)
		require.Equal(t, "GET, HEAD", r.Header.Get("Allow"), method)
	}
}

func TestOtherAddressesAreNotFound(t *testing.T) {
	h := web.Handler(dist())
	for _, target := range []string{
		"", "/index.html", "/device.html", "/device/", "//", "/./", "/imkey.wasm.br", "/imkey.js.gz", "/assets", "/assets/",
		"/../web/handler.go", "/assets/../imkey.js", "/assets/../../go.mod", "/..\\go.mod", "/imkey.js\x00", "/imkey.js/",
		"/%2e%2e/go.mod", "/etc/passwd", "imkey.js", "/IMKEY.JS",
	} {
		r := ask(t, h, http.MethodGet, target)
		require.Equal(t, http.StatusNotFound, r.StatusCode, "%q", target)
		require.Equal(t, "no-cache", r.Header.Get("Cache-Control"))
		require.NotContains(t, body(t, r), "module imkey-connect")
	}

	// It is behind a mux that cleans paths, as in the simulator.
	mux := http.NewServeMux()
	mux.Handle("/", h)
	for target, status := range map[string]int{"/": http.StatusOK, "/device": http.StatusOK, "/none": http.StatusNotFound} {
		require.Equal(t, status, ask(t, mux, http.MethodGet, target).StatusCode, target)
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	unreadable := fstest.MapFS{"imkey.js": {Data: []byte("without a page")}}
	for name, r := range map[string]*http.Response{
		"a page":        ask(t, web.Handler(dist()), http.MethodGet, "/device"),
		"a script":      ask(t, web.Handler(dist()), http.MethodGet, "/imkey.js"),
		"no page":       ask(t, web.Handler(dist()), http.MethodGet, "/none"),
		"not built":     ask(t, web.Handler(nil), http.MethodGet, "/device"),
		"not readable":  ask(t, web.Handler(unreadable), http.MethodGet, "/device"),
		"wrong method":  ask(t, web.Handler(dist()), http.MethodPost, "/device"),
		"already there": ask(t, web.Handler(dist()), http.MethodGet, "/device", "If-None-Match", "*"),
		"the worker":    ask(t, web.Handler(dist()), http.MethodGet, "/imkey-backup.js"),
	} {
		require.Equal(t, "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "+
			"connect-src 'self' ws://localhost:7380; img-src 'self' data:; base-uri 'none'; form-action 'none'; "+
			"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'", r.Header.Get("Content-Security-Policy"), name)
		require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"), name)
		require.Equal(t, "no-referrer", r.Header.Get("Referrer-Policy"), name)
		require.Contains(t, r.Header.Get("Permissions-Policy"), "usb=(self)", name)
		require.Equal(t, "same-origin", r.Header.Get("Cross-Origin-Opener-Policy"), name)
		require.Equal(t, "same-origin", r.Header.Get("Cross-Origin-Resource-Policy"), name)
		require.Equal(t, "require-corp", r.Header.Get("Cross-Origin-Embedder-Policy"), name)
	}
}

// The pages that export and import have a policy of Trusted Types: the one that the worker needs.
func TestOnlyPagesThatImportHaveATrustedTypesPolicy(t *testing.T) {
	h := web.Handler(dist())
	for target, want := range map[string]string{"/": "default", "/connect": "default", "/device": "'none'", "/dapp": "'none'", "/imkey-backup.js": "'none'", "/none": "'none'"} {
		require.Contains(t, ask(t, h, http.MethodGet, target).Header.Get("Content-Security-Policy")+";",
			"; require-trusted-types-for 'script'; trusted-types "+want+";", target)
	}
}

// Only the demonstration may connect to a node on this computer. The connect page and the device page connect to no other host.
func TestOnlyTheDemonstrationMayReachANode(t *testing.T) {
	h := web.Handler(dist())
	require.Contains(t, ask(t, h, http.MethodGet, "/dapp").Header.Get("Content-Security-Policy"),
		"connect-src 'self' ws://localhost:7380 http://localhost:* http://127.0.0.1:*; img-src")
	for _, target := range []string{"/", "/device", "/imkey.js", "/dapp/", "/dapp.html", "/none"} {
		require.Contains(t, ask(t, h, http.MethodGet, target).Header.Get("Content-Security-Policy"),
			"connect-src 'self' ws://localhost:7380; img-src", target)
	}
}

// The connector's window asks the nodes of the sites that use it, and keeps its relation to the site that opened it. The demonstration opens
// such a window. All other pages are cut off from what opened them.
func TestOnlyTheConnectorKeepsItsOpener(t *testing.T) {
	h := web.Handler(dist())
	for target, want := range map[string]string{
		"/connect": "unsafe-none", "/dapp": "same-origin-allow-popups", "/": "same-origin", "/device": "same-origin", "/imkey.js": "same-origin",
		"/connect/": "same-origin", "/none": "same-origin",
	} {
		require.Equal(t, want, ask(t, h, http.MethodGet, target).Header.Get("Cross-Origin-Opener-Policy"), target)
	}
	policy := ask(t, h, http.MethodGet, "/connect").Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "connect-src 'self' ws://localhost:7380 https: http://localhost:* http://127.0.0.1:*; img-src")
	require.Contains(t, policy, "frame-ancestors 'none'")
}

func TestHostCannotChangePolicy(t *testing.T) {
	h := web.Handler(dist())
	policy := func(host string, state *tls.ConnectionState) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.TLS = host, state
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result().Header.Get("Content-Security-Policy")
	}
	require.Contains(t, policy("[::1]:7380", nil), "connect-src 'self' ws://[::1]:7380;")
	require.Contains(t, policy("pair.example.org", &tls.ConnectionState{}), "connect-src 'self' wss://pair.example.org;")
	for _, host := range []string{"", "a b", "a; script-src *", "a,b", "*", "a'", "ü.example", "a\nb"} {
		require.Contains(t, policy(host, nil), "connect-src 'self';", "%q", host)
	}
}

func TestWithoutBuild(t *testing.T) {
	r := ask(t, web.Handler(nil), http.MethodGet, "/")
	require.Equal(t, http.StatusServiceUnavailable, r.StatusCode)
	require.Contains(t, body(t, r), "run make build")
	if web.Dist != nil {
		_, err := fs.Stat(web.Dist, "index.html")
		require.NoError(t, err)
	}
}
