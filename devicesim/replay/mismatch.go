package replay

import (
	"encoding/hex"
	"fmt"

	"imkey-connect/devicesim/trace"
)

// MismatchError is a command that is not the next one of the script.
type MismatchError struct {
	Line int    // of the script's next command; 0 at the end of the script
	Want []byte // the script's next command; nil at the end of the script
	Got  []byte // the host's command

	// What a device for any host has compared: a command without what differs between hosts, or a whole payload without its
	// signature.
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
		return fmt.Sprintf("%s: the payload without its signature is %s instead of %s, different from byte %d on",
			text, around(got, same), around(want, same), same+1)
	case e.compared && len(want) < len(e.Want):
		return fmt.Sprintf("%s: without the app key and proof it is %s instead of %s, different from byte %d on",
			text, brief(got), brief(want), same+1)
	}
	return fmt.Sprintf("%s: %s instead of %s, different from byte %d on", text, brief(got), brief(want), same+1)
}

// around returns the bytes of a payload at an offset, and some before it.
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

// brief returns a command, shortened if it is long.
func brief(b []byte) string {
	const most = 40
	if len(b) <= most {
		return hex.EncodeToString(b)
	}
	return fmt.Sprintf("%x… (%d bytes)", b[:most], len(b))
}

// UnfinishedError is a script that was not played to its end.
type UnfinishedError struct {
	Played, Of int    // numbers of commands: played, and of the script
	Line       int    // of the next command
	Command    []byte // the next command
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("replay: %d of %d commands were sent; line %d is next: %s", e.Played, e.Of, e.Line, trace.CommandText(e.Command))
}
