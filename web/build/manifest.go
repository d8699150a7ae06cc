package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
)

const manifestName = "manifest.json"

// Manifest is manifest.json: what a site that serves the folder has to serve.
type Manifest struct {
	// Files are all files by name, but for manifest.json itself and the compressed copies, which stand in their entry.
	Files map[string]File `json:"files"`
	// FirstPairing names, sorted, what a browser that was never here downloads from the connect page's start to the end of a
	// pairing: page, styles, scripts with all that they load on demand, and the WASM. It follows from what the bundler saw
	// the connect page and imkey.js import.
	FirstPairing []string `json:"firstPairing"`
}

// File is one file and its compressed copies.
type File struct {
	Sized
	Brotli Sized `json:"br"` // NAME.br
	Gzip   Sized `json:"gz"` // NAME.gz
}

// Sized is a size in bytes and a digest in hex.
type Sized struct {
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

func sized(data []byte) Sized {
	sum := sha256.Sum256(data)
	return Sized{len(data), hex.EncodeToString(sum[:])}
}

func newManifest(files tree) *Manifest {
	m := &Manifest{Files: make(map[string]File, len(files))}
	for name, data := range files {
		m.Files[name] = File{Sized: sized(data)}
	}
	return m
}

// readManifest reads an earlier build's manifest. What cannot be read has no files: it is only used to save work.
func readManifest(dir string) Manifest {
	var m Manifest
	if dir == "" {
		return m
	}
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil || json.Unmarshal(data, &m) != nil {
		return Manifest{}
	}
	return m
}

func (m *Manifest) addTo(files tree, e effort) error {
	data, err := json.MarshalIndent(m, "", " ") // maps are written in the order of their keys
	if err != nil {
		return err
	}
	data = append(data, '\n')
	br, gz, err := e.compress(data)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{manifestName: data, manifestName + ".br": br, manifestName + ".gz": gz} {
		if err := files.add(name, data); err != nil {
			return err
		}
	}
	return nil
}
