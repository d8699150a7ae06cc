// Package buses holds what was seen of the simulated device over each way to it, and says where they differ.
//
// The ways are "websocket" (simulatedUSB, in any browser), "preload" (a Chromium's own navigator.usb, with the library of
// devicesim/preload in it) and "kernel" (the same navigator.usb on a Linux kernel's USB stack, by way of USB/IP). Nothing
// should differ; what must is in differences.json, with the reason, and is no longer allowed there once it is gone.
package buses

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
)

// Names are the ways to the device, in the order of the table.
var Names = []string{"websocket", "preload", "kernel"}

// Seen is what was seen over one bus, by case: a word, or a list of them.
type Seen map[string]any

// Difference is a case in which one bus must be unlike the others.
type Difference struct {
	Bus    string `json:"bus"`
	Case   string `json:"case"`
	Seen   any    `json:"seen"`
	Reason string `json:"reason"`
}

//go:embed differences.json
var differences []byte

// Differences returns those that are accounted for.
func Differences() ([]Difference, error) {
	var list []Difference
	if err := json.Unmarshal(differences, &list); err != nil {
		return nil, fmt.Errorf("differences.json: %w", err)
	}
	for i, d := range list {
		if !slices.Contains(Names, d.Bus) || d.Case == "" || d.Seen == nil || len(d.Reason) < 20 {
			return nil, fmt.Errorf("differences.json: entry %d lacks a bus, a case, what was seen or a reason", i+1)
		}
	}
	return list, nil
}

// Row is one case that is not the same on all buses.
type Row struct {
	Case   string
	Seen   map[string]any // by bus; a bus without it has not seen the case
	Reason string         // "" where nothing accounts for it
}

// Compare returns the cases that differ, sorted, and those entries of known that no longer tell the truth about a bus in
// seen. What a bus in known is to have seen takes the place of what the others did.
func Compare(seen map[string]Seen, known []Difference) (rows []Row, stale []Difference) {
	cases := map[string]bool{}
	for _, s := range seen {
		for name := range s {
			cases[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		row := Row{Case: name, Seen: map[string]any{}}
		accounted := map[string]bool{} // buses
		for _, d := range known {
			if d.Case == name && seen[d.Bus] != nil && reflect.DeepEqual(seen[d.Bus][name], d.Seen) {
				accounted[d.Bus] = true
				row.Reason = d.Reason
			}
		}
		var common any
		differ, unaccounted, first := false, false, true
		for bus, s := range seen {
			value, ok := s[name]
			if ok {
				row.Seen[bus] = value
			}
			if accounted[bus] {
				differ = true
				continue
			}
			if first {
				common, first = value, false
			} else if !reflect.DeepEqual(common, value) {
				differ, unaccounted = true, true
			}
			unaccounted = unaccounted || !ok
			differ = differ || !ok
		}
		if unaccounted {
			row.Reason = ""
		}
		if differ {
			rows = append(rows, row)
		}
	}
	for _, d := range known {
		s, ran := seen[d.Bus]
		if ran && (!reflect.DeepEqual(s[d.Case], d.Seen) || sameElsewhere(seen, d)) {
			stale = append(stale, d)
		}
	}
	return rows, stale
}

// sameElsewhere says that another bus has seen what d says is the bus's own.
func sameElsewhere(seen map[string]Seen, d Difference) bool {
	for bus, s := range seen {
		if bus != d.Bus && reflect.DeepEqual(s[d.Case], d.Seen) {
			return true
		}
	}
	return false
}

// Table writes what Compare found, as text.
func Table(seen map[string]Seen, rows []Row, stale []Difference) string {
	var out strings.Builder
	var ran []string
	cases := 0
	for _, bus := range Names {
		if s, ok := seen[bus]; ok {
			ran = append(ran, bus)
			cases = max(cases, len(s))
		}
	}
	fmt.Fprintf(&out, "%d cases over %s; %d differ\n", cases, strings.Join(ran, ", "), len(rows))
	if len(rows) > 0 {
		w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "\ncase\t%s\twhy\n", strings.Join(ran, "\t"))
		for _, row := range rows {
			cells := []string{row.Case}
			for _, bus := range ran {
				cells = append(cells, cell(row.Seen[bus]))
			}
			if row.Reason == "" {
				row.Reason = "NOT ACCOUNTED FOR"
			}
			fmt.Fprintln(w, strings.Join(append(cells, row.Reason), "\t"))
		}
		w.Flush()
	}
	for _, d := range stale {
		fmt.Fprintf(&out, "no longer true of %s: %s: %s\n", d.Bus, d.Case, cell(d.Seen))
	}
	return out.String()
}

func cell(v any) string {
	if v == nil {
		return "-"
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// Write keeps what was seen over bus in dir.
func Write(dir, bus string, seen Seen) error {
	b, err := json.MarshalIndent(seen, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, bus+".json"), append(b, '\n'), 0o644)
}

// Read returns what is kept in the directories, by bus. What a later one holds counts.
func Read(dirs ...string) (map[string]Seen, error) {
	all := map[string]Seen{}
	for _, dir := range dirs {
		for _, bus := range Names {
			b, err := os.ReadFile(filepath.Join(dir, bus+".json"))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			var s Seen
			if err := json.Unmarshal(b, &s); err != nil {
				return nil, fmt.Errorf("%s/%s.json: %w", dir, bus, err)
			}
			all[bus] = s
		}
	}
	return all, nil
}

// Accounted says that differences.json accounts for every row, and holds nothing else.
func Accounted(rows []Row, stale []Difference) bool {
	return len(stale) == 0 && !slices.ContainsFunc(rows, func(r Row) bool { return r.Reason == "" })
}
