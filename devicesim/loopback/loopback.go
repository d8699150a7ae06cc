// Package loopback decides which HTTP requests a simulator answers: those that a program or a page on this machine
// made. There is no token; instead, no page from elsewhere gets through.
//
// Two attacks are kept out. With DNS rebinding a foreign page points its own name at 127.0.0.1: its requests then
// carry that name in Host, which is refused. With a cross-site request a foreign page names the loopback address
// itself: the browser then says so in Origin or Sec-Fetch-Site.
package loopback

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Host says whether a Host header ("localhost:7380", "[::1]", "127.0.0.1") names a loopback address. Of names,
// only localhost and those below it do, which browsers and RFC 6761 never look up elsewhere.
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

// OwnOrigin says whether the request's Origin is absent or the origin that the request went to.
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

// LocalOrigin says whether the request's Origin is absent or any page served from a loopback address: also another
// port, where somebody develops a site.
func LocalOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	u, ok := origin(origins)
	return ok && (u.Scheme == "http" || u.Scheme == "https") && Host(u.Host)
}

// Share lets pages of LocalOrigin read the answer, by CORS; to all others it stays what only its own origin reads.
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
		return nil, false // "null" ends here too
	}
	return u, true
}
