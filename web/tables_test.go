package web_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
)

// TestTablesAgree checks lists that are both in Go and in TypeScript, and are not generated: a value that is new in Go has to be known
// to the declarations or to the pages, and the other way round.
func TestTablesAgree(t *testing.T) {
	statuses := []string{}
	for _, s := range []binding.Status{binding.Unbound, binding.BoundToThis, binding.BoundElsewhere} {
		statuses = append(statuses, s.String())
	}
	for name, table := range map[string]struct{ golang, typescript []string }{
		"what a transaction does": {
			constants(t, "../core/ethereum", ofType("Kind")),
			union(t, "sdk/types/imkey.d.ts", "export interface TransactionSummary {", "readonly kind:"),
		},
		"the status of a binding": {statuses, union(t, "sdk/types/imkey.d.ts", "export type BindingStatus =")},
		"what the user has to do": {
			constants(t, "../wasm", named("confirm", "readCode")),
			union(t, "sdk/types/imkey.d.ts", "export interface Interaction {", "readonly reason:"),
		},
		"what the simulated screen shows": {
			constants(t, "../devicesim/device", ofType("Showing")),
			union(t, "ui/simulator/control.ts", "export type Showing ="),
		},
		"the kinds of events of a trace": {
			constants(t, "../devicesim/trace", named("KindPacket", "KindControl", "KindAPDU", "KindPlug", "KindScreen")),
			union(t, "ui/simulator/control.ts", "export interface TraceEvent {", "readonly kind:"),
		},
		"the kinds of moments of a history": {
			constants(t, "../devicesim/control", named("MomentScreen", "MomentUser", "MomentFaults")),
			union(t, "ui/simulator/control.ts", "export interface HistoryEvent {", "readonly kind:"),
		},
	} {
		require.NotEmpty(t, table.golang, name)
		require.ElementsMatch(t, table.golang, table.typescript, name)
	}
}

// TestRefusalsHaveWords checks that the device page has words for every reason of the control API for which the device refuses what
// the page asks.
func TestRefusalsHaveWords(t *testing.T) {
	words := regexp.MustCompile(`(?s)export const refusals\b.*?= \{\n(.*?)\n\}`).FindSubmatch(read(t, "ui/words/device.ts"))
	require.NotNil(t, words)
	worded := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  '?([a-z-]+)'?: say\(`).FindAllSubmatch(words[1], -1) {
		worded[string(m[1])] = true
	}
	var reasons []string
	for _, m := range regexp.MustCompile(`\{device\.Err\w+, "[a-z]+", "([a-z-]+)"\}|"(pin-wrong)"`).FindAllSubmatch(read(t, "../devicesim/control/problem.go"), -1) {
		reasons = append(reasons, string(m[1])+string(m[2]))
	}
	// The page presses only buttons that there are, and asks for no applets.
	reasons = slices.DeleteFunc(reasons, func(r string) bool { return r == "button" || r == "applet" })
	// The page itself finds that the simulator does not answer.
	reasons = append(reasons, "unreachable")
	require.ElementsMatch(t, reasons, slices.Collect(maps.Keys(worded)))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	return source
}

// union returns the members of a union of strings in TypeScript, which follows the last of the texts.
func union(t *testing.T, path string, after ...string) (members []string) {
	t.Helper()
	rest := string(read(t, path))
	for _, text := range after {
		_, tail, found := strings.Cut(rest, text)
		require.True(t, found, "%s has %q", path, text)
		rest = tail
	}
	text := regexp.MustCompile(`^(?:\s*\|?\s*'[a-z-]+')+`).FindString(rest)
	for _, m := range regexp.MustCompile(`'([a-z-]+)'`).FindAllStringSubmatch(text, -1) {
		members = append(members, m[1])
	}
	require.NotEmpty(t, members, "%s: a union after %q", path, after)
	return members
}

func ofType(name string) func(*ast.ValueSpec) bool {
	return func(s *ast.ValueSpec) bool {
		id, ok := s.Type.(*ast.Ident)
		return ok && id.Name == name
	}
}

func named(names ...string) func(*ast.ValueSpec) bool {
	return func(s *ast.ValueSpec) bool { return slices.Contains(names, s.Names[0].Name) }
}

// constants returns the values of those constants of a folder's Go files that are picked.
func constants(t *testing.T, folder string, picked func(*ast.ValueSpec) bool) (values []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.ValueSpec); ok && len(s.Values) == 1 && picked(s) {
				if literal, ok := s.Values[0].(*ast.BasicLit); ok {
					value, err := strconv.Unquote(literal.Value)
					require.NoError(t, err)
					values = append(values, value)
				}
			}
			return true
		})
	}
	return values
}

// TestChainsHaveTheirCoins checks that the chains which a request screen knows by name have the coins that core knows.
func TestChainsHaveTheirCoins(t *testing.T) {
	source, err := os.ReadFile("broker/chains.ts")
	require.NoError(t, err)
	core, err := os.ReadFile("../core/ethereum/chains.go")
	require.NoError(t, err)
	ether, coins, found := strings.Cut(string(core), "var coinChains")
	require.True(t, found)
	coins, _, _ = strings.Cut(coins, "formerEtherChains")
	rows := regexp.MustCompile(`\[(\d+), '[^']+'(?:, '([^']+)')?\],`).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(rows), 30)
	for _, row := range rows {
		if id, coin := row[1], row[2]; coin == "" {
			require.Regexp(t, `[ \t{]`+id+`[,}]`, ether, row[0])
		} else {
			require.Contains(t, coins, "{"+id+`, "`+coin+`", `, row[0])
		}
	}
}
