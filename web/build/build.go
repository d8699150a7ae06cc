// Package build builds the targets of the project: a site and the npm package. It needs only Go: esbuild's Go API bundles the
// TypeScript.
//
// The target site is the folder web/dist, which contains all that a site must serve: the pages, imkey.js and the files that it
// loads, imkey.wasm, a compressed copy of each file, and manifest.json. The target package is the npm package.
//
// The same sources give the same bytes. A build that fails does not change the output of the last one.
package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// Options are the options of all targets.
type Options struct {
	// Module is the root of the repository, the folder of go.mod.
	Module string
	// Out is the output folder. Site replaces the whole folder. Package writes one file into it.
	Out string
	// Reuse is the folder of an earlier build, or empty. Compressed copies of unchanged files are taken from it, because
	// compressing the WASM takes longer than everything else.
	Reuse string
	// NoWASM leaves the WASM out, for tests that do not need it.
	NoWASM bool
	// Quick compresses fast instead of well, for tests that do not look at sizes. At full effort, brotli takes some ten
	// seconds of CPU time for a WASM.
	Quick bool
	// Host builds programs for this machine alone, as an ordinary build does, and compresses them less. That is faster, and not
	// reproducible elsewhere.
	Host bool
	// Debug makes a build for developers: the WASM keeps its names and line tables, the scripts are readable, with source maps.
	Debug bool
}

// tree contains the files of a build by their slash-separated names.
type tree map[string][]byte

func (t tree) add(name string, data []byte) error {
	if !fs.ValidPath(name) {
		return fmt.Errorf("the build made a file outside its folder: %q", name)
	}
	if old, ok := t[name]; ok && !bytes.Equal(old, data) {
		return fmt.Errorf("two different files want the name %s", name)
	}
	t[name] = data
	return nil
}

// Site builds the folder o.Out, which contains all that a site must serve, and returns its manifest.
func Site(ctx context.Context, o Options) (*Manifest, error) {
	module, err := filepath.Abs(o.Module)
	if err != nil {
		return nil, err
	}
	out, err := filepath.Abs(o.Out)
	if err != nil {
		return nil, err
	}

	files, compiled := tree{}, tree{}
	wasm := make(chan error, 1)
	go func() { // compiling and bundling do not depend on each other
		if o.NoWASM {
			wasm <- nil
			return
		}
		wasm <- addWASM(ctx, o, module, compiled)
	}()
	graph, bundleErr := bundle(ctx, o, module, files)
	if err := errors.Join(bundleErr, <-wasm); err != nil {
		return nil, err
	}
	for name, code := range compiled {
		if err := files.add(name, code); err != nil {
			return nil, err
		}
	}

	if !o.Debug {
		if err := addVersions(files, compiled); err != nil {
			return nil, err
		}
	}
	manifest := newManifest(files)
	if manifest.FirstPairing, err = graph.firstPairing(files); err != nil {
		return nil, err
	}
	if err := compress(files, manifest, o); err != nil {
		return nil, err
	}
	if err := manifest.addTo(files, o.effort()); err != nil {
		return nil, err
	}
	return manifest, replace(out, files)
}

// addVersions makes imkey.js ask for each module with its version: with a name that stays the same, a browser would ask at each visit
// whether the file is another one, and would compile it anew. The version is what package web takes for one.
func addVersions(files, modules tree) error {
	for name, code := range modules {
		plain := []byte(`"./` + name + `"`)
		if bytes.Count(files[sdkName], plain) != 1 {
			return fmt.Errorf("%s does not name %s once", sdkName, name)
		}
		versioned := fmt.Appendf(nil, `"./%s?v=%s"`, name, sized(code).SHA256[:8])
		files[sdkName] = bytes.Replace(files[sdkName], plain, versioned, 1)
	}
	return nil
}

// replace writes the files to a new folder beside out and then moves the folder to out.
func replace(out string, files tree) (err error) {
	parent := filepath.Dir(out)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	if same(out, files) {
		now := time.Now() // make compares this time: everything is up to date
		return os.Chtimes(filepath.Join(out, manifestName), now, now)
	}
	// The name begins with a dot, so that the pattern of go:embed does not match an incomplete folder.
	stage, err := os.MkdirTemp(parent, ".dist-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()

	made := filepath.Join(stage, "new")
	for name, data := range files {
		file := filepath.Join(made, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}

	old := filepath.Join(stage, "old")
	switch err := os.Rename(out, old); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	}
	if err := os.Rename(made, out); err != nil {
		if back := os.Rename(old, out); back != nil && !errors.Is(back, fs.ErrNotExist) {
			err = errors.Join(err, back)
		}
		return err
	}
	return nil
}

// same reports whether the folder contains exactly these files.
func same(dir string, files tree) bool {
	names := make([]string, 0, len(files))
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path.Clean(name))
		}
		return err
	})
	if err != nil || len(names) != len(files) {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool {
		want, ok := files[name]
		have, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		return !ok || err != nil || !bytes.Equal(have, want)
	})
}
