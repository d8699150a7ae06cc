package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

const (
	sdkName  = "imkey.js"
	typeName = "imkey.d.ts"
	// workerName is a file beside imkey.js. Its name has no hash, so that imkey.js can derive the address from its own.
	workerName = "imkey-backup.js"
	// brokerName is the file that the connector window and the extension load beside imkey.js.
	brokerName = "imkey-broker.js"

	// assets is the folder of all files whose names contain a hash of their content. A server may tell browsers to cache
	// them for ever.
	assets = "assets"
)

// coins are the adapters that a site without a bundler loads beside imkey.js, as imkey-tron.js. The npm package has each as tron.js.
var coins = []string{"bitcoin", "cosmos", "tron"}

// afterPairing are the sources that no first pairing on the connect page loads: the provider's engines and its dialog, export and
// import, the management of known devices, the sites of a connector, and the states outside a first pairing.
var afterPairing = []string{
	"sdk/provider/engine.ts", "sdk/connector/client.ts", "sdk/client/backup.ts", "ui/dialog/dialog.ts", "ui/management/management.ts", "ui/pairing/exceptional.ts",
	"ui/sites/own.ts",
}

// bundle compiles imkey.js and the pages into files and returns the graph of their imports.
//
// These are two runs of esbuild, so that imkey.js stays one file that a dApp can load. The pages import that file by its
// address, as a dApp does: there is only one copy of its classes, and it finds imkey.wasm beside itself.
func bundle(ctx context.Context, o Options, module string, files tree) (graph, error) {
	web := filepath.Join(module, "web")
	g := graph{}

	if err := bundleSDK(ctx, o, module, web, files, g); err != nil {
		return nil, err
	}

	if err := bundleBroker(web, o.Debug, files, g); err != nil {
		return nil, err
	}
	for _, coin := range coins {
		if err := bundleBeside(web, o.Debug, "sdk/adapters/"+coin+".ts", "imkey-"+coin+".js", files, g); err != nil {
			return nil, err
		}
	}
	pages, err := sitePages(web)
	if err != nil {
		return nil, err
	}
	return g, bundlePages(o, web, pages, files, g)
}

// bundlePages compiles pages. They import imkey.js, which is built by bundleSDK, by its address.
func bundlePages(o Options, web string, pages []page, files tree, g graph, plugins ...api.Plugin) error {
	options := bundling(web, o.Debug)
	options.EntryNames = assets + "/[name]-[hash]"
	options.External = []string{"/sim/*"} // the simulator's scripts, which are not part of a site
	options.Plugins = append(plugins, sdkPlugin("../"), onlyByName(web), cssTextPlugin(web))
	for _, p := range pages {
		for _, point := range p.entryPoints() {
			// A style sheet that several pages have is built once. Otherwise its name would be that of any of them.
			if !slices.ContainsFunc(options.EntryPointsAdvanced, func(e api.EntryPoint) bool { return e.InputPath == point.InputPath }) {
				options.EntryPointsAdvanced = append(options.EntryPointsAdvanced, point)
			}
		}
	}
	entries, err := esbuild(options, files, g)
	if err != nil {
		return err
	}
	for _, p := range pages {
		if err := p.write(web, files, g, entries); err != nil {
			return fmt.Errorf("%s: %w", p.source, err)
		}
	}
	return nil
}

// bundleSDK compiles imkey.js with what it loads on demand, and adds its types.
func bundleSDK(ctx context.Context, o Options, module, web string, files tree, g graph) error {
	goSupport, err := wasmExec(ctx, module)
	if err != nil {
		return err
	}
	options := bundling(web, o.Debug)
	options.EntryPointsAdvanced = []api.EntryPoint{
		{InputPath: "apps/package/imkey.ts", OutputPath: strings.TrimSuffix(sdkName, ".js")},
		{InputPath: "sdk/client/backup-worker.ts", OutputPath: strings.TrimSuffix(workerName, ".js")},
	}
	options.EntryNames = "[name]"
	options.Plugins = []api.Plugin{goSupportPlugin(goSupport), cssTextPlugin(web)}
	if _, err := esbuild(options, files, g); err != nil {
		return err
	}
	types, err := readSource(web, "sdk/types/imkey.d.ts")
	if err != nil {
		return err
	}
	return files.add(typeName, types)
}

// bundleBroker compiles imkey-broker.js, in a run of its own: chunks that it shared with imkey.js would split that in two.
func bundleBroker(web string, debug bool, files tree, g graph) error {
	return bundleBeside(web, debug, "broker/index.ts", brokerName, files, g)
}

// bundleBeside compiles a file that lies beside imkey.js and imports it.
func bundleBeside(web string, debug bool, source, name string, files tree, g graph) error {
	options := bundling(web, debug)
	options.EntryPointsAdvanced = []api.EntryPoint{{InputPath: source, OutputPath: strings.TrimSuffix(name, ".js")}}
	options.EntryNames = "[name]"
	options.Plugins = []api.Plugin{sdkPlugin("./")}
	_, err := esbuild(options, files, g)
	return err
}

