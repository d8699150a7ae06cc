package build

import (
	"errors"
	"maps"
	"slices"
)

// graph contains the files that each file of the build loads. The value is true if a file is loaded only on demand.
type graph map[string]map[string]bool

func (g graph) add(from, to string, onDemand bool) {
	if g[from] == nil {
		g[from] = map[string]bool{}
	}
	if already, ok := g[from][to]; ok && !already {
		return
	}
	g[from][to] = onDemand
}

// reach returns a file and all files that it loads, sorted. Files that are loaded only on demand are included if onDemand is set.
func (g graph) reach(from string, onDemand bool) []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(file string) {
		if seen[file] {
			return
		}
		seen[file] = true
		for to, lazy := range g[file] {
			if onDemand || !lazy {
				visit(to)
			}
		}
	}
	visit(from)
	return slices.Sorted(maps.Keys(seen))
}

// firstPairing returns the files that the connect page loads in a first pairing, sorted.
func (g graph) firstPairing(files tree) ([]string, error) {
	names := g.reach(connectPage, true)
	if !slices.Contains(names, sdkName) {
		return nil, errors.New("the connect page does not import " + moduleName)
	}
	if _, ok := files[wasmName]; ok {
		names = append(names, wasmName)
	}
	slices.Sort(names)
	for _, name := range names {
		if _, ok := files[name]; !ok {
			return nil, errors.New("a page loads " + name + ", which the build did not make")
		}
	}
	return names, nil
}
