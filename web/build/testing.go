package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"imkey-connect/devicesim/preload"
)

// platform is a system and machine for which there are programs.
type platform struct {
	goos, goarch string
	os, cpu      string // as node and npm call them
	cross        string // the C compiler on another machine, in Debian's package gcc-CROSS
}

// platforms have the library for the browser on Linux alone. Elsewhere the simulator serves the WebSocket device.
var platforms = []platform{
	{"linux", "amd64", "linux", "x64", "x86_64-linux-gnu"},
	{"linux", "arm64", "linux", "arm64", "aarch64-linux-gnu"},
	{"darwin", "amd64", "darwin", "x64", ""},
	{"darwin", "arm64", "darwin", "arm64", ""},
	{"windows", "amd64", "win32", "x64", ""},
}

// testingFolder has the sources of the package for tests.
const testingFolder = "devicesim/npm"

// wrapper is the file that tools take as their browser.
const wrapper = `#!/bin/sh
# Becomes Chromium with a simulated imKey plugged in: imkeysim browser -h.
exec "$(dirname "$(readlink -f "$0")")/imkeysim" browser "$@"
`

// Testing writes the npm package for tests to the folder o.Out, as [Package] does. The programs of each platform are a package of their
// own, as esbuild has them, and are in the tarball: nothing is downloaded when it is installed. npm keeps those of the user's
// machine. The pages that imkeysim serves are those of web/dist. A platform whose C compiler is missing is left out, which Testing
// reports on standard error.
func Testing(ctx context.Context, o Options) (string, error) {
	module, err := filepath.Abs(o.Module)
	if err != nil {
		return "", err
	}
	files := tree{}
	if err := files.addFolder(filepath.Join(module, filepath.FromSlash(testingFolder)), "."); err != nil {
		return "", err
	}
	if err := bundleReport(filepath.Join(module, "web"), o.Debug, files); err != nil {
		return "", err
	}
	license, err := os.ReadFile(filepath.Join(module, "LICENSE"))
	if err != nil {
		return "", err
	}
	var about map[string]any
	if err := json.Unmarshal(files["package.json"], &about); err != nil {
		return "", fmt.Errorf("%s/package.json: %w", testingFolder, err)
	}
	optional := map[string]any{}
	for _, p := range platforms {
		if o.Host && (p.goos != runtime.GOOS || p.goarch != runtime.GOARCH) {
			continue
		}
		programs, err := p.build(ctx, module, o.Host)
		if errors.Is(err, preload.ErrNoCompiler) {
			fmt.Fprintf(os.Stderr, "%s/package.json: left out %s-%s: install Debian's gcc-%s\n", testingFolder, p.os, p.cpu, p.cross)
			continue
		}
		if err != nil {
			return "", err
		}
		name := fmt.Sprintf("%s-%s-%s", about["name"], p.os, p.cpu)
		optional[name] = about["version"]
		folder := path.Join("node_modules", name)
		for file, data := range programs {
			if err := files.add(path.Join(folder, file), data); err != nil {
				return "", err
			}
		}
		err = errors.Join(files.add(path.Join(folder, "LICENSE"), license), files.addJSON(path.Join(folder, "package.json"), map[string]any{
			"name": name, "version": about["version"], "description": "The programs of imkey-connect-testing for " + p.os + " " + p.cpu,
			"license": about["license"], "os": []string{p.os}, "cpu": []string{p.cpu},
		}))
		if err != nil {
			return "", err
		}
	}
	if len(optional) == 0 {
		return "", errors.New("there are programs for no platform")
	}
	about["optionalDependencies"], about["bundleDependencies"] = optional, slices.Sorted(maps.Keys(optional))
	delete(files, "package.json")
	if err := errors.Join(files.addJSON("package.json", about), files.add("LICENSE", license)); err != nil {
		return "", err
	}
	return writePackage(ctx, module, o, files)
}

// bundleReport compiles report.js, which writes the report of a failed test. It shares the diagram with the device page.
func bundleReport(web string, debug bool, files tree) error {
	options := bundling(web, debug)
	options.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "apps/report/report.ts", OutputPath: "report"}}
	options.EntryNames = "[name]"
	options.Plugins = []api.Plugin{cssTextPlugin(web)}
	_, err := esbuild(options, files, graph{})
	return err
}

// build builds the programs of a platform.
func (p platform) build(ctx context.Context, module string, host bool) (tree, error) {
	dir, err := os.MkdirTemp("", "imkeysim-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	names := map[string]string{"imkeysim": "imkeysim"}
	if p.goos == "windows" {
		names = map[string]string{"imkeysim": "imkeysim.exe"}
	}
	if p.goos == "linux" {
		if err := preload.Compile(ctx, p.compiler(), filepath.Join(dir, preload.Name)); err != nil {
			return nil, err
		}
		names[preload.Name] = preload.Name
	}
	env, args := os.Environ(), []string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(dir, "imkeysim")}
	if !host { // the same bytes on every machine. An ordinary build finds most packages compiled.
		env = append(env, "CGO_ENABLED=0", "GOOS="+p.goos, "GOARCH="+p.goarch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=")
		args = append(args, "-trimpath", "-ldflags=-s -w -buildid=")
	}
	if _, err := goTool(ctx, module, env, append(args, "./devicesim/cmd/imkeysim")...); err != nil {
		return nil, err
	}
	files := tree{}
	for built, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, built))
		if err != nil {
			return nil, err
		}
		if err := files.add(name, data); err != nil {
			return nil, err
		}
	}
	if p.goos == "linux" {
		return files, files.add("imkeysim-browser", []byte(wrapper))
	}
	return files, nil
}

// compiler returns the command of the C compiler for a platform. The library gets no number that differs between builds.
func (p platform) compiler() []string {
	compiler := []string{p.cross + "-gcc"}
	if p.goos == runtime.GOOS && p.goarch == runtime.GOARCH {
		if _, err := exec.LookPath(compiler[0]); err != nil {
			compiler = []string{"cc"}
		}
		if own := strings.Fields(os.Getenv("CC")); len(own) > 0 {
			compiler = own
		}
	}
	return append(compiler, "-s", "-Wl,--build-id=none")
}
