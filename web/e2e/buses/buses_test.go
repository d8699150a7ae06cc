package buses

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCompare compares results with and without an entry of differences.json.
func TestCompare(t *testing.T) {
	known := []Difference{{Bus: "kernel", Case: "claim", Seen: "busy", Reason: "the kernel's own driver has it"}}
	seen := map[string]Seen{
		"websocket": {"claim": "ok", "read": "1", "order": []any{"a", "b"}},
		"preload":   {"claim": "ok", "read": "1", "order": []any{"a", "b"}},
		"kernel":    {"claim": "busy", "read": "1", "order": []any{"a", "b"}},
	}
	rows, stale := Compare(seen, known)
	require.Empty(t, stale)
	require.Equal(t, []Row{{Case: "claim", Seen: map[string]any{"websocket": "ok", "preload": "ok", "kernel": "busy"}, Reason: known[0].Reason}}, rows)

	seen["preload"]["order"] = []any{"b", "a"}
	delete(seen["kernel"], "read")
	rows, stale = Compare(seen, known)
	require.Empty(t, stale)
	require.Len(t, rows, 3)
	require.Equal(t, "", rows[1].Reason, "another order is another result")
	require.Equal(t, "", rows[2].Reason, "a case that a bus did not run differs")
	text := Table(seen, rows, stale)
	require.Contains(t, text, "3 cases over websocket, preload, kernel; 3 differ")
	require.Contains(t, text, "NOT EXPLAINED")
	require.Contains(t, text, known[0].Reason)

	seen["kernel"]["claim"] = "ok"
	_, stale = Compare(seen, known)
	require.Equal(t, known, stale, "the results no longer differ")
	seen["kernel"]["claim"], seen["preload"]["claim"] = "busy", "busy"
	_, stale = Compare(seen, known)
	require.Equal(t, known, stale, "another bus has the same result")
	seen["kernel"]["claim"], seen["preload"]["claim"] = "gone", "ok"
	rows, stale = Compare(seen, known)
	require.Equal(t, "", rows[0].Reason, "the result differs in another way")
	require.Equal(t, known, stale)
}

func TestDifferencesHaveReasons(t *testing.T) {
	_, err := Differences()
	require.NoError(t, err)
}

func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Write(dir, "kernel", Seen{"a": "b", "c": []any{"d"}}))
	all, err := Read(dir, t.TempDir())
	require.NoError(t, err)
	require.Equal(t, map[string]Seen{"kernel": {"a": "b", "c": []any{"d"}}}, all)
}
