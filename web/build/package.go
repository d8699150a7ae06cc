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
// sha256sum. The package contains the same imkey.js as a site, except that bundlers version the WASM, the WASM, and the entry points of
// sdk/adapters, which import ./imkey.js.
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
		"bitcoin.d.ts": "web/sdk/types/bitcoin.d.ts",
		"cosmos.d.ts":  "web/sdk/types/cosmos.d.ts",
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

	return writePackage(ctx, module, o, files)
}

// writePackage packs files into a tarball in the folder o.Out, with its bill of materials and the hashes of both beside it.
func writePackage(ctx context.Context, module string, o Options, files tree) (string, error) {
	var about struct{ Name, Version string }
	if err := json.Unmarshal(files["package.json"], &about); err != nil {
		return "", fmt.Errorf("package.json: %w", err)
	}
	packed, err := tarball(files, o.Host)
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
	file := filepath.Join(o.Out, name)
	err = errors.Join(os.WriteFile(file+".tgz", packed, 0o644), os.WriteFile(file+".cdx.json", materials, 0o644),
		os.WriteFile(file+".sha256", []byte(sums), 0o644))
	return file + ".tgz", err
}

// bundleAdapters compiles the other entry points of the package. They import the imkey.js beside them. Each is compiled by itself: what two
// of them share would be a chunk in another folder, which does not find that file.
func bundleAdapters(o Options, web string, files tree) error {
	for _, name := range append([]string{"wagmi", "keyring"}, coins...) {
		options := bundling(web, o.Debug)
		options.EntryPoints = []string{"sdk/adapters/" + name + ".ts"}
		options.EntryNames = "[name]"
		options.Plugins = []api.Plugin{sdkPlugin("./")}
		if _, err := esbuild(options, files, graph{}); err != nil {
			return err
		}
	}
	return nil
}

// executable reports whether a file is a program or a script.
func executable(data []byte) bool {
	for _, magic := range []string{"#!", "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02", "\xcf\xfa\xed\xfe", "MZ"} {
		if bytes.HasPrefix(data, []byte(magic)) {
			return true
		}
	}
	return false
}

// tarball packs files as npm does: in the folder package, with a fixed time and no owner.
func tarball(files tree, fast bool) ([]byte, error) {
	var packed bytes.Buffer
	level := gzip.BestCompression
	if fast {
		level = gzip.BestSpeed
	}
	zipped, err := gzip.NewWriterLevel(&packed, level)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode := int64(0o644)
		if executable(files[name]) {
			mode = 0o755
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: "package/" + name, Size: int64(len(files[name])), Mode: mode,
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
