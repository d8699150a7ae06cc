// Package build makes the shells of the project, the targets: a site and the npm package.
//
// A site is web/dist, all that it must serve: the pages, imkey.js and what it loads, imkey.wasm, a
// compressed copy beside each, and manifest.json. It needs Go alone: TypeScript is bundled by esbuild's Go API.
//
// The same sources give the same bytes. A build that fails leaves the folder of the build before as it was.
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

// Options say what to build and where to.
type Options struct {
	// Module is the root of the repository, the folder of go.mod.
	Module string
	// Out is the folder that Site makes, or replaces as a whole; Package puts its file into it.
	Out string
	// Reuse, when set, is the folder of an earlier build. Compressed copies of files that did not change since are taken
	// from there, because compressing the WASM takes longer than all the rest.
	Reuse string
	// NoWASM leaves the WASM out, for tests of all the rest.
	NoWASM bool
	// Quick compresses fast instead of well, for tests that do not look at sizes. At full effort, brotli takes some ten
	// seconds of CPU time for a WASM.
	Quick bool
}

// tree holds the files of a build by slash-separated name.
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

// Site makes the folder o.Out of all that a site must serve, and returns its manifest.
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
		wasm <- addWASM(ctx, module, compiled)
	}()
	graph, bundleErr := bundle(ctx, module, files)
	if err := errors.Join(bundleErr, <-wasm); err != nil {
		return nil, err
	}
	for name, code := range compiled {
		if err := files.add(name, code); err != nil {
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

// replace writes the files to a folder of their own beside out and puts it in out's place when it is complete.
func replace(out string, files tree) (err error) {
	parent := filepath.Dir(out)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	if same(out, files) {
		now := time.Now() // make goes by it: all is up to date
		return os.Chtimes(filepath.Join(out, manifestName), now, now)
	}
	// The name begins with a dot so that no Go pattern takes a half-made folder for a built one.
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

// same says whether the folder holds exactly these files.
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
