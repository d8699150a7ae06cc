package build

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/evanw/esbuild/pkg/api"
)

// extensionFolder is the folder of apps with the extension's pages, scripts, manifest, icons and names.
const extensionFolder = "apps/extension"

// extensionScripts are the scripts of the extension that no page loads. Each becomes one file without imports: a content script
// cannot import, and a service worker cannot import on demand.
var extensionScripts = []string{"worker.ts", "page/inpage.ts", "page/relay.ts"}

// Extension writes the browser extension to the folder o.Out: as the folder extension, which Chromium loads unpacked, and as
// imkey-connect-extension-VERSION.zip, which a store takes. It returns the name of the zip. The folder's manifest has a key, which
// fixes the extension's id. The zip's has none, because the Chrome Web Store refuses a manifest with a key and adds its own.
func Extension(ctx context.Context, o Options) (string, error) {
	module, err := filepath.Abs(o.Module)
	if err != nil {
		return "", err
	}
	web := filepath.Join(module, "web")
	files, g := tree{}, graph{}
	if err := bundleSDK(ctx, o, module, web, files, g); err != nil {
		return "", err
	}
	delete(files, typeName)
	if err := bundleBroker(web, o.Debug, files, g); err != nil {
		return "", err
	}
	pages, err := readPages(web, filepath.Join(path.Base(extensionFolder), "*.html"), func(_, file string) (name, output string) {
		return strings.TrimSuffix(file, ".html"), file
	})
	if err != nil {
		return "", err
	}
	if err := bundlePages(o, web, pages, files, g, withoutSimulator(web)); err != nil {
		return "", err
	}
	if err := bundleScripts(o, web, files); err != nil {
		return "", err
	}
	for _, folder := range []string{"icons", "_locales"} {
		if err := files.addFolder(filepath.Join(web, filepath.FromSlash(extensionFolder), folder), folder); err != nil {
			return "", err
		}
	}
	license, err := os.ReadFile(filepath.Join(module, "LICENSE"))
	if err != nil {
		return "", err
	}
	if err := files.add("LICENSE", license); err != nil {
		return "", err
	}
	if !o.NoWASM {
		if err := addWASM(ctx, o, module, files); err != nil {
			return "", err
		}
	}

	manifest, err := extensionManifest(module, web)
	if err != nil {
		return "", err
	}
	packed := maps.Clone(files)
	if err := files.addJSON(manifestName, manifest); err != nil {
		return "", err
	}
	delete(manifest, "key")
	if err := packed.addJSON(manifestName, manifest); err != nil {
		return "", err
	}
	zipped, err := zipOf(packed)
	if err != nil {
		return "", err
	}
	if err := replace(filepath.Join(o.Out, "extension"), files); err != nil {
		return "", err
	}
	out := filepath.Join(o.Out, fmt.Sprintf("imkey-connect-extension-%s.zip", manifest["version"]))
	return out, os.WriteFile(out, zipped, 0o644)
}

// withoutSimulator leaves out what the pages do with a simulator that serves them. They would load a script from it.
func withoutSimulator(web string) api.Plugin {
	return api.Plugin{Name: "without-simulator", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `/simulator/simulator$`}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: filepath.Join(web, filepath.FromSlash(extensionFolder), "no-simulator.ts")}, nil
		})
	}}
}

func bundleScripts(o Options, web string, files tree) error {
	for _, script := range extensionScripts {
		options := bundling(web, o.Debug)
		options.EntryPoints = []string{path.Join(extensionFolder, script)}
		options.EntryNames = "[name]"
		options.Format = api.FormatIIFE
		options.Splitting = false
		if _, err := esbuild(options, files, graph{}); err != nil {
			return err
		}
	}
	return nil
}

// extensionManifest reads the extension's manifest and gives it the version of the package.
func extensionManifest(module, web string) (map[string]any, error) {
	var about struct{ Version string }
	var manifest map[string]any
	for name, into := range map[string]any{"apps/package/package.json": &about, extensionFolder + "/" + manifestName: &manifest} {
		data, err := readSource(web, name)
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	manifest["version"] = about.Version
	return manifest, nil
}

// addFolder adds the files of a folder.
func (t tree) addFolder(from, to string) error {
	return filepath.WalkDir(from, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return t.add(path.Join(to, filepath.ToSlash(name)), data)
	})
}

// addJSON adds a value as JSON, with the fields in the order of their names.
func (t tree) addJSON(name string, value any) error {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return t.add(name, out.Bytes())
}

// zipOf packs files in the order of their names, with one time for all.
func zipOf(files tree) ([]byte, error) {
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := archive.CreateHeader(&zip.FileHeader{
			Name: name, Method: zip.Deflate,
			Modified: time.Date(1985, time.October, 26, 8, 15, 0, 0, time.UTC), // the time that npm writes
		})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return packed.Bytes(), err
}
