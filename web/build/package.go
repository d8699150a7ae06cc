package build

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/evanw/esbuild/pkg/api"
)

// Package writes the npm package to the folder o.Out, as imkey-connect-VERSION.tgz, and returns the file's name. Beside it are its
// bill of materials, imkey-connect-VERSION.cdx.json, and the hashes of both, imkey-connect-VERSION.sha256, in the format of
// sha256sum. The package contains the same imkey.js as a site, the WASM, and the entry points of sdk/adapters, which import ./imkey.js.
func Package(ctx context.Context, o Options) (string, error) {
	module, err := filepath.Abs(o.Module)
	if err != nil {
		return "", err
	}
	web := filepath.Join(module, "web")
	files := tree{}
	if err := bundleSDK(ctx, o, module, web, files, graph{}); err != nil {
		return "", err
	}
	if err := bundleAdapters(o, web, files); err != nil {
		return "", err
	}
	for name, source := range map[string]string{
		"package.json": "web/apps/package/package.json",
		"README.md":    "web/apps/package/README.md",
		"LICENSE":      "LICENSE",
		"wagmi.d.ts":   "web/sdk/types/wagmi.d.ts",
		"keyring.d.ts": "web/sdk/types/keyring.d.ts",
		"tron.d.ts":    "web/sdk/types/tron.d.ts",
	} {
		data, err := os.ReadFile(filepath.Join(module, filepath.FromSlash(source)))
		if err != nil {
			return "", err
		}
		if err := files.add(name, data); err != nil {
			return "", err
		}
	}
	if !o.NoWASM {
		if err := addWASM(ctx, o, module, files); err != nil {
			return "", err
		}
	}

	var about struct{ Name, Version string }
	if err := json.Unmarshal(files["package.json"], &about); err != nil {
		return "", fmt.Errorf("web/apps/package/package.json: %w", err)
	}
	packed, err := tarball(files)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return "", err
	}
	goVersion, err := goTool(ctx, module, os.Environ(), "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	materials, err := billOfMaterials(about.Name, about.Version, strings.TrimSpace(goVersion), files, packed)
	if err != nil {
		return "", err
	}
	name := about.Name + "-" + about.Version
	sums := fmt.Sprintf("%s  %s.tgz\n%s  %s.cdx.json\n", sha256Of(packed), name, sha256Of(materials), name)
	out := filepath.Join(o.Out, name)
	err = errors.Join(os.WriteFile(out+".tgz", packed, 0o644), os.WriteFile(out+".cdx.json", materials, 0o644),
		os.WriteFile(out+".sha256", []byte(sums), 0o644))
	return out + ".tgz", err
}

// bundleAdapters compiles the other entry points of the package. They import the imkey.js beside them.
func bundleAdapters(o Options, web string, files tree) error {
	options := bundling(web, o.Debug)
	options.EntryPoints = []string{"sdk/adapters/wagmi.ts", "sdk/adapters/keyring.ts", "sdk/adapters/tron.ts"}
	options.EntryNames = "[name]"
	options.Plugins = []api.Plugin{sdkPlugin("./")}
	_, err := esbuild(options, files, graph{})
	return err
}

// tarball packs files as npm does: in the folder package, with a fixed time and no owner.
func tarball(files tree) ([]byte, error) {
	var packed bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: "package/" + name, Size: int64(len(files[name])), Mode: 0o644,
			ModTime: time.Date(1985, time.October, 26, 8, 15, 0, 0, time.UTC), // the time that npm writes
			Format:  tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(files[name]); err != nil {
			return nil, err
		}
	}
	err = errors.Join(archive.Close(), zipped.Close())
	return packed.Bytes(), err
}
