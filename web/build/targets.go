package build

import (
	"context"
	"fmt"
)

// Target is a shell of the project: an output that is built from the common sources for one environment, such as a site.
type Target struct {
	// Name selects the target on the command line.
	Name string
	// About describes the target in one line.
	About string
	// Out is the default output folder, relative to the root of the repository.
	Out string
	// Make builds the target into o.Out and returns a description of the output in one line.
	Make func(ctx context.Context, o Options) (string, error)
}

// Targets are all targets.
var Targets = []Target{
	{"site", "the folder that a site serves: the pages, imkey.js, the WASM", "web/dist", makeSite},
	{"package", "the npm package", "build", Package},
	{"testing", "the npm package for tests, with the programs of all platforms, or of this one with -host", "build", Testing},
	{"extension", "the browser extension, as a folder and as a zip", "build", Extension},
}

func makeSite(ctx context.Context, o Options) (string, error) {
	m, err := Site(ctx, o)
	if err != nil {
		return "", err
	}
	first := 0
	for _, name := range m.FirstPairing {
		first += m.Files[name].Brotli.Size
	}
	return fmt.Sprintf("%s: %d files; imkey.js %d bytes, a first pairing %d bytes (brotli)",
		o.Out, len(m.Files), m.Files[sdkName].Brotli.Size, first), nil
}
