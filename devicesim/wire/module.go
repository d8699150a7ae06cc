package wire

import (
	"bytes"
	_ "embed"
	"net/http"
	"time"

	"imkey-connect/devicesim/loopback"
)

var (
	//go:embed webusb.js
	module []byte
	//go:embed webusb.d.ts
	types []byte
)

// Module serves webusb.js. Pages of all loopback origins may import it.
func Module() http.Handler { return file("webusb.js", "text/javascript; charset=utf-8", module) }

// Types serves webusb.d.ts, the types of webusb.js.
func Types() http.Handler { return file("webusb.d.ts", "application/typescript; charset=utf-8", types) }

func file(name, kind string, content []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback.Host(r.Host) || !loopback.LocalOrigin(r) {
			http.Error(w, "only pages from this machine may use the simulated device", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		loopback.Share(h, r)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	})
}
