// Package loopback decides which HTTP requests a simulator answers: those of programs and pages on this machine. There is no
// token.
//
// It keeps out two attacks of foreign pages. With DNS rebinding, a page points its own host name at 127.0.0.1; its requests
// carry that name in Host, and are refused. With a cross-site request, a page names the loopback address itself; the browser
// then sends its Origin or Sec-Fetch-Site.
package loopback

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Host reports whether a Host header ("localhost:7380", "[::1]", "127.0.0.1") names a loopback address. The only host names
// that do are localhost and the names below it, which browsers do not look up (RFC 6761).
func Host(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		if name, ok = strings.CutSuffix(inner, "]"); !ok {
			return false
		}
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Unmap().IsLoopback()
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// OwnOrigin reports whether the request has no Origin, or the origin that it is sent to.
func OwnOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	u, ok := origin(origins)
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return ok && u.Scheme == scheme && strings.EqualFold(u.Host, r.Host)
}

// LocalOrigin reports whether the request has no Origin, or one at a loopback address. That includes other ports, on which a
// developer serves a site.
func LocalOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	u, ok := origin(origins)
	return ok && (u.Scheme == "http" || u.Scheme == "https") && Host(u.Host)
}

// Share lets pages of a LocalOrigin read the answer, by CORS. Pages of other origins cannot read it.
func Share(h http.Header, r *http.Request) {
	h.Add("Vary", "Origin")
	if r.Header.Get("Origin") != "" && LocalOrigin(r) {
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	}
}

func origin(values []string) (*url.URL, bool) {
	if len(values) != 1 {
		return nil, false
	}
	u, err := url.Parse(values[0])
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, false // also for "null"
	}
	return u, true
}
