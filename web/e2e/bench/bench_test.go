package bench

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	r := Results{
		Date:     "2026-01-02",
		Machine:  map[string]string{"cores": "2"},
		Versions: map[string]string{"node": "v20"},
		Measures: []Measure{
			{Name: "a message", Unit: "packets", Least: 6, Runs: map[string][]float64{Ours: {6, 6}, "vendor": {12}}},
			{Name: "a start", Unit: "ms", Runs: map[string][]float64{Ours: {3, 1, 2.5}, "vendor": {5}}, Notes: map[string]string{"other": "needs a network"}},
		},
		Growth: []Growth{{Name: "payload & time", Unit: "ms", X: []float64{64, 65536}, Runs: [][]float64{{1, 2}, {100, 90}}}},
	}
	folder := t.TempDir()
	require.NoError(t, r.Write(folder))
	table := r.Markdown()
	require.Contains(t, table, "| a message, packets | 6 | 6 | vendor 12 (0.50) |\n")
	require.Contains(t, table, "| a start, ms | – | 2.5 | other: needs a network; vendor 5.0 (0.50) |\n")
	require.Contains(t, table, "2026-01-02. cores 2. node v20.")

	text, err := os.ReadFile(filepath.Join(folder, "bench.json"))
	require.NoError(t, err)
	var again Results
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, r, again)

	plot := r.SVG()
	require.Equal(t, 4, strings.Count(plot, "<circle"))
	require.NotContains(t, plot, "NaN")
	for d := xml.NewDecoder(strings.NewReader(plot)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
	}
}
