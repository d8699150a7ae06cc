package web

import (
	"embed"
	"io/fs"
)

// With the star, the program compiles before dist is built: then the pattern matches only this file.
//
//go:embed all:dist*
var embedded embed.FS

// Dist is the folder web/dist at the time when this program was compiled, or nil if there was none.
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
