// Package mysite is a site that binds an imKey and signs a message.
package mysite

import (
	_ "embed"
	"net/http"

	"imkey-connect/web"
)

//go:embed index.html
var index []byte

// Handler serves the page, and beside it imkey.js with all that it loads.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", web.Handler(web.Dist))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(index)
	})
	return mux
}
