package build

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/andybalholm/brotli"
)

// compress adds NAME.br and NAME.gz for every file, and their sizes to the manifest.
func compress(files tree, m *Manifest, o Options) error {
	before, e := readManifest(o.Reuse), o.effort()
	type job struct {
		name   string
		data   []byte
		br, gz []byte
		err    error
	}
	jobs := make([]*job, 0, len(files))
	for name, data := range files {
		jobs = append(jobs, &job{name: name, data: data})
	}
	slices.SortFunc(jobs, func(a, b *job) int { return len(b.data) - len(a.data) }) // the largest first

	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for _, j := range jobs {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			if old, ok := before.Files[j.name]; ok && old.SHA256 == m.Files[j.name].SHA256 {
				j.br, j.gz = old.copies(o.Reuse, j.name)
			}
			if j.br == nil || j.gz == nil {
				j.br, j.gz, j.err = e.compress(j.data)
			}
		})
	}
	wait.Wait()

	for _, j := range jobs {
		if j.err != nil {
			return fmt.Errorf("compressing %s: %w", j.name, j.err)
		}
		entry := m.Files[j.name]
		entry.Brotli, entry.Gzip = sized(j.br), sized(j.gz)
		m.Files[j.name] = entry
		if err := files.add(j.name+".br", j.br); err != nil {
			return err
		}
		if err := files.add(j.name+".gz", j.gz); err != nil {
			return err
		}
	}
	return nil
}

// copies returns a file's compressed copies from an earlier build. A copy that does not match its manifest is nil.
func (f File) copies(dir, name string) (br, gz []byte) {
	read := func(ext string, want Sized) []byte {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)+ext))
		if err != nil || sized(data) != want {
			return nil
		}
		return data
	}
	return read(".br", f.Brotli), read(".gz", f.Gzip)
}

// effort is how hard the compressors try: their levels.
type effort struct{ brotli, gzip int }

func (o Options) effort() effort {
	if o.Quick {
		return effort{brotli.BestSpeed, gzip.BestSpeed}
	}
	return effort{brotli.BestCompression, gzip.BestCompression}
}

// window is the largest window that browsers accept, 2^24 bytes: imkey.wasm is larger than the default of 2^22.
const window = 24

func (e effort) compress(data []byte) (br, gz []byte, err error) {
	var b, g bytes.Buffer
	bw := brotli.NewWriterOptions(&b, brotli.WriterOptions{Quality: e.brotli, LGWin: window})
	if _, err := bw.Write(data); err != nil {
		return nil, nil, err
	}
	if err := bw.Close(); err != nil {
		return nil, nil, err
	}
	gw, err := gzip.NewWriterLevel(&g, e.gzip)
	if err != nil {
		return nil, nil, err
	}
	if _, err := gw.Write(data); err != nil {
		return nil, nil, err
	}
	if err := gw.Close(); err != nil {
		return nil, nil, err
	}
	return b.Bytes(), g.Bytes(), nil
}
