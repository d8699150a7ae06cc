package usb_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
)

// actions returns the constants of the type Action.
func actions(t *testing.T) (all []usb.Action) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "faultkinds.go", nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if name, ok := v.Type.(*ast.Ident); ok && name.Name == "Action" {
				value, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				require.NoError(t, err)
				all = append(all, usb.Action(value))
			}
		}
		return true
	})
	return all
}

// TestFaultKinds checks that the table has each action once, that each kind can be armed in its directions and with numbers in
// its range only, and that the help text describes it.
func TestFaultKinds(t *testing.T) {
	var listed []usb.Action
	for _, k := range usb.FaultKinds() {
		listed = append(listed, k.Do)
		require.Contains(t, usb.FaultHelp(), "          "+string(k.Do)+" ", "the help text")
		require.NotEmpty(t, k.Help)
		for _, on := range []string{usb.In, usb.Out} {
			fault := usb.Fault{On: on, Packet: 1, Do: k.Do}
			if k.Number != nil {
				require.Contains(t, []string{"bytes", "ms"}, k.Number.Name)
				require.Contains(t, usb.FaultHelp(), strconv.Quote(k.Number.Name))
				set(&fault, k.Number.Name, k.Number.Max)
			}
			p := usb.NewPort(identity, &recorder{}, nil)
			err := p.SetFaults([]usb.Fault{fault})
			if len(k.On) == 1 && k.On[0] != on {
				require.Error(t, err, "%s %s", k.Do, on)
				continue
			}
			require.NoError(t, err, "%s %s", k.Do, on)
			if k.Number != nil {
				for _, value := range []int{k.Number.Min - 1, k.Number.Max + 1} {
					set(&fault, k.Number.Name, value)
					require.Error(t, p.SetFaults([]usb.Fault{fault}), "%s %d", k.Do, value)
				}
			}
		}
	}
	require.ElementsMatch(t, actions(t), listed, "an action is a constant and a row of the table")
}

func set(f *usb.Fault, field string, value int) {
	if field == "ms" {
		f.MS = value
	} else {
		f.Bytes = value
	}
}

func TestFaultHelpFitsATerminal(t *testing.T) {
	for line := range strings.Lines(usb.FaultHelp()) {
		require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 80, line)
	}
}
