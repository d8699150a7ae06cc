package build

import (
	"errors"
	"maps"
	"slices"
)

// graph says which file of the build loads which others: true when only on demand.
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

// reach returns, sorted, a file and all that it loads, with or without what is loaded on demand only.
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

// firstPairing returns what the connect page loads in a first pairing.
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
