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
}

func (e *MismatchError) Error() string {
	if e.Want == nil {
		return fmt.Sprintf("replay: the host sent %s after the last line of the script: %s", trace.CommandText(e.Got), brief(e.Got))
	}
	text := fmt.Sprintf("replay: line %d has %s, and the host sent %s", e.Line, trace.CommandText(e.Want), trace.CommandText(e.Got))
	same := 0
	for same < min(len(e.Want), len(e.Got)) && e.Want[same] == e.Got[same] {
		same++
	}
	return fmt.Sprintf("%s: %s instead of %s, other from byte %d on", text, brief(e.Got), brief(e.Want), same+1)
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
