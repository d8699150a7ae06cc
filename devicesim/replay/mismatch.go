package replay

import (
	"encoding/hex"
	"fmt"

	"imkey-connect/devicesim/trace"
)

// MismatchError is a command that the script does not have at its place.
type MismatchError struct {
	Line int    // of the command that the script has there; 0: the script is at its end
	Want []byte // that command; nil at the end
	Got  []byte // what the host sent

	// Of a device for any host, what was compared: without what every host has of its own, and of a payload all pieces.
	compared  bool
	payload   bool
	want, got []byte
}

func (e *MismatchError) Error() string {
	if e.Want == nil {
		return fmt.Sprintf("replay: the host sent %s after the last line of the script: %s", trace.CommandText(e.Got), brief(e.Got))
	}
	text := fmt.Sprintf("replay: line %d has %s, and the host sent %s", e.Line, trace.CommandText(e.Want), trace.CommandText(e.Got))
	want, got := e.Want, e.Got
	if e.compared {
		want, got = e.want, e.got
	}
	same := 0
	for same < min(len(want), len(got)) && want[same] == got[same] {
		same++
	}
	switch {
	case e.payload:
		return fmt.Sprintf("%s: of its payload, without the host's signature, %s instead of %s, other from byte %d on",
			text, around(got, same), around(want, same), same+1)
	case e.compared && len(want) < len(e.Want):
		text += ": without what is every host's own"
		return fmt.Sprintf("%s, %s instead of %s, other from byte %d on", text, brief(got), brief(want), same+1)
	}
	return fmt.Sprintf("%s: %s instead of %s, other from byte %d on", text, brief(got), brief(want), same+1)
}

// around is what a payload has at a place, and a little before.
func around(b []byte, at int) string {
	const before, most = 8, 40
	from := max(0, at-before)
	to := min(len(b), from+most)
	text := hex.EncodeToString(b[from:to])
	if from > 0 {
		text = "…" + text
	}
	if to < len(b) {
		text += "…"
	}
	return fmt.Sprintf("%s (%d bytes)", text, len(b))
}

// brief is the beginning of a long command.
func brief(b []byte) string {
	const most = 40
	if len(b) <= most {
		return hex.EncodeToString(b)
	}
	return fmt.Sprintf("%x… (%d bytes)", b[:most], len(b))
}

// UnfinishedError is a script that was not played to its end.
type UnfinishedError struct {
	Played, Of int    // commands
	Line       int    // of the next command
	Command    []byte // that one
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("replay: %d of %d commands were sent; line %d is next: %s", e.Played, e.Of, e.Line, trace.CommandText(e.Command))
}
