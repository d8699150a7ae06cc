package build

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// cssTextPlugin makes `import css from './look.css?text'` return the style sheet and those that it imports as a string, for a
// shadow tree, which the page's style sheets do not reach.
func cssTextPlugin(web string) api.Plugin {
	const namespace = "css text"
	return api.Plugin{Name: namespace, Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `\.css\?text$`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			file := filepath.Join(a.ResolveDir, filepath.FromSlash(strings.TrimSuffix(a.Path, "?text")))
			// The path goes into the hash of the output, so it must not depend on the place of the repository.
			name, err := filepath.Rel(web, file)
			return api.OnResolveResult{Path: filepath.ToSlash(name), Namespace: namespace}, err
		})
		build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: namespace}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			built := api.Build(api.BuildOptions{
				AbsWorkingDir:    web,
				EntryPoints:      []string{a.Path},
				Outdir:           filepath.Join(web, "out"), // nothing is written there
				Bundle:           true,
				Target:           api.ES2022,
				Charset:          api.CharsetUTF8,
				MinifyWhitespace: true,
				MinifySyntax:     true,
				LogLevel:         api.LogLevelSilent,
			})
			if messages := append(built.Errors, built.Warnings...); len(messages) > 0 {
				return api.OnLoadResult{Errors: messages}, nil
			}
			if len(built.OutputFiles) != 1 {
				return api.OnLoadResult{}, errors.New("a style sheet that is imported as text cannot load other files")
			}
			text := string(built.OutputFiles[0].Contents)
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderText}, nil
		})
	}}
}
