// Package web serves the built pages and the SDK, and carries them inside the program.
//
// The sources are in the folders beside it: the SDK in sdk, the pages in apps, their parts in ui. Package build builds dist from
// them: go run ./web/build/cmd site.
package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// forever is the Cache-Control of an answer that never changes.
const forever = "public, max-age=31536000, immutable"

// NotBuilt is the answer if there is no dist to serve.
const NotBuilt = "The pages are not built: run make build, then start this again.\n"

// file is one file with its encodings.
type file struct {
	mime     string
	cache    string
	version  string    // the query with which the address is of this content alone
	variants []variant // in order of preference; the last is the file itself
}

type variant struct {
	coding string // as in Accept-Encoding
	etag   string
	data   []byte
}

// Handler serves the files of dist, which it reads once. It answers GET and HEAD, with entity tags, with the copies NAME.br and
// NAME.gz for clients that accept them, and with headers that allow only the project's scripts on the pages. NAME.html is
// served as /NAME, and index.html as /. Files in assets are cached for ever, and so is every other file that is asked for with its version,
// the first 8 digits of its SHA-256 digest: imkey.js asks for imkey.wasm?v=VERSION. With a nil dist it answers 503 and says how to build it.
func Handler(dist fs.FS) http.Handler {
	if dist == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			protect(w.Header(), r)
			http.Error(w, strings.TrimSpace(NotBuilt), http.StatusServiceUnavailable)
		})
	}
	files, err := load(dist)
	if err != nil {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			protect(w.Header(), r)
			http.Error(w, "The built pages cannot be read: "+err.Error(), http.StatusInternalServerError)
		})
	}
	return site(files)
}

// site maps an address to its file. Only the files of dist have addresses, so no path leads out of dist.
type site map[string]*file

func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	protect(h, r)
	f, ok := s[r.URL.Path]
	switch {
	case !ok:
		h.Set("Cache-Control", "no-cache")
		http.Error(w, "There is no such page.", http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "This page can only be read.", http.StatusMethodNotAllowed)
		return
	}
	v := f.choose(r.Header.Values("Accept-Encoding"))
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", f.cache)
	if r.URL.RawQuery == f.version {
		h.Set("Cache-Control", forever)
	}
	h.Set("ETag", v.etag)
	if len(f.variants) > 1 {
		h.Add("Vary", "Accept-Encoding")
	}
	if v.coding != "identity" {
		h.Set("Content-Encoding", v.coding)
		h.Set("Content-Length", strconv.Itoa(len(v.data))) // ServeContent leaves it out if there is an encoding
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(v.data)) // If-None-Match, ranges, HEAD
}

// load reads dist.
func load(dist fs.FS) (site, error) {
	s := site{}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".br" || path.Ext(name) == ".gz" {
			return err
		}
		f := &file{mime: mimeType(name), cache: "no-cache"}
		if strings.HasPrefix(name, "assets/") { // their names contain a hash
			f.cache = forever
		}
		for _, c := range []struct{ coding, ext string }{{"br", ".br"}, {"gzip", ".gz"}, {"identity", ""}} {
			data, err := fs.ReadFile(dist, name+c.ext)
			if err != nil {
				if c.ext != "" {
					continue
				}
				return err
			}
			sum := sha256.Sum256(data)
			etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
			f.variants = append(f.variants, variant{c.coding, etag, data})
			f.version = "v=" + hex.EncodeToString(sum[:4]) // at last that of the file itself
		}
		s[address(name)] = f
		return nil
	})
	if err == nil && s["/"] == nil {
		err = fmt.Errorf("index.html: %w", fs.ErrNotExist)
	}
	return s, err
}

func address(name string) string {
	if name == "index.html" {
		return "/"
	}
	return "/" + strings.TrimSuffix(name, ".html")
}

// mimeType returns the type of a file. The system's table may lack WASM, which browsers compile while it is downloaded only if
// its type is right.
func mimeType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".ts":
		return "text/plain; charset=utf-8" // imkey.d.ts, to be read in a browser
	case ".json":
		return "application/json"
	case ".wasm":
		return "application/wasm"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".webp":
		return "image/webp"
	case ".woff2":
		return "font/woff2"
	}
	return "application/octet-stream"
}

// headers are what the answers at one address differ in. The zero value is the strictest: it is that of every file and of every page
// that is not in pages.
type headers struct {
	connect []string // more sources for connect-src
	types   string   // the names of the Trusted Types policies; "" is none
	opener  string   // Cross-Origin-Opener-Policy; "" is same-origin
}

// pages are the pages that need more than the strictest headers.
var pages = map[string]headers{
	// The management of devices exports and imports bindings in a worker. Its address needs a policy: ui/blocks/worker.ts.
	"/": {types: "default"},
	// The demonstration dApp connects to nodes on this computer, and opens the connector's window.
	"/dapp": {connect: local, opener: "same-origin-allow-popups"},
	// The connector's window keeps its relation to the site that opened it, and asks that site's nodes. It imports bindings.
	"/connect": {connect: append([]string{"https:"}, local...), types: "default", opener: "unsafe-none"},
}

// local are the nodes on this computer.
var local = []string{"http://localhost:*", "http://127.0.0.1:*"}

// protect sets the headers of every answer.
//
// Nothing here is for pages of other origins without CORS, so Cross-Origin-Resource-Policy is same-origin. A server that adds
// Access-Control-Allow-Origin still serves imkey.js to other origins, since scripts of type module are always requested with
// CORS. Cross-Origin-Embedder-Policy is set for files as well: a page that sends it, this project's or a dApp's, may start the
// worker only if the worker's file has it too.
func protect(h http.Header, r *http.Request) {
	page := pages[r.URL.Path]
	h.Set("Content-Security-Policy", page.policy(r))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "usb=(self), camera=(), display-capture=(), geolocation=(), microphone=(), payment=()")
	h.Set("Cross-Origin-Opener-Policy", cmp.Or(page.opener, "same-origin"))
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
}

func (page headers) policy(r *http.Request) string {
	connect := []string{"'self'"}
	if plainHost(r.Host) { // in some browsers, 'self' does not include WebSockets to the same host
		scheme := "ws://"
		if r.TLS != nil {
			scheme = "wss://"
		}
		connect = append(connect, scheme+r.Host)
	}
	connect = append(connect, page.connect...)
	return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src " + strings.Join(connect, " ") +
		"; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; " +
		"trusted-types " + cmp.Or(page.types, "'none'")
}

// plainHost reports whether a host can be part of a policy. The client chooses the Host header, which must not change the
// meaning of the policy.
func plainHost(host string) bool {
	for _, c := range []byte(host) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', strings.IndexByte(".-:[]", c) >= 0:
		default:
			return false
		}
	}
	return host != ""
}