func bundling(web string, debug bool) api.BuildOptions {
	options := api.BuildOptions{
		AbsWorkingDir:     web,
		Outdir:            filepath.Join(web, "out"), // nothing is written there; names are relative to it
		Bundle:            true,
		Splitting:         true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		Platform:          api.PlatformBrowser,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsEndOfFile,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		ChunkNames:        assets + "/[name]-[hash]",
		AssetNames:        assets + "/[name]-[hash]",
		Loader: map[string]api.Loader{
			".svg": api.LoaderFile, ".png": api.LoaderFile, ".webp": api.LoaderFile, ".woff2": api.LoaderFile,
		},
		Metafile: true,
		Write:    false,
		LogLevel: api.LogLevelSilent,
	}
	if debug {
		options.MinifyWhitespace, options.MinifyIdentifiers, options.MinifySyntax = false, false, false
		options.Sourcemap = api.SourceMapInline // a file of its own would not be in the manifest
	}
	return options
}

// entry is the output of an entry point.
type entry struct {
	file   string
	styles string // the style sheet that a script imports, if any
}

// esbuild runs one build. It adds the output to files and the imports to g, and returns the entry points by their sources.
func esbuild(options api.BuildOptions, files tree, g graph) (map[string]entry, error) {
	result := api.Build(options)
	// A warning is a mistake in the sources, such as a duplicate key or an unreachable case. It fails the build as an error does.
	if messages := append(result.Errors, result.Warnings...); len(messages) > 0 {
		text := api.FormatMessages(messages, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return nil, errors.New(strings.TrimSpace(strings.Join(text, "")))
	}
	for _, f := range result.OutputFiles {
		name, err := filepath.Rel(options.Outdir, f.Path)
		if err != nil {
			return nil, err
		}
		if err := files.add(filepath.ToSlash(name), f.Contents); err != nil {
			return nil, err
		}
	}

	var meta struct {
		Outputs map[string]struct {
			EntryPoint string
			CSSBundle  string
			Imports    []struct {
				Path     string
				Kind     string
				External bool
			}
		}
	}
	if err := json.Unmarshal([]byte(result.Metafile), &meta); err != nil {
		return nil, fmt.Errorf("reading esbuild's metafile: %w", err)
	}
	entries := map[string]entry{}
	for file, output := range meta.Outputs {
		file = strings.TrimPrefix(file, "out/")
		if output.EntryPoint != "" {
			entries[output.EntryPoint] = entry{file, strings.TrimPrefix(output.CSSBundle, "out/")}
		}
		for _, i := range output.Imports {
			if slices.Contains(afterPairing, meta.Outputs[i.Path].EntryPoint) {
				continue
			}
			to := strings.TrimPrefix(i.Path, "out/")
			if i.External {
				if !strings.HasPrefix(i.Path, ".") {
					continue // an address of the site that is not a file of the build
				}
				to = path.Join(path.Dir(file), i.Path)
			}
			g.add(file, to, i.Kind == "dynamic-import")
		}
	}
	return entries, nil
}

// goSupportPlugin makes `import { evaluate } from 'go:wasm_exec'` return Go's JavaScript support.
//
// The file that Go ships writes Go, fs, process and path to globalThis, or uses those that the page has. Here the file is the
// body of a function with a parameter globalThis, which sdk/client/loader.ts passes.
func goSupportPlugin(js string) api.Plugin {
	const before = `/*! Go's wasm_exec.js: Copyright 2018 The Go Authors, under the BSD-style licence of Go */
export function evaluate(globalThis) {
const fs = { writeSync: (fd, bytes) => globalThis.fs.writeSync(fd, bytes) };
`
	const after = `
return globalThis.Go;
}
`
	contents := before + js + after
	return api.Plugin{Name: "go support", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^go:wasm_exec$`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: a.Path, Namespace: "go"}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "go"}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
			return api.OnLoadResult{Contents: &contents, Loader: api.LoaderJS}, nil
		})
	}}
}

// moduleName is the name of the SDK in the imports of pages and adapters, as in those of sites.
const moduleName = "imkey-connect"

// sdkPlugin replaces an import of the SDK, of the broker or of a coin's adapter by its name with an import of the file that lies beside imkey.js
// in the folder, an address that ends with a slash, so that there is only one copy of each.
func sdkPlugin(folder string) api.Plugin {
	return api.Plugin{Name: "sdk", Setup: func(build api.PluginBuild) {
		names := map[string]string{moduleName: sdkName, moduleName + "/broker": brokerName}
		for _, coin := range coins {
			names[moduleName+"/"+coin] = "imkey-" + coin + ".js"
		}
		for name, file := range names {
			build.OnResolve(api.OnResolveOptions{Filter: "^" + name + "$"}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
				return api.OnResolveResult{Path: folder + file, External: true}, nil
			})
		}
	}}
}

// pure is the source of the SDK that pages may have a copy of, from the folder web: functions without any state.
var pure = []string{"sdk/provider/keccak", "sdk/provider/blocked"}

// onlyByName rejects a page's import of the SDK's sources, because it would make a second copy of them.
func onlyByName(web string) api.Plugin {
	inside := []string{filepath.Join(web, "sdk"), filepath.Join(web, "broker"), filepath.Join(web, "apps", "package")}
	return api.Plugin{Name: "only by name", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^\.`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			target := filepath.Join(a.ResolveDir, filepath.FromSlash(a.Path))
			if slices.ContainsFunc(pure, func(source string) bool { return target == filepath.Join(web, source) }) {
				return api.OnResolveResult{}, nil
			}
			for _, folder := range inside {
				if strings.HasPrefix(target, folder+string(filepath.Separator)) {
					return api.OnResolveResult{}, fmt.Errorf("pages use the SDK as sites do: import %s or %[1]s/broker instead of %s", moduleName, a.Path)
				}
			}
			return api.OnResolveResult{}, nil
		})
	}}
}
