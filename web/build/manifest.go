package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
)

const manifestName = "manifest.json"

// Manifest is the content of manifest.json: the files that a site must serve.
type Manifest struct {
	// Files are the files by name, without manifest.json. The compressed copies are in the entries of their files.
	Files map[string]File `json:"files"`
	// FirstPairing are the names of the files that a browser with an empty cache downloads from the start of the connect page
	// to the end of a pairing, sorted: the page, styles, scripts, what they load on demand, and the WASM. They follow from the
	// imports of the connect page and of imkey.js.
	FirstPairing []string `json:"firstPairing"`
}

// File is one file and its compressed copies.
type File struct {
	Sized
	Brotli Sized `json:"br"` // NAME.br
	Gzip   Sized `json:"gz"` // NAME.gz
}

// Sized is a size in bytes and a SHA-256 digest in hex.
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

// readManifest reads the manifest of an earlier build. If it cannot be read, it has no files: it only serves to save work.
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
	data, err := json.MarshalIndent(m, "", " ") // maps are written in key order
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
