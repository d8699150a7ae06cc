package web

import (
	"embed"
	"io/fs"
)

// The star lets the program compile before anything is built: the pattern then matches this source file alone.
//
//go:embed all:dist*
var embedded embed.FS

// Dist is the built folder web/dist as it was when this program was compiled, or nil if it was not built.
var Dist = built(embedded)

func built(f fs.FS) fs.FS {
	dist, err := fs.Sub(f, "dist")
	if err != nil {
		return nil
	}
	if _, err := fs.Stat(dist, "manifest.json"); err != nil {
		return nil
	}
	return dist
}
