package wire

import (
	"bytes"
	_ "embed"
	"net/http"
	"time"

	"imkey-connect/devicesim/loopback"
)

//go:embed webusb.js
var module []byte

// Module serves webusb.js. Pages of other loopback origins may import it too.
func Module() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback.Host(r.Host) || !loopback.LocalOrigin(r) {
			http.Error(w, "only pages from this machine may use the simulated device", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
		}
		http.ServeContent(w, r, "webusb.js", time.Time{}, bytes.NewReader(module))
	})
}
